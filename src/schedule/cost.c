/* cost.c: fits to times of one core; `resjac bench` prints what the machine at hand takes beside them. */
#include "resjac/schedule/cost.h"

#include <math.h>

enum { GUARD_COLUMNS = 16 };

rj_cost_rates rj_cost_built_in(bool is_double)
{
    const double slower = is_double ? 2.0 : 1.0; /* half as many numbers a register and a cache line */

    return (rj_cost_rates){.wide = 1.0e-11 * slower,
                           .narrow = is_double ? 4.2e-11 : 1.2e-11, /* by BLAS; by linalg/narrow.c */
                           .projection = is_double ? 7e-10 : 4e-10, /* in double in either arithmetic */
                           .full3 = 1.2e-10 * slower,
                           .full2 = 2.4e-8 * slower};
}

int rj_cost_krylov_columns(int d, int k, bool is_double)
{
    const double columns = 40.0 * pow(k, 0.4) * pow(d / 576.0, 0.29);
    return GUARD_COLUMNS + (int)ceil(is_double ? 1.2 * columns : columns); /* a tolerance of 1e-6, not 1e-4 */
}

double rj_cost_krylov_products(const rj_cost_rates *rates, int d, int columns, int n)
{
    const double D = d, N = columns;
    const double products = 4.0 * D * D * N, orthogonal = 4.0 * D * N * N;
    const double frames = 4.0 * D * N * n, certificates = 4.0 * D * D * n;

    return rates->narrow * (products + orthogonal) + rates->wide * (frames + certificates);
}

double rj_cost_krylov(const rj_cost_rates *rates, int d, int k, int n, bool is_double)
{
    const int columns = rj_cost_krylov_columns(d, k, is_double);
    return rj_cost_krylov_products(rates, d, columns, n) + rates->projection * pow(columns, 3.0);
}

double rj_cost_full(const rj_cost_rates *rates, int d)
{
    return rates->full3 * d * d * d + rates->full2 * d * d;
}

bool rj_cost_prefers_krylov(const rj_cost_rates *rates, int d, int k, int n, int limit, bool is_double)
{
    return rj_cost_krylov_columns(d, k, is_double) <= limit &&
           rj_cost_krylov(rates, d, k, n, is_double) < 0.75 * rj_cost_full(rates, d);
}
