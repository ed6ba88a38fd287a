/* mpi_test_tokens.c: the token modes of a unit, against the oracle (tests/oracle/cross_token.py), by teams of every number of
 * stages that the ranks allow. */
#include "rj_test.h"

#include <math.h>
#include <netcdf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "resjac/base/memory.h"
#include "resjac/run/pipeline.h"
#include "resjac/run/team.h"

enum { MAX_T = 32, N_K = 2, MAX_L = 8 };

static const size_t all_modes = (size_t)1 << RJ_MODE_SELF | (size_t)1 << RJ_MODE_FIXED_INPUT |
                                (size_t)1 << RJ_MODE_FIXED_OUTPUT | (size_t)1 << RJ_MODE_INFLUENCE;
static const char *const cases[] = {"llama_base", "gpt2_odd", "gemma3_base", "t5_base"};
enum { N_CASES = sizeof cases / sizeof cases[0] };

typedef struct {
    int nc, T, k[N_K], n_at, at[MAX_T];
    bool layer[MAX_L];
    int32_t ids[MAX_T];
    rj_model *model;
    rj_record *record;
    rj_team *team;
    rj_pipeline_options options;
    int memory_left; /* allocations that the run may make; -1: all */
} fixture;

static void open_case(fixture *f, const char *name, rj_arithmetic type)
{
    char path[4096];
    int id;
    size_t n;

    memset(f, 0, sizeof *f);
    snprintf(path, sizeof path, "%s/cross_token/tokens-%s.nc", getenv("RESJAC_GOLDEN"), name);
    assert_int_equal(nc_open(path, NC_NOWRITE, &f->nc), NC_NOERR);
    assert_int_equal(nc_inq_dimid(f->nc, "token", &id), NC_NOERR);
    assert_int_equal(nc_inq_dimlen(f->nc, id, &n), NC_NOERR);
    assert_true(n <= MAX_T);
    f->T = f->n_at = (int)n;
    assert_int_equal(nc_inq_varid(f->nc, "token_ids", &id), NC_NOERR);
    assert_int_equal(nc_get_var_int(f->nc, id, f->ids), NC_NOERR);
    assert_int_equal(nc_inq_varid(f->nc, "k_count", &id), NC_NOERR);
    assert_int_equal(nc_get_var_int(f->nc, id, f->k), NC_NOERR);
    snprintf(path, sizeof path, "%s/%s", getenv("RESJAC_GOLDEN"), name);
    assert_int_equal(rj_model_open(path, false, 0, &f->model), RJ_OK);
    assert_true(rj_model_config(f->model)->n_layer <= MAX_L);
    for (int i = 0; i < f->T; i++) f->at[i] = i;
    for (int l = 0; l < MAX_L; l++) f->layer[l] = true;
    f->memory_left = -1;
    f->options = (rj_pipeline_options){.arithmetic = type,
                                       .svd = RJ_SVD_FULL,
                                       .n_k = N_K,
                                       .k = f->k,
                                       .norm = 2,
                                       .memory = 1 << 30,
                                       .tokens = {all_modes, f->T, f->at, f->layer}};
}

/* Two prompts: the oracle's stands second; the first has three tokens. */
static rj_status run_stages(fixture *f, int stages)
{
    const rj_team_shape shape = {stages, 1, 1};
    const int32_t other[] = {1, 2, 3};
    const rj_tokens tokens[] = {{3, other}, {f->T, f->ids}};

    f->options.tokens.n = f->n_at;
    const rj_sizes sizes = rj_pipeline_sizes(rj_model_config(f->model), &f->options, 2);
    assert_int_equal(rj_record_create(&sizes, &f->record), RJ_OK);
    assert_int_equal(rj_team_create(rj_test_comm, &shape, &f->team), RJ_OK);
    if (f->team == NULL) return RJ_OK;
    rj_memory_fail_after(f->memory_left);
    const rj_status st = rj_pipeline_run(f->team, f->model, &f->options, 2, tokens, f->record);
    rj_memory_fail_after(-1);
    return st;
}

static void close_case(fixture *f)
{
    rj_team_free(&f->team);
    rj_record_destroy(&f->record);
    rj_model_close(&f->model);
    nc_close(f->nc);
}

static bool leads(const fixture *f)
{
    return f->team != NULL && f->team->rank == 0;
}

/* "self_coupling_misfit", "influence_rank" */
static void oracle_name(rj_variable_id id, char *name, size_t n)
{
    const rj_variable *v = &rj_schema[id];
    snprintf(name, n, "%s%s%s", v->mode == RJ_MODE_INFLUENCE ? "" : rj_mode_name(v->mode),
             v->mode == RJ_MODE_INFLUENCE ? "" : "_", v->name);
}

static double *oracle(const fixture *f, rj_variable_id id, size_t n)
{
    char name[64];
    int var, dims[NC_MAX_VAR_DIMS], n_dims;
    size_t all = 1;

    oracle_name(id, name, sizeof name);
    if (nc_inq_varid(f->nc, name, &var) != NC_NOERR) fail_msg("the oracle has no %s", name);
    assert_int_equal(nc_inq_var(f->nc, var, NULL, NULL, &n_dims, dims, NULL), NC_NOERR);
    for (int i = 0; i < n_dims; i++) {
        size_t size;
        nc_inq_dimlen(f->nc, dims[i], &size);
        all *= size;
    }
    assert_int_equal(all, n);
    double *value = malloc(n * sizeof *value);
    assert_non_null(value);
    assert_int_equal(nc_get_var_double(f->nc, var, value), NC_NOERR);
    return value;
}

/* Largest deviation of a variable of the second prompt, over its largest value; what the oracle misses must be missing. */
static double deviation(const fixture *f, rj_variable_id id)
{
    const size_t n = (size_t)rj_schema_count(id, &f->record->sizes);
    const double *ours = rj_record_at(f->record, id, 1);
    double *theirs = oracle(f, id, n), scale = 0.0, worst = 0.0;
    char name[64];

    oracle_name(id, name, sizeof name);
    for (size_t i = 0; i < n; i++) scale = fmax(scale, isnan(theirs[i]) ? 0.0 : fabs(theirs[i]));
    for (size_t i = 0; i < n; i++) {
        if (isnan(ours[i]) != isnan(theirs[i]))
            fail_msg("%s[%zu] is %g, the oracle has %g", name, i, ours[i], theirs[i]);
        if (!isnan(ours[i])) worst = fmax(worst, fabs(ours[i] - theirs[i]) / scale);
    }
    free(theirs);
    return worst;
}

static void every_mode_is_the_oracles(void **x)
{
    (void)x;
    for (int i = 0; i < N_CASES; i++)
        for (int stages = 1; stages <= rj_test_size && stages <= 2; stages++) {
            fixture f;
            open_case(&f, cases[i], RJ_DOUBLE);
            double worst = 0.0;
            assert_int_equal(run_stages(&f, stages), RJ_OK);
            for (int id = RJ_VAR_SELF_MISFIT; leads(&f) && id <= RJ_VAR_INFLUENCE_RANK; id++) {
                const double error = deviation(&f, (rj_variable_id)id);
                worst = fmax(worst, error);
                if (!(error < 1e-9)) fail_msg("%s: variable %d deviates by %.1e", cases[i], id, error);
            }
            if (leads(&f)) print_message("%s, %d stages: %.1e\n", cases[i], stages, worst);
            close_case(&f);
        }
}

/* In single arithmetic what directions do not decide: norms, chance levels, shapes of spectra. A rank is of its arithmetic. */
static void single_arithmetic(void **x)
{
    static const rj_variable_id ids[] = {RJ_VAR_SELF_NULL,          RJ_VAR_FIXED_INPUT_NULL,
                                         RJ_VAR_FIXED_OUTPUT_NULL,  RJ_VAR_INFLUENCE_FROBENIUS,
                                         RJ_VAR_INFLUENCE_SPECTRAL, RJ_VAR_INFLUENCE_PARTICIPATION};
    (void)x;
    for (int i = 0; i < N_CASES; i++) {
        fixture f;
        open_case(&f, cases[i], RJ_SINGLE);
        assert_int_equal(run_stages(&f, 1), RJ_OK);
        for (size_t j = 0; leads(&f) && j < sizeof ids / sizeof ids[0]; j++) {
            const double error = deviation(&f, ids[j]);
            if (!(error < 2e-5)) fail_msg("%s: variable %d deviates by %.1e", cases[i], (int)ids[j], error);
        }
        close_case(&f);
    }
}

/* No bit depends on the stages. */
static void stages_change_nothing(void **x)
{
    (void)x;
    for (int stages = 2; stages <= rj_test_size && stages <= 3; stages++) {
        fixture f, g;
        open_case(&f, "llama_base", RJ_SINGLE);
        open_case(&g, "llama_base", RJ_SINGLE);
        assert_int_equal(run_stages(&f, stages), RJ_OK);
        assert_int_equal(run_stages(&g, 1), RJ_OK);
        for (int index = 0; leads(&f) && leads(&g) && index < RJ_N_VARIABLES; index++) {
            const rj_variable_id id = (rj_variable_id)index;
            const ptrdiff_t n = rj_schema_rows(id, &f.record->sizes) * rj_schema_count(id, &f.record->sizes);
            if (id != RJ_VAR_PROMPT_SECONDS)
                assert_memory_equal(f.record->value[id], g.record->value[id], sizeof(double) * (size_t)n);
        }
        close_case(&f);
        close_case(&g);
    }
}

/* Tokens named from the end, one that no prompt has, one layer: each value is where the whole run has it. */
static void some_tokens_of_one_layer(void **x)
{
    fixture all, some;
    (void)x;
    open_case(&all, "llama_base", RJ_DOUBLE);
    open_case(&some, "llama_base", RJ_DOUBLE);
    const int at[] = {-1, 4, MAX_T, 0, -2}, T = some.T, from[] = {T - 1, 4, -1, 0, T - 2}, L = 3;
    memcpy(some.at, at, sizeof at);
    some.n_at = 5;
    some.layer[0] = some.layer[2] = false;
    assert_int_equal(run_stages(&all, 1), RJ_OK);
    assert_int_equal(run_stages(&some, 1), RJ_OK);
    for (int mode = 0; leads(&all) && mode < 3; mode++) {
        const rj_variable_id id = (rj_variable_id)(RJ_VAR_SELF_MISFIT + 4 * mode);
        const double *whole = rj_record_at(all.record, id, 1), *part = rj_record_at(some.record, id, 1);
        for (int i = 0; i < N_K * L * 25; i++) {
            const int k = i / 25 / L, l = i / 25 % L, a = from[i / 5 % 5], b = from[i % 5];
            const double expected = l != 1 || a < 0 || b < 0 ? NAN : whole[((k * L + l) * T + a) * T + b];
            if (!(isnan(expected) ? isnan(part[i]) : fabs(part[i] - expected) < 1e-10))
                fail_msg("mode %d, element %d: %g, not %g", mode, i, part[i], expected);
        }
    }
    for (int i = 0; leads(&all) && i < 3;
         i++) { /* the first prompt has three tokens: 4 and T - 1 are none of them */
        const double *rank = rj_record_at(some.record, RJ_VAR_SELF_RANK, 0) + 5;
        assert_true(rank[0] > 0 && isnan(rank[1]) && isnan(rank[2]) && rank[3] > 0 && rank[4] > 0);
    }
    close_case(&all);
    close_case(&some);
}

/* What is not asked for is not there; the skipped last block has nothing. */
static void modes_come_alone(void **x)
{
    (void)x;
    for (int mode = RJ_MODE_SELF; mode < RJ_N_MODES; mode++) {
        fixture f;
        open_case(&f, "gemma3_base", RJ_DOUBLE);
        f.options.tokens.modes = (size_t)1 << mode;
        f.options.last_block = RJ_LAST_SKIP;
        assert_int_equal(run_stages(&f, 1), RJ_OK);
        for (int id = RJ_VAR_SELF_MISFIT; leads(&f) && id <= RJ_VAR_INFLUENCE_RANK; id++) {
            const ptrdiff_t rows = rj_schema_rows((rj_variable_id)id, &f.record->sizes);
            assert_int_equal(rows, (int)rj_schema[id].mode == mode ? 2 : 0);
        }
        const rj_variable_id rank = mode == RJ_MODE_INFLUENCE
                                        ? RJ_VAR_INFLUENCE_FROBENIUS
                                        : (rj_variable_id)(RJ_VAR_SELF_RANK + 4 * (mode - 1));
        const int L = rj_model_config(f.model)->n_layer;
        for (int i = 0; leads(&f) && i < L * f.T; i++)
            assert_int_equal(isnan(rj_record_at(f.record, rank, 1)[i]) != 0, i / f.T == L - 1);
        close_case(&f);
    }
    assert_int_equal(rj_memory_live(), 0);
}

static rj_status stop(void *ctx, double share)
{
    (void)share;
    return --*(int *)ctx < 0 ? RJ_ERR_STOPPED : RJ_OK;
}

/* Between any two tokens a run may be stopped, or memory end: nothing is lost. */
static void stops_and_lost_memory(void **x)
{
    (void)x;
    for (int n = 0, ended = 0; n < 3000 && !ended; n += 41) {
        fixture f;
        open_case(&f, "t5_base", RJ_DOUBLE);
        f.memory_left = n;
        const rj_status st = run_stages(&f, 1);
        if (st != RJ_OK && st != RJ_ERR_NOMEM) fail_msg("%d allocations: %s", n, rj_status_message());
        ended = st == RJ_OK;
        close_case(&f);
        assert_int_equal(rj_memory_live(), 0);
    }
    for (int n = 0; n < 40; n += 7) {
        fixture f;
        int left = n;
        open_case(&f, "t5_base", RJ_DOUBLE);
        f.options.tick = stop;
        f.options.tick_ctx = &left;
        const rj_status st = run_stages(&f, 1);
        assert_int_equal(st, f.team == NULL ? RJ_OK : RJ_ERR_STOPPED);
        close_case(&f);
        assert_int_equal(rj_memory_live(), 0);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        rj_unit_test(every_mode_is_the_oracles), rj_unit_test(single_arithmetic),
        rj_unit_test(stages_change_nothing),     rj_unit_test(some_tokens_of_one_layer),
        rj_unit_test(modes_come_alone),          rj_unit_test(stops_and_lost_memory),
    };
    rj_test_begin(&argc, &argv);
    return rj_test_end(cmocka_run_group_tests(tests, NULL, NULL));
}
