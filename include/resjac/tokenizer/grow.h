/* grow.h: lists that grow, on counted memory. */
#ifndef RESJAC_TOKENIZER_GROW_H
#define RESJAC_TOKENIZER_GROW_H

#include <stddef.h>

#include "resjac/base/status.h"

/* Room for `need` elements of `size` bytes; the contents stay, new elements are zero. The capacity at least doubles,
 * so that n additions cost O(n). Not collective.
 *   list [in,out] NULL when cap is 0; freed by the caller with rj_free; untouched on error
 * Errors: NOMEM. */
RJ_CHECKED rj_status rj_grow(void **list, ptrdiff_t *cap, ptrdiff_t need, size_t size);

/* Needs what RJ_TRY needs. */
#define RJ_GROW(list, cap, need)                                                                             \
    do {                                                                                                     \
        void *rj_list_ = (list);                                                                             \
        RJ_TRY(rj_grow(&rj_list_, &(cap), (need), sizeof *(list)));                                          \
        (list) = rj_list_;                                                                                   \
    } while (0)
#endif
