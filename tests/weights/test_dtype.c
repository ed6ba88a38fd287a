/* test_dtype.c: element types against values computed by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "resjac/weights/dtype.h"

static void table_has_the_format_s_sizes(void **x)
{
    static const struct {
        rj_dtype type;
        const char *name;
        int block, bytes;
    } known[] = {{RJ_DTYPE_F32, "F32", 1, 4},       {RJ_DTYPE_F16, "F16", 1, 2},
                 {RJ_DTYPE_BF16, "BF16", 1, 2},     {RJ_DTYPE_Q4_0, "Q4_0", 32, 18},
                 {RJ_DTYPE_Q4_1, "Q4_1", 32, 20},   {RJ_DTYPE_Q5_0, "Q5_0", 32, 22},
                 {RJ_DTYPE_Q5_1, "Q5_1", 32, 24},   {RJ_DTYPE_Q8_0, "Q8_0", 32, 34},
                 {RJ_DTYPE_Q2_K, "Q2_K", 256, 84},  {RJ_DTYPE_Q3_K, "Q3_K", 256, 110},
                 {RJ_DTYPE_Q4_K, "Q4_K", 256, 144}, {RJ_DTYPE_Q5_K, "Q5_K", 256, 176},
                 {RJ_DTYPE_Q6_K, "Q6_K", 256, 210}};
    (void)x;
    assert_int_equal(sizeof known / sizeof *known, RJ_N_DTYPES);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        assert_string_equal(rj_dtype_name(known[i].type), known[i].name);
        assert_int_equal(rj_dtype_block(known[i].type), known[i].block);
        assert_int_equal(rj_dtype_block_bytes(known[i].type), known[i].bytes);
    }
}

static void floats_are_copied_unaligned(void **x)
{
    const float value[2] = {1.5f, -0.0f};
    uint8_t src[9];
    float out[2];
    (void)x;
    memcpy(src + 1, value, sizeof value);
    rj_dtype_to_float(RJ_DTYPE_F32, src + 1, 2, out);
    assert_memory_equal(out, value, sizeof value);
}

/* All 65536: sign, (1 + m/1024) 2^(e-15), m 2^-24 where e = 0, infinity where e = 31. */
static void every_half_is_exact(void **x)
{
    static uint16_t src[65536];
    static float out[65536];
    (void)x;
    for (int i = 0; i < 65536; i++) src[i] = (uint16_t)i;
    rj_dtype_to_float(RJ_DTYPE_F16, src, 65536, out);
    for (int i = 0; i < 65536; i++) {
        const int e = i >> 10 & 31, m = i & 1023;
        const float size = e == 0 ? ldexpf((float)m, -24) : ldexpf((float)(1024 + m), e - 25);
        assert_int_equal(signbit(out[i]) != 0, i >> 15);
        if (e == 31 && m != 0)
            assert_true(isnan(out[i]));
        else
            assert_true(fabsf(out[i]) == (e == 31 ? INFINITY : size));
    }
}

static void bfloat16_is_the_upper_half_of_a_float(void **x)
{
    const uint16_t src[4] = {0x3f80, 0xc049, 0x0001, 0x7f80};
    const uint32_t expected[4] = {0x3f800000, 0xc0490000, 0x00010000, 0x7f800000};
    float out[4];
    (void)x;
    rj_dtype_to_float(RJ_DTYPE_BF16, src, 4, out);
    assert_memory_equal(out, expected, sizeof out);
}

/* Two blocks, d = 0.5 and -2, m = 3 and 0.25: byte j holds the nibbles j mod 16 (element j), 15 - j (element j + 16). */
static void quantised_blocks_follow_their_formulas(void **x)
{
    static const uint8_t d[2][2] = {{0x00, 0x38}, {0x00, 0xc0}}, m[2][2] = {{0x00, 0x42}, {0x00, 0x34}};
    static const float d_value[2] = {0.5f, -2.0f}, m_value[2] = {3.0f, 0.25f};
    uint8_t q4_0[2][18], q4_1[2][20], q8_0[2][34];
    float out[64];
    (void)x;
    for (int b = 0; b < 2; b++) {
        memcpy(q4_0[b], d[b], 2);
        memcpy(q4_1[b], d[b], 2);
        memcpy(q4_1[b] + 2, m[b], 2);
        memcpy(q8_0[b], d[b], 2);
        for (int j = 0; j < 16; j++) q4_0[b][2 + j] = q4_1[b][4 + j] = (uint8_t)(j | (15 - j) << 4);
        for (int j = 0; j < 32; j++) q8_0[b][2 + j] = (uint8_t)(j * 8 - 128);
    }
    rj_dtype_to_float(RJ_DTYPE_Q4_0, q4_0, 64, out);
    for (int i = 0; i < 64; i++) {
        const int q = i % 32 < 16 ? i % 16 : 15 - i % 16;
        assert_true(out[i] == (float)(q - 8) * d_value[i / 32]);
    }
    rj_dtype_to_float(RJ_DTYPE_Q4_1, q4_1, 64, out);
    for (int i = 0; i < 64; i++) {
        const int q = i % 32 < 16 ? i % 16 : 15 - i % 16;
        assert_true(out[i] == (float)q * d_value[i / 32] + m_value[i / 32]);
    }
    rj_dtype_to_float(RJ_DTYPE_Q8_0, q8_0, 64, out);
    for (int i = 0; i < 64; i++) assert_true(out[i] == (float)(i % 32 * 8 - 128) * d_value[i / 32]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_has_the_format_s_sizes),
        cmocka_unit_test(floats_are_copied_unaligned),
        cmocka_unit_test(every_half_is_exact),
        cmocka_unit_test(bfloat16_is_the_upper_half_of_a_float),
        cmocka_unit_test(quantised_blocks_follow_their_formulas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
