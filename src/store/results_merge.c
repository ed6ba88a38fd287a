/* results_merge.c: Welford's update, one prompt after the other, so that the result depends on their order alone. */
#include "results_merge.h"

#include <math.h>
#include <string.h>

#include "resjac/base/memory.h"

static rj_status moments_create(ptrdiff_t n, rj_moments *moments)
{
    rj_status st = RJ_OK;

    moments->n = n;
    RJ_NEW(moments->count, n, 1);
    RJ_NEW(moments->mean, n, 1);
    RJ_NEW(moments->m2, n, 1);
done:
    return st;
}

static void moments_free(rj_moments *moments)
{
    RJ_FREE(moments->count);
    RJ_FREE(moments->mean);
    RJ_FREE(moments->m2);
}

static void moments_add(rj_moments *m, ptrdiff_t i, double x)
{
    if (!isfinite(x)) return;
    m->count[i] += 1.0;
    const double before = x - m->mean[i];
    m->mean[i] += before / m->count[i];
    m->m2[i] += before * (x - m->mean[i]);
}

static double moments_mean(const rj_moments *m, ptrdiff_t i)
{
    return m->count[i] > 0.0 ? m->mean[i] : (double)NAN;
}

static double moments_sd(const rj_moments *m, ptrdiff_t i)
{
    return m->count[i] > 1.0 ? sqrt(m->m2[i] / (m->count[i] - 1.0)) : (double)NAN;
}

rj_status rj_merge_create(const rj_sizes *sizes, int n_measures, rj_merge *merge)
{
    rj_status st = RJ_OK;
    rj_merge m = {.measure = {0, NULL, NULL, NULL}};

    RJ_TRY(moments_create(n_measures, &m.measure));
    for (int i = 0; i < RJ_N_VARIABLES; i++)
        if (rj_schema_is_pairwise((rj_variable_id)i))
            RJ_TRY(moments_create(rj_schema_count((rj_variable_id)i, sizes), &m.variable[i]));
    *merge = m;
    memset(&m, 0, sizeof m);
done:
    rj_merge_free(&m);
    return st;
}

void rj_merge_free(rj_merge *merge)
{
    moments_free(&merge->measure);
    for (int i = 0; i < RJ_N_VARIABLES; i++) moments_free(&merge->variable[i]);
}

void rj_merge_add(rj_merge *merge, const rj_shard *shard, int n_measures, const rj_measure *measure)
{
    const rj_record *r = shard->record;

    for (ptrdiff_t p = 0; p < r->sizes.size[RJ_DIM_PROMPT]; p++) {
        if (rj_record_at(r, RJ_VAR_PROMPT_STATUS, p)[0] != 0.0) continue;
        for (int i = 0; i < RJ_N_VARIABLES; i++) {
            const double *value = rj_record_at(r, (rj_variable_id)i, p);
            for (ptrdiff_t j = 0; j < merge->variable[i].n; j++)
                moments_add(&merge->variable[i], j, value[j]);
        }
        for (int m = 0; m < n_measures; m++)
            moments_add(&merge->measure, m, rj_measure_prompt(&measure[m], &shard->head, r, p));
    }
}

rj_status rj_merge_put(const rj_nc *nc, const rj_layout *layout, const rj_merge *merge)
{
    rj_status st = RJ_OK;
    double *value = NULL;

    for (int i = 0; i < RJ_N_VARIABLES; i++) {
        const rj_moments *m = &merge->variable[i];
        if (m->n == 0) continue;
        RJ_NEW(value, m->n, 1);
        for (ptrdiff_t j = 0; j < m->n; j++) value[j] = moments_mean(m, j);
        RJ_NC(nc, nc_put_var_double(layout->group, layout->mean[i], value));
        for (ptrdiff_t j = 0; j < m->n; j++) value[j] = moments_sd(m, j);
        RJ_NC(nc, nc_put_var_double(layout->group, layout->sd[i], value));
        RJ_FREE(value);
    }
done:
    rj_free(value);
    return st;
}

void rj_merge_values(const rj_merge *merge, const rj_model_facts *facts, int n_measures,
                     const rj_measure *measure, double *value)
{
    for (int m = 0; m < n_measures; m++)
        value[m] = measure[m].kind < RJ_MEASURE_LN_PARAMETERS ? moments_mean(&merge->measure, m)
                                                              : rj_measure_fact(&measure[m], facts);
}
