/* fuzz_tokenizer_gguf.c: the tokenizer in a GGUF file's metadata. */
#include "fuzz_text.h"

rj_status fuzz_outcome;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    rj_gguf *g = NULL;
    rj_tokenizer *tok = NULL;
    rj_status st = rj_gguf_open(fuzz_file("x.gguf", data, n), &g);

    if (st == RJ_OK) st = rj_tokenizer_from_gguf(g, &tok);
    if (st == RJ_OK) fuzz_encode(tok, data, n);
    rj_tokenizer_close(&tok);
    rj_gguf_close(&g);
    return fuzz_end(st);
}
