/* byte_builder.h: small checkpoints, byte by byte. */
#ifndef RJ_BYTE_BUILDER_H
#define RJ_BYTE_BUILDER_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../temporary.h"

typedef struct {
    uint8_t data[1 << 20];
    size_t n;
} bytes;

static inline void put(bytes *b, const void *from, size_t n)
{
    if (b->n + n > sizeof b->data) abort();
    memcpy(b->data + b->n, from, n);
    b->n += n;
}

static inline void put_integer(bytes *b, uint64_t value, size_t size)
{
    put(b, &value, size);
}

/* Zeros up to a multiple of `alignment`. */
static inline void put_padding(bytes *b, size_t alignment)
{
    while (b->n % alignment != 0) put_integer(b, 0, 1);
}

static inline const char *write_bytes(const bytes *b, const char *name)
{
    return temporary_file(name, b->data, b->n);
}

static inline void put_floats(bytes *b, const float *value, size_t n)
{
    put(b, value, n * sizeof *value);
}

/* GGUF: a string is its length and its bytes. */
static inline void put_string(bytes *b, const char *text)
{
    put_integer(b, strlen(text), 8);
    put(b, text, strlen(text));
}

static inline void put_gguf_head(bytes *b, uint32_t version, uint64_t n_tensors, uint64_t n_keys)
{
    b->n = 0;
    put(b, "GGUF", 4);
    put_integer(b, version, 4);
    put_integer(b, n_tensors, 8);
    put_integer(b, n_keys, 8);
}

enum { U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64 }; /* value types of GGUF */

static inline void put_key(bytes *b, const char *key, uint32_t type)
{
    put_string(b, key);
    put_integer(b, type, 4);
}

static inline void put_integer_key(bytes *b, const char *key, uint32_t type, uint64_t value, size_t size)
{
    put_key(b, key, type);
    put_integer(b, value, size);
}

static inline void put_string_key(bytes *b, const char *key, const char *value)
{
    put_key(b, key, STRING);
    put_string(b, value);
}

static inline void put_array_key(bytes *b, const char *key, uint32_t type, uint64_t n)
{
    put_key(b, key, ARRAY);
    put_integer(b, type, 4);
    put_integer(b, n, 8);
}

/* dim: [n_dims], fastest first. */
static inline void put_tensor(bytes *b, const char *name, uint32_t n_dims, const uint64_t *dim, uint32_t type,
                              uint64_t offset)
{
    put_string(b, name);
    put_integer(b, n_dims, 4);
    put(b, dim, n_dims * sizeof *dim);
    put_integer(b, type, 4);
    put_integer(b, offset, 8);
}

/* safetensors: the header's length and text; the data follow. */
static inline void put_safetensors_head(bytes *b, const char *header)
{
    b->n = 0;
    put_integer(b, strlen(header), 8);
    put(b, header, strlen(header));
}
#endif
