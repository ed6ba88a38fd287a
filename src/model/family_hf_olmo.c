/* family_hf_olmo.c: OLMo 1 and 1.7 as its authors saved it: other keys, queries, keys and values one tensor, up and gate
 * another. */
#include "resjac/model/family_rows.h"

static const rj_key keys[] = {
    {{"n_layers", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_INTEGER, RJ_FIELD(n_layer)},
    {{"d_model", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_INTEGER, RJ_FIELD(d)},
    {{"n_heads", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_INTEGER, RJ_FIELD(n_head)},
    {{"layer_norm_eps", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_NUMBER, RJ_FIELD(norm_eps)},
    {{"n_kv_heads", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_OPTIONAL, RJ_FIELD(n_kv_head)},
    {{"mlp_hidden_size", NULL}, {NAN, NAN}, RJ_KEY_INTEGER, RJ_FIELD(d_gate_up)},
    {{"max_sequence_length", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_INTEGER, RJ_FIELD(max_context)},
    {{"clip_qkv", NULL}, {0, 0}, RJ_KEY_CAP, RJ_FIELD(clip)},
    {{"weight_tying", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_BOOL, RJ_FIELD(tied_head)},
    {{"init_std", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_NUMBER, RJ_FIELD(initializer_range)},
    RJ_KEYS_END,
};

/* Mathematics of the published models alone; where the default differs from theirs, the key must say so (needed). */
static const rj_neutral fixed[] = {
    {{"activation_type", NULL}, NAN, "swiglu"},
    {{"alibi", NULL}, 0, NULL},
    {{"rope", NULL}, 1, NULL},
    {{"attention_layer_norm", NULL}, 0, NULL},
    {{"bias_for_layer_norm", NULL}, 0, NULL},
    {{"block_type", NULL}, NAN, "sequential"},
    {{"include_bias", NULL}, 0, NULL},
    {{"layer_norm_type", NULL}, NAN, "default"},
    {{"layer_norm_with_affine", NULL}, 0, NULL},
    {{"multi_query_attention", NULL}, 0, NULL},
    {{"norm_after", NULL}, 0, NULL},
    {{"scale_logits", NULL}, 0, NULL},
    RJ_NEUTRAL_END,
};

static const char *const needed[] = {"rope", "include_bias", "layer_norm_with_affine", NULL};
static const char *const passed[] = {"alibi_bias_max",
                                     "attention_layer_norm_with_affine",
                                     "block_group_size",
                                     "embedding_size",
                                     "mlp_ratio",
                                     "precision",
                                     "rope_full_precision",
                                     "scale_emb_init",
                                     NULL};
static const rj_prefix prefixes[] = {{"model.transformer.", ""}, {"transformer.", ""}, {NULL, NULL}};
static const char *const ignored[] = {"*.rotary_emb.inv_freq", NULL};

const rj_family rj_family_hf_olmo = {
    .name = "hf_olmo",
    .model_type = "hf_olmo",
    .base = {.n_layer = 12,
             .d = 768,
             .n_head = 12,
             .max_context = 1024,
             .norm = RJ_NORM_LAYER,
             .norm_parts = RJ_NORM_BARE,
             .norm_eps = 1e-5,
             .activation = RJ_ACT_SILU,
             .gated = true,
             .scaled = true,
             .position = RJ_POSITION_ROTARY,
             .tied_head = true,
             .initializer_range = 0.02},
    .keys = {keys},
    .fixed = fixed,
    .needed = needed,
    .passed = passed,
    .vocabulary_key = "embedding_size",
    .stem =
        {
            [RJ_EMBEDDING] = {"model.transformer.wte", NULL},
            [RJ_FINAL_NORM] = {"model.transformer.ln_f", NULL},
            [RJ_HEAD] = {"model.transformer.ff_out", NULL},
            [RJ_ATTENTION_NORM] = {"model.transformer.blocks.#.attn_norm", NULL},
            [RJ_QUERY_KEY_VALUE] = {"model.transformer.blocks.#.att_proj", NULL},
            [RJ_ATTENTION_OUT] = {"model.transformer.blocks.#.attn_out", NULL},
            [RJ_MLP_NORM] = {"model.transformer.blocks.#.ff_norm", NULL},
            [RJ_GATE_UP] = {"model.transformer.blocks.#.ff_proj", NULL},
            [RJ_DOWN] = {"model.transformer.blocks.#.ff_out", NULL},
        },
    .prefixes = prefixes,
    .ignored = ignored,
    .up_first = true,
};
