/* topk_parts.h: what every method of finding leading triplets shares. */
#ifndef RESJAC_LINALG_TOPK_PARTS_H
#define RESJAC_LINALG_TOPK_PARTS_H

#include "resjac/linalg/linop.h"
#include "resjac/linalg/topk.h"

/* Zeroed triplets of J [d,d] with all d singular values; rj_topk_free also where it fails halfway.
 * Errors: NOMEM. */
RJ_CHECKED rj_status rj_topk_new(rj_arithmetic type, int d, int k, rj_svd_method method, rj_topk *top);

/* An SVD leaves the common sign of (u,v) open: the largest |component| of u, the first of equals, is made positive.
 *   column [scratch] [u->rows] */
void rj_topk_fix_signs(rj_matrix *u, rj_matrix *v, double *column);

/* Errors: NUMERIC J is not finite (names the element). column [d] is scratch. */
RJ_CHECKED rj_status rj_topk_require_finite(const rj_matrix *jac, double *column);

/* Residuals by two true products, and the loss of orthogonality. Errors: those of the operator; NOMEM. */
RJ_CHECKED rj_status rj_topk_certify(const rj_linop *op, rj_topk *top);

/* Errors: NUMERIC a certificate that no sound library gives (names the triplet, the value and the limit). */
RJ_CHECKED rj_status rj_topk_require_certified(const rj_topk *top);
#endif
