/* pipeline.h: one unit of work: prompts of one model -> all measures. */
#ifndef RESJAC_RUN_PIPELINE_H
#define RESJAC_RUN_PIPELINE_H

#include <stdint.h>

#include "resjac/base/status.h"
#include "resjac/linalg/krylov.h"
#include "resjac/model/block.h"
#include "resjac/model/model.h"
#include "resjac/run/team.h"
#include "resjac/store/record.h"

/* The token modes of a study's model. Borrowed. */
typedef struct {
    size_t modes; /* as in rj_sizes; 0: none */
    int n;
    const int *at;     /* [n] tokens, from 0, or from the end of a prompt where negative */
    const bool *layer; /* [L] the layers to take */
} rj_token_options;

typedef struct {
    rj_arithmetic arithmetic;
    bool
        matrix_free; /* with RJ_SVD_KRYLOV: no J is formed, but one that the final norm follows; not on a grid */
    rj_svd_method svd;    /* RJ_SVD_KRYLOV: leading triplets; else all of J */
    double svd_tolerance; /* of the former; 0 = auto */
    rj_last_block last_block;
    int n_k;
    const int *k;   /* [n_k] counts, each 1..d */
    int norm;       /* p of ||s||_p */
    bool vju;       /* also coupling_misfit_vju, about half of the coupling's flops; else it is missing */
    uint64_t seed;  /* of the draws behind coupling_null_sd, of a search's first columns and of probes */
    int64_t memory; /* bytes this rank may use; decides how many prompts share one pass over the weights */
    int n_aligned;
    const int
        *aligned; /* [n_aligned] prompts of the unit that keep their alignment matrices, from 0, ascending */
    rj_token_options tokens; /* of teams without a grid */
    /* Called after each block and the coupling of each prompt with the share of the unit that is done; what it returns but OK ends the
     * unit. May be NULL. */
    rj_status (*tick)(void *ctx, double share);
    void *tick_ctx;
} rj_pipeline_options;

/* Token ids of one prompt. Borrowed. */
typedef struct {
    int n;
    const int32_t *ids;
} rj_tokens;

/* Sizes of the record of n_prompts prompts: sv = min(d, max(max K + 14, 64)); i, j = min(50, max K) where some are aligned. */
rj_sizes rj_pipeline_sizes(const rj_config *config, const rj_pipeline_options *options, ptrdiff_t n_prompts);

/* What to ask of a decomposition: certified are max K triplets and those that the controls which drop some need more. */
rj_krylov_options rj_pipeline_triplets(const rj_config *config, const rj_pipeline_options *options);

/* Bytes of a rank that keeps n_kept Jacobians of each prompt and decomposes together with n_grid ranks in all, with as many of
 * n_prompts prompts of n_tokens tokens beside each other as options->memory allows, but at least one. */
int64_t rj_pipeline_memory(const rj_config *config, const rj_pipeline_options *options, int n_tokens,
                           int n_kept, int n_grid, int n_prompts);

/* Trajectory, Jacobian, decomposition and coupling of every prompt. A prompt whose states or Jacobians are not finite is
 * marked in RJ_VAR_PROMPT_STATUS and the others go on. Results of a prompt do not depend on which others share its unit, nor on the number of the team's stages.
 *   tokens [in]  [n_prompts]
 *   record [in,out] of rj_pipeline_sizes, on every rank; its aprompt is set; all values end on rank 0 of the team, the others' are undefined
 * Collective on the team. Errors, the same on every rank: that of tick on any; those of the blocks (a weight that cannot be read or
 * is not finite fails the unit); NOMEM; LIB. */
RJ_CHECKED rj_status rj_pipeline_run(const rj_team *team, const rj_model *model,
                                     const rj_pipeline_options *options, int n_prompts,
                                     const rj_tokens *tokens, rj_record *record);
#endif
