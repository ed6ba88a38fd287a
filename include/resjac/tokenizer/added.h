/* added.h: the added tokens of a tokenizer: texts that are cut out before the model sees the rest. */
#ifndef RESJAC_TOKENIZER_ADDED_H
#define RESJAC_TOKENIZER_ADDED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "resjac/base/status.h"
#include "resjac/tokenizer/pieces.h"
#include "resjac/tokenizer/regex.h"

typedef struct {
    bool single_word; /* only where no word character touches it */
    bool lstrip;      /* takes the white space before it */
    bool rstrip;      /* and after it */
} rj_added_flags;

typedef struct rj_added rj_added;

RJ_CHECKED rj_status rj_added_create(rj_added **a); /* errors: NOMEM */
void rj_added_destroy(rj_added **a);

/* Adds a text of n > 0 bytes, copied. Errors: NOMEM. */
RJ_CHECKED rj_status rj_added_put(rj_added *a, const char *text, ptrdiff_t n, int32_t id,
                                  rj_added_flags flags);
/* Ends the additions. Of equal texts the last one stays. Errors: NOMEM. */
RJ_CHECKED rj_status rj_added_finish(rj_added *a);
ptrdiff_t rj_added_count(const rj_added *a);

/* Cuts a piece of text: added tokens leftmost first, the longest at one place; appends what is between as pieces.
 * Not collective.
 *   first [in] the text starts where the whole text starts
 * Errors: NOMEM, LIB. */
RJ_CHECKED rj_status rj_added_cut(const rj_added *a, rj_matcher *m, const char *text, ptrdiff_t n, bool first,
                                  rj_pieces *out);
#endif
