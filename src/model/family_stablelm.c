/* family_stablelm.c: StableLM 2: a Llama with LayerNorm and rotary positions of a part of each head; on request attention and
 * MLP side by side behind one norm, and norms of queries and keys, each head its own (the 12B). */
#include "resjac/model/family_rows.h"

static const rj_key keys[] = {
    {{"layer_norm_eps", "attention.layer_norm_epsilon"}, {RJ_KEEP, NAN}, RJ_KEY_NUMBER, RJ_FIELD(norm_eps)},
    {{"hidden_act", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_ACTIVATION, RJ_FIELD(activation)},
    {{"use_qkv_bias", NULL}, {0, 0}, RJ_KEY_BOOL, RJ_FIELD(bias_qkv)},
    {{"use_parallel_residual", "use_parallel_residual"}, {0, 0}, RJ_KEY_BOOL, RJ_FIELD(parallel)},
    {{"qk_layernorm", NULL}, {0, 0}, RJ_KEY_BOOL, RJ_FIELD(own_norms)},
    {{"partial_rotary_factor", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_NUMBER, RJ_FIELD(rotary_share)},
    RJ_KEYS_END,
};

const rj_family rj_family_stablelm = {
    .name = "stablelm",
    .model_type = "stablelm",
    .architecture = "stablelm",
    .base = {.n_layer = 32,
             .d = 2560,
             .n_head = 32,
             .n_kv_head = 32,
             .d_ff = 6912,
             .max_context = 4096,
             .norm = RJ_NORM_LAYER,
             .norm_parts = RJ_NORM_GAIN_BIAS,
             .norm_eps = 1e-5,
             .activation = RJ_ACT_SILU,
             .gated = true,
             .scaled = true,
             .position = RJ_POSITION_ROTARY,
             .rotary_share = 0.25,
             .initializer_range = 0.02},
    .keys = {rj_keys_llama, keys},
    .stem = {RJ_STEMS_TRUNK, RJ_STEMS_NORMS, RJ_STEMS_ATTENTION,
             RJ_STEMS_GATED, [RJ_SHARED_NORM] = {"model.layers.#.input_layernorm", "blk.#.attn_norm"},
             [RJ_QUERY_NORM] = {"model.layers.#.self_attn.q_layernorm.norms.@", "blk.#.attn_q_norm"},
             [RJ_KEY_NORM] = {"model.layers.#.self_attn.k_layernorm.norms.@", "blk.#.attn_k_norm"}},
    .prefixes = rj_prefixes_llama,
    .ignored = rj_ignored_llama,
};
