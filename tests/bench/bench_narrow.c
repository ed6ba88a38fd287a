/* bench_narrow.c: J x and J' x with eight columns, by BLAS and by ours, by turns; best of several. Prints GFLOP/s and the ratio. */
#include <stdio.h>
#include <stdlib.h>

#include "resjac/base/clock.h"
#include "resjac/base/rng.h"
#include "resjac/linalg/blas.h"

enum { N = 8, TURNS = 7 };

extern void sgemm_(const char *op_a, const char *op_b, const int *m, const int *n, const int *k,
                   const float *alpha, const float *a, const int *lda, const float *b, const int *ldb,
                   const float *beta, float *c, const int *ldc);

static void by_blas(char op, const rj_matrix *a, const rj_matrix *b, rj_matrix *c)
{
    const float one = 1, zero = 0;
    const int n = N;

    sgemm_(&op, "N", &a->rows, &n, &a->rows, &one, a->data, &a->ld, b->data, &b->ld, &zero, c->data, &c->ld);
}

static void by_ours(char op, const rj_matrix *a, const rj_matrix *b, rj_matrix *c)
{
    rj_gemm(op, 'N', 1.0, a, b, 0.0, c);
}

typedef void product(char op, const rj_matrix *a, const rj_matrix *b, rj_matrix *c);

static double seconds(product *f, int repeats, char op, const rj_matrix *a, const rj_matrix *b, rj_matrix *c)
{
    const double start = rj_clock_now();

    for (int i = 0; i < repeats; i++) f(op, a, b, c);
    return (rj_clock_now() - start) / repeats;
}

static void fill(rj_matrix *m, const char *name)
{
    const rj_rng rng = rj_rng_open(1, name);
    double *column = malloc((size_t)m->rows * sizeof *column);

    for (int j = 0; j < m->cols; j++) {
        rj_rng_normals(&rng, (uint64_t)j * (uint64_t)m->rows, (uint64_t)m->rows, column);
        rj_matrix_set_column(m, j, column);
    }
    free(column);
}

int main(void)
{
    static const int sizes[] = {256, 576, 768, 1024, 1536, 2048, 4096};

    rj_blas_set_threads(1);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        const int d = sizes[s], repeats = (int)(4e8 / (2.0 * N * d * d)) + 1;
        rj_matrix a, b, c;
        if (rj_matrix_new(RJ_SINGLE, d, d, &a) != RJ_OK || rj_matrix_new(RJ_SINGLE, d, N, &b) != RJ_OK ||
            rj_matrix_new(RJ_SINGLE, d, N, &c) != RJ_OK)
            return 71;
        fill(&a, "a");
        fill(&b, "b");
        for (int t = 0; t < 2; t++) {
            double blas = 1e9, ours = 1e9;
            for (int turn = 0; turn < TURNS; turn++) {
                const double x = seconds(by_blas, repeats, "NT"[t], &a, &b, &c);
                const double y = seconds(by_ours, repeats, "NT"[t], &a, &b, &c);
                blas = x < blas ? x : blas;
                ours = y < ours ? y : ours;
            }
            const double flops = 2e-9 * N * d * d;
            printf("d = %4d  %-4s  BLAS %6.1f  ours %6.1f GFLOP/s  %.2f times\n", d, t == 0 ? "J x" : "J' x",
                   flops / blas, flops / ours, blas / ours);
        }
        rj_matrix_free(&a);
        rj_matrix_free(&b);
        rj_matrix_free(&c);
    }
    return 0;
}
