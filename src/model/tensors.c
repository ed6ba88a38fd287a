/* tensors.c: from a role and a block to a tensor of the file, checked once when the model is opened. */
#include "resjac/model/tensors.h"

#include <stdio.h>
#include <string.h>

#include "resjac/base/memory.h"

enum { SHAPE_SIZE = 96 };

typedef enum { WEIGHT = 0, BIAS } part;

static const char *const endings[] = {[WEIGHT] = ".weight", [BIAS] = ".bias"};

/* Name of a tensor in a file of that format; "" where the family has none. */
static void name_of(const rj_model *model, rj_format format, rj_role role, int layer, part p, char *name)
{
    const char *stem = model->family->stem[role][format], *prefix = model->family->prefix;
    const bool bare = format == RJ_FORMAT_SAFETENSORS && model->bare;

    name[0] = '\0';
    if (stem == NULL) return;
    if (bare && strncmp(stem, prefix, strlen(prefix)) == 0) stem += strlen(prefix);
    const char *block = strchr(stem, '#');
    if (block == NULL)
        snprintf(name, RJ_NAME_SIZE, "%s%s", stem, endings[p]);
    else
        snprintf(name, RJ_NAME_SIZE, "%.*s%d%s%s", (int)(block - stem), stem, layer, block + 1, endings[p]);
}

static const rj_tensor *find(const rj_model *model, rj_role role, int layer, part p)
{
    char name[RJ_NAME_SIZE];

    name_of(model, rj_weights_format(model->weights), role, layer, p, name);
    return name[0] == '\0' ? NULL : rj_weights_find(model->weights, name);
}

/* Outputs and inputs of a linear layer; a norm has inputs only, and 0 outputs. */
static void shape_of(const rj_config *c, rj_role role, int *out, int *in)
{
    const int q = c->n_head * c->d_head, kv = c->n_kv_head * c->d_head;
    const int shapes[RJ_N_ROLES][2] = {[RJ_EMBEDDING] = {c->n_vocab, c->d},
                                       [RJ_FINAL_NORM] = {0, c->d},
                                       [RJ_HEAD] = {c->n_vocab, c->d},
                                       [RJ_ATTENTION_NORM] = {0, c->d},
                                       [RJ_QUERY] = {q, c->d},
                                       [RJ_KEY] = {kv, c->d},
                                       [RJ_VALUE] = {kv, c->d},
                                       [RJ_ATTENTION_OUT] = {c->d, q},
                                       [RJ_MLP_NORM] = {0, c->d},
                                       [RJ_GATE] = {c->d_ff, c->d},
                                       [RJ_UP] = {c->d_ff, c->d},
                                       [RJ_DOWN] = {c->d, c->d_ff}};

    *out = shapes[role][0];
    *in = shapes[role][1];
}

static bool is_needed(const rj_model *model, rj_role role, part p)
{
    const rj_config *c = &model->config;

    if (model->family->stem[role][rj_weights_format(model->weights)] == NULL) return false;
    switch (role) {
    case RJ_QUERY:
    case RJ_KEY:
    case RJ_VALUE:
        return p == WEIGHT || c->bias_qkv;
    case RJ_ATTENTION_OUT:
        return p == WEIGHT || c->bias_out;
    case RJ_GATE:
        return c->gated && (p == WEIGHT || c->bias_mlp);
    case RJ_UP:
    case RJ_DOWN:
        return p == WEIGHT || c->bias_mlp;
    case RJ_HEAD:
        return p == WEIGHT && c->has_head && !c->tied_head;
    default:
        return p == WEIGHT || (p == BIAS && c->norm == RJ_NORM_LAYER && role != RJ_EMBEDDING);
    }
}

static void print_shape(int n, const ptrdiff_t *shape, char *text)
{
    size_t at = (size_t)snprintf(text, SHAPE_SIZE, "[");
    for (int i = 0; i < n; i++)
        at += (size_t)snprintf(text + at, SHAPE_SIZE - at, "%s%td", i == 0 ? "" : ",", shape[i]);
    snprintf(text + at, SHAPE_SIZE - at, "]");
}

static rj_status check_one(rj_model *model, rj_role role, int layer, part p, const rj_tensor **used)
{
    rj_status st = RJ_OK;
    const rj_tensor *t = find(model, role, layer, p);
    char name[RJ_NAME_SIZE], found[SHAPE_SIZE], needed[SHAPE_SIZE];
    int out = 0, in = 0;

    shape_of(&model->config, role, &out, &in);
    const ptrdiff_t matrix[] = {out, in}, vector[] = {p == BIAS && out != 0 ? out : in};
    const int n = out != 0 && p == WEIGHT ? 2 : 1;
    const ptrdiff_t *shape = n == 2 ? matrix : vector;
    name_of(model, rj_weights_format(model->weights), role, layer, p, name);
    RJ_REQUIRE(t != NULL, RJ_ERR_FORMAT, "%s: tensor %s is missing; %s needs it",
               rj_weights_path(model->weights), name, model->family->name);
    print_shape(t->n_dims, t->shape, found);
    print_shape(n, shape, needed);
    RJ_REQUIRE(t->n_dims == n && memcmp(t->shape, shape, (size_t)n * sizeof *shape) == 0, RJ_ERR_FORMAT,
               "%s: tensor %s is %s, the configuration needs %s", rj_weights_file(model->weights, t), name,
               found, needed);
    model->n_parameters += (int64_t)(n == 2 ? matrix[0] * matrix[1] : vector[0]);
    *used = t;
done:
    return st;
}

static bool ends_with(const char *text, const char *ending)
{
    const size_t n = strlen(text), m = strlen(ending);
    return n >= m && strcmp(text + n - m, ending) == 0;
}

/* A tensor that nobody reads may be mathematics that nobody does. */
static rj_status refuse_others(const rj_model *model, ptrdiff_t n_used, const rj_tensor *const *used)
{
    rj_status st = RJ_OK;
    char head[RJ_NAME_SIZE];

    name_of(model, rj_weights_format(model->weights), RJ_HEAD, 0, WEIGHT, head); /* also stored where tied */
    for (ptrdiff_t i = 0; i < rj_weights_count(model->weights); i++) {
        const rj_tensor *t = rj_weights_at(model->weights, i);
        bool known = strcmp(t->name, head) == 0 ||
                     (model->config.rope.divisor != NULL && strcmp(t->name, "rope_freqs.weight") == 0);
        for (ptrdiff_t k = 0; k < n_used && !known; k++) known = used[k] == t;
        for (const char *const *e = model->family->ignored; *e != NULL && !known; e++)
            known = ends_with(t->name, *e);
        RJ_REQUIRE(known, RJ_ERR_FORMAT,
                   "%s: tensor %s is none of a %s model of %d blocks; it would not be evaluated",
                   rj_weights_file(model->weights, t), t->name, model->family->name, model->config.n_layer);
    }
done:
    return st;
}

/* What only the tensors tell: vocabulary; for GGUF, which has no keys for them, biases and a tied head. */
static rj_status complete(rj_model *model)
{
    rj_status st = RJ_OK;
    rj_config *c = &model->config;
    const rj_tensor *embedding = find(model, RJ_EMBEDDING, 0, WEIGHT);
    char name[RJ_NAME_SIZE];

    if (embedding == NULL && rj_weights_format(model->weights) == RJ_FORMAT_SAFETENSORS) {
        model->bare = true;
        embedding = find(model, RJ_EMBEDDING, 0, WEIGHT);
        model->bare = embedding != NULL;
    }
    name_of(model, rj_weights_format(model->weights), RJ_EMBEDDING, 0, WEIGHT, name);
    RJ_REQUIRE(embedding != NULL, RJ_ERR_FORMAT, "%s: tensor %s is missing; %s needs it",
               rj_weights_path(model->weights), name, model->family->name);
    RJ_REQUIRE(
        embedding->n_dims == 2 && embedding->shape[0] >= 1 && embedding->shape[0] < 1 << 28, RJ_ERR_FORMAT,
        "%s: tensor %s has %d dimensions and %td rows, needs a matrix of at least one row",
        rj_weights_file(model->weights, embedding), name, embedding->n_dims, rj_tensor_rows(embedding));
    c->n_vocab = (int)embedding->shape[0];
    if (rj_weights_format(model->weights) == RJ_FORMAT_GGUF) {
        c->bias_qkv = find(model, RJ_QUERY, 0, BIAS) != NULL;
        c->bias_out = find(model, RJ_ATTENTION_OUT, 0, BIAS) != NULL;
        c->bias_mlp = find(model, RJ_UP, 0, BIAS) != NULL;
        c->tied_head = find(model, RJ_HEAD, 0, WEIGHT) == NULL;
    }
    c->has_head = !model->bare || c->tied_head || find(model, RJ_HEAD, 0, WEIGHT) != NULL;
done:
    return st;
}

rj_status rj_tensors_check(rj_model *model)
{
    rj_status st = RJ_OK;
    const rj_tensor **used = NULL;
    ptrdiff_t n = 0;

    RJ_TRY(complete(model));
    RJ_NEW(used, 2 * RJ_N_ROLES, model->config.n_layer);
    for (int role = 0; role < RJ_N_ROLES; role++)
        for (int layer = 0; layer < (role < RJ_ATTENTION_NORM ? 1 : model->config.n_layer); layer++)
            for (part p = WEIGHT; p <= BIAS; p++)
                if (is_needed(model, (rj_role)role, p))
                    RJ_TRY(check_one(model, (rj_role)role, layer, p, &used[n++]));
    RJ_TRY(refuse_others(model, n, used));
done:
    RJ_FREE(used);
    return st;
}

rj_status rj_tensors_rows(const rj_model *model, rj_role role, int layer, rj_rows *rows)
{
    rj_status st = RJ_OK;
    char name[RJ_NAME_SIZE];
    int out = 0, in = 0;

    if (role == RJ_HEAD && model->config.tied_head) role = RJ_EMBEDDING;
    shape_of(&model->config, role, &out, &in);
    if (model->random_init) {
        const rj_model full = {.family = model->family};
        name_of(&full, RJ_FORMAT_SAFETENSORS, role, layer, WEIGHT, name);
        *rows = rj_rows_drawn(model->seed, name, model->config.initializer_range, in);
    } else {
        const rj_tensor *t = find(model, role, layer, WEIGHT);
        RJ_REQUIRE(t != NULL, RJ_ERR_ARG, "role %d of block %d has no tensor", (int)role, layer);
        *rows = rj_rows_of_tensor(model->weights, t);
    }
done:
    return st;
}

rj_status rj_tensors_linear(const rj_model *model, rj_role role, int layer, rj_arithmetic type,
                            rj_linear *linear)
{
    rj_status st = RJ_OK;
    const bool permuted = !model->random_init && rj_weights_format(model->weights) == RJ_FORMAT_GGUF &&
                          model->family->gguf_interleaved && (role == RJ_QUERY || role == RJ_KEY);
    rj_linear_source source = {.interleaved = permuted ? model->config.d_head : 0};
    rj_rows bias = {0};
    int out = 0, in = 0;

    shape_of(&model->config, role, &out, &in);
    RJ_TRY(rj_tensors_rows(model, role, layer, &source.weight));
    if (is_needed(model, role, BIAS) && !model->random_init) { /* drawn models have biases 0 */
        bias = rj_rows_of_tensor(model->weights, find(model, role, layer, BIAS));
        source.bias = &bias;
    }
    RJ_TRY(rj_linear_read(&source, type, out, in, linear));
done:
    return st;
}

/* out <- a tensor of one dimension. */
static rj_status read_vector(const rj_model *model, const rj_tensor *t, int n, double *out)
{
    rj_status st = RJ_OK;
    const rj_rows rows = rj_rows_of_tensor(model->weights, t);
    float *row = NULL;

    RJ_NEW(row, n, 1);
    RJ_TRY(rj_rows_read(&rows, 0, 1, row));
    for (int i = 0; i < n; i++) out[i] = (double)row[i];
done:
    RJ_FREE(row);
    return st;
}

rj_status rj_tensors_norm(const rj_model *model, rj_role role, int layer, rj_norm *norm)
{
    rj_status st = RJ_OK;
    const rj_config *c = &model->config;
    rj_norm new = {.kind = c->norm, .d = c->d, .eps = c->norm_eps};

    RJ_NEW(new.gain, c->d, 1);
    if (is_needed(model, role, BIAS)) RJ_NEW(new.bias, c->d, 1);
    if (model->random_init) {
        for (int i = 0; i < c->d; i++) new.gain[i] = 1.0;
    } else {
        RJ_TRY(read_vector(model, find(model, role, layer, WEIGHT), c->d, new.gain));
        if (new.bias != NULL) RJ_TRY(read_vector(model, find(model, role, layer, BIAS), c->d, new.bias));
    }
    *norm = new;
    new = (rj_norm){0};
done:
    rj_norm_free(&new);
    return st;
}
