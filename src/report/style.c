/* style.c: viridis (van der Walt and Smith, public domain): even in lightness, safe for the colour-blind and in grey. */
#include "style.h"

#include <math.h>

#include "resjac/report/escape.h"

enum { N_COLOURS = 9 };
static const unsigned viridis[N_COLOURS] = {0x440154, 0x472d7b, 0x3b528b, 0x2c728e, 0x21918c,
                                            0x28ae80, 0x5ec962, 0xaddc30, 0xfde725};

void rj_style_viridis(double t, char colour[8])
{
    const double x = fmin(fmax(t, 0.0), 1.0) * (N_COLOURS - 1);
    const int i = x < N_COLOURS - 1 ? (int)x : N_COLOURS - 2;
    unsigned mixed = 0;

    for (int shift = 16; shift >= 0; shift -= 8) {
        const double a = viridis[i] >> shift & 0xFF, b = viridis[i + 1] >> shift & 0xFF;
        mixed |= (unsigned)lround(a + (b - a) * (x - i)) << shift;
    }
    snprintf(colour, 8, "#%06x", mixed & 0xFFFFFFu);
}

static void terminals(FILE *out, int width, int height)
{
    const double inch = 96.0;

    fprintf(out,
            "if (format eq 'svg') {\n"
            "  set terminal svg size %d,%d enhanced font 'Helvetica,%d' background rgb 'white'\n"
            "}\n",
            width, height, RJ_STYLE_FONT);
    fprintf(out,
            "if (format eq 'png') {\n"
            "  set terminal pngcairo size %d,%d enhanced font 'Helvetica,%d' fontscale 1.5 linewidth 2 "
            "pointscale 2 background rgb 'white'\n"
            "}\n",
            2 * width, 2 * height, RJ_STYLE_FONT);
    fprintf(
        out,
        "if (format eq 'pdf') {\n"
        "  set terminal pdfcairo size %.4fin,%.4fin enhanced font 'Helvetica,%d' fontscale 0.6 linewidth 1.4 "
        "background rgb 'white'\n"
        "}\n",
        width / inch, height / inch, RJ_STYLE_FONT);
}

void rj_style_begin(FILE *out, const char *stem, int width, int height, const char *model, const char *title)
{
    char label[RJ_LABEL_SIZE];

    rj_escape_label(model, label);
    fputs("# Written by resjac report. Draw again: gnuplot -c THIS.gp FOLDER FORMAT\n"
          "folder = ARGC >= 1 ? ARG1 : '.'\n"
          "format = ARGC >= 2 ? ARG2 : 'svg'\n"
          "set encoding utf8\n",
          out);
    terminals(out, width, height);
    fprintf(out, "set output folder.'/%s.'.format\n", stem);
    fprintf(out, "data = folder.'/%s.csv'\n", stem);
    fputs("set datafile separator comma\n"
          "set palette defined (",
          out);
    for (int i = 0; i < N_COLOURS; i++) fprintf(out, "%s%d '#%06x'", i > 0 ? ", " : "", i, viridis[i]);
    fputs(")\n"
          "set border linewidth 0.8 linecolor rgb '#333333'\n"
          "set tics out nomirror scale 0.5\n"
          "set xtics offset 0,0.4\n"
          "set xlabel offset 0,0.6\n"
          "set pointintervalbox 0\n"
          "set key noenhanced samplen 1.6 spacing 1.05 Left reverse\n"
          "unset key\n"
          "set grid ytics linecolor rgb '#e4e4e4' linewidth 0.6\n"
          "set style fill solid 1.0 noborder\n",
          out);
    fprintf(out, "set label 1 '%s' at screen 0.5, screen %.4f center noenhanced font ',%d'\n", label,
            1.0 - 12.0 / height, RJ_STYLE_FONT + 1);
    fprintf(out, "set label 2 '%s' at screen 0.5, screen %.4f center textcolor rgb '#333333'\n", title,
            1.0 - 29.0 / height);
}

void rj_style_panel(FILE *out, int width, int height, int left, int right, int bottom, int top)
{
    fprintf(out, "set lmargin at screen %.5f\nset rmargin at screen %.5f\n", (double)left / width,
            (double)right / width);
    fprintf(out, "set bmargin at screen %.5f\nset tmargin at screen %.5f\n", (double)bottom / height,
            (double)top / height);
}

void rj_style_log_axis(FILE *out, double ln_low, double ln_high)
{
    static const int digit[] = {1, 2, 5, 3, 4, 6, 8}; /* the first n_digits are labelled */
    const double first = floor(ln_low / log(10.0)), last = ceil(ln_high / log(10.0)),
                 decades = (ln_high - ln_low) / log(10.0);
    const int n_digits = decades < 1.0   ? 7
                         : decades < 3.0 ? 3
                                         : 1,
              step = (int)fmax(1.0, ceil(decades / 8.0));

    fprintf(out, "set logscale y\nset yrange [%.9g:%.9g]\nset format y '%%g'\nset ytics ()\n", exp(ln_low),
            exp(ln_high));
    for (int e = (int)first; e <= (int)last; e += step)
        for (int i = 0; i < n_digits; i++) fprintf(out, "set ytics add (%de%d)\n", digit[i], e);
}

void rj_style_range(double *low, double *high)
{
    if (!(*low <= *high)) {
        *low = 0.0;
        *high = 1.0;
        return;
    }
    double pad = 0.05 * (*high - *low);
    if (pad <= 1e-9 * fabs(*high)) pad = *high != 0.0 ? 0.05 * fabs(*high) : 0.5;
    *low -= pad;
    *high += pad;
}

double rj_style_tick(double low, double high, int most)
{
    const double least = (high - low) / most, power = pow(10.0, floor(log10(least)));
    return least <= power         ? power
           : least <= 2.0 * power ? 2.0 * power
           : least <= 5.0 * power ? 5.0 * power
                                  : 10.0 * power;
}

void rj_style_signed_palette(FILE *out)
{
    fputs("set palette defined (-1 '#2166ac', -0.5 '#92c5de', 0 '#f7f7f7', 0.5 '#fdb863', 1 '#b35806')\n",
          out);
}

ptrdiff_t rj_style_step(ptrdiff_t n)
{
    for (ptrdiff_t power = 1;; power *= 10)
        for (int i = 0; i < 3; i++) {
            static const ptrdiff_t digit[] = {1, 2, 5};
            if (n <= 7 * digit[i] * power) return digit[i] * power;
        }
}
