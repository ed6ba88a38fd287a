/* mpi_test_pipeline.c: a unit from token ids to measures, against the oracle: every value must land under its own name, by teams
 * of every shape that the ranks allow. */
#include "rj_test.h"

#include <math.h>
#include <netcdf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "resjac/base/memory.h"
#include "resjac/linalg/topk.h"
#include "resjac/run/pipeline.h"
#include "resjac/run/team.h"

/* Of these, the shapes that the ranks can form; llama_base has 3 blocks. */
static const rj_team_shape shapes[] = {{1, 1, 1}, {2, 1, 1}, {3, 1, 1}, {1, 1, 2},
                                       {1, 2, 1}, {1, 2, 2}, {2, 1, 2}, {1, 1, 3}};
enum { N_SHAPES = sizeof shapes / sizeof shapes[0] };

enum { MAX_T = 64, MAX_K = 8 };

typedef struct {
    int nc, T, n_k, k[MAX_K];
    int32_t ids[MAX_T];
    rj_model *model;
    rj_record *record;
    rj_team *team;
} fixture;

static size_t length(int nc, const char *name)
{
    int id;
    size_t n = 0;
    assert_int_equal(nc_inq_dimid(nc, name, &id), NC_NOERR);
    assert_int_equal(nc_inq_dimlen(nc, id, &n), NC_NOERR);
    return n;
}

static bool one_at_a_time; /* a batch holds one prompt */

static void begin(fixture *f, const rj_team_shape *shape, rj_last_block last, int norm)
{
    char path[4096];
    int id;
    const char *golden = getenv("RESJAC_GOLDEN");

    assert_non_null(golden);
    memset(f, 0, sizeof *f);
    snprintf(path, sizeof path, "%s/llama_base/reference.nc", golden);
    assert_int_equal(nc_open(path, NC_NOWRITE, &f->nc), NC_NOERR);
    f->T = (int)length(f->nc, "token");
    f->n_k = (int)length(f->nc, "k");
    assert_true(f->T <= MAX_T && f->n_k <= MAX_K);
    assert_int_equal(nc_inq_varid(f->nc, "token_ids", &id), NC_NOERR);
    assert_int_equal(nc_get_var_int(f->nc, id, f->ids), NC_NOERR);
    assert_int_equal(nc_inq_varid(f->nc, "k_count", &id), NC_NOERR);
    assert_int_equal(nc_get_var_int(f->nc, id, f->k), NC_NOERR);
    snprintf(path, sizeof path, "%s/llama_base", golden);
    assert_int_equal(rj_model_open(path, false, 0, &f->model), RJ_OK);

    const int aligned[] = {1}; /* the second prompt */
    rj_pipeline_options options = {.arithmetic = RJ_DOUBLE,
                                   .last_block = last,
                                   .n_k = f->n_k,
                                   .k = f->k,
                                   .norm = norm,
                                   .vju = true,
                                   .memory = 1 << 30,
                                   .n_aligned = 1,
                                   .aligned = aligned};
    const rj_config *c = rj_model_config(f->model);
    const rj_sizes sizes = rj_pipeline_sizes(c, &options, 2);
    const int kept = (c->n_layer + rj_team_size(shape) - 1) / rj_team_size(shape);
    if (one_at_a_time)
        options.memory = rj_pipeline_memory(c, &options, f->T, kept, shape->n_row * shape->n_col, 1);
    /* two prompts: the oracle's stands second, so that a slip of one prompt shows */
    const int32_t other[] = {1, 2, 3};
    const rj_tokens tokens[] = {{3, other}, {f->T, f->ids}};
    assert_int_equal(rj_record_create(&sizes, &f->record), RJ_OK);
    assert_int_equal(rj_team_create(rj_test_comm, shape, &f->team), RJ_OK);
    if (f->team != NULL)
        assert_int_equal(rj_pipeline_run(f->team, f->model, &options, 2, tokens, f->record), RJ_OK);
}

static void end(fixture *f)
{
    rj_team_free(&f->team);
    rj_record_destroy(&f->record);
    rj_model_close(&f->model);
    nc_close(f->nc);
}

/* The oracle's values of a variable, n of them. */
static double *reference(const fixture *f, const char *name, size_t n)
{
    int id, dims[NC_MAX_VAR_DIMS], n_dims;
    size_t all = 1;
    if (nc_inq_varid(f->nc, name, &id) != NC_NOERR) return NULL;
    assert_int_equal(nc_inq_var(f->nc, id, NULL, NULL, &n_dims, dims, NULL), NC_NOERR);
    for (int i = 0; i < n_dims; i++) {
        size_t length_i;
        nc_inq_dimlen(f->nc, dims[i], &length_i);
        all *= length_i;
    }
    if (all != n) return NULL;
    double *value = malloc(n * sizeof *value);
    assert_int_equal(nc_get_var_double(f->nc, id, value), NC_NOERR);
    return value;
}

/* Compares a variable of the second prompt where the oracle has it in the same shape; returns whether it had. */
static int compare(const fixture *f, rj_variable_id id, double tolerance)
{
    const size_t n = (size_t)rj_schema_count(id, &f->record->sizes);
    const double *ours = rj_record_at(f->record, id, 1);
    double *theirs = reference(f, rj_schema[id].name, n), scale = 0.0;

    if (theirs == NULL) return 0;
    for (size_t i = 0; i < n; i++) scale = fmax(scale, isnan(theirs[i]) ? 0.0 : fabs(theirs[i]));
    for (size_t i = 0; i < n; i++)
        if (isnan(ours[i]) != isnan(theirs[i]) || fabs(ours[i] - theirs[i]) > tolerance * scale)
            fail_msg("%s[%zu] is %.17g, the oracle has %.17g", rj_schema[id].name, i, ours[i], theirs[i]);
    free(theirs);
    return 1;
}

/* True on the rank of a team that has the record. */
static bool leads(const fixture *f)
{
    return f->team != NULL && f->team->rank == 0;
}

static void check_every_measure(const fixture *f)
{
    static const rj_variable_id must[] = {RJ_VAR_HIDDEN_NORM,
                                          RJ_VAR_STEP_NORM,
                                          RJ_VAR_STEP_COSINE,
                                          RJ_VAR_FINAL_COSINE,
                                          RJ_VAR_LINE_SHAPE_SCORE,
                                          RJ_VAR_EXPODISTANCE,
                                          RJ_VAR_EXPODISTANCE_CV,
                                          RJ_VAR_GROWTH_RATE,
                                          RJ_VAR_GROWTH_INTERCEPT,
                                          RJ_VAR_GROWTH_R2,
                                          RJ_VAR_SINGULAR_VALUE,
                                          RJ_VAR_JACOBIAN_FROBENIUS,
                                          RJ_VAR_JACOBIAN_SPECTRAL,
                                          RJ_VAR_STABLE_RANK,
                                          RJ_VAR_PARTICIPATION_RATIO,
                                          RJ_VAR_EFFECTIVE_RANK,
                                          RJ_VAR_COUPLING_MISFIT,
                                          RJ_VAR_EXCESS_COUPLING,
                                          RJ_VAR_COUPLING_NULL,
                                          RJ_VAR_COUPLING_NULL_ROTATION,
                                          RJ_VAR_COUPLING_NULL_CONJUGATION,
                                          RJ_VAR_EXCESS_COUPLING_DROP1,
                                          RJ_VAR_EXCESS_COUPLING_DROP3,
                                          RJ_VAR_COUPLING_MISFIT_SIGNED,
                                          RJ_VAR_COUPLING_MISFIT_TRACE,
                                          RJ_VAR_COUPLING_MISFIT_VJU,
                                          RJ_VAR_SUBSPACE_UU,
                                          RJ_VAR_SUBSPACE_VV,
                                          RJ_VAR_SUBSPACE_UV,
                                          RJ_VAR_SUBSPACE_VU};
    for (size_t i = 0; i < sizeof must / sizeof must[0]; i++)
        if (!compare(f, must[i], 1e-7))
            fail_msg("the oracle has no %s of this shape", rj_schema[must[i]].name);
    assert_true(*rj_record_at(f->record, RJ_VAR_N_TOKENS, 1) == f->T);
    assert_true(*rj_record_at(f->record, RJ_VAR_LAST_TOKEN_ID, 1) == f->ids[f->T - 1]);
    assert_true(*rj_record_at(f->record, RJ_VAR_PROMPT_STATUS, 1) == 0);
    for (int l = 0; l < f->record->sizes.size[RJ_DIM_LAYER]; l++) {
        assert_true(rj_record_at(f->record, RJ_VAR_ORTHOGONALITY_LOSS, 1)[l] < 1e-13);
        assert_true(rj_record_at(f->record, RJ_VAR_RESIDUAL_RIGHT, 1)[l * f->record->sizes.size[RJ_DIM_SV]] <
                    1e-13);
        assert_true(rj_record_at(f->record, RJ_VAR_SVD_METHOD, 1)[l] ==
                    (f->team->n_grid == 1 ? RJ_SVD_FULL : RJ_SVD_GRID));
    }
}

/* |U_j' J_i V_j| from the oracle's J, element by element; U_j, V_j of its decomposition, up to signs. */
static void check_alignment(const fixture *f)
{
    const rj_sizes *sizes = &f->record->sizes;
    const int L = (int)sizes->size[RJ_DIM_LAYER], d = rj_model_config(f->model)->d,
              n = (int)sizes->size[RJ_DIM_I];
    const double *ours = rj_record_at(f->record, RJ_VAR_ALIGNMENT_MATRIX, 0);
    double *jac = reference(f, "jacobian", (size_t)(L * d * d));

    assert_non_null(jac);
    assert_true(f->record->aprompt[0] == 1 && n == (int)rj_schema_alignment(f->n_k, f->k));
    for (int j = 0; j < L; j++) {
        const rj_matrix rows = {RJ_DOUBLE, d, d, d, jac + j * d * d}; /* row-major: J' */
        rj_matrix own;
        rj_topk top;
        assert_int_equal(rj_matrix_new(RJ_DOUBLE, d, d, &own), RJ_OK);
        rj_matrix_transpose(&rows, &own);
        assert_int_equal(rj_topk_full(&own, n, &top), RJ_OK);
        for (int at = 0; at < L * n * n; at++) {
            const int i = at / n / n, a = at / n % n, b = at % n;
            const double *u = (const double *)top.u.data + a * top.u.ld,
                         *v = (const double *)top.v.data + b * top.v.ld;
            double sum = 0;
            for (int r = 0; r < d; r++)
                for (int c = 0; c < d; c++) sum += u[r] * jac[(i * d + r) * d + c] * v[c];
            const double value = ours[((i * L + j) * n + a) * n + b];
            if (!(fabs(fabs(value) - fabs(sum)) < 1e-9 * (1 + top.s[0])))
                fail_msg("A(%d,%d)[%d,%d] is %.17g, the oracle's is %.17g", i, j, a, b, value, sum);
            if (i == j && a == b) assert_true(fabs(value - top.s[a]) < 1e-9 * top.s[0]);
        }
        rj_topk_free(&top);
        rj_matrix_free(&own);
    }
    free(jac);
}

/* Whatever the shape of the team, which decides the residuals of a decomposition at most. */
static void every_measure_is_the_oracles(void **x)
{
    (void)x;
    for (int i = 0; i < N_SHAPES; i++) {
        fixture f;
        if (rj_team_size(&shapes[i]) > rj_test_size) continue;
        begin(&f, &shapes[i], RJ_LAST_RAW, 2);
        if (leads(&f)) {
            check_every_measure(&f);
            check_alignment(&f);
        }
        end(&f);
    }
}

/* The number of stages decides no bit, nor do the prompts that share a pass. */
static void stages_and_batches_change_nothing(void **x)
{
    (void)x;
    for (int i = 1; i < N_SHAPES; i++) {
        const rj_team_shape one = {1, shapes[i].n_row, shapes[i].n_col};
        fixture f, g;
        if (rj_team_size(&shapes[i]) > rj_test_size || shapes[i].stages == 1) continue;
        begin(&f, &shapes[i], RJ_LAST_RAW, 2);
        one_at_a_time = true;
        begin(&g, &one, RJ_LAST_RAW, 2);
        one_at_a_time = false;
        for (int index = 0; leads(&f) && leads(&g) && index < RJ_N_VARIABLES; index++) {
            const rj_variable_id id = (rj_variable_id)index;
            const ptrdiff_t n = rj_schema_rows(id, &f.record->sizes) * rj_schema_count(id, &f.record->sizes);
            if (id != RJ_VAR_PROMPT_SECONDS)
                assert_memory_equal(f.record->value[id], g.record->value[id], sizeof(double) * (size_t)n);
        }
        end(&f);
        end(&g);
    }
}

/* ||s||_1 = sum s: the misfit is then the trace misfit, and its chance level that one's. */
static void norm_one_divides_by_the_trace(void **x)
{
    fixture f;
    (void)x;
    begin(&f, &shapes[0], RJ_LAST_RAW, 1);
    const ptrdiff_t n = rj_schema_count(RJ_VAR_COUPLING_MISFIT, &f.record->sizes);
    for (ptrdiff_t i = 0; i < n; i++)
        assert_true(fabs(rj_record_at(f.record, RJ_VAR_COUPLING_MISFIT, 1)[i] -
                         rj_record_at(f.record, RJ_VAR_COUPLING_MISFIT_TRACE, 1)[i]) < 1e-14);
    assert_true(compare(&f, RJ_VAR_COUPLING_MISFIT_TRACE, 1e-7) && compare(&f, RJ_VAR_EXCESS_COUPLING, 1e-7));
    assert_true(rj_record_at(f.record, RJ_VAR_COUPLING_NULL, 1)[0] ==
                rj_record_at(f.record, RJ_VAR_COUPLING_NULL_TRACE, 1)[0]);
    end(&f);
}

/* Only the last Jacobian changes, never the states. */
static void check_last_block(const fixture *f, bool skip)
{
    const int L = (int)f->record->sizes.size[RJ_DIM_LAYER], d = rj_model_config(f->model)->d;
    double *raw = reference(f, "jacobian_frobenius", (size_t)L),
           *last = reference(f, "jacobian_final_norm", (size_t)(d * d));
    const double *ours = rj_record_at(f->record, RJ_VAR_JACOBIAN_FROBENIUS, 1);
    double squares = 0;
    assert_true(raw != NULL && last != NULL);
    for (int i = 0; i < d * d; i++) squares += last[i] * last[i];
    for (int l = 0; l < L - 1; l++) assert_true(fabs(ours[l] - raw[l]) < 1e-9 * raw[l]);
    assert_true(skip ? isnan(ours[L - 1]) : fabs(ours[L - 1] - sqrt(squares)) < 1e-9 * sqrt(squares));
    if (skip) {
        const double *misfit = rj_record_at(f->record, RJ_VAR_COUPLING_MISFIT, 1);
        for (int j = 0; j < L; j++)
            assert_true(isnan(misfit[(L - 1) * L + j]) && isnan(misfit[j * L + L - 1]));
        const double *alignment = rj_record_at(f->record, RJ_VAR_ALIGNMENT_MATRIX, 0);
        const ptrdiff_t n = f->record->sizes.size[RJ_DIM_I] * f->record->sizes.size[RJ_DIM_J];
        for (ptrdiff_t at = 0; at < L * L * n; at++)
            assert_int_equal(isnan(alignment[at]) != 0, at / n / L == L - 1 || at / n % L == L - 1);
    }
    assert_true(compare(f, RJ_VAR_HIDDEN_NORM, 1e-9) && compare(f, RJ_VAR_LINE_SHAPE_SCORE, 1e-9));
    free(raw);
    free(last);
}

static void last_block_changes_the_last_jacobian_alone(void **x)
{
    (void)x;
    for (int i = 0; i < 2 * N_SHAPES; i++) {
        const bool skip = i % 2 == 1;
        fixture f;
        if (rj_team_size(&shapes[i / 2]) > rj_test_size) continue;
        begin(&f, &shapes[i / 2], skip ? RJ_LAST_SKIP : RJ_LAST_FINAL_NORM, 2);
        if (leads(&f)) check_last_block(&f, skip);
        end(&f);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        rj_unit_test(every_measure_is_the_oracles),
        rj_unit_test(stages_and_batches_change_nothing),
        rj_unit_test(norm_one_divides_by_the_trace),
        rj_unit_test(last_block_changes_the_last_jacobian_alone),
    };
    rj_test_begin(&argc, &argv);
    return rj_test_end(cmocka_run_group_tests(tests, NULL, NULL));
}
