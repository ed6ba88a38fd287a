/* spectrum.c: O(d) a Jacobian, O(L) a fit. */
#include "resjac/metrics/spectrum.h"

#include <math.h>

#include "resjac/metrics/fit.h"

/* exp(- sum p ln p), p = s / total; p = 0 adds its limit 0 */
static double effective_rank(int n, const double *s, double total)
{
    double entropy = 0.0;
    for (int i = 0; i < n; i++)
        if (s[i] > 0.0) entropy -= s[i] / total * log(s[i] / total);
    return exp(entropy);
}

void rj_spectrum_measure(const rj_topk *top, double frobenius, rj_spectrum *out)
{
    const double *s = top->s_all;
    const double largest = s[0];
    double sum = 0.0, squares = 0.0;

    *out = (rj_spectrum){
        .spectral = largest, .stable_rank = NAN, .participation_ratio = NAN, .effective_rank = NAN};
    if (!(largest > 0.0)) return;
    out->stable_rank = (frobenius / largest) * (frobenius / largest);
    if (top->n_all != top->d) return;
    for (int i = 0; i < top->d; i++) {
        const double p = s[i] / largest; /* relative: squares of tiny values would vanish */
        sum += p;
        squares += p * p;
    }
    out->participation_ratio = sum * sum / squares;
    out->effective_rank = effective_rank(top->d, s, sum * largest);
}

void rj_spectrum_depth_fit(int L, const double *s, double *slope, double *r2)
{
    rj_line_sums sums = {0};

    for (int l = 0; l < L; l++)
        if (s[l] > 0.0) rj_line_add(&sums, l + 1, 1.0 / s[l]); /* a NAN compares false */
    const rj_line line = rj_line_fit(&sums);
    *slope = sums.n < 3 || isnan(line.r2) ? NAN : line.slope;
    *r2 = sums.n < 3 ? NAN : line.r2;
}
