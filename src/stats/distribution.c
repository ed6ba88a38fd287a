/* distribution.c: the incomplete beta function keeps its digits for every df, where GSL's own t distribution goes over to a
 * series in 1/df above 30. No argument that gets through here is outside a function's domain, so GSL's handler, which would end the
 * process, is never called. */
#include "resjac/stats/distribution.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

double rj_correlation_p(double r, double df)
{
    if (!(fabs(r) <= 1.0) || !(df >= 1.0)) return (double)NAN;
    return gsl_cdf_beta_P((1.0 - r) * (1.0 + r), 0.5 * df, 0.5);
}

double rj_normal_p(double z)
{
    return isnan(z) ? (double)NAN : 2.0 * gsl_cdf_ugaussian_Q(fabs(z));
}

double rj_student_quantile(double p, double df)
{
    if (!(0.0 < p && p < 1.0) || !(df >= 1.0)) return (double)NAN;
    return gsl_cdf_tdist_Pinv(p, df);
}
