/* cost.h: what a computation will take, from plain numbers: so that a choice never depends on the ranks that share a run. */
#ifndef RESJAC_SCHEDULE_COST_H
#define RESJAC_SCHEDULE_COST_H

#include <stdbool.h>

/* Seconds a unit of work of one core. */
typedef struct {
    double wide, narrow; /* a flop of a product of square matrices; of one with eight columns */
    double projection;   /* a Krylov decomposition of n columns: times n^3 */
    double full3, full2; /* a full decomposition: times d^3 and d^2 */
} rj_cost_rates;

/* Those of one core of a Zen 4 with OpenBLAS 0.3.21: only their ratios enter a choice. */
rj_cost_rates rj_cost_built_in(bool is_double);

/* Columns that the leading k triplets of a Jacobian [d,d] take: a fit to trained and untrained models of d = 576 and 1536. */
int rj_cost_krylov_columns(int d, int k, bool is_double);

/* Seconds of the leading k triplets (n in all) of a dense J [d,d] by products, and of all singular values. */
double rj_cost_krylov(const rj_cost_rates *rates, int d, int k, int n, bool is_double);

/* The part of it that is products, where the columns are known. */
double rj_cost_krylov_products(const rj_cost_rates *rates, int d, int columns, int n);
double rj_cost_full(const rj_cost_rates *rates, int d);

/* Is a Krylov decomposition expected to take less than 3/4 of a full one, which tells more, and to need no more than
 * `limit` columns? */
bool rj_cost_prefers_krylov(const rj_cost_rates *rates, int d, int k, int n, int limit, bool is_double);
#endif
