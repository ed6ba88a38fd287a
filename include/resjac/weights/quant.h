/* quant.h: GGUF's quantised blocks as floats (ggml-quants.c, dequantize_row_*), for the table in dtype.c. Each is
 * out[i] = element i of n_blocks whole blocks at src, unaligned, in single precision in the order that ggml computes. */
#ifndef RESJAC_WEIGHTS_QUANT_H
#define RESJAC_WEIGHTS_QUANT_H

#include <stddef.h>
#include <stdint.h>

void rj_dequantise_q4_0(const uint8_t *src, ptrdiff_t n_blocks, float *out);
void rj_dequantise_q4_1(const uint8_t *src, ptrdiff_t n_blocks, float *out);
void rj_dequantise_q5_0(const uint8_t *src, ptrdiff_t n_blocks, float *out);
void rj_dequantise_q5_1(const uint8_t *src, ptrdiff_t n_blocks, float *out);
void rj_dequantise_q8_0(const uint8_t *src, ptrdiff_t n_blocks, float *out);

/* Blocks of 256 elements in sub-blocks of 16 or 32, each with a scale of its own. */
void rj_dequantise_q2_k(const uint8_t *src, ptrdiff_t n_blocks, float *out);
void rj_dequantise_q3_k(const uint8_t *src, ptrdiff_t n_blocks, float *out);
void rj_dequantise_q4_k(const uint8_t *src, ptrdiff_t n_blocks, float *out);
void rj_dequantise_q5_k(const uint8_t *src, ptrdiff_t n_blocks, float *out);
void rj_dequantise_q6_k(const uint8_t *src, ptrdiff_t n_blocks, float *out);

/* n IEEE halves, little-endian. Subnormals, infinities and NaN stay what they are. */
void rj_half_to_float(const uint8_t *src, ptrdiff_t n, float *out);
#endif
