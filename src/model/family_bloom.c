/* family_bloom.c: BLOOM: a norm behind the embedding, ALiBi, queries, keys and values of a head beside each other. */
#include "resjac/model/family_rows.h"

static const rj_key keys[] = {
    {{"n_layer", "block_count"}, {RJ_KEEP, NAN}, RJ_KEY_INTEGER, RJ_FIELD(n_layer)},
    {{"num_hidden_layers", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_INTEGER, RJ_FIELD(n_layer)},
    {{"hidden_size", "embedding_length"}, {RJ_KEEP, NAN}, RJ_KEY_INTEGER, RJ_FIELD(d)},
    {{"n_embed", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_INTEGER, RJ_FIELD(d)},
    {{"n_head", "attention.head_count"}, {RJ_KEEP, NAN}, RJ_KEY_INTEGER, RJ_FIELD(n_head)},
    {{"num_attention_heads", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_INTEGER, RJ_FIELD(n_head)},
    {{NULL, "feed_forward_length"}, {RJ_KEEP, NAN}, RJ_KEY_INTEGER, RJ_FIELD(d_ff)},
    {{"seq_length", "context_length"}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_INTEGER, RJ_FIELD(max_context)},
    {{"layer_norm_epsilon", "attention.layer_norm_epsilon"},
     {RJ_KEEP, NAN},
     RJ_KEY_NUMBER,
     RJ_FIELD(norm_eps)},
    {{"tie_word_embeddings", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_BOOL, RJ_FIELD(tied_head)},
    {{"initializer_range", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_NUMBER, RJ_FIELD(initializer_range)},
    RJ_KEYS_END,
};

static const rj_neutral fixed[] = {
    {{"apply_residual_connection_post_layernorm", NULL}, 0, NULL},
    RJ_NEUTRAL_END,
};

static const rj_prefix prefixes[] = {{"transformer.", ""}, {"", ""}, {NULL, NULL}};
static const char *const ignored[] = {NULL};

const rj_family rj_family_bloom = {
    .name = "bloom",
    .model_type = "bloom",
    .architecture = "bloom",
    .base = {.n_layer = 2,
             .d = 64,
             .n_head = 8,
             .max_context = 2048,
             .norm = RJ_NORM_LAYER,
             .norm_parts = RJ_NORM_GAIN_BIAS,
             .norm_eps = 1e-5,
             .activation = RJ_ACT_GELU_BLOOM,
             .bias_qkv = true,
             .bias_out = true,
             .bias_mlp = true,
             .scaled = true,
             .alibi_max = 8,
             .position = RJ_POSITION_ALIBI,
             .tied_head = true,
             .initializer_range = 0.02},
    .keys = {keys},
    .fixed = fixed,
    .stem =
        {
            [RJ_EMBEDDING] = {"transformer.word_embeddings", "token_embd"},
            [RJ_EMBEDDING_NORM] = {"transformer.word_embeddings_layernorm", "token_embd_norm"},
            [RJ_FINAL_NORM] = {"transformer.ln_f", "output_norm"},
            [RJ_HEAD] = {"lm_head", "output"},
            [RJ_ATTENTION_NORM] = {"transformer.h.#.input_layernorm", "blk.#.attn_norm"},
            [RJ_QUERY_KEY_VALUE] = {"transformer.h.#.self_attention.query_key_value", "blk.#.attn_qkv"},
            [RJ_ATTENTION_OUT] = {"transformer.h.#.self_attention.dense", "blk.#.attn_output"},
            [RJ_MLP_NORM] = {"transformer.h.#.post_attention_layernorm", "blk.#.ffn_norm"},
            [RJ_UP] = {"transformer.h.#.mlp.dense_h_to_4h", "blk.#.ffn_up"},
            [RJ_DOWN] = {"transformer.h.#.mlp.dense_4h_to_h", "blk.#.ffn_down"},
        },
    .prefixes = prefixes,
    .ignored = ignored,
    .fused = {[RJ_FORMAT_SAFETENSORS] = RJ_FUSED_BY_HEAD},
};
