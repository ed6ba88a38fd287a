/* family_qwen2.c: Qwen2 and Qwen2.5: a Llama with biases of query, key and value, and a window in the upper layers on
 * request. */
#include "resjac/model/family.h"

#define FIELD(name) offsetof(rj_config, name)

/* Defaults: see family_llama.c. llama.cpp knows no window here. */
static const rj_key keys[] = {
    {{"num_hidden_layers", "block_count"}, {32, NAN}, RJ_KEY_INTEGER, FIELD(n_layer)},
    {{"hidden_size", "embedding_length"}, {4096, NAN}, RJ_KEY_INTEGER, FIELD(d)},
    {{"num_attention_heads", "attention.head_count"}, {32, NAN}, RJ_KEY_INTEGER, FIELD(n_head)},
    {{"num_key_value_heads", "attention.head_count_kv"}, {32, 0}, RJ_KEY_COUNT, FIELD(n_kv_head)},
    {{"head_dim", "attention.key_length"}, {0, 0}, RJ_KEY_INTEGER, FIELD(d_head)},
    {{"intermediate_size", "feed_forward_length"}, {22016, NAN}, RJ_KEY_INTEGER, FIELD(d_ff)},
    {{"max_position_embeddings", "context_length"}, {32768, NAN}, RJ_KEY_INTEGER, FIELD(max_context)},
    {{"rms_norm_eps", "attention.layer_norm_rms_epsilon"}, {1e-6, NAN}, RJ_KEY_NUMBER, FIELD(norm_eps)},
    {{"hidden_act", NULL}, {RJ_ACT_SILU, RJ_ACT_SILU}, RJ_KEY_ACTIVATION, FIELD(activation)},
    {{"use_sliding_window", NULL}, {0, 0}, RJ_KEY_BOOL, FIELD(use_window)},
    {{"sliding_window", NULL}, {4096, 0}, RJ_KEY_COUNT, FIELD(window)},
    {{"max_window_layers", NULL}, {28, 0}, RJ_KEY_COUNT, FIELD(window_from)},
    {{"layer_types", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_LAYERS, 0},
    {{"tie_word_embeddings", NULL}, {0, 0}, RJ_KEY_BOOL, FIELD(tied_head)},
    {{"initializer_range", NULL}, {0.02, 0.02}, RJ_KEY_NUMBER, FIELD(initializer_range)},
    {{NULL, NULL}, {0, 0}, RJ_KEY_INTEGER, 0},
};

static const rj_prefix prefixes[] = {{"model.", ""}, {"", ""}, {NULL, NULL}};
static const char *const ignored[] = {"*.rotary_emb.inv_freq", NULL};

const rj_family rj_family_qwen2 = {
    .name = "qwen2",
    .model_type = "qwen2",
    .architecture = "qwen2",
    .base = {.norm = RJ_NORM_RMS,
             .gated = true,
             .bias_qkv = true,
             .scaled = true,
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
            [RJ_ATTENTION_OUT] = {"model.layers.#.self_attn.o_proj", "blk.#.attn_output"},
            [RJ_MLP_NORM] = {"model.layers.#.post_attention_layernorm", "blk.#.ffn_norm"},
            [RJ_GATE] = {"model.layers.#.mlp.gate_proj", "blk.#.ffn_gate"},
            [RJ_UP] = {"model.layers.#.mlp.up_proj", "blk.#.ffn_up"},
            [RJ_DOWN] = {"model.layers.#.mlp.down_proj", "blk.#.ffn_down"},
        },
    .prefixes = prefixes,
    .ignored = ignored,
};
