/* vocab.c: one pool of bytes, one list of entries, one open hash table of their latest numbers; O(1) a search. */
#include "resjac/tokenizer/vocab.h"

#include <string.h>

#include "resjac/base/memory.h"
#include "resjac/tokenizer/grow.h"

typedef struct {
    ptrdiff_t at, n;
    int32_t id;
} entry;

typedef struct {
    uint32_t hash;   /* a part of it: most other texts are told apart without a look at them */
    uint32_t number; /* 1 + number of an entry, 0 = free */
} slot;

struct rj_vocab {
    char *pool;
    ptrdiff_t n_pool, cap_pool;
    entry *list;
    ptrdiff_t n, cap, distinct;
    slot *slot;
    ptrdiff_t n_slots; /* a power of two, at least twice `distinct` */
};

enum { FIRST_SLOTS = 64 };

static uint64_t hash_of(const char *text, ptrdiff_t n)
{
    uint64_t h = 0xCBF29CE484222325u; /* FNV-1a, then a mixing of the upper bits (MurmurHash3) */

    for (ptrdiff_t i = 0; i < n; i++) h = (h ^ (unsigned char)text[i]) * 0x100000001B3u;
    h = (h ^ h >> 33) * 0xFF51AFD7ED558CCDu;
    return h ^ h >> 33;
}

/* The slot of a text, or the free one where it would go. */
static slot *slot_of(const rj_vocab *v, const char *text, ptrdiff_t n, uint64_t hash)
{
    const uint64_t mask = (uint64_t)v->n_slots - 1;

    for (uint64_t i = hash;; i++) {
        slot *s = &v->slot[i & mask];
        if (s->number == 0) return s;
        if (s->hash != hash >> 32) continue;
        const entry *e = &v->list[s->number - 1];
        if (e->n == n && memcmp(v->pool + e->at, text, (size_t)n) == 0) return s;
    }
}

static rj_status widen(rj_vocab *v)
{
    rj_status st = RJ_OK;
    slot *old = v->slot, *fresh = NULL;
    const ptrdiff_t n_old = v->n_slots;

    RJ_NEW(fresh, 2 * n_old, 1);
    v->slot = fresh;
    v->n_slots = 2 * n_old;
    for (ptrdiff_t i = 0; i < n_old; i++)
        if (old[i].number != 0) {
            const entry *e = &v->list[old[i].number - 1];
            *slot_of(v, v->pool + e->at, e->n, hash_of(v->pool + e->at, e->n)) = old[i];
        }
    rj_free(old);
done:
    return st;
}

rj_status rj_vocab_create(rj_vocab **v)
{
    rj_status st = RJ_OK;
    rj_vocab *fresh = NULL;

    RJ_NEW(fresh, 1, 1);
    RJ_NEW(fresh->slot, FIRST_SLOTS, 1);
    fresh->n_slots = FIRST_SLOTS;
    *v = fresh;
    fresh = NULL;
done:
    rj_vocab_destroy(&fresh);
    return st;
}

void rj_vocab_destroy(rj_vocab **v)
{
    if (*v == NULL) return;
    rj_free((*v)->slot);
    rj_free((*v)->list);
    rj_free((*v)->pool);
    RJ_FREE(*v);
}

rj_status rj_vocab_put(rj_vocab *v, const char *text, ptrdiff_t n, int32_t id)
{
    rj_status st = RJ_OK;

    RJ_REQUIRE(v->n < INT32_MAX, RJ_ERR_NOMEM, "a vocabulary of more than %d texts", INT32_MAX);
    if (2 * (v->distinct + 1) > v->n_slots) RJ_TRY(widen(v));
    RJ_GROW(v->list, v->cap, v->n + 1);
    RJ_GROW(v->pool, v->cap_pool, v->n_pool + n + 1);
    if (n > 0) memcpy(v->pool + v->n_pool, text, (size_t)n);
    v->list[v->n] = (entry){v->n_pool, n, id};
    const uint64_t hash = hash_of(v->pool + v->n_pool, n);
    slot *s = slot_of(v, v->pool + v->n_pool, n, hash);
    v->distinct += s->number == 0;
    *s = (slot){(uint32_t)(hash >> 32), (uint32_t)++v->n};
    v->n_pool += n;
done:
    return st;
}

int32_t rj_vocab_find(const rj_vocab *v, const char *text, ptrdiff_t n)
{
    const uint32_t number = slot_of(v, text, n, hash_of(text, n))->number;

    return number == 0 ? -1 : v->list[number - 1].id;
}

ptrdiff_t rj_vocab_count(const rj_vocab *v)
{
    return v->n;
}

const char *rj_vocab_at(const rj_vocab *v, ptrdiff_t i, ptrdiff_t *n, int32_t *id)
{
    *n = v->list[i].n;
    *id = v->list[i].id;
    return v->pool + v->list[i].at;
}

ptrdiff_t rj_vocab_distinct(const rj_vocab *v)
{
    return v->distinct;
}
