/* family_mpt.c: MPT: ALiBi, LayerNorm without bias, clip of queries, keys and values. */
#include "resjac/model/family_rows.h"

static const rj_key keys[] = {
    {{"n_layers", "block_count"}, {RJ_KEEP, NAN}, RJ_KEY_INTEGER, RJ_FIELD(n_layer)},
    {{"num_hidden_layers", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_INTEGER, RJ_FIELD(n_layer)},
    {{"d_model", "embedding_length"}, {RJ_KEEP, NAN}, RJ_KEY_INTEGER, RJ_FIELD(d)},
    {{"hidden_size", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_INTEGER, RJ_FIELD(d)},
    {{"n_heads", "attention.head_count"}, {RJ_KEEP, NAN}, RJ_KEY_INTEGER, RJ_FIELD(n_head)},
    {{"num_attention_heads", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_INTEGER, RJ_FIELD(n_head)},
    {{NULL, "feed_forward_length"}, {RJ_KEEP, NAN}, RJ_KEY_INTEGER, RJ_FIELD(d_ff)},
    {{"max_seq_len", "context_length"}, {RJ_KEEP, NAN}, RJ_KEY_INTEGER, RJ_FIELD(max_context)},
    {{"layer_norm_epsilon", "attention.layer_norm_epsilon"},
     {RJ_KEEP, NAN},
     RJ_KEY_NUMBER,
     RJ_FIELD(norm_eps)},
    {{"attn_config.clip_qkv", "attention.clamp_kqv"}, {0, 0}, RJ_KEY_CAP, RJ_FIELD(clip)},
    {{"attn_config.alibi_bias_max", "attention.max_alibi_bias"},
     {8, NAN},
     RJ_KEY_NUMBER,
     RJ_FIELD(alibi_max)},
    {{"tie_word_embeddings", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_BOOL, RJ_FIELD(tied_head)},
    {{"initializer_range", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_NUMBER, RJ_FIELD(initializer_range)},
    RJ_KEYS_END,
};

static const rj_neutral fixed[] = {
    {{"attn_config.alibi", NULL}, 1, NULL},
    {{"attn_config.attn_type", NULL}, NAN, "multihead_attention"},
    {{"attn_config.kv_n_heads", NULL}, NAN, NULL},
    {{"attn_config.prefix_lm", NULL}, 0, NULL},
    {{"attn_config.qk_ln", NULL}, 0, NULL},
    {{"attn_config.qk_gn", NULL}, 0, NULL},
    {{"attn_config.rope", NULL}, 0, NULL},
    {{"attn_config.sliding_window_size", NULL}, -1, NULL},
    {{"attn_config.softmax_scale", NULL}, NAN, NULL},
    {{"no_bias", NULL}, 1, NULL},
    {{"expansion_ratio", NULL}, 4, NULL},
    {{"logit_scale", NULL}, NAN, NULL},
    {{"ffn_config.ffn_type", NULL}, NAN, "mptmlp"},
    {{"norm_type", NULL}, NAN, "low_precision_layernorm"},
    RJ_NEUTRAL_END,
};

static const char *const passed[] = {"fc_type", "ffn_config.fc_type",
                                     NULL}; /* of which library a linear layer is */
static const rj_prefix prefixes[] = {{"transformer.", ""}, {"", ""}, {NULL, NULL}};
static const char *const ignored[] = {NULL};

const rj_family rj_family_mpt = {
    .name = "mpt",
    .model_type = "mpt",
    .architecture = "mpt",
    .base = {.n_layer = 24,
             .d = 2048,
             .n_head = 16,
             .max_context = 2048,
             .norm = RJ_NORM_LAYER,
             .norm_eps = 1e-5,
             .activation = RJ_ACT_GELU,
             .scaled = true,
             .position = RJ_POSITION_ALIBI,
             .tied_head = true,
             .initializer_range = 0.02},
    .keys = {keys},
    .fixed = fixed,
    .passed = passed,
    .stem =
        {
            [RJ_EMBEDDING] = {"transformer.wte", "token_embd"},
            [RJ_FINAL_NORM] = {"transformer.norm_f", "output_norm"},
            [RJ_HEAD] = {"lm_head", "output"},
            [RJ_ATTENTION_NORM] = {"transformer.blocks.#.norm_1", "blk.#.attn_norm"},
            [RJ_QUERY_KEY_VALUE] = {"transformer.blocks.#.attn.Wqkv", "blk.#.attn_qkv"},
            [RJ_ATTENTION_OUT] = {"transformer.blocks.#.attn.out_proj", "blk.#.attn_output"},
            [RJ_MLP_NORM] = {"transformer.blocks.#.norm_2", "blk.#.ffn_norm"},
            [RJ_UP] = {"transformer.blocks.#.ffn.up_proj", "blk.#.ffn_up"},
            [RJ_DOWN] = {"transformer.blocks.#.ffn.down_proj", "blk.#.ffn_down"},
        },
    .prefixes = prefixes,
    .ignored = ignored,
};
