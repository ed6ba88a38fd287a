/* rng.c: Philox4x32-10 and Box-Muller, in lanes that the compiler vectorises. The logarithm, sine and cosine are
 * series of our own over +, *, / and sqrt alone, which IEEE 754 rounds correctly: the numbers do not depend on the
 * machine, the compiler or its libm. */
#include "resjac/base/rng.h"

#include <math.h>
#include <string.h>

#include "resjac/base/clones.h"

enum { LANES = 64 };

/* 64 bits of FNV-1a, then the finaliser of MurmurHash3, because FNV leaves the high bits of short names alike. */
static uint64_t name_hash(const char *name)
{
    uint64_t h = 0xcbf29ce484222325u;

    for (; *name != '\0'; name++) h = (h ^ (unsigned char)*name) * 0x100000001b3u;
    h = (h ^ (h >> 33)) * 0xff51afd7ed558ccdu;
    h = (h ^ (h >> 33)) * 0xc4ceb9fe1a85ec53u;
    return h ^ (h >> 33);
}

rj_rng rj_rng_open(uint64_t seed, const char *name)
{
    const uint64_t h = name_hash(name);

    return (rj_rng){.key = {(uint32_t)seed, (uint32_t)(seed >> 32)},
                    .stream = {(uint32_t)h, (uint32_t)(h >> 32)}};
}

/* Salmon et al., section 5.3: ten rounds of two 32 x 32 -> 64 bit products; the key is bumped between them.
 * Words 0, 1 of a block come as *lo, words 2, 3 as *hi. */
static inline void philox(const rj_rng *r, uint64_t block, uint64_t *lo, uint64_t *hi)
{
    uint32_t c0 = (uint32_t)block, c1 = (uint32_t)(block >> 32), c2 = r->stream[0], c3 = r->stream[1];
    uint32_t k0 = r->key[0], k1 = r->key[1];

    for (int round = 0; round < 10; round++, k0 += 0x9e3779b9u, k1 += 0xbb67ae85u) {
        const uint64_t p = (uint64_t)c0 * 0xd2511f53u, q = (uint64_t)c2 * 0xcd9e8d57u;
        c0 = (uint32_t)(q >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)q;
        c2 = (uint32_t)(p >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)p;
    }
    *lo = c0 | (uint64_t)c1 << 32;
    *hi = c2 | (uint64_t)c3 << 32;
}

void rj_rng_bits(const rj_rng *r, uint64_t block, uint32_t out[4])
{
    uint64_t lo, hi;

    philox(r, block, &lo, &hi);
    out[0] = (uint32_t)lo;
    out[1] = (uint32_t)(lo >> 32);
    out[2] = (uint32_t)hi;
    out[3] = (uint32_t)(hi >> 32);
}

static inline double from_bits(uint64_t bits)
{
    double x;

    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline uint64_t to_bits(double x)
{
    uint64_t bits;

    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* The middle of one of 2^52 equal parts of (0,1), so that neither 0 nor 1 can come out. */
static inline double unit(uint64_t bits)
{
    return from_bits(0x3ff0000000000000u | bits >> 12) - (1 - 0x1p-53);
}

double rj_rng_uniform(const rj_rng *r, uint64_t i)
{
    uint64_t half[2];

    philox(r, i / 2, &half[0], &half[1]);
    return unit(half[i % 2]);
}

/* ln u = k ln 2 + 2 artanh s, s = (m-1)/(m+1), u = 2^k m, m in [sqrt 1/2, sqrt 2): s^2 <= 0.0295, so that ten terms
 * of artanh leave 2e-17. u in (0,1), normal. */
static inline double logarithm(double u)
{
    const uint64_t root = 0x3fe6a09e667f3bcdu; /* bits of sqrt 1/2 */
    const uint64_t t = to_bits(u) + (0x3ff0000000000000u - root);
    const double k =
        from_bits(0x4330000000000000u | t >> 52) - (0x1p52 + 1023); /* no 64-bit conversion in SSE2 */
    const double m = from_bits((t & 0x000fffffffffffffu) + root);
    const double s = (m - 1) / (m + 1), z = s * s;
    double tail = 1.0 / 21;

    for (int n = 19; n >= 3; n -= 2) tail = tail * z + 1.0 / n;
    return k * 0x1.62e42fefa39efp-1 + 2 * (s + s * (z * tail));
}

/* sin x and cos x for |x| <= pi/4, where the Taylor series to x^17 and x^18 leave 2e-19. */
static inline void sine_cosine(double x, double *sine, double *cosine)
{
    const double z = x * x;
    double s = 1, c = 1;

    for (int n = 16; n >= 2; n -= 2) {
        s = 1 - s * (z * (1.0 / (n * (n + 1))));
        c = 1 - c * (z * (1.0 / ((n + 1) * (n + 2))));
    }
    *cosine = 1 - c * (z / 2);
    *sine = x * s;
}

/* Box-Muller on blocks first..first+LANES-1: elements 2b and 2b+1 of block b are radius (cos, sin) of the angle
 * pi/2 (q + h), quadrant q = the top two bits of the second half, h = the rest in (-1/2, 1/2). Loops by step, because
 * sqrt may set errno and would keep the whole from being vectorised. */
RJ_CLONES static void normal_lanes(const rj_rng *r, uint64_t first, double out[2 * LANES])
{
    uint64_t lo[LANES], hi[LANES];
    double radius[LANES];

    for (uint64_t j = 0; j < LANES; j++) philox(r, first + j, &lo[j], &hi[j]);
    for (int j = 0; j < LANES; j++) radius[j] = -2 * logarithm(unit(lo[j]));
    for (int j = 0; j < LANES; j++) radius[j] = sqrt(radius[j]);
    for (int j = 0; j < LANES; j++) {
        double s, c;
        sine_cosine(0x1.921fb54442d18p+0 * (unit(hi[j] << 2) - 0.5), &s, &c);
        /* turned by q right angles: odd q swaps; the cosine is negative for q = 1, 2, the sine for q = 2, 3 */
        const uint64_t q = hi[j] >> 62, cb = to_bits(c), sb = to_bits(s), flip = (cb ^ sb) & (0 - (q & 1));
        out[2 * j] = radius[j] * from_bits((cb ^ flip) ^ ((q ^ q >> 1) & 1) << 63);
        out[2 * j + 1] = radius[j] * from_bits((sb ^ flip) ^ (q >> 1) << 63);
    }
}

void rj_rng_normals(const rj_rng *r, uint64_t first, uint64_t n, double *out)
{
    double lane[2 * LANES];

    while (n > 0) {
        const uint64_t skip = first % 2, room = 2 * LANES - skip, take = n < room ? n : room;
        normal_lanes(r, first / 2, lane);
        memcpy(out, lane + skip, take * sizeof *out);
        out += take;
        first += take;
        n -= take;
    }
}
