/* test_annex.c: measures of each prompt read back, prompts of several models united, tables added, taken out and put in
 * again; what no final file is; lost memory. */
#include "synthetic.h"

#include <netcdf.h>

#include "resjac/store/annex.h"
#include "resjac/store/seal.h"
#include "rj_test.h"

enum { MODELS = 3 };

static char *unit[2][SYN_UNITS];

/* Model a has prompts 0..5 and lacks 1, whose measurement failed; b has 2..5; c failed altogether. */
static void models(rj_results_model m[MODELS])
{
    memset(m, 0, MODELS * sizeof *m);
    for (int i = 0; i < MODELS; i++) {
        m[i].facts = syn_head(i == 0 ? "a" : i == 1 ? "b" : "c", 0).model;
        m[i].status = i < 2 ? "ok" : "failed: it is gone";
    }
    m[0].shard = unit[0];
    m[0].n_shards = SYN_UNITS;
    m[1].shard = unit[1];
    m[1].n_shards = SYN_UNITS - 1;
    m[1].facts.trained = 0;
    strcpy(m[2].facts.series_name, "run");
    m[2].facts.n_layers = 0;
}

static int setup(void **x)
{
    rj_record *r;

    if (syn_setup(x) != 0) return -1;
    for (int u = 0; u < SYN_UNITS; u++) {
        const rj_shard_head h = syn_head("a", u);
        char name[2 * RJ_NAME_SIZE], path[1024];
        r = syn_record(&h);
        if (u == 0) rj_record_at(r, RJ_VAR_PROMPT_STATUS, 1)[0] = 65;
        assert_ok(rj_shard_write(syn_folder, &h, r));
        rj_record_destroy(&r);
        rj_shard_name(&h, name);
        snprintf(path, sizeof path, "%s/%s", syn_folder, name);
        unit[0][u] = strdup(path);
    }
    for (int u = 1; u < SYN_UNITS; u++) {
        rj_shard_head h = syn_head("b", u);
        h.model.trained = 0;
        unit[1][u - 1] = syn_write(syn_folder, &h);
    }
    return 0;
}

static int teardown(void **x)
{
    for (int u = 0; u < SYN_UNITS; u++) free(unit[0][u]);
    for (int u = 0; u < SYN_UNITS - 1; u++) free(unit[1][u]);
    return syn_teardown(x);
}

static int index_of(const rj_results_values *v, const char *measure)
{
    for (int i = 0; i < v->n_measures; i++)
        if (strcmp(v->measure[i], measure) == 0) return i;
    fail_msg("no measure %s", measure);
    return -1;
}

static void values_are_united_by_prompt(void **x)
{
    rj_results_model m[MODELS];
    rj_results_values *v = NULL;
    bool known = true;
    (void)x;

    models(m);
    assert_ok(rj_results_write(rj_test_comm, syn_path("f.nc"), MODELS, m, RJ_PER_PROMPT_SUMMARY, 0, NULL));
    assert_ok(rj_results_values_read(syn_path("f.nc"), &v));
    assert_int_equal(v->n_models, MODELS);
    assert_int_equal(v->n_prompts, 6);
    assert_string_equal(v->model[1], "b");
    assert_string_equal(v->benchmark_name[0], "org/Model");
    assert_string_equal(v->benchmark_name[2], "");
    assert_string_equal(v->series_name[2], "run");
    assert_true(v->trained[0] == 1 && v->trained[1] == 0 && v->n_layers[0] == SYN_L && v->n_layers[2] == 0);
    const int lss = index_of(v, "line_shape_score"), off = index_of(v, "coupling_misfit_k2_offdiag"),
              facts = index_of(v, "d_model");
    for (int p = 0; p < 6; p++) {
        const double *lss_at = v->prompt_value + (lss * 6 + p) * MODELS,
                     *off_at = v->prompt_value + (off * 6 + p) * MODELS;
        assert_true(p == 1 ? isnan(lss_at[0]) : lss_at[0] == 1 + 0.5 * p);
        assert_true(p < 2 ? isnan(lss_at[1]) : lss_at[1] == 1 + 0.5 * p);
        assert_true(isnan(lss_at[2]));
        if (p >= 2) assert_close(off_at[1], RJ_VAR_COUPLING_MISFIT + p * p / 4.0 + 4.0 / 1024, 1e-12);
        assert_true(isnan(v->prompt_value[(facts * 6 + p) * MODELS]));
    }
    assert_close(v->value[lss], 1 + 0.5 * 14 / 5, 1e-14); /* prompts 0, 2, 3, 4, 5 */
    assert_true(v->value[facts] == SYN_D);
    rj_results_values_free(&v);
    rj_results_values_free(&v);
    assert_ok(rj_results_has_measure(SYN_K, syn_label, "subspace_uu_k0.5d_adjacent", &known));
    assert_true(known);
    assert_ok(rj_results_has_measure(SYN_K, syn_label, "subspace_uu_k3_adjacent", &known));
    assert_false(known);
}

/* An annex: a number a model and benchmark, a text and an integer a model, an attribute. ctx counts the calls. */
static rj_status add(void *ctx, const char *path)
{
    static const double score[MODELS][2] = {{1, 2}, {NAN, 4}, {5, 6}}, row[MODELS] = {7, NAN, 9};
    static const char lineage[MODELS][RJ_NAME_SIZE] = {"L", "M", ""}, name[2][RJ_NAME_SIZE] = {"v1", "v2"};
    const rj_results_table table[] = {
        {"lineage", "", {RJ_AXIS_MODEL}, false, NULL, lineage[0]},
        {"benchmark_name", "names", {RJ_AXIS_BENCHMARK}, false, NULL, name[0]},
        {"benchmark_score", "scores", {RJ_AXIS_MODEL, RJ_AXIS_BENCHMARK}, false, score[0], NULL},
        {"benchmark_row", "rows", {RJ_AXIS_MODEL}, true, row, NULL},
    };
    const rj_attribute attribute = {"scores_seed", "3", false};

    ++*(int *)ctx;
    return rj_results_add(path, 2, 4, table, 1, &attribute);
}

static rj_status refuse(void *ctx, const char *path)
{
    (void)ctx;
    (void)path;
    return rj_raise(RJ_ERR_USAGE, __FILE__, __LINE__, "not this one");
}

static void tables_come_and_go(void **x)
{
    rj_results_model m[MODELS];
    int calls = 0, id, nc, n_problems = 1;
    const rj_results_annex annex = {add, &calls}, bad = {refuse, NULL};
    bool equal = true;
    double score[MODELS][2];
    int row[MODELS];
    char text[MODELS][RJ_NAME_SIZE];
    (void)x;

    models(m);
    assert_ok(rj_results_write_annexed(rj_test_comm, syn_path("with.nc"), MODELS, m, RJ_PER_PROMPT_ALL, 0,
                                       NULL, &annex));
    assert_int_equal(calls, 1);
    assert_ok(rj_results_verify(syn_path("with.nc"), &n_problems));
    assert_int_equal(n_problems, 0);
    assert_int_equal(nc_open(syn_path("with.nc"), NC_NOWRITE, &nc), NC_NOERR);
    assert_int_equal(nc_inq_varid(nc, "benchmark_score", &id), NC_NOERR);
    assert_int_equal(nc_get_var_double(nc, id, score[0]), NC_NOERR);
    assert_true(score[0][1] == 2 && isnan(score[1][0]) && score[2][0] == 5);
    assert_int_equal(nc_inq_varid(nc, "benchmark_row", &id), NC_NOERR);
    assert_int_equal(nc_get_var_int(nc, id, row), NC_NOERR);
    assert_true(row[0] == 7 && row[1] == NC_FILL_INT);
    assert_int_equal(nc_inq_varid(nc, "lineage", &id), NC_NOERR);
    assert_int_equal(nc_get_var_text(nc, id, text[0]), NC_NOERR);
    assert_string_equal(text[1], "M");
    nc_close(nc);

    /* out again: nothing is left of it but the lineage; and in again */
    assert_ok(rj_results_write(rj_test_comm, syn_path("without.nc"), MODELS, m, RJ_PER_PROMPT_ALL, 0, NULL));
    assert_ok(rj_results_compare(syn_path("with.nc"), syn_path("without.nc"), 0, &equal));
    assert_false(equal);
    assert_ok(rj_results_copy(syn_path("without.nc"), syn_path("copy.nc"), NULL));
    assert_ok(rj_results_compare(syn_path("copy.nc"), syn_path("without.nc"), 0, &equal));
    assert_true(equal);
    assert_ok(rj_results_copy(syn_path("with.nc"), syn_path("copy.nc"), NULL));
    assert_int_equal(nc_open(syn_path("copy.nc"), NC_NOWRITE, &nc), NC_NOERR);
    assert_true(nc_inq_varid(nc, "benchmark_score", &id) != NC_NOERR &&
                nc_inq_dimid(nc, "benchmark", &id) != NC_NOERR &&
                nc_inq_attid(nc, NC_GLOBAL, "scores_seed", &id) != NC_NOERR);
    nc_close(nc);
    assert_ok(rj_results_copy(syn_path("copy.nc"), syn_path("copy.nc"), &annex));
    assert_ok(rj_results_compare(syn_path("copy.nc"), syn_path("with.nc"), 0, &equal));
    assert_true(equal);

    /* an annex that fails leaves the old file and no other */
    const int n = syn_files(syn_folder);
    assert_int_equal(rj_results_copy(syn_path("copy.nc"), syn_path("copy.nc"), &bad), RJ_ERR_USAGE);
    assert_int_equal(rj_results_write_annexed(rj_test_comm, syn_path("new.nc"), MODELS, m, RJ_PER_PROMPT_NONE,
                                              0, NULL, &bad),
                     RJ_ERR_USAGE);
    assert_int_equal(syn_files(syn_folder), n);
    assert_ok(rj_results_verify(syn_path("copy.nc"), &n_problems));
    assert_int_equal(n_problems, 0);
}

/* More dimensions than NetCDF's own constant has: a file may have as many as its maker likes. */
static void many_dimensions_are_copied(void **x)
{
    enum { MANY = NC_MAX_DIMS + 100 };
    rj_results_model m[MODELS];
    char name[24], hash[65];
    int nc, dim;
    bool equal = false;
    (void)x;

    models(m);
    assert_ok(rj_results_write(rj_test_comm, syn_path("many.nc"), MODELS, m, RJ_PER_PROMPT_NONE, 0, NULL));
    assert_int_equal(nc_open(syn_path("many.nc"), NC_WRITE, &nc), NC_NOERR);
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "extra%d", i);
        assert_int_equal(nc_def_dim(nc, name, 1, &dim), NC_NOERR);
    }
    assert_int_equal(nc_close(nc), NC_NOERR);
    assert_ok(rj_results_hash(syn_path("many.nc"), hash));
    assert_int_equal(nc_open(syn_path("many.nc"), NC_WRITE, &nc), NC_NOERR);
    assert_int_equal(nc_put_att_text(nc, NC_GLOBAL, "content_sha256", 64, hash), NC_NOERR);
    assert_int_equal(nc_close(nc), NC_NOERR);
    assert_ok(rj_seal_add(syn_path("many.nc")));
    assert_ok(rj_results_copy(syn_path("many.nc"), syn_path("copy.nc"), NULL));
    assert_ok(rj_results_compare(syn_path("many.nc"), syn_path("copy.nc"), 0, &equal));
    assert_true(equal);
}

static void what_is_no_final_file(void **x)
{
    rj_results_values *v = NULL;
    FILE *f = fopen(syn_path("text.nc"), "w");
    (void)x;

    fputs("no NetCDF", f);
    fclose(f);
    assert_int_equal(rj_results_values_read(syn_path("none.nc"), &v), RJ_ERR_MISSING);
    assert_int_equal(rj_results_values_read(syn_path("text.nc"), &v), RJ_ERR_FORMAT);
    assert_int_equal(rj_results_values_read(unit[0][0], &v), RJ_ERR_FORMAT);
    assert_message("resjac shard 1");
    assert_int_equal(rj_results_copy(unit[0][0], syn_path("out.nc"), NULL), RJ_ERR_FORMAT);
    assert_message("give a final file");
    assert_null(v);
    assert_int_equal(access(syn_path("out.nc"), F_OK), -1);
}

static void no_memory(void **x)
{
    rj_results_model m[MODELS];
    rj_results_values *v = NULL;
    int calls = 0, n = 0;
    const rj_results_annex annex = {add, &calls};
    (void)x;

    models(m);
    assert_ok(rj_results_write(rj_test_comm, syn_path("f.nc"), MODELS, m, RJ_PER_PROMPT_NONE, 0, NULL));
    const ptrdiff_t live = rj_memory_live();
    for (;; n++) {
        rj_memory_fail_after(n);
        const rj_status st = rj_results_values_read(syn_path("f.nc"), &v);
        rj_memory_fail_after(-1);
        if (st == RJ_OK) break;
        assert_int_equal(st, RJ_ERR_NOMEM);
        assert_null(v);
        assert_int_equal(rj_memory_live(), live);
    }
    assert_true(n > 15);
    rj_results_values_free(&v);
    for (n = 0;; n += 1 + n / 3) { /* thinner and thinner: a copy takes many */
        rj_memory_fail_after(n);
        const rj_status st = rj_results_copy(syn_path("f.nc"), syn_path("g.nc"), &annex);
        rj_memory_fail_after(-1);
        assert_int_equal(rj_memory_live(), live);
        if (st == RJ_OK) break;
        assert_int_equal(st, RJ_ERR_NOMEM);
    }
    assert_true(n > 200);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(values_are_united_by_prompt, setup, teardown),
        cmocka_unit_test_setup_teardown(tables_come_and_go, setup, teardown),
        cmocka_unit_test_setup_teardown(many_dimensions_are_copied, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_final_file, setup, teardown),
        cmocka_unit_test_setup_teardown(no_memory, setup, teardown),
    };
    rj_test_begin(&argc, &argv);
    return rj_test_end(cmocka_run_group_tests(tests, NULL, NULL));
}
