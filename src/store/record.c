/* record.c: one block a variable, so that a unit that does not fit is named by the variable that did not. */
#include "resjac/store/record.h"

#include <math.h>

#include "resjac/base/memory.h"

rj_status rj_record_create(const rj_sizes *sizes, rj_record **record)
{
    rj_status st = RJ_OK;
    rj_record *r = NULL;
    const ptrdiff_t n_prompts = sizes->size[RJ_DIM_PROMPT];

    for (int i = RJ_DIM_PROMPT; i < RJ_N_DIMS; i++)
        RJ_REQUIRE(sizes->size[i] > 0, RJ_ERR_ARG, "dimension %s of a record is %td", rj_dim_name((rj_dim)i),
                   sizes->size[i]);
    RJ_NEW(r, 1, 1);
    r->sizes = *sizes;
    RJ_NEW(r->prompt_id, n_prompts, 1);
    RJ_NEW(r->prompt_sha256, n_prompts, 1);
    for (int id = 0; id < RJ_N_VARIABLES; id++) {
        const ptrdiff_t n = rj_schema_count((rj_variable_id)id, sizes);
        RJ_NEW(r->value[id], n_prompts, n);
        for (ptrdiff_t i = 0; i < n_prompts * n; i++) r->value[id][i] = (double)NAN;
    }
    *record = r;
    r = NULL;
done:
    rj_record_destroy(&r);
    return st;
}

void rj_record_destroy(rj_record **record)
{
    if (*record == NULL) return;
    for (int id = 0; id < RJ_N_VARIABLES; id++) rj_free((*record)->value[id]);
    rj_free((*record)->prompt_sha256);
    rj_free((*record)->prompt_id);
    RJ_FREE(*record);
}

double *rj_record_at(const rj_record *record, rj_variable_id id, ptrdiff_t prompt)
{
    return record->value[id] + prompt * rj_schema_count(id, &record->sizes);
}
