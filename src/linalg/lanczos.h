/* lanczos.h: block Golub-Kahan-Lanczos: orthonormal U and V with J V = U B, one block of columns at a time. */
#ifndef RESJAC_LINALG_LANCZOS_H
#define RESJAC_LINALG_LANCZOS_H

#include <stdint.h>

#include "resjac/base/rng.h"
#include "resjac/linalg/linop.h"

typedef struct {
    const rj_linop *op; /* borrowed */
    int width, most;    /* of a block; columns there is room for */
    int n;              /* columns of U, and of V but for the next block behind them */
    rj_matrix u, v;     /* [d,most], [d,most + width] */
    rj_matrix
        b; /* B = U'J V [most,most], double; upper, but for rounding within `width` of its diagonal; what a block put
                           in place of the next one couples with begins at row turn - width of every later column */
    int turn;       /* column of the first such block, INT_MAX without */
    rj_matrix next; /* [width,width] double, upper: J'U = V B' + V_next next on the last block of U */
    double scale;   /* largest ||J v||, ||J'u|| met: at most s_1 */
    rj_rng rng;
    uint64_t drawn; /* numbers taken from rng */
    rj_matrix part, wide, gram, other;
    rj_matrix
        along; /* [most + width, 2 width] double: coefficients of a block of V, not kept; room for those of a second pass */
    double *column, *shadow; /* [d], [most + width] */
} rj_lanczos;

/* Room for `most` columns, a multiple of width, and a random first block of V.
 *   p [out] free with rj_lanczos_free, also on error
 * Errors: NOMEM. */
RJ_CHECKED rj_status rj_lanczos_new(const rj_linop *op, int width, int most, uint64_t seed, rj_lanczos *p);
void rj_lanczos_free(rj_lanczos *p);

/* One more block of U and of V. n + width <= most.
 * Errors: NUMERIC a product is not finite; those of the operator. */
RJ_CHECKED rj_status rj_lanczos_step(rj_lanczos *p);

/* Puts a random block, orthogonal to all of V, in place of the next one. */
void rj_lanczos_restart(rj_lanczos *p);
#endif
