/* tensor.c: shapes. */
#include "resjac/weights/tensor.h"

ptrdiff_t rj_tensor_rows(const rj_tensor *t)
{
    return t->n_dims < 2 ? 1 : t->shape[0];
}

ptrdiff_t rj_tensor_columns(const rj_tensor *t)
{
    ptrdiff_t n = 1;

    for (int k = t->n_dims < 2 ? 0 : 1; k < t->n_dims; k++) n *= t->shape[k];
    return n;
}

bool rj_shape_elements(const ptrdiff_t *shape, int n_dims, ptrdiff_t *n)
{
    ptrdiff_t product = 1;
    bool empty = false;

    for (int k = 0; k < n_dims; k++) {
        if (shape[k] == 0)
            empty = true;
        else if (__builtin_mul_overflow(product, shape[k], &product))
            return false;
    }
    *n = empty ? 0 : product;
    return true;
}
