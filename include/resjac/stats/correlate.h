/* correlate.h: every statistic of a measure against a benchmark, for all measures and benchmarks of a study. */
#ifndef RESJAC_STATS_CORRELATE_H
#define RESJAC_STATS_CORRELATE_H

#include <stdbool.h>
#include <stdint.h>

#include "resjac/base/status.h"

/* What is computed of one measure and one benchmark; names and meanings are in rj_statistics. Those of one model a point take
 * models as independent; those named lineage_* take one point a lineage, and are the ones to go by. */
typedef enum {
    RJ_STAT_N_MODELS = 0,
    RJ_STAT_PEARSON_R,
    RJ_STAT_PEARSON_P,
    RJ_STAT_SPEARMAN_RHO,
    RJ_STAT_SPEARMAN_P,
    RJ_STAT_KENDALL_TAU,
    RJ_STAT_KENDALL_P,
    RJ_STAT_SLOPE,
    RJ_STAT_SLOPE_LOW,
    RJ_STAT_SLOPE_HIGH,
    RJ_STAT_INTERCEPT,
    RJ_STAT_R_SQUARED,
    RJ_STAT_PERMUTATION_P,
    RJ_STAT_BOOTSTRAP_LOW,
    RJ_STAT_BOOTSTRAP_HIGH,
    RJ_STAT_PARTIAL_R,
    RJ_STAT_PARTIAL_P,
    RJ_STAT_N_LINEAGES,
    RJ_STAT_LINEAGE_R,
    RJ_STAT_LINEAGE_P,
    RJ_STAT_LINEAGE_LOW,
    RJ_STAT_LINEAGE_HIGH,
    RJ_STAT_LINEAGE_PERMUTATION_P,
    RJ_STAT_LINEAGE_PARTIAL_R,
    RJ_STAT_LINEAGE_PARTIAL_P,
    RJ_STAT_LINEAGE_OUT_LOW,
    RJ_STAT_LINEAGE_OUT_HIGH,
    RJ_STAT_PROMPT_LOW,
    RJ_STAT_PROMPT_HIGH,
    RJ_STAT_WITHIN_LINEAGE_SLOPE,
    RJ_STAT_N_EFFECTIVE,
    RJ_STAT_ICC,
    RJ_STAT_Q_VALUE,
    RJ_N_STATISTICS
} rj_statistic_id;

typedef struct {
    const char *name, *long_name;
    bool whole; /* an integer */
} rj_statistic;
extern const rj_statistic rj_statistics[RJ_N_STATISTICS];

enum { RJ_REASON_SIZE = 128, RJ_LEAST_MODELS = 3, RJ_LEAST_LINEAGES = 4, RJ_N_CONTROLS = 2 };

/* Borrowed. NAN marks what is missing. */
typedef struct {
    int n_models, n_measures, n_benchmarks, n_prompts;
    const char *const *measure;   /* [n_measures] names: with the seed they choose the random draws */
    const char *const *benchmark; /* [n_benchmarks] */
    const bool *counts;           /* [n_models] takes part in correlations: twins do not */
    const int *lineage;           /* [n_models] equal within a lineage */
    const double *value;          /* [n_models, n_measures] */
    const double *score;          /* [n_models, n_benchmarks] */
    const double *control;      /* [RJ_N_CONTROLS, n_models] held fixed in partial correlations: ln L, ln d */
    const bool *is_control;     /* [n_measures] tells the same as a control: has no partial correlation */
    const double *prompt_value; /* [n_measures, n_prompts, n_models] */
} rj_study_values;

typedef struct {
    uint64_t seed;
    int n_draws;         /* permutations, and resamples of each kind */
    int primary_measure; /* named before the data were seen; -1 for none. Has no q value */
    int primary_benchmark;
} rj_study_rules;

typedef struct {
    int n_models, n_measures, n_benchmarks;
    double *statistic[RJ_N_STATISTICS]; /* [n_measures, n_benchmarks] */
    char (*reason)[RJ_REASON_SIZE];     /* [n_measures, n_benchmarks] "ok", or why something is missing */
    double *low, *high;                 /* [n_models, n_measures] of the value, prompts resampled */
    double *reliability;                /* [n_measures] */
} rj_correlations;

/* All of it, in one process; the result depends on the arguments alone. About n_draws * n_prompts * n_models * n_measures
 * additions, and 5 n_draws n_models a pair.
 *   result [out] free with rj_correlations_free; untouched on error
 * Errors: NOMEM. */
RJ_CHECKED rj_status rj_correlate(const rj_study_values *study, const rj_study_rules *rules,
                                  rj_correlations **result);
void rj_correlations_free(rj_correlations **result);
#endif
