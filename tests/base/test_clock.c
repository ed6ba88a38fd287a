/* test_clock.c: costs go to the stage that is running. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "resjac/base/clock.h"

static void wait_for(double seconds)
{
    const double begin = rj_clock_now();
    while (rj_clock_now() < begin + seconds) continue;
}

static void costs_go_to_the_running_stage(void **x)
{
    rj_stage_cost before[RJ_N_STAGES], after[RJ_N_STAGES];
    (void)x;
    const rj_stage outer = rj_clock_enter(RJ_STAGE_READ);
    rj_clock_costs(before);
    wait_for(0.02);
    assert_int_equal(rj_clock_enter(RJ_STAGE_SVD), RJ_STAGE_READ);
    rj_clock_flops(5);
    rj_clock_flops(2);
    wait_for(0.01);
    assert_int_equal(rj_clock_enter(RJ_STAGE_READ), RJ_STAGE_SVD);
    rj_clock_bytes(9);
    rj_clock_costs(after);
    assert_int_equal(rj_clock_enter(outer), RJ_STAGE_READ);
    const double total = rj_clock_now();
    assert_true(after[RJ_STAGE_READ].seconds - before[RJ_STAGE_READ].seconds >= 0.02);
    assert_true(after[RJ_STAGE_SVD].seconds - before[RJ_STAGE_SVD].seconds >= 0.01);
    assert_true(after[RJ_STAGE_FORWARD].seconds == 0);
    assert_true(after[RJ_STAGE_SVD].flops == 7 && after[RJ_STAGE_SVD].bytes == 0);
    assert_true(after[RJ_STAGE_READ].bytes == 9 && after[RJ_STAGE_READ].flops == 0);
    assert_true(after[RJ_STAGE_READ].seconds + after[RJ_STAGE_SVD].seconds <= total);
}

static void stages_have_names(void **x)
{
    (void)x;
    for (int s = 0; s < RJ_N_STAGES; s++) {
        assert_non_null(rj_stage_name((rj_stage)s));
        for (int t = 0; t < s; t++)
            assert_string_not_equal(rj_stage_name((rj_stage)s), rj_stage_name((rj_stage)t));
    }
    assert_string_equal(rj_stage_name(RJ_STAGE_COUPLING), "coupling");
}

/* Touching 64 MiB more than the peak raises it by about that. */
static void peak_memory_is_in_bytes(void **x)
{
    enum { N = 64 << 20 };
    static char block[N];
    const int64_t before = rj_clock_peak_memory();
    (void)x;
    memset(block, 1, N);
    assert_true(rj_clock_peak_memory() - before > N / 2 && rj_clock_peak_memory() - before < 2 * (int64_t)N);
    assert_int_equal(block[N - 1], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(costs_go_to_the_running_stage),
        cmocka_unit_test(stages_have_names),
        cmocka_unit_test(peak_memory_is_in_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
