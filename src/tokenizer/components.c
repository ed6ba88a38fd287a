/* components.c: one table row a kind of normalizer or pre-tokenizer. */
#include "resjac/tokenizer/components.h"

#include <stdio.h>
#include <string.h>

#include "resjac/base/memory.h"
#include "resjac/tokenizer/utf8.h"

typedef struct {
    const rj_json *j;
    rj_steps *steps;
    char *label;       /* or NULL */
    const char *where; /* "file: key" for messages */
    const struct kind *kinds;
} reader;

typedef struct kind {
    const char *name;
    rj_status (*read)(const reader *r, const json_t *o);
} kind;

/* GPT-2: Radford et al. 2019, encoder.py; Hugging Face tokenizers, ByteLevel. */
static const char BYTE_LEVEL[] =
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

/* ASCII's punctuation, symbols included, and Unicode's P as the library's table of an early version has it: without
 * what came later, with two characters that have left P since. */
static const char PUNCTUATION[] =
    "(?![\\x{61D}\\x{9FD}\\x{A76}\\x{C77}\\x{C84}\\x{1B7D}\\x{1B7E}\\x{2E43}-\\x{2E4F}\\x{2E52}-\\x{2E5D}"
    "\\x{10EAD}\\x{10F55}-\\x{10F59}\\x{10F86}-\\x{10F89}\\x{1144B}-\\x{1144F}\\x{1145A}-\\x{1145B}\\x{1145D}"
    "\\x{11660}-\\x{1166C}\\x{116B9}\\x{1183B}\\x{11944}-\\x{11946}\\x{119E2}\\x{11A3F}-\\x{11A46}"
    "\\x{11A9A}-\\x{11A9C}\\x{11A9E}-\\x{11AA2}\\x{11C41}-\\x{11C45}\\x{11C70}\\x{11C71}\\x{11EF7}\\x{11EF8}"
    "\\x{11FFF}\\x{12FF1}\\x{12FF2}\\x{16E97}-\\x{16E9A}\\x{16FE2}\\x{1E95E}\\x{1E95F}])"
    "[!-/:-@\\[-`{-~\\p{P}\\x{166D}\\x{111C9}]";

static const struct {
    const char *name;
    rj_split_mode mode;
} MODES[] = {{"Removed", RJ_SPLIT_REMOVED},
             {"Isolated", RJ_SPLIT_ISOLATED},
             {"MergedWithPrevious", RJ_SPLIT_PREVIOUS},
             {"MergedWithNext", RJ_SPLIT_NEXT},
             {"Contiguous", RJ_SPLIT_CONTIGUOUS}};

static rj_status unsupported(const reader *r, const char *name)
{
    char list[256] = "";
    size_t n = 0;

    for (const kind *k = r->kinds; k->name != NULL && n < sizeof list; k++)
        n += (size_t)snprintf(list + n, sizeof list - n, "%s%s", n > 0 ? ", " : "", k->name);
    return rj_raise(RJ_ERR_FORMAT, __FILE__, __LINE__, "%s \"%s\" is not supported; supported: %s", r->where,
                    name, list);
}

static void add_label(const reader *r, const char *name)
{
    if (r->label == NULL) return;
    const size_t n = strlen(r->label);
    snprintf(r->label + n, RJ_LABEL_SIZE - n, "%s%s", n > 0 ? " + " : "", name);
}

static rj_status read_any(const reader *r, const json_t *o)
{
    rj_status st = RJ_OK;
    const char *type = NULL;

    if (o == NULL || json_is_null(o)) return RJ_OK;
    RJ_REQUIRE(json_is_object(o), RJ_ERR_FORMAT, "%s: a JSON object {\"type\": ..} is needed", r->where);
    RJ_TRY(rj_json_string(r->j, o, "type", true, &type));
    for (const kind *k = r->kinds; k->name != NULL; k++) {
        if (strcmp(k->name, type) != 0) continue;
        if (strcmp(type, "Sequence") != 0) add_label(r, type);
        return k->read(r, o);
    }
    st = unsupported(r, type);
done:
    return st;
}

static rj_status read_list(const reader *r, const json_t *o, const char *key)
{
    rj_status st = RJ_OK;
    const json_t *list = json_object_get(o, key);

    RJ_REQUIRE(json_is_array(list), RJ_ERR_FORMAT, "%s: a Sequence needs the array \"%s\"", r->where, key);
    for (size_t i = 0; i < json_array_size(list); i++) RJ_TRY(read_any(r, json_array_get(list, i)));
done:
    return st;
}

/* Copies `text` into a step and appends it. The regex passes over to the step, also on error. */
static rj_status add_step(const reader *r, rj_step step, const char *text, rj_regex *regex)
{
    rj_status st = RJ_OK;
    const size_t n = text != NULL ? strlen(text) : 0;

    step.regex = regex;
    RJ_NEW(step.text, (ptrdiff_t)n, 1);
    if (n > 0) memcpy(step.text, text, n);
    step.n = (ptrdiff_t)n;
    regex = NULL;
    RJ_TRY(rj_steps_add(r->steps, step));
done:
    rj_regex_free(&regex);
    return st;
}

static rj_status add_replace(const reader *r, const char *pattern, bool literal, const char *by)
{
    rj_status st = RJ_OK;
    rj_regex *regex = NULL;

    RJ_TRY(rj_regex_compile(r->where, pattern, literal, &regex));
    RJ_TRY(add_step(r, (rj_step){.kind = RJ_STEP_REPLACE}, by, regex));
done:
    return st;
}

static rj_status add_split(const reader *r, const char *pattern, bool literal, rj_split_mode mode,
                           bool invert)
{
    rj_status st = RJ_OK;
    rj_regex *regex = NULL;

    RJ_TRY(rj_regex_compile(r->where, pattern, literal, &regex));
    RJ_TRY(add_step(r, (rj_step){.kind = RJ_STEP_SPLIT, .mode = mode, .invert = invert}, NULL, regex));
done:
    return st;
}

static rj_status add_prefix(const reader *r, const char *text, bool first_only)
{
    return add_step(r, (rj_step){.kind = RJ_STEP_PREPEND, .unless_there = true, .first_only = first_only},
                    text, NULL);
}

/* {"pattern": {"String": ".."}} or {"pattern": {"Regex": ".."}} */
static rj_status read_pattern(const reader *r, const json_t *o, const char **pattern, bool *literal)
{
    rj_status st = RJ_OK;
    const json_t *p = json_object_get(o, "pattern");
    const char *text = NULL;

    RJ_REQUIRE(json_is_object(p), RJ_ERR_FORMAT,
               "%s: \"pattern\" must be {\"String\": ..} or {\"Regex\": ..}", r->where);
    *literal = json_object_get(p, "Regex") == NULL;
    RJ_TRY(rj_json_string(r->j, p, *literal ? "String" : "Regex", true, &text));
    *pattern = text;
done:
    return st;
}

static rj_status read_mode(const reader *r, const json_t *o, bool required, rj_split_mode *mode)
{
    rj_status st = RJ_OK;
    const char *name = NULL;

    RJ_TRY(rj_json_string(r->j, o, "behavior", required, &name));
    if (name == NULL) return RJ_OK;
    for (size_t i = 0; i < sizeof MODES / sizeof *MODES; i++)
        if (strcmp(MODES[i].name, name) == 0) {
            *mode = MODES[i].mode;
            return RJ_OK;
        }
    RJ_FAIL(RJ_ERR_FORMAT,
            "%s: behavior \"%s\" is not Removed, Isolated, MergedWithPrevious, MergedWithNext or "
            "Contiguous",
            r->where, name);
done:
    return st;
}

static rj_status normalizer_sequence(const reader *r, const json_t *o)
{
    return read_list(r, o, "normalizers");
}

static rj_status normalizer_nfc(const reader *r, const json_t *o)
{
    (void)o;
    return add_step(r, (rj_step){.kind = RJ_STEP_NFC}, NULL, NULL);
}

static rj_status normalizer_prepend(const reader *r, const json_t *o)
{
    rj_status st = RJ_OK;
    const char *text = NULL;

    RJ_TRY(rj_json_string(r->j, o, "prepend", true, &text));
    RJ_TRY(add_step(r, (rj_step){.kind = RJ_STEP_PREPEND}, text, NULL));
done:
    return st;
}

static rj_status normalizer_replace(const reader *r, const json_t *o)
{
    rj_status st = RJ_OK;
    const char *pattern = NULL, *content = NULL;
    bool literal = true;

    RJ_TRY(read_pattern(r, o, &pattern, &literal));
    RJ_TRY(rj_json_string(r->j, o, "content", true, &content));
    RJ_TRY(add_replace(r, pattern, literal, content));
done:
    return st;
}

static rj_status normalizer_strip(const reader *r, const json_t *o)
{
    rj_status st = RJ_OK;
    bool left = false, right = false;

    RJ_TRY(rj_json_bool(r->j, o, "strip_left", true, &left));
    RJ_TRY(rj_json_bool(r->j, o, "strip_right", true, &right));
    RJ_REQUIRE(!left, RJ_ERR_FORMAT, "%s: Strip with strip_left is not supported, only strip_right",
               r->where);
    if (right) RJ_TRY(add_step(r, (rj_step){.kind = RJ_STEP_STRIP}, NULL, NULL));
done:
    return st;
}

static rj_status normalizer_precompiled(const reader *r, const json_t *o)
{
    rj_status st = RJ_OK;
    rj_step step = {.kind = RJ_STEP_CHARSMAP};
    const char *base64 = NULL;

    RJ_TRY(rj_json_string(r->j, o, "precompiled_charsmap", true, &base64));
    RJ_TRY(rj_charsmap_read(r->where, base64, (ptrdiff_t)strlen(base64), &step.map));
    RJ_TRY(rj_steps_add(r->steps, step));
done:
    return st;
}

static rj_status pretokenizer_sequence(const reader *r, const json_t *o)
{
    return read_list(r, o, "pretokenizers");
}

static rj_status pretokenizer_byte_level(const reader *r, const json_t *o)
{
    rj_status st = RJ_OK;
    bool prefix = false, split = true;

    RJ_TRY(rj_json_bool(r->j, o, "add_prefix_space", true, &prefix));
    RJ_TRY(rj_json_bool(r->j, o, "use_regex", false, &split));
    if (prefix) RJ_TRY(add_prefix(r, " ", false));
    if (split) RJ_TRY(add_split(r, BYTE_LEVEL, false, RJ_SPLIT_ISOLATED, false));
    RJ_TRY(add_step(r, (rj_step){.kind = RJ_STEP_BYTES}, NULL, NULL));
done:
    return st;
}

static rj_status pretokenizer_digits(const reader *r, const json_t *o)
{
    rj_status st = RJ_OK;
    bool single = false;

    RJ_TRY(rj_json_bool(r->j, o, "individual_digits", true, &single));
    RJ_TRY(add_split(r, "\\p{N}", false, single ? RJ_SPLIT_ISOLATED : RJ_SPLIT_CONTIGUOUS, false));
done:
    return st;
}

static rj_status pretokenizer_punctuation(const reader *r, const json_t *o)
{
    rj_status st = RJ_OK;
    rj_split_mode mode = RJ_SPLIT_ISOLATED;

    RJ_TRY(read_mode(r, o, false, &mode));
    RJ_TRY(add_split(r, PUNCTUATION, false, mode, false));
done:
    return st;
}

static rj_status pretokenizer_split(const reader *r, const json_t *o)
{
    rj_status st = RJ_OK;
    const char *pattern = NULL;
    rj_split_mode mode = RJ_SPLIT_ISOLATED;
    bool literal = true, invert = false;

    RJ_TRY(read_pattern(r, o, &pattern, &literal));
    RJ_TRY(read_mode(r, o, true, &mode));
    RJ_TRY(rj_json_bool(r->j, o, "invert", true, &invert));
    RJ_TRY(add_split(r, pattern, literal, mode, invert));
done:
    return st;
}

static rj_status pretokenizer_whitespace_split(const reader *r, const json_t *o)
{
    (void)o;
    return add_split(r, "\\s", false, RJ_SPLIT_REMOVED, false);
}

static rj_status pretokenizer_metaspace(const reader *r, const json_t *o)
{
    rj_status st = RJ_OK;
    const char *mark = NULL, *scheme = "always";
    bool prefix = true, split = true;

    RJ_TRY(rj_json_string(r->j, o, "replacement", true, &mark));
    RJ_TRY(rj_json_string(r->j, o, "prepend_scheme", false, &scheme));
    RJ_TRY(rj_json_bool(r->j, o, "add_prefix_space", false, &prefix)); /* of older files */
    RJ_TRY(rj_json_bool(r->j, o, "split", false, &split));
    RJ_REQUIRE(*mark != '\0' && rj_utf8_size(mark) == (int)strlen(mark), RJ_ERR_FORMAT,
               "%s: Metaspace's replacement \"%s\" is not one character", r->where, mark);
    const bool always = strcmp(scheme, "always") == 0, first = strcmp(scheme, "first") == 0;
    RJ_REQUIRE(always || first || strcmp(scheme, "never") == 0, RJ_ERR_FORMAT,
               "%s: Metaspace's prepend_scheme \"%s\" is not always, first or never", r->where, scheme);
    RJ_TRY(add_replace(r, " ", true, mark));
    if (prefix && (always || first)) RJ_TRY(add_prefix(r, mark, first));
    if (split) RJ_TRY(add_split(r, mark, true, RJ_SPLIT_NEXT, false));
done:
    return st;
}

static const kind NORMALIZERS[] = {{"Sequence", normalizer_sequence},
                                   {"NFC", normalizer_nfc},
                                   {"Prepend", normalizer_prepend},
                                   {"Replace", normalizer_replace},
                                   {"Strip", normalizer_strip},
                                   {"Precompiled", normalizer_precompiled},
                                   {NULL, NULL}};
static const kind PRETOKENIZERS[] = {{"Sequence", pretokenizer_sequence},
                                     {"ByteLevel", pretokenizer_byte_level},
                                     {"Digits", pretokenizer_digits},
                                     {"Metaspace", pretokenizer_metaspace},
                                     {"Punctuation", pretokenizer_punctuation},
                                     {"Split", pretokenizer_split},
                                     {"WhitespaceSplit", pretokenizer_whitespace_split},
                                     {NULL, NULL}};

/* Reads with messages that start "file: key". */
static rj_status read_as(const rj_json *j, const char *key, const json_t *value, const kind *kinds,
                         rj_steps *steps, char *label)
{
    rj_status st = RJ_OK;
    const size_t n = strlen(j->path) + strlen(key) + sizeof ": ";
    char *where = NULL;

    RJ_NEW(where, (ptrdiff_t)n, 1);
    snprintf(where, n, "%s: %s", j->path, key);
    RJ_TRY(read_any(&(reader){j, steps, label, where, kinds}, value));
done:
    rj_free(where);
    return st;
}

rj_status rj_normalizer_read(const rj_json *j, const json_t *value, rj_steps *steps)
{
    return read_as(j, "normalizer", value, NORMALIZERS, steps, NULL);
}

rj_status rj_pretokenizer_read(const rj_json *j, const json_t *value, rj_steps *steps,
                               char label[RJ_LABEL_SIZE])
{
    rj_status st = RJ_OK;

    *label = '\0';
    RJ_TRY(read_as(j, "pre_tokenizer", value, PRETOKENIZERS, steps, label));
    if (*label == '\0') strcpy(label, "none");
done:
    return st;
}
