/* multiple.h: many tests at once. */
#ifndef RESJAC_STATS_MULTIPLE_H
#define RESJAC_STATS_MULTIPLE_H

#include <stddef.h>

#include "resjac/base/status.h"

/* q values of Benjamini and Yekutieli (2001), valid under any dependence: with the m finite p in ascending order and
 * c = sum 1/i, q_(i) = min over j >= i of m c p_(j)/j, at most 1. Rejecting q <= a keeps the false discovery rate at a.
 *   p [in] [n], NAN where there is no test
 *   q [out] [n], NAN there; may not be p
 * Errors: NOMEM. */
RJ_CHECKED rj_status rj_benjamini_yekutieli(ptrdiff_t n, const double *p, double *q);
#endif
