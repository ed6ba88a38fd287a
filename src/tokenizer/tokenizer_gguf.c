/* tokenizer_gguf.c: the same tokenizer from GGUF metadata (keys: ggml-org/ggml docs/gguf.md; meaning of each
 * tokenizer.ggml.pre: llama.cpp src/llama-vocab.cpp, written here as the tokenizer.json parts that it stands for). */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "resjac/base/memory.h"
#include "resjac/tokenizer/tokenizer_pipeline.h"
#include "resjac/tokenizer/utf8.h"

enum { MAX_NAME = 64, SPM_BOS = 1, SPM_EOS = 2, SPM_UNKNOWN = 0, NO_TOKEN = -1 };
enum {
    TYPE_UNKNOWN = 2,
    TYPE_CONTROL = 3,
    TYPE_USER = 4
}; /* tokenizer.ggml.token_type of what is cut from a text */

/* tokenizer.ggml.tokens and token_type. */
typedef struct {
    rj_span *token;
    int64_t *type; /* NULL where the key is missing */
    ptrdiff_t n;
    char *marks; /* what restored tokens point to */
} table;

#define KEY(name) "tokenizer.ggml." name
#define PARTS(normalizer, list)                                                                              \
    "{\"normalizer\": " normalizer ", \"pre_tokenizer\": {\"type\": \"Sequence\", \"pretokenizers\": [" list \
    "]}}"
#define BYTE_LEVEL(regex) "{\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"use_regex\": " regex "}"
#define DIGITS            "{\"type\": \"Digits\", \"individual_digits\": true}"
#define CL100K(digits)                                                                                       \
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|\\\\p{N}" digits "|"               \
    " ?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+"
#define SPLIT(regex)                                                                                         \
    "{\"type\": \"Split\", \"pattern\": {\"Regex\": \"" regex                                                \
    "\"}, \"behavior\": \"Isolated\", \"invert\": false}"
#define SPACES  "{\"type\": \"Replace\", \"pattern\": {\"String\": \" \"}, \"content\": \"\\u2581\"}"
#define PREPEND "{\"type\": \"Prepend\", \"prepend\": \"\\u2581\"}"

#define NFC "{\"type\": \"NFC\"}" /* in the original's tokenizer.json; llama.cpp leaves it out */

#define GPT2      PARTS("null", BYTE_LEVEL("true"))
#define SMOLLM    PARTS("null", DIGITS ", " BYTE_LEVEL("true"))
#define LLAMA3    PARTS("null", SPLIT(CL100K("{1,3}")) ", " BYTE_LEVEL("false"))
#define QWEN2     PARTS(NFC, SPLIT(CL100K("")) ", " BYTE_LEVEL("false"))
#define STABLELM2 PARTS("null", SPLIT(CL100K("")) ", " BYTE_LEVEL("false"))
#define NEOX      PARTS(NFC, BYTE_LEVEL("true"))
#define BLOOM                                                                                                \
    PARTS("null",                                                                                            \
          SPLIT(" ?[^(\\\\s|[.,!?\\u2026\\u3002\\uff0c\\u3001\\u0964\\u06d4\\u060c])]+") ", " BYTE_LEVEL(    \
              "false"))
#define FALCON                                                                                               \
    PARTS("null",                                                                                            \
          "{\"type\": \"Punctuation\", \"behavior\": \"Contiguous\"}, " BYTE_LEVEL(                          \
              "true") ", "                                                                                   \
                      "{\"type\": \"Digits\", \"individual_digits\": false}, " SPLIT("[0-9][0-9][0-9]"))

typedef struct {
    const char *name, *parts;
    bool ignore_merges, add_bos; /* what the name stands for where no key says it */
} pre;

static const char MARK[] = "\xE2\x96\x81"; /* U+2581 */

static const pre PRE[] = {
    {"gpt-2", GPT2, false, false},     {"phi-2", GPT2, false, false},  {"smollm", SMOLLM, false, false},
    {"llama-bpe", LLAMA3, true, true}, {"llama3", LLAMA3, true, true}, {"llama-v3", LLAMA3, true, true},
    {"qwen2", QWEN2, false, false},    {"mpt", NEOX, false, false},    {"olmo", NEOX, false, false},
    {"falcon", FALCON, false, false},  {"bloom", BLOOM, false, false}, {"stablelm2", STABLELM2, false, false},
    {"dbrx", LLAMA3, false, false}, /* OLMo 2 and others with its vocabulary */
};

/* By add_space_prefix. */
static const char *const SPM[] = {
    PARTS(SPACES, ""), PARTS("{\"type\": \"Sequence\", \"normalizers\": [" PREPEND ", " SPACES "]}", "")};

/* A name as a string, "" where the key is missing. */
static rj_status read_name(const rj_gguf *g, const char *key, char name[MAX_NAME])
{
    rj_status st = RJ_OK;
    rj_span s = {"", 0};

    if (rj_gguf_has(g, key)) RJ_TRY(rj_gguf_string(g, key, &s));
    RJ_REQUIRE(s.n < MAX_NAME, RJ_ERR_FORMAT, "%s: %s has %zu bytes, a name below %d is needed",
               rj_gguf_path(g), key, s.n, MAX_NAME);
    memcpy(name, s.text, s.n);
    name[s.n] = '\0';
done:
    return st;
}

static rj_status read_flag(const rj_gguf *g, const char *key, bool *flag)
{
    return rj_gguf_has(g, key) ? rj_gguf_bool(g, key, flag) : RJ_OK;
}

/* An id of 0 .. n - 1; the value stays where the key is missing. */
static rj_status read_id(const rj_gguf *g, const char *key, ptrdiff_t n, int32_t *id)
{
    rj_status st = RJ_OK;
    int64_t value = *id;

    if (!rj_gguf_has(g, key)) return RJ_OK;
    RJ_TRY(rj_gguf_integer(g, key, &value));
    RJ_REQUIRE(value >= 0 && value < n, RJ_ERR_FORMAT, "%s: %s is %lld, the vocabulary has %td tokens",
               rj_gguf_path(g), key, (long long)value, n);
    *id = (int32_t)value;
done:
    return st;
}

static rj_status read_merges(const rj_gguf *g, rj_bpe *bpe)
{
    rj_status st = RJ_OK;
    rj_span *list = NULL;
    ptrdiff_t n = 0;

    RJ_TRY(rj_gguf_strings(g, KEY("merges"), &list, &n));
    for (ptrdiff_t i = 0; i < n; i++) {
        const rj_span m = list[i];
        const char *space = m.n > 1 ? memchr(m.text + 1, ' ', m.n - 1) : NULL;
        RJ_REQUIRE(space != NULL, RJ_ERR_FORMAT,
                   "%s: " KEY("merges") ": entry %td, \"%.*s\", is not two tokens and a "
                                        "space",
                   rj_gguf_path(g), i, (int)m.n, m.text);
        const ptrdiff_t left = space - m.text;
        RJ_TRY(rj_bpe_merge(bpe, rj_gguf_path(g), m.text, left, space + 1, (ptrdiff_t)m.n - left - 1));
    }
done:
    rj_free(list);
    return st;
}

static bool is_restored(const table *t, ptrdiff_t i)
{
    return t->marks != NULL && t->token[i].text == t->marks;
}

static rj_status read_scores(const rj_gguf *g, const table *t, rj_bpe *bpe)
{
    rj_status st = RJ_OK;
    double *score = NULL;
    ptrdiff_t n = 0;

    RJ_TRY(rj_gguf_numbers(g, KEY("scores"), &score, &n));
    RJ_REQUIRE(n == t->n, RJ_ERR_FORMAT, "%s: " KEY("scores") " has %td entries, " KEY("tokens") " %td",
               rj_gguf_path(g), n, t->n);
    for (ptrdiff_t i = 0; i < n; i++) {
        RJ_REQUIRE(isfinite(score[i]), RJ_ERR_FORMAT, "%s: " KEY("scores") ": entry %td is %g",
                   rj_gguf_path(g), i, score[i]);
        if (is_restored(t, i)) score[i] = 0.0; /* as in SentencePiece's own file */
    }
    rj_bpe_scores(bpe, score, n);
    score = NULL;
done:
    rj_free(score);
    return st;
}

static bool is_well_formed(rj_span s)
{
    for (size_t i = 0; i < s.n;) {
        const int k = rj_utf8_check(s.text + i, (ptrdiff_t)(s.n - i));
        if (k < 0) return false;
        i += (size_t)k;
    }
    return true;
}

static bool is_run_of_spaces(rj_span s)
{
    size_t n = 0;

    while (n < s.n && s.text[n] == ' ') n++;
    return n == s.n && n > 0;
}

/* The user's runs of U+2581, which converters to GGUF write as spaces: tokenizer.json looks for U+2581 in the text as it
 * is, and merges those that come from spaces. One whose U+2581 are another token was spaces from the beginning. */
static rj_status restore_marks(table *t, rj_vocab *vocab)
{
    rj_status st = RJ_OK;
    const ptrdiff_t k = sizeof MARK - 1;
    ptrdiff_t longest = 0;

    for (ptrdiff_t i = 0; i < t->n && t->type != NULL; i++)
        if (t->type[i] == TYPE_USER && is_run_of_spaces(t->token[i]) && (ptrdiff_t)t->token[i].n > longest)
            longest = (ptrdiff_t)t->token[i].n;
    if (longest == 0) return RJ_OK;
    RJ_NEW(t->marks, k * longest, 1);
    for (ptrdiff_t i = 0; i < longest; i++) memcpy(t->marks + k * i, MARK, (size_t)k);
    for (ptrdiff_t i = 0; i < t->n; i++) {
        const ptrdiff_t n = k * (ptrdiff_t)t->token[i].n;
        if (t->type[i] != TYPE_USER || !is_run_of_spaces(t->token[i])) continue;
        if (rj_vocab_find(vocab, t->marks, n) >= 0) continue;
        t->token[i] = (rj_span){t->marks, (size_t)n};
        RJ_TRY(rj_vocab_put(vocab, t->marks, n, (int32_t)i));
    }
done:
    return st;
}

static rj_status read_table(const rj_gguf *g, table *t, rj_vocab *vocab)
{
    rj_status st = RJ_OK;
    ptrdiff_t n_types = 0;

    RJ_TRY(rj_gguf_strings(g, KEY("tokens"), &t->token, &t->n));
    RJ_REQUIRE(t->n > 0 && t->n <= RJ_MAX_TOKEN_ID, RJ_ERR_FORMAT, "%s: " KEY("tokens") " has %td entries",
               rj_gguf_path(g), t->n);
    if (rj_gguf_has(g, KEY("token_type"))) {
        RJ_TRY(rj_gguf_integers(g, KEY("token_type"), &t->type, &n_types));
        RJ_REQUIRE(n_types == t->n, RJ_ERR_FORMAT,
                   "%s: " KEY("token_type") " has %td entries, " KEY("tokens") " %td", rj_gguf_path(g),
                   n_types, t->n);
    }
    for (ptrdiff_t i = 0; i < t->n; i++)
        RJ_TRY(rj_vocab_put(vocab, t->token[i].text, (ptrdiff_t)t->token[i].n, (int32_t)i));
done:
    return st;
}

/* Control, user-defined and unknown tokens are cut out of the text as it is, the longest first, as llama.cpp does when
 * it parses special tokens; GGUF does not keep which of them Hugging Face would search in the normalized text. */
static rj_status read_added(const rj_gguf *g, const rj_json *parts, const table *t, rj_tokenizer *tok)
{
    rj_status st = RJ_OK;
    rj_added_token *added = NULL;
    const ptrdiff_t n = t->type != NULL ? t->n : 0;
    ptrdiff_t kept = 0;

    RJ_NEW(added, n, 1);
    for (ptrdiff_t i = 0; i < n; i++) {
        const int64_t type = t->type[i];
        const rj_span text = t->token[i];
        if ((type != TYPE_UNKNOWN && type != TYPE_CONTROL && type != TYPE_USER) || text.n == 0) continue;
        RJ_REQUIRE(is_well_formed(text), RJ_ERR_FORMAT,
                   "%s: " KEY("tokens") ": entry %td is special and no UTF-8", rj_gguf_path(g), i);
        added[kept++] = (rj_added_token){.text = text.text, .n = (ptrdiff_t)text.n, .id = (int32_t)i};
        RJ_TRY(rj_vocab_put(tok->added, text.text, (ptrdiff_t)text.n, (int32_t)i));
    }
    RJ_TRY(rj_tokenizer_add_tokens(tok, parts, json_object_get(parts->root, "normalizer"), added, kept));
done:
    rj_free(added);
    return st;
}

static rj_status read_frame(const rj_gguf *g, ptrdiff_t n, bool add_bos, int32_t bos, int32_t eos,
                            rj_frame *frame)
{
    rj_status st = RJ_OK;
    bool add_eos = false;

    RJ_TRY(read_flag(g, KEY("add_bos_token"), &add_bos));
    RJ_TRY(read_flag(g, KEY("add_eos_token"), &add_eos));
    RJ_TRY(read_id(g, KEY("bos_token_id"), n, &bos));
    RJ_TRY(read_id(g, KEY("eos_token_id"), n, &eos));
    RJ_REQUIRE((!add_bos || (bos >= 0 && bos < n)) && (!add_eos || (eos >= 0 && eos < n)), RJ_ERR_FORMAT,
               "%s: " KEY("%s_token_id") " is missing, though that token is added to each text",
               rj_gguf_path(g), add_bos && (bos < 0 || bos >= n) ? "bos" : "eos");
    if (add_bos) RJ_TRY(rj_frame_add(frame, bos));
    RJ_TRY(rj_frame_add(frame, RJ_FRAME_TEXT));
    if (add_eos) RJ_TRY(rj_frame_add(frame, eos));
done:
    return st;
}

static rj_status read_parts(const rj_gguf *g, const char *parts, const table *t, rj_tokenizer *tok)
{
    rj_status st = RJ_OK;
    char label[RJ_LABEL_SIZE];
    rj_json *j = NULL;

    RJ_TRY(rj_json_parse(rj_gguf_path(g), parts, strlen(parts), &j));
    RJ_TRY(read_added(g, j, t, tok));
    RJ_TRY(rj_pretokenizer_read(j, json_object_get(j->root, "pre_tokenizer"), &tok->steps, label));
done:
    rj_json_close(&j);
    return st;
}

static rj_status find_pre(const rj_gguf *g, const pre **row)
{
    rj_status st = RJ_OK;
    char name[MAX_NAME], known[256] = "";
    size_t at = 0;

    RJ_TRY(read_name(g, KEY("pre"), name));
    for (size_t i = 0; i < sizeof PRE / sizeof *PRE; i++) {
        if (strcmp(PRE[i].name, name) == 0) {
            *row = &PRE[i];
            return RJ_OK;
        }
        at += (size_t)snprintf(known + at, sizeof known - at, "%s%s", i > 0 ? ", " : "", PRE[i].name);
    }
    RJ_REQUIRE(
        *name != '\0' && strcmp(name, "default") != 0, RJ_ERR_FORMAT,
        "%s: " KEY("pre") " is %s: how it splits a text is not known; convert the model again with a recent "
                          "converter, or set the key to the right one of %s",
        rj_gguf_path(g), *name == '\0' ? "missing" : "\"default\"", known);
    RJ_FAIL(RJ_ERR_FORMAT, "%s: " KEY("pre") " \"%s\" is not supported; supported: %s", rj_gguf_path(g), name,
            known);
done:
    return st;
}

static rj_status read_merging(const rj_gguf *g, const table *t, rj_tokenizer *tok)
{
    rj_status st = RJ_OK;
    const pre *row = NULL;

    RJ_TRY(find_pre(g, &row));
    RJ_TRY(read_merges(g, tok->model));
    rj_bpe_finish(tok->model, (rj_bpe_options){.unknown = RJ_BPE_DROP, .ignore_merges = row->ignore_merges});
    RJ_TRY(read_parts(g, row->parts, t, tok));
    RJ_TRY(read_frame(g, t->n, row->add_bos, NO_TOKEN, NO_TOKEN, &tok->frame));
    strcpy(tok->label, row->name);
done:
    return st;
}

static rj_status read_scored(const rj_gguf *g, table *t, rj_tokenizer *tok)
{
    rj_status st = RJ_OK;
    int32_t unknown = SPM_UNKNOWN;
    bool prefix = true;

    RJ_TRY(restore_marks(t, rj_bpe_vocab(tok->model)));
    RJ_TRY(read_scores(g, t, tok->model));
    RJ_TRY(read_id(g, KEY("unknown_token_id"), t->n, &unknown));
    RJ_TRY(read_flag(g, KEY("add_space_prefix"), &prefix));
    rj_bpe_finish(tok->model, (rj_bpe_options){.unknown = unknown, .byte_fallback = true});
    RJ_TRY(read_parts(g, SPM[prefix], t, tok));
    RJ_TRY(read_frame(g, t->n, true, SPM_BOS, SPM_EOS, &tok->frame));
    strcpy(tok->label, "none");
done:
    return st;
}

rj_status rj_tokenizer_read_gguf(const rj_gguf *g, rj_tokenizer *tok)
{
    rj_status st = RJ_OK;
    table t = {0};
    char model[MAX_NAME];

    RJ_TRY(read_name(g, KEY("model"), model));
    const bool scored = strcmp(model, "llama") == 0;
    RJ_REQUIRE(scored || strcmp(model, "gpt2") == 0, RJ_ERR_FORMAT,
               "%s: " KEY("model") " \"%s\" is not supported; supported: gpt2, llama", rj_gguf_path(g),
               model);
    RJ_TRY(rj_bpe_create(&tok->model));
    RJ_TRY(read_table(g, &t, rj_bpe_vocab(tok->model)));
    RJ_TRY(scored ? read_scored(g, &t, tok) : read_merging(g, &t, tok));
done:
    rj_free(t.marks);
    rj_free(t.type);
    rj_free(t.token);
    return st;
}
