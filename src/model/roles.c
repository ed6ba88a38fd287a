/* roles.c: names, shapes and need of a family's tensors. */
#include "resjac/model/roles.h"

#include <stdio.h>
#include <string.h>

static const char *const endings[] = {[RJ_WEIGHT] = ".weight", [RJ_BIAS] = ".bias"};

void rj_role_name(const rj_family *family, rj_format format, const rj_prefix *prefix, rj_role role, int at,
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
    size_t n = (size_t)snprintf(name, RJ_NAME_SIZE, "%s", begin);
    for (; *stem != '\0' && n < RJ_NAME_SIZE - 16; stem++) {
        if (*stem == '#' || *stem == '@')
            n += (size_t)snprintf(name + n, RJ_NAME_SIZE - n, "%d",
                                  *stem == '#' ? at % RJ_MAX_LAYERS : at / RJ_MAX_LAYERS);
        else
            name[n++] = *stem;
    }
    snprintf(name + n, RJ_NAME_SIZE - n, "%s", endings[part]);
}

/* Of one block. */
static int count_in_block(const rj_config *c, rj_role role)
{
    if (role >= RJ_EXPERT_GATE) return c->n_expert;
    if (c->own_norms && role == RJ_QUERY_NORM) return c->n_head;
    return c->own_norms && role == RJ_KEY_NORM ? c->n_kv_head : 1;
}

int rj_role_count(const rj_config *c, rj_role role)
{
    return role < RJ_ATTENTION_NORM ? 1 : c->n_layer * count_in_block(c, role);
}

int rj_role_at(const rj_config *c, rj_role role, int i)
{
    return role < RJ_ATTENTION_NORM ? i : rj_expert_at(i % c->n_layer, i / c->n_layer);
}

bool rj_role_is_of_heads(const rj_family *family, rj_role role)
{
    const char *stem = family->stem[role][RJ_FORMAT_SAFETENSORS];

    return (role == RJ_QUERY_NORM || role == RJ_KEY_NORM) && stem != NULL && strchr(stem, '@') != NULL;
}

bool rj_role_is_stacked(const rj_family *family, rj_format format, rj_role role)
{
    return (role >= RJ_EXPERT_GATE || rj_role_is_of_heads(family, role)) &&
           family->stem[role][format] != NULL && strchr(family->stem[role][format], '@') == NULL;
}

const rj_tensor *rj_role_find(const rj_model *model, rj_role role, int at, rj_part part)
{
    char name[RJ_NAME_SIZE];

    if (role == RJ_EMBEDDING && part == RJ_WEIGHT && model->embedding != NULL)
        return rj_weights_find(model->weights, model->embedding);
    rj_role_name(model->family, rj_weights_format(model->weights), model->prefix, role, at, part, name);
    return name[0] == '\0' ? NULL : rj_weights_find(model->weights, name);
}

void rj_role_shape(const rj_config *c, rj_role role, int *out, int *in)
{
    const int q = c->n_head * c->d_head, kv = c->n_kv_head * c->d_head;
    const int shapes[RJ_N_ROLES][2] = {[RJ_EMBEDDING] = {c->n_vocab, c->d_embedding},
                                       [RJ_POSITIONS] = {c->max_context + c->position_offset, c->d},
                                       [RJ_EMBEDDING_NORM] = {0, c->d},
                                       [RJ_POSITION_BIAS] = {c->n_bucket, c->n_head},
                                       [RJ_FINAL_NORM] = {0, c->d},
                                       [RJ_HEAD] = {c->n_vocab, c->d_embedding},
                                       [RJ_PROJECT_IN] = {c->d, c->d_embedding},
                                       [RJ_PROJECT_OUT] = {c->d_embedding, c->d},
                                       [RJ_ATTENTION_NORM] = {0, c->d},
                                       [RJ_SHARED_NORM] = {0, c->d},
                                       [RJ_QUERY] = {q, c->d},
                                       [RJ_KEY] = {kv, c->d},
                                       [RJ_VALUE] = {kv, c->d},
                                       [RJ_QUERY_KEY_VALUE] = {q + 2 * kv, c->d},
                                       [RJ_QUERY_NORM] = {0, c->whole_norms ? q : c->d_head},
                                       [RJ_KEY_NORM] = {0, c->whole_norms ? kv : c->d_head},
                                       [RJ_ATTENTION_OUT] = {c->d, q},
                                       [RJ_ATTENTION_POST_NORM] = {0, c->d},
                                       [RJ_ATTENTION_SUM_NORM] = {0, c->d},
                                       [RJ_CROSS_NORM] = {0, c->d},
                                       [RJ_CROSS_QUERY] = {q, c->d},
                                       [RJ_CROSS_KEY] = {kv, c->d},
                                       [RJ_CROSS_VALUE] = {kv, c->d},
                                       [RJ_CROSS_OUT] = {c->d, q},
                                       [RJ_MLP_NORM] = {0, c->d},
                                       [RJ_GATE] = {c->d_ff, c->d},
                                       [RJ_UP] = {c->d_ff, c->d},
                                       [RJ_PLAIN_UP] = {c->d_ff, c->d},
                                       [RJ_GATE_UP] = {2 * c->d_ff, c->d},
                                       [RJ_DOWN] = {c->d, c->d_ff},
                                       [RJ_MLP_POST_NORM] = {0, c->d},
                                       [RJ_MLP_SUM_NORM] = {0, c->d},
                                       [RJ_ROUTER] = {c->n_expert, c->d},
                                       [RJ_EXPERT_GATE] = {c->d_ff, c->d},
                                       [RJ_EXPERT_UP] = {c->d_ff, c->d},
                                       [RJ_EXPERT_DOWN] = {c->d, c->d_ff}};

    *out = shapes[role][0];
    *in = shapes[role][1];
}

int64_t rj_role_elements(const rj_config *c, rj_role role, rj_part part)
{
    int out = 0, in = 0;

    rj_role_shape(c, role, &out, &in);
    if (out == 0) return in;
    return part == RJ_WEIGHT ? (int64_t)out * in : out;
}

bool rj_role_exists(const rj_model *model, rj_role role)
{
    const rj_config *c = &model->config;
    const rj_format format = rj_weights_format(model->weights);

    if (model->family->stem[role][format] == NULL) return false;
    switch (role) {
    case RJ_HEAD:
        return c->has_head;
    case RJ_PROJECT_IN:
        return c->d_embedding != c->d;
    case RJ_PROJECT_OUT:
        return c->d_embedding != c->d && c->has_head;
    case RJ_FINAL_NORM:
        return !c->no_final_norm;
    case RJ_ATTENTION_NORM:
    case RJ_MLP_NORM:
        return !c->shared_norm && !c->sum_norms;
    case RJ_ATTENTION_SUM_NORM:
    case RJ_MLP_SUM_NORM:
        return c->sum_norms;
    case RJ_QUERY_NORM:
    case RJ_KEY_NORM:
        return c->own_norms || !rj_role_is_of_heads(model->family, role);
    case RJ_SHARED_NORM:
        return c->shared_norm;
    case RJ_QUERY:
    case RJ_KEY:
    case RJ_VALUE:
        return !rj_role_is_fused(model, format);
    case RJ_QUERY_KEY_VALUE:
        return rj_role_is_fused(model, format);
    case RJ_GATE:
        return c->gated;
    case RJ_UP:
        return !rj_role_is_plain(model, format);
    case RJ_PLAIN_UP:
        return !c->gated;
    default:
        return true;
    }
}

bool rj_role_is_needed(const rj_model *model, rj_role role, rj_part part)
{
    const rj_config *c = &model->config;

    if (!rj_role_exists(model, role)) return false;
    switch (role) {
    case RJ_EMBEDDING:
    case RJ_POSITIONS:
    case RJ_ROUTER:
    case RJ_EXPERT_GATE:
    case RJ_EXPERT_UP:
    case RJ_EXPERT_DOWN:
    case RJ_POSITION_BIAS:
    case RJ_PROJECT_IN:
    case RJ_PROJECT_OUT:
        return part == RJ_WEIGHT;
    case RJ_HEAD:
        return part == RJ_WEIGHT ? !c->tied_head : c->bias_head;
    case RJ_QUERY:
    case RJ_KEY:
    case RJ_VALUE:
    case RJ_QUERY_KEY_VALUE:
    case RJ_CROSS_QUERY:
    case RJ_CROSS_KEY:
    case RJ_CROSS_VALUE:
        return part == RJ_WEIGHT || c->bias_qkv;
    case RJ_ATTENTION_OUT:
    case RJ_CROSS_OUT:
        return part == RJ_WEIGHT || c->bias_out;
    case RJ_GATE:
    case RJ_UP:
    case RJ_PLAIN_UP:
    case RJ_GATE_UP:
    case RJ_DOWN:
        return part == RJ_WEIGHT || c->bias_mlp;
    case RJ_QUERY_NORM:
    case RJ_KEY_NORM:
        if (c->own_norms) return part == RJ_WEIGHT;
        /* fall through */
    default: /* norms */
        return c->norm_parts != RJ_NORM_BARE && (part == RJ_WEIGHT || c->norm_parts == RJ_NORM_GAIN_BIAS);
    }
}

bool rj_role_is_fused(const rj_model *model, rj_format format)
{
    const rj_family *family = model->family;

    if (family->stem[RJ_QUERY_KEY_VALUE][format] == NULL) return false;
    if (family->stem[RJ_QUERY][format] == NULL) return true;
    return format == rj_weights_format(model->weights) && model->fused;
}

bool rj_role_is_plain(const rj_model *model, rj_format format)
{
    return model->family->stem[RJ_PLAIN_UP][format] != NULL && !model->config.gated;
}

/* Heads of head size dh; a group is the queries of one key-value head, that key and that value. */
static void place_fused(const rj_config *c, rj_fused fused, rj_role role, rj_place *place)
{
    const int dh = c->d_head, each = c->n_head / c->n_kv_head * dh;
    const int q = c->n_head * dh, kv = c->n_kv_head * dh;

    place->holder = RJ_QUERY_KEY_VALUE;
    if (fused == RJ_FUSED_WHOLE) {
        place->first = role == RJ_QUERY ? 0 : role == RJ_KEY ? q : q + kv;
    } else {
        place->first = role == RJ_QUERY ? 0 : role == RJ_KEY ? each : each + dh;
        place->run = role == RJ_QUERY ? each : dh;
        place->stride = each + 2 * dh;
    }
}

rj_place rj_role_place(const rj_model *model, rj_format format, rj_role role)
{
    const rj_family *family = model->family;
    rj_place place = {.holder = role};

    if ((role == RJ_QUERY || role == RJ_KEY || role == RJ_VALUE) && rj_role_is_fused(model, format))
        place_fused(&model->config, family->fused[format], role, &place);
    if ((role == RJ_GATE || role == RJ_UP) && family->stem[RJ_GATE_UP][format] != NULL) {
        place.holder = RJ_GATE_UP;
        place.first = (role == RJ_UP) == family->up_first ? 0 : model->config.d_ff;
    }
    if (role == RJ_UP && rj_role_is_plain(model, format)) place.holder = RJ_PLAIN_UP;
    place.transposed = family->conv1d && format == RJ_FORMAT_SAFETENSORS && role >= RJ_ATTENTION_NORM;
    return place;
}
