/* correlation.h: three correlations of n pairs that are taken as independent. NAN: fewer than 3 pairs, or one of the two has
 * no variance beyond its rounding. All values must be finite. */
#ifndef RESJAC_STATS_CORRELATION_H
#define RESJAC_STATS_CORRELATION_H

#include <stdbool.h>

#include "resjac/base/status.h"

/* A coefficient and its two-sided p under independence. */
typedef struct {
    double value, p;
} rj_association;

/* No variance: sum (x - mean)^2 <= n (4 eps max|x|)^2, the rounding of n equal numbers. True for n < 2. */
bool rj_is_constant(int n, const double *x);

/* sum (x - mx)(y - my) / sqrt(sum (x - mx)^2 sum (y - my)^2), by two passes; also for n = 2. */
double rj_pearson(int n, const double *x, const double *y);

/* Pearson's r, p by rj_correlation_p with n - 2. */
rj_association rj_pearson_test(int n, const double *x, const double *y);

/* Rank of each value, 1..n, ties get the mean of theirs. */
void rj_ranks(int n, const double *x, double *rank);

/* Spearman's rho: Pearson's r of the ranks, p as for r (scipy.stats.spearmanr). Errors: NOMEM. */
RJ_CHECKED rj_status rj_spearman_test(int n, const double *x, const double *y, rj_association *result);

/* Kendall's tau-b = (C - D)/sqrt((N - Tx)(N - Ty)), N = n(n-1)/2. p as scipy.stats.kendalltau has it: exact, by counting
 * permutations, where nothing is tied and n <= 33 or at most one pair is out of order; else normal, with the variance of ties
 * (Kendall, Rank Correlation Methods, 4th ed., chapters 4 and 5). Errors: NOMEM. */
RJ_CHECKED rj_status rj_kendall_test(int n, const double *x, const double *y, rj_association *result);
#endif
