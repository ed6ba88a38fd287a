/* gnuplot.h: runs the program gnuplot on a script file, without a shell. */
#ifndef RESJAC_REPORT_GNUPLOT_H
#define RESJAC_REPORT_GNUPLOT_H

#include "resjac/base/status.h"

/* Errors: MISSING no gnuplot in PATH. Not collective. */
RJ_CHECKED rj_status rj_gnuplot_find(void);

/* Draws folder/<stem>.<format> from folder/<stem>.gp: the folder and the format are arguments of the script, never part
 * of it. The date of a PDF is set to 1970, so that the same numbers give the same bytes.
 *   folder [in] absolute: gnuplot takes a name that begins with '<' or '|' for a program
 *   format [in] "svg", "png" or "pdf"
 * Not collective. Errors: MISSING no gnuplot; LIB it fails (its words); IO; NOMEM; ARG a folder that is not absolute. */
RJ_CHECKED rj_status rj_gnuplot_draw(const char *folder, const char *stem, const char *format);
#endif
