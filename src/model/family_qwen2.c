/* family_qwen2.c: Qwen2 and Qwen2.5: a Llama with biases of query, key and value, and a window in the upper layers on
 * request. llama.cpp knows no window here. */
#include "resjac/model/family_rows.h"

static const rj_key keys[] = {
    {{"rms_norm_eps", "attention.layer_norm_rms_epsilon"}, {RJ_KEEP, NAN}, RJ_KEY_NUMBER, RJ_FIELD(norm_eps)},
    {{"hidden_act", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_ACTIVATION, RJ_FIELD(activation)},
    {{"use_sliding_window", NULL}, {0, 0}, RJ_KEY_BOOL, RJ_FIELD(use_window)},
    {{"sliding_window", NULL}, {4096, 0}, RJ_KEY_COUNT, RJ_FIELD(window)},
    {{"max_window_layers", NULL}, {28, 0}, RJ_KEY_COUNT, RJ_FIELD(window_from)},
    {{"layer_types", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_LAYERS, 0},
    RJ_KEYS_END,
};

const rj_family rj_family_qwen2 = {
    .name = "qwen2",
    .model_type = "qwen2",
    .architecture = "qwen2",
    .base = {.n_layer = 32,
             .d = 4096,
             .n_head = 32,
             .n_kv_head = 32,
             .d_ff = 22016,
             .max_context = 32768,
             .norm = RJ_NORM_RMS,
             .norm_eps = 1e-6,
             .activation = RJ_ACT_SILU,
             .gated = true,
             .bias_qkv = true,
             .scaled = true,
             .position = RJ_POSITION_ROTARY,
             .initializer_range = 0.02},
    .keys = {rj_keys_llama, keys},
    .stem = {RJ_STEMS_TRUNK, RJ_STEMS_NORMS, RJ_STEMS_ATTENTION, RJ_STEMS_GATED},
    .prefixes = rj_prefixes_llama,
    .ignored = rj_ignored_llama,
};
