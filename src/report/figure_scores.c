/* figure_scores.c: one measure against one benchmark: a mark a model, its interval over prompts, the means of lineages with
 * their line, which the primary test goes by; beside it two rivals. */
#include <math.h>
#include <string.h>

#include "figure_kinds.h"
#include "legend.h"
#include "place.h"
#include "resjac/base/memory.h"
#include "resjac/stats/distribution.h"
#include "score_points.h"
#include "style.h"

/* Pixels of the panels. */
enum {
    WIDTH = RJ_STYLE_WIDTH,
    PANELS = 400,
    LEFT = 62,
    MAIN_RIGHT = 436,
    RIVAL_LEFT = 508,
    RIGHT = WIDTH - 14,
    GAP = 76
};
enum { NAME_FONT = 10, MOST_LINEAGES = 15 };
#define BAND "#e4ebf2"

bool rj_figure_scores_any(const rj_figure_job *job)
{
    int n = 0;

    for (int m = 0; m < job->all->scores->n_models; m++) n += rj_points_have(job, m);
    return n > 1;
}

static void widen(double range[2], double x)
{
    if (!isfinite(x)) return;
    range[0] = fmin(range[0], x);
    range[1] = fmax(range[1], x);
}

static double twin_value(const rj_figure_job *job, int model)
{
    const rj_score_summary *s = job->all->scores;
    const int twin = job->all->model[model].twin;

    return twin >= 0 ? s->value[(ptrdiff_t)twin * s->n_measures + s->shown] : (double)NAN;
}

/* Chance, and the twins about it, are in view unless that would squeeze the models into less than half of the panel. */
static void panel_range(const rj_figure_job *job, const rj_points *p, int panel, double range[2])
{
    double wide[2];

    range[0] = INFINITY;
    range[1] = -INFINITY;
    for (int i = 0; i < p->n; i++) {
        widen(range, p->x[panel][i]);
        if (panel == 0) widen(range, p->low[i]);
        if (panel == 0) widen(range, p->high[i]);
    }
    memcpy(wide, range, sizeof wide);
    if (panel == 0 && strncmp(job->all->scores->measure[p->measure[0]], "excess_coupling", 15) == 0)
        widen(wide, 0.0);
    for (int i = 0; i < p->n && panel == 0; i++) widen(wide, twin_value(job, p->model[i]));
    if (range[1] - range[0] >= 0.5 * (wide[1] - wide[0])) memcpy(range, wide, sizeof wide);
    rj_style_range(&range[0], &range[1]);
}

/* y = a + b x through the means of lineages with its 95 % band; false where there is none. */
static bool fit(FILE *script, const rj_points *p, int panel)
{
    const double *x = p->mean_x[panel], *y = p->mean_y, n = p->n_lineages;
    double mx = 0.0, my = 0.0, xx = 0.0, xy = 0.0, yy = 0.0;

    for (int g = 0; g < p->n_lineages; g++) {
        mx += x[g] / n;
        my += y[g] / n;
    }
    for (int g = 0; g < p->n_lineages; g++) {
        xx += (x[g] - mx) * (x[g] - mx);
        xy += (x[g] - mx) * (y[g] - my);
        yy += (y[g] - my) * (y[g] - my);
    }
    if (p->n_lineages < 3 || !(xx > 0.0)) return false;
    const double b = xy / xx, rest = fmax(yy - b * xy, 0.0);
    fprintf(script, "line(x) = %.9g + %.9g*(x - (%.9g))\n", my, b, mx);
    fprintf(script, "half(x) = %.9g*sqrt(%.9g + (x - (%.9g))**2/%.9g)\n",
            rj_student_quantile(0.975, n - 2.0) * sqrt(rest / (n - 2.0)), 1.0 / n, mx, xx);
    return true;
}

static void colour_of(const rj_points *p, int lineage, char colour[8])
{
    rj_style_viridis(p->n_lineages > 1 ? 0.9 * lineage / (p->n_lineages - 1) : 0.3, colour);
}

static int mark_of(int lineage)
{
    static const int filled[] = {7, 5, 9, 11, 13}; /* the open mark of each is one less */
    return filled[lineage % 5];
}

/* Line, intervals, a small mark a model, a large open one a lineage of several. */
static void plot(const rj_figure_job *job, const rj_points *p, int panel, bool line)
{
    FILE *script = job->script;
    const int column = panel == 0 ? 4 : 6 + panel, score = 6 + p->n_panels;
    char colour[8];

    fputs("plot \\\n", script);
    if (line)
        fputs("  '+' using 1:(line($1)-half($1)):(line($1)+half($1)) with filledcurves fillcolor rgb '" BAND
              "', \\\n"
              "  line(x) with lines linewidth 1.4 linecolor rgb '" RJ_STYLE_TRAINED "', \\\n",
              script);
    if (panel == 0)
        fprintf(
            script,
            "  data skip 1 using 4:%d:5:6 with xerrorbars pointtype 0 linewidth 1 linecolor rgb '%s', \\\n",
            score, RJ_STYLE_GREY);
    for (int g = 0; g < p->n_lineages; g++) {
        colour_of(p, g, colour);
        fprintf(script,
                "  data skip 1 using ($3 == %d ? $%d : NaN):%d with points pointtype %d pointsize 0.55 "
                "linecolor rgb "
                "'%s', \\\n",
                g, column, score, mark_of(g), colour);
        fprintf(script,
                "  $means using ($1 == %d && $2 > 1 ? $%d : NaN):3 with points pointtype %d pointsize 1.3 "
                "linewidth 1.6 "
                "linecolor rgb '%s'%s\n",
                g, 4 + panel, mark_of(g) - 1, colour, g + 1 < p->n_lineages ? ", \\" : "");
    }
}

static void fill_legend(const rj_figure_job *job, const rj_points *p, rj_legend *legend)
{
    char colour[8], label[RJ_LABEL_SIZE];
    bool twins = false, several = false;

    for (int g = 0; g < p->n_lineages && p->n_lineages <= MOST_LINEAGES; g++) {
        int model = 0;
        while (p->lineage[model] != g) model++;
        colour_of(p, g, colour);
        rj_escape_label(job->all->scores->lineage[p->model[model]], label);
        rj_legend_add(legend, RJ_LEGEND_MARK + mark_of(g), colour, label);
    }
    for (int i = 0; i < p->n; i++) {
        twins = twins || isfinite(twin_value(job, p->model[i]));
        several = several || p->n_lineages < p->n;
    }
    if (several) rj_legend_add(legend, RJ_LEGEND_MARK + 6, "#333333", "mean of a lineage");
    rj_legend_add(legend, RJ_LEGEND_WHISKER, RJ_STYLE_GREY, "95 % over prompts");
    if (p->n_lineages > 2) rj_legend_add(legend, RJ_LEGEND_LINE, RJ_STYLE_TRAINED, "line of lineages");
    if (p->n_lineages > 2) rj_legend_add(legend, RJ_LEGEND_BAND, BAND, "its 95 % band");
    if (twins) rj_legend_add(legend, RJ_LEGEND_LINE, RJ_STYLE_TWIN, "random-init twins");
}

/* The names of models beside their marks, where there is room; the means of lineages are in the way too. */
static rj_status write_names(const rj_figure_job *job, const rj_points *p, const rj_box *box, int height,
                             const double x[2], const double y[2])
{
    rj_status st = RJ_OK;
    rj_placed *name = NULL;
    char label[RJ_LABEL_SIZE];
    const double wide = (box->right - box->left) / (x[1] - x[0]),
                 high = (box->top - box->bottom) / (y[1] - y[0]);

    RJ_NEW(name, p->n + p->n_lineages, 1);
    for (int i = 0; i < p->n; i++) {
        rj_escape_label(job->all->model[p->model[i]].name, label);
        name[i].x = box->left + (p->x[0][i] - x[0]) * wide;
        name[i].y = box->bottom + (p->y[i] - y[0]) * high;
        name[i].width = rj_place_width(label, NAME_FONT);
    }
    for (int g = 0; g < p->n_lineages; g++) {
        name[p->n + g].x = box->left + (p->mean_x[0][g] - x[0]) * wide;
        name[p->n + g].y = box->bottom + (p->mean_y[g] - y[0]) * high;
    }
    rj_place_names(p->n + p->n_lineages, name, box, NAME_FONT + 2);
    for (int i = 0; i < p->n; i++) {
        if (!name[i].placed) continue;
        rj_escape_label(job->all->model[p->model[i]].name, label);
        fprintf(job->script,
                "set label %d '%s' at screen %.5f, screen %.5f left front noenhanced font ',%d'\n", 10 + i,
                label, name[i].name_x / WIDTH, name[i].name_y / height, NAME_FONT);
    }
done:
    rj_free(name);
    return st;
}

/* Chance as a line, twins as ticks on the axis. */
static void write_references(const rj_figure_job *job, const rj_points *p, const double range[2])
{
    int tag = 10;

    if (strncmp(job->all->scores->measure[p->measure[0]], "excess_coupling", 15) == 0 && range[0] < 0.0 &&
        range[1] > 0.0)
        fputs("set arrow 1 from 0,graph 0 to 0,graph 1 nohead front dashtype 3 linewidth 1.4 linecolor rgb "
              "'#333333'\n"
              "set label 3 'chance' at 0,graph 0.985 right rotate by 90 offset -1.1,0 front font ',10' "
              "textcolor rgb "
              "'#333333'\n",
              job->script);
    for (int i = 0; i < p->n; i++) {
        const double x = twin_value(job, p->model[i]);
        if (x > range[0] && x < range[1])
            fprintf(job->script,
                    "set arrow %d from %.9g,graph 0 to %.9g,graph 0.03 nohead front linewidth 2 linecolor "
                    "rgb '%s'\n",
                    ++tag, x, x, RJ_STYLE_TWIN);
    }
}

static void write_title(const rj_figure_job *job, const rj_points *p, int height)
{
    const rj_score_summary *s = job->all->scores;
    const ptrdiff_t at = (ptrdiff_t)s->shown * s->n_benchmarks + job->figure->benchmark;
    char title[160];

    if (isnan(s->statistic[RJ_STAT_LINEAGE_P][at]))
        snprintf(title, sizeof title, "%d lineages of %d models: no test", p->n_lineages, p->n);
    else
        snprintf(title, sizeof title, "lineage r = %.3f, p = %.2g, %.0f lineages of %.0f models",
                 s->statistic[RJ_STAT_LINEAGE_R][at], s->statistic[RJ_STAT_LINEAGE_P][at],
                 s->statistic[RJ_STAT_N_LINEAGES][at], s->statistic[RJ_STAT_N_MODELS][at]);
    rj_style_begin(job->script, job->figure->stem, WIDTH, height, s->benchmark[job->figure->benchmark],
                   title);
}

/* The rivals, one above the other at the right. */
static void plot_rival(const rj_figure_job *job, const rj_points *p, int panel, int height, int bottom)
{
    const rj_score_summary *s = job->all->scores;
    const int top = height - 62, high = (top - bottom - GAP) / 2;
    const int from = panel == 1 ? bottom + high + GAP : bottom;
    const double r = s->statistic[RJ_STAT_LINEAGE_R]
                                 [(ptrdiff_t)p->measure[panel] * s->n_benchmarks + job->figure->benchmark];
    double range[2];
    char label[RJ_LABEL_SIZE];

    panel_range(job, p, panel, range);
    rj_style_panel(job->script, WIDTH, height, RIVAL_LEFT, RIGHT, from, from + high);
    rj_escape_label(s->measure[p->measure[panel]], label);
    fprintf(job->script, "set xrange [%.9g:%.9g]\nset xtics %.9g\nset xlabel '%s' noenhanced\n", range[0],
            range[1], rj_style_tick(range[0], range[1], 4), label);
    if (isfinite(r))
        fprintf(job->script, "set title 'lineage r = %.3f' offset 0,-0.7\n", r);
    else
        fputs("set title 'no correlation' offset 0,-0.7\n", job->script);
    plot(job, p, panel, fit(job->script, p, panel));
}

static rj_status draw(const rj_figure_job *job, const rj_points *p)
{
    rj_status st = RJ_OK;
    const rj_score_summary *s = job->all->scores;
    FILE *script = job->script;
    rj_legend legend = {0};
    double x[2], y[2] = {INFINITY, -INFINITY};
    char label[RJ_LABEL_SIZE];

    fill_legend(job, p, &legend);
    const int bottom = rj_legend_room(&legend, WIDTH), height = PANELS + bottom;
    const rj_box box = {LEFT, p->n_panels > 1 ? MAIN_RIGHT : RIGHT, bottom, height - 44};
    write_title(job, p, height);
    rj_points_write_means(script, p);
    panel_range(job, p, 0, x);
    for (int i = 0; i < p->n; i++) widen(y, p->y[i]);
    rj_style_range(&y[0], &y[1]);
    rj_style_panel(script, WIDTH, height, (int)box.left, (int)box.right, (int)box.bottom, (int)box.top);
    rj_legend_write(script, &legend, WIDTH, height);
    fprintf(script, "set xrange [%.9g:%.9g]\nset yrange [%.9g:%.9g]\n", x[0], x[1], y[0], y[1]);
    rj_escape_label(s->measure[s->shown], label);
    fprintf(script, "set xlabel '%s' noenhanced\n", label);
    rj_escape_label(s->benchmark[job->figure->benchmark], label);
    fprintf(script, "set ylabel '%s' noenhanced offset 1.2,0\nset xtics %.9g\n", label,
            rj_style_tick(x[0], x[1], 6));
    RJ_TRY(write_names(job, p, &box, height, x, y));
    write_references(job, p, x);
    fputs("set multiplot\n", script);
    plot(job, p, 0, fit(script, p, 0));
    fputs("unset label\nunset arrow\nunset object\nunset ylabel\n", script);
    for (int i = 1; i < p->n_panels; i++) plot_rival(job, p, i, height, bottom);
    fputs("unset multiplot\n", script);
done:
    return st;
}

rj_status rj_figure_scores(const rj_figure_job *job)
{
    rj_status st = RJ_OK;
    rj_points p = {0};

    RJ_TRY(rj_points_take(job, &p));
    rj_points_write_numbers(job, &p);
    RJ_TRY(draw(job, &p));
done:
    rj_points_free(&p);
    return st;
}
