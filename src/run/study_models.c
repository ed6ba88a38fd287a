/* study_models.c: models of a deck, what their configuration says, and how they are to be measured. */
#include "study_models.h"

#include <stdio.h>

#include "deck_alignment.h"
#include "resjac/base/memory.h"
#include "resjac/linalg/krylov.h"
#include "resjac/schedule/cost.h"

int rj_study_count_units(const rj_study *s)
{
    return (s->prompts->n + s->deck->unit_prompts - 1) / s->deck->unit_prompts;
}

static void name_model(const rj_deck_model *from, bool is_twin, rj_study_model *m)
{
    m->deck = from;
    m->is_twin = is_twin;
    m->facts.trained = !is_twin;
    m->facts.series_step = from->step;
    snprintf(m->facts.name, sizeof m->facts.name, "%s%s", from->name, is_twin ? "__random_init" : "");
    snprintf(m->facts.benchmark_name, sizeof m->facts.benchmark_name, "%s",
             from->benchmark_name[0] ? from->benchmark_name : from->name);
    snprintf(m->facts.series_name, sizeof m->facts.series_name, "%s", from->series);
}

rj_status rj_study_list_models(rj_study *s)
{
    rj_status st = RJ_OK;
    const rj_deck *deck = s->deck;

    RJ_NEW(s->model, 2 * deck->n_models, 1);
    for (int i = 0; i < deck->n_models; i++)
        for (int twin = 0; twin <= deck->model[i].twin; twin++)
            name_model(&deck->model[i], twin, &s->model[s->n_models++]);
done:
    return st;
}

rj_status rj_study_describe(const rj_study *s, const rj_config *config, int64_t n_parameters,
                            rj_study_model *m)
{
    rj_status st = RJ_OK;
    const rj_deck *deck = s->deck;

    RJ_REQUIRE(deck->last_block != RJ_LAST_FINAL_NORM || rj_config_ends_in_norm(config), RJ_ERR_FORMAT,
               "last_block is final-norm, but %s; take raw or skip", rj_config_end(config));
    m->config = *config;
    m->config.rope = m->config.local_rope = (rj_rope){0}; /* their lists are the model's own */
    m->facts.n_parameters = n_parameters;
    m->facts.n_layers = m->config.n_layer;
    m->facts.d_model = m->config.d;
    snprintf(m->facts.family, sizeof m->facts.family, "%s", m->config.family);
    RJ_NEW(m->k_count, deck->n_k, 1);
    RJ_NEW(m->k_label, deck->n_k, 1);
    for (int k = 0; k < deck->n_k; k++) {
        RJ_TRY(rj_deck_k_count(&deck->k[k], m->config.d, m->facts.name, &m->k_count[k]));
        m->k_label[k] = deck->k[k].label;
    }
done:
    return st;
}

/* Which layers tokens.layers means. */
static rj_status choose_token_layers(const rj_deck_tokens *asked, const rj_study_model *m, bool *layer)
{
    rj_status st = RJ_OK;
    const int L = m->config.n_layer;

    for (int l = 0; l < L; l++) layer[l] = asked->n_layers == 0;
    for (int i = 0; i < asked->n_layers; i++) {
        const int l = asked->layers[i] < 0 ? L + asked->layers[i] : asked->layers[i] - 1;
        RJ_REQUIRE(
            0 <= l && l < L, RJ_ERR_USAGE,
            "tokens.layers: model %s has layers 1..%d, not %d; change tokens.layers or leave the model out",
            m->facts.name, L, asked->layers[i]);
        layer[l] = true;
    }
done:
    return st;
}

rj_status rj_study_choose_tokens(const rj_study *s, rj_study_model *m)
{
    rj_status st = RJ_OK;
    const rj_deck_tokens *asked = &s->deck->tokens;
    int longest = 0, *at = NULL;
    bool *layer = NULL;

    if (asked->modes == 0) goto done;
    RJ_REQUIRE(
        !m->config.reads_memory, RJ_ERR_USAGE,
        "model %s: tokens.mode has more than depth, but a decoder is measured at its start token, which has "
        "no other beside it; take models[].stack: encoder, or leave the model out",
        m->facts.name);
    for (int p = 0; p < s->prompts->n; p++) longest = m->tokens[p].n > longest ? m->tokens[p].n : longest;
    const int n = asked->n_at > 0 ? asked->n_at : longest;
    RJ_NEW(at, n, 1);
    RJ_NEW(layer, m->config.n_layer, 1);
    for (int i = 0; i < n; i++) {
        at[i] = asked->n_at > 0 ? asked->at[i] : i;
        RJ_REQUIRE(
            -longest <= at[i] && at[i] < longest, RJ_ERR_USAGE,
            "tokens.at: model %s has prompts of at most %d tokens, none has token %d; change tokens.at or "
            "prompts.file",
            m->facts.name, longest, at[i]);
    }
    RJ_TRY(choose_token_layers(asked, m, layer));
    m->token = at;
    m->token_layer = layer;
    m->token_options = (rj_token_options){asked->modes, n, at, layer};
    at = NULL;
    layer = NULL;
done:
    RJ_FREE(layer);
    RJ_FREE(at);
    return st;
}

rj_status rj_study_choose_grid(const rj_study *s, rj_study_model *m)
{
    rj_status st = RJ_OK;
    rj_pipeline_options options;

    if (m->shape.n_row == 0) {
        const rj_team_case c = rj_study_case(s, (int)(m - s->model), &options);
        RJ_TRY(rj_team_choose_grid(&c, &s->deck->layout, &m->shape));
    }
    RJ_REQUIRE(
        m->shape.n_row * m->shape.n_col == 1 || s->deck->svd_method != RJ_DECK_SVD_MATRIX_FREE, RJ_ERR_USAGE,
        "model %s: svd.method is matrix-free, which works in one rank, and has a grid of %d x %d ranks; "
        "take krylov, or set layout.grid to 1x1 (layout.stages may stay)",
        m->facts.name, m->shape.n_row, m->shape.n_col);
    RJ_REQUIRE(
        m->shape.n_row * m->shape.n_col == 1 || s->deck->tokens.modes == 0, RJ_ERR_USAGE,
        "model %s: tokens.mode has more than depth, which works in one rank, and has a grid of %d x %d "
        "ranks; set layout.grid to 1x1 (layout.stages may stay)",
        m->facts.name, m->shape.n_row, m->shape.n_col);
done:
    return st;
}

rj_status rj_study_choose_aligned(rj_study *s)
{
    rj_status st = RJ_OK;
    const int size = s->deck->unit_prompts, n_units = rj_study_count_units(s);

    RJ_TRY(rj_deck_alignment_find(s->prompts, s->deck->n_alignment, s->deck->alignment, &s->aligned));
    s->n_aligned = s->deck->n_alignment;
    RJ_NEW(s->aligned_before, n_units + 1, 1);
    for (int i = 0; i < s->n_aligned; i++) {
        s->aligned_before[s->aligned[i] / size + 1]++;
        s->aligned[i] %= size;
    }
    for (int u = 0; u < n_units; u++) s->aligned_before[u + 1] += s->aligned_before[u];
done:
    return st;
}

/* By model, deck and grid alone, so that every world of ranks computes the same. */
static rj_svd_method svd_method(const rj_deck *deck, const rj_study_model *m, const rj_pipeline_options *o)
{
    const bool is_double = deck->arithmetic == RJ_DOUBLE;
    const rj_cost_rates rates = rj_cost_built_in(is_double);
    const rj_krylov_options wanted = rj_pipeline_triplets(&m->config, o);
    const rj_svd_method full = m->shape.n_row * m->shape.n_col > 1 ? RJ_SVD_GRID : RJ_SVD_FULL;
    const int d = m->config.d;

    if (deck->svd_method == RJ_DECK_SVD_FULL) return full;
    if (deck->svd_method == RJ_DECK_SVD_KRYLOV || o->matrix_free) return RJ_SVD_KRYLOV;
    return rj_cost_prefers_krylov(&rates, d, wanted.k, wanted.most, rj_krylov_limit(d), is_double)
               ? RJ_SVD_KRYLOV
               : full;
}

static rj_pipeline_options options_of(const rj_study *study, const rj_study_model *m)
{
    const rj_deck *deck = study->deck;
    rj_pipeline_options o = {.arithmetic = deck->arithmetic,
                             .last_block = deck->last_block,
                             .n_k = deck->n_k,
                             .k = m->k_count,
                             .norm = deck->norm,
                             .vju = deck->vju,
                             .matrix_free = deck->svd_method == RJ_DECK_SVD_MATRIX_FREE,
                             .seed = deck->seed,
                             .memory = study->memory,
                             .tokens = m->token_options};

    o.svd = svd_method(deck, m, &o);
    if (o.svd == RJ_SVD_KRYLOV) o.svd_tolerance = deck->svd_tolerance;
    return o;
}

rj_pipeline_options rj_study_options(const rj_study *study, int model, int unit)
{
    const int *before = study->aligned_before + unit;
    rj_pipeline_options o = options_of(study, &study->model[model]);

    o.n_aligned = before[1] - before[0];
    o.aligned = study->aligned + before[0];
    return o;
}

rj_team_case rj_study_case(const rj_study *study, int model, rj_pipeline_options *options)
{
    const rj_study_model *m = &study->model[model];
    int longest = 1;
    double tokens = 0;

    *options = rj_study_options(study, model, 0);
    for (int u = 1; u < rj_study_count_units(study); u++) { /* the unit that needs most memory */
        const rj_pipeline_options o = rj_study_options(study, model, u);
        if (o.n_aligned > options->n_aligned) *options = o;
    }
    for (int p = 0; p < study->prompts->n; p++) {
        longest = m->tokens[p].n > longest ? m->tokens[p].n : longest;
        tokens += (double)m->tokens[p].n / study->prompts->n;
    }
    return (rj_team_case){.name = m->facts.name,
                          .config = &m->config,
                          .options = options,
                          .unit_prompts = study->prompts->n < study->deck->unit_prompts
                                              ? study->prompts->n
                                              : study->deck->unit_prompts,
                          .longest = longest,
                          .tokens = tokens,
                          .is_twin = m->is_twin};
}
