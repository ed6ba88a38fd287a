/* family_gemma3.c: Gemma 3, its text part: a norm before and behind each sublayer, norms of queries and keys, five layers
 * with a window and rotary positions of their own to one without. */
#include "resjac/model/family.h"

#define FIELD(name) offsetof(rj_config, name)

/* Defaults: see family_llama.c; those of multimodal files bear weight, since their text_config has the exceptions only. */
static const rj_key keys[] = {
    {{"num_hidden_layers", "block_count"}, {26, NAN}, RJ_KEY_INTEGER, FIELD(n_layer)},
    {{"hidden_size", "embedding_length"}, {2304, NAN}, RJ_KEY_INTEGER, FIELD(d)},
    {{"num_attention_heads", "attention.head_count"}, {8, NAN}, RJ_KEY_INTEGER, FIELD(n_head)},
    {{"num_key_value_heads", "attention.head_count_kv"}, {4, 0}, RJ_KEY_INTEGER, FIELD(n_kv_head)},
    {{"head_dim", "attention.key_length"}, {256, 0}, RJ_KEY_INTEGER, FIELD(d_head)},
    {{"query_pre_attn_scalar", NULL}, {256, 0}, RJ_KEY_NUMBER, FIELD(query_scalar)},
    {{"intermediate_size", "feed_forward_length"}, {9216, NAN}, RJ_KEY_INTEGER, FIELD(d_ff)},
    {{"max_position_embeddings", "context_length"}, {131072, NAN}, RJ_KEY_INTEGER, FIELD(max_context)},
    {{"rms_norm_eps", "attention.layer_norm_rms_epsilon"}, {1e-6, NAN}, RJ_KEY_NUMBER, FIELD(norm_eps)},
    {{"hidden_activation", NULL}, {RJ_ACT_GELU_TANH, RJ_ACT_GELU_TANH}, RJ_KEY_ACTIVATION, FIELD(activation)},
    {{"attention_bias", NULL}, {0, 0}, RJ_KEY_BOOL, FIELD(bias_qkv)},
    {{"attention_bias", NULL}, {0, 0}, RJ_KEY_BOOL, FIELD(bias_out)},
    {{"sliding_window", "attention.sliding_window"}, {4096, NAN}, RJ_KEY_INTEGER, FIELD(window)},
    {{"_sliding_window_pattern", NULL}, {6, 6}, RJ_KEY_INTEGER, FIELD(window_period)},
    {{"sliding_window_pattern", "attention.sliding_window_pattern"},
     {RJ_KEEP, RJ_KEEP},
     RJ_KEY_INTEGER,
     FIELD(window_period)},
    {{"layer_types", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_LAYERS, 0},
    {{"tie_word_embeddings", NULL}, {1, 1}, RJ_KEY_BOOL, FIELD(tied_head)},
    {{"initializer_range", NULL}, {0.02, 0.02}, RJ_KEY_NUMBER, FIELD(initializer_range)},
    {{NULL, NULL}, {0, 0}, RJ_KEY_INTEGER, 0},
};

static const rj_prefix prefixes[] = {{"model.", ""},
                                     {"", ""},
                                     {"language_model.model.", "language_model."},
                                     {"model.language_model.", ""},
                                     {NULL, NULL}};
static const char *const ignored[] = {"vision_tower.*", "multi_modal_projector.*", "model.vision_tower.*",
                                      "model.multi_modal_projector.*", NULL};

const rj_family rj_family_gemma3 = {
    .name = "gemma3",
    .model_type = "gemma3_text",
    .wrapper = "gemma3",
    .architecture = "gemma3",
    .base = {.norm = RJ_NORM_RMS,
             .gated = true,
             .scaled = true,
             .use_window = true,
             .has_local_rope = true,
             .position = RJ_POSITION_ROTARY},
    .keys = keys,
    .stem =
        {
            [RJ_EMBEDDING] = {"model.embed_tokens", "token_embd"},
            [RJ_FINAL_NORM] = {"model.norm", "output_norm"},
            [RJ_HEAD] = {"lm_head", "output"},
            [RJ_ATTENTION_NORM] = {"model.layers.#.input_layernorm", "blk.#.attn_norm"},
            [RJ_QUERY] = {"model.layers.#.self_attn.q_proj", "blk.#.attn_q"},
            [RJ_KEY] = {"model.layers.#.self_attn.k_proj", "blk.#.attn_k"},
            [RJ_VALUE] = {"model.layers.#.self_attn.v_proj", "blk.#.attn_v"},
            [RJ_QUERY_NORM] = {"model.layers.#.self_attn.q_norm", "blk.#.attn_q_norm"},
            [RJ_KEY_NORM] = {"model.layers.#.self_attn.k_norm", "blk.#.attn_k_norm"},
            [RJ_ATTENTION_OUT] = {"model.layers.#.self_attn.o_proj", "blk.#.attn_output"},
            [RJ_ATTENTION_POST_NORM] = {"model.layers.#.post_attention_layernorm",
                                        "blk.#.post_attention_norm"},
            [RJ_MLP_NORM] = {"model.layers.#.pre_feedforward_layernorm", "blk.#.ffn_norm"},
            [RJ_GATE] = {"model.layers.#.mlp.gate_proj", "blk.#.ffn_gate"},
            [RJ_UP] = {"model.layers.#.mlp.up_proj", "blk.#.ffn_up"},
            [RJ_DOWN] = {"model.layers.#.mlp.down_proj", "blk.#.ffn_down"},
            [RJ_MLP_POST_NORM] = {"model.layers.#.post_feedforward_layernorm", "blk.#.post_ffw_norm"},
        },
    .prefixes = prefixes,
    .ignored = ignored,
    .norm_offset = {[RJ_FORMAT_SAFETENSORS] = 1.0, [RJ_FORMAT_GGUF] = 0.0},
    .embedding_by_sqrt_d = true,
    .rope_theta = {[RJ_FORMAT_SAFETENSORS] = 1e6, [RJ_FORMAT_GGUF] = 1e4},
    .local_theta =
        {[RJ_FORMAT_SAFETENSORS] = "rope_local_base_freq", [RJ_FORMAT_GGUF] = "rope.freq_base_swa"},
    .gguf_n_layer_by_width = 62, /* the 27B */
};
