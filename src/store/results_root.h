/* results_root.h: the final file's root: one row a model, one column a measure, the run's attributes. Private to store. */
#ifndef RESJAC_STORE_RESULTS_ROOT_H
#define RESJAC_STORE_RESULTS_ROOT_H

#include "results_plan.h"

#define RJ_RESULTS_FORMAT "resjac results 1"

/* All of the root but content_sha256. value [n_models, n_measures] comes when it is known. */
RJ_CHECKED rj_status rj_results_root_define(const rj_nc *nc, const rj_results_plan *plan,
                                            const rj_results_model *model, int n_attributes,
                                            const rj_attribute *attribute);
/* A model's row of `value`. Collective on a shared file: NULL on the ranks that do not have it. */
RJ_CHECKED rj_status rj_results_root_put_value(const rj_nc *nc, size_t model, size_t n_measures,
                                               const double *value);
/* At most the bytes that the root takes on disk. */
uint64_t rj_results_root_bytes(const rj_results_plan *plan, int n_attributes, const rj_attribute *attribute);
#endif
