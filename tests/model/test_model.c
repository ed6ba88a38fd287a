/* test_model.c: opening checkpoints: configurations and tensors that are refused, embedding, logits, twins. */
#include "checkpoints.h"

#include "resjac/model/block_parts.h"

static void sound_checkpoint_is_read(void **state)
{
    rj_model *model = tiny_open(NULL);
    const rj_config *c = rj_model_config(model);

    (void)state;
    assert_string_equal(c->family, "llama");
    assert_true(c->d == TINY_D && c->n_head == TINY_HEADS && c->n_kv_head == TINY_KV && c->d_head == TINY_DH);
    assert_true(c->d_ff == TINY_FF && c->n_layer == TINY_L && c->n_vocab == TINY_VOCAB &&
                c->max_context == 32);
    assert_true(c->norm == RJ_NORM_RMS && c->norm_eps == 1e-3 && c->activation == RJ_ACT_SILU && c->gated);
    assert_true(c->bias_qkv && c->bias_out && c->bias_mlp && !c->tied_head && c->initializer_range == 0.05);
    assert_true(fabs(c->scale - 1.0 / sqrt(6.0)) < 1e-15);
    assert_true(c->rope.kind == RJ_ROPE_DEFAULT && c->rope.theta == 50.0 && c->rope.n_rotary == 6);
    /* 2 blocks of 2 norms, q 24x12, k and v 12x12, o 12x24, gate and up 10x12, down 12x10, biases; embedding, head, norm */
    const int block = 2 * 12 + 2 * (24 * 12) + 2 * (12 * 12) + 3 * 120 + 24 + 12 + 12 + 12 + 10 + 10 + 12;
    assert_int_equal(rj_model_parameters(model), 2 * block + 2 * 17 * 12 + 12);
    rj_model_close(&model);
}

static void refused_configurations(void **state)
{
    static const struct {
        const char *config, *a, *b;
    } cases[] = {
        {"{\"model_type\": \"mamba\"}", "model_type = \"mamba\"", "known: llama"},
        {"{\"model_type\": null}", "model_type", ""},
        {"{\"hidden_act\": \"softplus\"}", "hidden_act = \"softplus\"", "known: silu"},
        {"{\"hidden_act\": 3}", "hidden_act", ""},
        {"{\"sliding_window\": 4096}", "sliding_window = 4096", "family llama"},
        {"{\"layer_types\": [\"full_attention\", \"sliding_attention\"]}", "layer_types",
         "sliding_attention"},
        {"{\"attn_logit_softcapping\": 50.0}", "attn_logit_softcapping = 50.0", ""},
        {"{\"quantization_config\": {\"bits\": 4}}", "quantization_config", "bits"},
        {"{\"partial_rotary_factor\": 0.5}", "partial_rotary_factor = 0.5", ""},
        {"{\"num_local_experts\": 8}", "num_local_experts = 8", ""},
        {"{\"num_attention_heads\": 0}", "num_attention_heads = 0", "1.."},
        {"{\"num_attention_heads\": 2.5}", "num_attention_heads", ""},
        {"{\"num_key_value_heads\": 3}", "4 attention heads", "3 key-value heads"},
        {"{\"hidden_size\": 13, \"head_dim\": null}", "hidden size 13", "4 heads"},
        {"{\"head_dim\": 5}", "5 rotary dimensions", ""},
        {"{\"rms_norm_eps\": -1}", "rms_norm_eps = -1", ""},
        {"{\"rope_theta\": 0.5}", "rope theta = 0.5", ""},
        {"{\"rope_scaling\": {\"rope_type\": \"spiral\"}}", "rope_type = \"spiral\"", "known: default"},
        {"{\"rope_scaling\": {\"type\": \"linear\"}}", "factor", ""},
        {"{\"rope_scaling\": {\"type\": \"linear\", \"factor\": 0}}", "rope factor = 0", ""},
        {"{\"rope_scaling\": {\"type\": \"linear\", \"factor\": 2, \"mrope_section\": [1]}}", "mrope_section",
         "rope_scaling"},
        {"{\"rope_parameters\": {\"full_attention\": {}}}", "full_attention", "rope_parameters"},
        {"{\"rope_scaling\": \"linear\"}", "rope_scaling", "object"},
        {"{\"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 8}}", "low_freq_factor", ""},
        {"{\"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 8, \"low_freq_factor\": 4, "
         "\"high_freq_factor\": 1}}",
         "low_freq_factor = 4", "high_freq_factor = 1"},
        {"{\"rope_scaling\": {\"rope_type\": \"longrope\", \"short_factor\": [1, 1], \"long_factor\": [1, 1, "
         "1]}}",
         "short_factor", "3 numbers"},
        {"{\"rope_scaling\": {\"rope_type\": \"longrope\", \"short_factor\": [1, 1, 1], \"long_factor\": [1, "
         "-1, 1]}}",
         "long_factor[1]", ""},
        {"{\"rope_scaling\": {\"rope_type\": \"linear\", \"factor\": 2, \"partial_rotary_factor\": 0.5}}",
         "rope_scaling.partial_rotary_factor = 0.5", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const tiny_change change = {.config = cases[i].config};
        rj_model *model = NULL;
        const rj_status st = rj_model_open(tiny_write(&change), false, 0, &model);
        if (st != RJ_ERR_FORMAT || model != NULL) fail_msg("%s: status %d", cases[i].config, (int)st);
        assert_message("config.json", cases[i].a, cases[i].b, NULL);
    }
}

/* These change nothing, or nothing that is computed. */
static void harmless_keys_pass(void **state)
{
    const tiny_change change = {
        .config = "{\"pretraining_tp\": 4, \"sliding_window\": null, \"use_cache\": true, "
                  "\"layer_types\": [\"full_attention\", \"full_attention\"], "
                  "\"attention_dropout\": 0.1, \"num_local_experts\": 0, \"is_causal\": true, "
                  "\"partial_rotary_factor\": 1, \"rope_scaling\": null, \"rope_parameters\": {}}"};
    rj_model *model = tiny_open(&change);
    (void)state;
    rj_model_close(&model);
}

/* A scaling extends the context of 32. */
static void scaled_contexts(void **state)
{
    static const struct {
        const char *config;
        int context;
    } cases[] = {
        {"{\"rope_scaling\": {\"type\": \"linear\", \"factor\": 2.5}}", 80},
        {"{\"rope_scaling\": {\"type\": \"dynamic\", \"factor\": 4}}", 128},
        {"{\"rope_scaling\": {\"type\": \"yarn\", \"factor\": 4, \"original_max_position_embeddings\": 16}}",
         64},
        {"{\"rope_scaling\": {\"type\": \"yarn\", \"factor\": 4, \"original_max_position_embeddings\": 4}}",
         32},
        {"{\"rope_scaling\": {\"type\": \"yarn\", \"factor\": 4}, \"original_max_position_embeddings\": 16}",
         64},
        {"{\"rope_scaling\": {\"type\": \"linear\", \"factor\": 1e30}}", 1000000000},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const tiny_change change = {.config = cases[i].config};
        rj_model *model = tiny_open(&change);
        assert_int_equal(rj_model_config(model)->max_context, cases[i].context);
        rj_model_close(&model);
    }
}

static void refused_tensors(void **state)
{
    static const struct {
        tiny_change change;
        const char *a, *b;
    } cases[] = {
        {{.tensor = "model.layers.1.mlp.up_proj.weight"},
         "model.layers.1.mlp.up_proj.weight is missing",
         "llama"},
        {{.tensor = "model.layers.0.self_attn.o_proj.bias"},
         "model.layers.0.self_attn.o_proj.bias is missing",
         ""},
        {{.tensor = "model.norm.weight"}, "model.norm.weight is missing", ""},
        {{.tensor = "lm_head.weight"}, "lm_head.weight is missing", ""},
        {{.tensor = "model.embed_tokens.weight"}, "embed_tokens.weight is missing", ""},
        {{.tensor = "model.layers.0.self_attn.q_proj.weight", .reshape = true},
         "q_proj.weight is [288]",
         "needs [24,12]"},
        {{.tensor = "lm_head.weight", .reshape = true}, "lm_head.weight is [204]", "needs [17,12]"},
        {{.tensor = "model.embed_tokens.weight", .reshape = true},
         "embed_tokens.weight has 1 dimensions",
         "matrix"},
        {{.config = "{\"intermediate_size\": 11}"}, "is [10,12]", "needs [11,12]"},
        {{.config = "{\"num_hidden_layers\": 3}"}, "model.layers.2.input_layernorm.weight is missing", ""},
        {{.config = "{\"num_hidden_layers\": 1}"}, "tensor model.layers.1.", "1 blocks"},
        {{.config = "{\"attention_bias\": false}"}, "_proj.bias is none of a llama model", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rj_model *model = NULL;
        const rj_status st = rj_model_open(tiny_write(&cases[i].change), false, 0, &model);
        if (st != RJ_ERR_FORMAT || model != NULL) fail_msg("case %zu: status %d", i, (int)st);
        assert_message("tiny", cases[i].a, cases[i].b, NULL);
    }
}

static void buffers_are_ignored_and_tied_heads_too(void **state)
{
    const tiny_change buffer = {.config = "{\"attention_bias\": true, \"tie_word_embeddings\": true}",
                                .tensor = "lm_head.weight",
                                .rename = "model.layers.0.self_attn.rotary_emb.inv_freq"};
    const tiny_change stored = {.config = "{\"tie_word_embeddings\": true}"};
    rj_model *model = tiny_open(&buffer), *with_head = tiny_open(&stored);

    (void)state;
    assert_int_equal(rj_model_parameters(model), rj_model_parameters(with_head));
    rj_model_close(&model);
    rj_model_close(&with_head);
}

static void tokens_are_looked_up(void **state)
{
    rj_model *model = tiny_open(NULL);
    double x[TINY_D * TINY_T], row[TINY_VOCAB * TINY_D];
    const int32_t high[] = {1, TINY_VOCAB}, negative[] = {-1};
    const rj_rng rng = rj_rng_open(7, "model.embed_tokens.weight");

    (void)state;
    rj_rng_normals(&rng, 0, TINY_VOCAB * TINY_D, row);
    assert_ok(rj_model_embed(model, TINY_T, tiny_ids, x));
    for (int j = 0; j < TINY_T; j++)
        for (int i = 0; i < TINY_D; i++)
            assert_true(x[i + j * TINY_D] == (double)(float)(0.5 * row[i + tiny_ids[j] * TINY_D]));
    assert_int_equal(rj_model_embed(model, 2, high, x), RJ_ERR_FORMAT);
    assert_message("token 1", "id 17", "ends at 16", NULL);
    assert_int_equal(rj_model_embed(model, 1, negative, x), RJ_ERR_FORMAT);
    assert_message("id -1", NULL);
    assert_int_equal(rj_model_embed(model, 33, tiny_ids, x), RJ_ERR_FORMAT);
    assert_message("33 tokens", "context of 32", NULL);
    assert_int_equal(rj_model_embed(model, 0, tiny_ids, x), RJ_ERR_FORMAT);
    rj_model_close(&model);
}

static void a_broken_row_spoils_its_token_only(void **state)
{
    const tiny_change change = {.tensor = "model.embed_tokens.weight", .nan = true};
    rj_model *model = tiny_open(&change);
    double x[TINY_D * TINY_T];

    (void)state;
    assert_ok(rj_model_embed(model, 1, tiny_ids, x));
    assert_int_equal(rj_model_embed(model, TINY_T, tiny_ids, x), RJ_ERR_NUMERIC);
    assert_message("model.embed_tokens.weight", "row 16", NULL);
    rj_model_close(&model);
}

/* logits = W norm(x), W and the norm's gain known */
static void logits_by_hand(void **state)
{
    rj_model *model = tiny_open(NULL);
    double x[TINY_D], y[TINY_D], gain[TINY_D], w[TINY_VOCAB * TINY_D], logits[TINY_VOCAB], square = 0.0;
    rj_rng rng = rj_rng_open(7, "model.norm.weight");

    (void)state;
    rj_rng_normals(&rng, 0, TINY_D, gain);
    rng = rj_rng_open(7, "lm_head.weight");
    rj_rng_normals(&rng, 0, TINY_VOCAB * TINY_D, w);
    fill_normal("state", TINY_D, x);
    for (int i = 0; i < TINY_D; i++) square += x[i] * x[i] / TINY_D;
    assert_ok(rj_model_final_norm(model, x, y));
    assert_ok(rj_model_logits(model, x, logits));
    for (int i = 0; i < TINY_D; i++)
        assert_true(fabs(y[i] - (double)(float)(1.0 + 0.2 * gain[i]) * x[i] / sqrt(square + 1e-3)) < 1e-14);
    for (int v = 0; v < TINY_VOCAB; v++) {
        double sum = 0.0;
        for (int i = 0; i < TINY_D; i++) sum += (double)(float)(0.3 * w[i + v * TINY_D]) * y[i];
        assert_true(fabs(sum - logits[v]) < 1e-14);
    }
    rj_model_close(&model);
}

static void refused_gguf_files(void **state)
{
    static const struct {
        const char *file, *find, *by, *a, *b;
        size_t n;
    } cases[] = {
        {"llama_base/model-F32.gguf", "\0\0\0llama", "\0\0\0lLama", "general.architecture = \"lLama\"",
         "known: llama", 8},
        {"llama_base/model-F32.gguf", "llama.context_length", "llama.residual_scale",
         "llama.residual_scale = 512", "llama", 20},
        {"llama_base/model-F32.gguf", "llama.context_length", "llama.contest_length", "llama.context_length",
         "missing", 20},
        {"llama_base/model-F32.gguf", "llama.rope.dimension_count\4\0\0\0\6",
         "llama.rope.dimension_count\4\0\0\0\4", "llama.rope.dimension_count = 4", "head size 6", 31},
        {"llama_headsize/model-BF16.gguf", "llama.attention.value_length\4\0\0\0\24",
         "llama.attention.value_length\4\0\0\0\22", "llama.attention.value_length = 18", "20", 33},
        {"llama_rope_yarn/model-F16.gguf", "\0\0\0\0yarn", "\0\0\0\0yarm",
         "llama.rope.scaling.type = \"yarm\"", "", 8},
        {"llama_rope_linear/model-F16.gguf", "llama.rope.scaling.factor", "llama.rope.scaling.fictor",
         "rope factor = 0", "", 25},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rj_model *model = NULL;
        const char *path = patched_gguf(cases[i].file, cases[i].find, cases[i].by, cases[i].n);
        const rj_status st = rj_model_open(path, false, 0, &model);
        if (st != RJ_ERR_FORMAT || model != NULL) fail_msg("case %zu: status %d", i, (int)st);
        assert_message("patched.gguf", cases[i].a, cases[i].b, NULL);
    }
}

static double most_difference(const rj_matrix *a, const rj_matrix *b)
{
    assert_true(a->rows == b->rows && a->cols == b->cols);
    return rj_matrix_max_difference(a, b);
}

/* The twin depends on names and shapes only: not on the format, nor on the row order that llama.cpp gives Q and K. */
static void twins_of_both_formats_are_equal(void **state)
{
    rj_model *folder = NULL, *gguf = NULL, *other = NULL;
    rj_block *a = NULL, *b = NULL;
    double x[36 * 2], y[36 * 2];
    const int32_t ids[] = {5, 96};

    (void)state;
    assert_ok(rj_model_open(golden("llama_base"), true, 3, &folder));
    assert_ok(rj_model_open(golden("llama_base/model-F16.gguf"), true, 3, &gguf));
    assert_ok(rj_model_open(golden("llama_base"), true, 4, &other));
    assert_ok(rj_model_embed(folder, 2, ids, x));
    assert_ok(rj_model_embed(gguf, 2, ids, y));
    assert_memory_equal(x, y, sizeof x);
    assert_ok(rj_model_embed(other, 2, ids, y));
    assert_true(x[0] != y[0]);
    for (int layer = 0; layer < 3; layer++) {
        assert_ok(rj_block_load(folder, layer, RJ_SINGLE, &a));
        assert_ok(rj_block_load(gguf, layer, RJ_SINGLE, &b));
        assert_true(most_difference(&a->attention.query.weight, &b->attention.query.weight) == 0.0);
        assert_true(most_difference(&a->attention.key.weight, &b->attention.key.weight) == 0.0);
        assert_true(most_difference(&a->mlp.down.weight, &b->mlp.down.weight) == 0.0);
        assert_true(rj_matrix_max_difference(&a->attention.key.weight, &a->attention.value.weight) > 0.0);
        rj_block_free(&a);
        rj_block_free(&b);
    }
    rj_model_close(&folder);
    rj_model_close(&gguf);
    rj_model_close(&other);
}

/* Weights normal(0, 0.05), norms 1, biases 0: 4 and 6 standard errors of the mean and the variance. */
static void twins_are_drawn_as_initialised(void **state)
{
    const tiny_change nan = {.tensor = "model.layers.0.mlp.up_proj.weight", .nan = true}; /* not read */
    rj_model *model = NULL;
    rj_block *block = NULL;
    double sum = 0.0, square = 0.0, column[TINY_D];
    int n = 0;

    (void)state;
    assert_ok(rj_model_open(tiny_write(&nan), true, 1, &model));
    assert_ok(rj_block_load(model, 0, RJ_DOUBLE, &block));
    const rj_linear *layers[] = {&block->attention.query, &block->attention.key, &block->attention.value,
                                 &block->mlp.gate, &block->mlp.up};
    for (int l = 0; l < 5; l++)
        for (int j = 0; j < layers[l]->weight.cols; j++) {
            rj_matrix_get_column(&layers[l]->weight, j, column);
            for (int i = 0; i < TINY_D; i++, n++) sum += column[i], square += column[i] * column[i];
        }
    assert_true(fabs(sum / n) < 4.0 * 0.05 / sqrt(n));
    assert_true(fabs(square / n / 0.0025 - 1.0) < 6.0 * sqrt(2.0 / n));
    for (int i = 0; i < TINY_D; i++)
        assert_true(block->attention_norm.gain[i] == 1.0 && model->final_norm.gain[i] == 1.0);
    assert_true(block->attention.query.bias == NULL && block->mlp.up.bias == NULL);
    /* by the stream of the tensor's name, in the file's order: element (r,c) is r * 12 + c; rounded to float */
    const rj_rng rng = rj_rng_open(1, "model.layers.0.self_attn.k_proj.weight");
    double row[TINY_D];
    rj_rng_normals(&rng, 3 * TINY_D, TINY_D, row);
    rj_matrix_get_column(&block->attention.key.weight, 3, column);
    for (int i = 0; i < TINY_D; i++) assert_true(column[i] == (double)(float)(0.05 * row[i]));
    const rj_rng embedding = rj_rng_open(1, "model.embed_tokens.weight");
    rj_rng_normals(&embedding, 16 * TINY_D, TINY_D, row);
    assert_ok(rj_model_embed(model, 1, &tiny_ids[1], column)); /* token 16 */
    for (int i = 0; i < TINY_D; i++) assert_true(column[i] == (double)(float)(0.05 * row[i]));
    rj_block_free(&block);
    rj_model_close(&model);
}

static void bare_checkpoints_lack_prefix_and_head(void **state)
{
    const tiny_change change = {.bare = true};
    rj_model *whole = tiny_open(NULL), *bare = tiny_open(&change), *twin = NULL, *bare_twin = NULL;
    rj_block *a = NULL, *b = NULL;
    double logits[TINY_VOCAB], x[TINY_D] = {1.0}, y[TINY_D] = {1.0};

    (void)state;
    assert_ok(rj_model_open(temporary_path("tiny"), true, 1, &bare_twin));
    assert_ok(rj_model_open(tiny_write(NULL), true, 1, &twin));
    assert_ok(rj_block_load(bare, 1, RJ_SINGLE, &b));
    rj_block_free(&b);
    assert_ok(rj_model_embed(twin, 1, tiny_ids, x));
    assert_ok(rj_model_embed(bare_twin, 1, tiny_ids, y));
    assert_memory_equal(x, y, sizeof x);
    assert_ok(rj_block_load(twin, 1, RJ_SINGLE, &a));
    assert_ok(rj_block_load(bare_twin, 1, RJ_SINGLE, &b));
    assert_true(most_difference(&a->mlp.down.weight, &b->mlp.down.weight) == 0.0);
    assert_ok(rj_model_logits(whole, x, logits));
    assert_int_equal(rj_model_logits(bare, x, logits), RJ_ERR_FORMAT);
    assert_message("tiny", "no head", NULL);
    assert_int_equal(rj_model_parameters(whole) - rj_model_parameters(bare), TINY_VOCAB * TINY_D);
    rj_block_free(&a), rj_block_free(&b);
    rj_model_close(&whole), rj_model_close(&bare), rj_model_close(&twin), rj_model_close(&bare_twin);
}

static void every_allocation_may_fail(void **state)
{
    const tiny_change change = {
        .config = "{\"rope_scaling\": {\"rope_type\": \"longrope\", \"short_factor\": [1, 1, 1], "
                  "\"long_factor\": [1, 2, 3], \"original_max_position_embeddings\": 8}}"};
    const char *folder = tiny_write(&change);
    double x[TINY_D * TINY_T], logits[TINY_VOCAB];
    int n = 0;

    (void)state;
    for (rj_status st = RJ_ERR_NOMEM; st != RJ_OK; n++) {
        rj_model *model = NULL;
        rj_memory_fail_after(n);
        st = rj_model_open(folder, false, 0, &model);
        if (st == RJ_OK) st = rj_model_embed(model, TINY_T, tiny_ids, x);
        if (st == RJ_OK) st = rj_model_logits(model, x, logits);
        rj_memory_fail_after(-1);
        rj_model_close(&model);
        assert_true(st == RJ_OK || st == RJ_ERR_NOMEM);
        assert_int_equal(rj_memory_live(), 0);
    }
    assert_true(n > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(sound_checkpoint_is_read),
        unit(refused_configurations),
        unit(harmless_keys_pass),
        unit(scaled_contexts),
        unit(refused_tensors),
        unit(buffers_are_ignored_and_tied_heads_too),
        unit(tokens_are_looked_up),
        unit(a_broken_row_spoils_its_token_only),
        unit(logits_by_hand),
        unit(refused_gguf_files),
        unit(twins_of_both_formats_are_equal),
        unit(twins_are_drawn_as_initialised),
        unit(bare_checkpoints_lack_prefix_and_head),
        unit(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, temporary_begin, temporary_end);
}
