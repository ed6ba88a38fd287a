/* bpe.c: a heap of candidate pairs over a linked list of symbols: O(n log n) for n characters. Order and odd cases of
 * the merges are those of Hugging Face tokenizers 0.23, src/models/bpe/{model,word}.rs. */
#include "resjac/tokenizer/bpe.h"

#include <stdio.h>
#include <string.h>

#include "resjac/base/memory.h"
#include "resjac/tokenizer/grow.h"
#include "resjac/tokenizer/utf8.h"

enum { FIRST_SLOTS = 64, NONE = -1, SPELT_BY_BYTES = -3 };

typedef struct {
    int32_t left, right, rank, id; /* id: of the merged token; left < 0: a free slot */
} merge;

struct rj_bpe {
    rj_vocab *vocab;
    merge *slot; /* hash table over (left, right) */
    ptrdiff_t n_slots, used, n_merges;
    char *both; /* the token that a merge makes, while building */
    ptrdiff_t cap_both;
    double *score; /* by id; NULL: merges decide */
    ptrdiff_t n_scores;
    int32_t byte_id[256]; /* of <0x00> .. <0xFF>, or -1 */
    rj_bpe_options options;
};

struct rj_bpe_symbol {
    ptrdiff_t at, n; /* bytes; n = 0 once merged into its left neighbour */
    ptrdiff_t chars;
    ptrdiff_t prev, next;
    int32_t
        id; /* or SPELT_BY_BYTES: known to a scored vocabulary by its bytes only, unless a merge takes it in */
};

struct rj_bpe_candidate {
    double key;            /* rank, or minus the score: smallest first */
    ptrdiff_t left, right; /* characters of the parts, where scores decide */
    ptrdiff_t at;
    int32_t id;
};

rj_status rj_bpe_create(rj_bpe **bpe)
{
    rj_status st = RJ_OK;
    rj_bpe *fresh = NULL;

    RJ_NEW(fresh, 1, 1);
    RJ_TRY(rj_vocab_create(&fresh->vocab));
    RJ_NEW(fresh->slot, FIRST_SLOTS, 1);
    fresh->n_slots = FIRST_SLOTS;
    for (ptrdiff_t i = 0; i < FIRST_SLOTS; i++) fresh->slot[i].left = NONE;
    *bpe = fresh;
    fresh = NULL;
done:
    rj_bpe_destroy(&fresh);
    return st;
}

void rj_bpe_destroy(rj_bpe **bpe)
{
    if (*bpe == NULL) return;
    rj_vocab_destroy(&(*bpe)->vocab);
    rj_free((*bpe)->slot);
    rj_free((*bpe)->both);
    rj_free((*bpe)->score);
    RJ_FREE(*bpe);
}

rj_vocab *rj_bpe_vocab(const rj_bpe *bpe)
{
    return bpe->vocab;
}

ptrdiff_t rj_bpe_merges(const rj_bpe *bpe)
{
    return bpe->n_merges;
}

/* The slot of a pair, or the free one where it would go. */
static merge *slot_of(const rj_bpe *bpe, int32_t left, int32_t right)
{
    const uint64_t mask = (uint64_t)bpe->n_slots - 1;
    uint64_t h = ((uint64_t)(uint32_t)left << 32 | (uint32_t)right) * 0x9E3779B97F4A7C15u;

    for (h ^= h >> 29;; h++) {
        merge *m = &bpe->slot[h & mask];
        if (m->left < 0 || (m->left == left && m->right == right)) return m;
    }
}

static rj_status widen(rj_bpe *bpe)
{
    rj_status st = RJ_OK;
    merge *old = bpe->slot, *fresh = NULL;
    const ptrdiff_t n_old = bpe->n_slots;

    RJ_NEW(fresh, 2 * n_old, 1);
    for (ptrdiff_t i = 0; i < 2 * n_old; i++) fresh[i].left = NONE;
    bpe->slot = fresh;
    bpe->n_slots = 2 * n_old;
    for (ptrdiff_t i = 0; i < n_old; i++)
        if (old[i].left >= 0) *slot_of(bpe, old[i].left, old[i].right) = old[i];
    rj_free(old);
done:
    return st;
}

rj_status rj_bpe_merge(rj_bpe *bpe, const char *where, const char *left, ptrdiff_t n_left, const char *right,
                       ptrdiff_t n_right)
{
    rj_status st = RJ_OK;
    const int32_t a = rj_vocab_find(bpe->vocab, left, n_left), b = rj_vocab_find(bpe->vocab, right, n_right);

    RJ_REQUIRE(bpe->n_merges < INT32_MAX, RJ_ERR_FORMAT, "%s: more than %d merges", where, INT32_MAX);
    RJ_GROW(bpe->both, bpe->cap_both, n_left + n_right + 1);
    memcpy(bpe->both, left, (size_t)n_left);
    memcpy(bpe->both + n_left, right, (size_t)n_right);
    const int32_t id = rj_vocab_find(bpe->vocab, bpe->both, n_left + n_right);
    RJ_REQUIRE(a >= 0 && b >= 0 && id >= 0, RJ_ERR_FORMAT,
               "%s: merge %td, \"%.*s\" + \"%.*s\": %s is not in the vocabulary; the file is damaged or the "
               "two come "
               "from different tokenizers",
               where, bpe->n_merges, (int)n_left, left, (int)n_right, right,
               a < 0   ? "the left one"
               : b < 0 ? "the right one"
                       : "the merged token");
    if (2 * (bpe->used + 1) > bpe->n_slots) RJ_TRY(widen(bpe));
    merge *m = slot_of(bpe, a, b);
    bpe->used += m->left < 0;
    *m = (merge){a, b, (int32_t)bpe->n_merges++, id};
done:
    return st;
}

bool rj_bpe_is_scored(const rj_bpe *bpe)
{
    return bpe->score != NULL;
}

void rj_bpe_scores(rj_bpe *bpe, double *score, ptrdiff_t n)
{
    rj_free(bpe->score);
    bpe->score = score;
    bpe->n_scores = n;
}

void rj_bpe_finish(rj_bpe *bpe, rj_bpe_options options)
{
    bpe->options = options;
    for (unsigned b = 0; b < 256; b++) {
        char name[sizeof "<0x00>"];
        const int n = snprintf(name, sizeof name, "<0x%02X>", b);
        bpe->byte_id[b] = rj_vocab_find(bpe->vocab, name, n);
    }
}

void rj_bpe_work_free(rj_bpe_work *w)
{
    rj_free(w->symbol);
    rj_free(w->heap);
    *w = (rj_bpe_work){0};
}

/* Equal ranks are one pair at several places. Equal scores are in the order in which transformers writes the merges of
 * a SentencePiece vocabulary (convert_slow_tokenizer.py, generate_merges): longer parts first, then smaller ids. */
static bool before(const rj_bpe_candidate *a, const rj_bpe_candidate *b)
{
    if (a->key != b->key) return a->key < b->key;
    if (a->left != b->left) return a->left > b->left;
    if (a->right != b->right) return a->right > b->right;
    if (a->id != b->id) return a->id < b->id;
    return a->at < b->at;
}

static rj_status heap_push(rj_bpe_work *w, rj_bpe_candidate c)
{
    rj_status st = RJ_OK;
    ptrdiff_t i = w->n_heap;

    RJ_GROW(w->heap, w->cap_heap, w->n_heap + 1);
    w->n_heap++;
    for (; i > 0 && before(&c, &w->heap[(i - 1) / 2]); i = (i - 1) / 2) w->heap[i] = w->heap[(i - 1) / 2];
    w->heap[i] = c;
done:
    return st;
}

static rj_bpe_candidate heap_pop(rj_bpe_work *w)
{
    const rj_bpe_candidate top = w->heap[0], last = w->heap[--w->n_heap];
    ptrdiff_t i = 0;

    for (ptrdiff_t child = 1; child < w->n_heap; child = 2 * i + 1) {
        if (child + 1 < w->n_heap && before(&w->heap[child + 1], &w->heap[child])) child++;
        if (!before(&w->heap[child], &last)) break;
        w->heap[i] = w->heap[child];
        i = child;
    }
    w->heap[i] = last;
    return top;
}

/* Does the symbol at i merge with the next one? */
static bool candidate(const rj_bpe *bpe, const rj_bpe_work *w, const char *text, ptrdiff_t i,
                      rj_bpe_candidate *c)
{
    const rj_bpe_symbol *left = &w->symbol[i];

    if (i < 0 || left->next < 0) return false;
    const rj_bpe_symbol *right = &w->symbol[left->next];
    if (bpe->score != NULL) {
        const int32_t id = rj_vocab_find(bpe->vocab, text + left->at, left->n + right->n);
        if (id < 0 || id >= bpe->n_scores) return false;
        *c = (rj_bpe_candidate){-bpe->score[id], left->chars, right->chars, i, id};
        return true;
    }
    const merge *m = slot_of(bpe, left->id, right->id);
    if (m->left < 0) return false;
    *c = (rj_bpe_candidate){.key = m->rank, .at = i, .id = m->id};
    return true;
}

static rj_status consider(const rj_bpe *bpe, rj_bpe_work *w, const char *text, ptrdiff_t i)
{
    rj_bpe_candidate c;

    return candidate(bpe, w, text, i, &c) ? heap_push(w, c) : RJ_OK;
}

static rj_status symbol_add(rj_bpe_work *w, ptrdiff_t at, ptrdiff_t n, int32_t id)
{
    rj_status st = RJ_OK;

    RJ_GROW(w->symbol, w->cap, w->n + 1);
    w->symbol[w->n] = (rj_bpe_symbol){at, n, 1, w->n - 1, NONE, id};
    if (w->n > 0) w->symbol[w->n - 1].next = w->n;
    w->n++;
done:
    return st;
}

static bool all_bytes_known(const rj_bpe *bpe, const char *text, int n)
{
    bool all = true;

    for (int i = 0; i < n; i++) all &= bpe->byte_id[(unsigned char)text[i]] >= 0;
    return all;
}

/* One symbol a character; with merges, an unknown one is spelt by bytes, or by the unknown token, here already.
 * A run of unknowns waits in `pending` until a known character, not one spelt by bytes, ends it: as the source does. */
static rj_status start_symbols(const rj_bpe *bpe, rj_bpe_work *w, const char *text, ptrdiff_t n)
{
    rj_status st = RJ_OK;
    const rj_bpe_options *o = &bpe->options;
    ptrdiff_t pending = 0, from = 0; /* bytes of it, and its start */

    for (ptrdiff_t i = 0, k; i < n; i += k) {
        k = rj_utf8_size(text + i);
        const int32_t id = rj_vocab_find(bpe->vocab, text + i, k);
        if (id >= 0 || bpe->score != NULL) {
            if (pending > 0) RJ_TRY(symbol_add(w, from, pending, o->unknown));
            pending = 0;
            RJ_TRY(symbol_add(w, i, k, id >= 0 ? id : SPELT_BY_BYTES));
        } else if (o->byte_fallback && all_bytes_known(bpe, text + i, (int)k)) {
            for (ptrdiff_t b = 0; b < k; b++)
                RJ_TRY(symbol_add(w, i + b, 1, bpe->byte_id[(unsigned char)text[i + b]]));
        } else if (o->unknown != RJ_BPE_DROP) {
            RJ_REQUIRE(o->unknown >= 0, RJ_ERR_FORMAT,
                       "\"%.*s\" is no token, and the tokenizer's unknown token is none either", (int)k,
                       text + i);
            if (pending > 0 && !o->fuse_unknown) RJ_TRY(symbol_add(w, from, pending, o->unknown));
            if (pending == 0 || !o->fuse_unknown) from = i, pending = 0;
            pending += k;
        }
    }
    if (pending > 0) RJ_TRY(symbol_add(w, from, pending, o->unknown));
done:
    return st;
}

static rj_status merge_all(const rj_bpe *bpe, rj_bpe_work *w, const char *text)
{
    rj_status st = RJ_OK;

    for (ptrdiff_t i = 0; i < w->n; i++) RJ_TRY(consider(bpe, w, text, i));
    while (w->n_heap > 0) {
        const rj_bpe_candidate top = heap_pop(w);
        rj_bpe_candidate now;
        rj_bpe_symbol *left = &w->symbol[top.at];
        /* Out of date: merged away, or its pair makes another token by now. */
        if (left->n == 0 || !candidate(bpe, w, text, top.at, &now) || now.id != top.id) continue;
        rj_bpe_symbol *right = &w->symbol[left->next];
        left->id = top.id;
        left->n += right->n;
        left->chars += right->chars;
        right->n = 0;
        left->next = right->next;
        if (left->next >= 0) w->symbol[left->next].prev = top.at;
        RJ_TRY(consider(bpe, w, text, left->prev));
        RJ_TRY(consider(bpe, w, text, top.at));
    }
done:
    return st;
}

/* The bytes of a character that no token spells. */
static rj_status spell(const rj_bpe *bpe, const char *text, const rj_bpe_symbol *s, int32_t *ids,
                       ptrdiff_t *n_ids)
{
    for (ptrdiff_t i = 0; i < s->n; i++) {
        const int32_t id = bpe->byte_id[(unsigned char)text[s->at + i]];
        if (id < 0 && bpe->options.unknown < 0)
            return rj_raise(RJ_ERR_FORMAT, __FILE__, __LINE__,
                            "byte %02X has no token <0x%02X>, and there is no unknown token",
                            (unsigned char)text[s->at + i], (unsigned char)text[s->at + i]);
        ids[(*n_ids)++] = id >= 0 ? id : bpe->options.unknown;
    }
    return RJ_OK;
}

rj_status rj_bpe_encode(const rj_bpe *bpe, rj_bpe_work *w, const char *text, ptrdiff_t n, int32_t **ids,
                        ptrdiff_t *n_ids, ptrdiff_t *cap)
{
    rj_status st = RJ_OK;

    w->n = w->n_heap = 0;
    const int32_t whole = bpe->options.ignore_merges ? rj_vocab_find(bpe->vocab, text, n) : NONE;
    if (whole >= 0) {
        RJ_TRY(symbol_add(w, 0, n, whole));
    } else {
        RJ_TRY(start_symbols(bpe, w, text, n));
        RJ_TRY(merge_all(bpe, w, text));
    }
    for (ptrdiff_t i = 0; i < w->n; i++) {
        const rj_bpe_symbol *s = &w->symbol[i];
        if (s->n == 0) continue;
        RJ_GROW(*ids, *cap, *n_ids + (s->id == SPELT_BY_BYTES ? s->n : 1));
        if (s->id == SPELT_BY_BYTES)
            RJ_TRY(spell(bpe, text, s, *ids, n_ids));
        else
            (*ids)[(*n_ids)++] = s->id;
    }
done:
    return st;
}
