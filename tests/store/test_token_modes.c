/* test_token_modes.c: groups of the token modes in units, in the final file, in its copy and under verify. */
#include "synthetic.h"

#include "rj_test.h"

#include <netcdf.h>

#include "resjac/store/annex.h"

static char *unit[SYN_UNITS];

static rj_shard_head head_of(int u)
{
    rj_shard_head h = syn_head("m", u);

    syn_add_tokens(&h);
    return h;
}

/* Prompt 1 of unit 1 has but two tokens: what belongs to token 2 is missing. */
static rj_record *record_of(const rj_shard_head *h)
{
    rj_record *r = syn_record(h);

    for (ptrdiff_t i = 0; h->unit == 1 && i < rj_schema_count(RJ_VAR_SELF_MISFIT, &r->sizes); i++)
        if (i % SYN_TOKENS == 2 || i / SYN_TOKENS % SYN_TOKENS == 2)
            rj_record_at(r, RJ_VAR_SELF_MISFIT, 1)[i] = (double)NAN;
    for (ptrdiff_t i = 2; h->unit == 1 && i < rj_schema_count(RJ_VAR_SELF_RANK, &r->sizes); i += SYN_TOKENS)
        rj_record_at(r, RJ_VAR_SELF_RANK, 1)[i] = (double)NAN;
    return r;
}

static char *write_unit(const rj_shard_head *h, const rj_record *r)
{
    char name[2 * RJ_NAME_SIZE];

    assert_ok(rj_shard_write(syn_folder, h, r));
    rj_shard_name(h, name);
    return strdup(syn_path(name));
}

static int setup(void **x)
{
    if (syn_setup(x) != 0) return 1;
    for (int u = 0; u < SYN_UNITS; u++) {
        const rj_shard_head h = head_of(u);
        rj_record *r = record_of(&h);
        unit[u] = write_unit(&h, r);
        rj_record_destroy(&r);
    }
    return 0;
}

static int teardown(void **x)
{
    for (int u = 0; u < SYN_UNITS; u++) free(unit[u]);
    return syn_teardown(x);
}

static rj_results_model model_of(int n)
{
    return (rj_results_model){.facts = syn_head("m", 0).model, .status = "ok", .n_shards = n, .shard = unit};
}

static void unit_comes_back_with_its_modes(void **x)
{
    const rj_shard_head h = head_of(1);
    rj_record *r = record_of(&h);
    rj_shard *s = NULL;
    (void)x;
    assert_ok(rj_shard_read(unit[1], &s));
    assert_memory_equal(&s->record->sizes, &r->sizes, sizeof r->sizes);
    assert_int_equal(s->head.n_token, SYN_TOKENS);
    assert_memory_equal(s->head.token, syn_token, sizeof syn_token);
    for (int id = RJ_VAR_SELF_MISFIT; id <= RJ_VAR_INFLUENCE_RANK; id++)
        for (ptrdiff_t i = 0; i < rj_schema_rows((rj_variable_id)id, &r->sizes) *
                                      rj_schema_count((rj_variable_id)id, &r->sizes);
             i++) {
            const double a = r->value[id][i], b = s->record->value[id][i];
            if (!(isnan(a) && isnan(b)) && a != b) fail_msg("%s[%td]: %g, %g", rj_schema[id].name, i, a, b);
        }
    assert_int_equal(rj_schema_rows(RJ_VAR_FIXED_OUTPUT_NULL, &s->record->sizes), 0);
    rj_shard_close(&s);
    rj_record_destroy(&r);
}

static double number(int group, const char *name, const size_t *at)
{
    int id = -1;
    double v = 0.0;

    if (nc_inq_varid(group, name, &id) != NC_NOERR) fail_msg("no variable %s", name);
    assert_int_equal(nc_get_var1_double(group, id, at, &v), NC_NOERR);
    return v;
}

/* At the places that docs/formats.md gives them, whatever the file keeps of a prompt's other values. */
static void final_file_has_the_groups(void **x)
{
    const rj_results_model m = model_of(SYN_UNITS);
    (void)x;
    for (int keep = RJ_PER_PROMPT_NONE; keep <= RJ_PER_PROMPT_SUMMARY; keep++) {
        int nc = -1, model = -1, self = -1, influence = -1, id = -1, dims[5], n = 0, problems = -1;
        char name[NC_MAX_NAME + 1];
        static const char *const dim[5] = {"prompt", "k", "layer", "token", "token_j"};
        assert_ok(rj_results_write(rj_test_comm, syn_path("f.nc"), 1, &m, (rj_per_prompt)keep, 0, NULL));
        assert_ok(rj_results_verify(syn_path("f.nc"), &problems));
        assert_int_equal(problems, 0);
        assert_int_equal(nc_open(syn_path("f.nc"), NC_NOWRITE, &nc), NC_NOERR);
        assert_int_equal(nc_inq_ncid(nc, "m", &model), NC_NOERR);
        assert_int_equal(nc_inq_ncid(model, "self", &self), NC_NOERR);
        assert_int_equal(nc_inq_ncid(model, "influence", &influence), NC_NOERR);
        assert_int_not_equal(nc_inq_ncid(model, "fixed_input", &id), NC_NOERR);
        assert_int_equal(nc_inq_varid(self, "coupling_misfit", &id), NC_NOERR);
        assert_int_equal(nc_inq_var(self, id, NULL, NULL, &n, dims, NULL), NC_NOERR);
        assert_int_equal(n, 5);
        for (int i = 0; i < 5; i++) {
            assert_int_equal(nc_inq_dimname(self, dims[i], name), NC_NOERR);
            assert_string_equal(name, dim[i]);
        }
        const size_t at[5] = {5, 1, 2, 1, 2}, gone[5] = {3, 1, 2, 1, 2}, place[3] = {4, 1, 2},
                     last[3] = {3, 0, 2};
        assert_true(number(self, "coupling_misfit", at) == (float)syn_value(RJ_VAR_SELF_MISFIT, 5, 45 + 5));
        assert_true(isnan(number(self, "coupling_misfit", gone)));
        assert_true(number(self, "numerical_rank", last) == NC_FILL_INT);
        assert_true(number(influence, "influence_rank", place) == syn_value(RJ_VAR_INFLUENCE_RANK, 4, 5));
        const size_t two = 2, one = 1;
        assert_true(number(model, "token", &two) == -1.0 && number(model, "token_j", &one) == 2.0);
        nc_close(nc);
    }
}

/* Also what no model of the file has elsewhere: groups in groups. */
static void copy_is_equal(void **x)
{
    const rj_results_model m = model_of(SYN_UNITS);
    bool equal = false;
    int problems = -1;
    (void)x;
    assert_ok(rj_results_write(rj_test_comm, syn_path("f.nc"), 1, &m, RJ_PER_PROMPT_ALL, 0, NULL));
    assert_ok(rj_results_copy(syn_path("f.nc"), syn_path("copy.nc"), NULL));
    assert_ok(rj_results_compare(syn_path("f.nc"), syn_path("copy.nc"), 0, &equal));
    assert_true(equal);
    assert_ok(rj_results_verify(syn_path("copy.nc"), &problems));
    assert_int_equal(problems, 0);
}

/* An infinite null, a negative misfit, a token that does not fit itself. */
static void verify_looks_into_the_groups(void **x)
{
    static const struct {
        rj_variable_id id;
        ptrdiff_t i;
        double value;
    } wrong[] = {{RJ_VAR_SELF_NULL, 4, (double)INFINITY},
                 {RJ_VAR_SELF_MISFIT, 1, -0.5},
                 {RJ_VAR_SELF_MISFIT, 4, 0.25},
                 {RJ_VAR_INFLUENCE_SPECTRAL, 0, (double)INFINITY}};
    (void)x;
    for (size_t w = 0; w < sizeof wrong / sizeof wrong[0]; w++) {
        const rj_shard_head h = head_of(0);
        rj_record *r = record_of(&h);
        int problems = -1;
        rj_record_at(r, wrong[w].id, 1)[wrong[w].i] = wrong[w].value;
        free(unit[0]);
        unit[0] = write_unit(&h, r);
        rj_record_destroy(&r);
        assert_ok(rj_results_verify(unit[0], &problems));
        assert_int_equal(problems, 1);
        const rj_results_model m = model_of(1);
        assert_ok(rj_results_write(rj_test_comm, syn_path("f.nc"), 1, &m, RJ_PER_PROMPT_NONE, 0, NULL));
        assert_ok(rj_results_verify(syn_path("f.nc"), &problems));
        assert_int_equal(problems, 1);
    }
}

static void what_does_not_belong_together(void **x)
{
    static const int other[SYN_TOKENS] = {0, 1, -1};
    rj_shard_head h = head_of(2);
    rj_record *r = record_of(&h), *plain;
    const rj_results_model m = model_of(SYN_UNITS);
    (void)x;
    h.n_token = 2;
    assert_int_equal(rj_shard_write(syn_folder, &h, r), RJ_ERR_ARG);
    assert_message("2 tokens in the head, 3 in the record of modes 0x12");
    h.n_token = SYN_TOKENS;
    h.token = other;
    free(unit[2]);
    unit[2] = write_unit(&h, r);
    assert_int_equal(rj_results_write(rj_test_comm, syn_path("f.nc"), 1, &m, RJ_PER_PROMPT_NONE, 0, NULL),
                     RJ_ERR_FORMAT);
    assert_message("has token 2");
    h = syn_head("m", 2);
    plain = syn_record(&h);
    free(unit[2]);
    unit[2] = write_unit(&h, plain);
    assert_int_equal(rj_results_write(rj_test_comm, syn_path("f.nc"), 1, &m, RJ_PER_PROMPT_NONE, 0, NULL),
                     RJ_ERR_FORMAT);
    assert_message("they are of different runs");
    rj_record_destroy(&plain);
    rj_record_destroy(&r);
}

/* A record of token modes has tokens. */
static void modes_need_tokens(void **x)
{
    rj_sizes sizes = syn_sizes(2);
    rj_record *r = NULL;
    (void)x;
    sizes.modes = 1u << RJ_MODE_SELF;
    assert_int_equal(rj_record_create(&sizes, &r), RJ_ERR_ARG);
    assert_message("dimension token of a record is 0");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(unit_comes_back_with_its_modes, setup, teardown),
        cmocka_unit_test_setup_teardown(final_file_has_the_groups, setup, teardown),
        cmocka_unit_test_setup_teardown(copy_is_equal, setup, teardown),
        cmocka_unit_test_setup_teardown(verify_looks_into_the_groups, setup, teardown),
        cmocka_unit_test_setup_teardown(what_does_not_belong_together, setup, teardown),
        cmocka_unit_test(modes_need_tokens),
    };
    rj_test_begin(&argc, &argv);
    return rj_test_end(cmocka_run_group_tests(tests, NULL, NULL));
}
