/* unigram.c: Viterbi over the bytes of a piece: the best sum that ends at each byte, and where its last token starts. */
#include "resjac/tokenizer/unigram.h"

#include <stdio.h>
#include <string.h>

#include "resjac/base/memory.h"
#include "resjac/tokenizer/grow.h"
#include "resjac/tokenizer/utf8.h"

enum { NOWHERE = -1 };
static const double UNKNOWN_PENALTY = 10.0; /* SentencePiece, unigram_model.cc */

struct rj_unigram {
    rj_vocab *vocab;
    double *score; /* by id */
    ptrdiff_t n, cap;
    ptrdiff_t longest; /* bytes of a token */
    double lowest;
    int32_t unknown;
    bool byte_fallback;
};

struct rj_unigram_node {
    double sum;
    ptrdiff_t start; /* of the last token, or NOWHERE: no way found yet */
    ptrdiff_t next;  /* where the token after this one ends, once the best way is known */
    int32_t id;
};

rj_status rj_unigram_create(rj_unigram **u)
{
    rj_status st = RJ_OK;
    rj_unigram *fresh = NULL;

    RJ_NEW(fresh, 1, 1);
    RJ_TRY(rj_vocab_create(&fresh->vocab));
    *u = fresh;
    fresh = NULL;
done:
    rj_unigram_destroy(&fresh);
    return st;
}

void rj_unigram_destroy(rj_unigram **u)
{
    if (*u == NULL) return;
    rj_vocab_destroy(&(*u)->vocab);
    rj_free((*u)->score);
    RJ_FREE(*u);
}

void rj_unigram_work_free(rj_unigram_work *w)
{
    rj_free(w->node);
    *w = (rj_unigram_work){0};
}

rj_vocab *rj_unigram_vocab(const rj_unigram *u)
{
    return u->vocab;
}

ptrdiff_t rj_unigram_count(const rj_unigram *u)
{
    return u->n;
}

rj_status rj_unigram_put(rj_unigram *u, const char *text, ptrdiff_t n, double score)
{
    rj_status st = RJ_OK;

    RJ_GROW(u->score, u->cap, u->n + 1);
    RJ_TRY(rj_vocab_put(u->vocab, text, n, (int32_t)u->n));
    if (u->n == 0 || score < u->lowest) u->lowest = score;
    if (n > u->longest) u->longest = n;
    u->score[u->n++] = score;
done:
    return st;
}

void rj_unigram_finish(rj_unigram *u, int32_t unknown, bool byte_fallback)
{
    u->unknown = unknown;
    u->byte_fallback = byte_fallback;
}

static void offer(rj_unigram_node *to, double sum, ptrdiff_t start, int32_t id)
{
    if (to->start != NOWHERE && !(sum > to->sum)) return;
    to->sum = sum;
    to->start = start;
    to->id = id;
}

/* The best way to the end of every token and of every unknown character. */
static rj_status find_best(const rj_unigram *u, rj_unigram_node *node, const char *text, ptrdiff_t n)
{
    rj_status st = RJ_OK;

    for (ptrdiff_t i = 0; i <= n; i++) node[i] = (rj_unigram_node){.start = NOWHERE};
    for (ptrdiff_t i = 0, size; i < n; i += size) {
        const ptrdiff_t most = u->longest < n - i ? u->longest : n - i;
        bool single = false; /* the character at i is a token */
        size = rj_utf8_size(text + i);
        for (ptrdiff_t k = size; k <= most; k += k < most ? rj_utf8_size(text + i + k) : 1) {
            const int32_t id = rj_vocab_find(u->vocab, text + i, k);
            if (id < 0) continue;
            offer(&node[i + k], u->score[id] + node[i].sum, i, id);
            single |= k == size;
        }
        if (single) continue;
        RJ_REQUIRE(u->unknown >= 0, RJ_ERR_FORMAT,
                   "the tokenizer has no token for \"%.*s\" and none for the unknown (unk_id)", (int)size,
                   text + i);
        offer(&node[i + size], u->lowest - UNKNOWN_PENALTY + node[i].sum, i, u->unknown);
    }
done:
    return st;
}

/* The tokens <0xNN> of n bytes; *spelt: all of them have one. */
static rj_status spell_bytes(const rj_unigram *u, const char *text, ptrdiff_t n, bool *spelt, int32_t **ids,
                             ptrdiff_t *n_ids, ptrdiff_t *cap)
{
    rj_status st = RJ_OK;
    const ptrdiff_t before = *n_ids;
    char name[sizeof "<0x00>"];

    *spelt = true;
    for (ptrdiff_t i = 0; i < n && *spelt; i++) {
        const int length = snprintf(name, sizeof name, "<0x%02X>", (unsigned char)text[i]);
        const int32_t id = rj_vocab_find(u->vocab, name, length);
        *spelt = id >= 0;
        RJ_GROW(*ids, *cap, *n_ids + 1);
        (*ids)[(*n_ids)++] = id;
    }
    if (!*spelt) *n_ids = before;
done:
    return st;
}

/* What stands from `start` to `end`: a run of unknowns is looked up once more as a whole. */
static rj_status append(const rj_unigram *u, const char *text, ptrdiff_t n, int32_t **ids, ptrdiff_t *n_ids,
                        ptrdiff_t *cap)
{
    rj_status st = RJ_OK;
    int32_t id = rj_vocab_find(u->vocab, text, n);
    bool spelt = false;

    if (id < 0 && u->byte_fallback) RJ_TRY(spell_bytes(u, text, n, &spelt, ids, n_ids, cap));
    if (spelt) return RJ_OK;
    if (id < 0) id = u->unknown;
    RJ_GROW(*ids, *cap, *n_ids + 1);
    (*ids)[(*n_ids)++] = id;
done:
    return st;
}

rj_status rj_unigram_encode(const rj_unigram *u, rj_unigram_work *w, const char *text, ptrdiff_t n,
                            int32_t **ids, ptrdiff_t *n_ids, ptrdiff_t *cap)
{
    rj_status st = RJ_OK;

    RJ_GROW(w->node, w->cap, n + 1);
    RJ_TRY(find_best(u, w->node, text, n));
    for (ptrdiff_t end = n; end > 0; end = w->node[end].start) w->node[w->node[end].start].next = end;
    for (ptrdiff_t start = 0, end; start < n; start = end) {
        end = w->node[start].next;
        while (end < n && w->node[end].id == u->unknown && w->node[w->node[end].next].id == u->unknown)
            end = w->node[end].next;
        RJ_TRY(append(u, text + start, end - start, ids, n_ids, cap));
    }
done:
    return st;
}
