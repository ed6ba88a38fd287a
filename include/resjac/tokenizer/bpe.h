/* bpe.h: byte-pair encoding of one piece of text: by a table of merges (Hugging Face), or by scores (SentencePiece). */
#ifndef RESJAC_TOKENIZER_BPE_H
#define RESJAC_TOKENIZER_BPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "resjac/base/status.h"
#include "resjac/tokenizer/vocab.h"

typedef struct rj_bpe rj_bpe;

enum { RJ_BPE_DROP = -1, RJ_BPE_REFUSE = -2 }; /* values of `unknown` */

typedef struct {
    int32_t
        unknown; /* id of what no token spells; DROP leaves it out, REFUSE fails (a name without a token) */
    bool fuse_unknown; /* a run of unknowns is one */
    bool
        byte_fallback; /* spells an unknown character by tokens <0x00> .. <0xFF> where all its bytes have one */
    bool ignore_merges; /* a piece that is a token stays whole */
} rj_bpe_options;

RJ_CHECKED rj_status rj_bpe_create(rj_bpe **bpe); /* errors: NOMEM */
void rj_bpe_destroy(rj_bpe **bpe);

/* Building: all of the vocabulary, then merges in order of rank or scores, then rj_bpe_finish. */
rj_vocab *rj_bpe_vocab(const rj_bpe *bpe);

/* The next merge: left + right -> the token that both spell. A pair that came before takes the new rank.
 *   where [in] for messages: file and key
 * Errors: FORMAT one of the three is not in the vocabulary (where, number, texts); NOMEM. */
RJ_CHECKED rj_status rj_bpe_merge(rj_bpe *bpe, const char *where, const char *left, ptrdiff_t n_left,
                                  const char *right, ptrdiff_t n_right);
ptrdiff_t rj_bpe_merges(const rj_bpe *bpe);

/* Merges the pair that spells the token of the highest score, whatever its parts; takes over score[id], [n] finite. */
void rj_bpe_scores(rj_bpe *bpe, double *score, ptrdiff_t n);
bool rj_bpe_is_scored(const rj_bpe *bpe);
void rj_bpe_finish(rj_bpe *bpe, rj_bpe_options options);

/* Work space, starts as zeros. */
typedef struct rj_bpe_symbol rj_bpe_symbol;
typedef struct rj_bpe_candidate rj_bpe_candidate;
typedef struct {
    rj_bpe_symbol *symbol;
    ptrdiff_t n, cap;
    rj_bpe_candidate *heap;
    ptrdiff_t n_heap, cap_heap;
} rj_bpe_work;
void rj_bpe_work_free(rj_bpe_work *w);

/* Appends the ids of n > 0 bytes of well-formed UTF-8 to a list as rj_grow grows it. The best pair is merged first, at
 * equal rank the leftmost; at equal score the one with the longer left part, longer right part, smaller id: O(n log n).
 * Not collective.
 * Errors: NOMEM; FORMAT a character is unknown under REFUSE. */
RJ_CHECKED rj_status rj_bpe_encode(const rj_bpe *bpe, rj_bpe_work *w, const char *text, ptrdiff_t n,
                                   int32_t **ids, ptrdiff_t *n_ids, ptrdiff_t *cap);
#endif
