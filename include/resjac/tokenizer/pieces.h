/* pieces.h: a text in pieces, as it flows through the steps of a tokenizer. */
#ifndef RESJAC_TOKENIZER_PIECES_H
#define RESJAC_TOKENIZER_PIECES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "resjac/base/status.h"

enum { RJ_PIECE_TEXT = -1 };

typedef struct {
    ptrdiff_t at, n; /* bytes of the list's text; 0, 0 for a token */
    int32_t id;      /* of an added token, which passes all later steps, or RJ_PIECE_TEXT */
    bool first;      /* starts where the whole text starts (what Metaspace's scheme "first" asks) */
} rj_piece;

/* Starts as zeros; emptied by rj_pieces_clear, freed by rj_pieces_free. */
typedef struct {
    char *text;
    ptrdiff_t n_text, cap_text;
    rj_piece *piece;
    ptrdiff_t n, cap;
} rj_pieces;

void rj_pieces_clear(rj_pieces *p);
void rj_pieces_free(rj_pieces *p);

/* Appends bytes, which no piece covers yet. Errors: NOMEM. */
RJ_CHECKED rj_status rj_pieces_write(rj_pieces *p, const char *text, ptrdiff_t n);
/* Appends a piece over bytes at .. at + n - 1 of the list's text; an empty one is dropped. Errors: NOMEM. */
RJ_CHECKED rj_status rj_pieces_add(rj_pieces *p, ptrdiff_t at, ptrdiff_t n, bool first);
/* Both at once. */
RJ_CHECKED rj_status rj_pieces_append(rj_pieces *p, const char *text, ptrdiff_t n, bool first);
RJ_CHECKED rj_status rj_pieces_token(rj_pieces *p, int32_t id);
#endif
