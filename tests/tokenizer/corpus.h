/* corpus.h: a corpus.jsonl of {"text": .., "ids": [..]} against a tokenizer. "ids" are those of the tokenizer's default
 * call, "plain", where it is there, those without special tokens. */
#ifndef RESJAC_TESTS_CORPUS_H
#define RESJAC_TESTS_CORPUS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "resjac/base/memory.h"
#include "resjac/tokenizer/tokenizer_pipeline.h"

/* From a tokenizer.json, or from a GGUF file. */
static rj_status corpus_tokenizer(const char *path, rj_tokenizer **tok)
{
    rj_status st = RJ_OK;
    const size_t n = strlen(path);
    rj_json *j = NULL;
    rj_gguf *g = NULL;

    if (n > 5 && strcmp(path + n - 5, ".gguf") == 0) {
        RJ_TRY(rj_gguf_open(path, &g));
        RJ_TRY(rj_tokenizer_from_gguf(g, tok));
    } else {
        RJ_TRY(rj_json_open(path, (size_t)256 << 20, &j));
        RJ_TRY(rj_tokenizer_from_json(j, tok));
    }
done:
    rj_gguf_close(&g);
    rj_json_close(&j);
    return st;
}

static void corpus_print(const char *name, const int32_t *id, ptrdiff_t n, const json_t *expected)
{
    fprintf(stderr, "  %s:", name);
    for (ptrdiff_t i = 0; i < n; i++) fprintf(stderr, " %d", (int)id[i]);
    fprintf(stderr, "\n  expected:");
    for (size_t i = 0; i < json_array_size(expected); i++)
        fprintf(stderr, " %lld", (long long)json_integer_value(json_array_get(expected, i)));
    fputc('\n', stderr);
}

/* Encodes the text of a line; says on stderr what differs. */
static bool corpus_agrees(const rj_tokenizer *tok, const json_t *line, const char *key, long number)
{
    const json_t *text = json_object_get(line, "text"), *expected = json_object_get(line, key);
    const bool special = strcmp(key, "ids") == 0;
    int32_t *id = NULL;
    ptrdiff_t n = 0;

    if (expected == NULL && !special) return true;
    if (!json_is_string(text) || !json_is_array(expected)) return false;
    if (rj_tokenizer_encode(tok, json_string_value(text), (ptrdiff_t)json_string_length(text), special, &id,
                            &n) != RJ_OK) {
        fprintf(stderr, "line %ld: %s\n", number, rj_status_message());
        return false;
    }
    bool same = n == (ptrdiff_t)json_array_size(expected);
    for (ptrdiff_t i = 0; i < n && same; i++)
        same = json_integer_value(json_array_get(expected, (size_t)i)) == id[i];
    if (!same) {
        fprintf(stderr, "line %ld: \"%s\"\n", number, json_string_value(text));
        corpus_print(key, id, n, expected);
    }
    rj_free(id);
    return same;
}

/* Number of lines that disagree; *n_lines read. A file or line that cannot be read disagrees, too. */
static long corpus_mismatches(const char *path, const rj_tokenizer *tok, long *n_lines)
{
    FILE *f = fopen(path, "r");
    char *line = NULL;
    size_t cap = 0;
    long bad = f == NULL;

    *n_lines = 0;
    while (f != NULL && getline(&line, &cap, f) > 0) {
        json_t *o = json_loads(line, 0, NULL);
        ++*n_lines;
        bad += !(corpus_agrees(tok, o, "ids", *n_lines) && corpus_agrees(tok, o, "plain", *n_lines));
        json_decref(o);
    }
    free(line);
    if (f != NULL) fclose(f);
    return bad;
}
#endif
