/* checkpoints.h: checkpoints of tests/golden, whole or with some bytes replaced, and checkpoints of a configuration alone. */
#ifndef RJ_CHECKPOINTS_H
#define RJ_CHECKPOINTS_H

#include "tiny.h"

/* "<tests/golden>/<name>"; the two latest stay valid. */
static inline const char *golden(const char *name)
{
    static char path[2][1024];
    static int next;
    const char *folder = getenv("RESJAC_GOLDEN");

    next = !next;
    snprintf(path[next], sizeof path[next], "%s/%s", folder != NULL ? folder : "golden", name);
    return path[next];
}

/* A copy of a golden file in the temporary folder, with the first `find` (or all of them) replaced by `by`, of equal
 * length; returns its path. */
static inline const char *patched(const char *name, const char *to, const char *find, const char *by,
                                  size_t n, bool all)
{
    FILE *in = fopen(golden(name), "rb");
    static unsigned char bytes[1 << 20];
    int replaced = 0;

    assert_non_null(in);
    const size_t size = fread(bytes, 1, sizeof bytes, in);
    fclose(in);
    assert_true(size < sizeof bytes);
    for (size_t at = 0; at + n <= size && (all || replaced == 0); at++)
        if (memcmp(bytes + at, find, n) == 0) memcpy(bytes + at, by, n), replaced++;
    assert_true(replaced > 0);
    return temporary_file(to, bytes, size);
}

static inline const char *patched_gguf(const char *name, const char *find, const char *by, size_t n)
{
    return patched(name, "patched.gguf", find, by, n, false);
}

/* A checkpoint of that configuration with one tensor that nobody needs; returns its folder. */
static inline const char *config_only(const json_t *config)
{
    static const char bytes[] =
        "\x3b\0\0\0\0\0\0\0{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}      \0\0\0\0";
    char header[256];
    const size_t n = sizeof bytes - 1;

    memcpy(header, bytes, n);
    header[0] = (char)(n - 8 - 4);
    mkdir(temporary_path("config"), 0700);
    temporary_file("config/model.safetensors", header, n);
    assert_int_equal(json_dump_file(config, temporary_path("config/config.json"), 0), 0);
    return temporary_path("config");
}

/* The configuration of a config.json with that text; fails with it. */
static inline rj_status read_config(const char *text, rj_config *config)
{
    rj_weights *w = NULL;
    json_t *root = json_loads(text, 0, NULL);

    assert_non_null(root);
    assert_ok(rj_weights_open(config_only(root), &w));
    const rj_status st = rj_config_read(w, config);
    rj_weights_close(&w);
    json_decref(root);
    return st;
}
#endif
