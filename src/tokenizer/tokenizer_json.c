/* tokenizer_json.c: Hugging Face's tokenizer.json. "truncation" and "padding" are for callers, "decoder" for decoding:
 * none of them is read. */
#include <string.h>

#include "resjac/base/memory.h"
#include "resjac/tokenizer/grow.h"
#include "resjac/tokenizer/tokenizer_pipeline.h"

static rj_status check_bpe(const rj_json *j, const json_t *model)
{
    rj_status st = RJ_OK;
    const char *prefix = "", *suffix = "";
    double dropout = 0.0;

    RJ_TRY(rj_json_string(j, model, "continuing_subword_prefix", false, &prefix));
    RJ_TRY(rj_json_string(j, model, "end_of_word_suffix", false, &suffix));
    RJ_REQUIRE(*prefix == '\0' && *suffix == '\0', RJ_ERR_FORMAT,
               "%s: model: continuing_subword_prefix \"%s\" and end_of_word_suffix \"%s\" are not supported, "
               "needs none",
               j->path, prefix, suffix);
    RJ_TRY(rj_json_number(j, model, "dropout", false, &dropout));
    RJ_REQUIRE(dropout == 0.0, RJ_ERR_FORMAT, "%s: model: dropout %g makes the ids random, needs null",
               j->path, dropout);
done:
    return st;
}

static rj_status read_vocab(const rj_json *j, json_t *list, rj_vocab *vocab)
{
    rj_status st = RJ_OK;

    RJ_REQUIRE(json_is_object(list), RJ_ERR_FORMAT, "%s: model: key \"vocab\" is missing or no object",
               j->path);
    for (void *it = json_object_iter(list); it != NULL; it = json_object_iter_next(list, it)) {
        const char *text = json_object_iter_key(it);
        const json_t *id = json_object_iter_value(it);
        RJ_REQUIRE(json_is_integer(id) && json_integer_value(id) >= 0 &&
                       json_integer_value(id) <= RJ_MAX_TOKEN_ID,
                   RJ_ERR_FORMAT, "%s: model: vocab: the id of \"%s\" is not an integer of 0..%d", j->path,
                   text, RJ_MAX_TOKEN_ID);
        RJ_TRY(rj_vocab_put(vocab, text, (ptrdiff_t)strlen(text), (int32_t)json_integer_value(id)));
    }
done:
    return st;
}

/* "a b" with one space, or ["a", "b"]; *skip: a comment of an old file. */
static rj_status split_merge(const rj_json *j, size_t i, const json_t *m, rj_span pair[2], bool *skip)
{
    rj_status st = RJ_OK;
    const char *text = json_string_value(m), *space = NULL;
    const size_t n = json_string_length(m);

    *skip = text != NULL && strncmp(text, "#version", strlen("#version")) == 0;
    if (*skip) return RJ_OK;
    if (text != NULL) {
        space = memchr(text, ' ', n);
        RJ_REQUIRE(space != NULL && memchr(space + 1, ' ', n - (size_t)(space + 1 - text)) == NULL,
                   RJ_ERR_FORMAT, "%s: model: merges: entry %zu, \"%s\", is not two tokens and a space",
                   j->path, i, text);
        pair[0] = (rj_span){text, (size_t)(space - text)};
        pair[1] = (rj_span){space + 1, n - (size_t)(space + 1 - text)};
        return RJ_OK;
    }
    for (size_t k = 0; k < 2; k++) {
        const json_t *part = json_array_get(m, k);
        RJ_REQUIRE(json_array_size(m) == 2 && json_is_string(part), RJ_ERR_FORMAT,
                   "%s: model: merges: entry %zu is neither a string nor a pair of strings", j->path, i);
        pair[k] = (rj_span){json_string_value(part), json_string_length(part)};
    }
done:
    return st;
}

static rj_status read_merges(const rj_json *j, const json_t *list, rj_bpe *bpe)
{
    rj_status st = RJ_OK;
    rj_span pair[2];
    bool skip = false;

    RJ_REQUIRE(json_is_array(list), RJ_ERR_FORMAT, "%s: model: key \"merges\" is missing or no array",
               j->path);
    for (size_t i = 0; i < json_array_size(list); i++) {
        RJ_TRY(split_merge(j, i, json_array_get(list, i), pair, &skip));
        if (skip) continue;
        RJ_TRY(rj_bpe_merge(bpe, j->path, pair[0].text, (ptrdiff_t)pair[0].n, pair[1].text,
                            (ptrdiff_t)pair[1].n));
    }
done:
    return st;
}

static rj_status read_bpe(const rj_json *j, const json_t *model, rj_tokenizer *tok)
{
    rj_status st = RJ_OK;
    const char *unknown = NULL;
    rj_bpe_options o = {.unknown = RJ_BPE_DROP};

    RJ_TRY(check_bpe(j, model));
    RJ_TRY(rj_bpe_create(&tok->model));
    RJ_TRY(read_vocab(j, json_object_get(model, "vocab"), rj_bpe_vocab(tok->model)));
    RJ_TRY(read_merges(j, json_object_get(model, "merges"), tok->model));
    RJ_TRY(rj_json_bool(j, model, "fuse_unk", false, &o.fuse_unknown));
    RJ_TRY(rj_json_bool(j, model, "byte_fallback", false, &o.byte_fallback));
    RJ_TRY(rj_json_bool(j, model, "ignore_merges", false, &o.ignore_merges));
    RJ_TRY(rj_json_string(j, model, "unk_token", false, &unknown));
    if (unknown != NULL) {
        o.unknown = rj_vocab_find(rj_bpe_vocab(tok->model), unknown, (ptrdiff_t)strlen(unknown));
        if (o.unknown < 0) o.unknown = RJ_BPE_REFUSE;
    }
    rj_bpe_finish(tok->model, o);
done:
    return st;
}

/* "vocab": [[text, score], ..], the ids in its order. */
static rj_status read_scored_vocab(const rj_json *j, const json_t *list, rj_unigram *u)
{
    rj_status st = RJ_OK;

    RJ_REQUIRE(json_is_array(list) && json_array_size(list) > 0 && json_array_size(list) <= RJ_MAX_TOKEN_ID,
               RJ_ERR_FORMAT, "%s: model: key \"vocab\" is missing, empty or no array", j->path);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *pair = json_array_get(list, i), *text = json_array_get(pair, 0),
                     *score = json_array_get(pair, 1);
        RJ_REQUIRE(json_array_size(pair) == 2 && json_is_string(text) && json_is_number(score), RJ_ERR_FORMAT,
                   "%s: model: vocab: entry %zu is not a pair of a text and its score", j->path, i);
        RJ_TRY(rj_unigram_put(u, json_string_value(text), (ptrdiff_t)json_string_length(text),
                              json_number_value(score)));
    }
done:
    return st;
}

static rj_status read_unigram(const rj_json *j, const json_t *model, rj_tokenizer *tok)
{
    rj_status st = RJ_OK;
    int64_t unknown = -1;
    bool byte_fallback = false;

    RJ_TRY(rj_unigram_create(&tok->unigram));
    RJ_TRY(read_scored_vocab(j, json_object_get(model, "vocab"), tok->unigram));
    RJ_TRY(rj_json_integer(j, model, "unk_id", false, &unknown));
    RJ_TRY(rj_json_bool(j, model, "byte_fallback", false, &byte_fallback));
    RJ_REQUIRE(unknown >= -1 && unknown < rj_unigram_count(tok->unigram), RJ_ERR_FORMAT,
               "%s: model: unk_id is %lld, the vocabulary has %td tokens", j->path, (long long)unknown,
               rj_unigram_count(tok->unigram));
    rj_unigram_finish(tok->unigram, (int32_t)unknown, byte_fallback);
done:
    return st;
}

static rj_status read_model(const rj_json *j, rj_tokenizer *tok)
{
    rj_status st = RJ_OK;
    const json_t *model = json_object_get(j->root, "model");
    const char *type = "BPE"; /* the oldest files name no type */

    RJ_REQUIRE(json_is_object(model), RJ_ERR_FORMAT, "%s: key \"model\" is missing or no object", j->path);
    RJ_TRY(rj_json_string(j, model, "type", false, &type));
    if (strcmp(type, "BPE") == 0) return read_bpe(j, model, tok);
    if (strcmp(type, "Unigram") == 0) return read_unigram(j, model, tok);
    RJ_FAIL(RJ_ERR_FORMAT, "%s: model \"%s\" is not supported; supported: BPE, Unigram", j->path, type);
done:
    return st;
}

static rj_status read_added(const rj_json *j, const json_t *o, rj_added_token *t)
{
    rj_status st = RJ_OK;
    const char *text = NULL;
    size_t n = 0;

    RJ_REQUIRE(json_is_object(o), RJ_ERR_FORMAT, "%s: added_tokens holds what is no object", j->path);
    RJ_TRY(rj_json_text(j, o, "content", true, &text, &n));
    RJ_TRY(rj_json_bool(j, o, "single_word", true, &t->flags.single_word));
    RJ_TRY(rj_json_bool(j, o, "lstrip", true, &t->flags.lstrip));
    RJ_TRY(rj_json_bool(j, o, "rstrip", true, &t->flags.rstrip));
    RJ_TRY(rj_json_bool(j, o, "normalized", true, &t->normalized));
    t->text = text;
    t->n = (ptrdiff_t)n;
done:
    return st;
}

/* Ids are those that Hugging Face tokenizers gives (added_vocabulary.rs, add_tokens), which may differ from the "id" of
 * the file: the model's own, else that of an earlier equal text, else the next after the model's vocabulary. */
static rj_status read_all_added(const rj_json *j, rj_tokenizer *tok)
{
    rj_status st = RJ_OK;
    const json_t *list = json_object_get(j->root, "added_tokens");
    const ptrdiff_t n = list != NULL ? (ptrdiff_t)json_array_size(list) : 0;
    rj_added_token *token = NULL;
    ptrdiff_t kept = 0, next = rj_vocab_distinct(rj_tokenizer_vocab(tok));

    RJ_REQUIRE(list == NULL || json_is_null(list) || json_is_array(list), RJ_ERR_FORMAT,
               "%s: key \"added_tokens\" is no array", j->path);
    RJ_NEW(token, n, 1);
    for (ptrdiff_t i = 0; i < n; i++) {
        rj_added_token *t = &token[kept];
        *t = (rj_added_token){0};
        RJ_TRY(read_added(j, json_array_get(list, (size_t)i), t));
        if (t->n == 0) continue;
        t->id = rj_vocab_find(rj_tokenizer_vocab(tok), t->text, t->n);
        if (t->id < 0) t->id = rj_vocab_find(tok->added, t->text, t->n);
        if (t->id < 0) {
            RJ_REQUIRE(next <= RJ_MAX_TOKEN_ID, RJ_ERR_FORMAT, "%s: too many tokens", j->path);
            t->id = (int32_t)next++;
        }
        RJ_TRY(rj_vocab_put(tok->added, t->text, t->n, t->id));
        kept++;
    }
    RJ_TRY(rj_tokenizer_add_tokens(tok, j, json_object_get(j->root, "normalizer"), token, kept));
done:
    rj_free(token);
    return st;
}

rj_status rj_tokenizer_read_json(const rj_json *j, rj_tokenizer *tok)
{
    rj_status st = RJ_OK;
    const char *version = "1.0";

    RJ_TRY(rj_json_string(j, NULL, "version", false, &version));
    RJ_REQUIRE(strcmp(version, "1.0") == 0, RJ_ERR_FORMAT, "%s: version \"%s\" is not supported, needs 1.0",
               j->path, version);
    RJ_TRY(read_model(j, tok));
    RJ_TRY(read_all_added(j, tok));
    RJ_TRY(rj_pretokenizer_read(j, json_object_get(j->root, "pre_tokenizer"), &tok->steps, tok->label));
    RJ_TRY(rj_postprocessor_read(j, json_object_get(j->root, "post_processor"), &tok->frame));
done:
    return st;
}
