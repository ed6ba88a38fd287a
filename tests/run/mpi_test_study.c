/* mpi_test_study.c: what a deck says of a model reaches the heads of its units. */
#include "rj_test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "resjac/base/memory.h"
#include "resjac/run/deck.h"
#include "resjac/run/study.h"

static void series_and_step_reach_the_heads(void **x)
{
    char text[4096];
    rj_deck *deck = NULL;
    rj_study *study = NULL;
    const char *golden = getenv("RESJAC_GOLDEN");
    (void)x;

    assert_non_null(golden);
    const int n =
        snprintf(text, sizeof text,
                 "models:\n"
                 "  - {path: %s/llama_base, name: early, series: run, step: 512, twin: random-init}\n"
                 "  - {path: %s/llama_headsize, name: alone, benchmark_name: org/alone}\n"
                 "prompts: {file: %s/../run/two-prompts.jsonl}\n"
                 "coupling: {k: [3]}\nlayout: {unit_prompts: 1}\noutput: no-such-folder/x.nc\n",
                 golden, golden, golden);
    assert_all(n > 0 && (size_t)n < sizeof text);
    assert_all(rj_deck_parse("deck.yaml", text, (size_t)n, 0, NULL, &deck) == RJ_OK);
    assert_all(rj_study_open(rj_test_comm, deck, (int64_t)1 << 30, false, &study) == RJ_OK);
    assert_all(study->n_models == 3 && study->prompts->n == 2);
    for (int i = 0; i < 3; i++) assert_all(study->model[i].status == RJ_OK);
    const rj_shard_head early = rj_study_head(study, 0, 1), twin = rj_study_head(study, 1, 0),
                        alone = rj_study_head(study, 2, 0);
    assert_all(strcmp(early.model.series_name, "run") == 0 && early.model.series_step == 512);
    assert_all(strcmp(twin.model.series_name, "run") == 0 && twin.model.series_step == 512);
    assert_all(strcmp(alone.model.series_name, "") == 0 && isnan(alone.model.series_step));
    assert_all(strcmp(alone.model.benchmark_name, "org/alone") == 0);
    rj_study_free(&study);
    rj_deck_free(&deck);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {rj_unit_test(series_and_step_reach_the_heads)};

    rj_test_begin(&argc, &argv);
    return rj_test_end(cmocka_run_group_tests(tests, NULL, NULL));
}
