/* test_regex.c: what is rewritten, what is refused, matches of nothing, and texts that would take for ever. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "resjac/base/memory.h"
#include "resjac/tokenizer/regex.h"
#include "resjac/tokenizer/regex_syntax.h"

static int no_leak(void **state)
{
    (void)state;
    return rj_memory_live() != 0;
}

/* The matches, each in brackets. */
static void marked(const char *pattern, bool literal, const char *text, char out[256])
{
    rj_regex *re = NULL;
    rj_matcher *m = NULL;
    rj_search s = {text, (ptrdiff_t)strlen(text), 0, -1};
    ptrdiff_t start = 0, end = 0, last = 0;
    bool found = true;

    if (rj_regex_compile("f", pattern, literal, &re) != RJ_OK) fail_msg("%s", rj_status_message());
    assert_int_equal(rj_matcher_create(s.n, &m), RJ_OK);
    *out = '\0';
    while (rj_regex_next(re, m, &s, &found, &start, &end) == RJ_OK && found) {
        strncat(out, text + last, (size_t)(start - last));
        strcat(out, "[");
        strncat(out, text + start, (size_t)(end - start));
        strcat(out, "]");
        last = end;
    }
    assert_false(found);
    strcat(out, text + last);
    rj_matcher_destroy(&m);
    rj_regex_free(&re);
}

static void matches_by_hand(void **x)
{
    static const struct {
        const char *pattern, *text, *expected;
    } cases[] = {
        {"b+", "abbcb", "a[bb]c[b]"},
        {"x*", "axxb", "[]a[xx]b[]"}, /* no empty match where the one before ended */
        {"x*", "\xC3\xA9", "[]\xC3\xA9[]"},
        {"", "ab", "[]a[]b[]"},
        {"$", "a\nb", "a[]\nb[]"},
        {"^.", "ab\nc", "[a]b\n[c]"},
        {"\\s",
         "a\xE1\xA0\x8E"
         "b\xC2\x85"
         "c",
         "a\xE1\xA0\x8E"
         "b[\xC2\x85]c"}, /* U+180E no, U+0085 yes */
        {"[^\\s]+", "a\xE1\xA0\x8E \xE3\x80\x80", "[a\xE1\xA0\x8E] \xE3\x80\x80"},
        {"\\S", " \xE2\x80\x8A.", " \xE2\x80\x8A[.]"},
        {"\\w+", "a_e\xCC\x81.\xC2\xB2-1", "[a_e\xCC\x81].[\xC2\xB2]-[1]"},
        {"[\\w]+", "a\xC2\xB2",
         "[a]\xC2\xB2"}, /* Oniguruma: a superscript is a word character outside a class only */
        {"\\W", "a_-", "a_[-]"},
        {"(?i:'s)", "'S'\xC5\xBF", "['S]['\xC5\xBF]"},                          /* long s */
        {"\\p{Han}", "\xE4\xB8\xAD\xE3\x80\x82", "[\xE4\xB8\xAD]\xE3\x80\x82"}, /* the full stop is Common */
        {"[a[bc]d]+", "xabcdx", "x[abcd]x"},
        {" ?[^(\\s|[.,])]+", "a b,c|(d", "[a][ b],[c]|([d]"}, /* BLOOM's shape */
        {"\\u0062|\\x{63}|\\v", "abc\x0B", "a[b][c][\x0B]"},
        {"(?<=a)b|b(?!b)", "abb", "a[b][b]"},
    };
    char out[256];
    (void)x;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        marked(cases[i].pattern, false, cases[i].text, out);
        assert_string_equal(out, cases[i].expected);
    }
    marked("a.[", true, "a.[ab", out);
    assert_string_equal(out, "[a.[]ab");
}

static void what_means_another_thing_is_refused(void **x)
{
    static const struct {
        const char *pattern, *message;
    } cases[] = {
        {"a{2}+", "has }+ at byte 3, which is not supported"},
        {"a{,2}", "has {, at byte 1"},
        {"[a&&b]", "has && at byte 2"},
        {"[a[^b]]", "has [^ in a class at byte 2"},
        {"[[:alpha:]]", "has [:name:] at byte 1"},
        {"[a-[b]]", "has -[ at byte 3"},
        {"[]a]", "has [] at byte 0"},
        {"[a[]]", "has [] at byte 2"},
        {"\\h", "has \\h at byte 0"},
        {"a\\b", "has \\b at byte 1"},
        {"[\\W]", "has \\W at byte 1"},
        {"\\1", "has \\1 at byte 0"},
        {"(?m:.)", "has (? with an unusual option at byte 0"},
        {"(*LIMIT_MATCH=1)a", "has (* at byte 0"},
        {"\\pL", "has an escape without {..} at byte 0"},
        {"\\u12", "has \\u without four hexadecimal digits"},
        {"a\\", "has a lone \\ at byte 1"},
        {"[a", "has a character class without its ]"},
        {"(a", "cannot compile the regular expression \"(a\" (read as \"(a\"): missing closing parenthesis "
               "at byte 2"},
        {"\\p{Nonsense}", "unknown property"},
    };
    rj_regex *re = NULL;
    (void)x;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(rj_regex_compile("file: key", cases[i].pattern, false, &re), RJ_ERR_FORMAT);
        assert_int_equal(strncmp(rj_status_message(), "file: key: ", 11), 0);
        if (strstr(rj_status_message(), cases[i].message) == NULL) fail_msg("%s", rj_status_message());
        assert_null(re);
    }
}

/* (a+)+b against a..a takes 2^n steps. */
static void steps_are_bounded(void **x)
{
    rj_regex *re = NULL;
    rj_matcher *m = NULL;
    rj_search s = {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac", 57, 0, -1};
    ptrdiff_t start = 0, end = 0;
    bool found = true;
    (void)x;
    assert_int_equal(rj_regex_compile("f", "(a+)+[ab]?(b|d)", false, &re), RJ_OK);
    assert_int_equal(rj_matcher_create(s.n, &m), RJ_OK);
    assert_int_equal(rj_regex_next(re, m, &s, &found, &start, &end), RJ_ERR_FORMAT);
    assert_non_null(
        strstr(rj_status_message(), "\"(a+)+[ab]?(b|d)\" needs more than 10000228 steps on this text"));
    assert_false(found);
    rj_matcher_destroy(&m);
    rj_regex_free(&re);
}

static rj_status compile_and_match(void)
{
    rj_status st = RJ_OK;
    rj_regex *re = NULL;
    rj_matcher *m = NULL;
    rj_search s = {"ab", 2, 0, -1};
    ptrdiff_t start = 0, end = 0;
    bool found = false;

    RJ_TRY(rj_regex_compile("f", "[^\\s\\p{L}]|(b)", false, &re));
    RJ_TRY(rj_matcher_create(2, &m));
    RJ_TRY(rj_regex_next(re, m, &s, &found, &start, &end));
    assert_true(found && start == 1);
done:
    rj_matcher_destroy(&m);
    rj_regex_free(&re);
    return st;
}

static void every_allocation_may_fail(void **x)
{
    rj_status st = RJ_ERR_NOMEM;
    int n = 0;
    (void)x;
    for (; st == RJ_ERR_NOMEM; n++) {
        rj_memory_fail_after(n);
        st = compile_and_match();
        rj_memory_fail_after(-1);
        assert_int_equal(rj_memory_live(), 0);
    }
    assert_int_equal(st, RJ_OK);
    assert_true(n > 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(matches_by_hand, no_leak),
        cmocka_unit_test_teardown(what_means_another_thing_is_refused, no_leak),
        cmocka_unit_test_teardown(steps_are_bounded, no_leak),
        cmocka_unit_test_teardown(every_allocation_may_fail, no_leak),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
