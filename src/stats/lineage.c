/* lineage.c: sums over models by the number of their lineage; no memory is taken. */
#include "resjac/stats/lineage.h"

#include <math.h>
#include <stdbool.h>

#include "resjac/stats/correlation.h"

int rj_lineage_number(int n, const int *id, int *index)
{
    int count = 0;

    for (int i = 0; i < n; i++) {
        int j = 0;
        while (id[j] != id[i]) j++;
        index[i] = j < i ? index[j] : count++;
    }
    return count;
}

static int size_of(int n, const int *index, int lineage)
{
    int size = 0;

    for (int i = 0; i < n; i++) size += index[i] == lineage;
    return size;
}

void rj_lineage_means(int n, const int *index, int n_lineages, const double *x, double *mean)
{
    for (int g = 0; g < n_lineages; g++) {
        const int size = size_of(n, index, g);
        double sum = 0.0;
        for (int i = 0; i < n; i++)
            if (index[i] == g) sum += x[i];
        mean[g] = sum / size;
    }
}

double rj_within_slope(int n, const int *index, const double *x, const double *y, const double *mean_x,
                       const double *mean_y)
{
    double xx = 0.0, xy = 0.0, largest = 0.0;

    for (int i = 0; i < n; i++) {
        const double dx = x[i] - mean_x[index[i]], dy = y[i] - mean_y[index[i]];
        xx += dx * dx;
        xy += dx * dy;
        largest = fmax(largest, fabs(x[i]));
    }
    const double noise = 8.0 * 0x1p-53 * largest; /* as rj_is_constant */
    return xx > n * noise * noise ? xy / xx : (double)NAN;
}

double rj_lineage_icc(int n, const int *index, int n_lineages, const double *y)
{
    double mean = 0.0, between = 0.0, within = 0.0, squares = 0.0;

    if (n_lineages < 2 || n == n_lineages || rj_is_constant(n, y)) return (double)NAN;
    for (int i = 0; i < n; i++) mean += y[i] / n;
    for (int g = 0; g < n_lineages; g++) {
        double own = 0.0, size = size_of(n, index, g);
        for (int i = 0; i < n; i++) own += index[i] == g ? y[i] / size : 0.0;
        for (int i = 0; i < n; i++) within += index[i] == g ? (y[i] - own) * (y[i] - own) : 0.0;
        between += size * (own - mean) * (own - mean);
        squares += size * size;
    }
    const double b = between / (n_lineages - 1), w = within / (n - n_lineages);
    const double m = (n - squares / n) / (n_lineages - 1);
    return (b - w) / (b + (m - 1) * w);
}

double rj_effective_n(int n, const int *index, int n_lineages, double icc)
{
    const double rho = icc > 0.0 ? icc : 0.0;
    double sum = 0.0;

    for (int g = 0; g < n_lineages; g++) {
        const double size = size_of(n, index, g);
        sum += size / (1.0 + (size - 1.0) * rho);
    }
    return sum;
}

/* Pearson's r without pair `out`, by sums over the rest. */
static double without(int n, const double *x, const double *y, int out)
{
    double mx = 0.0, my = 0.0, xx = 0.0, yy = 0.0, xy = 0.0, ax = 0.0, ay = 0.0;

    for (int i = 0; i < n; i++) {
        if (i == out) continue;
        mx += x[i] / (n - 1);
        my += y[i] / (n - 1);
        ax = fmax(ax, fabs(x[i]));
        ay = fmax(ay, fabs(y[i]));
    }
    for (int i = 0; i < n; i++) {
        if (i == out) continue;
        xx += (x[i] - mx) * (x[i] - mx);
        yy += (y[i] - my) * (y[i] - my);
        xy += (x[i] - mx) * (y[i] - my);
    }
    const double noise_x = 8.0 * 0x1p-53 * ax, noise_y = 8.0 * 0x1p-53 * ay;
    if (!(xx > n * noise_x * noise_x) || !(yy > n * noise_y * noise_y)) return (double)NAN;
    return fmax(-1.0, fmin(1.0, xy / (sqrt(xx) * sqrt(yy))));
}

void rj_lineage_leave_out(int n_lineages, const double *mean_x, const double *mean_y, double *low,
                          double *high)
{
    double least = INFINITY, most = -INFINITY;
    bool sound = n_lineages >= 4;

    for (int g = 0; g < n_lineages && sound; g++) {
        const double r = without(n_lineages, mean_x, mean_y, g);
        sound = !isnan(r);
        least = fmin(least, r);
        most = fmax(most, r);
    }
    *low = sound ? least : (double)NAN;
    *high = sound ? most : (double)NAN;
}
