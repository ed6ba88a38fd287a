/* test_families.c: GPT-2, Qwen2, Gemma 3: what their configurations say, in every spelling; what is refused; twins; blocks as
 * derivatives. Values: golden_models.c. */
#include "checkpoints.h"

#include "resjac/model/block_parts.h"

static void gpt2_keys(void **state)
{
    rj_config c = {0}, same = {0}, plain = {0};

    (void)state;
    assert_ok(read_config("{\"model_type\": \"gpt2\"}", &c));
    assert_string_equal(c.family, "gpt2");
    assert_true(c.n_layer == 12 && c.d == 768 && c.n_head == 12 && c.n_kv_head == 12 && c.d_head == 64);
    assert_true(c.d_ff == 3072 && c.max_context == 1024 && c.norm == RJ_NORM_LAYER && c.norm_eps == 1e-5);
    assert_true(c.activation == RJ_ACT_GELU_TANH && !c.gated && c.bias_qkv && c.bias_out && c.bias_mlp);
    assert_true(c.tied_head && c.position == RJ_POSITION_LEARNED && rj_config_rope(&c, 3) == NULL);
    assert_true(c.embedding_scale == 1.0 && rj_config_scale(&c, 7) == 0.125 && rj_config_window(&c, 0) == 0);
    assert_ok(read_config("{\"model_type\": \"gpt2\", \"num_hidden_layers\": 3, \"hidden_size\": 30, "
                          "\"num_attention_heads\": 5, \"max_position_embeddings\": 9, \"n_inner\": 7, "
                          "\"scale_attn_by_inverse_layer_idx\": true, \"tie_word_embeddings\": false}",
                          &same));
    assert_true(same.n_layer == 3 && same.d == 30 && same.n_head == 5 && same.max_context == 9 &&
                same.d_ff == 7 && !same.tied_head);
    assert_true(fabs(rj_config_scale(&same, 2) - 1.0 / (3.0 * sqrt(6.0))) < 1e-16);
    assert_ok(read_config("{\"model_type\": \"gpt2\", \"scale_attn_weights\": false, "
                          "\"reorder_and_upcast_attn\": true, \"n_inner\": null}",
                          &plain));
    assert_true(rj_config_scale(&plain, 5) == 1.0 && plain.d_ff == 3072);
}

static void qwen2_keys(void **state)
{
    rj_config c = {0};

    (void)state;
    assert_ok(read_config("{\"model_type\": \"qwen2\", \"num_key_value_heads\": null, \"hidden_size\": 48, "
                          "\"num_attention_heads\": 6}",
                          &c));
    assert_true(c.n_kv_head == 6 && c.d_head == 8 && c.n_layer == 32 && c.d_ff == 22016 &&
                c.max_context == 32768);
    assert_true(c.bias_qkv && !c.bias_out && !c.bias_mlp && !c.tied_head && c.gated && c.norm == RJ_NORM_RMS);
    assert_true(c.rope.theta == 10000.0 && rj_config_rope(&c, 0) == &c.rope && rj_config_window(&c, 31) == 0);
}

/* Layers of a window, spelled by s, of 4. */
static void qwen2_windows(void **state)
{
    static const struct {
        const char *config;
        int window[4];
    } cases[] = {
        {"\"sliding_window\": 7, \"max_window_layers\": 0", {0, 0, 0, 0}},
        {"\"use_sliding_window\": false, \"sliding_window\": 7, \"max_window_layers\": 0", {0, 0, 0, 0}},
        {"\"use_sliding_window\": true, \"sliding_window\": 7", {0, 0, 0, 0}}, /* from layer 28 on */
        {"\"use_sliding_window\": true, \"sliding_window\": 7, \"max_window_layers\": 2", {0, 0, 7, 7}},
        {"\"use_sliding_window\": true, \"max_window_layers\": 0", {4096, 4096, 4096, 4096}},
        {"\"use_sliding_window\": true, \"sliding_window\": null, \"max_window_layers\": 0", {0, 0, 0, 0}},
        {"\"use_sliding_window\": true, \"sliding_window\": 7, \"max_window_layers\": 0, \"layer_types\": "
         "[\"full_attention\", \"sliding_attention\", \"full_attention\", \"full_attention\"]",
         {0, 7, 0, 0}},
        {"\"layer_types\": [\"full_attention\", \"full_attention\", \"full_attention\", \"full_attention\"]",
         {0, 0, 0, 0}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[512];
        rj_config c = {0};
        snprintf(text, sizeof text, "{\"model_type\": \"qwen2\", \"num_hidden_layers\": 4, %s}",
                 cases[i].config);
        assert_ok(read_config(text, &c));
        for (int l = 0; l < 4; l++)
            if (rj_config_window(&c, l) != cases[i].window[l]) fail_msg("%s: layer %d", cases[i].config, l);
    }
}

/* A multimodal file leaves all of its language model's keys to the defaults. */
static void gemma3_keys(void **state)
{
    static const char *const texts[] = {
        "{\"model_type\": \"gemma3_text\"}",
        "{\"model_type\": \"gemma3\", \"text_config\": {}, \"vision_config\": {\"hidden_size\": 3}}",
        "{\"model_type\": \"gemma3\", \"text_config\": {\"model_type\": \"gemma3_text\"}}"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        rj_config c = {0};
        assert_ok(read_config(texts[i], &c));
        assert_string_equal(c.family, "gemma3");
        assert_true(c.n_layer == 26 && c.d == 2304 && c.n_head == 8 && c.n_kv_head == 4 && c.d_head == 256);
        assert_true(c.d_ff == 9216 && c.max_context == 131072 && c.norm_eps == 1e-6 && c.tied_head &&
                    c.gated);
        assert_true(c.activation == RJ_ACT_GELU_TANH && !c.bias_qkv && !c.bias_out && !c.bias_mlp);
        assert_true(c.embedding_scale == 48.0 && rj_config_scale(&c, 9) == 1.0 / 16.0);
        for (int l = 0; l < 26; l++) {
            const bool full = l == 5 || l == 11 || l == 17 || l == 23;
            assert_int_equal(rj_config_window(&c, l), full ? 0 : 4096);
            assert_true(rj_config_rope(&c, l)->theta == (full ? 1e6 : 1e4));
        }
    }
}

static void gemma3_spellings(void **state)
{
    rj_config old = {0}, private = {0}, both = {0}, new = {0}, half = {0};

    (void)state;
    assert_ok(read_config("{\"model_type\": \"gemma3_text\", \"num_hidden_layers\": 4, "
                          "\"sliding_window_pattern\": 2, \"sliding_window\": 9, \"rope_theta\": 500, "
                          "\"rope_local_base_freq\": 20, \"query_pre_attn_scalar\": 144, "
                          "\"rope_scaling\": {\"rope_type\": \"linear\", \"factor\": 8}}",
                          &old));
    assert_true(rj_config_window(&old, 0) == 9 && rj_config_window(&old, 1) == 0 &&
                rj_config_window(&old, 3) == 0);
    assert_true(old.rope.kind == RJ_ROPE_LINEAR && old.rope.factor == 8.0 && old.rope.theta == 500.0);
    assert_true(old.local_rope.kind == RJ_ROPE_DEFAULT && old.local_rope.theta == 20.0);
    assert_true(rj_config_scale(&old, 0) == 1.0 / 12.0);
    assert_ok(read_config(
        "{\"model_type\": \"gemma3_text\", \"_sliding_window_pattern\": 3, \"sliding_window\": 9}",
        &private));
    assert_true(rj_config_window(&private, 1) == 9 && rj_config_window(&private, 2) == 0);
    assert_ok(read_config("{\"model_type\": \"gemma3_text\", \"num_hidden_layers\": 2, "
                          "\"_sliding_window_pattern\": 1, \"layer_types\": [\"sliding_attention\", "
                          "\"full_attention\"]}",
                          &both));
    assert_true(rj_config_window(&both, 0) == 4096 && rj_config_window(&both, 1) == 0);
    assert_ok(read_config("{\"model_type\": \"gemma3_text\", \"rope_parameters\": {\"full_attention\": "
                          "{\"rope_type\": \"linear\", \"factor\": 3, \"rope_theta\": 700}, "
                          "\"sliding_attention\": {\"rope_type\": \"default\", \"rope_theta\": 30}}}",
                          &new));
    assert_true(new.rope.kind == RJ_ROPE_LINEAR &&new.rope.theta == 700.0 && new.local_rope.theta == 30.0 &&
                new.local_rope.kind == RJ_ROPE_DEFAULT);
    assert_ok(read_config("{\"model_type\": \"gemma3_text\", \"rope_parameters\": {\"full_attention\": "
                          "{\"rope_type\": \"linear\", \"factor\": 3}}}",
                          &half));
    assert_true(half.rope.factor == 3.0 && half.rope.theta == 1e6 && half.local_rope.theta == 1e4 &&
                half.local_rope.kind == RJ_ROPE_DEFAULT);
}

/* Without a key for it, the 27B of 62 layers divides by sqrt(d/n_head); others by sqrt(d_head). */
static void gemma3_27b_is_told_by_its_layers(void **state)
{
    rj_weights *w = NULL;
    rj_config c = {0};

    (void)state;
    assert_ok(rj_weights_open(golden("gemma3_base/model-F16.gguf"), &w));
    assert_ok(rj_config_read(w, &c));
    assert_true(fabs(c.scale - 1.0 / sqrt(12.0)) < 1e-15);
    rj_weights_close(&w);
    assert_ok(rj_weights_open(patched_gguf("gemma3_base/model-F16.gguf", "gemma3.block_count\4\0\0\0\4",
                                           "gemma3.block_count\4\0\0\0\76", 23),
                              &w));
    assert_ok(rj_config_read(w, &c));
    assert_true(c.n_layer == 62 && fabs(c.scale - 1.0 / sqrt(8.0)) < 1e-15);
    rj_weights_close(&w);
}

static void refused_configurations(void **state)
{
    static const struct {
        const char *config, *a, *b;
    } cases[] = {
        {"{\"model_type\": \"gemma2\"}", "model_type = \"gemma2\"",
         "known: llama, gpt2, qwen2, gemma3_text, gemma3"},
        {"{\"model_type\": \"gemma3\"}", "gemma3", "text_config"},
        {"{\"model_type\": \"gemma3\", \"text_config\": {\"model_type\": \"gemma2\"}}",
         "text_config: model_type = \"gemma2\"", "gemma3_text"},
        {"{\"model_type\": \"gemma3\", \"text_config\": {\"head_dim\": 0}}", "text_config: head_dim = 0", ""},
        {"{\"model_type\": \"gemma3\", \"quantization_config\": {\"bits\": 4}, \"text_config\": {}}",
         "quantization_config", ""},
        {"{\"model_type\": \"gemma3_text\", \"attn_logit_softcapping\": 50}", "attn_logit_softcapping = 50",
         "gemma3"},
        {"{\"model_type\": \"gemma3_text\", \"final_logit_softcapping\": 30}", "final_logit_softcapping", ""},
        {"{\"model_type\": \"gemma3_text\", \"use_bidirectional_attention\": true}",
         "use_bidirectional_attention = true", ""},
        {"{\"model_type\": \"gemma3_text\", \"num_hidden_layers\": 2, \"layer_types\": "
         "[\"full_attention\", \"chunked_attention\"]}",
         "layer_types[1] = \"chunked_attention\"", "known: full_attention, sliding_attention"},
        {"{\"model_type\": \"gemma3_text\", \"num_hidden_layers\": 2, \"layer_types\": [\"full_attention\"]}",
         "layer_types has 1 entries", "2"},
        {"{\"model_type\": \"gemma3_text\", \"num_hidden_layers\": 1, \"layer_types\": [3]}",
         "layer_types[0]", "not a string"},
        {"{\"model_type\": \"gemma3_text\", \"layer_types\": \"full_attention\"}", "layer_types",
         "list of 26"},
        {"{\"model_type\": \"gemma3_text\", \"num_hidden_layers\": 1025}", "1025 layers", "1024"},
        {"{\"model_type\": \"gemma3_text\", \"sliding_window_pattern\": 0}", "sliding_window_pattern = 0",
         ""},
        {"{\"model_type\": \"gemma3_text\", \"rope_parameters\": {\"rope_type\": \"linear\", \"factor\": 2}}",
         "rope_parameters has the key rope_type", "full_attention and sliding_attention"},
        {"{\"model_type\": \"gemma3_text\", \"rope_parameters\": {\"full_attention\": 3}}",
         "rope_parameters.full_attention", "no object"},
        {"{\"model_type\": \"gemma3_text\", \"rope_parameters\": {\"sliding_attention\": {\"base\": 3}}}",
         "rope_parameters.sliding_attention has the key base", ""},
        {"{\"model_type\": \"gemma3_text\", \"rope_local_base_freq\": 0.5}", "rope theta = 0.5", ""},
        {"{\"model_type\": \"qwen2\", \"max_window_layers\": -1}", "max_window_layers = -1", "0.."},
        {"{\"model_type\": \"qwen2\", \"num_hidden_layers\": 1, \"layer_types\": [\"sliding_attention\"]}",
         "layer_types[0] = \"sliding_attention\"", "use_sliding_window"},
        {"{\"model_type\": \"qwen2\", \"rope_parameters\": {\"full_attention\": {}}}",
         "rope_parameters has the key full_attention", ""},
        {"{\"model_type\": \"qwen2\", \"rope_scaling\": {\"type\": \"mrope\"}}", "type = \"mrope\"", ""},
        {"{\"model_type\": \"qwen2\", \"use_mrope\": true}", "use_mrope = true", "qwen2"},
        {"{\"model_type\": \"gpt2\", \"add_cross_attention\": true}", "add_cross_attention = true", "gpt2"},
        {"{\"model_type\": \"gpt2\", \"n_head\": 7}", "hidden size 768", "7 heads"},
        {"{\"model_type\": \"gpt2\", \"activation_function\": \"swiglu\"}",
         "activation_function = \"swiglu\"", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rj_config c = {0};
        const rj_status st = read_config(cases[i].config, &c);
        if (st != RJ_ERR_FORMAT || c.n_layer != 0) fail_msg("%s: status %d", cases[i].config, (int)st);
        assert_message("config.json", cases[i].a, cases[i].b, NULL);
    }
}

static void refused_gguf_files(void **state)
{
    static const struct {
        const char *file, *find, *by, *a, *b;
        size_t n;
    } cases[] = {
        /* a matrix of 16-bit floats said to be one of 16-bit integers: type 1 becomes 25 */
        {"gpt2_base/model-F16.gguf", "blk.1.ffn_down.weight\2\0\0\0\220\0\0\0\0\0\0\0\44\0\0\0\0\0\0\0\1",
         "blk.1.ffn_down.weight\2\0\0\0\220\0\0\0\0\0\0\0\44\0\0\0\0\0\0\0\31",
         "tensor blk.1.ffn_down.weight", "element type I16", 42},
        {"gpt2_base/model-F16.gguf", "position_embd.weight", "position_ambd.weight",
         "tensor position_embd.weight is missing", "gpt2", 20},
        {"gpt2_base/model-F16.gguf", "gpt2.context_length\4\0\0\0\30", "gpt2.context_length\4\0\0\0\27",
         "tensor position_embd.weight is [24,36]", "needs [23,36]", 24},
        {"gpt2_base/model-F16.gguf", "blk.0.attn_qkv.bias", "blk.0.attn_qkv.bios",
         "tensor blk.0.attn_qkv.bias is missing", "gpt2", 19},
        {"qwen2_base/model-F16.gguf", "blk.1.attn_k.bias", "blk.1.attn_k.bios",
         "tensor blk.1.attn_k.bias is missing", "qwen2", 17},
        {"gemma3_base/model-F16.gguf", "blk.2.attn_q_norm.weight", "blk.2.attn_q_narm.weight",
         "tensor blk.2.attn_q_norm.weight is missing", "gemma3", 24},
        {"gemma3_base/model-F16.gguf", "blk.2.post_ffw_norm.weight", "blk.2.post_ffw_narm.weight",
         "tensor blk.2.post_ffw_norm.weight is missing", "gemma3", 26},
        {"gemma3_base/model-F16.gguf", "gemma3.attention.sliding_window\4",
         "gemma3.attention.sliding_windaw\4", "gemma3.attention.sliding_window", "missing", 32},
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

/* Tensors beside the text model are passed over by name, others are not. */
static void strangers_are_refused(void **state)
{
    rj_model *model = NULL;

    (void)state;
    mkdir(temporary_path("stranger"), 0700);
    patched("gemma3_multimodal/config.json", "stranger/config.json", "gemma3", "gemma3", 6, false);
    patched("gemma3_multimodal/model.safetensors", "stranger/model.safetensors", "vision_tower.",
            "vision_power.", 13, true);
    assert_int_equal(rj_model_open(temporary_path("stranger"), false, 0, &model), RJ_ERR_FORMAT);
    assert_message("stranger/model.safetensors", "vision_power.", "none of a gemma3 model", NULL);
    assert_null(model);
}

/* transformers renamed language_model.model. to model.language_model. in between. */
static void both_multimodal_prefixes(void **state)
{
    rj_model *old = NULL, *new = NULL;
    const int32_t ids[] = {5, 60, 0};
    double x[20 * 3], y[20 * 3];
    rj_block *a = NULL, *b = NULL;

    (void)state;
    mkdir(temporary_path("renamed"), 0700);
    patched("gemma3_multimodal/config.json", "renamed/config.json", "gemma3", "gemma3", 6, false);
    patched("gemma3_multimodal/model.safetensors", "renamed/model.safetensors", "language_model.model.",
            "model.language_model.", 21, true);
    assert_ok(rj_model_open(golden("gemma3_multimodal"), false, 0, &old));
    assert_ok(rj_model_open(temporary_path("renamed"), false, 0, &new));
    assert_int_equal(rj_model_parameters(old), rj_model_parameters(new));
    assert_ok(rj_model_embed(old, 3, ids, x));
    assert_ok(rj_model_embed(new, 3, ids, y));
    assert_ok(rj_block_load(old, 6, RJ_DOUBLE, &a));
    assert_ok(rj_block_load(new, 6, RJ_DOUBLE, &b));
    assert_ok(rj_block_forward(a, 3, x, 0, NULL));
    assert_ok(rj_block_forward(b, 3, y, 0, NULL));
    assert_memory_equal(x, y, sizeof x);
    rj_block_free(&a), rj_block_free(&b);
    rj_model_close(&old), rj_model_close(&new);
}

static int64_t parameters(const char *name)
{
    rj_model *model = NULL;
    assert_ok(rj_model_open(golden(name), false, 0, &model));
    const int64_t n = rj_model_parameters(model);
    rj_model_close(&model);
    return n;
}

/* By the families' formulas; embeddings V d once where the head is tied. */
static void parameter_counts(void **state)
{
    (void)state;
    /* 61 words, 24 positions, 2 blocks of 12 d^2 + 13 d, a norm */
    assert_int_equal(parameters("gpt2_base"), (61 + 24) * 36 + 2 * (12 * 36 * 36 + 13 * 36) + 2 * 36);
    assert_int_equal(parameters("gpt2_base/model-F16.gguf"), parameters("gpt2_base"));
    assert_int_equal(parameters("gpt2_odd"), (2 * 61 + 24) * 30 +
                                                 3 * (4 * 30 * 30 + 2 * 30 * 53 + 4 * 30 + 53 + 30 + 4 * 30) +
                                                 2 * 30);
    /* heads of 6: q 36, k and v 12; d_ff 49 */
    assert_int_equal(parameters("qwen2_base"),
                     61 * 36 + 2 * (2 * 36 * 36 + 2 * 12 * 36 + 36 + 2 * 12 + 3 * 36 * 49 + 2 * 36) + 36);
    /* q 48, k and v 12; 4 norms of d and 2 of a head */
    assert_int_equal(parameters("gemma3_base"),
                     61 * 32 + 4 * (2 * 48 * 32 + 2 * 12 * 32 + 3 * 32 * 43 + 4 * 32 + 2 * 12) + 32);
    assert_int_equal(parameters("gemma3_base/model-F16.gguf"), parameters("gemma3_base"));
}

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
        unit(gpt2_keys),
        unit(qwen2_keys),
        unit(qwen2_windows),
        unit(gemma3_keys),
        unit(gemma3_spellings),
        unit(gemma3_27b_is_told_by_its_layers),
        unit(refused_configurations),
        unit(refused_gguf_files),
        unit(strangers_are_refused),
        unit(both_multimodal_prefixes),
        unit(parameter_counts),
        unit(twins_of_both_formats_are_equal),
        unit(gpt2_twins_scale_residual_projections),
        unit(other_twins_do_not),
        unit(blocks_are_differentiated),
        unit(layer_norm_blocks_forget_the_mean),
        unit(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, temporary_begin, temporary_end);
}
