/* tiny.h: a Llama of 2 blocks as a safetensors folder in the test's temporary folder, with one thing changed at will. */
#ifndef RJ_TINY_H
#define RJ_TINY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "../temporary.h"
#include "resjac/base/memory.h"
#include "resjac/base/rng.h"
#include "resjac/model/block.h"
#include "resjac/model/model.h"

enum {
    TINY_D = 12,
    TINY_HEADS = 4,
    TINY_KV = 2,
    TINY_DH = 6,
    TINY_FF = 10,
    TINY_L = 2,
    TINY_VOCAB = 17,
    TINY_T = 5
};

#define TINY_CONFIG                                                                                          \
    "{\"model_type\": \"llama\", \"hidden_size\": 12, \"num_attention_heads\": 4, \"num_key_value_heads\": " \
    "2, "                                                                                                    \
    "\"head_dim\": 6, \"intermediate_size\": 10, \"num_hidden_layers\": 2, \"max_position_embeddings\": "    \
    "32, "                                                                                                   \
    "\"rms_norm_eps\": 1e-3, \"rope_theta\": 50.0, \"attention_bias\": true, \"mlp_bias\": true, "           \
    "\"initializer_range\": 0.05}"

static const int32_t tiny_ids[TINY_T] = {3, 16, 0, 3, 7};

/* What differs from the sound checkpoint. */
typedef struct {
    const char *config; /* keys of config.json to add or replace, an object; NULL: none */
    const char *tensor; /* this one is .. */
    const char *rename; /* .. called so (NULL: left out, unless one of the next two) */
    bool reshape;       /* .. flattened */
    bool nan;           /* .. with a NaN in its last row */
    bool bare;          /* an export of the base model: names without "model.", no head */
} tiny_change;

typedef struct {
    char text[65536];
    float data[16384];
    size_t n_text, n_data;
    const tiny_change *change;
} tiny_writer;

static inline void tiny_tensor(tiny_writer *w, int layer, const char *name, int rows, int columns,
                               double gain)
{
    char full[128];
    const bool norm = strstr(name, "norm") != NULL;
    double values[512];
    const int n = rows * (columns > 0 ? columns : 1);

    snprintf(full, sizeof full, layer < 0 ? "%.0d%s" : "model.layers.%d.%s", layer < 0 ? 0 : layer, name);
    const tiny_change *c = w->change;
    const bool chosen = c->tensor != NULL && strcmp(c->tensor, full) == 0;
    if (chosen && c->rename == NULL && !c->reshape && !c->nan) return;
    if (c->bare && strncmp(full, "model.", 6) != 0) return;
    const rj_rng rng = rj_rng_open(7, full);
    rj_rng_normals(&rng, 0, (uint64_t)n, values);
    const size_t begin = 4 * w->n_data;
    for (int i = 0; i < n; i++)
        w->data[w->n_data++] = (float)(norm ? 1.0 + 0.2 * values[i] : gain * values[i]);
    if (chosen && c->nan) w->data[w->n_data - 1] = NAN;
    char shape[32];
    if (columns > 0 && !(chosen && c->reshape))
        snprintf(shape, sizeof shape, "%d,%d", rows, columns);
    else
        snprintf(shape, sizeof shape, "%d", n);
    w->n_text += (size_t)snprintf(
        w->text + w->n_text, sizeof w->text - w->n_text,
        "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[%s],\"data_offsets\":[%zu,%zu]}", w->n_text > 1 ? "," : "",
        chosen && c->rename != NULL ? c->rename : full + (c->bare ? 6 : 0), shape, begin, 4 * w->n_data);
}

static inline void tiny_linear(tiny_writer *w, int layer, const char *name, int out, int in)
{
    char part[64];
    snprintf(part, sizeof part, "%s.weight", name);
    tiny_tensor(w, layer, part, out, in, 1.0 / sqrt(in));
    snprintf(part, sizeof part, "%s.bias", name);
    tiny_tensor(w, layer, part, out, 0, 0.3);
}

static inline void tiny_config(const tiny_change *change, const char *path)
{
    json_t *config = json_loads(TINY_CONFIG, 0, NULL);
    json_t *more = change->config != NULL ? json_loads(change->config, 0, NULL) : json_object();
    assert_true(config != NULL && more != NULL);
    assert_int_equal(json_object_update(config, more), 0);
    assert_int_equal(json_dump_file(config, path, 0), 0);
    json_decref(more);
    json_decref(config);
}

/* Writes the checkpoint; returns its folder. */
static inline const char *tiny_write(const tiny_change *change)
{
    static const tiny_change none = {0};
    tiny_writer *w = calloc(1, sizeof *w);
    const char *folder = temporary_path("tiny");
    const int q = TINY_HEADS * TINY_DH, kv = TINY_KV * TINY_DH;
    char header[8] = {0};

    assert_non_null(w);
    w->change = change != NULL ? change : &none;
    w->n_text = (size_t)snprintf(w->text, sizeof w->text, "{");
    tiny_tensor(w, -1, "model.embed_tokens.weight", TINY_VOCAB, TINY_D, 0.5);
    for (int l = 0; l < TINY_L; l++) {
        tiny_tensor(w, l, "input_layernorm.weight", TINY_D, 0, 1);
        tiny_linear(w, l, "self_attn.q_proj", q, TINY_D);
        tiny_linear(w, l, "self_attn.k_proj", kv, TINY_D);
        tiny_linear(w, l, "self_attn.v_proj", kv, TINY_D);
        tiny_linear(w, l, "self_attn.o_proj", TINY_D, q);
        tiny_tensor(w, l, "post_attention_layernorm.weight", TINY_D, 0, 1);
        tiny_linear(w, l, "mlp.gate_proj", TINY_FF, TINY_D);
        tiny_linear(w, l, "mlp.up_proj", TINY_FF, TINY_D);
        tiny_linear(w, l, "mlp.down_proj", TINY_D, TINY_FF);
    }
    tiny_tensor(w, -1, "model.norm.weight", TINY_D, 0, 1);
    tiny_tensor(w, -1, "lm_head.weight", TINY_VOCAB, TINY_D, 0.3);
    w->text[w->n_text++] = '}';
    mkdir(folder, 0700);
    tiny_config(w->change, temporary_path("tiny/config.json"));
    remove(temporary_path("tiny/model.safetensors")); /* a model that has it open keeps its own */
    FILE *file = fopen(temporary_path("tiny/model.safetensors"), "wb");
    assert_non_null(file);
    for (int i = 0; i < 8; i++) header[i] = (char)(w->n_text >> (8 * i));
    fwrite(header, 1, 8, file);
    fwrite(w->text, 1, w->n_text, file);
    fwrite(w->data, sizeof *w->data, w->n_data, file);
    assert_int_equal(fclose(file), 0);
    free(w);
    return folder;
}

static inline void assert_ok(rj_status st)
{
    if (st != RJ_OK) fail_msg("%s", rj_status_message());
}

/* The latest message has every one of the parts (up to a NULL). */
static inline void assert_message(const char *part, ...)
{
    va_list parts;
    va_start(parts, part);
    for (const char *p = part; p != NULL; p = va_arg(parts, const char *))
        if (strstr(rj_status_message(), p) == NULL) fail_msg("no \"%s\" in: %s", p, rj_status_message());
    va_end(parts);
}

static inline rj_model *tiny_open(const tiny_change *change)
{
    rj_model *model = NULL;
    assert_ok(rj_model_open(tiny_write(change), false, 0, &model));
    return model;
}

static inline void fill_normal(const char *name, ptrdiff_t n, double *x)
{
    const rj_rng rng = rj_rng_open(11, name);
    rj_rng_normals(&rng, 0, (uint64_t)n, x);
}

static inline int no_leak(void **state)
{
    (void)state;
    rj_memory_fail_after(-1);
    if (rj_memory_live() != 0) print_error("%td blocks leak\n", rj_memory_live());
    return rj_memory_live() != 0;
}

#define unit(f) cmocka_unit_test_teardown(f, no_leak)
#endif
