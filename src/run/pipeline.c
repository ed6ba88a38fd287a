/* pipeline.c: block by block, so that a block's weights are read and dequantised once for all prompts of a batch. A batch
 * holds as many prompts as memory allows, because the coupling needs every J of a prompt at once. */
#include "resjac/run/pipeline.h"

#include <math.h>
#include <string.h>

#include "resjac/base/clock.h"
#include "resjac/base/log.h"
#include "resjac/base/memory.h"
#include "resjac/linalg/krylov.h"
#include "resjac/metrics/coupling.h"
#include "resjac/metrics/spectrum.h"
#include "resjac/metrics/trajectory.h"

static const double gap_limit =
    1e-5; /* below it directions are arbitrary to working accuracy (method, section 3) */

/* One prompt under way. */
typedef struct {
    int n_tokens;
    double *x;                /* [d,T] the residual stream of all tokens */
    double *path;             /* [d,L+1] the last token's states */
    rj_coupling_block *block; /* [L] */
    rj_topk *top;             /* [L] */
    rj_status status;
} traveller;

static int max_k(const rj_pipeline_options *o)
{
    int k = 1;
    for (int i = 0; i < o->n_k; i++) k = o->k[i] > k ? o->k[i] : k;
    return k;
}

rj_sizes rj_pipeline_sizes(const rj_config *config, const rj_pipeline_options *options, ptrdiff_t n_prompts)
{
    const int wanted = max_k(options) + 14 > 64 ? max_k(options) + 14 : 64;
    rj_sizes s = {{0}};

    s.size[RJ_DIM_PROMPT] = n_prompts;
    s.size[RJ_DIM_LAYER] = s.size[RJ_DIM_LAYER_J] = config->n_layer;
    s.size[RJ_DIM_DEPTH] = config->n_layer + 1;
    s.size[RJ_DIM_K] = options->n_k;
    s.size[RJ_DIM_SV] = wanted < config->d ? wanted : config->d;
    s.size[RJ_DIM_PC] = RJ_TRAJECTORY_PC;
    return s;
}

int rj_pipeline_triplets(const rj_config *config, const rj_pipeline_options *options)
{
    const int wanted = max_k(options) + RJ_COUPLING_DROP;
    return wanted < config->d ? wanted : config->d;
}

static rj_krylov_options krylov_options(const rj_config *config, const rj_pipeline_options *options)
{
    return (rj_krylov_options){.k = rj_pipeline_triplets(config, options),
                               .most = (int)rj_pipeline_sizes(config, options, 1).size[RJ_DIM_SV],
                               .tolerance = options->svd_tolerance,
                               .seed = options->seed};
}

int64_t rj_pipeline_memory_prompt(const rj_config *config, const rj_pipeline_options *options, int n_tokens)
{
    const int64_t element = (int64_t)rj_matrix_element(options->arithmetic);
    const int64_t d = config->d, L = config->n_layer;
    const int64_t sv = rj_pipeline_sizes(config, options, 1).size[RJ_DIM_SV];

    return L * d * (d + 2 * sv) * element + 8 * d * (L + 1 + n_tokens);
}

int64_t rj_pipeline_memory_shared(const rj_config *config, const rj_pipeline_options *options)
{
    const int64_t element = (int64_t)rj_matrix_element(options->arithmetic);
    const int64_t d = config->d, attention = (int64_t)config->n_head * config->d_head;
    const int64_t kv = (int64_t)config->n_kv_head * config->d_head, ff = config->d_ff;
    const int64_t weights = d * (2 * attention + 2 * kv + 3 * ff); /* one block, dequantised */
    const int64_t fold = d * (attention + ff) + 4 * d * d;         /* G, H and products */
    const int64_t svd = 8 * d * d;                                 /* U, V', a copy, and ?gesdd's workspace */
    const int64_t coupling = 4 * d * config->n_layer * (max_k(options) + RJ_COUPLING_DROP);

    return element * (weights + (fold > svd ? fold : svd) + coupling);
}

static void traveller_free(int n_layer, traveller *t)
{
    for (int l = 0; l < n_layer; l++) {
        if (t->block != NULL) rj_matrix_free(&t->block[l].jac);
        if (t->top != NULL) rj_topk_free(&t->top[l]);
    }
    RJ_FREE(t->block);
    RJ_FREE(t->top);
    RJ_FREE(t->path);
    RJ_FREE(t->x);
}

static rj_status traveller_start(const rj_model *model, const rj_tokens *tokens, traveller *t)
{
    rj_status st = RJ_OK;
    const rj_config *c = rj_model_config(model);

    t->n_tokens = tokens->n;
    RJ_NEW(t->x, c->d, tokens->n);
    RJ_NEW(t->path, c->d, c->n_layer + 1);
    RJ_NEW(t->block, c->n_layer, 1);
    RJ_NEW(t->top, c->n_layer, 1);
    RJ_TRY(rj_model_embed(model, tokens->n, tokens->ids, t->x));
    memcpy(t->path, t->x + (ptrdiff_t)c->d * (tokens->n - 1), (size_t)c->d * sizeof *t->path);
done:
    return st;
}

static void store_spectrum(const rj_pipeline_options *o, const rj_sizes *sizes, int l,
                           const rj_coupling_block *b, int kinks, rj_record *r, ptrdiff_t p)
{
    const rj_topk *top = b->top;
    const ptrdiff_t sv = sizes->size[RJ_DIM_SV];
    const size_t known = (size_t)top->k * sizeof(double); /* what a Krylov method leaves out stays missing */
    rj_spectrum spectrum;

    rj_spectrum_measure(top, b->frobenius, &spectrum);
    memcpy(rj_record_at(r, RJ_VAR_SINGULAR_VALUE, p) + l * sv, top->s, known);
    memcpy(rj_record_at(r, RJ_VAR_RESIDUAL_RIGHT, p) + l * sv, top->residual_right, known);
    memcpy(rj_record_at(r, RJ_VAR_RESIDUAL_LEFT, p) + l * sv, top->residual_left, known);
    for (int k = 0; k < o->n_k; k++) {
        const double gap = rj_topk_gap(top, o->k[k]);
        rj_record_at(r, RJ_VAR_RELATIVE_GAP, p)[l * o->n_k + k] = gap;
        rj_record_at(r, RJ_VAR_GAP_FLAG, p)[l * o->n_k + k] = gap < gap_limit;
    }
    rj_record_at(r, RJ_VAR_KINK_COUNT, p)[l] = kinks;
    rj_record_at(r, RJ_VAR_ORTHOGONALITY_LOSS, p)[l] = top->orthogonality_loss;
    rj_record_at(r, RJ_VAR_SVD_METHOD, p)[l] = top->method;
    rj_record_at(r, RJ_VAR_JACOBIAN_FROBENIUS, p)[l] = b->frobenius;
    rj_record_at(r, RJ_VAR_JACOBIAN_FROBENIUS_ERROR, p)[l] = 0.0; /* J is dense: no estimate is involved */
    rj_record_at(r, RJ_VAR_JACOBIAN_SPECTRAL, p)[l] = spectrum.spectral;
    rj_record_at(r, RJ_VAR_STABLE_RANK, p)[l] = spectrum.stable_rank;
    rj_record_at(r, RJ_VAR_PARTICIPATION_RATIO, p)[l] = spectrum.participation_ratio;
    rj_record_at(r, RJ_VAR_EFFECTIVE_RANK, p)[l] = spectrum.effective_rank;
}

/* Takes one prompt through one block: X^l, J^l, its leading triplets. */
static rj_status step(const rj_block *block, const rj_pipeline_options *o, const rj_config *c, int l,
                      traveller *t, rj_record *r, ptrdiff_t p)
{
    rj_status st = RJ_OK;
    rj_point *point = NULL;
    rj_coupling_block *b = &t->block[l];
    const bool is_last = l == c->n_layer - 1, skip = is_last && o->last_block == RJ_LAST_SKIP;
    const rj_stage before = rj_clock_enter(RJ_STAGE_FORWARD);

    RJ_TRY(rj_block_forward(block, t->n_tokens, t->x, t->n_tokens - 1, skip ? NULL : &point));
    memcpy(t->path + (ptrdiff_t)c->d * (l + 1), t->x + (ptrdiff_t)c->d * (t->n_tokens - 1),
           (size_t)c->d * sizeof *t->path);
    if (skip) goto done;
    rj_clock_enter(RJ_STAGE_JACOBIAN);
    RJ_TRY(rj_matrix_new(o->arithmetic, c->d, c->d, &b->jac));
    RJ_TRY(rj_point_jacobian(point, is_last ? o->last_block : RJ_LAST_RAW, &b->jac));
    b->frobenius = rj_matrix_frobenius(&b->jac);
    b->trace = rj_matrix_trace(&b->jac);
    rj_clock_enter(RJ_STAGE_SVD);
    const rj_krylov_options wanted = krylov_options(c, o);
    RJ_TRY(rj_topk_of(&b->jac, o->svd == RJ_SVD_KRYLOV ? RJ_SVD_KRYLOV : RJ_SVD_FULL, &wanted, &t->top[l]));
    b->top = &t->top[l];
    store_spectrum(o, &r->sizes, l, b, rj_point_kinks(point), r, p);
done:
    rj_clock_enter(before);
    rj_point_free(&point);
    return st;
}

static rj_status measure_path(const rj_config *c, const traveller *t, rj_record *r, ptrdiff_t p)
{
    rj_status st = RJ_OK;
    rj_trajectory m = {.hidden_norm = rj_record_at(r, RJ_VAR_HIDDEN_NORM, p),
                       .step_norm = rj_record_at(r, RJ_VAR_STEP_NORM, p),
                       .step_cosine = rj_record_at(r, RJ_VAR_STEP_COSINE, p),
                       .final_cosine = rj_record_at(r, RJ_VAR_FINAL_COSINE, p),
                       .pc = rj_record_at(r, RJ_VAR_TRAJECTORY_PC, p)};

    RJ_TRY(rj_trajectory_measure(c->d, c->n_layer, t->path, &m));
    *rj_record_at(r, RJ_VAR_LINE_SHAPE_SCORE, p) = m.line_shape_score;
    *rj_record_at(r, RJ_VAR_EXPODISTANCE, p) = m.expodistance;
    *rj_record_at(r, RJ_VAR_EXPODISTANCE_CV, p) = m.expodistance_cv;
    *rj_record_at(r, RJ_VAR_GROWTH_RATE, p) = m.growth_rate;
    *rj_record_at(r, RJ_VAR_GROWTH_INTERCEPT, p) = m.growth_intercept;
    *rj_record_at(r, RJ_VAR_GROWTH_R2, p) = m.growth_r2;
    *rj_record_at(r, RJ_VAR_UNDEFINED_COUNT, p) = m.undefined;
done:
    return st;
}

static rj_status measure_depth_fits(const rj_config *c, rj_record *r, ptrdiff_t p)
{
    rj_status st = RJ_OK;
    const ptrdiff_t sv = r->sizes.size[RJ_DIM_SV];
    const double *s = rj_record_at(r, RJ_VAR_SINGULAR_VALUE, p);
    double *column = NULL;

    RJ_NEW(column, c->n_layer, 1);
    for (ptrdiff_t k = 0; k < sv; k++) {
        for (int l = 0; l < c->n_layer; l++) column[l] = s[l * sv + k];
        rj_spectrum_depth_fit(c->n_layer, column, rj_record_at(r, RJ_VAR_INVERSE_SV_SLOPE, p) + k,
                              rj_record_at(r, RJ_VAR_INVERSE_SV_R2, p) + k);
    }
done:
    RJ_FREE(column);
    return st;
}

static rj_status measure_coupling(const rj_config *c, const rj_pipeline_options *o, const traveller *t,
                                  rj_record *r, ptrdiff_t p)
{
    const rj_coupling_measures m = {
        .misfit = rj_record_at(r, RJ_VAR_COUPLING_MISFIT, p),
        .misfit_signed = rj_record_at(r, RJ_VAR_COUPLING_MISFIT_SIGNED, p),
        .misfit_trace = rj_record_at(r, RJ_VAR_COUPLING_MISFIT_TRACE, p),
        .misfit_vju = rj_record_at(r, RJ_VAR_COUPLING_MISFIT_VJU, p),
        .excess = rj_record_at(r, RJ_VAR_EXCESS_COUPLING, p),
        .null_rotation = rj_record_at(r, RJ_VAR_COUPLING_NULL_ROTATION, p),
        .null_conjugation = rj_record_at(r, RJ_VAR_COUPLING_NULL_CONJUGATION, p),
        .excess_drop1 = rj_record_at(r, RJ_VAR_EXCESS_COUPLING_DROP1, p),
        .excess_drop3 = rj_record_at(r, RJ_VAR_EXCESS_COUPLING_DROP3, p),
        .subspace_uu = rj_record_at(r, RJ_VAR_SUBSPACE_UU, p),
        .subspace_vv = rj_record_at(r, RJ_VAR_SUBSPACE_VV, p),
        .subspace_uv = rj_record_at(r, RJ_VAR_SUBSPACE_UV, p),
        .subspace_vu = rj_record_at(r, RJ_VAR_SUBSPACE_VU, p),
        .null = rj_record_at(r, RJ_VAR_COUPLING_NULL, p),
        .null_sd = rj_record_at(r, RJ_VAR_COUPLING_NULL_SD, p),
        .null_signed = rj_record_at(r, RJ_VAR_COUPLING_NULL_SIGNED, p),
        .null_trace = rj_record_at(r, RJ_VAR_COUPLING_NULL_TRACE, p),
    };
    const rj_stage before = rj_clock_enter(RJ_STAGE_COUPLING);
    const rj_status st =
        rj_coupling_rows(c->n_layer, t->block, o->n_k, o->k, o->norm, o->seed, 0, c->n_layer, &m);

    rj_clock_enter(before);
    return st;
}

/* All values of prompt p become missing but its name, its tokens and the reason. */
static void forget(rj_record *r, ptrdiff_t p, rj_status why)
{
    for (int id = 0; id < RJ_N_VARIABLES; id++) {
        if (id == RJ_VAR_N_TOKENS || id == RJ_VAR_LAST_TOKEN_ID) continue;
        double *value = rj_record_at(r, (rj_variable_id)id, p);
        for (ptrdiff_t i = 0; i < rj_schema_count((rj_variable_id)id, &r->sizes); i++) value[i] = NAN;
    }
    *rj_record_at(r, RJ_VAR_PROMPT_STATUS, p) = rj_status_exit(why);
}

/* A prompt's own trouble stays with the prompt; any other error fails the unit. */
static rj_status own_trouble(traveller *t, rj_record *r, ptrdiff_t p, rj_status outcome)
{
    if (outcome != RJ_ERR_NUMERIC) return outcome;
    rj_log(RJ_LOG_WARN, "prompt %s is left out: %s", r->prompt_id[p], rj_status_message());
    t->status = outcome;
    forget(r, p, outcome);
    return RJ_OK;
}

static rj_status finish(const rj_config *c, const rj_pipeline_options *o, const traveller *t, rj_record *r,
                        ptrdiff_t p)
{
    rj_status st = RJ_OK;

    RJ_TRY(measure_path(c, t, r, p));
    RJ_TRY(measure_depth_fits(c, r, p));
    RJ_TRY(measure_coupling(c, o, t, r, p));
    *rj_record_at(r, RJ_VAR_PROMPT_STATUS, p) = 0;
done:
    return st;
}

/* Share of the unit that is done when, of this batch of n prompts, `steps` have passed a block and `finished` are coupled.
 * Coupling a prompt counts as half of its blocks: an estimate, which only a stop asks for. */
static double share_done(const rj_config *c, const rj_record *r, int first, int steps, int finished)
{
    const double couple = .5 * c->n_layer, per_prompt = c->n_layer + couple;
    return (first * per_prompt + steps + finished * couple) /
           (per_prompt * (double)r->sizes.size[RJ_DIM_PROMPT]);
}

/* Prompts first..first+n-1 of the unit, all of them at one block before any at the next. */
static rj_status run_batch(const rj_model *model, const rj_pipeline_options *o, int first, int n,
                           const rj_tokens *tokens, rj_record *r)
{
    rj_status st = RJ_OK;
    const rj_config *c = rj_model_config(model);
    traveller *t = NULL;
    rj_block *block = NULL;
    const double start = rj_clock_now();

    RJ_NEW(t, n, 1);
    for (int i = 0; i < n; i++) {
        const rj_tokens *own = &tokens[first + i];
        *rj_record_at(r, RJ_VAR_N_TOKENS, first + i) = own->n;
        *rj_record_at(r, RJ_VAR_LAST_TOKEN_ID, first + i) = own->ids[own->n - 1];
        RJ_TRY(traveller_start(model, own, &t[i]));
    }
    for (int l = 0; l < c->n_layer; l++) {
        const rj_stage before = rj_clock_enter(RJ_STAGE_READ);
        st = rj_block_load(model, l, o->arithmetic, &block);
        rj_clock_enter(before);
        RJ_TRY(st);
        for (int i = 0; i < n; i++) {
            if (t[i].status != RJ_OK) continue;
            RJ_TRY(own_trouble(&t[i], r, first + i, step(block, o, c, l, &t[i], r, first + i)));
            if (o->tick != NULL) RJ_TRY(o->tick(o->tick_ctx, share_done(c, r, first, l * n + i + 1, 0)));
        }
        rj_block_free(&block);
    }
    for (int i = 0; i < n; i++) {
        if (t[i].status != RJ_OK) continue;
        RJ_TRY(own_trouble(&t[i], r, first + i, finish(c, o, &t[i], r, first + i)));
        if (o->tick != NULL) RJ_TRY(o->tick(o->tick_ctx, share_done(c, r, first, n * c->n_layer, i + 1)));
        *rj_record_at(r, RJ_VAR_PROMPT_SECONDS, first + i) = (rj_clock_now() - start) / n;
    }
done:
    rj_block_free(&block);
    for (int i = 0; t != NULL && i < n; i++) traveller_free(c->n_layer, &t[i]);
    RJ_FREE(t);
    return st;
}

rj_status rj_pipeline_run(const rj_model *model, const rj_pipeline_options *options, int n_prompts,
                          const rj_tokens *tokens, rj_record *record)
{
    rj_status st = RJ_OK;
    const rj_config *c = rj_model_config(model);
    int longest = 1;

    for (int i = 0; i < n_prompts; i++) longest = tokens[i].n > longest ? tokens[i].n : longest;
    const int64_t shared = rj_pipeline_memory_shared(c, options);
    const int64_t each = rj_pipeline_memory_prompt(c, options, longest);
    const int64_t room = (options->memory - shared) / each;
    RJ_REQUIRE(room >= 1, RJ_ERR_NOMEM,
               "one prompt needs %.2f GB on a rank, %.2f GB are allowed; use fewer ranks a node, or raise "
               "layout.memory_per_rank",
               1e-9 * (double)(shared + each), 1e-9 * (double)options->memory);
    const int batch = room < n_prompts ? (int)room : n_prompts;
    for (int first = 0; first < n_prompts; first += batch) {
        const int n = first + batch <= n_prompts ? batch : n_prompts - first;
        RJ_TRY(run_batch(model, options, first, n, tokens, record));
    }
done:
    return st;
}
