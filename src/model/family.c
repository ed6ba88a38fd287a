/* family.c: the table of families. A new architecture is a row here; what it needs beyond is an operation. */
#include "resjac/model/family.h"

#include <math.h>
#include <string.h>

#define FIELD(name) offsetof(rj_config, name)

/* Defaults of safetensors: those of transformers' configuration class, since many files leave keys out. Of a value 0 is
 * "derived from the others". */
static const rj_key llama_keys[] = {
    {{"num_hidden_layers", "block_count"}, {32, NAN}, RJ_KEY_INTEGER, FIELD(n_layer)},
    {{"hidden_size", "embedding_length"}, {4096, NAN}, RJ_KEY_INTEGER, FIELD(d)},
    {{"num_attention_heads", "attention.head_count"}, {32, NAN}, RJ_KEY_INTEGER, FIELD(n_head)},
    {{"num_key_value_heads", "attention.head_count_kv"}, {0, 0}, RJ_KEY_INTEGER, FIELD(n_kv_head)},
    {{"head_dim", "attention.key_length"}, {0, 0}, RJ_KEY_INTEGER, FIELD(d_head)},
    {{"intermediate_size", "feed_forward_length"}, {11008, NAN}, RJ_KEY_INTEGER, FIELD(d_ff)},
    {{"max_position_embeddings", "context_length"}, {2048, NAN}, RJ_KEY_INTEGER, FIELD(max_context)},
    {{"rms_norm_eps", "attention.layer_norm_rms_epsilon"}, {1e-6, NAN}, RJ_KEY_NUMBER, FIELD(norm_eps)},
    {{"hidden_act", NULL}, {RJ_ACT_SILU, RJ_ACT_SILU}, RJ_KEY_ACTIVATION, FIELD(activation)},
    {{"attention_bias", NULL}, {0, 0}, RJ_KEY_BOOL, FIELD(bias_qkv)},
    {{"attention_bias", NULL}, {0, 0}, RJ_KEY_BOOL, FIELD(bias_out)},
    {{"mlp_bias", NULL}, {0, 0}, RJ_KEY_BOOL, FIELD(bias_mlp)},
    {{"tie_word_embeddings", NULL}, {0, 0}, RJ_KEY_BOOL, FIELD(tied_head)},
    {{"initializer_range", NULL}, {0.02, 0.02}, RJ_KEY_NUMBER, FIELD(initializer_range)},
    {{NULL, NULL}, {0, 0}, RJ_KEY_INTEGER, 0},
};

/* Keys of relatives of Llama whose files say "llama" or were edited to say so. */
static const rj_neutral llama_neutral[] = {
    {{"sliding_window", "attention.sliding_window"}, 0, NULL},
    {{"use_sliding_window", NULL}, 0, NULL},
    {{"layer_types", NULL}, NAN, "full_attention"},
    {{"attn_logit_softcapping", "attn_logit_softcapping"}, 0, NULL},
    {{"final_logit_softcapping", "final_logit_softcapping"}, 0, NULL},
    {{"clip_qkv", "attention.clamp_kqv"}, 0, NULL},
    {{"alibi", "attention.max_alibi_bias"}, 0, NULL},
    {{"qk_layernorm", NULL}, 0, NULL},
    {{"use_qk_norm", NULL}, 0, NULL},
    {{"qk_norm", NULL}, 0, NULL},
    {{"attention_multiplier", "attention.scale"}, NAN, NULL},
    {{"query_pre_attn_scalar", NULL}, NAN, NULL},
    {{"embedding_multiplier", "embedding_scale"}, 1, NULL},
    {{"scale_emb", NULL}, 1, NULL},
    {{"scale_depth", NULL}, NAN, NULL},
    {{"residual_multiplier", "residual_scale"}, 1, NULL},
    {{"logits_scaling", "logit_scale"}, 1, NULL},
    {{"logit_scale", NULL}, 1, NULL},
    {{"num_local_experts", "expert_count"}, 0, NULL},
    {{"num_experts", NULL}, 0, NULL},
    {{"n_routed_experts", NULL}, 0, NULL},
    {{"use_parallel_residual", "use_parallel_residual"}, 0, NULL},
    {{"parallel_attn", NULL}, 0, NULL},
    {{"partial_rotary_factor", NULL}, 1, NULL},
    {{"rotary_pct", NULL}, 1, NULL},
    {{"rope_interleaved", NULL}, 0, NULL},
    {{"no_rope_layers", NULL}, NAN, NULL},
    {{"no_rope_layer_interval", NULL}, 0, NULL},
    {{"is_causal", "attention.causal"}, 1, NULL},
    {{"is_encoder_decoder", NULL}, 0, NULL},
    {{"add_cross_attention", NULL}, 0, NULL},
    {{"word_embed_proj_dim", NULL}, NAN, NULL},
    {{"quantization_config", NULL}, NAN, NULL},
    {{NULL, "rope.scaling.yarn_log_multiplier"}, 0, NULL},
    {{NULL, "rope.scaling.yarn_ext_factor"}, 1, NULL},
    {{NULL, "rope.scaling.yarn_attn_factor"}, 1, NULL},
    {{NULL, "rope.scaling.attn_factor"}, 1, NULL},
    {{NULL, NULL}, 0, NULL},
};

static const char *const llama_ignored[] = {".rotary_emb.inv_freq", NULL};

static const rj_family families[] = {
    {.name = "llama",
     .architecture = "llama",
     .norm = RJ_NORM_RMS,
     .gated = true,
     .keys = llama_keys,
     .neutral = llama_neutral,
     .stem =
         {
             [RJ_EMBEDDING] = {"model.embed_tokens", "token_embd"},
             [RJ_FINAL_NORM] = {"model.norm", "output_norm"},
             [RJ_HEAD] = {"lm_head", "output"},
             [RJ_ATTENTION_NORM] = {"model.layers.#.input_layernorm", "blk.#.attn_norm"},
             [RJ_QUERY] = {"model.layers.#.self_attn.q_proj", "blk.#.attn_q"},
             [RJ_KEY] = {"model.layers.#.self_attn.k_proj", "blk.#.attn_k"},
             [RJ_VALUE] = {"model.layers.#.self_attn.v_proj", "blk.#.attn_v"},
             [RJ_ATTENTION_OUT] = {"model.layers.#.self_attn.o_proj", "blk.#.attn_output"},
             [RJ_MLP_NORM] = {"model.layers.#.post_attention_layernorm", "blk.#.ffn_norm"},
             [RJ_GATE] = {"model.layers.#.mlp.gate_proj", "blk.#.ffn_gate"},
             [RJ_UP] = {"model.layers.#.mlp.up_proj", "blk.#.ffn_up"},
             [RJ_DOWN] = {"model.layers.#.mlp.down_proj", "blk.#.ffn_down"},
         },
     .prefix = "model.",
     .ignored = llama_ignored,
     .gguf_interleaved = true},
};

enum { N_FAMILIES = sizeof families / sizeof *families };

const rj_family *rj_family_of_model_type(const char *model_type)
{
    for (int i = 0; i < N_FAMILIES; i++)
        if (strcmp(families[i].name, model_type) == 0) return &families[i];
    return NULL;
}

const rj_family *rj_family_of_architecture(const char *text, size_t n)
{
    for (int i = 0; i < N_FAMILIES; i++) {
        const char *name = families[i].architecture;
        if (name != NULL && strlen(name) == n && memcmp(name, text, n) == 0) return &families[i];
    }
    return NULL;
}

const char *rj_family_names(rj_format format)
{
    static char text[512];
    size_t n = 0;

    for (int i = 0; i < N_FAMILIES; i++) {
        const char *name = format == RJ_FORMAT_GGUF ? families[i].architecture : families[i].name;
        const size_t length = name == NULL ? 0 : strlen(name);
        if (length == 0 || n + length + 3 > sizeof text) continue;
        if (n > 0) memcpy(text + n, ", ", 2), n += 2;
        memcpy(text + n, name, length + 1);
        n += length;
    }
    return text;
}
