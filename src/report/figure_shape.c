/* figure_shape.c: how straight the paths are and how evenly they grow: line-shape score and expodistance over prompts. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "figure_kinds.h"
#include "legend.h"
#include "model_rows.h"
#include "output.h"
#include "resjac/base/memory.h"
#include "style.h"

enum { WIDTH = RJ_STYLE_WIDTH, GAP = 26, TOP = 64, N_QUANTILES = 5 };
static const double log_ratio = 20.0; /* largest over smallest value from which on the axis is logarithmic */

static const double *values_of(const rj_summary *m, int panel)
{
    return panel == 0 ? m->line_shape_scores : m->expodistances;
}

bool rj_figure_shape_any(const rj_figure_job *job)
{
    bool any = false;

    for (int i = 0; i < job->all->n_models; i++)
        any = any || job->all->model[i].line_shape_score.n > 0 || job->all->model[i].expodistance.n > 0;
    return any;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Least, quartiles, largest of the finite values; NAN where there is none. `room` is for all values. */
static void quantiles(const rj_summary *m, int panel, double *room, double q[N_QUANTILES])
{
    ptrdiff_t n = 0;

    for (ptrdiff_t p = 0; m != NULL && p < m->n_measured; p++)
        if (isfinite(values_of(m, panel)[p])) room[n++] = values_of(m, panel)[p];
    if (n > 1) qsort(room, (size_t)n, sizeof *room, ascending);
    for (int i = 0; i < N_QUANTILES; i++) {
        const double at = n > 0 ? 0.25 * i * (double)(n - 1) : 0.0;
        const ptrdiff_t below = (ptrdiff_t)at, above = below + 1 < n ? below + 1 : below;
        q[i] = n > 0 ? room[below] + (at - (double)below) * (room[above] - room[below]) : (double)NAN;
    }
}

static rj_status write_numbers(const rj_figure_job *job, double range[2][2])
{
    rj_status st = RJ_OK;
    static const char *const name[] = {"line_shape_score", "expodistance"};
    const rj_summaries *s = job->all;
    double *room = NULL, q[N_QUANTILES];
    ptrdiff_t most = 0;
    int row = 0;

    for (int i = 0; i < s->n_models; i++)
        most = s->model[i].n_measured > most ? s->model[i].n_measured : most;
    RJ_NEW(room, most, 1);
    fputs("row,measure,model,minimum,quartile1,median,quartile3,maximum,twin_minimum,twin_quartile1,twin_"
          "median,"
          "twin_quartile3,twin_maximum\n",
          job->csv);
    for (int i = 0; i < s->n_models; i++) {
        const rj_summary *m = &s->model[i], *both[] = {m, rj_figure_twin_of(s, m)};
        if (!rj_rows_have(s, i)) continue;
        row++;
        for (int panel = 0; panel < 2; panel++) {
            fprintf(job->csv, "%d,%s,", row, name[panel]);
            rj_escape_csv(job->csv, m->name);
            for (int t = 0; t < 2; t++) {
                quantiles(both[t], panel, room, q);
                for (int c = 0; c < N_QUANTILES; c++) {
                    fputc(',', job->csv);
                    rj_output_number(job->csv, q[c]);
                    if (!isfinite(q[c])) continue;
                    range[panel][0] = fmin(range[panel][0], q[c]);
                    range[panel][1] = fmax(range[panel][1], q[c]);
                }
            }
            fputc('\n', job->csv);
        }
    }
done:
    rj_free(room);
    return st;
}

/* Whisker from end to end, box of the quartiles, mark at the median; `shift` in rows. */
static void boxes(FILE *script, const char *name, int column, double shift, const char *colour, bool last)
{
    fprintf(
        script,
        "  data skip 1 using (strcol(2) eq '%s' ? $%d : NaN):($1+(%.2f)):%d:%d:($1+(%.2f)):($1+(%.2f)) with "
        "boxxyerror fillcolor rgb '%s' fillstyle transparent solid 0.35 noborder, \\\n",
        name, column + 2, shift, column + 1, column + 3, shift - 0.16, shift + 0.16, colour);
    fprintf(
        script,
        "  data skip 1 using (strcol(2) eq '%s' ? $%d : NaN):($1+(%.2f)):%d:%d with xerrorbars pointtype 7 "
        "pointsize 0.5 linewidth 1.2 linecolor rgb '%s'%s\n",
        name, column + 2, shift, column, column + 4, colour, last ? "" : ", \\");
}

rj_status rj_figure_shape(const rj_figure_job *job)
{
    rj_status st = RJ_OK;
    static const char *const name[] = {"line_shape_score", "expodistance"};
    static const char *const title[] = {"line-shape score (1: straight)", "expodistance (0: exponential)"};
    FILE *script = job->script;
    const bool twins = rj_rows_twins(job->all);
    double range[2][2] = {{INFINITY, -INFINITY}, {INFINITY, -INFINITY}};
    rj_legend legend = {0};

    rj_legend_add(&legend, RJ_LEGEND_MARK + 7, RJ_STYLE_TRAINED, "model: median");
    if (twins) rj_legend_add(&legend, RJ_LEGEND_MARK + 7, RJ_STYLE_TWIN, "random-init twin");
    rj_legend_add(&legend, RJ_LEGEND_BAND, "#b9c6d3", "quartiles");
    rj_legend_add(&legend, RJ_LEGEND_WHISKER, "#5a6672", "all prompts");
    const int bottom = rj_legend_room(&legend, WIDTH) - 12, left = rj_rows_name_width(job->all);
    const int height = TOP + 10 + bottom + (RJ_ROW_HEIGHT + (twins ? 8 : 0)) * rj_rows_count(job->all);
    const int width = (WIDTH - left - GAP - 16) / 2;
    rj_style_begin(script, job->figure->stem, WIDTH, height, "All models", "shape of paths, over prompts");
    RJ_TRY(write_numbers(job, range));
    rj_legend_write(script, &legend, WIDTH, height);
    rj_rows_axis(job->all, script);
    fputs("set xlabel ''\nset multiplot\n", script);
    for (int p = 0; p < 2; p++) {
        const int from = left + p * (width + GAP);
        const bool logarithmic = range[p][0] > 0.0 && range[p][1] > log_ratio * range[p][0];
        rj_style_panel(script, WIDTH, height, from, from + width, bottom, height - TOP);
        fprintf(script, "set title '%s' offset 0,-0.6\n", title[p]);
        if (logarithmic) {
            fprintf(script,
                    "set logscale x\nset xrange [%.9g:%.9g]\nset xtics autofreq\nset format x '10^{%%T}'\n",
                    range[p][0] / 1.3, range[p][1] * 1.3);
        } else {
            rj_style_range(&range[p][0], &range[p][1]);
            fprintf(script, "unset logscale\nset format x '%%g'\nset xrange [%.9g:%.9g]\nset xtics %.9g\n",
                    range[p][0], range[p][1], rj_style_tick(range[p][0], range[p][1], 5));
        }
        fputs("plot \\\n", script);
        boxes(script, name[p], 4, twins ? -0.18 : 0.0, RJ_STYLE_TRAINED, !twins);
        if (twins) boxes(script, name[p], 9, 0.2, RJ_STYLE_TWIN, true);
        fputs("unset label\nunset arrow\nunset object\nunset ytics\n", script);
    }
    fputs("unset multiplot\n", script);
done:
    return st;
}
