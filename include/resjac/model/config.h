/* config.h: shape and mathematics of one model, whatever its family and file format. */
#ifndef RESJAC_MODEL_CONFIG_H
#define RESJAC_MODEL_CONFIG_H

#include <stdbool.h>

#include "resjac/base/status.h"
#include "resjac/weights/weights.h"

typedef enum { RJ_NORM_RMS = 0, RJ_NORM_LAYER } rj_norm_kind;

/* What a file has of a norm: its gain, gain and bias, or nothing (gain 1, bias 0). */
typedef enum { RJ_NORM_GAIN = 0, RJ_NORM_GAIN_BIAS, RJ_NORM_BARE } rj_norm_parts;

/* gelu: exact; gelu_tanh: constant sqrt(2/pi); gelu_fast: that constant as 0.7978845608, gelu_bloom:
 * 0.79788456. */
typedef enum {
    RJ_ACT_SILU = 0,
    RJ_ACT_GELU,
    RJ_ACT_GELU_TANH,
    RJ_ACT_GELU_FAST,
    RJ_ACT_GELU_BLOOM,
    RJ_ACT_QUICK_GELU,
    RJ_ACT_RELU
} rj_activation;

typedef enum {
    RJ_ROPE_DEFAULT = 0,
    RJ_ROPE_LINEAR,
    RJ_ROPE_DYNAMIC, /* its frequencies depend on T, beyond original_context only */
    RJ_ROPE_YARN,
    RJ_ROPE_LLAMA3,
    RJ_ROPE_LONGROPE /* its frequencies depend on T: long_factor where T > original_context, else short_factor */
} rj_rope_kind;

/* Rotary positions, half-split: pairs (i, i + n_rotary/2). Fields that a kind does not name are 0 or NULL. */
typedef struct {
    rj_rope_kind kind;
    int n_rotary; /* rotated dimensions of a head, from the first on */
    double theta;
    double factor;                            /* all kinds but default */
    double original_context;                  /* dynamic, yarn, llama3, longrope: tokens */
    double low_freq_factor, high_freq_factor; /* llama3 */
    double beta_fast, beta_slow;              /* yarn */
    double mscale, mscale_all_dim;            /* yarn; both 0: not given */
    bool truncate;                            /* yarn */
    double attention_factor;                  /* yarn, longrope; 0: derived from factor */
    double *short_factor, *long_factor;       /* longrope, [n_rotary/2] */
    double *
        divisor; /* [n_rotary/2], divides the frequencies of any kind (rope_freqs.weight of a GGUF file), or NULL */
} rj_rope;

typedef enum {
    RJ_POSITION_ROTARY = 0, /* queries and keys are turned */
    RJ_POSITION_LEARNED,    /* a vector a position is added to the embedding */
    RJ_POSITION_ALIBI,  /* a slope a head, times the distance, is taken off the logits (arXiv 2108.12409) */
    RJ_POSITION_BUCKETS /* a number a head, by the distance's bucket, is added to the logits (relative.h) */
} rj_position;

/* Which blocks of a model with an encoder and a decoder: by default the encoder's. Others have one stack. */
typedef enum { RJ_STACK_DEFAULT = 0, RJ_STACK_ENCODER, RJ_STACK_DECODER } rj_stack;

enum { RJ_MAX_LAYERS = 1024, RJ_MAX_EXPERTS = 512 };

typedef struct {
    const char *family; /* name of the family's row */
    int n_layer, d, n_head, n_kv_head, d_head, d_ff;
    int n_vocab;         /* rows of the embedding */
    int max_context;     /* tokens, scaling included */
    int position_offset; /* learned positions begin at this row */
    int d_embedding; /* of the embedding and the head; where it is not d, projections lead to d and back */
    int d_gate_up;   /* gate and up together as the file says; 0: d_ff says */
    double embedding_scale; /* the embedding is multiplied by it */
    rj_norm_kind norm;
    rj_norm_parts norm_parts;
    double norm_eps;
    bool parallel;    /* the MLP reads what the attention reads, not what it leaves */
    bool shared_norm; /* .. behind one norm */
    bool sum_norms;   /* norms stand behind the sums of stream and sublayer, not before sublayers */
    bool no_final_norm;
    int n_norm; /* norms of a parallel block, as the file says; 0: one, or two where grouped */
    rj_activation activation;
    bool gated; /* down(act(gate x) * up x), else down(act(up x)) */
    int n_expert,
        n_expert_used; /* MLPs of a block, each of d_ff, and those that a token goes through; 0: one MLP */
    bool bias_qkv, bias_out, bias_mlp, bias_head;
    bool scaled;          /* the logits are divided by a square root, .. */
    double query_scalar;  /* .. of this; 0: of d_head */
    bool scaled_by_layer; /* .. and by layer + 1 */
    double scale;         /* of the logits, but for scaled_by_layer */
    double softcap;       /* logits become c tanh(logits/c); 0: they stay */
    double final_softcap; /* of the head's logits */
    double clip;          /* queries, keys, values are clipped to +-clip before all else; 0: they are not */
    double alibi_max;     /* ALiBi: slopes are 2^-(alibi_max/n), 2^-(2 alibi_max/n), .. */
    int n_bucket, bucket_distance; /* buckets: how many; the last has all from here on */
    bool bidirectional;            /* an encoder: a token sees those behind it, too */
    bool reads_memory;             /* a decoder: blocks attend to the encoder's last states, too */
    int start_token;               /* .. and its first token is this one */
    bool whole_norms;              /* norms of queries and keys are of all heads together */
    bool own_norms;                /* .. are each head's own, without biases */
    bool multi_query, grouped; /* multi_query and not grouped: one key-value head, whatever n_kv_head says */
    /* Layer l (0-based) sees a window where sliding[l]. A file says which by a list, or: l >= window_from, and l + 1 is no
     * multiple of window_period (0: no period). */
    bool use_window;
    int window; /* tokens that a query sees, itself included */
    int window_from, window_period;
    bool sliding_listed, sliding[RJ_MAX_LAYERS];
    rj_position position;
    double
        rotary_share; /* of a head that is rotated, from its first dimension on; 0: the family rotates all */
    double rope_attention;    /* GGUF: attention factor of longrope; 0: 1 */
    int rotary_dim;           /* dimensions in place of a share; 0: none */
    rj_rope rope, local_rope; /* local_rope: of sliding layers, where has_local_rope */
    bool has_local_rope;
    bool tied_head; /* the head is the embedding */
    bool has_head;  /* false: a bare export of the base model (LlamaModel) or an encoder: no logits */
    double initializer_range; /* standard deviation of drawn weights */
} rj_config;

/* Reads config.json or the GGUF metadata by the family's key table; n_vocab, has_head, and for GGUF the biases and
 * tied_head, are left for the tensors to tell. Not collective.
 *   config [out] free with rj_config_free; untouched on error
 * Errors: FORMAT unknown architecture, activation, rope type or rope key; a key that changes the mathematics in a way the
 * family does not evaluate; a value out of range (file, key, value); NOMEM; IO. */
RJ_CHECKED rj_status rj_config_read(const rj_weights *w, rj_config *config);
/* The same of one stack. Besides: USAGE a stack is asked for by name and the model has one alone. */
RJ_CHECKED rj_status rj_config_read_stack(const rj_weights *w, rj_stack stack, rj_config *config);
void rj_config_free(rj_config *config); /* its lists; takes a zeroed one */

/* Whether what the head reads is the final norm of the last block's states; if not, why, for messages. */
bool rj_config_ends_in_norm(const rj_config *config);
const char *rj_config_end(const rj_config *config);

/* Of one layer, 0-based: factor of the logits; tokens that a query sees, 0: all up to itself; rotary positions, borrowed,
 * NULL where positions are not rotary. */
double rj_config_scale(const rj_config *config, int layer);
int rj_config_window(const rj_config *config, int layer);
const rj_rope *rj_config_rope(const rj_config *config, int layer);
#endif
