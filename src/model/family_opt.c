/* family_opt.c: OPT: LayerNorm, learned positions from row 2 on, ReLU. The 350m has its norms behind the sums, none at the end,
 * and an embedding of another size than its stream. llama.cpp does not know it. */
#include "resjac/model/family_rows.h"

static const rj_key keys[] = {
    {{"num_hidden_layers", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_INTEGER, RJ_FIELD(n_layer)},
    {{"hidden_size", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_INTEGER, RJ_FIELD(d)},
    {{"word_embed_proj_dim", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_OPTIONAL, RJ_FIELD(d_embedding)},
    {{"num_attention_heads", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_INTEGER, RJ_FIELD(n_head)},
    {{"ffn_dim", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_INTEGER, RJ_FIELD(d_ff)},
    {{"max_position_embeddings", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_INTEGER, RJ_FIELD(max_context)},
    {{"activation_function", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_ACTIVATION, RJ_FIELD(activation)},
    {{"enable_bias", NULL}, {1, 1}, RJ_KEY_BOOL, RJ_FIELD(bias_qkv)},
    {{"enable_bias", NULL}, {1, 1}, RJ_KEY_BOOL, RJ_FIELD(bias_out)},
    {{"enable_bias", NULL}, {1, 1}, RJ_KEY_BOOL, RJ_FIELD(bias_mlp)},
    {{"do_layer_norm_before", NULL}, {0, 0}, RJ_KEY_NOT, RJ_FIELD(sum_norms)},
    {{"_remove_final_layer_norm", NULL}, {0, 0}, RJ_KEY_BOOL, RJ_FIELD(no_final_norm)},
    {{"tie_word_embeddings", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_BOOL, RJ_FIELD(tied_head)},
    {{"init_std", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_NUMBER, RJ_FIELD(initializer_range)},
    RJ_KEYS_END,
};

static const rj_neutral fixed[] = {
    {{"layer_norm_elementwise_affine", NULL}, 1, NULL},
    RJ_NEUTRAL_END,
};

static const rj_prefix prefixes[] = {{"model.decoder.", ""}, {"decoder.", ""}, {NULL, NULL}};
static const char *const ignored[] = {NULL};

const rj_family rj_family_opt = {
    .name = "opt",
    .model_type = "opt",
    .base = {.n_layer = 12,
             .d = 768,
             .n_head = 12,
             .d_ff = 3072,
             .max_context = 2048,
             .position_offset = 2,
             .norm = RJ_NORM_LAYER,
             .norm_parts = RJ_NORM_GAIN_BIAS,
             .norm_eps = 1e-5,
             .activation = RJ_ACT_RELU,
             .scaled = true,
             .position = RJ_POSITION_LEARNED,
             .tied_head = true,
             .initializer_range = 0.02},
    .keys = {keys},
    .fixed = fixed,
    .stem =
        {
            [RJ_EMBEDDING] = {"model.decoder.embed_tokens", NULL},
            [RJ_POSITIONS] = {"model.decoder.embed_positions", NULL},
            [RJ_FINAL_NORM] = {"model.decoder.final_layer_norm", NULL},
            [RJ_HEAD] = {"lm_head", NULL},
            [RJ_PROJECT_IN] = {"model.decoder.project_in", NULL},
            [RJ_PROJECT_OUT] = {"model.decoder.project_out", NULL},
            [RJ_ATTENTION_NORM] = {"model.decoder.layers.#.self_attn_layer_norm", NULL},
            [RJ_QUERY] = {"model.decoder.layers.#.self_attn.q_proj", NULL},
            [RJ_KEY] = {"model.decoder.layers.#.self_attn.k_proj", NULL},
            [RJ_VALUE] = {"model.decoder.layers.#.self_attn.v_proj", NULL},
            [RJ_ATTENTION_OUT] = {"model.decoder.layers.#.self_attn.out_proj", NULL},
            [RJ_ATTENTION_SUM_NORM] = {"model.decoder.layers.#.self_attn_layer_norm", NULL},
            [RJ_MLP_NORM] = {"model.decoder.layers.#.final_layer_norm", NULL},
            [RJ_MLP_SUM_NORM] = {"model.decoder.layers.#.final_layer_norm", NULL},
            [RJ_UP] = {"model.decoder.layers.#.fc1", NULL},
            [RJ_DOWN] = {"model.decoder.layers.#.fc2", NULL},
        },
    .prefixes = prefixes,
    .ignored = ignored,
};
