/* results_values.h: measure_value(prompt,measure) of a model's group. Private to store. */
#ifndef RESJAC_STORE_RESULTS_VALUES_H
#define RESJAC_STORE_RESULTS_VALUES_H

#include "results_plan.h"

/* Defines it in the group, whose dimension `prompt` and the root's `measure` are there. */
RJ_CHECKED rj_status rj_results_values_define(const rj_nc *nc, int group);
/* The measures of a record's prompts, the first of them at `first`; missing where prompt_status is not 0. Collective on a
 * shared file: each rank its record, or NULL; an error of one rank does not keep it from the put. */
RJ_CHECKED rj_status rj_results_values_put(const rj_nc *nc, int group, const rj_results_plan *plan,
                                           const rj_shard_head *head, size_t first, const rj_record *record);
/* At most the bytes that it takes on disk. */
uint64_t rj_results_values_bytes(const rj_results_plan *plan, const rj_sizes *sizes);
#endif
