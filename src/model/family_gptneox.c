/* family_gptneox.c: GPT-NeoX and Pythia: LayerNorm, attention and MLP side by side, rotary positions of a part of each head,
 * queries, keys and values of a head beside each other. */
#include "resjac/model/family_rows.h"

static const rj_key keys[] = {
    {{"layer_norm_eps", "attention.layer_norm_epsilon"}, {RJ_KEEP, NAN}, RJ_KEY_NUMBER, RJ_FIELD(norm_eps)},
    {{"hidden_act", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_ACTIVATION, RJ_FIELD(activation)},
    {{"attention_bias", NULL}, {1, 0}, RJ_KEY_BOOL, RJ_FIELD(bias_qkv)},
    {{"attention_bias", NULL}, {1, 0}, RJ_KEY_BOOL, RJ_FIELD(bias_out)},
    {{"use_parallel_residual", "use_parallel_residual"}, {1, 1}, RJ_KEY_BOOL, RJ_FIELD(parallel)},
    {{"rotary_pct", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_NUMBER, RJ_FIELD(rotary_share)},
    RJ_KEYS_END,
};

static const rj_prefix prefixes[] = {{"gpt_neox.", ""}, {"", ""}, {NULL, NULL}};
static const char *const ignored[] = {"*.attention.bias", "*.attention.masked_bias", "*.rotary_emb.inv_freq",
                                      NULL}; /* causal masks, frequencies */

const rj_family rj_family_gptneox = {
    .name = "gpt_neox",
    .model_type = "gpt_neox",
    .architecture = "gptneox",
    .base = {.n_layer = 44,
             .d = 6144,
             .n_head = 64,
             .d_ff = 24576,
             .max_context = 2048,
             .norm = RJ_NORM_LAYER,
             .norm_parts = RJ_NORM_GAIN_BIAS,
             .norm_eps = 1e-5,
             .activation = RJ_ACT_GELU,
             .bias_mlp = true,
             .scaled = true,
             .n_norm = 2,
             .position = RJ_POSITION_ROTARY,
             .rotary_share = 0.25,
             .initializer_range = 0.02},
    .keys = {rj_keys_llama, keys},
    .stem =
        {
            [RJ_EMBEDDING] = {"gpt_neox.embed_in", "token_embd"},
            [RJ_FINAL_NORM] = {"gpt_neox.final_layer_norm", "output_norm"},
            [RJ_HEAD] = {"embed_out", "output"},
            [RJ_ATTENTION_NORM] = {"gpt_neox.layers.#.input_layernorm", "blk.#.attn_norm"},
            [RJ_QUERY_KEY_VALUE] = {"gpt_neox.layers.#.attention.query_key_value", "blk.#.attn_qkv"},
            [RJ_ATTENTION_OUT] = {"gpt_neox.layers.#.attention.dense", "blk.#.attn_output"},
            [RJ_MLP_NORM] = {"gpt_neox.layers.#.post_attention_layernorm", "blk.#.ffn_norm"},
            [RJ_UP] = {"gpt_neox.layers.#.mlp.dense_h_to_4h", "blk.#.ffn_up"},
            [RJ_DOWN] = {"gpt_neox.layers.#.mlp.dense_4h_to_h", "blk.#.ffn_down"},
        },
    .prefixes = prefixes,
    .ignored = ignored,
    .fused = {[RJ_FORMAT_SAFETENSORS] = RJ_FUSED_BY_HEAD},
    .theta_key = "rotary_emb_base",
};
