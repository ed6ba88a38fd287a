/* attention_products.c: the linearised attention as JVP and VJP, in working arithmetic. */
#include "resjac/base/memory.h"
#include "resjac/linalg/blas.h"
#include "resjac/model/attention_parts.h"

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

/* What a token's own key and value add: o <- o + self dV + shift (key' dK), z [1,n] is scratch. */
static void add_own(const rj_attention *a, const rj_attention_point *point, int h, panel *p)
{
    const rj_matrix k = rj_head_rows(a, &p->k, rj_head_kv(a, h)),
                    v = rj_head_rows(a, &p->v, rj_head_kv(a, h));
    const rj_matrix key = rj_matrix_block(&point->key, 0, h, a->d_head, 1);
    const rj_matrix shift = rj_matrix_block(&point->shift, 0, h, a->d_head, 1);
    rj_matrix o = rj_head_rows(a, &p->o, h);

    rj_matrix_add(point->self[h], &v, &o);
    rj_gemm('T', 'N', 1.0, &key, &k, 0.0, &p->z);
    rj_gemm('N', 'N', 1.0, &shift, &p->z, 1.0, &o);
}

rj_status rj_attention_jvp(const rj_attention *a, const rj_attention_point *point, const rj_matrix *dy,
                           rj_matrix *dout)
{
    rj_status st = RJ_OK;
    const bool own = point->self != NULL;
    panel p = {.q.ld = 1};

    RJ_TRY(panel_new(a, dy->type, dy->cols, &p));
    rj_linear_jvp(&a->query, dy, &p.q);
    if (own) rj_linear_jvp(&a->key, dy, &p.k);
    if (own) rj_linear_jvp(&a->value, dy, &p.v);
    RJ_TRY(rj_norm_jvp_panel(&point->query_norm, &p.q));
    RJ_TRY(rj_norm_jvp_panel(&point->key_norm, &p.k));
    if (point->open != NULL) rj_matrix_scale_rows(point->open, &p.v);
    for (int h = 0; h < a->n_head; h++) {
        const rj_matrix map = rj_head_columns(a, &point->map, h), q = rj_head_rows(a, &p.q, h);
        rj_matrix o = rj_head_rows(a, &p.o, h);
        rj_gemm('N', 'N', 1.0, &map, &q, 0.0, &o); /* dO <- map dQ */
        if (own) add_own(a, point, h, &p);
    }
    rj_linear_jvp(&a->out, &p.o, dout);
done:
    panel_free(&p);
    return st;
}

/* Its transpose: gV <- gV + self gO, gK <- gK + key (shift' gO): heads share a kv head. */
static void add_own_transpose(const rj_attention *a, const rj_attention_point *point, int h, panel *p)
{
    const rj_matrix o = rj_head_rows(a, &p->o, h);
    const rj_matrix key = rj_matrix_block(&point->key, 0, h, a->d_head, 1);
    const rj_matrix shift = rj_matrix_block(&point->shift, 0, h, a->d_head, 1);
    rj_matrix k = rj_head_rows(a, &p->k, rj_head_kv(a, h)), v = rj_head_rows(a, &p->v, rj_head_kv(a, h));

    rj_matrix_add(point->self[h], &o, &v);
    rj_gemm('T', 'N', 1.0, &shift, &o, 0.0, &p->z);
    rj_gemm('N', 'N', 1.0, &key, &p->z, 1.0, &k);
}

rj_status rj_attention_vjp(const rj_attention *a, const rj_attention_point *point, const rj_matrix *g,
                           rj_matrix *g_y)
{
    rj_status st = RJ_OK;
    const bool own = point->self != NULL;
    panel p = {.q.ld = 1};

    RJ_TRY(panel_new(a, g->type, g->cols, &p));
    rj_linear_vjp(&a->out, g, 0.0, &p.o);
    for (int h = 0; h < a->n_head; h++) {
        const rj_matrix map = rj_head_columns(a, &point->map, h), o = rj_head_rows(a, &p.o, h);
        rj_matrix q = rj_head_rows(a, &p.q, h);
        rj_gemm('T', 'N', 1.0, &map, &o, 0.0, &q); /* gQ <- map' gO */
        if (own) add_own_transpose(a, point, h, &p);
    }
    if (point->open != NULL) rj_matrix_scale_rows(point->open, &p.v);
    RJ_TRY(rj_norm_vjp_panel(&point->query_norm, &p.q));
    RJ_TRY(rj_norm_vjp_panel(&point->key_norm, &p.k));
    rj_linear_vjp(&a->query, &p.q, 0.0, g_y);
    if (own) rj_linear_vjp(&a->key, &p.k, 1.0, g_y);
    if (own) rj_linear_vjp(&a->value, &p.v, 1.0, g_y);
done:
    panel_free(&p);
    return st;
}
