/* family_olmo.c: OLMo 1 and 1.7 as transformers has it: norms without parameters, clip of queries, keys and values. */
#include "resjac/model/family_rows.h"

static const rj_key keys[] = {
    {{"hidden_act", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_ACTIVATION, RJ_FIELD(activation)},
    {{"attention_bias", NULL}, {0, 0}, RJ_KEY_BOOL, RJ_FIELD(bias_qkv)},
    {{"attention_bias", NULL}, {0, 0}, RJ_KEY_BOOL, RJ_FIELD(bias_out)},
    {{NULL, "attention.layer_norm_epsilon"}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_NUMBER, RJ_FIELD(norm_eps)},
    {{"clip_qkv", "attention.clamp_kqv"}, {0, 0}, RJ_KEY_CAP, RJ_FIELD(clip)},
    RJ_KEYS_END,
};

const rj_family rj_family_olmo = {
    .name = "olmo",
    .model_type = "olmo",
    .architecture = "olmo",
    .base = {.n_layer = 32,
             .d = 4096,
             .n_head = 32,
             .d_ff = 11008,
             .max_context = 2048,
             .norm = RJ_NORM_LAYER,
             .norm_parts = RJ_NORM_BARE,
             .norm_eps = 1e-5,
             .activation = RJ_ACT_SILU,
             .gated = true,
             .scaled = true,
             .position = RJ_POSITION_ROTARY,
             .initializer_range = 0.02},
    .keys = {rj_keys_llama, keys},
    .stem = {RJ_STEMS_TRUNK, RJ_STEMS_NORMS, RJ_STEMS_ATTENTION, RJ_STEMS_GATED},
    .prefixes = rj_prefixes_llama,
    .ignored = rj_ignored_llama,
    .interleaved = {[RJ_FORMAT_GGUF] = true},
};
