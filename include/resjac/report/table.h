/* table.h: one row a model: its size, coupling against chance, trajectory scores, worst certificate. */
#ifndef RESJAC_REPORT_TABLE_H
#define RESJAC_REPORT_TABLE_H

#include <stdio.h>

#include "resjac/base/status.h"
#include "resjac/report/summary.h"

typedef enum { RJ_TABLE_CSV = 0, RJ_TABLE_MARKDOWN, RJ_TABLE_HTML } rj_table_format;

/* Columns: model, family, parameters (millions but in CSV), L, d, prompts measured, prompts; for each K: mean misfit, null and excess over
 * pairs of different blocks; means over prompts of line-shape score, expodistance, growth rate (1/block); worst residual of a
 * triplet and worst orthogonality loss; status. A missing value is "NaN" in CSV, else a dash. Not collective. Errors: NOMEM. */
RJ_CHECKED rj_status rj_table_write(const rj_summaries *summaries, rj_table_format format, FILE *out);

/* Measures against benchmarks, a row a pair. CSV: all pairs and all statistics; else excess coupling, its null, the line-shape score and
 * the sizes of models, by lineage. Not collective. */
void rj_table_write_scores(const rj_score_summary *scores, rj_table_format format, FILE *out);
#endif
