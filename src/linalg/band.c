/* band.c: a column of a block is one vector, or two or four of narrower ones, so that a factorisation takes some microseconds. */
#include "band.h"

#include <float.h>
#include <limits.h>
#include <math.h>
#include <string.h>

#include "resjac/base/clock.h"
#include "resjac/base/clones.h"
#include "resjac/base/memory.h"

enum { SOLVES = 5 }; /* of inverse iteration: the shift is much nearer to its value than the next one */

typedef double eight __attribute__((vector_size(RJ_BAND * sizeof(double)), aligned(sizeof(double))));

/* 1 below the diagonal of a block. */
static const eight under[RJ_BAND] = {
    {0, 1, 1, 1, 1, 1, 1, 1}, {0, 0, 1, 1, 1, 1, 1, 1}, {0, 0, 0, 1, 1, 1, 1, 1}, {0, 0, 0, 0, 1, 1, 1, 1},
    {0, 0, 0, 0, 0, 1, 1, 1}, {0, 0, 0, 0, 0, 0, 1, 1}, {0, 0, 0, 0, 0, 0, 0, 1}, {0, 0, 0, 0, 0, 0, 0, 0}};

void rj_band_free(rj_band *m)
{
    RJ_FREE(m->inverse);
    RJ_FREE(m->f);
    RJ_FREE(m->a);
}

/* Numbers that a column keeps. */
static ptrdiff_t length(const rj_band *m)
{
    return RJ_BAND * (1 + m->below);
}

/* Row that a column begins with. */
static int top(int column)
{
    return column / RJ_BAND * RJ_BAND;
}

/* G is the sum of b b' over the columns b of B. */
RJ_CLONES static void form(const rj_matrix *b, int turn, const rj_band *m)
{
    for (int c = 0; c < m->n; c++) {
        const int row = (c < turn ? c : turn) - RJ_BAND, first = row > 0 ? row : 0;
        const double *restrict x = (const double *)b->data + (ptrdiff_t)c * b->ld;
        for (int j = first; j <= c; j++) {
            double *restrict to = m->a + j * length(m) - top(j);
            for (int i = j; i <= c; i++) to[i] += x[i] * x[j];
        }
    }
}

/* sum [n] is scratch */
static double largest_row(const rj_band *m, double *sum)
{
    double largest = 0.0;

    memset(sum, 0, (size_t)m->n * sizeof *sum);
    for (int j = 0; j < m->n; j++) {
        const double *a = m->a + j * length(m) - top(j);
        const ptrdiff_t end = top(j) + length(m);
        sum[j] += fabs(a[j]);
        for (int i = j + 1; i < end && i < m->n; i++) {
            sum[j] += fabs(a[i]);
            sum[i] += fabs(a[i]);
        }
    }
    for (int j = 0; j < m->n; j++) largest = fmax(largest, sum[j]);
    return largest;
}

rj_status rj_band_new(const rj_matrix *b, int turn, rj_band *m)
{
    rj_status st = RJ_OK;
    const int n = b->rows, below = turn < n ? (n - turn) / RJ_BAND : 1;

    *m = (rj_band){.n = n, .below = below};
    RJ_NEW(m->a, n + RJ_BAND * below, length(m));
    RJ_NEW(m->f, n + RJ_BAND * below, length(m));
    RJ_NEW(m->inverse, n, 1);
    form(b, turn, m);
    m->scale = largest_row(m, m->f);
done:
    return st;
}

void rj_band_spread(const rj_band *m, rj_matrix *g)
{
    rj_matrix_fill(g, 0.0);
    for (int j = 0; j < m->n; j++) {
        const ptrdiff_t kept = top(j) + length(m), end = kept < m->n ? kept : m->n;
        double *to = (double *)g->data + (ptrdiff_t)j * g->ld;
        memcpy(to + j, m->a + j * length(m) - top(j) + j, (size_t)(end - j) * sizeof *to);
    }
}

/* One column of blocks without the shares of those before it: f <- L, inverse [RJ_BAND] <- 1/D, its share off the columns after it.
 * Returns the number of positive D. A pivot that vanishes is moved off 0, as in dstebz. */
__attribute__((always_inline)) static inline int eliminate(double *f, int below, double shift, double least,
                                                           double *inverse)
{
    const ptrdiff_t ld = RJ_BAND * (1 + below);
    double d[RJ_BAND];
    int above = 0;

    for (int p = 0; p < RJ_BAND; p++) {
        double *own = f + p * ld;
        const double pivot = own[p] - shift;
        d[p] = fabs(pivot) < least ? -least : pivot;
        above += d[p] > 0.0;
        inverse[p] = 1.0 / d[p];
        for (int j = p + 1; j < RJ_BAND; j++) {
            const double share = own[j] * inverse[p];
            for (int b = 0; b <= below; b++)
                *(eight *)(f + j * ld + b * RJ_BAND) -= *(eight *)(own + b * RJ_BAND) * share;
        }
        for (int b = 0; b <= below; b++) *(eight *)(own + b * RJ_BAND) *= inverse[p];
        *(eight *)own *= under[p];
    }
    for (int first = 1; first <= below; first++)
        for (int j = 0; j < RJ_BAND; j++) {
            const ptrdiff_t row = first * RJ_BAND + j;
            for (int b = first; b <= below; b++) {
                eight *to = (eight *)(f + row * ld + (b - first) * RJ_BAND), sum = *to;
                for (int p = 0; p < RJ_BAND; p++)
                    sum -= *(eight *)(f + p * ld + b * RJ_BAND) * (f[p * ld + row] * d[p]);
                *to = sum;
            }
        }
    return above;
}

RJ_CLONES int rj_band_above(const rj_band *m, double shift)
{
    const double least = fmax(DBL_EPSILON * m->scale, DBL_MIN);
    const ptrdiff_t ld = length(m);
    int above = 0;

    memcpy(m->f, m->a, (size_t)((m->n + RJ_BAND * m->below) * ld) * sizeof *m->f);
    for (int j = 0; j < m->n; j += RJ_BAND)
        above += m->below == 1 ? eliminate(m->f + j * ld, 1, shift, least, m->inverse + j)
                               : eliminate(m->f + j * ld, m->below, shift, least, m->inverse + j);
    rj_clock_flops((double)m->n * RJ_BAND * RJ_BAND * m->below * m->below);
    return above;
}

/* Beyond `low` in growing steps: values next to each other are a few percent apart. */
static double bound_above(const rj_band *m, int i, double low, int *above)
{
    double high = low, step = 0.02 * low;

    do {
        high = step > 0.0 && high + step < m->scale ? high + step : m->scale;
        step *= 4.0;
        *above = rj_band_above(m, high);
    } while (*above > i && high < m->scale);
    return high;
}

double rj_band_value(const rj_band *m, int i, double share, double least_share, double *low)
{
    int above = 0, here = INT_MAX;
    double high = bound_above(m, i, *low, &above);

    while (high - *low > (here - above == 1 ? share : least_share) * high + 4.0 * DBL_EPSILON * m->scale) {
        const double middle = 0.5 * (*low + high);
        const int n = rj_band_above(m, middle);
        if (n > i) {
            *low = middle;
            here = n;
        } else {
            high = middle;
            above = n;
        }
    }
    return 0.5 * (*low + high);
}

/* z <- L^-1 z, then D^-1 of it */
__attribute__((always_inline)) static inline void solve_forward(const rj_band *m, int below, double *z)
{
    const ptrdiff_t ld = RJ_BAND * (1 + below);

    for (int j = 0; j < m->n; j += RJ_BAND) {
        eight own = *(eight *)(z + j);
        for (int p = 0; p < RJ_BAND; p++) {
            const double *l = m->f + (j + p) * ld, x = own[p];
            own -= *(const eight *)l * x;
            for (int b = 1; b <= below; b++)
                *(eight *)(z + j + b * RJ_BAND) -= *(const eight *)(l + b * RJ_BAND) * x;
        }
        *(eight *)(z + j) = own * *(eight *)(m->inverse + j);
    }
}

/* z <- L'^-1 z, zeros behind it */
__attribute__((always_inline)) static inline void solve_backward(const rj_band *m, int below, double *z)
{
    const ptrdiff_t ld = RJ_BAND * (1 + below);

    memset(z + m->n, 0, (size_t)(below * RJ_BAND) * sizeof *z);
    for (int j = m->n - RJ_BAND; j >= 0; j -= RJ_BAND) {
        eight own = *(eight *)(z + j);
        for (int p = RJ_BAND - 1; p >= 0; p--) {
            const double *l = m->f + (j + p) * ld;
            eight s = *(const eight *)l * own;
            for (int b = 1; b <= below; b++)
                s += *(const eight *)(l + b * RJ_BAND) * *(eight *)(z + j + b * RJ_BAND);
            own[p] -= ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
        }
        *(eight *)(z + j) = own;
    }
}

RJ_CLONES static void solve(const rj_band *m, double *z)
{
    if (m->below == 1) {
        solve_forward(m, 1, z);
        solve_backward(m, 1, z);
    } else {
        solve_forward(m, m->below, z);
        solve_backward(m, m->below, z);
    }
}

void rj_band_vector(const rj_band *m, double value, double *z)
{
    for (int i = 0; i < m->n + RJ_BAND * m->below; i++) z[i] = i < m->n ? 1.0 + 0.1 * (i % 7) : 0.0;
    rj_band_above(m, value);
    for (int s = 0; s < SOLVES; s++) {
        rj_matrix all = {RJ_DOUBLE, m->n, 1, m->n, z};
        solve(m, z);
        rj_matrix_scale(1.0 / rj_matrix_frobenius(&all), &all);
    }
}
