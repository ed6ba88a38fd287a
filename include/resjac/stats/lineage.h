/* lineage.h: models in groups of common descent. Models of a lineage share weights and data and are not independent: the
 * lineage is the unit of inference. */
#ifndef RESJAC_STATS_LINEAGE_H
#define RESJAC_STATS_LINEAGE_H

/* Numbers the lineages 0.. in the order in which they first occur; returns how many there are.
 *   id    [in]  [n] any numbers, equal within a lineage
 *   index [out] [n] */
int rj_lineage_number(int n, const int *id, int *index);

/* mean[g] of x over the models of lineage g; `index` as rj_lineage_number gives it. */
void rj_lineage_means(int n, const int *index, int n_lineages, const double *x, double *mean);

/* Least-squares slope of y on x with an intercept for each lineage. NAN: x varies within none.
 *   mean_x, mean_y [in] of rj_lineage_means */
double rj_within_slope(int n, const int *index, const double *x, const double *y, const double *mean_x,
                       const double *mean_y);

/* Intra-class correlation ICC(1) of y by lineage, from a one-way analysis of variance (Fisher):
 * (B - W)/(B + (m - 1) W), mean squares B between and W within, m = (n - sum n_g^2/n)/(G - 1). May be negative. NAN: one
 * lineage, or none with two models, or no variance. */
double rj_lineage_icc(int n, const int *index, int n_lineages, const double *y);

/* sum_g n_g/(1 + (n_g - 1) icc): independent models that tell as much of a mean as these (Kish's design effect). A negative
 * icc counts as 0; n where each lineage has one model. */
double rj_effective_n(int n, const int *index, int n_lineages, double icc);

/* Smallest and largest Pearson correlation of the n_lineages means with one lineage left out. NAN: fewer than 4 lineages, or no
 * variance in some that are left (then there is no range). */
void rj_lineage_leave_out(int n_lineages, const double *mean_x, const double *mean_y, double *low,
                          double *high);
#endif
