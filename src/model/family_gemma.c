/* family_gemma.c: Gemma 1, 1.1 and CodeGemma. */
#include "resjac/model/family_rows.h"

static const rj_key keys[] = {
    {{"rms_norm_eps", "attention.layer_norm_rms_epsilon"}, {RJ_KEEP, NAN}, RJ_KEY_NUMBER, RJ_FIELD(norm_eps)},
    {{"hidden_act", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_ACTIVATION, RJ_FIELD(activation)},
    {{"hidden_activation", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_ACTIVATION, RJ_FIELD(activation)},
    {{"attention_bias", NULL}, {0, 0}, RJ_KEY_BOOL, RJ_FIELD(bias_qkv)},
    {{"attention_bias", NULL}, {0, 0}, RJ_KEY_BOOL, RJ_FIELD(bias_out)},
    RJ_KEYS_END,
};

const rj_family rj_family_gemma = {
    .name = "gemma",
    .model_type = "gemma",
    .architecture = "gemma",
    .base = {.n_layer = 28,
             .d = 3072,
             .n_head = 16,
             .n_kv_head = 16,
             .d_head = 256,
             .d_ff = 24576,
             .max_context = 8192,
             .norm = RJ_NORM_RMS,
             .norm_eps = 1e-6,
             .activation = RJ_ACT_GELU_TANH,
             .gated = true,
             .scaled = true,
             .position = RJ_POSITION_ROTARY,
             .tied_head = true,
             .initializer_range = 0.02},
    .keys = {rj_keys_llama, keys},
    .stem = {RJ_STEMS_TRUNK, RJ_STEMS_NORMS, RJ_STEMS_ATTENTION, RJ_STEMS_GATED},
    .prefixes = rj_prefixes_llama,
    .ignored = rj_ignored_llama,
    .norm_offset = {[RJ_FORMAT_SAFETENSORS] = 1.0, [RJ_FORMAT_GGUF] = 0.0},
    .embedding_by_sqrt_d = true,
    .gelu_is_tanh = true,
};
