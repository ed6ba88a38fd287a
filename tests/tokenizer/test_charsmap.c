/* test_charsmap.c: a trie of three rules by hand, graphemes, and everything that a damaged file may hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "resjac/base/memory.h"
#include "resjac/tokenizer/charsmap.h"

enum { UNITS = 512, LEAF = 0x100, BASE = 256 };

/* A trie over single bytes: the root's children lie at BASE ^ byte, each of a rule with its leaf at offset BASE further. */
typedef struct {
    uint32_t unit[UNITS];
    char text[16];
    int n_text;
} rules;

static void add_rule(rules *r, unsigned char byte, const char *becomes)
{
    const uint32_t at = BASE ^ byte;

    r->unit[at] = (uint32_t)byte | LEAF | (uint32_t)BASE << 10; /* children, the leaf first, at `at` ^ BASE */
    r->unit[at ^ BASE] = 0x80000000u | (uint32_t)r->n_text;
    strcpy(r->text + r->n_text, becomes);
    r->n_text += (int)strlen(becomes) + 1;
}

/* a -> "xy", b -> "", the tab -> a space. */
static rules three_rules(void)
{
    rules r = {{0}, "", 0};

    r.unit[0] = (uint32_t)BASE << 10;
    add_rule(&r, 'a', "xy");
    add_rule(&r, 'b', "");
    add_rule(&r, '\t', " ");
    return r;
}

static void encode64(const uint8_t *data, size_t n, char *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < n; i += 3) {
        const uint32_t b = (uint32_t)data[i] << 16 | (i + 1 < n ? (uint32_t)data[i + 1] << 8 : 0) |
                           (i + 2 < n ? data[i + 2] : 0);
        *out++ = digits[b >> 18];
        *out++ = digits[b >> 12 & 63];
        *out++ = i + 1 < n ? digits[b >> 6 & 63] : '=';
        *out++ = i + 2 < n ? digits[b & 63] : '=';
    }
    *out = '\0';
}

static rj_status read_rules(const rules *r, rj_charsmap **map)
{
    static uint8_t data[4 + 4 * UNITS + 16];
    static char text[2 * sizeof data];

    for (uint32_t i = 0; i <= UNITS; i++) {
        const uint32_t word = i == 0 ? 4 * UNITS : r->unit[i - 1];
        for (uint32_t k = 0; k < 4; k++) data[4 * i + k] = (uint8_t)(word >> 8 * k);
    }
    memcpy(data + 4 + 4 * UNITS, r->text, (size_t)r->n_text);
    encode64(data, 4 + 4 * UNITS + (size_t)r->n_text, text);
    return rj_charsmap_read("f", text, (ptrdiff_t)strlen(text), map);
}

static rj_status apply(const rules *r, const char *text, char out[64])
{
    rj_charsmap *map = NULL;
    rj_pieces p = {0};
    rj_status st = read_rules(r, &map);

    if (st == RJ_OK) st = rj_charsmap_write(map, text, (ptrdiff_t)strlen(text), &p);
    if (st == RJ_OK) sprintf(out, "%.*s", (int)p.n_text, p.text != NULL ? p.text : "");
    rj_pieces_free(&p);
    rj_charsmap_free(&map);
    return st;
}

static void expect(const char *text, const char *wanted)
{
    const rules r = three_rules();
    char out[64];

    if (apply(&r, text, out) != RJ_OK) fail_msg("%s", rj_status_message());
    assert_string_equal(out, wanted);
}

static void rules_by_hand(void **x)
{
    (void)x;
    expect("", "");
    expect("cac", "cxyc");
    expect("abba", "xyxy");
    expect("\t\xC3\xA9", " \xC3\xA9");
    expect("\xE4\xB8\xAD", "\xE4\xB8\xAD");
}

/* a with an acute (3 bytes) is one grapheme that starts with a rule: all of it is replaced. With two more marks it has 7
 * bytes, and each character goes by itself. */
static void graphemes(void **x)
{
    (void)x;
    expect("a\xCC\x81", "xy");
    expect("a\xCC\x81\xCC\x81\xCC\x81z", "xy\xCC\x81\xCC\x81\xCC\x81z");
    expect("ca\xCC\x81"
           "b",
           "cxy");
}

static void refuse(const rules *r, const char *text, const char *message)
{
    char out[64];

    assert_int_equal(apply(r, text, out), RJ_ERR_FORMAT);
    if (strstr(rj_status_message(), message) == NULL) fail_msg("%s", rj_status_message());
}

static void damaged_tries(void **x)
{
    rules r = three_rules();
    (void)x;
    r.unit[BASE ^ 'a'] = 'a' | LEAF | 0x1FFFFFu << 10;
    refuse(&r, "a", "its trie of 512 units points to unit");
    r = three_rules();
    r.unit[0] = 0x1FFFFFu << 10 | 0x200;
    refuse(&r, "c", "its trie of 512 units points to unit");
    r = three_rules();
    r.unit['a'] = 99;
    refuse(&r, "a", "a rule points to byte 99 of 6, where no text starts");
    r = three_rules();
    strcpy(r.text, "\xC3\xA9");
    r.unit['a'] = 1;
    refuse(&r, "a", "a rule points to byte 1 of 6, where no text starts");
    r = three_rules();
    r.text[0] = '\xFF';
    refuse(&r, "c", "its texts are no UTF-8");
    r = three_rules();
    r.n_text--;
    refuse(&r, "c", "are no trie of 2048 and texts behind it");
}

static void damaged_texts(void **x)
{
    static const struct {
        const char *base64, *message;
    } cases[] = {
        {"", "f: precompiled_charsmap: 0 bytes are no trie of 0 and texts"},
        {"AAAA", "3 bytes are no trie"},
        {"AA-A", "character 2 is no base64"},
        {"AA=A", "character 2 is no base64"},
        {"A===", "character 1 is no base64"},
        {"BAAAAAAAAAAAA", "13 characters are no whole base64"},
        {"////////", "are no trie of 4294967295"},
    };
    rj_charsmap *map = NULL;
    (void)x;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(rj_charsmap_read("f", cases[i].base64, (ptrdiff_t)strlen(cases[i].base64), &map),
                         RJ_ERR_FORMAT);
        if (strstr(rj_status_message(), cases[i].message) == NULL) fail_msg("%s", rj_status_message());
        assert_null(map);
    }
    assert_int_equal(rj_charsmap_read("f", "BAAAAAAAAAAA", 12, &map),
                     RJ_OK); /* one unit and one empty text */
    rj_charsmap_free(&map);
}

static void every_allocation_may_fail(void **x)
{
    const rules r = three_rules();
    char out[64];
    rj_status st = RJ_ERR_NOMEM;
    int n = 0;
    (void)x;
    for (; st == RJ_ERR_NOMEM; n++) {
        rj_memory_fail_after(n);
        st = apply(&r, "ac", out);
        rj_memory_fail_after(-1);
        assert_int_equal(rj_memory_live(), 0);
    }
    assert_int_equal(st, RJ_OK);
    assert_true(n > 3);
}

static int no_leak(void **state)
{
    (void)state;
    return rj_memory_live() != 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(rules_by_hand, no_leak),
        cmocka_unit_test_teardown(graphemes, no_leak),
        cmocka_unit_test_teardown(damaged_tries, no_leak),
        cmocka_unit_test_teardown(damaged_texts, no_leak),
        cmocka_unit_test_teardown(every_allocation_may_fail, no_leak),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
