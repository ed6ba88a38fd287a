/* deck_scores.h: the deck's keys scores.columns and scores.primary. Private to run. */
#ifndef RJ_DECK_SCORES_H
#define RJ_DECK_SCORES_H

#include "resjac/run/deck.h"
#include "yaml_tree.h"

/* Each replaces what was there. Errors: USAGE (place, value, what is allowed); NOMEM. */
RJ_CHECKED rj_status rj_deck_score_columns(const rj_yaml *v, rj_deck *deck);
RJ_CHECKED rj_status rj_deck_score_primary(const rj_yaml *v, rj_deck *deck);

/* Once all keys are read. Errors: USAGE the keys of scores contradict each other, or the primary measure is none that this deck
 * gives; NOMEM. */
RJ_CHECKED rj_status rj_deck_scores_settle(const rj_deck *deck);
void rj_deck_scores_free(rj_deck *deck);
#endif
