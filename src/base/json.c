/* json.c: jansson behind bounds on size and depth; each getter knows the file, so that its message can name it. */
#include "resjac/base/json.h"

#include <string.h>

#include "resjac/base/file.h"
#include "resjac/base/memory.h"

enum { MAX_DEPTH = 64 };

/* Deepest nesting of brackets outside strings. A text that is no JSON gives a number of no meaning, and jansson then
 * says what is wrong with it; up to that point the count is right. */
static int nesting(const char *text, size_t n)
{
    int depth = 0, deepest = 0;
    bool in_string = false;

    for (size_t i = 0; i < n && deepest <= MAX_DEPTH; i++) {
        const char c = text[i];
        if (in_string && c == '\\')
            i++;
        else if (c == '"')
            in_string = !in_string;
        else if (in_string)
            continue;
        else if (c == '{' || c == '[')
            deepest = ++depth > deepest ? depth : deepest;
        else if (c == '}' || c == ']')
            depth--;
    }
    return deepest;
}

rj_status rj_json_parse(const char *name, const char *text, size_t n, rj_json **json)
{
    rj_status st = RJ_OK;
    rj_json *j = NULL;
    json_error_t error;

    RJ_REQUIRE(nesting(text, n) <= MAX_DEPTH, RJ_ERR_FORMAT, "%s: JSON nested deeper than %d levels", name,
               MAX_DEPTH);
    RJ_NEW(j, 1, 1);
    RJ_TRY(rj_path_copy(name, &j->path));
    j->root = json_loadb(text, n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (j->root == NULL && json_error_code(&error) == json_error_out_of_memory)
        RJ_FAIL(RJ_ERR_NOMEM, "%s: no memory for its JSON", name);
    RJ_REQUIRE(j->root != NULL, RJ_ERR_FORMAT, "%s: line %d, column %d: %s", name, error.line, error.column,
               error.text);
    RJ_REQUIRE(json_is_object(j->root), RJ_ERR_FORMAT, "%s: the top level is no JSON object {..}", name);
    *json = j;
    j = NULL;
done:
    rj_json_close(&j);
    return st;
}

rj_status rj_json_open(const char *path, size_t limit, rj_json **json)
{
    rj_status st = RJ_OK;
    char *text = NULL;
    size_t n = 0;

    RJ_TRY(rj_file_load(path, limit, &text, &n));
    RJ_TRY(rj_json_parse(path, text, n, json));
done:
    rj_free(text);
    return st;
}

void rj_json_close(rj_json **json)
{
    if (*json == NULL) return;
    json_decref((*json)->root);
    rj_free((*json)->path);
    RJ_FREE(*json);
}

static const char *type_name(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
        return "an integer";
    case JSON_REAL:
        return "a real number";
    case JSON_TRUE:
    case JSON_FALSE:
        return "a boolean";
    default:
        return "null";
    }
}

/* *value is NULL where the key is absent or null and need not be there. */
static rj_status lookup(const rj_json *j, const json_t *object, const char *key, bool required,
                        const json_t **value)
{
    rj_status st = RJ_OK;
    const json_t *found = json_object_get(object != NULL ? object : j->root, key);

    if (json_is_null(found)) found = NULL;
    RJ_REQUIRE(found != NULL || !required, RJ_ERR_FORMAT, "%s: key \"%s\" is missing", j->path, key);
    *value = found;
done:
    return st;
}

static rj_status mismatch(const rj_json *j, const char *key, const json_t *found, const char *needed)
{
    return rj_raise(RJ_ERR_FORMAT, __FILE__, __LINE__, "%s: key \"%s\" is %s, but %s is needed", j->path, key,
                    type_name(found), needed);
}

rj_status rj_json_integer(const rj_json *j, const json_t *object, const char *key, bool required,
                          int64_t *value)
{
    rj_status st = RJ_OK;
    const json_t *found = NULL;

    RJ_TRY(lookup(j, object, key, required, &found));
    if (found == NULL) return RJ_OK;
    if (!json_is_integer(found)) return mismatch(j, key, found, "an integer");
    *value = json_integer_value(found);
done:
    return st;
}

rj_status rj_json_number(const rj_json *j, const json_t *object, const char *key, bool required,
                         double *value)
{
    rj_status st = RJ_OK;
    const json_t *found = NULL;

    RJ_TRY(lookup(j, object, key, required, &found));
    if (found == NULL) return RJ_OK;
    if (!json_is_number(found)) return mismatch(j, key, found, "a number");
    *value = json_number_value(found);
done:
    return st;
}

rj_status rj_json_bool(const rj_json *j, const json_t *object, const char *key, bool required, bool *value)
{
    rj_status st = RJ_OK;
    const json_t *found = NULL;

    RJ_TRY(lookup(j, object, key, required, &found));
    if (found == NULL) return RJ_OK;
    if (!json_is_boolean(found)) return mismatch(j, key, found, "a boolean");
    *value = json_is_true(found);
done:
    return st;
}

rj_status rj_json_text(const rj_json *j, const json_t *object, const char *key, bool required,
                       const char **text, size_t *n)
{
    rj_status st = RJ_OK;
    const json_t *found = NULL;

    RJ_TRY(lookup(j, object, key, required, &found));
    if (found == NULL) return RJ_OK;
    if (!json_is_string(found)) return mismatch(j, key, found, "a string");
    *text = json_string_value(found);
    *n = json_string_length(found);
done:
    return st;
}

rj_status rj_json_string(const rj_json *j, const json_t *object, const char *key, bool required,
                         const char **value)
{
    rj_status st = RJ_OK;
    const char *text = NULL;
    size_t n = 0;

    RJ_TRY(rj_json_text(j, object, key, required, &text, &n));
    if (text == NULL) return RJ_OK;
    RJ_REQUIRE(strlen(text) == n, RJ_ERR_FORMAT,
               "%s: key \"%s\" holds a NUL (\\u0000) after \"%s\"; remove it", j->path, key, text);
    *value = text;
done:
    return st;
}
