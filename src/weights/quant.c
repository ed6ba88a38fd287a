/* quant.c: block formulas. In blocks of 32 the elements j and j + 16 share a byte, not 2j and 2j + 1; in blocks of 256
 * the elements l, l + 32, .. do, and inner loops run over the 16 or 32 elements of one scale, so that they vectorise. */
#include "resjac/weights/quant.h"

#include <string.h>

#include "resjac/base/clones.h"

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
    uint16_t h;

    memcpy(&h, p, sizeof h);
    const uint32_t magnitude = h & 0x7fffu, small = magnitude < 0x400 ? 0xffffffffu : 0;
    const uint32_t normal = bits_of(float_of((magnitude << 13) + (0xe0u << 23)) * 0x1p-112f);
    const uint32_t subnormal = bits_of(float_of(magnitude | 126u << 23) - 0.5f);
    return float_of((small & subnormal) | (~small & normal) | (uint32_t)(h & 0x8000) << 16);
}

RJ_CLONES void rj_half_to_float(const uint8_t *restrict src, ptrdiff_t n, float *restrict out)
{
    for (ptrdiff_t i = 0; i < n; i++) out[i] = half(src + 2 * i);
}

/* Sixteen elements at once: vectors by name, because the compiler finds none in these loops that is wider than its baseline. */
typedef uint8_t bytes __attribute__((vector_size(16), aligned(1)));
typedef int32_t whole __attribute__((vector_size(64)));
typedef float floats __attribute__((vector_size(64), aligned(sizeof(float))));

#define WIDEN(q) __builtin_convertvector(__builtin_convertvector(q, whole), floats)

/* d, nibbles[16]: (q - 8) d */
RJ_CLONES void rj_dequantise_q4_0(const uint8_t *restrict src, ptrdiff_t n_blocks, float *restrict out)
{
    for (; n_blocks > 0; n_blocks--, src += 18, out += 32) {
        const float d = half(src);
        const bytes q = *(const bytes *)(src + 2);
        *(floats *)out = (WIDEN(q & 15) - 8.0f) * d;
        *(floats *)(out + 16) = (WIDEN(q >> 4) - 8.0f) * d;
    }
}

/* d, m, nibbles[16]: q d + m */
RJ_CLONES void rj_dequantise_q4_1(const uint8_t *restrict src, ptrdiff_t n_blocks, float *restrict out)
{
    for (; n_blocks > 0; n_blocks--, src += 20, out += 32) {
        const float d = half(src), m = half(src + 2);
        const bytes q = *(const bytes *)(src + 4);
        *(floats *)out = WIDEN(q & 15) * d + m;
        *(floats *)(out + 16) = WIDEN(q >> 4) * d + m;
    }
}

/* Bit j of a word as a table, because SSE2 has no shift by lane. */
static const uint32_t bit[16] = {0x1,   0x2,   0x4,   0x8,   0x10,   0x20,   0x40,   0x80,
                                 0x100, 0x200, 0x400, 0x800, 0x1000, 0x2000, 0x4000, 0x8000};

static inline uint32_t word(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* d, fifth bits u32, nibbles[16]: (q - 16) d */
RJ_CLONES void rj_dequantise_q5_0(const uint8_t *restrict src, ptrdiff_t n_blocks, float *restrict out)
{
    for (; n_blocks > 0; n_blocks--, src += 22, out += 32) {
        const float d = half(src);
        const uint32_t high = word(src + 2);
        for (int j = 0; j < 16; j++) {
            out[j] = (float)((src[6 + j] & 15) - ((high & bit[j]) != 0 ? 0 : 16)) * d;
            out[j + 16] = (float)((src[6 + j] >> 4) - ((high >> 16 & bit[j]) != 0 ? 0 : 16)) * d;
        }
    }
}

/* d, m, fifth bits u32, nibbles[16]: q d + m */
RJ_CLONES void rj_dequantise_q5_1(const uint8_t *restrict src, ptrdiff_t n_blocks, float *restrict out)
{
    for (; n_blocks > 0; n_blocks--, src += 24, out += 32) {
        const float d = half(src), m = half(src + 2);
        const uint32_t high = word(src + 4);
        for (int j = 0; j < 16; j++) {
            out[j] = (float)((src[8 + j] & 15) + ((high & bit[j]) != 0 ? 16 : 0)) * d + m;
            out[j + 16] = (float)((src[8 + j] >> 4) + ((high >> 16 & bit[j]) != 0 ? 16 : 0)) * d + m;
        }
    }
}

/* d, int8 q[32]: q d */
RJ_CLONES void rj_dequantise_q8_0(const uint8_t *restrict src, ptrdiff_t n_blocks, float *restrict out)
{
    for (; n_blocks > 0; n_blocks--, src += 34, out += 32) {
        const float d = half(src);
        for (int j = 0; j < 32; j++) out[j] = (float)(int8_t)src[2 + j] * d;
    }
}

/* Scale and minimum nibbles[16], q 2 bits[64], d, dmin: (d s) q - dmin m, a scale for 16 elements. */
RJ_CLONES void rj_dequantise_q2_k(const uint8_t *restrict src, ptrdiff_t n_blocks, float *restrict out)
{
    float scale[4], min[4];

    for (; n_blocks > 0; n_blocks--, src += 84, out += 256) {
        const float d = half(src + 80), dmin = half(src + 82);
        for (int i = 0; i < 4; i++) { /* 16 bytes of q: those of scales first, first + 2, .. first + 6 */
            const int first = (i & 2) * 4 + (i & 1);
            const uint8_t *q = src + 16 + 16 * i;
            float *to = out + 16 * first;
            for (int k = 0; k < 4; k++) {
                scale[k] = d * (float)(src[first + 2 * k] & 15);
                min[k] = dmin * (float)(src[first + 2 * k] >> 4);
            }
            for (int l = 0; l < 16; l++) {
                to[l] = scale[0] * (float)(q[l] & 3) - min[0];
                to[l + 32] = scale[1] * (float)(q[l] >> 2 & 3) - min[1];
                to[l + 64] = scale[2] * (float)(q[l] >> 4 & 3) - min[2];
                to[l + 96] = scale[3] * (float)(q[l] >> 6) - min[3];
            }
        }
    }
}

/* Third bits[32], q 2 bits[64], scales 6 bits[12], d: (d (s - 32)) (q - 4). The third bit of sub-block i is bit i / 2 of
 * its byte. Scales: low nibbles of 0..7 and 8..15 in bytes 0..7, upper bits of i, i + 4, .. in byte 8 + i. */
RJ_CLONES void rj_dequantise_q3_k(const uint8_t *restrict src, ptrdiff_t n_blocks, float *restrict out)
{
    for (; n_blocks > 0; n_blocks--, src += 110, out += 256) {
        const uint8_t *s = src + 96;
        const float d = half(src + 108);
        for (int i = 0; i < 16; i++) {
            const uint8_t *high = src + 16 * (i & 1), *q = src + 32 + 32 * (i >> 3) + 16 * (i & 1);
            const int upper = s[8 + (i & 3)] >> (i >> 2) * 2 & 3;
            const int lower = s[i & 7] >> (i >> 3) * 4 & 15;
            const float scale = d * (float)((lower | upper << 4) - 32);
            const int shift = i & 6, third = i >> 1;
            for (int l = 0; l < 16; l++)
                out[16 * i + l] = scale * (float)((q[l] >> shift & 3) + (high[l] >> third & 1) * 4 - 4);
        }
    }
}

/* Scale and minimum of sub-block j of 8, 6 bits each in 12 bytes. */
static inline void scale_and_min(const uint8_t *p, int j, int *s, int *m)
{
    if (j < 4) {
        *s = p[j] & 63;
        *m = p[j + 4] & 63;
    } else {
        *s = (p[j + 4] & 15) | (p[j - 4] >> 6) << 4;
        *m = p[j + 4] >> 4 | (p[j] >> 6) << 4;
    }
}

/* d, dmin, scales and minima[12], nibbles[128]: (d s) q - dmin m. Sub-blocks 2k and 2k + 1 share 32 bytes. */
RJ_CLONES void rj_dequantise_q4_k(const uint8_t *restrict src, ptrdiff_t n_blocks, float *restrict out)
{
    for (; n_blocks > 0; n_blocks--, src += 144, out += 256) {
        const float d = half(src), dmin = half(src + 2);
        for (int j = 0; j < 8; j++) {
            const uint8_t *q = src + 16 + 32 * (j >> 1);
            const int shift = 4 * (j & 1);
            int s, m;
            scale_and_min(src + 4, j, &s, &m);
            const float scale = d * (float)s, min = dmin * (float)m;
            for (int l = 0; l < 32; l++) out[32 * j + l] = scale * (float)(q[l] >> shift & 15) - min;
        }
    }
}

/* d, dmin, scales and minima[12], fifth bits[32], nibbles[128]: as Q4_K; the fifth bit of sub-block j is bit j. */
RJ_CLONES void rj_dequantise_q5_k(const uint8_t *restrict src, ptrdiff_t n_blocks, float *restrict out)
{
    for (; n_blocks > 0; n_blocks--, src += 176, out += 256) {
        const float d = half(src), dmin = half(src + 2);
        const uint8_t *high = src + 16;
        for (int j = 0; j < 8; j++) {
            const uint8_t *q = src + 48 + 32 * (j >> 1);
            const int shift = 4 * (j & 1);
            int s, m;
            scale_and_min(src + 4, j, &s, &m);
            const float scale = d * (float)s, min = dmin * (float)m;
            for (int l = 0; l < 32; l++)
                out[32 * j + l] = scale * (float)((q[l] >> shift & 15) + (high[l] >> j & 1) * 16) - min;
        }
    }
}

/* Lower nibbles[128], upper 2 bits[64], int8 scales[16], d: (d s) (q - 32). Each half of the block has four groups of 32
 * elements, a group two scales. */
RJ_CLONES void rj_dequantise_q6_k(const uint8_t *restrict src, ptrdiff_t n_blocks, float *restrict out)
{
    for (; n_blocks > 0; n_blocks--, src += 210, out += 256) {
        const float d = half(src + 208);
        for (int i = 0; i < 4;
             i++) { /* 16 bytes of upper bits: those of scales first, first + 2, .. first + 6 */
            const int half_block = i >> 1, side = i & 1, first = 8 * half_block + side;
            const uint8_t *low = src + 64 * half_block + 16 * side, *high = src + 128 + 16 * i;
            float *to = out + 16 * first, scale[4];
            for (int k = 0; k < 4; k++) scale[k] = d * (float)(int8_t)src[192 + first + 2 * k];
            for (int l = 0; l < 16; l++) {
                to[l] = scale[0] * (float)((low[l] & 15) + (high[l] & 3) * 16 - 32);
                to[l + 32] = scale[1] * (float)((low[l + 32] & 15) + (high[l] >> 2 & 3) * 16 - 32);
                to[l + 64] = scale[2] * (float)((low[l] >> 4) + (high[l] >> 4 & 3) * 16 - 32);
                to[l + 96] = scale[3] * (float)((low[l + 32] >> 4) + (high[l] >> 6) * 16 - 32);
            }
        }
    }
}
