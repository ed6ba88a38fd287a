/* correlation.c: quadratic in n where that is simplest: n is the number of models. */
#include "resjac/stats/correlation.h"

#include <float.h>
#include <math.h>

#include "resjac/base/memory.h"
#include "resjac/stats/distribution.h"

static double mean(int n, const double *x)
{
    double sum = 0.0, rest = 0.0;

    for (int i = 0; i < n; i++) sum += x[i];
    for (int i = 0; i < n; i++) rest += x[i] - sum / n; /* the rounding of the first */
    return (sum + rest) / n;
}

bool rj_is_constant(int n, const double *x)
{
    const double m = n > 0 ? mean(n, x) : 0.0;
    double square = 0.0, largest = 0.0;

    for (int i = 0; i < n; i++) {
        square += (x[i] - m) * (x[i] - m);
        largest = fmax(largest, fabs(x[i]));
    }
    const double noise = 4.0 * DBL_EPSILON * largest;
    return n < 2 || !(square > n * noise * noise);
}

double rj_pearson(int n, const double *x, const double *y)
{
    double xx = 0.0, yy = 0.0, xy = 0.0;

    if (rj_is_constant(n, x) || rj_is_constant(n, y)) return (double)NAN;
    const double mx = mean(n, x), my = mean(n, y);
    for (int i = 0; i < n; i++) {
        xx += (x[i] - mx) * (x[i] - mx);
        yy += (y[i] - my) * (y[i] - my);
        xy += (x[i] - mx) * (y[i] - my);
    }
    return fmax(-1.0, fmin(1.0, xy / (sqrt(xx) * sqrt(yy))));
}

rj_association rj_pearson_test(int n, const double *x, const double *y)
{
    const double r = n < 3 ? (double)NAN : rj_pearson(n, x, y);

    return (rj_association){r, rj_correlation_p(r, n - 2)};
}

void rj_ranks(int n, const double *x, double *rank)
{
    for (int i = 0; i < n; i++) {
        int below = 0, equal = 0;
        for (int j = 0; j < n; j++) {
            below += x[j] < x[i];
            equal += x[j] == x[i];
        }
        rank[i] = below + 0.5 * (equal + 1);
    }
}

rj_status rj_spearman_test(int n, const double *x, const double *y, rj_association *result)
{
    rj_status st = RJ_OK;
    double *rank = NULL;

    RJ_NEW(rank, n, 2);
    rj_ranks(n, x, rank);
    rj_ranks(n, y, rank + n);
    *result = rj_pearson_test(n, rank, rank + n);
    if (rj_is_constant(n, x) || rj_is_constant(n, y)) *result = (rj_association){NAN, NAN};
done:
    rj_free(rank);
    return st;
}

/* Sums over the groups of t equal values. */
typedef struct {
    double pairs, triples, variance; /* t(t-1)/2, t(t-1)(t-2), t(t-1)(2t+5) */
} ties;

static ties count_ties(int n, const double *x)
{
    ties sum = {0.0, 0.0, 0.0};

    for (int i = 0; i < n; i++) {
        double t = 0.0;
        bool first = true;
        for (int j = 0; j < n; j++) {
            t += x[j] == x[i];
            first = first && !(j < i && x[j] == x[i]);
        }
        if (!first) continue;
        sum.pairs += 0.5 * t * (t - 1);
        sum.triples += t * (t - 1) * (t - 2);
        sum.variance += t * (t - 1) * (2 * t + 5);
    }
    return sum;
}

/* 2 P(at most c of the pairs of a random permutation of n are out of order), c at most half of them. chance[i] is the
 * probability of i such pairs: the j-th element adds 0..j-1 of them with equal chance. */
static rj_status exact_p(int n, int c, double *p)
{
    rj_status st = RJ_OK;
    double *chance = NULL, sum = 0.0;

    RJ_NEW(chance, 2, c + 1);
    double *now = chance, *next = chance + c + 1;
    now[0] = 1.0;
    for (int j = 2; j <= n; j++) {
        double window = 0.0;
        for (int i = 0; i <= c; i++) {
            window += now[i] - (i >= j ? now[i - j] : 0.0);
            next[i] = window / j;
        }
        double *old = now;
        now = next;
        next = old;
    }
    for (int i = 0; i <= c; i++) sum += now[i];
    *p = fmin(1.0, 2.0 * sum);
done:
    rj_free(chance);
    return st;
}

static double normal_p(int n, double score, const ties *x, const ties *y)
{
    const double m = (double)n * (n - 1);
    const double variance = (m * (2.0 * n + 5) - x->variance - y->variance) / 18 +
                            2 * x->pairs * y->pairs / m + x->triples * y->triples / (9 * m * (n - 2));

    return rj_normal_p(score / sqrt(variance));
}

rj_status rj_kendall_test(int n, const double *x, const double *y, rj_association *result)
{
    rj_status st = RJ_OK;
    double score = 0.0, p = (double)NAN;
    int discordant = 0;

    if (n < 3 || rj_is_constant(n, x) || rj_is_constant(n, y)) {
        *result = (rj_association){NAN, NAN};
        goto done;
    }
    for (int i = 0; i < n; i++)
        for (int j = 0; j < i; j++) {
            const int sign = ((x[i] > x[j]) - (x[i] < x[j])) * ((y[i] > y[j]) - (y[i] < y[j]));
            score += sign;
            discordant += sign < 0;
        }
    const int all = n * (n - 1) / 2, fewer = discordant < all - discordant ? discordant : all - discordant;
    const ties tx = count_ties(n, x), ty = count_ties(n, y);
    if (tx.pairs == 0.0 && ty.pairs == 0.0 && (n <= 33 || fewer <= 1))
        RJ_TRY(exact_p(n, fewer, &p));
    else
        p = normal_p(n, score, &tx, &ty);
    const double tau = score / sqrt(all - tx.pairs) / sqrt(all - ty.pairs);
    *result = (rj_association){fmax(-1.0, fmin(1.0, tau)), p};
done:
    return st;
}
