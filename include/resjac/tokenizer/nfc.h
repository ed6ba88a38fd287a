/* nfc.h: Unicode's normalization form C (UAX 15), in which a letter and its marks are one character where there is one. */
#ifndef RESJAC_TOKENIZER_NFC_H
#define RESJAC_TOKENIZER_NFC_H

#include <stddef.h>
#include <stdint.h>

#include "resjac/base/status.h"
#include "resjac/tokenizer/pieces.h"

/* Work space, starts as zeros. */
typedef struct {
    int32_t *code, *spare; /* code points of one stretch */
    ptrdiff_t n, cap, cap_spare;
} rj_nfc_work;
void rj_nfc_work_free(rj_nfc_work *w);

/* Writes the normal form of n bytes of well-formed UTF-8 to a list, which no piece covers yet. Characters are those of
 * Unicode 9, as in Hugging Face tokenizers 0.23; a later one stays as it is and keeps apart what stands around it. O(n).
 * Not collective. Errors: NOMEM; LIB. */
RJ_CHECKED rj_status rj_nfc_write(rj_nfc_work *w, const char *text, ptrdiff_t n, rj_pieces *out);
#endif
