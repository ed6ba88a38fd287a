/* results.h: the final file: all units of all models in one NetCDF-4 file, as docs/formats.md lays down. */
#ifndef RESJAC_STORE_RESULTS_H
#define RESJAC_STORE_RESULTS_H

#include <mpi.h>

#include "resjac/base/status.h"
#include "resjac/store/shard.h"

/* What of each prompt the final file keeps. SUMMARY (deck key store.merge) is NONE without what has dimension `sv` for each
 * prompt and layer, and without alignment matrices. */
typedef enum {
    RJ_PER_PROMPT_NONE = 0,
    RJ_PER_PROMPT_COUPLING,
    RJ_PER_PROMPT_ALL,
    RJ_PER_PROMPT_SUMMARY
} rj_per_prompt;

/* A root attribute of the final file. Those marked nondeterministic (hosts, times) are left out of content_sha256. */
typedef struct {
    const char *name, *text;
    bool nondeterministic;
} rj_attribute;

/* One model of the final file: its facts and its shards' paths in unit order; a model that failed has none and says why. */
typedef struct {
    rj_model_facts facts;
    const char *status; /* "ok", "partial: ..", "failed: .." */
    int n_shards;
    char **shard; /* [n_shards] */
} rj_results_model;

/* Writes `path` through a temporary file beside it (written, closed, flushed, verified, renamed). Merges the shards: per prompt variables
 * as `per_prompt` says, always the `<name>_mean, <name>_sd(k,layer,layer_j)` of pairwise variables (prompts with status 0 and
 * a finite value, in prompt order, population of prompts: n - 1), and `value(model,measure)` at the root. The
 * order in `shard` does not matter. The ranks share out runs of prompts, read them and write them together; a rank has a run
 * (16 prompts, or a shard) and one shard in memory. The content is the same whatever the number of ranks. Collective on comm
 * (from rj_comm_dup): the same arguments on every rank; attributes are rank 0's.
 * Errors: USAGE two models of one name, or a name that the root or NetCDF cannot have; MISSING, FORMAT a shard; FORMAT
 * shards of one model that disagree (names both); CREATE; IO (disk full too, or a disk that not all ranks see); NOMEM; the
 * same on every rank. On an error `path` is as before. */
RJ_CHECKED rj_status rj_results_write(MPI_Comm comm, const char *path, int n_models,
                                      const rj_results_model *model, rj_per_prompt per_prompt,
                                      int n_attributes, const rj_attribute *attribute);

/* The shards found in a folder <output>.d (in its `units`, or the folder itself), grouped by model in the order of the
 * names; for `reduce`. What killed writers left and what is set aside is passed over; a broken shard is reported (WARN) and
 * counts as not there; a model that lacks units has status "partial: x of y units". Free with rj_results_free.
 * Errors: MISSING no folder, or no unit in it; FORMAT no unit can be read; IO; NOMEM. */
RJ_CHECKED rj_status rj_results_find(const char *folder, int *n_models, rj_results_model **model);
void rj_results_free(int n_models, rj_results_model **model);

/* SHA-256 over all groups' dimensions, variables and attributes not marked nondeterministic, in file order. */
RJ_CHECKED rj_status rj_results_hash(const char *path, char text[65]);

/* A final file or a shard: recomputes content_sha256 and checks that nothing is infinite, singular values descend, residuals
 * are at most 1e-4 (single) or 1e-10 (double) - of a Krylov decomposition 1e-3 for max K + 3 triplets, else 1e-2 -, LSS >= 1 - 1e-12, and a block's misfit with itself is at most 5e-6 (single) or
 * 1e-10 (double). Logs (WARN) one line a problem: variable, how often, first index and value.
 *   n_problems [out] untouched on error
 * Errors: MISSING; FORMAT damaged, or not of resjac; IO; NOMEM. */
RJ_CHECKED rj_status rj_results_verify(const char *path, int *n_problems);

/* Compares two files (final files or shards): content equal? The first difference (variable, index, both values) is logged.
 *   tolerance [in] 0: bit for bit. Else real numbers may differ by it, times the largest magnitude in the variable where that is
 *                  above 1; svd_method, the signs of alignment_matrix and the
 *                  attributes of groups are passed over */
RJ_CHECKED rj_status rj_results_compare(const char *a, const char *b, double tolerance, bool *equal);
#endif
