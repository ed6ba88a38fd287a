/* test_rope.c: rotary frequencies of each kind by hand, and the rotation. Against transformers: golden_rope.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <math.h>

#include <cmocka.h>

#include "resjac/base/memory.h"
#include "resjac/model/rope.h"

/* r = 4, theta = 100: frequencies 1 and 0.1. */
static const rj_rope plain = {.n_rotary = 4, .theta = 100.0};

static void expect(const rj_rope *r, int T, double f0, double f1, double attention_factor)
{
    double f[2] = {0}, factor = 0.0;
    rj_rope_frequencies(r, T, f, &factor);
    if (fabs(f[0] - f0) > 1e-15 || fabs(f[1] - f1) > 1e-15 || fabs(factor - attention_factor) > 1e-15)
        fail_msg("%.17g %.17g %.17g, not %.17g %.17g %.17g", f[0], f[1], factor, f0, f1, attention_factor);
}

static void frequencies_by_hand(void **state)
{
    double divisor[] = {2.0, 8.0}, one[] = {1.0, 2.0}, two[] = {4.0, 5.0};
    rj_rope r = plain;

    (void)state;
    expect(&r, 10, 1.0, 0.1, 1.0);
    r.divisor = divisor;
    expect(&r, 10, 0.5, 0.0125, 1.0);
    r = plain, r.kind = RJ_ROPE_LINEAR, r.factor = 4.0;
    expect(&r, 10, 0.25, 0.025, 1.0);
    /* beyond 8 tokens, at 12: base 100 (2 * 12/8 - 1)^(4/2) = 400 */
    r = plain, r.kind = RJ_ROPE_DYNAMIC, r.factor = 2.0, r.original_context = 8.0;
    expect(&r, 8, 1.0, 0.1, 1.0);
    expect(&r, 12, 1.0, 0.05, 1.0);
    /* attention factor sqrt(1 + ln 8 / ln 64) = sqrt(3/2) */
    r = plain, r.kind = RJ_ROPE_LONGROPE, r.factor = 8.0, r.original_context = 64.0, r.short_factor = one,
    r.long_factor = two;
    expect(&r, 64, 1.0, 0.05, sqrt(1.5));
    expect(&r, 65, 0.25, 0.02, sqrt(1.5));
    r.attention_factor = 0.75;
    expect(&r, 65, 0.25, 0.02, 0.75);
    r.attention_factor = 0.0, r.factor = 1.0;
    expect(&r, 65, 0.25, 0.02, 1.0);
}

/* Turns over a context of 20 pi: 10 and 1. Above high: kept; below low: divided; between: a ramp. */
static void llama3_by_hand(void **state)
{
    rj_rope r = plain;

    (void)state;
    r.kind = RJ_ROPE_LLAMA3, r.factor = 8.0, r.original_context = 20.0 * acos(-1.0);
    r.low_freq_factor = 2.0, r.high_freq_factor = 4.0;
    expect(&r, 10, 1.0, 0.0125, 1.0);
    r.low_freq_factor = 0.5, r.high_freq_factor = 2.5; /* s = (1 - 0.5)/2 = 1/4: 0.75/8 + 0.25 = 0.34375 */
    expect(&r, 10, 1.0, 0.034375, 1.0);
    r.low_freq_factor = 11.0, r.high_freq_factor = 12.0;
    expect(&r, 10, 0.125, 0.0125, 1.0);
}

/* Pair of n turns: 4 ln(context/(2 pi n))/(2 ln 100) = 2 log100(20 pi/(2 pi n)) = log10(10/n). */
static void yarn_by_hand(void **state)
{
    rj_rope r = plain;

    (void)state;
    r.kind = RJ_ROPE_YARN, r.factor = exp(1.0), r.original_context = 20.0 * acos(-1.0);
    r.beta_fast = 10.0, r.beta_slow = 0.1; /* ramp from 0 to 2, so 1/2 at pair 1 */
    expect(&r, 10, 1.0, 0.05 * (1.0 + exp(-1.0)), 1.1);
    r.mscale = 2.0, r.mscale_all_dim = 1.0;
    expect(&r, 10, 1.0, 0.05 * (1.0 + exp(-1.0)), 1.2 / 1.1);
    r.mscale_all_dim = 0.0, r.attention_factor = 0.5;
    expect(&r, 10, 1.0, 0.05 * (1.0 + exp(-1.0)), 0.5);
    r.beta_fast = pow(10.0, 0.5),
    r.beta_slow = pow(10.0, -0.5); /* 0.5 to 1.5: floor and ceil make it 0 to 2 */
    r.truncate = true;
    expect(&r, 10, 1.0, 0.05 * (1.0 + exp(-1.0)), 0.5);
    r.beta_fast = pow(10.0, 0.75); /* 0.25 to 1.5 untouched: 0.6 at pair 1 */
    r.truncate = false;
    double f[2], factor;
    rj_rope_frequencies(&r, 10, f, &factor);
    assert_true(fabs(f[1] - (0.06 * exp(-1.0) + 0.04)) < 1e-15);
    r.beta_fast = r.beta_slow = 10.0; /* a ramp of no length, at pair 0 */
    expect(&r, 10, 1.0, 0.1 * exp(-1.0), 0.5);
}

/* Pairs (0,2), (1,3) turn by j and j/10; the fifth entry passes. The transpose undoes a rotation. */
static void rotation_by_hand(void **state)
{
    rj_rope_table table = {0};
    double x[] = {1, 0, 0, 1, 7};

    (void)state;
    assert_int_equal(rj_rope_table_new(&plain, 4, &table), RJ_OK);
    rj_rope_rotate(&table, 3, x);
    const double expected[] = {cos(3.0), -sin(0.3), sin(3.0), cos(0.3), 7};
    for (int i = 0; i < 5; i++) assert_true(fabs(x[i] - expected[i]) < 1e-15);
    rj_rope_rotate_transpose(&table, 3, x);
    const double before[] = {1, 0, 0, 1, 7};
    for (int i = 0; i < 5; i++) assert_true(fabs(x[i] - before[i]) < 1e-15);
    rj_rope_table_free(&table);
}

/* <g, R x> = <R' g, x>, with an attention factor, so R is no isometry */
static void transpose_is_adjoint(void **state)
{
    double list[] = {1.5, 1.5};
    const rj_rope r = {.kind = RJ_ROPE_LONGROPE,
                       .n_rotary = 4,
                       .theta = 100.0,
                       .factor = 2.0,
                       .original_context = 8.0,
                       .attention_factor = 3.0,
                       .short_factor = list,
                       .long_factor = list};
    rj_rope_table table = {0};
    double x[] = {1, -2, 3, 4}, g[] = {0.5, 6, -1, 2}, rx[4], rg[4], left = 0.0, right = 0.0;

    (void)state;
    assert_int_equal(rj_rope_table_new(&r, 3, &table), RJ_OK);
    for (int i = 0; i < 4; i++) rx[i] = x[i], rg[i] = g[i];
    rj_rope_rotate(&table, 2, rx);
    rj_rope_rotate_transpose(&table, 2, rg);
    for (int i = 0; i < 4; i++) left += g[i] * rx[i], right += rg[i] * x[i];
    assert_true(fabs(left - right) < 1e-13 && fabs(left) > 1.0);
    rj_rope_table_free(&table);
}

static void every_allocation_may_fail(void **state)
{
    rj_rope_table table = {0};

    (void)state;
    for (int n = 0; n < 3; n++) {
        rj_memory_fail_after(n);
        assert_int_equal(rj_rope_table_new(&plain, 4, &table), RJ_ERR_NOMEM);
        rj_memory_fail_after(-1);
        assert_true(rj_memory_live() == 0 && table.cosine == NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frequencies_by_hand),  cmocka_unit_test(llama3_by_hand),
        cmocka_unit_test(yarn_by_hand),         cmocka_unit_test(rotation_by_hand),
        cmocka_unit_test(transpose_is_adjoint), cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
