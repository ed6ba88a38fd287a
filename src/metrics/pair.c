/* pair.c: O(n^2) a pair, O(n) more for each K. Sums of squares off the diagonal and on it are kept apart, since
 * ||A||^2 - 2 sum s|A_kk| + ||s||^2 would lose half the digits of a small misfit. */
#include "resjac/metrics/pair.h"

#include <math.h>
#include <string.h>

#include "resjac/base/clones.h"
#include "resjac/base/memory.h"
#include "resjac/metrics/null.h"

/* Partial sums, so that a column's sum is vectorised in an order that the source fixes. */
enum { LANES = 8 };

int rj_pair_drop(int which)
{
    return which == 0 ? 1 : RJ_PAIR_DROP_MOST;
}

rj_status rj_pair_sums_new(int width, rj_pair_sums *sums)
{
    rj_status st = RJ_OK;
    rj_pair_sums mine = {0};

    RJ_NEW(mine.diagonal, width, 1);
    RJ_NEW(mine.off_squares, (ptrdiff_t)width + 1, 1);
    RJ_NEW(mine.column, width, 1);
    *sums = mine;
    mine = (rj_pair_sums){0};
done:
    rj_pair_sums_free(&mine);
    return st;
}

void rj_pair_sums_free(rj_pair_sums *sums)
{
    RJ_FREE(sums->column);
    RJ_FREE(sums->off_squares);
    RJ_FREE(sums->diagonal);
}

rj_status rj_pair_new(int width, rj_pair *pair)
{
    rj_status st = RJ_OK;
    rj_pair mine = {0};
    rj_pair_sums *const all[] = {&mine.a,  &mine.b,  &mine.uu,         &mine.uv,
                                 &mine.vu, &mine.vv, &mine.dropped[0], &mine.dropped[1]};

    for (size_t t = 0; t < sizeof all / sizeof *all; t++) RJ_TRY(rj_pair_sums_new(width, all[t]));
    RJ_NEW(mine.factor, width, RJ_PAIR_DROP_MOST);
    *pair = mine;
    mine = (rj_pair){0};
done:
    rj_pair_free(&mine);
    return st;
}

void rj_pair_free(rj_pair *pair)
{
    rj_pair_sums *const all[] = {&pair->a,  &pair->b,  &pair->uu,         &pair->uv,
                                 &pair->vu, &pair->vv, &pair->dropped[0], &pair->dropped[1]};

    RJ_FREE(pair->factor);
    for (size_t t = 0; t < sizeof all / sizeof *all; t++) rj_pair_sums_free(all[t]);
}

/* x <- rows 0..n-1 of a column */
static inline void load(const rj_matrix *m, int column, int n, double *x)
{
    const ptrdiff_t at = (ptrdiff_t)column * m->ld;

    if (m->type == RJ_SINGLE)
        for (int r = 0; r < n; r++) x[r] = (double)((const float *)m->data + at)[r];
    else
        for (int r = 0; r < n; r++) x[r] = ((const double *)m->data + at)[r];
}

static inline double sum_of_squares(int n, const double *x)
{
    double lane[LANES] = {0};
    int r = 0;

    for (; r + LANES <= n; r += LANES)
        for (int l = 0; l < LANES; l++) lane[l] += x[r + l] * x[r + l];
    for (int l = 0; r + l < n; l++) lane[l] += x[r + l] * x[r + l];
    return ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

static void begin_sums(rj_pair_sums *sums, int n)
{
    memset(sums->off_squares, 0, ((size_t)n + 1) * sizeof(double));
}

/* Column c of an n x n table: entry (r,c) first meets the block of size max(r,c) + 1. */
static inline void add_column(rj_pair_sums *sums, int c, int n, const double *x)
{
    double *off = sums->off_squares + 1;

    off[c] += sum_of_squares(c, x);
    sums->diagonal[c] = x[c];
    for (int r = c + 1; r < n; r++) off[r] += x[r] * x[r];
}

static void end_sums(rj_pair_sums *sums, int n)
{
    for (int k = 1; k <= n; k++) sums->off_squares[k] += sums->off_squares[k - 1];
}

RJ_CLONES void rj_pair_sum(const rj_matrix *table, int n, rj_pair_sums *sums)
{
    begin_sums(sums, n);
    for (int c = 0; c < n; c++) {
        load(table, c, n, sums->column);
        add_column(sums, c, n, sums->column);
    }
    end_sums(sums, n);
}

/* U_j'u_m or V_j'v_m of block i, element r; 0 where there is no such triplet. */
static double first(const rj_matrix *columns, int m, int r)
{
    const ptrdiff_t at = r + (ptrdiff_t)m * columns->ld;

    if (m >= columns->cols) return 0.0;
    return columns->type == RJ_SINGLE ? (double)((const float *)columns->data)[at]
                                      : ((const double *)columns->data)[at];
}

/* The sums of A^(r)(q,p) = A(q,p) - sum_(m<r) (U_j'u_m) s_m (v_m'V_j), q, p >= r, u_m, v_m of block i, for both r. */
RJ_CLONES static void sum_dropped(rj_pair *pair, const double *s)
{
    const rj_pair_products *g = &pair->given;
    const int n = pair->n, most = RJ_PAIR_DROP_MOST;
    double *f0 = pair->factor, *f1 = f0 + n, *f2 = f1 + n;
    double *x = pair->a.column, *one = pair->dropped[0].column, *all = pair->dropped[1].column;

    for (int m = 0; m < most; m++)
        for (int q = 0; q < n; q++) f0[m * n + q] = m < n ? first(&g->first_u, m, q) * s[m] : 0.0;
    begin_sums(&pair->dropped[0], n);
    begin_sums(&pair->dropped[1], n);
    for (int p = 1; p < n; p++) {
        const double g0 = first(&g->first_v, 0, p), g1 = first(&g->first_v, 1, p),
                     g2 = first(&g->first_v, 2, p);
        load(&g->a, p, n, x);
        for (int q = 0; q < n; q++) one[q] = x[q] - f0[q] * g0;
        for (int q = 0; q < n; q++) all[q] = one[q] - f1[q] * g1 - f2[q] * g2;
        add_column(&pair->dropped[0], p - 1, n - 1, one + 1);
        if (p >= most) add_column(&pair->dropped[1], p - most, n - most, all + most);
    }
    end_sums(&pair->dropped[0], n);
    end_sums(&pair->dropped[1], n);
}

/* The sums of n x n of a table are numbers. */
static int is_finite(const rj_pair_sums *sums, int n)
{
    double total = sums->off_squares[n];

    for (int q = 0; q < n; q++) total += fabs(sums->diagonal[q]);
    return isfinite(total);
}

static int min_int(int a, int b)
{
    return a < b ? a : b;
}

int rj_pair_begin(rj_pair *pair, int n, const rj_pair_row *row, const rj_pair_products *given)
{
    const struct {
        const rj_matrix *table;
        rj_pair_sums *sums;
    } take[] = {{&given->a, &pair->a},   {&given->b, &pair->b},   {&given->uu, &pair->uu},
                {&given->uv, &pair->uv}, {&given->vu, &pair->vu}, {&given->vv, &pair->vv}};
    int good = 1;

    pair->n = n;
    pair->given = *given;
    for (size_t t = 0; t < sizeof take / sizeof *take; t++) {
        const int order = min_int(n, take[t].table->rows);
        if (take[t].table->data == NULL) continue;
        rj_pair_sum(take[t].table, order, take[t].sums);
        good &= is_finite(take[t].sums, order);
    }
    if (given->first_u.data == NULL || n < 1) return good;
    sum_dropped(pair, row->s);
    for (int which = 0; which < RJ_PAIR_DROPS; which++)
        if (n > rj_pair_drop(which)) good &= is_finite(&pair->dropped[which], n - rj_pair_drop(which));
    return good;
}

/* ||M||_F^2 of the leading k x k block */
static double all_squares(const rj_pair_sums *sums, int k)
{
    double total = sums->off_squares[k];
    for (int q = 0; q < k; q++) total += sums->diagonal[q] * sums->diagonal[q];
    return total;
}

/* || |M| - diag(s) ||_F of the leading k x k block */
static double misfit_of(const rj_pair_sums *sums, const double *s, int k)
{
    double total = sums->off_squares[k];
    for (int q = 0; q < k; q++) {
        const double off = fabs(sums->diagonal[q]) - s[q];
        total += off * off;
    }
    return sqrt(total);
}

/* || M - diag(s) ||_F */
static double signed_misfit_of(const rj_pair_sums *sums, const double *s, int k)
{
    double total = sums->off_squares[k];
    for (int q = 0; q < k; q++) {
        const double off = sums->diagonal[q] - s[q];
        total += off * off;
    }
    return sqrt(total);
}

/* 1 - misfit/null, both without their common denominator */
static double excess_of(double misfit, int k, const double *s, double frobenius, int d)
{
    const double null = rj_null_independent(k, s, frobenius / d, 1.0);
    return null > 0.0 ? 1.0 - misfit / null : NAN;
}

static double conjugation_null(const rj_pair_sums *c, const rj_pair_row *row, int k, double length)
{
    const double d = row->d, tau = row->trace / d;
    const double variance = (row->frobenius * row->frobenius - d * tau * tau) / (d * d);

    return rj_null_conjugation(k, row->s, tau, variance > 0.0 ? sqrt(variance) : 0.0, c->diagonal, 1,
                               all_squares(c, k), length);
}

static double dropped_excess(const rj_pair *pair, const rj_pair_row *row, int which, int k)
{
    const int r = rj_pair_drop(which);
    if (pair->given.first_u.data == NULL || r + k > pair->n) return NAN;
    const double *s = row->s + r;
    return excess_of(misfit_of(&pair->dropped[which], s, k), k, s, row->frobenius_drop[which], row->d);
}

void rj_pair_measure(const rj_pair *pair, const rj_pair_row *row, int k, int norm, rj_pair_measures *out)
{
    const rj_pair_products *given = &pair->given;
    const double length = rj_null_norm(k, row->s, norm), misfit = misfit_of(&pair->a, row->s, k);
    const int frames = given->uu.data != NULL;

    out->misfit = misfit / length;
    out->misfit_signed = signed_misfit_of(&pair->a, row->s, k) / length;
    out->misfit_trace = misfit / rj_null_norm(k, row->s, 1);
    out->misfit_vju = given->b.data != NULL ? misfit_of(&pair->b, row->s, k) / length : NAN;
    out->excess = excess_of(misfit, k, row->s, row->frobenius, row->d);
    out->null_rotation = rj_null_independent(k, row->s, sqrt(all_squares(&pair->a, k)) / k, length);
    out->null_conjugation = given->c != NULL ? conjugation_null(given->c, row, k, length) : NAN;
    for (int which = 0; which < RJ_PAIR_DROPS; which++)
        out->excess_drop[which] = dropped_excess(pair, row, which, k);
    out->subspace_uu = frames ? all_squares(&pair->uu, k) / k : NAN;
    out->subspace_vv = frames ? all_squares(&pair->vv, k) / k : NAN;
    out->subspace_uv = frames ? all_squares(&pair->uv, k) / k : NAN;
    out->subspace_vu = frames ? all_squares(&pair->vu, k) / k : NAN;
}
