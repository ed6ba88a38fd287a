/* test_partition.c: every element has one place, and both ways of asking agree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "resjac/schedule/partition.h"

static void runs_are_near_equal_and_cover_all(void **x)
{
    (void)x;
    for (int n = 0; n <= 40; n++)
        for (int parts = 1; parts <= 12; parts++) {
            int at = 0;
            for (int i = 0; i < parts; i++) {
                const rj_range r = rj_partition(n, parts, i);
                assert_int_equal(r.first, at);
                assert_in_range(r.count, (uintmax_t)(n / parts), (uintmax_t)((n + parts - 1) / parts));
                for (int e = r.first; e < r.first + r.count; e++)
                    assert_int_equal(rj_partition_of(n, parts, e), i);
                at += r.count;
            }
            assert_int_equal(at, n);
        }
}

/* 7 blocks, 3 stages of 2 ranks: stages 3, 2, 2; inside each 2+1, 1+1, 1+1. */
static void seven_blocks_on_three_stages_of_two(void **x)
{
    static const int home[7] = {0, 0, 1, 2, 3, 4, 5};
    (void)x;
    for (int layer = 0; layer < 7; layer++)
        assert_int_equal(rj_partition_home_of(7, 3, 2, layer), home[layer]);
    const rj_range stage = rj_partition_stage(7, 3, 2, 3), of = rj_partition_home(7, 3, 2, 1);
    assert_int_equal(stage.first, 3);
    assert_int_equal(stage.count, 2);
    assert_int_equal(of.first, 2);
    assert_int_equal(of.count, 1);
}

static void homes_are_inside_their_stage(void **x)
{
    (void)x;
    for (int layers = 1; layers <= 20; layers++)
        for (int stages = 1; stages <= layers; stages++)
            for (int grid = 1; grid <= 5; grid++)
                for (int layer = 0; layer < layers; layer++) {
                    const int rank = rj_partition_home_of(layers, stages, grid, layer);
                    const rj_range h = rj_partition_home(layers, stages, grid, rank);
                    const rj_range s = rj_partition_stage(layers, stages, grid, rank);
                    assert_true(h.first <= layer && layer < h.first + h.count);
                    assert_true(s.first <= h.first && h.first + h.count <= s.first + s.count);
                }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_are_near_equal_and_cover_all),
        cmocka_unit_test(seven_blocks_on_three_stages_of_two),
        cmocka_unit_test(homes_are_inside_their_stage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
