/* dtype.c: one row of data an element type. */
#include "resjac/weights/dtype.h"

#include <stdint.h>
#include <string.h>

#include "resjac/base/clones.h"
#include "resjac/weights/quant.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "checkpoints are little-endian and are read as they are");

static void copy_f32(const uint8_t *src, ptrdiff_t n, float *out)
{
    memcpy(out, src, (size_t)n * sizeof *out);
}

/* A bfloat16 is the upper half of a float. */
RJ_CLONES static void widen_bf16(const uint8_t *src, ptrdiff_t n, float *out)
{
    for (ptrdiff_t i = 0; i < n; i++) {
        const uint32_t bits = (uint32_t)src[2 * i] << 16 | (uint32_t)src[2 * i + 1] << 24;
        memcpy(&out[i], &bits, sizeof bits);
    }
}

static const struct {
    const char *name;
    int block, bytes; /* elements and bytes of one block */
    void (*to_float)(const uint8_t *src, ptrdiff_t n_blocks, float *out);
} type[RJ_N_DTYPES] = {
    [RJ_DTYPE_F32] = {"F32", 1, 4, copy_f32},
    [RJ_DTYPE_F16] = {"F16", 1, 2, rj_half_to_float},
    [RJ_DTYPE_BF16] = {"BF16", 1, 2, widen_bf16},
    [RJ_DTYPE_Q4_0] = {"Q4_0", 32, 18, rj_dequantise_q4_0},
    [RJ_DTYPE_Q4_1] = {"Q4_1", 32, 20, rj_dequantise_q4_1},
    [RJ_DTYPE_Q5_0] = {"Q5_0", 32, 22, rj_dequantise_q5_0},
    [RJ_DTYPE_Q5_1] = {"Q5_1", 32, 24, rj_dequantise_q5_1},
    [RJ_DTYPE_Q8_0] = {"Q8_0", 32, 34, rj_dequantise_q8_0},
    [RJ_DTYPE_Q2_K] = {"Q2_K", 256, 84, rj_dequantise_q2_k},
    [RJ_DTYPE_Q3_K] = {"Q3_K", 256, 110, rj_dequantise_q3_k},
    [RJ_DTYPE_Q4_K] = {"Q4_K", 256, 144, rj_dequantise_q4_k},
    [RJ_DTYPE_Q5_K] = {"Q5_K", 256, 176, rj_dequantise_q5_k},
    [RJ_DTYPE_Q6_K] = {"Q6_K", 256, 210, rj_dequantise_q6_k},
};

const char *rj_dtype_name(rj_dtype t)
{
    return type[t].name;
}

int rj_dtype_block(rj_dtype t)
{
    return type[t].block;
}

int rj_dtype_block_bytes(rj_dtype t)
{
    return type[t].bytes;
}

void rj_dtype_to_float(rj_dtype t, const void *src, ptrdiff_t n, float *out)
{
    type[t].to_float(src, n / type[t].block, out);
}
