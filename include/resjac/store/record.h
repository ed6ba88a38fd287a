/* record.h: the values of some prompts of one model in memory: one array a variable of the schema. */
#ifndef RESJAC_STORE_RECORD_H
#define RESJAC_STORE_RECORD_H

#include <stddef.h>

#include "resjac/base/status.h"
#include "resjac/store/schema.h"

enum { RJ_NAME_SIZE = 128 };

typedef struct {
    rj_sizes sizes;                /* sizes.size[RJ_DIM_PROMPT] = prompts of this record */
    double *value[RJ_N_VARIABLES]; /* [prompt, ...] row-major in the schema's dimensions; NAN = missing */
    char (*prompt_id)[RJ_NAME_SIZE];
    char (*prompt_sha256)[65];     /* of the prompt's text (or of its ids where it is given as ids) */
} rj_record;

/* All values missing, names empty. Errors: ARG; NOMEM. */
RJ_CHECKED rj_status rj_record_create(const rj_sizes *sizes, rj_record **record);
void rj_record_destroy(rj_record **record);
double *rj_record_at(const rj_record *record, rj_variable_id id, ptrdiff_t prompt); /* its values of one prompt */
#endif
