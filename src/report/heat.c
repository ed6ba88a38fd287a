/* heat.c: gnuplot's `image` of many pixels a cell, from an array, because its `++` cannot read a file. */
#include "heat.h"

#include "style.h"

enum { PIXELS = 160 }; /* of a panel at least */

void rj_heat_begin(FILE *out, ptrdiff_t rows, ptrdiff_t columns, int n_maps, int csv_column)
{
    const ptrdiff_t larger = rows > columns ? rows : columns,
                    pixels = larger < PIXELS / 4 ? PIXELS / larger : 4;

    fprintf(out, "rows = %td\ncolumns = %td\nh = 0.5/%td\nundefine A\narray A[%d*rows*columns]\n", rows,
            columns, pixels, n_maps);
    fprintf(out,
            "set datafile separator comma\n"
            "stats data skip 1 using (A[int($0) + 1] = $%d, 1) nooutput\n"
            "set datafile separator whitespace\n" /* as '++' needs */
            "set samples columns*%td\nset isosamples rows*%td\n"
            "set xrange [0.5:columns + 0.5]\nset yrange [rows + 0.5:0.5]\nunset grid\n",
            csv_column, pixels, pixels);
}

void rj_heat_plot(FILE *out, int map, bool grey_diagonal)
{
    fprintf(out,
            "plot sample [u = 0.5 + h:columns + 0.5 - h] [v = 0.5 + h:rows + 0.5 - h] '++' using 1:2:"
            "(A[%d*rows*columns + int((floor($2 + 0.5) - 1)*columns + floor($1 + 0.5))]) with image",
            map);
    if (grey_diagonal)
        fputs(", [t = 1:rows:1] '+' using 1:1:(0.5):(0.5) with boxxyerror fillcolor rgb '" RJ_STYLE_GREY
              "' fillstyle solid noborder",
              out);
    fputs("\nunset label\nunset colorbox\n", out);
}

void rj_heat_colour_box(FILE *out, int width, int height, int left, int bottom, int top, const char *label)
{
    fprintf(out, "set colorbox vertical user origin screen %.5f, screen %.5f size screen %.5f, screen %.5f\n",
            (double)left / width, (double)bottom / height, 11.0 / width, (double)(top - bottom) / height);
    fprintf(out, "set cblabel '%s' offset 0,0\n", label);
}

void rj_heat_axis(FILE *out, char axis, ptrdiff_t n, const double *number)
{
    const ptrdiff_t step = rj_style_step(n);

    fprintf(out, "set %ctics ()\n", axis);
    for (ptrdiff_t i = 0; i < n; i += step)
        fprintf(out, "set %ctics add ('%.0f' %td)\n", axis, number[i], i + 1);
}
