/* score_points.h: the models that have a measure and a score, for the figure of scores. Private to report. */
#ifndef RESJAC_REPORT_SCORE_POINTS_H
#define RESJAC_REPORT_SCORE_POINTS_H

#include "figure_kinds.h"

enum { RJ_POINTS_PANELS = 3 };

/* The models that have both numbers. */
typedef struct {
    int n, n_lineages, n_panels;
    int measure
        [RJ_POINTS_PANELS];    /* that each panel shows; the first is the measure, the others its rivals */
    int *model, *id, *lineage; /* [n] indices; lineages from 0, in order of appearance */
    double *x[RJ_POINTS_PANELS], *y, *low, *high;
    double *mean_x[RJ_POINTS_PANELS], *mean_y; /* [n_lineages] */
} rj_points;

/* Is the model trained, with both numbers? Not collective, as all of these. */
bool rj_points_have(const rj_figure_job *job, int model);

/*   p [out] all zero before; free it with rj_points_free, after an error too
 * Errors: NOMEM. */
RJ_CHECKED rj_status rj_points_take(const rj_figure_job *job, rj_points *p);
void rj_points_free(rj_points *p);

/* One row a model: model, lineage, its number, measure and interval, rivals, score. */
void rj_points_write_numbers(const rj_figure_job *job, const rj_points *p);

/* The block $means of the script: lineage, its models, mean score, mean of each panel's measure. */
void rj_points_write_means(FILE *script, const rj_points *p);
#endif
