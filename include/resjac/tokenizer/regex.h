/* regex.h: the regular expressions of tokenizer files (Oniguruma, Ruby syntax), run by PCRE2.
 * Classes of characters are those of PCRE2's Unicode version (10.42: Unicode 14): a character added to Unicode later
 * counts as no letter and no number, where a newer Oniguruma knows it. Compared over all code points against tokenizers
 * 0.23: \s \S are equal; \p{L} \p{N} \p{Lu} \p{M} \p{P} \d \w differ in characters of Unicode 15 and later only. */
#ifndef RESJAC_TOKENIZER_REGEX_H
#define RESJAC_TOKENIZER_REGEX_H

#include <stdbool.h>
#include <stddef.h>

#include "resjac/base/status.h"

typedef struct rj_regex rj_regex;     /* immutable once compiled */
typedef struct rj_matcher rj_matcher; /* work space of one text */

/* Compiles a pattern; what the two libraries read differently is rewritten or refused (regex_syntax.h).
 *   where   [in]  for messages: file and key
 *   literal [in]  the pattern is a plain text
 *   re      [out] free with rj_regex_free; untouched on error
 * Errors: FORMAT not understood (where, pattern, position, reason); NOMEM; LIB. */
RJ_CHECKED rj_status rj_regex_compile(const char *where, const char *pattern, bool literal, rj_regex **re);
void rj_regex_free(rj_regex **re);

/* n [in] longest text in bytes; a match may take 10 million + 4 n steps, so that no text can hang the programme.
 * Errors: NOMEM. */
RJ_CHECKED rj_status rj_matcher_create(ptrdiff_t n, rj_matcher **m);
void rj_matcher_destroy(rj_matcher **m);

/* Position of a search over one text: start from {text, n, 0, -1}. */
typedef struct {
    const char *text; /* well-formed UTF-8; its two ends are those of the text for look-around */
    ptrdiff_t n, from, last_end;
} rj_search;

/* The next match, bytes start .. end - 1, or *found = false. An empty match is passed over where the one before ended.
 * Not collective. Errors: FORMAT more steps than allowed (names the pattern); NOMEM; LIB. */
RJ_CHECKED rj_status rj_regex_next(const rj_regex *re, rj_matcher *m, rj_search *s, bool *found,
                                   ptrdiff_t *start, ptrdiff_t *end);
#endif
