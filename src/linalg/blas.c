/* blas.c: Fortran BLAS by reference, int dimensions (no 64-bit build: its names collide with ScaLAPACK's). */
#include "resjac/linalg/blas.h"

#include <stdio.h>
#include <stdlib.h>

#include "dots.h"
#include "narrow.h"
#include "resjac/base/clock.h"

extern void sgemm_(const char *op_a, const char *op_b, const int *m, const int *n, const int *k,
                   const float *alpha, const float *a, const int *lda, const float *b, const int *ldb,
                   const float *beta, float *c, const int *ldc);
extern void dgemm_(const char *op_a, const char *op_b, const int *m, const int *n, const int *k,
                   const double *alpha, const double *a, const int *lda, const double *b, const int *ldb,
                   const double *beta, double *c, const int *ldc);

/* OpenBLAS's own; weak, so that another BLAS links too and follows OMP_NUM_THREADS alone. */
extern void openblas_set_num_threads(int n) __attribute__((weak));

void rj_blas_set_threads(int n)
{
    if (openblas_set_num_threads != NULL) openblas_set_num_threads(n);
}

/* BLAS itself would print a line and go on. */
static void require_match(char op_a, char op_b, const rj_matrix *a, const rj_matrix *b, const rj_matrix *c)
{
    const int m = op_a == 'N' ? a->rows : a->cols, k = op_a == 'N' ? a->cols : a->rows;
    const int l = op_b == 'N' ? b->rows : b->cols, n = op_b == 'N' ? b->cols : b->rows;

    if ((op_a == 'N' || op_a == 'T') && (op_b == 'N' || op_b == 'T') && a->type == b->type &&
        a->type == c->type && k == l && m == c->rows && n == c->cols)
        return;
    fprintf(
        stderr,
        "rj_gemm: op '%c' of A %dx%d (type %d) times op '%c' of B %dx%d (type %d) is not C %dx%d (type %d)\n",
        op_a, a->rows, a->cols, (int)a->type, op_b, b->rows, b->cols, (int)b->type, c->rows, c->cols,
        (int)c->type);
    abort();
}

void rj_gemm(char op_a, char op_b, double alpha, const rj_matrix *a, const rj_matrix *b, double beta,
             rj_matrix *c)
{
    const int m = c->rows, n = c->cols, k = op_a == 'N' ? a->cols : a->rows;

    require_match(op_a, op_b, a, b, c);
    if (m == 0 || n == 0) return;
    if (c->type == RJ_SINGLE && op_b == 'N' && n == RJ_NARROW && k > 0) {
        rj_narrow_product(op_a, (float)alpha, a, b, (float)beta, c);
    } else if (c->type == RJ_SINGLE && op_a == 'T' && op_b == 'N' && k > 0 &&
               (n <= RJ_FEW || (n <= RJ_SMALL && m <= RJ_SMALL))) {
        rj_dots_product((float)alpha, a, b, (float)beta, c);
    } else if (c->type == RJ_SINGLE) {
        const float alpha_single = (float)alpha, beta_single = (float)beta;
        sgemm_(&op_a, &op_b, &m, &n, &k, &alpha_single, a->data, &a->ld, b->data, &b->ld, &beta_single,
               c->data, &c->ld);
    } else {
        dgemm_(&op_a, &op_b, &m, &n, &k, &alpha, a->data, &a->ld, b->data, &b->ld, &beta, c->data, &c->ld);
    }
    rj_clock_flops(2.0 * m * n * k);
}
