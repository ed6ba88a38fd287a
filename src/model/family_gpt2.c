/* family_gpt2.c: GPT-2: LayerNorm, learned positions, plain MLP, biases everywhere, matrices [in,out] in safetensors. */
#include "resjac/model/family_rows.h"

/* Names that transformers takes for the same come second. */
static const rj_key keys[] = {
    {{"n_layer", "block_count"}, {12, NAN}, RJ_KEY_INTEGER, RJ_FIELD(n_layer)},
    {{"num_hidden_layers", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_INTEGER, RJ_FIELD(n_layer)},
    {{"n_embd", "embedding_length"}, {768, NAN}, RJ_KEY_INTEGER, RJ_FIELD(d)},
    {{"hidden_size", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_INTEGER, RJ_FIELD(d)},
    {{"n_head", "attention.head_count"}, {12, NAN}, RJ_KEY_INTEGER, RJ_FIELD(n_head)},
    {{"num_attention_heads", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_INTEGER, RJ_FIELD(n_head)},
    {{"n_positions", "context_length"}, {1024, NAN}, RJ_KEY_INTEGER, RJ_FIELD(max_context)},
    {{"max_position_embeddings", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_INTEGER, RJ_FIELD(max_context)},
    {{"n_inner", "feed_forward_length"}, {0, NAN}, RJ_KEY_INTEGER, RJ_FIELD(d_ff)},
    {{"layer_norm_epsilon", "attention.layer_norm_epsilon"}, {1e-5, NAN}, RJ_KEY_NUMBER, RJ_FIELD(norm_eps)},
    {{"activation_function", NULL},
     {RJ_ACT_GELU_TANH, RJ_ACT_GELU_TANH},
     RJ_KEY_ACTIVATION,
     RJ_FIELD(activation)},
    {{"scale_attn_weights", NULL}, {1, 1}, RJ_KEY_BOOL, RJ_FIELD(scaled)},
    {{"scale_attn_by_inverse_layer_idx", NULL}, {0, 0}, RJ_KEY_BOOL, RJ_FIELD(scaled_by_layer)},
    {{"tie_word_embeddings", NULL}, {1, 1}, RJ_KEY_BOOL, RJ_FIELD(tied_head)},
    {{"initializer_range", NULL}, {0.02, 0.02}, RJ_KEY_NUMBER, RJ_FIELD(initializer_range)},
    RJ_KEYS_END,
};

static const rj_prefix prefixes[] = {{"transformer.", ""}, {"", ""}, {NULL, NULL}};
static const char *const ignored[] = {"*.attn.bias", "*.attn.masked_bias", NULL}; /* causal masks */

const rj_family rj_family_gpt2 = {
    .name = "gpt2",
    .model_type = "gpt2",
    .architecture = "gpt2",
    .base = {.norm = RJ_NORM_LAYER,
             .norm_parts = RJ_NORM_GAIN_BIAS,
             .bias_qkv = true,
             .bias_out = true,
             .bias_mlp = true,
             .position = RJ_POSITION_LEARNED},
    .keys = {keys},
    .stem =
        {
            [RJ_EMBEDDING] = {"transformer.wte", "token_embd"},
            [RJ_POSITIONS] = {"transformer.wpe", "position_embd"},
            [RJ_FINAL_NORM] = {"transformer.ln_f", "output_norm"},
            [RJ_HEAD] = {"lm_head", "output"},
            [RJ_ATTENTION_NORM] = {"transformer.h.#.ln_1", "blk.#.attn_norm"},
            [RJ_QUERY_KEY_VALUE] = {"transformer.h.#.attn.c_attn", "blk.#.attn_qkv"},
            [RJ_ATTENTION_OUT] = {"transformer.h.#.attn.c_proj", "blk.#.attn_output"},
            [RJ_MLP_NORM] = {"transformer.h.#.ln_2", "blk.#.ffn_norm"},
            [RJ_UP] = {"transformer.h.#.mlp.c_fc", "blk.#.ffn_up"},
            [RJ_DOWN] = {"transformer.h.#.mlp.c_proj", "blk.#.ffn_down"},
        },
    .prefixes = prefixes,
    .ignored = ignored,
    .conv1d = true,
    .residual_init = true,
};
