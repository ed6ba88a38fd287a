/* norm_probe.c: one panel of random columns; sums in double. */
#include "resjac/linalg/norm_probe.h"

#include <math.h>

#include "resjac/base/memory.h"
#include "resjac/base/rng.h"
#include "resjac/linalg/blas.h"

/* z [d,n] <- normal columns, orthogonal to those of V */
static rj_status draw(const rj_topk *top, uint64_t seed, rj_matrix *z)
{
    rj_status st = RJ_OK;
    const rj_rng rng = rj_rng_open(seed, "norm probes");
    const rj_matrix v = rj_matrix_block(&top->v, 0, 0, top->d, top->k);
    rj_matrix along = {.ld = 1};
    double *column = NULL;

    RJ_NEW(column, z->rows, 1);
    RJ_TRY(rj_matrix_new(z->type, top->k, z->cols, &along));
    for (int j = 0; j < z->cols; j++) {
        rj_rng_normals(&rng, (uint64_t)j * (uint64_t)z->rows, (uint64_t)z->rows, column);
        rj_matrix_set_column(z, j, column);
    }
    rj_gemm('T', 'N', 1.0, &v, z, 0.0, &along);
    rj_gemm('N', 'N', -1.0, &v, &along, 1.0, z);
done:
    rj_matrix_free(&along);
    RJ_FREE(column);
    return st;
}

/* Mean and its standard error. */
static void mean_of(int n, const double *x, double *mean, double *error)
{
    double sum = 0.0, squares = 0.0;

    for (int i = 0; i < n; i++) sum += x[i];
    *mean = sum / n;
    for (int i = 0; i < n; i++) squares += (x[i] - *mean) * (x[i] - *mean);
    *error = sqrt(squares / (n - 1) / n);
}

/* The shares of the triplets in ||J||_F^2 and tr J. */
static void known_of(const rj_topk *top, double *column, double *square, double *trace)
{
    *square = *trace = 0.0;
    for (int k = 0; k < top->k; k++) {
        const rj_matrix u = rj_matrix_block(&top->u, 0, k, top->d, 1);
        double along = 0.0;
        rj_matrix_get_column(&top->v, k, column);
        rj_matrix_times('T', &u, column, &along);
        *square += top->s[k] * top->s[k];
        *trace += top->s[k] * along;
    }
}

rj_status rj_probe_norms(const rj_linop *op, const rj_topk *top, int n, uint64_t seed, rj_probe *out)
{
    rj_status st = RJ_OK;
    const int d = op->rows;
    rj_matrix z = {.ld = 1}, y = {.ld = 1};
    double *scratch = NULL, square = 0.0, error = 0.0;
    rj_probe mine;

    RJ_REQUIRE(n >= 2 && op->cols == d && top->d == d, RJ_ERR_ARG,
               "%d probes of an operator %dx%d with triplets of %d, needs 2 and a square one", n, d, op->cols,
               top->d);
    RJ_NEW(scratch, (ptrdiff_t)d + 2 * n, 1);
    RJ_TRY(rj_matrix_new(op->type, d, n, &z));
    RJ_TRY(rj_matrix_new(op->type, d, n, &y));
    RJ_TRY(draw(top, seed, &z));
    RJ_TRY(op->apply(op->ctx, &z, &y));
    RJ_REQUIRE(rj_matrix_is_finite(&y), RJ_ERR_NUMERIC,
               "a product of J [%d,%d] with normal columns is Inf or NaN; screen weights and states", d, d);
    double *squares = scratch + d, *traces = squares + n;
    for (int j = 0; j < n; j++) {
        const rj_matrix one = rj_matrix_block(&y, 0, j, d, 1);
        const double size = rj_matrix_frobenius(&one);
        rj_matrix_get_column(&z, j, scratch);
        squares[j] = size * size;
        rj_matrix_times('T', &one, scratch, &traces[j]);
    }
    double known_square, known_trace;
    known_of(top, scratch, &known_square, &known_trace);
    mean_of(n, squares, &square, &error);
    mine.frobenius = sqrt(known_square + square);
    mine.frobenius_error = mine.frobenius > 0.0 ? error / (2.0 * mine.frobenius) : 0.0;
    mean_of(n, traces, &mine.trace, &mine.trace_error);
    mine.trace += known_trace;
    *out = mine;
done:
    rj_matrix_free(&y);
    rj_matrix_free(&z);
    RJ_FREE(scratch);
    return st;
}
