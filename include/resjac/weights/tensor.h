/* tensor.h: where a named tensor lies in a file. */
#ifndef RESJAC_WEIGHTS_TENSOR_H
#define RESJAC_WEIGHTS_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "resjac/base/status.h"
#include "resjac/weights/dtype.h"

enum { RJ_MAX_DIMS = 4 };

/* Shape as PyTorch prints it: row-major, slowest first ([out,in] of a linear layer, [vocab,d] of an embedding).
 * Owned by its rj_weights. */
typedef struct {
    const char *name;
    const char
        *type_name; /* the element type as its file format calls it, also where the dtype is unsupported */
    rj_dtype dtype; /* RJ_DTYPE_UNSUPPORTED: listed, but cannot be read */
    int n_dims;
    ptrdiff_t shape[RJ_MAX_DIMS]; /* every product of dimensions fits a ptrdiff_t */
    int file;                     /* index of the shard */
    uint64_t offset;              /* bytes from the start of that file */
    uint64_t n_bytes;
} rj_tensor;

/* The tensor seen as a matrix: one dimension is one row, a scalar 1 x 1, more than two are [shape[0], the rest]. */
ptrdiff_t rj_tensor_rows(const rj_tensor *t);
ptrdiff_t rj_tensor_columns(const rj_tensor *t);

/* Elements of a shape; 0 where a dimension is. False where a product of its dimensions, those that are 0 left out,
 * exceeds PTRDIFF_MAX: then no arithmetic on it is safe. */
bool rj_shape_elements(const ptrdiff_t *shape, int n_dims, ptrdiff_t *n);
#endif
