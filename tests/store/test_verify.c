/* test_verify.c: what verify finds, what compare tells, and what the content hash does not depend on. */
#include "synthetic.h"

#include "resjac/store/seal.h"
#include "rj_test.h"

#include <fcntl.h>

#include <netcdf.h>

static char log_text[8192];

/* Runs `call` with stderr in log_text. */
#define WITH_LOG(call)                                                                                       \
    do {                                                                                                     \
        const int err_ = log_start();                                                                        \
        call;                                                                                                \
        log_end(err_);                                                                                       \
    } while (0)

static int log_start(void)
{
    fflush(stderr);
    const int before = dup(STDERR_FILENO), file = open(syn_path("log"), O_CREAT | O_TRUNC | O_RDWR, 0600);
    dup2(file, STDERR_FILENO);
    close(file);
    return before;
}

static void log_end(int before)
{
    fflush(stderr);
    lseek(STDERR_FILENO, 0, SEEK_SET);
    const ssize_t n = read(STDERR_FILENO, log_text, sizeof log_text - 1);
    log_text[n > 0 ? n : 0] = '\0';
    dup2(before, STDERR_FILENO);
    close(before);
}

static void logged(const char *text)
{
    if (strstr(log_text, text) == NULL) fail_msg("'%s' is not in the log: %s", text, log_text);
}

static int problems_of(const char *path)
{
    int n = -1;
    WITH_LOG(assert_ok(rj_results_verify(path, &n)));
    return n;
}

/* A unit in which element i of prompt 1 is x, and the first of another variable other_value; freed by free. */
static char *write_two(rj_variable_id id, ptrdiff_t i, double x, const char *arithmetic, rj_variable_id other,
                       double other_value)
{
    rj_shard_head h = syn_head("m", 0);
    char path[1024];
    rj_record *r = syn_record(&h);

    h.arithmetic = arithmetic;
    rj_record_at(r, id, 1)[i] = x;
    if (other != RJ_N_VARIABLES) rj_record_at(r, other, 1)[0] = other_value;
    if (rj_shard_write(syn_folder, &h, r) != RJ_OK) fail_msg("%s", rj_status_message());
    rj_record_destroy(&r);
    snprintf(path, sizeof path, "%s/m-unit00000-aaaaaaaaaaaaaaaa.nc", syn_folder);
    return strdup(path);
}

static char *write_with(rj_variable_id id, ptrdiff_t i, double x, const char *arithmetic)
{
    return write_two(id, i, x, arithmetic, RJ_N_VARIABLES, 0);
}

static void sound_files_have_no_problems(void **x)
{
    char *unit = write_with(RJ_VAR_STEP_NORM, 0, 1.0, "single");
    const rj_results_model m = {
        .facts = syn_head("m", 0).model, .status = "ok", .n_shards = 1, .shard = &unit};
    (void)x;
    assert_int_equal(problems_of(unit), 0);
    for (int keep = RJ_PER_PROMPT_NONE; keep <= RJ_PER_PROMPT_ALL; keep++) {
        assert_ok(rj_results_write(rj_test_comm, syn_path("f.nc"), 1, &m, (rj_per_prompt)keep, 0, NULL));
        assert_int_equal(problems_of(syn_path("f.nc")), 0);
        assert_string_equal(log_text, "");
    }
    free(unit);
}

static void each_broken_invariant_is_named(void **x)
{
    static const struct {
        rj_variable_id id;
        ptrdiff_t i;
        double value;
        const char *arithmetic, *text;
        int n;
    } row[] = {
        {RJ_VAR_SINGULAR_VALUE, 6, 20.0, "single",
         "singular_value: singular values are not in descending order: 1 times, first [1,1,1] = 20", 1},
        {RJ_VAR_SINGULAR_VALUE, 4, -1.0, "single", "a singular value is negative", 1},
        {RJ_VAR_RESIDUAL_LEFT, 3, 2e-4, "single",
         "residual_left: residual above 1e-4 (single precision): 1 times, first [1,0,3]", 1},
        {RJ_VAR_RESIDUAL_RIGHT, 0, 5e-5, "single", "", 0},
        {RJ_VAR_LINE_SHAPE_SCORE, 0, 0.999, "single",
         "line_shape_score: line-shape score below 1: 1 times, first [1]", 1},
        {RJ_VAR_LINE_SHAPE_SCORE, 0, 1.0 - 5e-13, "single", "", 0},
        {RJ_VAR_COUPLING_MISFIT, 13, 1e-5, "single",
         "coupling_misfit: misfit of a block with itself above 5e-6 (single precision): 1 times, first "
         "[1,1,1,1]",
         1},
        {RJ_VAR_COUPLING_MISFIT, 13, (double)NAN, "single", "", 0},
        {RJ_VAR_COUPLING_MISFIT, 12, -0.5, "single", "a misfit is negative", 1},
        {RJ_VAR_HIDDEN_NORM, 2, (double)INFINITY, "single",
         "hidden_norm: infinite: 1 times, first [1,2] = inf", 1},
        {RJ_VAR_STEP_COSINE, 0, 0.0, "double",
         "residual_left: residual above 1e-10 (double precision): 30 times, first [0,0,0]", 2},
    };
    (void)x;
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        char *unit = write_with(row[i].id, row[i].i, row[i].value, row[i].arithmetic);
        assert_int_equal(problems_of(unit), row[i].n);
        logged(row[i].text);
        free(unit);
    }
}

/* Of a Krylov decomposition the first max K + 3 triplets are certified, by svd.tolerance; others are kept within 1e-2. */
static void residuals_of_a_krylov_decomposition(void **x)
{
    char *unit = write_two(RJ_VAR_RESIDUAL_LEFT, 3, 9e-4, "single", RJ_VAR_SVD_METHOD, 3.0);
    (void)x;
    assert_int_equal(problems_of(unit), 0);
    free(unit);
    unit = write_two(RJ_VAR_RESIDUAL_LEFT, 3, 5e-2, "single", RJ_VAR_SVD_METHOD, 3.0);
    assert_int_equal(problems_of(unit), 1);
    free(unit);
}

/* The mean's diagonal speaks for prompts that the final file does not keep. */
static void means_are_checked_too(void **x)
{
    char *unit = write_with(RJ_VAR_COUPLING_MISFIT, 13, 1e-3, "single");
    const rj_results_model m = {
        .facts = syn_head("m", 0).model, .status = "ok", .n_shards = 1, .shard = &unit};
    (void)x;
    assert_ok(rj_results_write(rj_test_comm, syn_path("f.nc"), 1, &m, RJ_PER_PROMPT_NONE, 0, NULL));
    assert_int_equal(problems_of(syn_path("f.nc")), 1);
    logged("m/coupling_misfit_mean: misfit of a block with itself above 5e-6 (single precision): 1 times, "
           "first [1,1,1]");
    free(unit);
}

/* Changes one value of the final file as another tool would, and seals what it made: a file without a seal is not opened. */
static void edit(const char *path, double x)
{
    int nc, group, id;
    const size_t at[2] = {0, 1};
    assert_int_equal(nc_open(path, NC_WRITE, &nc), NC_NOERR);
    assert_int_equal(nc_inq_ncid(nc, "m", &group), NC_NOERR);
    assert_int_equal(nc_inq_varid(group, "step_norm", &id), NC_NOERR);
    assert_int_equal(nc_put_var1_double(group, id, at, &x), NC_NOERR);
    assert_int_equal(nc_close(nc), NC_NOERR);
    assert_int_equal(rj_results_verify(path, &id), RJ_ERR_FORMAT);
    assert_message("the checksum at its end is missing");
    assert_ok(rj_seal_add(path));
}

static void edited_file_is_told_and_the_difference_named(void **x)
{
    char *unit = write_with(RJ_VAR_STEP_NORM, 0, 1.0, "single");
    const rj_results_model m = {
        .facts = syn_head("m", 0).model, .status = "ok", .n_shards = 1, .shard = &unit};
    bool equal = true;
    (void)x;
    assert_ok(rj_results_write(rj_test_comm, syn_path("a.nc"), 1, &m, RJ_PER_PROMPT_COUPLING, 0, NULL));
    assert_ok(rj_results_write(rj_test_comm, syn_path("b.nc"), 1, &m, RJ_PER_PROMPT_COUPLING, 0, NULL));
    WITH_LOG(assert_ok(rj_results_compare(syn_path("a.nc"), syn_path("b.nc"), 0, &equal)));
    assert_true(equal);
    edit(syn_path("b.nc"), 0.125);
    assert_int_equal(problems_of(syn_path("b.nc")), 1);
    logged("content_sha256 says");
    WITH_LOG(assert_ok(rj_results_compare(syn_path("a.nc"), syn_path("b.nc"), 0, &equal)));
    assert_false(equal);
    logged("differ in m/: variable step_norm[0,1]: 4.0009765625 and 0.125");
    WITH_LOG(assert_ok(rj_results_compare(unit, syn_path("a.nc"), 0, &equal)));
    assert_false(equal);
    logged("differ in the root: attribute");
    free(unit);
}

/* nccopy's work by hand: other chunks, no compression, another NaN. */
static void content_does_not_depend_on_storage(void **x)
{
    const uint64_t bits[2] = {UINT64_C(0x7ff8000000000000), UINT64_C(0xfff8000000000123)};
    char hash[2][65];
    (void)x;
    for (int v = 0; v < 2; v++) {
        int nc, dim[2], id, one = 1;
        static double value[4 * 7000];
        double nan;
        const size_t chunk[2] = {2, 500};
        memcpy(&nan, &bits[v], sizeof nan);
        for (int i = 0; i < 28000; i++) value[i] = i % 10 == 3 ? nan : i;
        assert_int_equal(nc_create(syn_path("s.nc"), NC_NETCDF4, &nc), NC_NOERR);
        nc_def_dim(nc, "a", 4, &dim[0]);
        nc_def_dim(nc, "b", 7000, &dim[1]);
        nc_def_var(nc, "v", NC_DOUBLE, 2, dim, &id);
        if (v == 1) nc_def_var_chunking(nc, id, NC_CHUNKED, chunk);
        if (v == 1) nc_def_var_deflate(nc, id, 1, 1, 9);
        if (v == 0) nc_put_att_int(nc, id, "x", NC_INT, 1, &one);
        nc_put_att_text(nc, id, "units", 1, "1");
        if (v == 1) nc_put_att_int(nc, id, "x", NC_INT, 1, &one); /* attributes have no order */
        assert_int_equal(nc_put_var_double(nc, id, value), NC_NOERR);
        assert_int_equal(nc_close(nc), NC_NOERR);
        assert_ok(rj_results_hash(syn_path("s.nc"), hash[v]));
    }
    assert_string_equal(hash[0], hash[1]);
}

/* Variables larger than one slab, and every shape around its limit: each element is read once and in order. */
static void large_variables_are_read_in_parts(void **x)
{
    static const size_t shape[][3] = {{3, 5, 1 << 15}, {2, 1 << 17, 2}, {1 << 18, 1, 1}, {5, 3, 1 << 18}};
    char hash[65], other[65];
    const size_t n_max = 5 * 3 * (1 << 18);
    double *value = calloc(n_max, sizeof *value);
    (void)x;
    for (size_t s = 0; s < sizeof shape / sizeof shape[0]; s++) {
        const size_t n = shape[s][0] * shape[s][1] * shape[s][2], at[3] = {n / 8, n - 1, 0};
        int nc, dim[3], id;
        assert_int_equal(nc_create(syn_path("l.nc"), NC_NETCDF4, &nc), NC_NOERR);
        for (int d = 0; d < 3; d++) nc_def_dim(nc, d == 0 ? "a" : d == 1 ? "b" : "c", shape[s][d], &dim[d]);
        nc_def_var(nc, "v", NC_DOUBLE, 3, dim, &id);
        assert_int_equal(nc_put_var_double(nc, id, value), NC_NOERR);
        assert_int_equal(nc_close(nc), NC_NOERR);
        assert_ok(rj_results_hash(syn_path("l.nc"), hash));
        for (int i = 0; i < 3; i++) {
            size_t index[3] = {at[i] / shape[s][2] / shape[s][1], at[i] / shape[s][2] % shape[s][1],
                               at[i] % shape[s][2]};
            double v = 1.0;
            assert_int_equal(nc_open(syn_path("l.nc"), NC_WRITE, &nc), NC_NOERR);
            assert_int_equal(nc_put_var1_double(nc, 0, index, &v), NC_NOERR);
            assert_int_equal(nc_close(nc), NC_NOERR);
            assert_ok(rj_results_hash(syn_path("l.nc"), other));
            assert_string_not_equal(hash, other);
            v = 0.0;
            assert_int_equal(nc_open(syn_path("l.nc"), NC_WRITE, &nc), NC_NOERR);
            assert_int_equal(nc_put_var1_double(nc, 0, index, &v), NC_NOERR);
            assert_int_equal(nc_close(nc), NC_NOERR);
        }
        assert_ok(rj_results_hash(syn_path("l.nc"), other));
        assert_string_equal(hash, other);
    }
    free(value);
}

static void difference_far_into_a_variable_is_placed(void **x)
{
    const size_t n = 400000;
    double *value = calloc(n, sizeof *value);
    bool equal = true;
    (void)x;
    for (int file = 0; file < 2; file++) {
        int nc, dim, id;
        value[300001] = file;
        assert_int_equal(nc_create(syn_path(file == 0 ? "a.nc" : "b.nc"), NC_NETCDF4, &nc), NC_NOERR);
        assert_int_equal(nc_def_dim(nc, "a", n, &dim), NC_NOERR);
        assert_int_equal(nc_def_var(nc, "v", NC_DOUBLE, 1, &dim, &id), NC_NOERR);
        assert_int_equal(nc_put_var_double(nc, id, value), NC_NOERR);
        assert_int_equal(nc_close(nc), NC_NOERR);
        assert_ok(rj_seal_add(syn_path(file == 0 ? "a.nc" : "b.nc")));
    }
    WITH_LOG(assert_ok(rj_results_compare(syn_path("a.nc"), syn_path("b.nc"), 0, &equal)));
    assert_false(equal);
    logged("differ in the root: variable v[300001]: 0 and 1");
    free(value);
}

static void files_that_are_not_ours_are_refused(void **x)
{
    int nc, n = -1;
    bool equal;
    (void)x;
    assert_int_equal(rj_results_verify(syn_path("none.nc"), &n), RJ_ERR_MISSING);
    assert_int_equal(rj_results_compare(syn_path("none.nc"), syn_path("none.nc"), 0, &equal), RJ_ERR_MISSING);
    assert_int_equal(nc_create(syn_path("o.nc"), NC_NETCDF4, &nc), NC_NOERR);
    assert_int_equal(nc_put_att_text(nc, NC_GLOBAL, "resjac_format", 5, "other"), NC_NOERR);
    assert_int_equal(nc_close(nc), NC_NOERR);
    assert_ok(rj_seal_add(syn_path("o.nc")));
    assert_int_equal(rj_results_verify(syn_path("o.nc"), &n), RJ_ERR_FORMAT);
    assert_message("its resjac_format is 'other'");
    assert_int_equal(n, -1);
    FILE *f = fopen(syn_path("text.nc"), "w");
    fputs("not a NetCDF file\n", f);
    fclose(f);
    assert_int_equal(rj_results_verify(syn_path("text.nc"), &n), RJ_ERR_FORMAT);
    assert_message("text.nc: the checksum at its end is missing");
    assert_ok(rj_seal_add(syn_path("text.nc")));
    assert_int_equal(rj_results_verify(syn_path("text.nc"), &n), RJ_ERR_FORMAT);
    assert_message("text.nc: nc_open: NetCDF: Unknown file format");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, syn_setup, syn_teardown)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        TEST(sound_files_have_no_problems),
        TEST(each_broken_invariant_is_named),
        TEST(residuals_of_a_krylov_decomposition),
        TEST(means_are_checked_too),
        TEST(edited_file_is_told_and_the_difference_named),
        TEST(content_does_not_depend_on_storage),
        TEST(large_variables_are_read_in_parts),
        TEST(difference_far_into_a_variable_is_placed),
        TEST(files_that_are_not_ours_are_refused),
    };
    rj_test_begin(&argc, &argv);
    return rj_test_end(cmocka_run_group_tests(tests, NULL, NULL));
}
