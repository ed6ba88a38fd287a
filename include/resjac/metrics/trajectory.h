/* trajectory.h: shape of one token's path x^0..x^L through the blocks. */
#ifndef RESJAC_METRICS_TRAJECTORY_H
#define RESJAC_METRICS_TRAJECTORY_H

#include "resjac/base/status.h"

enum { RJ_TRAJECTORY_PC = 3 };

/* Measures of method section 1; NAN where undefined, each counted in `undefined`. */
typedef struct {
    double *hidden_norm;  /* [L+1] ||x^l|| */
    double *step_norm;    /* [L] ||x^l - x^(l-1)|| */
    double *step_cosine;  /* [L] cosine of steps l and l-1; NAN for the first (not counted) */
    double *final_cosine; /* [L] cosine of x^l and x^L, l = 1..L */
    double *pc; /* [L+1, RJ_TRAJECTORY_PC] row-major: coordinates on the principal components of the centred
                             states; the sign of a component is that which makes its largest |coordinate| positive */
    double line_shape_score, expodistance, expodistance_cv;
    double growth_rate, growth_intercept,
        growth_r2; /* least squares ln||x^l|| = intercept + rate l, l = 0..L */
    int undefined;
} rj_trajectory;

/*   x [in] [d, L+1] column-major, ld d;  out [in,out] arrays given by the caller
 * Not collective. Errors: ARG d < 1 or L < 1; NUMERIC x not finite; NOMEM; LIB. */
RJ_CHECKED rj_status rj_trajectory_measure(int d, int L, const double *x, rj_trajectory *out);
#endif
