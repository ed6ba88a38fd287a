/* family_t5.c: T5, T5 1.1 and its LM-adapted checkpoints: the blocks are those of the encoder, whose tokens see all of the
 * prompt; distances in buckets, logits without a scale, RMSNorm, nothing with a bias. The decoder is not evaluated: its first
 * states are those of one start token, whatever the prompt. llama.cpp has 128 for the distance from which on all are in the
 * last bucket. */
#include "resjac/model/family_rows.h"

static const rj_key keys[] = {
    {{"num_layers", "block_count"}, {RJ_KEEP, NAN}, RJ_KEY_INTEGER, RJ_FIELD(n_layer)},
    {{"d_model", "embedding_length"}, {RJ_KEEP, NAN}, RJ_KEY_INTEGER, RJ_FIELD(d)},
    {{"num_heads", "attention.head_count"}, {RJ_KEEP, NAN}, RJ_KEY_INTEGER, RJ_FIELD(n_head)},
    {{"d_kv", "attention.key_length"}, {RJ_KEEP, NAN}, RJ_KEY_INTEGER, RJ_FIELD(d_head)},
    {{"d_ff", "feed_forward_length"}, {RJ_KEEP, NAN}, RJ_KEY_INTEGER, RJ_FIELD(d_ff)},
    {{"n_positions", "context_length"}, {RJ_KEEP, NAN}, RJ_KEY_INTEGER, RJ_FIELD(max_context)},
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

static const rj_neutral fixed[] = {
    {{"is_encoder_decoder", NULL}, 1, NULL},
    {{"is_decoder", NULL}, 0, NULL},
    RJ_NEUTRAL_END,
};

/* Of the decoder and the head. */
static const char *const passed[] = {"num_decoder_layers", "tie_word_embeddings", "scale_decoder_outputs",
                                     NULL};
static const rj_prefix prefixes[] = {{"encoder.", ""}, {NULL, NULL}};
/* One embedding for both stacks, under one of three names or all. */
static const char *const embeddings[] = {"encoder.embed_tokens.weight", "decoder.embed_tokens.weight", NULL};
static const char *const ignored[] = {"decoder.*", "lm_head.weight", "encoder.embed_tokens.weight",
                                      "dec.*",     "output.weight",  NULL};

const rj_family rj_family_t5 = {
    .name = "t5",
    .model_type = "t5",
    .architecture = "t5",
    .base = {.n_layer = 6,
             .d = 512,
             .n_head = 8,
             .d_head = 64,
             .d_ff = 2048,
             .max_context = 512,
             .norm_eps = 1e-6,
             .activation = RJ_ACT_RELU,
             .position = RJ_POSITION_BUCKETS,
             .n_bucket = 32,
             .bucket_distance = 128,
             .bidirectional = true,
             .initializer_range = 1.0},
    .keys = {keys},
    .fixed = fixed,
    .passed = passed,
    .stem =
        {
            [RJ_EMBEDDING] = {"shared", "token_embd"},
            [RJ_POSITION_BIAS] = {"encoder.block.0.layer.0.SelfAttention.relative_attention_bias",
                                  "enc.blk.0.attn_rel_b"},
            [RJ_FINAL_NORM] = {"encoder.final_layer_norm", "enc.output_norm"},
            [RJ_ATTENTION_NORM] = {"encoder.block.#.layer.0.layer_norm", "enc.blk.#.attn_norm"},
            [RJ_QUERY] = {"encoder.block.#.layer.0.SelfAttention.q", "enc.blk.#.attn_q"},
            [RJ_KEY] = {"encoder.block.#.layer.0.SelfAttention.k", "enc.blk.#.attn_k"},
            [RJ_VALUE] = {"encoder.block.#.layer.0.SelfAttention.v", "enc.blk.#.attn_v"},
            [RJ_ATTENTION_OUT] = {"encoder.block.#.layer.0.SelfAttention.o", "enc.blk.#.attn_o"},
            [RJ_MLP_NORM] = {"encoder.block.#.layer.1.layer_norm", "enc.blk.#.ffn_norm"},
            [RJ_GATE] = {"encoder.block.#.layer.1.DenseReluDense.wi_0", "enc.blk.#.ffn_gate"},
            [RJ_UP] = {"encoder.block.#.layer.1.DenseReluDense.wi_1", "enc.blk.#.ffn_up"},
            [RJ_PLAIN_UP] = {"encoder.block.#.layer.1.DenseReluDense.wi", "enc.blk.#.ffn_up"},
            [RJ_DOWN] = {"encoder.block.#.layer.1.DenseReluDense.wo", "enc.blk.#.ffn_down"},
        },
    .prefixes = prefixes,
    .embeddings = embeddings,
    .ignored = ignored,
    .init_by_inputs = true,
    .gguf_gated = RJ_ACT_GELU_TANH,
};
