/* figure_forest.c: every measure against one benchmark: what the primary test sees, one row a measure. */
#include <math.h>
#include <string.h>

#include "figure_kinds.h"
#include "legend.h"
#include "measures_shown.h"
#include "output.h"
#include "place.h"
#include "style.h"

enum { WIDTH = RJ_STYLE_WIDTH, ROW = 22, RIGHT = WIDTH - 120, TOP = 44 };

static double statistic(const rj_figure_job *job, rj_statistic_id id, int measure)
{
    const rj_score_summary *s = job->all->scores;
    return s->statistic[id][(ptrdiff_t)measure * s->n_benchmarks + job->figure->benchmark];
}

static const char *reason(const rj_figure_job *job, int measure)
{
    const rj_score_summary *s = job->all->scores;
    return s->reason[(ptrdiff_t)measure * s->n_benchmarks + job->figure->benchmark];
}

bool rj_figure_forest_any(const rj_figure_job *job)
{
    rj_measure_shown shown[RJ_MOST_SHOWN];
    bool any = false;

    for (int i = rj_measures_shown(job->all->scores, shown); i-- > 0;)
        any = any || isfinite(statistic(job, RJ_STAT_LINEAGE_R, shown[i].measure));
    return any;
}

static void write_row(const rj_figure_job *job, int row, const rj_measure_shown *shown)
{
    const int measure = shown->measure;
    static const rj_statistic_id column[] = {RJ_STAT_LINEAGE_R,    RJ_STAT_LINEAGE_LOW,
                                             RJ_STAT_LINEAGE_HIGH, RJ_STAT_LINEAGE_PARTIAL_R,
                                             RJ_STAT_LINEAGE_P,    RJ_STAT_Q_VALUE};
    fprintf(job->csv, "%d,%s,%d", row, job->all->scores->measure[measure], shown->rival);
    for (size_t c = 0; c < sizeof column / sizeof column[0]; c++) {
        fputc(',', job->csv);
        rj_output_number(job->csv, statistic(job, column[c], measure));
    }
    fputc(',', job->csv);
    rj_escape_csv(job->csv, reason(job, measure));
    fputc('\n', job->csv);
}

/* The measure's name at the axis, its p or q at the right, or why it has none. */
static void label_row(const rj_figure_job *job, int row, const rj_measure_shown *shown)
{
    const int measure = shown->measure;
    const rj_score_summary *s = job->all->scores;
    const bool primary = measure == s->primary && job->figure->benchmark == 0;
    const double p = statistic(job, primary ? RJ_STAT_LINEAGE_P : RJ_STAT_Q_VALUE, measure);
    char label[RJ_LABEL_SIZE];

    rj_escape_label(shown->words, label);
    fprintf(job->script, "set ytics add ('%s' %d)\n", label, row);
    if (isfinite(p)) {
        fprintf(job->script, "set label %d '%s = %.2g' at graph 1,first %d offset 0.8,0 left font ',11'\n",
                10 + row, primary ? "p" : "q", p, row);
        return;
    }
    rj_escape_label(isfinite(statistic(job, RJ_STAT_LINEAGE_R, measure)) ? "no test" : reason(job, measure),
                    label);
    fprintf(job->script,
            "set label %d '%s' at -0.03,first %d right noenhanced font ',11' textcolor rgb '#5a6672'\n",
            10 + row, label, row);
}

rj_status rj_figure_forest(const rj_figure_job *job)
{
    const rj_score_summary *s = job->all->scores;
    FILE *script = job->script;
    rj_measure_shown shown[RJ_MOST_SHOWN];
    rj_legend legend = {0};
    rj_legend_add(&legend, RJ_LEGEND_MARK + 7, RJ_STYLE_TRAINED, "measure, 95 %");
    rj_legend_add(&legend, RJ_LEGEND_MARK + 5, RJ_STYLE_TWIN, "rival, 95 %");
    rj_legend_add(&legend, RJ_LEGEND_MARK + 12, "#333333", "given depth and width");
    const int n = rj_measures_shown(s, shown), bottom = rj_legend_room(&legend, WIDTH),
              height = TOP + n * ROW + bottom;
    double longest = 0.0;
    char title[RJ_LABEL_SIZE + 96], k[RJ_NAME_SIZE], label[RJ_LABEL_SIZE];

    for (int i = 0; i < n; i++) longest = fmax(longest, rj_place_width(shown[i].words, RJ_STYLE_FONT));
    rj_measures_k(s, k);
    rj_escape_label(k, label);
    snprintf(title, sizeof title, "correlation with the score over lineages; coupling at K = %s", label);
    rj_style_begin(script, job->figure->stem, WIDTH, height, s->benchmark[job->figure->benchmark], title);
    rj_style_panel(script, WIDTH, height, (int)fmin(longest + 24.0, 0.5 * WIDTH), RIGHT, bottom,
                   height - TOP);
    rj_legend_write(script, &legend, WIDTH, height);
    fputs("row,measure,rival,lineage_r,lineage_low,lineage_high,lineage_partial_r,lineage_p,q_value,status\n",
          job->csv);
    fputs("set ytics () noenhanced\n", script);
    for (int i = 0; i < n; i++) {
        write_row(job, i + 1, &shown[i]);
        label_row(job, i + 1, &shown[i]);
    }
    fprintf(script,
            "set yrange [%d.6:0.4]\nset xrange [-1.02:1.02]\nset xtics 0.5\n"
            "set arrow 1 from 0,graph 0 to 0,graph 1 nohead linecolor rgb '#333333' linewidth 0.8\n"
            "set xlabel 'correlation of the means of lineages'\n",
            n);
    fputs(
        "plot \\\n"
        "  data skip 1 using ($3 == 0 ? $4 : NaN):1:5:6 with xerrorbars pointtype 7 pointsize 0.7 linewidth "
        "1.4 "
        "linecolor rgb '" RJ_STYLE_TRAINED "' notitle, \\\n"
        "  data skip 1 using ($3 == 1 ? $4 : NaN):1:5:6 with xerrorbars pointtype 5 pointsize 0.7 linewidth "
        "1.4 "
        "linecolor rgb '" RJ_STYLE_TWIN "' notitle, \\\n"
        "  data skip 1 using 7:1 with points pointtype 12 pointsize 1 linewidth 1.4 linecolor rgb '#333333' "
        "notitle\n",
        script);
    return RJ_OK;
}
