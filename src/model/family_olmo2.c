/* family_olmo2.c: OLMo 2: norms behind the sublayers alone, and of all queries and all keys together. */
#include "resjac/model/family_rows.h"

static const rj_key keys[] = {
    {{"rms_norm_eps", "attention.layer_norm_rms_epsilon"}, {RJ_KEEP, NAN}, RJ_KEY_NUMBER, RJ_FIELD(norm_eps)},
    {{"hidden_act", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_ACTIVATION, RJ_FIELD(activation)},
    {{"attention_bias", NULL}, {0, 0}, RJ_KEY_BOOL, RJ_FIELD(bias_qkv)},
    {{"attention_bias", NULL}, {0, 0}, RJ_KEY_BOOL, RJ_FIELD(bias_out)},
    RJ_KEYS_END,
};

const rj_family rj_family_olmo2 = {
    .name = "olmo2",
    .model_type = "olmo2",
    .architecture = "olmo2",
    .base = {.n_layer = 32,
             .d = 4096,
             .n_head = 32,
             .d_ff = 11008,
             .max_context = 2048,
             .norm = RJ_NORM_RMS,
             .norm_eps = 1e-5,
             .activation = RJ_ACT_SILU,
             .gated = true,
             .scaled = true,
             .whole_norms = true,
             .position = RJ_POSITION_ROTARY,
             .initializer_range = 0.02},
    .keys = {rj_keys_llama, keys},
    .stem = {RJ_STEMS_TRUNK, RJ_STEMS_ATTENTION, RJ_STEMS_HEAD_NORMS, RJ_STEMS_GATED,
             [RJ_ATTENTION_POST_NORM] = {"model.layers.#.post_attention_layernorm",
                                         "blk.#.post_attention_norm"},
             [RJ_MLP_POST_NORM] = {"model.layers.#.post_feedforward_layernorm", "blk.#.post_ffw_norm"}},
    .prefixes = rj_prefixes_llama,
    .ignored = rj_ignored_llama,
};
