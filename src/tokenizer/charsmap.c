/* charsmap.c: one walk through the trie a grapheme, O(n). A unit of the trie (Yata's darts-clone): bits 0..7 and 31 its label,
 * bit 8 a leaf beside it, bits 10..30 the offset of its children, which bit 9 says to shift by 8; a leaf holds its value. */
#include "resjac/tokenizer/charsmap.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <utf8proc.h>

#include "resjac/base/memory.h"
#include "resjac/tokenizer/utf8.h"

enum { MAX_GRAPHEME = 6, NOT_BASE64 = -1 };

struct rj_charsmap {
    char *where;
    uint8_t *data; /* all of it, decoded */
    ptrdiff_t n_units;
    const char *text; /* [n_text], the last byte NUL */
    ptrdiff_t n_text;
};

void rj_charsmap_free(rj_charsmap **map)
{
    if (*map == NULL) return;
    rj_free((*map)->where);
    rj_free((*map)->data);
    RJ_FREE(*map);
}

static int value_of(char c)
{
    if ('A' <= c && c <= 'Z') return c - 'A';
    if ('a' <= c && c <= 'z') return c - 'a' + 26;
    if ('0' <= c && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : NOT_BASE64;
}

static uint32_t word_at(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* RFC 4648, padded: every 4 characters are 3 bytes, at the end fewer. */
static rj_status decode(const char *where, const char *base64, ptrdiff_t n, uint8_t *out, ptrdiff_t *m)
{
    rj_status st = RJ_OK;
    ptrdiff_t end = n;
    uint32_t bits = 0;

    *m = 0;
    while (end > 0 && n - end < 2 && base64[end - 1] == '=') end--;
    for (ptrdiff_t i = 0; i < end; i++) {
        const int v = value_of(base64[i]);
        RJ_REQUIRE(v != NOT_BASE64, RJ_ERR_FORMAT, "%s: precompiled_charsmap: character %td is no base64",
                   where, i);
        bits = bits << 6 | (uint32_t)v;
        if (i % 4 > 0) out[(*m)++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
    }
    RJ_REQUIRE(n % 4 == 0, RJ_ERR_FORMAT, "%s: precompiled_charsmap: %td characters are no whole base64",
               where, n);
done:
    return st;
}

static bool is_well_formed(const char *text, ptrdiff_t n)
{
    for (ptrdiff_t i = 0, k; i < n; i += k) {
        k = rj_utf8_check(text + i, n - i);
        if (k < 0) return false;
    }
    return true;
}

rj_status rj_charsmap_read(const char *where, const char *base64, ptrdiff_t n, rj_charsmap **map)
{
    rj_status st = RJ_OK;
    rj_charsmap *fresh = NULL;
    ptrdiff_t m = 0;
    const ptrdiff_t head = sizeof(uint32_t);

    RJ_NEW(fresh, 1, 1);
    RJ_NEW(fresh->where, (ptrdiff_t)strlen(where) + 1, 1);
    strcpy(fresh->where, where);
    RJ_NEW(fresh->data, n / 4 * 3 + 3, 1);
    RJ_TRY(decode(where, base64, n, fresh->data, &m));
    const ptrdiff_t trie = m >= head ? (ptrdiff_t)word_at(fresh->data) : 0;
    RJ_REQUIRE(
        trie > 0 && trie % head == 0 && trie < m - head && fresh->data[m - 1] == 0, RJ_ERR_FORMAT,
        "%s: precompiled_charsmap: %td bytes are no trie of %td and texts behind it; the file is damaged",
        where, m, trie);
    RJ_REQUIRE(is_well_formed((const char *)fresh->data + head + trie, m - head - trie), RJ_ERR_FORMAT,
               "%s: precompiled_charsmap: its texts are no UTF-8; the file is damaged", where);
    fresh->n_units = trie / head;
    fresh->text = (const char *)fresh->data + head + trie;
    fresh->n_text = m - head - trie;
    *map = fresh;
    fresh = NULL;
done:
    rj_charsmap_free(&fresh);
    return st;
}

static rj_status unit_at(const rj_charsmap *map, size_t at, uint32_t *unit)
{
    rj_status st = RJ_OK;

    RJ_REQUIRE(at < (size_t)map->n_units, RJ_ERR_FORMAT,
               "%s: precompiled_charsmap: its trie of %td units points to unit %zu; the file is damaged",
               map->where, map->n_units, at);
    *unit = word_at(map->data + sizeof(uint32_t) * (at + 1));
done:
    return st;
}

static size_t offset_of(uint32_t unit)
{
    return (size_t)(unit >> 10) << ((unit & 0x200) >> 6);
}

/* The text of the shortest rule that n bytes start with, or NULL. */
static rj_status look_up(const rj_charsmap *map, const char *key, ptrdiff_t n, const char **found)
{
    rj_status st = RJ_OK;
    uint32_t unit = 0;
    size_t at = 0;

    *found = NULL;
    RJ_TRY(unit_at(map, 0, &unit));
    at = offset_of(unit);
    for (ptrdiff_t i = 0; i < n && key[i] != '\0'; i++) {
        const uint8_t c = (uint8_t)key[i];
        at ^= c;
        RJ_TRY(unit_at(map, at, &unit));
        if ((unit & 0x800000FF) != c) return RJ_OK;
        at ^= offset_of(unit);
        if ((unit & 0x100) == 0) continue;
        RJ_TRY(unit_at(map, at, &unit));
        const size_t value = unit & 0x7FFFFFFF;
        RJ_REQUIRE(value < (size_t)map->n_text && ((uint8_t)map->text[value] & 0xC0) != 0x80, RJ_ERR_FORMAT,
                   "%s: precompiled_charsmap: a rule points to byte %zu of %td, where no text starts; the "
                   "file is damaged",
                   map->where, value, map->n_text);
        *found = map->text + value;
        return RJ_OK;
    }
done:
    return st;
}

/* Bytes of the grapheme (UAX 29) at the start of n > 0 bytes. */
static ptrdiff_t grapheme_size(const char *text, ptrdiff_t n)
{
    int32_t state = 0;
    ptrdiff_t size = rj_utf8_size(text);

    for (uint32_t before = rj_utf8_decode(text); size < n;) {
        const uint32_t c = rj_utf8_decode(text + size);
        if (utf8proc_grapheme_break_stateful((int32_t)before, (int32_t)c, &state)) break;
        size += rj_utf8_size(text + size);
        before = c;
    }
    return size;
}

rj_status rj_charsmap_write(const rj_charsmap *map, const char *text, ptrdiff_t n, rj_pieces *out)
{
    rj_status st = RJ_OK;
    const char *found = NULL;

    for (ptrdiff_t i = 0, size; i < n; i += size) {
        size = grapheme_size(text + i, n - i);
        if (size < MAX_GRAPHEME) RJ_TRY(look_up(map, text + i, size, &found));
        if (size < MAX_GRAPHEME && found != NULL) {
            RJ_TRY(rj_pieces_write(out, found, (ptrdiff_t)strlen(found)));
            continue;
        }
        for (ptrdiff_t k = 0, m; k < size; k += m) {
            m = rj_utf8_size(text + i + k);
            RJ_TRY(look_up(map, text + i + k, m, &found));
            RJ_TRY(found != NULL ? rj_pieces_write(out, found, (ptrdiff_t)strlen(found))
                                 : rj_pieces_write(out, text + i + k, m));
        }
    }
done:
    return st;
}
