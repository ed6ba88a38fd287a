/* yaml_tree.h: libyaml's document tree with checked scalars; every error names file, line and key. Private to run. */
#ifndef RJ_YAML_TREE_H
#define RJ_YAML_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <yaml.h>

#include "resjac/base/status.h"

/* One value of a document. `where` is the file ("deck.yaml") or "--set", `key` its dotted name. */
typedef struct {
    yaml_document_t *document;
    yaml_node_t *node;
    const char *where, *key;
} rj_yaml;

/* "deck.yaml:7: key" or "--set key", for messages; a static buffer. */
const char *rj_yaml_place(const rj_yaml *v);

/* Loads one document. Errors: USAGE (line, column, problem). Free with yaml_document_delete. */
RJ_CHECKED rj_status rj_yaml_load(const char *where, const char *text, size_t n, yaml_document_t *document);

/* Errors of all: USAGE, the value is of another kind or out of its range. Strings are borrowed from the document. */
RJ_CHECKED rj_status rj_yaml_text(const rj_yaml *v, const char **text);
RJ_CHECKED rj_status rj_yaml_integer(const rj_yaml *v, int64_t low, int64_t high, int64_t *value);
RJ_CHECKED rj_status rj_yaml_number(const rj_yaml *v, double *value);
/* The index of the value in a NULL-terminated list of words. */
RJ_CHECKED rj_status rj_yaml_choice(const rj_yaml *v, const char *const *words, int *index);
RJ_CHECKED rj_status rj_yaml_length(const rj_yaml *v, ptrdiff_t *n); /* of a sequence */
rj_yaml rj_yaml_item(const rj_yaml *v, ptrdiff_t i);                 /* of a sequence */

/* Calls `set` for each pair of a mapping, in the file's order, with a key of at most 127 bytes "<prefix><key>".
 * Errors: USAGE not a mapping, a key that is no plain word, or one that stands twice. */
RJ_CHECKED rj_status rj_yaml_each(const rj_yaml *map, const char *prefix,
                                  rj_status (*set)(void *target, const rj_yaml *value), void *target);

/* The word nearest to `word` by edit distance, NULL where none is near. `words` has `n` entries of `stride` bytes
 * that begin with a char pointer. */
const char *rj_nearest(const char *word, const void *words, size_t n, size_t stride);
#endif
