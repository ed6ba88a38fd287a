/* golden_dequantise.c: random blocks of each type against the values of the gguf package, bit for bit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "resjac/base/memory.h"
#include "resjac/weights/weights.h"

static void read_all(const rj_weights *w, const rj_tensor *t, float **out)
{
    const ptrdiff_t rows = rj_tensor_rows(t), columns = rj_tensor_columns(t);
    *out = calloc((size_t)(rows * columns), sizeof **out);
    assert_non_null(*out);
    assert_int_equal(rj_weights_read(w, t, 0, rows, *out, columns), RJ_OK);
}

/* Tensor "x" in its type, "x.f32" its values. */
static void every_type_is_met_bit_for_bit(void **x)
{
    const char *golden = getenv("RESJAC_GOLDEN");
    char path[1024], name[128];
    rj_weights *w = NULL;
    bool met[RJ_N_DTYPES] = {false};
    (void)x;
    assert_non_null(golden);
    snprintf(path, sizeof path, "%s/quant_blocks/blocks.gguf", golden);
    assert_int_equal(rj_weights_open(path, &w), RJ_OK);
    for (ptrdiff_t i = 0; i < rj_weights_count(w); i++) {
        const rj_tensor *t = rj_weights_at(w, i);
        snprintf(name, sizeof name, "%s.f32", t->name);
        const rj_tensor *expected = rj_weights_find(w, name);
        if (expected == NULL || t->dtype == RJ_DTYPE_UNSUPPORTED) continue;
        float *out = NULL, *value = NULL;
        read_all(w, t, &out);
        read_all(w, expected, &value);
        assert_int_equal(rj_tensor_columns(t), rj_tensor_columns(expected));
        assert_memory_equal(out, value, expected->n_bytes);
        met[t->dtype] = true;
        free(out);
        free(value);
    }
    for (int d = 0; d < RJ_N_DTYPES; d++)
        if (!met[d] && d != RJ_DTYPE_F32)
            fail_msg("no tensor of type %s in %s", rj_dtype_name((rj_dtype)d), path);
    rj_weights_close(&w);
    assert_int_equal(rj_memory_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_type_is_met_bit_for_bit)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
