/* crossed.h: what the choice of prompts does to a measure. Prompts are crossed with models: a draw takes the same prompts for
 * all of them, so that what a prompt does to every model alike does not count as noise between models. */
#ifndef RESJAC_STATS_CROSSED_H
#define RESJAC_STATS_CROSSED_H

#include <stdbool.h>

#include "resjac/base/rng.h"
#include "resjac/base/status.h"

/* Means over resampled prompts: draw b takes n_prompts prompts with replacement, mean[b,m] is that of model m over those
 * it has a value of; NAN where it has none.
 *   value [in]  [n_prompts, n_models], NAN where missing
 *   mean  [out] [n_draws, n_models]
 * Errors: NOMEM. */
RJ_CHECKED rj_status rj_crossed_means(const rj_rng *rng, int n_draws, int n_prompts, int n_models,
                                      const double *value, double *mean);

/* Reliability of the models' means over prompts: 1 - R/M, with the mean squares M of models and R of what neither model nor
 * prompt explains (Hoyt 1941; Cronbach's alpha with prompts as items). Over the models that `counts` and have any value, and the
 * prompts of which all of them have one. NAN: fewer than 2 models or prompts, or M = 0. Errors: NOMEM. */
RJ_CHECKED rj_status rj_reliability(int n_prompts, int n_models, const double *value, const bool *counts,
                                    double *reliability);
#endif
