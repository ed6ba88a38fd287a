/* multiple.c: one sort, one walk from the largest p down. */
#include "resjac/stats/multiple.h"

#include <math.h>
#include <stdlib.h>

#include "resjac/base/memory.h"

typedef struct {
    double p;
    ptrdiff_t at;
} test;

static int by_p(const void *a, const void *b)
{
    const test *x = a, *y = b;

    if (x->p != y->p) return x->p < y->p ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

rj_status rj_benjamini_yekutieli(ptrdiff_t n, const double *p, double *q)
{
    rj_status st = RJ_OK;
    test *list = NULL;
    ptrdiff_t m = 0;
    double c = 0.0, least = 1.0;

    RJ_NEW(list, n, 1);
    for (ptrdiff_t i = 0; i < n; i++) {
        q[i] = (double)NAN;
        if (!isnan(p[i])) list[m++] = (test){p[i], i};
    }
    for (ptrdiff_t i = 1; i <= m; i++) c += 1.0 / (double)i;
    qsort(list, (size_t)m, sizeof *list, by_p);
    for (ptrdiff_t i = m; i >= 1; i--) {
        least = fmin(least, (double)m * c * list[i - 1].p / (double)i);
        q[list[i - 1].at] = least;
    }
done:
    rj_free(list);
    return st;
}
