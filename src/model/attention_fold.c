/* attention_fold.c: the attention's derivative by the state as a product A = out' in' of r columns, in working arithmetic.
 * By heads: out = Wo', in = (G D)', r = n_head dh. Of few tokens the maps of the heads span less: with those kept as
 * left_h right_h', A is a sum over kv heads (Wv) and over heads and tokens, r = n_kv_head dh + n_head n. */
#include "resjac/base/memory.h"
#include "resjac/linalg/blas.h"
#include "resjac/model/attention_parts.h"

void rj_attention_factors_free(rj_attention_factors *f)
{
    rj_matrix_free(&f->in);
    rj_matrix_free(&f->own);
    f->out = NULL;
}

/* Weights of queries and keys behind the norms of all heads together; norms of single heads stand in the point. */
typedef struct {
    rj_matrix normed_query, normed_key;
    const rj_matrix *query, *key;
} projections;

/* normed <- (D W)', D a norm of all outputs of W; empty where there is none. */
static rj_status norm_weight(const rj_norm_point *norm, const rj_linear *linear, rj_matrix *normed)
{
    rj_status st = RJ_OK;
    const rj_matrix *w = &linear->weight;
    rj_matrix rows = {.ld = 1};

    if (norm->norm->d == 0) goto done;
    RJ_TRY(rj_matrix_new(w->type, w->cols, w->rows, &rows));
    RJ_TRY(rj_matrix_new(w->type, w->rows, w->cols, normed));
    rj_matrix_transpose(w, &rows);
    RJ_TRY(rj_norm_jvp_panel(norm, &rows));
    rj_matrix_transpose(&rows, normed);
done:
    rj_matrix_free(&rows);
    return st;
}

static rj_status projections_new(const rj_attention *a, const rj_attention_point *point, projections *w)
{
    rj_status st = RJ_OK;

    RJ_TRY(norm_weight(&point->query_norm, &a->query, &w->normed_query));
    RJ_TRY(norm_weight(&point->key_norm, &a->key, &w->normed_key));
    w->query = w->normed_query.data != NULL ? &w->normed_query : &a->query.weight;
    w->key = w->normed_key.data != NULL ? &w->normed_key : &a->key.weight;
done:
    return st;
}

static void projections_free(projections *w)
{
    rj_matrix_free(&w->normed_query);
    rj_matrix_free(&w->normed_key);
}

/* along <- Wk' key of head h */
static void key_of_head(const rj_attention *a, const rj_attention_point *point, const projections *w, int h,
                        double *key, double *along)
{
    const rj_matrix wk = rj_head_columns(a, w->key, rj_head_kv(a, h));

    rj_matrix_get_column(&point->key, h, key);
    rj_matrix_times('N', &wk, key, along);
}

/* Columns of (G D)' of head h: g <- D' (g + self Wv' + shift_i (Wk' key)), where g holds Wq' map'; under a clip Wv has lost
 * its masked rows. */
static void fold_head(const rj_attention *a, const rj_attention_point *point, const rj_norm_point *norm,
                      int h, const double *along, double *shift, double *g, double *v, rj_matrix *fold)
{
    const int d = fold->rows, dh = a->d_head, kv = rj_head_kv(a, h) * dh;

    rj_matrix_get_column(&point->shift, h, shift);
    for (int i = 0; i < dh; i++) {
        const double self = point->open == NULL ? point->self[h] : point->self[h] * point->open[kv + i];
        rj_matrix_get_column(fold, h * dh + i, g);
        rj_matrix_get_column(&a->value.weight, kv + i, v);
        for (int r = 0; r < d; r++) g[r] += self * v[r] + shift[i] * along[r];
        rj_norm_vjp(norm, g);
        rj_matrix_set_column(fold, h * dh + i, g);
    }
}

static rj_status fold_by_heads(const rj_attention *a, const rj_attention_point *point, const projections *w,
                               const rj_norm_point *norm, rj_attention_factors *f)
{
    rj_status st = RJ_OK;
    const int d = w->query->rows, dh = a->d_head;
    double *scratch = NULL;

    RJ_TRY(rj_matrix_new_unset(w->query->type, d, (ptrdiff_t)a->n_head * dh, &f->in));
    RJ_NEW(scratch, 3 * d + 2 * dh, 1);
    double *along = scratch, *g = along + d, *v = g + d, *key = v + d, *shift = key + dh;
    for (int h = 0; h < a->n_head; h++) {
        const rj_matrix wq = rj_head_columns(a, w->query, h), map = rj_head_columns(a, &point->map, h);
        rj_matrix part = rj_head_columns(a, &f->in, h);
        rj_gemm('N', 'T', 1.0, &wq, &map, 0.0, &part); /* Wq' map' */
        key_of_head(a, point, w, h, key, along);
        fold_head(a, point, norm, h, along, shift, g, v, &f->in);
    }
    f->out = &a->out.weight;
done:
    RJ_FREE(scratch);
    return st;
}

/* in <- D' [Wv', Wq_h' right_h, with Wk_h' key_h added to the source's column] */
static rj_status fold_in(const rj_attention *a, const rj_attention_point *point, const projections *w,
                         const rj_norm_point *norm, rj_matrix *in)
{
    rj_status st = RJ_OK;
    const int d = in->rows, n = point->n_column, n_kv = a->n_kv_head * a->d_head;
    rj_matrix values = rj_matrix_block(in, 0, 0, d, n_kv);
    double *scratch = NULL;

    RJ_NEW(scratch, 2 * d + a->d_head, 1);
    double *along = scratch, *column = along + d, *key = column + d;
    rj_matrix_copy(&a->value.weight, &values);
    if (point->open != NULL) rj_matrix_scale_columns(point->open, &values);
    for (int h = 0; h < a->n_head; h++) {
        const rj_matrix wq = rj_head_columns(a, w->query, h);
        rj_matrix part = rj_matrix_block(in, 0, n_kv + h * n, d, n);
        if (point->right.data != NULL) {
            const rj_matrix right = rj_matrix_block(&point->right, 0, h * n, a->d_head, n);
            rj_gemm('N', 'N', 1.0, &wq, &right, 0.0, &part);
        }
        key_of_head(a, point, w, h, key, along);
        rj_matrix_get_column(&part, point->source_column, column);
        for (int i = 0; i < d; i++) column[i] += along[i];
        rj_matrix_set_column(&part, point->source_column, column);
    }
    RJ_TRY(rj_norm_vjp_panel(norm, in));
done:
    RJ_FREE(scratch);
    return st;
}

/* out <- [sum of self_h Wo_h over the heads of a kv head, Wo_h left_h]' */
static void fold_out(const rj_attention *a, const rj_attention_point *point, rj_matrix *out)
{
    const int n = point->n_column, n_kv = a->n_kv_head * a->d_head;
    const rj_matrix values = rj_matrix_block(out, 0, 0, n_kv, out->cols);

    for (int h = 0; h < a->n_head; h++) {
        const rj_matrix wo = rj_head_rows(a, &a->out.weight, h);
        const rj_matrix left = rj_matrix_block(&point->left, 0, h * n, a->d_head, n);
        rj_matrix shared = rj_head_rows(a, &values, rj_head_kv(a, h));
        rj_matrix part = rj_matrix_block(out, n_kv + h * n, 0, n, out->cols);
        rj_matrix_add(point->self[h], &wo, &shared);
        rj_gemm('T', 'N', 1.0, &left, &wo, 0.0, &part);
    }
}

static rj_status fold_by_tokens(const rj_attention *a, const rj_attention_point *point, const projections *w,
                                const rj_norm_point *norm, rj_attention_factors *f)
{
    rj_status st = RJ_OK;
    const int d = w->query->rows;
    const ptrdiff_t r = (ptrdiff_t)a->n_kv_head * a->d_head + point->left.cols;

    RJ_TRY(rj_matrix_new(w->query->type, d, r, &f->in));
    RJ_TRY(rj_matrix_new(w->query->type, r, a->out.weight.cols, &f->own));
    RJ_TRY(fold_in(a, point, w, norm, &f->in));
    fold_out(a, point, &f->own);
    f->out = &f->own;
done:
    return st;
}

rj_status rj_attention_fold(const rj_attention *a, const rj_attention_point *point, const rj_norm_point *norm,
                            rj_attention_factors *factors)
{
    rj_status st = RJ_OK;
    projections w = {.normed_query.ld = 1, .normed_key.ld = 1};
    rj_attention_factors f = {.in.ld = 1, .own.ld = 1};

    RJ_TRY(projections_new(a, point, &w));
    RJ_TRY(point->n_column > 0 ? fold_by_tokens(a, point, &w, norm, &f)
                               : fold_by_heads(a, point, &w, norm, &f));
    *factors = f;
    if (f.own.data != NULL) factors->out = &factors->own;
    f = (rj_attention_factors){.in.ld = 1, .own.ld = 1};
done:
    rj_attention_factors_free(&f);
    projections_free(&w);
    return st;
}
