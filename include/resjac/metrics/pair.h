/* pair.h: the measures of one pair of blocks (i,j) for every K, from the small products of their frames. */
#ifndef RESJAC_METRICS_PAIR_H
#define RESJAC_METRICS_PAIR_H

#include "resjac/linalg/matrix.h"

/* Controls that remove the first r = 1, 3 triplets of both blocks. */
enum { RJ_PAIR_DROPS = 2, RJ_PAIR_DROP_MOST = 3 };
int rj_pair_drop(int which); /* r */

/* What the measures need of a square table, for every K: one pass over it, in double whatever its type. */
typedef struct {
    double *diagonal;    /* [width] */
    double *off_squares; /* [width + 1]: sum of squares off the diagonal of the leading k x k block */
    double *column;      /* [width]: scratch */
} rj_pair_sums;

/* Not collective. sums [out] untouched on error. Errors: NOMEM. */
RJ_CHECKED rj_status rj_pair_sums_new(int width, rj_pair_sums *sums);
void rj_pair_sums_free(rj_pair_sums *sums);

/* Of the leading n x n block. Not collective. */
void rj_pair_sum(const rj_matrix *table, int n, rj_pair_sums *sums);

/* The products of frames that belong to a pair, borrowed, each at least n x n unless said. Without data: not known, and the
 * measures that need it are NAN. */
typedef struct {
    rj_matrix a; /* U_j' J_i V_j, always known */
    rj_matrix b; /* V_j' J_i U_j */
    rj_matrix uu, uv, vu,
        vv; /* U_i'U_j, U_i'V_j, V_i'U_j, V_i'V_j: all four or none, as many rows as the largest K */
    rj_matrix first_u,
        first_v;           /* first RJ_PAIR_DROP_MOST columns of U_j'U_i and V_j'V_i, fewer where n is less */
    const rj_pair_sums *c; /* of U_j'V_j; NULL: not known */
} rj_pair_products;

typedef struct {
    int n; /* triplets known of both blocks, at most width */
    rj_pair_sums a, b, uu, uv, vu, vv;
    rj_pair_sums
        dropped[RJ_PAIR_DROPS]; /* A without what the first r triplets of J_i give, and without its first r
                                            rows and columns */
    double *factor;             /* [width, RJ_PAIR_DROP_MOST]: scratch */
    rj_pair_products given;
} rj_pair;

/* Block i: singular values and what the nulls need. */
typedef struct {
    int d;
    const double *s;                      /* [n] */
    double frobenius, trace;              /* of J_i */
    double frobenius_drop[RJ_PAIR_DROPS]; /* of J_i without its first r triplets */
} rj_pair_row;

/* As the fields of rj_coupling_measures; NAN where undefined or not known. */
typedef struct {
    double misfit, misfit_signed, misfit_trace, misfit_vju, excess, null_rotation, null_conjugation;
    double excess_drop[RJ_PAIR_DROPS];
    double subspace_uu, subspace_vv, subspace_uv, subspace_vu;
} rj_pair_measures;

/* Room for pairs of up to width triplets. Not collective. pair [out] untouched on error. Errors: NOMEM. */
RJ_CHECKED rj_status rj_pair_new(int width, rj_pair *pair);
void rj_pair_free(rj_pair *pair);

/* Once a pair: one pass over each table serves every K. 0 where Inf or NAN, or an entry beyond 1e150, was met. */
int rj_pair_begin(rj_pair *pair, int n, const rj_pair_row *row, const rj_pair_products *given);

/* All measures for one K <= n; norm = 1 or 2. */
void rj_pair_measure(const rj_pair *pair, const rj_pair_row *row, int k, int norm, rj_pair_measures *out);
#endif
