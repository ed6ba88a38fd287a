/* heat.h: heat maps with sharp cells: viewers blur a picture of one pixel a cell, so each cell has many. Private to report. */
#ifndef RESJAC_REPORT_HEAT_H
#define RESJAC_REPORT_HEAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Loads a column of the figure's CSV, n_maps of rows x columns one after the other, and sets ranges from 0.5, the first row on top. Not
 * collective, as all of these. */
void rj_heat_begin(FILE *out, ptrdiff_t rows, ptrdiff_t columns, int n_maps, int csv_column);

/* Map `map` in the panel set before. grey_diagonal: it says nothing there. The colour box stands once, with the first. */
void rj_heat_plot(FILE *out, int map, bool grey_diagonal);

/* In pixels: left edge, bottom, top. */
void rj_heat_colour_box(FILE *out, int width, int height, int left, int bottom, int top, const char *label);

/* Ticks of an axis ('x' or 'y') of n cells with these numbers, at most 7. */
void rj_heat_axis(FILE *out, char axis, ptrdiff_t n, const double *number);
#endif
