/* score_points.c: which models a figure of scores shows, their lineages, and the rivals beside the measure. */
#include "score_points.h"

#include <math.h>
#include <string.h>

#include "output.h"
#include "resjac/base/memory.h"
#include "resjac/stats/lineage.h"

bool rj_points_have(const rj_figure_job *job, int model)
{
    const rj_score_summary *s = job->all->scores;

    return job->all->model[model].trained &&
           isfinite(s->value[(ptrdiff_t)model * s->n_measures + s->shown]) &&
           isfinite(s->score[(ptrdiff_t)model * s->n_benchmarks + job->figure->benchmark]);
}

/* The chance level of the coupling that is shown, and the size of the model. */
static void choose_rivals(const rj_score_summary *s, rj_points *p)
{
    const char *shown = s->measure[s->shown], *k = strstr(shown, "_k");
    char null[RJ_NAME_SIZE + 16];
    int rival[2] = {-1, rj_score_summary_measure(s, "ln_parameters")};

    if (k != NULL) {
        snprintf(null, sizeof null, "coupling_null%s", k);
        char *ending = strrchr(null, '_');
        if (strcmp(ending, "_offdiag") == 0 || strcmp(ending, "_adjacent") == 0) *ending = '\0';
        rival[0] = rj_score_summary_measure(s, null);
    }
    p->measure[p->n_panels++] = s->shown;
    for (int r = 0; r < 2; r++)
        if (rival[r] >= 0 && rival[r] != s->shown) p->measure[p->n_panels++] = rival[r];
}

void rj_points_free(rj_points *p)
{
    rj_free(p->model);
    rj_free(p->id);
    rj_free(p->lineage);
    rj_free(p->y);
    rj_free(p->low);
    rj_free(p->high);
    rj_free(p->mean_y);
    for (int i = 0; i < RJ_POINTS_PANELS; i++) {
        rj_free(p->x[i]);
        rj_free(p->mean_x[i]);
    }
}

static rj_status allocate(int n, rj_points *p)
{
    rj_status st = RJ_OK;

    RJ_NEW(p->model, n, 1);
    RJ_NEW(p->id, n, 1);
    RJ_NEW(p->lineage, n, 1);
    RJ_NEW(p->y, n, 1);
    RJ_NEW(p->low, n, 1);
    RJ_NEW(p->high, n, 1);
    RJ_NEW(p->mean_y, n, 1);
    for (int i = 0; i < RJ_POINTS_PANELS; i++) {
        RJ_NEW(p->x[i], n, 1);
        RJ_NEW(p->mean_x[i], n, 1);
    }
done:
    return st;
}

rj_status rj_points_take(const rj_figure_job *job, rj_points *p)
{
    rj_status st = RJ_OK;
    const rj_score_summary *s = job->all->scores;

    choose_rivals(s, p);
    RJ_TRY(allocate(s->n_models, p));
    for (int m = 0; m < s->n_models; m++) {
        const ptrdiff_t row = (ptrdiff_t)m * s->n_measures;
        int first = 0;
        if (!rj_points_have(job, m)) continue;
        while (strcmp(s->lineage[first], s->lineage[m]) != 0) first++;
        p->id[p->n] = first; /* a number that all of its lineage share */
        p->model[p->n] = m;
        for (int i = 0; i < p->n_panels; i++) p->x[i][p->n] = s->value[row + p->measure[i]];
        p->low[p->n] = s->low[row + s->shown];
        p->high[p->n] = s->high[row + s->shown];
        p->y[p->n++] = s->score[(ptrdiff_t)m * s->n_benchmarks + job->figure->benchmark];
    }
    p->n_lineages = rj_lineage_number(p->n, p->id, p->lineage);
    for (int i = 0; i < p->n_panels; i++)
        rj_lineage_means(p->n, p->lineage, p->n_lineages, p->x[i], p->mean_x[i]);
    rj_lineage_means(p->n, p->lineage, p->n_lineages, p->y, p->mean_y);
done:
    return st;
}

void rj_points_write_numbers(const rj_figure_job *job, const rj_points *p)
{
    const rj_score_summary *s = job->all->scores;

    fputs("model,lineage,lineage_number,measure,measure_low,measure_high", job->csv);
    for (int r = 1; r < p->n_panels; r++) fprintf(job->csv, ",%s", s->measure[p->measure[r]]);
    fputs(",score\n", job->csv);
    for (int i = 0; i < p->n; i++) {
        rj_escape_csv(job->csv, job->all->model[p->model[i]].name);
        fputc(',', job->csv);
        rj_escape_csv(job->csv, s->lineage[p->model[i]]);
        fprintf(job->csv, ",%d", p->lineage[i]);
        const double number[] = {p->x[0][i], p->low[i], p->high[i], p->x[1][i], p->x[2][i]};
        for (int c = 0; c < 2 + p->n_panels; c++) {
            fputc(',', job->csv);
            rj_output_number(job->csv, number[c]);
        }
        fputc(',', job->csv);
        rj_output_number(job->csv, p->y[i]);
        fputc('\n', job->csv);
    }
}

void rj_points_write_means(FILE *script, const rj_points *p)
{
    fputs("$means << EOD\n", script);
    for (int g = 0; g < p->n_lineages; g++) {
        int n = 0;
        for (int i = 0; i < p->n; i++) n += p->lineage[i] == g;
        fprintf(script, "%d,%d,%.9g", g, n, p->mean_y[g]);
        for (int i = 0; i < p->n_panels; i++)
            isfinite(p->mean_x[i][g]) ? fprintf(script, ",%.9g", p->mean_x[i][g]) : fputs(",NaN", script);
        fputc('\n', script);
    }
    fputs("EOD\n", script);
}
