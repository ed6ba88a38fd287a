/* tensors.c: from a role and a block to a tensor of the file, checked once when the model is opened. */
#include "resjac/model/tensors.h"

#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "resjac/base/memory.h"
#include "resjac/model/roles.h"

enum { SHAPE_SIZE = 96 };

static void print_shape(int n, const ptrdiff_t *shape, char *text)
{
    size_t at = (size_t)snprintf(text, SHAPE_SIZE, "[");
    for (int i = 0; i < n; i++)
        at += (size_t)snprintf(text + at, SHAPE_SIZE - at, "%s%td", i == 0 ? "" : ",", shape[i]);
    snprintf(text + at, SHAPE_SIZE - at, "]");
}

/* Shape of a role's tensor in the model's file; returns its number of dimensions. */
static int shape_of(const rj_model *model, rj_role role, rj_part part, ptrdiff_t shape[3])
{
    const rj_format format = rj_weights_format(model->weights);
    const rj_place place = rj_role_place(model, format, role);
    int out = 0, in = 0;

    rj_role_shape(&model->config, role, &out, &in);
    shape[0] = place.transposed ? in : out;
    shape[1] = place.transposed ? out : in;
    if (rj_role_is_stacked(model->family, format, role)) {
        shape[0] = rj_role_count(&model->config, role) / model->config.n_layer, shape[1] = out, shape[2] = in;
        if (out != 0) return 3;
        shape[1] = in;
        return 2;
    }
    if (out != 0 && part == RJ_WEIGHT) return 2;
    shape[0] = out != 0 ? out : in;
    return 1;
}

static rj_status check_one(rj_model *model, rj_role role, int at, rj_part part, const rj_tensor **used)
{
    rj_status st = RJ_OK;
    const rj_tensor *t = rj_role_find(model, role, at, part);
    char name[RJ_NAME_SIZE], found[SHAPE_SIZE], needed[SHAPE_SIZE];
    ptrdiff_t shape[3];

    const int n = shape_of(model, role, part, shape);
    rj_role_name(model->family, rj_weights_format(model->weights), model->prefix, role, at, part, name);
    RJ_REQUIRE(t != NULL, RJ_ERR_FORMAT, "%s: tensor %s is missing; %s needs it",
               rj_weights_path(model->weights), name, model->family->name);
    print_shape(t->n_dims, t->shape, found);
    print_shape(n, shape, needed);
    RJ_REQUIRE(t->n_dims == n && memcmp(t->shape, shape, (size_t)n * sizeof *shape) == 0, RJ_ERR_FORMAT,
               "%s: tensor %s is %s, the configuration needs %s", rj_weights_file(model->weights, t), name,
               found, needed);
    RJ_REQUIRE(t->dtype != RJ_DTYPE_UNSUPPORTED, RJ_ERR_FORMAT,
               "%s: tensor %s has the element type %s, which cannot be read; take a file of another type",
               rj_weights_file(model->weights, t), name, t->type_name);
    model->n_parameters += rj_role_elements(&model->config, role, part);
    *used = t;
done:
    return st;
}

/* Read with the configuration. */
static bool is_divisor(const rj_rope *r, const char *name)
{
    if (r->divisor != NULL && strcmp(name, "rope_freqs.weight") == 0) return true;
    return r->long_factor != NULL && fnmatch("rope_factors_*.weight", name, 0) == 0;
}

/* A tensor that nobody reads may be mathematics that nobody does. */
static rj_status refuse_others(const rj_model *model, ptrdiff_t n_used, const rj_tensor *const *used)
{
    rj_status st = RJ_OK;
    const rj_tensor *head = rj_role_find(model, RJ_HEAD, 0, RJ_WEIGHT); /* also stored where tied */

    for (ptrdiff_t i = 0; i < rj_weights_count(model->weights); i++) {
        const rj_tensor *t = rj_weights_at(model->weights, i);
        bool known = t == head || is_divisor(&model->config.rope, t->name);
        for (ptrdiff_t k = 0; k < n_used && !known; k++) known = used[k] == t;
        for (const char *const *e = model->family->ignored; *e != NULL && !known; e++)
            known = fnmatch(*e, t->name, 0) == 0;
        RJ_REQUIRE(known, RJ_ERR_FORMAT,
                   "%s: tensor %s is none of a %s model of %d blocks; it would not be evaluated",
                   rj_weights_file(model->weights, t), t->name, model->family->name, model->config.n_layer);
    }
done:
    return st;
}

/* The prefix with which the embedding is found, or its other name. */
static const rj_tensor *find_embedding(rj_model *model)
{
    const rj_prefix *own = model->family->prefixes;

    for (model->prefix = own; model->prefix->trunk != NULL; model->prefix++) {
        const rj_tensor *embedding = rj_role_find(model, RJ_EMBEDDING, 0, RJ_WEIGHT);
        if (embedding != NULL) return embedding;
    }
    model->prefix = own;
    for (const char *const *e = model->family->embeddings; e != NULL && *e != NULL; e++) {
        const rj_tensor *embedding = rj_weights_find(model->weights, *e);
        if (embedding != NULL) model->embedding = *e;
        if (embedding != NULL) return embedding;
    }
    return NULL;
}

/* What only the tensors tell: prefix, vocabulary; for GGUF, which has no keys for them, biases and a tied head. */
static rj_status complete(rj_model *model)
{
    rj_status st = RJ_OK;
    rj_config *c = &model->config;
    const rj_format format = rj_weights_format(model->weights);
    const rj_tensor *embedding = find_embedding(model);
    char name[RJ_NAME_SIZE];

    rj_role_name(model->family, format, model->prefix, RJ_EMBEDDING, 0, RJ_WEIGHT, name);
    RJ_REQUIRE(embedding != NULL, RJ_ERR_FORMAT, "%s: tensor %s is missing; %s needs it",
               rj_weights_path(model->weights), name, model->family->name);
    RJ_REQUIRE(
        embedding->n_dims == 2 && embedding->shape[0] >= 1 && embedding->shape[0] < 1 << 28, RJ_ERR_FORMAT,
        "%s: tensor %s has %d dimensions and %td rows, needs a matrix of at least one row",
        rj_weights_file(model->weights, embedding), name, embedding->n_dims, rj_tensor_rows(embedding));
    c->n_vocab = (int)embedding->shape[0];
    const bool stored_head = rj_role_find(model, RJ_HEAD, 0, RJ_WEIGHT) != NULL;
    model->fused = rj_role_find(model, RJ_QUERY_KEY_VALUE, 0, RJ_WEIGHT) != NULL;
    if (format == RJ_FORMAT_GGUF) {
        const rj_role qkv = rj_role_is_fused(model, format) ? RJ_QUERY_KEY_VALUE : RJ_QUERY;
        c->bias_qkv |= rj_role_find(model, qkv, 0, RJ_BIAS) != NULL;
        c->bias_head |= rj_role_find(model, RJ_HEAD, 0, RJ_BIAS) != NULL;
        c->shared_norm &= rj_role_find(model, RJ_ATTENTION_NORM, 0, RJ_WEIGHT) == NULL ||
                          rj_role_find(model, RJ_MLP_NORM, 0, RJ_WEIGHT) == NULL;
        c->bias_out |= rj_role_find(model, RJ_ATTENTION_OUT, 0, RJ_BIAS) != NULL;
        c->bias_mlp |= rj_role_find(model, RJ_UP, 0, RJ_BIAS) != NULL;
        c->own_norms = rj_role_is_of_heads(model->family, RJ_QUERY_NORM) &&
                       rj_role_find(model, RJ_QUERY_NORM, 0, RJ_WEIGHT) != NULL;
        c->tied_head = !stored_head;
        if (model->family->stem[RJ_PLAIN_UP][format] != NULL) {
            c->gated = rj_role_find(model, RJ_GATE, 0, RJ_WEIGHT) != NULL;
            if (c->gated) c->activation = model->family->gguf_gated;
        }
    }
    c->has_head = model->family->stem[RJ_HEAD][format] != NULL &&
                  (model->prefix->trunk[0] != '\0' || c->tied_head || stored_head);
done:
    return st;
}

rj_status rj_tensors_check(rj_model *model)
{
    rj_status st = RJ_OK;
    const rj_config *c = &model->config;
    const rj_tensor **used = NULL;
    ptrdiff_t n = 0, most = 0;

    RJ_TRY(complete(model));
    for (int role = 0; role < RJ_N_ROLES; role++) most += RJ_N_PARTS * rj_role_count(c, (rj_role)role);
    RJ_NEW(used, most, 1);
    for (int role = 0; role < RJ_N_ROLES; role++)
        for (int i = 0; i < rj_role_count(c, (rj_role)role); i++)
            for (rj_part p = RJ_WEIGHT; p < RJ_N_PARTS; p++)
                if (rj_role_is_needed(model, (rj_role)role, p))
                    RJ_TRY(check_one(model, (rj_role)role, rj_role_at(c, (rj_role)role, i), p, &used[n++]));
    RJ_TRY(refuse_others(model, n, used));
done:
    RJ_FREE(used);
    return st;
}

/* Standard deviation of a drawn matrix with that many inputs. */
static double deviation(const rj_model *model, rj_role role, int in)
{
    const rj_config *c = &model->config;
    const bool into_stream =
        role == RJ_ATTENTION_OUT || role == RJ_CROSS_OUT || role == RJ_DOWN || role == RJ_EXPERT_DOWN;

    if (model->family->init_by_inputs) {
        if (role == RJ_EMBEDDING || role == RJ_HEAD) return c->initializer_range;
        if (role == RJ_POSITION_BIAS) in = c->d;
        const bool query = role == RJ_QUERY || role == RJ_CROSS_QUERY;
        return c->initializer_range / sqrt(query ? (double)in * c->d_head : in);
    }
    if (!model->family->residual_init || !into_stream) return c->initializer_range;
    return 1.0 / sqrt(2.0 * c->n_layer) * c->initializer_range;
}

/* The twin's draw, as the family's safetensors file would have it: one for all formats and exports. */
static rj_rows draw(const rj_model *model, rj_role role, int layer)
{
    const rj_config *c = &model->config;
    const rj_family *family = model->family;
    char name[RJ_NAME_SIZE];
    int out = 0, in = 0;

    rj_role_shape(c, role, &out, &in);
    rj_role_name(family, RJ_FORMAT_SAFETENSORS, family->prefixes, role, layer, RJ_WEIGHT, name);
    return rj_rows_drawn(model->seed, name, deviation(model, role, in),
                         rj_role_place(model, RJ_FORMAT_SAFETENSORS, role).transposed ? out : in);
}

rj_status rj_tensors_rows(const rj_model *model, rj_role role, int layer, rj_rows *rows)
{
    rj_status st = RJ_OK;

    if (role == RJ_HEAD && model->config.tied_head) role = RJ_EMBEDDING;
    if (model->random_init) {
        *rows = draw(model, role, layer);
    } else {
        const rj_tensor *t = rj_role_find(model, role, layer, RJ_WEIGHT);
        RJ_REQUIRE(t != NULL, RJ_ERR_ARG, "role %d of block %d has no tensor", (int)role, layer);
        *rows = rj_rows_of_tensor(model->weights, t);
    }
done:
    return st;
}

/* Where the layer of a role lies, and its size; bias is storage for source->bias. */
static rj_status find_source(const rj_model *model, rj_role role, int layer, rj_linear_source *source,
                             rj_rows *bias, int *out, int *in)
{
    rj_status st = RJ_OK;
    const rj_format format = model->random_init ? RJ_FORMAT_SAFETENSORS : rj_weights_format(model->weights);
    const rj_place place = rj_role_place(model, format, role);
    const bool paired = model->family->interleaved[format] && (role == RJ_QUERY || role == RJ_KEY);

    *source = (rj_linear_source){.first = place.first,
                                 .run = place.run,
                                 .stride = place.stride,
                                 .transposed = place.transposed,
                                 .d_head = paired ? model->config.d_head : 0,
                                 .n_rotary = paired ? model->config.rope.n_rotary : 0};
    rj_role_shape(&model->config, role, out, in);
    if (rj_role_is_stacked(model->family, format, role))
        source->first = (ptrdiff_t)(layer / RJ_MAX_LAYERS) * *out;
    RJ_TRY(rj_tensors_rows(model, place.holder, layer, &source->weight));
    if (rj_role_is_needed(model, place.holder, RJ_BIAS) && !model->random_init) { /* drawn biases are 0 */
        *bias = rj_rows_of_tensor(model->weights, rj_role_find(model, place.holder, layer, RJ_BIAS));
        source->bias = bias;
    }
done:
    return st;
}

rj_status rj_tensors_linear(const rj_model *model, rj_role role, int layer, rj_arithmetic type,
                            rj_linear *linear)
{
    rj_status st = RJ_OK;
    rj_linear_source source;
    rj_rows bias;
    int out = 0, in = 0;

    RJ_TRY(find_source(model, role, layer, &source, &bias, &out, &in));
    RJ_TRY(rj_linear_read(&source, type, out, in, linear));
done:
    return st;
}

rj_status rj_tensors_query_key_value(const rj_model *model, int layer, rj_arithmetic type,
                                     rj_linear linear[3])
{
    rj_status st = RJ_OK;
    static const rj_role roles[RJ_BESIDE] = {RJ_QUERY, RJ_KEY, RJ_VALUE};
    const rj_format format = model->random_init ? RJ_FORMAT_SAFETENSORS : rj_weights_format(model->weights);
    rj_linear_source source[RJ_BESIDE];
    rj_rows bias[RJ_BESIDE];
    int out[RJ_BESIDE], in = 0;

    for (int k = 0; k < RJ_BESIDE; k++)
        RJ_TRY(find_source(model, roles[k], layer, &source[k], &bias[k], &out[k], &in));
    if (source[0].transposed && source[0].run == 0 && rj_role_is_fused(model, format))
        return rj_linear_read_beside(RJ_BESIDE, source, type, out, in, linear);
    for (int k = 0; k < RJ_BESIDE; k++) RJ_TRY(rj_linear_read(&source[k], type, out[k], in, &linear[k]));
done:
    return st;
}

/* out <- a tensor of one dimension, or a row of one of two. */
static rj_status read_vector(const rj_model *model, const rj_tensor *t, int at, int n, double *out)
{
    rj_status st = RJ_OK;
    const rj_rows rows = rj_rows_of_tensor(model->weights, t);
    float *row = NULL;

    RJ_NEW(row, n, 1);
    RJ_TRY(rj_rows_read(&rows, at, 1, row));
    for (int i = 0; i < n; i++) out[i] = (double)row[i];
done:
    RJ_FREE(row);
    return st;
}

rj_status rj_tensors_bias(const rj_model *model, rj_role role, int layer, int n, double *out)
{
    return read_vector(model, rj_role_find(model, role, layer, RJ_BIAS), 0, n, out);
}

rj_status rj_tensors_relative(const rj_model *model, rj_relative *relative)
{
    rj_status st = RJ_OK;
    const rj_config *c = &model->config;
    const ptrdiff_t n = (ptrdiff_t)c->n_bucket * c->n_head;
    rj_relative new = {.n_bucket = c->n_bucket,
                       .one_way = !c->bidirectional,
                       .max_distance = c->bucket_distance,
                       .n_head = c->n_head};
    rj_rows rows = {0};
    float *read = NULL;

    RJ_NEW(read, c->n_bucket, c->n_head);
    RJ_NEW(new.bias, c->n_bucket, c->n_head);
    RJ_TRY(rj_tensors_rows(model, RJ_POSITION_BIAS, 0, &rows));
    RJ_TRY(rj_rows_read(&rows, 0, c->n_bucket, read));
    for (ptrdiff_t i = 0; i < n; i++) new.bias[i] = (double)read[i];
    *relative = new;
    new = (rj_relative){0};
done:
    RJ_FREE(read);
    rj_relative_free(&new);
    return st;
}

/* The gains of a norm, group by group, without the family's offset. */
static rj_status read_gain(const rj_model *model, rj_role role, int layer, rj_norm *norm)
{
    rj_status st = RJ_OK;
    const bool stacked = rj_role_is_stacked(model->family, rj_weights_format(model->weights), role);
    const int n = norm->d / norm->n_group;

    for (int g = 0; g < norm->n_group; g++)
        RJ_TRY(read_vector(model, rj_role_find(model, role, rj_expert_at(layer, g), RJ_WEIGHT),
                           stacked ? g : 0, n, norm->gain + (ptrdiff_t)g * n));
done:
    return st;
}

rj_status rj_tensors_norm(const rj_model *model, rj_role role, int layer, rj_norm *norm)
{
    rj_status st = RJ_OK;
    const rj_config *c = &model->config;
    const double offset = model->family->norm_offset[rj_weights_format(model->weights)];
    rj_norm new = {.kind = c->norm, .eps = c->norm_eps};
    int out = 0;

    if (!rj_role_exists(model, role)) {
        *norm = (rj_norm){0};
        return RJ_OK;
    }
    rj_role_shape(c, role, &out, &new.d);
    new.n_group = role < RJ_ATTENTION_NORM ? 1 : rj_role_count(c, role) / c->n_layer;
    new.d *= new.n_group;
    RJ_NEW(new.gain, new.d, 1);
    if (rj_role_is_needed(model, role, RJ_BIAS)) RJ_NEW(new.bias, new.d, 1);
    if (model->random_init || !rj_role_is_needed(model, role, RJ_WEIGHT)) {
        for (int i = 0; i < new.d; i++)
            new.gain[i] = model->family->init_by_inputs ? c->initializer_range : 1.0;
    } else {
        RJ_TRY(read_gain(model, role, layer, &new));
        for (int i = 0; i < new.d; i++) new.gain[i] += offset;
        if (new.bias != NULL)
            RJ_TRY(read_vector(model, rj_role_find(model, role, layer, RJ_BIAS), 0, new.d, new.bias));
    }
    *norm = new;
    new = (rj_norm){0};
done:
    rj_norm_free(&new);
    return st;
}
