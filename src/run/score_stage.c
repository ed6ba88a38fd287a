/* score_stage.c: models find their rows by models[].benchmark_name, else by their names; nothing is guessed. */
#include "resjac/run/score_stage.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "resjac/base/file.h"
#include "resjac/base/hash.h"
#include "resjac/base/log.h"
#include "resjac/base/memory.h"
#include "resjac/stats/correlate.h"
#include "resjac/stats/scores.h"

enum { TABLE_LIMIT = 1 << 26 };

_Static_assert((int)RJ_REASON_SIZE == (int)RJ_NAME_SIZE && (int)RJ_SCORES_NAME == (int)RJ_NAME_SIZE,
               "texts go to the file as they are");

struct rj_score_stage {
    rj_score_rules rules;
    rj_scores *scores; /* NULL without a table */
    char table_sha256[RJ_HASH_TEXT], key[RJ_HASH_TEXT];
};

static rj_status check_columns(const rj_score_rules *r)
{
    rj_status st = RJ_OK;

    RJ_REQUIRE(r->n_columns > 0, RJ_ERR_USAGE,
               "scores: no column is named; name the benchmarks of %s to correlate with", r->table);
    for (int i = 0; i < r->n_columns; i++) {
        RJ_REQUIRE(strlen(r->column[i]) < RJ_NAME_SIZE, RJ_ERR_USAGE,
                   "scores: column \"%.64s..\" has more than %d bytes", r->column[i], RJ_NAME_SIZE - 1);
        for (int j = 0; j < i; j++)
            RJ_REQUIRE(strcmp(r->column[i], r->column[j]) != 0, RJ_ERR_USAGE,
                       "scores: column \"%s\" is named twice", r->column[i]);
    }
done:
    return st;
}

static rj_status read_table(rj_score_stage *s)
{
    rj_status st = RJ_OK;
    char *text = NULL;
    size_t n = 0;
    rj_csv *csv = NULL;

    RJ_TRY(check_columns(&s->rules));
    RJ_TRY(rj_file_load(s->rules.table, TABLE_LIMIT, &text, &n));
    RJ_TRY(rj_csv_parse(s->rules.table, text, n, &csv));
    RJ_TRY(rj_scores_take(csv, s->rules.n_columns, (const char *const *)s->rules.column, &s->scores));
    RJ_TRY(rj_hash_bytes(text, n, s->table_sha256));
done:
    rj_csv_free(&csv);
    rj_free(text);
    return st;
}

static rj_status make_key(rj_score_stage *s)
{
    rj_status st = RJ_OK;
    rj_hash *hash = NULL;
    uint8_t digest[RJ_HASH_SIZE];
    const int64_t number[] = {s->rules.n_draws, (int64_t)s->rules.seed, s->rules.table != NULL,
                              s->rules.n_columns};

    RJ_TRY(rj_hash_create(&hash));
    rj_hash_add_text(hash, "statistics 1"); /* raise it when their values change for the same input */
    rj_hash_add(hash, number, sizeof number);
    rj_hash_add_text(hash, s->table_sha256);
    for (int i = 0; i < s->rules.n_columns; i++) rj_hash_add_text(hash, s->rules.column[i]);
    rj_hash_add_text(hash, s->rules.primary != NULL ? s->rules.primary : "");
    RJ_TRY(rj_hash_digest(hash, digest));
    rj_hash_text(digest, s->key);
done:
    rj_hash_destroy(&hash);
    return st;
}

rj_status rj_score_stage_open(const rj_score_rules *rules, rj_score_stage **stage)
{
    rj_status st = RJ_OK;
    rj_score_stage *own = NULL;

    RJ_NEW(own, 1, 1);
    own->rules = *rules;
    if (rules->table == NULL) own->rules.n_columns = 0;
    if (rules->table != NULL) RJ_TRY(read_table(own));
    RJ_TRY(make_key(own));
    *stage = own;
    own = NULL;
done:
    rj_score_stage_close(&own);
    return st;
}

void rj_score_stage_close(rj_score_stage **stage)
{
    if (*stage == NULL) return;
    rj_scores_free(&(*stage)->scores);
    RJ_FREE(*stage);
}

const char *rj_score_stage_key(const rj_score_stage *stage)
{
    return stage->key;
}

/* The file's models beside their rows of the table, as rj_correlate wants them. */
typedef struct {
    rj_results_values *v;
    int n_benchmarks, n_matched, n_trained;
    const char **measure;
    char (*lineage)[RJ_NAME_SIZE], (*benchmark)[RJ_NAME_SIZE]; /* [n_models], [n_benchmarks] */
    int *lineage_id;
    bool *counts, *is_control, *used; /* [n_models], [n_measures], [rows] */
    double *score, *row, *control;    /* [n_models, n_benchmarks], line numbers, [2, n_models] */
    rj_correlations *result;
} joined;

static void joined_free(joined *j)
{
    rj_results_values_free(&j->v);
    rj_free(j->measure);
    rj_free(j->lineage);
    rj_free(j->benchmark);
    rj_free(j->lineage_id);
    rj_free(j->counts);
    rj_free(j->is_control);
    rj_free(j->used);
    rj_free(j->score);
    rj_free(j->row);
    rj_free(j->control);
    rj_correlations_free(&j->result);
}

static rj_status joined_create(const rj_score_stage *s, joined *j)
{
    rj_status st = RJ_OK;
    const int n = j->v->n_models;

    j->n_benchmarks = s->rules.n_columns;
    RJ_NEW(j->measure, j->v->n_measures, 1);
    RJ_NEW(j->lineage, n, 1);
    RJ_NEW(j->benchmark, j->n_benchmarks, 1);
    RJ_NEW(j->lineage_id, n, 1);
    RJ_NEW(j->counts, n, 1);
    RJ_NEW(j->is_control, j->v->n_measures, 1);
    RJ_NEW(j->used, s->scores != NULL ? s->scores->n_rows : 0, 1);
    RJ_NEW(j->score, n, j->n_benchmarks);
    RJ_NEW(j->row, n, 1);
    RJ_NEW(j->control, RJ_N_CONTROLS, n);
done:
    return st;
}

/* The lineage of a model: of its row; else its series of checkpoints, which is one run; else, where there are scores, itself. */
static const char *lineage_of(const rj_score_stage *s, const joined *j, int model, int row)
{
    if (row >= 0 && s->scores->lineage[row][0] != '\0') return s->scores->lineage[row];
    if (j->v->series_name[model][0] != '\0') return j->v->series_name[model];
    return s->scores != NULL ? j->v->model[model] : "";
}

static void join_model(const rj_score_stage *s, joined *j, int m)
{
    const rj_results_values *v = j->v;
    const char *name = v->benchmark_name[m][0] != '\0' ? v->benchmark_name[m] : v->model[m];
    const int row = s->scores != NULL ? rj_scores_find(s->scores, name) : -1;

    j->counts[m] = v->trained[m] == 1 && v->n_layers[m] > 0 && v->d_model[m] > 0;
    snprintf(j->lineage[m], RJ_NAME_SIZE, "%s", lineage_of(s, j, m, row));
    j->control[m] = log(v->n_layers[m]);
    j->control[v->n_models + m] = log(v->d_model[m]);
    j->row[m] = row >= 0 ? s->scores->line[row] : (double)NAN;
    for (int b = 0; b < j->n_benchmarks; b++)
        j->score[m * j->n_benchmarks + b] =
            row >= 0 && v->trained[m] == 1 ? s->scores->value[row * j->n_benchmarks + b] : (double)NAN;
    if (row >= 0) j->used[row] = true;
    if (s->scores == NULL || v->trained[m] != 1) return;
    j->n_trained++;
    j->n_matched += row >= 0;
    if (row < 0)
        rj_log(RJ_LOG_WARN,
               "model %s: %s has no row \"%s\"; give models[].benchmark_name as the table spells it",
               v->model[m], s->rules.table, name);
    else if (s->scores->lineage[row][0] == '\0')
        rj_log(RJ_LOG_WARN, "model %s: %s:%d tells no lineage; it counts as one of its own, \"%s\"",
               v->model[m], s->rules.table, s->scores->line[row], j->lineage[m]);
}

static void join(const rj_score_stage *s, joined *j)
{
    const rj_results_values *v = j->v;

    for (int i = 0; i < v->n_measures; i++) {
        j->measure[i] = v->measure[i];
        j->is_control[i] = strcmp(v->measure[i], "n_layers") == 0 || strcmp(v->measure[i], "d_model") == 0;
    }
    for (int b = 0; b < j->n_benchmarks; b++)
        memcpy(j->benchmark[b], s->rules.column[b], strlen(s->rules.column[b]) + 1);
    for (int m = 0; m < v->n_models; m++) {
        join_model(s, j, m);
        j->lineage_id[m] = m;
        for (int i = m - 1; i >= 0; i--)
            if (strcmp(j->lineage[i], j->lineage[m]) == 0) j->lineage_id[m] = j->lineage_id[i];
    }
}

static rj_status find_primary(const rj_score_stage *s, const joined *j, int *primary)
{
    rj_status st = RJ_OK;

    *primary = -1;
    if (s->scores == NULL || s->rules.primary == NULL) goto done;
    for (int i = 0; i < j->v->n_measures; i++)
        if (strcmp(j->measure[i], s->rules.primary) == 0) *primary = i;
    RJ_REQUIRE(*primary >= 0, RJ_ERR_USAGE,
               "scores.primary is \"%.64s\", which is none of the %d measures; they are named like %s",
               s->rules.primary, j->v->n_measures, j->v->n_measures > 0 ? j->measure[0] : "none");
done:
    return st;
}

static rj_status correlate(const rj_score_stage *s, int primary, joined *j)
{
    const rj_results_values *v = j->v;
    const rj_study_values study = {.n_models = v->n_models,
                                   .n_measures = v->n_measures,
                                   .n_benchmarks = j->n_benchmarks,
                                   .n_prompts = v->n_prompts,
                                   .measure = j->measure,
                                   .benchmark = (const char *const *)s->rules.column,
                                   .counts = j->counts,
                                   .lineage = j->lineage_id,
                                   .value = v->value,
                                   .score = j->score,
                                   .control = j->control,
                                   .is_control = j->is_control,
                                   .prompt_value = v->prompt_value};
    const rj_study_rules rules = {s->rules.seed, s->rules.n_draws, primary, 0};

    return rj_correlate(&study, &rules, &j->result);
}

static void tell(const rj_score_stage *s, const joined *j, int primary)
{
    const rj_correlations *c = j->result;
    int unused = 0;

    if (s->scores == NULL) return;
    for (int i = 0; i < s->scores->n_rows; i++) unused += !j->used[i];
    rj_log(RJ_LOG_INFO, "%s: %d of %d trained models have a row, %d of %d rows have no model", s->rules.table,
           j->n_matched, j->n_trained, unused, s->scores->n_rows);
    if (primary < 0) return;
    const ptrdiff_t at = (ptrdiff_t)primary * j->n_benchmarks;
    if (isnan(c->statistic[RJ_STAT_LINEAGE_P][at]))
        rj_log(RJ_LOG_WARN, "%s against %s: the primary test is missing: %s", s->rules.primary,
               s->rules.column[0], c->reason[at]);
    else
        rj_log(RJ_LOG_INFO, "%s against %s: r = %.3f, p = %.3g over %.0f lineages of %.0f models",
               s->rules.primary, s->rules.column[0], c->statistic[RJ_STAT_LINEAGE_R][at],
               c->statistic[RJ_STAT_LINEAGE_P][at], c->statistic[RJ_STAT_N_LINEAGES][at],
               c->statistic[RJ_STAT_N_MODELS][at]);
}

/* Names of the rows without a model, with "; " between them. */
static rj_status list_unused(const rj_score_stage *s, const joined *j, char **list)
{
    rj_status st = RJ_OK;
    ptrdiff_t size = 1;
    char *text = NULL;

    for (int i = 0; i < s->scores->n_rows; i++) size += (ptrdiff_t)strlen(s->scores->model[i]) + 2;
    RJ_NEW(text, size, 1);
    for (int i = 0; i < s->scores->n_rows; i++) {
        if (j->used[i]) continue;
        strcat(text, text[0] != '\0' ? "; " : "");
        strcat(text, s->scores->model[i]);
    }
    *list = text;
done:
    return st;
}

enum { MAX_TABLES = RJ_N_STATISTICS + 8, MAX_ATTRIBUTES = 8 };

static int list_tables(const joined *j, rj_results_table table[MAX_TABLES])
{
    const rj_correlations *c = j->result;
    const rj_axis model = RJ_AXIS_MODEL, measure = RJ_AXIS_MEASURE, benchmark = RJ_AXIS_BENCHMARK;
    int n = 0;

    table[n++] = (rj_results_table){"lineage", "", {model}, false, NULL, j->lineage[0]};
    table[n++] = (rj_results_table){
        "value_low",      "2.5 % quantile of value, prompts resampled, the same for all models",
        {model, measure}, false,
        c->low,           NULL};
    table[n++] = (rj_results_table){
        "value_high",     "97.5 % quantile of value, prompts resampled, the same for all models",
        {model, measure}, false,
        c->high,          NULL};
    table[n++] =
        (rj_results_table){"reliability",  "of the models' means over prompts: 1 - residual/between models",
                           {measure},      false,
                           c->reliability, NULL};
    if (j->n_benchmarks == 0) return n;
    table[n++] = (rj_results_table){
        "benchmark_name", "column of the table of scores", {benchmark}, false, NULL, j->benchmark[0]};
    table[n++] = (rj_results_table){
        "benchmark_score", "score of the trained model", {model, benchmark}, false, j->score, NULL};
    table[n++] = (rj_results_table){
        "benchmark_row", "line of the table on which the model stands", {model}, true, j->row, NULL};
    table[n++] = (rj_results_table){
        "statistics_status", "ok, or what is missing and why", {measure, benchmark}, false, NULL,
        c->reason[0]};
    for (int i = 0; i < RJ_N_STATISTICS; i++)
        table[n++] = (rj_results_table){rj_statistics[i].name, rj_statistics[i].long_name,
                                        {measure, benchmark},  rj_statistics[i].whole,
                                        c->statistic[i],       NULL};
    return n;
}

static rj_status store(const rj_score_stage *s, const char *path, const joined *j)
{
    rj_status st = RJ_OK;
    rj_results_table table[MAX_TABLES];
    rj_attribute attribute[MAX_ATTRIBUTES];
    char draws[32], seed[32], matched[64], *unused = NULL;
    int n = 0;

    snprintf(draws, sizeof draws, "%d", s->rules.n_draws);
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)s->rules.seed);
    snprintf(matched, sizeof matched, "%d of %d", j->n_matched, j->n_trained);
    attribute[n++] = (rj_attribute){"scores_resamples", draws, false};
    attribute[n++] = (rj_attribute){"scores_seed", seed, false};
    if (s->scores != NULL) {
        RJ_TRY(list_unused(s, j, &unused));
        attribute[n++] = (rj_attribute){"scores_sha256", s->table_sha256, false};
        attribute[n++] =
            (rj_attribute){"scores_primary", s->rules.primary != NULL ? s->rules.primary : "", false};
        attribute[n++] = (rj_attribute){"scores_matched", matched, false};
        attribute[n++] = (rj_attribute){"scores_unused_rows", unused, false};
    }
    RJ_TRY(rj_results_add(path, j->n_benchmarks, list_tables(j, table), table, n, attribute));
done:
    rj_free(unused);
    return st;
}

static rj_status add(void *ctx, const char *path)
{
    rj_status st = RJ_OK;
    const rj_score_stage *s = ctx;
    joined j = {.v = NULL};
    int primary = -1;

    RJ_TRY(rj_results_values_read(path, &j.v));
    RJ_TRY(joined_create(s, &j));
    join(s, &j);
    RJ_TRY(find_primary(s, &j, &primary));
    RJ_TRY(correlate(s, primary, &j));
    tell(s, &j, primary);
    RJ_TRY(store(s, path, &j));
done:
    joined_free(&j);
    return st;
}

rj_results_annex rj_score_stage_annex(rj_score_stage *stage)
{
    return (rj_results_annex){add, stage};
}
