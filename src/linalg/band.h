/* band.h: eigenvalues of the Gram matrix of a projection, one at a time: a tridiagonalisation would cost as much as several steps
 * of the recurrence. */
#ifndef RESJAC_LINALG_BAND_H
#define RESJAC_LINALG_BAND_H

#include "resjac/linalg/matrix.h"

enum { RJ_BAND = 8 }; /* side of a block */

/* G = B B' [n,n] in blocks, n a multiple of their side; a column of blocks keeps its diagonal one, of which the lower triangle
 * counts, and the `below` next. Element (i,j) is a[i - RJ_BAND * (j / RJ_BAND) + j * RJ_BAND * (1 + below)]. */
typedef struct {
    int n, below;
    double scale;    /* largest sum of |elements| of a row: no eigenvalue is beyond it */
    double *a, *f;   /* G; L of G - shift I = L D L' at the last shift, 0 on and above its diagonal */
    double *inverse; /* [n] 1/D */
} rj_band;

/* Of an upper B [n,n] whose column c begins in row c - RJ_BAND, from column `turn` on (a multiple of RJ_BAND) in row
 * turn - RJ_BAND; what stands above is not read. About n RJ_BAND^2 flops.
 *   m [out] free with rj_band_free, also on error
 * Errors: NOMEM. */
RJ_CHECKED rj_status rj_band_new(const rj_matrix *b, int turn, rj_band *m);
void rj_band_free(rj_band *m);

/* g [n,n] double <- the lower triangle of G, zeros above it. */
void rj_band_spread(const rj_band *m, rj_matrix *g);

/* Eigenvalues of G above `shift`: by Sylvester's law the positive pivots of G - shift I = L D L' (Parlett, The Symmetric
 * Eigenvalue Problem, 3.3). Not pivoted: right for a matrix within some eps scale^2 / |smallest pivot| of G. */
int rj_band_above(const rj_band *m, double shift);

/* Eigenvalue number i (0-based, descending) by bisection: within `share` of itself where no other one is so near, else within
 * least_share, but for 4 eps scale.
 *   low [in, out] at most the value, 0 where nothing is known: a better one */
double rj_band_value(const rj_band *m, int i, double share, double least_share, double *low);

/* z [n + below * RJ_BAND] <- a vector of length 1 of the eigenvalue next to `value`, by inverse iteration; zeros behind it. */
void rj_band_vector(const rj_band *m, double value, double *z);
#endif
