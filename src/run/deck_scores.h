/* deck_scores.h: the deck's keys scores.columns and scores.primary, and the section as a whole. Private to run. */
#ifndef RJ_DECK_SCORES_H
#define RJ_DECK_SCORES_H

#include "resjac/run/deck.h"
#include "yaml_tree.h"

/* Each replaces what was there. Errors of both: USAGE (place, value, what is allowed); NOMEM. */
RJ_CHECKED rj_status rj_deck_scores_columns(const rj_yaml *v, rj_deck_scores *scores);
RJ_CHECKED rj_status rj_deck_scores_primary(const rj_yaml *v, rj_deck_scores *scores);

/* Once all keys are read. Errors: USAGE no table beside other keys, no columns, or a primary measure that the deck does not give; NOMEM. */
RJ_CHECKED rj_status rj_deck_scores_check(const rj_deck *deck);
void rj_deck_scores_free(rj_deck_scores *scores);
#endif
