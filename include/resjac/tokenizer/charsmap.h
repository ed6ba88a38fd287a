/* charsmap.h: SentencePiece's compiled normalization rules, as tokenizer.json carries them ("Precompiled"). */
#ifndef RESJAC_TOKENIZER_CHARSMAP_H
#define RESJAC_TOKENIZER_CHARSMAP_H

#include <stddef.h>

#include "resjac/base/status.h"
#include "resjac/tokenizer/pieces.h"

typedef struct rj_charsmap rj_charsmap; /* immutable */

/* Reads the rules from n characters of base64: a length (uint32), a double-array trie of so many bytes, and the texts that
 * its leaves point to, each ended by a NUL.
 *   where [in]  for messages: file and key
 *   map   [out] free with rj_charsmap_free; untouched on error
 * Not collective. Errors: FORMAT not base64, or its parts do not fit; NOMEM. */
RJ_CHECKED rj_status rj_charsmap_read(const char *where, const char *base64, ptrdiff_t n, rj_charsmap **map);
void rj_charsmap_free(rj_charsmap **map);

/* Writes n bytes of well-formed UTF-8, normalized, to a list, which no piece covers yet: each grapheme below 6 bytes that
 * starts with a rule becomes the text of the shortest such rule, else each of its characters does. That is what Hugging
 * Face tokenizers 0.23 does (src/normalizers/precompiled.rs); SentencePiece itself takes the longest rule.
 * Not collective. Errors: NOMEM; FORMAT the trie leads out of itself (damaged). */
RJ_CHECKED rj_status rj_charsmap_write(const rj_charsmap *map, const char *text, ptrdiff_t n, rj_pieces *out);
#endif
