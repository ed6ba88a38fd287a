/* team_choice.h: which team measures a model's units: the smallest that fits memory and is done in about ten minutes. */
#ifndef RESJAC_RUN_TEAM_CHOICE_H
#define RESJAC_RUN_TEAM_CHOICE_H

#include "resjac/run/deck.h"
#include "resjac/run/pipeline.h"
#include "resjac/run/team.h"
#include "resjac/schedule/expect.h"

/* What a layout depends on. Borrowed. */
typedef struct {
    const char *name; /* of the model, for messages */
    const rj_config *config;
    const rj_pipeline_options *options; /* options->memory: bytes a rank */
    bool is_twin;
    int unit_prompts, longest; /* prompts of a unit; tokens of the longest */
    double tokens;             /* of a prompt, mean */
} rj_team_case;

/* The case in plain numbers. Not collective. */
rj_work rj_team_work(const rj_team_case *c);

/* Seconds that a team needs for a unit on the built-in machine: good for comparing layouts. Not collective. */
double rj_team_unit_seconds(const rj_team_case *c, int stages, int n_grid);

/* Bytes of the fullest rank of a team, with as many prompts side by side as options->memory allows. Not collective. */
int64_t rj_team_memory(const rj_team_case *c, const rj_team_shape *shape);

/* Sets n_row and n_col of a shape: as the deck says, else 1 x 1. A grid repeats the forward pass in each of its ranks, evaluates J by
 * twice the flops and needs no less memory on its first rank, so stages are taken where a choice is left. Independent of the number
 * of ranks, because results depend on it. Not collective. Errors: USAGE one block of one prompt does not fit a rank (both sizes). */
RJ_CHECKED rj_status rj_team_choose_grid(const rj_team_case *c, const rj_deck_layout *asked,
                                         rj_team_shape *shape);

/* Sets the stages of a shape whose grid is set: as the deck says, at most a block each; else the fewest that fit memory, and more
 * where the model's units are then done sooner, or a unit within ten minutes at little cost. Results do not depend on it. Not collective.
 *   n_units [in] of this model;  n_ranks [in] of the run
 * Errors: USAGE the run has too few ranks (names how many would do). */
RJ_CHECKED rj_status rj_team_choose_stages(const rj_team_case *c, const rj_deck_layout *asked, int n_units,
                                           int n_ranks, rj_team_shape *shape);
#endif
