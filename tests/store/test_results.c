/* test_results.c: the final file against values worked out by hand, and its independence of how the shards came about. */
#include "synthetic.h"

#include "rj_test.h"

#include <netcdf.h>

static char *units[SYN_UNITS];

/* Three units of two prompts: p = 0..5. */
static int setup(void **x)
{
    if (syn_setup(x) != 0) return 1;
    for (int u = SYN_UNITS - 1; u >= 0; u--) {
        const rj_shard_head h = syn_head("m", u);
        units[u] = syn_write(syn_folder, &h);
    }
    return 0;
}

static int teardown(void **x)
{
    for (int u = 0; u < SYN_UNITS; u++) free(units[u]);
    return syn_teardown(x);
}

static rj_results_model model_of(char **shard, int n)
{
    rj_results_model m = {.facts = syn_head("m", 0).model, .status = "ok", .n_shards = n, .shard = shard};
    return m;
}

static int open_file(const char *name)
{
    int nc = -1;
    assert_int_equal(nc_open(syn_path(name), NC_NOWRITE, &nc), NC_NOERR);
    return nc;
}

static int group_of(int nc, const char *name)
{
    int group = -1;
    assert_int_equal(nc_inq_ncid(nc, name, &group), NC_NOERR);
    return group;
}

static double number(int group, const char *name, size_t a, size_t b, size_t c, size_t d)
{
    const size_t at[4] = {a, b, c, d};
    int id = -1;
    double v = 0.0;
    if (nc_inq_varid(group, name, &id) != NC_NOERR) fail_msg("no variable %s", name);
    assert_int_equal(nc_get_var1_double(group, id, at, &v), NC_NOERR);
    return v;
}

static bool has(int group, const char *name)
{
    int id;
    return nc_inq_varid(group, name, &id) == NC_NOERR;
}

/* value(model, measure) by name. */
static double measure(int nc, size_t model, const char *name)
{
    int id, dim;
    size_t n = 0;
    char text[RJ_NAME_SIZE];

    assert_int_equal(nc_inq_varid(nc, "measure_name", &id), NC_NOERR);
    assert_int_equal(nc_inq_dimid(nc, "measure", &dim), NC_NOERR);
    assert_int_equal(nc_inq_dimlen(nc, dim, &n), NC_NOERR);
    for (size_t i = 0; i < n; i++) {
        const size_t start[2] = {i, 0}, count[2] = {1, RJ_NAME_SIZE};
        assert_int_equal(nc_get_vara_text(nc, id, start, count, text), NC_NOERR);
        if (strcmp(text, name) == 0) return number(nc, "value", model, i, 0, 0);
    }
    fail_msg("no measure %s", name);
    return 0.0;
}

static void text_is(int nc, const char *name, size_t row, const char *expected)
{
    const size_t start[2] = {row, 0}, count[2] = {1, RJ_NAME_SIZE};
    char text[RJ_NAME_SIZE];
    int id;

    assert_int_equal(nc_inq_varid(nc, name, &id), NC_NOERR);
    assert_int_equal(nc_get_vara_text(nc, id, start, count, text), NC_NOERR);
    assert_string_equal(text, expected);
}

/* syn_value at prompt p is c + p^2/4. Over p = 0..5 the mean of p^2/4 is 55/24, its variance (979 - 55^2/6)/5/16. */
static void means_and_deviations_by_hand(void **x)
{
    const rj_results_model m = model_of(units, SYN_UNITS);
    const double mean = 55.0 / 24.0, sd = sqrt((979.0 - 3025.0 / 6.0) / 5.0 / 16.0);
    const double c = RJ_VAR_COUPLING_MISFIT + 10.0 / 1024.0, e = RJ_VAR_EXCESS_COUPLING_DROP1 + 10.0 / 1024.0;
    (void)x;
    assert_ok(rj_results_write(rj_test_comm, syn_path("f.nc"), 1, &m, RJ_PER_PROMPT_COUPLING, 0, NULL));
    const int nc = open_file("f.nc"), g = group_of(nc, "m");
    assert_close(number(g, "coupling_misfit_mean", 1, 0, 1, 0), c + mean, 1e-5); /* element 9 + 0 + 1 */
    assert_close(number(g, "coupling_misfit_sd", 1, 0, 1, 0), sd, 1e-5);
    assert_close(number(g, "excess_coupling_drop1", 1, 0, 1, 0), e + mean, 1e-5);
    assert_close(number(g, "excess_coupling_drop1_sd", 1, 0, 1, 0), sd, 1e-5);
    assert_true(number(g, "coupling_misfit_sd", 0, 1, 1, 0) == 0.0);
    assert_true(number(g, "coupling_misfit", 5, 1, 0, 1) == (float)syn_value(RJ_VAR_COUPLING_MISFIT, 5, 10));
    assert_true(number(g, "step_norm", 4, 2, 0, 0) == syn_value(RJ_VAR_STEP_NORM, 4, 2));
    assert_true(number(g, "layer", 2, 0, 0, 0) == 3.0 && number(g, "depth", 3, 0, 0, 0) == 3.0);
    assert_true(number(g, "k_count", 1, 0, 0, 0) == 4.0);
    text_is(g, "k_label", 1, "0.5d");
    text_is(g, "prompt_id", 5, "prompt-5");
    /* value: elements of K = "2" off the diagonal are 1,2,3,5,6,7 (mean 4), adjacent 1,3,5,7 (mean 4) */
    assert_close(measure(nc, 0, "coupling_misfit_k2_offdiag"), RJ_VAR_COUPLING_MISFIT + 4.0 / 1024 + mean,
                 1e-6);
    assert_close(measure(nc, 0, "coupling_misfit_k0.5d_adjacent"),
                 RJ_VAR_COUPLING_MISFIT + 13.0 / 1024 + mean, 1e-6);
    assert_close(measure(nc, 0, "coupling_null_k0.5d"), RJ_VAR_COUPLING_NULL + 4.0 / 1024 + mean, 1e-12);
    assert_close(measure(nc, 0, "stable_rank"), RJ_VAR_STABLE_RANK + 1.0 / 1024 + mean, 1e-12);
    assert_close(measure(nc, 0, "line_shape_score"), 1.0 + 0.5 * 2.5, 1e-12);
    assert_close(measure(nc, 0, "ln_parameters"), log(1000.0), 1e-12);
    assert_true(measure(nc, 0, "n_layers") == SYN_L && measure(nc, 0, "d_model") == SYN_D);
    nc_close(nc);
}

/* A failed prompt and a missing value leave the others; one prompt has no deviation; none has no mean. */
static void missing_values_are_left_out(void **x)
{
    rj_shard_head h[2] = {syn_head("n", 0), syn_head("n", 1)};
    char *path[2];
    const rj_sizes sizes = syn_sizes(SYN_UNIT);
    (void)x;
    for (int u = 0; u < 2; u++) {
        rj_record *r = syn_record(&h[u]);
        if (u == 1) rj_record_at(r, RJ_VAR_PROMPT_STATUS, 0)[0] = 65.0; /* prompt 2 */
        for (ptrdiff_t p = 0; p < SYN_UNIT; p++) {
            rj_record_at(r, RJ_VAR_SUBSPACE_UU, p)[1] = 3 * u + p == 1 ? 0.5 : (double)NAN;
            for (ptrdiff_t i = 0; i < rj_schema_count(RJ_VAR_SUBSPACE_VV, &sizes); i++)
                rj_record_at(r, RJ_VAR_SUBSPACE_VV, p)[i] = (double)NAN;
        }
        assert_ok(rj_shard_write(syn_folder, &h[u], r));
        rj_record_destroy(&r);
        path[u] = malloc(1024);
        snprintf(path[u], 1024, "%s/n-unit%05d-aaaaaaaaaaaaaaaa.nc", syn_folder, u);
    }
    rj_results_model m = model_of(path, 2);
    strcpy(m.facts.name, "n");
    assert_ok(rj_results_write(rj_test_comm, syn_path("f.nc"), 1, &m, RJ_PER_PROMPT_NONE, 0, NULL));
    const int nc = open_file("f.nc"), g = group_of(nc, "n");
    /* p = 0, 1, 3: p^2/4 = 0, 1/4, 9/4 */
    assert_close(number(g, "coupling_misfit_mean", 0, 0, 1, 0),
                 RJ_VAR_COUPLING_MISFIT + 1.0 / 1024 + 2.5 / 3.0, 1e-5);
    assert_close(number(g, "coupling_misfit_sd", 0, 0, 1, 0), sqrt((82.0 / 16 - 6.25 / 3) / 2), 1e-5);
    assert_true(number(g, "subspace_uu_mean", 0, 0, 1, 0) == 0.5);
    assert_true(isnan(number(g, "subspace_uu_sd", 0, 0, 1, 0)));
    assert_true(isnan(number(g, "subspace_vv_mean", 0, 0, 1, 0)));
    assert_true(isnan(measure(nc, 0, "subspace_vv_k2_offdiag")));
    assert_close(measure(nc, 0, "line_shape_score"), (1.0 + 1.5 + 2.5) / 3.0, 1e-12);
    nc_close(nc);
    free(path[0]);
    free(path[1]);
}

static void per_prompt_keeps_what_it_says(void **x)
{
    const rj_results_model m = model_of(units, SYN_UNITS);
    (void)x;
    for (int keep = RJ_PER_PROMPT_NONE; keep <= RJ_PER_PROMPT_ALL; keep++) {
        assert_ok(rj_results_write(rj_test_comm, syn_path("f.nc"), 1, &m, (rj_per_prompt)keep, 0, NULL));
        const int nc = open_file("f.nc"), g = group_of(nc, "m");
        assert_int_equal(has(g, "coupling_misfit"), keep >= RJ_PER_PROMPT_COUPLING);
        assert_int_equal(has(g, "excess_coupling"), keep >= RJ_PER_PROMPT_COUPLING);
        assert_int_equal(has(g, "coupling_misfit_signed"), keep == RJ_PER_PROMPT_ALL);
        assert_int_equal(has(g, "subspace_vu"), keep == RJ_PER_PROMPT_ALL);
        assert_true(has(g, "subspace_vu_mean") && has(g, "subspace_vu_sd") && has(g, "coupling_null"));
        assert_true(has(g, "coupling_null_rotation") && has(g, "coupling_null_rotation_sd"));
        assert_false(has(g, "coupling_null_rotation_mean"));
        nc_close(nc);
    }
}

static double element(int group, const size_t at[5])
{
    int id = -1;
    double v = 0.0;
    assert_int_equal(nc_inq_varid(group, "alignment_matrix", &id), NC_NOERR);
    assert_int_equal(nc_get_var1_double(group, id, at, &v), NC_NOERR);
    return v;
}

/* Units 0 and 2 have one alignment matrix each, of prompts 1 and 4; unit 1 has none. */
static void alignment_matrices_follow_each_other(void **x)
{
    char *path[SYN_UNITS];
    int problems = -1;
    (void)x;
    for (int u = 0; u < SYN_UNITS; u++) {
        const rj_shard_head h = syn_head("n", u);
        path[u] = syn_write_of(syn_folder, &h, SYN_UNIT, true);
    }
    char *turned[SYN_UNITS] = {path[1], path[2], path[0]}; /* the first that is looked at has none */
    rj_results_model m = model_of(turned, SYN_UNITS);
    strcpy(m.facts.name, "n");
    for (int keep = RJ_PER_PROMPT_NONE; keep <= RJ_PER_PROMPT_SUMMARY; keep++) {
        assert_ok(rj_results_write(rj_test_comm, syn_path("f.nc"), 1, &m, (rj_per_prompt)keep, 0, NULL));
        assert_ok(rj_results_verify(syn_path("f.nc"), &problems));
        assert_int_equal(problems, 0);
        const int nc = open_file("f.nc"), g = group_of(nc, "n");
        const bool kept = keep != RJ_PER_PROMPT_SUMMARY;
        int dim = -1;
        assert_true(has(g, "alignment_matrix") == kept && has(g, "aprompt_id") == kept &&
                    has(g, "i") == kept);
        assert_int_equal(nc_inq_dimid(g, "aprompt", &dim) == NC_NOERR, kept);
        if (kept) {
            const size_t a[5] = {0, 2, 1, 3, 2}, b[5] = {1, 0, 2, 0, 1}; /* of the matrix: i = 4, j = 3 */
            text_is(g, "aprompt_id", 0, "prompt-1");
            text_is(g, "aprompt_id", 1, "prompt-4");
            assert_true(number(g, "aprompt_index", 0, 0, 0, 0) == 1 &&
                        number(g, "aprompt_index", 1, 0, 0, 0) == 4);
            assert_true(number(g, "i", 3, 0, 0, 0) == 4 && number(g, "j", 0, 0, 0, 0) == 1);
            assert_true(element(g, a) ==
                        syn_value(RJ_VAR_ALIGNMENT_MATRIX, 1, ((2 * 3 + 1) * 4 + 3) * 4 + 2));
            assert_true(element(g, b) ==
                        syn_value(RJ_VAR_ALIGNMENT_MATRIX, 4, ((0 * 3 + 2) * 4 + 0) * 4 + 1));
        }
        nc_close(nc);
    }
    for (int u = 0; u < SYN_UNITS; u++) free(path[u]);
}

/* Two files that differ in the signs of singular pairs are equal within a tolerance, never bit for bit. */
static void signs_of_alignment_matrices_are_arbitrary(void **x)
{
    const rj_shard_head h = syn_head("n", 0);
    rj_record *r = syn_record_of(&h, SYN_UNIT, true);
    char name[2 * RJ_NAME_SIZE];
    bool equal = true;
    (void)x;
    rj_shard_name(&h, name);
    assert_ok(rj_shard_write(syn_folder, &h, r));
    assert_int_equal(rename(syn_path(name), syn_path("a.nc")), 0);
    double *value = rj_record_at(r, RJ_VAR_ALIGNMENT_MATRIX, 0);
    value[5] = -value[5];
    assert_ok(rj_shard_write(syn_folder, &h, r));
    assert_ok(rj_results_compare(syn_path("a.nc"), syn_path(name), 0, &equal));
    assert_false(equal);
    assert_ok(rj_results_compare(syn_path("a.nc"), syn_path(name), 1e-9, &equal));
    assert_true(equal);
    value[5] *= 1.01;
    assert_ok(rj_shard_write(syn_folder, &h, r));
    assert_ok(rj_results_compare(syn_path("a.nc"), syn_path(name), 1e-9, &equal));
    assert_false(equal);
    rj_record_destroy(&r);
}

/* Scalars a prompt, a layer and a K stay, with the means of all that is pairwise; nothing of a prompt's spectra. */
static void summary_keeps_what_it_says(void **x)
{
    static const char *const gone[] = {"coupling_misfit", "excess_coupling", "subspace_vu",
                                       "singular_value",  "residual_right",  "residual_left"};
    const rj_results_model m = model_of(units, SYN_UNITS);
    char all[65], summary[65];
    int problems = -1;
    (void)x;
    assert_ok(rj_results_write(rj_test_comm, syn_path("f.nc"), 1, &m, RJ_PER_PROMPT_SUMMARY, 0, NULL));
    const int nc = open_file("f.nc"), g = group_of(nc, "m");
    for (size_t i = 0; i < sizeof gone / sizeof gone[0]; i++) assert_false(has(g, gone[i]));
    for (int i = 0; i < RJ_N_VARIABLES; i++) {
        const bool large = rj_schema_is_pairwise((rj_variable_id)i) || rj_schema[i].dims[2] == RJ_DIM_SV ||
                           i == RJ_VAR_ALIGNMENT_MATRIX || rj_schema[i].mode != RJ_MODE_DEPTH;
        if (!large && !has(g, rj_schema[i].name)) fail_msg("%s is missing", rj_schema[i].name);
    }
    assert_true(has(g, "coupling_misfit_mean") && has(g, "subspace_vu_sd") &&
                has(g, "excess_coupling_drop1"));
    assert_true(has(g, "layer") && has(g, "sv") && has(g, "k_label") && has(g, "prompt_id"));
    assert_true(number(g, "inverse_sv_slope", 4, 2, 0, 0) == syn_value(RJ_VAR_INVERSE_SV_SLOPE, 4, 2));
    assert_close(measure(nc, 0, "line_shape_score"), 1.0 + 0.5 * 2.5, 1e-12);
    nc_close(nc);
    assert_ok(rj_results_verify(syn_path("f.nc"), &problems));
    assert_int_equal(problems, 0);
    assert_ok(rj_results_write(rj_test_comm, syn_path("g.nc"), 1, &m, RJ_PER_PROMPT_NONE, 0, NULL));
    assert_ok(rj_results_hash(syn_path("f.nc"), summary));
    assert_ok(rj_results_hash(syn_path("g.nc"), all));
    assert_string_not_equal(all, summary);
}

/* Order of the shards, the moment they were written, what a prompt cost and where it ran: none of it is content. */
static void content_depends_on_values_alone(void **x)
{
    char *shuffled[SYN_UNITS] = {units[2], units[0], units[1]}, a[65], b[65], c[65];
    const rj_attribute first[] = {{"deck", "models: []", false}, {"hosts", "n1 n2", true}};
    const rj_attribute second[] = {{"deck", "models: []", false}, {"hosts", "n3", true}};
    const rj_attribute third[] = {{"deck", "models: [x]", false}, {"hosts", "n1 n2", true}};
    rj_results_model m = model_of(units, SYN_UNITS), s = model_of(shuffled, SYN_UNITS);
    bool equal = false;
    (void)x;
    assert_ok(rj_results_write(rj_test_comm, syn_path("a.nc"), 1, &m, RJ_PER_PROMPT_ALL, 2, first));
    for (int u = 0; u < SYN_UNITS; u++) { /* once more, with other times */
        const rj_shard_head h = syn_head("m", u);
        rj_record *r = syn_record(&h);
        for (ptrdiff_t p = 0; p < SYN_UNIT; p++) rj_record_at(r, RJ_VAR_PROMPT_SECONDS, p)[0] = 7.5;
        assert_ok(rj_shard_write(syn_folder, &h, r));
        rj_record_destroy(&r);
    }
    assert_ok(rj_results_write(rj_test_comm, syn_path("b.nc"), 1, &s, RJ_PER_PROMPT_ALL, 2, second));
    assert_ok(rj_results_hash(syn_path("a.nc"), a));
    assert_ok(rj_results_hash(syn_path("b.nc"), b));
    assert_string_equal(a, b);
    assert_ok(rj_results_compare(syn_path("a.nc"), syn_path("b.nc"), 0, &equal));
    assert_true(equal);
    assert_ok(rj_results_write(rj_test_comm, syn_path("c.nc"), 1, &m, RJ_PER_PROMPT_ALL, 2, third));
    assert_ok(rj_results_hash(syn_path("c.nc"), c));
    assert_string_not_equal(a, c);
    assert_ok(rj_results_compare(syn_path("a.nc"), syn_path("c.nc"), 0, &equal));
    assert_false(equal);
}

static void failed_and_partial_models_have_their_row(void **x)
{
    rj_results_model m[3] = {model_of(NULL, 0), model_of(units, 2), model_of(NULL, 0)};
    char long_status[400];
    (void)x;
    memset(long_status, 'x', sizeof long_status);
    memcpy(long_status, "failed: ", 8);
    memcpy(long_status + 123, "\xc3\xa9", 2); /* a character across the cut */
    long_status[399] = '\0';
    strcpy(m[0].facts.name, "gone");
    m[0].facts.n_parameters = 0;
    m[0].facts.n_layers = 0;
    m[0].status = long_status;
    m[1].status = "partial: 2 of 3 units";
    strcpy(m[2].facts.name, "late");
    m[2].status = "failed: late.gguf: no such file";
    assert_ok(rj_results_write(rj_test_comm, syn_path("f.nc"), 3, m, RJ_PER_PROMPT_NONE, 0, NULL));
    const int nc = open_file("f.nc");
    int id;
    size_t n = 0;
    memcpy(long_status + 123, "...", 4);
    text_is(nc, "model_name", 0, "gone");
    text_is(nc, "status", 0, long_status);
    text_is(nc, "status", 1, "partial: 2 of 3 units");
    text_is(nc, "family", 1, "llama");
    text_is(nc, "lineage", 1, "");
    assert_int_equal(nc_inq_ncid(nc, "gone", &id), NC_ENOGRP);
    assert_int_equal(nc_inq_dimid(group_of(nc, "m"), "prompt", &id), NC_NOERR);
    assert_int_equal(nc_inq_dimlen(group_of(nc, "m"), id, &n), NC_NOERR);
    assert_int_equal(n, 4);
    assert_true(isnan(measure(nc, 0, "ln_parameters")) && isnan(measure(nc, 0, "stable_rank")));
    assert_true(number(nc, "n_layers", 0, 0, 0, 0) == NC_FILL_INT &&
                number(nc, "n_layers", 1, 0, 0, 0) == SYN_L);
    assert_close(measure(nc, 1, "line_shape_score"), 1.75, 1e-12);
    assert_true(isnan(measure(nc, 2, "line_shape_score")));
    assert_close(measure(nc, 2, "ln_parameters"), log(1000.0), 1e-12);
    nc_close(nc);
}

static void shards_of_different_runs_are_refused(void **x)
{
    rj_shard_head other = syn_head("m", 1);
    char *mixed[2], *twice[2] = {units[1], units[1]};
    rj_results_model m = model_of(mixed, 2), t = model_of(twice, 2), two[2];
    (void)x;
    other.n_units = 7;
    other.key[0] = 'c';
    mixed[0] = units[0];
    mixed[1] = syn_write(syn_folder, &other);
    assert_int_equal(rj_results_write(rj_test_comm, syn_path("f.nc"), 1, &m, RJ_PER_PROMPT_NONE, 0, NULL),
                     RJ_ERR_FORMAT);
    assert_message("m-unit00000-aaaaaaaaaaaaaaaa.nc has n_units 3");
    assert_message("m-unit00001-caaaaaaaaaaaaaaa.nc has 7");
    assert_int_equal(rj_results_write(rj_test_comm, syn_path("f.nc"), 1, &t, RJ_PER_PROMPT_NONE, 0, NULL),
                     RJ_ERR_FORMAT);
    assert_message("are both unit 1 of model m");
    strcpy(t.facts.name, "k");
    assert_int_equal(rj_results_write(rj_test_comm, syn_path("f.nc"), 1, &t, RJ_PER_PROMPT_NONE, 0, NULL),
                     RJ_ERR_FORMAT);
    assert_message("is of model 'm', not 'k'");
    two[0] = two[1] = model_of(units, SYN_UNITS);
    assert_int_equal(rj_results_write(rj_test_comm, syn_path("f.nc"), 2, two, RJ_PER_PROMPT_NONE, 0, NULL),
                     RJ_ERR_USAGE);
    assert_message("model name 'm' appears twice");
    assert_int_equal(rj_results_write(rj_test_comm, syn_path("no/f.nc"), 1, two, RJ_PER_PROMPT_NONE, 0, NULL),
                     RJ_ERR_CREATE);
    assert_int_equal(access(syn_path("f.nc"), F_OK), -1);
    free(mixed[1]);
}

static void name_of_the_output_itself_is_refused(void **x)
{
    static const char *const name[] = {"value", "measure", "string128", "status"};
    (void)x;
    for (int i = 0; i < 4; i++) {
        const rj_shard_head h = syn_head(name[i], 0);
        char *path = syn_write(syn_folder, &h);
        rj_results_model m = model_of(&path, 1);
        m.facts = h.model;
        assert_int_equal(rj_results_write(rj_test_comm, syn_path("f.nc"), 1, &m, RJ_PER_PROMPT_NONE, 0, NULL),
                         RJ_ERR_USAGE);
        assert_message("is a variable or dimension of the output");
        assert_int_equal(access(syn_path("f.nc"), F_OK), -1);
        free(path);
    }
}

/* Deck and manifest may be long; HDF5 has a limit of 64 KiB on attributes of its old format. */
static void long_attributes_fit(void **x)
{
    const rj_results_model m = model_of(units, SYN_UNITS);
    const size_t n = 300000;
    char *text = malloc(n + 1), *back = malloc(n + 1);
    const rj_attribute a = {"deck", text, false};
    (void)x;
    memset(text, 'd', n);
    text[n] = back[n] = '\0';
    assert_ok(rj_results_write(rj_test_comm, syn_path("f.nc"), 1, &m, RJ_PER_PROMPT_NONE, 1, &a));
    const int nc = open_file("f.nc");
    assert_int_equal(nc_get_att_text(nc, NC_GLOBAL, "deck", back), NC_NOERR);
    assert_string_equal(text, back);
    nc_close(nc);
    free(text);
    free(back);
}

static void units_of_a_folder_are_found(void **x)
{
    const rj_shard_head h[2] = {syn_head("B", 2), syn_head("B", 0)};
    rj_results_model *m = NULL;
    int n = 0;
    (void)x;
    assert_int_equal(mkdir(syn_path("o.d"), 0700), 0);
    assert_int_equal(rj_results_find(syn_path("o.d"), &n, &m), RJ_ERR_MISSING);
    assert_message("holds no unit");
    assert_int_equal(mkdir(syn_path("o.d/units"), 0700), 0);
    for (int u = 0; u < 2; u++) free(syn_write(syn_path("o.d/units"), &h[u]));
    for (int u = 0; u < SYN_UNITS; u++) {
        const rj_shard_head own = syn_head("m", u);
        free(syn_write(syn_path("o.d/units"), &own));
    }
    fclose(fopen(syn_path("o.d/units/m-unit00000-aaaaaaaaaaaaaaaa.nc.tmp.host.1"), "w"));
    fclose(
        fopen(syn_path("o.d/units/B-unit00001-aaaaaaaaaaaaaaaa.nc"), "w")); /* empty: warned of, left out */
    for (int pass = 0; pass < 2; pass++) {
        assert_ok(rj_results_find(pass == 0 ? syn_path("o.d") : syn_path("o.d/units"), &n, &m));
        assert_int_equal(n, 2);
        assert_string_equal(m[0].facts.name, "B");
        assert_string_equal(m[0].status, "partial: 2 of 3 units");
        assert_int_equal(m[0].n_shards, 2);
        assert_string_equal(m[1].facts.name, "m");
        assert_string_equal(m[1].status, "ok");
        assert_non_null(strstr(m[1].shard[2], "m-unit00002-"));
        assert_ok(rj_results_write(rj_test_comm, syn_path("f.nc"), n, m, RJ_PER_PROMPT_NONE, 0, NULL));
        rj_results_free(n, &m);
        assert_null(m);
    }
    assert_int_equal(rj_results_find(syn_path("absent"), &n, &m), RJ_ERR_MISSING);
}

static void no_memory_leaves_nothing(void **x)
{
    const rj_results_model m = model_of(units, SYN_UNITS);
    rj_results_model *found = NULL;
    rj_status st = RJ_ERR_NOMEM;
    int n_found = 0;
    (void)x;
    for (int n = 0; st != RJ_OK; n += n < 60 ? 3 : 67) {
        rj_memory_fail_after(n);
        st = rj_results_write(rj_test_comm, syn_path("f.nc"), 1, &m, RJ_PER_PROMPT_COUPLING, 0, NULL);
        rj_memory_fail_after(-1);
        assert_int_equal(rj_memory_live(), 0);
        assert_int_equal(syn_files(syn_folder), SYN_UNITS + (st == RJ_OK));
        if (st != RJ_OK) assert_int_equal(st, RJ_ERR_NOMEM);
    }
    st = RJ_ERR_NOMEM;
    for (int n = 0; st != RJ_OK; n++) {
        rj_memory_fail_after(n);
        st = rj_results_find(syn_folder, &n_found, &found);
        rj_memory_fail_after(-1);
        if (st == RJ_OK) break;
        assert_int_equal(st, RJ_ERR_NOMEM);
        assert_int_equal(rj_memory_live(), 0);
    }
    rj_results_free(n_found, &found);
}

static void ncdump_reads_it(void **x)
{
    const rj_results_model m = model_of(units, SYN_UNITS);
    char command[2048], line[512];
    int found = 0;
    (void)x;
    if (system("command -v ncdump >/dev/null 2>&1") != 0) skip();
    assert_ok(rj_results_write(rj_test_comm, syn_path("f.nc"), 1, &m, RJ_PER_PROMPT_COUPLING, 0, NULL));
    snprintf(command, sizeof command, "ncdump -hs '%s'", syn_path("f.nc"));
    FILE *out = popen(command, "r");
    assert_non_null(out);
    while (fgets(line, sizeof line, out) != NULL) {
        found += strstr(line, "group: m {") != NULL;
        found += strstr(line, "float coupling_misfit(prompt, k, layer, layer_j) ;") != NULL;
        found += strstr(line, "coupling_misfit:_ChunkSizes = 6, 1, 3, 3 ;") != NULL;
        found += strstr(line, "coupling_misfit:_Shuffle = \"true\" ;") != NULL;
        found += strstr(line, "coupling_misfit:_DeflateLevel = 1 ;") != NULL;
        found += strstr(line, "coupling_misfit:_FillValue = NaNf ;") != NULL;
        found += strstr(line, "double value(model, measure) ;") != NULL;
        found += strstr(line, "model_name:_Encoding = \"utf-8\" ;") != NULL;
        found += strstr(line, "prompt_seconds:nondeterministic = 1b ;") != NULL;
        found += strstr(line, ":Conventions = \"CF-1.10\" ;") != NULL;
    }
    assert_int_equal(pclose(out), 0);
    assert_int_equal(found, 10);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(means_and_deviations_by_hand),
        TEST(missing_values_are_left_out),
        TEST(per_prompt_keeps_what_it_says),
        TEST(alignment_matrices_follow_each_other),
        TEST(signs_of_alignment_matrices_are_arbitrary),
        TEST(summary_keeps_what_it_says),
        TEST(content_depends_on_values_alone),
        TEST(failed_and_partial_models_have_their_row),
        TEST(shards_of_different_runs_are_refused),
        TEST(name_of_the_output_itself_is_refused),
        TEST(long_attributes_fit),
        TEST(units_of_a_folder_are_found),
        TEST(no_memory_leaves_nothing),
        TEST(ncdump_reads_it),
    };
    rj_test_begin(&argc, &argv);
    return rj_test_end(cmocka_run_group_tests(tests, NULL, NULL));
}
