/* weights.c: the tensors of all files of a checkpoint in one sorted list, and their elements in panels: memory stays at
 * the headers and one panel, whatever the size of the files. */
#include "resjac/weights/weights.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "resjac/base/clock.h"
#include "resjac/base/file.h"
#include "resjac/base/hash.h"
#include "resjac/base/memory.h"
#include "shards.h"

enum { PANEL_BYTES = 256 << 10 }; /* fits a second-level cache together with the floats it becomes */

struct rj_weights {
    char *path;
    rj_shards shards;
    rj_tensor *tensor; /* [n], by name */
    ptrdiff_t n;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(((const rj_tensor *)a)->name, ((const rj_tensor *)b)->name);
}

static const rj_file *file_of(const rj_weights *w, const rj_tensor *t)
{
    return rj_shard_file(&w->shards, t->file);
}

static rj_status merge(rj_weights *w)
{
    rj_status st = RJ_OK;
    ptrdiff_t n = 0;

    for (int i = 0; i < w->shards.n; i++) {
        rj_shard_tensors(&w->shards, i, &n);
        w->n += n;
    }
    RJ_NEW(w->tensor, w->n, 1);
    rj_tensor *to = w->tensor;
    for (int i = 0; i < w->shards.n; i++) {
        const rj_tensor *from = rj_shard_tensors(&w->shards, i, &n);
        for (ptrdiff_t k = 0; k < n; k++) {
            *to = from[k];
            to++->file = i;
        }
    }
    qsort(w->tensor, (size_t)w->n, sizeof *w->tensor, by_name);
    for (ptrdiff_t k = 1; k < w->n; k++)
        RJ_REQUIRE(by_name(&w->tensor[k - 1], &w->tensor[k]) != 0, RJ_ERR_FORMAT,
                   "%s: tensor %s occurs twice (the other in %s)", rj_weights_file(w, &w->tensor[k]),
                   w->tensor[k].name, rj_weights_file(w, &w->tensor[k - 1]));
done:
    return st;
}

/* Each tensor of the index must be in the file that the index names. */
static rj_status check_index(const rj_weights *w)
{
    rj_status st = RJ_OK;
    const rj_json *index = w->shards.index;
    json_t *map = NULL, *value = NULL;
    const char *name = NULL;

    if (index == NULL) return RJ_OK;
    map = json_object_get(index->root, "weight_map");
    json_object_foreach(map, name, value)
    {
        const rj_tensor *t = rj_weights_find(w, name);
        const char *file = t == NULL ? "" : rj_weights_file(w, t), *slash = strrchr(file, '/');
        RJ_REQUIRE(strcmp(slash != NULL ? slash + 1 : file, json_string_value(value)) == 0, RJ_ERR_FORMAT,
                   "%s: tensor %s should be in %s but is in %s", index->path, name, json_string_value(value),
                   t == NULL ? "no file" : file);
    }
done:
    return st;
}

bool rj_weights_is_config(const char *path)
{
    const char *slash = strrchr(path, '/');

    return strcmp(slash != NULL ? slash + 1 : path, "config.json") == 0;
}

rj_status rj_weights_open(const char *path, rj_weights **weights)
{
    rj_status st = RJ_OK;
    rj_weights *w = NULL;

    RJ_NEW(w, 1, 1);
    RJ_TRY(rj_path_copy(path, &w->path));
    RJ_TRY(rj_shards_open(path, &w->shards));
    RJ_TRY(merge(w));
    RJ_TRY(check_index(w));
    *weights = w;
    w = NULL;
done:
    rj_weights_close(&w);
    return st;
}

void rj_weights_close(rj_weights **weights)
{
    rj_weights *w = *weights;

    if (w == NULL) return;
    rj_free(w->tensor);
    rj_shards_close(&w->shards);
    rj_free(w->path);
    RJ_FREE(*weights);
}

const char *rj_weights_path(const rj_weights *w)
{
    return w->path;
}

rj_format rj_weights_format(const rj_weights *w)
{
    return w->shards.format;
}

const char *rj_weights_file(const rj_weights *w, const rj_tensor *t)
{
    return rj_file_path(file_of(w, t));
}

ptrdiff_t rj_weights_count(const rj_weights *w)
{
    return w->n;
}

const rj_tensor *rj_weights_at(const rj_weights *w, ptrdiff_t i)
{
    return &w->tensor[i];
}

const rj_tensor *rj_weights_find(const rj_weights *w, const char *name)
{
    const rj_tensor wanted = {.name = name};

    return bsearch(&wanted, w->tensor, (size_t)w->n, sizeof *w->tensor, by_name);
}

uint64_t rj_weights_bytes(const rj_weights *w)
{
    uint64_t n = 0;

    for (int i = 0; i < w->shards.n; i++) n += rj_file_size(rj_shard_file(&w->shards, i));
    return n;
}

const rj_json *rj_weights_config(const rj_weights *w)
{
    return w->shards.config;
}

const rj_gguf *rj_weights_metadata(const rj_weights *w)
{
    return w->shards.format == RJ_FORMAT_GGUF ? w->shards.gguf[0] : NULL;
}

/* Elements first..first+n-1 of consecutive rows lie at src; blocks never cross the end of a row. */
static void spread(const rj_tensor *t, const uint8_t *src, ptrdiff_t first, ptrdiff_t n, float *out,
                   ptrdiff_t stride)
{
    const ptrdiff_t columns = rj_tensor_columns(t);
    const ptrdiff_t block = rj_dtype_block(t->dtype), bytes = rj_dtype_block_bytes(t->dtype);

    for (ptrdiff_t i = first, end = first + n; i < end;) {
        const ptrdiff_t row = i / columns, column = i % columns;
        const ptrdiff_t part = columns - column < end - i ? columns - column : end - i;
        rj_dtype_to_float(t->dtype, src, part, out + row * stride + column);
        src += part / block * bytes;
        i += part;
    }
}

rj_status rj_weights_read(const rj_weights *w, const rj_tensor *t, ptrdiff_t row, ptrdiff_t n, float *out,
                          ptrdiff_t stride)
{
    rj_status st = RJ_OK;
    const ptrdiff_t rows = rj_tensor_rows(t), columns = rj_tensor_columns(t);
    _Alignas(64) uint8_t panel[PANEL_BYTES]; /* a system copies to whole cache lines faster */

    RJ_REQUIRE(t->dtype < RJ_N_DTYPES, RJ_ERR_FORMAT,
               "%s: tensor %s has elements of type %s, which cannot be read; convert it to BF16, F16 or F32",
               rj_weights_file(w, t), t->name, t->type_name);
    RJ_REQUIRE(row >= 0 && n >= 0 && row <= rows && n <= rows - row && stride >= columns, RJ_ERR_ARG,
               "%s: rows %td + %td of %td, stride %td of %td columns", t->name, row, n, rows, stride,
               columns);
    const ptrdiff_t block = rj_dtype_block(t->dtype), bytes = rj_dtype_block_bytes(t->dtype);
    const ptrdiff_t total = n * columns, most = PANEL_BYTES / bytes * block;
    const uint64_t start = t->offset + (uint64_t)(row * (columns / block) * bytes);
    if (t->dtype == RJ_DTYPE_F32 && stride == columns) { /* what memory holds is what the file holds */
        RJ_TRY(rj_file_read(file_of(w, t), start, (size_t)(total * bytes), out));
        rj_clock_bytes((double)(total * bytes));
        goto done;
    }
    for (ptrdiff_t i = 0; i < total; i += most) {
        const ptrdiff_t part = total - i < most ? total - i : most;
        RJ_TRY(rj_file_read(file_of(w, t), start + (uint64_t)(i / block * bytes),
                            (size_t)(part / block * bytes), panel));
        rj_clock_bytes((double)(part / block * bytes));
        spread(t, panel, i, part, out, stride);
    }
done:
    return st;
}

static rj_status add_bytes(rj_hash *hash, const rj_file *file, uint64_t offset, uint64_t n)
{
    rj_status st = RJ_OK;
    uint8_t panel[PANEL_BYTES];

    for (uint64_t i = 0; i < n; i += PANEL_BYTES) {
        const size_t part = n - i < PANEL_BYTES ? (size_t)(n - i) : PANEL_BYTES;
        RJ_TRY(rj_file_read(file, offset + i, part, panel));
        rj_hash_add(hash, panel, part);
    }
done:
    return st;
}

rj_status rj_weights_digest(const rj_weights *w, const rj_tensor *t, uint8_t digest[RJ_DIGEST_SIZE])
{
    rj_status st = RJ_OK;
    rj_hash *hash = NULL;

    RJ_TRY(rj_hash_create(&hash));
    RJ_TRY(add_bytes(hash, file_of(w, t), t->offset, t->n_bytes));
    RJ_TRY(rj_hash_digest(hash, digest));
done:
    rj_hash_destroy(&hash);
    return st;
}

/* A GGUF header ends where the first tensor begins; one tensor is always there. */
static rj_status add_header(rj_hash *hash, const rj_weights *w)
{
    const rj_tensor *first = NULL;

    for (ptrdiff_t i = 0; i < rj_weights_count(w); i++) {
        const rj_tensor *t = rj_weights_at(w, i);
        if (t->file == 0 && (first == NULL || t->offset < first->offset)) first = t;
    }
    return first == NULL ? RJ_OK : add_bytes(hash, file_of(w, first), 0, first->offset);
}

rj_status rj_weights_config_digest(const rj_weights *w, uint8_t digest[RJ_DIGEST_SIZE])
{
    rj_status st = RJ_OK;
    rj_hash *hash = NULL;
    char *text = NULL;

    RJ_TRY(rj_hash_create(&hash));
    if (rj_weights_config(w) != NULL) {
        text = json_dumps(rj_weights_config(w)->root, JSON_COMPACT | JSON_SORT_KEYS);
        RJ_REQUIRE(text != NULL, RJ_ERR_NOMEM, "%s: no memory to hash config.json", rj_weights_path(w));
        rj_hash_add_text(hash, text);
    } else {
        RJ_TRY(add_header(hash, w));
    }
    RJ_TRY(rj_hash_digest(hash, digest));
done:
    free(text); /* jansson's */
    rj_hash_destroy(&hash);
    return st;
}
