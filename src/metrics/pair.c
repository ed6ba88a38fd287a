/* pair.c: O(n^2) a pair, O(n) more for each K. Sums of squares off the diagonal and on it are kept apart, since
 * ||A||^2 - 2 sum s|A_kk| + ||s||^2 would lose half the digits of a small misfit. */
#include "resjac/metrics/pair.h"

#include <math.h>

#include "resjac/base/memory.h"
#include "resjac/metrics/null.h"

int rj_pair_drop(int which)
{
    return which == 0 ? 1 : 3;
}

rj_status rj_pair_new(int width, rj_pair *pair)
{
    rj_status st = RJ_OK;
    rj_pair mine = {0};

    for (int t = 0; t < RJ_PAIR_TABLES; t++) {
        RJ_TRY(rj_matrix_new(RJ_DOUBLE, width, width, &mine.table[t].m));
        RJ_NEW(mine.table[t].off_squares, (ptrdiff_t)width + 1, 1);
    }
    *pair = mine;
    mine = (rj_pair){0};
done:
    rj_pair_free(&mine);
    return st;
}

void rj_pair_free(rj_pair *pair)
{
    for (int t = 0; t < RJ_PAIR_TABLES; t++) {
        RJ_FREE(pair->table[t].off_squares);
        rj_matrix_free(&pair->table[t].m);
    }
}

static double entry(const rj_matrix *m, int r, int c)
{
    return ((const double *)m->data)[r + (ptrdiff_t)c * m->ld];
}

/* off_squares[k] for k = 0..n: entry (r,c) first meets the block of size max(r,c) + 1. */
static void sum_squares(rj_pair_table *table, int n)
{
    double *off = table->off_squares;

    for (int k = 0; k <= n; k++) off[k] = 0.0;
    for (int c = 0; c < n; c++) {
        const double *column = (const double *)table->m.data + (ptrdiff_t)c * table->m.ld;
        double above = 0.0;
        for (int r = 0; r < c; r++) above += column[r] * column[r];
        off[c + 1] += above;
        for (int r = c + 1; r < n; r++) off[r + 1] += column[r] * column[r];
    }
    for (int k = 1; k <= n; k++) off[k] += off[k - 1];
}

/* A^(r)(q,p) = A(q,p) - sum_(m<r) (U_j'u_m) s_m (v_m'V_j), q, p >= r, u_m, v_m of block i. */
static void drop_triplets(rj_pair *pair, int which, const double *s)
{
    const int r = rj_pair_drop(which);
    const rj_matrix *a = &pair->table[RJ_PAIR_A].m, *uu = &pair->table[RJ_PAIR_UU].m,
                    *vv = &pair->table[RJ_PAIR_VV].m;
    rj_pair_table *dropped = &pair->table[RJ_PAIR_DROPPED + which];

    for (int p = r; p < pair->n; p++)
        for (int q = r; q < pair->n; q++) {
            double value = entry(a, q, p);
            for (int m = 0; m < r; m++) value -= entry(uu, m, q) * s[m] * entry(vv, m, p);
            ((double *)dropped->m.data)[q - r + (ptrdiff_t)(p - r) * dropped->m.ld] = value;
        }
    sum_squares(dropped, pair->n > r ? pair->n - r : 0);
}

void rj_pair_begin(rj_pair *pair, int n, const rj_pair_row *row)
{
    pair->n = n;
    for (int t = 0; t < RJ_PAIR_GIVEN; t++) sum_squares(&pair->table[t], n);
    for (int which = 0; which < RJ_PAIR_DROPS; which++) drop_triplets(pair, which, row->s);
}

/* ||M||_F^2 of the leading k x k block */
static double all_squares(const rj_pair_table *table, int k)
{
    double sum = table->off_squares[k];
    for (int q = 0; q < k; q++) sum += entry(&table->m, q, q) * entry(&table->m, q, q);
    return sum;
}

/* || |M| - diag(s) ||_F of the leading k x k block */
static double misfit_of(const rj_pair_table *table, const double *s, int k)
{
    double sum = table->off_squares[k];
    for (int q = 0; q < k; q++) {
        const double off = fabs(entry(&table->m, q, q)) - s[q];
        sum += off * off;
    }
    return sqrt(sum);
}

/* || M - diag(s) ||_F */
static double signed_misfit_of(const rj_pair_table *table, const double *s, int k)
{
    double sum = table->off_squares[k];
    for (int q = 0; q < k; q++) {
        const double off = entry(&table->m, q, q) - s[q];
        sum += off * off;
    }
    return sqrt(sum);
}

/* 1 - misfit/null, both without their common denominator */
static double excess_of(double misfit, int k, const double *s, double frobenius, int d)
{
    const double null = rj_null_independent(k, s, frobenius / d, 1.0);
    return null > 0.0 ? 1.0 - misfit / null : NAN;
}

static double conjugation_null(const rj_pair *pair, const rj_pair_row *row, int k, double length)
{
    const rj_pair_table *c = &pair->table[RJ_PAIR_C];
    const double d = row->d, tau = row->trace / d;
    const double variance = (row->frobenius * row->frobenius - d * tau * tau) / (d * d);

    return rj_null_conjugation(k, row->s, tau, variance > 0.0 ? sqrt(variance) : 0.0, c->m.data, c->m.ld + 1,
                               all_squares(c, k), length);
}

static double dropped_excess(const rj_pair *pair, const rj_pair_row *row, int which, int k)
{
    const int r = rj_pair_drop(which);
    if (r + k > pair->n) return NAN;
    const double *s = row->s + r;
    return excess_of(misfit_of(&pair->table[RJ_PAIR_DROPPED + which], s, k), k, s, row->frobenius_drop[which],
                     row->d);
}

void rj_pair_measure(const rj_pair *pair, const rj_pair_row *row, int k, int norm, rj_pair_measures *out)
{
    const rj_pair_table *table = pair->table;
    const double length = rj_null_norm(k, row->s, norm), misfit = misfit_of(&table[RJ_PAIR_A], row->s, k);

    out->misfit = misfit / length;
    out->misfit_signed = signed_misfit_of(&table[RJ_PAIR_A], row->s, k) / length;
    out->misfit_trace = misfit / rj_null_norm(k, row->s, 1);
    out->misfit_vju = misfit_of(&table[RJ_PAIR_B], row->s, k) / length;
    out->excess = excess_of(misfit, k, row->s, row->frobenius, row->d);
    out->null_rotation = rj_null_independent(k, row->s, sqrt(all_squares(&table[RJ_PAIR_A], k)) / k, length);
    out->null_conjugation = conjugation_null(pair, row, k, length);
    for (int which = 0; which < RJ_PAIR_DROPS; which++)
        out->excess_drop[which] = dropped_excess(pair, row, which, k);
    out->subspace_uu = all_squares(&table[RJ_PAIR_UU], k) / k;
    out->subspace_vv = all_squares(&table[RJ_PAIR_VV], k) / k;
    out->subspace_uv = all_squares(&table[RJ_PAIR_UV], k) / k;
    out->subspace_vu = all_squares(&table[RJ_PAIR_VU], k) / k;
}
