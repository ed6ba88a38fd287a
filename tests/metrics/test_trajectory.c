/* test_trajectory.c: straight, growing, closed and standing paths by hand; what is undefined is counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <math.h>
#include <string.h>

#include <cmocka.h>

#include "resjac/base/memory.h"
#include "resjac/metrics/trajectory.h"

enum { MAX_L = 8 };

typedef struct {
    double hidden[MAX_L + 1], step[MAX_L], cosine[MAX_L], last[MAX_L], pc[(MAX_L + 1) * RJ_TRAJECTORY_PC];
    rj_trajectory out;
} result;

static void measure(int d, int L, const double *x, result *r)
{
    *r = (result){.out = {.hidden_norm = r->hidden,
                          .step_norm = r->step,
                          .step_cosine = r->cosine,
                          .final_cosine = r->last,
                          .pc = r->pc}};
    assert_int_equal(rj_trajectory_measure(d, L, x, &r->out), RJ_OK);
}

static int near(double a, double b)
{
    return fabs(a - b) <= 1e-13 * (1 + fabs(b));
}

/* x^l = 2^l (3,4): a straight line that grows by ln 2 a block. */
static void straight_exponential_growth(void **x)
{
    const double states[] = {3, 4, 6, 8, 12, 16, 24, 32};
    result r;
    (void)x;
    measure(2, 3, states, &r);
    for (int l = 0; l <= 3; l++) assert_true(near(r.hidden[l], 5 << l));
    for (int l = 0; l < 3; l++) assert_true(near(r.step[l], 5 << l) && near(r.last[l], 1));
    assert_true(isnan(r.cosine[0]) && near(r.cosine[1], 1) && near(r.cosine[2], 1));
    assert_true(near(r.out.line_shape_score, 1) && r.out.expodistance < 1e-28 &&
                r.out.expodistance_cv < 1e-14);
    assert_true(near(r.out.growth_rate, log(2)) && near(r.out.growth_intercept, log(5)));
    assert_true(near(r.out.growth_r2, 1) && r.out.undefined == 0);
    /* distances 5, 10, 20, 40 from the origin, mean 18.75; the largest |coordinate| is positive */
    const double along[] = {-13.75, -8.75, 1.25, 21.25};
    for (int l = 0; l <= 3; l++)
        assert_true(near(r.pc[3 * l], along[l]) && fabs(r.pc[3 * l + 1]) < 1e-13 && r.pc[3 * l + 2] == 0);
}

/* (1,0,0) -> (1,1,0) -> (1,1,2): a right angle; LSS = 2/sqrt 2; norms 1, sqrt 2, sqrt 6. */
static void right_angle(void **x)
{
    const double states[] = {1, 0, 0, 1, 1, 0, 1, 1, 2};
    const double a_1 = log(2) / 2, a_2 = log(3) / 2, mean = log(6) / 4;
    result r;
    (void)x;
    measure(3, 2, states, &r);
    assert_true(near(r.out.line_shape_score, sqrt(2)) && near(r.cosine[1], 0));
    assert_true(near(r.last[0], 2 / sqrt(12)) && near(r.last[1], 1));
    const double variance = ((a_1 - mean) * (a_1 - mean) + (a_2 - mean) * (a_2 - mean)) / 2;
    assert_true(near(r.out.expodistance, variance / mean / mean));
    assert_true(near(r.out.expodistance_cv, sqrt(variance) / mean));
    assert_true(near(r.out.growth_rate, log(6) / 4) && near(r.out.growth_intercept, (a_1 - a_2) / 6));
    assert_true(r.out.undefined == 0);
    /* centred: squared distances between states are kept by the coordinates */
    double squares = 0;
    for (int c = 0; c < 3; c++) squares += (r.pc[c] - r.pc[6 + c]) * (r.pc[c] - r.pc[6 + c]);
    assert_true(near(squares, 5));
}

/* A standing step: the score and the two cosines beside it. */
static void zero_step_is_counted(void **x)
{
    const double states[] = {1, 0, 2, 0, 2, 0, 2, 5};
    result r;
    (void)x;
    measure(2, 3, states, &r);
    assert_true(r.step[1] == 0 && isnan(r.cosine[1]) && isnan(r.cosine[2]) && isnan(r.out.line_shape_score));
    assert_true(r.out.undefined == 3 && isfinite(r.out.expodistance) && isfinite(r.out.growth_r2));
}

/* Starting at 0: no logarithm, so growth (3) and expodistance (2). */
static void zero_state_is_counted(void **x)
{
    const double first[] = {0, 0, 1, 0, 1, 1}, last[] = {1, 0, 1, 1, 0, 0};
    result r;
    (void)x;
    measure(2, 2, first, &r);
    assert_true(isnan(r.out.growth_rate) && isnan(r.out.growth_intercept) && isnan(r.out.growth_r2));
    assert_true(isnan(r.out.expodistance) && isnan(r.out.expodistance_cv) && r.out.undefined == 5);
    assert_true(near(r.out.line_shape_score, sqrt(2)));
    measure(2, 2, last, &r); /* and both cosines to x^L = 0 */
    assert_true(isnan(r.last[0]) && isnan(r.last[1]) && r.out.undefined == 7);
}

/* On the unit circle, back to the start: no growth (expodistance, its root and r2), and a closed path of unit steps. */
static void no_growth_and_a_closed_path(void **x)
{
    const double c = cos(2.0943951023931953), s = sin(2.0943951023931953);
    const double states[] = {1, 0, c, s, c, -s, 1, 0};
    result r;
    (void)x;
    measure(2, 3, states, &r);
    assert_true(isnan(r.out.line_shape_score) && isnan(r.out.expodistance) && isnan(r.out.expodistance_cv));
    assert_true(isnan(r.out.growth_r2) && fabs(r.out.growth_rate) < 1e-15 && r.out.undefined == 4);
}

static void smallest_shape(void **x)
{
    const double states[] = {-2, 5};
    result r;
    (void)x;
    measure(1, 1, states, &r);
    assert_true(near(r.out.line_shape_score, 1) && r.hidden[0] == 2 && r.step[0] == 7 && r.last[0] == 1);
    assert_true(near(fabs(r.pc[0]), 3.5) && near(r.pc[0], -r.pc[3]) && r.pc[1] == 0 && r.pc[5] == 0);
    assert_true(r.out.expodistance == 0 && r.out.undefined == 0);
}

static void equal_input_gives_equal_bits(void **x)
{
    double states[7 * 6];
    result one, two;
    (void)x;
    for (int i = 0; i < 42; i++) states[i] = sin(3.0 * i * i);
    measure(7, 5, states, &one);
    measure(7, 5, states, &two);
    assert_memory_equal(one.pc, two.pc, sizeof one.pc);
    assert_memory_equal(one.cosine + 1, two.cosine + 1, 4 * sizeof(double));
    assert_memory_equal(&one.out.line_shape_score, &two.out.line_shape_score, 6 * sizeof(double));
}

static void bad_input_is_refused(void **x)
{
    double states[] = {1, 2, 3, 4};
    rj_trajectory out = {.undefined = -7};
    (void)x;
    assert_int_equal(rj_trajectory_measure(0, 1, states, &out), RJ_ERR_ARG);
    assert_int_equal(rj_trajectory_measure(2, 0, states, &out), RJ_ERR_ARG);
    assert_non_null(strstr(rj_status_message(), "trajectory of 0 blocks in 2 dimensions"));
    states[2] = NAN;
    assert_int_equal(rj_trajectory_measure(2, 1, states, &out), RJ_ERR_NUMERIC);
    assert_non_null(strstr(rj_status_message(), "hidden state x^1 of 0..1"));
    states[2] = INFINITY;
    assert_int_equal(rj_trajectory_measure(2, 1, states, &out), RJ_ERR_NUMERIC);
    assert_int_equal(out.undefined, -7);
}

static void every_allocation_may_fail(void **x)
{
    const double states[] = {1, 0, 0, 1, 1, 0, 1, 1, 2};
    result r;
    int failures = 0;
    (void)x;
    measure(3, 2, states, &r);
    for (;; failures++) {
        r.out.undefined = -7;
        rj_memory_fail_after(failures);
        const rj_status st = rj_trajectory_measure(3, 2, states, &r.out);
        rj_memory_fail_after(-1);
        assert_int_equal(rj_memory_live(), 0);
        if (st == RJ_OK) break;
        assert_int_equal(st, RJ_ERR_NOMEM);
        assert_int_equal(r.out.undefined, -7);
    }
    assert_true(failures > 7);
}

static int no_leak(void **x)
{
    (void)x;
    return rj_memory_live() != 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(straight_exponential_growth, no_leak),
        cmocka_unit_test_teardown(right_angle, no_leak),
        cmocka_unit_test_teardown(zero_step_is_counted, no_leak),
        cmocka_unit_test_teardown(zero_state_is_counted, no_leak),
        cmocka_unit_test_teardown(no_growth_and_a_closed_path, no_leak),
        cmocka_unit_test_teardown(smallest_shape, no_leak),
        cmocka_unit_test_teardown(equal_input_gives_equal_bits, no_leak),
        cmocka_unit_test_teardown(bad_input_is_refused, no_leak),
        cmocka_unit_test_teardown(every_allocation_may_fail, no_leak),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
