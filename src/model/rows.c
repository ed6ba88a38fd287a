/* rows.c: every weight passes here, so here it is screened for Inf and NaN. */
#include "resjac/model/rows.h"

#include <math.h>

#include "resjac/base/memory.h"

rj_rows rj_rows_of_tensor(const rj_weights *w, const rj_tensor *t)
{
    return (rj_rows){
        .weights = w, .tensor = t, .columns = t->n_dims > 2 ? t->shape[t->n_dims - 1] : rj_tensor_columns(t)};
}

rj_rows rj_rows_drawn(uint64_t seed, const char *name, double deviation, ptrdiff_t columns)
{
    return (rj_rows){.columns = columns, .rng = rj_rng_open(seed, name), .deviation = deviation};
}

static rj_status draw(const rj_rows *rows, ptrdiff_t row, ptrdiff_t n, float *out)
{
    rj_status st = RJ_OK;
    double *normal = NULL;

    RJ_NEW(normal, rows->columns, 1);
    for (ptrdiff_t i = 0; i < n; i++) {
        rj_rng_normals(&rows->rng, (uint64_t)((row + i) * rows->columns), (uint64_t)rows->columns, normal);
        for (ptrdiff_t j = 0; j < rows->columns; j++)
            out[i * rows->columns + j] = (float)(rows->deviation * normal[j]);
    }
done:
    RJ_FREE(normal);
    return st;
}

rj_status rj_rows_read(const rj_rows *rows, ptrdiff_t row, ptrdiff_t n, float *out)
{
    rj_status st = RJ_OK;
    const ptrdiff_t columns = rows->columns;
    rj_tensor seen;

    if (rows->tensor == NULL) return draw(rows, row, n, out);
    seen = *rows->tensor;
    if (seen.n_dims > 2) { /* a stack of matrices: one below the other */
        seen.shape[0] = rj_tensor_rows(&seen) * rj_tensor_columns(&seen) / columns;
        seen.shape[1] = columns;
        seen.n_dims = 2;
    }
    RJ_TRY(rj_weights_read(rows->weights, &seen, row, n, out, columns));
    for (ptrdiff_t i = 0; i < n; i++) {
        int bad = 0;
        for (ptrdiff_t j = 0; j < columns; j++) bad |= !(fabsf(out[i * columns + j]) < INFINITY);
        RJ_REQUIRE(!bad, RJ_ERR_NUMERIC, "%s: tensor %s: row %td holds Inf or NaN; the checkpoint is broken",
                   rj_weights_file(rows->weights, rows->tensor), rows->tensor->name, row + i);
    }
done:
    return st;
}
