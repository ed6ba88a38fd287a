/* gguf.h: header of a GGUF v2/v3 file: metadata and tensor infos (format: ggml-org/ggml docs/gguf.md). */
#ifndef RESJAC_WEIGHTS_GGUF_H
#define RESJAC_WEIGHTS_GGUF_H

#include <stdbool.h>
#include <stdint.h>

#include "resjac/base/status.h"

typedef struct rj_gguf rj_gguf;

/* Bytes of the file's header, not NUL-terminated; borrowed from the rj_gguf. */
typedef struct {
    const char *text;
    size_t n;
} rj_span;

/* Metadata. A getter fails with FORMAT (file, key, type found, type needed) when the key is there with another type, and
 * with FORMAT "key is missing" when it is not there: ask rj_gguf_has first for an optional key. Any integer type
 * serves as an integer, any number as a number. */
bool rj_gguf_has(const rj_gguf *g, const char *key);
RJ_CHECKED rj_status rj_gguf_integer(const rj_gguf *g, const char *key, int64_t *value);
RJ_CHECKED rj_status rj_gguf_number(const rj_gguf *g, const char *key, double *value);
RJ_CHECKED rj_status rj_gguf_bool(const rj_gguf *g, const char *key, bool *value);
RJ_CHECKED rj_status rj_gguf_string(const rj_gguf *g, const char *key, rj_span *value);

/* Arrays: a fresh list, freed by the caller with rj_free; the spans point into the header.
 *   list [out] [n]; untouched on error */
RJ_CHECKED rj_status rj_gguf_strings(const rj_gguf *g, const char *key, rj_span **list, ptrdiff_t *n);
RJ_CHECKED rj_status rj_gguf_integers(const rj_gguf *g, const char *key, int64_t **list, ptrdiff_t *n);
RJ_CHECKED rj_status rj_gguf_numbers(const rj_gguf *g, const char *key, double **list, ptrdiff_t *n);

const char *rj_gguf_path(const rj_gguf *g);

/* Opening is for weights.c (and fuzz targets); see the end of gguf.c for the tensor infos. */
#endif
