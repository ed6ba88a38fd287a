/* family_phi.c: Phi-1, 1.5 and 2: attention and MLP side by side behind one LayerNorm, rotary positions of a part of each head,
 * biases everywhere, the head included. */
#include "resjac/model/family_rows.h"

static const rj_key keys[] = {
    {{"layer_norm_eps", "attention.layer_norm_epsilon"}, {RJ_KEEP, NAN}, RJ_KEY_NUMBER, RJ_FIELD(norm_eps)},
    {{"hidden_act", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_ACTIVATION, RJ_FIELD(activation)},
    {{"partial_rotary_factor", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_NUMBER, RJ_FIELD(rotary_share)},
    RJ_KEYS_END,
};

const rj_family rj_family_phi = {
    .name = "phi",
    .model_type = "phi",
    .architecture = "phi2",
    .base = {.n_layer = 24,
             .d = 2048,
             .n_head = 32,
             .d_ff = 8192,
             .max_context = 2048,
             .norm = RJ_NORM_LAYER,
             .norm_parts = RJ_NORM_GAIN_BIAS,
             .norm_eps = 1e-5,
             .parallel = true,
             .n_norm = 1,
             .activation = RJ_ACT_GELU_TANH,
             .bias_qkv = true,
             .bias_out = true,
             .bias_mlp = true,
             .bias_head = true,
             .scaled = true,
             .position = RJ_POSITION_ROTARY,
             .rotary_share = 0.5,
             .initializer_range = 0.02},
    .keys = {rj_keys_llama, keys},
    .stem =
        {
            [RJ_EMBEDDING] = {"model.embed_tokens", "token_embd"},
            [RJ_FINAL_NORM] = {"model.final_layernorm", "output_norm"},
            [RJ_HEAD] = {"lm_head", "output"},
            [RJ_SHARED_NORM] = {"model.layers.#.input_layernorm", "blk.#.attn_norm"},
            [RJ_QUERY] = {"model.layers.#.self_attn.q_proj", "blk.#.attn_q"},
            [RJ_KEY] = {"model.layers.#.self_attn.k_proj", "blk.#.attn_k"},
            [RJ_VALUE] = {"model.layers.#.self_attn.v_proj", "blk.#.attn_v"},
            [RJ_QUERY_KEY_VALUE] = {NULL, "blk.#.attn_qkv"}, /* files of before 2025 */
            [RJ_ATTENTION_OUT] = {"model.layers.#.self_attn.dense", "blk.#.attn_output"},
            [RJ_UP] = {"model.layers.#.mlp.fc1", "blk.#.ffn_up"},
            [RJ_DOWN] = {"model.layers.#.mlp.fc2", "blk.#.ffn_down"},
        },
    .prefixes = rj_prefixes_llama,
    .ignored = rj_ignored_llama,
};
