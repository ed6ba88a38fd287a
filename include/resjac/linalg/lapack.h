/* lapack.h: checked decompositions of one rank; the only file that knows LAPACK. */
#ifndef RESJAC_LINALG_LAPACK_H
#define RESJAC_LINALG_LAPACK_H

#include "resjac/linalg/matrix.h"

/* A = U S V' [m,n]: every singular value and the leading k triplets by ?gesdd's steps (bidiagonalisation, then
 * divide and conquer), of which the last, the way back to U and V, is taken for the k kept columns alone.
 * About (8/3 + 4/3) n^3 flops for m = n; workspace about 5 n^2 elements beside A, n = min(m,n). Not collective.
 *   a [in]  finite (screen it: LAPACK may hang on NaN); destroyed
 *   k [in]  0 <= k <= min(m,n)
 *   s [out] [min(m,n)], descending
 *   u, v [out] [m,k], [n,k], given by the caller, of A's arithmetic; signs are LAPACK's
 * Errors: ARG shapes, types, or a side beyond LAPACK's int workspace (26,754); NOMEM;
 * LIB no convergence, or an argument refused. The outputs are undefined on LIB and untouched otherwise. */
RJ_CHECKED rj_status rj_lapack_svd(rj_matrix *a, int k, double *s, rj_matrix *u, rj_matrix *v);
#endif
