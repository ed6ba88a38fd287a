/* figure_matrix.c: measures, rivals and benchmarks with each other: means of lineages below the diagonal, models above. */
#include <math.h>
#include <string.h>

#include "figure_kinds.h"
#include "measures_shown.h"
#include "output.h"
#include "place.h"
#include "resjac/base/memory.h"
#include "resjac/stats/correlate.h"
#include "resjac/stats/correlation.h"
#include "resjac/stats/lineage.h"
#include "style.h"

enum {
    WIDTH = RJ_STYLE_WIDTH,
    MOST_BENCHMARKS = 8,
    MOST = RJ_MOST_SHOWN + MOST_BENCHMARKS,
    CELL_MOST = 34,
    TOP = 44,
    BAR = 74
};

/* What is correlated: measures, then benchmarks. */
typedef struct {
    int n, n_measures;
    rj_measure_shown shown[RJ_MOST_SHOWN];
} columns;

static columns choose(const rj_score_summary *s)
{
    columns c = {0};

    c.n_measures = rj_measures_shown(s, c.shown);
    c.n = c.n_measures + (s->n_benchmarks < MOST_BENCHMARKS ? s->n_benchmarks : MOST_BENCHMARKS);
    return c;
}

static double value_of(const rj_score_summary *s, const columns *c, int column, int model)
{
    return column < c->n_measures ? s->value[(ptrdiff_t)model * s->n_measures + c->shown[column].measure]
                                  : s->score[(ptrdiff_t)model * s->n_benchmarks + column - c->n_measures];
}

static const char *name_of(const rj_score_summary *s, const columns *c, int column)
{
    return column < c->n_measures ? s->measure[c->shown[column].measure]
                                  : s->benchmark[column - c->n_measures];
}

static const char *words_of(const rj_score_summary *s, const columns *c, int column)
{
    return column < c->n_measures ? c->shown[column].words : s->benchmark[column - c->n_measures];
}

bool rj_figure_matrix_any(const rj_figure_job *job)
{
    const rj_score_summary *s = job->all->scores;
    int n = 0;

    for (int m = 0; m < s->n_models && s->shown >= 0; m++)
        n += job->all->model[m].trained && isfinite(s->value[(ptrdiff_t)m * s->n_measures + s->shown]);
    return n >= RJ_LEAST_MODELS;
}

/* Room for the models of one pair. */
typedef struct {
    int *id, *index;
    double *x, *y, *mean_x, *mean_y;
} room;

/* A model without a lineage is one of its own. */
static int lineage_id(const rj_score_summary *s, int model)
{
    int first = 0;

    if (s->lineage[model][0] == '\0') return model;
    while (strcmp(s->lineage[first], s->lineage[model]) != 0) first++;
    return first;
}

/* Of means of lineages, or of the models' ranks; NAN where there is none. */
static rj_status correlate(const rj_figure_job *job, const columns *c, int a, int b, bool lineages, room *r,
                           double *result)
{
    rj_status st = RJ_OK;
    const rj_score_summary *s = job->all->scores;
    rj_association rank = {NAN, NAN};
    int n = 0;

    for (int m = 0; m < s->n_models; m++) {
        r->x[n] = value_of(s, c, a, m);
        r->y[n] = value_of(s, c, b, m);
        r->id[n] = lineage_id(s, m);
        n += job->all->model[m].trained && isfinite(r->x[n]) && isfinite(r->y[n]);
    }
    *result = NAN;
    if (n < RJ_LEAST_MODELS) goto done;
    if (lineages) {
        const int groups = rj_lineage_number(n, r->id, r->index);
        rj_lineage_means(n, r->index, groups, r->x, r->mean_x);
        rj_lineage_means(n, r->index, groups, r->y, r->mean_y);
        if (groups >= RJ_LEAST_LINEAGES) *result = rj_pearson_test(groups, r->mean_x, r->mean_y).value;
    } else {
        RJ_TRY(rj_spearman_test(n, r->x, r->y, &rank));
        *result = rank.value;
    }
done:
    return st;
}

static rj_status write_numbers(const rj_figure_job *job, const columns *c)
{
    rj_status st = RJ_OK;
    const rj_score_summary *s = job->all->scores;
    room r = {0};

    RJ_NEW(r.id, s->n_models, 1);
    RJ_NEW(r.index, s->n_models, 1);
    RJ_NEW(r.x, s->n_models, 1);
    RJ_NEW(r.y, s->n_models, 1);
    RJ_NEW(r.mean_x, s->n_models, 1);
    RJ_NEW(r.mean_y, s->n_models, 1);
    fputs("row,column,correlation,of,row_name,column_name\n", job->csv);
    for (int a = 0; a < c->n; a++)
        for (int b = 0; b < c->n; b++) {
            double x = NAN;
            if (a == b) continue;
            RJ_TRY(correlate(job, c, a, b, a > b, &r, &x));
            fprintf(job->csv, "%d,%d,", a + 1, b + 1);
            rj_output_number(job->csv, x);
            fprintf(job->csv, ",%s,", a > b ? "lineages" : "models");
            rj_escape_csv(job->csv, name_of(s, c, a));
            fputc(',', job->csv);
            rj_escape_csv(job->csv, name_of(s, c, b));
            fputc('\n', job->csv);
        }
done:
    rj_free(r.id);
    rj_free(r.index);
    rj_free(r.x);
    rj_free(r.y);
    rj_free(r.mean_x);
    rj_free(r.mean_y);
    return st;
}

static void write_axes(const rj_figure_job *job, const columns *c, int height, int left, int side)
{
    const rj_score_summary *s = job->all->scores;
    FILE *script = job->script;
    char label[RJ_LABEL_SIZE];

    fputs("set ytics () noenhanced\nset xtics () noenhanced rotate by -90 offset 0,0.2\n", script);
    for (int i = 0; i < c->n; i++) {
        rj_escape_label(words_of(s, c, i), label);
        fprintf(script, "set ytics add ('%s' %d)\nset xtics add ('%s' %d)\n", label, i + 1, label, i + 1);
    }
    fprintf(script,
            "set xrange [0.5:%d.5]\nset yrange [%d.5:0.5]\nset cbrange [-1:1]\nset cbtics 0.5\nunset grid\n"
            "set tics scale 0\n",
            c->n, c->n);
    fprintf(script,
            "set colorbox vertical user origin screen %.5f, screen %.5f size screen %.5f, screen %.5f\n",
            (left + side + 16.0) / WIDTH, (double)(height - TOP - side) / height, 11.0 / WIDTH,
            (double)side / height);
    fputs("set cblabel 'correlation' offset -0.5,0\n", script);
}

rj_status rj_figure_matrix(const rj_figure_job *job)
{
    rj_status st = RJ_OK;
    const rj_score_summary *s = job->all->scores;
    const columns c = choose(s);
    FILE *script = job->script;
    double longest = 0.0;
    char title[2 * RJ_NAME_SIZE], k[RJ_NAME_SIZE];

    for (int i = 0; i < c.n; i++) longest = fmax(longest, rj_place_width(words_of(s, &c, i), RJ_STYLE_FONT));
    const int left = (int)fmin(longest + 14.0, 0.42 * WIDTH);
    const int cell = (int)fmin((double)(WIDTH - left - BAR) / c.n, CELL_MOST), side = cell * c.n;
    const int height = TOP + side + left;
    RJ_TRY(write_numbers(job, &c));
    rj_measures_k(s, k);
    snprintf(title, sizeof title, "Correlations of trained models, coupling at K = %s", k);
    rj_style_begin(script, job->figure->stem, WIDTH, height, title,
                   "below the diagonal: means of lineages; above: models, by rank");
    rj_style_panel(script, WIDTH, height, left, left + side, height - TOP - side, height - TOP);
    rj_style_signed_palette(script);
    write_axes(job, &c, height, left, side);
    if (c.n > c.n_measures)
        fprintf(
            script,
            "set arrow 1 from %d.5,graph 0 to %d.5,graph 1 nohead front linecolor rgb '#333333' linewidth 1\n"
            "set arrow 2 from graph 0,first %d.5 to graph 1,first %d.5 nohead front linecolor rgb '#333333' "
            "linewidth 1\n",
            c.n_measures, c.n_measures, c.n_measures, c.n_measures);
    fputs("digits(x) = abs(x) >= 0.995 ? (x < 0 ? '-1' : '1') : (x < 0 ? '-' : '').sprintf('.%02d', "
          "int(100*abs(x) + 0.5))\n"
          "plot data skip 1 using 2:1:(0.48):(0.48):3 with boxxyerror fillcolor palette fillstyle solid "
          "noborder, \\\n"
          "  data skip 1 using 2:1:($3 == $3 ? digits($3) : '-'):(abs($3) > 0.75 ? 0xffffff : 0x1c2733) with "
          "labels "
          "font ',10' textcolor rgb variable\n",
          script);
done:
    return st;
}
