/* deck.c: one table row a key: its name and what sets it. A key this version cannot serve is refused, never ignored. */
#include "resjac/run/deck.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "deck_alignment.h"
#include "deck_layout.h"
#include "deck_paths.h"
#include "deck_scores.h"
#include "deck_tokens.h"
#include "resjac/base/file.h"
#include "resjac/base/memory.h"
#include "resjac/run/score_stage.h"
#include "yaml_tree.h"

typedef struct {
    rj_deck *deck;
    const char *folder; /* of the deck file */
} deck_target;

typedef struct {
    const char *key;
    rj_status (*set)(deck_target *target, const rj_yaml *value);
} deck_key;

static rj_status set_int(const rj_yaml *v, int low, int high, int *value)
{
    rj_status st = RJ_OK;
    int64_t n = 0;

    RJ_TRY(rj_yaml_integer(v, low, high, &n));
    *value = (int)n;
done:
    return st;
}

static rj_status set_prompts_file(deck_target *t, const rj_yaml *v)
{
    return rj_deck_path(t->folder, v, &t->deck->prompts);
}

static rj_status set_max_tokens(deck_target *t, const rj_yaml *v)
{
    return set_int(v, 1, INT_MAX, &t->deck->max_tokens);
}

static rj_status set_overlong(deck_target *t, const rj_yaml *v)
{
    static const char *const words[] = {"refuse", "truncate-left", NULL};
    int i = 0;
    const rj_status st = rj_yaml_choice(v, words, &i);
    t->deck->truncate_left = i == 1;
    return st;
}

static rj_status set_special_tokens(deck_target *t, const rj_yaml *v)
{
    static const char *const words[] = {"model", "none", NULL};
    int i = 0;
    const rj_status st = rj_yaml_choice(v, words, &i);
    t->deck->special_tokens = i == 0;
    return st;
}

static rj_status set_token_mode(deck_target *t, const rj_yaml *v)
{
    return rj_deck_tokens_mode(v, &t->deck->tokens);
}

static rj_status set_token_at(deck_target *t, const rj_yaml *v)
{
    return rj_deck_tokens_at(v, &t->deck->tokens);
}

static rj_status set_token_layers(deck_target *t, const rj_yaml *v)
{
    return rj_deck_tokens_layers(v, &t->deck->tokens);
}

static rj_status set_one_k(const rj_yaml *v, rj_deck_k *k)
{
    rj_status st = RJ_OK;
    const char *text = NULL;
    char *end = NULL;

    RJ_TRY(rj_yaml_text(v, &text));
    const double x = strtod(text, &end);
    const bool fraction = strcmp(end, "d") == 0;
    RJ_REQUIRE((fraction && 0 < x && x <= 1) || (*end == '\0' && 1 <= x && x <= INT_MAX && x == floor(x)),
               RJ_ERR_USAGE, "%s has \"%.64s\", needs counts >= 1 such as 10, or fractions of d such as 0.1d",
               rj_yaml_place(v), text);
    RJ_REQUIRE(strlen(text) < sizeof k->label, RJ_ERR_USAGE, "%s has \"%.64s\", needs at most %zu characters",
               rj_yaml_place(v), text, sizeof k->label - 1);
    snprintf(k->label, sizeof k->label, "%s", text);
    k->count = fraction ? 0 : (int)x;
    k->fraction = fraction ? x : 0.0;
done:
    return st;
}

static rj_status set_k(deck_target *t, const rj_yaml *v)
{
    rj_status st = RJ_OK;
    rj_deck_k *k = NULL;
    ptrdiff_t n = 0;

    RJ_TRY(rj_yaml_length(v, &n));
    RJ_REQUIRE(1 <= n && n <= 64, RJ_ERR_USAGE, "%s has %td entries, needs 1..64", rj_yaml_place(v), n);
    RJ_NEW(k, n, 1);
    for (ptrdiff_t i = 0; i < n; i++) {
        const rj_yaml item = rj_yaml_item(v, i);
        RJ_TRY(set_one_k(&item, &k[i]));
        for (ptrdiff_t j = 0; j < i; j++)
            RJ_REQUIRE(strcmp(k[i].label, k[j].label) != 0, RJ_ERR_USAGE, "%s has %s twice", rj_yaml_place(v),
                       k[i].label);
    }
    rj_free(t->deck->k);
    t->deck->k = k;
    t->deck->n_k = (int)n;
    k = NULL;
done:
    RJ_FREE(k);
    return st;
}

static rj_status set_norm(deck_target *t, const rj_yaml *v)
{
    return set_int(v, 1, 2, &t->deck->norm);
}

static rj_status set_vju(deck_target *t, const rj_yaml *v)
{
    static const char *const words[] = {"false", "true", NULL};
    int i = 0;
    const rj_status st = rj_yaml_choice(v, words, &i);
    t->deck->vju = i == 1;
    return st;
}

static rj_status set_svd_method(deck_target *t, const rj_yaml *v)
{
    static const char *const words[] = {"auto", "full", "krylov", "matrix-free", NULL};
    int i = 0;
    const rj_status st = rj_yaml_choice(v, words, &i);
    t->deck->svd_method = (rj_deck_svd)i;
    return st;
}

static rj_status set_svd_tolerance(deck_target *t, const rj_yaml *v)
{
    rj_status st = RJ_OK;
    const char *text = NULL;
    char *end = NULL;

    RJ_TRY(rj_yaml_text(v, &text));
    const double x = strtod(text, &end);
    const bool is_auto = strcmp(text, "auto") == 0;
    RJ_REQUIRE(is_auto || (*end == '\0' && 1e-14 <= x && x <= 1e-3), RJ_ERR_USAGE,
               "%s is \"%.64s\", needs auto or 1e-14..1e-3: beyond it clusters can converge falsely",
               rj_yaml_place(v), text);
    t->deck->svd_tolerance = is_auto ? 0.0 : x;
done:
    return st;
}

static rj_status set_arithmetic(deck_target *t, const rj_yaml *v)
{
    static const char *const words[] = {"single", "double", NULL};
    int i = 0;
    const rj_status st = rj_yaml_choice(v, words, &i);
    t->deck->arithmetic = i == 0 ? RJ_SINGLE : RJ_DOUBLE;
    return st;
}

static rj_status set_last_block(deck_target *t, const rj_yaml *v)
{
    static const char *const words[] = {"raw", "final-norm", "skip", NULL};
    static const rj_last_block values[] = {RJ_LAST_RAW, RJ_LAST_FINAL_NORM, RJ_LAST_SKIP};
    int i = 0;
    const rj_status st = rj_yaml_choice(v, words, &i);
    t->deck->last_block = values[i];
    return st;
}

static rj_status set_unit_prompts(deck_target *t, const rj_yaml *v)
{
    return set_int(v, 1, 1000000, &t->deck->unit_prompts);
}

/* "auto", bytes, or "3.5 G" with K, M, G, T (powers of 1024). */
static rj_status set_memory(deck_target *t, const rj_yaml *v)
{
    rj_status st = RJ_OK;
    const char *text = NULL, *unit = "\0KMGT";
    char *end = NULL;

    RJ_TRY(rj_yaml_text(v, &text));
    if (strcmp(text, "auto") == 0) {
        t->deck->memory_per_rank = 0;
        return RJ_OK;
    }
    double x = strtod(text, &end);
    while (*end == ' ') end++;
    const char *at = *end == '\0' ? unit : strchr(unit + 1, *end);
    RJ_REQUIRE(at != NULL && (*end == '\0' || end[1] == '\0') && x > 0, RJ_ERR_USAGE,
               "%s is \"%.64s\", needs auto or a size such as 4G", rj_yaml_place(v), text);
    x = ldexp(x, 10 * (int)(at - unit));
    RJ_REQUIRE(1 << 20 <= x && x <= 1e15, RJ_ERR_USAGE, "%s is \"%.64s\", needs 1M..900T", rj_yaml_place(v),
               text);
    t->deck->memory_per_rank = (int64_t)x;
done:
    return st;
}

static rj_status set_threads(deck_target *t, const rj_yaml *v)
{
    int n = 0;
    (void)t;
    return set_int(v, 1, 1, &n); /* one thread a rank: faster than one rank of two threads, and bit-stable */
}

static rj_status set_team(deck_target *t, const rj_yaml *v)
{
    return rj_deck_layout_team(v, &t->deck->layout);
}

static rj_status set_stages(deck_target *t, const rj_yaml *v)
{
    return rj_deck_layout_stages(v, &t->deck->layout);
}

static rj_status set_grid(deck_target *t, const rj_yaml *v)
{
    return rj_deck_layout_grid(v, &t->deck->layout);
}

static rj_status set_access(deck_target *t, const rj_yaml *v)
{
    static const char *const words[] = {"auto", "read", NULL};
    int i = 0;
    (void)t;
    return rj_yaml_choice(v, words, &i);
}

static rj_status set_per_prompt(deck_target *t, const rj_yaml *v)
{
    static const char *const words[] = {"none", "coupling", "all", NULL};
    static const rj_per_prompt values[] = {RJ_PER_PROMPT_NONE, RJ_PER_PROMPT_COUPLING, RJ_PER_PROMPT_ALL};
    int i = 0;
    const rj_status st = rj_yaml_choice(v, words, &i);
    t->deck->per_prompt = values[i];
    return st;
}

static rj_status set_merge(deck_target *t, const rj_yaml *v)
{
    static const char *const words[] = {"all", "summary", NULL};
    int i = 0;
    const rj_status st = rj_yaml_choice(v, words, &i);
    t->deck->merge_summary = i == 1;
    return st;
}

static rj_status set_alignment(deck_target *t, const rj_yaml *v)
{
    return rj_deck_alignment(v, &t->deck->n_alignment, &t->deck->alignment);
}

static rj_status set_provenance(deck_target *t, const rj_yaml *v)
{
    static const char *const words[] = {"full", "minimal", NULL};
    int i = 0;
    const rj_status st = rj_yaml_choice(v, words, &i);
    t->deck->provenance_full = i == 0;
    return st;
}

static rj_status set_seed(deck_target *t, const rj_yaml *v)
{
    int64_t n = 0;
    const rj_status st = rj_yaml_integer(v, 0, INT64_MAX, &n);
    t->deck->seed = (uint64_t)n;
    return st;
}

static rj_status set_output(deck_target *t, const rj_yaml *v)
{
    return rj_deck_path(t->folder, v, &t->deck->output);
}

static rj_status set_score_table(deck_target *t, const rj_yaml *v)
{
    return rj_deck_path(t->folder, v, &t->deck->scores.table);
}

static rj_status set_score_columns(deck_target *t, const rj_yaml *v)
{
    return rj_deck_scores_columns(v, &t->deck->scores);
}

static rj_status set_score_primary(deck_target *t, const rj_yaml *v)
{
    return rj_deck_scores_primary(v, &t->deck->scores);
}

static rj_status set_resamples(deck_target *t, const rj_yaml *v)
{
    return set_int(v, RJ_SCORE_LEAST_DRAWS, RJ_SCORE_MOST_DRAWS, &t->deck->scores.draws);
}

static rj_status set_models(deck_target *t, const rj_yaml *v)
{
    return rj_deck_models(t->folder, v, &t->deck->n_models, &t->deck->model);
}

static rj_status refuse_section(deck_target *t, const rj_yaml *v)
{
    (void)t;
    return rj_raise(RJ_ERR_USAGE, __FILE__, __LINE__, "%s: this version cannot do that yet; delete the key",
                    rj_yaml_place(v));
}

static const deck_key keys[] = {
    {"models", set_models},
    {"prompts.file", set_prompts_file},
    {"prompts.max_tokens", set_max_tokens},
    {"prompts.overlong", set_overlong},
    {"prompts.special_tokens", set_special_tokens},
    {"tokens.mode", set_token_mode},
    {"tokens.at", set_token_at},
    {"tokens.layers", set_token_layers},
    {"coupling.k", set_k},
    {"coupling.norm", set_norm},
    {"coupling.vju", set_vju},
    {"svd.method", set_svd_method},
    {"svd.tolerance", set_svd_tolerance},
    {"arithmetic", set_arithmetic},
    {"last_block", set_last_block},
    {"scores.table", set_score_table},
    {"scores.columns", set_score_columns},
    {"scores.primary", set_score_primary},
    {"scores.resamples", set_resamples},
    {"layout.unit_prompts", set_unit_prompts},
    {"layout.memory_per_rank", set_memory},
    {"layout.threads", set_threads},
    {"layout.team", set_team},
    {"layout.stages", set_stages},
    {"layout.grid", set_grid},
    {"weights.access", set_access},
    {"weights.stage_to", refuse_section},
    {"store.per_prompt", set_per_prompt},
    {"store.merge", set_merge},
    {"store.alignment", set_alignment},
    {"provenance", set_provenance},
    {"seed", set_seed},
    {"output", set_output},
};
enum { N_KEYS = sizeof keys / sizeof keys[0] };

static bool is_section(const char *key)
{
    const size_t n = strlen(key);

    for (size_t i = 0; i < N_KEYS; i++)
        if (strncmp(keys[i].key, key, n) == 0 && keys[i].key[n] == '.') return true;
    return false;
}

static rj_status set_any(void *target, const rj_yaml *v)
{
    rj_status st = RJ_OK;
    char prefix[130];

    for (size_t i = 0; i < N_KEYS; i++)
        if (strcmp(keys[i].key, v->key) == 0) return keys[i].set(target, v);
    if (is_section(v->key)) {
        snprintf(prefix, sizeof prefix, "%s.", v->key);
        return rj_yaml_each(v, prefix, set_any, target);
    }
    const char *near = rj_nearest(v->key, keys, N_KEYS, sizeof keys[0]);
    RJ_FAIL(RJ_ERR_USAGE, "%s: unknown key%s%s%s", rj_yaml_place(v), near ? "; do you mean " : "",
            near ? near : "", near ? "?" : "");
done:
    return st;
}

/* "key=value", the value a YAML document of its own. */
static rj_status set_override(deck_target *target, const char *text)
{
    rj_status st = RJ_OK;
    yaml_document_t document;
    const char *equals = strchr(text, '=');
    char key[128];

    RJ_REQUIRE(equals != NULL && equals > text && equals - text < 100, RJ_ERR_USAGE,
               "--set %s: needs key=value, such as coupling.k=[10,30]", text);
    RJ_REQUIRE(equals[1] != '\0', RJ_ERR_USAGE, "--set %s: needs a value after the =", text);
    snprintf(key, sizeof key, "%.*s", (int)(equals - text), text);
    RJ_TRY(rj_yaml_load("--set", equals + 1, strlen(equals + 1), &document));
    const rj_yaml value = {&document, yaml_document_get_root_node(&document), "--set", key};
    st = set_any(target, &value);
    yaml_document_delete(&document);
done:
    return st;
}

static rj_status set_defaults(rj_deck *deck)
{
    static const int counts[] = {10, 30, 50};
    rj_status st = RJ_OK;

    deck->max_tokens = 256;
    deck->special_tokens = true;
    deck->norm = 2;
    deck->vju = true;
    deck->unit_prompts = 8;
    deck->per_prompt = RJ_PER_PROMPT_COUPLING;
    deck->provenance_full = true;
    deck->scores.draws = RJ_SCORE_DRAWS;
    RJ_NEW(deck->k, 3, 1);
    deck->n_k = 3;
    for (int i = 0; i < 3; i++) {
        deck->k[i].count = counts[i];
        snprintf(deck->k[i].label, sizeof deck->k[i].label, "%d", counts[i]);
    }
done:
    return st;
}

static rj_status check_complete(const rj_deck *deck)
{
    rj_status st = RJ_OK;

    RJ_REQUIRE(deck->n_models > 0, RJ_ERR_USAGE, "%s: models is missing; add models: [{path: ...}]",
               deck->path);
    RJ_REQUIRE(deck->prompts != NULL, RJ_ERR_USAGE, "%s: prompts.file is missing; add prompts: {file: ...}",
               deck->path);
    RJ_REQUIRE(deck->output != NULL, RJ_ERR_USAGE, "%s: output is missing; add output: out/name.nc",
               deck->path);
    RJ_TRY(rj_deck_scores_check(deck));
done:
    return st;
}

rj_status rj_deck_parse(const char *path, const char *text, size_t n, int n_set, char *const *set,
                        rj_deck **deck)
{
    rj_status st = RJ_OK;
    rj_deck *own = NULL;
    char *folder = NULL;
    yaml_document_t document;
    bool loaded = false;

    RJ_NEW(own, 1, 1);
    RJ_TRY(set_defaults(own));
    RJ_TRY(rj_text_copy(path, &own->path));
    RJ_NEW(own->text, (ptrdiff_t)n + 1, 1);
    memcpy(own->text, text, n);
    RJ_TRY(rj_path_folder(path, &folder));
    RJ_TRY(rj_yaml_load(path, text, n, &document));
    loaded = true;

    deck_target target = {own, folder};
    const rj_yaml root = {&document, yaml_document_get_root_node(&document), path, "the deck"};
    RJ_TRY(rj_yaml_each(&root, "", set_any, &target));
    for (int i = 0; i < n_set; i++) RJ_TRY(set_override(&target, set[i]));
    RJ_TRY(check_complete(own));
    RJ_TRY(rj_deck_layout_settle(path, &own->layout));
    RJ_TRY(rj_deck_tokens_settle(path, &own->tokens));
    *deck = own;
    own = NULL;
done:
    if (loaded) yaml_document_delete(&document);
    RJ_FREE(folder);
    rj_deck_free(&own);
    return st;
}

void rj_deck_free(rj_deck **deck)
{
    rj_deck *d = *deck;

    if (d == NULL) return;
    rj_deck_models_free(d->n_models, &d->model);
    RJ_FREE(d->k);
    RJ_FREE(d->alignment);
    rj_deck_tokens_free(&d->tokens);
    RJ_FREE(d->prompts);
    rj_deck_scores_free(&d->scores);
    RJ_FREE(d->output);
    RJ_FREE(d->text);
    RJ_FREE(d->path);
    RJ_FREE(*deck);
}

rj_per_prompt rj_deck_keep(const rj_deck *deck)
{
    return deck->merge_summary ? RJ_PER_PROMPT_SUMMARY : deck->per_prompt;
}

rj_status rj_deck_k_count(const rj_deck_k *k, int d, const char *model, int *count)
{
    rj_status st = RJ_OK;
    const int n = k->count > 0 ? k->count : (int)floor(k->fraction * d);

    RJ_REQUIRE(1 <= n && n <= d, RJ_ERR_USAGE,
               "coupling.k: %s is K = %d, model %s has d = %d; K must be 1..d: change coupling.k or leave "
               "the model out",
               k->label, n, model, d);
    *count = n;
done:
    return st;
}
