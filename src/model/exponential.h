/* exponential.h: e^x in double for loops over arrays: without branches and calls, so that they vectorise. */
#ifndef RESJAC_MODEL_EXPONENTIAL_H
#define RESJAC_MODEL_EXPONENTIAL_H

#include <stdint.h>
#include <string.h>

/* Within 2 units in the last place for |x| <= 708, beyond it as at its ends (3e-308 and 3e307): a term that is nothing beside 1 stays
 * nothing. NaN stays NaN. x = k ln 2 + r, |r| <= ln(2)/2: Taylor's polynomial of degree 13 of r, whose rest is 4e-18, times 2^k. */
static inline double rj_exponential(double x)
{
    const double shift = 0x1.8p52; /* added, it leaves a whole number in the lowest bits */
    const double low = x < -708.0 ? -708.0 : x, y = low > 708.0 ? 708.0 : low;
    const double shifted = y * 0x1.71547652b82fep0 + shift, k = shifted - shift;
    const double r = (y - k * 0x1.62e42fee00000p-1) - k * 0x1.a39ef35793c76p-33;
    const double r2 = r * r, r4 = r2 * r2;
    const double a = (1.0 / 120 + r * (1.0 / 720)) + r2 * (1.0 / 5040 + r * (1.0 / 40320));
    const double b = (1.0 / 362880 + r * (1.0 / 3628800)) + r2 * (1.0 / 39916800 + r * (1.0 / 479001600));
    const double tail = (1.0 / 24 + r * (a + r4 * (b + r4 * (1.0 / 6227020800)))) * r4;
    const double p = 1.0 + (r + (r2 * (0.5 + r * (1.0 / 6)) + tail));
    uint64_t bits, power;
    double e;

    memcpy(&bits, &p, sizeof bits);
    memcpy(&power, &shifted, sizeof power);
    bits += power << 52; /* p is 0.7 to 1.42, so that its exponent stays one of a normal number */
    memcpy(&e, &bits, sizeof e);
    return e;
}
#endif
