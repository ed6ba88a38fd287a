/* known_keys.c: a key of config.json that nobody here knows may be mathematics that nobody does. */
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "resjac/model/config_source.h"

/* Patterns (fnmatch) of keys that say nothing about a block: training, generation, files, labels, how attention is computed. */
static const char *const harmless[] = {
    "_*",
    "*_token",
    "*_token_id",
    "*_token_ids",
    "*dropout*",
    "*pdrop*",
    "*suppress_tokens",
    "*no_repeat_ngram_size",
    "architectures",
    "attention_softmax_in_fp32",
    "attn_impl",
    "attn_implementation",
    "attn_uses_sequence_id",
    "auto_map",
    "bad_words_ids",
    "bias_dropout_fusion",
    "cache_implementation",
    "chunk_size_feed_forward",
    "cross_attention_hidden_size",
    "diversity_penalty",
    "do_sample",
    "dtype",
    "early_stopping",
    "embedding_fraction",
    "exponential_decay_length_penalty",
    "finetuning_task",
    "flash_att*",
    "forced_*",
    "gradient_checkpointing",
    "id2label",
    "init_*",
    "initializer_*",
    "is_decoder",
    "is_llama_config",
    "label2id",
    "layerdrop",
    "learned_pos_emb",
    "length_penalty",
    "license",
    "masked_softmax_fusion",
    "max_length",
    "max_sequence_length",
    "max_window_layers",
    "min_length",
    "mm_tokens_per_image",
    "model_type",
    "n_ctx",
    "name_or_path",
    "num_beam*",
    "num_labels",
    "num_return_sequences",
    "offset_alibi",
    "output_*",
    "prefix",
    "pretraining_tp",
    "problem_type",
    "pruned_heads",
    "remove_invalid_values",
    "reorder_and_upcast_attn",
    "repetition_penalty",
    "return_dict*",
    "skip_bias_add*",
    "slow_but_exact",
    "summary_*",
    "task_specific_params",
    "temperature",
    "tf_legacy_loss",
    "tie_encoder_decoder",
    "tokenizer_class",
    "tokenizer_name",
    "top_k",
    "top_p",
    "torch_dtype",
    "torchscript",
    "transformers.js_config",
    "transformers_version",
    "typical_p",
    "unsloth_*",
    "use_bfloat16",
    "use_cache",
    "use_flash_att*",
    "verbose",
    "vocab_size",
    NULL,
};

/* What rope_config.c reads. */
static const char *const rotary[] = {"rope_theta", "rope_scaling", "rope_parameters",
                                     "original_max_position_embeddings", NULL};

static bool matches(const char *const *patterns, const char *key)
{
    for (const char *const *p = patterns; p != NULL && *p != NULL; p++)
        if (fnmatch(*p, key, 0) == 0) return true;
    return false;
}

static bool is_known(const rj_config_source *s, const char *key)
{
    const rj_family *f = s->family;
    const char *const own[] = {f->theta_key, f->local_theta[RJ_FORMAT_SAFETENSORS]};

    for (int i = 0; i < 2; i++)
        if (own[i] != NULL && strcmp(own[i], key) == 0) return true;
    return rj_key_is_read(s, key) || rj_key_is_checked(s, key) || matches(rotary, key) ||
           matches(harmless, key) || matches(f->needed, key) || matches(f->passed, key);
}

static rj_status check_object(const rj_config_source *s, const json_t *object, const char *outer)
{
    rj_status st = RJ_OK;
    const char *key = NULL;
    json_t *value = NULL;
    char name[RJ_SOURCE_NAME_SIZE];

    json_object_foreach((json_t *)object, key, value)
    {
        snprintf(name, sizeof name, "%s%s", outer, key);
        if (json_is_null(value) || is_known(s, name) || matches(harmless, key)) continue;
        snprintf(name, sizeof name, "%s%s.", outer, key);
        RJ_REQUIRE(
            json_is_object(value) && rj_key_is_outer(s, name), RJ_ERR_FORMAT,
            "%s: the key %s%s is not known to family %s; if it does not change what the model computes, take "
            "it out of the file",
            s->json.path, outer, key, s->family->name);
        RJ_TRY(check_object(s, value, name));
    }
done:
    return st;
}

rj_status rj_known_check(const rj_config_source *s)
{
    return s->format == RJ_FORMAT_SAFETENSORS ? check_object(s, s->json.root, "") : RJ_OK;
}
