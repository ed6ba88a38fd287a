/* fuzz_index.c: model.safetensors.index.json of two good files, m-1 with the tensors a and b, m-2 with c; or, where the bytes
 * begin with GGUF's magic, the first file of a split set whose second is good and has the tensor c. */
#include "fuzz_weights.h"

rj_status fuzz_outcome;

static void write_shard(const char *name, const char *header)
{
    uint8_t file[512] = {0}; /* length, header, zeros: one float a tensor */
    const uint64_t n = strlen(header);
    const size_t tensors = strstr(header, "\"b\"") != NULL ? 2 : 1;

    memcpy(file, &n, sizeof n);
    memcpy(file + sizeof n, header, n);
    fuzz_file(name, file, sizeof n + n + 4 * tensors);
}

/* File 2 of 2: split.no = 1 and split.count = 2 (uint16), one float. */
static void write_second(void)
{
    static const char head[] = "GGUF\3\0\0\0\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0"
                               "\x8\0\0\0\0\0\0\0split.no\2\0\0\0\1\0"
                               "\xb\0\0\0\0\0\0\0split.count\2\0\0\0\2\0"
                               "\1\0\0\0\0\0\0\0c\1\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    uint8_t file[(sizeof head - 1 + 31) / 32 * 32 + 4] = {0};

    memcpy(file, head, sizeof head - 1);
    fuzz_file("x-00002-of-00002.gguf", file, sizeof file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static bool written;
    const bool gguf = n >= 4 && memcmp(data, "GGUF", 4) == 0;
    const char *path = fuzz_file(gguf ? "x-00001-of-00002.gguf" : "model.safetensors.index.json", data, n);
    rj_weights *w = NULL;

    if (!written) {
        fuzz_file("config.json", "{}", 2);
        write_shard("m-1", "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
                           "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}");
        write_shard("m-2", "{\"c\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}");
        write_second();
        written = true;
    }
    const rj_status st = rj_weights_open(gguf ? path : fuzz_folder(), &w);
    if (st == RJ_OK) fuzz_read_all(w);
    rj_weights_close(&w);
    return fuzz_end(st);
}
