/* test_simulate.c: schedules that can be drawn by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <math.h>

#include <cmocka.h>

#include "resjac/base/memory.h"
#include "resjac/schedule/simulate.h"

static const rj_sim_system ideal = {.n_ranks = 2, .file_system = 1e300};

static rj_sim_outcome run(const rj_sim_system *system, int n, const rj_sim_unit *unit)
{
    rj_sim_outcome out;
    assert_int_equal(rj_simulate(system, n, unit, &out), RJ_OK);
    return out;
}

/* 3, 2, 2 s on two ranks: one does 3, the other 2 + 2. */
static void who_is_free_claims_the_next(void **x)
{
    const rj_sim_unit unit[] = {{0, 1, 3, 0}, {0, 1, 2, 0}, {0, 1, 2, 0}};
    const rj_sim_outcome out = run(&ideal, 3, unit);
    (void)x;
    assert_true(fabs(out.makespan - 4) < 1e-12 && fabs(out.busy - 7) < 1e-12);
    assert_true(fabs(out.efficiency - 7.0 / 8) < 1e-12 && fabs(out.tail - 1) < 1e-12);
}

/* A unit of both ranks, then two of one: 5 + 2; the third rank of three has no team at first. */
static void ranks_regroup_between_team_sizes(void **x)
{
    const rj_sim_unit unit[] = {{0, 2, 5, 0}, {1, 1, 2, 0}, {1, 1, 2, 0}};
    rj_sim_system three = ideal;
    (void)x;
    assert_true(fabs(run(&ideal, 3, unit).makespan - 7) < 1e-12);
    three.n_ranks = 3;
    assert_true(fabs(run(&three, 3, unit).makespan - 7) < 1e-12);
    assert_int_equal(run(&three, 3, unit).idle_ranks, 1);
}

/* Two ranks ask at once: the second waits 1 s for the counter. Each opens its model (10 s) once; files take 4 s one after the
 * other and share 2 bytes a second. Rank 0: 1 + 10 + 3, rank 1: 2 + 10 + 3; files at 18 and 22, bytes at 14.5 and 15.5. */
static void queues_are_served_in_order(void **x)
{
    const rj_sim_unit unit[] = {{0, 1, 3, 1}, {0, 1, 3, 1}};
    const rj_sim_system slow = {
        .n_ranks = 2, .claim = 1, .open_model = 10, .file = 4, .file_system = 2, .start = 100, .end = 1000};
    const rj_sim_outcome out = run(&slow, 2, unit);
    (void)x;
    assert_true(fabs(out.makespan - 1122) < 1e-9);
    assert_true(fabs(out.claiming - 3) < 1e-9 && fabs(out.storing - (4 + 7)) < 1e-9);
}

static void the_spread_is_even_and_repeats(void **x)
{
    enum { N = 20000 };
    static rj_sim_unit unit[N];
    rj_sim_system one = {.n_ranks = 1, .file_system = 1e300, .spread = .5, .seed = 3};
    (void)x;
    for (int i = 0; i < N; i++) unit[i] = (rj_sim_unit){0, 1, 2, 0};
    const rj_sim_outcome a = run(&one, N, unit), b = run(&one, N, unit);
    assert_true(a.makespan == b.makespan && fabs(a.makespan / N - 2) < .02);
    one.seed = 4;
    assert_true(run(&one, N, unit).makespan != a.makespan);
}

static void what_cannot_run_is_refused(void **x)
{
    const rj_sim_unit unit = {0, 3, 1, 0};
    rj_sim_outcome out;
    (void)x;
    assert_int_equal(rj_simulate(&ideal, 1, &unit, &out), RJ_ERR_ARG);
    assert_int_equal(rj_simulate(&ideal, 0, &unit, &out), RJ_ERR_ARG);
    assert_int_equal(rj_memory_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_free_claims_the_next), cmocka_unit_test(ranks_regroup_between_team_sizes),
        cmocka_unit_test(queues_are_served_in_order),  cmocka_unit_test(the_spread_is_even_and_repeats),
        cmocka_unit_test(what_cannot_run_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
