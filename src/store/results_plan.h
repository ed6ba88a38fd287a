/* results_plan.h: what the shards of all models hold, before the first byte of the final file is written. Private to store. */
#ifndef RESJAC_STORE_RESULTS_PLAN_H
#define RESJAC_STORE_RESULTS_PLAN_H

#include "layout.h"
#include "results_measures.h"

/* The shards of one model in unit order. `first` is the head that all of them agree with, NULL for a failed model. */
typedef struct {
    int n_shards;
    const char **path; /* [n_shards], borrowed texts */
    ptrdiff_t *offset; /* [n_shards + 1] prompts of the shards before */
    ptrdiff_t *aligned; /* [n_shards + 1] alignment matrices of the shards before */
    ptrdiff_t block;   /* prompts that one rank merges at a time: whole chunks, no smaller than a shard */
    rj_shard *first;
    rj_sizes sizes; /* prompts of all shards together */
} rj_results_part;

typedef struct {
    int n_models;
    rj_results_part *part; /* [n_models] */
    int n_labels;
    const char **label; /* [n_labels] every label of K, once; borrowed from the heads */
    int n_measures;
    rj_measure *measure; /* [n_measures] */
} rj_results_plan;

/* Collective: each rank looks at its share of the shards. Errors: as rj_results_write. Free with rj_results_plan_free. */
RJ_CHECKED rj_status rj_results_plan_make(MPI_Comm comm, int n_models, const rj_results_model *model,
                                          rj_results_plan *plan);
void rj_results_plan_free(rj_results_plan *plan);

/* FORMAT where two shards of one model do not belong together; names both, the field and its values. */
RJ_CHECKED rj_status rj_results_agree(const char *path_a, const rj_shard_head *a, const rj_sizes *sizes_a,
                                      const char *path_b, const rj_shard_head *b, const rj_sizes *sizes_b);
#endif
