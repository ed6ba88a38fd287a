/* regression.c: residuals by Gram-Schmidt, each projection twice, so that they are orthogonal to working precision. */
#include "resjac/stats/regression.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "resjac/base/memory.h"
#include "resjac/stats/correlation.h"
#include "resjac/stats/distribution.h"

rj_regression rj_regress(int n, const double *x, const double *y)
{
    rj_regression fit = {NAN, NAN, NAN, NAN, NAN};
    double mx = 0.0, my = 0.0, xx = 0.0, xy = 0.0, yy = 0.0, rest = 0.0;

    if (n < 3 || rj_is_constant(n, x) || rj_is_constant(n, y)) return fit;
    for (int i = 0; i < n; i++) {
        mx += x[i] / n;
        my += y[i] / n;
    }
    for (int i = 0; i < n; i++) {
        xx += (x[i] - mx) * (x[i] - mx);
        xy += (x[i] - mx) * (y[i] - my);
        yy += (y[i] - my) * (y[i] - my);
    }
    fit.slope = xy / xx;
    fit.intercept = my - fit.slope * mx;
    for (int i = 0; i < n; i++) {
        const double off = (y[i] - my) - fit.slope * (x[i] - mx);
        rest += off * off;
    }
    const double half = rj_student_quantile(0.975, n - 2) * sqrt(rest / (n - 2) / xx);
    fit.slope_low = fit.slope - half;
    fit.slope_high = fit.slope + half;
    fit.r_squared = 1.0 - rest / yy;
    return fit;
}

static double norm(int n, const double *x)
{
    double sum = 0.0;

    for (int i = 0; i < n; i++) sum += x[i] * x[i];
    return sqrt(sum);
}

/* x := x - Q Q'x for the q orthonormal rows of `basis`. False where only rounding is left: |x| <= 64 n eps |x before|. */
static bool sweep(int n, int q, const double *basis, double *x)
{
    const double before = norm(n, x);

    for (int pass = 0; pass < 2; pass++)
        for (int k = 0; k < q; k++) {
            const double *row = basis + (ptrdiff_t)k * n;
            double dot = 0.0;
            for (int i = 0; i < n; i++) dot += row[i] * x[i];
            for (int i = 0; i < n; i++) x[i] -= dot * row[i];
        }
    return norm(n, x) > 64.0 * n * DBL_EPSILON * before;
}

static void scale(int n, double factor, double *x)
{
    for (int i = 0; i < n; i++) x[i] *= factor;
}

rj_status rj_partial_correlation(int n, const double *x, const double *y, int q, const double *control,
                                 rj_partial *result)
{
    rj_status st = RJ_OK;
    double *basis = NULL, *rest = NULL;
    int rank = 1; /* the constant */

    RJ_NEW(basis, q + 1, n);
    RJ_NEW(rest, 2, n);
    for (int i = 0; i < n; i++) basis[i] = 1.0 / sqrt(n);
    for (int k = 0; k < q; k++) {
        double *next = basis + (ptrdiff_t)rank * n;
        memcpy(next, control + (ptrdiff_t)k * n, (size_t)n * sizeof *next);
        if (!sweep(n, rank, basis, next)) continue;
        scale(n, 1.0 / norm(n, next), next);
        rank++;
    }
    memcpy(rest, x, (size_t)n * sizeof *rest);
    memcpy(rest + n, y, (size_t)n * sizeof *rest);
    const bool left = sweep(n, rank, basis, rest), right = sweep(n, rank, basis, rest + n);
    const int df = n - 1 - rank;
    const double r = left && right && df >= 1 ? rj_pearson(n, rest, rest + n) : (double)NAN;
    *result = (rj_partial){r, rj_correlation_p(r, df), df};
done:
    rj_free(basis);
    rj_free(rest);
    return st;
}
