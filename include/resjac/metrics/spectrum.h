/* spectrum.h: scalar measures of one Jacobian's singular values, and their trend over depth. */
#ifndef RESJAC_METRICS_SPECTRUM_H
#define RESJAC_METRICS_SPECTRUM_H

#include "resjac/base/status.h"
#include "resjac/linalg/topk.h"

/* NAN where undefined: the last two need every singular value (top->n_all == d); all but spectral need s_1 > 0. */
typedef struct {
    double spectral;            /* s_1 */
    double stable_rank;         /* ||J||_F^2 / s_1^2 */
    double participation_ratio; /* (sum s)^2 / sum s^2 */
    double effective_rank;      /* exp of the entropy of s / sum s */
} rj_spectrum;

void rj_spectrum_measure(const rj_topk *top, double frobenius, rj_spectrum *out);

/* Least squares of y_l = 1/s_k^l against depth l = 1..L for one k (Residual Alignment, arXiv:2401.09018, RA4).
 *   s  [in] [L], NAN or 0 entries left out; fewer than 3 left or no variance: NAN
 *   slope, r2 [out] */
void rj_spectrum_depth_fit(int L, const double *s, double *slope, double *r2);
#endif
