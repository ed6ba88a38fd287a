/* dmat.h: matrices spread over a grid of ranks, block-cyclic in square blocks. */
#ifndef RESJAC_LINALG_DMAT_H
#define RESJAC_LINALG_DMAT_H

#include "resjac/linalg/grid.h"
#include "resjac/linalg/matrix.h"

/* Places in a descriptor of ScaLAPACK. */
enum {
    RJ_DESC_TYPE,
    RJ_DESC_CONTEXT,
    RJ_DESC_M,
    RJ_DESC_N,
    RJ_DESC_MB,
    RJ_DESC_NB,
    RJ_DESC_RSRC,
    RJ_DESC_CSRC,
    RJ_DESC_LLD,
    RJ_DESC_LENGTH
};

/* A matrix [m,n]: element (i,j) is with the rank at row (i / nb) % n_row, column (j / nb) % n_col of the grid. Blocks are
 * square: with others ScaLAPACK's decompositions give garbage without an error. */
typedef struct {
    const rj_grid *grid; /* borrowed */
    rj_arithmetic type;
    int m, n, nb;
    int desc[RJ_DESC_LENGTH];
    rj_matrix local; /* this rank's rows and columns in ascending order; [0,0] outside the grid */
} rj_dmat;

/* How many of n rows (columns) in blocks of nb the place-th of n_place rank rows (columns) holds. Not collective. */
ptrdiff_t rj_dmat_share(ptrdiff_t n, int nb, int place, int n_place);

/* The row (column) of the matrix that is `local` on this place. Not collective. */
int rj_dmat_global(int local, int nb, int place, int n_place);

/* Whether ScaLAPACK's int arithmetic can hold a matrix [m,n] of this shape on such a grid. Allocates nothing; not collective.
 * Errors: ARG a side below 1 or above INT_MAX, nb outside 1..1024, more than INT_MAX elements on the fullest rank, or a column
 * of blocks above 2^30 bytes in double (each with its remedy). */
RJ_CHECKED rj_status rj_dmat_check(ptrdiff_t m, ptrdiff_t n, int nb, int n_row, int n_col);

/* A zeroed matrix; free it with rj_dmat_free before its grid. Collective on grid.
 *   a [out] untouched on error
 * Errors: ARG that of rj_dmat_check; NOMEM on any rank. */
RJ_CHECKED rj_status rj_dmat_new(const rj_grid *grid, rj_arithmetic type, ptrdiff_t m, ptrdiff_t n, int nb,
                                 rj_dmat *a);
void rj_dmat_free(rj_dmat *a); /* not collective; takes an empty one */

/* The panel of this rank: columns *first..*first + *count - 1 of n, near-equal and in the order of ranks; *count is 0 on some
 * where n is below the number of ranks. Not collective. */
void rj_dmat_panel(const rj_grid *grid, int n, int *first, int *count);

/* A <- [P_0 P_1 ..], panel P_r [m, *count] with rank r as rj_dmat_panel says, outside ranks included. Every rank's in turn,
 * in slabs of about grid->slab_bytes. Collective on A's grid.
 * Errors: ARG a panel of another shape or arithmetic, on any rank. */
RJ_CHECKED rj_status rj_dmat_from_panels(const rj_matrix *panel, rj_dmat *a);
/* The way back. */
RJ_CHECKED rj_status rj_dmat_to_panels(const rj_dmat *a, rj_matrix *panel);

/* A <- B of rank 0, [m,n]; b is not looked at elsewhere. Collective on A's grid.
 * Errors: ARG another shape or arithmetic. */
RJ_CHECKED rj_status rj_dmat_from_root(const rj_matrix *b, rj_dmat *a);

/* The leading columns of A on every rank: B [m,k] <- A(:,0:k), k = b->cols, equal bits everywhere. Collective on A's grid.
 * Errors: ARG B of another shape or arithmetic, on any rank. */
RJ_CHECKED rj_status rj_dmat_gather(const rj_dmat *a, rj_matrix *b);

/* C <- alpha op(A) op(B) + beta C, op 'N' or 'T'; this rank's share of the flops is counted. C is neither A nor B.
 * Collective on the grid, which all three share.
 * Errors: ARG shapes, arithmetics, block sizes or grids that do not fit, on every rank. */
RJ_CHECKED rj_status rj_dmat_gemm(char op_a, char op_b, double alpha, const rj_dmat *a, const rj_dmat *b,
                                  double beta, rj_dmat *c);

/* Errors: NUMERIC an element of A is not finite (names it as of `name`), the same on every rank. Collective on A's grid. */
RJ_CHECKED rj_status rj_dmat_require_finite(const rj_dmat *a, const char *name);
#endif
