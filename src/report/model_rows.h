/* model_rows.h: figures with one row a model, the first on top. Private to report. */
#ifndef RESJAC_REPORT_MODEL_ROWS_H
#define RESJAC_REPORT_MODEL_ROWS_H

#include "figure_kinds.h"

enum { RJ_ROW_HEIGHT = 22 }; /* pixels */

/* A twin stands in the row of its original. */
bool rj_rows_have(const rj_summaries *all, int model);

int rj_rows_count(const rj_summaries *all);

/* Does any row have a twin? */
bool rj_rows_twins(const rj_summaries *all);

/* Pixels that the longest name takes beside the axis. */
int rj_rows_name_width(const rj_summaries *all);

/* The axis of names, rows 1.. from the top. Not collective, as all of these. */
void rj_rows_axis(const rj_summaries *all, FILE *script);
#endif
