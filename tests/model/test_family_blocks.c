/* test_family_blocks.c: blocks of GPT-2, Qwen2, Gemma 3 as derivatives, and the twins' weights. */
#include "checkpoints.h"

#include "resjac/model/block_parts.h"

static void assert_same(const rj_linear *a, const rj_linear *b)
{
    assert_true(a->weight.rows == b->weight.rows && a->weight.cols == b->weight.cols);
    assert_true(rj_matrix_max_difference(&a->weight, &b->weight) == 0.0);
    assert_true(rj_matrix_frobenius(&a->weight) > 0.0 && a->bias == NULL && b->bias == NULL);
}

static void assert_unit(const rj_norm *norm, int d)
{
    assert_int_equal(norm->d, d);
    for (int i = 0; i < d; i++)
        assert_true(norm->gain[i] == 1.0 && (norm->bias == NULL || norm->bias[i] == 0.0));
}

static void compare_twins(const char *folder, const char *gguf, int d)
{
    rj_model *one = NULL, *two = NULL;
    const int32_t ids[] = {5, 60, 5};
    double x[3 * 64], y[3 * 64];

    assert_ok(rj_model_open(golden(folder), true, 3, &one));
    assert_ok(rj_model_open(golden(gguf), true, 3, &two));
    assert_ok(rj_model_embed(one, 3, ids, x));
    assert_ok(rj_model_embed(two, 3, ids, y));
    assert_memory_equal(x, y, sizeof(double) * 3 * (size_t)d);
    for (int layer = 0; layer < one->config.n_layer; layer++) {
        rj_block *a = NULL, *b = NULL;
        assert_ok(rj_block_load(one, layer, RJ_SINGLE, &a));
        assert_ok(rj_block_load(two, layer, RJ_SINGLE, &b));
        assert_same(&a->attention.query, &b->attention.query);
        assert_same(&a->attention.key, &b->attention.key);
        assert_same(&a->attention.value, &b->attention.value);
        assert_same(&a->attention.out, &b->attention.out);
        if (a->mlp.gated) assert_same(&a->mlp.gate, &b->mlp.gate);
        assert_same(&a->mlp.up, &b->mlp.up);
        assert_same(&a->mlp.down, &b->mlp.down);
        assert_unit(&a->attention_norm, d);
        assert_unit(&b->mlp_norm, d);
        assert_unit(&a->mlp_post_norm, a->mlp_post_norm.d);
        assert_unit(&b->attention.key_norm, a->attention.key_norm.d);
        rj_block_free(&a), rj_block_free(&b);
    }
    assert_unit(&one->final_norm, d);
    rj_model_close(&one), rj_model_close(&two);
}

static void twins_of_both_formats_are_equal(void **state)
{
    (void)state;
    compare_twins("gpt2_base", "gpt2_base/model-F16.gguf", 36);
    compare_twins("gpt2_unscaled", "gpt2_unscaled/model-BF16.gguf", 20);
    compare_twins("qwen2_base", "qwen2_base/model-F16.gguf", 36);
    compare_twins("gemma3_base", "gemma3_base/model-F16.gguf", 32);
    compare_twins("gemma3_multimodal", "gemma3_multimodal/model-BF16.gguf", 20);
}

/* Element (row,column) of a tensor [..,width] drawn by its name. */
static double draw(const char *name, int row, int column, int width, double deviation)
{
    const rj_rng rng = rj_rng_open(3, name);
    double value;
    rj_rng_normals(&rng, (uint64_t)(row * width + column), 1, &value);
    return (double)(float)(deviation * value);
}

static double entry(const rj_linear *l, int in, int out)
{
    double column[256];
    rj_matrix_get_column(&l->weight, out, column);
    return column[in];
}

/* Deviation 0.02, of projections into the stream 0.02/sqrt(2 L): L = 2. X^0 is word and position. */
static void gpt2_twins_scale_residual_projections(void **state)
{
    rj_model *model = NULL;
    rj_block *b = NULL;
    const int32_t ids[] = {7, 9};
    double x[2 * 36], word[36], position[36];

    (void)state;
    assert_ok(rj_model_open(golden("gpt2_base/model-F16.gguf"), true, 3, &model));
    assert_ok(rj_block_load(model, 1, RJ_DOUBLE, &b));
    for (int i = 0; i < 36; i += 5)
        for (int o = 0; o < 36; o += 7) {
            assert_true(entry(&b->attention.query, i, o) ==
                        draw("transformer.h.1.attn.c_attn.weight", i, o, 108, 0.02));
            assert_true(entry(&b->attention.value, i, o) ==
                        draw("transformer.h.1.attn.c_attn.weight", i, 72 + o, 108, 0.02));
            assert_true(entry(&b->attention.out, i, o) ==
                        draw("transformer.h.1.attn.c_proj.weight", i, o, 36, 0.02 / 2.0));
            assert_true(entry(&b->mlp.up, i, o) == draw("transformer.h.1.mlp.c_fc.weight", i, o, 144, 0.02));
            assert_true(entry(&b->mlp.down, i + 100, o) ==
                        draw("transformer.h.1.mlp.c_proj.weight", i + 100, o, 36, 0.02 / 2.0));
        }
    rj_rng rng = rj_rng_open(3, "transformer.wte.weight");
    rj_rng_normals(&rng, 9 * 36, 36, word);
    rng = rj_rng_open(3, "transformer.wpe.weight");
    rj_rng_normals(&rng, 36, 36, position);
    assert_ok(rj_model_embed(model, 2, ids, x));
    for (int i = 0; i < 36; i++)
        assert_true(x[36 + i] == (double)(float)(0.02 * word[i]) + (double)(float)(0.02 * position[i]));
    assert_int_equal(rj_model_embed(model, 25, ids, x), RJ_ERR_FORMAT);
    assert_message("25 tokens", "context of 24", NULL);
    rj_block_free(&b);
    rj_model_close(&model);
}

/* Other families draw all matrices alike: o_proj [32,48] and down_proj [32,43], L = 4. */
static void other_twins_do_not(void **state)
{
    rj_model *model = NULL;
    rj_block *b = NULL;

    (void)state;
    assert_ok(rj_model_open(golden("gemma3_base"), true, 3, &model));
    assert_ok(rj_block_load(model, 2, RJ_DOUBLE, &b));
    for (int i = 0; i < 43; i += 6)
        for (int o = 0; o < 32; o += 5) {
            assert_true(entry(&b->attention.out, i, o) ==
                        draw("model.layers.2.self_attn.o_proj.weight", o, i, 48, 0.02));
            assert_true(entry(&b->mlp.down, i, o) ==
                        draw("model.layers.2.mlp.down_proj.weight", o, i, 43, 0.02));
        }
    rj_block_free(&b);
    rj_model_close(&model);
}

/* A block at token t of a random prompt: derivative by its definition, as an operator and folded. */
enum { MOST_D = 36, T = 9 };

static double taylor_remainder(const rj_block *b, int d, const double *x, int t, double h, const double *dx,
                               const double *jdx)
{
    double moved[MOST_D * T], still[MOST_D * T], sum = 0.0;
    const size_t bytes = sizeof(double) * (size_t)(d * T);

    memcpy(moved, x, bytes), memcpy(still, x, bytes);
    for (int i = 0; i < d; i++) moved[i + t * d] += h * dx[i];
    assert_ok(rj_block_forward(b, T, moved, t, NULL));
    assert_ok(rj_block_forward(b, T, still, t, NULL));
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
    assert_ok(rj_block_forward(b, T, out, t, &point));
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
                                        "gemma3_base/model-F16.gguf"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        rj_model *model = NULL;
        assert_ok(rj_model_open(golden(names[i]), false, 0, &model));
        for (int layer = 0; layer < model->config.n_layer; layer++) {
            rj_block *b = NULL;
            assert_ok(rj_block_load(model, layer, RJ_DOUBLE, &b));
            for (int t = 0; t < T; t += 4) check_point(b, model->config.d, t);
            rj_block_free(&b);
        }
        rj_model_close(&model);
    }
}

/* GPT-2 does not see a shift of its input (LayerNorm): J 1 = 0, and with the final norm behind -1. */
static void layer_norm_blocks_forget_the_mean(void **state)
{
    rj_model *model = NULL;
    rj_block *b = NULL;
    rj_point *point = NULL;
    double x[36 * T], one[36], j1[36], jac[36 * 36];
    rj_matrix mjac = {RJ_DOUBLE, 36, 36, 36, jac};

    (void)state;
    for (int i = 0; i < 36; i++) one[i] = 1.0;
    fill_normal("x", 36 * T, x);
    assert_ok(rj_model_open(golden("gpt2_base"), false, 0, &model));
    assert_ok(rj_block_load(model, 1, RJ_DOUBLE, &b));
    assert_ok(rj_block_forward(b, T, x, T - 1, &point));
    assert_ok(rj_point_jacobian(point, RJ_LAST_RAW, &mjac));
    rj_matrix_times('N', &mjac, one, j1);
    for (int i = 0; i < 36; i++) assert_true(fabs(j1[i]) < 1e-13);
    assert_ok(rj_point_jacobian(point, RJ_LAST_FINAL_NORM, &mjac));
    rj_matrix_times('N', &mjac, one, j1);
    for (int i = 0; i < 36; i++) assert_true(fabs(j1[i] + 1.0) < 1e-13);
    rj_point_free(&point);
    rj_block_free(&b);
    rj_model_close(&model);
}

static rj_status open_and_run(const char *path)
{
    rj_status st = RJ_OK;
    rj_model *model = NULL;
    rj_block *b = NULL;
    rj_point *point = NULL;
    const int32_t ids[] = {1, 2, 3};
    double x[MOST_D * 3];
    rj_matrix jac = {.ld = 1}, y = {.ld = 1};

    RJ_TRY(rj_model_open(path, false, 0, &model));
    RJ_TRY(rj_model_embed(model, 3, ids, x));
    RJ_TRY(rj_block_load(model, 0, RJ_DOUBLE, &b));
    RJ_TRY(rj_block_forward(b, 3, x, 2, &point));
    RJ_TRY(rj_matrix_new(RJ_DOUBLE, model->config.d, model->config.d, &jac));
    RJ_TRY(rj_matrix_new(RJ_DOUBLE, model->config.d, model->config.d, &y));
    RJ_TRY(rj_point_jacobian(point, RJ_LAST_FINAL_NORM, &jac));
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
    static const char *const names[] = {"gpt2_base", "gemma3_new_keys"};

    (void)state;
    for (int i = 0; i < 2; i++) {
        int n = 0;
        for (rj_status st = RJ_ERR_NOMEM; st != RJ_OK; n++) {
            rj_memory_fail_after(n);
            st = open_and_run(golden(names[i]));
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
        unit(twins_of_both_formats_are_equal),
        unit(gpt2_twins_scale_residual_projections),
        unit(other_twins_do_not),
        unit(blocks_are_differentiated),
        unit(layer_norm_blocks_forget_the_mean),
        unit(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, temporary_begin, temporary_end);
}
