/* linop.c: 2 rows cols^2 flops to form a dense operator; others cost what their products cost. */
#include "resjac/linalg/linop.h"

#include "resjac/base/memory.h"
#include "resjac/linalg/blas.h"

static rj_status dense_apply(const void *ctx, const rj_matrix *x, rj_matrix *y)
{
    rj_gemm('N', 'N', 1.0, ctx, x, 0.0, y);
    return RJ_OK;
}

static rj_status dense_apply_transpose(const void *ctx, const rj_matrix *x, rj_matrix *y)
{
    rj_gemm('T', 'N', 1.0, ctx, x, 0.0, y);
    return RJ_OK;
}

rj_linop rj_linop_dense(const rj_matrix *m)
{
    return (rj_linop){m->rows, m->cols, m->type, m, dense_apply, dense_apply_transpose};
}

const rj_matrix *rj_linop_matrix(const rj_linop *op)
{
    return op->apply == dense_apply ? op->ctx : NULL;
}

rj_status rj_linop_form(const rj_linop *op, int width, rj_matrix *m)
{
    rj_status st = RJ_OK;
    rj_matrix panel = {.ld = 1};

    RJ_REQUIRE(width >= 1 && m->rows == op->rows && m->cols == op->cols && m->type == op->type, RJ_ERR_ARG,
               "operator %dx%d (type %d) by %d columns at a time into a matrix %dx%d (type %d)", op->rows,
               op->cols, (int)op->type, width, m->rows, m->cols, (int)m->type);
    if (width > op->cols) width = op->cols;
    RJ_TRY(rj_matrix_new(op->type, op->cols, width, &panel));
    for (int c = 0; c < op->cols; c += width) {
        const int n = op->cols - c < width ? op->cols - c : width;
        const rj_matrix x = rj_matrix_block(&panel, 0, 0, op->cols, n);
        rj_matrix ones = rj_matrix_block(&panel, c, 0, n, n), y = rj_matrix_block(m, 0, c, op->rows, n);
        rj_matrix_identity(&ones); /* X <- columns c..c+n-1 of I */
        RJ_TRY(op->apply(op->ctx, &x, &y));
        rj_matrix_fill(&ones, 0.0);
    }
done:
    rj_matrix_free(&panel);
    return st;
}
