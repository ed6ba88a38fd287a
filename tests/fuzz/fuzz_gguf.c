/* fuzz_gguf.c: a GGUF file: header, metadata through every getter, tensors. */
#include "fuzz_weights.h"

rj_status fuzz_outcome;

static void get(const rj_gguf *g, const char *key)
{
    rj_span s = {NULL, 0}, *strings = NULL;
    int64_t i = 0, *integers = NULL;
    double x = 0, *numbers = NULL;
    ptrdiff_t n = 0;
    bool b = false;
    size_t sum = 0;

    if (!rj_gguf_has(g, key)) return;
    if (rj_gguf_integer(g, key, &i) == RJ_OK && rj_gguf_number(g, key, &x) != RJ_OK) abort();
    if (rj_gguf_bool(g, key, &b) == RJ_OK) sum += b;
    if (rj_gguf_string(g, key, &s) == RJ_OK)
        for (size_t k = 0; k < s.n; k++) sum += (unsigned char)s.text[k];
    if (rj_gguf_integers(g, key, &integers, &n) == RJ_OK) rj_free(integers);
    if (rj_gguf_numbers(g, key, &numbers, &n) == RJ_OK) rj_free(numbers);
    if (rj_gguf_strings(g, key, &strings, &n) == RJ_OK) {
        for (ptrdiff_t k = 0; k < n; k++)
            if (strings[k].n > 0) sum += (unsigned char)strings[k].text[strings[k].n - 1];
        rj_free(strings);
    }
    if (sum == SIZE_MAX) abort(); /* so that the bytes are really read */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const char *const keys[] = {
        "general.architecture",  "general.alignment",     "split.count",      "k",
        "tokenizer.ggml.tokens", "tokenizer.ggml.scores", "llama.block_count"};
    const char *path = fuzz_file("x.gguf", data, n);
    rj_gguf *g = NULL;
    rj_weights *w = NULL;
    rj_status st = rj_gguf_open(path, &g);

    for (size_t k = 0; k < sizeof keys / sizeof *keys && st == RJ_OK; k++) get(g, keys[k]);
    rj_gguf_close(&g);
    if (st == RJ_OK) st = rj_weights_open(path, &w);
    if (st == RJ_OK) fuzz_read_all(w);
    rj_weights_close(&w);
    return fuzz_end(st);
}
