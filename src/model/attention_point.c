/* attention_point.c: one token's attention linearised by one token: map, key and shift of each head, in double. Norms and clip of
 * queries and keys, the rotation and the soft-cap stand in map, key and shift, so derivatives do not meet them.
 * 2 n_head dh^2 flops a token seen. */
#include <math.h>
#include <string.h>

#include "resjac/base/memory.h"
#include "resjac/linalg/blas.h"
#include "resjac/model/attention_parts.h"

static const rj_norm absent;

void rj_attention_point_free(rj_attention_point *point)
{
    rj_matrix_free(&point->map);
    rj_matrix_free(&point->key);
    rj_matrix_free(&point->shift);
    rj_matrix_free(&point->left);
    rj_matrix_free(&point->right);
    RJ_FREE(point->self);
    RJ_FREE(point->open);
    rj_norm_point_free(&point->query_norm);
    rj_norm_point_free(&point->key_norm);
}

/* Scratch for one head at token t, which sees n tokens; all double. */
typedef struct {
    rj_matrix dv, dk; /* [dh,n]: scale p_j (v_j - o), Cq' R_t' (w_j k_j - kbar), as far as it is needed */
    rj_matrix map;    /* [dh,dh], transposed */
    double *key, *shift, *kbar, *clipped, *weight, *cap; /* [dh] each, then [n]; one allocation, at key */
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
    RJ_NEW(s->key, 4 * dh + 2 * n, 1);
    s->shift = s->key + dh;
    s->kbar = s->shift + dh;
    s->clipped = s->kbar + dh;
    s->weight = s->clipped + dh;
    s->cap = s->weight + n;
done:
    return st;
}

/* weight <- softmax of token t in head h over the n tokens from `first` on, cap <- slopes w of the soft-cap,
 * kbar <- sum_j p_j w_j k_j. */
static void weigh(const rj_attention_pass *p, int h, int t, head *s)
{
    const rj_attention *a = p->a;
    const int dh = a->d_head, kv = rj_head_kv(a, h) * dh, first = rj_first_seen(a, t);
    const int n = rj_end_seen(a, t, p->k.cols) - first;
    const double *q = rj_pass_column(&p->q, t) + h * dh;

    for (int j = 0; j < n; j++) {
        const double *k = rj_pass_column(&p->k, first + j) + kv;
        s->weight[j] = 0.0;
        for (int i = 0; i < dh; i++) s->weight[j] += a->scale * q[i] * k[i];
    }
    rj_attention_logits(a, h, t, first, n, s->weight, s->cap);
    rj_softmax(s->weight, 0, n, n);
    for (int i = 0; i < dh; i++) s->kbar[i] = 0.0;
    for (int j = 0; j < n; j++) {
        const double *k = rj_pass_column(&p->k, first + j) + kv;
        const double w = s->weight[j] * s->cap[j];
        for (int i = 0; i < dh; i++) s->kbar[i] += w * k[i];
    }
}

static bool is_open(const rj_attention *a, double raw)
{
    return a->clip == 0.0 || fabs(raw) <= a->clip;
}

/* The norm of one query or key at its point, behind the clip. */
static rj_status linearise_norm(const rj_attention *a, const rj_norm *norm, const double *raw, head *s,
                                rj_norm_point *point)
{
    for (int i = 0; i < a->d_head; i++)
        s->clipped[i] = is_open(a, raw[i]) ? raw[i] : copysign(a->clip, raw[i]);
    return rj_norm_linearise(rj_norm_is_whole(a, norm) ? &absent : norm, s->clipped, point);
}

/* x <- C' R_j' x, C mask and norm at their point: a head's cotangent back to the projection. */
static void pull_back(const rj_attention_pass *p, const rj_norm_point *norm, const double *raw, int j,
                      double *x)
{
    if (p->rope != NULL) rj_rope_rotate_transpose(p->rope, j, x);
    rj_norm_vjp(norm, x);
    for (int i = 0; i < p->a->d_head; i++)
        if (!is_open(p->a, raw[i])) x[i] = 0.0;
}

/* s->map <- Cq' R_t' dK dV': by way of the query, which t has to itself. What is less is pulled back: dK or the map. */
static void linearise_query(const rj_attention_pass *p, const rj_norm_point *query, int h, int t, head *s)
{
    const double *raw = p->raw_q + h * p->a->d_head;
    const bool few = s->dk.cols < p->a->d_head;

    for (int j = 0; few && j < s->dk.cols; j++) pull_back(p, query, raw, t, rj_pass_column(&s->dk, j));
    rj_gemm('N', 'T', 1.0, &s->dk, &s->dv, 0.0, &s->map);
    for (int i = 0; !few && i < p->a->d_head; i++) pull_back(p, query, raw, t, rj_pass_column(&s->map, i));
}

/* Head h of the point into s, by a token `from` that t sees: map, and where keys and values are the tokens' own key <-
 * w Ck' R_from' q, shift. */
static rj_status linearise_head(const rj_attention_pass *p, int h, int from, int t, head *s)
{
    rj_status st = RJ_OK;
    const rj_attention *a = p->a;
    const int dh = a->d_head, kv = rj_head_kv(a, h) * dh;
    const int first = rj_first_seen(a, t), end = rj_end_seen(a, t, p->k.cols);
    const double *o = rj_pass_column(&p->o, t) + h * dh, *q = rj_pass_column(&p->q, t) + h * dh;
    const double *raw_q = p->raw_q + h * dh, *raw_k = p->raw_k + kv;
    rj_norm_point query = {0}, key = {0};

    RJ_TRY(linearise_norm(a, &a->query_norm, raw_q, s, &query));
    RJ_TRY(linearise_norm(a, &a->key_norm, raw_k, s, &key));
    weigh(p, h, t, s);
    for (int j = first; j < end; j++) {
        const double *k = rj_pass_column(&p->k, j) + kv, *v = rj_pass_column(&p->v, j) + kv;
        const double w = s->cap[j - first];
        double *dv = rj_pass_column(&s->dv, j - first), *dk = rj_pass_column(&s->dk, j - first);
        for (int i = 0; i < dh; i++) dv[i] = a->scale * s->weight[j - first] * (v[i] - o[i]);
        for (int i = 0; i < dh; i++) dk[i] = w * k[i] - s->kbar[i];
    }
    if (from == t) linearise_query(p, &query, h, t, s);
    if (!p->own) goto done;
    for (int i = 0; i < dh; i++) s->key[i] = s->cap[from - first] * q[i];
    pull_back(p, &key, raw_k, from, s->key);
    memcpy(s->shift, rj_pass_column(&s->dv, from - first), (size_t)dh * sizeof(double));
done:
    rj_norm_point_free(&query);
    rj_norm_point_free(&key);
    return st;
}

/* Mask of the values, and what stands at the edge of the clip. */
static rj_status linearise_clip(const rj_attention_pass *p, rj_attention_point *point)
{
    rj_status st = RJ_OK;
    const rj_attention *a = p->a;
    const int n_k = p->k.rows, n = p->q.rows + 2 * n_k;

    if (a->clip == 0.0) goto done;
    RJ_NEW(point->open, n_k, 1);
    for (int i = 0; i < n_k; i++) point->open[i] = is_open(a, p->raw_v[i]) ? 1.0 : 0.0;
    for (int i = 0; i < n; i++) point->kinks += fabs(fabs(p->raw_q[i]) - a->clip) <= 1e-5 * a->clip;
done:
    return st;
}

/* Norms of all heads together. */
static rj_status linearise_whole(const rj_attention_pass *p, rj_attention_point *point)
{
    rj_status st = RJ_OK;
    const rj_attention *a = p->a;
    const rj_norm *query = rj_norm_is_whole(a, &a->query_norm) ? &a->query_norm : &absent;
    const rj_norm *key = p->own && rj_norm_is_whole(a, &a->key_norm) ? &a->key_norm : &absent;

    RJ_REQUIRE((query == &absent && key == &absent) || a->clip == 0.0, RJ_ERR_ARG,
               "a clip before norms of %d and %d values", query->d, key->d);
    RJ_TRY(rj_norm_linearise(query, p->raw_q, &point->query_norm));
    RJ_TRY(rj_norm_linearise(key, p->raw_k, &point->key_norm));
done:
    return st;
}

/* Columns of a head with which tokens span no more than heads do: all that t sees, by another token its own alone; 0 where
 * they span more. */
static int columns_to_keep(const rj_attention_pass *p, int s, int t, int n_seen)
{
    const rj_attention *a = p->a;
    const int n = s == t ? n_seen : 1;

    return p->own && a->n_kv_head * a->d_head + a->n_head * n < a->n_head * a->d_head ? n : 0;
}

/* What the point holds, all 0. */
static rj_status point_new(const rj_attention_pass *p, rj_arithmetic type, int s, int t, int n_seen,
                           rj_attention_point *point)
{
    rj_status st = RJ_OK;
    const int dh = p->a->d_head;
    const ptrdiff_t n_head = p->a->n_head;

    RJ_TRY(rj_matrix_new(type, dh, n_head * dh, &point->map));
    if (!p->own) goto done;
    RJ_TRY(rj_matrix_new(type, dh, n_head, &point->key));
    RJ_TRY(rj_matrix_new(type, dh, n_head, &point->shift));
    RJ_NEW(point->self, n_head, 1);
    point->n_column = columns_to_keep(p, s, t, n_seen);
    if (point->n_column == 0) goto done;
    RJ_TRY(rj_matrix_new(type, dh, n_head * point->n_column, &point->left));
    if (s == t) RJ_TRY(rj_matrix_new(type, dh, n_head * point->n_column, &point->right));
done:
    return st;
}

/* The token's head h as linearise_head() left it in s; source: column of the token by which is derived. */
static void point_put_head(const head *s, int h, int source, rj_attention_point *point)
{
    const int dh = s->map.rows, n = point->n_column;
    rj_matrix map = rj_matrix_block(&point->map, 0, h * dh, dh, dh);

    rj_matrix_transpose(&s->map, &map);
    if (point->self == NULL) return;
    rj_matrix_set_column(&point->key, h, s->key);
    rj_matrix_set_column(&point->shift, h, s->shift);
    point->self[h] = s->weight[source];
    if (n == 0) return;
    const rj_matrix dv = rj_matrix_block(&s->dv, 0, point->right.data != NULL ? 0 : source, dh, n);
    rj_matrix left = rj_matrix_block(&point->left, 0, h * n, dh, n);
    rj_matrix_copy(&dv, &left);
    if (point->right.data == NULL) return;
    rj_matrix right = rj_matrix_block(&point->right, 0, h * n, dh, n);
    rj_matrix_copy(&s->dk, &right);
}

rj_status rj_attention_linearise(const rj_attention_pass *p, rj_arithmetic type, int s, int t,
                                 rj_attention_point *point)
{
    rj_status st = RJ_OK;
    const rj_attention *a = p->a;
    const int first = rj_first_seen(a, t), n = rj_end_seen(a, t, p->k.cols) - first;
    const bool seen = !p->own || (first <= s && s < first + n);
    rj_attention_point new = {.map.ld = 1};
    head scratch = {.dv.ld = 1};

    RJ_TRY(point_new(p, type, s, t, n, &new));
    RJ_TRY(linearise_clip(p, &new));
    RJ_TRY(linearise_whole(p, &new));
    RJ_TRY(head_new(a->d_head, n, &scratch));
    if (s == t && p->own) new.source_column = s - first;
    for (int h = 0; seen && h < a->n_head; h++) { /* else all stays 0 */
        RJ_TRY(linearise_head(p, h, s, t, &scratch));
        point_put_head(&scratch, h, p->own ? s - first : 0, &new);
    }
    *point = new;
    new = (rj_attention_point){0};
done:
    head_free(&scratch);
    rj_attention_point_free(&new);
    return st;
}
