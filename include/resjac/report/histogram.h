/* histogram.h: quantiles of many positive numbers in little memory: bins of a tenth of a decade. */
#ifndef RESJAC_REPORT_HISTOGRAM_H
#define RESJAC_REPORT_HISTOGRAM_H

#include <math.h>
#include <stddef.h>

enum { RJ_HISTOGRAM_BINS = 240, RJ_HISTOGRAM_LOWEST = -20, RJ_HISTOGRAM_PER_DECADE = 10 };

/* All zero is empty. */
typedef struct {
    ptrdiff_t n, count[RJ_HISTOGRAM_BINS];
    double least, most;
} rj_histogram;

/* A value that is not finite is left out; 0 and what is smaller than 1e-20 counts in the lowest bin. Not collective, as all of these. */
static inline void rj_histogram_add(rj_histogram *h, double x)
{
    if (!isfinite(x)) return;
    const double bin = x > 0.0 ? (log10(x) - RJ_HISTOGRAM_LOWEST) * RJ_HISTOGRAM_PER_DECADE : 0.0;
    h->count[(int)fmin(fmax(bin, 0.0), RJ_HISTOGRAM_BINS - 1)]++;
    h->least = h->n == 0 ? x : fmin(h->least, x);
    h->most = h->n == 0 ? x : fmax(h->most, x);
    h->n++;
}

/* The number that a share q of all does not exceed, within 12 % (the middle of a bin), never beyond the ends; NAN of none. */
static inline double rj_histogram_quantile(const rj_histogram *h, double q)
{
    ptrdiff_t seen = 0;
    int bin = 0;

    if (h->n == 0) return (double)NAN;
    for (bin = 0; bin < RJ_HISTOGRAM_BINS - 1; bin++) {
        seen += h->count[bin];
        if ((double)seen >= q * (double)h->n) break;
    }
    const double middle = pow(10.0, RJ_HISTOGRAM_LOWEST + (bin + 0.5) / RJ_HISTOGRAM_PER_DECADE);
    return fmin(fmax(middle, h->least), h->most);
}

/* The largest; NAN of none. */
static inline double rj_histogram_most(const rj_histogram *h)
{
    return h->n > 0 ? h->most : (double)NAN;
}
#endif
