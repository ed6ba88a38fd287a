/* config.c: configuration keys into rj_config, by the family's table. */
#include "resjac/model/config.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "resjac/base/memory.h"
#include "resjac/model/config_source.h"
#include "resjac/model/roles.h"

enum { MOST = 1 << 24 }; /* any size of a model; its products of two fit 64 bits */

const json_t *rj_source_object(const rj_config_source *s, const char *key, const char **last)
{
    const char *dot = strchr(key, '.');
    char outer[64];

    *last = key;
    if (dot == NULL) return s->json.root;
    *last = dot + 1;
    snprintf(outer, sizeof outer, "%.*s", (int)(dot - key), key);
    return json_object_get(s->json.root, outer);
}

void rj_source_key(const rj_config_source *s, const char *key, char name[RJ_SOURCE_NAME_SIZE])
{
    snprintf(name, RJ_SOURCE_NAME_SIZE, "%s.%s", s->family->architecture, key);
}

rj_status rj_source_gguf_number(const rj_config_source *s, const char *key, double *value)
{
    char name[RJ_SOURCE_NAME_SIZE];

    rj_source_key(s, key, name);
    return rj_gguf_has(s->gguf, name) ? rj_gguf_number(s->gguf, name, value) : RJ_OK;
}

/* The value as the field's type; fallbacks come here too and pass unchecked. */
static void fill(rj_config *c, const rj_key *k, double value)
{
    void *field = (char *)c + k->field;

    if (value == RJ_KEEP) return;
    switch (k->kind) {
    case RJ_KEY_INTEGER:
    case RJ_KEY_OPTIONAL:
    case RJ_KEY_COUNT:
        *(int *)field = (int)value;
        break;
    case RJ_KEY_NUMBER:
    case RJ_KEY_CAP:
        *(double *)field = value;
        break;
    case RJ_KEY_BOOL:
    case RJ_KEY_NOT:
        *(bool *)field = value != 0.0;
        break;
    case RJ_KEY_ACTIVATION:
    case RJ_KEY_FEED_FORWARD:
        *(rj_activation *)field = (rj_activation)(int)value;
        break;
    case RJ_KEY_LAYERS:
    case RJ_KEY_PATTERN:
        break;
    }
}

static rj_status fill_integer(rj_config *c, const rj_key *k, int64_t value, const char *file,
                              const char *name)
{
    rj_status st = RJ_OK;
    const int least = k->kind == RJ_KEY_COUNT ? 0 : 1;

    RJ_REQUIRE(least <= value && value <= MOST, RJ_ERR_FORMAT, "%s: %s = %lld, needs %d..%d", file, name,
               (long long)value, least, (int)MOST);
    fill(c, k, (double)value);
done:
    return st;
}

static rj_status fill_number(rj_config *c, const rj_key *k, double value, const char *file, const char *name)
{
    rj_status st = RJ_OK;

    RJ_REQUIRE(isfinite(value) && value >= 0.0, RJ_ERR_FORMAT, "%s: %s = %g, needs a number >= 0", file, name,
               value);
    fill(c, k, value);
done:
    return st;
}

/* An absent or null key. */
static void fall_back(rj_config *c, const rj_key *k, bool is_null)
{
    const bool derived =
        is_null && (k->kind == RJ_KEY_COUNT || k->kind == RJ_KEY_OPTIONAL || k->kind == RJ_KEY_CAP);
    fill(c, k, derived ? 0.0 : k->fallback[RJ_FORMAT_SAFETENSORS]);
}

static rj_status read_activation(const rj_config_source *s, const rj_key *k, const char *name,
                                 const char *text, rj_config *c)
{
    rj_status st = RJ_OK;
    rj_activation activation = RJ_ACT_SILU;

    const bool gated = k->kind == RJ_KEY_FEED_FORWARD && strncmp(text, "gated-", 6) == 0;
    RJ_REQUIRE(rj_activation_find(gated ? text + 6 : text, &activation), RJ_ERR_FORMAT,
               "%s: %s = \"%s\" is no known activation; known: %s", s->file, name, text,
               rj_activation_names());
    if (k->kind == RJ_KEY_FEED_FORWARD) c->gated = gated;
    if ((gated || s->family->gelu_is_tanh) && activation == RJ_ACT_GELU) activation = RJ_ACT_GELU_TANH;
    fill(c, k, activation);
done:
    return st;
}

static rj_status read_json_key(const rj_config_source *s, const rj_key *k, rj_config *c)
{
    rj_status st = RJ_OK;
    const rj_json *j = &s->json;
    const char *name = k->name[RJ_FORMAT_SAFETENSORS], *text = NULL;
    const json_t *in = rj_source_object(s, name, &name), *found = json_object_get(in, name);
    int64_t integer = 0;
    double number = 0.0;
    bool flag = false;

    if (found == NULL || json_is_null(found)) {
        RJ_REQUIRE(found != NULL || !isnan(k->fallback[RJ_FORMAT_SAFETENSORS]), RJ_ERR_FORMAT,
                   "%s: %s is missing; family %s needs it", j->path, name, s->family->name);
        fall_back(c, k, found != NULL);
        goto done;
    }
    switch (k->kind) {
    case RJ_KEY_INTEGER:
    case RJ_KEY_OPTIONAL:
    case RJ_KEY_COUNT:
        RJ_TRY(rj_json_integer(j, in, name, true, &integer));
        RJ_TRY(fill_integer(c, k, integer, j->path, name));
        break;
    case RJ_KEY_NUMBER:
    case RJ_KEY_CAP:
        RJ_TRY(rj_json_number(j, in, name, true, &number));
        RJ_REQUIRE(k->kind == RJ_KEY_NUMBER || number > 0.0, RJ_ERR_FORMAT, "%s: %s = %g, needs a number > 0",
                   j->path, name, number);
        RJ_TRY(fill_number(c, k, number, j->path, name));
        break;
    case RJ_KEY_BOOL:
        RJ_TRY(rj_json_bool(j, in, name, true, &flag));
        fill(c, k, flag);
        break;
    case RJ_KEY_NOT:
        RJ_TRY(rj_json_bool(j, in, name, true, &flag));
        fill(c, k, !flag);
        break;
    case RJ_KEY_ACTIVATION:
    case RJ_KEY_FEED_FORWARD:
        RJ_TRY(rj_json_string(j, in, name, true, &text));
        RJ_TRY(read_activation(s, k, name, text, c));
        break;
    case RJ_KEY_LAYERS:
    case RJ_KEY_PATTERN:
        RJ_TRY(rj_layers_read(s, k->kind, name, found, c));
        break;
    }
done:
    return st;
}

/* GGUF has no keys of activations or lists: llama.cpp fixes activations by architecture, and biases by their tensors. */
static rj_status read_gguf_key(const rj_config_source *s, const rj_key *k, rj_config *c)
{
    rj_status st = RJ_OK;
    const rj_gguf *g = s->gguf;
    char name[RJ_SOURCE_NAME_SIZE];
    int64_t integer = 0;
    double number = 0.0;
    bool flag = false;

    rj_source_key(s, k->name[RJ_FORMAT_GGUF], name);
    if (!rj_gguf_has(g, name) && !isnan(k->fallback[RJ_FORMAT_GGUF])) {
        fill(c, k, k->fallback[RJ_FORMAT_GGUF]);
        goto done;
    }
    if (k->kind == RJ_KEY_BOOL) {
        RJ_TRY(rj_gguf_bool(g, name, &flag));
        fill(c, k, flag);
    } else if (k->kind != RJ_KEY_NUMBER && k->kind != RJ_KEY_CAP) {
        RJ_TRY(rj_gguf_integer(g, name, &integer));
        RJ_TRY(fill_integer(c, k, integer, s->file, name));
    } else {
        RJ_TRY(rj_gguf_number(g, name, &number));
        RJ_TRY(fill_number(c, k, number, s->file, name));
    }
done:
    return st;
}

static rj_status open_gguf(rj_config_source *s)
{
    rj_status st = RJ_OK;
    rj_span architecture = {NULL, 0};
    double n_expert = 0.0;

    s->gguf = rj_weights_metadata(s->weights);
    snprintf(s->file, sizeof s->file, "%s", rj_gguf_path(s->gguf));
    RJ_TRY(rj_gguf_string(s->gguf, "general.architecture", &architecture));
    s->family = rj_family_of_architecture(architecture.text, architecture.n, false);
    if (s->family != NULL) {
        const rj_family *sparse = rj_family_of_architecture(architecture.text, architecture.n, true);
        RJ_TRY(rj_source_gguf_number(s, "expert_count", &n_expert));
        if (sparse != NULL && n_expert > 0.0) s->family = sparse;
    }
    RJ_REQUIRE(s->family != NULL, RJ_ERR_FORMAT,
               "%s: general.architecture = \"%.*s\" is no known architecture; known: %s", s->file,
               (int)(architecture.n < RJ_SOURCE_NAME_SIZE ? architecture.n : RJ_SOURCE_NAME_SIZE),
               architecture.text, rj_family_names(RJ_FORMAT_GGUF));
done:
    return st;
}

/* A multimodal file keeps the keys of its language model in text_config. */
static rj_status descend(rj_config_source *s, const char *outer)
{
    rj_status st = RJ_OK;
    json_t *text = json_object_get(s->json.root, "text_config");
    const char *inner = s->family->model_type;

    RJ_REQUIRE(json_is_object(text), RJ_ERR_FORMAT, "%s: model_type = \"%s\" needs the object text_config",
               s->file, outer);
    RJ_TRY(rj_neutral_check(s));
    const size_t n = strlen(s->file);
    snprintf(s->file + n, sizeof s->file - n, ": text_config");
    s->json.root = text;
    RJ_TRY(rj_json_string(&s->json, NULL, "model_type", false, &inner));
    RJ_REQUIRE(strcmp(inner, s->family->model_type) == 0, RJ_ERR_FORMAT,
               "%s: model_type = \"%s\", \"%s\" needs \"%s\"", s->file, inner, outer, s->family->model_type);
done:
    return st;
}

static rj_status open_json(rj_config_source *s)
{
    rj_status st = RJ_OK;
    const rj_json *j = rj_weights_config(s->weights);
    const char *model_type = NULL;

    snprintf(s->file, sizeof s->file, "%s", j->path);
    s->json = (rj_json){s->file, j->root};
    RJ_TRY(rj_json_string(j, NULL, "model_type", true, &model_type));
    s->family = rj_family_of_model_type(model_type);
    RJ_REQUIRE(s->family != NULL, RJ_ERR_FORMAT, "%s: model_type = \"%s\" is no known model type; known: %s",
               s->file, model_type, rj_family_names(RJ_FORMAT_SAFETENSORS));
    if (strcmp(model_type, s->family->model_type) != 0) RJ_TRY(descend(s, model_type));
done:
    return st;
}

/* GGUF gives the size of a value head on its own. */
static rj_status check_value_size(const rj_config_source *s, int d_head)
{
    rj_status st = RJ_OK;
    double size = d_head;

    if (s->format != RJ_FORMAT_GGUF) goto done;
    RJ_TRY(rj_source_gguf_number(s, "attention.value_length", &size));
    RJ_REQUIRE(size == d_head, RJ_ERR_FORMAT,
               "%s: %s.attention.value_length = %.0f, needs the size %d of a key head", s->file,
               s->family->architecture, size, d_head);
done:
    return st;
}

static rj_status derive_heads(const rj_config_source *s, rj_config *c)
{
    rj_status st = RJ_OK;

    if (c->n_kv_head == 0) c->n_kv_head = c->n_head;
    if (c->multi_query && !c->grouped) c->n_kv_head = 1;
    RJ_REQUIRE(c->n_head % c->n_kv_head == 0, RJ_ERR_FORMAT,
               "%s: %d attention heads are not a multiple of %d key-value heads", s->file, c->n_head,
               c->n_kv_head);
    if (c->d_head == 0) {
        RJ_REQUIRE(c->d % c->n_head == 0, RJ_ERR_FORMAT,
                   "%s: hidden size %d is not a multiple of %d heads and no head size is given", s->file,
                   c->d, c->n_head);
        c->d_head = c->d / c->n_head;
    }
    RJ_REQUIRE(((int64_t)c->n_head + 2 * c->n_kv_head) * c->d_head <= MOST, RJ_ERR_FORMAT,
               "%s: %d + 2 x %d heads of size %d exceed %d", s->file, c->n_head, c->n_kv_head, c->d_head,
               (int)MOST);
    RJ_TRY(check_value_size(s, c->d_head));
done:
    return st;
}

/* Fills in what the keys leave to be derived. */
static rj_status derive(const rj_config_source *s, rj_config *c)
{
    rj_status st = RJ_OK;
    const rj_family *f = s->family;

    RJ_TRY(derive_heads(s, c));
    RJ_TRY(rj_layers_derive(s, c));
    if (c->n_norm == 0) c->n_norm = c->grouped ? 2 : 1;
    c->shared_norm = c->parallel && c->n_norm == 1 && f->stem[RJ_SHARED_NORM][s->format] != NULL;
    if (c->d_embedding == 0) c->d_embedding = c->d;
    c->no_final_norm |= c->sum_norms;
    RJ_REQUIRE(c->d_gate_up % 2 == 0, RJ_ERR_FORMAT, "%s: mlp_hidden_size = %d is odd; it is gate and up",
               s->file, c->d_gate_up);
    if (c->d_gate_up > 0) c->d_ff = c->d_gate_up / 2;
    if (c->d_ff == 0) c->d_ff = 4 * c->d;
    RJ_REQUIRE(c->n_expert <= RJ_MAX_EXPERTS && c->n_expert_used <= c->n_expert, RJ_ERR_FORMAT,
               "%s: %d of %d experts a token, needs at most all of at most %d", s->file, c->n_expert_used,
               c->n_expert, RJ_MAX_EXPERTS);
    RJ_REQUIRE(!rj_role_is_of_heads(f, RJ_QUERY_NORM) || c->n_head <= RJ_MAX_EXPERTS, RJ_ERR_FORMAT,
               "%s: %d attention heads, of family %s at most %d", s->file, c->n_head, f->name,
               RJ_MAX_EXPERTS);
    if (c->query_scalar == 0.0) c->query_scalar = c->d_head;
    RJ_REQUIRE(c->position != RJ_POSITION_BUCKETS || c->n_bucket >= 4, RJ_ERR_FORMAT,
               "%s: %d buckets of distances, needs at least 4", s->file, c->n_bucket);
    RJ_REQUIRE(c->position != RJ_POSITION_BUCKETS ||
                   c->bucket_distance > c->n_bucket / (c->bidirectional ? 4 : 2),
               RJ_ERR_FORMAT, "%s: the last of %d buckets has all from distance %d on, needs more than %d",
               s->file, c->n_bucket, c->bucket_distance, c->n_bucket / (c->bidirectional ? 4 : 2));
    if (s->format == RJ_FORMAT_GGUF && c->n_layer == f->gguf_n_layer_by_width)
        c->query_scalar = (double)c->d / c->n_head;
    c->scale = c->scaled ? 1.0 / sqrt(c->query_scalar) : 1.0;
    c->embedding_scale = f->embedding_by_sqrt_d ? sqrt((double)c->d) : 1.0;
done:
    return st;
}

static rj_status read_keys(const rj_config_source *s, const rj_key *keys, rj_config *c)
{
    rj_status st = RJ_OK;

    for (const rj_key *k = keys; k->name[0] != NULL || k->name[1] != NULL; k++) {
        if (k->name[s->format] == NULL)
            fill(c, k, k->fallback[s->format]);
        else if (s->format == RJ_FORMAT_GGUF)
            RJ_TRY(read_gguf_key(s, k, c));
        else
            RJ_TRY(read_json_key(s, k, c));
    }
done:
    return st;
}

static rj_status choose_stack(rj_config_source *s, rj_stack stack)
{
    rj_status st = RJ_OK;

    RJ_REQUIRE(stack == RJ_STACK_DEFAULT || s->family->decoder != NULL, RJ_ERR_USAGE,
               "%s: the %s is asked for, but of family %s there is one stack; leave out the key stack",
               s->file, stack == RJ_STACK_ENCODER ? "encoder" : "decoder", s->family->name);
    if (stack == RJ_STACK_DECODER) s->family = s->family->decoder;
done:
    return st;
}

rj_status rj_config_read(const rj_weights *w, rj_config *config)
{
    return rj_config_read_stack(w, RJ_STACK_DEFAULT, config);
}

rj_status rj_config_read_stack(const rj_weights *w, rj_stack stack, rj_config *config)
{
    rj_status st = RJ_OK;
    rj_config_source s = {.weights = w, .format = rj_weights_format(w)};
    rj_config c = {0};

    RJ_TRY(s.format == RJ_FORMAT_GGUF ? open_gguf(&s) : open_json(&s));
    RJ_TRY(choose_stack(&s, stack));
    RJ_TRY(rj_neutral_check(&s));
    RJ_TRY(rj_known_check(&s));
    c = s.family->base;
    c.family = s.family->name;
    for (const rj_key *const *list = s.family->keys; *list != NULL; list++) RJ_TRY(read_keys(&s, *list, &c));
    RJ_TRY(derive(&s, &c));
    RJ_TRY(rj_rope_read(&s, &c));
    *config = c;
    c = (rj_config){0};
done:
    rj_config_free(&c);
    return st;
}

static void free_lists(rj_rope *rope)
{
    RJ_FREE(rope->short_factor);
    RJ_FREE(rope->long_factor);
    RJ_FREE(rope->divisor);
}

void rj_config_free(rj_config *config)
{
    free_lists(&config->rope);
    free_lists(&config->local_rope);
}

bool rj_config_ends_in_norm(const rj_config *c)
{
    return !c->no_final_norm && c->d_embedding == c->d;
}

const char *rj_config_end(const rj_config *c)
{
    return c->no_final_norm ? "no norm follows it" : "a projection to another size follows the norm";
}

double rj_config_scale(const rj_config *c, int layer)
{
    return c->scaled_by_layer ? c->scale / (layer + 1) : c->scale;
}

int rj_config_window(const rj_config *c, int layer)
{
    return c->sliding[layer] ? c->window : 0;
}

const rj_rope *rj_config_rope(const rj_config *c, int layer)
{
    if (c->position != RJ_POSITION_ROTARY) return NULL;
    return c->has_local_rope && c->sliding[layer] ? &c->local_rope : &c->rope;
}
