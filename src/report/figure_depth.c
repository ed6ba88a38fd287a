/* figure_depth.c: what happens over depth: singular values, norm, path. */
#include <math.h>

#include "figure_kinds.h"
#include "legend.h"
#include "output.h"
#include "style.h"

/* Which singular values are drawn, counted from 1. */
static const ptrdiff_t drawn_sv[] = {1, 2, 5, 10, 20, 50, 100, 200, 500};
enum { N_DRAWN_SV = sizeof drawn_sv / sizeof *drawn_sv };

static const rj_moment *sv_at(const rj_summary *m, ptrdiff_t l, ptrdiff_t k)
{
    static const rj_moment none;
    return m != NULL && l < m->L && k <= m->n_sv ? &m->ln_sv[l * m->n_sv + k - 1] : &none;
}

static bool sv_exists(const rj_summary *m, ptrdiff_t k)
{
    bool any = false;
    for (ptrdiff_t l = 0; m != NULL && l < m->L; l++) any = any || sv_at(m, l, k)->n > 0;
    return any;
}

bool rj_figure_singular_any(const rj_figure_job *job)
{
    const rj_summary *m = job->model;
    bool any = false;
    for (int i = 0; i < N_DRAWN_SV; i++) any = any || sv_exists(m, drawn_sv[i]);
    return any;
}

/* Geometric mean and the band of one standard deviation of ln s; a single prompt has no band. */
static void write_sv(FILE *csv, const rj_moment *ln_s, double *low, double *high)
{
    const double mean = rj_moment_mean(ln_s), sd = ln_s->n > 1 ? rj_moment_sd(ln_s) : 0.0;
    const double value[] = {exp(mean), exp(mean - sd), exp(mean + sd)};

    for (int i = 0; i < 3; i++) {
        fputc(',', csv);
        rj_output_number(csv, value[i]);
    }
    if (!isfinite(mean)) return;
    *low = fmin(*low, mean - sd);
    *high = fmax(*high, mean + sd);
}

static void plot_sv(FILE *script, ptrdiff_t L, int n_curves, const ptrdiff_t *curve, int first_column,
                    bool key)
{
    fputs("plot \\\n", script);
    for (int c = 0; c < n_curves; c++) {
        char colour[8];
        rj_style_viridis(n_curves > 1 ? 0.9 * c / (n_curves - 1) : 0.0, colour);
        fprintf(script,
                "  data skip 1 every ::%td::%td using 2:%d:%d with filledcurves fillcolor rgb '%s' fillstyle "
                "transparent solid 0.18 noborder notitle, \\\n",
                c * L, c * L + L - 1, first_column + 1, first_column + 2, colour);
    }
    for (int c = 0; c < n_curves; c++) {
        char colour[8], title[48] = "notitle";
        rj_style_viridis(n_curves > 1 ? 0.9 * c / (n_curves - 1) : 0.0, colour);
        if (key) snprintf(title, sizeof title, "title 'k = %td'", curve[c]);
        fprintf(
            script,
            "  data skip 1 every ::%td::%td using 2:%d with lines linewidth 1.8 linecolor rgb '%s' %s%s\n",
            c * L, c * L + L - 1, first_column, colour, title, c + 1 < n_curves ? ", \\" : "");
    }
}

/* The numbers, sorted by k; returns how many there are in `curve`. The range of ln s grows to hold them. */
static int write_curves(FILE *csv, const rj_summary *m, const rj_summary *twin, ptrdiff_t curve[N_DRAWN_SV],
                        double *low, double *high)
{
    int n = 0;

    fputs("k,layer,s_mean,s_low,s_high,twin_s_mean,twin_s_low,twin_s_high\n", csv);
    for (int i = 0; i < N_DRAWN_SV; i++) {
        if (!sv_exists(m, drawn_sv[i]) && !sv_exists(twin, drawn_sv[i])) continue;
        curve[n++] = drawn_sv[i];
        for (ptrdiff_t l = 0; l < m->L; l++) {
            fprintf(csv, "%td,%td", drawn_sv[i], l + 1);
            write_sv(csv, sv_at(m, l, drawn_sv[i]), low, high);
            write_sv(csv, sv_at(twin, l, drawn_sv[i]), low, high);
            fputc('\n', csv);
        }
    }
    return n;
}

rj_status rj_figure_singular(const rj_figure_job *job)
{
    const rj_summary *m = job->model, *twin = rj_figure_twin_of(job->all, m);
    FILE *script = job->script;
    const int width = twin != NULL ? RJ_STYLE_WIDTH : 440, height = 310, left = 60, bottom = 52,
              top = height - 62;
    const int right = width - 88, middle = (left + right) / 2;
    ptrdiff_t curve[N_DRAWN_SV];
    double low = INFINITY, high = -INFINITY;
    const int n = write_curves(job->csv, m, twin, curve, &low, &high);

    rj_style_range(&low, &high);
    rj_style_begin(script, job->figure->stem, width, height, m->name,
                   "leading singular values of the residual Jacobians");
    rj_style_log_axis(script, low, high);
    fprintf(script, "set xrange [0.5:%td.5]\nset xtics %td\n", m->L, rj_style_step(m->L));
    fprintf(script, "set key at screen %.5f, screen %.5f left top\n", (right + 8.0) / width,
            (top + 6.0) / height);
    fputs("set xlabel 'block'\n"
          "set ylabel 'singular value s_k (1)' noenhanced offset 0.8,0\n"
          "set multiplot\n",
          script);
    fprintf(script, "set title '%s' offset 0,-0.6\n", m->trained ? "trained" : "random-init");
    rj_style_panel(script, width, height, left, twin != NULL ? middle - 8 : right, bottom, top);
    plot_sv(script, m->L, n, curve, 3, true);
    if (twin != NULL) {
        fputs("unset label 1; unset label 2; unset ylabel; unset key; set format y ''\n"
              "set title 'random-init twin'\n",
              script);
        rj_style_panel(script, width, height, middle + 8, right, bottom, top);
        plot_sv(script, m->L, n, curve, 6, false);
    }
    fputs("unset multiplot\n", script);
    return RJ_OK;
}

bool rj_figure_growth_any(const rj_figure_job *job)
{
    const rj_summary *m = job->model;
    bool any = false;
    for (ptrdiff_t l = 0; l <= m->L; l++) any = any || m->ln_norm_all[l].n > 0;
    return any;
}

static void write_norms(FILE *csv, const rj_summary *m, double *low, double *high)
{
    const double rate = rj_moment_mean(&m->growth_rate), intercept = rj_moment_mean(&m->growth_intercept);

    fputs("depth,mean_ln_norm,sd_ln_norm,fit_ln_norm", csv);
    for (ptrdiff_t p = 0; p < m->n_lines; p++) fprintf(csv, ",ln_norm_prompt%td", m->line[p]);
    fputc('\n', csv);
    for (ptrdiff_t l = 0; l <= m->L; l++) {
        const double mean[] = {rj_moment_mean(&m->ln_norm_all[l]), rj_moment_sd(&m->ln_norm_all[l]),
                               intercept + rate * (double)l};
        fprintf(csv, "%td", l);
        for (ptrdiff_t c = 0; c < 3 + m->n_lines; c++) {
            const double x = c < 3 ? mean[c] : m->ln_norm[(c - 3) * (m->L + 1) + l];
            fputc(',', csv);
            rj_output_number(csv, x);
            if (c == 1 || !isfinite(x)) continue; /* the sd is no ordinate */
            *low = fmin(*low, x);
            *high = fmax(*high, x);
        }
        fputc('\n', csv);
    }
}

static void growth_title(const rj_summary *m, char title[RJ_LABEL_SIZE])
{
    const double rate = rj_moment_mean(&m->growth_rate), score = rj_moment_mean(&m->line_shape_score);
    int n = snprintf(title, RJ_LABEL_SIZE, "%td prompt%s", m->n_measured, m->n_measured == 1 ? "" : "s");

    if (isfinite(rate))
        n += snprintf(title + n, (size_t)(RJ_LABEL_SIZE - n), "; growth %.3g per block, R\xC2\xB2 = %.2f",
                      rate, rj_moment_mean(&m->growth_r2));
    if (isfinite(score)) snprintf(title + n, (size_t)(RJ_LABEL_SIZE - n), "; line-shape score %.2f", score);
}

rj_status rj_figure_growth(const rj_figure_job *job)
{
    const rj_summary *m = job->model;
    FILE *script = job->script;
    const int width = 460, height = 330;
    rj_legend legend = {0};
    double low = INFINITY, high = -INFINITY;
    char title[RJ_LABEL_SIZE];

    write_norms(job->csv, m, &low, &high);
    rj_style_range(&low, &high);
    growth_title(m, title);
    rj_style_begin(script, job->figure->stem, width, height, m->name, title);
    rj_legend_add(&legend, RJ_LEGEND_LINE, RJ_STYLE_THIN, "prompts");
    rj_legend_add(&legend, RJ_LEGEND_LINE, RJ_STYLE_TRAINED, "mean");
    rj_legend_add(&legend, RJ_LEGEND_DASHED, RJ_STYLE_TWIN, "fit");
    rj_legend_write(script, &legend, width, height);
    rj_style_panel(script, width, height, 58, width - 14, rj_legend_room(&legend, width), height - 44);
    fprintf(script, "set xrange [0:%td]\nset xtics %td\nset yrange [%.9g:%.9g]\n", m->L, rj_style_step(m->L),
            low, high);
    fputs("set xlabel 'depth (blocks)'\n"
          "set ylabel 'ln ||x||' offset 1.5,0\n"
          "plot \\\n",
          script);
    for (ptrdiff_t p = 0; p < m->n_lines; p++)
        fprintf(script, "  data skip 1 using 1:%td with lines linewidth 0.7 linecolor rgb '%s' notitle, \\\n",
                p + 5, RJ_STYLE_THIN);
    fprintf(script,
            "  data skip 1 using 1:2 with lines linewidth 3 linecolor rgb '%s' notitle, \\\n"
            "  data skip 1 using 1:4 with lines linewidth 2 dashtype 2 linecolor rgb '%s' notitle\n",
            RJ_STYLE_TRAINED, RJ_STYLE_TWIN);
    return RJ_OK;
}

bool rj_figure_trajectory_any(const rj_figure_job *job)
{
    const rj_summary *m = job->model;
    bool any = false;
    for (ptrdiff_t i = 0; i < m->n_paths * (m->L + 1); i++)
        any = any || (isfinite(m->pc[i * m->n_pc]) && isfinite(m->pc[i * m->n_pc + 1]));
    return any;
}

/* The sign of a component is free: here it is the one that lets a path start at the lower left. */
static void write_paths(FILE *csv, const rj_summary *m, double low[2], double high[2])
{
    fputs("prompt,depth,pc1,pc2\n", csv);
    for (ptrdiff_t p = 0; p < m->n_paths; p++)
        for (ptrdiff_t l = 0; l <= m->L; l++) {
            const double *path = m->pc + p * (m->L + 1) * m->n_pc;
            fprintf(csv, "%td,%td", m->path[p], l);
            for (int c = 0; c < 2; c++) {
                const double x = path[c] > 0.0 ? -path[l * m->n_pc + c] : path[l * m->n_pc + c];
                fputc(',', csv);
                rj_output_number(csv, x);
                if (!isfinite(x)) continue;
                low[c] = fmin(low[c], x);
                high[c] = fmax(high[c], x);
            }
            fputc('\n', csv);
        }
}

rj_status rj_figure_trajectory(const rj_figure_job *job)
{
    const rj_summary *m = job->model;
    FILE *script = job->script;
    const int width = 480, height = 340, bottom = 52, top = height - 44;
    const ptrdiff_t n = m->L + 1;
    double low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};

    write_paths(job->csv, m, low, high);
    for (int c = 0; c < 2; c++) rj_style_range(&low[c], &high[c]);
    rj_style_begin(script, job->figure->stem, width, height, m->name,
                   "hidden states on their principal components");
    rj_style_panel(script, width, height, 74, width - 84, bottom, top);
    fprintf(script, "set xrange [%.9g:%.9g]\nset yrange [%.9g:%.9g]\nset cbrange [0:%td]\nset cbtics %td\n",
            low[0], high[0], low[1], high[1], m->L, rj_style_step(m->L));
    fprintf(script,
            "set colorbox vertical user origin screen %.5f, screen %.5f size screen %.5f, screen %.5f\n",
            (width - 74.0) / width, (double)bottom / height, 11.0 / width, (double)(top - bottom) / height);
    fputs("set xlabel 'principal component 1 (units of x)'\n"
          "set ylabel 'principal component 2 (units of x)' offset 0.4,0\n"
          "set cblabel 'depth (blocks)' offset 0.8,0\n"
          "plot \\\n",
          script);
    for (ptrdiff_t p = 0; p < m->n_paths; p++)
        fprintf(script,
                "  data skip 1 every ::%td::%td using 3:4:2 with linespoints linewidth 1.3 pointtype 7 "
                "pointsize 0.28 "
                "linecolor palette, \\\n",
                p * n, p * n + n - 1);
    for (ptrdiff_t p = 0; p < m->n_paths; p++)
        fprintf(script,
                "  data skip 1 every ::%td::%td using 3:4 with points pointtype 7 pointsize 0.7 linecolor "
                "rgb '#440154', "
                "data skip 1 every ::%td::%td using 3:4 with points pointtype 5 pointsize 0.7 linecolor rgb "
                "'#333333'%s\n",
                p * n, p * n, p * n + n - 1, p * n + n - 1, p + 1 < m->n_paths ? ", \\" : "");
    return RJ_OK;
}
