/* prompts.c: every prompt is hashed as it stands, so that results of different runs can be matched by prompt. */
#include "resjac/run/prompts.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "resjac/base/hash.h"
#include "resjac/base/json.h"
#include "resjac/base/memory.h"

static rj_status set_text(rj_prompt *p, const char *text, size_t n)
{
    rj_status st = RJ_OK;

    RJ_NEW(p->text, (ptrdiff_t)n + 1, 1);
    memcpy(p->text, text, n);
    p->n_text = (ptrdiff_t)n;
    RJ_TRY(rj_hash_bytes(text, n, p->sha256));
done:
    return st;
}

static rj_status set_ids(rj_prompt *p, const char *path, const json_t *list)
{
    rj_status st = RJ_OK;
    const size_t n = json_array_size(list);

    RJ_REQUIRE(json_is_array(list) && n > 0 && n < INT_MAX, RJ_ERR_FORMAT,
               "%s:%d: \"ids\" must be a list of at least one token id", path, p->line);
    RJ_NEW(p->ids, (ptrdiff_t)n, 1);
    for (size_t i = 0; i < n; i++) {
        const json_t *id = json_array_get(list, i);
        const json_int_t value = json_integer_value(id);
        RJ_REQUIRE(json_is_integer(id) && 0 <= value && value <= INT32_MAX, RJ_ERR_FORMAT,
                   "%s:%d: entry %zu of \"ids\" is not a token id (0..%d)", path, p->line, i, INT32_MAX);
        p->ids[i] = (int32_t)value;
    }
    p->n_ids = (ptrdiff_t)n;
    RJ_TRY(rj_hash_bytes(p->ids, n * sizeof *p->ids,
                         p->sha256)); /* little-endian hosts only: checked at build time */
done:
    return st;
}

static rj_status set_json(rj_prompt *p, const char *path, const char *line, size_t n)
{
    rj_status st = RJ_OK;
    rj_json *json = NULL;
    const char *id = NULL;
    char place[512];

    snprintf(place, sizeof place, "%.400s:%d", path, p->line);
    RJ_TRY(rj_json_parse(place, line, n, &json));
    const json_t *text = json_object_get(json->root, "text"), *ids = json_object_get(json->root, "ids");
    RJ_REQUIRE((text != NULL) != (ids != NULL), RJ_ERR_FORMAT, "%s: needs either \"text\" or \"ids\"", place);
    RJ_TRY(rj_json_string(json, NULL, "id", false, &id));
    if (id != NULL) {
        RJ_REQUIRE(strlen(id) < sizeof p->id, RJ_ERR_FORMAT, "%s: \"id\" has %zu bytes, needs at most %zu",
                   place, strlen(id), sizeof p->id - 1);
        snprintf(p->id, sizeof p->id, "%s", id);
    }
    if (ids != NULL) {
        RJ_TRY(set_ids(p, path, ids));
    } else {
        RJ_REQUIRE(json_is_string(text), RJ_ERR_FORMAT, "%s: \"text\" must be a string", place);
        RJ_REQUIRE(json_string_length(text) > 0, RJ_ERR_FORMAT, "%s: empty prompt; delete the line", place);
        RJ_TRY(set_text(p, json_string_value(text), json_string_length(text)));
    }
done:
    rj_json_close(&json);
    return st;
}

static rj_status parse_line(const char *path, bool is_json, const char *line, size_t n, int number,
                            rj_prompt *p)
{
    rj_status st = RJ_OK;

    p->line = number;
    snprintf(p->id, sizeof p->id, "%d", number);
    if (n > 0 && line[n - 1] == '\r') n--;
    RJ_REQUIRE(n > 0, RJ_ERR_FORMAT, "%s:%d: empty prompt; delete the line", path, number);
    if (is_json)
        RJ_TRY(set_json(p, path, line, n));
    else
        RJ_TRY(set_text(p, line, n));
done:
    return st;
}

rj_status rj_prompts_parse(const char *path, const char *text, size_t n, rj_prompts **prompts)
{
    rj_status st = RJ_OK;
    rj_prompts *own = NULL;
    const size_t n_path = strlen(path);
    const bool is_json = n_path > 6 && strcmp(path + n_path - 6, ".jsonl") == 0;
    ptrdiff_t n_lines = n > 0 && text[n - 1] != '\n';

    for (size_t i = 0; i < n; i++) n_lines += text[i] == '\n';
    RJ_REQUIRE(0 < n_lines && n_lines < INT_MAX, RJ_ERR_FORMAT, "%s: holds no prompt; write one a line",
               path);
    RJ_NEW(own, 1, 1);
    RJ_NEW(own->path, (ptrdiff_t)n_path + 1, 1);
    memcpy(own->path, path, n_path);
    RJ_NEW(own->prompt, n_lines, 1);
    for (const char *line = text; own->n < n_lines; own->n++) {
        const size_t left = n - (size_t)(line - text);
        const char *end = memchr(line, '\n', left);
        const size_t length = end != NULL ? (size_t)(end - line) : left;
        /* counted before it is parsed, so that a half-made one is freed too */
        rj_prompt *p = &own->prompt[own->n];
        if ((st = parse_line(path, is_json, line, length, own->n + 1, p)) != RJ_OK) {
            own->n++;
            goto done;
        }
        line += length + 1;
    }
    *prompts = own;
    own = NULL;
done:
    rj_prompts_free(&own);
    return st;
}

void rj_prompts_free(rj_prompts **prompts)
{
    rj_prompts *p = *prompts;

    if (p == NULL) return;
    for (int i = 0; p->prompt != NULL && i < p->n; i++) {
        RJ_FREE(p->prompt[i].text);
        RJ_FREE(p->prompt[i].ids);
    }
    RJ_FREE(p->prompt);
    RJ_FREE(p->path);
    RJ_FREE(*prompts);
}

rj_status rj_prompt_tokens(const rj_prompts *prompts, int i, const rj_tokenizer *tok, int context,
                           const rj_prompt_rules *rules, int32_t **ids, int *n_ids)
{
    rj_status st = RJ_OK;
    const rj_prompt *p = &prompts->prompt[i];
    const bool by_model = context > 0 && context < rules->max_tokens;
    const ptrdiff_t limit = by_model ? context : rules->max_tokens;
    int32_t *own = NULL;
    ptrdiff_t n = p->n_ids;

    if (p->ids != NULL) {
        RJ_NEW(own, n, 1);
        memcpy(own, p->ids, (size_t)n * sizeof *own);
    } else {
        RJ_REQUIRE(tok != NULL, RJ_ERR_ARG, "prompt %d is text, and there is no tokenizer", i);
        RJ_TRY(rj_tokenizer_encode(tok, p->text, p->n_text, rules->special_tokens, &own, &n));
    }
    RJ_REQUIRE(n > 0, RJ_ERR_FORMAT, "%s:%d: the prompt has no token for this model; delete the line",
               prompts->path, p->line);
    if (n > limit && rules->truncate_left) {
        memmove(own, own + (n - limit), (size_t)limit * sizeof *own);
        n = limit;
    }
    RJ_REQUIRE(
        n <= limit, RJ_ERR_FORMAT,
        "%s:%d: the prompt has %td tokens, %s is %td; shorten it%s, or set prompts.overlong: truncate-left",
        prompts->path, p->line, n, by_model ? "the model's context limit" : "prompts.max_tokens", limit,
        by_model ? "" : ", raise prompts.max_tokens");
    *ids = own;
    *n_ids = (int)n;
    own = NULL;
done:
    RJ_FREE(own);
    return st;
}
