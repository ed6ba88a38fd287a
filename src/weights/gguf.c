/* gguf.c: the header has no length in front, so that a cursor reads it in growing pieces, never beyond the file's size or
 * MAX_HEADER; a count is compared with the bytes that are left before anything of its size is allocated or walked. */
#include "resjac/weights/gguf.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "gguf_header.h"
#include "resjac/base/memory.h"

/* The largest tokenizers need tens of MB of header. */
enum { MAX_HEADER = 256 << 20, FIRST_PIECE = 64 << 10, MAX_KEY = 65535, DEFAULT_ALIGNMENT = 32 };

/* Bytes that a key and a tensor take in the file at least, with names of one letter. */
enum { MIN_ENTRY = 8 + 1 + 4 + 1, MIN_TENSOR = 8 + 1 + 4 + 8 + 4 + 8 };

typedef struct {
    const rj_file *file;
    char *bytes; /* [loaded], from the start of the file */
    size_t loaded, at, limit;
    const char *kind; /* what is being read, for messages: "header", or "key " or "tensor " and its name */
    size_t name_at, name_n;
} cursor;

/* The arguments of "%s: %s%.*s", the place of a fault. */
#define PLACE(c)                                                                                             \
    rj_file_path((c)->file), (c)->kind, (int)((c)->name_n < 100 ? (c)->name_n : 100),                        \
        (c)->bytes + (c)->name_at

/* Element types in the file's numbering: elements and bytes of a block, so that the layout can be checked also of types
 * that cannot be read. No name: not in use; no size: nobody stores it, or it is too new to be known here. */
static const struct {
    const char *name;
    int block, bytes;
} ggml_type[] = {
    [0] = {"F32", 1, 4},         [1] = {"F16", 1, 2},         [2] = {"Q4_0", 32, 18},
    [3] = {"Q4_1", 32, 20},      [6] = {"Q5_0", 32, 22},      [7] = {"Q5_1", 32, 24},
    [8] = {"Q8_0", 32, 34},      [9] = {"Q8_1", 0, 0},        [10] = {"Q2_K", 256, 84},
    [11] = {"Q3_K", 256, 110},   [12] = {"Q4_K", 256, 144},   [13] = {"Q5_K", 256, 176},
    [14] = {"Q6_K", 256, 210},   [15] = {"Q8_K", 0, 0},       [16] = {"IQ2_XXS", 256, 66},
    [17] = {"IQ2_XS", 256, 74},  [18] = {"IQ3_XXS", 256, 98}, [19] = {"IQ1_S", 256, 50},
    [20] = {"IQ4_NL", 32, 18},   [21] = {"IQ3_S", 256, 110},  [22] = {"IQ2_S", 256, 82},
    [23] = {"IQ4_XS", 256, 136}, [24] = {"I8", 1, 1},         [25] = {"I16", 1, 2},
    [26] = {"I32", 1, 4},        [27] = {"I64", 1, 8},        [28] = {"F64", 1, 8},
    [29] = {"IQ1_M", 256, 56},   [30] = {"BF16", 1, 2},       [34] = {"TQ1_0", 256, 54},
    [35] = {"TQ2_0", 256, 66},   [39] = {"MXFP4", 32, 17},    [40] = {"NVFP4", 0, 0},
    [41] = {"Q1_0", 0, 0},       [42] = {"Q2_0", 0, 0},
};

static rj_status grow(cursor *c, size_t end)
{
    rj_status st = RJ_OK;
    size_t n = c->loaded > 0 ? 2 * c->loaded : FIRST_PIECE;
    char *bytes = NULL;

    if (n < end) n = end;
    if (n > c->limit) n = c->limit;
    RJ_NEW(bytes, (ptrdiff_t)n, 1);
    if (c->loaded > 0) memcpy(bytes, c->bytes, c->loaded);
    RJ_TRY(rj_file_read(c->file, c->loaded, n - c->loaded, bytes + c->loaded));
    rj_free(c->bytes);
    c->bytes = bytes;
    c->loaded = n;
    bytes = NULL;
done:
    rj_free(bytes);
    return st;
}

/* Steps over n elements of `size` bytes; they are in c->bytes then. */
static rj_status skip(cursor *c, uint64_t n, size_t size)
{
    rj_status st = RJ_OK;

    RJ_REQUIRE(n <= (c->limit - c->at) / size, RJ_ERR_FORMAT,
               "%s: %s%.*s: %" PRIu64
               " items of %zu bytes at offset %zu, but the %s at %zu; is the file complete?",
               PLACE(c), n, size, c->at, c->limit < MAX_HEADER ? "file ends" : "header must end", c->limit);
    if (c->at + n * size > c->loaded) RJ_TRY(grow(c, c->at + n * size));
    c->at += n * size;
done:
    return st;
}

static rj_status take_integer(cursor *c, size_t size, uint64_t *value)
{
    rj_status st = RJ_OK;

    RJ_TRY(skip(c, 1, size));
    *value = 0;
    memcpy(value, c->bytes + c->at - size, size); /* little-endian, as the host is (dtype.c) */
done:
    return st;
}

/* A name becomes the place of later messages. */
static rj_status take_name(cursor *c, const char *kind, size_t most)
{
    rj_status st = RJ_OK;
    uint64_t n = 0;

    c->kind = "header";
    c->name_n = 0;
    RJ_TRY(take_integer(c, 8, &n));
    RJ_REQUIRE(n >= 1 && n <= most, RJ_ERR_FORMAT,
               "%s: %s%.*s: the %sat offset %zu has a name of %" PRIu64 " bytes, but 1 to %zu are allowed",
               PLACE(c), kind, c->at - 8, n, most);
    RJ_TRY(skip(c, n, 1));
    c->kind = kind;
    c->name_at = c->at - n;
    c->name_n = n;
    RJ_REQUIRE(memchr(c->bytes + c->name_at, '\0', n) == NULL, RJ_ERR_FORMAT, "%s: %s%.*s: a NUL in the name",
               PLACE(c));
done:
    return st;
}

static rj_status skip_strings(cursor *c, uint64_t n)
{
    rj_status st = RJ_OK;
    uint64_t length = 0;

    for (; n > 0; n--) {
        RJ_TRY(take_integer(c, 8, &length));
        RJ_TRY(skip(c, length, 1));
    }
done:
    return st;
}

static rj_status skip_bools(cursor *c, uint64_t n)
{
    rj_status st = RJ_OK;

    RJ_TRY(skip(c, n, 1));
    for (size_t i = c->at - n; i < c->at; i++)
        RJ_REQUIRE((unsigned char)c->bytes[i] <= 1, RJ_ERR_FORMAT,
                   "%s: %s%.*s: a bool at offset %zu is %d, but 0 or 1 is needed", PLACE(c), i,
                   (unsigned char)c->bytes[i]);
done:
    return st;
}

static rj_status take_entry(cursor *c, rj_gguf_entry *e)
{
    rj_status st = RJ_OK;
    uint64_t type = 0;

    RJ_TRY(take_name(c, "key ", MAX_KEY));
    e->key_at = c->name_at;
    e->key.n = c->name_n;
    e->n = 1;
    RJ_TRY(take_integer(c, 4, &type));
    if (type == RJ_GGUF_ARRAY) {
        e->is_array = true;
        RJ_TRY(take_integer(c, 4, &type));
        RJ_TRY(take_integer(c, 8, &e->n));
        RJ_REQUIRE(type != RJ_GGUF_ARRAY, RJ_ERR_FORMAT, "%s: %s%.*s: an array of arrays is not supported",
                   PLACE(c));
    }
    RJ_REQUIRE(type < RJ_N_GGUF_TYPES, RJ_ERR_FORMAT, "%s: %s%.*s: unknown value type %" PRIu64, PLACE(c),
               type);
    e->type = (rj_gguf_type)type;
    e->value_at = c->at;
    if (type == RJ_GGUF_STRING)
        RJ_TRY(skip_strings(c, e->n));
    else if (type == RJ_GGUF_BOOL)
        RJ_TRY(skip_bools(c, e->n));
    else
        RJ_TRY(skip(c, e->n, rj_gguf_type_size(e->type)));
done:
    return st;
}

/* The file lists dimensions fastest first. */
static rj_status take_shape(cursor *c, rj_tensor *t)
{
    rj_status st = RJ_OK;
    uint64_t n_dims = 0, dim = 0;

    RJ_TRY(take_integer(c, 4, &n_dims));
    RJ_REQUIRE(n_dims >= 1 && n_dims <= RJ_MAX_DIMS, RJ_ERR_FORMAT,
               "%s: %s%.*s: %" PRIu64 " dimensions, but 1 to %d are allowed", PLACE(c), n_dims, RJ_MAX_DIMS);
    t->n_dims = (int)n_dims;
    for (int k = t->n_dims - 1; k >= 0; k--) {
        RJ_TRY(take_integer(c, 8, &dim));
        RJ_REQUIRE(dim >= 1 && dim <= PTRDIFF_MAX, RJ_ERR_FORMAT, "%s: %s%.*s: a dimension of %" PRIu64,
                   PLACE(c), dim);
        t->shape[k] = (ptrdiff_t)dim;
    }
done:
    return st;
}

/* Row of ggml_type; its dtype is the one of that name, if there is one. */
static rj_status take_type(cursor *c, rj_tensor *t, size_t *row)
{
    rj_status st = RJ_OK;
    uint64_t k = 0;

    RJ_TRY(take_integer(c, 4, &k));
    const bool known = k < sizeof ggml_type / sizeof *ggml_type && ggml_type[k].name != NULL;
    RJ_REQUIRE(known && ggml_type[k].bytes > 0, RJ_ERR_FORMAT,
               "%s: %s%.*s: elements of type %s (%" PRIu64 ") are not supported; convert the file", PLACE(c),
               known ? ggml_type[k].name : "unknown", k);
    t->type_name = ggml_type[k].name;
    t->dtype = RJ_DTYPE_UNSUPPORTED;
    for (int d = 0; d < RJ_N_DTYPES; d++)
        if (strcmp(rj_dtype_name((rj_dtype)d), t->type_name) == 0) t->dtype = (rj_dtype)d;
    *row = k;
done:
    return st;
}

/* t->offset is counted from the start of the data here. */
static rj_status take_tensor(cursor *c, rj_tensor *t, char name[RJ_GGUF_NAME_SIZE])
{
    rj_status st = RJ_OK;
    size_t k = 0;
    ptrdiff_t n = 0;

    RJ_TRY(take_name(c, "tensor ", RJ_GGUF_NAME_SIZE - 1));
    memcpy(name, c->bytes + c->name_at, c->name_n);
    t->name = name;
    RJ_TRY(take_shape(c, t));
    RJ_TRY(take_type(c, t, &k));
    RJ_TRY(take_integer(c, 8, &t->offset));

    const ptrdiff_t block = ggml_type[k].block, columns = t->shape[t->n_dims - 1];
    RJ_REQUIRE(columns % block == 0, RJ_ERR_FORMAT,
               "%s: %s%.*s: rows of %td elements are no whole blocks of %td (%s)", PLACE(c), columns, block,
               t->type_name);
    RJ_REQUIRE(rj_shape_elements(t->shape, t->n_dims, &n) &&
                   !__builtin_mul_overflow(n / block, ggml_type[k].bytes, &t->n_bytes),
               RJ_ERR_FORMAT, "%s: %s%.*s: its number of elements overflows", PLACE(c));
done:
    return st;
}

/* Magic, version and the two counts. */
static rj_status take_counts(cursor *c, uint64_t *n_tensors, uint64_t *n_entries)
{
    rj_status st = RJ_OK;
    uint64_t version = 0;

    RJ_REQUIRE(c->limit >= 4, RJ_ERR_FORMAT, "%s: %zu bytes are too few for a GGUF file",
               rj_file_path(c->file), c->limit);
    RJ_TRY(skip(c, 4, 1));
    RJ_REQUIRE(memcmp(c->bytes, "GGUF", 4) == 0, RJ_ERR_FORMAT, "%s: does not begin with \"GGUF\"",
               rj_file_path(c->file));
    RJ_TRY(take_integer(c, 4, &version));
    RJ_REQUIRE((version & 0xffff) != 0, RJ_ERR_FORMAT, "%s: made for big-endian machines; convert it",
               rj_file_path(c->file));
    RJ_REQUIRE(version == 2 || version == 3, RJ_ERR_FORMAT,
               "%s: GGUF version %" PRIu64 ", but 2 or 3 is needed; convert the model again",
               rj_file_path(c->file), version);
    RJ_TRY(take_integer(c, 8, n_tensors));
    RJ_TRY(take_integer(c, 8, n_entries));
    const size_t left = c->limit - c->at;
    RJ_REQUIRE(*n_entries <= left / MIN_ENTRY && *n_tensors <= left / MIN_TENSOR, RJ_ERR_FORMAT,
               "%s: %" PRIu64 " keys and %" PRIu64
               " tensors do not fit the %zu bytes that follow; is it complete?",
               rj_file_path(c->file), *n_entries, *n_tensors, left);
done:
    return st;
}

static rj_status take_header(cursor *c, rj_gguf *g)
{
    rj_status st = RJ_OK;
    uint64_t n_tensors = 0, n_entries = 0;

    RJ_TRY(take_counts(c, &n_tensors, &n_entries));
    g->n_entries = (ptrdiff_t)n_entries;
    g->n_tensors = (ptrdiff_t)n_tensors;
    RJ_NEW(g->entry, g->n_entries, 1);
    RJ_NEW(g->tensor, g->n_tensors, 1);
    RJ_NEW(g->names, g->n_tensors, RJ_GGUF_NAME_SIZE);
    for (ptrdiff_t i = 0; i < g->n_entries; i++) RJ_TRY(take_entry(c, &g->entry[i]));
    for (ptrdiff_t i = 0; i < g->n_tensors; i++)
        RJ_TRY(take_tensor(c, &g->tensor[i], g->names + i * RJ_GGUF_NAME_SIZE));
done:
    return st;
}

static int by_key(const void *a, const void *b)
{
    return rj_span_compare(((const rj_gguf_entry *)a)->key, ((const rj_gguf_entry *)b)->key);
}

/* The header's bytes stay where they are from now on. */
static rj_status sort_entries(rj_gguf *g)
{
    rj_status st = RJ_OK;

    for (ptrdiff_t i = 0; i < g->n_entries; i++) {
        g->entry[i].key.text = g->header + g->entry[i].key_at;
        g->entry[i].value = g->header + g->entry[i].value_at;
    }
    qsort(g->entry, (size_t)g->n_entries, sizeof *g->entry, by_key);
    for (ptrdiff_t i = 1; i < g->n_entries; i++)
        RJ_REQUIRE(by_key(&g->entry[i - 1], &g->entry[i]) != 0, RJ_ERR_FORMAT, "%s: key %.*s occurs twice",
                   rj_gguf_path(g), (int)g->entry[i].key.n, g->entry[i].key.text);
done:
    return st;
}

static int by_offset(const void *a, const void *b)
{
    const rj_tensor *s = a, *t = b;

    return (s->offset > t->offset) - (s->offset < t->offset);
}

/* Sorts the tensors; each is aligned, begins behind the one before and ends inside the file. The data begin at the first
 * multiple of the alignment behind the header's last byte. */
static rj_status place_tensors(rj_gguf *g, uint64_t header_end)
{
    rj_status st = RJ_OK;
    const uint64_t size = rj_file_size(g->file);
    int64_t alignment = DEFAULT_ALIGNMENT;
    uint64_t last = 0;

    if (rj_gguf_has(g, "general.alignment")) RJ_TRY(rj_gguf_integer(g, "general.alignment", &alignment));
    RJ_REQUIRE(alignment >= 1 && alignment <= UINT32_MAX && (alignment & (alignment - 1)) == 0, RJ_ERR_FORMAT,
               "%s: key general.alignment is %" PRId64 ", but a power of two is needed", rj_gguf_path(g),
               alignment);
    const uint64_t mask = (uint64_t)alignment - 1, data = (header_end + mask) & ~mask;
    qsort(g->tensor, (size_t)g->n_tensors, sizeof *g->tensor, by_offset);
    for (ptrdiff_t i = 0; i < g->n_tensors; i++) {
        rj_tensor *t = &g->tensor[i];
        RJ_REQUIRE((t->offset & mask) == 0, RJ_ERR_FORMAT,
                   "%s: tensor %s begins at %" PRIu64 ", which is no multiple of the alignment %" PRId64,
                   rj_gguf_path(g), t->name, t->offset, alignment);
        RJ_REQUIRE(data <= size && t->offset <= size - data && t->n_bytes <= size - data - t->offset,
                   RJ_ERR_FORMAT,
                   "%s: tensor %s has %" PRIu64 " bytes at %" PRIu64 " + %" PRIu64
                   ", but the file ends at %" PRIu64 "; is it complete?",
                   rj_gguf_path(g), t->name, t->n_bytes, data, t->offset, size);
        t->offset += data;
        RJ_REQUIRE(t->offset >= last, RJ_ERR_FORMAT,
                   "%s: tensor %s begins at %" PRIu64 ", but %s ends at %" PRIu64 ": they overlap",
                   rj_gguf_path(g), t->name, t->offset, i > 0 ? t[-1].name : "nothing", last);
        last = t->offset + t->n_bytes;
    }
done:
    return st;
}

rj_status rj_gguf_open(const char *path, rj_gguf **gguf)
{
    rj_status st = RJ_OK;
    rj_gguf *g = NULL;
    cursor c = {.kind = "header"};

    RJ_NEW(g, 1, 1);
    RJ_TRY(rj_file_open(path, &g->file));
    c.file = g->file;
    c.limit = rj_file_size(g->file) < MAX_HEADER ? (size_t)rj_file_size(g->file) : MAX_HEADER;
    RJ_TRY(take_header(&c, g));
    g->header = c.bytes;
    c.bytes = NULL;
    RJ_TRY(sort_entries(g));
    RJ_TRY(place_tensors(g, c.at));
    *gguf = g;
    g = NULL;
done:
    rj_free(c.bytes);
    rj_gguf_close(&g);
    return st;
}

void rj_gguf_close(rj_gguf **gguf)
{
    rj_gguf *g = *gguf;

    if (g == NULL) return;
    rj_free(g->names);
    rj_free(g->tensor);
    rj_free(g->entry);
    rj_free(g->header);
    rj_file_close(&g->file);
    RJ_FREE(*gguf);
}

const rj_file *rj_gguf_file(const rj_gguf *g)
{
    return g->file;
}

const char *rj_gguf_path(const rj_gguf *g)
{
    return rj_file_path(g->file);
}

const rj_tensor *rj_gguf_tensors(const rj_gguf *g, ptrdiff_t *n)
{
    *n = g->n_tensors;
    return g->tensor;
}
