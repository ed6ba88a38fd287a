/* test_family_blocks.c: blocks of all families as derivatives. Twins: test_twins.c. */
#include "checkpoints.h"

#include "resjac/model/block_parts.h"

/* A block at token t of a random prompt: derivative by its definition, as an operator and folded. */
enum { MOST_D = 40, T = 9, N_MEMORY = 5 };

/* A decoder's block reads a random memory besides. */
static rj_status forward(const rj_block *b, double *x, int t, rj_point **point)
{
    const int d = b->model->config.d, n = N_MEMORY * d;
    double all[MOST_D * (N_MEMORY + T)], kept[MOST_D * N_MEMORY];

    if (b->cross.n_head == 0) return rj_block_forward(b, T, x, t, point);
    fill_normal("memory", n, all);
    memcpy(kept, all, sizeof(double) * (size_t)n);
    memcpy(all + n, x, sizeof(double) * (size_t)(d * T));
    const rj_status st = rj_block_decode(b, N_MEMORY, T, all, t, point);
    assert_memory_equal(kept, all, sizeof(double) * (size_t)n);
    memcpy(x, all + n, sizeof(double) * (size_t)(d * T));
    return st;
}

static double taylor_remainder(const rj_block *b, int d, const double *x, int t, double h, const double *dx,
                               const double *jdx)
{
    double moved[MOST_D * T], still[MOST_D * T], sum = 0.0;
    const size_t bytes = sizeof(double) * (size_t)(d * T);

    memcpy(moved, x, bytes), memcpy(still, x, bytes);
    for (int i = 0; i < d; i++) moved[i + t * d] += h * dx[i];
    assert_ok(forward(b, moved, t, NULL));
    assert_ok(forward(b, still, t, NULL));
    for (int i = 0; i < d; i++) {
        const double r = moved[i + t * d] - still[i + t * d] - h * (dx[i] + jdx[i]);
        sum += r * r;
    }
    return sqrt(sum);
}

static void check_point(const rj_block *b, int d, int t)
{
    double x[MOST_D * T], out[MOST_D * T], dx[MOST_D], g[MOST_D], jdx[MOST_D], jg[MOST_D];
    double left = 0.0, right = 0.0;
    rj_matrix mdx = {RJ_DOUBLE, d, 1, d, dx}, mg = {RJ_DOUBLE, d, 1, d, g};
    rj_matrix mjdx = {RJ_DOUBLE, d, 1, d, jdx}, mjg = {RJ_DOUBLE, d, 1, d, jg}, folded, formed;
    rj_point *point = NULL;

    fill_normal("x", d * T, x), fill_normal("dx", d, dx), fill_normal("g", d, g);
    memcpy(out, x, sizeof out);
    assert_ok(forward(b, out, t, &point));
    const rj_linop op = rj_point_linop(point);
    assert_ok(op.apply(op.ctx, &mdx, &mjdx));
    assert_ok(op.apply_transpose(op.ctx, &mg, &mjg));
    for (int i = 0; i < d; i++) left += g[i] * jdx[i], right += jg[i] * dx[i];
    assert_true(fabs(left - right) < 1e-12 * (1.0 + fabs(left)));
    const double ratio =
        taylor_remainder(b, d, x, t, 2e-4, dx, jdx) / taylor_remainder(b, d, x, t, 1e-4, dx, jdx);
    if (!(3.98 < ratio && ratio < 4.02)) fail_msg("layer %d, token %d: ratio %g", b->layer, t, ratio);
    assert_ok(rj_matrix_new(RJ_DOUBLE, d, d, &folded));
    assert_ok(rj_matrix_new(RJ_DOUBLE, d, d, &formed));
    assert_ok(rj_point_jacobian(point, RJ_LAST_RAW, &folded));
    assert_ok(rj_linop_form(&op, 5, &formed));
    assert_true(rj_matrix_max_difference(&folded, &formed) < 1e-14 * rj_matrix_frobenius(&formed));
    rj_matrix_free(&folded), rj_matrix_free(&formed);
    rj_point_free(&point);
}

static void blocks_are_differentiated(void **state)
{
    static const char *const names[] = {"gpt2_base",
                                        "gpt2_odd",
                                        "gpt2_unscaled",
                                        "qwen2_window",
                                        "gemma3_base",
                                        "gemma3_new_keys",
                                        "gemma3_base/model-F16.gguf",
                                        "gptneox_base",
                                        "gptneox_sequential",
                                        "phi_base",
                                        "phi_grouped/model-BF16.gguf",
                                        "gptneo_base",
                                        "mistral_base",
                                        "gemma_heads",
                                        "gemma2_base",
                                        "olmo_base",
                                        "olmo_grouped",
                                        "falcon_7b",
                                        "falcon_40b",
                                        "falcon_11b",
                                        "mpt_base",
                                        "mpt_heads",
                                        "hfolmo_base",
                                        "qwen3_window",
                                        "olmo2_base",
                                        "olmo2_heads",
                                        "stablelm_parallel",
                                        "stablelm_own",
                                        "stablelm_onekey",
                                        "stablelm_own/model-F16.gguf",
                                        "phi3_base",
                                        "phi3_long",
                                        "gptj_base",
                                        "opt_base",
                                        "opt_post",
                                        "opt_late",
                                        "bloom_heads",
                                        "mixtral_base",
                                        "mixtral_odd/model-BF16.gguf",
                                        "t5_base",
                                        "t5_plain/model-BF16.gguf",
                                        "t5dec_base",
                                        "t5dec_plain/model-BF16.gguf"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        rj_model *model = NULL;
        const rj_stack stack = strncmp(names[i], "t5dec", 5) == 0 ? RJ_STACK_DECODER : RJ_STACK_DEFAULT;
        assert_ok(rj_model_open_stack(golden(names[i]), stack, false, 0, &model));
        for (int layer = 0; layer < model->config.n_layer; layer++) {
            rj_block *b = NULL;
            assert_ok(rj_block_load(model, layer, RJ_DOUBLE, &b));
            for (int t = 0; t < T; t += 4) check_point(b, model->config.d, t);
            rj_block_free(&b);
        }
        rj_model_close(&model);
    }
}

/* ||J 1 + share 1|| / sqrt d */
static double shift_error(const rj_point *point, int d, rj_last_block last, double share)
{
    double one[MOST_D], j1[MOST_D], jac[MOST_D * MOST_D], sum = 0.0;
    rj_matrix mjac = {RJ_DOUBLE, d, d, d, jac};

    for (int i = 0; i < d; i++) one[i] = 1.0;
    assert_ok(rj_point_jacobian(point, last, &mjac));
    rj_matrix_times('N', &mjac, one, j1);
    for (int i = 0; i < d; i++) sum += (j1[i] + share) * (j1[i] + share);
    return sqrt(sum / d);
}

/* ||J (x - mean x)|| / ||x - mean x|| at token 0, which sees itself alone: a parallel block of LayerNorms does not see the
 * length of its state (but for eps). */
static double length_error(const rj_point *point, int d, const double *x)
{
    double c[MOST_D], jc[MOST_D], jac[MOST_D * MOST_D], mean = 0.0, above = 0.0, below = 0.0;
    rj_matrix mjac = {RJ_DOUBLE, d, d, d, jac};

    for (int i = 0; i < d; i++) mean += x[i] / d;
    for (int i = 0; i < d; i++) c[i] = x[i] - mean;
    assert_ok(rj_point_jacobian(point, RJ_LAST_RAW, &mjac));
    rj_matrix_times('N', &mjac, c, jc);
    for (int i = 0; i < d; i++) above += jc[i] * jc[i], below += c[i] * c[i];
    return sqrt(above / below);
}

/* What reads a memory needs one, and no other block has use for it. */
static void memories_where_they_are_read(void **state)
{
    rj_model *decoder = NULL, *encoder = NULL;
    rj_block *b = NULL;
    double x[24 * 3] = {0};

    (void)state;
    assert_ok(rj_model_open_stack(golden("t5dec_base"), RJ_STACK_DECODER, false, 0, &decoder));
    assert_ok(rj_model_open_stack(golden("t5dec_base"), RJ_STACK_ENCODER, false, 0, &encoder));
    assert_true(rj_model_encoder(encoder) == NULL && rj_model_encoder(decoder) != NULL);
    assert_ok(rj_block_load(decoder, 0, RJ_DOUBLE, &b));
    assert_int_equal(rj_block_forward(b, 3, x, 0, NULL), RJ_ERR_ARG);
    assert_message("a memory of 0 tokens for a block that reads one", NULL);
    rj_block_free(&b);
    assert_ok(rj_block_load(encoder, 0, RJ_DOUBLE, &b));
    assert_int_equal(rj_block_decode(b, 1, 2, x, 0, NULL), RJ_ERR_ARG);
    assert_message("a memory of 1 tokens for a block that reads none", NULL);
    rj_block_free(&b);
    rj_model_close(&encoder);
    rj_model_close(&decoder);
}

/* LayerNorm does not see a shift of the state: J 1 = 0, and with the final norm behind -1. */
static void layer_norm_blocks_forget_the_mean(void **state)
{
    static const char *const names[] = {"gpt2_base",   "gptneox_base", "gptneox_sequential", "phi_base",
                                        "gptneo_base", "olmo_base",    "falcon_7b",          "falcon_40b",
                                        "falcon_11b",  "mpt_base",     "stablelm_parallel",  "gptj_base",
                                        "opt_base",    "bloom_base"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        rj_model *model = NULL;
        rj_block *b = NULL;
        rj_point *point = NULL;
        double x[MOST_D * T], y[MOST_D * T];
        assert_ok(rj_model_open(golden(names[i]), false, 0, &model));
        const int d = model->config.d;
        fill_normal("x", d * T, x);
        for (int k = 0; k < d * T; k++) x[k] *= 30.0; /* so that eps hardly matters */
        memcpy(y, x, sizeof y);
        assert_ok(rj_block_load(model, 1, RJ_DOUBLE, &b));
        assert_ok(rj_block_forward(b, T, y, T - 1, &point));
        assert_true(shift_error(point, d, RJ_LAST_RAW, 0.0) < 1e-13);
        assert_true(shift_error(point, d, RJ_LAST_FINAL_NORM, 1.0) < 1e-13);
        if (length_error(point, d, x + (T - 1) * d) > 1e-5) assert_false(b->parallel);
        assert_true(b->parallel ==
                    (strncmp(names[i], "falcon", 6) == 0 || strcmp(names[i], "phi_base") == 0 ||
                     strcmp(names[i], "stablelm_parallel") == 0 || strcmp(names[i], "gptj_base") == 0 ||
                     strcmp(names[i], "gptneox_base") == 0));
        rj_point_free(&point);
        rj_block_free(&b);
        rj_model_close(&model);
    }
}

/* Behind a LayerNorm of the sum its outputs, less their biases and over their gains, have the mean 0: (1/gain)' (J + I) = 0. */
static void sums_behind_a_norm_have_no_mean(void **state)
{
    static const char *const names[] = {"opt_post", "opt_late"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        rj_model *model = NULL;
        rj_block *b = NULL;
        rj_point *point = NULL;
        double x[MOST_D * T], jac[MOST_D * MOST_D], row[MOST_D], inverse[MOST_D];
        assert_ok(rj_model_open(golden(names[i]), false, 0, &model));
        const int d = model->config.d;
        rj_matrix mjac = {RJ_DOUBLE, d, d, d, jac};
        fill_normal("x", d * T, x);
        assert_ok(rj_block_load(model, 1, RJ_DOUBLE, &b));
        assert_ok(rj_block_forward(b, T, x, T - 1, &point));
        assert_ok(rj_point_jacobian(point, RJ_LAST_RAW, &mjac));
        for (int k = 0; k < d; k++) inverse[k] = 1.0 / b->mlp_sum_norm.gain[k];
        rj_matrix_times('T', &mjac, inverse, row);
        for (int k = 0; k < d; k++) assert_true(fabs(row[k] + inverse[k]) < 1e-12 * (1.0 + fabs(inverse[k])));
        assert_int_equal(b->mlp_norm.d, 0);
        rj_point_free(&point);
        rj_block_free(&b);
        rj_model_close(&model);
    }
}

/* Values at the edge of the clip are counted: with a clip of a query's own value, that one. */
static void kinks_of_a_clip_are_counted(void **state)
{
    rj_model *model = NULL;
    rj_block *b = NULL;
    rj_point *point = NULL;
    double x[MOST_D], y[MOST_D], column[MOST_D];
    rj_norm_point norm = {0};

    (void)state;
    assert_ok(rj_model_open(golden("olmo_base"), false, 0, &model));
    const int d = model->config.d;
    fill_normal("x", d, x);
    assert_ok(rj_block_load(model, 0, RJ_DOUBLE, &b));
    memcpy(y, x, sizeof y);
    assert_ok(rj_block_forward(b, 1, y, 0, &point));
    assert_int_equal(rj_point_kinks(point), 0);
    rj_point_free(&point);
    assert_ok(rj_norm_linearise(&b->attention_norm, x, &norm));
    rj_matrix_get_column(&b->attention.query.weight, 5, column);
    double q = 0.0;
    for (int i = 0; i < d; i++) q += column[i] * norm.unit[i];
    b->attention.clip = fabs(q) * (1.0 + 5e-6);
    assert_ok(rj_block_forward(b, 1, x, 0, &point));
    assert_int_equal(rj_point_kinks(point), 1);
    rj_norm_point_free(&norm);
    rj_point_free(&point);
    rj_block_free(&b);
    rj_model_close(&model);
}

static rj_status open_and_run(const char *path, rj_stack stack)
{
    rj_status st = RJ_OK;
    rj_model *model = NULL;
    rj_block *b = NULL;
    rj_point *point = NULL;
    const int32_t ids[] = {1, 2, 3};
    double x[MOST_D * 5] = {0};
    rj_matrix jac = {.ld = 1}, y = {.ld = 1};

    RJ_TRY(rj_model_open_stack(path, stack, false, 0, &model));
    RJ_TRY(rj_model_embed(model, 3, ids, x));
    RJ_TRY(rj_block_load(model, 0, RJ_DOUBLE, &b));
    RJ_TRY(rj_block_decode(b, stack == RJ_STACK_DECODER ? 2 : 0, 3, x, 2, &point));
    RJ_TRY(rj_matrix_new(RJ_DOUBLE, model->config.d, model->config.d, &jac));
    RJ_TRY(rj_matrix_new(RJ_DOUBLE, model->config.d, model->config.d, &y));
    RJ_TRY(rj_point_jacobian(point, rj_config_ends_in_norm(&model->config) ? RJ_LAST_FINAL_NORM : RJ_LAST_RAW,
                             &jac));
    const rj_linop op = rj_point_linop(point);
    RJ_TRY(op.apply(op.ctx, &jac, &y));
    RJ_TRY(op.apply_transpose(op.ctx, &jac, &y));
done:
    rj_matrix_free(&y);
    rj_matrix_free(&jac);
    rj_point_free(&point);
    rj_block_free(&b);
    rj_model_close(&model);
    return st;
}

static void every_allocation_may_fail(void **state)
{
    static const char *const names[] = {"gpt2_base", "gemma3_new_keys", "mpt_base",
                                        "phi_base",  "falcon_40b",      "olmo2_base",
                                        "phi3_long", "bloom_base",      "mixtral_base/model-F16.gguf",
                                        "opt_post",  "stablelm_own",    "t5dec_base"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        int n = 0;
        for (rj_status st = RJ_ERR_NOMEM; st != RJ_OK; n++) {
            rj_memory_fail_after(n);
            const bool decoder = strncmp(names[i], "t5dec", 5) == 0;
            st = open_and_run(golden(names[i]), decoder ? RJ_STACK_DECODER : RJ_STACK_DEFAULT);
            rj_memory_fail_after(-1);
            assert_true(st == RJ_OK || st == RJ_ERR_NOMEM);
            assert_int_equal(rj_memory_live(), 0);
        }
        assert_true(n > 80);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(blocks_are_differentiated),         unit(memories_where_they_are_read),
        unit(layer_norm_blocks_forget_the_mean), unit(sums_behind_a_norm_have_no_mean),
        unit(kinks_of_a_clip_are_counted),       unit(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, temporary_begin, temporary_end);
}
