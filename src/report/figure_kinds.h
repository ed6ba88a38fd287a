/* figure_kinds.h: one writer a kind of figure, for figure.c: numbers into csv, the gnuplot script into script. */
#ifndef RESJAC_REPORT_FIGURE_KINDS_H
#define RESJAC_REPORT_FIGURE_KINDS_H

#include <stdbool.h>
#include <stdio.h>

#include "resjac/report/figure.h"

/* Where a figure goes. Borrowed. */
typedef struct {
    const rj_summaries *all;
    const rj_figure *figure;
    FILE *csv, *script;
} rj_figure_job;

/* Is there anything to draw? Then the writer of that kind is called. */
bool rj_figure_coupling_any(const rj_summary *model, ptrdiff_t k);
bool rj_figure_singular_any(const rj_summary *model);
bool rj_figure_growth_any(const rj_summary *model);
bool rj_figure_trajectory_any(const rj_summary *model);
bool rj_figure_excess_any(const rj_summary *model, ptrdiff_t k);
bool rj_figure_alignment_any(const rj_summary *model, ptrdiff_t alignment);

bool rj_figure_scores_any(const rj_summaries *all, const rj_figure *figure);

void rj_figure_coupling(const rj_figure_job *job, ptrdiff_t k);
void rj_figure_singular(const rj_figure_job *job);
void rj_figure_growth(const rj_figure_job *job);
void rj_figure_trajectory(const rj_figure_job *job);
void rj_figure_twin(const rj_figure_job *job);
void rj_figure_overview(const rj_figure_job *job);
void rj_figure_scores(const rj_figure_job *job);
void rj_figure_alignment(const rj_figure_job *job, ptrdiff_t alignment);
#endif
