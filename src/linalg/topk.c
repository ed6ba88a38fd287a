/* topk.c: O(d^3) for the decomposition, 4 d^2 k flops for its certificates. */
#include "resjac/linalg/topk.h"

#include <math.h>
#include <string.h>

#include "resjac/base/memory.h"
#include "resjac/linalg/blas.h"
#include "resjac/linalg/lapack.h"
#include "topk_parts.h"

rj_status rj_topk_require_finite(const rj_matrix *jac, double *column)
{
    if (rj_matrix_is_finite(jac)) return RJ_OK;
    for (int j = 0; j < jac->cols; j++) {
        rj_matrix_get_column(jac, j, column);
        for (int i = 0; i < jac->rows; i++)
            if (!isfinite(column[i]))
                return rj_raise(RJ_ERR_NUMERIC, __FILE__, __LINE__,
                                "J [%d,%d] has %g at (%d,%d); screen weights and states for Inf and NaN",
                                jac->rows, jac->cols, column[i], i, j);
    }
    return RJ_OK;
}

void rj_topk_fix_signs(rj_matrix *u, rj_matrix *v, double *column)
{
    for (int j = 0; j < u->cols; j++) {
        int largest = 0;
        rj_matrix_get_column(u, j, column);
        for (int i = 1; i < u->rows; i++)
            if (fabs(column[i]) > fabs(column[largest])) largest = i;
        if (column[largest] >= 0.0) continue;
        rj_matrix one_u = rj_matrix_block(u, 0, j, u->rows, 1), one_v = rj_matrix_block(v, 0, j, v->rows, 1);
        rj_matrix_scale(-1.0, &one_u);
        rj_matrix_scale(-1.0, &one_v);
    }
}

/* residual_i = ||op(J) x_i - s_i y_i|| / s_1; w [d,k] is op(J) X, destroyed */
static void store_residuals(const rj_topk *top, const rj_matrix *y, rj_matrix *w, double *residual)
{
    for (int i = 0; i < top->k; i++) {
        const rj_matrix y_i = rj_matrix_block(y, 0, i, top->d, 1);
        rj_matrix w_i = rj_matrix_block(w, 0, i, top->d, 1);
        rj_matrix_add(-top->s[i], &y_i, &w_i);
        residual[i] = top->s[0] > 0.0 ? rj_matrix_frobenius(&w_i) / top->s[0] : 0.0;
    }
}

/* max |X'X - I|; gram [k,k] is scratch */
static double orthogonality_loss(const rj_matrix *x, rj_matrix *gram, const rj_matrix *identity)
{
    rj_gemm('T', 'N', 1.0, x, x, 0.0, gram);
    return rj_matrix_max_difference(gram, identity);
}

rj_status rj_topk_require_certified(const rj_topk *top)
{
    rj_status st = RJ_OK;
    /* A backward-stable decomposition stays within a few eps d^(1/2); beyond this the library is broken. */
    const double limit = 1e3 * rj_matrix_epsilon(top->u.type) * sqrt(top->d);

    for (int i = 0; i < top->k; i++)
        RJ_REQUIRE(
            top->residual_right[i] <= limit && top->residual_left[i] <= limit, RJ_ERR_NUMERIC,
            "triplet %d of J [%d,%d]: residuals %g (right) and %g (left) of s_1 = %g, at most %g allowed; "
            "check the LAPACK and ScaLAPACK libraries",
            i, top->d, top->d, top->residual_right[i], top->residual_left[i], top->s[0], limit);
    RJ_REQUIRE(top->orthogonality_loss <= limit, RJ_ERR_NUMERIC,
               "frames of J [%d,%d]: orthogonality loss %g, at most %g allowed; check the LAPACK and "
               "ScaLAPACK libraries",
               top->d, top->d, top->orthogonality_loss, limit);
done:
    return st;
}

rj_status rj_topk_certify(const rj_linop *op, rj_topk *top)
{
    rj_status st = RJ_OK;
    rj_matrix w = {.ld = 1}, gram = {.ld = 1}, identity = {.ld = 1};

    RJ_TRY(rj_matrix_new(op->type, top->d, top->k, &w));
    RJ_TRY(rj_matrix_new(op->type, top->k, top->k, &gram));
    RJ_TRY(rj_matrix_new(op->type, top->k, top->k, &identity));
    rj_matrix_identity(&identity);
    RJ_TRY(op->apply(op->ctx, &top->v, &w));
    store_residuals(top, &top->u, &w, top->residual_right);
    RJ_TRY(op->apply_transpose(op->ctx, &top->u, &w));
    store_residuals(top, &top->v, &w, top->residual_left);
    top->orthogonality_loss =
        fmax(orthogonality_loss(&top->u, &gram, &identity), orthogonality_loss(&top->v, &gram, &identity));
done:
    rj_matrix_free(&identity);
    rj_matrix_free(&gram);
    rj_matrix_free(&w);
    return st;
}

rj_status rj_topk_new(rj_arithmetic type, int d, int k, rj_svd_method method, rj_topk *top)
{
    rj_status st = RJ_OK;

    *top = (rj_topk){.d = d, .k = k, .method = method, .n_all = d};
    RJ_TRY(rj_matrix_new(type, d, k, &top->u));
    RJ_TRY(rj_matrix_new(type, d, k, &top->v));
    RJ_NEW(top->s, k, 1);
    RJ_NEW(top->residual_right, k, 1);
    RJ_NEW(top->residual_left, k, 1);
    RJ_NEW(top->s_all, d, 1);
done:
    return st;
}

rj_status rj_topk_full(const rj_matrix *jac, int k, rj_topk *top)
{
    rj_status st = RJ_OK;
    const int d = jac->rows;
    rj_topk mine = {0};
    rj_matrix a = {.ld = 1};
    double *column = NULL;

    RJ_REQUIRE(jac->cols == d && 1 <= k && k <= d, RJ_ERR_ARG,
               "%d triplets of J %dx%d: needs a square J and 1..%d", k, d, jac->cols, d);
    RJ_NEW(column, d, 1);
    RJ_TRY(rj_topk_require_finite(jac, column));
    RJ_TRY(rj_topk_new(jac->type, d, k, RJ_SVD_FULL, &mine));
    RJ_TRY(rj_matrix_new(jac->type, d, d, &a));
    rj_matrix_copy(jac, &a);
    RJ_TRY(rj_lapack_svd(&a, k, mine.s_all, &mine.u, &mine.v));
    memcpy(mine.s, mine.s_all, (size_t)k * sizeof *mine.s);
    rj_topk_fix_signs(&mine.u, &mine.v, column);
    const rj_linop op = rj_linop_dense(jac);
    RJ_TRY(rj_topk_certify(&op, &mine));
    RJ_TRY(rj_topk_require_certified(&mine));
    *top = mine;
    mine = (rj_topk){0};
done:
    rj_matrix_free(&a);
    rj_topk_free(&mine);
    RJ_FREE(column);
    return st;
}

void rj_topk_free(rj_topk *top)
{
    RJ_FREE(top->s_all);
    RJ_FREE(top->residual_left);
    RJ_FREE(top->residual_right);
    RJ_FREE(top->s);
    rj_matrix_free(&top->v);
    rj_matrix_free(&top->u);
    *top = (rj_topk){0};
}

int rj_topk_rank(const rj_topk *top)
{
    const double least = 10.0 * rj_matrix_epsilon(top->u.type) * sqrt(top->d) * top->s_all[0];
    int n = 0;

    while (n < top->n_all && top->s_all[n] > least) n++;
    return n;
}

double rj_topk_gap(const rj_topk *top, int k)
{
    double smallest = 1.0;

    if (!(top->s_all[0] > 0.0)) return 0.0;
    if (k >= top->n_all && top->n_all < top->d) return NAN;
    for (int i = 0; i < k && i < top->n_all; i++) {
        const double next = i + 1 < top->n_all ? top->s_all[i + 1] : 0.0;
        const double gap = (top->s_all[i] - next) / top->s_all[0];
        if (gap < smallest) smallest = gap;
    }
    return smallest;
}
