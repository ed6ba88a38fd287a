/* legend.c: entries flow into rows like words into lines; each row is centred. */
#include "legend.h"

#include <stdbool.h>
#include <string.h>

#include "place.h"
#include "style.h"

/* Pixels; TAG is beyond the labels, arrows and objects of any figure. */
enum { SAMPLE = 20, GAP = 5, BETWEEN = 16, ROW = 17, MARGIN = 10, AXIS = 44, TAG = 100000 };

void rj_legend_add(rj_legend *legend, int sample, const char *colour, const char *text)
{
    if (legend->n == RJ_LEGEND_MOST) return;
    legend->entry[legend->n].sample = sample;
    snprintf(legend->entry[legend->n].colour, sizeof legend->entry[0].colour, "%s", colour);
    snprintf(legend->entry[legend->n].text, sizeof legend->entry[0].text, "%.*s", RJ_LEGEND_CHARACTERS, text);
    legend->n++;
}

static double entry_width(const rj_legend *legend, int i)
{
    return SAMPLE + GAP + rj_place_width(legend->entry[i].text, RJ_STYLE_FONT);
}

/* How many entries from `first` on fit into a row, one at least; and the width of that row. */
static int row_of(const rj_legend *legend, int first, int width, double *used)
{
    int n = 0;

    *used = 0.0;
    while (first + n < legend->n) {
        const double more = entry_width(legend, first + n) + (n > 0 ? BETWEEN : 0);
        if (n > 0 && *used + more > width - 2 * MARGIN) break;
        *used += more;
        n++;
    }
    return n;
}

static int count_rows(const rj_legend *legend, int width)
{
    double used = 0.0;
    int rows = 0;

    for (int i = 0; i < legend->n; rows++) i += row_of(legend, i, width, &used);
    return rows;
}

int rj_legend_room(const rj_legend *legend, int width)
{
    return AXIS + ROW * count_rows(legend, width) + MARGIN;
}

/* `x` and `y` are the left end and the middle of the sample in pixels. */
static void write_sample(FILE *out, const rj_legend *legend, int i, double x, double y, int width, int height)
{
    const int sample = legend->entry[i].sample, tag = TAG + i;
    const char *colour = legend->entry[i].colour;
    const double left = x / width, right = (x + SAMPLE) / width, middle = y / height;

    if (sample >= RJ_LEGEND_MARK) {
        fprintf(out,
                "set label %d '' at screen %.5f, screen %.5f point pointtype %d pointsize 0.8 linewidth 1.4 "
                "linecolor "
                "rgb '%s'\n",
                tag + RJ_LEGEND_MOST, (left + right) / 2.0, middle, sample - RJ_LEGEND_MARK, colour);
        return;
    }
    if (sample == RJ_LEGEND_BAND || sample == RJ_LEGEND_BAR) {
        const double half = (sample == RJ_LEGEND_BAND ? 5.0 : 4.0) / height;
        fprintf(out,
                "set object %d rectangle from screen %.5f, screen %.5f to screen %.5f, screen %.5f fillcolor "
                "rgb '%s' "
                "fillstyle solid noborder\n",
                tag, left, middle - half, right, middle + half, colour);
        return;
    }
    fprintf(out,
            "set arrow %d from screen %.5f, screen %.5f to screen %.5f, screen %.5f %s linewidth 2 linecolor "
            "rgb '%s'%s\n",
            tag, left, middle, right, middle,
            sample == RJ_LEGEND_WHISKER ? "heads size screen 0.005,90" : "nohead", colour,
            sample == RJ_LEGEND_DASHED ? " dashtype 2" : "");
}

void rj_legend_write(FILE *out, const rj_legend *legend, int width, int height)
{
    const int rows = count_rows(legend, width);
    int i = 0;

    for (int row = 0; row < rows; row++) {
        double used = 0.0;
        const int n = row_of(legend, i, width, &used);
        double x = (width - used) / 2.0;
        const double y = MARGIN / 2.0 + ROW * (rows - row - 0.5);
        for (int e = 0; e < n; e++, i++) {
            write_sample(out, legend, i, x, y, width, height);
            fprintf(out, "set label %d '%s' at screen %.5f, screen %.5f left noenhanced\n", TAG + i,
                    legend->entry[i].text, (x + SAMPLE + GAP) / width, y / height);
            x += entry_width(legend, i) + BETWEEN;
        }
    }
}
