/* block.c: one block, x + attention(norm x), then + mlp(norm ..) of the sum or, where parallel, of x; norms behind both where
 * the family has them: weights and forward. */
#include "resjac/model/block.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "resjac/base/clock.h"
#include "resjac/base/memory.h"
#include "resjac/model/block_parts.h"
#include "resjac/model/roles.h"

static rj_status load_mlp(const rj_model *model, const rj_role roles[3], int at, rj_arithmetic type,
                          rj_mlp *m)
{
    rj_status st = RJ_OK;
    const rj_config *c = &model->config;

    *m = (rj_mlp){.activation = c->activation, .gated = c->gated, .d_ff = c->d_ff};
    if (c->gated) RJ_TRY(rj_tensors_linear(model, roles[0], at, type, &m->gate));
    RJ_TRY(rj_tensors_linear(model, roles[1], at, type, &m->up));
    RJ_TRY(rj_tensors_linear(model, roles[2], at, type, &m->down));
done:
    return st;
}

static rj_status load_experts(const rj_model *model, rj_block *b)
{
    rj_status st = RJ_OK;
    static const rj_role roles[] = {RJ_EXPERT_GATE, RJ_EXPERT_UP, RJ_EXPERT_DOWN};
    rj_experts *e = &b->experts;

    RJ_NEW(e->expert, model->config.n_expert, 1);
    e->n_expert = model->config.n_expert;
    e->n_used = model->config.n_expert_used;
    RJ_TRY(rj_tensors_linear(model, RJ_ROUTER, b->layer, RJ_DOUBLE, &e->router));
    for (int i = 0; i < e->n_expert; i++)
        RJ_TRY(load_mlp(model, roles, rj_expert_at(b->layer, i), b->type, &e->expert[i]));
done:
    return st;
}

static rj_status load_cross(const rj_model *model, rj_block *b)
{
    rj_status st = RJ_OK;
    const rj_config *c = &model->config;
    const int layer = b->layer;

    b->cross = (rj_attention){.n_head = c->n_head,
                              .n_kv_head = c->n_kv_head,
                              .d_head = c->d_head,
                              .scale = rj_config_scale(c, layer),
                              .bidirectional = true};
    RJ_TRY(rj_tensors_norm(model, RJ_CROSS_NORM, layer, &b->cross_norm));
    RJ_TRY(rj_tensors_linear(model, RJ_CROSS_QUERY, layer, b->type, &b->cross.query));
    RJ_TRY(rj_tensors_linear(model, RJ_CROSS_KEY, layer, b->type, &b->cross.key));
    RJ_TRY(rj_tensors_linear(model, RJ_CROSS_VALUE, layer, b->type, &b->cross.value));
    RJ_TRY(rj_tensors_linear(model, RJ_CROSS_OUT, layer, b->type, &b->cross.out));
done:
    return st;
}

static rj_status load_projections(const rj_model *model, rj_block *b)
{
    rj_linear read[3] = {{.bias = NULL}};
    const rj_status st = rj_tensors_query_key_value(model, b->layer, b->type, read);

    b->attention.query = read[0];
    b->attention.key = read[1];
    b->attention.value = read[2];
    return st;
}

static rj_status load(const rj_model *model, rj_block *b)
{
    rj_status st = RJ_OK;
    const rj_config *c = &model->config;
    const int layer = b->layer;
    static const rj_role roles[] = {RJ_GATE, RJ_UP, RJ_DOWN};

    b->parallel = c->parallel;
    b->attention = (rj_attention){.n_head = c->n_head,
                                  .n_kv_head = c->n_kv_head,
                                  .d_head = c->d_head,
                                  .window = rj_config_window(c, layer),
                                  .scale = rj_config_scale(c, layer),
                                  .softcap = c->softcap,
                                  .alibi_max = c->position == RJ_POSITION_ALIBI ? c->alibi_max : 0.0,
                                  .bidirectional = c->bidirectional,
                                  .clip = c->clip};
    RJ_TRY(rj_tensors_norm(model, c->shared_norm ? RJ_SHARED_NORM : RJ_ATTENTION_NORM, layer,
                           &b->attention_norm));
    RJ_TRY(rj_tensors_norm(model, RJ_ATTENTION_POST_NORM, layer, &b->attention_post_norm));
    RJ_TRY(rj_tensors_norm(model, RJ_ATTENTION_SUM_NORM, layer, &b->attention_sum_norm));
    RJ_TRY(rj_tensors_norm(model, RJ_QUERY_NORM, layer, &b->attention.query_norm));
    RJ_TRY(rj_tensors_norm(model, RJ_KEY_NORM, layer, &b->attention.key_norm));
    RJ_TRY(rj_tensors_norm(model, c->shared_norm ? RJ_SHARED_NORM : RJ_MLP_NORM, layer, &b->mlp_norm));
    RJ_TRY(rj_tensors_norm(model, RJ_MLP_POST_NORM, layer, &b->mlp_post_norm));
    RJ_TRY(rj_tensors_norm(model, RJ_MLP_SUM_NORM, layer, &b->mlp_sum_norm));
    RJ_TRY(load_projections(model, b));
    RJ_TRY(rj_tensors_linear(model, RJ_ATTENTION_OUT, layer, b->type, &b->attention.out));
    if (c->reads_memory) RJ_TRY(load_cross(model, b));
    if (c->position == RJ_POSITION_BUCKETS) RJ_TRY(rj_tensors_relative(model, &b->attention.relative));
    RJ_TRY(c->n_expert > 0 ? load_experts(model, b) : load_mlp(model, roles, layer, b->type, &b->mlp));
done:
    return st;
}

rj_status rj_block_load(const rj_model *model, int layer, rj_arithmetic type, rj_block **block)
{
    rj_status st = RJ_OK;
    const rj_stage before = rj_clock_enter(RJ_STAGE_READ);
    rj_block *b = NULL;

    RJ_REQUIRE(0 <= layer && layer < model->config.n_layer, RJ_ERR_ARG, "block %d of %d", layer,
               model->config.n_layer);
    RJ_NEW(b, 1, 1);
    b->model = model;
    b->layer = layer;
    b->type = type;
    RJ_TRY(load(model, b));
    *block = b;
    b = NULL;
done:
    rj_block_free(&b);
    rj_clock_enter(before);
    return st;
}

void rj_block_unload(rj_block *b)
{
    rj_norm_free(&b->attention_norm);
    rj_norm_free(&b->attention_post_norm);
    rj_norm_free(&b->attention_sum_norm);
    rj_norm_free(&b->mlp_norm);
    rj_norm_free(&b->mlp_post_norm);
    rj_norm_free(&b->mlp_sum_norm);
    rj_attention_free(&b->attention);
    rj_norm_free(&b->cross_norm);
    rj_attention_free(&b->cross);
    rj_mlp_free(&b->mlp);
    rj_experts_free(&b->experts);
}

rj_status rj_block_reload(rj_block *block)
{
    rj_status st = RJ_OK;
    rj_block *again = NULL;

    RJ_TRY(rj_block_load(block->model, block->layer, block->type, &again));
    rj_block_unload(block);
    *block = *again;
    RJ_FREE(again);
done:
    return st;
}

void rj_block_free(rj_block **block)
{
    if (*block == NULL) return;
    rj_block_unload(*block);
    RJ_FREE(*block);
}

void rj_point_free(rj_point **point)
{
    rj_point *p = *point;

    if (p == NULL) return;
    rj_norm_point_free(&p->attention_norm);
    rj_norm_point_free(&p->attention_post_norm);
    rj_norm_point_free(&p->attention_sum_norm);
    rj_norm_point_free(&p->mlp_norm);
    rj_norm_point_free(&p->mlp_post_norm);
    rj_norm_point_free(&p->mlp_sum_norm);
    rj_attention_point_free(&p->attention);
    rj_norm_point_free(&p->cross_norm);
    rj_attention_point_free(&p->cross);
    rj_mlp_point_free(&p->mlp);
    rj_experts_point_free(&p->experts);
    RJ_FREE(p->out);
    RJ_FREE(*point);
}

int rj_point_kinks(const rj_point *point)
{
    return point->mlp.kinks + point->experts.kinks + point->attention.kinks;
}

/* A sublayer knows its token, not where it stands. */
static rj_status name_layer(const rj_block *b, rj_status st)
{
    if (st != RJ_ERR_NUMERIC) return st;
    return rj_raise(st, __FILE__, __LINE__, "%s: layer %d of %d: %s", rj_weights_path(b->model->weights),
                    b->layer + 1, b->model->config.n_layer, rj_status_message());
}

static rj_status check_finite(const rj_block *b, int T, const double *x)
{
    rj_status st = RJ_OK;
    const int d = b->model->config.d;

    for (int j = 0; j < T; j++) {
        int bad = 0;
        for (int i = 0; i < d; i++) bad |= !(fabs(x[i + (ptrdiff_t)j * d]) < INFINITY);
        RJ_REQUIRE(!bad, RJ_ERR_NUMERIC, "%s: the state of token %d behind layer %d of %d is Inf or NaN",
                   rj_weights_path(b->model->weights), j, b->layer + 1, b->model->config.n_layer);
    }
done:
    return st;
}

/* Scratch of one forward. */
typedef struct {
    const double *x;    /* [d,T] the stream before the block */
    double *h, *column; /* [d,T] the stream, [d] */
    rj_matrix y, add;   /* [d,T] normed, working; [d,T] what a sublayer adds, double */
    rj_matrix memory;   /* [d,n_memory], working */
    rj_rope_table rope; /* empty where positions are not rotary */
    int s, t;           /* the token to linearise by, and the one to linearise */
} pass;

static void pass_free(pass *p)
{
    RJ_FREE(p->h);
    RJ_FREE(p->column);
    rj_matrix_free(&p->y);
    rj_matrix_free(&p->add);
    rj_matrix_free(&p->memory);
    rj_rope_table_free(&p->rope);
}

/* x [d, n_memory + T], of whose T tokens the first n are taken; scaled rotary positions can depend on T. */
static rj_status pass_new(const rj_block *b, int n_memory, int T, int n, const double *x, pass *p)
{
    rj_status st = RJ_OK;
    const int d = b->model->config.d;
    const rj_matrix memory = {RJ_DOUBLE, d, n_memory, d, (void *)(uintptr_t)x};
    const rj_rope *rope = rj_config_rope(&b->model->config, b->layer);

    RJ_NEW(p->h, d, n);
    RJ_NEW(p->column, d, 1);
    RJ_TRY(rj_matrix_new_unset(b->type, d, n, &p->y));
    RJ_TRY(rj_matrix_new_unset(RJ_DOUBLE, d, n, &p->add));
    RJ_TRY(rj_matrix_new_unset(b->type, d, n_memory, &p->memory));
    rj_matrix_copy(&memory, &p->memory);
    p->x = x + (ptrdiff_t)d * n_memory;
    if (rope != NULL) RJ_TRY(rj_rope_table_new(rope, T, &p->rope));
    memcpy(p->h, p->x, sizeof(double) * (size_t)d * (size_t)n);
done:
    return st;
}

/* Into a sublayer: y <- norm from, from [d,T], rounded to working arithmetic; linearised at `token` where point is not NULL. */
static rj_status enter(const rj_norm *norm, pass *p, const double *from, int token, rj_norm_point *point)
{
    rj_status st = RJ_OK;
    const ptrdiff_t d = p->y.rows;

    if (point != NULL) RJ_TRY(rj_norm_linearise(norm, from + token * d, point));
    for (int j = 0; j < p->y.cols; j++) {
        memcpy(p->column, from + j * d, sizeof(double) * (size_t)d);
        rj_norm_apply(norm, p->column, p->column);
        rj_matrix_set_column(&p->y, j, p->column);
    }
done:
    return st;
}

/* Out of it: h <- S(h + P add), P = norm, S = sum_norm. */
static rj_status leave(const rj_norm *norm, const rj_norm *sum_norm, pass *p, rj_norm_point *point,
                       rj_norm_point *sum_point)
{
    rj_status st = RJ_OK;
    const ptrdiff_t d = p->y.rows;
    double *add = p->add.data, *h = p->h;

    if (point != NULL) RJ_TRY(rj_norm_linearise(norm, add + p->t * d, point));
    for (int j = 0; j < p->y.cols; j++, add += d, h += d) {
        rj_norm_apply(norm, add, add);
        for (ptrdiff_t i = 0; i < d; i++) h[i] += add[i];
        if (sum_point != NULL && j == p->t) RJ_TRY(rj_norm_linearise(sum_norm, h, sum_point));
        rj_norm_apply(sum_norm, h, h);
    }
done:
    return st;
}

/* h <- h + cross(norm h) */
static rj_status cross(const rj_block *b, pass *p, rj_point *point)
{
    rj_status st = RJ_OK;
    static const rj_norm absent;
    rj_norm_point none = {0};

    RJ_TRY(enter(&b->cross_norm, p, p->h, p->t, point ? &point->cross_norm : NULL));
    RJ_TRY(rj_attention_read(&b->cross, &p->y, &p->memory, &p->add, p->t, point ? &point->cross : NULL));
    RJ_TRY(leave(&absent, &absent, p, &none, &none));
done:
    return st;
}

static rj_status sublayers(const rj_block *b, pass *p, rj_point *point)
{
    rj_status st = RJ_OK;
    const rj_rope_table *rope = p->rope.cosine != NULL ? &p->rope : NULL;

    RJ_TRY(enter(&b->attention_norm, p, p->x, p->s, point ? &point->attention_norm : NULL));
    RJ_TRY(rj_attention_forward(&b->attention, rope, &p->y, &p->add, p->s, p->t,
                                point ? &point->attention : NULL));
    RJ_TRY(leave(&b->attention_post_norm, &b->attention_sum_norm, p,
                 point ? &point->attention_post_norm : NULL, point ? &point->attention_sum_norm : NULL));
    if (b->cross.n_head > 0) RJ_TRY(cross(b, p, point));
    RJ_TRY(enter(&b->mlp_norm, p, b->parallel ? p->x : p->h, p->t, point ? &point->mlp_norm : NULL));
    if (b->experts.n_expert > 0)
        RJ_TRY(rj_experts_forward(&b->experts, &p->y, &p->add, p->t, point ? &point->experts : NULL));
    else
        RJ_TRY(rj_mlp_forward(&b->mlp, &p->y, &p->add, p->t, point ? &point->mlp : NULL));
    RJ_TRY(leave(&b->mlp_post_norm, &b->mlp_sum_norm, p, point ? &point->mlp_post_norm : NULL,
                 point ? &point->mlp_sum_norm : NULL));
done:
    return st;
}

/* p->h <- block(x), and, where point is not NULL, the linearisation of token t by token s. */
static rj_status run(const rj_block *block, pass *p, rj_point **point)
{
    rj_status st = RJ_OK;
    const ptrdiff_t d = block->model->config.d;
    rj_point *new = NULL;

    if (point != NULL) {
        RJ_NEW(new, 1, 1);
        RJ_NEW(new->out, d, 1);
        new->block = block;
        new->delta = p->s == p->t ? 1.0 : 0.0;
    }
    RJ_TRY(name_layer(block, sublayers(block, p, new)));
    RJ_TRY(check_finite(block, p->y.cols, p->h));
    if (point != NULL) {
        memcpy(new->out, p->h + p->t * d, sizeof(double) * (size_t)d);
        *point = new;
        new = NULL;
    }
done:
    rj_point_free(&new);
    return st;
}

static rj_status check_memory(const rj_block *block, int n_memory)
{
    rj_status st = RJ_OK;

    RJ_REQUIRE(n_memory >= 0 && (n_memory > 0) == (block->cross.n_head > 0), RJ_ERR_ARG,
               "a memory of %d tokens for a block that reads %s", n_memory,
               block->cross.n_head > 0 ? "one" : "none");
done:
    return st;
}

rj_status rj_block_forward(const rj_block *block, int T, double *x, int t, rj_point **point)
{
    return rj_block_decode(block, 0, T, x, t, point);
}

rj_status rj_block_decode(const rj_block *block, int n_memory, int T, double *x, int t, rj_point **point)
{
    rj_status st = RJ_OK;
    const rj_stage before = rj_clock_enter(RJ_STAGE_FORWARD);
    const ptrdiff_t d = block->model->config.d;
    pass p = {.y.ld = 1, .s = t, .t = t};

    RJ_REQUIRE(T >= 1 && 0 <= t && t < T, RJ_ERR_ARG, "token %d of %d", t, T);
    RJ_TRY(check_memory(block, n_memory));
    RJ_TRY(pass_new(block, n_memory, T, T, x, &p));
    RJ_TRY(run(block, &p, point));
    memcpy(x + d * n_memory, p.h, sizeof(double) * (size_t)d * (size_t)T);
done:
    pass_free(&p);
    rj_clock_enter(before);
    return st;
}

rj_status rj_block_linearise(const rj_block *block, int n_memory, int T, const double *x, int s, int t,
                             rj_point **point)
{
    rj_status st = RJ_OK;
    const rj_stage before = rj_clock_enter(RJ_STAGE_FORWARD);
    const bool causal = !block->attention.bidirectional;
    const int seen = causal ? t + 1 : T;
    pass p = {.y.ld = 1, .s = s, .t = t};

    RJ_REQUIRE(0 <= t && t < T && 0 <= s && s < seen, RJ_ERR_ARG, "token %d by token %d, of %d tokens%s", t,
               s, T, causal ? " that see none behind them" : "");
    RJ_TRY(check_memory(block, n_memory));
    RJ_TRY(pass_new(block, n_memory, T, seen, x, &p));
    RJ_TRY(run(block, &p, point));
done:
    pass_free(&p);
    rj_clock_enter(before);
    return st;
}
