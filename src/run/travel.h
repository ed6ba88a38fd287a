/* travel.h: prompts on their way through the blocks of this rank's stage. Private to run. */
#ifndef RJ_TRAVEL_H
#define RJ_TRAVEL_H

#include "matrix_free.h"
#include "resjac/metrics/coupling.h"
#include "resjac/run/pipeline.h"

/* A batch of prompts of one unit. Arrays are [n]. */
typedef struct {
    const rj_team *team;
    const rj_model *model;
    const rj_config *config;
    const rj_pipeline_options *options;
    rj_record *record;
    rj_range stage, home;      /* of blocks */
    int first, n;              /* prompts of the record */
    int *n_tokens, *n_memory;  /* of the stream; of what a decoder's blocks read besides, else 0 */
    double **x;                /* [d, memory, then T_i]: the stream in front of the stage, then behind it */
    double **path;             /* [d,L+1]: the last token's states; this rank's depths only, else 0 */
    rj_coupling_block **block; /* [L]: blocks of `home`, else without data */
    rj_topk **top;             /* [L] */
    int *status;               /* rj_status of each prompt */
    rj_kept_blocks kept; /* of a matrix-free run: blocks whose weights are read again for the coupling */
    rj_kept_row **row;   /* [L] */
} rj_travel;

/* Allocates the batch; stage 0 embeds the prompts, of a decoder its start token behind the encoder's last states of the prompt: with
 * the stream they go from stage to stage. Not collective; free with rj_travel_free also after an error.
 * Errors: those of rj_model_embed and of the encoder's blocks; of options->tick; NOMEM. */
RJ_CHECKED rj_status rj_travel_start(const rj_tokens *tokens, rj_travel *t);

/* The token that is measured, and behind which there is none: of the prompt the last, of a decoder its start token. */
int32_t rj_travel_measured(const rj_config *config, const rj_tokens *tokens);
void rj_travel_free(rj_travel *t);

/* Brings the streams in front of each stage, by the forward pass alone. Collective on the team.
 * Errors: those of the blocks, the same on every rank. */
RJ_CHECKED rj_status rj_travel_to_stages(rj_travel *t);

/* Takes all prompts through the stage's blocks, one block at a time: states, Jacobians, decompositions. Collective on the team.
 * Errors: of the blocks and of options->tick, the same on every rank; a prompt's own trouble is in status, on every rank. */
RJ_CHECKED rj_status rj_travel_stage(rj_travel *t);

/* A prompt's own trouble (NUMERIC) is logged and stays with prompt i; any other error is handed on. */
RJ_CHECKED rj_status rj_travel_own_trouble(rj_travel *t, int i, rj_status outcome);

/* Tells options->tick what share of the unit is done when, of this batch, `steps` times a prompt passed a block of the stage
 * and `coupled` prompts are coupled. Returns its answer. */
RJ_CHECKED rj_status rj_travel_tick(const rj_travel *t, int steps, int coupled);
#endif
