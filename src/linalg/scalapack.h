/* scalapack.h: prototypes of BLACS and ScaLAPACK 2 with 32-bit integers (they come without a C header). A Fortran CHARACTER
 * carries its length as a size_t at the end of the argument list; BLACS, PBLAS and the redistribution are C and have none.
 * ScaLAPACK reports a bad argument on stderr and goes on: look at info, and at residuals. */
#ifndef RESJAC_LINALG_SCALAPACK_H
#define RESJAC_LINALG_SCALAPACK_H

#include <mpi.h>
#include <stddef.h>

/* BLACS. Cblacs_exit is not here: with 0 it would finalise MPI under the whole program. */
int Csys2blacs_handle(MPI_Comm comm);
void Cfree_blacs_system_handle(int handle);
void Cblacs_gridinit(int *context, const char *order, int nprow, int npcol);
void Cblacs_gridinfo(int context, int *nprow, int *npcol, int *myrow, int *mycol);
enum { BLACS_REPEATABLE = 15 }; /* non-zero: sums in a fixed order, whichever message comes first */
void Cblacs_set(int context, int what, int *value);
void Cblacs_gridexit(int context);

/* B(ib:,jb:) <- A(ia:,ja:) [m,n], between any two distributions; called by every rank of `context`. */
void Cpdgemr2d(int m, int n, const double *a, int ia, int ja, int *desca, double *b, int ib, int jb,
               int *descb, int context);
void Cpsgemr2d(int m, int n, const float *a, int ia, int ja, int *desca, float *b, int ib, int jb, int *descb,
               int context);

void pdgemm_(const char *op_a, const char *op_b, const int *m, const int *n, const int *k,
             const double *alpha, const double *a, const int *ia, const int *ja, const int *desca,
             const double *b, const int *ib, const int *jb, const int *descb, const double *beta, double *c,
             const int *ic, const int *jc, const int *descc);
void psgemm_(const char *op_a, const char *op_b, const int *m, const int *n, const int *k, const float *alpha,
             const float *a, const int *ia, const int *ja, const int *desca, const float *b, const int *ib,
             const int *jb, const int *descb, const float *beta, float *c, const int *ic, const int *jc,
             const int *descc);

void pdgebrd_(const int *m, const int *n, double *a, const int *ia, const int *ja, const int *desca,
              double *d, double *e, double *tauq, double *taup, double *work, const int *lwork, int *info);
void psgebrd_(const int *m, const int *n, float *a, const int *ia, const int *ja, const int *desca, float *d,
              float *e, float *tauq, float *taup, float *work, const int *lwork, int *info);
/* C(ic:,jc:) [m,n] <- the k reflectors in columns (qr) or rows (lq) of A(ia:,ja:), applied. */
typedef void rj_pdorm(const char *side, const char *trans, const int *m, const int *n, const int *k,
                      const double *a, const int *ia, const int *ja, const int *desca, const double *tau,
                      double *c, const int *ic, const int *jc, const int *descc, double *work,
                      const int *lwork, int *info, size_t n_side, size_t n_trans);
typedef void rj_psorm(const char *side, const char *trans, const int *m, const int *n, const int *k,
                      const float *a, const int *ia, const int *ja, const int *desca, const float *tau,
                      float *c, const int *ic, const int *jc, const int *descc, float *work, const int *lwork,
                      int *info, size_t n_side, size_t n_trans);
rj_pdorm pdormqr_, pdormlq_;
rj_psorm psormqr_, psormlq_;

/* The oracle of the tests: ten times slower, and full of traps. */
void pdgesvd_(const char *jobu, const char *jobvt, const int *m, const int *n, double *a, const int *ia,
              const int *ja, const int *desca, double *s, double *u, const int *iu, const int *ju,
              const int *descu, double *vt, const int *ivt, const int *jvt, const int *descvt, double *work,
              const int *lwork, int *info, size_t n_jobu, size_t n_jobvt);
#endif
