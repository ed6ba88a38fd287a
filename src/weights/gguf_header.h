/* gguf_header.h: what gguf.c reads and gguf_values.c hands out. */
#ifndef RESJAC_WEIGHTS_GGUF_HEADER_H
#define RESJAC_WEIGHTS_GGUF_HEADER_H

#include "resjac/weights/gguf.h"

/* Value types in the file's numbering. */
typedef enum {
    RJ_GGUF_U8 = 0,
    RJ_GGUF_I8,
    RJ_GGUF_U16,
    RJ_GGUF_I16,
    RJ_GGUF_U32,
    RJ_GGUF_I32,
    RJ_GGUF_F32,
    RJ_GGUF_BOOL,
    RJ_GGUF_STRING,
    RJ_GGUF_ARRAY,
    RJ_GGUF_U64,
    RJ_GGUF_I64,
    RJ_GGUF_F64,
    RJ_N_GGUF_TYPES
} rj_gguf_type;

/* A key and its value. The header's bytes move while it is read, so that places come first and pointers at the end. */
typedef struct {
    size_t key_at, value_at; /* from the start of the file */
    rj_span key;
    const char *value; /* the first element; a string is its length (u64) and its bytes */
    rj_gguf_type type; /* of the elements */
    bool is_array;
    uint64_t n; /* elements; 1 where it is no array */
} rj_gguf_entry;

struct rj_gguf {
    rj_file *file;
    char *header;
    rj_gguf_entry *entry; /* [n_entries], by key */
    ptrdiff_t n_entries;
    rj_tensor *tensor; /* [n_tensors], by offset */
    ptrdiff_t n_tensors;
    char *names; /* [n_tensors][RJ_GGUF_NAME_SIZE] */
};

enum { RJ_GGUF_NAME_SIZE = 64 }; /* of a tensor, with its NUL */

size_t rj_gguf_type_size(rj_gguf_type t); /* bytes of an element; 0 of a string or array */

/* Bytewise order, a prefix first. */
int rj_span_compare(rj_span a, rj_span b);
#endif
