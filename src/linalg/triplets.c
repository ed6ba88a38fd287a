/* triplets.c: U X and V Y; the decomposition of the small B costs as much as several of its columns. */
#include "triplets.h"

#include <math.h>
#include <string.h>

#include "band.h"
#include "resjac/base/memory.h"
#include "resjac/linalg/blas.h"
#include "resjac/linalg/lapack.h"
#include "topk_parts.h"

/* x and y [n,k] are of J's arithmetic */
static void put(rj_lanczos *p, const double *s, const rj_matrix *x, const rj_matrix *y, rj_topk *top)
{
    const rj_matrix u = rj_matrix_block(&p->u, 0, 0, top->d, x->rows);
    const rj_matrix v = rj_matrix_block(&p->v, 0, 0, top->d, y->rows);

    memcpy(top->s, s, (size_t)top->k * sizeof *s);
    rj_gemm('N', 'N', 1.0, &u, x, 0.0, &top->u);
    rj_gemm('N', 'N', 1.0, &v, y, 0.0, &top->v);
    rj_topk_fix_signs(&top->u, &top->v, p->column);
}

rj_status rj_triplets_by_svd(rj_lanczos *p, double *value, rj_topk *top)
{
    rj_status st = RJ_OK;
    const rj_arithmetic type = p->op->type;
    const rj_matrix projected = rj_matrix_block(&p->b, 0, 0, p->n, p->n);
    rj_matrix b = {.ld = 1}, x = {.ld = 1}, y = {.ld = 1};

    RJ_TRY(rj_matrix_new(type, p->n, p->n, &b));
    RJ_TRY(rj_matrix_new(type, p->n, top->k, &x));
    RJ_TRY(rj_matrix_new(type, p->n, top->k, &y));
    rj_matrix_copy(&projected, &b);
    RJ_TRY(rj_lapack_svd(&b, top->k, value, &x, &y));
    put(p, value, &x, &y, top);
done:
    rj_matrix_free(&y);
    rj_matrix_free(&x);
    rj_matrix_free(&b);
    return st;
}

/* x [n,k] <- X, value [n] <- S^2 */
static rj_status left_vectors(const rj_lanczos *p, const rj_matrix *b, double *value, rj_matrix *x)
{
    rj_status st = RJ_OK;
    rj_band gram = {0};
    rj_matrix g = {.ld = 1};

    RJ_TRY(rj_band_new(b, p->turn, &gram));
    RJ_TRY(rj_matrix_new(RJ_DOUBLE, b->rows, b->rows, &g));
    rj_band_spread(&gram, &g);
    RJ_TRY(rj_lapack_symmetric(&g, 0, value, x));
done:
    rj_matrix_free(&g);
    rj_band_free(&gram);
    return st;
}

rj_status rj_triplets_by_gram(rj_lanczos *p, int n, rj_topk *top)
{
    rj_status st = RJ_OK;
    const int k = top->k;
    const rj_arithmetic type = p->op->type;
    const rj_matrix b = rj_matrix_block(&p->b, 0, 0, n, n);
    rj_matrix x = {.ld = 1}, y = {.ld = 1}, left = {.ld = 1}, right = {.ld = 1};
    double *value = NULL;

    RJ_NEW(value, n, 1);
    RJ_TRY(rj_matrix_new(RJ_DOUBLE, n, k, &x));
    RJ_TRY(rj_matrix_new(RJ_DOUBLE, n, k, &y));
    RJ_TRY(rj_matrix_new(type, n, k, &left));
    RJ_TRY(rj_matrix_new(type, n, k, &right));
    RJ_TRY(left_vectors(p, &b, value, &x));
    rj_gemm('T', 'N', 1.0, &b, &x, 0.0, &y);
    for (int i = 0; i < k; i++) {
        rj_matrix one = rj_matrix_block(&y, 0, i, n, 1);
        value[i] = sqrt(value[i]);
        rj_matrix_scale(1.0 / value[i], &one);
    }
    rj_matrix_copy(&x, &left);
    rj_matrix_copy(&y, &right);
    put(p, value, &left, &right, top);
done:
    rj_matrix_free(&right);
    rj_matrix_free(&left);
    rj_matrix_free(&y);
    rj_matrix_free(&x);
    RJ_FREE(value);
    return st;
}
