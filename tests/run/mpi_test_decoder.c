/* mpi_test_decoder.c: a unit of a decoder against the oracle: prompts through the encoder, its last states beside the start token
 * through the decoder's blocks, by teams of every shape that the ranks allow. */
#include "rj_test.h"

#include <math.h>
#include <netcdf.h>
#include <stdio.h>
#include <stdlib.h>

#include "resjac/run/pipeline.h"
#include "resjac/run/team.h"

enum { D = 16, L = 3, T = 8, START = 3 }; /* of the golden model t5dec_start */

static const rj_team_shape shapes[] = {{1, 1, 1}, {2, 1, 1}, {3, 1, 1}, {1, 1, 2}, {1, 2, 1}, {2, 1, 2}};
enum { N_SHAPES = sizeof shapes / sizeof shapes[0] };

/* What the oracle says: states of the start token, Frobenius norms of its Jacobians. */
typedef struct {
    int32_t ids[T];
    double hidden_norm[L + 1], frobenius[L];
} expected;

static double norm_of(size_t n, const double *x)
{
    double sum = 0.0;

    for (size_t i = 0; i < n; i++) sum += x[i] * x[i];
    return sqrt(sum);
}

static expected read_expected(void)
{
    expected e;
    char path[4096];
    int nc, id;
    double hidden[(L + 1) * D], jacobian[L * D * D];

    snprintf(path, sizeof path, "%s/t5dec_start/reference.nc", getenv("RESJAC_GOLDEN"));
    assert_int_equal(nc_open(path, NC_NOWRITE, &nc), NC_NOERR);
    assert_int_equal(nc_inq_varid(nc, "memory_ids", &id), NC_NOERR);
    assert_int_equal(nc_get_var_int(nc, id, e.ids), NC_NOERR);
    assert_int_equal(nc_inq_varid(nc, "hidden", &id), NC_NOERR);
    assert_int_equal(nc_get_var_double(nc, id, hidden), NC_NOERR);
    assert_int_equal(nc_inq_varid(nc, "jacobian", &id), NC_NOERR);
    assert_int_equal(nc_get_var_double(nc, id, jacobian), NC_NOERR);
    nc_close(nc);
    for (int l = 0; l <= L; l++) e.hidden_norm[l] = norm_of(D, hidden + l * D);
    for (int l = 0; l < L; l++) e.frobenius[l] = norm_of(D * D, jacobian + l * D * D);
    return e;
}

/* The oracle's prompt stands second, behind a shorter one. record is of the whole unit, on rank 0 of the team alone. */
static void measure(const rj_team_shape *shape, const expected *e, int64_t memory, bool *leads,
                    rj_record **record)
{
    char path[4096];
    const int k[] = {3};
    const int32_t other[] = {1, 2, 30};
    const rj_tokens tokens[] = {{3, other}, {T, e->ids}};
    rj_pipeline_options options = {.arithmetic = RJ_DOUBLE, .n_k = 1, .k = k, .norm = 2, .memory = memory};
    rj_model *model = NULL;
    rj_team *team = NULL;

    snprintf(path, sizeof path, "%s/t5dec_start", getenv("RESJAC_GOLDEN"));
    assert_int_equal(rj_model_open_stack(path, RJ_STACK_DECODER, false, 0, &model), RJ_OK);
    const rj_config *c = rj_model_config(model);
    assert_true(c->d == D && c->n_layer == L && c->start_token == START);
    const rj_sizes sizes = rj_pipeline_sizes(c, &options, 2);
    const int kept = (L + rj_team_size(shape) - 1) / rj_team_size(shape);
    if (memory == 0)
        options.memory = rj_pipeline_memory(c, &options, T, kept, shape->n_row * shape->n_col, 1);
    assert_int_equal(rj_record_create(&sizes, record), RJ_OK);
    assert_int_equal(rj_team_create(rj_test_comm, shape, &team), RJ_OK);
    if (team != NULL) assert_int_equal(rj_pipeline_run(team, model, &options, 2, tokens, *record), RJ_OK);
    *leads = team != NULL && team->rank == 0;
    rj_team_free(&team);
    rj_model_close(&model);
}

static void check(const expected *e, rj_record *r)
{
    const double *norm = rj_record_at(r, RJ_VAR_HIDDEN_NORM, 1);
    const double *frobenius = rj_record_at(r, RJ_VAR_JACOBIAN_FROBENIUS, 1);

    for (int l = 0; l <= L; l++) assert_true(fabs(norm[l] - e->hidden_norm[l]) < 1e-12 * e->hidden_norm[l]);
    for (int l = 0; l < L; l++) assert_true(fabs(frobenius[l] - e->frobenius[l]) < 1e-12 * e->frobenius[l]);
    assert_true(*rj_record_at(r, RJ_VAR_N_TOKENS, 1) == T);
    assert_true(*rj_record_at(r, RJ_VAR_LAST_TOKEN_ID, 1) == START);
}

/* In one batch, and (memory 0) in batches of one prompt. */
static void the_start_token_is_measured(void **state)
{
    const expected e = read_expected();

    (void)state;
    for (int i = 0; i < 2 * N_SHAPES; i++) {
        const rj_team_shape *shape = &shapes[i / 2];
        rj_record *record = NULL;
        bool leads = false;
        if (rj_team_size(shape) > rj_test_size) continue;
        measure(shape, &e, i % 2 == 0 ? 1 << 30 : 0, &leads, &record);
        if (leads) check(&e, record);
        rj_record_destroy(&record);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {rj_unit_test(the_start_token_is_measured)};

    rj_test_begin(&argc, &argv);
    return rj_test_end(cmocka_run_group_tests(tests, NULL, NULL));
}
