/* fuzz_safetensors.c: one .safetensors file with a config.json beside it. */
#include "fuzz_weights.h"
#include "resjac/weights/safetensors.h"

rj_status fuzz_outcome;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    rj_safetensors *s = NULL;
    rj_weights *w = NULL;
    rj_status st = RJ_OK;

    fuzz_file("config.json", "{}", 2);
    const char *path = fuzz_file("model.safetensors", data, n);
    st = rj_safetensors_open(path, &s);
    rj_safetensors_close(&s);
    if (st == RJ_OK) st = rj_weights_open(path, &w);
    if (st == RJ_OK) fuzz_read_all(w);
    rj_weights_close(&w);
    return fuzz_end(st);
}
