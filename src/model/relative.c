/* relative.c: buckets in double; transformers takes the logarithm in float32, which gives the same buckets of the published
 * models (32 buckets, both ways or one way, 128 tokens) at every distance. */
#include "resjac/model/relative.h"

#include <math.h>
#include <stdlib.h>

#include "resjac/base/memory.h"

void rj_relative_free(rj_relative *relative)
{
    RJ_FREE(relative->bias);
}

int rj_relative_bucket(const rj_relative *r, int ahead)
{
    const int n = r->one_way ? r->n_bucket : r->n_bucket / 2, exact = n / 2, distance = abs(ahead),
              begin = ahead > 0 ? n : 0;

    if (distance < exact) return begin + distance;
    if (distance >= r->max_distance) return begin + n - 1; /* most of a long prompt: no logarithm */
    const double share = log((double)distance / exact) / log((double)r->max_distance / exact);
    const double far = exact + floor(share * (n - exact));
    return begin + (far < n - 1 ? (int)far : n - 1);
}
