/* mpi_test_results.c: the final file is the same whatever the number of ranks, and no rank waits for one that failed. */
#include "synthetic.h"

#include <netcdf.h>

#include "resjac/base/agree.h"
#include "resjac/base/file.h"
#include "resjac/base/hash.h"
#include "rj_test.h"

/* Units: 46 prompts, blocks of 16, 16, 14; one block of 4; 35 prompts in units that reach over the ends of blocks. The first and
 * the last model have alignment matrices, the first has token modes. */
enum { MANY = 23, FEW = 2, ODD = 7, ODD_UNIT = 5 };

static MPI_Comm self;
static char *many[MANY], *few[FEW], *odd[ODD];

static rj_shard_head head_of(const char *model, int unit, int n_units)
{
    rj_shard_head h = syn_head(model, unit);

    h.n_units = n_units;
    h.n_prompts_all = SYN_UNIT * n_units;
    if (strcmp(model, "a") == 0) syn_add_tokens(&h);
    return h;
}

/* Rank 0 writes the shards into one folder for all. */
static void setup(void)
{
    if (rj_test_rank == 0) assert_int_equal(syn_setup(NULL), 0);
    MPI_Bcast(syn_folder, (int)sizeof syn_folder, MPI_CHAR, 0, rj_test_comm);
    for (int i = 0; i < MANY + FEW; i++) {
        const bool first = i < MANY;
        const rj_shard_head h = head_of(first ? "a" : "b", first ? i : i - MANY, first ? MANY : FEW);
        char name[2 * RJ_NAME_SIZE], **path = first ? &many[i] : &few[i - MANY];
        rj_shard_name(&h, name);
        if (rj_test_rank == 0)
            *path = syn_write_of(syn_folder, &h, SYN_UNIT, first);
        else
            *path = strdup(syn_path(name));
    }
    MPI_Barrier(rj_test_comm);
}

static void teardown(void)
{
    for (int i = 0; i < MANY; i++) free(many[i]);
    for (int i = 0; i < FEW; i++) free(few[i]);
    MPI_Barrier(rj_test_comm);
    if (rj_test_rank == 0) syn_remove(syn_folder);
}

/* Three models: more blocks than most worlds have ranks, one block for all ranks, none. */
static void models(rj_results_model m[3])
{
    memset(m, 0, 3 * sizeof *m);
    m[0].facts = head_of("a", 0, MANY).model;
    m[1].facts = head_of("b", 0, FEW).model;
    m[2].facts = head_of("c", 0, 1).model;
    m[0].status = m[1].status = "ok";
    m[2].status = "failed: not there";
    m[0].n_shards = MANY;
    m[1].n_shards = FEW;
    m[0].shard = many;
    m[1].shard = few;
}

static bool exists(const char *name)
{
    return access(syn_path(name), F_OK) == 0;
}

/* Also when files are counted: no temporary is left. */
static int files(void)
{
    MPI_Barrier(rj_test_comm);
    return syn_files(syn_folder);
}

static void same_content_on_any_number_of_ranks(void **state)
{
    rj_results_model m[3];
    (void)state;
    models(m);
    for (int keep = RJ_PER_PROMPT_NONE; keep <= RJ_PER_PROMPT_SUMMARY; keep++) {
        const rj_attribute text[] = {{"deck", rj_test_rank == 0 ? "rank 0's" : "another's", false}};
        char alone[65] = "", together[65] = "";
        bool equal = false;
        rj_status st = rj_results_write(rj_test_comm, syn_path("all.nc"), 3, m, (rj_per_prompt)keep, 1, text);
        if (st != RJ_OK) print_error("%s\n", rj_status_message());
        assert_all(st == RJ_OK);
        if (rj_test_rank == 0) {
            st = rj_results_write(self, syn_path("one.nc"), 3, m, (rj_per_prompt)keep, 1, text);
            if (st == RJ_OK) st = rj_results_hash(syn_path("all.nc"), together);
            if (st == RJ_OK) st = rj_results_hash(syn_path("one.nc"), alone);
            if (st == RJ_OK) st = rj_results_compare(syn_path("all.nc"), syn_path("one.nc"), 0, &equal);
        }
        assert_all(st == RJ_OK && strcmp(alone, together) == 0 && (equal || rj_test_rank != 0));
    }
    assert_all(files() == MANY + FEW + 2);
    if (rj_test_rank == 0) {
        remove(syn_path("all.nc"));
        remove(syn_path("one.nc"));
    }
}

/* Values of each block at their places: syn_value at prompt p. */
static void every_block_is_in_its_place(void **state)
{
    rj_results_model m[3];
    bool sound = true;
    (void)state;
    models(m);
    assert_all(rj_results_write(rj_test_comm, syn_path("f.nc"), 3, m, RJ_PER_PROMPT_COUPLING, 0, NULL) ==
               RJ_OK);
    int nc = -1, group = -1, norm = -1, misfit = -1, mean = -1;
    sound = sound && nc_open(syn_path("f.nc"), NC_NOWRITE, &nc) == NC_NOERR;
    sound = sound && nc_inq_ncid(nc, "a", &group) == NC_NOERR;
    sound = sound && nc_inq_varid(group, "step_norm", &norm) == NC_NOERR;
    sound = sound && nc_inq_varid(group, "coupling_misfit", &misfit) == NC_NOERR;
    sound = sound && nc_inq_varid(group, "coupling_misfit_mean", &mean) == NC_NOERR;
    double v = 0.0, sum = 0.0;
    for (size_t p = 0; sound && p < SYN_UNIT * MANY; p++) {
        const size_t a[2] = {p, 2}, b[4] = {p, 1, 0, 1}; /* element 2; element 9 + 0 + 1 */
        sound = nc_get_var1_double(group, norm, a, &v) == NC_NOERR &&
                v == syn_value(RJ_VAR_STEP_NORM, (ptrdiff_t)p, 2) &&
                nc_get_var1_double(group, misfit, b, &v) == NC_NOERR &&
                v == (float)syn_value(RJ_VAR_COUPLING_MISFIT, (ptrdiff_t)p, 10);
        sum += syn_value(RJ_VAR_COUPLING_MISFIT, (ptrdiff_t)p, 10);
    }
    const size_t at[3] = {1, 0, 1};
    sound = sound && nc_get_var1_double(group, mean, at, &v) == NC_NOERR &&
            fabs(v - sum / (SYN_UNIT * MANY)) < 1e-4;
    if (nc >= 0) nc_close(nc);
    assert_all(sound);
    MPI_Barrier(rj_test_comm);
    if (rj_test_rank == 0) remove(syn_path("f.nc"));
}

/* Alignment matrices of prompts 1, 4, 7, .. follow each other, also where a block ends inside a unit. */
static void every_alignment_matrix_is_in_its_place(void **state)
{
    rj_results_model m = {
        .facts = head_of("odd", 0, ODD).model, .status = "ok", .n_shards = ODD, .shard = odd};
    bool sound = true;
    int nc = -1, group = -1, id = -1, index = -1, norm = -1;
    double v = 0.0;
    (void)state;
    for (int u = 0; u < ODD; u++) {
        rj_shard_head h = head_of("odd", u, ODD);
        char name[2 * RJ_NAME_SIZE];
        h.first_prompt = ODD_UNIT * u;
        h.n_prompts_all = ODD_UNIT * ODD;
        rj_shard_name(&h, name);
        odd[u] = rj_test_rank == 0 ? syn_write_of(syn_folder, &h, ODD_UNIT, true) : strdup(syn_path(name));
    }
    MPI_Barrier(rj_test_comm);
    assert_all(rj_results_write(rj_test_comm, syn_path("f.nc"), 1, &m, RJ_PER_PROMPT_ALL, 0, NULL) == RJ_OK);
    sound = sound && nc_open(syn_path("f.nc"), NC_NOWRITE, &nc) == NC_NOERR;
    sound = sound && nc_inq_ncid(nc, "odd", &group) == NC_NOERR;
    sound = sound && nc_inq_varid(group, "alignment_matrix", &id) == NC_NOERR;
    sound = sound && nc_inq_varid(group, "aprompt_index", &index) == NC_NOERR;
    sound = sound && nc_inq_varid(group, "step_norm", &norm) == NC_NOERR;
    for (size_t row = 0; sound && row < (ODD_UNIT * ODD + 1) / 3; row++) {
        const ptrdiff_t p = 3 * (ptrdiff_t)row + 1;
        const size_t at[5] = {row, 1, 2, 3, 0}, step[2] = {(size_t)p, 1};
        sound = nc_get_var1_double(group, id, at, &v) == NC_NOERR &&
                v == syn_value(RJ_VAR_ALIGNMENT_MATRIX, p, ((1 * 3 + 2) * 4 + 3) * 4) &&
                nc_get_var1_double(group, index, &row, &v) == NC_NOERR && v == (double)p &&
                nc_get_var1_double(group, norm, step, &v) == NC_NOERR &&
                v == syn_value(RJ_VAR_STEP_NORM, p, 1);
    }
    if (nc >= 0) nc_close(nc);
    assert_all(sound);
    MPI_Barrier(rj_test_comm);
    for (int u = 0; u < ODD; u++) {
        if (rj_test_rank == 0) remove(odd[u]);
        free(odd[u]);
    }
    if (rj_test_rank == 0) remove(syn_path("f.nc"));
}

/* A shard of each rank's share in turn is not there. */
static void a_missing_shard_is_told_by_all(void **state)
{
    rj_results_model m[3];
    (void)state;
    models(m);
    for (int unit = 0; unit < MANY; unit += 9) {
        if (rj_test_rank == 0) assert_int_equal(rename(many[unit], syn_path("aside")), 0);
        MPI_Barrier(rj_test_comm);
        const rj_status st =
            rj_results_write(rj_test_comm, syn_path("f.nc"), 3, m, RJ_PER_PROMPT_ALL, 0, NULL);
        assert_all(st == RJ_ERR_MISSING);
        assert_all(strstr(rj_status_message(), many[unit]) != NULL);
        assert_all(!exists("f.nc") && files() == MANY + FEW);
        if (rj_test_rank == 0) assert_int_equal(rename(syn_path("aside"), many[unit]), 0);
        MPI_Barrier(rj_test_comm);
    }
}

/* A value is altered and the bytes are sealed again: the plan, which reads heads only, does not see it. */
static void alter(const char *path)
{
    const size_t at[2] = {0, 0};
    const double other = -1.0;
    int nc = -1, id = -1;
    uint8_t seal[8 + RJ_HASH_SIZE] = "RJSHA256";
    char *bytes = NULL;
    size_t n = 0;
    rj_hash *hash = NULL;

    assert_int_equal(nc_open(path, NC_WRITE, &nc), NC_NOERR);
    assert_int_equal(nc_inq_varid(nc, "step_norm", &id), NC_NOERR);
    assert_int_equal(nc_put_var1_double(nc, id, at, &other), NC_NOERR);
    assert_int_equal(nc_close(nc), NC_NOERR);
    assert_ok(rj_file_load(path, 1 << 24, &bytes, &n));
    assert_ok(rj_hash_create(&hash));
    rj_hash_add(hash, bytes, n);
    assert_ok(rj_hash_digest(hash, seal + 8));
    rj_hash_destroy(&hash);
    rj_free(bytes);
    FILE *file = fopen(path, "ab");
    assert_non_null(file);
    assert_int_equal(fwrite(seal, sizeof seal, 1, file), 1);
    fclose(file);
}

/* One rank meets it while the others are about to put their blocks. */
static void an_altered_shard_is_told_by_all(void **state)
{
    rj_results_model m[3];
    (void)state;
    models(m);
    for (int unit = 1; unit < MANY; unit += 9) { /* of blocks 0, 1, 2 */
        if (rj_test_rank == 0) alter(many[unit]);
        MPI_Barrier(rj_test_comm);
        const rj_status st =
            rj_results_write(rj_test_comm, syn_path("f.nc"), 3, m, RJ_PER_PROMPT_ALL, 0, NULL);
        assert_all(st == RJ_ERR_FORMAT);
        assert_all(strstr(rj_status_message(), many[unit]) != NULL);
        assert_all(strstr(rj_status_message(), "altered after it was written") != NULL);
        assert_all(!exists("f.nc") && files() == MANY + FEW);
        const rj_shard_head h = head_of("a", unit, MANY);
        if (rj_test_rank == 0) free(syn_write_of(syn_folder, &h, SYN_UNIT, true));
        MPI_Barrier(rj_test_comm);
    }
}

/* The last rank runs out of memory at its n-th allocation, wherever that is: all say so, nothing is left. */
static void one_rank_without_memory_is_told_by_all(void **state)
{
    rj_results_model m[3];
    rj_status st = RJ_ERR_NOMEM;
    (void)state;
    models(m);
    for (int n = 0; st != RJ_OK; n += n < 24 ? 6 : n / 2) {
        if (rj_test_rank == rj_test_size - 1) rj_memory_fail_after(n);
        st = rj_results_write(rj_test_comm, syn_path("f.nc"), 2, m, RJ_PER_PROMPT_COUPLING, 0, NULL);
        rj_memory_fail_after(-1);
        assert_all(st == RJ_OK || st == RJ_ERR_NOMEM);
        assert_all(rj_memory_live() == 0);
        assert_all(files() == MANY + FEW + (st == RJ_OK));
    }
    if (rj_test_rank == 0) remove(syn_path("f.nc"));
    MPI_Barrier(rj_test_comm);
}

/* What only the definition meets, on rank 0 alone. */
static void errors_of_rank_0_are_told_by_all(void **state)
{
    rj_results_model m[3];
    (void)state;
    models(m);
    assert_all(rj_results_write(rj_test_comm, syn_path("no/f.nc"), 3, m, RJ_PER_PROMPT_NONE, 0, NULL) ==
               RJ_ERR_CREATE);
    strcpy(m[2].facts.name, "a");
    assert_all(rj_results_write(rj_test_comm, syn_path("f.nc"), 3, m, RJ_PER_PROMPT_NONE, 0, NULL) ==
               RJ_ERR_USAGE);
    assert_all(strstr(rj_status_message(), "'a' appears twice") != NULL);
    assert_all(files() == MANY + FEW);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        rj_unit_test(same_content_on_any_number_of_ranks),
        rj_unit_test(every_block_is_in_its_place),
        rj_unit_test(every_alignment_matrix_is_in_its_place),
        rj_unit_test(a_missing_shard_is_told_by_all),
        rj_unit_test(an_altered_shard_is_told_by_all),
        rj_unit_test(one_rank_without_memory_is_told_by_all),
        rj_unit_test(errors_of_rank_0_are_told_by_all),
    };
    rj_test_begin(&argc, &argv);
    self = rj_comm_dup(MPI_COMM_SELF);
    setup();
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    teardown();
    MPI_Comm_free(&self);
    return rj_test_end(failed);
}
