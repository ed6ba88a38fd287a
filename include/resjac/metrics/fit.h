/* fit.h: a straight line through points, by least squares, one point at a time. */
#ifndef RESJAC_METRICS_FIT_H
#define RESJAC_METRICS_FIT_H

/* Sums about the running means; start from {0}, or from {.noise = rounding error of a y} where that is more than
 * y's own rounding. */
typedef struct {
    int n;
    double mean_x, mean_y, xx, xy, yy;
    double largest_y; /* max |y| */
    double noise;
} rj_line_sums;

typedef struct {
    double slope, intercept;
    double r2; /* 1 - sum residual^2 / sum (y - mean y)^2 */
} rj_line;

void rj_line_add(rj_line_sums *sums, double x, double y);

/* y ~ intercept + slope x. NAN: all three for no variance in x (so for fewer than 2 points);
 * r2 for no variance in y beyond its rounding. */
rj_line rj_line_fit(const rj_line_sums *sums);
#endif
