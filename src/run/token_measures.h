/* token_measures.h: the token modes of one prompt and block (method, section 5). Private to run. */
#ifndef RJ_TOKEN_MEASURES_H
#define RJ_TOKEN_MEASURES_H

#include "resjac/run/pipeline.h"

/* One block as one prompt meets it. Borrowed. */
typedef struct {
    const rj_config *config;
    const rj_pipeline_options *options;
    const rj_block *block;
    int layer; /* 0-based */
    rj_last_block last;
    int T;
    const double *x;              /* [d,T] in front of the block */
    rj_status (*tick)(void *ctx); /* called after each Jacobian; what it returns but OK ends the call */
    void *tick_ctx;
} rj_token_case;

/* All modes of options->tokens into prompt p of the record, whose values must be missing before. Not collective.
 * Errors: of the block (NUMERIC too), of a decomposition, of rj_coupling_rows, of tick; NOMEM. */
RJ_CHECKED rj_status rj_measure_tokens(const rj_token_case *c, rj_record *r, ptrdiff_t p);

/* Bytes that it needs for n tokens beside what a block's own Jacobian does. */
int64_t rj_measure_tokens_memory(const rj_config *config, const rj_pipeline_options *options);
#endif
