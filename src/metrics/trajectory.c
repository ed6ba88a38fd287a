/* trajectory.c: O(d L) for the measures, O(d L^2) for the principal components. */
#include "resjac/metrics/trajectory.h"

#include <float.h>
#include <math.h>

#include "resjac/base/memory.h"
#include "resjac/linalg/lapack.h"
#include "resjac/metrics/fit.h"

/* All the memory of one call: nothing can fail once `out` is written. */
typedef struct {
    int d, L;
    const double *x;   /* [d,L+1], borrowed */
    double *step;      /* [d,L]: x^l - x^(l-1) */
    double *line;      /* [d]: sum of unit steps */
    double *growth;    /* [L+1]: ln ||x^l|| */
    double *s;         /* [min(d,L+1)] */
    rj_matrix centred; /* [d,L+1]: X less its mean over depth */
    rj_matrix u, v;    /* its leading RJ_TRAJECTORY_PC singular vectors, fewer where the shape has fewer */
} path;

static double dot(int n, const double *a, const double *b)
{
    double sum = 0.0;
    for (int i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

static double norm(int n, const double *a)
{
    return sqrt(dot(n, a, a));
}

static double count_undefined(rj_trajectory *out)
{
    out->undefined++;
    return NAN;
}

static void path_free(path *p)
{
    rj_matrix_free(&p->v);
    rj_matrix_free(&p->u);
    rj_matrix_free(&p->centred);
    RJ_FREE(p->s);
    RJ_FREE(p->growth);
    RJ_FREE(p->line);
    RJ_FREE(p->step);
}

static rj_status path_new(int d, int L, const double *x, path *p)
{
    rj_status st = RJ_OK;
    const int n_s = d < L + 1 ? d : L + 1, n_pc = n_s < RJ_TRAJECTORY_PC ? n_s : RJ_TRAJECTORY_PC;

    p->d = d;
    p->L = L;
    p->x = x;
    RJ_NEW(p->step, d, L);
    RJ_NEW(p->line, d, 1);
    RJ_NEW(p->growth, (ptrdiff_t)L + 1, 1);
    RJ_NEW(p->s, n_s, 1);
    RJ_TRY(rj_matrix_new(RJ_DOUBLE, d, (ptrdiff_t)L + 1, &p->centred));
    RJ_TRY(rj_matrix_new(RJ_DOUBLE, d, n_pc, &p->u));
    RJ_TRY(rj_matrix_new(RJ_DOUBLE, (ptrdiff_t)L + 1, n_pc, &p->v));
done:
    return st;
}

/* Squares must stay finite too: a norm of Inf would make every other measure meaningless. */
static rj_status require_finite(int d, int L, const double *x)
{
    rj_status st = RJ_OK;
    for (int l = 0; l <= L; l++) {
        const double length = norm(d, x + (ptrdiff_t)l * d);
        RJ_REQUIRE(isfinite(length), RJ_ERR_NUMERIC,
                   "hidden state x^%d of 0..%d: norm %g; screen weights for Inf and NaN", l, L, length);
    }
done:
    return st;
}

/* A singular value decomposition and not the Gram matrix, which would lose half the digits of small components. */
static rj_status principal_components(path *p)
{
    rj_status st = RJ_OK;
    double *centred = p->centred.data;

    for (int i = 0; i < p->d; i++) {
        double mean = 0.0;
        for (int l = 0; l <= p->L; l++) mean += p->x[i + (ptrdiff_t)l * p->d];
        mean /= p->L + 1;
        for (int l = 0; l <= p->L; l++)
            centred[i + (ptrdiff_t)l * p->d] = p->x[i + (ptrdiff_t)l * p->d] - mean;
    }
    RJ_TRY(rj_lapack_svd(&p->centred, p->v.cols, p->s, &p->u, &p->v));
done:
    return st;
}

/* pc(l,c) = s_c V(l,c); 0 where the path has no such component */
static void store_components(const path *p, rj_trajectory *out)
{
    const double *v = p->v.data;

    for (int c = 0; c < RJ_TRAJECTORY_PC; c++) {
        double largest = 0.0;
        for (int l = 0; l <= p->L; l++) {
            const double value = c < p->v.cols ? p->s[c] * v[l + c * p->v.ld] : 0.0;
            if (fabs(value) > fabs(largest)) largest = value;
            out->pc[l * RJ_TRAJECTORY_PC + c] = value;
        }
        for (int l = 0; l <= p->L && largest < 0.0; l++)
            out->pc[l * RJ_TRAJECTORY_PC + c] = -out->pc[l * RJ_TRAJECTORY_PC + c];
    }
}

static double cosine(int d, const double *a, double norm_a, const double *b, double norm_b,
                     rj_trajectory *out)
{
    return norm_a > 0.0 && norm_b > 0.0 ? dot(d, a, b) / norm_a / norm_b : count_undefined(out);
}

static void measure_steps(const path *p, rj_trajectory *out)
{
    const int d = p->d, L = p->L;
    const double *last = p->x + (ptrdiff_t)L * d;

    for (int l = 0; l <= L; l++) out->hidden_norm[l] = norm(d, p->x + (ptrdiff_t)l * d);
    for (int l = 1; l <= L; l++) {
        const double *x = p->x + (ptrdiff_t)l * d;
        double *step = p->step + (ptrdiff_t)(l - 1) * d;
        for (int i = 0; i < d; i++) step[i] = x[i] - x[i - d];
        out->step_norm[l - 1] = norm(d, step);
        out->step_cosine[l - 1] =
            l == 1 ? NAN : cosine(d, step, out->step_norm[l - 1], step - d, out->step_norm[l - 2], out);
        out->final_cosine[l - 1] = cosine(d, x, out->hidden_norm[l], last, out->hidden_norm[L], out);
    }
}

/* LSS = L / || sum_l D^l / ||D^l|| || */
static void measure_line_shape(const path *p, rj_trajectory *out)
{
    for (int l = 0; l < p->L; l++) {
        if (!(out->step_norm[l] > 0.0)) {
            out->line_shape_score = count_undefined(out);
            return;
        }
        for (int i = 0; i < p->d; i++) p->line[i] += p->step[i + (ptrdiff_t)l * p->d] / out->step_norm[l];
    }
    const double length = norm(p->d, p->line);
    /* A closed path leaves only the rounding of L unit vectors. */
    out->line_shape_score = length > 4.0 * DBL_EPSILON * p->L ? p->L / length : count_undefined(out);
}

/* a^l = ln ||x^l|| - ln ||x^(l-1)||; ED = Var a / (mean a)^2, population variance */
static void measure_expodistance(const path *p, rj_trajectory *out)
{
    const int L = p->L;
    const double mean = (p->growth[L] - p->growth[0]) / L;
    double variance = 0.0;

    for (int l = 1; l <= L; l++) {
        const double off = p->growth[l] - p->growth[l - 1] - mean;
        variance += off * off / L;
    }
    /* Logarithms of equal norms differ by their rounding. */
    const double noise = 4.0 * DBL_EPSILON * fmax(1.0, fabs(p->growth[0]));
    const int defined = fabs(mean) * L > noise;
    out->expodistance = defined ? variance / (mean * mean) : count_undefined(out);
    out->expodistance_cv = defined ? sqrt(out->expodistance) : count_undefined(out);
}

static void measure_growth(const path *p, rj_trajectory *out)
{
    rj_line_sums sums = {.noise = DBL_EPSILON}; /* ln of a norm that is rounded relatively */

    for (int l = 0; l <= p->L; l++) {
        if (!(out->hidden_norm[l] > 0.0)) {
            out->growth_rate = out->growth_intercept = out->growth_r2 = NAN;
            out->expodistance = out->expodistance_cv = NAN;
            out->undefined += 5;
            return;
        }
        p->growth[l] = log(out->hidden_norm[l]);
        rj_line_add(&sums, l, p->growth[l]);
    }
    const rj_line line = rj_line_fit(&sums);
    out->growth_rate = line.slope;
    out->growth_intercept = line.intercept;
    out->growth_r2 = isnan(line.r2) ? count_undefined(out) : line.r2;
    measure_expodistance(p, out);
}

rj_status rj_trajectory_measure(int d, int L, const double *x, rj_trajectory *out)
{
    rj_status st = RJ_OK;
    path p = {0};

    RJ_REQUIRE(d >= 1 && L >= 1, RJ_ERR_ARG,
               "trajectory of %d blocks in %d dimensions: needs at least 1 of each", L, d);
    RJ_TRY(require_finite(d, L, x));
    RJ_TRY(path_new(d, L, x, &p));
    RJ_TRY(principal_components(&p));
    out->undefined = 0;
    store_components(&p, out);
    measure_steps(&p, out);
    measure_line_shape(&p, out);
    measure_growth(&p, out);
done:
    path_free(&p);
    return st;
}
