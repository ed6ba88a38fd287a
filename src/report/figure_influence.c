/* figure_influence.c: how far a token's state reaches the last token's output, block by block. */
#include <math.h>

#include "figure_kinds.h"
#include "heat.h"
#include "output.h"
#include "style.h"

/* Pixels. */
enum {
    WIDTH = RJ_STYLE_WIDTH,
    HEIGHT = 300,
    N_PANELS = 3,
    LEFT = 60,
    PANEL = 132,
    NEXT = 218,
    BOTTOM = 52,
    TOP = 64
};

static const rj_moment *panel_of(const rj_summary *m, int panel)
{
    const rj_moment *const all[N_PANELS] = {m->influence, m->influence_participation, m->influence_rank};
    return all[panel];
}

bool rj_figure_influence_any(const rj_figure_job *job)
{
    bool any = false;

    for (ptrdiff_t i = 0; job->model->influence != NULL && i < job->model->L * job->model->n_tokens; i++)
        any = any || job->model->influence[i].n > 0;
    return any;
}

/* Blocks that tokens.layers leaves out have no row. */
static bool has_row(const rj_summary *m, ptrdiff_t l)
{
    bool any = false;

    for (ptrdiff_t t = 0; t < m->n_tokens; t++) any = any || m->influence[l * m->n_tokens + t].n > 0;
    return any;
}

/* Column 3 is a logarithm: of 0, a token outside of the window, is missing there. */
static void write_numbers(const rj_figure_job *job, double range[N_PANELS][2])
{
    const rj_summary *m = job->model;
    const ptrdiff_t n = m->n_tokens;

    fputs("layer,token,log10_influence_frobenius,influence_participation,influence_rank\n", job->csv);
    for (ptrdiff_t i = 0; i < m->L * n; i++) {
        if (!has_row(m, i / n)) continue;
        fprintf(job->csv, "%td,%.0f", i / n + 1, m->token[i % n]);
        for (int p = 0; p < N_PANELS; p++) {
            const double mean = rj_moment_mean(&panel_of(m, p)[i]), x = p > 0        ? mean
                                                                        : mean > 0.0 ? log10(mean)
                                                                                     : (double)NAN;
            fputc(',', job->csv);
            rj_output_number(job->csv, x);
            if (!isfinite(x)) continue;
            range[p][0] = fmin(range[p][0], x);
            range[p][1] = fmax(range[p][1], x);
        }
        fputc('\n', job->csv);
    }
}

/* The axis of the blocks that have a row; returns how many have. */
static ptrdiff_t write_axis(FILE *script, const rj_summary *m)
{
    ptrdiff_t rows = 0, row = 0;

    for (ptrdiff_t l = 0; l < m->L; l++) rows += has_row(m, l);
    const ptrdiff_t step = rj_style_step(rows);
    fputs("set ytics ()\n", script);
    for (ptrdiff_t l = 0; l < m->L; l++) {
        if (!has_row(m, l)) continue;
        row++;
        if (rows == m->L ? row % step == 0 || step == 1 : (row - 1) % step == 0)
            fprintf(script, "set ytics add ('%td' %td)\n", l + 1, row);
    }
    return rows;
}

rj_status rj_figure_influence(const rj_figure_job *job)
{
    static const char *const title[N_PANELS] = {"log_{10} of the Frobenius norm", "participation ratio",
                                                "effective rank"};
    const rj_summary *m = job->model;
    FILE *script = job->script;
    double range[N_PANELS][2];

    for (int p = 0; p < N_PANELS; p++) {
        range[p][0] = INFINITY;
        range[p][1] = -INFINITY;
    }
    write_numbers(job, range);
    rj_style_begin(script, job->figure->stem, WIDTH, HEIGHT, m->name,
                   "derivative of the output at the last token by the state of each token");
    rj_heat_axis(script, 'x', m->n_tokens, m->token);
    const ptrdiff_t rows = write_axis(script, m);
    fputs("set xlabel 'token'\nset ylabel 'block' offset 1.2,0\nset multiplot\n", script);
    for (int p = 0; p < N_PANELS; p++) {
        const int left = LEFT + p * NEXT;
        rj_style_range(&range[p][0], &range[p][1]);
        rj_heat_begin(script, rows, m->n_tokens, 1, 3 + p);
        fprintf(script, "set cbrange [%.9g:%.9g]\n", range[p][0], range[p][1]);
        fprintf(script, "set yrange [0.5:%td.5]\n", rows);
        rj_heat_colour_box(script, WIDTH, HEIGHT, left + PANEL + 8, BOTTOM, HEIGHT - TOP, "");
        rj_style_panel(script, WIDTH, HEIGHT, left, left + PANEL, BOTTOM, HEIGHT - TOP);
        fprintf(script, "set title '%s' offset 0,-0.6\n", title[p]);
        rj_heat_plot(script, 0, false);
        fputs("unset label\nset ylabel ''\n", script);
    }
    fputs("unset multiplot\n", script);
    return RJ_OK;
}
