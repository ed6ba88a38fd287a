/* bootstrap.h: permutation tests and intervals by resampling. Draw i of a stream is the same whoever asks, and in any order. */
#ifndef RESJAC_STATS_BOOTSTRAP_H
#define RESJAC_STATS_BOOTSTRAP_H

#include "resjac/base/rng.h"
#include "resjac/base/status.h"

/* n numbers of draw `draw`, uniform in 0..n-1, with replacement. */
void rj_draw_resample(const rj_rng *rng, int draw, int n, int *index);

/* A uniform random order of 0..n-1 (Fisher and Yates). */
void rj_draw_permutation(const rj_rng *rng, int draw, int n, int *index);

/* p = (b + 1)/(R + 1), b of R permutations of y with |r| at least as large as the one observed (Phipson and Smyth 2010: never
 * 0). What differs by rounding alone (1e-12) counts as equal. NAN: n < 3, or x or y is constant. Errors: NOMEM. */
RJ_CHECKED rj_status rj_permutation_test(const rj_rng *rng, int n_draws, int n, const double *x,
                                         const double *y, double *p);

/* 2.5 % and 97.5 % of Pearson's r over n_draws resamples of the pairs (percentile interval). Resamples with fewer than 3 different
 * pairs, or with a constant side, have no r and are left out. NAN: those are more than half, or n < 3. Errors: NOMEM. */
RJ_CHECKED rj_status rj_bootstrap_correlation(const rj_rng *rng, int n_draws, int n, const double *x,
                                              const double *y, double *low, double *high);

/* The 2.5 % and 97.5 % quantiles of the finite of n values, linear between order statistics (Hyndman and Fan's type 7); NAN
 * where fewer than half are finite. Sorts `value`. */
void rj_interval(int n, double *value, double *low, double *high);
#endif
