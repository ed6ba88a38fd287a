/* family_rows.h: what the rows of several families share. */
#ifndef RESJAC_MODEL_FAMILY_ROWS_H
#define RESJAC_MODEL_FAMILY_ROWS_H

#include "resjac/model/family.h"

#define RJ_FIELD(name) offsetof(rj_config, name)
#define RJ_KEYS_END                                                                                          \
    {                                                                                                        \
        {NULL, NULL}, {0, 0}, RJ_KEY_INTEGER, 0                                                              \
    }
#define RJ_NEUTRAL_END                                                                                       \
    {                                                                                                        \
        {NULL, NULL}, 0, NULL                                                                                \
    }

/* Keys of all families in the tradition of Llama; absent ones of config.json leave what the family's base says, which are
 * the defaults of transformers' configuration class, since many files leave keys out. Of a value 0 is "derived from the
 * others". */
extern const rj_key rj_keys_llama[];

/* "model." or nothing before the names; a buffer of old files. */
extern const rj_prefix rj_prefixes_llama[];
extern const char *const rj_ignored_llama[];

/* Stems of the same tradition, in parts. */
#define RJ_STEMS_TRUNK                                                                                       \
    [RJ_EMBEDDING] = {"model.embed_tokens", "token_embd"}, [RJ_FINAL_NORM] = {"model.norm", "output_norm"},  \
    [RJ_HEAD] = {"lm_head", "output"}
#define RJ_STEMS_ATTENTION                                                                                   \
    [RJ_QUERY] = {"model.layers.#.self_attn.q_proj", "blk.#.attn_q"},                                        \
    [RJ_KEY] = {"model.layers.#.self_attn.k_proj", "blk.#.attn_k"},                                          \
    [RJ_VALUE] = {"model.layers.#.self_attn.v_proj", "blk.#.attn_v"},                                        \
    [RJ_ATTENTION_OUT] = {"model.layers.#.self_attn.o_proj", "blk.#.attn_output"}
#define RJ_STEMS_NORMS                                                                                       \
    [RJ_ATTENTION_NORM] = {"model.layers.#.input_layernorm", "blk.#.attn_norm"},                             \
    [RJ_MLP_NORM] = {"model.layers.#.post_attention_layernorm", "blk.#.ffn_norm"}
#define RJ_STEMS_SANDWICH /* a norm before and behind each sublayer */                                       \
    [RJ_ATTENTION_NORM] = {"model.layers.#.input_layernorm", "blk.#.attn_norm"},                             \
    [RJ_ATTENTION_POST_NORM] = {"model.layers.#.post_attention_layernorm", "blk.#.post_attention_norm"},     \
    [RJ_MLP_NORM] = {"model.layers.#.pre_feedforward_layernorm", "blk.#.ffn_norm"},                          \
    [RJ_MLP_POST_NORM] = {"model.layers.#.post_feedforward_layernorm", "blk.#.post_ffw_norm"}
#define RJ_STEMS_HEAD_NORMS /* of queries and keys */                                                        \
    [RJ_QUERY_NORM] = {"model.layers.#.self_attn.q_norm", "blk.#.attn_q_norm"},                              \
    [RJ_KEY_NORM] = {"model.layers.#.self_attn.k_norm", "blk.#.attn_k_norm"}
#define RJ_STEMS_GATED                                                                                       \
    [RJ_GATE] = {"model.layers.#.mlp.gate_proj", "blk.#.ffn_gate"},                                          \
    [RJ_UP] = {"model.layers.#.mlp.up_proj", "blk.#.ffn_up"},                                                \
    [RJ_DOWN] = {"model.layers.#.mlp.down_proj", "blk.#.ffn_down"}
#endif
