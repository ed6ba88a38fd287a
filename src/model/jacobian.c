/* jacobian.c: the block at a point, folded into one matrix or as an operator.
 * J = A + B (delta I + A), parallel: A + delta B, delta = 1 where source and target are one token, else 0; A = P1 Wo G D1,
 * B = P2 Wdown H D2, D and P the norms before and behind a sublayer; behind a sum with the norm S, what is so far, X, becomes
 * S (delta I + X) - delta I. In a decoder C = Wo M D of its second attention comes between the two: X becomes X + C (delta I + X).
 * Folded it takes 2 d^2 (r + d + d_ff) flops, parallel 2 d^2 (r + d_ff), r the columns of A's factors, at most n_head dh, and few
 * passes besides; with r < d, where A needs not be formed, A = X Y, B + (I + B) X Y: 2 d^2 (2 r + d_ff). */
#include "resjac/base/clock.h"
#include "resjac/base/memory.h"
#include "resjac/linalg/blas.h"
#include "resjac/model/block_parts.h"

/* Columns first.. of something [d,d] in the block's arithmetic. */
static rj_status require_columns(const rj_point *p, int first, const rj_matrix *columns)
{
    rj_status st = RJ_OK;
    const int d = p->block->model->config.d, n = columns->cols;

    RJ_REQUIRE(columns->rows == d && first >= 0 && first <= d - n && columns->type == p->block->type,
               RJ_ERR_ARG, "columns %d..%d in %dx%d (type %d) of the block's %dx%d (type %d)", first,
               first + n - 1, columns->rows, n, (int)columns->type, d, d, (int)p->block->type);
done:
    return st;
}

/* c <- D (delta I + a) for columns first.. of I, column by column; c may be a. */
static rj_status norm_of_identity_plus(const rj_norm_point *norm, double delta, int first, const rj_matrix *a,
                                       rj_matrix *c)
{
    rj_status st = RJ_OK;
    double *column = NULL;

    RJ_NEW(column, a->rows, 1);
    for (int j = 0; j < a->cols; j++) {
        rj_matrix_get_column(a, j, column);
        column[first + j] += delta;
        rj_norm_jvp(norm, column);
        rj_matrix_set_column(c, j, column);
    }
done:
    RJ_FREE(column);
    return st;
}

rj_status rj_point_mlp_share(const rj_point *point, int first, rj_matrix *share)
{
    rj_status st = RJ_OK;
    const rj_stage before = rj_clock_enter(RJ_STAGE_JACOBIAN);
    const rj_block *b = point->block;

    RJ_TRY(require_columns(point, first, share));
    RJ_TRY(b->experts.n_expert > 0 ? rj_experts_fold(&b->experts, &point->experts, first, share)
                                   : rj_mlp_fold(&b->mlp, &point->mlp, first, share));
    RJ_TRY(rj_norm_jvp_panel(&point->mlp_post_norm, share));
done:
    rj_clock_enter(before);
    return st;
}

rj_status rj_point_mlp_whole(const rj_point *point, rj_matrix *mlp)
{
    rj_status st = RJ_OK;
    const rj_stage before = rj_clock_enter(RJ_STAGE_JACOBIAN);

    RJ_TRY(rj_norm_vjp_rows(&point->mlp_norm, mlp));
done:
    rj_clock_enter(before);
    return st;
}

rj_status rj_point_mlp(const rj_point *point, rj_matrix *mlp)
{
    rj_status st = RJ_OK;

    RJ_TRY(rj_point_mlp_share(point, 0, mlp));
    RJ_TRY(rj_point_mlp_whole(point, mlp));
done:
    return st;
}

/* jac <- D (delta I + jac) - delta I for columns first.. of I, D a norm behind what jac is the derivative of; absent: nothing. */
static rj_status follow_by_norm(const rj_norm_point *norm, double delta, int first, rj_matrix *jac)
{
    rj_status st = RJ_OK;
    rj_matrix diagonal = rj_matrix_block(jac, first, 0, jac->cols, jac->cols);

    if (norm->norm->d == 0) goto done;
    RJ_TRY(norm_of_identity_plus(norm, delta, first, jac, jac));
    rj_matrix_add_diagonal(-delta, &diagonal);
done:
    return st;
}

/* jac <- jac + C (delta I + jac) for columns first.. of I, C of the attention to the memory, whose derivative is that of the
 * queries alone. */
static rj_status follow_by_cross(const rj_point *p, int first, rj_matrix *jac)
{
    rj_status st = RJ_OK;
    rj_matrix y = {.ld = 1}, add = {.ld = 1};

    if (p->block->cross.n_head == 0) goto done;
    RJ_TRY(rj_matrix_new(jac->type, jac->rows, jac->cols, &y));
    RJ_TRY(rj_matrix_new(jac->type, jac->rows, jac->cols, &add));
    RJ_TRY(norm_of_identity_plus(&p->cross_norm, p->delta, first, jac, &y));
    RJ_TRY(rj_attention_jvp(&p->block->cross, &p->cross, &y, &add));
    rj_matrix_add(1.0, &add, jac);
done:
    rj_matrix_free(&add);
    rj_matrix_free(&y);
    return st;
}

/* Columns first..first+n-1 of what the block has added to the residual stream in front of its MLP: left right', or, where right
 * is empty, left [d,n]. A product only where its factors are narrower than all of it, and nothing but the MLP follows. */
static rj_status fold_attention(const rj_point *p, int first, int n, rj_matrix *left, rj_matrix *right)
{
    rj_status st = RJ_OK;
    const rj_block *b = p->block;
    const bool alone = b->attention_sum_norm.d == 0 && b->cross.n_head == 0;
    rj_attention_factors f = {.in.ld = 1};

    RJ_TRY(rj_attention_fold(&b->attention, &p->attention, &p->attention_norm, &f));
    const int d = f.in.rows, r = f.in.cols;
    const bool product = alone && r < d && n == d;
    RJ_TRY(rj_matrix_new_unset(b->type, d, product ? r : n, left));
    if (product) {
        rj_matrix_transpose(f.out, left);
        *right = f.in;
        f.in = (rj_matrix){.ld = 1};
    } else {
        const rj_matrix in = rj_matrix_block(&f.in, first, 0, n, r);
        rj_gemm('T', 'T', 1.0, f.out, &in, 0.0, left);
    }
    RJ_TRY(rj_norm_jvp_panel(&p->attention_post_norm, left)); /* A */
    if (alone) goto done;
    RJ_TRY(follow_by_norm(&p->attention_sum_norm, p->delta, first, left));
    RJ_TRY(follow_by_cross(p, first, left));
done:
    rj_attention_factors_free(&f);
    return st;
}

/* x <- x + B x */
static rj_status follow_by_mlp(const rj_matrix *mlp, rj_matrix *x)
{
    rj_status st = RJ_OK;
    rj_matrix y = {.ld = 1};

    RJ_TRY(rj_matrix_new_unset(x->type, x->rows, x->cols, &y));
    rj_matrix_copy(x, &y);
    rj_gemm('N', 'N', 1.0, mlp, x, 1.0, &y);
    rj_matrix_free(x);
    *x = y;
done:
    return st;
}

/* Columns first.. of delta B + (I + B) A, parallel: delta B + A. mlp: B; NULL, of all columns, makes it in their place. */
static rj_status fold(const rj_point *p, const rj_matrix *mlp, int first, rj_matrix *jac)
{
    rj_status st = RJ_OK;
    const rj_block *b = p->block;
    rj_matrix left = {.ld = 1}, right = {.ld = 1};

    RJ_TRY(fold_attention(p, first, jac->cols, &left, &right));
    if (mlp != NULL && p->delta != 0.0) {
        const rj_matrix share = rj_matrix_block(mlp, 0, first, jac->rows, jac->cols);
        rj_matrix_copy(&share, jac);
    } else if (mlp == NULL && (!b->parallel || p->delta != 0.0)) {
        RJ_TRY(rj_point_mlp(p, jac));
    }
    if (!b->parallel) RJ_TRY(follow_by_mlp(mlp != NULL ? mlp : jac, &left));
    if (right.data != NULL)
        rj_gemm('N', 'T', 1.0, &left, &right, p->delta, jac);
    else if (p->delta != 0.0)
        rj_matrix_add(1.0, &left, jac);
    else
        rj_matrix_copy(&left, jac);
    RJ_TRY(follow_by_norm(&p->mlp_sum_norm, p->delta, first, jac));
done:
    rj_matrix_free(&right);
    rj_matrix_free(&left);
    return st;
}

/* jac <- D (delta I + jac) - delta I for columns first.. of I, D the final norm at the state behind the block. */
static rj_status follow_by_final_norm(const rj_point *p, int first, rj_matrix *jac)
{
    rj_status st = RJ_OK;
    const rj_model *model = p->block->model;
    rj_norm_point norm = {0};

    RJ_REQUIRE(rj_config_ends_in_norm(&model->config), RJ_ERR_FORMAT,
               "%s: the Jacobian of its last block with the final norm is not defined: %s",
               rj_weights_path(model->weights), rj_config_end(&model->config));
    RJ_TRY(rj_norm_linearise(&model->final_norm, p->out, &norm));
    RJ_TRY(follow_by_norm(&norm, p->delta, first, jac));
done:
    rj_norm_point_free(&norm);
    return st;
}

static rj_status columns_of(const rj_point *point, const rj_matrix *mlp, rj_last_block last, int first,
                            rj_matrix *columns)
{
    rj_status st = RJ_OK;
    const rj_stage before = rj_clock_enter(RJ_STAGE_JACOBIAN);

    RJ_TRY(require_columns(point, first, columns));
    if (columns->cols == 0) goto done;
    RJ_TRY(fold(point, mlp, first, columns));
    if (last == RJ_LAST_FINAL_NORM) RJ_TRY(follow_by_final_norm(point, first, columns));
done:
    rj_clock_enter(before);
    return st;
}

rj_status rj_point_jacobian(const rj_point *point, rj_last_block last, rj_matrix *jac)
{
    return rj_point_jacobian_sharing(point, NULL, last, jac);
}

rj_status rj_point_jacobian_sharing(const rj_point *point, const rj_matrix *mlp, rj_last_block last,
                                    rj_matrix *jac)
{
    const int d = point->block->model->config.d;

    if (jac->cols != d)
        return rj_raise(RJ_ERR_ARG, __FILE__, __LINE__, "J is %dx%d, the block's %dx%d", jac->rows, jac->cols,
                        d, d);
    return columns_of(point, mlp, last, 0, jac);
}

rj_status rj_point_columns(const rj_point *point, const rj_matrix *mlp, rj_last_block last, int first,
                           rj_matrix *columns)
{
    return columns_of(point, mlp, last, first, columns);
}

/* dx <- D (delta x + dx) - delta x, transposed: D'; absent: nothing. */
static rj_status norm_of_sum(const rj_norm_point *norm, bool transposed, double delta, const rj_matrix *x,
                             rj_matrix *dx)
{
    rj_status st = RJ_OK;

    if (norm->norm->d == 0) goto done;
    rj_matrix_add(delta, x, dx);
    RJ_TRY(transposed ? rj_norm_vjp_panel(norm, dx) : rj_norm_jvp_panel(norm, dx));
    rj_matrix_add(-delta, x, dx);
done:
    return st;
}

/* dx <- dx + C (delta x + dx), transposed: C'; nothing where no memory is read. */
static rj_status read_memory(const rj_point *p, bool transposed, double delta, const rj_matrix *x,
                             rj_matrix *dx)
{
    rj_status st = RJ_OK;
    const rj_attention *cross = &p->block->cross;
    rj_matrix z = {.ld = 1}, add = {.ld = 1};

    if (cross->n_head == 0) goto done;
    RJ_TRY(rj_matrix_new(x->type, x->rows, x->cols, &z));
    RJ_TRY(rj_matrix_new(x->type, x->rows, x->cols, &add));
    rj_matrix_copy(dx, &z);
    rj_matrix_add(delta, x, &z);
    if (!transposed) RJ_TRY(rj_norm_jvp_panel(&p->cross_norm, &z));
    RJ_TRY(transposed ? rj_attention_vjp(cross, &p->cross, &z, &add)
                      : rj_attention_jvp(cross, &p->cross, &z, &add));
    if (transposed) RJ_TRY(rj_norm_vjp_panel(&p->cross_norm, &add));
    rj_matrix_add(1.0, &add, dx);
done:
    rj_matrix_free(&add);
    rj_matrix_free(&z);
    return st;
}

/* y <- A x + B (delta x + A x), parallel: A x + delta B x; sums with norms and the memory in between */
static rj_status apply(const void *ctx, const rj_matrix *x, rj_matrix *y)
{
    rj_status st = RJ_OK;
    const rj_point *p = ctx;
    const rj_block *b = p->block;
    rj_matrix z = {.ld = 1}, a = {.ld = 1};

    RJ_TRY(rj_matrix_new(x->type, x->rows, x->cols, &z));
    RJ_TRY(rj_matrix_new(x->type, x->rows, x->cols, &a));
    rj_matrix_copy(x, &z);
    RJ_TRY(rj_norm_jvp_panel(&p->attention_norm, &z));
    RJ_TRY(rj_attention_jvp(&b->attention, &p->attention, &z, &a));
    RJ_TRY(rj_norm_jvp_panel(&p->attention_post_norm, &a)); /* a <- A x */
    RJ_TRY(norm_of_sum(&p->attention_sum_norm, false, p->delta, x, &a));
    RJ_TRY(read_memory(p, false, p->delta, x, &a));
    rj_matrix_copy(x, &z);
    rj_matrix_scale(p->delta, &z);
    if (!b->parallel) rj_matrix_add(1.0, &a, &z);
    RJ_TRY(rj_norm_jvp_panel(&p->mlp_norm, &z));
    RJ_TRY(b->experts.n_expert > 0 ? rj_experts_jvp(&b->experts, &p->experts, &z, y)
                                   : rj_mlp_jvp(&b->mlp, &p->mlp, &z, y));
    RJ_TRY(rj_norm_jvp_panel(&p->mlp_post_norm, y));
    rj_matrix_add(1.0, &a, y);
    RJ_TRY(norm_of_sum(&p->mlp_sum_norm, false, p->delta, x, y));
done:
    rj_matrix_free(&a);
    rj_matrix_free(&z);
    return st;
}

/* y <- A' (x + B' x) + delta B' x, parallel: A' x + delta B' x; between them sums with norms, in terms of what they add to x,
 * which is where delta does not enter */
static rj_status apply_transpose(const void *ctx, const rj_matrix *x, rj_matrix *y)
{
    rj_status st = RJ_OK;
    const rj_point *p = ctx;
    const rj_block *b = p->block;
    rj_matrix z = {.ld = 1}, back = {.ld = 1}, sum = {.ld = 1};

    RJ_TRY(rj_matrix_new(x->type, x->rows, x->cols, &z));
    RJ_TRY(rj_matrix_new(x->type, x->rows, x->cols, &back));
    RJ_TRY(rj_matrix_new(x->type, x->rows, x->cols, &sum));
    RJ_TRY(norm_of_sum(&p->mlp_sum_norm, true, 1.0, x, &sum));
    rj_matrix_copy(x, &z);
    rj_matrix_add(1.0, &sum, &z);
    RJ_TRY(rj_norm_vjp_panel(&p->mlp_post_norm, &z));
    RJ_TRY(b->experts.n_expert > 0 ? rj_experts_vjp(&b->experts, &p->experts, &z, &back)
                                   : rj_mlp_vjp(&b->mlp, &p->mlp, &z, &back));
    RJ_TRY(rj_norm_vjp_panel(&p->mlp_norm, &back));
    rj_matrix_add(1.0, &sum, &back); /* back <- B' x */
    RJ_TRY(read_memory(p, true, 1.0, x, &back));
    RJ_TRY(norm_of_sum(&p->attention_sum_norm, true, 1.0, x, &back));
    rj_matrix_copy(x, &z);
    if (!b->parallel) rj_matrix_add(1.0, &back, &z);
    RJ_TRY(rj_norm_vjp_panel(&p->attention_post_norm, &z));
    RJ_TRY(rj_attention_vjp(&b->attention, &p->attention, &z, y));
    RJ_TRY(rj_norm_vjp_panel(&p->attention_norm, y));
    rj_matrix_add(p->delta, &back, y);
done:
    rj_matrix_free(&sum);
    rj_matrix_free(&back);
    rj_matrix_free(&z);
    return st;
}

rj_linop rj_point_linop(const rj_point *point)
{
    const int d = point->block->model->config.d;
    return (rj_linop){d, d, point->block->type, point, apply, apply_transpose};
}
