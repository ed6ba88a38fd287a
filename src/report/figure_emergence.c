/* figure_emergence.c: one training run: what comes with the steps, and whether the score comes with it. */
#include <math.h>
#include <string.h>

#include "figure_kinds.h"
#include "legend.h"
#include "output.h"
#include "resjac/base/memory.h"
#include "style.h"

enum { WIDTH = RJ_STYLE_WIDTH, PANELS = 246, TOP = 64, GAP = 68, LEFT = 62, MOST_K = 6, N_PANELS = 3 };
static const double log_ratio = 30.0; /* largest over smallest step from which on the axis is logarithmic */

/* Checkpoints in the order of their steps, and the measures that are drawn. */
typedef struct {
    int n, *model;
    int n_k, excess[MOST_K], shape, twin; /* measures; shape -1 none; twin: model, -1 none */
    bool logarithmic;
    double first; /* position of step 0 on a logarithmic axis */
} series;

static bool belongs(const rj_figure_job *job, int model)
{
    const rj_summary *m = &job->all->model[model];
    return m->trained && isfinite(m->step) && m->step >= 0.0 && strcmp(m->series, job->model->series) == 0;
}

static double value_of(const rj_figure_job *job, int model, int measure)
{
    const rj_score_summary *s = job->all->scores;
    return measure >= 0 && model >= 0 ? s->value[(ptrdiff_t)model * s->n_measures + measure] : (double)NAN;
}

bool rj_figure_emergence_any(const rj_figure_job *job)
{
    const int shown = job->all->scores->shown;
    int n = 0;

    for (int i = 0; i < job->all->n_models; i++) n += belongs(job, i) && isfinite(value_of(job, i, shown));
    return n > 1;
}

static void choose_measures(const rj_figure_job *job, series *r)
{
    const rj_score_summary *s = job->all->scores;
    char name[2 * RJ_NAME_SIZE];

    for (int i = 0; i < r->n && r->n_k == 0; i++) {
        const rj_summary *m = &job->all->model[r->model[i]];
        for (ptrdiff_t k = 0; k < m->n_k && r->n_k < MOST_K; k++) {
            snprintf(name, sizeof name, "excess_coupling_k%s_offdiag", m->k_label[k]);
            r->excess[r->n_k] = rj_score_summary_measure(s, name);
            r->n_k += r->excess[r->n_k] >= 0;
        }
    }
    r->shape = rj_score_summary_measure(s, "line_shape_score");
}

static rj_status take(const rj_figure_job *job, series *r)
{
    rj_status st = RJ_OK;
    double least = INFINITY, most = 0.0;

    RJ_NEW(r->model, job->all->n_models, 1);
    r->twin = -1;
    for (int i = 0; i < job->all->n_models; i++) {
        int at = r->n;
        const rj_summary *m = &job->all->model[i];
        if (!belongs(job, i)) continue;
        for (; at > 0 && job->all->model[r->model[at - 1]].step > m->step; at--)
            r->model[at] = r->model[at - 1];
        r->model[at] = i;
        r->n++;
        if (m->step > 0.0) least = fmin(least, m->step);
        most = fmax(most, m->step);
        if (m->twin >= 0) r->twin = m->twin;
    }
    r->logarithmic = most >= log_ratio * least;
    r->first = least / 2.0;
    choose_measures(job, r);
done:
    return st;
}

static void widen(double range[2], double x)
{
    if (!isfinite(x)) return;
    range[0] = fmin(range[0], x);
    range[1] = fmax(range[1], x);
}

/* One row a checkpoint; the ranges of the panels grow to hold it. */
static void write_numbers(const rj_figure_job *job, const series *r, double range[N_PANELS][2])
{
    const rj_score_summary *s = job->all->scores;

    fputs("model,step,position", job->csv);
    for (int c = 0; c <= r->n_k; c++) {
        const int measure = c < r->n_k ? r->excess[c] : r->shape;
        const char *name = measure >= 0 ? s->measure[measure] : "line_shape_score";
        fprintf(job->csv, ",%s,%s_low,%s_high", name, name, name);
    }
    fputs(",score\n", job->csv);
    for (int i = 0; i < r->n; i++) {
        const rj_summary *m = &job->all->model[r->model[i]];
        const ptrdiff_t row = (ptrdiff_t)r->model[i] * s->n_measures;
        rj_escape_csv(job->csv, m->name);
        fprintf(job->csv, ",%.9g,%.9g", m->step, r->logarithmic && m->step <= 0.0 ? r->first : m->step);
        for (int c = 0; c <= r->n_k; c++) {
            const int measure = c < r->n_k ? r->excess[c] : r->shape;
            const double x = value_of(job, r->model[i], measure);
            /* without intervals the line alone */
            const double low = measure >= 0 && isfinite(s->low[row + measure]) ? s->low[row + measure] : x;
            const double high = measure >= 0 && isfinite(s->high[row + measure]) ? s->high[row + measure] : x;
            const double number[] = {x, low, high};
            for (int e = 0; e < 3; e++) {
                fputc(',', job->csv);
                rj_output_number(job->csv, number[e]);
                widen(range[c < r->n_k ? 0 : 1], number[e]);
            }
        }
        const double score =
            s->n_benchmarks > 0 ? s->score[(ptrdiff_t)r->model[i] * s->n_benchmarks] : (double)NAN;
        fputc(',', job->csv);
        rj_output_number(job->csv, score);
        fputc('\n', job->csv);
        widen(range[2], score);
    }
}

static void axis(FILE *script, const rj_figure_job *job, const series *r)
{
    const double last = job->all->model[r->model[r->n - 1]].step, first = job->all->model[r->model[0]].step;

    if (!r->logarithmic) {
        fprintf(script, "set xrange [%.9g:%.9g]\nset xtics %.9g\n", first, last,
                rj_style_tick(first, last, 4));
        return;
    }
    const double begin = first > 0.0 ? first : r->first;
    const int power = (int)ceil(log10(begin)), decades = (int)floor(log10(last)) - power;
    fprintf(script, "set logscale x\nset xrange [%.9g:%.9g]\nset format x '10^{%%T}'\nset xtics ()\n",
            0.9 * begin, 1.1 * last);
    for (int e = power + (first > 0.0 ? 0 : 1); e <= (int)floor(log10(last)); e += decades > 4 ? 2 : 1)
        fprintf(script, "set xtics add (1e%d)\n", e);
    if (first <= 0.0) fprintf(script, "set xtics add ('0' %.9g)\n", r->first);
}

/* Line and interval of one measure; `column` is its first. */
static void curve(FILE *script, int column, const char *colour)
{
    fprintf(script,
            "  data skip 1 using 3:%d:%d with filledcurves fillcolor rgb '%s' fillstyle transparent solid "
            "0.18 noborder, \\\n"
            "  data skip 1 using 3:%d with linespoints pointtype 7 pointsize 0.45 linewidth 1.8 linecolor "
            "rgb '%s'",
            column + 1, column + 2, colour, column, colour);
}

static void colour_of(const series *r, int c, char colour[8])
{
    rj_style_viridis(r->n_k > 1 ? 0.8 * c / (r->n_k - 1) : 0.3, colour);
}

static void plot_excess(const rj_figure_job *job, const series *r)
{
    char colour[8];

    fputs("plot \\\n", job->script);
    for (int c = 0; c < r->n_k; c++) {
        const double twin = value_of(job, r->twin, r->excess[c]);
        colour_of(r, c, colour);
        if (isfinite(twin))
            fprintf(job->script, "  %.9g with lines dashtype 2 linewidth 1.4 linecolor rgb '%s', \\\n", twin,
                    colour);
        curve(job->script, 4 + 3 * c, colour);
        fputs(c + 1 < r->n_k ? ", \\\n" : "\n", job->script);
    }
}

static void fill_legend(const rj_figure_job *job, const series *r, rj_legend *legend)
{
    char colour[8], label[RJ_NAME_SIZE + 16], words[RJ_LABEL_SIZE];

    for (int c = 0; c < r->n_k; c++) {
        colour_of(r, c, colour);
        snprintf(label, sizeof label, "K = %s", strstr(job->all->scores->measure[r->excess[c]], "_k") + 2);
        *strrchr(label, '_') = '\0';
        rj_escape_label(label, words);
        rj_legend_add(legend, RJ_LEGEND_LINE, colour, words);
    }
    if (r->twin >= 0) rj_legend_add(legend, RJ_LEGEND_DASHED, "#333333", "random-init twin");
}

/* Panels of one width, those that have something to show. */
static void draw(const rj_figure_job *job, const series *r, int bottom, double range[N_PANELS][2])
{
    const rj_score_summary *s = job->all->scores;
    FILE *script = job->script;
    const bool shown[N_PANELS] = {true, range[1][0] <= range[1][1], range[2][0] <= range[2][1]};
    const int n = 1 + shown[1] + shown[2], width = (WIDTH - LEFT - 14 - (n - 1) * GAP) / n;
    char label[RJ_LABEL_SIZE] = "";
    int left = LEFT;

    if (s->n_benchmarks > 0) rj_escape_label(s->benchmark[0], label);
    const char *title[N_PANELS] = {"excess coupling", "line-shape score", label};
    axis(script, job, r);
    fputs("set xlabel 'training step'\nset multiplot\n", script);
    for (int p = 0; p < N_PANELS; p++) {
        if (!shown[p]) continue;
        const double twin = value_of(job, r->twin, r->shape);
        rj_style_range(&range[p][0], &range[p][1]);
        rj_style_panel(script, WIDTH, PANELS + bottom, left, left + width, bottom, PANELS + bottom - TOP);
        fprintf(script, "set yrange [%.9g:%.9g]\nset ytics %.9g\nset title '%s' noenhanced offset 0,-0.6\n",
                range[p][0], range[p][1], rj_style_tick(range[p][0], range[p][1], 6), title[p]);
        if (p == 0) {
            fputs("set xzeroaxis linetype 1 linecolor rgb '#333333'\n", script);
            plot_excess(job, r);
            fputs("unset label\nunset arrow\nunset xzeroaxis\n", script);
        } else {
            fputs("plot \\\n", script);
            if (p == 1 && twin >= range[p][0] && twin <= range[p][1])
                fprintf(script, "  %.9g with lines dashtype 2 linewidth 1.4 linecolor rgb '%s', \\\n", twin,
                        "#333333");
            if (p == 1) {
                curve(script, 4 + 3 * r->n_k, RJ_STYLE_TRAINED);
                fputc('\n', script);
            } else
                fprintf(script,
                        "  data skip 1 using 3:%d with linespoints pointtype 5 pointsize 0.5 linewidth 1.8 "
                        "linecolor rgb "
                        "'#333333'\n",
                        7 + 3 * r->n_k);
        }
        left += width + GAP;
    }
    fputs("unset multiplot\n", script);
}

rj_status rj_figure_emergence(const rj_figure_job *job)
{
    rj_status st = RJ_OK;
    series r = {0};
    rj_legend legend = {0};
    double range[N_PANELS][2] = {{0.0, 0.0}, {INFINITY, -INFINITY}, {INFINITY, -INFINITY}};

    RJ_TRY(take(job, &r));
    fill_legend(job, &r, &legend);
    const int bottom = rj_legend_room(&legend, WIDTH), height = PANELS + bottom;
    rj_style_begin(job->script, job->figure->stem, WIDTH, height, job->model->series,
                   "checkpoints of one training run");
    write_numbers(job, &r, range);
    rj_legend_write(job->script, &legend, WIDTH, height);
    for (int k = 0; k < r.n_k; k++) widen(range[0], value_of(job, r.twin, r.excess[k]));
    draw(job, &r, bottom, range);
done:
    rj_free(r.model);
    return st;
}
