/* family_rows.c: keys and names that the families in the tradition of Llama share. */
#include "resjac/model/family_rows.h"

const rj_key rj_keys_llama[] = {
    {{"num_hidden_layers", "block_count"}, {RJ_KEEP, NAN}, RJ_KEY_INTEGER, RJ_FIELD(n_layer)},
    {{"hidden_size", "embedding_length"}, {RJ_KEEP, NAN}, RJ_KEY_INTEGER, RJ_FIELD(d)},
    {{"num_attention_heads", "attention.head_count"}, {RJ_KEEP, NAN}, RJ_KEY_INTEGER, RJ_FIELD(n_head)},
    {{"num_key_value_heads", "attention.head_count_kv"}, {RJ_KEEP, 0}, RJ_KEY_OPTIONAL, RJ_FIELD(n_kv_head)},
    {{"head_dim", "attention.key_length"}, {RJ_KEEP, 0}, RJ_KEY_INTEGER, RJ_FIELD(d_head)},
    {{"intermediate_size", "feed_forward_length"}, {RJ_KEEP, NAN}, RJ_KEY_INTEGER, RJ_FIELD(d_ff)},
    {{"max_position_embeddings", "context_length"}, {RJ_KEEP, NAN}, RJ_KEY_INTEGER, RJ_FIELD(max_context)},
    {{"tie_word_embeddings", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_BOOL, RJ_FIELD(tied_head)},
    {{"initializer_range", NULL}, {RJ_KEEP, RJ_KEEP}, RJ_KEY_NUMBER, RJ_FIELD(initializer_range)},
    RJ_KEYS_END,
};

const rj_prefix rj_prefixes_llama[] = {{"model.", ""}, {"", ""}, {NULL, NULL}};
const char *const rj_ignored_llama[] = {"*.rotary_emb.inv_freq", NULL};
