/* psvd.h: leading singular triplets of a matrix spread over a grid of ranks, with certificates. */
#ifndef RESJAC_LINALG_PSVD_H
#define RESJAC_LINALG_PSVD_H

#include "resjac/linalg/dmat.h"
#include "resjac/linalg/topk.h"

/* What rj_psvd_full needs beside J. */
typedef struct {
    ptrdiff_t work;       /* elements of ScaLAPACK's workspace on the fullest rank */
    ptrdiff_t rank_bytes; /* peak of any rank but the first */
    ptrdiff_t root_bytes; /* peak of rank 0, which alone decomposes the bidiagonal matrix: 40 d^2 and more */
} rj_psvd_needs;

/* Whether J [d,d] in blocks of nb on n_row x n_col ranks can be decomposed, and with what. Counts exactly: ScaLAPACK's own
 * answers are rounded (in single) or wrap. Allocates nothing; not collective.
 *   needs [out] untouched on error
 * Errors: ARG that of rj_dmat_check; k outside 1..d; d beyond LAPACK's divide and conquer (26,754); a workspace above
 * INT_MAX. */
RJ_CHECKED rj_status rj_psvd_plan(rj_arithmetic type, ptrdiff_t d, ptrdiff_t k, int nb, int n_row, int n_col,
                                  rj_psvd_needs *needs);

/* All singular values and the leading k triplets of J by bidiagonalisation and the way back on the grid in J's arithmetic, and
 * divide and conquer on rank 0 in double. Signs, residuals and their limit as rj_topk_full's, the certificates from
 * distributed products. About (8/3 d^3 + 4 d^2 k) / ranks + 4/3 d^3 flops; 64 is a good block. The bits depend on the shape of
 * the grid and on the block, and on nothing else. Collective on J's grid.
 *   jac [in]  [d,d], finite
 *   k   [in]  1 <= k <= d, the same on every rank
 *   top [out] on every rank, those outside the grid included, with equal frames and values; free with rj_topk_free;
 *             untouched on error
 * Errors, the same on every rank: ARG shape, k, blocks that are not square, those of rj_psvd_plan; NUMERIC J is not finite (names
 * the element), or a certificate above 1e3 eps d^(1/2); NOMEM on any rank; LIB a library refused or did not converge. */
RJ_CHECKED rj_status rj_psvd_full(const rj_dmat *jac, int k, rj_topk *top);
#endif
