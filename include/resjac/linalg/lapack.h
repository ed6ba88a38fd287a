/* lapack.h: checked decompositions of one rank; the only file that knows LAPACK. */
#ifndef RESJAC_LINALG_LAPACK_H
#define RESJAC_LINALG_LAPACK_H

#include "resjac/linalg/matrix.h"

/* The largest order whose divide and conquer LAPACK can index: 3 n^2 + 4 n <= INT_MAX. */
enum { RJ_LAPACK_LARGEST = 26754 };

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

/* B = X S Y' of an upper bidiagonal B [n,n] by divide and conquer in the arithmetic of X and Y: all values, the leading
 * k columns of X and Y. At most 4/3 n^3 flops, 5 n^2 numbers of workspace. Not collective.
 *   diagonal, beside [in] [n], [n-1]: B(i,i) and B(i,i+1), finite
 *   s [out] [n], descending
 *   x, y [out] [n,k], k <= n, of one arithmetic, given by the caller
 * Errors: ARG shapes, types or n beyond 26,754; NOMEM; LIB no convergence. */
RJ_CHECKED rj_status rj_lapack_bidiagonal_svd(int n, const double *diagonal, const double *beside, double *s,
                                              rj_matrix *x, rj_matrix *y);

/* Eigenvalues of a symmetric A [n,n], and the vectors of some of them. 4/3 n^3 flops. Not collective.
 *   a [in] double, its lower triangle, finite; destroyed
 *   first, z [in] vectors of the eigenvalues number first .. first + z->cols - 1 (0-based, in descending order)
 *   value [out] [n], descending;  z [out] [n, z->cols], double, given by the caller
 * Errors: ARG shapes, types, first; NOMEM; LIB no convergence. */
RJ_CHECKED rj_status rj_lapack_symmetric(rj_matrix *a, int first, double *value, rj_matrix *z);
#endif
