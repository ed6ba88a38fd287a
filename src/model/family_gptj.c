/* family_gptj.c: GPT-J: attention and MLP side by side behind one LayerNorm, rotary pairs side by side, a head with a bias.
 * llama.cpp does not know it. */
#include "resjac/model/family_rows.h"

static const rj_key keys[] = {
    {{"n_layer", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_INTEGER, RJ_FIELD(n_layer)},
    {{"num_hidden_layers", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_INTEGER, RJ_FIELD(n_layer)},
    {{"n_embd", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_INTEGER, RJ_FIELD(d)},
    {{"hidden_size", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_INTEGER, RJ_FIELD(d)},
    {{"n_head", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_INTEGER, RJ_FIELD(n_head)},
    {{"num_attention_heads", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_INTEGER, RJ_FIELD(n_head)},
    {{"n_positions", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_INTEGER, RJ_FIELD(max_context)},
    {{"max_position_embeddings", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_INTEGER, RJ_FIELD(max_context)},
    {{"n_inner", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_OPTIONAL, RJ_FIELD(d_ff)},
    {{"rotary_dim", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_INTEGER, RJ_FIELD(rotary_dim)},
    {{"layer_norm_epsilon", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_NUMBER, RJ_FIELD(norm_eps)},
    {{"activation_function", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_ACTIVATION, RJ_FIELD(activation)},
    {{"tie_word_embeddings", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_BOOL, RJ_FIELD(tied_head)},
    {{"initializer_range", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_NUMBER, RJ_FIELD(initializer_range)},
    RJ_KEYS_END,
};

static const rj_prefix prefixes[] = {{"transformer.", ""}, {"", ""}, {NULL, NULL}};
static const char *const ignored[] = {"*.attn.bias", "*.attn.masked_bias", "*.attn.embed_positions",
                                      NULL}; /* causal masks, angles */

const rj_family rj_family_gptj = {
    .name = "gptj",
    .model_type = "gptj",
    .base = {.n_layer = 28,
             .d = 4096,
             .n_head = 16,
             .max_context = 2048,
             .norm = RJ_NORM_LAYER,
             .norm_parts = RJ_NORM_GAIN_BIAS,
             .norm_eps = 1e-5,
             .parallel = true,
             .n_norm = 1,
             .activation = RJ_ACT_GELU_TANH,
             .bias_mlp = true,
             .bias_head = true,
             .scaled = true,
             .position = RJ_POSITION_ROTARY,
             .rotary_dim = 64,
             .initializer_range = 0.02},
    .keys = {keys},
    .stem =
        {
            [RJ_EMBEDDING] = {"transformer.wte", NULL},
            [RJ_FINAL_NORM] = {"transformer.ln_f", NULL},
            [RJ_HEAD] = {"lm_head", NULL},
            [RJ_SHARED_NORM] = {"transformer.h.#.ln_1", NULL},
            [RJ_QUERY] = {"transformer.h.#.attn.q_proj", NULL},
            [RJ_KEY] = {"transformer.h.#.attn.k_proj", NULL},
            [RJ_VALUE] = {"transformer.h.#.attn.v_proj", NULL},
            [RJ_ATTENTION_OUT] = {"transformer.h.#.attn.out_proj", NULL},
            [RJ_UP] = {"transformer.h.#.mlp.fc_in", NULL},
            [RJ_DOWN] = {"transformer.h.#.mlp.fc_out", NULL},
        },
    .prefixes = prefixes,
    .ignored = ignored,
    .interleaved = {[RJ_FORMAT_SAFETENSORS] = true},
};
