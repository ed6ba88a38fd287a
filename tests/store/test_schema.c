/* test_schema.c: the table against the contract's names and rules; the record that follows from it. */
#include "synthetic.h"

static const char *const contract[] = {"n_tokens",
                                       "last_token_id",
                                       "prompt_status",
                                       "hidden_norm",
                                       "step_norm",
                                       "step_cosine",
                                       "final_cosine",
                                       "line_shape_score",
                                       "expodistance",
                                       "expodistance_cv",
                                       "growth_rate",
                                       "growth_intercept",
                                       "growth_r2",
                                       "undefined_count",
                                       "trajectory_pc",
                                       "singular_value",
                                       "residual_right",
                                       "residual_left",
                                       "relative_gap",
                                       "gap_flag",
                                       "kink_count",
                                       "orthogonality_loss",
                                       "svd_method",
                                       "jacobian_frobenius",
                                       "jacobian_frobenius_error",
                                       "jacobian_spectral",
                                       "stable_rank",
                                       "participation_ratio",
                                       "effective_rank",
                                       "inverse_sv_slope",
                                       "inverse_sv_r2",
                                       "coupling_misfit",
                                       "excess_coupling",
                                       "coupling_null",
                                       "coupling_null_sd",
                                       "coupling_null_signed",
                                       "coupling_null_trace",
                                       "coupling_null_rotation",
                                       "coupling_null_conjugation",
                                       "excess_coupling_drop1",
                                       "excess_coupling_drop3",
                                       "coupling_misfit_signed",
                                       "coupling_misfit_trace",
                                       "coupling_misfit_vju",
                                       "subspace_uu",
                                       "subspace_vv",
                                       "subspace_uv",
                                       "subspace_vu",
                                       "alignment_matrix",
                                       "self/coupling_misfit",
                                       "self/excess_coupling",
                                       "self/coupling_null",
                                       "self/numerical_rank",
                                       "fixed_input/coupling_misfit",
                                       "fixed_input/excess_coupling",
                                       "fixed_input/coupling_null",
                                       "fixed_input/numerical_rank",
                                       "fixed_output/coupling_misfit",
                                       "fixed_output/excess_coupling",
                                       "fixed_output/coupling_null",
                                       "fixed_output/numerical_rank",
                                       "influence/influence_frobenius",
                                       "influence/influence_spectral",
                                       "influence/influence_participation",
                                       "influence/influence_rank",
                                       "prompt_seconds"};

static void every_row_is_complete_and_named_as_agreed(void **x)
{
    (void)x;
    assert_int_equal(sizeof contract / sizeof contract[0], RJ_N_VARIABLES);
    for (int i = 0; i < RJ_N_VARIABLES; i++) {
        const rj_variable *v = &rj_schema[i];
        char name[64];
        const bool of_token = v->mode != RJ_MODE_DEPTH;
        snprintf(name, sizeof name, "%s%s%s", of_token ? rj_mode_name(v->mode) : "", of_token ? "/" : "",
                 v->name);
        assert_string_equal(name, contract[i]);
        assert_true(v->units != NULL && v->units[0] != '\0');
        assert_true(v->long_name != NULL && v->long_name[0] != '\0');
        const bool aligned = i == RJ_VAR_ALIGNMENT_MATRIX;
        assert_int_equal(v->dims[0], aligned ? RJ_DIM_APROMPT : RJ_DIM_PROMPT);
        const bool of_pairs =
            of_token && strcmp(v->name, "coupling_misfit") * strcmp(v->name, "excess_coupling") == 0;
        assert_int_equal(v->dims[4], aligned ? RJ_DIM_J : of_pairs ? RJ_DIM_TOKEN_J : RJ_DIM_NONE);
        assert_int_equal(v->type == RJ_VALUE_FLOAT, aligned || rj_schema_is_packed((rj_variable_id)i));
        assert_int_equal(rj_schema_is_packed((rj_variable_id)i),
                         of_pairs || rj_schema_is_pairwise((rj_variable_id)i));
        assert_int_equal(v->nondeterministic, i == RJ_VAR_PROMPT_SECONDS);
        if (v->keep != RJ_KEEP_ALWAYS) assert_true(rj_schema_is_pairwise((rj_variable_id)i));
    }
}

static void counts_are_products_of_dimensions(void **x)
{
    const rj_sizes s = syn_sizes(7);
    (void)x;
    assert_int_equal(rj_schema_count(RJ_VAR_N_TOKENS, &s), 1);
    assert_int_equal(rj_schema_count(RJ_VAR_HIDDEN_NORM, &s), SYN_L + 1);
    assert_int_equal(rj_schema_count(RJ_VAR_TRAJECTORY_PC, &s), (SYN_L + 1) * 3);
    assert_int_equal(rj_schema_count(RJ_VAR_SINGULAR_VALUE, &s), SYN_L * SYN_SV);
    assert_int_equal(rj_schema_count(RJ_VAR_RELATIVE_GAP, &s), SYN_L * SYN_K);
    assert_int_equal(rj_schema_count(RJ_VAR_COUPLING_NULL, &s), SYN_K * SYN_L);
    assert_int_equal(rj_schema_count(RJ_VAR_COUPLING_MISFIT, &s), SYN_K * SYN_L * SYN_L);
    assert_string_equal(rj_dim_name(RJ_DIM_LAYER_J), "layer_j");
    assert_int_equal(rj_schema_rows(RJ_VAR_COUPLING_MISFIT, &s), 7);
    assert_int_equal(rj_schema_rows(RJ_VAR_ALIGNMENT_MATRIX, &s), 0);
    assert_int_equal(rj_schema_rows(RJ_VAR_SELF_MISFIT, &s), 0);
    rj_sizes with = syn_sizes(7);
    syn_add_modes(&with);
    assert_int_equal(rj_schema_rows(RJ_VAR_SELF_MISFIT, &with), 7);
    assert_int_equal(rj_schema_rows(RJ_VAR_FIXED_INPUT_MISFIT, &with), 0);
    assert_int_equal(rj_schema_count(RJ_VAR_SELF_MISFIT, &with), SYN_K * SYN_L * SYN_TOKENS * SYN_TOKENS);
    assert_int_equal(rj_schema_count(RJ_VAR_INFLUENCE_RANK, &with), SYN_L * SYN_TOKENS);
    assert_int_equal(rj_schema_alignment(SYN_K, syn_count), SYN_I);
    const int many[] = {60, 7};
    assert_int_equal(rj_schema_alignment(2, many), 50);
}

static void record_starts_missing(void **x)
{
    rj_sizes s = syn_sizes(4);
    rj_record *r = NULL;
    (void)x;
    assert_ok(rj_record_create(&s, &r));
    for (int id = 0; id < RJ_N_VARIABLES; id++) {
        const ptrdiff_t n = rj_schema_count((rj_variable_id)id, &s);
        const ptrdiff_t rows = rj_schema_rows((rj_variable_id)id, &s);
        assert_ptr_equal(rj_record_at(r, (rj_variable_id)id, 3), r->value[id] + 3 * n);
        for (ptrdiff_t i = 0; i < rows * n; i++) assert_true(isnan(r->value[id][i]));
    }
    assert_string_equal(r->prompt_id[3], "");
    rj_record_destroy(&r);
    assert_null(r);
    s.size[RJ_DIM_SV] = 0;
    assert_int_equal(rj_record_create(&s, &r), RJ_ERR_ARG);
    assert_message("dimension sv of a record is 0");
    assert_int_equal(rj_memory_live(), 0);
}

/* Rows 0, 1 belong to prompts 1 and 3 of four. */
static void some_prompts_have_rows_of_their_own(void **x)
{
    rj_sizes s = syn_sizes(4);
    rj_record *r = NULL;
    ptrdiff_t row = -1;
    (void)x;
    s.size[RJ_DIM_APROMPT] = 2;
    assert_int_equal(rj_record_create(&s, &r), RJ_ERR_ARG);
    assert_message("2 alignment matrices of 0 x 0");
    s.size[RJ_DIM_I] = s.size[RJ_DIM_J] = SYN_I;
    assert_ok(rj_record_create(&s, &r));
    r->aprompt[0] = 1;
    r->aprompt[1] = 3;
    assert_int_equal(rj_schema_count(RJ_VAR_ALIGNMENT_MATRIX, &s), SYN_L * SYN_L * SYN_I * SYN_I);
    assert_int_equal(rj_record_rows(r, RJ_VAR_ALIGNMENT_MATRIX, 0, 4, &row), 2);
    assert_int_equal(row, 0);
    assert_int_equal(rj_record_rows(r, RJ_VAR_ALIGNMENT_MATRIX, 2, 2, &row), 1);
    assert_int_equal(row, 1);
    assert_int_equal(rj_record_rows(r, RJ_VAR_ALIGNMENT_MATRIX, 2, 1, &row), 0);
    assert_int_equal(rj_record_rows(r, RJ_VAR_STEP_NORM, 2, 2, &row), 2);
    assert_int_equal(row, 2);
    for (ptrdiff_t i = 0; i < 2 * rj_schema_count(RJ_VAR_ALIGNMENT_MATRIX, &s); i++)
        assert_true(isnan(r->value[RJ_VAR_ALIGNMENT_MATRIX][i]));
    rj_record_destroy(&r);
    s.size[RJ_DIM_APROMPT] = 5;
    assert_int_equal(rj_record_create(&s, &r), RJ_ERR_ARG);
    assert_message("5 alignment matrices of 4 x 4 for 4 prompts");
}

static void record_survives_failing_allocations(void **x)
{
    const rj_sizes s = syn_sizes(2);
    rj_record *r = NULL;
    rj_status st = RJ_ERR_NOMEM;
    int n = 0;
    (void)x;
    for (; st != RJ_OK; n++) {
        rj_memory_fail_after(n);
        st = rj_record_create(&s, &r);
        rj_memory_fail_after(-1);
        if (st == RJ_OK) break;
        assert_int_equal(st, RJ_ERR_NOMEM);
        assert_null(r);
        assert_int_equal(rj_memory_live(), 0);
    }
    assert_int_equal(n, RJ_N_VARIABLES + 4);
    rj_record_destroy(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_complete_and_named_as_agreed),
        cmocka_unit_test(counts_are_products_of_dimensions),
        cmocka_unit_test(record_starts_missing),
        cmocka_unit_test(some_prompts_have_rows_of_their_own),
        cmocka_unit_test(record_survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
