/* family_falcon.c: Falcon 7B, 40B and 2-11B: attention and MLP side by side behind one LayerNorm or two, one key-value head or a
 * few, queries of a key-value head beside it. */
#include "resjac/model/family_rows.h"

static const rj_key keys[] = {
    {{"layer_norm_epsilon", "attention.layer_norm_epsilon"},
     {RJ_KEEP, NAN},
     RJ_KEY_NUMBER,
     RJ_FIELD(norm_eps)},
    {{"activation", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_ACTIVATION, RJ_FIELD(activation)},
    {{"n_embed", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_INTEGER, RJ_FIELD(d)},
    {{"ffn_hidden_size", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_OPTIONAL, RJ_FIELD(d_ff)},
    {{"num_kv_heads", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_OPTIONAL, RJ_FIELD(n_kv_head)},
    {{"multi_query", NULL}, {1, 0}, RJ_KEY_BOOL, RJ_FIELD(multi_query)},
    {{"new_decoder_architecture", NULL}, {0, 0}, RJ_KEY_BOOL, RJ_FIELD(grouped)},
    {{"num_ln_in_parallel_attn", NULL}, {0, 1}, RJ_KEY_COUNT, RJ_FIELD(n_norm)},
    {{"bias", NULL}, {0, 0}, RJ_KEY_BOOL, RJ_FIELD(bias_qkv)},
    {{"bias", NULL}, {0, 0}, RJ_KEY_BOOL, RJ_FIELD(bias_out)},
    {{"bias", NULL}, {0, 0}, RJ_KEY_BOOL, RJ_FIELD(bias_mlp)},
    RJ_KEYS_END,
};

/* The models of 2023 with ALiBi (falcon-rw) round its slopes to 16 bits and have sequential blocks. */
static const rj_neutral fixed[] = {
    {{"alibi", NULL}, 0, NULL},
    {{"parallel_attn", NULL}, 1, NULL},
    RJ_NEUTRAL_END,
};

static const rj_prefix prefixes[] = {{"transformer.", ""}, {"", ""}, {NULL, NULL}};

const rj_family rj_family_falcon = {
    .name = "falcon",
    .model_type = "falcon",
    .architecture = "falcon",
    .base = {.n_layer = 32,
             .d = 4544,
             .n_head = 71,
             .max_context = 2048,
             .norm = RJ_NORM_LAYER,
             .norm_parts = RJ_NORM_GAIN_BIAS,
             .norm_eps = 1e-5,
             .parallel = true,
             .activation = RJ_ACT_GELU,
             .scaled = true,
             .position = RJ_POSITION_ROTARY,
             .tied_head = true,
             .initializer_range = 0.02},
    .keys = {rj_keys_llama, keys},
    .fixed = fixed,
    .stem =
        {
            [RJ_EMBEDDING] = {"transformer.word_embeddings", "token_embd"},
            [RJ_FINAL_NORM] = {"transformer.ln_f", "output_norm"},
            [RJ_HEAD] = {"lm_head", "output"},
            [RJ_ATTENTION_NORM] = {"transformer.h.#.ln_attn", "blk.#.attn_norm_2"},
            [RJ_SHARED_NORM] = {"transformer.h.#.input_layernorm", "blk.#.attn_norm"},
            [RJ_QUERY_KEY_VALUE] = {"transformer.h.#.self_attention.query_key_value", "blk.#.attn_qkv"},
            [RJ_ATTENTION_OUT] = {"transformer.h.#.self_attention.dense", "blk.#.attn_output"},
            [RJ_MLP_NORM] = {"transformer.h.#.ln_mlp", "blk.#.attn_norm"},
            [RJ_UP] = {"transformer.h.#.mlp.dense_h_to_4h", "blk.#.ffn_up"},
            [RJ_DOWN] = {"transformer.h.#.mlp.dense_4h_to_h", "blk.#.ffn_down"},
        },
    .prefixes = prefixes,
    .ignored = rj_ignored_llama,
    .fused = {[RJ_FORMAT_SAFETENSORS] = RJ_FUSED_BY_HEAD},
    .gguf_theta_head = 64, /* llama.cpp's converter writes no base: right for 7B and 40B, wrong for 2-11B */
};
