/* bench_dequantise.c: speed of each element type, in GB of floats a second; no test. Usage: bench_dequantise [SECONDS]
 * For SECONDS (0.2) a type, a panel as long as rj_weights_read's is turned into floats again and again. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "resjac/base/clock.h"
#include "resjac/weights/dtype.h"

enum {
    PANEL_BYTES = 256 << 10,
    MOST_FLOATS = PANEL_BYTES / 84 * 256
}; /* Q2_K grows most: 84 bytes, 256 floats */

static uint8_t panel[PANEL_BYTES];
static float out[MOST_FLOATS];

int main(int argc, char **argv)
{
    const double seconds = argc > 1 ? strtod(argv[1], NULL) : 0.2;

    for (size_t i = 0; i < sizeof panel; i++) panel[i] = (uint8_t)((uint32_t)i * 2654435761u >> 13);
    printf("%-6s %12s %12s\n", "type", "GB/s floats", "GB/s file");
    for (int k = 0; k < RJ_N_DTYPES; k++) {
        const rj_dtype t = (rj_dtype)k;
        const ptrdiff_t blocks = PANEL_BYTES / rj_dtype_block_bytes(t), n = blocks * rj_dtype_block(t);
        const double start = rj_clock_now();
        double passes = 0, spent = 0;
        while (spent < seconds) {
            for (int i = 0; i < 16; i++) rj_dtype_to_float(t, panel, n, out);
            passes += 16;
            spent = rj_clock_now() - start;
        }
        const double rate = passes * 1e-9 / spent;
        printf("%-6s %12.2f %12.2f\n", rj_dtype_name(t), rate * (double)n * sizeof *out,
               rate * (double)blocks * rj_dtype_block_bytes(t));
    }
    return 0;
}
