/* krylov.h: leading singular triplets of an operator known by its products alone, with certificates. */
#ifndef RESJAC_LINALG_KRYLOV_H
#define RESJAC_LINALG_KRYLOV_H

#include <stdint.h>

#include "resjac/linalg/linop.h"
#include "resjac/linalg/topk.h"

typedef struct {
    int k;    /* triplets that must be certified, 1..d */
    int most; /* of the further ones, up to this many in all, those are kept that came out well; k..d */
    double tolerance; /* bound of ||J'u_i - s_i v_i||/s_i, i < k, but never below 4 eps s_1/s_i;
                         0: 1e-4 in single, 1e-6 in double arithmetic */
    uint64_t seed;    /* of the starting block */
} rj_krylov_options;

/* Most columns of J, and again of J', that rj_topk_krylov takes before it forms J and decomposes all of it: d/2 in whole
 * blocks. Less than rj_krylov_least(k): it takes rj_topk_full at once. */
int rj_krylov_limit(int d);
int rj_krylov_least(int k);

/* Leading triplets of J [d,d] by block Golub-Kahan-Lanczos with full reorthogonalisation, in op's arithmetic; its projection
 * in double. After the recurrence says that k triplets are within the tolerance, a random block orthogonal to all before is
 * taken in, so that copies of a multiple singular value beyond the block's width are found; then the residuals are taken from
 * two true products. Where they do not hold, or rj_krylov_limit columns do not suffice, the triplets are rj_topk_full's and
 * `top->method` says so. Signs as there. About 4 d^2 n flops for n columns, 2 d n elements of workspace.
 * The same bits for the same operator, options and seed. Not collective.
 *   top [out] top->k = options->k .. options->most triplets: those beyond options->k while their residuals are at most
 *             0.01 s_i; n_all = k. Beyond the numerical rank s_i is 0 or rounding. Untouched on error
 * Errors: ARG shape, k, most, tolerance; NUMERIC a product is not finite; those of op and rj_topk_full; NOMEM; LIB. */
RJ_CHECKED rj_status rj_topk_krylov(const rj_linop *op, const rj_krylov_options *options, rj_topk *top);

/* Its search alone: where the triplets do not hold or would take too many columns, *found is 0 and `top` untouched. */
RJ_CHECKED rj_status rj_krylov_leading(const rj_linop *op, const rj_krylov_options *options, int *found,
                                       rj_topk *top);

/* The same of a dense J, by `method`: RJ_SVD_FULL (options->most triplets, all singular values) or RJ_SVD_KRYLOV.
 * Errors: those of rj_topk_full and rj_topk_krylov. */
RJ_CHECKED rj_status rj_topk_of(const rj_matrix *jac, rj_svd_method method, const rj_krylov_options *options,
                                rj_topk *top);
#endif
