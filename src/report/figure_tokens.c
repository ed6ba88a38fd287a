/* figure_tokens.c: pairs of tokens of one mode in some blocks, and all modes over depth. */
#include <math.h>

#include "figure_kinds.h"
#include "heat.h"
#include "legend.h"
#include "output.h"
#include "style.h"

/* Pixels of the gallery. */
enum {
    WIDTH = RJ_STYLE_WIDTH,
    MOST_BLOCKS = 6,
    COLUMNS = 3,
    LEFT = 66,
    RIGHT = 92,
    GAP_X = 26,
    GAP_Y = 40,
    BOTTOM = 52,
    TOP = 66
};

static const double *block_of(const rj_figure_job *job, ptrdiff_t l)
{
    const rj_summary *m = job->model;
    return m->mode[job->figure->mode].excess + (job->k * m->L + l) * m->n_tokens * m->n_tokens;
}

static bool has_pairs(const rj_figure_job *job, ptrdiff_t l)
{
    return job->model->mode[job->figure->mode].off[job->k * job->model->L + l].n > 0;
}

/* Blocks with a pair, evenly chosen, the first and the last among them. */
static int choose(const rj_figure_job *job, ptrdiff_t block[MOST_BLOCKS])
{
    const ptrdiff_t L = job->model->L;
    ptrdiff_t all = 0, seen = 0;
    int n = 0;

    for (ptrdiff_t l = 0; l < L; l++) all += has_pairs(job, l);
    const ptrdiff_t most = all < MOST_BLOCKS ? all : MOST_BLOCKS;
    for (ptrdiff_t l = 0; l < L && n < most; l++) {
        if (!has_pairs(job, l)) continue;
        if (most < 2 || seen == (2 * n * (all - 1) + most - 1) / (2 * (most - 1))) block[n++] = l;
        seen++;
    }
    return n;
}

bool rj_figure_tokens_any(const rj_figure_job *job)
{
    bool any = false;

    for (ptrdiff_t l = 0; job->k >= 0 && job->model->n_tokens > 1 && l < job->model->L; l++)
        any = any || has_pairs(job, l);
    return any;
}

static void write_numbers(const rj_figure_job *job, int n, const ptrdiff_t *block, double range[2])
{
    const rj_summary *m = job->model;
    const ptrdiff_t t = m->n_tokens;

    fputs("layer,token,token_j,excess_coupling\n", job->csv);
    for (int b = 0; b < n; b++)
        for (ptrdiff_t i = 0; i < t * t; i++) {
            const double x = block_of(job, block[b])[i];
            fprintf(job->csv, "%td,%.0f,%.0f,", block[b] + 1, m->token[i / t], m->token[i % t]);
            rj_output_number(job->csv, x);
            fputc('\n', job->csv);
            if (!isfinite(x) || i / t == i % t) continue;
            range[0] = fmin(range[0], x);
            range[1] = fmax(range[1], x);
        }
}

rj_status rj_figure_tokens(const rj_figure_job *job)
{
    static const char *const words[RJ_N_TOKEN_MODES] = {"tokens by themselves", "one input, two outputs",
                                                        "one output, two inputs"};
    const rj_summary *m = job->model;
    FILE *script = job->script;
    ptrdiff_t block[MOST_BLOCKS];
    const int n = choose(job, block), columns = n < COLUMNS ? n : COLUMNS, rows = (n + COLUMNS - 1) / COLUMNS;
    const int cell = (WIDTH - LEFT - RIGHT - (COLUMNS - 1) * GAP_X) / COLUMNS;
    const int height = TOP + rows * cell + (rows - 1) * GAP_Y + BOTTOM,
              width = WIDTH - (COLUMNS - columns) * (cell + GAP_X);
    double range[2] = {0.0, 0.05}; /* as far as noise about chance goes: see figure_coupling.c */
    char title[RJ_LABEL_SIZE + 96], label[RJ_LABEL_SIZE];

    write_numbers(job, n, block, range);
    rj_escape_label(m->k_label[job->k], label);
    snprintf(title, sizeof title, "excess coupling, %s, K = %s", words[job->figure->mode], label);
    rj_style_begin(script, job->figure->stem, width, height, m->name, title);
    rj_heat_begin(script, m->n_tokens, m->n_tokens, n, 4);
    fprintf(script, "set cbrange [%.9g:%.9g]\n", range[0], range[1]);
    rj_heat_colour_box(script, width, height, width - RIGHT + 16, BOTTOM, height - TOP,
                       "excess (0 chance, 1 perfect)");
    rj_heat_axis(script, 'x', m->n_tokens, m->token);
    rj_heat_axis(script, 'y', m->n_tokens, m->token);
    fputs("set multiplot\n", script);
    for (int b = 0; b < n; b++) {
        const int left = LEFT + b % COLUMNS * (cell + GAP_X),
                  top = height - TOP - b / COLUMNS * (cell + GAP_Y);
        rj_style_panel(script, width, height, left, left + cell, top - cell, top);
        fprintf(script, "set title 'block %td' offset 0,-0.6\n", block[b] + 1);
        fputs(b % COLUMNS == 0 ? "set ylabel 'token i (Jacobian)' offset 1.2,0\n" : "unset ylabel\n", script);
        fputs(b + COLUMNS >= n ? "set xlabel 'token j (vectors)'\n" : "unset xlabel\n", script);
        rj_heat_plot(script, b, true);
    }
    fputs("unset multiplot\n", script);
    return RJ_OK;
}

bool rj_figure_modes_any(const rj_figure_job *job)
{
    bool any = false;

    for (int mode = 0; mode < RJ_N_TOKEN_MODES; mode++)
        for (ptrdiff_t l = 0; job->k >= 0 && job->model->mode[mode].measured && l < job->model->L; l++)
            any = any || job->model->mode[mode].off[job->k * job->model->L + l].n > 0;
    return any;
}

/* ",mean,low,high" of one block: one standard deviation over pairs and prompts. */
static void write_moment(FILE *csv, const rj_moment *x, double range[2])
{
    const double mean = rj_moment_mean(x), sd = x->n > 1 ? rj_moment_sd(x) : 0.0;
    const double value[] = {mean, mean - sd, mean + sd};

    for (int i = 0; i < 3; i++) {
        fputc(',', csv);
        rj_output_number(csv, value[i]);
        if (!isfinite(value[i])) continue;
        range[0] = fmin(range[0], value[i]);
        range[1] = fmax(range[1], value[i]);
    }
}

rj_status rj_figure_modes(const rj_figure_job *job)
{
    static const char *const colour[RJ_N_TOKEN_MODES] = {RJ_STYLE_TRAINED, "#7a4a9e", "#2e8b57"};
    static const int mark[RJ_N_TOKEN_MODES] = {7, 5, 9};
    static const rj_moment none;
    const rj_summary *m = job->model, *twin = rj_figure_twin_of(job->all, m);
    const ptrdiff_t twin_k = twin != NULL ? rj_figure_find_k(twin, job->figure->k_label) : -1;
    FILE *script = job->script;
    const int width = 460, height = 320;
    double range[2] = {0.0, 0.0};
    rj_legend legend = {0};
    char title[RJ_LABEL_SIZE + 64], label[RJ_LABEL_SIZE];
    bool twins = false;
    ptrdiff_t rows[RJ_N_TOKEN_MODES] = {0}, row = 0;

    fputs("mode,layer,excess_mean,excess_low,excess_high,twin_excess_mean,twin_excess_low,twin_excess_high\n",
          job->csv);
    for (int mode = 0; mode < RJ_N_TOKEN_MODES; mode++) {
        const bool of_twin = twin_k >= 0 && twin->mode[mode].measured;
        if (!m->mode[mode].measured) continue;
        twins = twins || of_twin;
        rj_legend_add(&legend, RJ_LEGEND_MARK + mark[mode], colour[mode], rj_token_mode_name[mode]);
        for (ptrdiff_t l = 0; l < m->L; l++) { /* blocks that tokens.layers leaves out have no row */
            if (m->mode[mode].off[job->k * m->L + l].n == 0) continue;
            rows[mode]++;
            fprintf(job->csv, "%s,%td", rj_token_mode_name[mode], l + 1);
            write_moment(job->csv, &m->mode[mode].off[job->k * m->L + l], range);
            write_moment(job->csv,
                         of_twin && l < twin->L ? &twin->mode[mode].off[twin_k * twin->L + l] : &none, range);
            fputc('\n', job->csv);
        }
    }
    if (twins) rj_legend_add(&legend, RJ_LEGEND_DASHED, "#333333", "random-init twin");
    rj_style_range(&range[0], &range[1]);
    rj_escape_label(job->figure->k_label, label);
    snprintf(title, sizeof title, "excess coupling of different tokens, K = %s", label);
    rj_style_begin(script, job->figure->stem, width, height, m->name, title);
    rj_legend_write(script, &legend, width, height);
    rj_style_panel(script, width, height, 66, width - 14, rj_legend_room(&legend, width), height - 44);
    fprintf(script, "set xrange [0.5:%td.5]\nset xtics %td\nset yrange [%.9g:%.9g]\n", m->L,
            rj_style_step(m->L), range[0], range[1]);
    fputs("set xzeroaxis linetype 1 linecolor rgb '#333333'\nset xlabel 'block'\n"
          "set ylabel 'excess (0 chance, 1 perfect)' offset 1.6,0\nplot \\\n",
          script);
    for (int mode = 0; mode < RJ_N_TOKEN_MODES; row += rows[mode++]) {
        const ptrdiff_t first = row, last = row + rows[mode] - 1;
        if (rows[mode] == 0) continue;
        fprintf(script,
                "%s  data skip 1 every ::%td::%td using 2:4:5 with filledcurves fillcolor rgb '%s' fillstyle "
                "transparent "
                "solid 0.15 noborder, \\\n"
                "  data skip 1 every ::%td::%td using 2:6 with lines dashtype 2 linewidth 1.4 linecolor rgb "
                "'%s', \\\n"
                "  data skip 1 every ::%td::%td using 2:3 with linespoints pointtype %d pointsize 0.5 "
                "linewidth 1.8 "
                "linecolor rgb '%s'",
                row > 0 ? ", \\\n" : "", first, last, colour[mode], first, last, colour[mode], first, last,
                mark[mode], colour[mode]);
    }
    fputc('\n', script);
    return RJ_OK;
}
