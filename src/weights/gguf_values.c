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
    static const char *const name[RJ_N_GGUF_TYPES] = {"u8",   "i8",     "u16",   "i16", "u32", "i32", "f32",
                                                      "bool", "string", "array", "u64", "i64", "f64"};
    rj_status st = RJ_OK;
    const rj_gguf_entry *e = find(g, key);

    RJ_REQUIRE(e != NULL, RJ_ERR_FORMAT, "%s: key %s is missing", rj_gguf_path(g), key);
    RJ_REQUIRE(e->is_array == array && fits(e->type), RJ_ERR_FORMAT, "%s: key %s is %s%s, but %s is needed",
               rj_gguf_path(g), key, e->is_array ? "an array of " : "of type ", name[e->type], needed);
    *entry = e;
done:
    return st;
}

size_t rj_gguf_type_size(rj_gguf_type t)
{
    static const size_t size[RJ_N_GGUF_TYPES] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

    return size[t];
}

static uint64_t bits_at(const rj_gguf_entry *e, uint64_t i)
{
    const size_t n = rj_gguf_type_size(e->type);
    uint64_t bits = 0;

    memcpy(&bits, e->value + i * n, n);
    return bits;
}

/* Element i of an integer type other than U64. */
static int64_t signed_at(const rj_gguf_entry *e, uint64_t i)
{
    const uint64_t bits = bits_at(e, i);

    switch (e->type) {
    case RJ_GGUF_I8:
        return (int8_t)bits;
    case RJ_GGUF_I16:
        return (int16_t)bits;
    case RJ_GGUF_I32:
        return (int32_t)bits;
    default:
        return (int64_t)bits;
    }
}

static rj_status integer_at(const rj_gguf *g, const rj_gguf_entry *e, uint64_t i, int64_t *value)
{
    rj_status st = RJ_OK;

    RJ_REQUIRE(e->type != RJ_GGUF_U64 || bits_at(e, i) <= INT64_MAX, RJ_ERR_FORMAT,
               "%s: key %.*s: item %" PRIu64 " is %" PRIu64 ", but at most %" PRId64 " is supported",
               rj_gguf_path(g), (int)e->key.n, e->key.text, i, bits_at(e, i), INT64_MAX);
    *value = signed_at(e, i);
done:
    return st;
}

static double number_at(const rj_gguf_entry *e, uint64_t i)
{
    float single;
    double value;

    if (e->type == RJ_GGUF_U64) return (double)bits_at(e, i);
    if (e->type == RJ_GGUF_F32) {
        memcpy(&single, e->value + i * sizeof single, sizeof single);
        return (double)single;
    }
    if (e->type == RJ_GGUF_F64) {
        memcpy(&value, e->value + i * sizeof value, sizeof value);
        return value;
    }
    return (double)signed_at(e, i);
}

/* The string whose length stands at p. */
static rj_span string_at(const char *p)
{
    uint64_t n;

    memcpy(&n, p, sizeof n);
    return (rj_span){p + sizeof n, (size_t)n};
}

rj_status rj_gguf_integer(const rj_gguf *g, const char *key, int64_t *value)
{
    rj_status st = RJ_OK;
    const rj_gguf_entry *e = NULL;

    RJ_TRY(lookup(g, key, false, is_integer, "an integer", &e));
    RJ_TRY(integer_at(g, e, 0, value));
done:
    return st;
}

rj_status rj_gguf_number(const rj_gguf *g, const char *key, double *value)
{
    rj_status st = RJ_OK;
    const rj_gguf_entry *e = NULL;

    RJ_TRY(lookup(g, key, false, is_number, "a number", &e));
    *value = number_at(e, 0);
done:
    return st;
}

rj_status rj_gguf_bool(const rj_gguf *g, const char *key, bool *value)
{
    rj_status st = RJ_OK;
    const rj_gguf_entry *e = NULL;

    RJ_TRY(lookup(g, key, false, is_bool, "a bool", &e));
    *value = *e->value != 0;
done:
    return st;
}

rj_status rj_gguf_string(const rj_gguf *g, const char *key, rj_span *value)
{
    rj_status st = RJ_OK;
    const rj_gguf_entry *e = NULL;

    RJ_TRY(lookup(g, key, false, is_string, "a string", &e));
    *value = string_at(e->value);
done:
    return st;
}

rj_status rj_gguf_strings(const rj_gguf *g, const char *key, rj_span **list, ptrdiff_t *n)
{
    rj_status st = RJ_OK;
    const rj_gguf_entry *e = NULL;
    rj_span *fresh = NULL;

    RJ_TRY(lookup(g, key, true, is_string, "an array of strings", &e));
    RJ_NEW(fresh, (ptrdiff_t)e->n, 1);
    const char *p = e->value;
    for (uint64_t i = 0; i < e->n; i++) {
        fresh[i] = string_at(p);
        p = fresh[i].text + fresh[i].n;
    }
    *list = fresh;
    *n = (ptrdiff_t)e->n;
done:
    return st;
}

rj_status rj_gguf_integers(const rj_gguf *g, const char *key, int64_t **list, ptrdiff_t *n)
{
    rj_status st = RJ_OK;
    const rj_gguf_entry *e = NULL;
    int64_t *fresh = NULL;

    RJ_TRY(lookup(g, key, true, is_integer, "an array of integers", &e));
    RJ_NEW(fresh, (ptrdiff_t)e->n, 1);
    for (uint64_t i = 0; i < e->n; i++) RJ_TRY(integer_at(g, e, i, &fresh[i]));
    *list = fresh;
    *n = (ptrdiff_t)e->n;
    fresh = NULL;
done:
    rj_free(fresh);
    return st;
}

rj_status rj_gguf_numbers(const rj_gguf *g, const char *key, double **list, ptrdiff_t *n)
{
    rj_status st = RJ_OK;
    const rj_gguf_entry *e = NULL;
    double *fresh = NULL;

    RJ_TRY(lookup(g, key, true, is_number, "an array of numbers", &e));
    RJ_NEW(fresh, (ptrdiff_t)e->n, 1);
    for (uint64_t i = 0; i < e->n; i++) fresh[i] = number_at(e, i);
    *list = fresh;
    *n = (ptrdiff_t)e->n;
done:
    return st;
}
