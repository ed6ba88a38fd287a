/* gguf.c: the header has no length in front, so that a cursor reads it in growing pieces, never beyond the file's size or
 * MAX_HEADER; a count is compared with the bytes that are left before anything of its size is allocated or walked. */
#include "resjac/weights/gguf.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "gguf_header.h"
#include "resjac/base/memory.h"

enum { MAX_HEADER = 256 << 20 /* tokenizers need tens of MB */, FIRST_PIECE = 64 << 10, MAX_KEY = 65535, DEFAULT_ALIGNMENT = 32 };
enum { MIN_ENTRY = 8 + 1 + 4 + 1, MIN_TENSOR = 8 + 1 + 4 + 8 + 4 + 8 }; /* bytes in the file, names of one letter */

typedef struct {
    const rj_file *file;
    char *bytes; /* [loaded], from the start of the file */
    size_t loaded, at, limit;
    const char *kind; /* what is being read, for messages: "header", or "key " or "tensor " and its name */
    size_t name_at, name_n;
} cursor;

/* The arguments of "%s: %s%.*s", the place of a fault. */
#define PLACE(c)                                                                                             \
    rj_file_path((c)->file), (c)->kind, (int)((c)->name_n < 100 ? (c)->name_n : 100), (c)->bytes + (c)->name_at

/* Types of tensors in the file's numbering; NULL was removed from the format. */
static const char *const ggml_name[] = {
    "F32",  "F16",  "Q4_0",    "Q4_1",   NULL,      NULL,    "Q5_0",   "Q5_1",  "Q8_0",  "Q8_1",    "Q2_K",
    "Q3_K", "Q4_K", "Q5_K",    "Q6_K",   "Q8_K",    "IQ2_XXS", "IQ2_XS", "IQ3_XXS", "IQ1_S", "IQ4_NL", "IQ3_S",
    "IQ2_S", "IQ4_XS", "I8",   "I16",    "I32",     "I64",   "F64",    "IQ1_M", "BF16",  NULL,      NULL,
    NULL,   "TQ1_0", "TQ2_0",  NULL,     NULL,      NULL,    "MXFP4",  "NVFP4", "Q1_0",  "Q2_0",
};

static const char *type_of(uint64_t ggml_type)
{
    const char *name = ggml_type < sizeof ggml_name / sizeof *ggml_name ? ggml_name[ggml_type] : NULL;

    return name != NULL ? name : "unknown";
}

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
               "%s: %s%.*s: %" PRIu64 " items of %zu bytes at offset %zu, but the %s at %zu; is the file complete?",
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
               "%s: %s%.*s: the %sat offset %zu has a name of %" PRIu64 " bytes, but 1 to %zu are allowed", PLACE(c), kind,
               c->at - 8, n, most);
    RJ_TRY(skip(c, n, 1));
    c->kind = kind;
    c->name_at = c->at - n;
    c->name_n = n;
    RJ_REQUIRE(memchr(c->bytes + c->name_at, '\0', n) == NULL, RJ_ERR_FORMAT, "%s: %s%.*s: a NUL in the name", PLACE(c));
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
    static const size_t size[RJ_N_GGUF_TYPES] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
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
        RJ_REQUIRE(type != RJ_GGUF_ARRAY, RJ_ERR_FORMAT, "%s: %s%.*s: an array of arrays is not supported", PLACE(c));
    }
    RJ_REQUIRE(type < RJ_N_GGUF_TYPES, RJ_ERR_FORMAT, "%s: %s%.*s: unknown value type %" PRIu64, PLACE(c), type);
    e->type = (rj_gguf_type)type;
    e->value_at = c->at;
    if (type == RJ_GGUF_STRING) RJ_TRY(skip_strings(c, e->n));
    else if (type == RJ_GGUF_BOOL) RJ_TRY(skip_bools(c, e->n));
    else RJ_TRY(skip(c, e->n, size[type]));
done:
    return st;
}

static rj_status refuse_type(const cursor *c, uint64_t type)
{
    char list[256] = "";

    for (int t = 0; t < RJ_N_DTYPES; t++) {
        if (t > 0) strcat(list, ", ");
        strcat(list, rj_dtype_name((rj_dtype)t));
    }
    return rj_raise(RJ_ERR_FORMAT, __FILE__, __LINE__,
                    "%s: %s%.*s: elements of type %s (%" PRIu64 ") are not supported, these are: %s; convert the file",
                    PLACE(c), type_of(type), type, list);
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
        RJ_REQUIRE(dim >= 1 && dim <= PTRDIFF_MAX, RJ_ERR_FORMAT, "%s: %s%.*s: a dimension of %" PRIu64, PLACE(c), dim);
        t->shape[k] = (ptrdiff_t)dim;
    }
done:
    return st;
}

/* t->offset is counted from the start of the data here. */
static rj_status take_tensor(cursor *c, rj_tensor *t, char name[RJ_GGUF_NAME_SIZE])
{
    rj_status st = RJ_OK;
    uint64_t type = 0;
    ptrdiff_t n = 0;
    int dtype = 0;

    RJ_TRY(take_name(c, "tensor ", RJ_GGUF_NAME_SIZE - 1));
    memcpy(name, c->bytes + c->name_at, c->name_n);
    t->name = name;
    RJ_TRY(take_shape(c, t));
    RJ_TRY(take_integer(c, 4, &type));
    RJ_TRY(take_integer(c, 8, &t->offset));
    t->type_name = type_of(type);
    while (dtype < RJ_N_DTYPES && strcmp(rj_dtype_name((rj_dtype)dtype), t->type_name) != 0) dtype++;
    if (dtype == RJ_N_DTYPES) RJ_TRY(refuse_type(c, type));
    t->dtype = (rj_dtype)dtype;

    const ptrdiff_t block = rj_dtype_block(t->dtype), columns = t->shape[t->n_dims - 1];
    RJ_REQUIRE(columns % block == 0, RJ_ERR_FORMAT, "%s: %s%.*s: rows of %td elements are no whole blocks of %td (%s)",
               PLACE(c), columns, block, t->type_name);
    RJ_REQUIRE(rj_shape_elements(t->shape, t->n_dims, &n) &&
                   !__builtin_mul_overflow(n / block, rj_dtype_block_bytes(t->dtype), &t->n_bytes),
               RJ_ERR_FORMAT, "%s: %s%.*s: its number of elements overflows", PLACE(c));
done:
    return st;
}

/* Magic, version and the two counts. */
static rj_status take_counts(cursor *c, uint64_t *n_tensors, uint64_t *n_entries)
{
    rj_status st = RJ_OK;
    uint64_t version = 0;

    RJ_REQUIRE(c->limit >= 4, RJ_ERR_FORMAT, "%s: %zu bytes are too few for a GGUF file", rj_file_path(c->file), c->limit);
    RJ_TRY(skip(c, 4, 1));
    RJ_REQUIRE(memcmp(c->bytes, "GGUF", 4) == 0, RJ_ERR_FORMAT, "%s: does not begin with \"GGUF\"",
               rj_file_path(c->file));
    RJ_TRY(take_integer(c, 4, &version));
    RJ_REQUIRE((version & 0xffff) != 0, RJ_ERR_FORMAT, "%s: made for big-endian machines; convert it",
               rj_file_path(c->file));
    RJ_REQUIRE(version == 2 || version == 3, RJ_ERR_FORMAT,
               "%s: GGUF version %" PRIu64 ", but 2 or 3 is needed; convert the model again", rj_file_path(c->file), version);
    RJ_TRY(take_integer(c, 8, n_tensors));
    RJ_TRY(take_integer(c, 8, n_entries));
    const size_t left = c->limit - c->at;
    RJ_REQUIRE(*n_entries <= left / MIN_ENTRY && *n_tensors <= left / MIN_TENSOR, RJ_ERR_FORMAT,
               "%s: %" PRIu64 " keys and %" PRIu64 " tensors do not fit the %zu bytes that follow; is it complete?",
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
               "%s: key general.alignment is %" PRId64 ", but a power of two is needed", rj_gguf_path(g), alignment);
    const uint64_t mask = (uint64_t)alignment - 1, data = (header_end + mask) & ~mask;
    qsort(g->tensor, (size_t)g->n_tensors, sizeof *g->tensor, by_offset);
    for (ptrdiff_t i = 0; i < g->n_tensors; i++) {
        rj_tensor *t = &g->tensor[i];
        RJ_REQUIRE((t->offset & mask) == 0, RJ_ERR_FORMAT,
                   "%s: tensor %s begins at %" PRIu64 ", which is no multiple of the alignment %" PRId64,
                   rj_gguf_path(g), t->name, t->offset, alignment);
        RJ_REQUIRE(data <= size && t->offset <= size - data && t->n_bytes <= size - data - t->offset, RJ_ERR_FORMAT,
                   "%s: tensor %s has %" PRIu64 " bytes at %" PRIu64 " + %" PRIu64 ", but the file ends at %" PRIu64
                   "; is it complete?",
                   rj_gguf_path(g), t->name, t->n_bytes, data, t->offset, size);
        t->offset += data;
        RJ_REQUIRE(t->offset >= last, RJ_ERR_FORMAT,
                   "%s: tensor %s begins at %" PRIu64 ", but %s ends at %" PRIu64 ": they overlap", rj_gguf_path(g), t->name,
                   t->offset, i > 0 ? t[-1].name : "nothing", last);
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
