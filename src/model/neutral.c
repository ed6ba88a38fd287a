/* neutral.c: refuses keys that change the mathematics in a way that the family does not evaluate. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "resjac/model/family.h"

enum { TEXT_SIZE = 160 };

static bool json_is_neutral(const json_t *value, const rj_neutral *n)
{
    size_t i = 0;
    const json_t *entry = NULL;

    switch (json_typeof(value)) {
    case JSON_NULL:
        return true;
    case JSON_FALSE:
        return n->neutral == 0.0;
    case JSON_TRUE:
        return n->neutral == 1.0;
    case JSON_INTEGER:
    case JSON_REAL:
        return json_number_value(value) == n->neutral;
    case JSON_STRING:
        return n->text != NULL && strcmp(json_string_value(value), n->text) == 0;
    case JSON_ARRAY:
        json_array_foreach((json_t *)value, i, entry) if (!json_is_neutral(entry, n)) return false;
        return true;
    case JSON_OBJECT:
        return json_object_size(value) == 0;
    }
    return false;
}

static rj_status json_check(const rj_json *j, const rj_family *family, const rj_neutral *n)
{
    rj_status st = RJ_OK;
    const char *key = n->name[RJ_FORMAT_SAFETENSORS];
    const json_t *value = json_object_get(j->root, key);
    char text[TEXT_SIZE] = "";

    if (value == NULL || json_is_neutral(value, n)) return RJ_OK;
    const size_t length = json_dumpb(value, text, sizeof text - 1, JSON_ENCODE_ANY | JSON_COMPACT);
    text[length < sizeof text - 1 ? length : sizeof text - 1] = '\0';
    RJ_FAIL(RJ_ERR_FORMAT, "%s: %s = %s changes the mathematics; family %s does not evaluate it", j->path,
            key, text, family->name);
done:
    return st;
}

static rj_status gguf_check(const rj_gguf *g, const rj_family *family, const rj_neutral *n)
{
    rj_status st = RJ_OK;
    char key[TEXT_SIZE];
    double value = 0.0;
    bool flag = false;

    snprintf(key, sizeof key, "%s.%s", family->architecture, n->name[RJ_FORMAT_GGUF]);
    if (!rj_gguf_has(g, key)) return RJ_OK;
    if (rj_gguf_bool(g, key, &flag) == RJ_OK)
        value = flag ? 1.0 : 0.0;
    else
        RJ_TRY(rj_gguf_number(g, key, &value));
    RJ_REQUIRE(value == n->neutral, RJ_ERR_FORMAT,
               "%s: %s = %g changes the mathematics; family %s does not evaluate it", rj_gguf_path(g), key,
               value, family->name);
done:
    return st;
}

rj_status rj_neutral_check(const rj_weights *w, const rj_family *family)
{
    rj_status st = RJ_OK;
    const rj_format format = rj_weights_format(w);

    for (const rj_neutral *n = family->neutral; n->name[0] != NULL || n->name[1] != NULL; n++) {
        if (n->name[format] == NULL) continue;
        if (format == RJ_FORMAT_GGUF)
            RJ_TRY(gguf_check(rj_weights_metadata(w), family, n));
        else
            RJ_TRY(json_check(rj_weights_config(w), family, n));
    }
done:
    return st;
}
