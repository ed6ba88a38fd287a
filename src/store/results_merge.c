/* results_merge.c: Welford's update, one prompt after the other, so that the result depends on their order alone. */
#include "results_merge.h"

#include <math.h>
#include <string.h>

#include "resjac/base/agree.h"
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

void rj_merge_add(rj_merge *merge, const rj_shard_head *head, const rj_record *record, int n_measures,
                  const rj_measure *measure)
{
    const rj_record *r = record;

    for (ptrdiff_t p = 0; p < r->sizes.size[RJ_DIM_PROMPT]; p++) {
        if (rj_record_at(r, RJ_VAR_PROMPT_STATUS, p)[0] != 0.0) continue;
        for (int i = 0; i < RJ_N_VARIABLES; i++) {
            if (merge->variable[i].n == 0) continue;
            const double *value = rj_record_at(r, (rj_variable_id)i, p);
            for (ptrdiff_t j = 0; j < merge->variable[i].n; j++)
                moments_add(&merge->variable[i], j, value[j]);
        }
        for (int m = 0; m < n_measures; m++)
            moments_add(&merge->measure, m, rj_measure_prompt(&measure[m], head, r, p));
    }
}

/* Moments 0 to RJ_N_VARIABLES - 1 are of variables, the last of measures. */
static const rj_moments *moments_at(const rj_merge *merge, int i)
{
    return i < RJ_N_VARIABLES ? &merge->variable[i] : &merge->measure;
}

void rj_merge_send(MPI_Comm comm, int to, const rj_merge *merge)
{
    for (int i = 0; i <= RJ_N_VARIABLES; i++) {
        const rj_moments *m = moments_at(merge, i);
        const double *part[3] = {m->count, m->mean, m->m2};
        for (int j = 0; j < 3 && m->n > 0; j++)
            RJ_MPI(comm, MPI_Send(part[j], (int)m->n, MPI_DOUBLE, to, i, comm));
    }
}

void rj_merge_receive(MPI_Comm comm, int from, rj_merge *merge)
{
    for (int i = 0; i <= RJ_N_VARIABLES; i++) {
        const rj_moments *m = moments_at(merge, i);
        double *part[3] = {m->count, m->mean, m->m2};
        for (int j = 0; j < 3 && m->n > 0; j++)
            RJ_MPI(comm, MPI_Recv(part[j], (int)m->n, MPI_DOUBLE, from, i, comm, MPI_STATUS_IGNORE));
    }
}

/* A whole variable (k,layer,layer_j), by the rank that has the moments. */
static rj_status put_moments(const rj_nc *nc, const rj_layout *layout, int id, const rj_moments *moments,
                             double (*of)(const rj_moments *, ptrdiff_t))
{
    rj_status st = RJ_OK;
    const ptrdiff_t *size = layout->sizes.size;
    const double nothing = 0.0;
    double *value = NULL;

    if (moments != NULL) st = rj_alloc((void **)&value, moments->n, 1, sizeof *value, __FILE__, __LINE__);
    for (ptrdiff_t i = 0; value != NULL && i < moments->n; i++) value[i] = of(moments, i);
    const size_t start[3] = {0}, count[3] = {value != NULL ? (size_t)size[RJ_DIM_K] : 0,
                                             (size_t)size[RJ_DIM_LAYER], (size_t)size[RJ_DIM_LAYER_J]};
    errno = 0;
    const int error = nc_put_vara_double(layout->group, id, start, count, value != NULL ? value : &nothing);
    if (st == RJ_OK && error != NC_NOERR)
        st = rj_nc_raise(nc, error, "nc_put_vara_double", __FILE__, __LINE__);
    rj_free(value);
    return st;
}

rj_status rj_merge_put(const rj_nc *nc, const rj_layout *layout, const rj_merge *merge)
{
    rj_status st = RJ_OK;

    for (int i = 0; i < RJ_N_VARIABLES; i++)
        for (int j = 0; j < 2 && layout->mean[i] >= 0; j++) {
            const rj_moments *m = merge != NULL && st == RJ_OK ? &merge->variable[i] : NULL;
            const rj_status next = put_moments(nc, layout, j == 0 ? layout->mean[i] : layout->sd[i], m,
                                               j == 0 ? moments_mean : moments_sd);
            if (st == RJ_OK) st = next;
        }
    return st;
}

void rj_merge_values(const rj_merge *merge, const rj_model_facts *facts, int n_measures,
                     const rj_measure *measure, double *value)
{
    for (int m = 0; m < n_measures; m++)
        value[m] = measure[m].kind < RJ_MEASURE_LN_PARAMETERS ? moments_mean(&merge->measure, m)
                                                              : rj_measure_fact(&measure[m], facts);
}
