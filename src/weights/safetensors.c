/* safetensors.c: the header is JSON; jansson refuses what is no JSON, this file what is no safetensors. */
#include "resjac/weights/safetensors.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "resjac/base/json.h"
#include "resjac/base/memory.h"

enum { MAX_HEADER = 100000000 }; /* the format's own limit */

struct rj_safetensors {
    rj_file *file;
    rj_tensor *tensor;
    ptrdiff_t n;
    char *names;
};

/* All element types of the format, so that sizes can be checked of those, too, that cannot be read. */
static const struct {
    const char *name;
    unsigned bits;
    rj_dtype dtype;
} known[] = {
    {"F32", 32, RJ_DTYPE_F32},
    {"F16", 16, RJ_DTYPE_F16},
    {"BF16", 16, RJ_DTYPE_BF16},
    {"BOOL", 8, RJ_DTYPE_UNSUPPORTED},
    {"U8", 8, RJ_DTYPE_UNSUPPORTED},
    {"I8", 8, RJ_DTYPE_UNSUPPORTED},
    {"F8_E5M2", 8, RJ_DTYPE_UNSUPPORTED},
    {"F8_E4M3", 8, RJ_DTYPE_UNSUPPORTED},
    {"F8_E8M0", 8, RJ_DTYPE_UNSUPPORTED},
    {"F8_E4M3FNUZ", 8, RJ_DTYPE_UNSUPPORTED},
    {"F8_E5M2FNUZ", 8, RJ_DTYPE_UNSUPPORTED},
    {"I16", 16, RJ_DTYPE_UNSUPPORTED},
    {"U16", 16, RJ_DTYPE_UNSUPPORTED},
    {"I32", 32, RJ_DTYPE_UNSUPPORTED},
    {"U32", 32, RJ_DTYPE_UNSUPPORTED},
    {"I64", 64, RJ_DTYPE_UNSUPPORTED},
    {"U64", 64, RJ_DTYPE_UNSUPPORTED},
    {"F64", 64, RJ_DTYPE_UNSUPPORTED},
    {"C64", 64, RJ_DTYPE_UNSUPPORTED},
    {"F4", 4, RJ_DTYPE_UNSUPPORTED},
    {"F6_E2M3", 6, RJ_DTYPE_UNSUPPORTED},
    {"F6_E3M2", 6, RJ_DTYPE_UNSUPPORTED},
};

/* The header as text; *data is where the tensors' bytes begin. */
static rj_status read_header(const rj_file *file, char **text, size_t *n, uint64_t *data)
{
    rj_status st = RJ_OK;
    const char *path = rj_file_path(file);
    const uint64_t size = rj_file_size(file);
    uint64_t length = 0;
    char *block = NULL;

    RJ_REQUIRE(size >= sizeof length, RJ_ERR_FORMAT,
               "%s: %" PRIu64 " bytes are too few for a safetensors file", path, size);
    RJ_TRY(rj_file_read(file, 0, sizeof length, &length));
    RJ_REQUIRE(length <= MAX_HEADER, RJ_ERR_FORMAT,
               "%s: a header of %" PRIu64 " bytes, but the format allows %d; is this a safetensors file?",
               path, length, MAX_HEADER);
    RJ_REQUIRE(length <= size - sizeof length, RJ_ERR_FORMAT,
               "%s: a header of %" PRIu64 " bytes in a file of %" PRIu64 "; is it complete?", path, length,
               size);
    RJ_NEW(block, (ptrdiff_t)length + 1, 1);
    RJ_TRY(rj_file_read(file, sizeof length, (size_t)length, block));
    RJ_REQUIRE(block[0] == '{', RJ_ERR_FORMAT,
               "%s: the header does not begin with {; is this a safetensors file?", path);
    *text = block;
    *n = (size_t)length;
    *data = sizeof length + length;
    block = NULL;
done:
    rj_free(block);
    return st;
}

static rj_status check_metadata(const rj_json *header)
{
    rj_status st = RJ_OK;
    json_t *metadata = json_object_get(header->root, "__metadata__"), *value = NULL;
    const char *key = NULL, *format = "pt";

    if (metadata == NULL) return RJ_OK;
    RJ_REQUIRE(json_is_object(metadata), RJ_ERR_FORMAT, "%s: __metadata__ is no object", header->path);
    json_object_foreach(metadata, key, value) RJ_REQUIRE(
        json_is_string(value), RJ_ERR_FORMAT, "%s: __metadata__: \"%s\" is no string", header->path, key);
    RJ_TRY(rj_json_string(header, metadata, "format", false, &format));
    RJ_REQUIRE(strcmp(format, "pt") == 0 || strcmp(format, "mlx") == 0, RJ_ERR_FORMAT,
               "%s: __metadata__: format is \"%s\", but \"pt\" is needed; save the model from PyTorch",
               header->path, format);
done:
    return st;
}

/* value[i] = item i of an array of `most` integers at most, each in 0..PTRDIFF_MAX. */
static rj_status read_sizes(const rj_json *header, const char *name, const json_t *entry, const char *key,
                            int most, ptrdiff_t *value, int *n)
{
    rj_status st = RJ_OK;
    const json_t *list = json_object_get(entry, key);

    RJ_REQUIRE(json_is_array(list), RJ_ERR_FORMAT, "%s: tensor \"%s\": \"%s\" is no array", header->path,
               name, key);
    RJ_REQUIRE(json_array_size(list) <= (size_t)most, RJ_ERR_FORMAT,
               "%s: tensor \"%s\": \"%s\" has %zu items, but at most %d are supported", header->path, name,
               key, json_array_size(list), most);
    *n = (int)json_array_size(list);
    for (int i = 0; i < *n; i++) {
        const json_t *item = json_array_get(list, (size_t)i);
        RJ_REQUIRE(
            json_is_integer(item) && json_integer_value(item) >= 0 && json_integer_value(item) <= PTRDIFF_MAX,
            RJ_ERR_FORMAT, "%s: tensor \"%s\": item %d of \"%s\" is no size", header->path, name, i, key);
        value[i] = (ptrdiff_t)json_integer_value(item);
    }
done:
    return st;
}

/* Bytes of the tensor; the type is row k of `known`. */
static rj_status count_bytes(const rj_json *header, const char *name, const rj_tensor *t, size_t k,
                             uint64_t *bytes)
{
    rj_status st = RJ_OK;
    ptrdiff_t n = 0;
    uint64_t bits = 0;

    RJ_REQUIRE(rj_shape_elements(t->shape, t->n_dims, &n) && !__builtin_mul_overflow(n, known[k].bits, &bits),
               RJ_ERR_FORMAT, "%s: tensor \"%s\": its number of elements overflows", header->path, name);
    RJ_REQUIRE(bits % 8 == 0, RJ_ERR_FORMAT, "%s: tensor \"%s\": %td elements of %s fill no whole bytes",
               header->path, name, n, known[k].name);
    *bytes = bits / 8;
done:
    return st;
}

/* t->offset is counted from the start of the data here. */
static rj_status read_entry(const rj_json *header, const char *name, const json_t *entry, rj_tensor *t)
{
    rj_status st = RJ_OK;
    const json_t *type = json_object_get(entry, "dtype");
    const char *dtype = json_string_value(type);
    ptrdiff_t range[2] = {0, 0};
    int n = 0;
    size_t k = 0;

    RJ_REQUIRE(json_is_object(entry), RJ_ERR_FORMAT, "%s: tensor \"%s\": its entry is no object",
               header->path, name);
    RJ_REQUIRE(dtype != NULL && strlen(dtype) == json_string_length(type), RJ_ERR_FORMAT,
               "%s: tensor \"%s\": no \"dtype\"", header->path, name);
    while (k < sizeof known / sizeof *known && strcmp(known[k].name, dtype) != 0) k++;
    RJ_REQUIRE(k < sizeof known / sizeof *known, RJ_ERR_FORMAT, "%s: tensor \"%s\": unknown dtype \"%s\"",
               header->path, name, dtype);
    RJ_TRY(read_sizes(header, name, entry, "shape", RJ_MAX_DIMS, t->shape, &t->n_dims));
    RJ_TRY(read_sizes(header, name, entry, "data_offsets", 2, range, &n));
    RJ_REQUIRE(n == 2 && range[0] <= range[1], RJ_ERR_FORMAT,
               "%s: tensor \"%s\": data_offsets are not [begin, end] with begin <= end", header->path, name);
    RJ_TRY(count_bytes(header, name, t, k, &t->n_bytes));
    RJ_REQUIRE((uint64_t)(range[1] - range[0]) == t->n_bytes, RJ_ERR_FORMAT,
               "%s: tensor \"%s\": data_offsets span %td bytes, but shape and %s need %" PRIu64, header->path,
               name, range[1] - range[0], dtype, t->n_bytes);
    t->type_name = known[k].name;
    t->dtype = known[k].dtype;
    t->offset = (uint64_t)range[0];
done:
    return st;
}

static rj_status read_entries(const rj_json *header, rj_safetensors *s)
{
    rj_status st = RJ_OK;
    json_t *entry = NULL;
    const char *name = NULL;
    size_t n_names = 0;
    ptrdiff_t n = 0;

    json_object_foreach(header->root, name, entry) n_names += strlen(name) + 1;
    RJ_NEW(s->tensor, (ptrdiff_t)json_object_size(header->root), 1);
    RJ_NEW(s->names, (ptrdiff_t)n_names, 1);
    n_names = 0;
    json_object_foreach(header->root, name, entry)
    {
        if (strcmp(name, "__metadata__") == 0) continue;
        RJ_TRY(read_entry(header, name, entry, &s->tensor[n]));
        s->tensor[n++].name = strcpy(s->names + n_names, name);
        n_names += strlen(name) + 1;
    }
    s->n = n;
done:
    return st;
}

/* Empty tensors first where several begin at one offset. */
static int by_offset(const void *a, const void *b)
{
    const rj_tensor *s = a, *t = b;

    if (s->offset != t->offset) return s->offset < t->offset ? -1 : 1;
    return (s->n_bytes > t->n_bytes) - (s->n_bytes < t->n_bytes);
}

/* Sorts the tensors; each begins where the one before ends, the last where the file ends. */
static rj_status check_layout(rj_safetensors *s, uint64_t data)
{
    rj_status st = RJ_OK;
    const char *path = rj_file_path(s->file);
    const uint64_t size = rj_file_size(s->file) - data;
    uint64_t end = 0;

    qsort(s->tensor, (size_t)s->n, sizeof *s->tensor, by_offset);
    for (ptrdiff_t i = 0; i < s->n; i++) {
        rj_tensor *t = &s->tensor[i];
        RJ_REQUIRE(t->offset == end, RJ_ERR_FORMAT,
                   "%s: tensor \"%s\" begins at %" PRIu64 ", but the one before it (\"%s\") ends at %" PRIu64
                   ": %s",
                   path, t->name, t->offset, i == 0 ? "none" : t[-1].name, end,
                   t->offset < end ? "they overlap" : "a hole");
        RJ_REQUIRE(t->n_bytes <= size - end, RJ_ERR_FORMAT,
                   "%s: tensor \"%s\" ends at %" PRIu64 ", but the data at %" PRIu64
                   "; is the file complete?",
                   path, t->name, end + t->n_bytes, size);
        end += t->n_bytes;
        t->offset += data;
    }
    RJ_REQUIRE(end == size, RJ_ERR_FORMAT, "%s: the tensors end at %" PRIu64 ", but the data at %" PRIu64,
               path, end, size);
done:
    return st;
}

rj_status rj_safetensors_open(const char *path, rj_safetensors **safetensors)
{
    rj_status st = RJ_OK;
    rj_safetensors *s = NULL;
    rj_json *header = NULL;
    char *text = NULL;
    size_t n = 0;
    uint64_t data = 0;

    RJ_NEW(s, 1, 1);
    RJ_TRY(rj_file_open(path, &s->file));
    RJ_TRY(read_header(s->file, &text, &n, &data));
    RJ_TRY(rj_json_parse(path, text, n, &header));
    RJ_TRY(check_metadata(header));
    RJ_TRY(read_entries(header, s));
    RJ_TRY(check_layout(s, data));
    *safetensors = s;
    s = NULL;
done:
    rj_json_close(&header);
    rj_free(text);
    rj_safetensors_close(&s);
    return st;
}

void rj_safetensors_close(rj_safetensors **safetensors)
{
    rj_safetensors *s = *safetensors;

    if (s == NULL) return;
    rj_free(s->names);
    rj_free(s->tensor);
    rj_file_close(&s->file);
    RJ_FREE(*safetensors);
}

const rj_file *rj_safetensors_file(const rj_safetensors *s)
{
    return s->file;
}

const rj_tensor *rj_safetensors_tensors(const rj_safetensors *s, ptrdiff_t *n)
{
    *n = s->n;
    return s->tensor;
}
