/* fuzz_deck.c: a deck beside two files that its globs may match, and one override, "coupling.k=" and its first line. What was
 * accepted is used on three prompts. */
#include <glob.h>

#include "../../src/run/deck_alignment.h"
#include "fuzz.h"
#include "resjac/run/deck.h"

rj_status fuzz_outcome;

int __real_glob(const char *pattern, int flags, int (*error)(const char *, int), glob_t *found);
int __wrap_glob(const char *pattern, int flags, int (*error)(const char *, int), glob_t *found);

/* A pattern with wildcards in its folders could walk the whole machine: no fault, but slow. */
int __wrap_glob(const char *pattern, int flags, int (*error)(const char *, int), glob_t *found)
{
    const char *slash = strrchr(pattern, '/');

    if (slash != NULL && strcspn(pattern, "*?[") < (size_t)(slash - pattern)) return GLOB_NOMATCH;
    return __real_glob(pattern, flags, error, found);
}

/* What a deck asks of a model and of a prompt file: any answer, but in bounds. */
static void use(const rj_deck *deck)
{
    rj_prompt three[3] = {{.id = "a", .line = 1}, {.id = "b", .line = 2}, {.id = "b", .line = 3}};
    const rj_prompts prompts = {"p.txt", 3, three};
    int count = 0, *index = NULL;

    for (int i = 0; i < deck->n_k; i++)
        if (rj_deck_k_count(&deck->k[i], 64, "m", &count) == RJ_OK && (count < 1 || count > 64)) abort();
    if (rj_deck_alignment_find(&prompts, deck->n_alignment, deck->alignment, &index) != RJ_OK) return;
    for (int i = 0; i < deck->n_alignment; i++)
        if (index[i] < 0 || index[i] >= 3 || (i > 0 && index[i] <= index[i - 1])) abort();
    rj_free(index);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static bool written;
    char set[128], *const sets[] = {set}, path[512];
    rj_deck *deck = NULL;

    if (!written) {
        fuzz_file("a.gguf", "", 0);
        fuzz_file("b.gguf", "", 0);
        setenv("FUZZ", "a", 1);
        setenv("HOME", fuzz_folder(), 1);
        written = true;
    }
    snprintf(path, sizeof path, "%s/deck.yaml", fuzz_folder());
    const uint8_t *end = memchr(data, '\n', n);
    const size_t line = end != NULL ? (size_t)(end - data) : n;
    snprintf(set, sizeof set, "coupling.k=%.*s", (int)(line < 100 ? line : 100), (const char *)data);
    rj_status st = rj_deck_parse(path, (const char *)data, n, 1, sets, &deck);
    rj_deck_free(&deck);
    fuzz_end(st);
    st = rj_deck_parse(path, (const char *)data, n, 0, NULL, &deck);
    if (st == RJ_OK) use(deck);
    rj_deck_free(&deck);
    return fuzz_end(st);
}
