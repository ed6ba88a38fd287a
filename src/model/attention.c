/* attention.c: causal attention, its JVP, VJP and folded map. Logits, softmax, map, shift in double.
 * Forward 2 T d (2 n_head + 2 n_kv_head) dh flops in working arithmetic and 4 T^2 n_head dh in double. */
#include "resjac/model/attention.h"

#include <math.h>

#include "resjac/base/memory.h"
#include "resjac/linalg/blas.h"

enum { QUERIES = 64 }; /* whose logits are held at a time */

/* Rotated queries and keys, values, head outputs of all tokens, in double; head h is rows h dh.. */
typedef struct {
    const rj_attention *a;
    const rj_rope_table *rope;
    rj_matrix q, k, v, o;
} pass;

static int kv_of(const rj_attention *a, int h)
{
    return h / (a->n_head / a->n_kv_head);
}

/* Rows of head h of a matrix with heads below each other. */
static rj_matrix head_rows(const rj_attention *a, const rj_matrix *m, int h)
{
    return rj_matrix_block(m, h * a->d_head, 0, a->d_head, m->cols);
}

static rj_matrix head_columns(const rj_attention *a, const rj_matrix *m, int h)
{
    return rj_matrix_block(m, 0, h * a->d_head, m->rows, a->d_head);
}

static double *column(const rj_matrix *m, int j)
{
    return (double *)m->data + (ptrdiff_t)j * m->ld;
}

void rj_attention_free(rj_attention *a)
{
    rj_linear_free(&a->query);
    rj_linear_free(&a->key);
    rj_linear_free(&a->value);
    rj_linear_free(&a->out);
}

void rj_attention_point_free(rj_attention_point *point)
{
    rj_matrix_free(&point->map);
    rj_matrix_free(&point->key);
    rj_matrix_free(&point->shift);
    RJ_FREE(point->self);
}

static void pass_free(pass *p)
{
    rj_matrix_free(&p->q);
    rj_matrix_free(&p->k);
    rj_matrix_free(&p->v);
    rj_matrix_free(&p->o);
}

/* A product with softmax's zeros would carry Inf and NaN to earlier tokens, too: name the token here. */
static rj_status check_finite(const rj_matrix *m, const char *what)
{
    rj_status st = RJ_OK;

    for (int j = 0; j < m->cols; j++) {
        const rj_matrix one = rj_matrix_block(m, 0, j, m->rows, 1);
        RJ_REQUIRE(rj_matrix_is_finite(&one), RJ_ERR_NUMERIC, "the %s of token %d is Inf or NaN", what, j);
    }
done:
    return st;
}

static rj_status project(pass *p, const rj_matrix *y)
{
    rj_status st = RJ_OK;
    const rj_attention *a = p->a;
    const int T = y->cols, dh = a->d_head;

    RJ_TRY(rj_matrix_new(RJ_DOUBLE, a->n_head * dh, T, &p->q));
    RJ_TRY(rj_matrix_new(RJ_DOUBLE, a->n_kv_head * dh, T, &p->k));
    RJ_TRY(rj_matrix_new(RJ_DOUBLE, a->n_kv_head * dh, T, &p->v));
    RJ_TRY(rj_matrix_new(RJ_DOUBLE, a->n_head * dh, T, &p->o));
    RJ_TRY(rj_linear_forward(&a->query, y, &p->q));
    RJ_TRY(rj_linear_forward(&a->key, y, &p->k));
    RJ_TRY(rj_linear_forward(&a->value, y, &p->v));
    RJ_TRY(check_finite(&p->q, "query"));
    RJ_TRY(check_finite(&p->k, "key"));
    RJ_TRY(check_finite(&p->v, "value"));
    for (int j = 0; j < T; j++) {
        for (int h = 0; h < a->n_head; h++) rj_rope_rotate(p->rope, j, column(&p->q, j) + h * dh);
        for (int h = 0; h < a->n_kv_head; h++) rj_rope_rotate(p->rope, j, column(&p->k, j) + h * dh);
    }
done:
    return st;
}

/* x[0..n-1] <- softmax, the rest 0. */
static void softmax(double *x, int n, int all)
{
    double largest = x[0], sum = 0.0;

    for (int i = 1; i < n; i++) largest = fmax(largest, x[i]);
    for (int i = 0; i < n; i++) sum += x[i] = exp(x[i] - largest);
    for (int i = 0; i < n; i++) x[i] /= sum;
    for (int i = n; i < all; i++) x[i] = 0.0;
}

/* O_h = V_h softmax(scale K_h' Q_h), some queries at a time; query j sees the keys 0..j. */
static rj_status attend(pass *p)
{
    rj_status st = RJ_OK;
    const rj_attention *a = p->a;
    const int T = p->q.cols, most = T < QUERIES ? T : QUERIES;
    rj_matrix s = {.ld = 1};

    RJ_TRY(rj_matrix_new(RJ_DOUBLE, T, most, &s));
    for (int h = 0; h < a->n_head; h++) {
        const rj_matrix q = head_rows(a, &p->q, h), k = head_rows(a, &p->k, kv_of(a, h));
        const rj_matrix v = head_rows(a, &p->v, kv_of(a, h)), o = head_rows(a, &p->o, h);
        for (int from = 0; from < T; from += most) {
            const int n = T - from < most ? T - from : most, seen = from + n;
            const rj_matrix qn = rj_matrix_block(&q, 0, from, a->d_head, n);
            const rj_matrix ks = rj_matrix_block(&k, 0, 0, a->d_head, seen);
            const rj_matrix vs = rj_matrix_block(&v, 0, 0, a->d_head, seen);
            rj_matrix p_n = rj_matrix_block(&s, 0, 0, seen, n),
                      on = rj_matrix_block(&o, 0, from, a->d_head, n);
            rj_gemm('T', 'N', a->scale, &ks, &qn, 0.0, &p_n);
            for (int j = 0; j < n; j++) softmax(column(&p_n, j), from + j + 1, seen);
            rj_gemm('N', 'N', 1.0, &vs, &p_n, 0.0, &on);
        }
    }
done:
    rj_matrix_free(&s);
    return st;
}

/* p[0..t] <- weights of token t in head h, kbar <- sum_j p_j k_j. */
static void weigh(const pass *p, int h, int t, double *weight, double *kbar)
{
    const rj_attention *a = p->a;
    const int dh = a->d_head, kv = kv_of(a, h) * dh;
    const double *q = column(&p->q, t) + h * dh;

    for (int j = 0; j <= t; j++) {
        const double *k = column(&p->k, j) + kv;
        weight[j] = 0.0;
        for (int i = 0; i < dh; i++) weight[j] += a->scale * q[i] * k[i];
    }
    softmax(weight, t + 1, t + 1);
    for (int i = 0; i < dh; i++) kbar[i] = 0.0;
    for (int j = 0; j <= t; j++)
        for (int i = 0; i < dh; i++) kbar[i] += weight[j] * column(&p->k, j)[kv + i];
}

/* Head h of the point: map <- scale dV dK' with columns p_j (v_j - o) and R_t' (k_j - kbar); key; shift; self.
 *   dv, dk [dh,t+1], map [dh,dh], vectors: key, shift, kbar [dh], weight [t+1], all double scratch */
static void linearise_head(const pass *p, int h, int t, rj_matrix *dv, rj_matrix *dk, rj_matrix *map,
                           double *key, double *shift, double *kbar, double *weight)
{
    const rj_attention *a = p->a;
    const int dh = a->d_head, kv = kv_of(a, h) * dh;
    const double *o = column(&p->o, t) + h * dh, *q = column(&p->q, t) + h * dh;

    weigh(p, h, t, weight, kbar);
    for (int j = 0; j <= t; j++) {
        const double *k = column(&p->k, j) + kv, *v = column(&p->v, j) + kv;
        for (int i = 0; i < dh; i++) column(dv, j)[i] = weight[j] * (v[i] - o[i]);
        for (int i = 0; i < dh; i++) column(dk, j)[i] = k[i] - kbar[i];
        rj_rope_rotate_transpose(p->rope, t, column(dk, j));
    }
    rj_gemm('N', 'T', a->scale, dv, dk, 0.0, map);
    for (int i = 0; i < dh; i++) key[i] = q[i];
    rj_rope_rotate_transpose(p->rope, t, key);
    for (int i = 0; i < dh; i++) shift[i] = a->scale * column(dv, t)[i];
}

static rj_status linearise(const pass *p, rj_arithmetic type, int t, rj_attention_point *point)
{
    rj_status st = RJ_OK;
    const rj_attention *a = p->a;
    const int dh = a->d_head;
    rj_attention_point new = {.map.ld = 1};
    rj_matrix dv = {.ld = 1}, dk = {.ld = 1}, map = {.ld = 1};
    double *scratch = NULL;

    RJ_TRY(rj_matrix_new(type, dh, (ptrdiff_t)a->n_head * dh, &new.map));
    RJ_TRY(rj_matrix_new(type, dh, a->n_head, &new.key));
    RJ_TRY(rj_matrix_new(type, dh, a->n_head, &new.shift));
    RJ_NEW(new.self, a->n_head, 1);
    RJ_TRY(rj_matrix_new(RJ_DOUBLE, dh, t + 1, &dv));
    RJ_TRY(rj_matrix_new(RJ_DOUBLE, dh, t + 1, &dk));
    RJ_TRY(rj_matrix_new(RJ_DOUBLE, dh, dh, &map));
    RJ_NEW(scratch, 3 * dh + t + 1, 1);
    double *key = scratch, *shift = key + dh, *kbar = shift + dh, *weight = kbar + dh;
    for (int h = 0; h < a->n_head; h++) {
        rj_matrix to = head_columns(a, &new.map, h);
        linearise_head(p, h, t, &dv, &dk, &map, key, shift, kbar, weight);
        rj_matrix_copy(&map, &to);
        rj_matrix_set_column(&new.key, h, key);
        rj_matrix_set_column(&new.shift, h, shift);
        new.self[h] = weight[t];
    }
    *point = new;
    new = (rj_attention_point){0};
done:
    RJ_FREE(scratch);
    rj_matrix_free(&map);
    rj_matrix_free(&dk);
    rj_matrix_free(&dv);
    rj_attention_point_free(&new);
    return st;
}

rj_status rj_attention_forward(const rj_attention *a, const rj_rope_table *rope, const rj_matrix *y,
                               rj_matrix *out, int t, rj_attention_point *point)
{
    rj_status st = RJ_OK;
    pass p = {.a = a, .rope = rope};
    rj_matrix o = {.ld = 1};

    RJ_TRY(project(&p, y));
    RJ_TRY(attend(&p));
    RJ_TRY(rj_matrix_new(y->type, p.o.rows, p.o.cols, &o));
    rj_matrix_copy(&p.o, &o);
    RJ_TRY(rj_linear_forward(&a->out, &o, out));
    if (point != NULL) RJ_TRY(linearise(&p, y->type, t, point));
done:
    rj_matrix_free(&o);
    pass_free(&p);
    return st;
}

/* Tangents or cotangents of query, key, value and head output, [.., n] in working arithmetic. */
typedef struct {
    rj_matrix q, k, v, o, z;
} panel;

static void panel_free(panel *p)
{
    rj_matrix_free(&p->q);
    rj_matrix_free(&p->k);
    rj_matrix_free(&p->v);
    rj_matrix_free(&p->o);
    rj_matrix_free(&p->z);
}

static rj_status panel_new(const rj_attention *a, rj_arithmetic type, int n, panel *p)
{
    rj_status st = RJ_OK;
    const int dh = a->d_head;

    RJ_TRY(rj_matrix_new(type, a->n_head * dh, n, &p->q));
    RJ_TRY(rj_matrix_new(type, a->n_kv_head * dh, n, &p->k));
    RJ_TRY(rj_matrix_new(type, a->n_kv_head * dh, n, &p->v));
    RJ_TRY(rj_matrix_new(type, a->n_head * dh, n, &p->o));
    RJ_TRY(rj_matrix_new(type, 1, n, &p->z));
done:
    return st;
}

rj_status rj_attention_jvp(const rj_attention *a, const rj_attention_point *point, const rj_matrix *dy,
                           rj_matrix *dout)
{
    rj_status st = RJ_OK;
    panel p = {.q.ld = 1};

    RJ_TRY(panel_new(a, dy->type, dy->cols, &p));
    rj_linear_jvp(&a->query, dy, &p.q);
    rj_linear_jvp(&a->key, dy, &p.k);
    rj_linear_jvp(&a->value, dy, &p.v);
    for (int h = 0; h < a->n_head; h++) {
        const rj_matrix map = head_columns(a, &point->map, h), q = head_rows(a, &p.q, h);
        const rj_matrix k = head_rows(a, &p.k, kv_of(a, h)), v = head_rows(a, &p.v, kv_of(a, h));
        const rj_matrix key = rj_matrix_block(&point->key, 0, h, a->d_head, 1);
        const rj_matrix shift = rj_matrix_block(&point->shift, 0, h, a->d_head, 1);
        rj_matrix o = head_rows(a, &p.o, h);
        rj_gemm('N', 'N', 1.0, &map, &q, 0.0, &o); /* dO <- map dQ */
        rj_matrix_add(point->self[h], &v, &o);     /*  + self dV */
        rj_gemm('T', 'N', 1.0, &key, &k, 0.0, &p.z);
        rj_gemm('N', 'N', 1.0, &shift, &p.z, 1.0, &o); /* + shift (key' dK) */
    }
    rj_linear_jvp(&a->out, &p.o, dout);
done:
    panel_free(&p);
    return st;
}

rj_status rj_attention_vjp(const rj_attention *a, const rj_attention_point *point, const rj_matrix *g,
                           rj_matrix *g_y)
{
    rj_status st = RJ_OK;
    panel p = {.q.ld = 1};

    RJ_TRY(panel_new(a, g->type, g->cols, &p));
    rj_linear_vjp(&a->out, g, 0.0, &p.o);
    for (int h = 0; h < a->n_head; h++) {
        const rj_matrix map = head_columns(a, &point->map, h), o = head_rows(a, &p.o, h);
        const rj_matrix key = rj_matrix_block(&point->key, 0, h, a->d_head, 1);
        const rj_matrix shift = rj_matrix_block(&point->shift, 0, h, a->d_head, 1);
        rj_matrix q = head_rows(a, &p.q, h);
        rj_matrix k = head_rows(a, &p.k, kv_of(a, h)), v = head_rows(a, &p.v, kv_of(a, h));
        rj_gemm('T', 'N', 1.0, &map, &o, 0.0, &q); /* gQ <- map' gO */
        rj_matrix_add(point->self[h], &o, &v);     /* gV <- gV + self gO: heads share a kv head */
        rj_gemm('T', 'N', 1.0, &shift, &o, 0.0, &p.z);
        rj_gemm('N', 'N', 1.0, &key, &p.z, 1.0, &k); /* gK <- gK + key (shift' gO) */
    }
    rj_linear_vjp(&a->query, &p.q, 0.0, g_y);
    rj_linear_vjp(&a->key, &p.k, 1.0, g_y);
    rj_linear_vjp(&a->value, &p.v, 1.0, g_y);
done:
    panel_free(&p);
    return st;
}

/* One column of (G D)' of head h: g <- D' (g + self Wv' + shift_i (Wk' key)), where g holds Wq' map'. */
static void fold_head(const rj_attention *a, const rj_attention_point *point, const rj_norm_point *norm,
                      int h, const double *along, double *shift, double *g, double *v, rj_matrix *fold)
{
    const int d = fold->rows, dh = a->d_head, kv = kv_of(a, h) * dh;
    const double self = point->self[h];

    rj_matrix_get_column(&point->shift, h, shift);
    for (int i = 0; i < dh; i++) {
        rj_matrix_get_column(fold, h * dh + i, g);
        rj_matrix_get_column(&a->value.weight, kv + i, v);
        for (int r = 0; r < d; r++) g[r] += self * v[r] + shift[i] * along[r];
        rj_norm_vjp(norm, g);
        rj_matrix_set_column(fold, h * dh + i, g);
    }
}

rj_status rj_attention_fold(const rj_attention *a, const rj_attention_point *point, const rj_norm_point *norm,
                            rj_matrix *fold)
{
    rj_status st = RJ_OK;
    const int d = fold->rows, dh = a->d_head;
    double *scratch = NULL;

    RJ_NEW(scratch, 3 * d + 2 * dh, 1);
    double *along = scratch, *g = along + d, *v = g + d, *key = v + d, *shift = key + dh;
    for (int h = 0; h < a->n_head; h++) {
        const rj_matrix wq = head_columns(a, &a->query.weight, h), map = head_columns(a, &point->map, h);
        const rj_matrix wk = head_columns(a, &a->key.weight, kv_of(a, h));
        rj_matrix part = head_columns(a, fold, h);
        rj_gemm('N', 'T', 1.0, &wq, &map, 0.0, &part); /* Wq' map' */
        rj_matrix_get_column(&point->key, h, key);
        rj_matrix_times('N', &wk, key, along); /* Wk' key */
        fold_head(a, point, norm, h, along, shift, g, v, fold);
    }
done:
    RJ_FREE(scratch);
    return st;
}
