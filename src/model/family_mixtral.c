/* family_mixtral.c: Mixtral: a Mistral whose MLP is a choice of experts, weighted by a softmax over the chosen. Its GGUF files say
 * llama and know no window. */
#include "resjac/model/family_rows.h"

static const rj_key keys[] = {
    {{"rms_norm_eps", "attention.layer_norm_rms_epsilon"}, {RJ_KEEP, NAN}, RJ_KEY_NUMBER, RJ_FIELD(norm_eps)},
    {{"hidden_act", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_ACTIVATION, RJ_FIELD(activation)},
    {{"sliding_window", NULL}, {0, 0}, RJ_KEY_OPTIONAL, RJ_FIELD(window)},
    {{"num_local_experts", "expert_count"}, {RJ_KEEP, NAN}, RJ_KEY_INTEGER, RJ_FIELD(n_expert)},
    {{"num_experts_per_tok", "expert_used_count"}, {RJ_KEEP, NAN}, RJ_KEY_INTEGER, RJ_FIELD(n_expert_used)},
    RJ_KEYS_END,
};

/* Other ways to weigh experts, and experts that all tokens see. */
static const rj_neutral fixed[] = {
    {{NULL, "expert_shared_count"}, 0, NULL},       {{NULL, "expert_group_count"}, 0, NULL},
    {{NULL, "expert_weights_scale"}, 1, NULL},      {{NULL, "expert_weights_norm"}, 1, NULL},
    {{NULL, "expert_gating_func"}, 1, NULL},        {{NULL, "moe_every_n_layers"}, 0, NULL},
    {{NULL, "leading_dense_block_count"}, 0, NULL}, RJ_NEUTRAL_END,
};

static const char *const passed[] = {"router_aux_loss_coef", "router_jitter_noise", NULL}; /* of training */

const rj_family rj_family_mixtral = {
    .name = "mixtral",
    .model_type = "mixtral",
    .architecture = "llama",
    .sparse = true,
    .base = {.n_layer = 32,
             .d = 4096,
             .n_head = 32,
             .n_kv_head = 8,
             .d_ff = 14336,
             .n_expert = 8,
             .n_expert_used = 2,
             .max_context = 131072,
             .norm = RJ_NORM_RMS,
             .norm_eps = 1e-5,
             .activation = RJ_ACT_SILU,
             .gated = true,
             .scaled = true,
             .use_window = true,
             .position = RJ_POSITION_ROTARY,
             .initializer_range = 0.02},
    .keys = {rj_keys_llama, keys},
    .fixed = fixed,
    .passed = passed,
    .stem = {RJ_STEMS_TRUNK, RJ_STEMS_NORMS,
             RJ_STEMS_ATTENTION, [RJ_ROUTER] = {"model.layers.#.block_sparse_moe.gate", "blk.#.ffn_gate_inp"},
             [RJ_EXPERT_GATE] = {"model.layers.#.block_sparse_moe.experts.@.w1", "blk.#.ffn_gate_exps"},
             [RJ_EXPERT_UP] = {"model.layers.#.block_sparse_moe.experts.@.w3", "blk.#.ffn_up_exps"},
             [RJ_EXPERT_DOWN] = {"model.layers.#.block_sparse_moe.experts.@.w2", "blk.#.ffn_down_exps"}},
    .prefixes = rj_prefixes_llama,
    .ignored = rj_ignored_llama,
    .interleaved = {[RJ_FORMAT_GGUF] = true},
    .rope_theta = {1e6, 0},
};
