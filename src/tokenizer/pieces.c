/* pieces.c: bytes and pieces, both appended only. */
#include "resjac/tokenizer/pieces.h"

#include <string.h>

#include "resjac/base/memory.h"
#include "resjac/tokenizer/grow.h"

void rj_pieces_clear(rj_pieces *p)
{
    p->n_text = p->n = 0;
}

void rj_pieces_free(rj_pieces *p)
{
    rj_free(p->text);
    rj_free(p->piece);
    *p = (rj_pieces){0};
}

rj_status rj_pieces_write(rj_pieces *p, const char *text, ptrdiff_t n)
{
    rj_status st = RJ_OK;

    RJ_GROW(p->text, p->cap_text, p->n_text + n);
    if (n > 0) memcpy(p->text + p->n_text, text, (size_t)n);
    p->n_text += n;
done:
    return st;
}

rj_status rj_pieces_add(rj_pieces *p, ptrdiff_t at, ptrdiff_t n, bool first)
{
    rj_status st = RJ_OK;

    if (n == 0) return RJ_OK;
    RJ_GROW(p->piece, p->cap, p->n + 1);
    p->piece[p->n++] = (rj_piece){at, n, RJ_PIECE_TEXT, first};
done:
    return st;
}

rj_status rj_pieces_append(rj_pieces *p, const char *text, ptrdiff_t n, bool first)
{
    rj_status st = RJ_OK;

    RJ_TRY(rj_pieces_write(p, text, n));
    RJ_TRY(rj_pieces_add(p, p->n_text - n, n, first));
done:
    return st;
}

rj_status rj_pieces_token(rj_pieces *p, int32_t id)
{
    rj_status st = RJ_OK;

    RJ_GROW(p->piece, p->cap, p->n + 1);
    p->piece[p->n++] = (rj_piece){0, 0, id, false};
done:
    return st;
}
