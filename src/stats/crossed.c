/* crossed.c: models run in the innermost loop: it vectorises, and each model's sum keeps the order of the prompts. */
#include "resjac/stats/crossed.h"

#include <math.h>
#include <string.h>

#include "resjac/base/memory.h"
#include "resjac/stats/bootstrap.h"

rj_status rj_crossed_means(const rj_rng *rng, int n_draws, int n_prompts, int n_models, const double *value,
                           double *mean)
{
    rj_status st = RJ_OK;
    int *index = NULL;
    double *times = NULL, *known = NULL, *filled = NULL, *count = NULL;
    const ptrdiff_t n = (ptrdiff_t)n_prompts * n_models;

    RJ_NEW(index, n_prompts, 1);
    RJ_NEW(times, n_prompts, 1);
    RJ_NEW(known, n, 1);
    RJ_NEW(filled, n, 1);
    RJ_NEW(count, n_models, 1);
    for (ptrdiff_t i = 0; i < n; i++) {
        known[i] = isnan(value[i]) ? 0.0 : 1.0;
        filled[i] = isnan(value[i]) ? 0.0 : value[i];
    }
    for (int draw = 0; draw < n_draws; draw++) {
        double *sum = mean + (ptrdiff_t)draw * n_models;
        memset(sum, 0, (size_t)n_models * sizeof *sum);
        memset(count, 0, (size_t)n_models * sizeof *count);
        memset(times, 0, (size_t)n_prompts * sizeof *times);
        rj_draw_resample(rng, draw, n_prompts, index);
        for (int p = 0; p < n_prompts; p++) times[index[p]] += 1.0;
        for (int p = 0; p < n_prompts; p++) {
            const double *x = filled + (ptrdiff_t)p * n_models, *k = known + (ptrdiff_t)p * n_models;
            if (times[p] == 0.0) continue;
            for (int m = 0; m < n_models; m++) sum[m] += times[p] * x[m];
            for (int m = 0; m < n_models; m++) count[m] += times[p] * k[m];
        }
        for (int m = 0; m < n_models; m++) sum[m] = count[m] > 0.0 ? sum[m] / count[m] : (double)NAN;
    }
done:
    rj_free(index);
    rj_free(times);
    rj_free(known);
    rj_free(filled);
    rj_free(count);
    return st;
}

/* The values of the models that take part, prompts that one of them lacks left out: table [*n_prompts, *n_models]. */
static void complete(int n_prompts, int n_models, const double *value, const bool *counts, bool *taken,
                     double *table, int *rows, int *columns)
{
    *rows = *columns = 0;
    for (int m = 0; m < n_models; m++) {
        taken[m] = false;
        for (int p = 0; p < n_prompts && counts[m]; p++)
            taken[m] = taken[m] || !isnan(value[(ptrdiff_t)p * n_models + m]);
        *columns += taken[m];
    }
    for (int p = 0; p < n_prompts; p++) {
        const double *row = value + (ptrdiff_t)p * n_models;
        double *to = table + (ptrdiff_t)*rows * *columns;
        bool whole = true;
        for (int m = 0; m < n_models; m++) {
            if (!taken[m]) continue;
            whole = whole && !isnan(row[m]);
            *to++ = row[m];
        }
        *rows += whole;
    }
}

rj_status rj_reliability(int n_prompts, int n_models, const double *value, const bool *counts,
                         double *reliability)
{
    rj_status st = RJ_OK;
    bool *taken = NULL;
    double *table = NULL, *model = NULL, *prompt = NULL, all = 0.0, between = 0.0, rest = 0.0;
    int P = 0, M = 0;

    RJ_NEW(taken, n_models, 1);
    RJ_NEW(table, n_prompts, n_models);
    RJ_NEW(model, n_models, 1);
    RJ_NEW(prompt, n_prompts, 1);
    complete(n_prompts, n_models, value, counts, taken, table, &P, &M);
    *reliability = (double)NAN;
    if (P < 2 || M < 2) goto done;
    for (int p = 0; p < P; p++)
        for (int m = 0; m < M; m++) {
            const double x = table[(ptrdiff_t)p * M + m];
            model[m] += x / P;
            prompt[p] += x / M;
            all += x / P / M;
        }
    for (int m = 0; m < M; m++) between += P * (model[m] - all) * (model[m] - all);
    for (int p = 0; p < P; p++)
        for (int m = 0; m < M; m++) {
            const double off = table[(ptrdiff_t)p * M + m] - model[m] - prompt[p] + all;
            rest += off * off;
        }
    if (between > 0.0) *reliability = 1.0 - rest / (P - 1) / between;
done:
    rj_free(taken);
    rj_free(table);
    rj_free(model);
    rj_free(prompt);
    return st;
}
