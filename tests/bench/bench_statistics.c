/* bench_statistics.c: seconds that the statistics of a study take, by hand. Usage: bench_statistics MODELS MEASURES BENCHMARKS
 * PROMPTS DRAWS */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "resjac/base/clock.h"
#include "resjac/base/memory.h"
#include "resjac/base/rng.h"
#include "resjac/stats/correlate.h"

static double *normals(const char *name, ptrdiff_t n)
{
    const rj_rng rng = rj_rng_open(1, name);
    double *x = malloc((size_t)n * sizeof *x);

    if (x == NULL) abort();
    rj_rng_normals(&rng, 0, (uint64_t)n, x);
    return x;
}

int main(int argc, char **argv)
{
    int size[5];
    rj_correlations *c = NULL;

    if (argc != 6) return 64;
    for (int i = 0; i < 5; i++)
        if ((size[i] = atoi(argv[i + 1])) < 1) return 64;
    const int models = size[0], measures = size[1], benchmarks = size[2], prompts = size[3];
    const char **name = calloc((size_t)(measures + benchmarks), sizeof *name);
    bool *yes = calloc((size_t)models, sizeof *yes), *no = calloc((size_t)measures, sizeof *no);
    int *lineage = calloc((size_t)models, sizeof *lineage);
    if (name == NULL || yes == NULL || no == NULL || lineage == NULL) abort();
    for (int i = 0; i < measures + benchmarks; i++) name[i] = "x";
    for (int i = 0; i < models; i++) {
        yes[i] = true;
        lineage[i] = i / 4;
    }
    const rj_study_values s = {.n_models = models,
                               .n_measures = measures,
                               .n_benchmarks = benchmarks,
                               .n_prompts = prompts,
                               .measure = name,
                               .benchmark = name,
                               .counts = yes,
                               .lineage = lineage,
                               .value = normals("value", (ptrdiff_t)models * measures),
                               .score = normals("score", (ptrdiff_t)models * benchmarks),
                               .control = normals("control", (ptrdiff_t)RJ_N_CONTROLS * models),
                               .is_control = no,
                               .prompt_value = normals("prompt", (ptrdiff_t)measures * prompts * models)};
    const rj_study_rules rules = {1, size[4], -1, -1};
    const double start = rj_clock_now();
    if (rj_correlate(&s, &rules, &c) != RJ_OK) abort();
    printf("%d models, %d measures, %d benchmarks, %d prompts, %d draws: %.2f s\n", models, measures,
           benchmarks, prompts, size[4], rj_clock_now() - start);
    rj_correlations_free(&c);
    return 0;
}
