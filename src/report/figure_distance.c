/* figure_distance.c: how far coupling reaches: excess against the distance of two blocks. */
#include <math.h>

#include "figure_kinds.h"
#include "legend.h"
#include "output.h"
#include "resjac/base/memory.h"
#include "style.h"

enum { STEPS = 10 }; /* of the relative distance */

/* Excess of pairs of blocks that lie so far apart. */
static rj_moment at_distance(const rj_summary *m, ptrdiff_t k, ptrdiff_t distance)
{
    rj_moment moment = {0};

    for (ptrdiff_t i = distance; m != NULL && k >= 0 && i < m->L; i++) {
        rj_moment_add(&moment, m->excess[(k * m->L + i) * m->L + i - distance]);
        rj_moment_add(&moment, m->excess[(k * m->L + i - distance) * m->L + i]);
    }
    return moment;
}

bool rj_figure_distance_any(const rj_figure_job *job)
{
    bool any = false;

    for (ptrdiff_t k = 0; k < job->model->n_k; k++) any = any || job->model->coupling[k].excess.n > 0;
    return any && job->model->L > 2;
}

static void widen(double range[2], double x)
{
    if (!isfinite(x)) return;
    range[0] = fmin(range[0], x);
    range[1] = fmax(range[1], x);
}

/* ",mean,low,high": one standard deviation over pairs; a single pair has no band. */
static void write_moment(FILE *csv, const rj_moment *x, double range[2])
{
    const double mean = rj_moment_mean(x), sd = x->n > 1 ? rj_moment_sd(x) : 0.0;
    const double value[] = {mean, mean - sd, mean + sd};

    for (int i = 0; i < 3; i++) {
        fputc(',', csv);
        rj_output_number(csv, value[i]);
        widen(range, value[i]);
    }
}

static void write_numbers(const rj_figure_job *job, const rj_summary *twin, double range[2])
{
    const rj_summary *m = job->model;

    fputs("k,distance,excess_mean,excess_low,excess_high,twin_excess_mean,twin_excess_low,twin_excess_high\n",
          job->csv);
    for (ptrdiff_t k = 0; k < m->n_k; k++) {
        const ptrdiff_t twin_k = twin != NULL ? rj_figure_find_k(twin, m->k_label[k]) : -1;
        for (ptrdiff_t d = 1; d < m->L; d++) {
            const rj_moment own = at_distance(m, k, d), other = at_distance(twin, twin_k, d);
            rj_escape_csv(job->csv, m->k_label[k]);
            fprintf(job->csv, ",%td", d);
            write_moment(job->csv, &own, range);
            write_moment(job->csv, &other, range);
            fputc('\n', job->csv);
        }
    }
}

static void colour_of(const rj_summary *m, ptrdiff_t k, char colour[8])
{
    rj_style_viridis(m->n_k > 1 ? 0.8 * (double)k / (double)(m->n_k - 1) : 0.3, colour);
}

rj_status rj_figure_distance(const rj_figure_job *job)
{
    const rj_summary *m = job->model, *twin = rj_figure_twin_of(job->all, m);
    FILE *script = job->script;
    const int width = 460, height = 320;
    const ptrdiff_t rows = m->L - 1;
    double range[2] = {0.0, 0.0};
    char colour[8], label[RJ_NAME_SIZE + 8], words[RJ_LABEL_SIZE];
    rj_legend legend = {0};

    write_numbers(job, twin, range);
    rj_style_range(&range[0], &range[1]);
    rj_style_begin(script, job->figure->stem, width, height, m->name,
                   "excess coupling by distance of two blocks");
    for (ptrdiff_t k = 0; k < m->n_k; k++) {
        colour_of(m, k, colour);
        snprintf(label, sizeof label, "K = %s", m->k_label[k]);
        rj_escape_label(label, words);
        rj_legend_add(&legend, RJ_LEGEND_LINE, colour, words);
    }
    if (twin != NULL) rj_legend_add(&legend, RJ_LEGEND_DASHED, "#333333", "random-init twin");
    rj_legend_write(script, &legend, width, height);
    rj_style_panel(script, width, height, 66, width - 14, rj_legend_room(&legend, width), height - 44);
    fprintf(script, "set xrange [1:%td]\nset xtics %td\nset yrange [%.9g:%.9g]\n", rows > 1 ? rows : 2,
            rj_style_step(rows), range[0], range[1]);
    fputs("set xzeroaxis linetype 1 linecolor rgb '#333333'\n"
          "set xlabel 'distance of blocks |i - j|'\n"
          "set ylabel 'excess (0 chance, 1 perfect)' offset 1.6,0\n"
          "plot \\\n",
          script);
    for (ptrdiff_t k = 0; k < m->n_k; k++) {
        const ptrdiff_t first = k * rows, last = first + rows - 1;
        colour_of(m, k, colour);
        fprintf(script,
                "  data skip 1 every ::%td::%td using 2:4:5 with filledcurves fillcolor rgb '%s' fillstyle "
                "transparent solid 0.15 noborder, \\\n"
                "  data skip 1 every ::%td::%td using 2:6 with lines dashtype 2 linewidth 1.4 linecolor rgb "
                "'%s', \\\n"
                "  data skip 1 every ::%td::%td using 2:3 with linespoints pointtype 7 pointsize 0.35 "
                "linewidth 1.8 "
                "linecolor rgb '%s'%s\n",
                first, last, colour, first, last, colour, first, last, colour, k + 1 < m->n_k ? ", \\" : "");
    }
    return RJ_OK;
}

bool rj_figure_distances_any(const rj_figure_job *job)
{
    bool any = false;

    for (int i = 0; i < job->all->n_models; i++) {
        const rj_summary *m = &job->all->model[i];
        const ptrdiff_t k = rj_figure_find_k(m, job->figure->k_label);
        any = any || (k >= 0 && m->L > 2 && m->coupling[k].excess.n > 0);
    }
    return any;
}

/* The excess at a relative distance t, linear between the distances of whole blocks; NAN beyond them. */
static double at_share(const rj_summary *m, ptrdiff_t k, double t)
{
    const double distance = t * (double)m->L;
    const ptrdiff_t below = (ptrdiff_t)floor(distance + 1e-9); /* 0.3 * 10 is 3 */

    if (below < 1 || distance > (double)(m->L - 1) + 1e-9) return (double)NAN;
    const rj_moment a = at_distance(m, k, below), b = at_distance(m, k, below + 1 < m->L ? below + 1 : below);
    return rj_moment_mean(&a) + (distance - (double)below) * (rj_moment_mean(&b) - rj_moment_mean(&a));
}

/* Is the model one of the lines? Its index of K then, else -1. */
static ptrdiff_t line_of(const rj_figure_job *job, int model)
{
    const rj_summary *m = &job->all->model[model];
    return m->measured && m->L > 2 ? rj_figure_find_k(m, job->figure->k_label) : -1;
}

static void write_models(const rj_figure_job *job, double range[2])
{
    fputs("model,trained,distance,relative_distance,excess_mean\n", job->csv);
    for (int i = 0; i < job->all->n_models; i++) {
        const rj_summary *m = &job->all->model[i];
        const ptrdiff_t k = line_of(job, i);
        for (ptrdiff_t d = 1; k >= 0 && d < m->L; d++) {
            const rj_moment x = at_distance(m, k, d);
            rj_escape_csv(job->csv, m->name);
            fprintf(job->csv, ",%d,%td,%.9g,", m->trained, d, (double)d / (double)m->L);
            rj_output_number(job->csv, rj_moment_mean(&x));
            fputc('\n', job->csv);
            widen(range, rj_moment_mean(&x));
        }
    }
}

/* The means of trained models and of twins, where every one of them has a value: a mean over fewer would jump. */
static void write_means(const rj_figure_job *job)
{
    fputs("$means << EOD\n", job->script);
    for (int s = 1; s < STEPS; s++) {
        double sum[2] = {0.0, 0.0}, n[2] = {0.0, 0.0};
        for (int i = 0; i < job->all->n_models; i++) {
            const rj_summary *m = &job->all->model[i];
            const ptrdiff_t k = line_of(job, i);
            if (k < 0) continue;
            sum[m->trained] += at_share(m, k, (double)s / STEPS); /* NAN where one has none */
            n[m->trained] += 1.0;
        }
        fprintf(job->script, "%.9g", (double)s / STEPS);
        for (int t = 0; t < 2; t++) {
            fputc(',', job->script);
            rj_output_number(job->script, n[t] > 0.0 ? sum[t] / n[t] : (double)NAN);
        }
        fputc('\n', job->script);
    }
    fputs("EOD\n", job->script);
}

static void plot_models(const rj_figure_job *job)
{
    static const char *const colour[] = {RJ_STYLE_TWIN, RJ_STYLE_TRAINED}, *const thin[] = {"#f3d08a",
                                                                                            RJ_STYLE_THIN};
    FILE *script = job->script;

    fputs("plot \\\n", script);
    for (int t = 0; t < 2; t++) {
        ptrdiff_t row = 0;
        for (int i = 0; i < job->all->n_models; i++) {
            const rj_summary *m = &job->all->model[i];
            if (line_of(job, i) < 0) continue;
            if (m->trained == (t == 1))
                fprintf(script,
                        "  data skip 1 every ::%td::%td using 4:5 with lines linewidth 0.8 linecolor rgb "
                        "'%s', \\\n",
                        row, row + m->L - 2, thin[t]);
            row += m->L - 1;
        }
    }
    for (int t = 1; t >= 0; t--)
        fprintf(script,
                "  $means using 1:%d with linespoints pointtype %d pointsize 0.6 linewidth 2.4 linecolor rgb "
                "'%s'%s\n",
                2 + t, t ? 7 : 6, colour[t], t ? ", \\" : "");
}

rj_status rj_figure_distances(const rj_figure_job *job)
{
    FILE *script = job->script;
    const int width = 460, height = 330;
    double range[2] = {0.0, 0.0};
    char label[RJ_LABEL_SIZE], words[RJ_LABEL_SIZE + 64];
    bool twins = false;
    rj_legend legend = {0};

    for (int i = 0; i < job->all->n_models; i++)
        twins = twins || (line_of(job, i) >= 0 && !job->all->model[i].trained);
    rj_escape_label(job->figure->k_label, label);
    snprintf(words, sizeof words, "excess coupling by relative distance of two blocks, K = %s", label);
    rj_style_begin(script, job->figure->stem, width, height, "All models", words);
    write_models(job, range);
    rj_style_range(&range[0], &range[1]);
    write_means(job);
    rj_legend_add(&legend, RJ_LEGEND_LINE, RJ_STYLE_THIN, "models");
    rj_legend_add(&legend, RJ_LEGEND_LINE, RJ_STYLE_TRAINED, "their mean");
    if (twins) rj_legend_add(&legend, RJ_LEGEND_LINE, RJ_STYLE_TWIN, "random-init twins");
    rj_legend_write(script, &legend, width, height);
    rj_style_panel(script, width, height, 66, width - 14, rj_legend_room(&legend, width), height - 44);
    fprintf(script, "set xrange [0:1]\nset xtics 0.25\nset yrange [%.9g:%.9g]\n", range[0], range[1]);
    fputs("set xzeroaxis linetype 1 linecolor rgb '#333333'\n"
          "set xlabel 'distance of blocks as a share of the depth, |i - j|/L'\n"
          "set ylabel 'excess (0 chance, 1 perfect)' offset 1.6,0\n",
          script);
    plot_models(job);
    return RJ_OK;
}
