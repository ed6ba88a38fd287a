/* rows.c: every weight passes here, so here it is screened for Inf and NaN. */
#include "resjac/model/rows.h"

#include <math.h>

#include "resjac/base/memory.h"

rj_rows rj_rows_of_tensor(const rj_weights *w, const rj_tensor *t)
{
    const ptrdiff_t columns = t->n_dims > 2 ? t->shape[t->n_dims - 1] : rj_tensor_columns(t);
    return (rj_rows){.weights = w, .tensor = t, .columns = columns, .whole = columns};
}

rj_rows rj_rows_drawn(uint64_t seed, const char *name, double deviation, ptrdiff_t columns)
{
    return (rj_rows){
        .columns = columns, .whole = columns, .rng = rj_rng_open(seed, name), .deviation = deviation};
}

rj_rows rj_rows_part(const rj_rows *rows, ptrdiff_t first, ptrdiff_t n)
{
    rj_rows part = *rows;

    part.first += first;
    part.columns = n;
    return part;
}

static rj_status draw(const rj_rows *rows, ptrdiff_t row, ptrdiff_t n, float *out)
{
    rj_status st = RJ_OK;
    double *normal = NULL;

    RJ_NEW(normal, rows->columns, 1);
    for (ptrdiff_t i = 0; i < n; i++) {
        rj_rng_normals(&rows->rng, (uint64_t)((row + i) * rows->whole + rows->first), (uint64_t)rows->columns,
                       normal);
        for (ptrdiff_t j = 0; j < rows->columns; j++)
            out[i * rows->columns + j] = (float)(rows->deviation * normal[j]);
    }
done:
    RJ_FREE(normal);
    return st;
}

/* Whole rows at once; parts of rows as every whole/columns-th row of a matrix with `columns` columns. */
static rj_status read(const rj_rows *rows, ptrdiff_t row, ptrdiff_t n, float *out)
{
    rj_status st = RJ_OK;
    const ptrdiff_t columns = rows->columns, parts = rows->whole / columns;
    const ptrdiff_t each = columns == rows->whole ? n : 1;
    rj_tensor seen = *rows->tensor;

    if (seen.n_dims > 2 || columns != rows->whole) { /* a stack of matrices: one below the other */
        RJ_REQUIRE(rows->whole % columns == 0 && rows->first % columns == 0, RJ_ERR_ARG,
                   "tensor %s: columns %td..%td of %td", seen.name, rows->first, rows->first + columns - 1,
                   rows->whole);
        seen.shape[0] = rj_tensor_rows(&seen) * rj_tensor_columns(&seen) / columns;
        seen.shape[1] = columns;
        seen.n_dims = 2;
    }
    for (ptrdiff_t i = 0; i < n; i += each)
        RJ_TRY(rj_weights_read(rows->weights, &seen, (row + i) * parts + rows->first / columns, each,
                               out + i * columns, columns));
done:
    return st;
}

rj_status rj_rows_read(const rj_rows *rows, ptrdiff_t row, ptrdiff_t n, float *out)
{
    rj_status st = RJ_OK;
    const ptrdiff_t columns = rows->columns;

    if (rows->tensor == NULL) return draw(rows, row, n, out);
    RJ_TRY(read(rows, row, n, out));
    for (ptrdiff_t i = 0; i < n; i++) {
        int bad = 0;
        for (ptrdiff_t j = 0; j < columns; j++) bad |= !(fabsf(out[i * columns + j]) < INFINITY);
        RJ_REQUIRE(!bad, RJ_ERR_NUMERIC, "%s: tensor %s: row %td holds Inf or NaN; the checkpoint is broken",
                   rj_weights_file(rows->weights, rows->tensor), rows->tensor->name, row + i);
    }
done:
    return st;
}
