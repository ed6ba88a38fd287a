/* test_shard.c: a unit written and read back; broken, altered and foreign files; a full disk; no memory. */
#include "synthetic.h"

#include <signal.h>
#include <sys/resource.h>

#include <netcdf.h>

#include "resjac/store/seal.h"
#include "resjac/store/shard.h"

static void assert_same_record(const rj_record *a, const rj_record *b)
{
    assert_memory_equal(&a->sizes, &b->sizes, sizeof a->sizes);
    for (int id = 0; id < RJ_N_VARIABLES; id++)
        for (ptrdiff_t p = 0; p < rj_schema_rows((rj_variable_id)id, &a->sizes); p++)
            for (ptrdiff_t i = 0; i < rj_schema_count((rj_variable_id)id, &a->sizes); i++) {
                const double u = rj_record_at(a, (rj_variable_id)id, p)[i];
                const double v = rj_record_at(b, (rj_variable_id)id, p)[i];
                if (!(isnan(u) && isnan(v)) && u != v)
                    fail_msg("%s[%td,%td]: %g, %g", rj_schema[id].name, p, i, u, v);
            }
    for (ptrdiff_t p = 0; p < SYN_UNIT; p++) {
        assert_string_equal(a->prompt_id[p], b->prompt_id[p]);
        assert_string_equal(a->prompt_sha256[p], b->prompt_sha256[p]);
    }
}

static void unit_comes_back_as_it_was(void **x)
{
    const rj_shard_head h = syn_head("A.b-1", 1);
    rj_record *r = syn_record(&h);
    rj_shard *s = NULL;
    (void)x;
    rj_record_at(r, RJ_VAR_KINK_COUNT, 1)[2] = (double)NAN; /* an integer that is missing */
    rj_record_at(r, RJ_VAR_COUPLING_MISFIT, 0)[5] = (double)NAN;
    rj_record_at(r, RJ_VAR_STEP_NORM, 0)[0] = 1.0 / 3.0;
    assert_ok(rj_shard_write(syn_folder, &h, r));
    assert_ok(rj_shard_read(syn_path("A.b-1-unit00001-aaaaaaaaaaaaaaaa.nc"), &s));
    assert_same_record(r, s->record);
    assert_true(isnan(s->head.model.series_step));
    s->head.model.series_step = h.model.series_step;
    assert_string_equal(s->head.model.name, "A.b-1");
    assert_string_equal(s->head.model.family, "llama");
    assert_string_equal(s->head.model.benchmark_name, "org/Model");
    assert_string_equal(s->head.model.series_name, "");
    assert_string_equal(s->head.model.fingerprint, h.model.fingerprint);
    assert_int_equal(s->head.model.n_parameters, 1000);
    assert_int_equal(s->head.model.n_layers, SYN_L);
    assert_int_equal(s->head.model.d_model, SYN_D);
    assert_int_equal(s->head.model.trained, 1);
    assert_int_equal(s->head.unit, 1);
    assert_int_equal(s->head.n_units, SYN_UNITS);
    assert_int_equal(s->head.first_prompt, SYN_UNIT);
    assert_int_equal(s->head.n_prompts_all, SYN_UNIT * SYN_UNITS);
    assert_int_equal(s->head.n_k, SYN_K);
    for (int k = 0; k < SYN_K; k++) {
        assert_int_equal(s->head.k_count[k], syn_count[k]);
        assert_string_equal(s->head.k_label[k], syn_label[k]);
    }
    assert_string_equal(s->head.key, h.key);
    assert_string_equal(s->head.arithmetic, "single");
    assert_string_equal(s->head.last_block, "raw");
    assert_int_equal(syn_files(syn_folder), 1); /* no temporary is left */
    rj_shard_close(&s);
    rj_record_destroy(&r);
}

/* Prompt 1 of unit 0 has an alignment matrix; unit 1 (prompts 2, 3) has none, and nothing that speaks of any. */
static void alignment_matrices_come_back_where_there_are_any(void **x)
{
    static const char *const name[] = {"alignment_matrix", "aprompt_id", "aprompt_index", "i", "j"};
    const rj_shard_head h[2] = {syn_head("m", 0), syn_head("m", 1)};
    (void)x;
    for (int u = 0; u < 2; u++) {
        rj_record *r = syn_record_of(&h[u], SYN_UNIT, true);
        rj_shard *s = NULL;
        char file[2 * RJ_NAME_SIZE];
        int nc = -1, id = -1;
        if (u == 0) rj_record_at(r, RJ_VAR_ALIGNMENT_MATRIX, 0)[7] = (double)NAN;
        assert_ok(rj_shard_write(syn_folder, &h[u], r));
        rj_shard_name(&h[u], file);
        assert_ok(rj_shard_read(syn_path(file), &s));
        assert_same_record(r, s->record);
        assert_int_equal(s->record->sizes.size[RJ_DIM_APROMPT], u == 0);
        if (u == 0) assert_int_equal(s->record->aprompt[0], 1);
        assert_int_equal(nc_open(syn_path(file), NC_NOWRITE, &nc), NC_NOERR);
        for (size_t i = 0; i < sizeof name / sizeof name[0]; i++)
            assert_int_equal(nc_inq_varid(nc, name[i], &id) == NC_NOERR, u == 0);
        assert_int_equal(nc_inq_dimid(nc, "aprompt", &id) == NC_NOERR, u == 0);
        nc_close(nc);
        rj_shard_close(&s);
        rj_record_destroy(&r);
    }
}

static void unit_is_done_only_whole_and_with_its_key(void **x)
{
    rj_shard_head h = syn_head("m", 0);
    bool done = true;
    int missing = -1;
    (void)x;
    assert_ok(rj_shard_is_done(syn_folder, &h, &done, &missing));
    assert_false(done);
    free(syn_write(syn_folder, &h));
    assert_ok(rj_shard_is_done(syn_folder, &h, &done, &missing));
    assert_true(done);
    h.key[63] = 'b'; /* the same file name, another key */
    assert_ok(rj_shard_is_done(syn_folder, &h, &done, &missing));
    assert_false(done);
    assert_int_equal(syn_files(syn_folder), 1);
}

/* The last bit of a stored number, so that the library itself cannot notice. */
static void alter(const char *path)
{
    int nc, id;
    const size_t at[2] = {1, 2};
    double v;

    assert_int_equal(nc_open(path, NC_WRITE, &nc), NC_NOERR);
    assert_int_equal(nc_inq_varid(nc, "step_norm", &id), NC_NOERR);
    assert_int_equal(nc_get_var1_double(nc, id, at, &v), NC_NOERR);
    v = nextafter(v, 1e9);
    assert_int_equal(nc_put_var1_double(nc, id, at, &v), NC_NOERR);
    assert_int_equal(nc_close(nc), NC_NOERR);
}

static void altered_unit_is_refused_and_set_aside(void **x)
{
    const rj_shard_head h = syn_head("m", 0);
    char *path = syn_write(syn_folder, &h);
    rj_shard *s = NULL;
    bool done = true;
    int missing = -1;
    (void)x;
    alter(path);
    assert_int_equal(rj_shard_read(path, &s), RJ_ERR_FORMAT);
    assert_message("altered");
    assert_null(s);
    assert_ok(rj_shard_is_done(syn_folder, &h, &done, &missing));
    assert_false(done);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(access(syn_path("m-unit00000-aaaaaaaaaaaaaaaa.nc.broken"), F_OK), 0);
    free(path);
}

static rj_status read_bytes(const char *bytes, size_t n, rj_shard **shard)
{
    const char *path = syn_path("copy.nc");
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
    return rj_shard_read(path, shard);
}

/* HDF5 itself crashes on some of them: none may reach it. */
static void cut_and_flipped_units_are_refused(void **x)
{
    const rj_shard_head h = syn_head("m", 0);
    char *path = syn_write(syn_folder, &h), *bytes = NULL;
    rj_shard *s = NULL;
    struct stat file;
    FILE *f = fopen(path, "rb");
    (void)x;
    assert_int_equal(stat(path, &file), 0);
    const size_t size = (size_t)file.st_size;
    bytes = malloc(size);
    assert_int_equal(fread(bytes, 1, size, f), size);
    fclose(f);
    for (size_t at = 0; at < size; at += at < size - 48 ? 101 : 1) {
        bytes[at] ^= 1;
        assert_int_equal(read_bytes(bytes, size, &s), RJ_ERR_FORMAT);
        bytes[at] ^= 1;
    }
    for (size_t n = 0; n < size; n += n < 4096 ? 97 : 4999)
        assert_int_equal(read_bytes(bytes, n, &s), RJ_ERR_FORMAT);
    assert_int_equal(read_bytes(bytes, size - 1, &s), RJ_ERR_FORMAT);
    assert_message("copy.nc: the checksum at its end is missing");
    assert_ok(read_bytes(bytes, size, &s));
    rj_shard_close(&s);
    free(bytes);
    free(path);
}

static void foreign_files_are_refused(void **x)
{
    rj_shard *s = NULL;
    int nc;
    (void)x;
    assert_int_equal(rj_shard_read(syn_path("none.nc"), &s), RJ_ERR_MISSING);
    assert_message("none.nc: cannot open: No such file");
    assert_int_equal(rj_shard_read(syn_folder, &s), RJ_ERR_FORMAT);
    assert_message("not a regular file");
    assert_int_equal(nc_create(syn_path("other.nc"), NC_NETCDF4, &nc), NC_NOERR);
    assert_int_equal(nc_close(nc), NC_NOERR);
    assert_int_equal(rj_shard_read(syn_path("other.nc"), &s), RJ_ERR_FORMAT);
    assert_message("other.nc: the checksum at its end is missing");
    assert_ok(rj_seal_add(syn_path("other.nc")));
    assert_int_equal(rj_shard_read(syn_path("other.nc"), &s), RJ_ERR_FORMAT);
    assert_message("other.nc: the text attribute 'resjac_format' is missing");
    assert_int_equal(nc_create(syn_path("classic.nc"), 0, &nc), NC_NOERR);
    assert_int_equal(nc_close(nc), NC_NOERR);
    assert_ok(rj_seal_add(syn_path("classic.nc")));
    assert_int_equal(rj_shard_read(syn_path("classic.nc"), &s), RJ_ERR_FORMAT);
}

/* A variable that a file of its size cannot hold is no reason to read, in whatever group it is. */
static void made_up_variables_are_refused(void **x)
{
    rj_shard *s = NULL;
    int nc, group, dim, id;
    (void)x;
    assert_int_equal(nc_create(syn_path("bomb.nc"), NC_NETCDF4, &nc), NC_NOERR);
    assert_int_equal(nc_def_grp(nc, "m", &group), NC_NOERR);
    assert_int_equal(nc_def_grp(group, "self", &group), NC_NOERR);
    assert_int_equal(nc_def_dim(group, "a", 1 << 20, &dim), NC_NOERR);
    assert_int_equal(nc_def_var(group, "v", NC_DOUBLE, 2, (int[]){dim, dim}, &id), NC_NOERR);
    assert_int_equal(nc_def_var_chunking(group, id, NC_CHUNKED, (size_t[]){1000, 1000}), NC_NOERR);
    assert_int_equal(nc_close(nc), NC_NOERR);
    assert_ok(rj_seal_add(syn_path("bomb.nc")));
    assert_int_equal(rj_shard_read(syn_path("bomb.nc"), &s), RJ_ERR_FORMAT);
    assert_message("cannot hold the 8796093022208 that its variables ask for");
    assert_int_equal(nc_open(syn_path("bomb.nc"), NC_WRITE, &nc), NC_NOERR);
    assert_int_equal(nc_def_dim(nc, "b", (size_t)1 << 40, &dim), NC_NOERR);
    assert_int_equal(nc_close(nc), NC_NOERR);
    assert_ok(rj_seal_add(syn_path("bomb.nc")));
    assert_int_equal(rj_shard_read(syn_path("bomb.nc"), &s), RJ_ERR_FORMAT);
    assert_message("cannot hold a dimension of 1099511627776");
}

/* Dimensions that a file of its size cannot hold must not reach the allocator. */
static void made_up_sizes_are_refused(void **x)
{
    static const char *const name[] = {"prompt", "layer", "layer_j", "depth", "k", "sv", "pc"};
    static const size_t size[] = {1 << 20, 1000, 1000, 1001, 4, 114, 3};
    rj_shard *s = NULL;
    int nc, dim;
    (void)x;
    assert_int_equal(nc_create(syn_path("bomb.nc"), NC_NETCDF4, &nc), NC_NOERR);
    nc_put_att_text(nc, NC_GLOBAL, "resjac_format", 14, "resjac shard 1");
    for (int i = 0; i < 7; i++) assert_int_equal(nc_def_dim(nc, name[i], size[i], &dim), NC_NOERR);
    assert_int_equal(nc_close(nc), NC_NOERR);
    assert_ok(rj_seal_add(syn_path("bomb.nc")));
    assert_int_equal(rj_shard_read(syn_path("bomb.nc"), &s), RJ_ERR_FORMAT);
    assert_message("cannot hold");
}

static void folder_that_is_not_there_cannot_be_written(void **x)
{
    const rj_shard_head h = syn_head("m", 0);
    rj_record *r = syn_record(&h);
    FILE *f = fopen(syn_path("file"), "w");
    (void)x;
    fclose(f);
    assert_int_equal(rj_shard_write(syn_path("absent"), &h, r), RJ_ERR_CREATE);
    assert_message("absent/m-unit00000-aaaaaaaaaaaaaaaa.nc");
    assert_message("No such file or directory");
    assert_int_equal(rj_shard_write(syn_path("file"), &h, r), RJ_ERR_CREATE);
    assert_message("Not a directory");
    if (geteuid() != 0) { /* root may write everywhere */
        assert_int_equal(chmod(syn_folder, 0500), 0);
        assert_int_equal(rj_shard_write(syn_folder, &h, r), RJ_ERR_CREATE);
        assert_message("Permission denied");
        assert_int_equal(chmod(syn_folder, 0700), 0);
    }
    rj_record_destroy(&r);
}

static void name_that_is_a_folder_cannot_be_replaced(void **x)
{
    const rj_shard_head h = syn_head("m", 0);
    rj_record *r = syn_record(&h);
    (void)x;
    assert_int_equal(mkdir(syn_path("m-unit00000-aaaaaaaaaaaaaaaa.nc"), 0700), 0);
    assert_int_equal(rj_shard_write(syn_folder, &h, r), RJ_ERR_CREATE);
    assert_message("Is a directory");
    assert_int_equal(syn_files(syn_folder), 1);
    rj_record_destroy(&r);
}

/* A limit on the size of a file is as good as a full disk. The process must live on, and leave nothing. */
static void full_disk_leaves_nothing(void **x)
{
    const rj_shard_head h = syn_head("m", 0);
    const rlim_t limit[] = {0, 1, 4096, 20000, 60000};
    rj_record *r = syn_record(&h);
    struct rlimit before, now;
    (void)x;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    for (size_t i = 0; i < sizeof limit / sizeof limit[0]; i++) {
        now = before;
        now.rlim_cur = limit[i];
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &now), 0);
        const rj_status st = rj_shard_write(syn_folder, &h, r);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        assert_int_equal(st, RJ_ERR_IO);
        assert_message("no room for its");
        assert_message("File too large");
        assert_int_equal(syn_files(syn_folder), 0);
    }
    assert_ok(rj_shard_write(syn_folder, &h, r));
    rj_record_destroy(&r);
}

static void number_that_is_no_integer_is_our_bug(void **x)
{
    const rj_shard_head h = syn_head("m", 0);
    rj_record *r = syn_record(&h);
    (void)x;
    rj_record_at(r, RJ_VAR_N_TOKENS, 0)[0] = 2.5;
    assert_int_equal(rj_shard_write(syn_folder, &h, r), RJ_ERR_ARG);
    assert_message("n_tokens[0] = 2.5");
    rj_record_at(r, RJ_VAR_N_TOKENS, 0)[0] = 1e12;
    assert_int_equal(rj_shard_write(syn_folder, &h, r), RJ_ERR_ARG);
    assert_int_equal(syn_files(syn_folder), 0);
    rj_record_destroy(&r);
}

static void head_that_could_not_be_read_is_our_bug(void **x)
{
    rj_shard_head h[4] = {syn_head("a/b", 0), syn_head("m", SYN_UNITS), syn_head("m", 0), syn_head("m", 0)};
    static const char *const text[4] = {"model name 'a/b'", "unit 3 of 3", "is no SHA-256",
                                        "3 K in the head, 2"};
    rj_record *r = syn_record(&h[0]);
    (void)x;
    h[2].key[63] = '\0';
    h[3].n_k = 3;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(rj_shard_write(syn_folder, &h[i], r), RJ_ERR_ARG);
        assert_message(text[i]);
        assert_int_equal(syn_files(syn_folder), 0);
    }
    rj_record_destroy(&r);
    rj_sizes sizes = syn_sizes(SYN_UNIT);
    sizes.size[RJ_DIM_APROMPT] = 1;
    sizes.size[RJ_DIM_I] = sizes.size[RJ_DIM_J] = SYN_I - 1;
    assert_ok(rj_record_create(&sizes, &r));
    h[3].n_k = SYN_K;
    assert_int_equal(rj_shard_write(syn_folder, &h[3], r), RJ_ERR_ARG);
    assert_message("alignment matrices of 3 directions, those K need 4");
    rj_record_destroy(&r);
}

static void no_memory_leaves_nothing(void **x)
{
    const rj_shard_head h = syn_head("m", 0);
    rj_record *r = syn_record_of(&h, SYN_UNIT, true);
    rj_shard *s = NULL;
    const ptrdiff_t live = rj_memory_live();
    rj_status st = RJ_ERR_NOMEM;
    char name[2 * RJ_NAME_SIZE];
    (void)x;
    for (int n = 0; st != RJ_OK; n += n < 12 ? 1 : 13) {
        rj_memory_fail_after(n);
        st = rj_shard_write(syn_folder, &h, r);
        rj_memory_fail_after(-1);
        assert_int_equal(rj_memory_live(), live);
        if (st == RJ_OK) break;
        assert_int_equal(st, RJ_ERR_NOMEM);
        assert_int_equal(syn_files(syn_folder), 0);
    }
    rj_shard_name(&h, name);
    st = RJ_ERR_NOMEM;
    for (int n = 0; st != RJ_OK; n += n < 30 ? 1 : 13) {
        rj_memory_fail_after(n);
        st = rj_shard_read(syn_path(name), &s);
        rj_memory_fail_after(-1);
        if (st == RJ_OK) break;
        assert_int_equal(st, RJ_ERR_NOMEM);
        assert_null(s);
        assert_int_equal(rj_memory_live(), live);
    }
    rj_shard_close(&s);
    rj_record_destroy(&r);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, syn_setup, syn_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(unit_comes_back_as_it_was),
        TEST(alignment_matrices_come_back_where_there_are_any),
        TEST(unit_is_done_only_whole_and_with_its_key),
        TEST(altered_unit_is_refused_and_set_aside),
        TEST(cut_and_flipped_units_are_refused),
        TEST(foreign_files_are_refused),
        TEST(made_up_sizes_are_refused),
        TEST(made_up_variables_are_refused),
        TEST(folder_that_is_not_there_cannot_be_written),
        TEST(name_that_is_a_folder_cannot_be_replaced),
        TEST(full_disk_leaves_nothing),
        TEST(number_that_is_no_integer_is_our_bug),
        TEST(head_that_could_not_be_read_is_our_bug),
        TEST(no_memory_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
