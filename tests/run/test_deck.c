/* test_deck.c: what a deck may say, and how it is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "resjac/base/memory.h"
#include "resjac/run/deck.h"

#define LEAST "models: [{path: m}]\nprompts: {file: p.txt}\noutput: o.nc\n"

static rj_status parse(const char *text, int n_set, char *const *set, rj_deck **deck)
{
    return rj_deck_parse("some/deck.yaml", text, strlen(text), n_set, set, deck);
}

/* Parses and expects this failure; every word must be in the message. */
static void refused(const char *text, rj_status code, const char *const *word)
{
    rj_deck *deck = NULL;

    assert_int_equal(parse(text, 0, NULL, &deck), code);
    assert_null(deck);
    for (; *word != NULL; word++)
        if (strstr(rj_status_message(), *word) == NULL)
            fail_msg("no \"%s\" in: %s", *word, rj_status_message());
    assert_int_equal(rj_memory_live(), 0);
}
#define REFUSED(text, code, ...) refused((text), (code), (const char *const[]){__VA_ARGS__, NULL})

static void defaults_are_those_of_the_contract(void **x)
{
    rj_deck *deck = NULL;
    (void)x;
    assert_int_equal(parse(LEAST, 0, NULL, &deck), RJ_OK);
    assert_int_equal(deck->n_models, 1);
    assert_string_equal(deck->model[0].path, "some/m");
    assert_string_equal(deck->model[0].name, "m");
    assert_false(deck->model[0].twin);
    assert_true(isnan(deck->model[0].step));
    assert_string_equal(deck->prompts, "some/p.txt");
    assert_string_equal(deck->output, "some/o.nc");
    assert_int_equal(deck->n_k, 3);
    assert_int_equal(deck->k[2].count, 50);
    assert_string_equal(deck->k[2].label, "50");
    assert_int_equal(deck->norm, 2);
    assert_int_equal(deck->max_tokens, 256);
    assert_int_equal(deck->arithmetic, RJ_SINGLE);
    assert_int_equal(deck->last_block, RJ_LAST_RAW);
    assert_int_equal(deck->unit_prompts, 8);
    assert_int_equal(deck->per_prompt, RJ_PER_PROMPT_COUPLING);
    assert_int_equal(deck->n_alignment, 0);
    assert_true(deck->provenance_full && deck->special_tokens && !deck->truncate_left);
    assert_true(deck->scores.table == NULL && deck->scores.n_columns == 0 && deck->scores.primary == NULL);
    assert_int_equal(deck->scores.draws, 2000);
    assert_string_equal(deck->text, LEAST);
    rj_deck_free(&deck);
    assert_int_equal(rj_memory_live(), 0);
}

static void scores_are_named(void **x)
{
    char *const set[] = {"scores.columns=[c]"};
    rj_deck *deck = NULL;
    (void)x;
    assert_int_equal(
        parse(LEAST "scores: {table: s.csv, columns: [a, b c], primary: coupling_null_k50, resamples: 100}\n",
              0, NULL, &deck),
        RJ_OK);
    assert_string_equal(deck->scores.table, "some/s.csv");
    assert_int_equal(deck->scores.n_columns, 2);
    assert_string_equal(deck->scores.column[1], "b c");
    assert_string_equal(deck->scores.primary, "coupling_null_k50");
    assert_int_equal(deck->scores.draws, 100);
    rj_deck_free(&deck);
    assert_int_equal(parse(LEAST "scores: {table: s.csv, columns: [a, b]}\n", 1, set, &deck), RJ_OK);
    assert_int_equal(deck->scores.n_columns, 1);
    assert_string_equal(deck->scores.column[0], "c");
    rj_deck_free(&deck);
    assert_int_equal(rj_memory_live(), 0);
}

/* What a group's name cannot have: files may be called so. */
static void names_of_models_are_names_of_groups(void **x)
{
    static const char *const names[][2] = {{"../../a", "_.__..__a"}, {"-rf", "_rf"},       {" a ", "_a_"},
                                           {"a\\eb\\n", "a_b_"},     {"@{a} b", "_{a} b"}, {"\\x7f", "_"},
                                           {"model", "model_"},      {"slope", "slope_"},  {"_é.1", "_é.1"}};
    rj_deck *deck = NULL;
    char text[512];
    (void)x;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(text, sizeof text,
                 "models: [{path: /m, name: \"%s\"}]\nprompts: {file: /p.txt}\noutput: /o.nc\n", names[i][0]);
        assert_int_equal(parse(text, 0, NULL, &deck), RJ_OK);
        assert_string_equal(deck->model[0].name, names[i][1]);
        rj_deck_free(&deck);
    }
}

static void every_key_is_read(void **x)
{
    rj_deck *deck = NULL;
    (void)x;
    setenv("RJ_TEST_FOLDER", "/data", 1);
    assert_int_equal(
        parse("models:\n- {path: $RJ_TEST_FOLDER/a.gguf, name: org/a, benchmark_name: A, twin: random-init, "
              "series: s, step: 3}\n"
              "- {path: '${RJ_TEST_FOLDER}/b/', twin: none, stack: decoder}\n"
              "prompts: {file: /p.jsonl, max_tokens: 9, overlong: truncate-left, special_tokens: none}\n"
              "tokens: {mode: depth, at: last}\ncoupling: {k: [3, 0.1d], norm: 1, vju: false}\nsvd: {method: "
              "full, "
              "tolerance: auto}\n"
              "arithmetic: double\nlast_block: final-norm\nlayout: {unit_prompts: 2, memory_per_rank: 1.5G, "
              "threads: 1}\n"
              "weights: {access: read}\nstore: {per_prompt: all, merge: summary, alignment: [2, "
              "first]}\nprovenance: minimal\nseed: "
              "7\noutput: /o.nc\n",
              0, NULL, &deck),
        RJ_OK);
    assert_int_equal(deck->n_models, 2);
    assert_string_equal(deck->model[0].path, "/data/a.gguf");
    assert_string_equal(deck->model[0].name, "org__a");
    assert_string_equal(deck->model[0].benchmark_name, "A");
    assert_true(deck->model[0].twin && deck->model[0].step == 3);
    assert_string_equal(deck->model[1].name, "b");
    assert_true(deck->model[0].stack == RJ_STACK_DEFAULT && deck->model[1].stack == RJ_STACK_DECODER);
    assert_int_equal(deck->max_tokens, 9);
    assert_true(deck->truncate_left && !deck->special_tokens && !deck->provenance_full);
    assert_int_equal(deck->k[0].count, 3);
    assert_true(deck->k[1].count == 0 && deck->k[1].fraction == 0.1);
    assert_true(deck->norm == 1 && !deck->vju);
    assert_true(deck->svd_method == RJ_DECK_SVD_FULL && deck->svd_tolerance == 0.0);
    assert_int_equal(deck->arithmetic, RJ_DOUBLE);
    assert_int_equal(deck->last_block, RJ_LAST_FINAL_NORM);
    assert_int_equal(deck->unit_prompts, 2);
    assert_int_equal(deck->memory_per_rank, 3LL << 29);
    assert_int_equal(deck->per_prompt, RJ_PER_PROMPT_ALL);
    assert_true(deck->merge_summary);
    assert_int_equal(deck->n_alignment, 2);
    assert_string_equal(deck->alignment[0].name, "2");
    assert_string_equal(deck->alignment[1].name, "first");
    assert_string_equal(deck->alignment[1].place, "some/deck.yaml:12: store.alignment");
    assert_int_equal(deck->seed, 7);
    rj_deck_free(&deck);
    assert_int_equal(rj_memory_live(), 0);
}

static void overrides_come_last(void **x)
{
    char *set[] = {"coupling.k=[5]", "coupling={norm: 1}", "models=[{path: other}]", "arithmetic=double"};
    rj_deck *deck = NULL;
    (void)x;
    assert_int_equal(parse(LEAST "arithmetic: single\n", 4, set, &deck), RJ_OK);
    assert_true(deck->n_k == 1 && deck->k[0].count == 5 && deck->norm == 1 && deck->vju);
    assert_string_equal(deck->model[0].path, "some/other");
    assert_int_equal(deck->arithmetic, RJ_DOUBLE);
    rj_deck_free(&deck);
    char *krylov[] = {"svd.method=krylov", "svd.tolerance=1e-8"};
    assert_int_equal(parse(LEAST, 2, krylov, &deck), RJ_OK);
    assert_true(deck->svd_method == RJ_DECK_SVD_KRYLOV && deck->svd_tolerance == 1e-8);
    rj_deck_free(&deck);
    char *bad[] = {"coupling.q=1"};
    assert_int_equal(parse(LEAST, 1, bad, &deck), RJ_ERR_USAGE);
    assert_non_null(strstr(rj_status_message(), "--set coupling.q: unknown key; do you mean coupling.k?"));
    char *no_value[] = {"seed"};
    assert_int_equal(parse(LEAST, 1, no_value, &deck), RJ_ERR_USAGE);
    assert_int_equal(rj_memory_live(), 0);
}

static void bad_decks_are_refused_by_file_line_and_key(void **x)
{
    (void)x;
    REFUSED(LEAST "couplin: {k: [1]}\n", RJ_ERR_USAGE, "some/deck.yaml:4: couplin", "unknown key",
            "coupling");
    REFUSED(LEAST "prompt_file: x\n", RJ_ERR_USAGE, "prompt_file", "unknown key");
    REFUSED(LEAST "coupling: {ks: [1]}\n", RJ_ERR_USAGE, "coupling.ks", "coupling.k?");
    REFUSED(LEAST "coupling: 3\n", RJ_ERR_USAGE, "coupling is a value");
    REFUSED(LEAST "coupling: {k: 3}\n", RJ_ERR_USAGE, "needs a list");
    REFUSED(LEAST "coupling: {k: [0]}\n", RJ_ERR_USAGE, "\"0\"", "counts >= 1");
    REFUSED(LEAST "coupling: {k: [1.5d]}\n", RJ_ERR_USAGE, "\"1.5d\"");
    REFUSED(LEAST "coupling: {k: [nan]}\n", RJ_ERR_USAGE, "\"nan\"");
    REFUSED(LEAST "coupling: {k: [3, 3]}\n", RJ_ERR_USAGE, "3 twice");
    REFUSED(LEAST "seed: 1x\n", RJ_ERR_USAGE, "seed is \"1x\"", "whole number");
    REFUSED(LEAST "seed:\n", RJ_ERR_USAGE, "seed is empty");
    REFUSED(LEAST "seed: 1\nseed: 2\n", RJ_ERR_USAGE, "some/deck.yaml:5: seed stands twice");
    REFUSED(LEAST "arithmetic: half\n", RJ_ERR_USAGE, "\"half\", needs single | double");
    REFUSED(LEAST "layout: {memory_per_rank: 3X}\n", RJ_ERR_USAGE, "\"3X\"");
    REFUSED(LEAST "svd: {method: lanczos}\n", RJ_ERR_USAGE, "\"lanczos\", needs auto | full | krylov | matrix-free");
    REFUSED(LEAST "svd: {tolerance: 3e-3}\n", RJ_ERR_USAGE, "\"3e-3\", needs auto or 1e-14..1e-3");
    REFUSED(LEAST "svd: {tolerance: 0}\n", RJ_ERR_USAGE, "\"0\", needs auto or 1e-14..1e-3");
    REFUSED(LEAST "scores: {table: s.csv}\n", RJ_ERR_USAGE, "scores.columns is missing", "some/s.csv");
    REFUSED(LEAST "scores: {columns: [a]}\n", RJ_ERR_USAGE, "scores.table is missing");
    REFUSED(LEAST "scores: {table: s.csv, columns: a}\n", RJ_ERR_USAGE, "scores.columns", "needs a list");
    REFUSED(LEAST "scores: {table: s.csv, columns: []}\n", RJ_ERR_USAGE, "scores.columns has 0 entries");
    REFUSED(LEAST "scores: {table: s.csv, columns: [a], primary: stable_rnk}\n", RJ_ERR_USAGE,
            "\"stable_rnk\"", "does not measure", "excess_coupling_k10_offdiag");
    REFUSED(LEAST "scores: {resamples: 99}\n", RJ_ERR_USAGE, "scores.resamples", "100..100000");
    REFUSED(LEAST "weights: {stage_to: x}\n", RJ_ERR_USAGE, "weights.stage_to", "cannot do that yet");
    REFUSED(LEAST "store: {alignment: 2}\n", RJ_ERR_USAGE, "some/deck.yaml:4: store.alignment",
            "needs a list");
    REFUSED(LEAST "store:\n  alignment:\n  - 1\n  - [2]\n", RJ_ERR_USAGE, "some/deck.yaml:7: store.alignment",
            "a list");
    REFUSED("models: [{path: m}\n", RJ_ERR_USAGE, "some/deck.yaml:", "not YAML");
    REFUSED("", RJ_ERR_USAGE, "is empty");
    REFUSED("models: [{path: m}]\noutput: o\n", RJ_ERR_USAGE, "prompts.file is missing");
    REFUSED("models: []\nprompts: {file: p}\noutput: o\n", RJ_ERR_USAGE, "models is missing");
    REFUSED("models: [{name: m}]\nprompts: {file: p}\noutput: o\n", RJ_ERR_USAGE, "needs a path or a glob");
    REFUSED("models: [{path: a/m}, {path: b/m}]\nprompts: {file: p}\noutput: o\n", RJ_ERR_USAGE, "two models",
            "a/m", "b/m");
    REFUSED("models: [{path: $RJ_TEST_UNSET/m}]\nprompts: {file: p}\noutput: o\n", RJ_ERR_MISSING,
            "RJ_TEST_UNSET", "not set");
    REFUSED("models: [{glob: /no/such/*.gguf}]\nprompts: {file: p}\noutput: o\n", RJ_ERR_MISSING,
            "/no/such/*.gguf");
    REFUSED("models: [{pth: m}]\nprompts: {file: p}\noutput: o\n", RJ_ERR_USAGE, "models[].pth", "path?");
}

static void globs_are_sorted_bytewise(void **x)
{
    char folder[] = "/tmp/rj-deck-XXXXXX", text[256], path[64];
    static const char *const names[] = {"b.gguf", "B.gguf", "a.gguf"};
    rj_deck *deck = NULL;
    (void)x;
    assert_non_null(mkdtemp(folder));
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        fclose(fopen(path, "w"));
    }
    snprintf(text, sizeof text,
             "models: [{glob: '%s/*.gguf', twin: random-init}]\nprompts: {file: p}\noutput: o\n", folder);
    assert_int_equal(parse(text, 0, NULL, &deck), RJ_OK);
    assert_int_equal(deck->n_models, 3);
    assert_string_equal(deck->model[0].name, "B");
    assert_string_equal(deck->model[1].name, "a");
    assert_string_equal(deck->model[2].name, "b");
    assert_true(deck->model[2].twin);
    rj_deck_free(&deck);
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        remove(path);
    }
    remove(folder);
}

static void fractions_are_floored_and_checked(void **x)
{
    const rj_deck_k tenth = {"0.1d", 0, 0.1}, fifty = {"50", 50, 0.0};
    int n = -1;
    (void)x;
    assert_int_equal(rj_deck_k_count(&tenth, 576, "m", &n), RJ_OK);
    assert_int_equal(n, 57);
    assert_int_equal(rj_deck_k_count(&tenth, 9, "m", &n), RJ_ERR_USAGE);
    assert_int_equal(rj_deck_k_count(&fifty, 36, "tiny", &n), RJ_ERR_USAGE);
    assert_non_null(strstr(rj_status_message(), "K = 50, model tiny has d = 36"));
    assert_int_equal(n, 57);
}

static void every_allocation_may_fail(void **x)
{
    rj_deck *deck = NULL;
    rj_status st = RJ_ERR_NOMEM;
    (void)x;
    for (int i = 0; st != RJ_OK; i++) {
        assert_true(i < 200);
        rj_memory_fail_after(i);
        st = parse(LEAST "coupling: {k: [1]}\nstore: {alignment: [1]}\n"
                         "tokens: {mode: self, at: [0, 1], layers: [1]}\n",
                   0, NULL, &deck);
        rj_memory_fail_after(-1);
        assert_true(st == RJ_OK || (st == RJ_ERR_NOMEM && deck == NULL && rj_memory_live() == 0));
    }
    rj_deck_free(&deck);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_those_of_the_contract),
        cmocka_unit_test(scores_are_named),
        cmocka_unit_test(names_of_models_are_names_of_groups),
        cmocka_unit_test(every_key_is_read),
        cmocka_unit_test(overrides_come_last),
        cmocka_unit_test(bad_decks_are_refused_by_file_line_and_key),
        cmocka_unit_test(globs_are_sorted_bytewise),
        cmocka_unit_test(fractions_are_floored_and_checked),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
