/* gguf.h: header of a GGUF v2/v3 file: metadata and tensor infos (format: ggml-org/ggml docs/gguf.md). */
#ifndef RESJAC_WEIGHTS_GGUF_H
#define RESJAC_WEIGHTS_GGUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "resjac/base/file.h"
#include "resjac/base/status.h"
#include "resjac/weights/tensor.h"

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
bool rj_gguf_is_array(const rj_gguf *g, const char *key); /* false where there is no such key */
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

/* Opening is for weights.c and fuzz targets: others have rj_weights_open. Reads the header, which may have 256 MiB at
 * most and is kept; every count and length is checked against the file's size before it is used. Refused: versions
 * other than 2 and 3, big-endian files, repeated keys, nested arrays, element types of unknown size, dimensions of 0,
 * tensors that are misaligned, overlap or leave the file. That a tensor's name is unique is checked by rj_weights_open.
 *   g [out] close with rj_gguf_close; untouched on error
 * Errors: MISSING; FORMAT (file, key or tensor, both values, the remedy); IO; NOMEM. */
RJ_CHECKED rj_status rj_gguf_open(const char *path, rj_gguf **g);
void rj_gguf_close(rj_gguf **g);
const rj_file *rj_gguf_file(const rj_gguf *g);
/* The file's tensors by offset, [n], with `file` 0; borrowed. */
const rj_tensor *rj_gguf_tensors(const rj_gguf *g, ptrdiff_t *n);
#endif
