/* results_merge.h: what is kept of a model while its shards stream by: moments over prompts. Private to store. */
#ifndef RESJAC_STORE_RESULTS_MERGE_H
#define RESJAC_STORE_RESULTS_MERGE_H

#include "layout.h"
#include "results_measures.h"

/* Running moments of n numbers each; NULL for a variable that is not pairwise. */
typedef struct {
    ptrdiff_t n;
    double *count, *mean, *m2; /* [n] */
} rj_moments;

typedef struct {
    rj_moments variable[RJ_N_VARIABLES];
    rj_moments measure;
} rj_merge;

RJ_CHECKED rj_status rj_merge_create(const rj_sizes *sizes, int n_measures, rj_merge *merge);
void rj_merge_free(rj_merge *merge);
/* Adds the prompts with status 0, in order; values that are not finite are left out. */
void rj_merge_add(rj_merge *merge, const rj_shard_head *head, const rj_record *record, int n_measures,
                  const rj_measure *measure);
/* The state goes to another rank, which goes on with the next prompts: so the order of additions is that of the prompts. */
void rj_merge_send(MPI_Comm comm, int to, const rj_merge *merge);
void rj_merge_receive(MPI_Comm comm, int from, rj_merge *merge);
/* The means and standard deviations of all pairwise variables into the file. Collective on a shared file: one rank has
 * `merge`, the others NULL; an error of one does not keep it from the puts of the others. */
RJ_CHECKED rj_status rj_merge_put(const rj_nc *nc, const rj_layout *layout, const rj_merge *merge);
/* Means of the measures over prompts, facts included; NAN where missing. */
void rj_merge_values(const rj_merge *merge, const rj_model_facts *facts, int n_measures,
                     const rj_measure *measure, double *value);
#endif
