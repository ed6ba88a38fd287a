/* vocab.h: texts and their numbers, found either way. */
#ifndef RESJAC_TOKENIZER_VOCAB_H
#define RESJAC_TOKENIZER_VOCAB_H

#include <stddef.h>
#include <stdint.h>

#include "resjac/base/status.h"

typedef struct rj_vocab rj_vocab;

RJ_CHECKED rj_status rj_vocab_create(rj_vocab **v); /* errors: NOMEM */
void rj_vocab_destroy(rj_vocab **v);

/* Adds a text of n bytes, copied. One that is there already takes the new id. Not collective. Errors: NOMEM. */
RJ_CHECKED rj_status rj_vocab_put(rj_vocab *v, const char *text, ptrdiff_t n, int32_t id);

int32_t rj_vocab_find(const rj_vocab *v, const char *text, ptrdiff_t n); /* id, or -1 */

/* What was put, in order, repetitions included. The text is borrowed until the next put. */
ptrdiff_t rj_vocab_count(const rj_vocab *v);
const char *rj_vocab_at(const rj_vocab *v, ptrdiff_t i, ptrdiff_t *n, int32_t *id);
ptrdiff_t rj_vocab_distinct(const rj_vocab *v); /* different texts */
#endif
