/* test_families.c: GPT-2, Qwen2, Gemma 3: what their configurations say, in every spelling, and which tensors belong to them.
 * Values: golden_models.c. */
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
        {"{\"model_type\": \"mamba\"}", "model_type = \"mamba\"",
         "known: llama, gpt2, qwen2, gemma3_text, gemma3, mistral, gemma, gemma2, gpt_neox, phi"},
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
    };
    return cmocka_run_group_tests(tests, temporary_begin, temporary_end);
}
