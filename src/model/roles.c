/* roles.c: names, shapes and need of a family's tensors. */
#include "resjac/model/roles.h"

#include <stdio.h>
#include <string.h>

static const char *const endings[] = {[RJ_WEIGHT] = ".weight", [RJ_BIAS] = ".bias"};

void rj_role_name(const rj_family *family, rj_format format, const rj_prefix *prefix, rj_role role, int layer,
                  rj_part part, char name[RJ_NAME_SIZE])
{
    const char *stem = family->stem[role][format], *begin = "";
    const char *own = family->prefixes[0].trunk;

    name[0] = '\0';
    if (stem == NULL) return;
    if (format == RJ_FORMAT_SAFETENSORS) {
        const bool in_trunk = strncmp(stem, own, strlen(own)) == 0;
        begin = in_trunk ? prefix->trunk : prefix->other;
        if (in_trunk) stem += strlen(own);
    }
    const char *block = strchr(stem, '#');
    if (block == NULL)
        snprintf(name, RJ_NAME_SIZE, "%s%s%s", begin, stem, endings[part]);
    else
        snprintf(name, RJ_NAME_SIZE, "%s%.*s%d%s%s", begin, (int)(block - stem), stem, layer, block + 1,
                 endings[part]);
}

const rj_tensor *rj_role_find(const rj_model *model, rj_role role, int layer, rj_part part)
{
    char name[RJ_NAME_SIZE];

    rj_role_name(model->family, rj_weights_format(model->weights), model->prefix, role, layer, part, name);
    return name[0] == '\0' ? NULL : rj_weights_find(model->weights, name);
}

void rj_role_shape(const rj_config *c, rj_role role, int *out, int *in)
{
    const int q = c->n_head * c->d_head, kv = c->n_kv_head * c->d_head;
    const int shapes[RJ_N_ROLES][2] = {[RJ_EMBEDDING] = {c->n_vocab, c->d},
                                       [RJ_POSITIONS] = {c->max_context, c->d},
                                       [RJ_FINAL_NORM] = {0, c->d},
                                       [RJ_HEAD] = {c->n_vocab, c->d},
                                       [RJ_ATTENTION_NORM] = {0, c->d},
                                       [RJ_QUERY] = {q, c->d},
                                       [RJ_KEY] = {kv, c->d},
                                       [RJ_VALUE] = {kv, c->d},
                                       [RJ_QUERY_KEY_VALUE] = {q + 2 * kv, c->d},
                                       [RJ_QUERY_NORM] = {0, c->d_head},
                                       [RJ_KEY_NORM] = {0, c->d_head},
                                       [RJ_ATTENTION_OUT] = {c->d, q},
                                       [RJ_ATTENTION_POST_NORM] = {0, c->d},
                                       [RJ_MLP_NORM] = {0, c->d},
                                       [RJ_GATE] = {c->d_ff, c->d},
                                       [RJ_UP] = {c->d_ff, c->d},
                                       [RJ_DOWN] = {c->d, c->d_ff},
                                       [RJ_MLP_POST_NORM] = {0, c->d}};

    *out = shapes[role][0];
    *in = shapes[role][1];
}

bool rj_role_is_needed(const rj_model *model, rj_role role, rj_part part)
{
    const rj_config *c = &model->config;

    if (model->family->stem[role][rj_weights_format(model->weights)] == NULL) return false;
    switch (role) {
    case RJ_EMBEDDING:
    case RJ_POSITIONS:
        return part == RJ_WEIGHT;
    case RJ_HEAD:
        return part == RJ_WEIGHT && c->has_head && !c->tied_head;
    case RJ_QUERY:
    case RJ_KEY:
    case RJ_VALUE:
    case RJ_QUERY_KEY_VALUE:
        return part == RJ_WEIGHT || c->bias_qkv;
    case RJ_ATTENTION_OUT:
        return part == RJ_WEIGHT || c->bias_out;
    case RJ_GATE:
    case RJ_UP:
    case RJ_DOWN:
        return part == RJ_WEIGHT || c->bias_mlp;
    default: /* norms */
        return part == RJ_WEIGHT || c->norm == RJ_NORM_LAYER;
    }
}

rj_place rj_role_place(const rj_model *model, rj_format format, rj_role role)
{
    const rj_config *c = &model->config;
    const rj_family *family = model->family;
    const int q = c->n_head * c->d_head, kv = c->n_kv_head * c->d_head;
    rj_place place = {.holder = role};

    if (family->stem[RJ_QUERY_KEY_VALUE][format] != NULL &&
        (role == RJ_QUERY || role == RJ_KEY || role == RJ_VALUE)) {
        place.holder = RJ_QUERY_KEY_VALUE;
        place.first = role == RJ_QUERY ? 0 : role == RJ_KEY ? q : q + kv;
    }
    place.transposed = family->conv1d && format == RJ_FORMAT_SAFETENSORS && role >= RJ_ATTENTION_NORM;
    return place;
}
