/* family_gemma2.c: Gemma 2: a norm before and behind each sublayer, soft-caps on the logits of attention and head, every
 * second layer with a window. */
#include "resjac/model/family_rows.h"

static const rj_key keys[] = {
    {{"rms_norm_eps", "attention.layer_norm_rms_epsilon"}, {RJ_KEEP, NAN}, RJ_KEY_NUMBER, RJ_FIELD(norm_eps)},
    {{"hidden_activation", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_ACTIVATION, RJ_FIELD(activation)},
    {{"attention_bias", NULL}, {0, 0}, RJ_KEY_BOOL, RJ_FIELD(bias_qkv)},
    {{"attention_bias", NULL}, {0, 0}, RJ_KEY_BOOL, RJ_FIELD(bias_out)},
    {{"query_pre_attn_scalar", NULL}, {256, 0}, RJ_KEY_NUMBER, RJ_FIELD(query_scalar)},
    {{"attn_logit_softcapping", "attn_logit_softcapping"}, {50, NAN}, RJ_KEY_CAP, RJ_FIELD(softcap)},
    {{"final_logit_softcapping", "final_logit_softcapping"}, {30, NAN}, RJ_KEY_CAP, RJ_FIELD(final_softcap)},
    {{"sliding_window", "attention.sliding_window"}, {4096, NAN}, RJ_KEY_OPTIONAL, RJ_FIELD(window)},
    {{"layer_types", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_LAYERS, 0},
    RJ_KEYS_END,
};

static const char *const passed[] = {"hidden_act", NULL}; /* hidden_activation counts */

const rj_family rj_family_gemma2 = {
    .name = "gemma2",
    .model_type = "gemma2",
    .architecture = "gemma2",
    .base = {.n_layer = 26,
             .d = 2304,
             .n_head = 8,
             .n_kv_head = 4,
             .d_head = 256,
             .d_ff = 9216,
             .max_context = 8192,
             .norm = RJ_NORM_RMS,
             .norm_eps = 1e-6,
             .activation = RJ_ACT_GELU_TANH,
             .gated = true,
             .scaled = true,
             .use_window = true,
             .window_period = 2,
             .position = RJ_POSITION_ROTARY,
             .tied_head = true,
             .initializer_range = 0.02},
    .keys = {rj_keys_llama, keys},
    .passed = passed,
    .stem = {RJ_STEMS_TRUNK, RJ_STEMS_SANDWICH, RJ_STEMS_ATTENTION, RJ_STEMS_GATED},
    .prefixes = rj_prefixes_llama,
    .ignored = rj_ignored_llama,
    .norm_offset = {[RJ_FORMAT_SAFETENSORS] = 1.0, [RJ_FORMAT_GGUF] = 0.0},
    .embedding_by_sqrt_d = true,
    .gguf_n_layer_by_width = 46, /* the 27B */
};
