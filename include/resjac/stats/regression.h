/* regression.h: a line with its interval, and the correlation that is left when other variables are held fixed. */
#ifndef RESJAC_STATS_REGRESSION_H
#define RESJAC_STATS_REGRESSION_H

#include "resjac/base/status.h"

/* y = intercept + slope x by least squares; slope_low..slope_high holds 95 % (Student's t, n - 2). NAN: all for n < 3 or a
 * constant x or y. */
typedef struct {
    double slope, slope_low, slope_high, intercept, r_squared;
} rj_regression;
rj_regression rj_regress(int n, const double *x, const double *y);

/* Pearson's r of what a least-squares fit on (1, controls) leaves of x and of y; p by rj_correlation_p with n - 2 - rank degrees
 * of freedom, rank = independent controls beside the constant. NAN: fewer than one degree of freedom, or nothing is left of
 * x or y beyond rounding.
 *   control [in] [q, n]; one that is constant, or a sum of those before it, is passed over
 * Errors: NOMEM. */
typedef struct {
    double r, p;
    int df;
} rj_partial;
RJ_CHECKED rj_status rj_partial_correlation(int n, const double *x, const double *y, int q,
                                            const double *control, rj_partial *result);
#endif
