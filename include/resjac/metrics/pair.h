/* pair.h: the measures of one pair of blocks (i,j) for every K, from the small products of their frames. */
#ifndef RESJAC_METRICS_PAIR_H
#define RESJAC_METRICS_PAIR_H

#include "resjac/linalg/matrix.h"

/* Controls that remove the first r = 1, 3 triplets of both blocks. */
enum { RJ_PAIR_DROPS = 2 };
int rj_pair_drop(int which); /* r */

typedef enum {
    RJ_PAIR_A = 0, /* U_j' J_i V_j */
    RJ_PAIR_B,     /* V_j' J_i U_j */
    RJ_PAIR_UU,    /* U_i'U_j */
    RJ_PAIR_UV,    /* U_i'V_j */
    RJ_PAIR_VU,    /* V_i'U_j */
    RJ_PAIR_VV,    /* V_i'V_j */
    RJ_PAIR_C,     /* U_j'V_j */
    RJ_PAIR_GIVEN, /* those above are filled by the caller, the rest by rj_pair_begin */
    RJ_PAIR_DROPPED =
        RJ_PAIR_GIVEN, /* A without what the first r triplets of J_i give, and without its first r
                                        rows and columns */
    RJ_PAIR_TABLES = RJ_PAIR_DROPPED + RJ_PAIR_DROPS
} rj_pair_product;

typedef struct {
    rj_matrix m;         /* [width,width], double */
    double *off_squares; /* [width + 1]: sum of squares off the diagonal of the leading k x k block */
} rj_pair_table;

typedef struct {
    int n; /* triplets known of both blocks, at most width */
    rj_pair_table table[RJ_PAIR_TABLES];
} rj_pair;

/* Block i: singular values and what the nulls need. */
typedef struct {
    int d;
    const double *s;                      /* [n] */
    double frobenius, trace;              /* of J_i */
    double frobenius_drop[RJ_PAIR_DROPS]; /* of J_i without its first r triplets */
} rj_pair_row;

/* As the fields of rj_coupling_measures; NAN where undefined. */
typedef struct {
    double misfit, misfit_signed, misfit_trace, misfit_vju, excess, null_rotation, null_conjugation;
    double excess_drop[RJ_PAIR_DROPS];
    double subspace_uu, subspace_vv, subspace_uv, subspace_vu;
} rj_pair_measures;

/* Room for pairs of up to width triplets. Not collective. pair [out] untouched on error. Errors: NOMEM. */
RJ_CHECKED rj_status rj_pair_new(int width, rj_pair *pair);
void rj_pair_free(rj_pair *pair);

/* Once a pair, when the given tables hold at least n x n entries: one pass over each serves every K. */
void rj_pair_begin(rj_pair *pair, int n, const rj_pair_row *row);

/* All measures for one K <= n; norm = 1 or 2. An infinite or NAN table entry gives NAN or infinity: screen them. */
void rj_pair_measure(const rj_pair *pair, const rj_pair_row *row, int k, int norm, rj_pair_measures *out);
#endif
