/* deck_alignment.h: the deck's key store.alignment: which prompts keep their alignment matrices. Private to run. */
#ifndef RJ_DECK_ALIGNMENT_H
#define RJ_DECK_ALIGNMENT_H

#include "resjac/run/deck.h"
#include "resjac/run/prompts.h"
#include "yaml_tree.h"

/* A fresh list, which replaces the old one. Errors: USAGE not a list, or a name that no prompt can have (place, value). */
RJ_CHECKED rj_status rj_deck_alignment(const rj_yaml *value, int *n, rj_deck_prompt **list);

/* Finds the prompts named: by their id, else by their number in the file, from 1.
 *   index [out] [n] indices from 0, ascending, no two the same; freed with rj_free; untouched on error
 * Errors: USAGE no such prompt, an id that several have, a prompt named twice (place, value, remedy); NOMEM. */
RJ_CHECKED rj_status rj_deck_alignment_find(const rj_prompts *prompts, int n, const rj_deck_prompt *list,
                                            int **index);
#endif
