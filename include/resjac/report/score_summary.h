/* score_summary.h: what the report needs of measures against benchmark scores. */
#ifndef RESJAC_REPORT_SCORE_SUMMARY_H
#define RESJAC_REPORT_SCORE_SUMMARY_H

#include "resjac/base/status.h"
#include "resjac/stats/correlate.h"
#include "resjac/store/record.h"

/* The root's tables; NAN = missing, texts "". Without scores n_benchmarks is 0, and what the statistics would add is missing. */
typedef struct {
    int n_models, n_measures, n_benchmarks;
    char (*measure)[RJ_NAME_SIZE], (*benchmark)[RJ_NAME_SIZE], (*lineage)[RJ_NAME_SIZE];
    double *value, *low, *high;         /* [n_models, n_measures] */
    double *score;                      /* [n_models, n_benchmarks] */
    double *reliability;                /* [n_measures] */
    double *statistic[RJ_N_STATISTICS]; /* [n_measures, n_benchmarks] */
    char (*reason)[RJ_NAME_SIZE];       /* [n_measures, n_benchmarks] "ok", or why the test is missing */
    int shown;   /* measure that is drawn: the primary one, else the first excess coupling; -1 none */
    int primary; /* measure named beforehand, for benchmark 0; -1 none */
} rj_score_summary;

/* The index of a measure or benchmark of that name, or -1. */
int rj_score_summary_measure(const rj_score_summary *summary, const char *name);

/* Not collective.
 *   root    [in]  id of an open final file
 *   file    [in]  its name, for messages
 *   summary [out] freed with rj_score_summary_free; untouched on error
 * Errors: FORMAT a table is missing or has another shape; IO; NOMEM. */
RJ_CHECKED rj_status rj_score_summary_read(int root, const char *file, rj_score_summary **summary);
void rj_score_summary_free(rj_score_summary **summary);
#endif
