/* block.h: one transformer block: forward over all tokens, and its linearisation from one of them to one of them. */
#ifndef RESJAC_MODEL_BLOCK_H
#define RESJAC_MODEL_BLOCK_H

#include "resjac/base/status.h"
#include "resjac/linalg/linop.h"
#include "resjac/linalg/matrix.h"
#include "resjac/model/model.h"

typedef struct rj_block rj_block; /* weights of one block in working arithmetic; shared by many prompts */
typedef struct rj_point
    rj_point; /* of one prompt: the state of token t behind the block by that of token s before it */

/* Which map the last block's Jacobian belongs to (deck key last_block). */
typedef enum { RJ_LAST_RAW = 0, RJ_LAST_FINAL_NORM, RJ_LAST_SKIP } rj_last_block;

/* Reads block `layer` (0-based) and dequantises it panel by panel. Not collective.
 *   block [out] free with rj_block_free before the model is closed; untouched on error
 * Errors: NUMERIC a weight is not finite (tensor, row, file); IO; FORMAT; NOMEM. */
RJ_CHECKED rj_status rj_block_load(const rj_model *model, int layer, rj_arithmetic type, rj_block **block);
void rj_block_free(rj_block **block);

/* Gives its weights' memory back while points of it live, whose products are not to be asked for until rj_block_reload has read
 * them again: the same, at the same place. Errors of that: as rj_block_load; the block then stays without weights. */
void rj_block_unload(rj_block *block);
RJ_CHECKED rj_status rj_block_reload(rj_block *block);

/* X <- block(X) for all T tokens; keeps the linearisation at token t = s (source = target) on request.
 *   x     [in,out] [d,T] column-major, the residual stream, in double
 *   t     [in]     0 <= t < T
 *   point [out]    NULL where no linearisation is wanted; free with rj_point_free, before the block
 * Errors: NUMERIC a state is not finite (layer, token); NOMEM. */
RJ_CHECKED rj_status rj_block_forward(const rj_block *block, int T, double *x, int t, rj_point **point);
/* The same of a decoder's block, whose tokens attend to a memory besides: the encoder's states behind its final norm.
 *   x [in,out] [d, n_memory + T]: the memory, which stays, then the stream; t counts from the stream's first token
 * Errors: ARG a memory for a block that reads none, or none for one that does. */
RJ_CHECKED rj_status rj_block_decode(const rj_block *block, int n_memory, int T, double *x, int t,
                                     rj_point **point);
void rj_point_free(rj_point **point);

/* The linearisation of token t's state behind the block by token s's before it (method, section 2: J^l_(s->t)); x stays. Where
 * the block is causal, tokens behind t are not looked at. For s = t = T - 1 it is that of rj_block_decode, to the bit.
 *   x [in] [d, n_memory + T], as there; n_memory = 0 for a block that reads no memory
 *   s [in] 0 <= s < T, s <= t where the block is causal. A token that t does not see (outside its window) gives J = 0
 * Errors: ARG s, t or n_memory; NUMERIC a state is not finite (layer, token); NOMEM. */
RJ_CHECKED rj_status rj_block_linearise(const rj_block *block, int n_memory, int T, const double *x, int s,
                                        int t, rj_point **point);

/* Folded Jacobian at the point, J = dF_t/dx_s, less I where s = t (at most 2 d^2 (H dh + d + d_ff) flops for a sequential block).
 *   last [in]  RJ_LAST_FINAL_NORM: the final norm follows the block: J = D_final (J + I) - I; else raw
 *   jac  [out] [d,d], given by the caller, in the block's arithmetic
 * Errors: NOMEM; FORMAT RJ_LAST_FINAL_NORM where the model has no final norm. */
RJ_CHECKED rj_status rj_point_jacobian(const rj_point *point, rj_last_block last, rj_matrix *jac);

/* The same J (raw) as an operator, never formed: JVP and VJP in about 2 P flops a column. Borrows the point. */
rj_linop rj_point_linop(const rj_point *point);

/* What all s -> t of one t share: B = P2 Wdown H D2, the derivative of t's MLP, norms included.
 *   mlp [out] [d,d], given by the caller, in the block's arithmetic
 * Errors: NOMEM; ARG its shape. */
RJ_CHECKED rj_status rj_point_mlp(const rj_point *point, rj_matrix *mlp);
/* rj_point_jacobian with that B of another point of the same block and t, to the bit; mlp NULL: without. */
RJ_CHECKED rj_status rj_point_jacobian_sharing(const rj_point *point, const rj_matrix *mlp,
                                               rj_last_block last, rj_matrix *jac);

/* For ranks that share one J: each takes some columns of P2 Wdown H; all of them side by side, rj_point_mlp_whole makes B; with B
 * each takes some columns of J. Together as many flops as rj_point_jacobian, A formed.
 *   share, columns [out] [d,n], columns first..first+n-1, given by the caller, in the block's arithmetic
 *   mlp            [in,out] [d,d], of rj_point_mlp_whole; then [in]
 * Errors: as rj_point_jacobian; ARG columns that J does not have. */
RJ_CHECKED rj_status rj_point_mlp_share(const rj_point *point, int first, rj_matrix *share);
RJ_CHECKED rj_status rj_point_mlp_whole(const rj_point *point, rj_matrix *mlp);
RJ_CHECKED rj_status rj_point_columns(const rj_point *point, const rj_matrix *mlp, rj_last_block last,
                                      int first, rj_matrix *columns);

/* Units of the block within a relative 1e-5 of a kink (ReLU, clip, top-k routing), where J jumps. */
int rj_point_kinks(const rj_point *point);
#endif
