/* figure_scores.c: one measure against one benchmark: a point a model, its interval over prompts, the line of models with its
 * band, and the means of lineages, which the primary test goes by. */
#include <math.h>
#include <string.h>

#include "figure_kinds.h"
#include "output.h"
#include "resjac/stats/distribution.h"
#include "style.h"

/* Sums over the points of the figure. */
typedef struct {
    int n;
    double mean_x, mean_y, xx, xy, yy;
    double low_x, high_x, low_y, high_y; /* with intervals */
} cloud;

static bool is_point(const rj_figure_job *job, int model)
{
    const rj_score_summary *s = job->all->scores;

    return job->all->model[model].trained &&
           isfinite(s->value[(ptrdiff_t)model * s->n_measures + s->shown]) &&
           isfinite(s->score[(ptrdiff_t)model * s->n_benchmarks + job->figure->benchmark]);
}

static void add(cloud *c, double x, double y, double low, double high)
{
    const double dx = x - c->mean_x, dy = y - c->mean_y;

    c->n++;
    c->mean_x += dx / c->n;
    c->mean_y += dy / c->n;
    c->xx += dx * (x - c->mean_x);
    c->xy += dx * (y - c->mean_y);
    c->yy += dy * (y - c->mean_y);
    c->low_x = fmin(c->low_x, isfinite(low) ? low : x);
    c->high_x = fmax(c->high_x, isfinite(high) ? high : x);
    c->low_y = fmin(c->low_y, y);
    c->high_y = fmax(c->high_y, y);
}

/* The number of a model's lineage, from 0, in order of appearance among the points. */
static int lineage_number(const rj_figure_job *job, int model)
{
    const rj_score_summary *s = job->all->scores;
    int number = 0;

    for (int i = 0; i <= model; i++) {
        bool first = is_point(job, i);
        for (int j = 0; j < i && first; j++)
            first = !is_point(job, j) || strcmp(s->lineage[i], s->lineage[j]) != 0;
        if (strcmp(s->lineage[i], s->lineage[model]) == 0) return number;
        number += first;
    }
    return number;
}

/* Rows of the CSV file, a labelled point each. Returns the number of lineages. */
static int write_points(const rj_figure_job *job, cloud *c)
{
    const rj_score_summary *s = job->all->scores;
    char label[RJ_LABEL_SIZE], colour[8];
    int lineages = 0, tag = 10; /* those below are the style's */

    for (int m = 0; m < s->n_models; m++)
        if (is_point(job, m)) lineages = (int)fmax(lineages, lineage_number(job, m) + 1);
    fputs("model,lineage,measure,measure_low,measure_high,score\n", job->csv);
    for (int m = 0; m < s->n_models; m++) {
        const ptrdiff_t at = (ptrdiff_t)m * s->n_measures + s->shown;
        const double y = s->score[(ptrdiff_t)m * s->n_benchmarks + job->figure->benchmark];
        if (!is_point(job, m)) continue;
        rj_escape_csv(job->csv, job->all->model[m].name);
        fputc(',', job->csv);
        rj_escape_csv(job->csv, s->lineage[m]);
        const double number[] = {s->value[at], s->low[at], s->high[at], y};
        for (int i = 0; i < 4; i++) {
            fputc(',', job->csv);
            rj_output_number(job->csv, number[i]);
        }
        fputc('\n', job->csv);
        add(c, s->value[at], y, s->low[at], s->high[at]);
        rj_escape_label(job->all->model[m].name, label);
        rj_style_viridis(lineages > 1 ? 0.9 * lineage_number(job, m) / (lineages - 1) : 0.3, colour);
        fprintf(job->script,
                "set label %d '%s' at %.9g,%.9g front noenhanced font ',8' offset 0.6,0.5 point pointtype 7 "
                "pointsize 0.6 "
                "linecolor rgb '%s'\n",
                ++tag, label, s->value[at], y, colour);
    }
    return lineages;
}

/* Means of lineages as a block of numbers in the script. */
static void write_means(const rj_figure_job *job, int lineages)
{
    const rj_score_summary *s = job->all->scores;

    fputs("$means << EOD\n", job->script);
    for (int g = 0; g < lineages; g++) {
        double x = 0.0, y = 0.0, n = 0.0;
        for (int m = 0; m < s->n_models; m++) {
            if (!is_point(job, m) || lineage_number(job, m) != g) continue;
            x += s->value[(ptrdiff_t)m * s->n_measures + s->shown];
            y += s->score[(ptrdiff_t)m * s->n_benchmarks + job->figure->benchmark];
            n += 1.0;
        }
        fprintf(job->script, "%.9g,%.9g\n", x / n, y / n);
    }
    fputs("EOD\n", job->script);
}

bool rj_figure_scores_any(const rj_summaries *all, const rj_figure *figure)
{
    const rj_figure_job job = {.all = all, .figure = figure};
    int n = 0;

    for (int m = 0; all->scores != NULL && all->scores->shown >= 0 && m < all->scores->n_models; m++)
        n += is_point(&job, m);
    return n > 1;
}

/* y = a + b x and its 95 % band, where there is a line. */
static void plot_line(FILE *script, const cloud *c)
{
    if (c->n < 3 || !(c->xx > 0.0)) return;
    const double b = c->xy / c->xx, rest = fmax(c->yy - b * c->xy, 0.0);
    fprintf(script, "line(x) = %.9g + %.9g*(x - (%.9g))\n", c->mean_y, b, c->mean_x);
    fprintf(script, "half(x) = %.9g*sqrt(%.9g + (x - (%.9g))**2/%.9g)\n",
            rj_student_quantile(0.975, c->n - 2) * sqrt(rest / (c->n - 2)), 1.0 / c->n, c->mean_x, c->xx);
}

static void plot(FILE *script, const cloud *c)
{
    fputs("plot \\\n", script);
    if (c->n >= 3 && c->xx > 0.0)
        fputs(
            "  '+' using 1:(line($1)-half($1)):(line($1)+half($1)) with filledcurves fillcolor rgb '#e4ebf2' "
            "title '95 % of the line', \\\n"
            "  line(x) with lines linewidth 1.4 linecolor rgb '" RJ_STYLE_TRAINED
            "' title 'all models', \\\n",
            script);
    fputs("  data skip 1 using 3:6:4:5 with xerrorbars pointtype 0 linewidth 1 linecolor rgb '" RJ_STYLE_GREY
          "' title '95 % over prompts', \\\n"
          "  $means using 1:2 with points pointtype 12 pointsize 1.2 linewidth 1.4 linecolor rgb "
          "'" RJ_STYLE_TWIN "' title 'mean of a lineage'\n",
          script);
}

void rj_figure_scores(const rj_figure_job *job)
{
    const rj_score_summary *s = job->all->scores;
    const ptrdiff_t at = (ptrdiff_t)s->shown * s->n_benchmarks + job->figure->benchmark;
    const int width = RJ_STYLE_WIDTH, height = 470;
    cloud c = {.low_x = INFINITY, .high_x = -INFINITY, .low_y = INFINITY, .high_y = -INFINITY};
    char x[RJ_LABEL_SIZE], y[RJ_LABEL_SIZE], title[160];

    snprintf(title, sizeof title, "lineage r = %.3f, p = %.2g, %.0f lineages of %.0f models",
             s->statistic[RJ_STAT_LINEAGE_R][at], s->statistic[RJ_STAT_LINEAGE_P][at],
             s->statistic[RJ_STAT_N_LINEAGES][at], s->statistic[RJ_STAT_N_MODELS][at]);
    if (isnan(s->statistic[RJ_STAT_LINEAGE_P][at]))
        snprintf(title, sizeof title, "%.0f lineages of %.0f models: no test",
                 s->statistic[RJ_STAT_N_LINEAGES][at], s->statistic[RJ_STAT_N_MODELS][at]);
    rj_style_begin(job->script, job->figure->stem, width, height, s->benchmark[job->figure->benchmark],
                   title);
    write_means(job, write_points(job, &c));
    rj_style_range(&c.low_x, &c.high_x);
    rj_style_range(&c.low_y, &c.high_y);
    rj_style_panel(job->script, width, height, 70, width - 20, RJ_STYLE_LEGEND_BOTTOM, height - 44);
    rj_style_legend(job->script, height);
    fputs("set key maxcols 4\n", job->script);
    rj_escape_label(s->measure[s->shown], x);
    rj_escape_label(s->benchmark[job->figure->benchmark], y);
    fprintf(job->script, "set xrange [%.9g:%.9g]\nset yrange [%.9g:%.9g]\n", c.low_x, c.high_x, c.low_y,
            c.high_y);
    fprintf(job->script, "set xlabel '%s' noenhanced\nset ylabel '%s' noenhanced offset 1.2,0\n", x, y);
    plot_line(job->script, &c);
    plot(job->script, &c);
}
