/* blas.h: products of dense matrices of one rank; the only file that knows BLAS. */
#ifndef RESJAC_LINALG_BLAS_H
#define RESJAC_LINALG_BLAS_H

#include "resjac/linalg/matrix.h"

/* C <- alpha op(A) op(B) + beta C, with op(A) [m,k], op(B) [k,n], C [m,n], op 'N' or 'T'; 2 m n k flops, counted
 * (rj_clock_flops). All three of one type; a mismatch of types or shapes is our bug and aborts in any build, since a
 * wrong product must never be published: it says both on stderr. Empty matrices are allowed (k = 0: C <- beta C);
 * C must not overlap A or B. Not collective. */
void rj_gemm(char op_a, char op_b, double alpha, const rj_matrix *a, const rj_matrix *b, double beta,
             rj_matrix *c);

/* Threads of every later product of this process (LAPACK's included). The bits of a product depend on it. With a BLAS that is
 * not OpenBLAS it does nothing: set OMP_NUM_THREADS. Not collective. */
void rj_blas_set_threads(int n);
#endif
