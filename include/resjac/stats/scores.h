/* scores.h: benchmark scores of models, from a table that users can replace. */
#ifndef RESJAC_STATS_SCORES_H
#define RESJAC_STATS_SCORES_H

#include "resjac/base/csv.h"
#include "resjac/base/status.h"

enum { RJ_SCORES_NAME = 128 };

/* One row a model, one column a benchmark. */
typedef struct {
    int n_rows, n_columns;
    char (*model)[RJ_SCORES_NAME];   /* [n_rows] */
    char (*lineage)[RJ_SCORES_NAME]; /* [n_rows], "" where the table does not tell */
    int *line;                       /* [n_rows] of the file */
    double *value;                   /* [n_rows, n_columns], NAN where missing */
} rj_scores;

/* The columns `model` (required), `lineage` (where there is one) and the named columns of a table; no other cell is looked
 * at.
 *   scores [out] free with rj_scores_free; untouched on error
 * Errors: FORMAT more than 20000 rows, no such column (names those there are), a model without a name or with two rows (both lines), a name of more than
 * 127 bytes, a cell that is no number (line, column); NOMEM. */
RJ_CHECKED rj_status rj_scores_take(const rj_csv *csv, int n_columns, const char *const *column,
                                    rj_scores **scores);
void rj_scores_free(rj_scores **scores);

/* The row of a model, byte for byte; -1 for none. */
int rj_scores_find(const rj_scores *scores, const char *model);
#endif
