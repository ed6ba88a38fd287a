/* norm.c: forward, JVP and VJP of the two norms; all sums in double. O(d) a column. */
#include "resjac/model/norm.h"

#include <math.h>

#include "resjac/base/clones.h"
#include "resjac/base/memory.h"

/* Partial sums in an order that the source fixes, so that the loop is vectorised. */
enum { LANES = 8 };

static inline double lane_sum(const double s[LANES])
{
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

static inline double dot(int n, const double *x, const double *y)
{
    double s[LANES] = {0};
    int i = 0;

    for (; i + LANES <= n; i += LANES)
        for (int l = 0; l < LANES; l++) s[l] += x[i + l] * y[i + l];
    for (; i < n; i++) s[0] += x[i] * y[i];
    return lane_sum(s);
}

static inline double mean(int n, const double *x)
{
    double s[LANES] = {0};
    int i = 0;

    for (; i + LANES <= n; i += LANES)
        for (int l = 0; l < LANES; l++) s[l] += x[i + l];
    for (; i < n; i++) s[0] += x[i];
    return lane_sum(s) / n;
}

void rj_norm_free(rj_norm *norm)
{
    RJ_FREE(norm->gain);
    RJ_FREE(norm->bias);
}

/* Values of one group. */
static inline int group_size(const rj_norm *norm)
{
    return norm->n_group > 1 ? norm->d / norm->n_group : norm->d;
}

/* u <- (x - m)/r, group by group; inverse [n_group] <- 1/r, if it is not NULL. */
RJ_CLONES static void normalise(const rj_norm *norm, const double *x, double *u, double *inverse)
{
    const int n = group_size(norm);

    for (int at = 0; at < norm->d; at += n) {
        const double m = norm->kind == RJ_NORM_LAYER ? mean(n, x + at) : 0.0;
        for (int i = at; i < at + n; i++) u[i] = x[i] - m;
        const double scale = 1.0 / sqrt(dot(n, u + at, u + at) / n + norm->eps);
        for (int i = at; i < at + n; i++) u[i] *= scale;
        if (inverse != NULL) inverse[at / n] = scale;
    }
}

void rj_norm_apply(const rj_norm *norm, const double *x, double *y)
{
    if (norm->d == 0) return;
    normalise(norm, x, y, NULL);
    for (int i = 0; i < norm->d; i++) y[i] *= norm->gain[i];
    for (int i = 0; norm->bias != NULL && i < norm->d; i++) y[i] += norm->bias[i];
}

rj_status rj_norm_linearise(const rj_norm *norm, const double *x, rj_norm_point *point)
{
    rj_status st = RJ_OK;
    rj_norm_point new = {.norm = norm};

    if (norm->d == 0) {
        *point = new;
        return RJ_OK;
    }
    RJ_NEW(new.unit, norm->d + norm->d / group_size(norm), 1);
    new.inverse = new.unit + norm->d;
    normalise(norm, x, new.unit, new.inverse);
    *point = new;
done:
    return st;
}

void rj_norm_point_free(rj_norm_point *point)
{
    RJ_FREE(point->unit);
}

/* dx <- gain/r * (P dx - u (u'dx)/d); u'P = u'. */
RJ_CLONES void rj_norm_jvp(const rj_norm_point *p, double *dx)
{
    const rj_norm *norm = p->norm;
    const int n = group_size(norm);

    for (int at = 0; at < norm->d; at += n) {
        const double inverse = p->inverse[at / n], along = dot(n, p->unit + at, dx + at) / n;
        const double m = norm->kind == RJ_NORM_LAYER ? mean(n, dx + at) : 0.0;
        for (int i = at; i < at + n; i++) dx[i] = norm->gain[i] * inverse * (dx[i] - m - along * p->unit[i]);
    }
}

/* g <- P z - u (u'z)/d, z = gain/r * g. */
RJ_CLONES void rj_norm_vjp(const rj_norm_point *p, double *g)
{
    const rj_norm *norm = p->norm;
    const int n = group_size(norm);

    for (int at = 0; at < norm->d; at += n) {
        for (int i = at; i < at + n; i++) g[i] *= norm->gain[i] * p->inverse[at / n];
        const double along = dot(n, p->unit + at, g + at) / n;
        const double m = norm->kind == RJ_NORM_LAYER ? mean(n, g + at) : 0.0;
        for (int i = at; i < at + n; i++) g[i] -= m + along * p->unit[i];
    }
}

static rj_status each_column(const rj_norm_point *p, void (*f)(const rj_norm_point *, double *), rj_matrix *m)
{
    rj_status st = RJ_OK;
    double *column = NULL;

    if (p->norm->d == 0) return RJ_OK;
    RJ_NEW(column, m->rows, 1);
    for (int j = 0; j < m->cols; j++) {
        rj_matrix_get_column(m, j, column);
        f(p, column);
        rj_matrix_set_column(m, j, column);
    }
done:
    RJ_FREE(column);
    return st;
}

rj_status rj_norm_jvp_panel(const rj_norm_point *point, rj_matrix *dx)
{
    return each_column(point, rj_norm_jvp, dx);
}

rj_status rj_norm_vjp_panel(const rj_norm_point *point, rj_matrix *g)
{
    return each_column(point, rj_norm_vjp, g);
}

/* along [n] <- the rows' means of z u, middle [n] those of z, z = m diag(gain/r), over the columns of one group from `at` on. */
RJ_CLONES static void row_sums(const rj_norm_point *p, const rj_matrix *m, int at, double *column,
                               double *along, double *middle)
{
    const rj_norm *norm = p->norm;
    const int n = group_size(norm), rows = m->rows;

    for (int i = 0; i < rows; i++) along[i] = middle[i] = 0.0;
    for (int j = at; j < at + n; j++) {
        const double scale = norm->gain[j] * p->inverse[at / n] / n, unit = p->unit[j];
        rj_matrix_get_column(m, j, column);
        for (int i = 0; i < rows; i++) {
            const double z = column[i] * scale;
            middle[i] += z;
            along[i] += z * unit;
        }
    }
}

/* m <- z - middle - along u' in the group's columns */
RJ_CLONES static void take_rows(const rj_norm_point *p, int at, double *column, const double *along,
                                const double *middle, rj_matrix *m)
{
    const rj_norm *norm = p->norm;
    const int n = group_size(norm), rows = m->rows;

    for (int j = at; j < at + n; j++) {
        const double scale = norm->gain[j] * p->inverse[at / n], unit = p->unit[j];
        const double centred = norm->kind == RJ_NORM_LAYER ? 1.0 : 0.0;
        rj_matrix_get_column(m, j, column);
        for (int i = 0; i < rows; i++) column[i] = column[i] * scale - centred * middle[i] - along[i] * unit;
        rj_matrix_set_column(m, j, column);
    }
}

rj_status rj_norm_vjp_rows(const rj_norm_point *point, rj_matrix *m)
{
    rj_status st = RJ_OK;
    const rj_norm *norm = point->norm;
    double *column = NULL;

    if (norm->d == 0) return RJ_OK;
    RJ_NEW(column, m->rows, 3);
    double *along = column + m->rows, *middle = along + m->rows;
    for (int at = 0; at < norm->d; at += group_size(norm)) {
        row_sums(point, m, at, column, along, middle);
        take_rows(point, at, column, along, middle, m);
    }
done:
    RJ_FREE(column);
    return st;
}
