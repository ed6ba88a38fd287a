/* distribution.h: the distributions behind p values and intervals (GSL). NAN where an argument is NAN or df < 1. */
#ifndef RESJAC_STATS_DISTRIBUTION_H
#define RESJAC_STATS_DISTRIBUTION_H

/* Two-sided p of a correlation r of normal, uncorrelated variables with df degrees of freedom (n - 2 for a plain one):
 * P(|R| >= |r|) = I_(1-r^2)(df/2, 1/2), which is Student's test of t = r sqrt(df/(1-r^2)). */
double rj_correlation_p(double r, double df);

/* Two-sided p of a standard normal z. */
double rj_normal_p(double z);

/* The t with P(T <= t) = p of Student's distribution, 0 < p < 1. */
double rj_student_quantile(double p, double df);
#endif
