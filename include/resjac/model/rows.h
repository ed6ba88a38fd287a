/* rows.h: rows of a weight, read from a checkpoint or drawn for a random-init twin. */
#ifndef RESJAC_MODEL_ROWS_H
#define RESJAC_MODEL_ROWS_H

#include "resjac/base/rng.h"
#include "resjac/weights/weights.h"

/* A weight as its tensor lies in a file: [n,columns], row-major; a stack of matrices is one below the other. */
typedef struct {
    const rj_weights *weights; /* where it is read from; borrowed */
    const rj_tensor
        *tensor;       /* NULL: drawn, normal(0, deviation^2), element (r,c) is number r * whole + c of rng */
    ptrdiff_t columns; /* that are read: a run of `whole`, from `first` on */
    ptrdiff_t first, whole;
    rj_rng rng;
    double deviation;
} rj_rows;

rj_rows rj_rows_of_tensor(const rj_weights *w, const rj_tensor *t);

/* name: the tensor's name in the family's safetensors checkpoint, whatever the file: one draw for all formats. */
rj_rows rj_rows_drawn(uint64_t seed, const char *name, double deviation, ptrdiff_t columns);

/* The same rows, but of their columns only first..first+n-1; of a tensor without blocks of quantisation. */
rj_rows rj_rows_part(const rj_rows *rows, ptrdiff_t first, ptrdiff_t n);

/* out[i * columns + j] = element (row + i, first + j), finite; drawn elements are rounded to float as trained ones are.
 * Errors: NUMERIC an element is not finite (file, tensor, row); IO; FORMAT; NOMEM. */
RJ_CHECKED rj_status rj_rows_read(const rj_rows *rows, ptrdiff_t row, ptrdiff_t n, float *out);
#endif
