/* tokenizer.h: text to token ids, as the checkpoint's own tokenizer does it. */
#ifndef RESJAC_TOKENIZER_TOKENIZER_H
#define RESJAC_TOKENIZER_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "resjac/base/status.h"
#include "resjac/weights/weights.h"

typedef struct rj_tokenizer rj_tokenizer;

/* The tokenizer of a checkpoint: tokenizer.json beside safetensors (at most 256 MiB), metadata of a GGUF file, where
 * tokenizer.huggingface.json beats the other keys. Not collective.
 *   tok [out] close with rj_tokenizer_close; untouched on error
 * Errors: MISSING no tokenizer.json; FORMAT broken, or a normalizer, pre-tokenizer, model or post-processor that is not
 * supported (named); NOMEM. */
RJ_CHECKED rj_status rj_tokenizer_open(const rj_weights *w, rj_tokenizer **tok);
void rj_tokenizer_close(rj_tokenizer **tok);

ptrdiff_t rj_tokenizer_size(const rj_tokenizer *tok); /* largest id + 1 of all it may give */

/* The ids of a text. Ill-formed UTF-8: each maximal ill-formed part is read as U+FFFD (as Python's errors="replace").
 *   text    [in]  n bytes, need not end in NUL, may hold NULs
 *   special [in]  also what the post-processor adds (BOS, EOS), as the tokenizer's own default call does
 *   ids     [out] fresh list, free with rj_free; untouched on error
 * Not collective. Errors: NOMEM; FORMAT the text is longer than INT32_MAX bytes, a regular expression of
 * the tokenizer needs too many steps on it, or a character has no token and the declared unknown token is none; LIB. */
RJ_CHECKED rj_status rj_tokenizer_encode(const rj_tokenizer *tok, const char *text, ptrdiff_t n, bool special,
                                         int32_t **ids, ptrdiff_t *n_ids);

/* The bytes of one id as the tokenizer would decode it alone, for display: byte-level symbols read back, U+2581 as a
 * space (kept also at the start), ill-formed UTF-8 as U+FFFD; a NUL ends it; "" for an unknown id. Borrowed. */
const char *rj_tokenizer_token(const rj_tokenizer *tok, int32_t id);

/* One line for `inspect`: "BPE, 49152 tokens, 48900 merges, pre-tokenizer smollm, adds no special tokens"; of a
 * SentencePiece vocabulary "BPE, 32000 scored tokens, ..". Borrowed. */
const char *rj_tokenizer_summary(const rj_tokenizer *tok);
#endif
