/* regex_syntax.h: a regular expression in Oniguruma's Ruby syntax, rewritten for PCRE2. */
#ifndef RESJAC_TOKENIZER_REGEX_SYNTAX_H
#define RESJAC_TOKENIZER_REGEX_SYNTAX_H

#include "resjac/base/status.h"

/* Where the two differ: \s \w and their negations become Unicode's White_Space and word characters (PCRE2's \s has
 * U+180E besides, its \w lacks marks), \v and \uHHHH are written in hexadecimal, a character class inside another is
 * laid flat. Refused by name: what is left and means another thing ({2}+ repeats in Ruby, && intersects, (?m), \h).
 *   where [in]  for messages: file and key
 *   out   [out] freed by rj_free; untouched on error
 * Errors: FORMAT (where, pattern, what); NOMEM. */
RJ_CHECKED rj_status rj_regex_translate(const char *where, const char *pattern, char **out);
#endif
