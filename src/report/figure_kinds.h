/* figure_kinds.h: one writer a kind of figure, for figure.c: numbers into csv, the gnuplot script into script. */
#ifndef RESJAC_REPORT_FIGURE_KINDS_H
#define RESJAC_REPORT_FIGURE_KINDS_H

#include <stdbool.h>
#include <stdio.h>

#include "resjac/report/figure.h"

/* What is drawn and where it goes. Borrowed. */
typedef struct {
    const rj_summaries *all;
    const rj_figure *figure;
    const rj_summary *model; /* NULL: a figure of all models */
    ptrdiff_t k;             /* index of the figure's K label in the model; -1 none */
    FILE *csv, *script;
} rj_figure_job;

/* Is there anything to draw? csv and script are not looked at. Then the writer of that kind is called. */
bool rj_figure_coupling_any(const rj_figure_job *job);
bool rj_figure_distance_any(const rj_figure_job *job);
bool rj_figure_singular_any(const rj_figure_job *job);
bool rj_figure_growth_any(const rj_figure_job *job);
bool rj_figure_trajectory_any(const rj_figure_job *job);
bool rj_figure_twin_any(const rj_figure_job *job);
bool rj_figure_alignment_any(const rj_figure_job *job);
bool rj_figure_modes_any(const rj_figure_job *job);
bool rj_figure_tokens_any(const rj_figure_job *job);
bool rj_figure_influence_any(const rj_figure_job *job);
bool rj_figure_shape_any(const rj_figure_job *job);
bool rj_figure_certificates_any(const rj_figure_job *job);
bool rj_figure_overview_any(const rj_figure_job *job);
bool rj_figure_distances_any(const rj_figure_job *job);
bool rj_figure_emergence_any(const rj_figure_job *job);
bool rj_figure_scores_any(const rj_figure_job *job);
bool rj_figure_forest_any(const rj_figure_job *job);
bool rj_figure_matrix_any(const rj_figure_job *job);

/* Errors: NOMEM. */
RJ_CHECKED rj_status rj_figure_coupling(const rj_figure_job *job);
RJ_CHECKED rj_status rj_figure_distance(const rj_figure_job *job);
RJ_CHECKED rj_status rj_figure_singular(const rj_figure_job *job);
RJ_CHECKED rj_status rj_figure_growth(const rj_figure_job *job);
RJ_CHECKED rj_status rj_figure_trajectory(const rj_figure_job *job);
RJ_CHECKED rj_status rj_figure_twin(const rj_figure_job *job);
RJ_CHECKED rj_status rj_figure_alignment(const rj_figure_job *job);
RJ_CHECKED rj_status rj_figure_modes(const rj_figure_job *job);
RJ_CHECKED rj_status rj_figure_tokens(const rj_figure_job *job);
RJ_CHECKED rj_status rj_figure_influence(const rj_figure_job *job);
RJ_CHECKED rj_status rj_figure_shape(const rj_figure_job *job);
RJ_CHECKED rj_status rj_figure_certificates(const rj_figure_job *job);
RJ_CHECKED rj_status rj_figure_overview(const rj_figure_job *job);
RJ_CHECKED rj_status rj_figure_distances(const rj_figure_job *job);
RJ_CHECKED rj_status rj_figure_emergence(const rj_figure_job *job);
RJ_CHECKED rj_status rj_figure_scores(const rj_figure_job *job);
RJ_CHECKED rj_status rj_figure_forest(const rj_figure_job *job);
RJ_CHECKED rj_status rj_figure_matrix(const rj_figure_job *job);
#endif
