/* pipeline.c: block by block, so that a block's weights are read and dequantised once for all prompts of a batch. A batch
 * holds as many prompts as memory allows, because the coupling needs every J of a prompt at once. */
#include "resjac/run/pipeline.h"

#include "prompt_measures.h"
#include "resjac/base/agree.h"
#include "resjac/base/clock.h"
#include "resjac/base/memory.h"
#include "resjac/metrics/coupling.h"
#include "resjac/metrics/trajectory.h"
#include "team_exchange.h"
#include "token_measures.h"
#include "travel.h"

static int max_k(const rj_pipeline_options *o)
{
    int k = 1;
    for (int i = 0; i < o->n_k; i++) k = o->k[i] > k ? o->k[i] : k;
    return k;
}

rj_sizes rj_pipeline_sizes(const rj_config *config, const rj_pipeline_options *options, ptrdiff_t n_prompts)
{
    const int wanted = max_k(options) + 14 > 64 ? max_k(options) + 14 : 64;
    rj_sizes s = {.modes = 0};

    s.size[RJ_DIM_PROMPT] = n_prompts;
    s.size[RJ_DIM_LAYER] = s.size[RJ_DIM_LAYER_J] = config->n_layer;
    s.size[RJ_DIM_DEPTH] = config->n_layer + 1;
    s.size[RJ_DIM_K] = options->n_k;
    s.size[RJ_DIM_SV] = wanted < config->d ? wanted : config->d;
    s.size[RJ_DIM_PC] = RJ_TRAJECTORY_PC;
    if (options->tokens.modes != 0) s.size[RJ_DIM_TOKEN] = s.size[RJ_DIM_TOKEN_J] = options->tokens.n;
    s.modes = options->tokens.modes;
    s.size[RJ_DIM_APROMPT] = options->n_aligned;
    if (options->n_aligned > 0)
        s.size[RJ_DIM_I] = s.size[RJ_DIM_J] = rj_schema_alignment(options->n_k, options->k);
    return s;
}

rj_krylov_options rj_pipeline_triplets(const rj_config *config, const rj_pipeline_options *options)
{
    const int wanted = max_k(options) + RJ_COUPLING_DROP;

    return (rj_krylov_options){.k = wanted < config->d ? wanted : config->d,
                               .most = (int)rj_pipeline_sizes(config, options, 1).size[RJ_DIM_SV],
                               .tolerance = options->svd_tolerance,
                               .seed = options->seed};
}

/* Bytes of a linearised block that a matrix-free run keeps: the heads' maps, slopes, norms. */
static int64_t memory_point(const rj_config *c, const rj_pipeline_options *o)
{
    const int64_t head = c->d_head,
                  tokens = 2 * head * c->n_head * head; /* left and right: no wider than the map */

    return (int64_t)rj_matrix_element(o->arithmetic) *
               ((c->reads_memory ? 2 : 1) * c->n_head * head * head + tokens) +
           8 * (2 * (int64_t)c->d_ff * (c->n_expert > 0 ? c->n_expert_used : 1) + 8 * (int64_t)c->d);
}

/* Bytes of one prompt whose n_kept Jacobians stay, with what a pass through a block needs for its tokens. */
static int64_t memory_prompt(const rj_config *c, const rj_pipeline_options *o, int n_tokens, int n_kept)
{
    const int64_t element = (int64_t)rj_matrix_element(o->arithmetic), d = c->d;
    const int64_t frames = 2 * rj_pipeline_sizes(c, o, 1).size[RJ_DIM_SV] * d * element;
    /* without matrices one J is kept all the same, where the final norm follows the last block */
    const int64_t matrices = !o->matrix_free ? n_kept : o->last_block == RJ_LAST_FINAL_NORM ? 1 : 0;
    const int64_t kept =
        n_kept * (frames + (o->matrix_free ? memory_point(c, o) : 0)) + matrices * d * d * element;

    return kept + 8 * d * (c->n_layer + 1 + 2 * n_tokens);
}

/* Bytes that all prompts of a batch share where n_grid ranks decompose together, the longest prompt's pass included. */
static int64_t memory_shared(const rj_config *c, const rj_pipeline_options *o, int n_tokens, int n_grid)
{
    const int64_t element = (int64_t)rj_matrix_element(o->arithmetic), T = n_tokens;
    const int64_t d = c->d, attention = (int64_t)c->n_head * c->d_head;
    const int64_t kv = (int64_t)c->n_kv_head * c->d_head, ff = c->d_ff;
    const int64_t n_mlp = c->n_expert > 0 ? c->n_expert : 1;
    const int64_t n_attention = c->reads_memory ? 2 : 1;
    const int64_t weights =
        d * (n_attention * (2 * attention + 2 * kv) + 3 * ff * n_mlp); /* one block, dequantised */
    /* The attention's factor, what it becomes, and of a grid the MLP's whole map, which else stands in J's place. */
    const int64_t fold = d * attention + 3 * d * d / n_grid + (n_grid > 1 ? d * d : 0);
    /* U, V', a copy, and ?gesdd's workspace; on a grid also the bidiagonal matrix's vectors on one rank */
    const int64_t svd = n_grid == 1 ? (o->matrix_free ? 9 : 8) * d * d : 8 * d * d / n_grid + 5 * d * d;
    const int64_t frame = rj_pipeline_triplets(c, o).k, batch = frame > 512 ? frame : 512;
    const int64_t half =
        o->matrix_free ? frame * c->n_layer : batch; /* all frames at once, and room for products */
    const int64_t products = o->matrix_free ? batch * (2 * ff + 2 * attention + 2 * kv + 3 * d) : 0;
    const int64_t coupling = d * ((o->vju ? 4 : 3) * half + 2 * frame) + 4 * frame * half +
                             products; /* frames, images; a row's own; its products with frames */
    const int64_t pass = T * (4 * d + attention + 2 * kv + 3 * ff) + T * T;
    const int64_t base = 45 << 20; /* program, libraries, MPI's and HDF5's buffers */

    const rj_sizes sizes = rj_pipeline_sizes(c, o, 1);
    const int64_t aligned = o->n_aligned * rj_schema_count(RJ_VAR_ALIGNMENT_MATRIX, &sizes);

    const int64_t draws = 7 * frame * frame; /* of the chance levels' deviations */

    return base + element * (weights + (fold > svd ? fold : svd) + coupling) + 8 * (pass + aligned + draws) +
           rj_measure_tokens_memory(c, o);
}

/* Prompts that fit beside each other, at most n_prompts; < 1: none does. */
static int64_t batch_size(const rj_config *c, const rj_pipeline_options *o, int n_tokens, int n_kept,
                          int n_grid, int n_prompts)
{
    const int64_t room =
        (o->memory - memory_shared(c, o, n_tokens, n_grid)) / memory_prompt(c, o, n_tokens, n_kept);

    return room < n_prompts ? room : n_prompts;
}

int64_t rj_pipeline_memory(const rj_config *config, const rj_pipeline_options *options, int n_tokens,
                           int n_kept, int n_grid, int n_prompts)
{
    const int64_t batch = batch_size(config, options, n_tokens, n_kept, n_grid, n_prompts);

    return memory_shared(config, options, n_tokens, n_grid) +
           (batch < 1 ? 1 : batch) * memory_prompt(config, options, n_tokens, n_kept);
}

/* Coupling of the batch's prompts, one after the other, each by all ranks. Collective on the team. */
static rj_status couple(rj_travel *t)
{
    rj_status st = RJ_OK;
    const rj_config *c = t->config;
    rj_team_frames frames = {t->team, c->n_layer};
    rj_coupling_exchange exchange;
    int *known = NULL;

    RJ_TRY_ALL(t->team->comm, rj_alloc((void **)&known, c->n_layer, 1, sizeof *known, __FILE__, __LINE__));
    for (int i = 0; i < t->n; i++) {
        if (t->status[i] != RJ_OK) continue;
        for (int l = 0; l < c->n_layer; l++)
            known[l] = rj_coupling_known(t->block[i][l].top, t->options->n_k, t->options->k);
        rj_team_exchange(&frames, c->d, t->options->arithmetic, known, &exchange);
        exchange.at_once = t->options->matrix_free;
        const rj_status outcome = rj_measure_coupling(c, t->options, t->home.first, t->home.count,
                                                      t->block[i], &exchange, t->record, t->first + i);
        RJ_TRY(rj_travel_own_trouble(t, i, outcome));
        RJ_TRY_ALL(t->team->comm, rj_travel_tick(t, t->n * t->stage.count, i + 1));
    }
done:
    RJ_FREE(known);
    return st;
}

/* What needs all blocks of a prompt. Rank 0 of the team, which has them. */
static rj_status measure_whole(rj_travel *t, const rj_tokens *tokens, double seconds)
{
    rj_status st = RJ_OK;
    rj_record *r = t->record;

    for (int i = 0; i < t->n; i++) {
        const int p = t->first + i;
        const rj_tokens *own = &tokens[p];
        *rj_record_at(r, RJ_VAR_PROMPT_STATUS, p) = 0;
        *rj_record_at(r, RJ_VAR_PROMPT_SECONDS, p) = seconds / t->n;
        if (t->status[i] == RJ_OK)
            RJ_TRY(rj_travel_own_trouble(t, i, rj_measure_path(t->config, t->path[i], r, p)));
        if (t->status[i] == RJ_OK) {
            rj_measure_mirror(t->config, t->options, r, p);
            RJ_TRY(rj_measure_depth_fits(t->config, r, p));
        } else {
            rj_measure_nothing(r, p, (rj_status)t->status[i]);
        }
        *rj_record_at(r, RJ_VAR_N_TOKENS, p) = own->n;
        *rj_record_at(r, RJ_VAR_LAST_TOKEN_ID, p) = rj_travel_measured(t->config, own);
    }
done:
    return st;
}

/* Brings the batch's numbers to rank 0 of the team. Collective on the team. */
static rj_status collect(rj_travel *t, const rj_tokens *tokens, double start)
{
    rj_status st = RJ_OK;
    const ptrdiff_t d = t->config->d;

    rj_team_record_close(t->team, t->record, t->first, t->n);
    for (int i = 0; i < t->n; i++) rj_team_collect(t->team, d * (t->config->n_layer + 1), t->path[i]);
    RJ_TRY_ALL(t->team->comm, t->team->rank == 0 ? measure_whole(t, tokens, rj_clock_now() - start) : RJ_OK);
done:
    return st;
}

/* Prompts first..first+n-1 of the unit, all of them at one block before any at the next. Collective on the team. */
static rj_status run_batch(const rj_team *team, const rj_model *model, const rj_pipeline_options *o,
                           int first, int n, const rj_tokens *tokens, rj_record *r)
{
    rj_status st = RJ_OK;
    const rj_config *c = rj_model_config(model);
    const double start = rj_clock_now();
    rj_travel t = {.team = team,
                   .model = model,
                   .config = c,
                   .options = o,
                   .record = r,
                   .stage = rj_team_stage(team, c->n_layer),
                   .home = rj_team_home(team, c->n_layer),
                   .first = first,
                   .n = n};

    rj_team_record_open(team, t.home, r, first, n);
    RJ_TRY_ALL(team->comm, rj_travel_start(tokens, &t));
    RJ_TRY(rj_travel_to_stages(&t));
    RJ_TRY(rj_travel_stage(&t));
    RJ_TRY(couple(&t));
    RJ_TRY(collect(&t, tokens, start));
done:
    rj_travel_free(&t);
    return st;
}

rj_status rj_pipeline_run(const rj_team *team, const rj_model *model, const rj_pipeline_options *options,
                          int n_prompts, const rj_tokens *tokens, rj_record *record)
{
    rj_status st = RJ_OK;
    const rj_config *c = rj_model_config(model);
    const int kept = (c->n_layer + team->size - 1) / team->size;
    int longest = 1;

    for (int i = 0; i < options->n_aligned; i++) record->aprompt[i] = options->aligned[i];
    for (int i = 0; i < n_prompts; i++) longest = tokens[i].n > longest ? tokens[i].n : longest;
    const int batch = (int)batch_size(c, options, longest, kept, team->n_grid, n_prompts);
    RJ_REQUIRE(batch >= 1, RJ_ERR_NOMEM,
               "one prompt needs %.2f GB on a rank, %.2f GB are allowed; use fewer ranks a node, or raise "
               "layout.memory_per_rank or layout.stages",
               1e-9 * (double)rj_pipeline_memory(c, options, longest, kept, team->n_grid, 1),
               1e-9 * (double)options->memory);
    for (int first = 0; first < n_prompts; first += batch) {
        const int n = first + batch <= n_prompts ? batch : n_prompts - first;
        RJ_TRY(run_batch(team, model, options, first, n, tokens, record));
    }
done:
    return st;
}
