/* small_results.h: a final file with numbers that can be checked by hand, and with names that nobody should trust. */
#ifndef RJ_SMALL_RESULTS_H
#define RJ_SMALL_RESULTS_H

#include <math.h>
#include <string.h>

#include "../temporary.h"
#include "resjac/base/memory.h"
#include "resjac/store/results.h"
#include "rj_test.h"

#define SMALL_HOSTILE "a\"; system(\"touch pwned\") <script>'"
#define SMALL_TWIN    SMALL_HOSTILE "__random_init"
#define SMALL_OTHER   "e `touch pwned`"
#define SMALL_FAILED  "<b>gone"
enum { SMALL_L = 2, SMALL_K = 2, SMALL_SV = 3, SMALL_PROMPTS = 3, SMALL_MODELS = 4 };

/* Prompt p = 0, 1 of a model; prompt 2 is not measured. twin: misfit equals its null. */
static inline void small_prompt(rj_record *r, ptrdiff_t p, bool twin)
{
    const double sign = p == 0 ? 1.0 : -1.0;

    rj_record_at(r, RJ_VAR_PROMPT_STATUS, p)[0] = 0.0;
    rj_record_at(r, RJ_VAR_LINE_SHAPE_SCORE, p)[0] = 1.5 + (double)p;
    rj_record_at(r, RJ_VAR_EXPODISTANCE, p)[0] = 0.25;
    rj_record_at(r, RJ_VAR_GROWTH_RATE, p)[0] = 1.0;
    rj_record_at(r, RJ_VAR_GROWTH_INTERCEPT, p)[0] = (double)p;
    rj_record_at(r, RJ_VAR_GROWTH_R2, p)[0] = 1.0;
    for (int l = 0; l <= SMALL_L; l++) {
        rj_record_at(r, RJ_VAR_HIDDEN_NORM, p)[l] = exp((double)(p + l));
        rj_record_at(r, RJ_VAR_TRAJECTORY_PC, p)[3 * l] = sign * (l - 1);
        rj_record_at(r, RJ_VAR_TRAJECTORY_PC, p)[3 * l + 1] = sign * (l == 1 ? 2.0 : -1.0);
    }
    for (int l = 0; l < SMALL_L; l++) {
        for (int k = 0; k < SMALL_SV; k++) {
            const int at = l * SMALL_SV + k;
            if (k < 2) rj_record_at(r, RJ_VAR_SINGULAR_VALUE, p)[at] = pow(4.0, (double)(p + 1)) / (k + 1);
            rj_record_at(r, RJ_VAR_RESIDUAL_RIGHT, p)[at] = 1e-7;
            rj_record_at(r, RJ_VAR_RESIDUAL_LEFT, p)[at] = k == 0 ? 3e-7 : k == 2 ? 1e-3 : NAN;
        }
        rj_record_at(r, RJ_VAR_ORTHOGONALITY_LOSS, p)[l] = 2e-8;
        for (int k = 0; k < SMALL_K; k++) {
            rj_record_at(r, RJ_VAR_GAP_FLAG, p)[l * SMALL_K + k] = p == 1 && l == 0 && k == 1;
            rj_record_at(r, RJ_VAR_COUPLING_NULL, p)[k * SMALL_L + l] = k + 1.0;
        }
    }
    /* misfit [k,i,j] of trained models, K = 1: mean 0.5 and 0.75 off the diagonal; K = 2: one pair is missing. */
    const double trained[SMALL_K][SMALL_L][SMALL_L] = {
        {{0.0, 0.25 + 0.5 * (double)p}, {0.5 + 0.5 * (double)p, 0.0}}, {{0.0, NAN}, {1.0, 0.0}}};
    for (int k = 0; k < SMALL_K; k++)
        for (int i = 0; i < SMALL_L; i++)
            for (int j = 0; j < SMALL_L; j++) {
                const int at = (k * SMALL_L + i) * SMALL_L + j;
                const double misfit = twin && i != j ? k + 1.0 : trained[k][i][j];
                rj_record_at(r, RJ_VAR_COUPLING_MISFIT, p)[at] = misfit;
                rj_record_at(r, RJ_VAR_EXCESS_COUPLING, p)[at] = 1.0 - misfit / (k + 1.0);
            }
}

/* Of prompts 1 and 2, 2 directions: pairs (1,1), (1,2), (2,1), (2,2); the same for both, but prompt 2 is not measured. */
#define SMALL_PROMPT "p'<1>`touch pwned`"
static inline void small_alignment(rj_record *r)
{
    static const double a[] = {4, 0, 0, 2, -2, 0.5, NAN, 1, -4, 8, 0, 0.25, 8, 0, 0, 1};

    for (ptrdiff_t row = 0; row < 2; row++) {
        r->aprompt[row] = row + 1;
        memcpy(rj_record_at(r, RJ_VAR_ALIGNMENT_MATRIX, row), a, sizeof a);
    }
    snprintf(r->prompt_id[1], sizeof r->prompt_id[1], SMALL_PROMPT);
}

static inline rj_status small_shard(const char *name, bool twin, rj_model_facts *facts,
                                    char path[TEMPORARY_SIZE])
{
    static const int k_count[] = {1, 2};
    static const char *const k_label[] = {"1", "2"};
    rj_status st = RJ_OK;
    rj_record *r = NULL;
    char file[2 * RJ_NAME_SIZE];
    rj_sizes sizes = {.modes = 0};
    rj_shard_head h = {.n_units = 1,
                       .norm = 2,
                       .n_prompts_all = SMALL_PROMPTS,
                       .n_k = SMALL_K,
                       .k_count = k_count,
                       .k_label = k_label,
                       .arithmetic = "double",
                       .last_block = "raw"};

    sizes.size[RJ_DIM_PROMPT] = SMALL_PROMPTS;
    sizes.size[RJ_DIM_LAYER] = sizes.size[RJ_DIM_LAYER_J] = SMALL_L;
    sizes.size[RJ_DIM_DEPTH] = SMALL_L + 1;
    sizes.size[RJ_DIM_K] = SMALL_K;
    sizes.size[RJ_DIM_SV] = SMALL_SV;
    sizes.size[RJ_DIM_PC] = 3;
    if (strcmp(name, SMALL_OTHER) == 0)
        sizes.size[RJ_DIM_APROMPT] = sizes.size[RJ_DIM_I] = sizes.size[RJ_DIM_J] = 2;
    snprintf(h.model.name, sizeof h.model.name, "%s", name);
    snprintf(h.model.family, sizeof h.model.family, "llama");
    h.model.series_step = NAN;
    h.model.trained = !twin;
    h.model.n_parameters = 1500000;
    h.model.n_layers = SMALL_L;
    h.model.d_model = 8;
    memset(h.model.fingerprint, 'f', 64);
    memset(h.key, twin ? 'b' : name[0] == 'e' ? 'c' : 'a', 64);
    RJ_TRY(rj_record_create(&sizes, &r));
    for (ptrdiff_t p = 0; p < SMALL_PROMPTS; p++) {
        snprintf(r->prompt_id[p], sizeof r->prompt_id[p], "p%td", p);
        memset(r->prompt_sha256[p], '0', 64);
        rj_record_at(r, RJ_VAR_PROMPT_STATUS, p)[0] = 70.0;
        if (p < 2) small_prompt(r, p, twin);
    }
    if (sizes.size[RJ_DIM_APROMPT] > 0) small_alignment(r);
    RJ_TRY(rj_shard_write(temporary_folder, &h, r));
    rj_shard_name(&h, file);
    snprintf(path, TEMPORARY_SIZE, "%s", temporary_path(file));
    *facts = h.model;
done:
    rj_record_destroy(&r);
    return st;
}

/* Writes <temporary folder>/small.nc: a hostile name with its twin, another one, and a model that failed. */
static inline rj_status small_results_write(const char *path, rj_per_prompt per_prompt)
{
    static char hostile[TEMPORARY_SIZE], twin[TEMPORARY_SIZE], other[TEMPORARY_SIZE];
    char *shard[3] = {hostile, twin, other};
    const rj_attribute attribute[] = {{"command_line", "resjac run x.yaml --set \"a&b\"", false},
                                      {"deck", "models:\n</pre><script>alert(1)</script>\n", false}};
    rj_results_model model[SMALL_MODELS] = {
        {.status = "ok", .n_shards = 1, .shard = &shard[0]},
        {.status = "ok", .n_shards = 1, .shard = &shard[1]},
        {.status = "partial: 1 of 3 prompts", .n_shards = 1, .shard = &shard[2]},
        {.status = "failed: no tensor <wte>"}};
    rj_status st = RJ_OK;

    RJ_TRY(small_shard(SMALL_HOSTILE, false, &model[0].facts, hostile));
    RJ_TRY(small_shard(SMALL_TWIN, true, &model[1].facts, twin));
    RJ_TRY(small_shard(SMALL_OTHER, false, &model[2].facts, other));
    snprintf(model[3].facts.name, sizeof model[3].facts.name, "%s", SMALL_FAILED);
    model[3].facts.trained = 1;
    model[3].facts.series_step = NAN;
    RJ_TRY(rj_results_write(rj_test_comm, path, SMALL_MODELS, model, per_prompt, 2, attribute));
done:
    return st;
}
#endif
