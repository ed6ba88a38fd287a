/* moment.h: mean and standard deviation of the values that are there, in one pass. */
#ifndef RESJAC_REPORT_MOMENT_H
#define RESJAC_REPORT_MOMENT_H

#include <math.h>
#include <stddef.h>

/* All zero is empty. */
typedef struct {
    double running_mean, squares; /* squares: sum of (x - mean)^2 */
    ptrdiff_t n;
} rj_moment;

/* Welford's update; a value that is not finite is missing and left out. Not collective, as all of these. */
static inline void rj_moment_add(rj_moment *m, double x)
{
    if (!isfinite(x)) return;
    const double delta = x - m->running_mean;
    m->n++;
    m->running_mean += delta / (double)m->n;
    m->squares += delta * (x - m->running_mean);
}

/* NAN where there is none. */
static inline double rj_moment_mean(const rj_moment *m)
{
    return m->n > 0 ? m->running_mean : NAN;
}

/* Of a sample (n - 1); NAN below two values. */
static inline double rj_moment_sd(const rj_moment *m)
{
    return m->n > 1 ? sqrt(m->squares / (double)(m->n - 1)) : NAN;
}
#endif
