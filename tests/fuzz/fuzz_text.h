/* fuzz_text.h: use of whatever tokenizer was accepted. */
#ifndef RESJAC_TESTS_FUZZ_TEXT_H
#define RESJAC_TESTS_FUZZ_TEXT_H

#include "fuzz.h"
#include "resjac/tokenizer/tokenizer_pipeline.h"

/* Letters of several scripts, digits, white space, marks, ill-formed bytes, a NUL, and the start of the input itself,
 * which holds the tokens of the vocabulary. */
static inline void fuzz_encode(const rj_tokenizer *tok, const uint8_t *data, size_t n)
{
    static const char fixed[] =
        "Hello world's 12345  \n\t na\xc3\xafve e\xcc\x81\xcc\xa3 \xe6\x97\xa5\xe6\x9c\xac <s></s> "
        "\xf0\x9f\x98\x80 \xff\xc3 \0 don'T_a-b ...";
    char text[sizeof fixed + 256];
    int32_t *id = NULL;
    ptrdiff_t n_ids = 0;
    const size_t tail = n < 256 ? n : 256;

    memcpy(text, fixed, sizeof fixed);
    memcpy(text + sizeof fixed, data, tail);
    for (int special = 0; special < 2; special++) {
        const rj_status st =
            rj_tokenizer_encode(tok, text, (ptrdiff_t)(sizeof fixed + tail), special != 0, &id, &n_ids);
        if (st != RJ_OK && st != RJ_ERR_FORMAT) abort();
        if (st != RJ_OK) continue;
        for (ptrdiff_t i = 0; i < n_ids; i++) {
            if (id[i] < 0 || id[i] >= rj_tokenizer_size(tok)) abort();
            if (rj_tokenizer_token(tok, id[i]) == NULL) abort();
        }
        RJ_FREE(id);
    }
    if (rj_tokenizer_summary(tok)[0] == '\0') abort();
}
#endif
