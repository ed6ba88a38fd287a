/* test_added.c: cutting added tokens out of a text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "resjac/base/memory.h"
#include "resjac/tokenizer/added.h"

static const rj_added_flags NONE = {0}, SINGLE = {.single_word = true}, LEFT = {.lstrip = true},
                            RIGHT = {.rstrip = true}, BOTH = {.lstrip = true, .rstrip = true};

static int no_leak(void **state)
{
    (void)state;
    return rj_memory_live() != 0;
}

static rj_status put(rj_added *a, const char *text, int32_t id, rj_added_flags flags)
{
    return rj_added_put(a, text, (ptrdiff_t)strlen(text), id, flags);
}

/* "^ab|<7>|c": pieces by |, ids in <>, ^ before the piece at the start of the text. */
static rj_status cut(const rj_added *a, const char *text, char out[256])
{
    rj_status st = RJ_OK;
    const ptrdiff_t n = (ptrdiff_t)strlen(text);
    rj_pieces p = {0};
    rj_matcher *m = NULL;
    char *to = out;

    *out = '\0';
    RJ_TRY(rj_matcher_create(n, &m));
    RJ_TRY(rj_added_cut(a, m, text, n, true, &p));
    for (ptrdiff_t i = 0; i < p.n; i++) {
        const rj_piece piece = p.piece[i];
        if (i > 0) to += sprintf(to, "|");
        if (piece.id == RJ_PIECE_TEXT)
            to += sprintf(to, "%s%.*s", piece.first ? "^" : "", (int)piece.n, p.text + piece.at);
        else
            to += sprintf(to, "<%d>", (int)piece.id);
    }
done:
    rj_matcher_destroy(&m);
    rj_pieces_free(&p);
    return st;
}

static void expect(const rj_added *a, const char *text, const char *expected)
{
    char out[256];

    assert_int_equal(cut(a, text, out), RJ_OK);
    assert_string_equal(out, expected);
}

static void leftmost_then_longest(void **x)
{
    rj_added *a = NULL;
    (void)x;
    assert_int_equal(rj_added_create(&a), RJ_OK);
    assert_int_equal(put(a, "bcd", 1, NONE) | put(a, "b", 2, NONE) | put(a, "abx", 3, NONE) |
                         put(a, "\xC3\xA9", 4, NONE) | put(a, "bcdef", 5, NONE),
                     RJ_OK);
    assert_int_equal(rj_added_finish(a), RJ_OK);
    assert_int_equal(rj_added_count(a), 5);
    expect(a, "", "");
    expect(a, "xyz", "^xyz");
    expect(a, "abcd", "^a|<1>");
    expect(a, "bcdeabx", "<1>|e|<3>");
    expect(a, "bcdefb", "<5>|<2>");
    expect(a, "bb\xC3\xA8\xC3\xA9x", "<2>|<2>|\xC3\xA8|<4>|x");
    rj_added_destroy(&a);
}

static void flags(void **x)
{
    rj_added *a = NULL;
    (void)x;
    assert_int_equal(rj_added_create(&a), RJ_OK);
    assert_int_equal(put(a, "ha", 1, SINGLE) | put(a, "<l>", 2, LEFT) | put(a, "<r>", 3, RIGHT) |
                         put(a, "<b>", 4, BOTH),
                     RJ_OK);
    assert_int_equal(rj_added_finish(a), RJ_OK);
    expect(
        a, "ha, ha! haha _ha \xC3\xA9ha ha\xCC\x81 ha\xE2\x80\x8D",
        "<1>|, |<1>|! haha _ha \xC3\xA9ha ha\xCC\x81 ha\xE2\x80\x8D"); /* marks and joiners are word characters */
    expect(a, "a \xE3\x80\x80<l> b", "^a|<2>| b");
    expect(a,
           "a <r> \n\xC2\xA0"
           "b",
           "^a |<3>|b");
    expect(a, " <b> <b> x", "<4>|<4>|x");
    expect(a, "<r>  <l>", "<3>|<2>"); /* the spaces are gone already */
    rj_added_destroy(&a);
}

/* Spaces that a token took are not another token's any more; what is left of that one counts. */
static void tokens_of_spaces(void **x)
{
    rj_added *a = NULL;
    (void)x;
    assert_int_equal(rj_added_create(&a), RJ_OK);
    assert_int_equal(put(a, "  ", 1, BOTH), RJ_OK);
    assert_int_equal(rj_added_finish(a), RJ_OK);
    expect(a, "a     b", "^a|<1>|b");
    rj_added_destroy(&a);
}

static void last_of_equal_texts_stays(void **x)
{
    rj_added *a = NULL;
    (void)x;
    assert_int_equal(rj_added_create(&a), RJ_OK);
    assert_int_equal(put(a, "b", 1, LEFT) | put(a, "bc", 2, NONE) | put(a, "b", 3, NONE), RJ_OK);
    assert_int_equal(rj_added_finish(a), RJ_OK);
    assert_int_equal(rj_added_count(a), 2);
    expect(a, "a b", "^a |<3>");
    rj_added_destroy(&a);
}

static rj_status all_of_it(void)
{
    rj_status st = RJ_OK;
    rj_added *a = NULL;
    char out[256];

    RJ_TRY(rj_added_create(&a));
    RJ_TRY(put(a, "ha", 1, SINGLE));
    RJ_TRY(put(a, "x", 2, BOTH));
    RJ_TRY(rj_added_finish(a));
    RJ_TRY(cut(a, "a ha x b", out));
done:
    rj_added_destroy(&a);
    return st;
}

static void every_allocation_may_fail(void **x)
{
    rj_status st = RJ_ERR_NOMEM;
    int n = 0;
    (void)x;
    for (; st == RJ_ERR_NOMEM; n++) {
        rj_memory_fail_after(n);
        st = all_of_it();
        rj_memory_fail_after(-1);
        assert_int_equal(rj_memory_live(), 0);
    }
    assert_int_equal(st, RJ_OK);
    assert_true(n > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(leftmost_then_longest, no_leak),
        cmocka_unit_test_teardown(flags, no_leak),
        cmocka_unit_test_teardown(tokens_of_spaces, no_leak),
        cmocka_unit_test_teardown(last_of_equal_texts_stays, no_leak),
        cmocka_unit_test_teardown(every_allocation_may_fail, no_leak),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
