/* bootstrap.c: a draw begins at a block of its own, so that draws can be made in any order and by anyone. */
#include "resjac/stats/bootstrap.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "resjac/base/memory.h"
#include "resjac/stats/correlation.h"

/* Word i of a draw of n words, scaled to 0..range-1; `block` holds the four words of which it is one. */
static int scaled_word(const rj_rng *rng, int draw, int n, int i, int range, uint32_t block[4])
{
    const uint64_t first = (uint64_t)draw * (((uint64_t)n + 3) / 4);

    if (i % 4 == 0) rj_rng_bits(rng, first + (uint64_t)i / 4, block);
    return (int)((uint64_t)block[i % 4] * (uint64_t)range >> 32);
}

void rj_draw_resample(const rj_rng *rng, int draw, int n, int *index)
{
    uint32_t block[4];

    for (int i = 0; i < n; i++) index[i] = scaled_word(rng, draw, n, i, n, block);
}

void rj_draw_permutation(const rj_rng *rng, int draw, int n, int *index)
{
    uint32_t block[4];

    for (int i = 0; i < n; i++) {
        const int j = scaled_word(rng, draw, n, i, i + 1, block);
        index[i] = index[j];
        index[j] = i;
    }
}

rj_status rj_permutation_test(const rj_rng *rng, int n_draws, int n, const double *x, const double *y,
                              double *p)
{
    rj_status st = RJ_OK;
    int *order = NULL, hits = 0;
    double mean = 0.0, seen = 0.0;

    if (n < 3 || rj_is_constant(n, x) || rj_is_constant(n, y)) {
        *p = (double)NAN;
        goto done;
    }
    RJ_NEW(order, n, 1);
    for (int i = 0; i < n; i++) mean += x[i] / n;
    for (int i = 0; i < n; i++) seen += (x[i] - mean) * (y[i] - y[0]); /* r but for what permutations leave */
    double size = 0.0;
    for (int i = 0; i < n; i++) size += fabs((x[i] - mean) * (y[i] - y[0]));
    for (int draw = 0; draw < n_draws; draw++) {
        double sum = 0.0;
        rj_draw_permutation(rng, draw, n, order);
        for (int i = 0; i < n; i++) sum += (x[i] - mean) * (y[order[i]] - y[0]);
        hits += fabs(sum) >= fabs(seen) - 1e-12 * size;
    }
    *p = (hits + 1.0) / (n_draws + 1.0);
done:
    rj_free(order);
    return st;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    if (isnan(x) || isnan(y)) return isnan(x) - isnan(y);
    return (x > y) - (x < y);
}

static double quantile(int n, const double *sorted, double p)
{
    const double at = p * (n - 1);
    const int low = (int)at, high = low + 1 < n ? low + 1 : low;

    return sorted[low] + (at - low) * (sorted[high] - sorted[low]);
}

void rj_interval(int n, double *value, double *low, double *high)
{
    int finite = 0;

    qsort(value, (size_t)n, sizeof *value, by_value);
    while (finite < n && !isnan(value[finite])) finite++;
    const bool enough = finite > 0 && 2 * finite >= n;
    *low = enough ? quantile(finite, value, 0.025) : (double)NAN;
    *high = enough ? quantile(finite, value, 0.975) : (double)NAN;
}

/* Are there at least 3 different numbers in index? */
static bool has_three(int n, const int *index)
{
    int first = index[0], second = -1;

    for (int i = 1; i < n; i++) {
        if (index[i] == first || index[i] == second) continue;
        if (second >= 0) return true;
        second = index[i];
    }
    return false;
}

rj_status rj_bootstrap_correlation(const rj_rng *rng, int n_draws, int n, const double *x, const double *y,
                                   double *low, double *high)
{
    rj_status st = RJ_OK;
    int *index = NULL;
    double *r = NULL, *pair = NULL;

    RJ_NEW(index, n, 1);
    RJ_NEW(pair, n, 2);
    RJ_NEW(r, n_draws, 1);
    for (int draw = 0; draw < n_draws && n >= 3; draw++) {
        rj_draw_resample(rng, draw, n, index);
        for (int i = 0; i < n; i++) {
            pair[i] = x[index[i]];
            pair[n + i] = y[index[i]];
        }
        r[draw] = has_three(n, index) ? rj_pearson(n, pair, pair + n) : (double)NAN;
    }
    *low = *high = (double)NAN;
    if (n >= 3) rj_interval(n_draws, r, low, high);
done:
    rj_free(index);
    rj_free(pair);
    rj_free(r);
    return st;
}
