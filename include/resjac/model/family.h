/* family.h: a family of models as data: configuration keys, mathematics and tensor names. */
#ifndef RESJAC_MODEL_FAMILY_H
#define RESJAC_MODEL_FAMILY_H

#include <math.h>
#include <stddef.h>

#include "resjac/model/config.h"

enum { RJ_N_FORMATS = 2 }; /* tables are indexed by rj_format */

/* What a tensor is for. Those from RJ_ATTENTION_NORM on exist once a block. A family has those that it has a stem for. */
typedef enum {
    RJ_EMBEDDING = 0,
    RJ_POSITIONS,      /* learned, [max_context,d] */
    RJ_EMBEDDING_NORM, /* of what the embedding gives */
    RJ_POSITION_BIAS,  /* of all blocks: [n_bucket,n_head], see relative.h */
    RJ_FINAL_NORM,
    RJ_HEAD,
    RJ_PROJECT_IN,  /* from the embedding to the stream, where their sizes differ */
    RJ_PROJECT_OUT, /* from the stream to the head */
    RJ_ATTENTION_NORM,
    RJ_SHARED_NORM, /* in place of the norms before attention and MLP */
    RJ_QUERY,
    RJ_KEY,
    RJ_VALUE,
    RJ_QUERY_KEY_VALUE, /* in place of the three, see rj_fused */
    RJ_QUERY_NORM,      /* of each head, before the rotation; "@": each its own */
    RJ_KEY_NORM,
    RJ_ATTENTION_OUT,
    RJ_ATTENTION_POST_NORM, /* of what the sublayer adds */
    RJ_ATTENTION_SUM_NORM,  /* of the stream with what it added */
    RJ_CROSS_NORM,          /* of a second attention, whose keys and values are of an encoder's last states */
    RJ_CROSS_QUERY,
    RJ_CROSS_KEY,
    RJ_CROSS_VALUE,
    RJ_CROSS_OUT,
    RJ_MLP_NORM,
    RJ_GATE,
    RJ_UP,
    RJ_PLAIN_UP, /* in place of RJ_UP where nothing is gated */
    RJ_GATE_UP,  /* in place of the two: outputs are all of the one, all of the other */
    RJ_DOWN,
    RJ_MLP_POST_NORM,
    RJ_MLP_SUM_NORM,
    RJ_ROUTER, /* of states to experts; then those of each expert in place of the MLP's */
    RJ_EXPERT_GATE,
    RJ_EXPERT_UP,
    RJ_EXPERT_DOWN,
    RJ_N_ROLES
} rj_role;

typedef enum {
    RJ_KEY_INTEGER = 0, /* >= 1 */
    RJ_KEY_OPTIONAL,    /* >= 1; null is 0: derived */
    RJ_KEY_COUNT,       /* >= 0; null is 0 */
    RJ_KEY_NUMBER,      /* >= 0 */
    RJ_KEY_CAP,         /* > 0; null, in GGUF 0: none, which is 0 */
    RJ_KEY_BOOL,
    RJ_KEY_NOT, /* true or false, kept as its opposite */
    RJ_KEY_ACTIVATION,
    RJ_KEY_FEED_FORWARD, /* "<activation>" or "gated-<activation>", into activation and gated; of config.json only */
    RJ_KEY_LAYERS, /* list of a layer's kinds into sliding, after n_layer; of config.json only */
    RJ_KEY_PATTERN /* the same as [[["global", "local"], 12], ..]: kinds in turn, how often */
} rj_key_kind;

#define RJ_KEEP INFINITY /* fallback: the field stays as it is */

/* A configuration key and the field of rj_config that it fills; GGUF keys without "<architecture>."; "a.b" of config.json is
 * b in the object a. */
typedef struct {
    const char *name[RJ_N_FORMATS]; /* NULL: this format has no such key, the fallback holds */
    double fallback[RJ_N_FORMATS];  /* of an absent key; NAN: the key is required */
    rj_key_kind kind;
    size_t field; /* offsetof(rj_config, ..) */
} rj_key;

/* A key that changes the mathematics, and the one value with which it does not: a number (0: also false, 1: also true),
 * or a text where text is not NULL (of a list: each entry). An absent or null key passes. NAN: no value passes. */
typedef struct {
    const char *name[RJ_N_FORMATS];
    double neutral;
    const char *text;
} rj_neutral;

/* Outputs of a tensor that holds queries, keys and values: all queries, all keys, all values; or the same for one key-value
 * head after the other. */
typedef enum { RJ_FUSED_WHOLE = 0, RJ_FUSED_BY_HEAD } rj_fused;

/* How names in a safetensors file begin: of tensors that the family's stems call "<first prefix's trunk>..", and of others. */
typedef struct {
    const char *trunk, *other;
} rj_prefix;

typedef struct rj_family {
    const char *name;         /* in messages and results */
    const char *model_type;   /* in config.json */
    const char *wrapper;      /* model_type of a config.json whose text_config has the keys, or NULL */
    const char *architecture; /* general.architecture in GGUF */
    rj_config base;           /* what all models of the family share; reading starts from it */
    const rj_key *keys[4];    /* lists in order, up to a NULL; each up to a key of all zeros */
    const rj_neutral
        *fixed; /* keys of the family's own that are not evaluated; NULL, or up to one of all zeros */
    const char *const
        *needed; /* keys of config.json that may not be left to their defaults; NULL, or up to a NULL */
    const char *const
        *passed; /* patterns (fnmatch) of keys of config.json that say nothing here; NULL, or up to a NULL */
    /* Of an encoder the row of the decoder in the same files, of a decoder that of its encoder; else NULL. */
    const struct rj_family *decoder, *encoder;
    bool sparse; /* its blocks have experts: of one architecture, these are files with an expert_count */
    /* Stem of a tensor's name, "#" for the block and "@" for the expert or the head; ".weight" and ".bias" follow. An expert's stem without
     * "@" is a tensor [n_expert,out,in], one of heads' norms [heads,in]. NULL: the family has no such tensor. */
    const char *stem[RJ_N_ROLES][RJ_N_FORMATS];
    const rj_prefix *prefixes; /* the stems' own, then those of other exports; up to a NULL */
    /* Other names of the embedding in safetensors files, whole; NULL, or up to a NULL. */
    const char *const *embeddings;
    const char *const *ignored; /* patterns (fnmatch) of tensors that nothing here needs, up to a NULL */
    bool conv1d;                /* safetensors: matrices of blocks are [in,out] */
    rj_fused fused[RJ_N_FORMATS];
    bool up_first;                    /* of a tensor with gate and up */
    bool interleaved[RJ_N_FORMATS];   /* rotary rows of a query or key head: 2 i + s holds s n_rotary/2 + i */
    double norm_offset[RJ_N_FORMATS]; /* gain = offset + what the file has */
    bool embedding_by_sqrt_d;         /* embedding_scale is sqrt(d) */
    bool tied_head_by_sqrt_d;         /* logits of a tied head are divided by sqrt(d) */
    bool residual_init;               /* drawn projections into the stream: deviation / sqrt(2 n_layer) */
    /* Drawn matrices of blocks: deviation / sqrt(inputs), queries / sqrt(d_head) besides; norms are the deviation. */
    bool init_by_inputs;
    bool gelu_is_tanh;               /* "gelu" means its tanh form, as the files' authors had it */
    bool yarn_is_longrope;           /* so does "yarn" */
    const char *vocabulary_key;      /* rows of the embedding in config.json; NULL: vocab_size */
    const char *theta_key;           /* in config.json; NULL: rope_theta */
    double rope_theta[RJ_N_FORMATS]; /* where the file has none; 0: 10000 */
    const char
        *local_theta[RJ_N_FORMATS]; /* key of the base of sliding layers, which no scaling changes; or NULL */
    int gguf_theta_head; /* GGUF without a base: only heads of this size have the default; 0: all have */
    /* GGUF, of a family with RJ_PLAIN_UP: a gate's tensor says that the MLP is gated, and with this; no key tells. */
    rj_activation gguf_gated;
    int gguf_n_layer_by_width; /* GGUF: models of so many layers divide logits by sqrt(d/n_head); no key tells */
} rj_family;

extern const rj_family rj_family_llama, rj_family_gpt2, rj_family_qwen2, rj_family_gemma3, rj_family_mistral,
    rj_family_gemma, rj_family_gemma2, rj_family_gptneox, rj_family_phi, rj_family_gptneo, rj_family_olmo,
    rj_family_falcon, rj_family_mpt, rj_family_hf_olmo, rj_family_qwen3, rj_family_olmo2, rj_family_stablelm,
    rj_family_phi3, rj_family_gptj, rj_family_opt, rj_family_bloom, rj_family_t5, rj_family_t5_decoder,
    rj_family_t5_alone, rj_family_mixtral;

/* NULL where there is none. model_type may be a wrapper's; sparse: the file has experts. */
const rj_family *rj_family_of_model_type(const char *model_type);
const rj_family *rj_family_of_architecture(const char *text, size_t n, bool sparse);
const rj_family *rj_family_named(const char *name);
/* "llama, .." of all families, as the format calls them, for messages. */
const char *rj_family_names(rj_format format);

/* Activation of a configuration value; false where it is unknown. */
bool rj_activation_find(const char *name, rj_activation *activation);
const char *rj_activation_names(void);
#endif
