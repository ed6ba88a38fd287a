/* figure_alignment.c: a gallery of small matrices, one for each pair of blocks, on one colour scale. */
#include <math.h>

#include "figure_kinds.h"
#include "output.h"
#include "style.h"

/* Pixels. */
enum { WIDTH = RJ_STYLE_WIDTH, LEFT = 64, RIGHT = 90, GAP = 6, BOTTOM = 34, TOP = 64 };
static const double scale_floor = 1e-3; /* of s_1 of the Jacobian: what is less has this colour */

static const double *pair(const rj_summary *m, ptrdiff_t a, ptrdiff_t i, ptrdiff_t j)
{
    return m->alignment[a].magnitude + (i * m->n_grid + j) * m->n_directions * m->n_directions;
}

/* s_1 of block grid[i]: in its own directions its Jacobian is diagonal. */
static double strength(const rj_summary *m, ptrdiff_t a, ptrdiff_t i)
{
    return pair(m, a, i, i)[0];
}

bool rj_figure_alignment_any(const rj_figure_job *job)
{
    const rj_summary *m = job->model;
    const ptrdiff_t a = job->figure->alignment;
    bool found = false;

    for (ptrdiff_t i = 0; i < m->n_grid; i++) found = found || strength(m, a, i) > 0.0;
    return found;
}

static void write_numbers(FILE *csv, const rj_summary *m, ptrdiff_t a)
{
    const ptrdiff_t n = m->n_directions;

    fputs("layer_i,layer_j,row,column,magnitude,relative_magnitude\n", csv);
    for (ptrdiff_t i = 0; i < m->n_grid; i++)
        for (ptrdiff_t j = 0; j < m->n_grid; j++)
            for (ptrdiff_t e = 0; e < n * n; e++) {
                const double x = pair(m, a, i, j)[e], s = strength(m, a, i);
                fprintf(csv, "%td,%td,%td,%td,", m->grid[i] + 1, m->grid[j] + 1, e / n + 1, e % n + 1);
                rj_output_number(csv, x);
                fputc(',', csv);
                rj_output_number(csv, s > 0.0 ? x / s : NAN);
                fputc('\n', csv);
            }
}

/* The picture of block grid[i] in directions of block grid[j]; sharp cells as in the coupling maps. */
static void panel(FILE *script, const rj_summary *m, int height, int cell, ptrdiff_t i, ptrdiff_t j)
{
    const int left = LEFT + (int)j * (cell + GAP), top = height - TOP - (int)i * (cell + GAP);
    const ptrdiff_t n = m->n_directions;

    rj_style_panel(script, WIDTH, height, left, left + cell, top - cell, top);
    if (i == 0)
        fprintf(script, "set label 3 'j = %td' at graph 0.5, graph 1 offset 0,0.75 center\n", m->grid[j] + 1);
    if (j == 0)
        fprintf(script, "set label 4 'i = %td' at graph 0, graph 0.5 offset -0.6,0 right\n", m->grid[i] + 1);
    fprintf(script,
            "plot sample [u = 0.5 + h:n + 0.5 - h] [v = 0.5 + h:n + 0.5 - h] '++' using 1:2:"
            "(A[%td + int((floor($2 + 0.5) - 1) * n + floor($1 + 0.5))]) with image\n",
            (i * m->n_grid + j) * n * n);
    fputs("unset label\nunset colorbox\n", script); /* what stands once is drawn with the first */
}

static void axes(FILE *script, int height, int side)
{
    const double middle = (height - TOP - side / 2.0) / height;

    fprintf(script, "set label 5 'block j (singular vectors)' at screen %.5f, screen %.5f center\n",
            (LEFT + side / 2.0) / WIDTH, 14.0 / height);
    fprintf(script, "set label 6 'block i (Jacobian)' at screen %.5f, screen %.5f center rotate by 90\n",
            10.0 / WIDTH, middle);
    fprintf(script,
            "set colorbox vertical user origin screen %.5f, screen %.5f size screen %.5f, screen %.5f\n",
            (LEFT + side + 14.0) / WIDTH, (double)BOTTOM / height, 11.0 / WIDTH, (double)side / height);
    fputs("set cblabel 'magnitude, relative to s_1 of block i' offset -0.5,0\n", script);
}

rj_status rj_figure_alignment(const rj_figure_job *job)
{
    const rj_summary *m = job->model;
    const ptrdiff_t a = job->figure->alignment;
    FILE *script = job->script;
    const int n_grid = (int)m->n_grid, cell = (WIDTH - LEFT - RIGHT - (n_grid - 1) * GAP) / n_grid;
    const int side = n_grid * cell + (n_grid - 1) * GAP, height = TOP + side + BOTTOM;
    const ptrdiff_t n = m->n_directions, pixels = 160 / n;
    char who[2 * RJ_NAME_SIZE + 16], title[128];

    write_numbers(job->csv, m, a);
    snprintf(who, sizeof who, "%s, prompt %s", m->name, m->alignment[a].prompt);
    snprintf(title, sizeof title, "|U_j'' J_i V_j| on %td leading singular directions; logarithmic colours",
             n);
    rj_style_begin(script, job->figure->stem, WIDTH, height, who, title);
    fprintf(script, "n = %td\narray A[%td]\nh = 0.5 / %td\n", n, m->n_grid * m->n_grid * n * n, pixels);
    fprintf(script,
            "stats data skip 1 using (A[int($0) + 1] = $6 > %g ? $6 : $6 <= %g ? %g : NaN, 1) nooutput\n",
            scale_floor, scale_floor, scale_floor);
    fprintf(script,
            "set datafile separator whitespace\n" /* as '++' needs */
            "set samples n * %td\nset isosamples n * %td\n",
            pixels, pixels);
    fprintf(script, "set xrange [0.5:%td.5]\nset yrange [%td.5:0.5]\nunset xtics\nunset ytics\nunset grid\n",
            n, n);
    fprintf(script, "set logscale cb\nset cbrange [%g:1]\nset format cb '%%g'\n", scale_floor);
    axes(script, height, side);
    fputs("set multiplot\n", script);
    for (ptrdiff_t i = 0; i < m->n_grid; i++)
        for (ptrdiff_t j = 0; j < m->n_grid; j++) panel(script, m, height, cell, i, j);
    fputs("unset multiplot\n", script);
    return RJ_OK;
}
