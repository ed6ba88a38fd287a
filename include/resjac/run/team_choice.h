/* team_choice.h: which team measures a model's units: the smallest that fits memory and is done in about ten minutes. */
#ifndef RESJAC_RUN_TEAM_CHOICE_H
#define RESJAC_RUN_TEAM_CHOICE_H

#include "resjac/run/deck.h"
#include "resjac/run/pipeline.h"
#include "resjac/run/team.h"

/* What a layout depends on. Borrowed. */
typedef struct {
    const char *name; /* of the model, for messages */
    const rj_config *config;
    const rj_pipeline_options *options; /* options->memory: bytes a rank */
    int unit_prompts, longest;          /* prompts of a unit; tokens of the longest */
} rj_team_case;

/* Seconds that one rank needs for a unit, by flops at a nominal rate (20 GFLOP/s in single, 10 in double): good for comparing
 * layouts, not for planning. Not collective. */
double rj_team_unit_seconds(const rj_team_case *c);

/* Sets n_row and n_col of a shape: as the deck says, else 1 x 1 unless one block's decomposition does not fit a rank's memory or
 * even one block a stage would take over ten minutes a unit. Independent of the number of ranks, because results depend on it.
 * Not collective. Errors: USAGE no grid of up to 1024 ranks is enough (both sizes). */
RJ_CHECKED rj_status rj_team_choose_grid(const rj_team_case *c, const rj_deck_layout *asked,
                                         rj_team_shape *shape);

/* Sets the stages of a shape whose grid is set: as the deck says, at most a block each; else the fewest that fit memory and ten
 * minutes, and more where units are so few that ranks would be idle. Results do not depend on it. Not collective.
 *   n_units [in] of this model and those measured beside it;  n_ranks [in] of the run
 * Errors: USAGE the run has too few ranks (names how many would do). */
RJ_CHECKED rj_status rj_team_choose_stages(const rj_team_case *c, const rj_deck_layout *asked, int n_units,
                                           int n_ranks, rj_team_shape *shape);
#endif
