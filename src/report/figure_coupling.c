/* figure_coupling.c: misfit beside its null on one colour scale, and what is left after chance. */
#include <math.h>

#include "figure_kinds.h"
#include "output.h"
#include "style.h"

enum { WIDTH = RJ_STYLE_WIDTH, HEIGHT = 270, CELL_BOTTOM = 54, CELL = 148 };

bool rj_figure_coupling_any(const rj_figure_job *job)
{
    return job->k >= 0 && job->model->coupling[job->k].misfit.n > 0;
}

static void write_numbers(FILE *csv, const rj_summary *m, ptrdiff_t k)
{
    fputs("layer_i,layer_j,coupling_misfit,coupling_null,excess_coupling\n", csv);
    for (ptrdiff_t i = 0; i < m->L; i++)
        for (ptrdiff_t j = 0; j < m->L; j++) {
            const ptrdiff_t at = (k * m->L + i) * m->L + j;
            fprintf(csv, "%td,%td,", i + 1, j + 1);
            rj_output_number(csv, m->misfit[at]);
            fputc(',', csv);
            rj_output_number(csv, m->null[k * m->L + i]);
            fputc(',', csv);
            rj_output_number(csv, m->excess[at]);
            fputc('\n', csv);
        }
}

static void widen(double *low, double *high, double x)
{
    if (!isfinite(x)) return;
    *low = fmin(*low, x);
    *high = fmax(*high, x);
}

/* Misfit off the diagonal with its null, and excess off the diagonal, of one K. */
static void widen_both(const rj_summary *m, ptrdiff_t k, double misfit[2], double excess[2])
{
    for (ptrdiff_t i = 0; i < m->L; i++) {
        widen(&misfit[0], &misfit[1], m->null[k * m->L + i]);
        for (ptrdiff_t j = 0; j < m->L; j++) {
            if (i == j) continue;
            widen(&misfit[0], &misfit[1], m->misfit[(k * m->L + i) * m->L + j]);
            widen(&excess[0], &excess[1], m->excess[(k * m->L + i) * m->L + j]);
        }
    }
}

/* The ends of the colours. A model and its twin share them, and they span `noise` at least: stretched over the scatter about
 * chance, they would show structure where there is none. */
static void ranges(const rj_figure_job *job, const rj_summary *m, ptrdiff_t k, double misfit[2],
                   double excess[2])
{
    const double noise = 0.05;
    const int partner = m->twin >= 0 ? m->twin : m->original;
    const rj_summary *other = partner >= 0 ? &job->all->model[partner] : NULL;
    const ptrdiff_t other_k = other != NULL ? rj_figure_find_k(other, m->k_label[k]) : -1;

    misfit[0] = excess[0] = INFINITY;
    misfit[1] = excess[1] = -INFINITY;
    widen_both(m, k, misfit, excess);
    if (other_k >= 0) widen_both(other, other_k, misfit, excess);
    widen(&misfit[0], &misfit[1], (1.0 - noise) * misfit[1]);
    widen(&excess[0], &excess[1], 0.0); /* chance */
    widen(&excess[0], &excess[1], noise);
    rj_style_range(&misfit[0], &misfit[1]);
    rj_style_range(&excess[0], &excess[1]);
}

static void colour_box(FILE *script, int left, const char *label)
{
    fprintf(script,
            "set colorbox vertical user origin screen %.5f, screen %.5f size screen %.5f, screen %.5f\n",
            (double)left / WIDTH, (double)CELL_BOTTOM / HEIGHT, 11.0 / WIDTH, (double)CELL / HEIGHT);
    fprintf(script, "set cblabel '%s' offset 0,0\n", label);
}

/* One square of sharp cells: viewers blur a picture of one pixel a cell, so each cell has many. Its diagonal is greyed out
 * where that says nothing. */
static void panel(FILE *script, int left, int column, const char *title, bool grey_diagonal)
{
    rj_style_panel(script, WIDTH, HEIGHT, left, left + CELL, CELL_BOTTOM, CELL_BOTTOM + CELL);
    fprintf(script,
            "set datafile separator comma\n"
            "stats data skip 1 using (A[int(($1 - 1) * L + $2)] = $%d, 1) nooutput\n"
            "set datafile separator whitespace\n", /* as '++' needs */
            column);
    fprintf(script, "set title '%s' offset 0,-0.6\n", title);
    fputs("plot sample [u = 0.5 + h:L + 0.5 - h] [v = 0.5 + h:L + 0.5 - h] '++' using 1:2:"
          "(A[int((floor($2 + 0.5) - 1) * L + floor($1 + 0.5))]) with image",
          script);
    if (grey_diagonal)
        fprintf(script,
                ", [t = 1:L:1] '+' using 1:1:(0.5):(0.5) with boxxyerror fillcolor rgb '%s' fillstyle solid "
                "noborder",
                RJ_STYLE_GREY);
    fputc('\n', script);
}

rj_status rj_figure_coupling(const rj_figure_job *job)
{
    const rj_summary *m = job->model;
    const ptrdiff_t k = job->k;
    FILE *script = job->script;
    const ptrdiff_t step = rj_style_step(m->L), pixels = m->L < 40 ? 160 / m->L : 4;
    double misfit[2], excess[2];
    char title[RJ_LABEL_SIZE + 96], label[RJ_LABEL_SIZE];

    write_numbers(job->csv, m, k);
    ranges(job, m, k, misfit, excess);
    rj_escape_label(m->k_label[k], label);
    snprintf(title, sizeof title, "coupling of residual Jacobians on K = %s leading singular directions",
             label);
    rj_style_begin(script, job->figure->stem, WIDTH, HEIGHT, m->name, title);
    fprintf(script, "L = %td\narray A[L * L]\nh = 0.5 / %td\n", m->L, pixels);
    fprintf(script, "set samples L * %td\nset isosamples L * %td\n", pixels, pixels);
    fprintf(script,
            "set xrange [0.5:%td.5]\nset yrange [0.5:%td.5]\nset xtics %td\nset ytics %td\nunset grid\n",
            m->L, m->L, step, step);
    fputs("set xlabel 'block j (singular vectors)'\n"
          "set ylabel 'block i (Jacobian)' offset 1.5,0\n"
          "set multiplot\n",
          script);
    fprintf(script, "set cbrange [%.9g:%.9g]\nset palette negative\nunset colorbox\n", misfit[0], misfit[1]);
    panel(script, 48, 3, "misfit", true);
    fputs("unset label 1; unset label 2; unset ylabel; unset ytics\n", script);
    colour_box(script, 363, "misfit, null (1)");
    panel(script, 206, 4, "null: by chance", false);
    fprintf(script, "set cbrange [%.9g:%.9g]\nset palette positive\n", excess[0], excess[1]);
    colour_box(script, 604, "excess (1)");
    panel(script, 446, 5, "excess = 1 - misfit/null", true);
    fputs("unset multiplot\n", script);
    return RJ_OK;
}
