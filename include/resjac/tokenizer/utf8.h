/* utf8.h: well-formed UTF-8 (Unicode, table 3-7), and repair of what is not. */
#ifndef RESJAC_TOKENIZER_UTF8_H
#define RESJAC_TOKENIZER_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "resjac/base/status.h"

enum { RJ_UTF8_MAX = 4 };

/* Bytes, 1..4, of the well-formed character that n > 0 bytes start with; or minus the length, -1..-3, of the maximal
 * ill-formed part there (the longest start of a character, or one byte). */
int rj_utf8_check(const char *text, ptrdiff_t n);

/* Of well-formed text: bytes of the character at text, of the one that ends before text, and its code point. */
int rj_utf8_size(const char *text);
int rj_utf8_size_before(const char *text);
uint32_t rj_utf8_decode(const char *text);
int rj_utf8_encode(uint32_t c, char out[RJ_UTF8_MAX]); /* bytes written */

bool rj_utf8_is_space(uint32_t c); /* Unicode White_Space */

/* The text with each maximal ill-formed part replaced by U+FFFD, as Python's errors="replace". Not collective.
 *   fresh [out] m bytes and a NUL, freed by rj_free; untouched on error
 * Errors: NOMEM. */
RJ_CHECKED rj_status rj_utf8_repair(const char *text, ptrdiff_t n, char **fresh, ptrdiff_t *m);
#endif
