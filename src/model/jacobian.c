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

/* mlp <- B = P2 Wdown H D2 */
static rj_status fold_mlp(const rj_point *p, rj_matrix *mlp)
{
    rj_status st = RJ_OK;
    const rj_block *b = p->block;

    RJ_TRY(b->experts.n_expert > 0 ? rj_experts_fold(&b->experts, &p->experts, mlp)
                                   : rj_mlp_fold(&b->mlp, &p->mlp, mlp));
    RJ_TRY(rj_norm_jvp_panel(&p->mlp_post_norm, mlp));
    RJ_TRY(rj_norm_vjp_rows(&p->mlp_norm, mlp));
done:
    return st;
}

rj_status rj_point_mlp(const rj_point *point, rj_matrix *mlp)
{
    rj_status st = RJ_OK;
    const rj_stage before = rj_clock_enter(RJ_STAGE_JACOBIAN);

    RJ_REQUIRE(!point->block->parallel, RJ_ERR_ARG, "a parallel block's MLP has no source but its own token");
    RJ_TRY(fold_mlp(point, mlp));
done:
    rj_clock_enter(before);
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

/* jac <- jac + C (delta I + jac), C of the attention to the memory, whose derivative is that of the queries alone. */
static rj_status follow_by_cross(const rj_point *p, rj_matrix *jac)
{
    rj_status st = RJ_OK;
    rj_matrix y = {.ld = 1}, add = {.ld = 1};

    if (p->block->cross.n_head == 0) goto done;
    RJ_TRY(rj_matrix_new(jac->type, jac->rows, jac->cols, &y));
    RJ_TRY(rj_matrix_new(jac->type, jac->rows, jac->cols, &add));
    RJ_TRY(norm_of_identity_plus(&p->cross_norm, p->delta, 0, jac, &y));
    RJ_TRY(rj_attention_jvp(&p->block->cross, &p->cross, &y, &add));
    rj_matrix_add(1.0, &add, jac);
done:
    rj_matrix_free(&add);
    rj_matrix_free(&y);
    return st;
}

/* What the block has added to the residual stream in front of its MLP: left right', or, where right is empty, left [d,d].
 * Formed only where the product's factors are no narrower than it, or where more follows than the MLP. */
static rj_status fold_attention(const rj_point *p, rj_matrix *left, rj_matrix *right)
{
    rj_status st = RJ_OK;
    const rj_block *b = p->block;
    const bool alone = b->attention_sum_norm.d == 0 && b->cross.n_head == 0;
    rj_attention_factors f = {.in.ld = 1};

    RJ_TRY(rj_attention_fold(&b->attention, &p->attention, &p->attention_norm, &f));
    const int d = f.in.rows, r = f.in.cols;
    RJ_TRY(rj_matrix_new(b->type, d, alone && r < d ? r : d, left));
    if (alone && r < d) {
        rj_matrix_transpose(f.out, left);
        *right = f.in;
        f.in = (rj_matrix){.ld = 1};
    } else {
        rj_gemm('T', 'T', 1.0, f.out, &f.in, 0.0, left);
    }
    RJ_TRY(rj_norm_jvp_panel(&p->attention_post_norm, left)); /* A */
    if (alone) goto done;
    RJ_TRY(follow_by_norm(&p->attention_sum_norm, p->delta, 0, left));
    RJ_TRY(follow_by_cross(p, left));
done:
    rj_attention_factors_free(&f);
    return st;
}

/* x <- x + B x */
static rj_status follow_by_mlp(const rj_matrix *mlp, rj_matrix *x)
{
    rj_status st = RJ_OK;
    rj_matrix y = {.ld = 1};

    RJ_TRY(rj_matrix_new(x->type, x->rows, x->cols, &y));
    rj_matrix_copy(x, &y);
    rj_gemm('N', 'N', 1.0, mlp, x, 1.0, &y);
    rj_matrix_free(x);
    *x = y;
done:
    return st;
}

/* jac <- delta B + (I + B) A, parallel: delta B + A. mlp: B, or NULL */
static rj_status fold(const rj_point *p, const rj_matrix *mlp, rj_matrix *jac)
{
    rj_status st = RJ_OK;
    const rj_block *b = p->block;
    rj_matrix left = {.ld = 1}, right = {.ld = 1};

    RJ_TRY(fold_attention(p, &left, &right));
    if (mlp != NULL)
        rj_matrix_copy(mlp, jac);
    else if (!b->parallel || p->delta != 0.0)
        RJ_TRY(fold_mlp(p, jac));
    if (!b->parallel) RJ_TRY(follow_by_mlp(jac, &left));
    if (right.data != NULL)
        rj_gemm('N', 'T', 1.0, &left, &right, p->delta, jac);
    else if (p->delta != 0.0)
        rj_matrix_add(1.0, &left, jac);
    else
        rj_matrix_copy(&left, jac);
    RJ_TRY(follow_by_norm(&p->mlp_sum_norm, p->delta, 0, jac));
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

rj_status rj_point_jacobian(const rj_point *point, rj_last_block last, rj_matrix *jac)
{
    return rj_point_jacobian_sharing(point, NULL, last, jac);
}

rj_status rj_point_jacobian_sharing(const rj_point *point, const rj_matrix *mlp, rj_last_block last,
                                    rj_matrix *jac)
{
    rj_status st = RJ_OK;
    const rj_stage before = rj_clock_enter(RJ_STAGE_JACOBIAN);
    const int d = point->block->model->config.d;

    RJ_REQUIRE(jac->rows == d && jac->cols == d && jac->type == point->block->type, RJ_ERR_ARG,
               "J is %dx%d (type %d), the block's %dx%d (type %d)", jac->rows, jac->cols, (int)jac->type, d,
               d, (int)point->block->type);
    RJ_TRY(fold(point, mlp, jac));
    if (last == RJ_LAST_FINAL_NORM) RJ_TRY(follow_by_final_norm(point, 0, jac));
done:
    rj_clock_enter(before);
    return st;
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

rj_status rj_point_columns(const rj_point *point, rj_last_block last, int first, rj_matrix *columns)
{
    rj_status st = RJ_OK;
    const rj_stage before = rj_clock_enter(RJ_STAGE_JACOBIAN);
    const int d = point->block->model->config.d, n = columns->cols;
    rj_matrix ones = {.ld = 1};

    RJ_REQUIRE(columns->rows == d && first >= 0 && first <= d - n && columns->type == point->block->type,
               RJ_ERR_ARG, "columns %d..%d in %dx%d (type %d) of the block's %dx%d (type %d)", first,
               first + n - 1, columns->rows, n, (int)columns->type, d, d, (int)point->block->type);
    if (n == 0) goto done;
    RJ_TRY(rj_matrix_new(columns->type, d, n, &ones));
    rj_matrix diagonal = rj_matrix_block(&ones, first, 0, n, n);
    rj_matrix_identity(&diagonal);
    RJ_TRY(apply(point, &ones, columns));
    if (last == RJ_LAST_FINAL_NORM) RJ_TRY(follow_by_final_norm(point, first, columns));
done:
    rj_matrix_free(&ones);
    rj_clock_enter(before);
    return st;
}
