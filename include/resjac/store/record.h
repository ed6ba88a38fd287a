/* record.h: the values of some prompts of one model in memory: one array a variable of the schema. */
#ifndef RESJAC_STORE_RECORD_H
#define RESJAC_STORE_RECORD_H

#include <stddef.h>

#include "resjac/base/status.h"
#include "resjac/store/schema.h"

enum { RJ_NAME_SIZE = 128 };

typedef struct {
    rj_sizes sizes;                /* sizes.size[RJ_DIM_PROMPT] = prompts of this record */
    double *value[RJ_N_VARIABLES]; /* [row, ...] row-major in the schema's dimensions; NAN = missing */
    ptrdiff_t *aprompt;            /* [sizes.size[RJ_DIM_APROMPT]] those of its prompts, from 0, ascending */
    char (*prompt_id)[RJ_NAME_SIZE];
    char (*prompt_sha256)[65];     /* of the prompt's text (or of its ids where it is given as ids) */
} rj_record;

/* All values missing, names empty, aprompt 0, 1, .. Errors: ARG; NOMEM. */
RJ_CHECKED rj_status rj_record_create(const rj_sizes *sizes, rj_record **record);
void rj_record_destroy(rj_record **record);
/* The values of one row: of one prompt, or of prompt aprompt[row] where RJ_DIM_APROMPT is the first dimension. */
double *rj_record_at(const rj_record *record, rj_variable_id id, ptrdiff_t row);
/* How many rows of a variable belong to prompts first..first+n-1; *row: the first of them. */
ptrdiff_t rj_record_rows(const rj_record *record, rj_variable_id id, ptrdiff_t first, ptrdiff_t n,
                         ptrdiff_t *row);
#endif
