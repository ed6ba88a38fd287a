/* yaml_tree.c: scalars are checked by their text, so that "0x10", "1e3x" or an empty value never pass silently. */
#include "yaml_tree.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *rj_yaml_place(const rj_yaml *v)
{
    static char place[512];

    if (strcmp(v->where, "--set") == 0)
        snprintf(place, sizeof place, "--set %.127s", v->key);
    else
        snprintf(place, sizeof place, "%.350s:%zu: %.127s", v->where, v->node->start_mark.line + 1, v->key);
    return place;
}

rj_status rj_yaml_load(const char *where, const char *text, size_t n, yaml_document_t *document)
{
    rj_status st = RJ_OK;
    yaml_parser_t parser;

    if (!yaml_parser_initialize(&parser))
        return rj_raise(RJ_ERR_NOMEM, __FILE__, __LINE__, "no memory for YAML");
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, n);
    if (!yaml_parser_load(&parser, document))
        RJ_FAIL(RJ_ERR_USAGE, "%s:%zu:%zu: not YAML: %s", where, parser.problem_mark.line + 1,
                parser.problem_mark.column + 1, parser.problem ? parser.problem : "unreadable");
    if (yaml_document_get_root_node(document) == NULL) {
        yaml_document_delete(document);
        RJ_FAIL(RJ_ERR_USAGE, "%s: is empty; a deck needs at least models, prompts and output", where);
    }
done:
    yaml_parser_delete(&parser);
    return st;
}

static const char *kind_name(const yaml_node_t *node)
{
    return node->type == YAML_MAPPING_NODE    ? "a mapping"
           : node->type == YAML_SEQUENCE_NODE ? "a list"
                                              : "a value";
}

rj_status rj_yaml_text(const rj_yaml *v, const char **text)
{
    rj_status st = RJ_OK;

    RJ_REQUIRE(v->node->type == YAML_SCALAR_NODE, RJ_ERR_USAGE, "%s is %s, needs one value", rj_yaml_place(v),
               kind_name(v->node));
    RJ_REQUIRE(strlen((const char *)v->node->data.scalar.value) == v->node->data.scalar.length, RJ_ERR_USAGE,
               "%s holds a NUL character; remove it", rj_yaml_place(v));
    RJ_REQUIRE(v->node->data.scalar.length > 0, RJ_ERR_USAGE, "%s is empty; give a value or delete the key",
               rj_yaml_place(v));
    *text = (const char *)v->node->data.scalar.value;
done:
    return st;
}

rj_status rj_yaml_integer(const rj_yaml *v, int64_t low, int64_t high, int64_t *value)
{
    rj_status st = RJ_OK;
    const char *text = NULL;
    char *end = NULL;

    RJ_TRY(rj_yaml_text(v, &text));
    errno = 0;
    const long long n = strtoll(text, &end, 10);
    RJ_REQUIRE(errno == 0 && *end == '\0' && low <= n && n <= high, RJ_ERR_USAGE,
               "%s is \"%.64s\", needs a whole number %lld..%lld", rj_yaml_place(v), text, (long long)low,
               (long long)high);
    *value = n;
done:
    return st;
}

rj_status rj_yaml_number(const rj_yaml *v, double *value)
{
    rj_status st = RJ_OK;
    const char *text = NULL;
    char *end = NULL;

    RJ_TRY(rj_yaml_text(v, &text));
    const double x = strtod(text, &end);
    RJ_REQUIRE(*end == '\0' && isfinite(x), RJ_ERR_USAGE, "%s is \"%.64s\", needs a finite number",
               rj_yaml_place(v), text);
    *value = x;
done:
    return st;
}

rj_status rj_yaml_choice(const rj_yaml *v, const char *const *words, int *index)
{
    rj_status st = RJ_OK;
    const char *text = NULL;
    char list[256] = "";

    RJ_TRY(rj_yaml_text(v, &text));
    for (int i = 0; words[i] != NULL; i++) {
        if (strcmp(text, words[i]) == 0) {
            *index = i;
            return RJ_OK;
        }
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", i ? " | " : "", words[i]);
    }
    RJ_FAIL(RJ_ERR_USAGE, "%s is \"%.64s\", needs %s", rj_yaml_place(v), text, list);
done:
    return st;
}

rj_status rj_yaml_length(const rj_yaml *v, ptrdiff_t *n)
{
    rj_status st = RJ_OK;

    RJ_REQUIRE(v->node->type == YAML_SEQUENCE_NODE, RJ_ERR_USAGE, "%s is %s, needs a list, such as [a, b]",
               rj_yaml_place(v), kind_name(v->node));
    *n = v->node->data.sequence.items.top - v->node->data.sequence.items.start;
done:
    return st;
}

rj_yaml rj_yaml_item(const rj_yaml *v, ptrdiff_t i)
{
    rj_yaml item = *v;

    item.node = yaml_document_get_node(v->document, v->node->data.sequence.items.start[i]);
    return item;
}

/* Has the key of this pair come before in its mapping? */
static bool is_repeated(yaml_document_t *document, const yaml_node_t *map, const yaml_node_pair_t *pair)
{
    const yaml_node_t *key = yaml_document_get_node(document, pair->key);

    for (const yaml_node_pair_t *p = map->data.mapping.pairs.start; p < pair; p++) {
        const yaml_node_t *other = yaml_document_get_node(document, p->key);
        if (strcmp((const char *)key->data.scalar.value, (const char *)other->data.scalar.value) == 0)
            return true;
    }
    return false;
}

rj_status rj_yaml_each(const rj_yaml *map, const char *prefix, rj_status (*set)(void *, const rj_yaml *),
                       void *target)
{
    rj_status st = RJ_OK;
    char key[128];

    RJ_REQUIRE(map->node->type == YAML_MAPPING_NODE, RJ_ERR_USAGE, "%s is %s, needs {key: value, ...}",
               rj_yaml_place(map), kind_name(map->node));
    for (yaml_node_pair_t *p = map->node->data.mapping.pairs.start; p < map->node->data.mapping.pairs.top;
         p++) {
        yaml_node_t *name = yaml_document_get_node(map->document, p->key);
        rj_yaml value = {map->document, yaml_document_get_node(map->document, p->value), map->where, key};
        RJ_REQUIRE(name->type == YAML_SCALAR_NODE, RJ_ERR_USAGE, "%s:%zu: a key must be one word", map->where,
                   name->start_mark.line + 1);
        snprintf(key, sizeof key, "%s%.100s", prefix, (const char *)name->data.scalar.value);
        RJ_REQUIRE(!is_repeated(map->document, map->node, p), RJ_ERR_USAGE,
                   "%s stands twice; keep one of them", rj_yaml_place(&value));
        RJ_TRY(set(target, &value));
    }
done:
    return st;
}

/* Levenshtein distance of two words of at most 63 bytes. */
static size_t distance(const char *a, const char *b)
{
    size_t row[64], n = strlen(b);

    if (strlen(a) > 63 || n > 63) return 64;
    for (size_t j = 0; j <= n; j++) row[j] = j;
    for (size_t i = 1; i <= strlen(a); i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            const size_t change = diagonal + (a[i - 1] != b[j - 1]);
            const size_t less = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = change < less ? change : less;
        }
    }
    return row[n];
}

const char *rj_nearest(const char *word, const void *words, size_t n, size_t stride)
{
    const char *nearest = NULL;
    size_t least = 1 + strlen(word) / 2; /* farther is no help */

    for (size_t i = 0; i < n; i++) {
        const char *candidate = *(const char *const *)(const void *)((const char *)words + i * stride);
        const size_t away = distance(word, candidate);
        if (away <= least && (nearest == NULL || away < least)) {
            nearest = candidate;
            least = away;
        }
    }
    return nearest;
}
