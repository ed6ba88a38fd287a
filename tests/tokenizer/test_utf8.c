/* test_utf8.c: ill-formed parts as the Unicode standard and Python cut them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "resjac/base/memory.h"
#include "resjac/tokenizer/utf8.h"

#define FFFD "\xEF\xBF\xBD"

/* bytes.decode("utf-8", errors="replace") of Python 3.11; the last three rows are tables 3-8 to 3-11 of Unicode 15. */
static const struct {
    const char *bytes, *repaired;
} CASES[] = {
    {"", ""},
    {"a\xC3\xA9\xE4\xB8\xAD\xF0\x9F\x91\x8D", "a\xC3\xA9\xE4\xB8\xAD\xF0\x9F\x91\x8D"},
    {"\x80", FFFD},
    {"a\xBF"
     "b",
     "a" FFFD "b"},
    {"\xC3", FFFD},
    {"\xC3(", FFFD "("},
    {"\xC0\x80", FFFD FFFD},
    {"\xC1\xBF", FFFD FFFD},
    {"\xE0\x80\x80", FFFD FFFD FFFD},
    {"\xE0\xA0", FFFD},
    {"\xE4\xB8", FFFD},
    {"\xE4\xB8x", FFFD "x"},
    {"\xED\xA0\x80", FFFD FFFD FFFD},
    {"\xED\x9F\xBF", "\xED\x9F\xBF"},
    {"\xEF\xBF\xBF", "\xEF\xBF\xBF"},
    {"\xF0\x80\x80\x80", FFFD FFFD FFFD FFFD},
    {"\xF0\x9F\x91", FFFD},
    {"\xF0\x9F\x91z", FFFD "z"},
    {"\xF0\x9F", FFFD},
    {"\xF4\x8F\xBF\xBF", "\xF4\x8F\xBF\xBF"},
    {"\xF4\x90\x80\x80", FFFD FFFD FFFD FFFD},
    {"\xF5\x80", FFFD FFFD},
    {"\xFE\xFF", FFFD FFFD},
    {"\xC0\xAF\xE0\x80\xBF\xF0\x81\x82"
     "A",
     FFFD FFFD FFFD FFFD FFFD FFFD FFFD FFFD "A"},
    {"\xF4\x91\x92\x93\xFF"
     "A\x80\xBF"
     "B",
     FFFD FFFD FFFD FFFD FFFD "A" FFFD FFFD "B"},
    {"\xE1\x80\xE2\xF0\x91\x92\xF1\xBF"
     "A",
     FFFD FFFD FFFD FFFD "A"},
};

static void ill_formed_parts_become_fffd(void **x)
{
    (void)x;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        char *fresh = NULL;
        ptrdiff_t m = -1;
        assert_int_equal(rj_utf8_repair(CASES[i].bytes, (ptrdiff_t)strlen(CASES[i].bytes), &fresh, &m),
                         RJ_OK);
        assert_string_equal(fresh, CASES[i].repaired);
        assert_int_equal(m, strlen(CASES[i].repaired));
        rj_free(fresh);
    }
    assert_int_equal(rj_memory_live(), 0);
}

/* A length is kept to: the byte after it is not read, and a NUL is a character. */
static void length_rules_not_the_nul(void **x)
{
    char *fresh = NULL;
    ptrdiff_t m = -1;
    (void)x;
    assert_int_equal(rj_utf8_repair("a\0\xC3\xA9", 3, &fresh, &m), RJ_OK);
    assert_int_equal(m, 5);
    assert_memory_equal(fresh, "a\0" FFFD, 6);
    rj_free(fresh);
}

static void every_character_survives_the_round_trip(void **x)
{
    (void)x;
    for (uint32_t c = 0; c <= 0x10FFFF; c++) {
        char text[RJ_UTF8_MAX + 1] = {0};
        const int n = rj_utf8_encode(c, text + 1);
        if (c >= 0xD800 && c <= 0xDFFF) {
            assert_int_equal(rj_utf8_check(text + 1, n), -1);
            continue;
        }
        assert_int_equal(rj_utf8_check(text + 1, n), n);
        if (n > 1) assert_int_equal(rj_utf8_check(text + 1, n - 1), -(n - 1));
        assert_int_equal(rj_utf8_size(text + 1), n);
        assert_int_equal(rj_utf8_size_before(text + 1 + n), n);
        assert_int_equal(rj_utf8_decode(text + 1), c);
    }
}

static void there_are_25_spaces(void **x)
{
    int n = 0;
    (void)x;
    for (uint32_t c = 0; c <= 0x10FFFF; c++) n += rj_utf8_is_space(c);
    assert_int_equal(n, 25);
    assert_true(rj_utf8_is_space(0x85) && rj_utf8_is_space(0x3000));
    assert_false(rj_utf8_is_space(0x180E) || rj_utf8_is_space(0x200B) || rj_utf8_is_space(0x1C));
}

static void failing_allocation(void **x)
{
    char *fresh = NULL;
    ptrdiff_t m = -1;
    (void)x;
    rj_memory_fail_after(0);
    assert_int_equal(rj_utf8_repair("a", 1, &fresh, &m), RJ_ERR_NOMEM);
    rj_memory_fail_after(-1);
    assert_true(fresh == NULL && m == -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ill_formed_parts_become_fffd),
        cmocka_unit_test(length_rules_not_the_nul),
        cmocka_unit_test(every_character_survives_the_round_trip),
        cmocka_unit_test(there_are_25_spaces),
        cmocka_unit_test(failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
