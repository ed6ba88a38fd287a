/* mpi_test_pipeline_svd.c: a unit measured by leading triplets against the same unit by full decompositions, by as many stages
 * as there are ranks. */
#include "rj_test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../temporary.h"
#include "resjac/base/memory.h"
#include "resjac/run/pipeline.h"
#include "resjac/run/team.h"

enum { D = 320, FF = 256, L = 3, VOCAB = 16, N_K = 2 };
static const int k_count[N_K] = {3, 5};

/* A Llama whose file has names and shapes only: its twin is drawn. */
static void write_model(void)
{
    const char *const names[] = {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj",
                                 "self_attn.o_proj", "mlp.gate_proj",    "mlp.up_proj",
                                 "mlp.down_proj"};
    char text[8192] = "{";
    size_t n = 1, at = 0;
    mkdir(temporary_path("m"), 0700);
    FILE *config = fopen(temporary_path("m/config.json"), "w");
    assert_non_null(config);
    fprintf(config,
            "{\"model_type\": \"llama\", \"hidden_size\": %d, \"num_attention_heads\": 4, "
            "\"intermediate_size\": %d, \"num_hidden_layers\": %d, \"max_position_embeddings\": 32, "
            "\"rms_norm_eps\": 1e-5, \"rope_theta\": 50.0, \"initializer_range\": 0.05}",
            D, FF, L);
    assert_int_equal(fclose(config), 0);
#define TENSOR(count, shape, ...)                                                                            \
    do {                                                                                                     \
        n += (size_t)snprintf(text + n, sizeof text - n, n > 1 ? "," : "");                                  \
        n += (size_t)snprintf(text + n, sizeof text - n, __VA_ARGS__);                                       \
        n += (size_t)snprintf(text + n, sizeof text - n,                                                     \
                              ":{\"dtype\":\"F32\",\"shape\":[%s],\"data_offsets\":[%zu,%zu]}", shape, at,   \
                              at + 4 * (size_t)(count));                                                     \
        at += 4 * (size_t)(count);                                                                           \
    } while (0)
    TENSOR(VOCAB * D, "16,320", "\"model.embed_tokens.weight\"");
    TENSOR(VOCAB * D, "16,320", "\"lm_head.weight\"");
    TENSOR(D, "320", "\"model.norm.weight\"");
    for (int l = 0; l < L; l++) {
        TENSOR(D, "320", "\"model.layers.%d.input_layernorm.weight\"", l);
        TENSOR(D, "320", "\"model.layers.%d.post_attention_layernorm.weight\"", l);
        for (int i = 0; i < 7; i++)
            TENSOR(i < 4 ? D * D : FF * D,
                   i < 4   ? "320,320"
                   : i < 6 ? "256,320"
                           : "320,256",
                   "\"model.layers.%d.%s.weight\"", l, names[i]);
    }
    n += (size_t)snprintf(text + n, sizeof text - n, "}");
    FILE *file = fopen(temporary_path("m/model.safetensors"), "wb");
    assert_non_null(file);
    for (int i = 0; i < 8; i++) fputc((int)(n >> (8 * i) & 255), file);
    assert_int_equal(fwrite(text, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(truncate(temporary_path("m/model.safetensors"), (off_t)(8 + n + at)), 0);
}

/* Of leading triplets: by stages, by one grid of all ranks, by stages without matrices. */
typedef enum { STAGES, GRID, MATRIX_FREE, WAYS } way;

static rj_record *measure(rj_arithmetic type, rj_svd_method svd, way how)
{
    static const int32_t ids[] = {3, 1, 15, 2, 2, 9};
    const rj_tokens tokens = {6, ids};
    rj_pipeline_options options = {.arithmetic = type,
                                   .svd = svd,
                                   .matrix_free = how == MATRIX_FREE,
                                   .last_block = RJ_LAST_RAW,
                                   .n_k = N_K,
                                   .k = k_count,
                                   .norm = 2,
                                   .vju = true,
                                   .memory = 1 << 30};
    rj_model *model = NULL;
    rj_record *record = NULL;
    assert_int_equal(rj_model_open(temporary_path("m"), true, 5, &model), RJ_OK);
    const rj_sizes sizes = rj_pipeline_sizes(rj_model_config(model), &options, 1);
    assert_int_equal(rj_record_create(&sizes, &record), RJ_OK);
    const rj_team_shape stages = {rj_test_size < L ? rj_test_size : L, 1, 1}, one = {1, 1, rj_test_size};
    const rj_team_shape shape = how == GRID ? one : stages;
    rj_team *team = NULL;
    assert_int_equal(rj_team_create(rj_test_comm, &shape, &team), RJ_OK);
    if (team != NULL) assert_int_equal(rj_pipeline_run(team, model, &options, 1, &tokens, record), RJ_OK);
    rj_team_free(&team);
    rj_model_close(&model);
    return record;
}

/* Exact of a matrix; without it within the error that it says, 64 probes of what the triplets leave. */
static void check_norm(const rj_record *full, const rj_record *few, bool estimated, int l)
{
    const double truth = rj_record_at(full, RJ_VAR_JACOBIAN_FROBENIUS, 0)[l];
    const double value = rj_record_at(few, RJ_VAR_JACOBIAN_FROBENIUS, 0)[l];
    const double error = rj_record_at(few, RJ_VAR_JACOBIAN_FROBENIUS_ERROR, 0)[l];

    assert_true(rj_record_at(full, RJ_VAR_JACOBIAN_FROBENIUS_ERROR, 0)[l] == 0);
    assert_true((error > 0) == estimated && error < 0.02 * truth);
    assert_true(fabs(value - truth) < 4 * error + 1e-5 * truth);
    assert_true(
        fabs(rj_record_at(few, RJ_VAR_STABLE_RANK, 0)[l] / rj_record_at(full, RJ_VAR_STABLE_RANK, 0)[l] - 1) <
        8 * error / truth + 2e-5);
}

static void check_layer(const rj_record *full, const rj_record *few, int l)
{
    const int sv = (int)full->sizes.size[RJ_DIM_SV];
    const double *s = rj_record_at(full, RJ_VAR_SINGULAR_VALUE, 0) + l * sv;
    const double *t = rj_record_at(few, RJ_VAR_SINGULAR_VALUE, 0) + l * sv;
    const double *left = rj_record_at(few, RJ_VAR_RESIDUAL_LEFT, 0) + l * sv;
    int known = 0;
    while (known < sv && !isnan(t[known])) known++;
    assert_true(k_count[1] + 3 <= known && known < sv);
    for (int i = 0; i < sv; i++) {
        assert_true(isnan(t[i]) == (i >= known) && isnan(left[i]) == (i >= known));
        if (i < known) assert_true(fabs(s[i] - t[i]) < (i < k_count[1] + 3 ? 5e-6 : 1e-2) * s[0]);
    }
    assert_true(rj_record_at(full, RJ_VAR_SVD_METHOD, 0)[l] == RJ_SVD_FULL);
    assert_true(rj_record_at(few, RJ_VAR_SVD_METHOD, 0)[l] == RJ_SVD_KRYLOV);
    assert_true(rj_record_at(full, RJ_VAR_PARTICIPATION_RATIO, 0)[l] > 1);
    assert_true(isnan(rj_record_at(few, RJ_VAR_PARTICIPATION_RATIO, 0)[l]));
    assert_true(isnan(rj_record_at(few, RJ_VAR_EFFECTIVE_RANK, 0)[l]));
}

/* Pairwise measures within 1e-5 + 3e-3 (1e-6/gap): what an error of the frames in a gap can do. */
static void check_unit(const rj_record *full, const rj_record *few, bool estimated)
{
    const rj_variable_id pairwise[] = {RJ_VAR_COUPLING_MISFIT, RJ_VAR_COUPLING_MISFIT_VJU,
                                       RJ_VAR_COUPLING_NULL_ROTATION, RJ_VAR_COUPLING_NULL_CONJUGATION,
                                       RJ_VAR_COUPLING_MISFIT_TRACE};
    double gap = 1;
    for (int i = 0; i < L * N_K; i++) {
        gap = fmin(gap, rj_record_at(full, RJ_VAR_RELATIVE_GAP, 0)[i]);
        assert_true(fabs(rj_record_at(full, RJ_VAR_RELATIVE_GAP, 0)[i] -
                         rj_record_at(few, RJ_VAR_RELATIVE_GAP, 0)[i]) < 1e-5);
    }
    for (int l = 0; l < L; l++) {
        check_layer(full, few, l);
        check_norm(full, few, estimated, l);
    }
    for (size_t v = 0; v < sizeof pairwise / sizeof *pairwise; v++) {
        if (estimated && pairwise[v] == RJ_VAR_COUPLING_NULL_CONJUGATION)
            continue; /* of the norm and the trace */
        for (int at = 0; at < N_K * L * L; at++) {
            const double a = rj_record_at(full, pairwise[v], 0)[at],
                         b = rj_record_at(few, pairwise[v], 0)[at];
            const bool diagonal = at / L % L == at % L;
            assert_true(fabs(a - b) < (diagonal ? 5e-6 : 0) + (1e-5 + 3e-3 * (1e-6 / gap)) * fabs(a));
        }
    }
}

static void leading_triplets_give_the_same_measures(void **x)
{
    (void)x;
    write_model();
    for (int type = RJ_SINGLE; type <= RJ_DOUBLE; type++) {
        rj_record *full = measure((rj_arithmetic)type, RJ_SVD_FULL, STAGES);
        for (int how = 0; how < WAYS; how++) {
            rj_record *few = measure((rj_arithmetic)type, RJ_SVD_KRYLOV, (way)how);
            if (rj_test_rank == 0) check_unit(full, few, how == MATRIX_FREE);
            rj_record_destroy(&few);
        }
        rj_record_destroy(&full);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {rj_unit_test(leading_triplets_give_the_same_measures)};
    rj_test_begin(&argc, &argv);
    return rj_test_end(cmocka_run_group_tests(tests, temporary_begin, temporary_end));
}
