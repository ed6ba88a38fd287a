/* relative.h: a learned number a head for how far a key is from a query, distances in buckets (T5, arXiv 1910.10683). */
#ifndef RESJAC_MODEL_RELATIVE_H
#define RESJAC_MODEL_RELATIVE_H

#include <stdbool.h>

/* What is added to the logits; bias NULL: nothing. */
typedef struct {
    int n_bucket;     /* both directions together */
    bool one_way;     /* all buckets are of keys before the query */
    int max_distance; /* all from here on are in the last bucket; more than half of a direction's buckets */
    int n_head;
    double *bias; /* [n_head, n_bucket], head h of bucket b at h + b n_head */
} rj_relative;

void rj_relative_free(rj_relative *relative); /* takes a zeroed one */

/* Bucket of a key `ahead` tokens behind its query in the prompt (negative: before it). Each direction has n = n_bucket / 2
 * (of an odd number the last is unused), one way n = n_bucket: distances below e = n / 2 one each, others e + floor(ln(distance/e) /
 * ln(max_distance/e) (n - e)), at most n - 1; those ahead begin at n. */
int rj_relative_bucket(const rj_relative *relative, int ahead);

static inline double rj_relative_bias(const rj_relative *relative, int head, int ahead)
{
    return relative->bias[head + rj_relative_bucket(relative, ahead) * relative->n_head];
}
#endif
