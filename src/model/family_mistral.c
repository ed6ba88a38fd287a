/* family_mistral.c: Mistral: a Llama whose layers all see a window, unless it is null. Its GGUF files are Llama's and know no
 * window. */
#include "resjac/model/family_rows.h"

static const rj_key keys[] = {
    {{"rms_norm_eps", "attention.layer_norm_rms_epsilon"}, {RJ_KEEP, NAN}, RJ_KEY_NUMBER, RJ_FIELD(norm_eps)},
    {{"hidden_act", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_ACTIVATION, RJ_FIELD(activation)},
    {{"sliding_window", NULL}, {4096, 0}, RJ_KEY_OPTIONAL, RJ_FIELD(window)},
    RJ_KEYS_END,
};

const rj_family rj_family_mistral = {
    .name = "mistral",
    .model_type = "mistral",
    .base = {.n_layer = 32,
             .d = 4096,
             .n_head = 32,
             .n_kv_head = 8,
             .d_ff = 14336,
             .max_context = 131072,
             .norm = RJ_NORM_RMS,
             .norm_eps = 1e-6,
             .activation = RJ_ACT_SILU,
             .gated = true,
             .scaled = true,
             .use_window = true,
             .position = RJ_POSITION_ROTARY,
             .initializer_range = 0.02},
    .keys = {rj_keys_llama, keys},
    .stem = {RJ_STEMS_TRUNK, RJ_STEMS_NORMS, RJ_STEMS_ATTENTION, RJ_STEMS_GATED},
    .prefixes = rj_prefixes_llama,
    .ignored = rj_ignored_llama,
};
