/* test_team_choice.c: teams for models from a small one to 70 billion parameters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "resjac/run/team_choice.h"

static const int k[] = {10, 30, 50};
static const rj_config small = {
    .n_layer = 30, .d = 576, .n_head = 9, .n_kv_head = 3, .d_head = 64, .d_ff = 1536, .gated = true};
static const rj_config large = {
    .n_layer = 80, .d = 8192, .n_head = 64, .n_kv_head = 8, .d_head = 128, .d_ff = 28672, .gated = true};
static const rj_deck_layout automatic = {0};

static rj_team_case of(const rj_config *config, rj_pipeline_options *o, double gigabytes)
{
    *o =
        (rj_pipeline_options){.n_k = 3, .k = k, .norm = 2, .vju = true, .memory = (int64_t)(1e9 * gigabytes)};
    return (rj_team_case){
        .name = "m", .config = config, .options = o, .unit_prompts = 8, .longest = 64, .tokens = 64};
}

static rj_team_shape choose(const rj_team_case *c, const rj_deck_layout *asked, int n_units, int n_ranks)
{
    rj_team_shape shape = {0};

    assert_int_equal(rj_team_choose_grid(c, asked, &shape), RJ_OK);
    assert_int_equal(rj_team_choose_stages(c, asked, n_units, n_ranks, &shape), RJ_OK);
    return shape;
}

static void a_small_model_is_for_one_rank(void **x)
{
    rj_pipeline_options o;
    const rj_team_case c = of(&small, &o, 2);
    (void)x;
    for (int ranks = 1; ranks <= 8; ranks *= 2) assert_int_equal(choose(&c, &automatic, 64, ranks).stages, 1);
    assert_int_equal(choose(&c, &automatic, 1, 4).stages, 4); /* else three would be idle */
    assert_int_equal(choose(&c, &automatic, 1, 1000).stages, 30);
}

static void a_large_model_gets_stages(void **x)
{
    rj_pipeline_options o;
    const rj_team_case c = of(&large, &o, 8);
    (void)x;
    const rj_team_shape many = choose(&c, &automatic, 150, 4096), few = choose(&c, &automatic, 150, 64);
    assert_true(20 <= many.stages && 4096 / many.stages >= 150 && many.n_row * many.n_col == 1);
    assert_true(10 <= few.stages && few.stages <= 64); /* results do not depend on it */
}

static void what_cannot_be_is_refused_with_the_remedy(void **x)
{
    rj_pipeline_options o;
    rj_team_shape shape = {0, 2, 2};
    rj_team_case c = of(&small, &o, 2);
    (void)x;
    assert_int_equal(rj_team_choose_stages(&c, &automatic, 8, 3, &shape), RJ_ERR_USAGE);
    assert_non_null(strstr(rj_status_message(), "needs at least 4 ranks, the run has 3"));
    c = of(&small, &o, .09); /* fits one block a rank, not thirty */
    shape = (rj_team_shape){0, 1, 1};
    assert_int_equal(rj_team_choose_stages(&c, &automatic, 8, 2, &shape), RJ_ERR_USAGE);
    assert_non_null(strstr(rj_status_message(), "start at least"));
    assert_int_equal(rj_team_choose_stages(&c, &automatic, 8, 30, &shape), RJ_OK);
    assert_true(shape.stages > 2);
    c = of(&large, &o, .5);
    assert_int_equal(rj_team_choose_grid(&c, &automatic, &shape), RJ_ERR_USAGE);
    assert_non_null(strstr(rj_status_message(), "raise layout.memory_per_rank"));
}

/* 100 listed tokens of prompts of 64, in 10 of 30 layers: Jacobians of those that a prompt has, room for all that are listed. */
static void token_modes_count(void **x)
{
    const size_t self = (size_t)1 << RJ_MODE_SELF, input = (size_t)1 << RJ_MODE_FIXED_INPUT,
                 output = (size_t)1 << RJ_MODE_FIXED_OUTPUT, influence = (size_t)1 << RJ_MODE_INFLUENCE;
    const rj_team_shape one = {1, 1, 1};
    int at[100];
    bool layer[30] = {false};
    rj_pipeline_options o;
    const rj_team_case c = of(&small, &o, 4);
    const rj_work none = rj_team_work(&c);
    const double seconds = rj_team_unit_seconds(&c, 1, 1);
    const int64_t memory = rj_team_memory(&c, &one), jacobian = 4 * 576 * 576;
    (void)x;
    for (int i = 0; i < 100; i++) at[i] = i;
    for (int l = 0; l < 10; l++) layer[3 * l] = true;
    assert_true(none.token.jacobians == 0 && none.token.pairs == 0 && none.token.forwards == 0);

    o.tokens = (rj_token_options){self | input | output | influence, 100, at, layer};
    const rj_work all = rj_team_work(&c);
    const double each = 64.0 * 10 / 30;
    assert_true(fabs(all.token.jacobians - 3 * each) < 1e-9 && fabs(all.token.forwards - 2 * each) < 1e-9);
    assert_true(fabs(all.token.full - each) < 1e-9 && fabs(all.token.pairs - 3 * 64 * each) < 1e-9);
    assert_true(all.stored > none.stored + 8.0 * 3 * 30 * 100 * 100 * 2 * 3 * 4);
    assert_true(rj_team_memory(&c, &one) > memory + 100 * jacobian);
    assert_true(rj_team_unit_seconds(&c, 1, 1) > 20 * seconds);

    o.tokens.modes = influence; /* one Jacobian at a time */
    const rj_work some = rj_team_work(&c);
    assert_true(fabs(some.token.jacobians - each) < 1e-9 && some.token.pairs == 0);
    assert_true(rj_team_memory(&c, &one) < memory + 4 * jacobian);
}

/* No Jacobian is kept or formed, and the weights are read once more for each prompt of the unit. */
static void runs_without_matrices_need_less_memory(void **x)
{
    const rj_machine machine = rj_machine_built_in();
    rj_pipeline_options o;
    const rj_team_case c = of(&large, &o, 64);
    const rj_team_shape one = {1, 1, 1};
    const int64_t jacobian = (int64_t)4 * 8192 * 8192;
    (void)x;
    o.svd = RJ_SVD_KRYLOV;
    const int64_t formed = rj_team_memory(&c, &one);
    const rj_work with = rj_team_work(&c);
    o.matrix_free = true;
    const rj_work without = rj_team_work(&c);
    assert_true(rj_team_memory(&c, &one) < formed - 50 * jacobian);
    assert_true(!with.matrix_free && without.matrix_free && without.probes == 64);
    const rj_expectation a = rj_expect_unit(&machine, &with, 1, 1),
                         b = rj_expect_unit(&machine, &without, 1, 1);
    assert_true(b.seconds[RJ_WORK_JACOBIAN] == 0 && a.seconds[RJ_WORK_JACOBIAN] > 0);
    assert_true(fabs(b.seconds[RJ_WORK_READ] / a.seconds[RJ_WORK_READ] - (1 + c.unit_prompts)) < 1e-12);
    assert_true(b.seconds[RJ_WORK_SVD] > a.seconds[RJ_WORK_SVD]);
    assert_true(b.seconds[RJ_WORK_COUPLING] > a.seconds[RJ_WORK_COUPLING]);
}

static void the_deck_decides(void **x)
{
    rj_pipeline_options o;
    const rj_team_case c = of(&small, &o, 2);
    const rj_deck_layout asked = {.stages = 100, .n_row = 1, .n_col = 2}, three = {.stages = 3};
    (void)x;
    assert_int_equal(choose(&c, &asked, 64, 1000).stages, 30); /* a block each */
    assert_int_equal(choose(&c, &asked, 64, 1000).n_col, 2);
    assert_int_equal(choose(&c, &three, 64, 16).stages, 3);
    assert_int_equal(choose(&c, &three, 64, 2).stages, 2); /* the same results on fewer ranks */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_model_is_for_one_rank),
        cmocka_unit_test(a_large_model_gets_stages),
        cmocka_unit_test(what_cannot_be_is_refused_with_the_remedy),
        cmocka_unit_test(token_modes_count),
        cmocka_unit_test(runs_without_matrices_need_less_memory),
        cmocka_unit_test(the_deck_decides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
