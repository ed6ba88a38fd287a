/* config.c: configuration keys into rj_config, by the family's table. */
#include "resjac/model/config.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "resjac/base/memory.h"
#include "resjac/model/family.h"

enum { KEY_SIZE = 192, MOST = 1 << 24 }; /* any size of a model; its products of two fit 64 bits */

static void *field_of(rj_config *c, const rj_key *k)
{
    return (char *)c + k->field;
}

/* The value as the field's type; fallbacks come here too and pass unchecked. */
static void fill(rj_config *c, const rj_key *k, double value)
{
    void *field = field_of(c, k);

    switch (k->kind) {
    case RJ_KEY_INTEGER:
        *(int *)field = (int)value;
        break;
    case RJ_KEY_NUMBER:
        *(double *)field = value;
        break;
    case RJ_KEY_BOOL:
        *(bool *)field = value != 0.0;
        break;
    case RJ_KEY_ACTIVATION:
        *(rj_activation *)field = (rj_activation)(int)value;
        break;
    }
}

static rj_status fill_integer(rj_config *c, const rj_key *k, int64_t value, const char *file,
                              const char *name)
{
    rj_status st = RJ_OK;

    RJ_REQUIRE(1 <= value && value <= MOST, RJ_ERR_FORMAT, "%s: %s = %lld, needs 1..%d", file, name,
               (long long)value, (int)MOST);
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

static rj_status read_json_key(const rj_json *j, const rj_key *k, rj_config *c)
{
    rj_status st = RJ_OK;
    const char *name = k->name[RJ_FORMAT_SAFETENSORS], *text = NULL;
    const json_t *found = json_object_get(j->root, name);
    int64_t integer = 0;
    double number = 0.0;
    bool flag = false;
    rj_activation activation = RJ_ACT_SILU;

    if (found == NULL || json_is_null(found)) {
        fill(c, k, k->fallback[RJ_FORMAT_SAFETENSORS]);
        goto done;
    }
    switch (k->kind) {
    case RJ_KEY_INTEGER:
        RJ_TRY(rj_json_integer(j, NULL, name, true, &integer));
        RJ_TRY(fill_integer(c, k, integer, j->path, name));
        break;
    case RJ_KEY_NUMBER:
        RJ_TRY(rj_json_number(j, NULL, name, true, &number));
        RJ_TRY(fill_number(c, k, number, j->path, name));
        break;
    case RJ_KEY_BOOL:
        RJ_TRY(rj_json_bool(j, NULL, name, true, &flag));
        fill(c, k, flag);
        break;
    case RJ_KEY_ACTIVATION:
        RJ_TRY(rj_json_string(j, NULL, name, true, &text));
        RJ_REQUIRE(rj_activation_find(text, &activation), RJ_ERR_FORMAT,
                   "%s: %s = \"%s\" is no known activation; known: %s", j->path, name, text,
                   rj_activation_names());
        fill(c, k, activation);
    }
done:
    return st;
}

/* GGUF has no keys of the other kinds: llama.cpp fixes activations by architecture, and biases by their tensors. */
static rj_status read_gguf_key(const rj_gguf *g, const rj_family *family, const rj_key *k, rj_config *c)
{
    rj_status st = RJ_OK;
    char name[KEY_SIZE];
    int64_t integer = 0;
    double number = 0.0;

    snprintf(name, sizeof name, "%s.%s", family->architecture, k->name[RJ_FORMAT_GGUF]);
    if (!rj_gguf_has(g, name) && !isnan(k->fallback[RJ_FORMAT_GGUF])) {
        fill(c, k, k->fallback[RJ_FORMAT_GGUF]);
        goto done;
    }
    if (k->kind == RJ_KEY_INTEGER) {
        RJ_TRY(rj_gguf_integer(g, name, &integer));
        RJ_TRY(fill_integer(c, k, integer, rj_gguf_path(g), name));
    } else {
        RJ_TRY(rj_gguf_number(g, name, &number));
        RJ_TRY(fill_number(c, k, number, rj_gguf_path(g), name));
    }
done:
    return st;
}

static rj_status find_family(const rj_weights *w, const rj_family **family)
{
    rj_status st = RJ_OK;
    const rj_json *j = rj_weights_config(w);
    const rj_gguf *g = rj_weights_metadata(w);
    const char *model_type = NULL;
    rj_span architecture = {NULL, 0};

    if (rj_weights_format(w) == RJ_FORMAT_GGUF) {
        RJ_TRY(rj_gguf_string(g, "general.architecture", &architecture));
        *family = rj_family_of_architecture(architecture.text, architecture.n);
        RJ_REQUIRE(*family != NULL, RJ_ERR_FORMAT,
                   "%s: general.architecture = \"%.*s\" is no known architecture; known: %s", rj_gguf_path(g),
                   (int)(architecture.n < KEY_SIZE ? architecture.n : KEY_SIZE), architecture.text,
                   rj_family_names(RJ_FORMAT_GGUF));
    } else {
        RJ_TRY(rj_json_string(j, NULL, "model_type", true, &model_type));
        *family = rj_family_of_model_type(model_type);
        RJ_REQUIRE(*family != NULL, RJ_ERR_FORMAT,
                   "%s: model_type = \"%s\" is no known model type; known: %s", j->path, model_type,
                   rj_family_names(RJ_FORMAT_SAFETENSORS));
    }
done:
    return st;
}

/* GGUF gives the size of a value head on its own. */
static rj_status check_value_size(const rj_weights *w, const rj_family *family, int d_head)
{
    rj_status st = RJ_OK;
    const rj_gguf *g = rj_weights_metadata(w);
    char name[KEY_SIZE];
    int64_t size = d_head;

    if (rj_weights_format(w) != RJ_FORMAT_GGUF) goto done;
    snprintf(name, sizeof name, "%s.attention.value_length", family->architecture);
    if (rj_gguf_has(g, name)) RJ_TRY(rj_gguf_integer(g, name, &size));
    RJ_REQUIRE(size == d_head, RJ_ERR_FORMAT, "%s: %s = %lld, needs the size %d of a key head",
               rj_gguf_path(g), name, (long long)size, d_head);
done:
    return st;
}

const char *rj_config_file(const rj_weights *w)
{
    return rj_weights_format(w) == RJ_FORMAT_GGUF ? rj_gguf_path(rj_weights_metadata(w))
                                                  : rj_weights_config(w)->path;
}

/* Fills in what 0 leaves to be derived. */
static rj_status derive(const rj_weights *w, const rj_family *family, rj_config *c)
{
    rj_status st = RJ_OK;
    const char *file = rj_config_file(w);

    if (c->n_kv_head == 0) c->n_kv_head = c->n_head;
    RJ_REQUIRE(c->n_head % c->n_kv_head == 0, RJ_ERR_FORMAT,
               "%s: %d attention heads are not a multiple of %d key-value heads", file, c->n_head,
               c->n_kv_head);
    if (c->d_head == 0) {
        RJ_REQUIRE(c->d % c->n_head == 0, RJ_ERR_FORMAT,
                   "%s: hidden size %d is not a multiple of %d heads and no head size is given", file, c->d,
                   c->n_head);
        c->d_head = c->d / c->n_head;
    }
    RJ_REQUIRE((int64_t)c->n_head * c->d_head <= MOST, RJ_ERR_FORMAT, "%s: %d heads of size %d exceed %d",
               file, c->n_head, c->d_head, (int)MOST);
    RJ_TRY(check_value_size(w, family, c->d_head));
    c->scale = 1.0 / sqrt((double)c->d_head);
done:
    return st;
}

rj_status rj_config_read(const rj_weights *w, rj_config *config)
{
    rj_status st = RJ_OK;
    const rj_format format = rj_weights_format(w);
    const rj_family *family = NULL;
    rj_config c = {0};

    RJ_TRY(find_family(w, &family));
    RJ_TRY(rj_neutral_check(w, family));
    c.family = family->name;
    c.norm = family->norm;
    c.gated = family->gated;
    for (const rj_key *k = family->keys; k->name[0] != NULL || k->name[1] != NULL; k++) {
        if (k->name[format] == NULL)
            fill(&c, k, k->fallback[format]);
        else if (format == RJ_FORMAT_GGUF)
            RJ_TRY(read_gguf_key(rj_weights_metadata(w), family, k, &c));
        else
            RJ_TRY(read_json_key(rj_weights_config(w), k, &c));
    }
    RJ_TRY(derive(w, family, &c));
    RJ_TRY(rj_rope_read(w, family, &c));
    *config = c;
    c = (rj_config){0};
done:
    rj_config_free(&c);
    return st;
}

void rj_config_free(rj_config *config)
{
    RJ_FREE(config->rope.short_factor);
    RJ_FREE(config->rope.long_factor);
    RJ_FREE(config->rope.divisor);
}
