/* legend.h: the legend of a figure, in rows at its bottom edge. Private to report. gnuplot's own is as wide as the panel, which in a
 * figure of several panels is too narrow. */
#ifndef RESJAC_REPORT_LEGEND_H
#define RESJAC_REPORT_LEGEND_H

#include <stdio.h>

typedef enum {
    RJ_LEGEND_LINE = 0,
    RJ_LEGEND_DASHED,
    RJ_LEGEND_BAND,
    RJ_LEGEND_WHISKER,
    RJ_LEGEND_BAR,
    RJ_LEGEND_MARK /* and then gnuplot's point types: RJ_LEGEND_MARK + 7 is a filled circle */
} rj_legend_sample;

enum { RJ_LEGEND_MOST = 32, RJ_LEGEND_CHARACTERS = 30 };

/* All zero is empty. */
typedef struct {
    int n;
    struct {
        int sample; /* rj_legend_sample */
        char colour[8], text[RJ_LEGEND_CHARACTERS + 4];
    } entry[RJ_LEGEND_MOST];
} rj_legend;

/* Not collective, as all of these.
 *   colour [in] "#rrggbb"
 *   text   [in] our own words, or of rj_escape_label; cut to RJ_LEGEND_CHARACTERS. Beyond RJ_LEGEND_MOST entries it is left out */
void rj_legend_add(rj_legend *legend, int sample, const char *colour, const char *text);

/* Pixels below a panel with an axis and its label: the panel starts so far above the bottom edge. */
int rj_legend_room(const rj_legend *legend, int width);

/* To be written before the first plot; `unset label; unset arrow; unset object` before a second one of a multiplot. */
void rj_legend_write(FILE *out, const rj_legend *legend, int width, int height);
#endif
