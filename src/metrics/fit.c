/* fit.c: Welford's updates: a large mean costs no digits, and no array is needed. */
#include "resjac/metrics/fit.h"

#include <float.h>
#include <math.h>

void rj_line_add(rj_line_sums *sums, double x, double y)
{
    const double off_x = x - sums->mean_x, off_y = y - sums->mean_y;

    sums->n++;
    sums->mean_x += off_x / sums->n;
    sums->mean_y += off_y / sums->n;
    sums->xx += off_x * (x - sums->mean_x);
    sums->xy += off_x * (y - sums->mean_y);
    sums->yy += off_y * (y - sums->mean_y);
    sums->largest_y = fmax(sums->largest_y, fabs(y));
}

rj_line rj_line_fit(const rj_line_sums *sums)
{
    rj_line line = {NAN, NAN, NAN};
    const double noise = 4.0 * fmax(DBL_EPSILON * sums->largest_y, sums->noise);

    if (!(sums->xx > 0.0)) return line;
    line.slope = sums->xy / sums->xx;
    line.intercept = sums->mean_y - line.slope * sums->mean_x;
    if (sums->yy > sums->n * noise * noise) line.r2 = sums->xy / sums->xx * (sums->xy / sums->yy);
    return line;
}
