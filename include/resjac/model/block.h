/* block.h: one transformer block: forward over all tokens, and its linearisation at one of them. */
#ifndef RESJAC_MODEL_BLOCK_H
#define RESJAC_MODEL_BLOCK_H

#include "resjac/base/status.h"
#include "resjac/linalg/linop.h"
#include "resjac/linalg/matrix.h"
#include "resjac/model/model.h"

typedef struct rj_block rj_block; /* weights of one block in working arithmetic; shared by many prompts */
typedef struct rj_point rj_point; /* the block linearised at token t of one prompt */

/* Which map the last block's Jacobian belongs to (deck key last_block). */
typedef enum { RJ_LAST_RAW = 0, RJ_LAST_FINAL_NORM, RJ_LAST_SKIP } rj_last_block;

/* Reads block `layer` (0-based) and dequantises it panel by panel. Not collective.
 *   block [out] free with rj_block_free before the model is closed; untouched on error
 * Errors: NUMERIC a weight is not finite (tensor, row, file); IO; FORMAT; NOMEM. */
RJ_CHECKED rj_status rj_block_load(const rj_model *model, int layer, rj_arithmetic type, rj_block **block);
void rj_block_free(rj_block **block);

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

/* Folded Jacobian J = dF/dx - I at the point (numerics: 2 d^2 (H dh + d + d_ff) flops for a sequential block).
 *   last [in]  RJ_LAST_FINAL_NORM: the final norm follows the block: J = D_final (J + I) - I; else raw
 *   jac  [out] [d,d], given by the caller, in the block's arithmetic
 * Errors: NOMEM; FORMAT RJ_LAST_FINAL_NORM where the model has no final norm. */
RJ_CHECKED rj_status rj_point_jacobian(const rj_point *point, rj_last_block last, rj_matrix *jac);

/* Columns first..first+n-1 of the same J, for ranks that share one: products with columns of the identity, about
 * twice the flops of that share of the folded product.
 *   columns [out] [d,n], given by the caller, in the block's arithmetic
 * Errors: as rj_point_jacobian; ARG columns that J does not have. */
RJ_CHECKED rj_status rj_point_columns(const rj_point *point, rj_last_block last, int first,
                                      rj_matrix *columns);

/* The same J (raw) as an operator, never formed: JVP and VJP in about 2 P flops a column. Borrows the point. */
rj_linop rj_point_linop(const rj_point *point);

/* Units of the block within a relative 1e-5 of a kink (ReLU, clip, top-k routing), where J jumps. */
int rj_point_kinks(const rj_point *point);
#endif
