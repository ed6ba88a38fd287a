/* test_cost.c: estimates against times measured on one core, and the choices that follow from them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <math.h>

#include <cmocka.h>

#include "resjac/schedule/cost.h"

static bool within(double value, double truth, double share)
{
    return fabs(value / truth - 1) < share;
}

/* 64 triplets, of which 53 wanted: 9.8 and 31 ms at d = 576, 58 and 460 ms at d = 1536. */
static void estimates_are_near_what_was_measured(void **x)
{
    const rj_cost_rates rates = rj_cost_built_in(false);
    (void)x;
    assert_true(within(rj_cost_krylov(&rates, 576, 53, 64, false), 0.0098, 0.2));
    assert_true(within(rj_cost_krylov(&rates, 1536, 53, 64, false), 0.058, 0.2));
    assert_true(within(rj_cost_full(&rates, 576), 0.031, 0.1));
    assert_true(within(rj_cost_full(&rates, 1536), 0.46, 0.1));
    assert_true(within(rj_cost_krylov_columns(576, 13, false), 128, 0.1));
    assert_true(within(rj_cost_krylov_columns(1536, 53, false), 280, 0.1));
}

static void choices(void **x)
{
    const rj_cost_rates single = rj_cost_built_in(false), twice = rj_cost_built_in(true);
    (void)x;
    assert_true(rj_cost_prefers_krylov(&single, 576, 53, 64, 288, false));
    assert_true(rj_cost_prefers_krylov(&single, 4096, 13, 64, 2048, false));
    assert_true(rj_cost_prefers_krylov(&twice, 1536, 53, 64, 768, true));
    assert_false(rj_cost_prefers_krylov(&single, 64, 8, 64, 32, false));    /* no room for its columns */
    assert_false(rj_cost_prefers_krylov(&single, 256, 53, 64, 256, false)); /* most of J */
    assert_false(rj_cost_prefers_krylov(&single, 576, 200, 214, 288, false));
}

/* A machine of twice the speed chooses alike; one with slow narrow products does not. */
static void only_ratios_count(void **x)
{
    rj_cost_rates r = rj_cost_built_in(false);
    (void)x;
    r.wide /= 2, r.narrow /= 2, r.projection /= 2, r.full3 /= 2, r.full2 /= 2;
    assert_true(rj_cost_prefers_krylov(&r, 576, 53, 64, 288, false));
    r.narrow *= 4;
    assert_false(rj_cost_prefers_krylov(&r, 576, 53, 64, 288, false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(estimates_are_near_what_was_measured),
        cmocka_unit_test(choices),
        cmocka_unit_test(only_ratios_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
