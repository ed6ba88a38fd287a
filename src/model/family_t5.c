/* family_t5.c: T5, T5 1.1 and its LM-adapted checkpoints, two stacks in one file: the encoder, whose tokens see all of the prompt,
 * and the decoder, whose blocks have a second attention to the encoder's last states. Distances in buckets, but not to the memory;
 * logits without a scale, RMSNorm, nothing with a bias. llama.cpp has 128 for the distance from which on all are in the last
 * bucket, and files of the encoder alone. */
#include "resjac/model/family_rows.h"

static const rj_key sizes[] = {
    {{"num_layers", "block_count"}, {RJ_KEEP, NAN}, RJ_KEY_INTEGER, RJ_FIELD(n_layer)},
    {{"d_model", "embedding_length"}, {RJ_KEEP, NAN}, RJ_KEY_INTEGER, RJ_FIELD(d)},
    {{"num_heads", "attention.head_count"}, {RJ_KEEP, NAN}, RJ_KEY_INTEGER, RJ_FIELD(n_head)},
    {{"d_kv", "attention.key_length"}, {RJ_KEEP, NAN}, RJ_KEY_INTEGER, RJ_FIELD(d_head)},
    {{"d_ff", "feed_forward_length"}, {RJ_KEEP, NAN}, RJ_KEY_INTEGER, RJ_FIELD(d_ff)},
    {{"n_positions", "context_length"}, {RJ_KEEP, NAN}, RJ_KEY_INTEGER, RJ_FIELD(max_context)},
    RJ_KEYS_END,
};

static const rj_key keys[] = {
    {{"relative_attention_num_buckets", "attention.relative_buckets_count"},
     {RJ_KEEP, NAN},
     RJ_KEY_INTEGER,
     RJ_FIELD(n_bucket)},
    {{"relative_attention_max_distance", NULL},
     {RJ_KEEP, RJ_KEEP},
     RJ_KEY_INTEGER,
     RJ_FIELD(bucket_distance)},
    {{"layer_norm_epsilon", "attention.layer_norm_rms_epsilon"},
     {RJ_KEEP, NAN},
     RJ_KEY_NUMBER,
     RJ_FIELD(norm_eps)},
    {{"feed_forward_proj", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_FEED_FORWARD, RJ_FIELD(activation)},
    /* What newer files say of it besides. */
    {{"dense_act_fn", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_ACTIVATION, RJ_FIELD(activation)},
    {{"is_gated_act", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_BOOL, RJ_FIELD(gated)},
    {{"initializer_factor", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_NUMBER, RJ_FIELD(initializer_range)},
    RJ_KEYS_END,
};

static const rj_key decoder_keys[] = {
    {{"num_decoder_layers", "decoder_block_count"}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_INTEGER, RJ_FIELD(n_layer)},
    {{"decoder_start_token_id", "decoder_start_token_id"}, {NAN, NAN}, RJ_KEY_COUNT, RJ_FIELD(start_token)},
    {{"tie_word_embeddings", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_BOOL, RJ_FIELD(tied_head)},
    RJ_KEYS_END,
};

static const rj_neutral fixed[] = {
    {{"is_decoder", NULL}, 0, NULL},
    RJ_NEUTRAL_END,
};
static const rj_neutral decoder_fixed[] = {
    {{"is_encoder_decoder", NULL}, 1, NULL},
    {{"is_decoder", NULL}, 0, NULL},
    RJ_NEUTRAL_END,
};

/* Of the decoder and the head; is_encoder_decoder is false in files of the encoder alone. */
static const char *const passed[] = {"num_decoder_layers", "tie_word_embeddings", "scale_decoder_outputs",
                                     "is_encoder_decoder", NULL};
static const char *const decoder_passed[] = {"scale_decoder_outputs", NULL};
static const rj_prefix prefixes[] = {{"encoder.", ""}, {NULL, NULL}};
static const rj_prefix decoder_prefixes[] = {{"decoder.", ""}, {NULL, NULL}};
/* One embedding for both stacks, under one of three names or all. */
static const char *const embeddings[] = {"encoder.embed_tokens.weight", "decoder.embed_tokens.weight", NULL};
static const char *const ignored[] = {"decoder.*", "lm_head.weight", "encoder.embed_tokens.weight",
                                      "dec.*",     "output.weight",  NULL};
/* Buckets of the second attention are in old files, and nobody adds them. */
static const char *const decoder_ignored[] = {
    "encoder.*",
    "enc.*",
    "decoder.embed_tokens.weight",
    "decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight",
    "dec.blk.0.cross_attn_rel_b.weight",
    NULL};

#define BASE                                                                                                 \
    .n_layer = 6, .d = 512, .n_head = 8, .d_head = 64, .d_ff = 2048, .max_context = 512, .norm_eps = 1e-6,   \
    .activation = RJ_ACT_RELU, .position = RJ_POSITION_BUCKETS, .n_bucket = 32, .bucket_distance = 128,      \
    .initializer_range = 1.0

/* Of one stack; in a block the MLP is the layer number `mlp`. */
#define STEMS(stack, short, mlp)                                                                             \
    [RJ_EMBEDDING] = {"shared", "token_embd"},                                                               \
    [RJ_POSITION_BIAS] = {stack ".block.0.layer.0.SelfAttention.relative_attention_bias",                    \
                          short ".blk.0.attn_rel_b"},                                                        \
    [RJ_FINAL_NORM] = {stack ".final_layer_norm", short ".output_norm"},                                     \
    [RJ_ATTENTION_NORM] = {stack ".block.#.layer.0.layer_norm", short ".blk.#.attn_norm"},                   \
    [RJ_QUERY] = {stack ".block.#.layer.0.SelfAttention.q", short ".blk.#.attn_q"},                          \
    [RJ_KEY] = {stack ".block.#.layer.0.SelfAttention.k", short ".blk.#.attn_k"},                            \
    [RJ_VALUE] = {stack ".block.#.layer.0.SelfAttention.v", short ".blk.#.attn_v"},                          \
    [RJ_ATTENTION_OUT] = {stack ".block.#.layer.0.SelfAttention.o", short ".blk.#.attn_o"},                  \
    [RJ_MLP_NORM] = {stack ".block.#.layer." mlp ".layer_norm", short ".blk.#.ffn_norm"},                    \
    [RJ_GATE] = {stack ".block.#.layer." mlp ".DenseReluDense.wi_0", short ".blk.#.ffn_gate"},               \
    [RJ_UP] = {stack ".block.#.layer." mlp ".DenseReluDense.wi_1", short ".blk.#.ffn_up"},                   \
    [RJ_PLAIN_UP] = {stack ".block.#.layer." mlp ".DenseReluDense.wi", short ".blk.#.ffn_up"},               \
    [RJ_DOWN] = {stack ".block.#.layer." mlp ".DenseReluDense.wo", short ".blk.#.ffn_down"}

#define ENCODER                                                                                              \
    .base = {BASE, .bidirectional = true}, .keys = {sizes, keys}, .fixed = fixed, .passed = passed,          \
    .stem = {STEMS("encoder", "enc", "1")}, .prefixes = prefixes, .embeddings = embeddings,                  \
    .ignored = ignored, .init_by_inputs = true, .gguf_gated = RJ_ACT_GELU_TANH

const rj_family rj_family_t5 = {
    .name = "t5", .model_type = "t5", .architecture = "t5", .decoder = &rj_family_t5_decoder, ENCODER};

const rj_family rj_family_t5_alone = {.name = "t5encoder", .architecture = "t5encoder", ENCODER};

const rj_family rj_family_t5_decoder = {
    .name = "t5_decoder",
    .model_type = "t5",
    .architecture = "t5",
    .encoder = &rj_family_t5,
    .base = {BASE, .reads_memory = true, .tied_head = true},
    .keys = {sizes, decoder_keys, keys},
    .fixed = decoder_fixed,
    .passed = decoder_passed,
    .stem = {STEMS("decoder", "dec", "2"), [RJ_HEAD] = {"lm_head", "output"},
             [RJ_CROSS_NORM] = {"decoder.block.#.layer.1.layer_norm", "dec.blk.#.cross_attn_norm"},
             [RJ_CROSS_QUERY] = {"decoder.block.#.layer.1.EncDecAttention.q", "dec.blk.#.cross_attn_q"},
             [RJ_CROSS_KEY] = {"decoder.block.#.layer.1.EncDecAttention.k", "dec.blk.#.cross_attn_k"},
             [RJ_CROSS_VALUE] = {"decoder.block.#.layer.1.EncDecAttention.v", "dec.blk.#.cross_attn_v"},
             [RJ_CROSS_OUT] = {"decoder.block.#.layer.1.EncDecAttention.o", "dec.blk.#.cross_attn_o"}},
    .prefixes = decoder_prefixes,
    .embeddings = embeddings,
    .ignored = decoder_ignored,
    .tied_head_by_sqrt_d = true,
    .init_by_inputs = true,
    .gguf_gated = RJ_ACT_GELU_TANH,
};
