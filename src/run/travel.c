/* travel.c: with several stages every block is passed twice: forward alone, so that the next stage can begin, then with its
 * Jacobian. A forward pass costs a small part of a Jacobian. */
#include "travel.h"

#include <string.h>

#include "grid_jacobian.h"
#include "prompt_measures.h"
#include "resjac/base/agree.h"
#include "resjac/base/clock.h"
#include "resjac/base/log.h"
#include "resjac/base/memory.h"
#include "team_exchange.h"
#include "token_measures.h"

/* Of the memory and the stream. */
static int columns(const rj_travel *t, int i)
{
    return t->n_memory[i] + t->n_tokens[i];
}

static void remember(const rj_travel *t, int i, int depth)
{
    const ptrdiff_t d = t->config->d;

    memcpy(t->path[i] + d * depth, t->x[i] + d * (columns(t, i) - 1), (size_t)d * sizeof(double));
}

int32_t rj_travel_measured(const rj_config *config, const rj_tokens *tokens)
{
    return config->reads_memory ? config->start_token : tokens->ids[tokens->n - 1];
}

/* A prompt through one block; the linearisation at its last token where point is not NULL. */
static rj_status pass_block(const rj_travel *t, const rj_block *block, int i, double *x, rj_point **point)
{
    return rj_block_decode(block, t->n_memory[i], t->n_tokens[i], x, t->n_tokens[i] - 1, point);
}

/* Prompts, embedded for the encoder, become its last states, one block after the other for all of them. */
static rj_status encode(const rj_model *encoder, rj_travel *t)
{
    rj_status st = RJ_OK;
    const rj_config *c = rj_model_config(encoder);
    rj_block *block = NULL;

    for (int l = 0; l < c->n_layer; l++) {
        RJ_TRY(rj_block_load(encoder, l, t->options->arithmetic, &block));
        for (int i = 0; i < t->n; i++) {
            const int T = t->n_memory[i];
            if (t->status[i] != RJ_OK) continue;
            RJ_TRY(rj_travel_own_trouble(t, i, rj_block_forward(block, T, t->x[i], T - 1, NULL)));
            RJ_TRY(rj_travel_tick(t, 0, 0));
        }
        rj_block_free(&block);
    }
    for (int i = 0; i < t->n; i++)
        for (ptrdiff_t j = 0; j < t->n_memory[i]; j++)
            RJ_TRY(rj_model_final_norm(encoder, t->x[i] + j * c->d, t->x[i] + j * c->d));
done:
    rj_block_free(&block);
    return st;
}

/* What enters the first block, and where there is an encoder what all blocks read. */
static rj_status embed(const rj_tokens *tokens, rj_travel *t)
{
    rj_status st = RJ_OK;
    const rj_model *encoder = rj_model_encoder(t->model);
    const int32_t start = t->config->start_token;

    for (int i = 0; i < t->n; i++) {
        const rj_tokens *own = &tokens[t->first + i];
        RJ_TRY(rj_model_embed(encoder != NULL ? encoder : t->model, own->n, own->ids, t->x[i]));
    }
    if (encoder != NULL) RJ_TRY(encode(encoder, t));
    for (int i = 0; i < t->n; i++) {
        if (encoder != NULL)
            RJ_TRY(rj_model_embed(t->model, 1, &start, t->x[i] + (ptrdiff_t)t->config->d * t->n_memory[i]));
        if (t->team->rank == 0) remember(t, i, 0);
    }
done:
    return st;
}

rj_status rj_travel_start(const rj_tokens *tokens, rj_travel *t)
{
    rj_status st = RJ_OK;
    const rj_config *c = t->config;

    RJ_NEW(t->n_tokens, t->n, 1);
    RJ_NEW(t->n_memory, t->n, 1);
    RJ_NEW(t->x, t->n, 1);
    RJ_NEW(t->path, t->n, 1);
    RJ_NEW(t->block, t->n, 1);
    RJ_NEW(t->top, t->n, 1);
    RJ_NEW(t->status, t->n, 1);
    RJ_NEW(t->row, t->n, 1);
    if (t->options->matrix_free) RJ_TRY(rj_kept_blocks_new(c->n_layer, &t->kept));
    for (int i = 0; i < t->n; i++) {
        const rj_tokens *own = &tokens[t->first + i];
        t->n_tokens[i] = c->reads_memory ? 1 : own->n;
        t->n_memory[i] = c->reads_memory ? own->n : 0;
        RJ_NEW(t->x[i], c->d, columns(t, i));
        RJ_NEW(t->path[i], c->d, c->n_layer + 1);
        RJ_NEW(t->block[i], c->n_layer, 1);
        RJ_NEW(t->top[i], c->n_layer, 1);
        RJ_NEW(t->row[i], c->n_layer, 1);
    }
    if (t->team->stage_at == 0) RJ_TRY(embed(tokens, t));
done:
    return st;
}

void rj_travel_free(rj_travel *t)
{
    for (int i = 0; i < t->n; i++) {
        for (int l = 0; l < t->config->n_layer; l++) {
            if (t->block != NULL && t->block[i] != NULL) rj_matrix_free(&t->block[i][l].jac);
            if (t->top != NULL && t->top[i] != NULL) rj_topk_free(&t->top[i][l]);
            if (t->row != NULL && t->row[i] != NULL) rj_kept_row_close(&t->row[i][l]);
        }
        if (t->row != NULL) RJ_FREE(t->row[i]);
        if (t->block != NULL) RJ_FREE(t->block[i]);
        if (t->top != NULL) RJ_FREE(t->top[i]);
        if (t->path != NULL) RJ_FREE(t->path[i]);
        if (t->x != NULL) RJ_FREE(t->x[i]);
    }
    rj_kept_blocks_free(&t->kept);
    RJ_FREE(t->row);
    RJ_FREE(t->status);
    RJ_FREE(t->top);
    RJ_FREE(t->block);
    RJ_FREE(t->path);
    RJ_FREE(t->x);
    RJ_FREE(t->n_memory);
    RJ_FREE(t->n_tokens);
}

rj_status rj_travel_own_trouble(rj_travel *t, int i, rj_status outcome)
{
    if (outcome != RJ_ERR_NUMERIC) return outcome;
    if (t->team->grid_at == 0)
        rj_log(RJ_LOG_WARN, "prompt %s is left out: %s", t->record->prompt_id[t->first + i],
               rj_status_message());
    t->status[i] = (int)outcome;
    return RJ_OK;
}

rj_status rj_travel_tick(const rj_travel *t, int steps, int coupled)
{
    const rj_pipeline_options *o = t->options;
    const int L = t->stage.count;
    /* coupling a prompt counts as half of its blocks: an estimate, which only a stop asks for */
    const double per_prompt = 1.5 * L, all = per_prompt * (double)t->record->sizes.size[RJ_DIM_PROMPT];

    return o->tick == NULL ? RJ_OK
                           : o->tick(o->tick_ctx, (t->first * per_prompt + steps + coupled * .5 * L) / all);
}

/* What a stage passes on: copies of its streams, behind its last block. Arrays are [n]. */
typedef struct {
    double **y; /* [d, memory, then T_i] */
    MPI_Request *request;
} passed_on;

static rj_status passed_on_new(const rj_travel *t, passed_on *p)
{
    rj_status st = RJ_OK;

    RJ_NEW(p->request, t->n, 1);
    for (int i = 0; i < t->n; i++) p->request[i] = MPI_REQUEST_NULL;
    RJ_NEW(p->y, t->n, 1);
    for (int i = 0; i < t->n; i++) RJ_NEW(p->y[i], t->config->d, columns(t, i));
done:
    return st;
}

static void passed_on_free(const rj_travel *t, passed_on *p)
{
    if (p->request != NULL) RJ_MPI(t->team->comm, MPI_Waitall(t->n, p->request, MPI_STATUSES_IGNORE));
    for (int i = 0; p->y != NULL && i < t->n; i++) rj_free(p->y[i]);
    RJ_FREE(p->y);
    RJ_FREE(p->request);
}

/* Prompt i through one block, states alone. `outcome` is that of the unit so far: once it is an error every prompt is out, but all are
 * received and passed on, since the next stage must not wait in vain. */
static rj_status forward_one(rj_travel *t, const rj_block *block, int l, int i, passed_on *p,
                             rj_status outcome)
{
    const rj_team *team = t->team;
    const int d = t->config->d, T = columns(t, i), last = t->stage.first + t->stage.count - 1;

    if (l == t->stage.first) {
        if (team->stage_at > 0) rj_team_receive(team, d, T, t->x[i], &t->status[i]);
        if (outcome == RJ_OK) memcpy(p->y[i], t->x[i], sizeof(double) * (size_t)d * (size_t)T);
    }
    if (outcome == RJ_OK && t->status[i] == RJ_OK)
        outcome = rj_travel_own_trouble(t, i, pass_block(t, block, i, p->y[i], NULL));
    if (outcome == RJ_OK) outcome = rj_travel_tick(t, 0, 0);
    if (outcome != RJ_OK && t->status[i] == RJ_OK) t->status[i] = (int)outcome;
    if (l == last) rj_team_send(team, d, T, p->y[i], t->status[i], &p->request[i]);
    return outcome;
}

/* All prompts through all blocks of a stage that has one behind it. A prompt is passed on when it has left the last block. */
static rj_status forward_stage(rj_travel *t, passed_on *p)
{
    rj_status outcome = RJ_OK;
    rj_block *block = NULL;

    for (int l = t->stage.first; l < t->stage.first + t->stage.count; l++) {
        if (outcome == RJ_OK) outcome = rj_block_load(t->model, l, t->options->arithmetic, &block);
        for (int i = 0; i < t->n; i++) outcome = forward_one(t, block, l, i, p, outcome);
        rj_block_free(&block);
    }
    return outcome;
}

rj_status rj_travel_to_stages(rj_travel *t)
{
    rj_status st = RJ_OK;
    const rj_team *team = t->team;
    passed_on p = {0};

    if (team->shape.stages == 1) return RJ_OK;
    RJ_TRY_ALL(team->comm, passed_on_new(t, &p));
    if (team->stage_at < team->shape.stages - 1)
        st = forward_stage(t, &p);
    else
        for (int i = 0; i < t->n; i++)
            rj_team_receive(team, t->config->d, columns(t, i), t->x[i], &t->status[i]);
    RJ_TRY_ALL(team->comm, st);
    rj_team_agree_prompts(team, t->n, t->status);
done:
    passed_on_free(t, &p);
    return st;
}

static rj_status decompose(const rj_travel *t, const rj_point *point, rj_last_block last,
                           const rj_krylov_options *wanted, rj_matrix *jac, rj_topk *top)
{
    rj_status st = RJ_OK;

    RJ_TRY(rj_point_jacobian(point, last, jac));
    rj_clock_enter(RJ_STAGE_SVD);
    RJ_TRY(rj_topk_of(jac, t->options->svd == RJ_SVD_KRYLOV ? RJ_SVD_KRYLOV : RJ_SVD_FULL, wanted, top));
done:
    return st;
}

/* While the token modes take their Jacobians of one block: `steps` as of rj_travel_tick. */
typedef struct {
    const rj_travel *travel;
    int steps;
} token_tick;

static rj_status tick_token(void *ctx)
{
    const token_tick *t = ctx;
    return rj_travel_tick(t->travel, t->steps, 0);
}

/* The token modes of prompt i at block l, whose states it has not passed yet. */
static rj_status take_tokens(rj_travel *t, const rj_block *block, int l, int i, rj_last_block last)
{
    token_tick tick = {t, (l - t->stage.first) * t->n + i};
    const rj_token_case c = {.config = t->config,
                             .options = t->options,
                             .block = block,
                             .layer = l,
                             .last = last,
                             .T = t->n_tokens[i],
                             .x = t->x[i],
                             .tick = tick_token,
                             .tick_ctx = &tick};

    return rj_measure_tokens(&c, t->record, t->first + i);
}

/* J, its triplets, norm and trace. Collective on the stage. */
static rj_status take_matrix(rj_travel *t, const rj_point *point, rj_last_block last, int l, int i)
{
    rj_status st = RJ_OK;
    const rj_team *team = t->team;
    const int d = t->config->d;
    const int home = rj_partition_home_of(t->config->n_layer, team->shape.stages, team->n_grid, l);
    const rj_arithmetic type = t->options->arithmetic;
    const rj_krylov_options wanted = rj_pipeline_triplets(t->config, t->options);
    rj_coupling_block *b = &t->block[i][l];

    rj_clock_enter(RJ_STAGE_JACOBIAN);
    b->jac = (rj_matrix){.type = type, .rows = d, .cols = d, .ld = d};
    RJ_TRY_ALL(team->stage, home == team->rank ? rj_matrix_new_unset(type, d, d, &b->jac) : RJ_OK);
    if (team->grid == NULL)
        RJ_TRY(decompose(t, point, last, &wanted, &b->jac, &t->top[i][l]));
    else
        RJ_TRY(rj_grid_decompose(team, point, last, t->options->svd, &wanted, home % team->n_grid, &b->jac,
                                 &t->top[i][l]));
    if (home != team->rank) goto done;
    b->frobenius = rj_matrix_frobenius(&b->jac);
    b->trace = rj_matrix_trace(&b->jac);
done:
    return st;
}

/* The same without the matrix, whose products the coupling asks for. A stage is one rank then. */
static rj_status take_products(rj_travel *t, rj_point **point, int l, int i)
{
    rj_status st = RJ_OK;
    const rj_krylov_options wanted = rj_pipeline_triplets(t->config, t->options);
    rj_coupling_block *b = &t->block[i][l];

    RJ_TRY(rj_matrix_free_decompose(*point, &wanted, b, &t->top[i][l]));
    t->row[i][l] = (rj_kept_row){&t->kept, l, *point};
    *point = NULL;
    b->multiply = rj_kept_row_multiply;
    b->ctx = &t->row[i][l];
done:
    return st;
}

/* Takes prompt i through block l: X^l, J^l, its leading triplets. Collective on the stage. */
static rj_status step(rj_travel *t, const rj_block *block, int l, int i)
{
    rj_status st = RJ_OK;
    const rj_team *team = t->team;
    const rj_pipeline_options *o = t->options;
    const bool is_last = l == t->config->n_layer - 1, skip = is_last && o->last_block == RJ_LAST_SKIP;
    const rj_last_block last = is_last ? o->last_block : RJ_LAST_RAW;
    const int home = rj_partition_home_of(t->config->n_layer, team->shape.stages, team->n_grid, l);
    const bool at_home = home == team->rank;
    const rj_stage before = rj_clock_enter(RJ_STAGE_FORWARD);
    rj_coupling_block *b = &t->block[i][l];
    rj_topk *top = &t->top[i][l];
    rj_point *point = NULL;

    if (!skip) RJ_TRY_ALL(team->stage, take_tokens(t, block, l, i, last));
    RJ_TRY_ALL(team->stage, pass_block(t, block, i, t->x[i], skip ? NULL : &point));
    if (at_home) remember(t, i, l + 1);
    if (skip) goto done;
    const int kinks = point != NULL ? rj_point_kinks(point) : 0;
    if (o->matrix_free && last != RJ_LAST_FINAL_NORM)
        RJ_TRY(take_products(t, &point, l, i));
    else
        RJ_TRY(take_matrix(t, point, last, l, i));
    if (!at_home) {
        rj_topk_free(top);
        goto done;
    }
    b->top = top;
    rj_measure_spectrum(o, l, b, kinks, t->record, t->first + i);
done:
    rj_clock_enter(before);
    rj_point_free(&point);
    return st;
}

/* Collective on the stage. */
static rj_status pass_blocks(rj_travel *t)
{
    rj_status st = RJ_OK;
    rj_block *block = NULL;

    for (int l = t->stage.first; l < t->stage.first + t->stage.count; l++) {
        RJ_TRY_ALL(t->team->stage, rj_block_load(t->model, l, t->options->arithmetic, &block));
        for (int i = 0; i < t->n; i++) {
            if (t->status[i] != RJ_OK) continue;
            RJ_TRY(rj_travel_own_trouble(t, i, step(t, block, l, i)));
            RJ_TRY_ALL(t->team->stage, rj_travel_tick(t, (l - t->stage.first) * t->n + i + 1, 0));
        }
        if (t->options->matrix_free)
            rj_kept_take(&t->kept, l, &block);
        else
            rj_block_free(&block);
    }
done:
    rj_block_free(&block);
    return st;
}

rj_status rj_travel_stage(rj_travel *t)
{
    rj_status st = pass_blocks(t);

    RJ_TRY_ALL(t->team->comm, st);
    rj_team_agree_prompts(t->team, t->n, t->status);
done:
    return st;
}
