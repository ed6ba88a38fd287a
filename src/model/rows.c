/* rows.c: every weight passes here, so here it is screened for Inf and NaN. */
#include "resjac/model/rows.h"

#include <math.h>

#include "resjac/base/clones.h"
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

static ptrdiff_t common_divisor(ptrdiff_t a, ptrdiff_t b)
{
    return b == 0 ? a : common_divisor(b, a % b);
}

/* Whole rows at once; parts of rows one by one, as rows of a narrower matrix in which they begin and end. */
static rj_status read(const rj_rows *rows, ptrdiff_t row, ptrdiff_t n, float *out)
{
    rj_status st = RJ_OK;
    const ptrdiff_t whole = rows->whole, columns = rows->columns;
    const ptrdiff_t width = common_divisor(common_divisor(whole, columns), rows->first);
    rj_tensor seen = *rows->tensor;

    if (seen.n_dims > 2 || columns < whole) { /* a stack of matrices: one below the other */
        seen.shape[0] = rj_tensor_rows(&seen) * rj_tensor_columns(&seen) / width;
        seen.shape[1] = width;
        seen.n_dims = 2;
    }
    if (columns == whole) return rj_weights_read(rows->weights, &seen, row, n, out, columns);
    for (ptrdiff_t i = 0; i < n; i++)
        RJ_TRY(rj_weights_read(rows->weights, &seen, ((row + i) * whole + rows->first) / width,
                               columns / width, out + i * columns, width));
done:
    return st;
}

/* NaN is not less than anything. */
RJ_CLONES static bool is_finite(ptrdiff_t n, const float *x)
{
    int bad = 0;

    for (ptrdiff_t i = 0; i < n; i++) bad |= !(fabsf(x[i]) < INFINITY);
    return !bad;
}

rj_status rj_rows_read(const rj_rows *rows, ptrdiff_t row, ptrdiff_t n, float *out)
{
    rj_status st = RJ_OK;
    const ptrdiff_t columns = rows->columns;

    if (rows->tensor == NULL) return draw(rows, row, n, out);
    RJ_TRY(read(rows, row, n, out));
    for (ptrdiff_t i = 0; i < n; i++)
        RJ_REQUIRE(is_finite(columns, out + i * columns), RJ_ERR_NUMERIC,
                   "%s: tensor %s: row %td holds Inf or NaN; the checkpoint is broken",
                   rj_weights_file(rows->weights, rows->tensor), rows->tensor->name, row + i);
done:
    return st;
}
