/* test_unigram.c: best sums by hand, unknown characters, bytes, ties; against every way to cut a text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "resjac/base/memory.h"
#include "resjac/tokenizer/unigram.h"

typedef struct {
    const char *text;
    double score;
} entry;

static rj_unigram *make(const entry *list, int n, int32_t unknown, bool bytes)
{
    rj_unigram *u = NULL;

    assert_int_equal(rj_unigram_create(&u), RJ_OK);
    for (int i = 0; i < n; i++)
        assert_int_equal(rj_unigram_put(u, list[i].text, (ptrdiff_t)strlen(list[i].text), list[i].score),
                         RJ_OK);
    rj_unigram_finish(u, unknown, bytes);
    return u;
}

static rj_status encode(const rj_unigram *u, const char *text, char out[256])
{
    rj_unigram_work w = {0};
    int32_t *id = NULL;
    ptrdiff_t n = 0, cap = 0;
    const rj_status st = rj_unigram_encode(u, &w, text, (ptrdiff_t)strlen(text), &id, &n, &cap);

    *out = '\0';
    for (ptrdiff_t i = 0; i < n && st == RJ_OK; i++)
        sprintf(out + strlen(out), "%s%d", i > 0 ? " " : "", (int)id[i]);
    rj_free(id);
    rj_unigram_work_free(&w);
    return st;
}

static void expect(const rj_unigram *u, const char *text, const char *ids)
{
    char out[256];

    if (encode(u, text, out) != RJ_OK) fail_msg("%s", rj_status_message());
    assert_string_equal(out, ids);
}

/* "abab": ab + ab = -3 beats aba + b = -3.5 and the single characters. */
static void the_best_sum_wins(void **x)
{
    static const entry list[] = {{"<unk>", 0}, {"a", -2},   {"b", -2.5},
                                 {"ab", -1.5}, {"aba", -1}, {"\xC3\xA9", -3}};
    rj_unigram *u = make(list, 6, 0, false);
    (void)x;
    expect(u, "abab", "3 3");
    expect(u, "aba", "4");
    expect(u, "abaa", "4 1");
    expect(u,
           "\xC3\xA9"
           "b",
           "5 2");
    assert_int_equal(rj_unigram_count(u), 6);
    rj_unigram_destroy(&u);
    assert_null(u);
}

/* An unknown character costs the lowest score - 10; runs of them are one token; <unk> in the text counts as one, too. */
static void unknown_characters(void **x)
{
    static const entry list[] = {{"<unk>", 0}, {"a", -2}, {"xy", -40}};
    rj_unigram *u = make(list, 3, 0, false);
    char out[256];
    (void)x;
    expect(u, "axxa", "1 0 1");
    expect(u, "x<unk>\xE4\xB8\xAD", "0");
    expect(u, "axya", "1 2 1"); /* -40 beats two unknowns of -50 each */
    expect(u, "xyx", "2 0");
    rj_unigram_destroy(&u);
    u = make(list, 3, -1, false);
    assert_int_equal(encode(u, "a\xE4\xB8\xAD", out), RJ_ERR_FORMAT);
    assert_non_null(strstr(rj_status_message(), "no token for \"\xE4\xB8\xAD\" and none for the unknown"));
    expect(u, "aa", "1 1");
    rj_unigram_destroy(&u);
}

static void bytes_spell_what_is_unknown(void **x)
{
    static const entry list[] = {{"<unk>", 0}, {"<0xC3>", 0}, {"<0xA9>", 0}, {"a", -1}};
    rj_unigram *u = make(list, 4, 0, true);
    (void)x;
    expect(u, "a\xC3\xA9", "3 1 2");
    expect(u, "\xC3\xA9\xC3\xA9", "1 2 1 2");
    expect(u, "a\xC3\xA8", "3 0"); /* <0xA8> is missing: none of the bytes */
    rj_unigram_destroy(&u);
}

/* Of equal sums the one found first stays: from the left, the last token as long as can be. A repeated text has the id and
 * the score of its last entry. */
static void ties_and_repetitions(void **x)
{
    static const entry list[] = {{"a", -1}, {"aa", -2}, {"b", -1}, {"b", -7}, {"ab", -7.5}};
    rj_unigram *u = make(list, 5, -1, false);
    (void)x;
    expect(u, "aaa", "0 1");
    expect(u, "ab", "4");
    expect(u, "bb", "3 3");
    rj_unigram_destroy(&u);
}

static double best_sum(const entry *list, int n, const char *text)
{
    double best = *text == '\0' ? 0 : -1e9;

    for (int i = 0; i < n && *text != '\0'; i++) {
        const size_t k = strlen(list[i].text);
        if (strncmp(list[i].text, text, k) != 0) continue;
        const double sum = list[i].score + best_sum(list, n, text + k);
        best = sum > best ? sum : best;
    }
    return best;
}

static void every_short_text_against_all_ways(void **x)
{
    static const entry list[] = {{"a", -1.25}, {"b", -1.5},   {"c", -2},      {"ab", -2},   {"bc", -2.25},
                                 {"ca", -3},   {"abc", -3.5}, {"bcab", -4.5}, {"cc", -4.25}};
    enum { N = 9, LONGEST = 7 };
    rj_unigram *u = make(list, N, -1, false);
    rj_unigram_work w = {0};
    int32_t *id = NULL;
    ptrdiff_t cap = 0;
    int checked = 0;
    (void)x;
    for (int length = 1, count = 3; length <= LONGEST; length++, count *= 3)
        for (int number = 0; number < count; number++) {
            char text[LONGEST + 1] = "", joined[LONGEST + 1] = "";
            ptrdiff_t n = 0;
            double sum = 0;
            for (int i = 0, rest = number; i < length; i++, rest /= 3) text[i] = (char)('a' + rest % 3);
            assert_int_equal(rj_unigram_encode(u, &w, text, length, &id, &n, &cap), RJ_OK);
            for (ptrdiff_t i = 0; i < n; i++) {
                sum += list[id[i]].score;
                strcat(joined, list[id[i]].text);
            }
            assert_string_equal(joined, text);
            assert_true(sum == best_sum(list, N, text)); /* multiples of 1/4: exact */
            checked++;
        }
    assert_int_equal(checked, 3279);
    rj_free(id);
    rj_unigram_work_free(&w);
    rj_unigram_destroy(&u);
}

static rj_status build_and_encode(void)
{
    rj_status st = RJ_OK;
    rj_unigram *u = NULL;
    rj_unigram_work w = {0};
    int32_t *id = NULL;
    ptrdiff_t n = 0, cap = 0;

    RJ_TRY(rj_unigram_create(&u));
    RJ_TRY(rj_unigram_put(u, "<unk>", 5, 0));
    RJ_TRY(rj_unigram_put(u, "<0x61>", 6, 0));
    rj_unigram_finish(u, 0, true);
    RJ_TRY(rj_unigram_encode(u, &w, "aab", 3, &id, &n, &cap));
    assert_int_equal(n, 1); /* the run aab is spelt as a whole or not at all, and b has no byte */
done:
    rj_free(id);
    rj_unigram_work_free(&w);
    rj_unigram_destroy(&u);
    return st;
}

static void every_allocation_may_fail(void **x)
{
    rj_status st = RJ_ERR_NOMEM;
    int n = 0;
    (void)x;
    for (; st == RJ_ERR_NOMEM; n++) {
        rj_memory_fail_after(n);
        st = build_and_encode();
        rj_memory_fail_after(-1);
        assert_int_equal(rj_memory_live(), 0);
    }
    assert_int_equal(st, RJ_OK);
    assert_true(n > 5);
}

static int no_leak(void **state)
{
    (void)state;
    return rj_memory_live() != 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_best_sum_wins, no_leak),
        cmocka_unit_test_teardown(unknown_characters, no_leak),
        cmocka_unit_test_teardown(bytes_spell_what_is_unknown, no_leak),
        cmocka_unit_test_teardown(ties_and_repetitions, no_leak),
        cmocka_unit_test_teardown(every_short_text_against_all_ways, no_leak),
        cmocka_unit_test_teardown(every_allocation_may_fail, no_leak),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
