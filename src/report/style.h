/* style.h: how every figure looks: one place for sizes, fonts, colours and lines. */
#ifndef RESJAC_REPORT_STYLE_H
#define RESJAC_REPORT_STYLE_H

#include <stddef.h>
#include <stdio.h>

/* Pixels of SVG at 96 a inch: 7.2 inches, a page's text width; the type is then 9 points. PNG has twice as many. */
enum { RJ_STYLE_WIDTH = 692, RJ_STYLE_FONT = 12 };

/* Two colours apart in hue and lightness, also for the colour-blind and in grey print. */
#define RJ_STYLE_TRAINED "#21609f"
#define RJ_STYLE_TWIN    "#e69f00"
#define RJ_STYLE_THIN    "#9fb4c8"
#define RJ_STYLE_GREY    "#c8c8c8"

/* The head of a script: arguments (folder, format), terminal, fonts, lines, palette, and the figure's title.
 *   stem  [in] of the files, from rj_escape_stem
 *   title [in] after the model's name; our own words only
 *   model [in] any text; becomes a label
 * Not collective. */
void rj_style_begin(FILE *out, const char *stem, int width, int height, const char *model, const char *title);

/* Margins of one panel in pixels from the left and bottom edge. */
void rj_style_panel(FILE *out, int width, int height, int left, int right, int bottom, int top);

/* A logarithmic y axis from exp(ln_low) to exp(ln_high), labelled at 1, 2, 5 of each decade where there are few. */
void rj_style_log_axis(FILE *out, double ln_low, double ln_high);

/* low..high widened to 5 % beyond and never empty; [0,1] where nothing is finite. */
void rj_style_range(double *low, double *high);

/* Distance of ticks on an axis from low to high: 1, 2 or 5 times a power of ten, at most `most` ticks. */
double rj_style_tick(double low, double high, int most);

/* Distance of ticks on an axis of whole numbers 0..n: 1, 2 or 5 times a power of ten, at most 7 ticks. */
ptrdiff_t rj_style_step(ptrdiff_t n);

/* The palette of signed numbers: blue below, white at the middle, orange above; apart for the colour-blind. */
void rj_style_signed_palette(FILE *out);

/* The viridis colour of t in 0..1 as "#rrggbb", linear between the palette's nine points. */
void rj_style_viridis(double t, char colour[8]);
#endif
