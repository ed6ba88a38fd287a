/* linop.h: a linear operator known only by its products with blocks of columns. */
#ifndef RESJAC_LINALG_LINOP_H
#define RESJAC_LINALG_LINOP_H

#include "resjac/linalg/matrix.h"

/* M [rows,cols]. ctx is borrowed and must outlive the operator. x and y are of arithmetic `type`. */
typedef struct rj_linop {
    int rows, cols;
    rj_arithmetic type;
    const void *ctx;
    rj_status (*apply)(const void *ctx, const rj_matrix *x,
                       rj_matrix *y); /* Y <- M X,  [cols,n] -> [rows,n] */
    rj_status (*apply_transpose)(const void *ctx, const rj_matrix *x,
                                 rj_matrix *y); /* Y <- M' X, [rows,n] -> [cols,n] */
} rj_linop;

/* The operator of a dense matrix, which is borrowed. */
rj_linop rj_linop_dense(const rj_matrix *m);

/* That matrix, or NULL for any other operator. */
const rj_matrix *rj_linop_matrix(const rj_linop *op);

/* M as a dense matrix, by products with panels of the identity, `width` columns at a time.
 *   m [out] [rows,cols], given by the caller, of arithmetic op->type
 * Errors: those of the operator; NOMEM. */
RJ_CHECKED rj_status rj_linop_form(const rj_linop *op, int width, rj_matrix *m);
#endif
