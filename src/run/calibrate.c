/* calibrate.c: times of single calls, best of several: what disturbs a machine only ever makes them longer. */
#include "resjac/run/calibrate.h"

#include <math.h>

#include "resjac/base/clock.h"
#include "resjac/base/memory.h"
#include "resjac/base/rng.h"
#include "resjac/linalg/blas.h"
#include "resjac/linalg/krylov.h"

enum { ORDER = 1024, NARROW = 8, LEAST_CALLS = 3, TRIPLETS = 53, VALUES = 64 };
static const double enough = 0.2; /* seconds of calls */

/* Columns that shrink slowly, as singular values of Jacobians do. */
static rj_status matrix_new(rj_arithmetic type, int rows, int cols, rj_matrix *m)
{
    rj_status st = RJ_OK;
    const rj_rng rng = rj_rng_open(0, "calibration");
    double *column = NULL;

    RJ_NEW(column, rows, 1);
    RJ_TRY(rj_matrix_new(type, rows, cols, m));
    for (int j = 0; j < cols; j++) {
        rj_rng_normals(&rng, (uint64_t)j * (uint64_t)rows, (uint64_t)rows, column);
        for (int i = 0; i < rows; i++) column[i] /= sqrt(rows) * pow(1 + j, 0.3);
        rj_matrix_set_column(m, j, column);
    }
done:
    RJ_FREE(column);
    return st;
}

/* Best seconds of C <- A B, A [n,n], B [n,cols]. */
static rj_status time_product(rj_arithmetic type, int n, int cols, double *best)
{
    rj_status st = RJ_OK;
    rj_matrix a = {.ld = 1}, b = {.ld = 1}, c = {.ld = 1};
    double all = 0.0;

    RJ_TRY(matrix_new(type, n, n, &a));
    RJ_TRY(matrix_new(type, n, cols, &b));
    RJ_TRY(rj_matrix_new(type, n, cols, &c));
    rj_gemm('N', 'N', 1.0, &a, &b, 0.0, &c); /* once for the caches */
    *best = INFINITY;
    for (int call = 0; call < LEAST_CALLS || all < enough; call++) {
        const double start = rj_clock_now();
        rj_gemm('N', 'N', 1.0, &a, &b, 0.0, &c);
        const double seconds = rj_clock_now() - start;
        *best = fmin(*best, seconds);
        all += seconds;
    }
done:
    rj_matrix_free(&c);
    rj_matrix_free(&b);
    rj_matrix_free(&a);
    return st;
}

static rj_status time_svd(const rj_matrix *jac, rj_svd_method method, double *best, int *columns)
{
    rj_status st = RJ_OK;
    const rj_krylov_options wanted = {.k = TRIPLETS, .most = VALUES};
    rj_topk top = {0};

    *best = INFINITY;
    for (int call = 0; call < LEAST_CALLS; call++) {
        const double start = rj_clock_now();
        RJ_TRY(rj_topk_of(jac, method, &wanted, &top));
        *best = fmin(*best, rj_clock_now() - start);
        *columns = top.columns;
        rj_topk_free(&top);
    }
done:
    return st;
}

/* full2 and full3 from the two larger sizes; projection from what the Krylov decomposition takes beside its products. */
static void fit_rates(bool is_double, rj_calibration *c)
{
    const double d1 = c->svd[1].d, d2 = c->svd[2].d;
    const double per1 = c->svd[1].full / (d1 * d1), per2 = c->svd[2].full / (d2 * d2);
    rj_cost_rates *r = &c->rates;

    *r = rj_cost_built_in(is_double);
    r->wide = 1.0 / c->gemm;
    r->narrow = 1.0 / c->narrow;
    r->full3 = fmax((per2 - per1) / (d2 - d1), 0.0);
    r->full2 = fmax(per1 - r->full3 * d1, 0.0);
    if (c->svd[1].columns == 0) return;
    const double n = c->svd[1].columns;
    const double products = rj_cost_krylov_products(r, c->svd[1].d, c->svd[1].columns, VALUES);
    r->projection = fmax((c->svd[1].krylov - products) / (n * n * n), 0.0);
}

rj_status rj_calibrate(rj_arithmetic type, rj_calibration *c)
{
    static const int sizes[RJ_CALIBRATION_SIZES] = {256, 576, 1024};
    rj_status st = RJ_OK;
    rj_matrix jac = {.ld = 1};
    double seconds = 0.0;
    int none = 0;

    RJ_TRY(time_product(type, ORDER, ORDER, &seconds));
    c->gemm = 2.0 * ORDER * ORDER * ORDER / seconds;
    RJ_TRY(time_product(type, ORDER, NARROW, &seconds));
    c->narrow = 2.0 * ORDER * ORDER * NARROW / seconds;
    for (int i = 0; i < RJ_CALIBRATION_SIZES; i++) {
        c->svd[i].d = sizes[i];
        RJ_TRY(time_product(type, sizes[i], sizes[i], &c->svd[i].product));
        RJ_TRY(matrix_new(type, sizes[i], sizes[i], &jac));
        RJ_TRY(time_svd(&jac, RJ_SVD_FULL, &c->svd[i].full, &none));
        RJ_TRY(time_svd(&jac, RJ_SVD_KRYLOV, &c->svd[i].krylov, &c->svd[i].columns));
        rj_matrix_free(&jac);
    }
    fit_rates(type == RJ_DOUBLE, c);
done:
    rj_matrix_free(&jac);
    return st;
}
