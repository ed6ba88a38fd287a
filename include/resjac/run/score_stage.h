/* score_stage.h: measures against benchmark scores: from a filled final file and a table to the statistics in that file. */
#ifndef RESJAC_RUN_SCORE_STAGE_H
#define RESJAC_RUN_SCORE_STAGE_H

#include <stdint.h>

#include "resjac/base/status.h"
#include "resjac/store/annex.h"

/* Deck section `scores`, or the options of `resjac reduce`. Borrowed. */
typedef struct {
    const char *table; /* CSV file; NULL: intervals over prompts alone */
    int n_columns;
    char *const *column; /* [n_columns] benchmarks */
    const char *primary; /* measure named beforehand, tested on the first column; NULL for none */
    int n_draws;
    uint64_t seed;
} rj_score_rules;

enum { RJ_SCORE_DRAWS = 2000, RJ_SCORE_LEAST_DRAWS = 100, RJ_SCORE_MOST_DRAWS = 100000 };

typedef struct rj_score_stage rj_score_stage;

/* Reads and checks the table, so that a mistake in it shows before hours of work. Not collective.
 *   stage [out] free with rj_score_stage_close; untouched on error; keeps the rules' texts borrowed
 * Errors: USAGE a column named twice or none; MISSING; FORMAT (file, line, column); NOMEM. */
RJ_CHECKED rj_status rj_score_stage_open(const rj_score_rules *rules, rj_score_stage **stage);
void rj_score_stage_close(rj_score_stage **stage);

/* SHA-256 of all that the statistics depend on beside the measures. */
const char *rj_score_stage_key(const rj_score_stage *stage);

/* Computes and stores: docs/formats.md, "Scores". Which models found a row is logged.
 * Errors: USAGE the primary measure is none of the file's; those of rj_results_values_read and rj_results_add. */
rj_results_annex rj_score_stage_annex(rj_score_stage *stage);
#endif
