/* linear.h: y = W x + b, with W [out,in] held as its transpose, since a file's rows then become columns as they are. */
#ifndef RESJAC_MODEL_LINEAR_H
#define RESJAC_MODEL_LINEAR_H

#include <stdbool.h>

#include "resjac/linalg/matrix.h"
#include "resjac/model/rows.h"

typedef struct {
    rj_matrix weight; /* W' [in,out] in working arithmetic */
    double *bias;     /* [out], or NULL */
} rj_linear;

/* Where a linear layer lies in a file's tensor. */
typedef struct {
    rj_rows weight;
    bool transposed; /* the tensor is [in, ..], not [.., in] (Conv1D) */
    /* Output o lies in row first + o of the tensor (column where transposed), or, where run is not 0, in row
     * first + (o / run) stride + o % run: a fused tensor holds several layers. */
    ptrdiff_t first;
    int run, stride;
    /* d_head not 0: of the first n_rotary outputs of a head, number 2 i + s is stored for s n_rotary/2 + i. */
    int d_head, n_rotary;
    const rj_rows *bias; /* [1, ..], laid out as the outputs of weight; NULL: no bias */
} rj_linear_source;

/* Reads panel by panel: peak memory is the layer and one panel of rows in float.
 *   linear [out] free with rj_linear_free; untouched on error
 * Errors: those of rj_rows_read. */
RJ_CHECKED rj_status rj_linear_read(const rj_linear_source *source, rj_arithmetic type, int out, int in,
                                    rj_linear *linear);
/* The same of n <= RJ_BESIDE layers, out[k] wide, whose columns follow each other in a transposed tensor, in one reading of its rows.
 *   linear [out] [n]; untouched on error. Errors: as above; ARG they do not follow each other. */
enum { RJ_BESIDE = 3 };
RJ_CHECKED rj_status rj_linear_read_beside(int n, const rj_linear_source *source, rj_arithmetic type,
                                           const int *out, int in, rj_linear *linear);
void rj_linear_free(rj_linear *linear); /* takes a zeroed one */

/* Y <- W X, without bias: the derivative. X [in,n], Y [out,n] in working arithmetic. */
void rj_linear_jvp(const rj_linear *linear, const rj_matrix *x, rj_matrix *y);
/* X <- beta X + W' Y. */
void rj_linear_vjp(const rj_linear *linear, const rj_matrix *y, double beta, rj_matrix *x);

/* Y <- W X + b, product in working arithmetic, bias added in double. X [in,n], Y [out,n] double.
 * Errors: NOMEM. */
RJ_CHECKED rj_status rj_linear_forward(const rj_linear *linear, const rj_matrix *x, rj_matrix *y);
#endif
