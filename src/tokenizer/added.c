/* added.c: the texts in bytewise order; a search narrows the run of texts that agree with what was read, byte by byte.
 * Rules and odd cases are those of Hugging Face tokenizers 0.23, src/tokenizer/added_vocabulary.rs, find_matches. */
#include "resjac/tokenizer/added.h"

#include <stdlib.h>
#include <string.h>

#include "resjac/base/memory.h"
#include "resjac/tokenizer/grow.h"
#include "resjac/tokenizer/utf8.h"

typedef struct {
    char *text;
    ptrdiff_t n, order; /* order of arrival */
    int32_t id;
    rj_added_flags flags;
} token;

struct rj_added {
    token *list;
    ptrdiff_t n, cap;
    bool starts[256]; /* by first byte */
    rj_regex *word;   /* one word character, for single_word */
};

rj_status rj_added_create(rj_added **a)
{
    rj_status st = RJ_OK;
    rj_added *fresh = NULL;

    RJ_NEW(fresh, 1, 1);
    *a = fresh;
done:
    return st;
}

void rj_added_destroy(rj_added **a)
{
    if (*a == NULL) return;
    for (ptrdiff_t i = 0; i < (*a)->n; i++) rj_free((*a)->list[i].text);
    rj_free((*a)->list);
    rj_regex_free(&(*a)->word);
    RJ_FREE(*a);
}

rj_status rj_added_put(rj_added *a, const char *text, ptrdiff_t n, int32_t id, rj_added_flags flags)
{
    rj_status st = RJ_OK;
    char *copy = NULL;

    RJ_GROW(a->list, a->cap, a->n + 1);
    RJ_NEW(copy, n, 1);
    memcpy(copy, text, (size_t)n);
    a->list[a->n] = (token){copy, n, a->n, id, flags};
    a->starts[(unsigned char)*text] = true;
    a->n++;
done:
    return st;
}

static int compare_text(const token *a, const token *b)
{
    const int order = memcmp(a->text, b->text, (size_t)(a->n < b->n ? a->n : b->n));

    return order != 0 ? order : (a->n > b->n) - (a->n < b->n);
}

static int compare(const void *x, const void *y)
{
    const token *a = x, *b = y;
    const int order = compare_text(a, b);

    return order != 0 ? order : (a->order > b->order) - (a->order < b->order);
}

rj_status rj_added_finish(rj_added *a)
{
    rj_status st = RJ_OK;
    ptrdiff_t kept = 0;
    bool single = false;

    if (a->n > 0) qsort(a->list, (size_t)a->n, sizeof *a->list, compare);
    for (ptrdiff_t i = 0; i < a->n; i++) {
        single |= a->list[i].flags.single_word;
        if (kept > 0 && compare_text(&a->list[kept - 1], &a->list[i]) == 0) rj_free(a->list[--kept].text);
        a->list[kept++] = a->list[i];
    }
    a->n = kept;
    if (single) /* \w of Rust's regex crate (UTS 18) */
        RJ_TRY(rj_regex_compile("added tokens", "[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\x{200C}\\x{200D}]",
                                false, &a->word));
done:
    return st;
}

ptrdiff_t rj_added_count(const rj_added *a)
{
    return a->n;
}

/* First text of lo .. hi - 1, which agree in `depth` bytes, whose next byte is at least b; an ended text is below all. */
static ptrdiff_t lower(const rj_added *a, ptrdiff_t lo, ptrdiff_t hi, ptrdiff_t depth, int b)
{
    while (lo < hi) {
        const ptrdiff_t mid = lo + (hi - lo) / 2;
        const token *t = &a->list[mid];
        const int next = t->n > depth ? (unsigned char)t->text[depth] : -1;
        if (next < b)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* The longest token that text starts with, or NULL. */
static const token *longest(const rj_added *a, const char *text, ptrdiff_t n)
{
    const token *best = NULL;
    ptrdiff_t lo = 0, hi = a->n;

    for (ptrdiff_t depth = 0; depth < n; depth++) {
        const int b = (unsigned char)text[depth];
        lo = lower(a, lo, hi, depth, b);
        hi = lower(a, lo, hi, depth, b + 1);
        if (lo == hi) break;
        if (a->list[lo].n == depth + 1) best = &a->list[lo]; /* the shortest comes first */
    }
    return best;
}

static rj_status is_word(const rj_added *a, rj_matcher *m, const char *text, bool *word)
{
    rj_search s = {text, rj_utf8_size(text), 0, -1};
    ptrdiff_t start, end;

    return rj_regex_next(a->word, m, &s, word, &start, &end);
}

static rj_status stands_alone(const rj_added *a, rj_matcher *m, const char *text, ptrdiff_t n,
                              ptrdiff_t start, ptrdiff_t stop, bool *alone)
{
    rj_status st = RJ_OK;
    bool before = false, after = false;

    if (start > 0) RJ_TRY(is_word(a, m, text + start - rj_utf8_size_before(text + start), &before));
    if (stop < n) RJ_TRY(is_word(a, m, text + stop, &after));
    *alone = !before && !after;
done:
    return st;
}

static ptrdiff_t spaces_before(const char *text, ptrdiff_t at)
{
    while (at > 0) {
        const int k = rj_utf8_size_before(text + at);
        if (!rj_utf8_is_space(rj_utf8_decode(text + at - k))) break;
        at -= k;
    }
    return at;
}

static ptrdiff_t spaces_after(const char *text, ptrdiff_t n, ptrdiff_t at)
{
    while (at < n && rj_utf8_is_space(rj_utf8_decode(text + at))) at += rj_utf8_size(text + at);
    return at;
}

rj_status rj_added_cut(const rj_added *a, rj_matcher *m, const char *text, ptrdiff_t n, bool first,
                       rj_pieces *out)
{
    rj_status st = RJ_OK;
    const ptrdiff_t base = out->n_text;
    ptrdiff_t from = 0, next = 0; /* start of what is not handed on yet; of what is not searched yet */

    RJ_TRY(rj_pieces_write(out, text, n));
    while (next < n) {
        const token *t = a->starts[(unsigned char)text[next]] ? longest(a, text + next, n - next) : NULL;
        ptrdiff_t start = next, stop = next + (t != NULL ? t->n : 1);
        bool alone = true;
        next = stop;
        if (t == NULL) continue;
        if (t->flags.single_word) RJ_TRY(stands_alone(a, m, text, n, start, stop, &alone));
        if (!alone) continue;
        if (t->flags.lstrip) {
            const ptrdiff_t before = spaces_before(text, start);
            start = before > from ? before : from;
        }
        if (t->flags.rstrip) stop = spaces_after(text, n, stop);
        if (from < start) RJ_TRY(rj_pieces_add(out, base + from, start - from, first && from == 0));
        /* Where the spaces after one token hold the next one, that one may have nothing left, and is dropped. */
        if (start < stop) RJ_TRY(rj_pieces_token(out, t->id));
        from = stop;
    }
    if (from < n) RJ_TRY(rj_pieces_add(out, base + from, n - from, first && from == 0));
done:
    return st;
}
