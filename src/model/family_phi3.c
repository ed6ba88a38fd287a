/* family_phi3.c: Phi-3: a Llama whose queries, keys and values are one tensor, gate and up another; a window on all layers on
 * request. */
#include "resjac/model/family_rows.h"

static const rj_key keys[] = {
    {{"rms_norm_eps", "attention.layer_norm_rms_epsilon"}, {RJ_KEEP, NAN}, RJ_KEY_NUMBER, RJ_FIELD(norm_eps)},
    {{"hidden_act", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_ACTIVATION, RJ_FIELD(activation)},
    {{"sliding_window", "attention.sliding_window"}, {0, 0}, RJ_KEY_OPTIONAL, RJ_FIELD(window)},
    {{"partial_rotary_factor", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_NUMBER, RJ_FIELD(rotary_share)},
    {{NULL, "rope.scaling.attn_factor"}, {0, 0}, RJ_KEY_NUMBER, RJ_FIELD(rope_attention)},
    RJ_KEYS_END,
};

const rj_family rj_family_phi3 = {
    .name = "phi3",
    .model_type = "phi3",
    .architecture = "phi3",
    .base = {.n_layer = 32,
             .d = 3072,
             .n_head = 32,
             .d_ff = 8192,
             .max_context = 4096,
             .norm = RJ_NORM_RMS,
             .norm_eps = 1e-5,
             .activation = RJ_ACT_SILU,
             .gated = true,
             .scaled = true,
             .use_window = true,
             .position = RJ_POSITION_ROTARY,
             .rotary_share = 1,
             .initializer_range = 0.02},
    .keys = {rj_keys_llama, keys},
    .stem = {RJ_STEMS_TRUNK,
             RJ_STEMS_NORMS, [RJ_QUERY_KEY_VALUE] = {"model.layers.#.self_attn.qkv_proj", "blk.#.attn_qkv"},
             [RJ_ATTENTION_OUT] = {"model.layers.#.self_attn.o_proj", "blk.#.attn_output"},
             [RJ_GATE_UP] = {"model.layers.#.mlp.gate_up_proj", "blk.#.ffn_up"},
             [RJ_DOWN] = {"model.layers.#.mlp.down_proj", "blk.#.ffn_down"}},
    .prefixes = rj_prefixes_llama,
    .ignored = rj_ignored_llama,
    .yarn_is_longrope = true,
};
