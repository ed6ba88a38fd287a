/* topk.h: leading singular triplets of a square matrix, with certificates. */
#ifndef RESJAC_LINALG_TOPK_H
#define RESJAC_LINALG_TOPK_H

#include "resjac/linalg/matrix.h"

/* Stored in the output: values are never reused. */
typedef enum {
    RJ_SVD_FULL = 1,  /* all of J on one rank (rj_topk_full) */
    RJ_SVD_GRID = 2,  /* all of J on a grid of ranks (rj_psvd_full) */
    RJ_SVD_KRYLOV = 3 /* leading triplets by products with J and J' (rj_topk_krylov) */
} rj_svd_method;

/* Leading k triplets of J [d,d]: J v_i = s_i u_i, s descending. Owned; free with rj_topk_free. */
typedef struct {
    int d, k;
    rj_svd_method method;
    rj_matrix u, v;            /* [d,k] */
    double *s;                 /* [k] */
    double *residual_right;    /* [k]: ||J v_i - s_i u_i|| / s_1 */
    double *residual_left;     /* [k]: ||J' u_i - s_i v_i|| / s_1 */
    double orthogonality_loss; /* max(max |U'U - I|, max |V'V - I|) */
    int n_all;                 /* singular values known: d by a full decomposition, else k */
    double *s_all;             /* [n_all], descending */
    int columns;               /* of J, and again of J', multiplied by a Krylov method, 0 by others */
} rj_topk;

/* All singular values and the leading k triplets by divide and conquer (rj_lapack_svd), in J's arithmetic;
 * certificates from two true products in that arithmetic. O(d^3), workspace about 6 d^2 elements.
 * The largest |component| of each u_i, the first of equals, is positive. A zero matrix has s = 0, residuals 0.
 * Not collective.
 *   jac [in]  [d,d], finite
 *   k   [in]  1 <= k <= d
 *   top [out] untouched on error
 * Errors: ARG shape, k, or d beyond rj_lapack_svd's; NUMERIC J is not finite (names the element), or a certificate
 * above 1e3 eps d^(1/2) (names the value); NOMEM; LIB no convergence. */
RJ_CHECKED rj_status rj_topk_full(const rj_matrix *jac, int k, rj_topk *top);
void rj_topk_free(rj_topk *top);

/* Numerical rank: how many of top->s_all are above 10 eps d^(1/2) s_1, eps of J's arithmetic. A decomposition may leave an exact
 * zero at some eps d^(1/2) s_1, and the directions that belong to it are noise. */
int rj_topk_rank(const rj_topk *top);

/* Smallest relative gap (s_i - s_(i+1))/s_1 (0-based, i = 0..k-1) among s_1..s_(k+1); where k = d the last gap
 * is s_k/s_1 (the next singular value is 0). 0 for s_1 = 0, NAN where s_(k+1) is not known. */
double rj_topk_gap(const rj_topk *top, int k);
#endif
