/* matrix.h: dense column-major matrices in single or double arithmetic. Vectors are always double. */
#ifndef RESJAC_LINALG_MATRIX_H
#define RESJAC_LINALG_MATRIX_H

#include <stddef.h>

#include "resjac/base/status.h"

/* The arithmetic of the large arrays and of their products. What is small (norms, logits, softmax, the per-head
 * maps of a block) is double in either. */
typedef enum { RJ_SINGLE = 0, RJ_DOUBLE } rj_arithmetic;

/* Element (r,c) is data[r + c * ld], ld >= max(rows, 1). A view borrows its data; see rj_matrix_new. */
typedef struct {
    rj_arithmetic type;
    int rows, cols, ld;
    void *data;
} rj_matrix;

/* A zeroed [rows,cols] matrix that owns its data; free it with rj_matrix_free. Not collective.
 *   m [out] untouched on error
 * Errors: ARG a negative shape; NOMEM. */
RJ_CHECKED rj_status rj_matrix_new(rj_arithmetic type, ptrdiff_t rows, ptrdiff_t cols, rj_matrix *m);
/* The same, not zeroed but aligned to cache lines: for what is about to be overwritten as a whole. */
RJ_CHECKED rj_status rj_matrix_new_unset(rj_arithmetic type, ptrdiff_t rows, ptrdiff_t cols, rj_matrix *m);
void rj_matrix_free(rj_matrix *m); /* of an owner only; leaves an empty matrix, and takes one */

/* Bytes of one element. */
size_t rj_matrix_element(rj_arithmetic type);

/* Distance from 1 to the next number of the arithmetic. */
double rj_matrix_epsilon(rj_arithmetic type);

/* View of rows r..r+n_rows-1, columns c..c+n_cols-1. */
rj_matrix rj_matrix_block(const rj_matrix *m, int r, int c, int n_rows, int n_cols);

/* One column as doubles: x[i] = M(i,j), and back (rounded in single). x has m->rows entries. */
void rj_matrix_get_column(const rj_matrix *m, int j, double *x);
void rj_matrix_set_column(rj_matrix *m, int j, const double *x);

void rj_matrix_fill(rj_matrix *m, double value);            /* M <- value */
void rj_matrix_identity(rj_matrix *m);                      /* M <- I, also where not square */
void rj_matrix_copy(const rj_matrix *a, rj_matrix *b);      /* B <- A, converted; same shape */
void rj_matrix_transpose(const rj_matrix *a, rj_matrix *b); /* B <- A', converted */
void rj_matrix_add(double alpha, const rj_matrix *a,
                   rj_matrix *b);                            /* B <- B + alpha A; same type and shape */
void rj_matrix_add_diagonal(double alpha, rj_matrix *m);     /* M <- M + alpha I */
void rj_matrix_scale(double alpha, rj_matrix *m);            /* M <- alpha M */
void rj_matrix_scale_rows(const double *s, rj_matrix *m);    /* M <- diag(s) M */
void rj_matrix_scale_columns(const double *s, rj_matrix *m); /* M <- M diag(s) */
void rj_matrix_rank1(double alpha, const double *x, const double *y, rj_matrix *m); /* M <- M + alpha x y' */

/* y <- op(M) x, accumulated in double; op 'N' or 'T'. */
void rj_matrix_times(char op, const rj_matrix *m, const double *x, double *y);

double rj_matrix_frobenius(const rj_matrix *m); /* ||M||_F, accumulated in double, no overflow */
double rj_matrix_trace(const rj_matrix *m);     /* sum of M(i,i) in double */
double rj_matrix_max_difference(const rj_matrix *a, const rj_matrix *b); /* max |A - B| */

/* True where every element is finite. */
int rj_matrix_is_finite(const rj_matrix *m);
#endif
