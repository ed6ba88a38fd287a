/* fuzz_config.c: the configuration of a model: a GGUF file where the bytes begin with its magic, else a config.json beside
 * one tensor. Where all tensors are there the first and last block are read. */
#include "fuzz.h"
#include "resjac/model/block.h"

rj_status fuzz_outcome;

static const char *write_folder(const uint8_t *data, size_t n)
{
    static const char header[] = "{\"model.embed_tokens.weight\":{\"dtype\":\"F32\",\"shape\":[1,1],"
                                 "\"data_offsets\":[0,4]}}";
    uint8_t file[sizeof header + 11] = {sizeof header - 1};

    memcpy(file + 8, header, sizeof header - 1);
    fuzz_file("model.safetensors", file, sizeof file);
    fuzz_file("config.json", data, n);
    return fuzz_folder();
}

/* Broken weights are an error like others; here only what it does counts. */
static void use(const char *path, rj_stack stack)
{
    rj_model *model = NULL;
    rj_block *block = NULL;

    if (rj_model_open_stack(path, stack, false, 0, &model) != RJ_OK) return;
    for (int last = 0; last < 2; last++) {
        const int layer = last * (rj_model_config(model)->n_layer - 1);
        if (rj_block_load(model, layer, RJ_SINGLE, &block) == RJ_OK) rj_block_free(&block);
    }
    rj_model_close(&model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const bool gguf = n >= 4 && memcmp(data, "GGUF", 4) == 0;
    const char *path = gguf ? fuzz_file("x.gguf", data, n) : write_folder(data, n);
    rj_weights *w = NULL;
    rj_config config = {0};
    rj_status st = rj_weights_open(path, &w);

    if (st == RJ_OK) st = rj_config_read(w, &config);
    rj_config_free(&config);
    rj_weights_close(&w);
    if (st == RJ_OK) use(path, RJ_STACK_DEFAULT);
    if (st == RJ_OK) use(path, RJ_STACK_DECODER);
    return fuzz_end(st);
}
