/* fuzz_index.c: model.safetensors.index.json of two good files, m-1 with the tensors a and b, m-2 with c. */
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static bool written;
    rj_weights *w = NULL;

    fuzz_file("model.safetensors.index.json", data, n);
    if (!written) {
        fuzz_file("config.json", "{}", 2);
        write_shard("m-1", "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
                           "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}");
        write_shard("m-2", "{\"c\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}");
        written = true;
    }
    const rj_status st = rj_weights_open(temporary_folder, &w);
    if (st == RJ_OK) fuzz_read_all(w);
    rj_weights_close(&w);
    return fuzz_end(st);
}
