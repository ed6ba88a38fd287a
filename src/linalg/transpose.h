/* transpose.h: B <- A' of single arithmetic by tiles that are turned in the vector registers. */
#ifndef RESJAC_LINALG_TRANSPOSE_H
#define RESJAC_LINALG_TRANSPOSE_H

#include "resjac/linalg/matrix.h"

/* a [m,n], b [n,m], both RJ_SINGLE; they must not overlap. */
void rj_transpose_single(const rj_matrix *a, rj_matrix *b);
#endif
