/* grow.c: rj_alloc has no realloc: a larger block takes the contents over. */
#include "resjac/tokenizer/grow.h"

#include <stdint.h>
#include <string.h>

#include "resjac/base/memory.h"

enum { SMALLEST = 16 };

rj_status rj_grow(void **list, ptrdiff_t *cap, ptrdiff_t need, size_t size)
{
    rj_status st = RJ_OK;
    ptrdiff_t larger = *cap > PTRDIFF_MAX / 2 ? PTRDIFF_MAX : 2 * *cap;
    void *block = NULL;

    if (need <= *cap) return RJ_OK;
    if (larger < SMALLEST) larger = SMALLEST;
    if (larger < need) larger = need;
    RJ_TRY(rj_alloc(&block, larger, 1, size, __FILE__, __LINE__));
    if (*cap > 0) memcpy(block, *list, (size_t)*cap * size);
    rj_free(*list);
    *list = block;
    *cap = larger;
done:
    return st;
}
