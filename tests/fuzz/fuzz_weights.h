/* fuzz_weights.h: use of whatever rj_weights_open accepted. */
#ifndef RESJAC_TESTS_FUZZ_WEIGHTS_H
#define RESJAC_TESTS_FUZZ_WEIGHTS_H

#include "fuzz.h"
#include "resjac/weights/weights.h"

enum { FUZZ_FLOATS = 1 << 14 };

/* What the header promised must be there: each tensor is found, and its first rows and its digest are read. */
static inline void fuzz_read_all(const rj_weights *w)
{
    static float out[FUZZ_FLOATS];
    uint8_t digest[RJ_DIGEST_SIZE];

    for (ptrdiff_t i = 0; i < rj_weights_count(w); i++) {
        const rj_tensor *t = rj_weights_at(w, i);
        const ptrdiff_t columns = rj_tensor_columns(t), rows = rj_tensor_rows(t);
        if (rj_weights_find(w, t->name) != t) abort();
        if (rj_weights_digest(w, t, digest) != RJ_OK) abort();
        if (t->dtype == RJ_DTYPE_UNSUPPORTED || columns > FUZZ_FLOATS) continue;
        const ptrdiff_t fit = columns > 0 ? FUZZ_FLOATS / columns : rows, n = rows < fit ? rows : fit;
        if (rj_weights_read(w, t, 0, n, out, columns) != RJ_OK) abort();
        if (rj_weights_read(w, t, rows - n, n, out, columns) != RJ_OK) abort();
    }
}
#endif
