/* norm_probe.h: norm and trace of an operator whose leading triplets are known, from products with random columns. */
#ifndef RESJAC_LINALG_NORM_PROBE_H
#define RESJAC_LINALG_NORM_PROBE_H

#include <stdint.h>

#include "resjac/linalg/linop.h"
#include "resjac/linalg/topk.h"

typedef struct {
    double frobenius, frobenius_error; /* ||J||_F and its standard error */
    double trace, trace_error;         /* tr J and its standard error */
} rj_probe;

/* ||J||_F^2 = sum s_k^2 + E ||J z||^2 and tr J = sum s_k v_k'u_k + E z'J z, z a standard normal column without its part along
 * V: what the triplets hold is exact, the rest a mean over n columns (Hutchinson; deflation as in Hutch++, Meyer et al.,
 * arXiv 2010.09649). Takes n products. Errors: those of op; ARG n < 2; NUMERIC a product is not finite; NOMEM. */
RJ_CHECKED rj_status rj_probe_norms(const rj_linop *op, const rj_topk *top, int n, uint64_t seed,
                                    rj_probe *out);
#endif
