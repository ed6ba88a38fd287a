/* unigram.h: a text cut into the tokens of the highest sum of scores (Kudo 2018, arXiv 1804.10959). */
#ifndef RESJAC_TOKENIZER_UNIGRAM_H
#define RESJAC_TOKENIZER_UNIGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "resjac/base/status.h"
#include "resjac/tokenizer/vocab.h"

typedef struct rj_unigram rj_unigram;

RJ_CHECKED rj_status rj_unigram_create(rj_unigram **u); /* errors: NOMEM */
void rj_unigram_destroy(rj_unigram **u);

/* Building: every token in the order of the ids, then rj_unigram_finish. A text that came before takes the new id.
 *   score [in] finite
 * Errors: NOMEM. */
RJ_CHECKED rj_status rj_unigram_put(rj_unigram *u, const char *text, ptrdiff_t n, double score);
rj_vocab *rj_unigram_vocab(const rj_unigram *u);
ptrdiff_t rj_unigram_count(const rj_unigram *u); /* tokens put: the next id */

/*   unknown       [in] id of what no token spells, or -1: such a text is refused
 *   byte_fallback [in] spells it by tokens <0x00> .. <0xFF> where all its bytes have one */
void rj_unigram_finish(rj_unigram *u, int32_t unknown, bool byte_fallback);

/* Work space, starts as zeros. */
typedef struct rj_unigram_node rj_unigram_node;
typedef struct {
    rj_unigram_node *node; /* [n + 1] the best way to each byte */
    ptrdiff_t cap;
} rj_unigram_work;
void rj_unigram_work_free(rj_unigram_work *w);

/* Appends the ids of n > 0 bytes of well-formed UTF-8 to a list as rj_grow grows it. A character that is no token counts
 * as the lowest score - 10; a run of such is one token; of equal sums the one found first, with the longer last token,
 * stays. Order and odd cases are those of Hugging Face tokenizers 0.23, src/models/unigram/model.rs. O(n) for tokens of
 * bounded length. Not collective.
 * Errors: NOMEM; FORMAT a character is unknown where there is no unknown token. */
RJ_CHECKED rj_status rj_unigram_encode(const rj_unigram *u, rj_unigram_work *w, const char *text, ptrdiff_t n,
                                       int32_t **ids, ptrdiff_t *n_ids, ptrdiff_t *cap);
#endif
