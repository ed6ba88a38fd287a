/* fuzz.h: what the fuzz targets share. A target takes any bytes as a file of its format, opens it and uses what it got;
 * beyond crashes it stops at a leaked block, a status that bad input must never have, and an error without a message. */
#ifndef RESJAC_TESTS_FUZZ_H
#define RESJAC_TESTS_FUZZ_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "resjac/base/memory.h"
#include "resjac/base/status.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n); /* of libFuzzer, and called by replay.c */

/* What opening the latest input gave; for replay.c. */
extern rj_status fuzz_outcome;

/* A folder of this process, removed at its end; and the path of a file of n bytes in it, which the readers get from memory. The
 * latest bytes of a name count. */
const char *fuzz_folder(void);
const char *fuzz_file(const char *name, const void *data, size_t n);

/* At the end of each input, all closed. */
static inline int fuzz_end(rj_status st)
{
    fuzz_outcome = st;
    if (st != RJ_OK && st != RJ_ERR_USAGE && st != RJ_ERR_FORMAT && st != RJ_ERR_NUMERIC &&
        st != RJ_ERR_MISSING) {
        fprintf(stderr, "status %d: %s\n", (int)st, rj_status_message());
        abort();
    }
    if (st != RJ_OK && rj_status_message()[0] == '\0') abort();
    if (rj_memory_live() != 0) {
        fprintf(stderr, "%td blocks leaked after: %s\n", rj_memory_live(), rj_status_message());
        abort();
    }
    return 0;
}
#endif
