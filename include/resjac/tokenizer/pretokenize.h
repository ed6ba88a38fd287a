/* pretokenize.h: eight primitive steps, of which every normalizer and pre-tokenizer is a short list. */
#ifndef RESJAC_TOKENIZER_PRETOKENIZE_H
#define RESJAC_TOKENIZER_PRETOKENIZE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "resjac/base/status.h"
#include "resjac/tokenizer/added.h"
#include "resjac/tokenizer/charsmap.h"
#include "resjac/tokenizer/pieces.h"
#include "resjac/tokenizer/regex.h"

typedef enum {
    RJ_STEP_CUT = 0, /* take added tokens out */
    RJ_STEP_NFC,     /* normalization form C */
    RJ_STEP_PREPEND, /* text before a piece */
    RJ_STEP_REPLACE, /* each match of regex by text */
    RJ_STEP_SPLIT,   /* at the matches of regex */
    RJ_STEP_BYTES,   /* each byte by its visible character (GPT-2) */
    RJ_STEP_STRIP,   /* white space at the end dropped */
    RJ_STEP_CHARSMAP /* SentencePiece's compiled rules */
} rj_step_kind;

/* What becomes of a match, and of what lies between, when a piece is split. */
typedef enum {
    RJ_SPLIT_REMOVED = 0, /* dropped */
    RJ_SPLIT_ISOLATED,    /* a piece of its own */
    RJ_SPLIT_PREVIOUS,    /* joined to the piece before it (one match, not a run) */
    RJ_SPLIT_NEXT,        /* joined to the piece after it */
    RJ_SPLIT_CONTIGUOUS   /* a run of matches is one piece */
} rj_split_mode;

typedef struct {
    rj_step_kind kind;
    rj_added *added; /* CUT; owned */
    rj_regex *regex; /* REPLACE, SPLIT; owned */
    char *text;      /* PREPEND, REPLACE: n bytes; owned */
    ptrdiff_t n;
    bool unless_there;  /* PREPEND: not to a piece that starts with the text already */
    bool first_only;    /* PREPEND: only to the piece at the start of the whole text */
    rj_split_mode mode; /* SPLIT */
    bool invert;        /* SPLIT: matches and what lies between change places */
    rj_charsmap *map;   /* CHARSMAP; owned */
} rj_step;

/* Starts as zeros. */
typedef struct {
    rj_step *step;
    ptrdiff_t n, cap;
} rj_steps;

/* Appends a step and takes over what it owns, also on error. Errors: NOMEM. */
RJ_CHECKED rj_status rj_steps_add(rj_steps *s, rj_step step);
void rj_steps_free(rj_steps *s);

/* Runs steps first .. last - 1 in order. Not collective.
 *   p     [in,out] the text in pieces, before and after
 *   spare [work]
 * Errors: NOMEM; FORMAT a regular expression needs too many steps; LIB. */
RJ_CHECKED rj_status rj_steps_run(const rj_steps *s, ptrdiff_t first, ptrdiff_t last, rj_matcher *m,
                                  rj_pieces *p, rj_pieces *spare);

/* The character of a byte in GPT-2's map: U+0021..007E, 00A1..00AC, 00AE..00FF themselves, the other 68 bytes in order
 * U+0100.. ; and back: byte, or -1. */
uint32_t rj_byte_to_char(unsigned char b);
int rj_char_to_byte(uint32_t c);
#endif
