/* neutral.c: refuses keys that change the mathematics in a way that the family does not evaluate. */
#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "resjac/model/config_source.h"

enum { TEXT_SIZE = 160 };

/* Of all families: files say one architecture and were edited to be another, or have the keys of a relative. A key that a
 * family reads is not looked at here. */
static const rj_neutral table[] = {
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
    {{"rotary_dim", NULL}, NAN, NULL},
    {{"rotary", NULL}, 1, NULL},
    {{"attention_bias", NULL}, 0, NULL},
    {{"mlp_bias", NULL}, 0, NULL},
    {{"bias", NULL}, 0, NULL},
    {{"apply_residual_connection_post_layernorm", NULL}, 0, NULL},
    {{"scale_attn_weights", NULL}, 1, NULL},
    {{"scale_attn_by_inverse_layer_idx", NULL}, 0, NULL},
    {{"num_ln_in_parallel_attn", NULL}, NAN, NULL},
    {{"multi_query", NULL}, 0, NULL},
    {{"attention_types", NULL}, NAN, NULL},
    {{"no_rope_layers", NULL}, NAN, NULL},
    {{"no_rope_layer_interval", NULL}, 0, NULL},
    {{"is_causal", "attention.causal"}, 1, NULL},
    {{"use_bidirectional_attention", NULL}, 0, NULL},
    {{"use_mrope", NULL}, 0, NULL},
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

static bool json_is_neutral(const json_t *value, const rj_neutral *n)
{
    size_t i = 0;
    const json_t *entry = NULL;

    switch (json_typeof(value)) {
    case JSON_NULL:
        return true;
    case JSON_FALSE:
        return n->neutral == 0.0;
    case JSON_TRUE:
        return n->neutral == 1.0;
    case JSON_INTEGER:
    case JSON_REAL:
        return json_number_value(value) == n->neutral;
    case JSON_STRING:
        return n->text != NULL && strcmp(json_string_value(value), n->text) == 0;
    case JSON_ARRAY:
        json_array_foreach((json_t *)value, i, entry) if (!json_is_neutral(entry, n)) return false;
        return true;
    case JSON_OBJECT:
        return json_object_size(value) == 0;
    }
    return false;
}

static rj_status json_check(const rj_config_source *s, const rj_neutral *n)
{
    rj_status st = RJ_OK;
    const rj_json *j = &s->json;
    const char *key = n->name[RJ_FORMAT_SAFETENSORS];
    const char *last = key;
    const json_t *in = rj_source_object(s, key, &last), *value = json_object_get(in, last);
    char text[TEXT_SIZE] = "";

    if (value == NULL || json_is_neutral(value, n)) return RJ_OK;
    const size_t length = json_dumpb(value, text, sizeof text - 1, JSON_ENCODE_ANY | JSON_COMPACT);
    text[length < sizeof text - 1 ? length : sizeof text - 1] = '\0';
    RJ_FAIL(RJ_ERR_FORMAT, "%s: %s = %s changes the mathematics; family %s does not evaluate it", j->path,
            key, text, s->family->name);
done:
    return st;
}

static rj_status gguf_check(const rj_config_source *s, const rj_neutral *n)
{
    rj_status st = RJ_OK;
    const rj_gguf *g = s->gguf;
    char key[RJ_SOURCE_NAME_SIZE];
    double value = 0.0;
    bool flag = false;

    rj_source_key(s, n->name[RJ_FORMAT_GGUF], key);
    if (!rj_gguf_has(g, key)) return RJ_OK;
    if (rj_gguf_bool(g, key, &flag) == RJ_OK)
        value = flag ? 1.0 : 0.0;
    else
        RJ_TRY(rj_gguf_number(g, key, &value));
    RJ_REQUIRE(value == n->neutral, RJ_ERR_FORMAT,
               "%s: %s = %g changes the mathematics; family %s does not evaluate it", s->file, key, value,
               s->family->name);
done:
    return st;
}

static bool is_end(const rj_neutral *n)
{
    return n == NULL || (n->name[0] == NULL && n->name[1] == NULL);
}

/* The n-th key that the family reads or fixes, in the file's format; NULL behind the last. "" where the format has none. */
static const char *own_key(const rj_config_source *s, int n, bool *fixed)
{
    *fixed = false;
    for (const rj_key *const *list = s->family->keys; *list != NULL; list++)
        for (const rj_key *k = *list; k->name[0] != NULL || k->name[1] != NULL; k++)
            if (n-- == 0) return k->name[s->format] != NULL ? k->name[s->format] : "";
    *fixed = true;
    for (const rj_neutral *k = s->family->fixed; !is_end(k); k++)
        if (n-- == 0) return k->name[s->format] != NULL ? k->name[s->format] : "";
    return NULL;
}

static bool is_own(const rj_config_source *s, const char *name, bool want_fixed)
{
    bool fixed = false;
    const char *key = NULL;

    for (int n = 0; (key = own_key(s, n, &fixed)) != NULL; n++)
        if (fixed == want_fixed && strcmp(key, name) == 0) return true;
    return false;
}

bool rj_key_is_read(const rj_config_source *s, const char *name)
{
    return is_own(s, name, false);
}

bool rj_key_is_checked(const rj_config_source *s, const char *name)
{
    for (const rj_neutral *n = table; !is_end(n); n++)
        if (n->name[s->format] != NULL && strcmp(n->name[s->format], name) == 0) return true;
    return is_own(s, name, true);
}

bool rj_key_is_outer(const rj_config_source *s, const char *begin)
{
    bool fixed = false;
    const char *key = NULL;

    for (int n = 0; (key = own_key(s, n, &fixed)) != NULL; n++)
        if (strncmp(key, begin, strlen(begin)) == 0) return true;
    return false;
}

static rj_status check(const rj_config_source *s, const rj_neutral *n)
{
    if (n->name[s->format] == NULL) return RJ_OK;
    return s->format == RJ_FORMAT_GGUF ? gguf_check(s, n) : json_check(s, n);
}

/* Whether it says nothing of this family. */
static bool is_passed(const rj_config_source *s, const char *name)
{
    if (s->format != RJ_FORMAT_SAFETENSORS) return false;
    for (const char *const *p = s->family->passed; p != NULL && *p != NULL; p++)
        if (fnmatch(*p, name, 0) == 0) return true;
    return false;
}

rj_status rj_neutral_check(const rj_config_source *s)
{
    rj_status st = RJ_OK;

    for (const rj_neutral *n = table; !is_end(n); n++) {
        const char *name = n->name[s->format];
        if (name == NULL || is_own(s, name, false) || is_own(s, name, true) || is_passed(s, name)) continue;
        RJ_TRY(check(s, n));
    }
    for (const rj_neutral *n = s->family->fixed; !is_end(n); n++) RJ_TRY(check(s, n));
    if (s->format != RJ_FORMAT_SAFETENSORS) goto done;
    for (const char *const *key = s->family->needed; key != NULL && *key != NULL; key++)
        RJ_REQUIRE(json_object_get(s->json.root, *key) != NULL, RJ_ERR_FORMAT,
                   "%s: %s is missing; its default is not evaluated for family %s", s->json.path, *key,
                   s->family->name);
done:
    return st;
}
