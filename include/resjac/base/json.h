/* json.h: bounded JSON (jansson), with errors that name file and key. */
#ifndef RESJAC_BASE_JSON_H
#define RESJAC_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "resjac/base/status.h"

/* A JSON document and the file that it came from, for messages. */
typedef struct {
    char *path;
    json_t *root;
} rj_json;

/* Reads a file of at most `limit` bytes, depth at most 64, no duplicate keys, the root an object. A string may hold NULs
 * (\u0000), so that whoever takes json_string_value() must take json_string_length() too; a key may not.
 *   json [out] free with rj_json_close; untouched on error
 * Errors: MISSING; FORMAT broken (line, column), or larger than limit; IO; NOMEM. */
RJ_CHECKED rj_status rj_json_open(const char *path, size_t limit, rj_json **json);
RJ_CHECKED rj_status rj_json_parse(const char *name, const char *text, size_t n,
                                   rj_json **json); /* from memory */
void rj_json_close(rj_json **json);

/* Values under a key of `object` (borrowed, NULL = root); a dot in no key is special. The key that is absent or null
 * leaves *value as it is (the caller's default) unless `required`.
 * Errors: FORMAT required and absent, of another type (file, key, both types), or a string with a NUL. */
RJ_CHECKED rj_status rj_json_integer(const rj_json *j, const json_t *object, const char *key, bool required,
                                     int64_t *value);
RJ_CHECKED rj_status rj_json_number(const rj_json *j, const json_t *object, const char *key, bool required,
                                    double *value);
RJ_CHECKED rj_status rj_json_bool(const rj_json *j, const json_t *object, const char *key, bool required,
                                  bool *value);
RJ_CHECKED rj_status rj_json_string(const rj_json *j, const json_t *object, const char *key, bool required,
                                    const char **value); /* borrowed */
/* The same for a text that may hold NULs: its n bytes, borrowed. */
RJ_CHECKED rj_status rj_json_text(const rj_json *j, const json_t *object, const char *key, bool required,
                                  const char **text, size_t *n);
#endif
