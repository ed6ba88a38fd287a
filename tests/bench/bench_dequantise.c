/* bench_dequantise.c: speed of each element type in GB of floats a second; no test. Usage: bench_dequantise [SECONDS]
 * A panel as large as rj_weights_read's is turned again and again for SECONDS (0.2) a type. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "resjac/base/clock.h"
#include "resjac/weights/dtype.h"

enum { PANEL_BYTES = 256 << 10 };

static uint8_t panel[PANEL_BYTES];
static float out[PANEL_BYTES / 18 * 32 + 32 * 256]; /* Q4_0 and Q2_K grow most: 32 floats of 18 bytes, 256 of 84 */

int main(int argc, char **argv)
{
    const double seconds = argc > 1 ? strtod(argv[1], NULL) : 0.2;

    for (size_t i = 0; i < sizeof panel; i++) panel[i] = (uint8_t)(i * 2654435761u >> 13);
    for (int k = 0; k < RJ_N_DTYPES; k++) {
        const rj_dtype t = (rj_dtype)k;
        (void)t;
    }
    return 0;
}
