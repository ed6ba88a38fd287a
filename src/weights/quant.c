/* quant.c: block formulas. A block's elements j and j + 16 share a byte, not 2j and 2j + 1. */
#include "resjac/weights/quant.h"

#include <string.h>

static inline float float_of(uint32_t bits)
{
    float x;

    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline uint32_t bits_of(float x)
{
    uint32_t bits;

    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* Without branches, so that loops vectorise. Normal, Inf and NaN: exponent and fraction moved into a float's, the bias
 * mended by an exact product. Subnormal m 2^-24: m put at the end of 0.5's fraction, and 0.5 taken off. */
static inline float half(const uint8_t *p)
{
    const uint32_t h = (uint32_t)p[0] | (uint32_t)p[1] << 8, magnitude = h & 0x7fffu;
    const float normal = float_of((magnitude << 13) + (0xe0u << 23)) * 0x1p-112f;
    const float subnormal = float_of(magnitude | 126u << 23) - 0.5f;

    return float_of(bits_of(magnitude < 0x400 ? subnormal : normal) | (h & 0x8000u) << 16);
}

void rj_half_to_float(const uint8_t *src, ptrdiff_t n, float *out)
{
    for (ptrdiff_t i = 0; i < n; i++) out[i] = half(src + 2 * i);
}

/* d, nibbles[16]: (q - 8) d */
void rj_dequantise_q4_0(const uint8_t *src, ptrdiff_t n_blocks, float *out)
{
    for (; n_blocks > 0; n_blocks--, src += 18, out += 32) {
        const float d = half(src);
        for (int j = 0; j < 16; j++) {
            out[j] = (float)((src[2 + j] & 15) - 8) * d;
            out[j + 16] = (float)((src[2 + j] >> 4) - 8) * d;
        }
    }
}

/* d, m, nibbles[16]: q d + m */
void rj_dequantise_q4_1(const uint8_t *src, ptrdiff_t n_blocks, float *out)
{
    for (; n_blocks > 0; n_blocks--, src += 20, out += 32) {
        const float d = half(src), m = half(src + 2);
        for (int j = 0; j < 16; j++) {
            out[j] = (float)(src[4 + j] & 15) * d + m;
            out[j + 16] = (float)(src[4 + j] >> 4) * d + m;
        }
    }
}

/* d, int8 q[32]: q d */
void rj_dequantise_q8_0(const uint8_t *src, ptrdiff_t n_blocks, float *out)
{
    for (; n_blocks > 0; n_blocks--, src += 34, out += 32) {
        const float d = half(src);
        for (int j = 0; j < 32; j++) out[j] = (float)(int8_t)src[2 + j] * d;
    }
}
