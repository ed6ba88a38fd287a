/* fuzz_tokenizer_json.c: a tokenizer.json. */
#include "fuzz_text.h"

rj_status fuzz_outcome;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    rj_json *j = NULL;
    rj_tokenizer *tok = NULL;
    rj_status st = rj_json_parse("tokenizer.json", (const char *)data, n, &j);

    if (st == RJ_OK) st = rj_tokenizer_from_json(j, &tok);
    if (st == RJ_OK) fuzz_encode(tok, data, n);
    rj_tokenizer_close(&tok);
    rj_json_close(&j);
    return fuzz_end(st);
}
