/* dtype.h: element types of checkpoint tensors. */
#ifndef RESJAC_WEIGHTS_DTYPE_H
#define RESJAC_WEIGHTS_DTYPE_H

#include <stddef.h>

#include "resjac/base/status.h"

typedef enum {
    RJ_DTYPE_F32 = 0,
    RJ_DTYPE_F16,
    RJ_DTYPE_BF16,
    RJ_DTYPE_Q4_0,
    RJ_DTYPE_Q4_1,
    RJ_DTYPE_Q5_0,
    RJ_DTYPE_Q5_1,
    RJ_DTYPE_Q8_0,
    RJ_DTYPE_Q2_K,
    RJ_DTYPE_Q3_K,
    RJ_DTYPE_Q4_K,
    RJ_DTYPE_Q5_K,
    RJ_DTYPE_Q6_K,
    RJ_N_DTYPES, /* the types above can be read */
    RJ_DTYPE_UNSUPPORTED = RJ_N_DTYPES
} rj_dtype;

/* Of a type below RJ_N_DTYPES. */
const char *rj_dtype_name(rj_dtype t); /* "F32", "Q4_0", .. */
int rj_dtype_block(rj_dtype t);        /* elements of one block: 1, 32 or 256 */
int rj_dtype_block_bytes(rj_dtype t);  /* bytes of one block */

/* out[i] = element i of the n elements (whole blocks) at src, in float exactly as the format defines them
 * (no contraction into fused multiply-adds). src needs no alignment. Thread-safe.
 *   src [in] n / block * block_bytes bytes, little-endian   n [in] a multiple of the block   out [out] [n] */
void rj_dtype_to_float(rj_dtype t, const void *src, ptrdiff_t n, float *out);
#endif
