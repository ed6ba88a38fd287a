/* utf8.c: one pass to measure, one to write. */
#include "resjac/tokenizer/utf8.h"

#include <string.h>

#include "resjac/base/memory.h"

static const char REPLACEMENT[] = "\xEF\xBF\xBD"; /* U+FFFD */

/* Lead byte -> length, and the range of the second byte, which excludes overlong forms, surrogates and what is beyond
 * U+10FFFF. Later bytes are 80..BF. */
static const struct {
    unsigned char first, last, length, low, high;
} LEAD[] = {
    {0x00, 0x7F, 1, 0, 0},       {0xC2, 0xDF, 2, 0x80, 0xBF}, {0xE0, 0xE0, 3, 0xA0, 0xBF},
    {0xE1, 0xEC, 3, 0x80, 0xBF}, {0xED, 0xED, 3, 0x80, 0x9F}, {0xEE, 0xEF, 3, 0x80, 0xBF},
    {0xF0, 0xF0, 4, 0x90, 0xBF}, {0xF1, 0xF3, 4, 0x80, 0xBF}, {0xF4, 0xF4, 4, 0x80, 0x8F},
};

int rj_utf8_check(const char *text, ptrdiff_t n)
{
    const unsigned char *b = (const unsigned char *)text;

    for (size_t i = 0; i < sizeof LEAD / sizeof *LEAD; i++) {
        if (b[0] < LEAD[i].first || b[0] > LEAD[i].last) continue;
        if (LEAD[i].length == 1) return 1;
        if (n < 2 || b[1] < LEAD[i].low || b[1] > LEAD[i].high) return -1;
        for (int k = 2; k < LEAD[i].length; k++)
            if (k >= n || (b[k] & 0xC0) != 0x80) return -k;
        return LEAD[i].length;
    }
    return -1;
}

int rj_utf8_size(const char *text)
{
    const unsigned char b = (unsigned char)*text;

    return b < 0x80 ? 1 : b < 0xE0 ? 2 : b < 0xF0 ? 3 : 4;
}

int rj_utf8_size_before(const char *text)
{
    int n = 1;

    while (((unsigned char)text[-n] & 0xC0) == 0x80) n++;
    return n;
}

uint32_t rj_utf8_decode(const char *text)
{
    const int n = rj_utf8_size(text);
    uint32_t c = (unsigned char)text[0];

    if (n > 1) c &= 0x7Fu >> n;
    for (int k = 1; k < n; k++) c = c << 6 | ((unsigned char)text[k] & 0x3Fu);
    return c;
}

int rj_utf8_encode(uint32_t c, char out[RJ_UTF8_MAX])
{
    static const unsigned char MARK[] = {0, 0, 0xC0, 0xE0, 0xF0};
    const int n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

    for (int k = n - 1; k > 0; k--, c >>= 6) out[k] = (char)(0x80 | (c & 0x3F));
    out[0] = (char)(n == 1 ? c : MARK[n] | c);
    return n;
}

bool rj_utf8_is_space(uint32_t c)
{
    return (c >= 0x9 && c <= 0xD) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
           c == 0x3000;
}

rj_status rj_utf8_repair(const char *text, ptrdiff_t n, char **fresh, ptrdiff_t *m)
{
    rj_status st = RJ_OK;
    const ptrdiff_t n_mark = sizeof REPLACEMENT - 1;
    ptrdiff_t size = 0, at = 0;
    char *out = NULL;

    for (ptrdiff_t i = 0, step; i < n; i += step < 0 ? -step : step) {
        step = rj_utf8_check(text + i, n - i);
        size += step < 0 ? n_mark : step;
    }
    RJ_NEW(out, size + 1, 1);
    for (ptrdiff_t i = 0, step; i < n; i += step < 0 ? -step : step) {
        step = rj_utf8_check(text + i, n - i);
        const ptrdiff_t k = step < 0 ? n_mark : step;
        memcpy(out + at, step < 0 ? REPLACEMENT : text + i, (size_t)k);
        at += k;
    }
    *fresh = out;
    *m = size;
done:
    return st;
}
