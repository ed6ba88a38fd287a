/* attention.c: attention of all tokens. Logits and softmax in double.
 * 2 T d (2 n_head + 2 n_kv_head) dh flops in working arithmetic and 4 T^2 n_head dh in double (T window, if less). */
#include "resjac/model/attention.h"

#include <math.h>

#include "exponential.h"
#include "resjac/base/clones.h"
#include "resjac/base/memory.h"
#include "resjac/linalg/blas.h"
#include "resjac/model/attention_parts.h"

enum { QUERIES = 64, LANES = 8 }; /* whose logits are held at a time; partial sums */

double rj_alibi_slope(double max, int n_head, int h)
{
    int n = 1;

    while (2 * n <= n_head) n *= 2;
    return h < n ? pow(2.0, -max * (h + 1) / n) : pow(2.0, -max * (2 * (h - n) + 1) / (2 * n));
}

void rj_attention_free(rj_attention *a)
{
    rj_norm_free(&a->query_norm);
    rj_norm_free(&a->key_norm);
    rj_linear_free(&a->query);
    rj_linear_free(&a->key);
    rj_linear_free(&a->value);
    rj_linear_free(&a->out);
    rj_relative_free(&a->relative);
}

static void pass_free(rj_attention_pass *p)
{
    rj_matrix_free(&p->q);
    rj_matrix_free(&p->k);
    rj_matrix_free(&p->v);
    rj_matrix_free(&p->o);
    RJ_FREE(p->raw_q);
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

static void clip(const rj_attention *a, int n, double *x)
{
    for (int i = 0; a->clip > 0.0 && i < n; i++) x[i] = fmin(fmax(x[i], -a->clip), a->clip);
}

/* The heads of one token, [n_head dh] below each other: clip, norm, rotation. */
static void turn(const rj_attention_pass *p, const rj_norm *norm, int n_head, int j, double *x)
{
    const int dh = p->a->d_head;
    const bool whole = rj_norm_is_whole(p->a, norm);

    clip(p->a, n_head * dh, x);
    if (whole) rj_norm_apply(norm, x, x);
    for (int h = 0; h < n_head; h++) {
        if (!whole) rj_norm_apply(norm, x + h * dh, x + h * dh);
        if (p->rope != NULL) rj_rope_rotate(p->rope, j, x + h * dh);
    }
}

static rj_status keep_raw(rj_attention_pass *p, int s, int t)
{
    rj_status st = RJ_OK;
    const int n_q = p->q.rows, n_k = p->k.rows;

    RJ_NEW(p->raw_q, n_q + 2 * n_k, 1);
    p->raw_k = p->raw_q + n_q;
    p->raw_v = p->raw_k + n_k;
    rj_matrix_get_column(&p->q, t, p->raw_q);
    if (!p->own) goto done;
    rj_matrix_get_column(&p->k, s, p->raw_k);
    rj_matrix_get_column(&p->v, s, p->raw_v);
done:
    return st;
}

/* Queries of y, keys and values of `from`. t: the token to linearise, by s, or -1. */
static rj_status project(rj_attention_pass *p, const rj_matrix *y, const rj_matrix *from, int s, int t)
{
    rj_status st = RJ_OK;
    const rj_attention *a = p->a;
    const int T = y->cols, n = from->cols, n_q = a->n_head * a->d_head, n_k = a->n_kv_head * a->d_head;

    RJ_TRY(rj_matrix_new_unset(RJ_DOUBLE, n_q, T, &p->q));
    RJ_TRY(rj_matrix_new_unset(RJ_DOUBLE, n_k, n, &p->k));
    RJ_TRY(rj_matrix_new_unset(RJ_DOUBLE, n_k, n, &p->v));
    RJ_TRY(rj_matrix_new_unset(RJ_DOUBLE, n_q, T, &p->o));
    RJ_TRY(rj_linear_forward(&a->query, y, &p->q));
    RJ_TRY(rj_linear_forward(&a->key, from, &p->k));
    RJ_TRY(rj_linear_forward(&a->value, from, &p->v));
    RJ_TRY(check_finite(&p->q, "query"));
    RJ_TRY(check_finite(&p->k, "key"));
    RJ_TRY(check_finite(&p->v, "value"));
    if (t >= 0) RJ_TRY(keep_raw(p, s, t));
    for (int j = 0; j < T; j++) turn(p, &a->query_norm, a->n_head, j, rj_pass_column(&p->q, j));
    for (int j = 0; j < n; j++) {
        turn(p, &a->key_norm, a->n_kv_head, j, rj_pass_column(&p->k, j));
        clip(a, n_k, rj_pass_column(&p->v, j));
    }
done:
    return st;
}

void rj_attention_logits(const rj_attention *a, int h, int t, int first, int n, double *x, double *slope)
{
    const double fall = a->alibi_max > 0.0 ? rj_alibi_slope(a->alibi_max, a->n_head, h) : 0.0;

    for (int i = 0; slope != NULL && i < n; i++) slope[i] = 1.0;
    for (int i = 0; a->softcap > 0.0 && i < n; i++) {
        const double capped = tanh(x[i] / a->softcap);
        x[i] = a->softcap * capped;
        if (slope != NULL) slope[i] = 1.0 - capped * capped;
    }
    for (int i = 0; fall > 0.0 && i < n; i++) x[i] += fall * (first + i - t);
    for (int i = 0; a->relative.bias != NULL && i < n; i++)
        x[i] += rj_relative_bias(&a->relative, h, first + i - t);
}

/* Partial maxima and sums in an order that the source fixes, so that the loops are vectorised. */
static inline double largest_of(int n, const double *x)
{
    double m[LANES];
    int i = 0;

    for (int l = 0; l < LANES; l++) m[l] = x[0];
    for (; i + LANES <= n; i += LANES)
        for (int l = 0; l < LANES; l++) m[l] = x[i + l] > m[l] ? x[i + l] : m[l];
    for (; i < n; i++) m[0] = x[i] > m[0] ? x[i] : m[0];
    for (int l = 1; l < LANES; l++) m[0] = m[l] > m[0] ? m[l] : m[0];
    return m[0];
}

static inline double sum_of(int n, const double *x)
{
    double s[LANES] = {0};
    int i = 0;

    for (; i + LANES <= n; i += LANES)
        for (int l = 0; l < LANES; l++) s[l] += x[i + l];
    for (; i < n; i++) s[0] += x[i];
    return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
}

RJ_CLONES void rj_softmax(double *x, int first, int end, int n)
{
    const int seen = end - first;
    double *y = x + first;

    const double largest = largest_of(seen, y);
    for (int i = 0; i < seen; i++) y[i] = rj_exponential(y[i] - largest);
    const double scale = 1.0 / sum_of(seen, y);
    for (int i = 0; i < seen; i++) y[i] *= scale;
    for (int i = 0; i < first; i++) x[i] = 0.0;
    for (int i = end; i < n; i++) x[i] = 0.0;
}

/* Queries from..from+n-1 of head h; s [T,n] is scratch. */
static void attend_some(rj_attention_pass *p, int h, int from, int n, const rj_matrix *s)
{
    const rj_attention *a = p->a;
    const int T = p->k.cols, dh = a->d_head, first = rj_first_seen(a, from);
    const int seen = rj_end_seen(a, from + n - 1, T) - first;
    const rj_matrix q = rj_head_rows(a, &p->q, h), k = rj_head_rows(a, &p->k, rj_head_kv(a, h));
    const rj_matrix v = rj_head_rows(a, &p->v, rj_head_kv(a, h)), o = rj_head_rows(a, &p->o, h);
    const rj_matrix qn = rj_matrix_block(&q, 0, from, dh, n), ks = rj_matrix_block(&k, 0, first, dh, seen);
    const rj_matrix vs = rj_matrix_block(&v, 0, first, dh, seen);
    rj_matrix weight = rj_matrix_block(s, 0, 0, seen, n), on = rj_matrix_block(&o, 0, from, dh, n);

    rj_gemm('T', 'N', a->scale, &ks, &qn, 0.0, &weight);
    for (int j = from; j < from + n; j++) {
        double *x = rj_pass_column(&weight, j - from);
        const int end = rj_end_seen(a, j, T) - first;
        rj_attention_logits(a, h, j, first, end, x, NULL);
        rj_softmax(x, rj_first_seen(a, j) - first, end, seen);
    }
    rj_gemm('N', 'N', 1.0, &vs, &weight, 0.0, &on);
}

/* O_h = V_h softmax(logits of K_h' Q_h), some queries at a time; query j sees the keys rj_first_seen(j)..rj_end_seen(j)-1. */
static rj_status attend(rj_attention_pass *p)
{
    rj_status st = RJ_OK;
    const int T = p->q.cols, most = T < QUERIES ? T : QUERIES;
    rj_matrix s = {.ld = 1};

    RJ_TRY(rj_matrix_new_unset(RJ_DOUBLE, p->k.cols, most, &s));
    for (int h = 0; h < p->a->n_head; h++)
        for (int from = 0; from < T; from += most)
            attend_some(p, h, from, T - from < most ? T - from : most, &s);
done:
    rj_matrix_free(&s);
    return st;
}

static rj_status run(rj_attention_pass *p, const rj_matrix *y, const rj_matrix *from, rj_matrix *out, int s,
                     int t, rj_attention_point *point)
{
    rj_status st = RJ_OK;
    rj_matrix o = {.ld = 1};

    RJ_TRY(project(p, y, from, s, point != NULL ? t : -1));
    RJ_TRY(attend(p));
    RJ_TRY(rj_matrix_new_unset(y->type, p->o.rows, p->o.cols, &o));
    rj_matrix_copy(&p->o, &o);
    RJ_TRY(rj_linear_forward(&p->a->out, &o, out));
    if (point != NULL) RJ_TRY(rj_attention_linearise(p, y->type, s, t, point));
done:
    rj_matrix_free(&o);
    pass_free(p);
    return st;
}

rj_status rj_attention_forward(const rj_attention *a, const rj_rope_table *rope, const rj_matrix *y,
                               rj_matrix *out, int s, int t, rj_attention_point *point)
{
    rj_attention_pass p = {.a = a, .rope = rope, .own = true};

    return run(&p, y, y, out, s, t, point);
}

rj_status rj_attention_read(const rj_attention *a, const rj_matrix *y, const rj_matrix *memory,
                            rj_matrix *out, int t, rj_attention_point *point)
{
    rj_attention_pass p = {.a = a};

    return run(&p, y, memory, out, t, t, point);
}
