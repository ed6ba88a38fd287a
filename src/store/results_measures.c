/* results_measures.c: names and definitions of the scalars that are correlated with benchmarks. */
#include "results_measures.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "resjac/base/memory.h"

static const struct {
    const char *name;
    rj_measure_kind kind;
    rj_variable_id variable;
} plain[] = {
    {"line_shape_score", RJ_MEASURE_PLAIN, RJ_VAR_LINE_SHAPE_SCORE},
    {"expodistance", RJ_MEASURE_PLAIN, RJ_VAR_EXPODISTANCE},
    {"expodistance_cv", RJ_MEASURE_PLAIN, RJ_VAR_EXPODISTANCE_CV},
    {"growth_rate", RJ_MEASURE_PLAIN, RJ_VAR_GROWTH_RATE},
    {"growth_r2", RJ_MEASURE_PLAIN, RJ_VAR_GROWTH_R2},
    {"stable_rank", RJ_MEASURE_PLAIN, RJ_VAR_STABLE_RANK},
    {"participation_ratio", RJ_MEASURE_PLAIN, RJ_VAR_PARTICIPATION_RATIO},
    {"effective_rank", RJ_MEASURE_PLAIN, RJ_VAR_EFFECTIVE_RANK},
    {"jacobian_spectral", RJ_MEASURE_PLAIN, RJ_VAR_JACOBIAN_SPECTRAL},
    {"jacobian_frobenius", RJ_MEASURE_PLAIN, RJ_VAR_JACOBIAN_FROBENIUS},
    {"ln_parameters", RJ_MEASURE_LN_PARAMETERS, RJ_N_VARIABLES},
    {"n_layers", RJ_MEASURE_N_LAYERS, RJ_N_VARIABLES},
    {"d_model", RJ_MEASURE_D_MODEL, RJ_N_VARIABLES},
};
enum { N_PLAIN = sizeof plain / sizeof plain[0] };

static rj_status add_of_k(rj_variable_id id, rj_measure_kind kind, const char *label, int *n,
                          rj_measure *measure)
{
    rj_status st = RJ_OK;
    static const char *const ending[] = {"_offdiag", "_adjacent", ""};
    rj_measure *m = &measure[(*n)++];

    const int length = snprintf(m->name, sizeof m->name, "%s_k%s%s", rj_schema[id].name, label, ending[kind]);
    RJ_REQUIRE(length < RJ_NAME_SIZE, RJ_ERR_USAGE,
               "coupling.k: the label '%s' is too long: give a shorter number", label);
    m->kind = kind;
    m->variable = id;
    m->k_label = label;
done:
    return st;
}

rj_status rj_measures_list(int n_labels, const char *const *label, int *n, rj_measure **measure)
{
    rj_status st = RJ_OK;
    int count = 0;
    rj_measure *m = NULL;

    RJ_NEW(m, 2 * RJ_N_VARIABLES * n_labels + N_PLAIN, 1);
    for (int i = 0; i < RJ_N_VARIABLES; i++)
        for (int k = 0; k < n_labels; k++) {
            const rj_variable_id id = (rj_variable_id)i;
            if (rj_schema_is_pairwise(id)) {
                RJ_TRY(add_of_k(id, RJ_MEASURE_OFFDIAG, label[k], &count, m));
                RJ_TRY(add_of_k(id, RJ_MEASURE_ADJACENT, label[k], &count, m));
            } else if (id == RJ_VAR_COUPLING_NULL) {
                RJ_TRY(add_of_k(id, RJ_MEASURE_OF_K, label[k], &count, m));
            }
        }
    for (int i = 0; i < N_PLAIN; i++, count++) {
        snprintf(m[count].name, sizeof m[count].name, "%s", plain[i].name);
        m[count].kind = plain[i].kind;
        m[count].variable = plain[i].variable;
    }
    *n = count;
    *measure = m;
    m = NULL;
done:
    rj_free(m);
    return st;
}

static double mean_of_pairs(const double *value, ptrdiff_t L, bool adjacent)
{
    double sum = 0.0, n = 0.0;

    for (ptrdiff_t i = 0; i < L; i++)
        for (ptrdiff_t j = 0; j < L; j++) {
            const bool counts = adjacent ? i - j == 1 || j - i == 1 : i != j;
            if (!counts || !isfinite(value[i * L + j])) continue;
            sum += value[i * L + j];
            n += 1.0;
        }
    return n > 0.0 ? sum / n : (double)NAN;
}

static double mean_of(const double *value, ptrdiff_t count)
{
    double sum = 0.0, n = 0.0;

    for (ptrdiff_t i = 0; i < count; i++) {
        if (!isfinite(value[i])) continue;
        sum += value[i];
        n += 1.0;
    }
    return n > 0.0 ? sum / n : (double)NAN;
}

/* (k,layer[,layer_j]): where the values of a label begin; NULL where the model has no such label. */
static const double *at_label(const rj_measure *m, const rj_shard_head *head, const rj_record *record,
                              ptrdiff_t prompt)
{
    const ptrdiff_t n_k = record->sizes.size[RJ_DIM_K],
                    n = rj_schema_count(m->variable, &record->sizes) / n_k;

    for (ptrdiff_t k = 0; k < n_k; k++)
        if (strcmp(head->k_label[k], m->k_label) == 0)
            return rj_record_at(record, m->variable, prompt) + k * n;
    return NULL;
}

double rj_measure_prompt(const rj_measure *measure, const rj_shard_head *head, const rj_record *record,
                         ptrdiff_t prompt)
{
    const rj_measure *m = measure;
    const ptrdiff_t L = record->sizes.size[RJ_DIM_LAYER];
    const double *value = m->k_label != NULL ? at_label(m, head, record, prompt) : NULL;

    if (m->k_label != NULL && value == NULL) return (double)NAN;
    switch (m->kind) {
    case RJ_MEASURE_OFFDIAG:
        return mean_of_pairs(value, L, false);
    case RJ_MEASURE_ADJACENT:
        return mean_of_pairs(value, L, true);
    case RJ_MEASURE_OF_K:
        return mean_of(value, L);
    case RJ_MEASURE_PLAIN:
        return mean_of(rj_record_at(record, m->variable, prompt),
                       rj_schema_count(m->variable, &record->sizes));
    case RJ_MEASURE_LN_PARAMETERS:
    case RJ_MEASURE_N_LAYERS:
    case RJ_MEASURE_D_MODEL:
        break;
    }
    return (double)NAN;
}

double rj_measure_fact(const rj_measure *measure, const rj_model_facts *facts)
{
    switch (measure->kind) {
    case RJ_MEASURE_LN_PARAMETERS:
        return facts->n_parameters > 0 ? log((double)facts->n_parameters) : (double)NAN;
    case RJ_MEASURE_N_LAYERS:
        return facts->n_layers > 0 ? facts->n_layers : (double)NAN;
    case RJ_MEASURE_D_MODEL:
        return facts->d_model > 0 ? facts->d_model : (double)NAN;
    case RJ_MEASURE_OFFDIAG:
    case RJ_MEASURE_ADJACENT:
    case RJ_MEASURE_OF_K:
    case RJ_MEASURE_PLAIN:
        break;
    }
    return (double)NAN;
}
