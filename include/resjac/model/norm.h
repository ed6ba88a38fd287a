/* norm.h: RMSNorm and LayerNorm, and their Jacobian D: diagonal plus rank 1 or 2. */
#ifndef RESJAC_MODEL_NORM_H
#define RESJAC_MODEL_NORM_H

#include "resjac/linalg/matrix.h"
#include "resjac/model/config.h"

/* y = gain * u + bias, u = (x - m)/r, r = sqrt(mean((x - m)^2) + eps); m = 0 for RMS, mean(x) for LayerNorm.
 * n_group > 1: of so many stretches of x, of equal length, each has a mean and an r of its own.
 * One of d = 0 is absent: y = x, D = I, and what is in place does nothing. */
typedef struct {
    rj_norm_kind kind;
    int d;
    double eps;
    double *gain, *bias; /* [d]; bias may be NULL */
    int n_group;
} rj_norm;

void rj_norm_free(rj_norm *norm); /* takes a zeroed one */
void rj_norm_apply(const rj_norm *norm, const double *x,
                   double *y); /* [d] each; in place allowed, needed where absent */

/* The norm linearised at x. D = diag(gain/r) (P - u u'/d), P = I for RMS, I - 1 1'/d for LayerNorm; of each group so. */
typedef struct {
    const rj_norm *norm; /* borrowed */
    double *unit;        /* u [d] */
    double *inverse;     /* 1/r [n_group, at least 1]; one allocation, at unit */
} rj_norm_point;

RJ_CHECKED rj_status rj_norm_linearise(const rj_norm *norm, const double *x, rj_norm_point *point);
void rj_norm_point_free(rj_norm_point *point); /* takes a zeroed one */

/* One tangent dx <- D dx, one cotangent g <- D' g. */
void rj_norm_jvp(const rj_norm_point *point, double *dx);
void rj_norm_vjp(const rj_norm_point *point, double *g);

/* The same for the columns of a panel [d,n], in place. Errors: NOMEM. */
RJ_CHECKED rj_status rj_norm_jvp_panel(const rj_norm_point *point, rj_matrix *dx);
RJ_CHECKED rj_status rj_norm_vjp_panel(const rj_norm_point *point, rj_matrix *g);
/* m [n,d] <- m D, a cotangent a row. Errors: NOMEM. */
RJ_CHECKED rj_status rj_norm_vjp_rows(const rj_norm_point *point, rj_matrix *m);
#endif
