/* family_llama.c: Llama and what runs under its name (Vicuna, Code Llama, SmolLM2, ..). */
#include "resjac/model/family.h"

#define FIELD(name) offsetof(rj_config, name)

/* Defaults of safetensors: those of transformers' configuration class, since many files leave keys out. Of a value 0 is
 * "derived from the others". */
static const rj_key keys[] = {
    {{"num_hidden_layers", "block_count"}, {32, NAN}, RJ_KEY_INTEGER, FIELD(n_layer)},
    {{"hidden_size", "embedding_length"}, {4096, NAN}, RJ_KEY_INTEGER, FIELD(d)},
    {{"num_attention_heads", "attention.head_count"}, {32, NAN}, RJ_KEY_INTEGER, FIELD(n_head)},
    {{"num_key_value_heads", "attention.head_count_kv"}, {0, 0}, RJ_KEY_INTEGER, FIELD(n_kv_head)},
    {{"head_dim", "attention.key_length"}, {0, 0}, RJ_KEY_INTEGER, FIELD(d_head)},
    {{"intermediate_size", "feed_forward_length"}, {11008, NAN}, RJ_KEY_INTEGER, FIELD(d_ff)},
    {{"max_position_embeddings", "context_length"}, {2048, NAN}, RJ_KEY_INTEGER, FIELD(max_context)},
    {{"rms_norm_eps", "attention.layer_norm_rms_epsilon"}, {1e-6, NAN}, RJ_KEY_NUMBER, FIELD(norm_eps)},
    {{"hidden_act", NULL}, {RJ_ACT_SILU, RJ_ACT_SILU}, RJ_KEY_ACTIVATION, FIELD(activation)},
    {{"attention_bias", NULL}, {0, 0}, RJ_KEY_BOOL, FIELD(bias_qkv)},
    {{"attention_bias", NULL}, {0, 0}, RJ_KEY_BOOL, FIELD(bias_out)},
    {{"mlp_bias", NULL}, {0, 0}, RJ_KEY_BOOL, FIELD(bias_mlp)},
    {{"tie_word_embeddings", NULL}, {0, 0}, RJ_KEY_BOOL, FIELD(tied_head)},
    {{"initializer_range", NULL}, {0.02, 0.02}, RJ_KEY_NUMBER, FIELD(initializer_range)},
    {{NULL, NULL}, {0, 0}, RJ_KEY_INTEGER, 0},
};

static const rj_prefix prefixes[] = {{"model.", ""}, {"", ""}, {NULL, NULL}};
static const char *const ignored[] = {"*.rotary_emb.inv_freq", NULL};

const rj_family rj_family_llama = {
    .name = "llama",
    .model_type = "llama",
    .architecture = "llama",
    .base = {.norm = RJ_NORM_RMS, .gated = true, .scaled = true, .position = RJ_POSITION_ROTARY},
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
    .gguf_interleaved = true,
};
