/* figure_certificates.c: how far the numbers can be trusted, one row a model. */
#include <math.h>

#include "figure_kinds.h"
#include "legend.h"
#include "model_rows.h"
#include "output.h"
#include "style.h"

enum { WIDTH = RJ_STYLE_WIDTH, GAP = 22, TOP = 64, N_PANELS = 3 };
static const double gap_limit = 1e-5; /* docs/formats.md: gap_flag */

static const rj_histogram *panel_of(const rj_summary *m, int panel)
{
    const rj_histogram *const all[N_PANELS] = {&m->certificates.residual, &m->certificates.orthogonality,
                                               &m->certificates.gap};
    return all[panel];
}

bool rj_figure_certificates_any(const rj_figure_job *job)
{
    bool any = false;

    for (int i = 0; i < job->all->n_models; i++)
        for (int p = 0; p < N_PANELS; p++) any = any || panel_of(&job->all->model[i], p)->n > 0;
    return any;
}

/* ",median,worst": of a residual the largest is worst, of a gap the smallest. 0 has no place on a logarithmic axis: it stands at
 * its end. */
static void write_pair(const rj_figure_job *job, const rj_summary *m, int panel, double range[2])
{
    const rj_histogram *h = m != NULL ? panel_of(m, panel) : NULL;
    const bool any = h != NULL && h->n > 0;
    const double value[] = {any ? rj_histogram_quantile(h, 0.5) : (double)NAN, !any         ? (double)NAN
                                                                               : panel == 2 ? h->least
                                                                                            : h->most};

    for (int i = 0; i < 2; i++) {
        fputc(',', job->csv);
        rj_output_number(job->csv, value[i]);
        if (!(value[i] > 0.0)) continue;
        range[0] = fmin(range[0], value[i]);
        range[1] = fmax(range[1], value[i]);
    }
}

static void write_numbers(const rj_figure_job *job, double range[N_PANELS][2])
{
    static const char *const name[N_PANELS] = {"residual", "orthogonality_loss", "relative_gap"};
    const rj_summaries *s = job->all;
    int row = 0;

    fputs("row,model", job->csv);
    for (int p = 0; p < N_PANELS; p++)
        fprintf(job->csv, ",%s_median,%s_worst,twin_%s_median,twin_%s_worst", name[p], name[p], name[p],
                name[p]);
    fputs(",flagged_gaps,gaps,blocks_at_kinks,blocks,by_full,by_grid,by_krylov\n", job->csv);
    for (int i = 0; i < s->n_models; i++) {
        const rj_summary *m = &s->model[i];
        const rj_summary_certificates *c = &m->certificates;
        if (!rj_rows_have(s, i)) continue;
        fprintf(job->csv, "%d,", ++row);
        rj_escape_csv(job->csv, m->name);
        for (int p = 0; p < N_PANELS; p++) {
            write_pair(job, m, p, range[p]);
            write_pair(job, rj_figure_twin_of(s, m), p, range[p]);
        }
        fprintf(job->csv, ",%td,%td,%td,%td,%td,%td,%td\n", c->n_flagged, c->n_gaps, c->n_kinked, c->n_blocks,
                c->by_method[1], c->by_method[2], c->by_method[3]);
    }
}

/* From the median to the worst, which has the mark. */
static void spans(FILE *script, int column, double shift, const char *colour, const char *floor_name,
                  bool last)
{
    fprintf(script,
            "  data skip 1 using (%s($%d)):($1+(%.2f)):(%s($%d)-%s($%d)):(0) with vectors nohead linewidth 2 "
            "linecolor rgb "
            "'%s', \\\n",
            floor_name, column, shift, floor_name, column + 1, floor_name, column, colour);
    fprintf(script,
            "  data skip 1 using (%s($%d)):($1+(%.2f)) with points pointtype 7 pointsize 0.6 linecolor rgb "
            "'%s'%s\n",
            floor_name, column + 1, shift, colour, last ? "" : ", \\");
}

rj_status rj_figure_certificates(const rj_figure_job *job)
{
    static const char *const title[N_PANELS] = {"residual of triplets", "orthogonality loss", "relative gap"};
    FILE *script = job->script;
    const bool twins = rj_rows_twins(job->all);
    double range[N_PANELS][2];
    rj_legend legend = {0};

    for (int p = 0; p < N_PANELS; p++) {
        range[p][0] = p == 2 ? gap_limit / 2.0 : INFINITY;
        range[p][1] = p == 2 ? gap_limit : -INFINITY;
    }
    rj_legend_add(&legend, RJ_LEGEND_LINE, RJ_STYLE_TRAINED, "model: median to worst");
    if (twins) rj_legend_add(&legend, RJ_LEGEND_LINE, RJ_STYLE_TWIN, "random-init twin");
    rj_legend_add(&legend, RJ_LEGEND_DASHED, "#333333", "below: flagged");
    const int bottom = rj_legend_room(&legend, WIDTH) - 12, left = rj_rows_name_width(job->all);
    const int height = TOP + 10 + bottom + RJ_ROW_HEIGHT * rj_rows_count(job->all);
    const int width = (WIDTH - left - (N_PANELS - 1) * GAP - 16) / N_PANELS;
    rj_style_begin(script, job->figure->stem, WIDTH, height, "All models",
                   "certificates, over prompts and blocks");
    write_numbers(job, range);
    rj_legend_write(script, &legend, WIDTH, height);
    rj_rows_axis(job->all, script);
    fputs("set logscale x\nset format x '10^{%T}'\nset xtics autofreq\nset multiplot\n", script);
    for (int p = 0; p < N_PANELS; p++) {
        const int from = left + p * (width + GAP);
        const double low = range[p][0] <= range[p][1] ? range[p][0] / 3.0 : 1e-16,
                     high = range[p][0] <= range[p][1] ? range[p][1] * 3.0 : 1.0;
        const double decades = log10(high / low);
        rj_style_panel(script, WIDTH, height, from, from + width, bottom, height - TOP);
        fprintf(script, "set title '%s' offset 0,-0.6\nset xrange [%.9g:%.9g]\nset xtics %g\n", title[p], low,
                high,
                decades > 8.0   ? 1e4
                : decades > 4.0 ? 100.0
                                : 10.0);
        fprintf(script, "floor_%d(x) = x > %.9g ? x : %.9g\n", p, low, low);
        char name[24];
        snprintf(name, sizeof name, "floor_%d", p);
        if (p == 2)
            fprintf(script,
                    "set arrow 1 from %g,graph 0 to %g,graph 1 nohead dashtype 2 linewidth 1.4 linecolor rgb "
                    "'#333333'\n",
                    gap_limit, gap_limit);
        fputs("plot \\\n", script);
        spans(script, 3 + 4 * p, twins ? -0.15 : 0.0, RJ_STYLE_TRAINED, name, !twins);
        if (twins) spans(script, 5 + 4 * p, 0.17, RJ_STYLE_TWIN, name, true);
        fputs("unset label\nunset arrow\nunset object\nunset ytics\n", script);
    }
    fputs("unset multiplot\n", script);
    return RJ_OK;
}
