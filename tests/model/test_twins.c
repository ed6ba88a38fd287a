/* test_twins.c: weights of random-init twins: one draw for all formats, deviations and means as each family initialises. */
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

/* An MLP of that role; with experts the router, too. */
static void compare_mlps(const rj_block *a, const rj_block *b)
{
    const int n = a->experts.n_expert;

    assert_int_equal(b->experts.n_expert, n);
    if (n > 0) assert_same(&a->experts.router, &b->experts.router);
    for (int i = 0; i < (n > 0 ? n : 1); i++) {
        const rj_mlp *one = n > 0 ? &a->experts.expert[i] : &a->mlp,
                     *two = n > 0 ? &b->experts.expert[i] : &b->mlp;
        if (one->gated) assert_same(&one->gate, &two->gate);
        assert_same(&one->up, &two->up);
        assert_same(&one->down, &two->down);
    }
}

static void compare_stacks(const char *folder, const char *gguf, rj_stack stack, int d)
{
    rj_model *one = NULL, *two = NULL;
    const int32_t ids[] = {5, 40, 5};
    double x[3 * 64], y[3 * 64];

    assert_ok(rj_model_open_stack(golden(folder), stack, true, 3, &one));
    assert_ok(rj_model_open_stack(golden(gguf), stack, true, 3, &two));
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
        if (stack == RJ_STACK_DECODER) {
            assert_same(&a->cross.query, &b->cross.query);
            assert_same(&a->cross.key, &b->cross.key);
            assert_same(&a->cross.value, &b->cross.value);
            assert_same(&a->cross.out, &b->cross.out);
        }
        compare_mlps(a, b);
        assert_unit(&a->attention_norm, d);
        assert_unit(&b->mlp_norm, d);
        assert_unit(&a->mlp_post_norm, a->mlp_post_norm.d);
        assert_unit(&b->attention.key_norm, a->attention.key_norm.d);
        assert_int_equal(a->attention.query_norm.n_group, b->attention.query_norm.n_group);
        rj_block_free(&a), rj_block_free(&b);
    }
    assert_unit(&one->final_norm, d);
    rj_model_close(&one), rj_model_close(&two);
}

static void compare_twins(const char *folder, const char *gguf, int d)
{
    compare_stacks(folder, gguf, RJ_STACK_DEFAULT, d);
}

static void twins_of_both_formats_are_equal(void **state)
{
    (void)state;
    compare_twins("gpt2_base", "gpt2_base/model-F16.gguf", 36);
    compare_twins("gpt2_unscaled", "gpt2_unscaled/model-BF16.gguf", 20);
    compare_twins("qwen2_base", "qwen2_base/model-F16.gguf", 36);
    compare_twins("gemma3_base", "gemma3_base/model-F16.gguf", 32);
    compare_twins("gemma3_multimodal", "gemma3_multimodal/model-BF16.gguf", 20);
    compare_twins("gptneox_base", "gptneox_base/model-F16.gguf", 30);
    compare_twins("phi_base", "phi_base/model-F16.gguf", 24);
    compare_twins("phi_grouped", "phi_grouped/model-BF16.gguf", 40);
    compare_twins("gemma_base", "gemma_base/model-F16.gguf", 24);
    compare_twins("gemma2_base", "gemma2_base/model-F16.gguf", 24);
    compare_twins("olmo_grouped", "olmo_grouped/model-BF16.gguf", 40);
    compare_twins("falcon_40b", "falcon_40b/model-BF16.gguf", 36);
    compare_twins("mpt_base", "mpt_base/model-F16.gguf", 24);
    compare_twins("qwen3_base", "qwen3_base/model-F16.gguf", 20);
    compare_twins("stablelm_parallel", "stablelm_parallel/model-BF16.gguf", 32);
    compare_twins("stablelm_own", "stablelm_own/model-F16.gguf", 36);
    compare_twins("phi3_base", "phi3_base/model-F16.gguf", 24);
    compare_twins("mixtral_base", "mixtral_base/model-F16.gguf", 24);
    compare_twins("mixtral_odd", "mixtral_odd/model-BF16.gguf", 20);
    compare_twins("t5_base", "t5_base/model-F16.gguf", 24);
    compare_twins("t5_alone", "t5_alone/model-F16.gguf", 24);
    compare_stacks("t5dec_base", "t5dec_base/model-F16.gguf", RJ_STACK_DECODER, 24);
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

/* The decoder alike, with its second attention; the head as the embedding. */
static void t5_decoder_twins_too(void **state)
{
    rj_model *model = NULL;
    rj_block *b = NULL;
    double x[24], logits[41], expected = 0.0;

    (void)state;
    assert_ok(rj_model_open_stack(golden("t5dec_base"), RJ_STACK_DECODER, true, 3, &model));
    assert_ok(rj_block_load(model, 1, RJ_DOUBLE, &b));
    for (int i = 0; i < 24; i += 5)
        for (int o = 0; o < 20; o += 3) {
            assert_true(entry(&b->attention.query, i, o) ==
                        draw("decoder.block.1.layer.0.SelfAttention.q.weight", o, i, 24, pow(240.0, -0.5)));
            assert_true(entry(&b->cross.query, i, o) ==
                        draw("decoder.block.1.layer.1.EncDecAttention.q.weight", o, i, 24, pow(240.0, -0.5)));
            assert_true(entry(&b->cross.value, i, o) ==
                        draw("decoder.block.1.layer.1.EncDecAttention.v.weight", o, i, 24, pow(24.0, -0.5)));
            assert_true(entry(&b->cross.out, i, o) ==
                        draw("decoder.block.1.layer.1.EncDecAttention.o.weight", o, i, 30, pow(30.0, -0.5)));
            assert_true(
                entry(&b->mlp.gate, i, o) ==
                draw("decoder.block.1.layer.2.DenseReluDense.wi_0.weight", o, i, 24, pow(24.0, -0.5)));
        }
    assert_unit(&b->cross_norm, 24);
    for (int i = 0; i < 24; i++) x[i] = i % 2 == 0 ? 1.0 : -1.0; /* of norm 1, but for eps */
    assert_ok(rj_model_logits(model, x, logits));
    for (int i = 0; i < 24; i++) expected += x[i] * draw("lm_head.weight", 7, i, 24, 1.0);
    assert_true(fabs(logits[7] - expected) < 1e-3 * fabs(expected));
    rj_block_free(&b);
    rj_model_close(&model);
}

/* T5 [d 24, 3 heads of 10, d_ff 37], as its class initialises: 1/sqrt(inputs), queries 1/sqrt(inputs d_head), buckets 1/sqrt(d),
 * the embedding 1; with a plain MLP alike. */
static void t5_twins_scale_by_their_inputs(void **state)
{
    rj_model *model = NULL, *plain = NULL;
    rj_block *b = NULL, *c = NULL;
    const int32_t id = 9;
    double x[24];

    (void)state;
    assert_ok(rj_model_open(golden("t5_base"), true, 3, &model));
    assert_ok(rj_model_open(golden("t5_plain"), true, 3, &plain));
    assert_ok(rj_block_load(model, 1, RJ_DOUBLE, &b));
    assert_ok(rj_block_load(plain, 1, RJ_DOUBLE, &c));
    assert_ok(rj_model_embed(model, 1, &id, x));
    for (int i = 0; i < 24; i += 5)
        for (int o = 0; o < 20; o += 3) {
            const double of_d = pow(24.0, -0.5);
            assert_true(entry(&b->attention.query, i, o) ==
                        draw("encoder.block.1.layer.0.SelfAttention.q.weight", o, i, 24, pow(240.0, -0.5)));
            assert_true(entry(&b->attention.key, i, o) ==
                        draw("encoder.block.1.layer.0.SelfAttention.k.weight", o, i, 24, of_d));
            assert_true(entry(&b->attention.out, i, o) ==
                        draw("encoder.block.1.layer.0.SelfAttention.o.weight", o, i, 30, pow(30.0, -0.5)));
            assert_true(entry(&b->mlp.gate, i, o) ==
                        draw("encoder.block.1.layer.1.DenseReluDense.wi_0.weight", o, i, 24, of_d));
            assert_true(entry(&b->mlp.down, i, o) ==
                        draw("encoder.block.1.layer.1.DenseReluDense.wo.weight", o, i, 37, pow(37.0, -0.5)));
            if (i < 20)
                assert_true(
                    entry(&c->mlp.up, i, o) ==
                    draw("encoder.block.1.layer.1.DenseReluDense.wi.weight", o, i, 20, pow(20.0, -0.5)));
            assert_true(
                b->attention.relative.bias[o] ==
                draw("encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight", 0, o, 3, of_d));
            assert_true(x[i] == draw("shared.weight", 9, i, 24, 1.0));
        }
    assert_unit(&b->attention_norm, 24);
    rj_block_free(&b);
    rj_block_free(&c);
    rj_model_close(&model);
    rj_model_close(&plain);
}

/* Sums over all matrices of a twin's blocks. */
typedef struct {
    double n, sum, squares;
} moments;

static void gather(const rj_linear *l, moments *m)
{
    double column[256];

    assert_null(l->bias); /* drawn biases are 0 */
    for (int o = 0; o < l->weight.cols; o++) {
        rj_matrix_get_column(&l->weight, o, column);
        for (int i = 0; i < l->weight.rows; i++)
            m->n += 1.0, m->sum += column[i], m->squares += column[i] * column[i];
    }
}

/* All of mean 0 and deviation 0.02 (initializer_range), norms 1, biases 0: to 5 standard errors. */
static void twins_have_the_deviation_of_their_family(void **state)
{
    static const char *const names[] = {
        "llama_base",   "qwen2_base",  "gemma3_base", "gptneox_base", "phi_base",      "gptneo_base",
        "mistral_base", "gemma_base",  "gemma2_base", "olmo_base",    "falcon_7b",     "falcon_40b",
        "mpt_base",     "hfolmo_base", "qwen3_base",  "olmo2_base",   "stablelm_base", "phi3_base",
        "gptj_base",    "opt_base",    "bloom_base",  "mixtral_base", "opt_post",      "stablelm_own"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        rj_model *model = NULL;
        moments in = {0}, out = {0};
        assert_ok(rj_model_open(golden(names[i]), true, 8, &model));
        for (int layer = 0; layer < model->config.n_layer; layer++) {
            rj_block *b = NULL;
            assert_ok(rj_block_load(model, layer, RJ_DOUBLE, &b));
            gather(&b->attention.query, &in), gather(&b->attention.key, &in),
                gather(&b->attention.value, &in);
            gather(&b->attention.out, &out);
            if (b->experts.n_expert > 0) gather(&b->experts.router, &in);
            for (int e = 0; e < (b->experts.n_expert > 0 ? b->experts.n_expert : 1); e++) {
                const rj_mlp *m = b->experts.n_expert > 0 ? &b->experts.expert[e] : &b->mlp;
                gather(&m->up, &in), gather(&m->down, &out);
                if (m->gated) gather(&m->gate, &in);
            }
            assert_unit(&b->attention_norm, b->attention_norm.d);
            assert_unit(&b->mlp_norm, b->mlp_norm.d);
            rj_block_free(&b);
        }
        for (int k = 0; k < 2; k++) {
            const moments *m = k == 0 ? &in : &out;
            const double variance = m->squares / m->n, error = 5.0 * 0.02 * 0.02 * sqrt(2.0 / m->n);
            if (fabs(m->sum / m->n) > 5.0 * 0.02 / sqrt(m->n))
                fail_msg("%s: mean %g", names[i], m->sum / m->n);
            if (fabs(variance - 0.02 * 0.02) > error) fail_msg("%s: variance %g", names[i], variance);
        }
        rj_model_close(&model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(twins_of_both_formats_are_equal),
        unit(gpt2_twins_scale_residual_projections),
        unit(other_twins_do_not),
        unit(t5_twins_scale_by_their_inputs),
        unit(t5_decoder_twins_too),
        unit(twins_have_the_deviation_of_their_family),
    };
    return cmocka_run_group_tests(tests, temporary_begin, temporary_end);
}
