/* record.c: one block a variable, so that a unit that does not fit is named by the variable that did not. */
#include "resjac/store/record.h"

#include <math.h>

#include "resjac/base/memory.h"

rj_status rj_record_create(const rj_sizes *sizes, rj_record **record)
{
    rj_status st = RJ_OK;
    rj_record *r = NULL;
    const ptrdiff_t n_prompts = sizes->size[RJ_DIM_PROMPT], n_aligned = sizes->size[RJ_DIM_APROMPT];

    for (int i = RJ_DIM_PROMPT; i < (sizes->modes != 0 ? RJ_DIM_APROMPT : RJ_DIM_TOKEN); i++)
        RJ_REQUIRE(sizes->size[i] > 0, RJ_ERR_ARG, "dimension %s of a record is %td", rj_dim_name((rj_dim)i),
                   sizes->size[i]);
    RJ_REQUIRE(sizes->size[RJ_DIM_I] == sizes->size[RJ_DIM_J] && n_aligned <= n_prompts &&
                   (n_aligned == 0 || sizes->size[RJ_DIM_I] > 0),
               RJ_ERR_ARG, "%td alignment matrices of %td x %td for %td prompts", n_aligned,
               sizes->size[RJ_DIM_I], sizes->size[RJ_DIM_J], n_prompts);
    RJ_NEW(r, 1, 1);
    r->sizes = *sizes;
    RJ_NEW(r->prompt_id, n_prompts, 1);
    RJ_NEW(r->prompt_sha256, n_prompts, 1);
    RJ_NEW(r->aprompt, n_aligned, 1);
    for (ptrdiff_t i = 0; i < n_aligned; i++) r->aprompt[i] = i;
    for (int id = 0; id < RJ_N_VARIABLES; id++) {
        const ptrdiff_t n = rj_schema_count((rj_variable_id)id, sizes),
                        rows = rj_schema_rows((rj_variable_id)id, sizes);
        RJ_NEW(r->value[id], rows, n);
        for (ptrdiff_t i = 0; i < rows * n; i++) r->value[id][i] = (double)NAN;
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
    rj_free((*record)->aprompt);
    rj_free((*record)->prompt_sha256);
    rj_free((*record)->prompt_id);
    RJ_FREE(*record);
}

double *rj_record_at(const rj_record *record, rj_variable_id id, ptrdiff_t row)
{
    return record->value[id] + row * rj_schema_count(id, &record->sizes);
}

ptrdiff_t rj_record_rows(const rj_record *record, rj_variable_id id, ptrdiff_t first, ptrdiff_t n,
                         ptrdiff_t *row)
{
    const rj_record *r = record;
    ptrdiff_t before = 0, inside = 0;

    if (rj_schema[id].dims[0] == RJ_DIM_PROMPT) {
        *row = first;
        return rj_sizes_have(&r->sizes, rj_schema[id].mode) ? n : 0;
    }
    for (ptrdiff_t i = 0; i < r->sizes.size[RJ_DIM_APROMPT]; i++) {
        before += r->aprompt[i] < first;
        inside += first <= r->aprompt[i] && r->aprompt[i] < first + n;
    }
    *row = before;
    return inside;
}
