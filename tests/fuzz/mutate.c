/* mutate.c: a broken copy of a file, the same for the same seed: what a bad disk, a cut download or a hostile author leaves.
 * Usage: mutate SEED IN OUT. Prints what it did. Exit code 0, or 1 where a file cannot be read or written. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "resjac/base/file.h"
#include "resjac/base/memory.h"
#include "resjac/base/rng.h"

enum { MOST_INPUT = 16 << 20, DEEP = 100000 };

typedef struct {
    char *text;
    size_t n;
} bytes;

/* The draws of one mutant. */
typedef struct {
    rj_rng rng;
    uint64_t drawn;
} dice;

static uint64_t roll(dice *d, uint64_t n)
{
    uint32_t word[4];

    rj_rng_bits(&d->rng, d->drawn++, word);
    return ((uint64_t)word[0] << 32 | word[1]) % n;
}

/* A place, more often near the beginning: headers are there. */
static size_t place(dice *d, const bytes *b)
{
    const size_t limit = b->n >> roll(d, 8);

    return b->n == 0 ? 0 : (size_t)roll(d, limit > 0 ? limit : 1);
}

/* b <- b with `cut` bytes at `at` replaced by n bytes of `put`. */
static rj_status splice(bytes *b, size_t at, size_t cut, const char *put, size_t n)
{
    rj_status st = RJ_OK;
    char *fresh = NULL;

    RJ_NEW(fresh, (ptrdiff_t)(b->n - cut + n + 1), 1);
    memcpy(fresh, b->text, at);
    memcpy(fresh + at, put, n);
    memcpy(fresh + at + n, b->text + at + cut, b->n - at - cut);
    rj_free(b->text);
    b->text = fresh;
    b->n = b->n - cut + n;
done:
    return st;
}

static rj_status flip_bits(dice *d, bytes *b)
{
    for (uint64_t i = 1 + roll(d, 8); i > 0 && b->n > 0; i--) b->text[place(d, b)] ^= (char)(1 << roll(d, 8));
    return RJ_OK;
}

static rj_status truncate_end(dice *d, bytes *b)
{
    b->n = place(d, b);
    return RJ_OK;
}

/* Eight bytes, as lengths are, change places. */
static rj_status swap_words(dice *d, bytes *b)
{
    char kept[8];

    if (b->n < 2 * sizeof kept) return RJ_OK;
    size_t from = place(d, b), to = place(d, b);
    from = from < b->n - sizeof kept ? from : 0;
    to = to < b->n - sizeof kept ? to : 0;
    memcpy(kept, b->text + from, sizeof kept);
    memmove(b->text + from, b->text + to, sizeof kept);
    memcpy(b->text + to, kept, sizeof kept);
    return RJ_OK;
}

/* A length or a count becomes one that no file has. */
static rj_status write_huge(dice *d, bytes *b)
{
    static const uint64_t huge[] = {UINT64_MAX, INT64_MAX, (uint64_t)1 << 63, UINT32_MAX, (uint64_t)1 << 40,
                                    0,          1};
    const uint64_t value = huge[roll(d, sizeof huge / sizeof *huge)];
    const size_t size = roll(d, 2) ? 8 : 4, at = b->n < size ? 0 : place(d, b);

    if (b->n >= size) memcpy(b->text + (at <= b->n - size ? at : 0), &value, size);
    return RJ_OK;
}

/* The number behind a place in a text becomes another one. */
static rj_status replace_number(dice *d, bytes *b)
{
    static const char *const number[] = {"-1",
                                         "0",
                                         "1",
                                         "16777216",
                                         "2147483648",
                                         "9223372036854775807",
                                         "99999999999999999999",
                                         "1e308",
                                         "1e-320",
                                         "null",
                                         "true",
                                         "\"x\"",
                                         "[]"};
    const char *put = number[roll(d, sizeof number / sizeof *number)];
    size_t at = place(d, b), end;

    while (at < b->n && !isdigit((unsigned char)b->text[at])) at++;
    for (end = at; end < b->n && isdigit((unsigned char)b->text[end]);) end++;
    return splice(b, at, end - at, put, strlen(put));
}

/* A stretch once more: in a text, from one quotation mark or comma to the next, as a key with its value is. */
static rj_status duplicate(dice *d, bytes *b)
{
    rj_status st = RJ_OK;
    size_t at = place(d, b), end;
    char *copy = NULL;

    while (at < b->n && b->text[at] != ',') at++;
    if (at == b->n) at = place(d, b);
    for (end = at + 1; end < b->n && b->text[end] != ',' && end - at < 400;) end++;
    if (end > b->n) return RJ_OK;
    RJ_NEW(copy, (ptrdiff_t)(end - at) + 1, 1);
    memcpy(copy, b->text + at, end - at);
    RJ_TRY(splice(b, at, 0, copy, end - at));
done:
    rj_free(copy);
    return st;
}

static rj_status cut_out(dice *d, bytes *b)
{
    const size_t at = place(d, b), rest = b->n - at, n = (size_t)roll(d, 64) + 1;

    return splice(b, at, n < rest ? n : rest, "", 0);
}

static rj_status put_in(dice *d, bytes *b)
{
    static const char *const odd[] = {"\x1b[2J\x1b]0;owned\a",
                                      "\xff\xfe\xc0\x80",
                                      "../../../../etc/passwd",
                                      "\"",
                                      "\\u0000",
                                      "{\"a\":",
                                      "\\ud800",
                                      "%s%n%s%n",
                                      "$(touch owned)",
                                      "`touch owned`"};
    const char *put = odd[roll(d, sizeof odd / sizeof *odd)];

    return splice(b, place(d, b), 0, put, strlen(put));
}

static rj_status nest(dice *d, bytes *b)
{
    rj_status st = RJ_OK;
    char *open = NULL;

    RJ_NEW(open, DEEP, 1);
    memset(open, '[', DEEP);
    RJ_TRY(splice(b, place(d, b), 0, open, DEEP));
done:
    rj_free(open);
    return st;
}

static rj_status overwrite_zeros(dice *d, bytes *b)
{
    const size_t at = place(d, b), rest = b->n - at, n = (size_t)roll(d, 4096) + 1;

    memset(b->text + at, 0, n < rest ? n : rest);
    return RJ_OK;
}

static const struct {
    const char *name;
    rj_status (*change)(dice *, bytes *);
} changes[] = {{"flip bits", flip_bits},   {"truncate", truncate_end},
               {"swap words", swap_words}, {"huge count", write_huge},
               {"number", replace_number}, {"number", replace_number},
               {"duplicate", duplicate},   {"cut out", cut_out},
               {"put in", put_in},         {"nest", nest},
               {"zeros", overwrite_zeros}};

static rj_status save(const char *path, const bytes *b)
{
    rj_status st = RJ_OK;
    FILE *out = fopen(path, "wb");

    RJ_REQUIRE(out != NULL && fwrite(b->text, 1, b->n, out) == b->n, RJ_ERR_CREATE, "%s: cannot be written",
               path);
done:
    if (out != NULL) fclose(out);
    return st;
}

static rj_status mutate(const char *seed, const char *in, const char *out)
{
    rj_status st = RJ_OK;
    dice d = {.rng = rj_rng_open(strtoull(seed, NULL, 10), "mutate")};
    bytes b = {0};

    RJ_TRY(rj_file_load(in, MOST_INPUT, &b.text, &b.n));
    for (uint64_t times = 1 + roll(&d, 2); times > 0; times--) {
        const size_t which = (size_t)roll(&d, sizeof changes / sizeof *changes);
        RJ_TRY(changes[which].change(&d, &b));
        printf("%s%s", changes[which].name, times > 1 ? ", " : "\n");
    }
    RJ_TRY(save(out, &b));
done:
    rj_free(b.text);
    return st;
}

int main(int argc, char **argv)
{
    if (argc == 4 && mutate(argv[1], argv[2], argv[3]) == RJ_OK) return 0;
    fprintf(stderr, argc == 4 ? "%s\n" : "usage: mutate SEED IN OUT\n%s",
            argc == 4 ? rj_status_message() : "");
    return 1;
}
