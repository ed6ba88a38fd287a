/* tiny_gguf.h: GGUF version 3 files of metadata alone, written key by key. */
#ifndef RESJAC_TESTS_TINY_GGUF_H
#define RESJAC_TESTS_TINY_GGUF_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { GGUF_INT32 = 5, GGUF_FLOAT32 = 6, GGUF_BOOL = 7, GGUF_STRING = 8, GGUF_ARRAY = 9 };

typedef struct {
    char path[64];
    FILE *f;
    uint64_t n_keys;
} tiny_gguf;

static void gguf_put(tiny_gguf *g, const void *data, size_t n)
{
    if (fwrite(data, 1, n, g->f) != n) abort();
}

static void gguf_u32(tiny_gguf *g, uint32_t v)
{
    gguf_put(g, &v, sizeof v);
}

static void gguf_text(tiny_gguf *g, const char *text)
{
    const uint64_t n = strlen(text);

    gguf_put(g, &n, sizeof n);
    gguf_put(g, text, n);
}

static void gguf_key(tiny_gguf *g, const char *key, uint32_t type)
{
    gguf_text(g, key);
    gguf_u32(g, type);
    g->n_keys++;
}

static void gguf_begin(tiny_gguf *g)
{
    const uint64_t none[2] = {0, 0};
    int fd;

    strcpy(g->path, "/tmp/resjac-test-XXXXXX");
    if ((fd = mkstemp(g->path)) < 0 || (g->f = fdopen(fd, "wb")) == NULL) abort();
    g->n_keys = 0;
    gguf_put(g, "GGUF", 4);
    gguf_u32(g, 3);
    gguf_put(g, none, sizeof none);
}

static void gguf_end(tiny_gguf *g)
{
    if (fseek(g->f, 16, SEEK_SET) != 0) abort();
    gguf_put(g, &g->n_keys, sizeof g->n_keys);
    if (fclose(g->f) != 0) abort();
}

static void gguf_string(tiny_gguf *g, const char *key, const char *text)
{
    gguf_key(g, key, GGUF_STRING);
    gguf_text(g, text);
}

static void gguf_bool(tiny_gguf *g, const char *key, uint8_t value)
{
    gguf_key(g, key, GGUF_BOOL);
    gguf_put(g, &value, 1);
}

static void gguf_int(tiny_gguf *g, const char *key, int32_t value)
{
    gguf_key(g, key, GGUF_INT32);
    gguf_put(g, &value, sizeof value);
}

static void gguf_array(tiny_gguf *g, const char *key, uint32_t type, uint64_t n)
{
    gguf_key(g, key, GGUF_ARRAY);
    gguf_u32(g, type);
    gguf_put(g, &n, sizeof n);
}
#endif
