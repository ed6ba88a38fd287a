/* study.c: a unit's key is the hash of everything that determines its values, so a changed deck, model or prompt list
 * makes new units and leaves old files alone. */
#include "resjac/run/study.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "resjac/base/file.h"
#include "resjac/base/hash.h"
#include "resjac/base/log.h"
#include "resjac/base/memory.h"
#include "resjac/store/manifest.h"
#include "study_models.h"

/* Raise it whenever values of any variable change for the same input. */
static const char *const results_version = "resjac results 4";

enum { PROMPTS_LIMIT = 1 << 30 };

static void digest_tensor(rj_hash *hash, const rj_tensor *t, const uint8_t digest[RJ_DIGEST_SIZE])
{
    rj_hash_add_text(hash, t->name);
    rj_hash_add_text(hash, rj_dtype_name(t->dtype));
    for (int i = 0; i < t->n_dims; i++) rj_hash_add(hash, &t->shape[i], sizeof t->shape[i]);
    if (digest != NULL) rj_hash_add(hash, digest, RJ_DIGEST_SIZE);
}

/* This rank's share of the tensors' digests, zero elsewhere. */
static rj_status digest_share(MPI_Comm comm, const rj_weights *w, uint8_t *digest)
{
    rj_status st = RJ_OK;
    int rank = 0, size = 1;

    RJ_MPI(comm, MPI_Comm_rank(comm, &rank));
    RJ_MPI(comm, MPI_Comm_size(comm, &size));
    for (ptrdiff_t i = rank; i < rj_weights_count(w); i += size)
        RJ_TRY(rj_weights_digest(w, rj_weights_at(w, i), digest + i * RJ_DIGEST_SIZE));
done:
    return st;
}

/* SHA-256 over the configuration and the sorted (tensor, type, shape, digest). A twin has no digests: its numbers come
 * from the seed. Collective. */
static rj_status fingerprint(MPI_Comm comm, const rj_model *model, bool is_twin, uint64_t seed, char text[65])
{
    rj_status st = RJ_OK;
    const rj_weights *w = rj_model_weights(model);
    const ptrdiff_t n = rj_weights_count(w);
    uint8_t *digest = NULL, sum[RJ_HASH_SIZE];
    rj_hash *hash = NULL;

    RJ_TRY_ALL(comm, rj_alloc((void **)&digest, n, RJ_DIGEST_SIZE, 1, __FILE__, __LINE__));
    if (!is_twin) {
        RJ_TRY_ALL(comm, digest_share(comm, w, digest));
        RJ_MPI(comm, MPI_Allreduce(MPI_IN_PLACE, digest, (int)(n * RJ_DIGEST_SIZE), MPI_BYTE, MPI_BOR, comm));
    }
    RJ_TRY(rj_hash_create(&hash));
    rj_hash_add_text(hash, is_twin ? "random-init" : "trained");
    if (is_twin) rj_hash_add(hash, &seed, sizeof seed);
    RJ_TRY(rj_weights_config_digest(w, sum)); /* a mended config.json must not find the old results */
    rj_hash_add(hash, sum, sizeof sum);
    for (ptrdiff_t i = 0; i < n; i++)
        digest_tensor(hash, rj_weights_at(w, i), is_twin ? NULL : digest + i * RJ_DIGEST_SIZE);
    RJ_TRY(rj_hash_digest(hash, sum));
    rj_hash_text(sum, text);
done:
    rj_hash_destroy(&hash);
    RJ_FREE(digest);
    return st;
}

static void add_int(rj_hash *hash, int64_t n)
{
    rj_hash_add(hash, &n, sizeof n);
}

static void add_tokens(rj_hash *hash, const rj_token_options *tokens, int n_layer)
{
    rj_hash_add_text(hash, "token modes");
    add_int(hash, (int64_t)tokens->modes);
    for (int i = 0; i < tokens->n; i++) add_int(hash, tokens->at[i]);
    for (int l = 0; l < n_layer; l++) add_int(hash, tokens->layer[l]);
}

static rj_status unit_key(const rj_study *s, const rj_study_model *m, int unit, char key[65])
{
    rj_status st = RJ_OK;
    const rj_deck *deck = s->deck;
    rj_hash *hash = NULL;
    uint8_t digest[RJ_HASH_SIZE];
    const int first = unit * deck->unit_prompts, n = rj_study_unit_prompts(s, unit);
    const rj_pipeline_options options = rj_study_options(s, (int)(m - s->model), unit);

    RJ_TRY(rj_hash_create(&hash));
    rj_hash_add_text(hash, results_version);
    rj_hash_add_text(hash, m->facts.name);
    rj_hash_add_text(hash, m->facts.fingerprint);
    rj_hash_add_text(hash, m->facts.benchmark_name);
    rj_hash_add_text(hash, m->facts.series_name);
    rj_hash_add(hash, &m->facts.series_step, sizeof m->facts.series_step);
    add_int(hash, deck->arithmetic);
    add_int(hash, deck->last_block);
    add_int(hash, deck->norm);
    add_int(hash, (int64_t)deck->seed);
    add_int(hash, options.svd);
    rj_hash_add(hash, &options.svd_tolerance, sizeof options.svd_tolerance);
    add_int(hash, deck->n_k);
    for (int k = 0; k < deck->n_k; k++) {
        rj_hash_add_text(hash, m->k_label[k]);
        add_int(hash, m->k_count[k]);
    }
    if (m->shape.n_row * m->shape.n_col >
        1) { /* the bits of a decomposition by several ranks depend on their grid */
        add_int(hash, m->shape.n_row);
        add_int(hash, m->shape.n_col);
    }
    add_int(hash, unit);
    add_int(hash, s->prompts->n);
    for (int p = first; p < first + n; p++) {
        rj_hash_add_text(hash, s->prompts->prompt[p].id);
        rj_hash_add_text(hash, s->prompts->prompt[p].sha256);
        add_int(hash, m->tokens[p].n);
        rj_hash_add(hash, m->tokens[p].ids, (size_t)m->tokens[p].n * sizeof *m->tokens[p].ids);
    }
    if (!options.vju) rj_hash_add_text(hash, "no coupling_misfit_vju");
    if (options.matrix_free) rj_hash_add_text(hash, "matrix-free");
    if (m->config.reads_memory) rj_hash_add_text(hash, "decoder");
    if (options.n_aligned > 0) rj_hash_add_text(hash, "alignment_matrix"); /* units without are as ever */
    for (int i = 0; i < options.n_aligned; i++) add_int(hash, options.aligned[i]);
    if (options.tokens.modes != 0) add_tokens(hash, &options.tokens, m->config.n_layer);
    RJ_TRY(rj_hash_digest(hash, digest));
    rj_hash_text(digest, key);
done:
    rj_hash_destroy(&hash);
    return st;
}

static rj_status tokenise(const rj_study *s, const rj_model *model, rj_study_model *m)
{
    rj_status st = RJ_OK;
    const rj_deck *deck = s->deck;
    const rj_prompt_rules rules = {deck->max_tokens, deck->truncate_left, deck->special_tokens};
    rj_tokenizer *tok = NULL;
    bool needs_tokenizer = false;

    for (int p = 0; p < s->prompts->n; p++) needs_tokenizer |= s->prompts->prompt[p].ids == NULL;
    if (needs_tokenizer) RJ_TRY(rj_tokenizer_open(rj_model_weights(model), &tok));
    RJ_NEW(m->ids, s->prompts->n, 1);
    RJ_NEW(m->tokens, s->prompts->n, 1);
    for (int p = 0; p < s->prompts->n; p++) {
        RJ_TRY(
            rj_prompt_tokens(s->prompts, p, tok, m->config.max_context, &rules, &m->ids[p], &m->tokens[p].n));
        m->tokens[p].ids = m->ids[p];
        for (int i = 0; i < m->tokens[p].n; i++)
            RJ_REQUIRE(m->ids[p][i] < m->config.n_vocab, RJ_ERR_FORMAT,
                       "%s:%d: token id %d is outside the vocabulary of %s (%d tokens)", s->prompts->path,
                       s->prompts->prompt[p].line, m->ids[p][i], m->facts.name, m->config.n_vocab);
    }
done:
    rj_tokenizer_close(&tok);
    return st;
}

/* What this rank can do alone. */
static rj_status open_alone(const rj_study *s, rj_study_model *m, rj_model **model)
{
    rj_status st = RJ_OK;

    RJ_TRY(rj_model_open_stack(m->deck->path, m->deck->stack, m->is_twin, s->deck->seed, model));
    RJ_TRY(rj_study_describe(s, rj_model_config(*model), rj_model_parameters(*model), m));
    RJ_TRY(tokenise(s, *model, m));
    RJ_TRY(rj_study_choose_tokens(s, m));
    RJ_TRY(rj_study_choose_grid(s, m));
done:
    return st;
}

static rj_status open_model(MPI_Comm comm, const rj_study *s, rj_study_model *m)
{
    rj_status st = RJ_OK;
    rj_model *model = NULL;

    RJ_TRY_ALL(comm, open_alone(s, m, &model));
    RJ_TRY(fingerprint(comm, model, m->is_twin, s->deck->seed, m->facts.fingerprint));
    m->n_units = rj_study_count_units(s);
    RJ_NEW(m->key, m->n_units, 1);
    for (int u = 0; u < m->n_units; u++) RJ_TRY(unit_key(s, m, u, m->key[u]));
done:
    rj_model_close(&model);
    return st;
}

/* Grids of the last launch, so that a resume on nodes with other memory goes on with the same results. Rank 0. */
static rj_status read_grids(const rj_study *s, int *grid)
{
    rj_status st = RJ_OK;
    rj_manifest_unit *unit = NULL;
    char *folder = NULL, *path = NULL;
    int n = 0;

    RJ_NEW(folder, (ptrdiff_t)strlen(s->deck->output) + 3, 1);
    sprintf(folder, "%s.d", s->deck->output);
    RJ_TRY(rj_path_join(folder, "manifest.json", &path));
    if (!rj_path_exists(path)) goto done;
    if (rj_manifest_read(folder, &n, &unit) != RJ_OK) {
        rj_log(RJ_LOG_WARN, "%s; layouts are chosen anew", rj_status_message());
        n = 0;
    }
    for (int i = 0; i < s->n_models; i++)
        for (int u = 0; u < n; u++)
            if (strcmp(unit[u].model, s->model[i].facts.name) == 0)
                memcpy(grid + (ptrdiff_t)2 * i, unit[u].grid, sizeof unit[u].grid);
done:
    RJ_FREE(unit);
    RJ_FREE(path);
    RJ_FREE(folder);
    return st;
}

/* Collective. */
static rj_status adopt_grids(MPI_Comm comm, rj_study *s)
{
    rj_status st = RJ_OK;
    int *grid = NULL, rank = 0;

    RJ_MPI(comm, MPI_Comm_rank(comm, &rank));
    RJ_TRY_ALL(comm, rj_alloc((void **)&grid, s->n_models, 2, sizeof *grid, __FILE__, __LINE__));
    RJ_TRY_ALL(comm, rank == 0 ? read_grids(s, grid) : RJ_OK);
    RJ_MPI(comm, MPI_Bcast(grid, 2 * s->n_models, MPI_INT, 0, comm));
    for (int i = 0; i < s->n_models; i++)
        s->model[i].shape = (rj_team_shape){0, grid[2 * i], grid[2 * i + 1]};
done:
    RJ_FREE(grid);
    return st;
}

static rj_status open_all(MPI_Comm comm, rj_study *s, bool replan)
{
    rj_status st = RJ_OK;
    const rj_deck *deck = s->deck;

    RJ_TRY_ALL(comm, rj_study_list_models(s));
    if (!replan && deck->layout.n_row == 0) RJ_TRY(adopt_grids(comm, s));
    for (int i = 0; i < s->n_models; i++) {
        rj_study_model *m = &s->model[i];
        m->status = rj_agree(comm, open_model(comm, s, m));
        if (m->status != RJ_OK) snprintf(m->why, sizeof m->why, "%s", rj_status_message());
    }
done:
    return st;
}

rj_status rj_study_open(MPI_Comm comm, const rj_deck *deck, int64_t memory, bool replan, rj_study **study)
{
    rj_status st = RJ_OK;
    rj_study *own = NULL;
    char *text = NULL;
    size_t n = 0;

    RJ_TRY_ALL(comm, rj_alloc((void **)&own, 1, 1, sizeof *own, __FILE__, __LINE__));
    own->deck = deck;
    own->memory = memory;
    RJ_TRY(rj_load_all(comm, deck->prompts, PROMPTS_LIMIT, &text, &n));
    RJ_TRY_ALL(comm, rj_prompts_parse(deck->prompts, text, n, &own->prompts));
    RJ_TRY_ALL(comm, rj_study_choose_aligned(own));
    RJ_TRY(open_all(comm, own, replan));
    *study = own;
    own = NULL;
done:
    RJ_FREE(text);
    rj_study_free(&own);
    return st;
}

void rj_study_free(rj_study **study)
{
    rj_study *s = *study;

    if (s == NULL) return;
    for (int i = 0; i < s->n_models; i++) {
        rj_study_model *m = &s->model[i];
        for (int p = 0; m->ids != NULL && p < s->prompts->n; p++) RJ_FREE(m->ids[p]);
        RJ_FREE(m->ids);
        RJ_FREE(m->tokens);
        RJ_FREE(m->token);
        RJ_FREE(m->token_layer);
        RJ_FREE(m->k_count);
        RJ_FREE(m->k_label);
        RJ_FREE(m->key);
    }
    RJ_FREE(s->model);
    RJ_FREE(s->aligned_before);
    RJ_FREE(s->aligned);
    rj_prompts_free(&s->prompts);
    RJ_FREE(*study);
}

int rj_study_unit_prompts(const rj_study *study, int unit)
{
    const int left = study->prompts->n - unit * study->deck->unit_prompts;
    return left < study->deck->unit_prompts ? left : study->deck->unit_prompts;
}

rj_shard_head rj_study_head(const rj_study *study, int model, int unit)
{
    static const char *const arithmetic[] = {"single", "double"}, *const last[] = {"raw", "final-norm",
                                                                                   "skip"};
    const rj_study_model *m = &study->model[model];
    rj_shard_head head = {.model = m->facts,
                          .unit = unit,
                          .n_units = m->n_units,
                          .first_prompt = (ptrdiff_t)unit * study->deck->unit_prompts,
                          .n_prompts_all = study->prompts->n,
                          .n_k = study->deck->n_k,
                          .k_count = m->k_count,
                          .k_label = m->k_label,
                          .n_token = m->token_options.n,
                          .token = m->token,
                          .arithmetic = arithmetic[study->deck->arithmetic],
                          .last_block = last[study->deck->last_block],
                          .norm = study->deck->norm};

    memcpy(head.key, m->key[unit], sizeof head.key);
    return head;
}
