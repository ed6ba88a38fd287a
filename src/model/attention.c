/* attention.c: causal attention, its JVP, VJP and folded map. Logits, softmax, map, shift in double. Norms of queries and keys
 * and the rotation stand in a point's map and key, so derivatives do not meet them.
 * Forward 2 T d (2 n_head + 2 n_kv_head) dh flops in working arithmetic and 4 T^2 n_head dh in double (T window, if less). */
#include "resjac/model/attention.h"

#include <math.h>

#include "resjac/base/memory.h"
#include "resjac/linalg/blas.h"

enum { QUERIES = 64 }; /* whose logits are held at a time */

/* Queries and keys (normed, rotated), values, head outputs of all tokens, in double; head h is rows h dh.. */
typedef struct {
    const rj_attention *a;
    const rj_rope_table *rope;
    rj_matrix q, k, v, o;
    double *plain_q, *plain_k; /* those of the token to linearise at, before norm and rotation */
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

/* First token that query j sees. */
static int first_seen(const rj_attention *a, int j)
{
    return a->window == 0 || j < a->window ? 0 : j - a->window + 1;
}

void rj_attention_free(rj_attention *a)
{
    rj_norm_free(&a->query_norm);
    rj_norm_free(&a->key_norm);
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
    RJ_FREE(p->plain_q);
    RJ_FREE(p->plain_k);
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

/* The heads of one token, [n_head dh] below each other: norm, then rotation. */
static void norm_and_rotate(const pass *p, const rj_norm *norm, int n_head, int j, double *x)
{
    for (int h = 0; h < n_head; h++) {
        rj_norm_apply(norm, x + h * p->a->d_head, x + h * p->a->d_head);
        if (p->rope != NULL) rj_rope_rotate(p->rope, j, x + h * p->a->d_head);
    }
}

/* x <- D' R_j' x, D the norm at its point: a head's cotangent back to the projection. */
static void pull_back(const pass *p, const rj_norm_point *norm, int j, double *x)
{
    if (p->rope != NULL) rj_rope_rotate_transpose(p->rope, j, x);
    rj_norm_vjp(norm, x);
}

/* t: the token to linearise at, or -1. */
static rj_status project(pass *p, const rj_matrix *y, int t)
{
    rj_status st = RJ_OK;
    const rj_attention *a = p->a;
    const int T = y->cols, n_q = a->n_head * a->d_head, n_k = a->n_kv_head * a->d_head;

    RJ_TRY(rj_matrix_new(RJ_DOUBLE, n_q, T, &p->q));
    RJ_TRY(rj_matrix_new(RJ_DOUBLE, n_k, T, &p->k));
    RJ_TRY(rj_matrix_new(RJ_DOUBLE, n_k, T, &p->v));
    RJ_TRY(rj_matrix_new(RJ_DOUBLE, n_q, T, &p->o));
    RJ_TRY(rj_linear_forward(&a->query, y, &p->q));
    RJ_TRY(rj_linear_forward(&a->key, y, &p->k));
    RJ_TRY(rj_linear_forward(&a->value, y, &p->v));
    RJ_TRY(check_finite(&p->q, "query"));
    RJ_TRY(check_finite(&p->k, "key"));
    RJ_TRY(check_finite(&p->v, "value"));
    if (t >= 0) {
        RJ_NEW(p->plain_q, n_q, 1);
        RJ_NEW(p->plain_k, n_k, 1);
        rj_matrix_get_column(&p->q, t, p->plain_q);
        rj_matrix_get_column(&p->k, t, p->plain_k);
    }
    for (int j = 0; j < T; j++) {
        norm_and_rotate(p, &a->query_norm, a->n_head, j, column(&p->q, j));
        norm_and_rotate(p, &a->key_norm, a->n_kv_head, j, column(&p->k, j));
    }
done:
    return st;
}

/* x[first..end-1] <- softmax, what is before and behind, up to n, 0. */
static void softmax(double *x, int first, int end, int n)
{
    double largest = x[first], sum = 0.0;

    for (int i = first + 1; i < end; i++) largest = fmax(largest, x[i]);
    for (int i = first; i < end; i++) sum += x[i] = exp(x[i] - largest);
    for (int i = first; i < end; i++) x[i] /= sum;
    for (int i = 0; i < first; i++) x[i] = 0.0;
    for (int i = end; i < n; i++) x[i] = 0.0;
}

/* O_h = V_h softmax(scale K_h' Q_h), some queries at a time; query j sees the keys first_seen(j)..j. */
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
            const int n = T - from < most ? T - from : most;
            const int first = first_seen(a, from), seen = from + n - first;
            const rj_matrix qn = rj_matrix_block(&q, 0, from, a->d_head, n);
            const rj_matrix ks = rj_matrix_block(&k, 0, first, a->d_head, seen);
            const rj_matrix vs = rj_matrix_block(&v, 0, first, a->d_head, seen);
            rj_matrix p_n = rj_matrix_block(&s, 0, 0, seen, n),
                      on = rj_matrix_block(&o, 0, from, a->d_head, n);
            rj_gemm('T', 'N', a->scale, &ks, &qn, 0.0, &p_n);
            for (int j = from; j < from + n; j++)
                softmax(column(&p_n, j - from), first_seen(a, j) - first, j + 1 - first, seen);
            rj_gemm('N', 'N', 1.0, &vs, &p_n, 0.0, &on);
        }
    }
done:
    rj_matrix_free(&s);
    return st;
}

/* Scratch for one head at token t, which sees n tokens; all double. */
typedef struct {
    rj_matrix dv, dk;                    /* [dh,n]: p_j (v_j - o), k_j - kbar */
    rj_matrix map;                       /* [dh,dh], transposed */
    double *key, *shift, *kbar, *weight; /* [dh] each, [n]; one allocation, at key */
} head;

static void head_free(head *s)
{
    rj_matrix_free(&s->dv);
    rj_matrix_free(&s->dk);
    rj_matrix_free(&s->map);
    RJ_FREE(s->key);
}

static rj_status head_new(int dh, int n, head *s)
{
    rj_status st = RJ_OK;

    RJ_TRY(rj_matrix_new(RJ_DOUBLE, dh, n, &s->dv));
    RJ_TRY(rj_matrix_new(RJ_DOUBLE, dh, n, &s->dk));
    RJ_TRY(rj_matrix_new(RJ_DOUBLE, dh, dh, &s->map));
    RJ_NEW(s->key, 3 * dh + n, 1);
    s->shift = s->key + dh;
    s->kbar = s->shift + dh;
    s->weight = s->kbar + dh;
done:
    return st;
}

/* weight <- softmax of token t in head h over the n tokens from `first` on, kbar <- sum_j p_j k_j. */
static void weigh(const pass *p, int h, int t, head *s)
{
    const rj_attention *a = p->a;
    const int dh = a->d_head, kv = kv_of(a, h) * dh, first = first_seen(a, t), n = t + 1 - first;
    const double *q = column(&p->q, t) + h * dh;

    for (int j = 0; j < n; j++) {
        const double *k = column(&p->k, first + j) + kv;
        s->weight[j] = 0.0;
        for (int i = 0; i < dh; i++) s->weight[j] += a->scale * q[i] * k[i];
    }
    softmax(s->weight, 0, n, n);
    for (int i = 0; i < dh; i++) s->kbar[i] = 0.0;
    for (int j = 0; j < n; j++)
        for (int i = 0; i < dh; i++) s->kbar[i] += s->weight[j] * column(&p->k, first + j)[kv + i];
}

/* Head h of the point into s: map' <- Cq' R_t' (scale dK dV'), key <- Ck' R_t' q, shift; self is the last weight. */
static rj_status linearise_head(const pass *p, int h, int t, head *s)
{
    rj_status st = RJ_OK;
    const rj_attention *a = p->a;
    const int dh = a->d_head, kv = kv_of(a, h) * dh, first = first_seen(a, t);
    const double *o = column(&p->o, t) + h * dh, *q = column(&p->q, t) + h * dh;
    rj_norm_point query = {0}, key = {0};

    RJ_TRY(rj_norm_linearise(&a->query_norm, p->plain_q + h * dh, &query));
    RJ_TRY(rj_norm_linearise(&a->key_norm, p->plain_k + kv, &key));
    weigh(p, h, t, s);
    for (int j = first; j <= t; j++) {
        const double *k = column(&p->k, j) + kv, *v = column(&p->v, j) + kv;
        double *dv = column(&s->dv, j - first), *dk = column(&s->dk, j - first);
        for (int i = 0; i < dh; i++) dv[i] = s->weight[j - first] * (v[i] - o[i]);
        for (int i = 0; i < dh; i++) dk[i] = k[i] - s->kbar[i];
    }
    rj_gemm('N', 'T', a->scale, &s->dk, &s->dv, 0.0, &s->map);
    for (int i = 0; i < dh; i++) pull_back(p, &query, t, column(&s->map, i));
    for (int i = 0; i < dh; i++) s->key[i] = q[i];
    pull_back(p, &key, t, s->key);
    for (int i = 0; i < dh; i++) s->shift[i] = a->scale * column(&s->dv, t - first)[i];
done:
    rj_norm_point_free(&query);
    rj_norm_point_free(&key);
    return st;
}

static rj_status linearise(const pass *p, rj_arithmetic type, int t, rj_attention_point *point)
{
    rj_status st = RJ_OK;
    const rj_attention *a = p->a;
    const int dh = a->d_head, n = t + 1 - first_seen(a, t);
    rj_attention_point new = {.map.ld = 1};
    head s = {.dv.ld = 1};

    RJ_TRY(rj_matrix_new(type, dh, (ptrdiff_t)a->n_head * dh, &new.map));
    RJ_TRY(rj_matrix_new(type, dh, a->n_head, &new.key));
    RJ_TRY(rj_matrix_new(type, dh, a->n_head, &new.shift));
    RJ_NEW(new.self, a->n_head, 1);
    RJ_TRY(head_new(dh, n, &s));
    for (int h = 0; h < a->n_head; h++) {
        rj_matrix to = head_columns(a, &new.map, h);
        RJ_TRY(linearise_head(p, h, t, &s));
        rj_matrix_transpose(&s.map, &to);
        rj_matrix_set_column(&new.key, h, s.key);
        rj_matrix_set_column(&new.shift, h, s.shift);
        new.self[h] = s.weight[n - 1];
    }
    *point = new;
    new = (rj_attention_point){0};
done:
    head_free(&s);
    rj_attention_point_free(&new);
    return st;
}

rj_status rj_attention_forward(const rj_attention *a, const rj_rope_table *rope, const rj_matrix *y,
                               rj_matrix *out, int t, rj_attention_point *point)
{
    rj_status st = RJ_OK;
    pass p = {.a = a, .rope = rope};
    rj_matrix o = {.ld = 1};

    RJ_TRY(project(&p, y, point != NULL ? t : -1));
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
