/* results_fill.h: the values of the final file, by all ranks together. Private to store. */
#ifndef RESJAC_STORE_RESULTS_FILL_H
#define RESJAC_STORE_RESULTS_FILL_H

#include "results_plan.h"

/* Fills the defined, closed file `path` and closes it again. A model's prompts are cut into blocks of whole chunks, so that no
 * chunk is written by two ranks or twice; the ranks read a block each, pass the moments on from block to block in prompt
 * order, and put their blocks together. Collective: the same arguments on every rank.
 * Errors: MISSING, FORMAT a shard (also one that has changed since the plan); IO; NOMEM; the same on every rank. */
RJ_CHECKED rj_status rj_results_fill(MPI_Comm comm, const char *path, const rj_results_plan *plan,
                                     const rj_results_model *model, rj_per_prompt per_prompt);
#endif
