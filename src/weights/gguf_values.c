/* gguf_values.c: typed metadata. The bytes were checked when the header was read. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "gguf_header.h"
#include "resjac/base/memory.h"

int rj_span_compare(rj_span a, rj_span b)
{
    const int order = memcmp(a.text, b.text, a.n < b.n ? a.n : b.n);

    return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

static int key_against_entry(const void *key, const void *entry)
{
    return rj_span_compare(*(const rj_span *)key, ((const rj_gguf_entry *)entry)->key);
}

static const rj_gguf_entry *find(const rj_gguf *g, const char *key)
{
    const rj_span wanted = {key, strlen(key)};

    return bsearch(&wanted, g->entry, (size_t)g->n_entries, sizeof *g->entry, key_against_entry);
}

bool rj_gguf_has(const rj_gguf *g, const char *key)
{
    return find(g, key) != NULL;
}

bool rj_gguf_is_array(const rj_gguf *g, const char *key)
{
    const rj_gguf_entry *e = find(g, key);

    return e != NULL && e->is_array;
}

static bool is_integer(rj_gguf_type t)
{
    return t <= RJ_GGUF_I32 || t == RJ_GGUF_U64 || t == RJ_GGUF_I64;
}

static bool is_number(rj_gguf_type t)
{
    return is_integer(t) || t == RJ_GGUF_F32 || t == RJ_GGUF_F64;
}

static bool is_bool(rj_gguf_type t)
{
    return t == RJ_GGUF_BOOL;
}

static bool is_string(rj_gguf_type t)
{
    return t == RJ_GGUF_STRING;
}

/* The entry of a key that has values of a type that `fits`. */
static rj_status lookup(const rj_gguf *g, const char *key, bool array, bool (*fits)(rj_gguf_type),
                        const char *needed, const rj_gguf_entry **entry)
{
    static const char *const name[RJ_N_GGUF_TYPES] = {"u8",     "i8",    "u16", "i16", "u32", "i32", "f32", "bool",
                                                      "string", "array", "u64", "i64", "f64"};
    rj_status st = RJ_OK;
    const rj_gguf_entry *e = find(g, key);

    RJ_REQUIRE(e != NULL, RJ_ERR_FORMAT, "%s: key %s is missing", rj_gguf_path(g), key);
    RJ_REQUIRE(e->is_array == array && fits(e->type), RJ_ERR_FORMAT, "%s: key %s is %s%s, but %s is needed",
               rj_gguf_path(g), key, e->is_array ? "an array of " : "of type ", name[e->type], needed);
    *entry = e;
done:
    return st;
}

/* Element i of an integer type; above INT64_MAX it saturates and *too_large is set. */
static int64_t integer_at(const rj_gguf_entry *e, uint64_t i, bool *too_large)
{
    static const unsigned size[RJ_N_GGUF_TYPES] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
    const unsigned n = size[e->type], unused = 64 - 8 * n;
    uint64_t bits = 0;

    memcpy(&bits, e->value + i * n, n);
    if (e->type == RJ_GGUF_I8 || e->type == RJ_GGUF_I16 || e->type == RJ_GGUF_I32)
        return (int64_t)(bits << unused) >> unused; /* sign extension */
    *too_large = e->type == RJ_GGUF_U64 && bits > INT64_MAX;
    return *too_large ? INT64_MAX : (int64_t)bits;
}

static rj_status take_integer(const rj_gguf *g, const char *key, const rj_gguf_entry *e, uint64_t i, int64_t *value)
{
    rj_status st = RJ_OK;
    bool too_large = false;
    const int64_t found = integer_at(e, i, &too_large);

    RJ_REQUIRE(!too_large, RJ_ERR_FORMAT, "%s: key %s: item %" PRIu64 " exceeds %" PRId64, rj_gguf_path(g), key, i,
               INT64_MAX);
    *value = found;
done:
    return st;
}
