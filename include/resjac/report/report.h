/* report.h: from the final file alone to figures, their numbers, tables and one page. */
#ifndef RESJAC_REPORT_REPORT_H
#define RESJAC_REPORT_REPORT_H

#include "resjac/base/status.h"

/* Writes into `folder` (made where it is not there; files of the same names are replaced), for every model of `results`:
 *   <model>-coupling-k<K>, <model>-trained-vs-random, <model>-depth-distance, <model>-singular-values, <model>-norm-growth,
 *   <model>-trajectory; <model>-alignment-<prompt id> for the first 8 prompts that have alignment matrices; with token modes
 *   <model>-token-modes-k<K>, <model>-tokens-<mode>-k<K>, <model>-influence;
 * for each series of checkpoints <series>-emergence; for all models overview-trajectory-scores, overview-certificates, from two models on
 * overview-excess-coupling-k<K> and overview-depth-distance-k<K>, from three on overview-correlations; with scores
 * <measure>-against-<benchmark>, measures-against-<benchmark>, scores.csv, scores.md. A figure without values is left out.
 * Each figure stands as <name>.<format>, its numbers as <name>.csv and its script as <name>.gp (`gnuplot -c <name>.gp . svg` in the
 * folder draws it again); summary.csv, summary.md, index.html.
 * In <model> and <prompt id>, characters other than A-Z a-z 0-9 . _ - are '_'; equal ones are told apart by a number.
 * index.html loads nothing: it holds its pictures (PNG where that is the format, else SVG).
 * The same file gives the same bytes, given one gnuplot and its fonts. Needs the program `gnuplot` in PATH.
 *   results   [in]  a final NetCDF file (docs/formats.md)
 *   format    [in]  "svg", "png" or "pdf"
 *   n_figures [out] figures drawn; untouched on error
 * Not collective: one rank calls it.
 * Errors: USAGE another format; MISSING no such file, or no gnuplot; FORMAT not a final file (names the variable);
 * CREATE a folder or file that cannot be written; IO; NOMEM; LIB gnuplot refuses a script (its words). */
RJ_CHECKED rj_status rj_report_write(const char *results, const char *folder, const char *format,
                                     int *n_figures);
#endif
