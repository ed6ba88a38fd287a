/* score_summary.c: the tables are as small as models times measures, so they are read whole. */
#include "resjac/report/score_summary.h"

#include <math.h>
#include <netcdf.h>
#include <string.h>

#include "ncread.h"
#include "resjac/base/memory.h"

static rj_status read_matrix(const rj_ncread *root, const char *name, const char *dims, int rows, int columns,
                             double **value)
{
    rj_status st = RJ_OK;

    RJ_NEW(*value, rows, columns);
    RJ_TRY(rj_ncread_rows(root, name, dims, 0, rows, *value));
done:
    return st;
}

/* A table that only a file with statistics has; NAN without it. */
static rj_status read_optional(const rj_ncread *root, const char *name, const char *dims, int rows,
                               int columns, double **value)
{
    rj_status st = RJ_OK;
    int id = 0;

    if (nc_inq_varid(root->id, name, &id) == NC_NOERR) {
        RJ_TRY(read_matrix(root, name, dims, rows, columns, value));
        goto done;
    }
    RJ_NEW(*value, rows, columns);
    for (ptrdiff_t i = 0; i < (ptrdiff_t)rows * columns; i++) (*value)[i] = NAN;
done:
    return st;
}

static rj_status read_tables(const rj_ncread *root, rj_score_summary *s)
{
    rj_status st = RJ_OK;

    RJ_NEW(s->measure, s->n_measures, 1);
    RJ_NEW(s->benchmark, s->n_benchmarks, 1);
    RJ_NEW(s->lineage, s->n_models, 1);
    RJ_NEW(s->reason, s->n_measures, s->n_benchmarks);
    RJ_TRY(rj_ncread_texts(root, "measure_name", "measure", s->n_measures, s->measure));
    RJ_TRY(rj_ncread_texts(root, "lineage", "model", s->n_models, s->lineage));
    RJ_TRY(read_matrix(root, "value", "model,measure", s->n_models, s->n_measures, &s->value));
    RJ_TRY(read_optional(root, "value_low", "model,measure", s->n_models, s->n_measures, &s->low));
    RJ_TRY(read_optional(root, "value_high", "model,measure", s->n_models, s->n_measures, &s->high));
    RJ_TRY(read_optional(root, "reliability", "measure", s->n_measures, 1, &s->reliability));
    if (s->n_benchmarks == 0) goto done;
    RJ_TRY(rj_ncread_texts(root, "benchmark_name", "benchmark", s->n_benchmarks, s->benchmark));
    RJ_TRY(read_matrix(root, "benchmark_score", "model,benchmark", s->n_models, s->n_benchmarks, &s->score));
    RJ_TRY(rj_ncread_texts(root, "statistics_status", "measure,benchmark",
                           (ptrdiff_t)s->n_measures * s->n_benchmarks, s->reason));
    for (int i = 0; i < RJ_N_STATISTICS; i++)
        RJ_TRY(read_matrix(root, rj_statistics[i].name, "measure,benchmark", s->n_measures, s->n_benchmarks,
                           &s->statistic[i]));
done:
    return st;
}

int rj_score_summary_measure(const rj_score_summary *s, const char *name)
{
    for (int i = 0; i < s->n_measures; i++)
        if (strcmp(s->measure[i], name) == 0) return i;
    return -1;
}

static rj_status choose(const rj_ncread *root, rj_score_summary *s)
{
    rj_status st = RJ_OK;
    char *primary = NULL;

    s->shown = s->primary = -1;
    if (s->n_benchmarks > 0) {
        RJ_TRY(rj_ncread_attribute(root, "scores_primary", &primary));
        s->primary = rj_score_summary_measure(s, primary);
    }
    for (int i = 0; i < s->n_measures && s->shown < 0; i++)
        if (strncmp(s->measure[i], "excess_coupling_k", 17) == 0) s->shown = i;
    if (s->primary >= 0) s->shown = s->primary;
done:
    rj_free(primary);
    return st;
}

rj_status rj_score_summary_read(int root, const char *file, rj_score_summary **summary)
{
    rj_status st = RJ_OK;
    const rj_ncread group = {.id = root, .file = file, .name = "/"};
    rj_score_summary *s = NULL;
    ptrdiff_t models = 0, measures = 0, benchmarks = 0;
    int dim = -1;

    RJ_TRY(rj_ncread_size(&group, "model", &models));
    RJ_TRY(rj_ncread_size(&group, "measure", &measures));
    if (nc_inq_dimid(root, "benchmark", &dim) == NC_NOERR)
        RJ_TRY(rj_ncread_size(&group, "benchmark", &benchmarks));
    RJ_REQUIRE(models <= 100000 && measures <= 100000 && benchmarks <= 1000, RJ_ERR_FORMAT,
               "%s: %td models, %td measures, %td benchmarks: more than are read", file, models, measures,
               benchmarks);
    RJ_NEW(s, 1, 1);
    s->n_models = (int)models;
    s->n_measures = (int)measures;
    s->n_benchmarks = (int)benchmarks;
    RJ_TRY(read_tables(&group, s));
    RJ_TRY(choose(&group, s));
    *summary = s;
    s = NULL;
done:
    rj_score_summary_free(&s);
    return st;
}

void rj_score_summary_free(rj_score_summary **summary)
{
    rj_score_summary *s = *summary;

    if (s == NULL) return;
    rj_free(s->measure);
    rj_free(s->benchmark);
    rj_free(s->lineage);
    rj_free(s->value);
    rj_free(s->low);
    rj_free(s->high);
    rj_free(s->score);
    rj_free(s->reliability);
    rj_free(s->reason);
    for (int i = 0; i < RJ_N_STATISTICS; i++) rj_free(s->statistic[i]);
    RJ_FREE(*summary);
}
