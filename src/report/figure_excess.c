/* figure_excess.c: excess coupling as one number a model and K: against its twin, and over all models. */
#include <math.h>
#include <string.h>

#include "figure_kinds.h"
#include "legend.h"
#include "model_rows.h"
#include "output.h"
#include "style.h"

static bool excess_any(const rj_summary *m, ptrdiff_t k)
{
    return k >= 0 && k < m->n_k && m->coupling[k].excess.n > 0;
}

/* ",mean,sd" of the excess; the range grows by the mean's whisker. */
static void write_excess(FILE *csv, const rj_summary *m, ptrdiff_t k, double *low, double *high)
{
    const bool any = m != NULL && excess_any(m, k);
    const double mean = any ? rj_moment_mean(&m->coupling[k].excess) : NAN;
    const double sd = any ? rj_moment_sd(&m->coupling[k].excess) : NAN;

    fputc(',', csv);
    rj_output_number(csv, mean);
    fputc(',', csv);
    rj_output_number(csv, sd);
    if (!any) return;
    *low = fmin(*low, mean - (isfinite(sd) ? sd : 0.0));
    *high = fmax(*high, mean + (isfinite(sd) ? sd : 0.0));
}

/* Bars of a column and whiskers of the next one. */
static void bars(FILE *script, double shift, int column, const char *colour)
{
    fprintf(script, "  data skip 1 using ($1+(%.2f)):%d with boxes fillcolor rgb '%s' notitle, \\\n", shift,
            column, colour);
    fprintf(script,
            "  data skip 1 using ($1+(%.2f)):($%d-$%d):(0):(2*$%d) with vectors heads size screen 0.009,90 "
            "linewidth 1.2 linecolor rgb '#333333' notitle",
            shift, column, column + 1, column + 1);
}

bool rj_figure_twin_any(const rj_figure_job *job)
{
    bool found = false;

    for (ptrdiff_t k = 0; k < job->model->n_k; k++) found = found || excess_any(job->model, k);
    return found;
}

rj_status rj_figure_twin(const rj_figure_job *job)
{
    const rj_summary *m = job->model, *twin = rj_figure_twin_of(job->all, m);
    FILE *csv = job->csv, *script = job->script;
    const int width = 460, height = 300;
    rj_legend legend = {0};
    const double shift = twin != NULL ? 0.19 : 0.0, box = twin != NULL ? 0.36 : 0.5;
    double low = 0.0, high = 0.0;
    char label[RJ_LABEL_SIZE];

    rj_style_begin(script, job->figure->stem, width, height, m->name,
                   "excess coupling over pairs of different blocks");
    fputs("position,k,excess_mean,excess_sd,twin_excess_mean,twin_excess_sd\n", csv);
    fputs("set xtics ()\n", script);
    for (ptrdiff_t k = 0; k < m->n_k; k++) {
        fprintf(csv, "%td,", k + 1);
        rj_escape_csv(csv, m->k_label[k]);
        write_excess(csv, m, k, &low, &high);
        write_excess(csv, twin, twin != NULL ? rj_figure_find_k(twin, m->k_label[k]) : -1, &low, &high);
        fputc('\n', csv);
        rj_escape_label(m->k_label[k], label);
        fprintf(script, "set xtics add ('%s' %td) noenhanced\n", label, k + 1);
    }
    rj_style_range(&low, &high);
    rj_legend_add(&legend, RJ_LEGEND_BAR, RJ_STYLE_TRAINED, m->trained ? "trained" : "random-init");
    if (twin != NULL) rj_legend_add(&legend, RJ_LEGEND_BAR, RJ_STYLE_TWIN, "random-init twin");
    rj_legend_write(script, &legend, width, height);
    rj_style_panel(script, width, height, 70, width - 14, rj_legend_room(&legend, width), height - 44);
    fprintf(
        script,
        "set xrange [0.4:%td.6]\nset yrange [%.9g:%.9g]\nset xzeroaxis linetype 1 linecolor rgb '#333333'\n",
        m->n_k, low, high);
    fprintf(script, "set boxwidth %.2f\n", box);
    fputs("set xlabel 'K leading singular directions'\n"
          "set ylabel 'excess (0 chance, 1 perfect)' offset 1.8,0\n"
          "plot \\\n",
          script);
    bars(script, -shift, 3, RJ_STYLE_TRAINED);
    if (twin != NULL) {
        fputs(", \\\n", script);
        bars(script, shift, 5, RJ_STYLE_TWIN);
    }
    fputc('\n', script);
    return RJ_OK;
}

static void write_rows(const rj_figure_job *job, double *low, double *high)
{
    const rj_summaries *s = job->all;
    const char *k_label = job->figure->k_label;
    int row = 0;

    fputs("row,model,excess_mean,excess_sd,twin_excess_mean,twin_excess_sd\n", job->csv);
    for (int i = 0; i < s->n_models; i++) {
        const rj_summary *m = &s->model[i], *twin = rj_figure_twin_of(s, m);
        if (!rj_rows_have(s, i)) continue;
        fprintf(job->csv, "%d,", ++row);
        rj_escape_csv(job->csv, m->name);
        write_excess(job->csv, m, rj_figure_find_k(m, k_label), low, high);
        write_excess(job->csv, twin, twin != NULL ? rj_figure_find_k(twin, k_label) : -1, low, high);
        fputc('\n', job->csv);
    }
}

/* Points of a column and whiskers of the next one. */
static void dots(FILE *script, int column, int point_type, const char *colour)
{
    fprintf(script,
            "  data skip 1 using %d:1:%d with xerrorbars pointtype 0 linewidth 1.4 linecolor rgb '%s' "
            "notitle, \\\n",
            column, column + 1, colour);
    fprintf(script,
            "  data skip 1 using %d:1 with points pointtype %d pointsize 0.7 linewidth 1.4 linecolor rgb "
            "'%s' notitle",
            column, point_type, colour);
}

bool rj_figure_overview_any(const rj_figure_job *job)
{
    const rj_summaries *s = job->all;
    bool found = false;

    for (int i = 0; i < s->n_models; i++)
        found = found || excess_any(&s->model[i], rj_figure_find_k(&s->model[i], job->figure->k_label));
    return found;
}

rj_status rj_figure_overview(const rj_figure_job *job)
{
    FILE *script = job->script;
    const bool twins = rj_rows_twins(job->all);
    const int width = RJ_STYLE_WIDTH;
    double low = 0.0, high = 0.0;
    rj_legend legend = {0};
    char title[RJ_LABEL_SIZE + 64], label[RJ_LABEL_SIZE];

    rj_legend_add(&legend, RJ_LEGEND_MARK + 7, RJ_STYLE_TRAINED, "model");
    if (twins) rj_legend_add(&legend, RJ_LEGEND_MARK + 6, RJ_STYLE_TWIN, "random-init twin");
    const int bottom = rj_legend_room(&legend, width),
              height = bottom + 54 + RJ_ROW_HEIGHT * rj_rows_count(job->all);
    rj_escape_label(job->figure->k_label, label);
    snprintf(title, sizeof title, "excess coupling over pairs of different blocks, K = %s", label);
    rj_style_begin(script, job->figure->stem, width, height, "All models", title);
    write_rows(job, &low, &high);
    rj_style_range(&low, &high);
    rj_style_panel(script, width, height, rj_rows_name_width(job->all), width - 20, bottom, height - 44);
    rj_legend_write(script, &legend, width, height);
    rj_rows_axis(job->all, script);
    fprintf(script, "set xrange [%.9g:%.9g]\n", low, high);
    fputs("set arrow 1 from 0,graph 0 to 0,graph 1 nohead linecolor rgb '#333333' linewidth 0.8\n"
          "set xlabel 'excess coupling (0 chance, 1 perfect)'\n"
          "plot \\\n",
          script);
    dots(script, 3, 7, RJ_STYLE_TRAINED);
    if (twins) {
        fputs(", \\\n", script);
        dots(script, 5, 6, RJ_STYLE_TWIN);
    }
    fputc('\n', script);
    return RJ_OK;
}
