/* block_parts.h: what a block and its linearisation consist of; for block.c and jacobian.c.
 *   h = S1(x + P1 attention(N1 x)),  F = S2(h + P2 mlp(N2 h)),  norms N before and P behind a sublayer, S of a sum; absent ones
 *   are I; parallel: F = h + P2 mlp(N2 x). In a decoder comes h <- h + cross(Nc h) between the two, which reads the memory. */
#ifndef RESJAC_MODEL_BLOCK_PARTS_H
#define RESJAC_MODEL_BLOCK_PARTS_H

#include "resjac/model/attention.h"
#include "resjac/model/block.h"
#include "resjac/model/experts.h"
#include "resjac/model/mlp.h"
#include "resjac/model/tensors.h"

struct rj_block {
    const rj_model *model; /* borrowed */
    int layer;             /* 0-based */
    rj_arithmetic type;
    bool parallel;
    rj_norm attention_norm, attention_post_norm, attention_sum_norm, mlp_norm, mlp_post_norm, mlp_sum_norm;
    rj_attention attention;
    rj_norm cross_norm;
    rj_attention cross; /* n_head = 0: there is none */
    rj_mlp mlp;
    rj_experts experts; /* in place of mlp where n_expert > 0 */
};

struct rj_point {
    const rj_block *block; /* borrowed */
    rj_norm_point attention_norm, attention_post_norm, attention_sum_norm, mlp_norm, mlp_post_norm,
        mlp_sum_norm;
    rj_attention_point attention;
    rj_norm_point cross_norm;
    rj_attention_point cross;
    rj_mlp_point mlp;
    rj_experts_point experts;
    double *out; /* [d]: state behind the block */
    double
        delta; /* 1 where source and target are one token: its state also passes beside the sublayers; else 0 */
};
#endif
