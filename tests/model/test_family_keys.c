/* test_family_keys.c: what the configurations of further families say, by default and in every spelling, and what they refuse.
 * Values: golden_models.c. */
#include "checkpoints.h"

#include "resjac/model/block_parts.h"

/* Defaults are those of transformers' configuration classes. */
static void defaults(void **state)
{
    static const struct {
        const char *model_type, *family;
        int n_layer, d, n_head, n_kv_head, d_head, d_ff, max_context, n_rotary;
        rj_norm_kind norm;
        rj_norm_parts parts;
        double eps;
        bool parallel, shared, tied;
        rj_activation activation;
    } cases[] = {
        {"mistral", "mistral", 32, 4096, 32, 8, 128, 14336, 131072, 128, RJ_NORM_RMS, RJ_NORM_GAIN, 1e-6,
         false, false, false, RJ_ACT_SILU},
        {"gemma", "gemma", 28, 3072, 16, 16, 256, 24576, 8192, 256, RJ_NORM_RMS, RJ_NORM_GAIN, 1e-6, false,
         false, true, RJ_ACT_GELU_TANH},
        {"gemma2", "gemma2", 26, 2304, 8, 4, 256, 9216, 8192, 256, RJ_NORM_RMS, RJ_NORM_GAIN, 1e-6, false,
         false, true, RJ_ACT_GELU_TANH},
        {"gpt_neox", "gpt_neox", 44, 6144, 64, 64, 96, 24576, 2048, 24, RJ_NORM_LAYER, RJ_NORM_GAIN_BIAS,
         1e-5, true, false, false, RJ_ACT_GELU},
        {"phi", "phi", 24, 2048, 32, 32, 64, 8192, 2048, 32, RJ_NORM_LAYER, RJ_NORM_GAIN_BIAS, 1e-5, true,
         true, false, RJ_ACT_GELU_TANH},
        {"olmo", "olmo", 32, 4096, 32, 32, 128, 11008, 2048, 128, RJ_NORM_LAYER, RJ_NORM_BARE, 1e-5, false,
         false, false, RJ_ACT_SILU},
        {"falcon", "falcon", 32, 4544, 71, 1, 64, 4 * 4544, 2048, 64, RJ_NORM_LAYER, RJ_NORM_GAIN_BIAS, 1e-5,
         true, true, true, RJ_ACT_GELU},
        {"mpt", "mpt", 24, 2048, 16, 16, 128, 8192, 2048, 0, RJ_NORM_LAYER, RJ_NORM_GAIN, 1e-5, false, false,
         true, RJ_ACT_GELU},
        {"qwen3", "qwen3", 32, 4096, 32, 32, 128, 22016, 32768, 128, RJ_NORM_RMS, RJ_NORM_GAIN, 1e-6, false,
         false, false, RJ_ACT_SILU},
        {"olmo2", "olmo2", 32, 4096, 32, 32, 128, 11008, 2048, 128, RJ_NORM_RMS, RJ_NORM_GAIN, 1e-5, false,
         false, false, RJ_ACT_SILU},
        {"stablelm", "stablelm", 32, 2560, 32, 32, 80, 6912, 4096, 20, RJ_NORM_LAYER, RJ_NORM_GAIN_BIAS, 1e-5,
         false, false, false, RJ_ACT_SILU},
        {"phi3", "phi3", 32, 3072, 32, 32, 96, 8192, 4096, 96, RJ_NORM_RMS, RJ_NORM_GAIN, 1e-5, false, false,
         false, RJ_ACT_SILU},
        {"gptj", "gptj", 28, 4096, 16, 16, 256, 16384, 2048, 64, RJ_NORM_LAYER, RJ_NORM_GAIN_BIAS, 1e-5, true,
         true, false, RJ_ACT_GELU_TANH},
        {"opt", "opt", 12, 768, 12, 12, 64, 3072, 2048, 0, RJ_NORM_LAYER, RJ_NORM_GAIN_BIAS, 1e-5, false,
         false, true, RJ_ACT_RELU},
        {"bloom", "bloom", 2, 64, 8, 8, 8, 256, 2048, 0, RJ_NORM_LAYER, RJ_NORM_GAIN_BIAS, 1e-5, false, false,
         true, RJ_ACT_GELU_BLOOM},
        {"mixtral", "mixtral", 32, 4096, 32, 8, 128, 14336, 131072, 128, RJ_NORM_RMS, RJ_NORM_GAIN, 1e-5,
         false, false, false, RJ_ACT_SILU},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[128];
        rj_config c = {0};
        snprintf(text, sizeof text, "{\"model_type\": \"%s\"}", cases[i].model_type);
        assert_ok(read_config(text, &c));
        assert_string_equal(c.family, cases[i].family);
        if (c.n_layer != cases[i].n_layer || c.d != cases[i].d || c.n_head != cases[i].n_head ||
            c.n_kv_head != cases[i].n_kv_head || c.d_head != cases[i].d_head || c.d_ff != cases[i].d_ff ||
            c.max_context != cases[i].max_context || c.rope.n_rotary != cases[i].n_rotary)
            fail_msg("%s: a size differs", text);
        if (c.norm != cases[i].norm || c.norm_parts != cases[i].parts || c.norm_eps != cases[i].eps ||
            c.parallel != cases[i].parallel || c.shared_norm != cases[i].shared ||
            c.tied_head != cases[i].tied || c.activation != cases[i].activation ||
            c.initializer_range != 0.02)
            fail_msg("%s: a fact differs", text);
    }
}

static rj_config config_of(const char *text)
{
    rj_config c = {0};
    assert_ok(read_config(text, &c));
    return c;
}

/* Window of layer l */
static void windows(void **state)
{
    (void)state;
    const rj_config mistral = config_of("{\"model_type\": \"mistral\"}");
    assert_true(rj_config_window(&mistral, 0) == 4096 && rj_config_window(&mistral, 31) == 4096);
    const rj_config full = config_of("{\"model_type\": \"mistral\", \"sliding_window\": null}");
    assert_true(rj_config_window(&full, 0) == 0 && rj_config_window(&full, 31) == 0);
    const rj_config gemma2 = config_of("{\"model_type\": \"gemma2\"}");
    assert_true(rj_config_window(&gemma2, 0) == 4096 && rj_config_window(&gemma2, 1) == 0 &&
                rj_config_window(&gemma2, 25) == 0);
    const rj_config neo = config_of("{\"model_type\": \"gpt_neo\", \"num_layers\": 5, \"attention_types\": "
                                    "[[[\"global\", \"local\"], 2], [[\"local\"], 1]]}");
    assert_true(rj_config_window(&neo, 0) == 0 && rj_config_window(&neo, 1) == 256 &&
                rj_config_window(&neo, 2) == 0 && rj_config_window(&neo, 3) == 256 &&
                rj_config_window(&neo, 4) == 256);
    assert_true(neo.d_ff == 4 * 2048 && rj_config_scale(&neo, 3) == 1.0 && !neo.bias_qkv && neo.bias_out);
    const rj_config phi3 = config_of("{\"model_type\": \"phi3\", \"sliding_window\": 2047}");
    assert_true(rj_config_window(&phi3, 31) == 2047);
}

static void caps_clips_and_slopes(void **state)
{
    (void)state;
    const rj_config gemma2 = config_of("{\"model_type\": \"gemma2\", \"query_pre_attn_scalar\": 144}");
    assert_true(gemma2.softcap == 50.0 && gemma2.final_softcap == 30.0 && gemma2.scale == 1.0 / 12.0 &&
                gemma2.embedding_scale == 48.0);
    const rj_config bare = config_of("{\"model_type\": \"gemma2\", \"attn_logit_softcapping\": null, "
                                     "\"final_logit_softcapping\": null}");
    assert_true(bare.softcap == 0.0 && bare.final_softcap == 0.0);
    const rj_config olmo = config_of("{\"model_type\": \"olmo\", \"clip_qkv\": 8.0}");
    assert_true(olmo.clip == 8.0);
    const rj_config mpt = config_of("{\"model_type\": \"mpt\", \"attn_config\": {\"clip_qkv\": 6, "
                                    "\"alibi_bias_max\": 16, \"attn_impl\": \"torch\"}}");
    assert_true(mpt.clip == 6.0 && mpt.alibi_max == 16.0 && mpt.position == RJ_POSITION_ALIBI);
    const rj_config plain = config_of("{\"model_type\": \"mpt\", \"attn_config\": {\"clip_qkv\": null}}");
    assert_true(plain.clip == 0.0 && plain.alibi_max == 8.0 && !plain.bias_qkv && !plain.bias_mlp);
}

/* Every upload of Gemma means tanh, whatever it calls it. */
static void activations_of_gemma(void **state)
{
    static const char *const texts[] = {
        "{\"model_type\": \"gemma\", \"hidden_act\": \"gelu\"}",
        "{\"model_type\": \"gemma\", \"hidden_act\": \"gelu\", \"hidden_activation\": null}",
        "{\"model_type\": \"gemma\", \"hidden_activation\": \"gelu_pytorch_tanh\"}"};

    (void)state;
    for (int i = 0; i < 3; i++) assert_true(config_of(texts[i]).activation == RJ_ACT_GELU_TANH);
    const rj_config other = config_of("{\"model_type\": \"gemma\", \"hidden_activation\": \"silu\"}");
    assert_true(other.activation == RJ_ACT_SILU);
}

/* Which key-value heads and norms the three Falcons have. */
static void falcons(void **state)
{
    (void)state;
    const rj_config small =
        config_of("{\"model_type\": \"falcon\", \"num_kv_heads\": 71, \"multi_query\": true}");
    assert_true(small.n_kv_head == 1 && small.shared_norm && small.parallel && !small.bias_qkv);
    const rj_config large = config_of("{\"model_type\": \"falcon\", \"hidden_size\": 8192, "
                                      "\"num_attention_heads\": 128, \"num_kv_heads\": 8, "
                                      "\"new_decoder_architecture\": true, \"multi_query\": true}");
    assert_true(large.n_kv_head == 8 && !large.shared_norm && large.parallel);
    const rj_config two = config_of("{\"model_type\": \"falcon\", \"hidden_size\": 4096, "
                                    "\"num_attention_heads\": 32, \"num_kv_heads\": 8, "
                                    "\"new_decoder_architecture\": true, \"num_ln_in_parallel_attn\": 1, "
                                    "\"rope_theta\": 500042.0, \"ffn_hidden_size\": 16384, \"bias\": true}");
    assert_true(two.n_kv_head == 8 && two.shared_norm && two.rope.theta == 500042.0 && two.d_ff == 16384 &&
                two.bias_out);
    const rj_config each = config_of("{\"model_type\": \"falcon\", \"multi_query\": false}");
    assert_true(each.n_kv_head == 71);
}

static void rotary_shares(void **state)
{
    (void)state;
    const rj_config pythia = config_of("{\"model_type\": \"gpt_neox\", \"rotary_pct\": 0.5, "
                                       "\"rotary_emb_base\": 77, \"use_parallel_residual\": false}");
    assert_true(pythia.rope.n_rotary == 48 && pythia.rope.theta == 77.0 && !pythia.parallel);
    const rj_config now = config_of("{\"model_type\": \"gpt_neox\", \"rope_parameters\": {\"rope_type\": "
                                    "\"default\", \"rope_theta\": 55, \"partial_rotary_factor\": 1.0}}");
    assert_true(now.rope.n_rotary == 96 && now.rope.theta == 55.0);
    const rj_config phi2 = config_of("{\"model_type\": \"phi\", \"hidden_size\": 2560, "
                                     "\"partial_rotary_factor\": 0.4}");
    assert_true(phi2.d_head == 80 && phi2.rope.n_rotary == 32 && phi2.bias_head && phi2.bias_qkv);
    rj_config su = config_of("{\"model_type\": \"phi3\", \"hidden_size\": 8, \"num_attention_heads\": 1, "
                             "\"max_position_embeddings\": 64, \"original_max_position_embeddings\": 8, "
                             "\"partial_rotary_factor\": 0.5, \"rope_scaling\": {\"type\": \"su\", "
                             "\"short_factor\": [1, 2], \"long_factor\": [3, 4]}}");
    assert_true(su.rope.kind == RJ_ROPE_LONGROPE && su.rope.n_rotary == 4 && su.rope.factor == 8.0 &&
                su.rope.long_factor[1] == 4.0);
    rj_config_free(&su);
}

#define HF_OLMO                                                                                              \
    "\"model_type\": \"hf_olmo\", \"mlp_hidden_size\": 22016, \"rope\": true, \"include_bias\": false, "     \
    "\"layer_norm_with_affine\": false"

static void olmo_of_its_authors(void **state)
{
    (void)state;
    const rj_config c = config_of("{" HF_OLMO ", \"d_model\": 4096, \"n_heads\": 32, \"n_layers\": 32, "
                                  "\"weight_tying\": false, \"clip_qkv\": null}");
    assert_true(c.d == 4096 && c.d_ff == 11008 && c.d_head == 128 && !c.tied_head && c.gated &&
                c.norm_parts == RJ_NORM_BARE && c.norm_eps == 1e-5 && c.clip == 0.0);
}

/* T5's defaults are those of its first models; 1.1 gates, and newer files say it twice. */
static void t5_by_its_keys(void **state)
{
    const rj_config c = config_of("{\"model_type\": \"t5\"}");
    const rj_config gated = config_of("{\"model_type\": \"t5\", \"feed_forward_proj\": \"gated-gelu\", "
                                      "\"num_layers\": 3, \"num_decoder_layers\": 7, \"d_kv\": 5, "
                                      "\"n_positions\": 99, \"initializer_factor\": 0.5, "
                                      "\"relative_attention_num_buckets\": 12, "
                                      "\"relative_attention_max_distance\": 40}");
    const rj_config newer = config_of("{\"model_type\": \"t5\", \"feed_forward_proj\": \"gated-silu\", "
                                      "\"dense_act_fn\": \"silu\", \"is_gated_act\": true, "
                                      "\"tie_word_embeddings\": false, \"is_encoder_decoder\": true}");

    (void)state;
    assert_true(c.n_layer == 6 && c.d == 512 && c.n_head == 8 && c.n_kv_head == 8 && c.d_head == 64 &&
                c.d_ff == 2048 && c.max_context == 512 && c.n_bucket == 32 && c.bucket_distance == 128);
    assert_true(c.norm == RJ_NORM_RMS && c.norm_parts == RJ_NORM_GAIN && c.norm_eps == 1e-6 &&
                c.scale == 1.0);
    assert_true(c.bidirectional && !c.gated && c.activation == RJ_ACT_RELU && c.initializer_range == 1.0 &&
                rj_config_rope(&c, 0) == NULL);
    assert_true(gated.gated && gated.activation == RJ_ACT_GELU_TANH && gated.n_layer == 3 &&
                gated.d_head == 5 && gated.max_context == 99 && gated.initializer_range == 0.5 &&
                gated.n_bucket == 12 && gated.bucket_distance == 40);
    assert_true(newer.gated && newer.activation == RJ_ACT_SILU);
}

static rj_status read_decoder(const char *text, rj_config *config)
{
    rj_weights *w = NULL;
    json_t *root = json_loads(text, 0, NULL);

    assert_ok(rj_weights_open(config_only(root), &w));
    const rj_status st = rj_config_read_stack(w, RJ_STACK_DECODER, config);
    rj_weights_close(&w);
    json_decref(root);
    return st;
}

/* The decoder has its own number of blocks, as many as the encoder where the file does not say. */
static void t5_decoders_by_their_keys(void **state)
{
    rj_config c = {0}, deeper = {0};

    (void)state;
    assert_ok(read_decoder("{\"model_type\": \"t5\", \"num_layers\": 3, \"decoder_start_token_id\": 5}", &c));
    assert_ok(read_decoder("{\"model_type\": \"t5\", \"num_layers\": 3, \"num_decoder_layers\": 7, "
                           "\"tie_word_embeddings\": false, \"decoder_start_token_id\": 0}",
                           &deeper));
    assert_true(c.n_layer == 3 && c.start_token == 5 && c.reads_memory && !c.bidirectional && c.tied_head &&
                c.scale == 1.0);
    assert_string_equal(c.family, "t5_decoder");
    assert_true(deeper.n_layer == 7 && !deeper.tied_head && deeper.start_token == 0);
}

static void refused_stacks(void **state)
{
    static const struct {
        const char *config, *a, *b;
    } cases[] = {
        {"{\"model_type\": \"t5\"}", "decoder_start_token_id is missing", "t5_decoder"},
        {"{\"model_type\": \"t5\", \"decoder_start_token_id\": 0, \"is_encoder_decoder\": false}",
         "is_encoder_decoder = false", "t5_decoder"},
        {"{\"model_type\": \"t5\", \"decoder_start_token_id\": 0, \"relative_attention_max_distance\": 16}",
         "distance 16", "more than 16"},
    };
    rj_config c = {0};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(read_decoder(cases[i].config, &c), RJ_ERR_FORMAT);
        assert_message("config.json", cases[i].a, cases[i].b, NULL);
    }
    assert_int_equal(read_decoder("{\"model_type\": \"mistral\"}", &c), RJ_ERR_USAGE);
    assert_message("the decoder is asked for", "of family mistral there is one stack", NULL);
    assert_int_equal(c.n_layer, 0);
}

static void refused_configurations(void **state)
{
    static const struct {
        const char *config, *a, *b;
    } cases[] = {
        {"{\"model_type\": \"mamba\"}", "model_type = \"mamba\"", "known: llama"},
        {"{\"model_type\": \"t5\", \"is_decoder\": true}", "is_decoder = true", "t5"},
        {"{\"model_type\": \"t5\", \"scalable_attention\": true}", "scalable_attention", "t5"},
        {"{\"model_type\": \"t5\", \"feed_forward_proj\": \"gated-gelu-new\"}",
         "feed_forward_proj = \"gated-gelu-new\"", "known: silu"},
        {"{\"model_type\": \"t5\", \"relative_attention_num_buckets\": 3}", "3 buckets", "at least 4"},
        {"{\"model_type\": \"t5\", \"relative_attention_max_distance\": 8}", "distance 8", "more than 8"},
        {"{\"model_type\": \"RefinedWebModel\"}", "model_type = \"RefinedWebModel\"", "falcon"},
        {"{\"model_type\": \"falcon\", \"alibi\": true}", "alibi = true", "falcon"},
        {"{\"model_type\": \"falcon\", \"parallel_attn\": false}", "parallel_attn = false", "falcon"},
        {"{\"model_type\": \"falcon\", \"new_decoder_architecture\": true, \"num_kv_heads\": 8}",
         "71 attention", "8 key-value"},
        {"{\"model_type\": \"gpt_neox\", \"rotary_pct\": 0}", "share of 0", "more than 0"},
        {"{\"model_type\": \"gpt_neox\", \"rotary_pct\": 1.5}", "share of 1.5", "at most 1"},
        {"{\"model_type\": \"gpt_neox\", \"rotary_pct\": 0.33}", "31 rotary dimensions", "pairs"},
        {"{\"model_type\": \"phi\", \"qk_layernorm\": true}", "qk_layernorm = true", "phi"},
        {"{\"model_type\": \"phi\", \"hidden_act\": \"gelu_newest\"}", "hidden_act = \"gelu_newest\"", ""},
        {"{\"model_type\": \"gpt_neo\"}", "attention_types is missing", "gpt_neo"},
        {"{\"model_type\": \"gpt_neo\", \"attention_types\": [[[\"global\", \"local\"], 11]]}",
         "fewer than the 24", "attention_types"},
        {"{\"model_type\": \"gpt_neo\", \"attention_types\": [[[\"global\", \"local\"], 13]]}",
         "more than the 24", "attention_types"},
        {"{\"model_type\": \"gpt_neo\", \"attention_types\": [[[\"global\", \"sparse\"], 12]]}",
         "attention_types[1] = \"sparse\"", "known: global, local"},
        {"{\"model_type\": \"gpt_neo\", \"attention_types\": [\"global\"]}", "attention_types[0]", "times"},
        {"{\"model_type\": \"mistral\", \"attention_bias\": 3, \"num_local_experts\": 8}",
         "num_local_experts", ""},
        {"{\"model_type\": \"mistral\", \"sliding_window\": 0}", "sliding_window = 0", "1.."},
        {"{\"model_type\": \"gemma\", \"use_bidirectional_attention\": true}", "use_bidirectional_attention",
         ""},
        {"{\"model_type\": \"gemma\", \"attn_logit_softcapping\": 50}", "attn_logit_softcapping = 50",
         "gemma"},
        {"{\"model_type\": \"gemma2\", \"attn_logit_softcapping\": 0}", "attn_logit_softcapping = 0", "> 0"},
        {"{\"model_type\": \"olmo\", \"clip_qkv\": -1}", "clip_qkv = -1", "> 0"},
        {"{\"model_type\": \"mpt\", \"attn_config\": {\"alibi\": false}}", "attn_config.alibi = false",
         "mpt"},
        {"{\"model_type\": \"mpt\", \"attn_config\": {\"qk_ln\": true}}", "attn_config.qk_ln = true", "mpt"},
        {"{\"model_type\": \"mpt\", \"attn_config\": {\"prefix_lm\": true}}", "attn_config.prefix_lm", ""},
        {"{\"model_type\": \"mpt\", \"attn_config\": {\"softmax_scale\": 0.3}}", "attn_config.softmax_scale",
         ""},
        {"{\"model_type\": \"mpt\", \"attn_config\": {\"attn_type\": \"multiquery_attention\"}}",
         "attn_config.attn_type = \"multiquery_attention\"", ""},
        {"{\"model_type\": \"mpt\", \"no_bias\": false}", "no_bias = false", "mpt"},
        {"{\"model_type\": \"mpt\", \"expansion_ratio\": 3}", "expansion_ratio = 3", "mpt"},
        {"{\"model_type\": \"mpt\", \"logit_scale\": 0.5}", "logit_scale = 0.5", ""},
        {"{\"model_type\": \"stablelm\", \"hidden_size\": 4096, \"num_attention_heads\": 1024, "
         "\"num_key_value_heads\": "
         "1024}",
         "1024 attention heads", "stablelm at most 512"},
        {"{\"model_type\": \"gptj\", \"rotary_dim\": 300}", "rotary_dim = 300", "256"},
        {"{\"model_type\": \"opt\", \"do_layer_norm_before\": 0}", "do_layer_norm_before", "bool"},
        {"{\"model_type\": \"opt\", \"layer_norm_elementwise_affine\": false}",
         "layer_norm_elementwise_affine = false", "opt"},
        {"{\"model_type\": \"bloom\", \"apply_residual_connection_post_layernorm\": true}",
         "apply_residual_connection_post_layernorm = true", "bloom"},
        {"{\"model_type\": \"mixtral\", \"num_experts_per_tok\": 9}", "9 of 8 experts a token", "all of"},
        {"{\"model_type\": \"mixtral\", \"num_local_experts\": 513}", "2 of 513 experts", "at most 512"},
        {"{\"model_type\": \"mistral\", \"num_local_experts\": 8}", "num_local_experts = 8", "mistral"},
        {"{\"model_type\": \"hf_olmo\", \"mlp_hidden_size\": 8}", "rope is missing", "hf_olmo"},
        {"{\"model_type\": \"hf_olmo\", \"rope\": true, \"include_bias\": false}", "layer_norm_with_affine",
         ""},
        {"{" HF_OLMO ", \"layer_norm_type\": \"rms\"}", "layer_norm_type = \"rms\"", ""},
        {"{" HF_OLMO ", \"attention_layer_norm\": true}", "attention_layer_norm = true", ""},
        {"{" HF_OLMO ", \"activation_type\": \"gelu\"}", "activation_type = \"gelu\"", "hf_olmo"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rj_config c = {0};
        const rj_status st = read_config(cases[i].config, &c);
        if (st != RJ_ERR_FORMAT || c.n_layer != 0) fail_msg("%s: status %d", cases[i].config, (int)st);
        assert_message("config.json", cases[i].a, cases[i].b, NULL);
    }
}

/* What nobody knows is refused, but for null; what says nothing about a block passes. */
static void unknown_keys(void **state)
{
    static const struct {
        const char *config, *key;
    } cases[] = {
        {"{\"model_type\": \"llama\", \"attention_gate\": 1}",
         "the key attention_gate is not known to family llama"},
        {"{\"model_type\": \"gpt_neox\", \"sparse\": false}", "the key sparse"},
        {"{\"model_type\": \"olmo\", \"mlp_ratio\": 4}", "the key mlp_ratio"},
        {"{\"model_type\": \"mpt\", \"attn_config\": {\"gated\": true}}", "the key attn_config.gated"},
        {"{\"model_type\": \"mistral\", \"bias\": true}", "bias = true"},
        {"{\"model_type\": \"phi3\", \"attention_bias\": true}", "attention_bias = true"},
        {"{\"model_type\": \"llama\", \"attention\": {\"scale\": 2}}", "the key attention"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rj_config c = {0};
        const rj_status st = read_config(cases[i].config, &c);
        if (st != RJ_ERR_FORMAT || c.n_layer != 0) fail_msg("%s: status %d", cases[i].config, (int)st);
        assert_message("config.json", cases[i].key, NULL);
    }
    config_of("{\"model_type\": \"llama\", \"attention_gate\": null, \"_name_or_path\": \"x\", "
              "\"use_cache\": true, "
              "\"bos_token_id\": 1, \"attention_dropout\": 0.1, \"id2label\": {\"0\": \"a\"}, "
              "\"pretraining_tp\": 2, "
              "\"max_window_layers\": 28, \"auto_map\": {\"a\": \"b\"}}");
    config_of("{" HF_OLMO ", \"precision\": \"amp_bf16\", \"alibi_bias_max\": 8.0, \"mlp_ratio\": 4, "
              "\"init_fn\": \"mitchell\", "
              "\"embedding_size\": 50304, \"flash_attention\": true, \"rope_full_precision\": true}");
    config_of("{\"model_type\": \"gemma2\", \"hidden_act\": \"gelu\", \"cache_implementation\": \"hybrid\"}");
    config_of("{\"model_type\": \"mpt\", \"attn_config\": {\"attn_pdrop\": 0, \"attn_impl\": \"torch\", "
              "\"attn_uses_sequence_id\": false}, \"init_config\": {\"name\": \"kaiming_normal_\"}, "
              "\"verbose\": 0}");
}

static void refused_gguf_files(void **state)
{
    static const struct {
        const char *file, *find, *by, *a, *b;
        size_t n;
    } cases[] = {
        {"phi_base/model-F16.gguf", "\13\0\0\0\0\0\0\0output.bias", "\13\0\0\0\0\0\0\0autput.bias",
         "tensor output.bias is missing", "phi", 19},
        {"phi_base/model-F16.gguf", "blk.1.attn_k.bias", "blk.1.attn_k.bios",
         "tensor blk.1.attn_k.bias is missing", "phi", 17},
        {"gptneox_base/model-F16.gguf", "gptneox.rope.dimension_count\4\0\0\0\4",
         "gptneox.rope.dimension_count\4\0\0\0\5", "5 rotary dimensions", "pairs", 33},
        {"falcon_40b/model-BF16.gguf", "blk.1.attn_norm_2.bias", "blk.1.attn_narm_2.bias",
         "tensor blk.1.attn_norm_2.bias is missing", "falcon", 22},
        {"gemma2_base/model-F16.gguf", "gemma2.final_logit_softcapping", "gemma2.final_logit_softcipping",
         "gemma2.final_logit_softcapping", "", 30},
        {"mpt_base/model-F16.gguf", "mpt.attention.max_alibi_bias", "mpt.attention.max_alibi_bios",
         "mpt.attention.max_alibi_bias", "", 28},
        {"falcon_7b/model-F16.gguf", "falcon.rope.freq_base", "falcon.rope.freq_bose",
         "falcon.rope.freq_base is missing", "heads of 8", 21},
        {"phi3_long/model-BF16.gguf", "rope_factors_short", "rope_factors_shart",
         "longrope needs the tensors rope_factors_long.weight and rope_factors_short.weight", "", 18},
        {"bloom_base/model-F16.gguf", "token_embd_norm.bias", "token_ambd_norm.bias",
         "tensor token_embd_norm.bias is missing", "bloom", 20},
        {"mixtral_base/model-F16.gguf", "blk.1.ffn_up_exps", "blk.1.ffn_up_exqs",
         "tensor blk.1.ffn_up_exps.weight is missing", "mixtral", 17},
        {"mixtral_base/model-F16.gguf", "llama.expert_count\4\0\0\0\4", "llama.expert_count\4\0\0\0\5",
         "tensor blk.0.ffn_gate_inp.weight is [4,24]", "needs [5,24]", 23},
        {"mixtral_base/model-F16.gguf", "llama.expert_count", "llama.expert_cound",
         "tensor blk.0.ffn_gate.weight is missing; llama needs it", "", 18},
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(defaults),
        unit(windows),
        unit(caps_clips_and_slopes),
        unit(activations_of_gemma),
        unit(falcons),
        unit(rotary_shares),
        unit(olmo_of_its_authors),
        unit(t5_by_its_keys),
        unit(t5_decoders_by_their_keys),
        unit(refused_stacks),
        unit(refused_configurations),
        unit(unknown_keys),
        unit(refused_gguf_files),
    };
    return cmocka_run_group_tests(tests, temporary_begin, temporary_end);
}
