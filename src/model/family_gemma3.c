/* family_gemma3.c: Gemma 3, its text part: a norm before and behind each sublayer, norms of queries and keys, five layers
 * with a window and rotary positions of their own to one without. The defaults bear weight: the text_config of a multimodal
 * file has the exceptions only. */
#include "resjac/model/family_rows.h"

static const rj_key keys[] = {
    {{"rms_norm_eps", "attention.layer_norm_rms_epsilon"}, {RJ_KEEP, NAN}, RJ_KEY_NUMBER, RJ_FIELD(norm_eps)},
    {{"hidden_activation", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_ACTIVATION, RJ_FIELD(activation)},
    {{"attention_bias", NULL}, {0, 0}, RJ_KEY_BOOL, RJ_FIELD(bias_qkv)},
    {{"attention_bias", NULL}, {0, 0}, RJ_KEY_BOOL, RJ_FIELD(bias_out)},
    {{"query_pre_attn_scalar", NULL}, {256, 0}, RJ_KEY_NUMBER, RJ_FIELD(query_scalar)},
    {{"sliding_window", "attention.sliding_window"}, {4096, NAN}, RJ_KEY_INTEGER, RJ_FIELD(window)},
    {{"_sliding_window_pattern", NULL}, {6, 6}, RJ_KEY_INTEGER, RJ_FIELD(window_period)},
    {{"sliding_window_pattern", "attention.sliding_window_pattern"},
     {RJ_KEEP, RJ_KEEP},
     RJ_KEY_INTEGER,
     RJ_FIELD(window_period)},
    {{"layer_types", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_LAYERS, 0},
    RJ_KEYS_END,
};

static const rj_prefix prefixes[] = {{"model.", ""},
                                     {"", ""},
                                     {"language_model.model.", "language_model."},
                                     {"model.language_model.", ""},
                                     {NULL, NULL}};
static const char *const ignored[] = {"vision_tower.*", "multi_modal_projector.*", "model.vision_tower.*",
                                      "model.multi_modal_projector.*", NULL};
static const char *const passed[] = {"hidden_act", NULL}; /* hidden_activation counts */

const rj_family rj_family_gemma3 = {
    .name = "gemma3",
    .model_type = "gemma3_text",
    .wrapper = "gemma3",
    .architecture = "gemma3",
    .base = {.n_layer = 26,
             .d = 2304,
             .n_head = 8,
             .n_kv_head = 4,
             .d_head = 256,
             .d_ff = 9216,
             .max_context = 131072,
             .norm = RJ_NORM_RMS,
             .norm_eps = 1e-6,
             .activation = RJ_ACT_GELU_TANH,
             .gated = true,
             .scaled = true,
             .use_window = true,
             .has_local_rope = true,
             .position = RJ_POSITION_ROTARY,
             .tied_head = true,
             .initializer_range = 0.02},
    .keys = {rj_keys_llama, keys},
    .passed = passed,
    .stem = {RJ_STEMS_TRUNK, RJ_STEMS_SANDWICH, RJ_STEMS_ATTENTION, RJ_STEMS_HEAD_NORMS, RJ_STEMS_GATED},
    .prefixes = prefixes,
    .ignored = ignored,
    .norm_offset = {[RJ_FORMAT_SAFETENSORS] = 1.0, [RJ_FORMAT_GGUF] = 0.0},
    .embedding_by_sqrt_d = true,
    .rope_theta = {[RJ_FORMAT_SAFETENSORS] = 1e6, [RJ_FORMAT_GGUF] = 1e4},
    .local_theta =
        {[RJ_FORMAT_SAFETENSORS] = "rope_local_base_freq", [RJ_FORMAT_GGUF] = "rope.freq_base_swa"},
    .gguf_n_layer_by_width = 62, /* the 27B */
};
