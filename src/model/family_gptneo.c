/* family_gptneo.c: GPT-Neo: LayerNorm, learned positions, logits as they are, every second layer with a window. llama.cpp does
 * not know it. */
#include "resjac/model/family_rows.h"

static const rj_key keys[] = {
    {{"num_layers", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_INTEGER, RJ_FIELD(n_layer)},
    {{"num_hidden_layers", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_INTEGER, RJ_FIELD(n_layer)},
    {{"hidden_size", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_INTEGER, RJ_FIELD(d)},
    {{"num_heads", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_INTEGER, RJ_FIELD(n_head)},
    {{"num_attention_heads", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_INTEGER, RJ_FIELD(n_head)},
    {{"intermediate_size", NULL}, {0, 0}, RJ_KEY_INTEGER, RJ_FIELD(d_ff)},
    {{"max_position_embeddings", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_INTEGER, RJ_FIELD(max_context)},
    {{"layer_norm_epsilon", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_NUMBER, RJ_FIELD(norm_eps)},
    {{"activation_function", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_ACTIVATION, RJ_FIELD(activation)},
    {{"window_size", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_INTEGER, RJ_FIELD(window)},
    {{"attention_types", NULL}, {NAN, NAN}, RJ_KEY_PATTERN, 0},
    {{"tie_word_embeddings", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_BOOL, RJ_FIELD(tied_head)},
    {{"initializer_range", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_NUMBER, RJ_FIELD(initializer_range)},
    RJ_KEYS_END,
};

static const char *const passed[] = {"attention_layers", NULL}; /* attention_types written out */
static const rj_prefix prefixes[] = {{"transformer.", ""}, {"", ""}, {NULL, NULL}};
static const char *const ignored[] = {"*.attn.attention.bias", "*.attn.attention.masked_bias",
                                      NULL}; /* causal masks */

const rj_family rj_family_gptneo = {
    .name = "gpt_neo",
    .model_type = "gpt_neo",
    .base = {.n_layer = 24,
             .d = 2048,
             .n_head = 16,
             .max_context = 2048,
             .norm = RJ_NORM_LAYER,
             .norm_parts = RJ_NORM_GAIN_BIAS,
             .norm_eps = 1e-5,
             .activation = RJ_ACT_GELU_TANH,
             .bias_out = true,
             .bias_mlp = true,
             .use_window = true,
             .window = 256,
             .position = RJ_POSITION_LEARNED,
             .tied_head = true,
             .initializer_range = 0.02},
    .keys = {keys},
    .passed = passed,
    .stem =
        {
            [RJ_EMBEDDING] = {"transformer.wte", NULL},
            [RJ_POSITIONS] = {"transformer.wpe", NULL},
            [RJ_FINAL_NORM] = {"transformer.ln_f", NULL},
            [RJ_HEAD] = {"lm_head", NULL},
            [RJ_ATTENTION_NORM] = {"transformer.h.#.ln_1", NULL},
            [RJ_QUERY] = {"transformer.h.#.attn.attention.q_proj", NULL},
            [RJ_KEY] = {"transformer.h.#.attn.attention.k_proj", NULL},
            [RJ_VALUE] = {"transformer.h.#.attn.attention.v_proj", NULL},
            [RJ_ATTENTION_OUT] = {"transformer.h.#.attn.attention.out_proj", NULL},
            [RJ_MLP_NORM] = {"transformer.h.#.ln_2", NULL},
            [RJ_UP] = {"transformer.h.#.mlp.c_fc", NULL},
            [RJ_DOWN] = {"transformer.h.#.mlp.c_proj", NULL},
        },
    .prefixes = prefixes,
    .ignored = ignored,
};
