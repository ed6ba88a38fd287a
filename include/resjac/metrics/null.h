/* null.h: the misfit of frames that share nothing, or only what is granted, with J: the chance levels of method
 * section 4. s = K singular values of J, scale^2 = mean square of an entry of A = U'JV, norm = ||s||_p. */
#ifndef RESJAC_METRICS_NULL_H
#define RESJAC_METRICS_NULL_H

#include <stdint.h>

#include "resjac/base/status.h"

enum { RJ_NULL_DRAWS = 64 };

/* ||s||_p, p = 1 or 2. */
double rj_null_norm(int k, const double *s, int p);

/* Independent frames, E|A_kk| = sqrt(2/pi) scale:
 * null^2 = (K^2 scale^2 + ||s||^2 - 2 sqrt(2/pi) scale sum s) / norm^2.
 * scale = ||J||_F/d, or ||A||_F/K for the rotation null. Not collective. NAN for norm = 0. */
double rj_null_independent(int k, const double *s, double scale, double norm);

/* The same for A with its signs: null^2 = (K^2 scale^2 + ||s||^2) / norm^2. Not collective. NAN for norm = 0. */
double rj_null_signed(int k, const double *s, double scale, double norm);

/* Frames rotated together, so that C = U'V stays: A = tau C + noise of variance sigma^2:
 * null^2 = (tau^2 ||C||_F^2 + K^2 sigma^2 + ||s||^2 - 2 sum_k s_k E|tau C_kk + sigma z|) / norm^2.
 *   c_diagonal [in] C(k,k) is c_diagonal[k * stride];  c_squares [in] ||C||_F^2
 * Not collective. A negative square, which is rounding, counts as 0. NAN for norm = 0. */
double rj_null_conjugation(int k, const double *s, double tau, double sigma, const double *c_diagonal,
                           int stride, double c_squares, double norm);

/* What is known of one J: n leading singular values (NULL: not asked), and ||J||_F^2 less their squares. */
typedef struct {
    int n;
    const double *s;
    double rest;
} rj_null_spectrum;

/* Standard deviation of misfit/||s||_p of independent frames for each of n_blocks J: over RJ_NULL_DRAWS draws of
 * A = X' diag(s) Y + sqrt(rest)/d Z on the leading n triplets. X, Y [n,K] are normal with variance 1/d, as rows of
 * random frames [d,K] nearly are (within 4 % of the true deviation for d = 36..256, K = 3..50); Z is standard normal.
 * The draws depend on (seed, K, n_known, d) alone, so that all blocks, prompts and ranks share them.
 * Memory 4 n_known K + 2 n_known^2 + K^2 doubles; 4 n_known^2 K + 2 n_known K^2 flops a draw, 2 n_known (n_known + K) more a block.
 *   n_known [in]  the largest n, k <= n_known
 *   sd      [out] [n_blocks]; NAN for spectrum[i].s == NULL, n < k or a zero norm; untouched on error
 * Not collective. Errors: ARG n > n_known; NOMEM. */
RJ_CHECKED rj_status rj_null_deviation(int d, int k, int n_known, int p, uint64_t seed, int n_blocks,
                                       const rj_null_spectrum *spectrum, double *sd);
#endif
