/* describe.c: tokens as a reader wants to see them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "resjac/base/memory.h"
#include "resjac/tokenizer/grow.h"
#include "resjac/tokenizer/tokenizer_pipeline.h"
#include "resjac/tokenizer/utf8.h"

static const char SPACE_MARK[] = "\xE2\x96\x81"; /* U+2581 */

static bool is_byte_level(const rj_tokenizer *tok)
{
    for (ptrdiff_t i = 0; i < tok->steps.n; i++)
        if (tok->steps.step[i].kind == RJ_STEP_BYTES) return true;
    return false;
}

/* Byte-level symbols back to bytes; false: a character is none of the 256, the token stands for itself. */
static bool read_back_bytes(const char *text, ptrdiff_t n, char *out, ptrdiff_t *m)
{
    *m = 0;
    for (ptrdiff_t i = 0, k; i < n; i += k) {
        k = rj_utf8_check(text + i, n - i);
        const int b = k < 0 ? -1 : rj_char_to_byte(rj_utf8_decode(text + i));
        if (b < 0) return false;
        out[(*m)++] = (char)b;
    }
    return true;
}

/* <0x41> is one byte, U+2581 a space. */
static void read_back_marks(const char *text, ptrdiff_t n, char *out, ptrdiff_t *m)
{
    const ptrdiff_t k = sizeof SPACE_MARK - 1;
    char *end = NULL;

    *m = 0;
    if (n == (ptrdiff_t)strlen("<0x00>") && memcmp(text, "<0x", 3) == 0 && text[5] == '>') {
        const char digits[] = {text[3], text[4], '\0'};
        const long b = strtol(digits, &end, 16);
        if (end == digits + 2) {
            out[(*m)++] = (char)b;
            return;
        }
    }
    for (ptrdiff_t i = 0; i < n;) {
        const bool mark = n - i >= k && memcmp(text + i, SPACE_MARK, (size_t)k) == 0;
        out[(*m)++] = mark ? ' ' : text[i];
        i += mark ? k : 1;
    }
}

static rj_status show(rj_tokenizer *tok, int32_t id, const char *text, ptrdiff_t n)
{
    rj_status st = RJ_OK;
    char *clean = NULL;
    ptrdiff_t m = 0;

    RJ_TRY(rj_utf8_repair(text, n, &clean, &m));
    RJ_GROW(tok->shown, tok->cap_shown, tok->n_shown + 1);
    RJ_GROW(tok->pool, tok->cap_pool, tok->n_pool + m + 1);
    memcpy(tok->pool + tok->n_pool, clean, (size_t)m + 1);
    tok->shown[tok->n_shown++] = (rj_shown){id, tok->n_pool};
    tok->n_pool += m + 1;
    if (id >= tok->size) tok->size = (ptrdiff_t)id + 1;
done:
    rj_free(clean);
    return st;
}

static rj_status show_model(rj_tokenizer *tok)
{
    rj_status st = RJ_OK;
    const rj_vocab *vocab = rj_tokenizer_vocab(tok);
    const bool bytes = is_byte_level(tok);
    char *out = NULL;
    ptrdiff_t cap = 0;

    for (ptrdiff_t i = 0; i < rj_vocab_count(vocab); i++) {
        ptrdiff_t n = 0, m = 0;
        int32_t id = 0;
        const char *text = rj_vocab_at(vocab, i, &n, &id);
        RJ_GROW(out, cap, n + 1);
        if (!bytes)
            read_back_marks(text, n, out, &m);
        else if (!read_back_bytes(text, n, out, &m))
            memcpy(out, text, (size_t)(m = n));
        RJ_TRY(show(tok, id, out, m));
    }
done:
    rj_free(out);
    return st;
}

/* By id, at equal ids as they were added: the last one is shown. */
static int compare(const void *x, const void *y)
{
    const rj_shown *a = x, *b = y;

    return a->id != b->id ? (a->id > b->id) - (a->id < b->id) : (a->at > b->at) - (a->at < b->at);
}

/* "adds no special tokens", "adds <s> before", "adds <s> before and </s> after" */
static void describe_frame(const rj_tokenizer *tok, char *out, size_t size)
{
    const rj_frame *f = &tok->frame;
    size_t n = (size_t)snprintf(out, size, "adds");
    bool after = false;

    for (ptrdiff_t i = 0; i < f->n && n < size; i++) {
        if (f->id[i] != RJ_FRAME_TEXT)
            n += (size_t)snprintf(out + n, size - n, " %s", rj_tokenizer_token(tok, f->id[i]));
        else
            n += (size_t)snprintf(out + n, size - n, "%s", after ? " text again" : i > 0 ? " before" : "");
        if (f->id[i] == RJ_FRAME_TEXT && i > 0 && i + 1 < f->n && n < size)
            n += (size_t)snprintf(out + n, size - n, " and");
        after |= f->id[i] == RJ_FRAME_TEXT;
    }
    if (f->n == 1)
        snprintf(out, size, "adds no special tokens");
    else if (n < size && f->id[f->n - 1] != RJ_FRAME_TEXT)
        snprintf(out + n, size - n, " after");
}

rj_status rj_tokenizer_describe(rj_tokenizer *tok)
{
    rj_status st = RJ_OK;
    char frame[256];
    enum { SIZE = 512 };

    RJ_TRY(show_model(tok));
    for (ptrdiff_t i = 0; i < rj_vocab_count(tok->added); i++) {
        ptrdiff_t n = 0;
        int32_t id = 0;
        const char *text = rj_vocab_at(tok->added, i, &n, &id);
        RJ_TRY(show(tok, id, text, n));
    }
    if (tok->n_shown > 0) qsort(tok->shown, (size_t)tok->n_shown, sizeof *tok->shown, compare);
    for (ptrdiff_t i = 0; i < tok->frame.n; i++) /* an id may stand there that no token has */
        if (tok->frame.id[i] >= tok->size) tok->size = (ptrdiff_t)tok->frame.id[i] + 1;
    describe_frame(tok, frame, sizeof frame);
    RJ_NEW(tok->summary, SIZE, 1);
    if (tok->unigram != NULL)
        snprintf(tok->summary, SIZE, "Unigram, %td tokens, pre-tokenizer %s, %s", tok->size, tok->label,
                 frame);
    else if (rj_bpe_is_scored(tok->model))
        snprintf(tok->summary, SIZE, "BPE, %td scored tokens, pre-tokenizer %s, %s", tok->size, tok->label,
                 frame);
    else
        snprintf(tok->summary, SIZE, "BPE, %td tokens, %td merges, pre-tokenizer %s, %s", tok->size,
                 rj_bpe_merges(tok->model), tok->label, frame);
done:
    return st;
}
