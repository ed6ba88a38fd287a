/* test_bpe.c: merges by hand, odd cases of the source, and a word of a million characters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "resjac/base/clock.h"
#include "resjac/base/memory.h"
#include "resjac/tokenizer/bpe.h"

static int no_leak(void **state)
{
    (void)state;
    return rj_memory_live() != 0;
}

/* Tokens "a b ab": ids 0, 1, 2. Merges "a+b ab+c": ranks 0, 1. */
static rj_bpe *make(const char *tokens, const char *merges, rj_bpe_options options)
{
    rj_bpe *bpe = NULL;
    int32_t id = 0;

    assert_int_equal(rj_bpe_create(&bpe), RJ_OK);
    for (size_t n; *tokens != '\0'; tokens += n + (tokens[n] == ' ')) {
        n = strcspn(tokens, " ");
        assert_int_equal(rj_vocab_put(rj_bpe_vocab(bpe), tokens, (ptrdiff_t)n, id++), RJ_OK);
    }
    for (size_t n; *merges != '\0'; merges += n + (merges[n] == ' ')) {
        n = strcspn(merges, " ");
        const ptrdiff_t left = strchr(merges, '+') - merges;
        assert_int_equal(rj_bpe_merge(bpe, "f", merges, left, merges + left + 1, (ptrdiff_t)n - left - 1),
                         RJ_OK);
    }
    rj_bpe_finish(bpe, options);
    return bpe;
}

static rj_status encode(const rj_bpe *bpe, const char *text, int32_t **ids, ptrdiff_t *n_ids)
{
    rj_bpe_work w = {0};
    ptrdiff_t cap = 0;
    const rj_status st = rj_bpe_encode(bpe, &w, text, (ptrdiff_t)strlen(text), ids, n_ids, &cap);

    rj_bpe_work_free(&w);
    return st;
}

/* The ids as digits; ids here are below 10, or letters from 10 on. */
static void expect(const rj_bpe *bpe, const char *text, const char *expected)
{
    int32_t *ids = NULL;
    ptrdiff_t n = 0;
    char digits[64] = "";

    if (encode(bpe, text, &ids, &n) != RJ_OK) fail_msg("%s", rj_status_message());
    for (ptrdiff_t i = 0; i < n; i++) digits[i] = "0123456789abcdefghijklmnopqrstuvwxyz"[ids[i]];
    assert_string_equal(digits, expected);
    rj_free(ids);
}

static const rj_bpe_options DROP = {.unknown = RJ_BPE_DROP};

static void best_rank_then_leftmost(void **x)
{
    rj_bpe *bpe = make("a b c ab bc abc aa", "b+c a+b a+bc a+a", DROP);
    (void)x;
    assert_int_equal(rj_bpe_merges(bpe), 4);
    expect(bpe, "abc", "5"); /* b+c comes first, then a+bc */
    expect(bpe, "abab", "33");
    expect(bpe, "aaa", "60");    /* the leftmost of two equal pairs */
    expect(bpe, "aaaab", "603"); /* a+b before a+a */
    expect(bpe, "", "");
    rj_bpe_destroy(&bpe);
}

/* Once b+c is merged, the waiting c+d and ab+c have lost their symbols. */
static void outdated_candidates_are_passed_over(void **x)
{
    rj_bpe *bpe = make("a b c d ab bc abc cd bcd", "b+c a+bc c+d ab+c b+cd", DROP);
    (void)x;
    expect(bpe, "abcd", "63");
    expect(bpe, "bcd", "53");
    expect(bpe, "cd", "7");
    rj_bpe_destroy(&bpe);
}

/* A pair listed twice has its later rank. */
static void last_rank_of_a_pair_counts(void **x)
{
    rj_bpe *bpe = make("a b c ab bc", "a+b b+c a+b", DROP);
    (void)x;
    expect(bpe, "abc", "04");
    rj_bpe_destroy(&bpe);
}

static void missing_symbols(void **x)
{
    const char *tokens = "? a b ab", *merges = "a+b";
    rj_bpe *bpe = make(tokens, merges, DROP);
    (void)x;
    expect(bpe, "axb", "3"); /* dropped before merging: its neighbours meet */
    rj_bpe_destroy(&bpe);
    bpe = make(tokens, merges, (rj_bpe_options){.unknown = 0});
    expect(bpe,
           "xya\xC3\xA9"
           "bz",
           "001020");
    rj_bpe_destroy(&bpe);
    bpe = make(tokens, merges, (rj_bpe_options){.unknown = 0, .fuse_unknown = true});
    expect(bpe,
           "xya\xC3\xA9\xC3\xA9"
           "bz",
           "01020");
    rj_bpe_destroy(&bpe);
}

static void unknown_token_that_is_no_token(void **x)
{
    rj_bpe *bpe = make("a", "", (rj_bpe_options){.unknown = RJ_BPE_REFUSE});
    int32_t *ids = NULL;
    ptrdiff_t n = 0;
    (void)x;
    expect(bpe, "aa", "00");
    assert_int_equal(encode(bpe, "a\xC3\xA9", &ids, &n), RJ_ERR_FORMAT);
    assert_non_null(
        strstr(rj_status_message(), "\"\xC3\xA9\" is no token, and the tokenizer's unknown token is none"));
    rj_free(ids);
    rj_bpe_destroy(&bpe);
}

/* U+00E9 is C3 A9; the bytes of U+00EA are not all there: it is unknown. A run of unknowns ends at a known character
 * only, so bytes come before it, as in the source. */
static void byte_fallback(void **x)
{
    rj_bpe *bpe = make("? a <0xC3> <0xA9> b", "", (rj_bpe_options){.unknown = 0, .byte_fallback = true});
    (void)x;
    expect(bpe,
           "a\xC3\xA9\xC3\xAA"
           "b",
           "12304");
    expect(bpe,
           "\xC3\xAA\xC3\xA9"
           "b",
           "2304");
    rj_bpe_destroy(&bpe);
}

static void ignore_merges(void **x)
{
    rj_bpe *bpe =
        make("a b c ab abc", "a+b", (rj_bpe_options){.unknown = RJ_BPE_DROP, .ignore_merges = true});
    (void)x;
    expect(bpe, "abc", "4");
    expect(bpe, "abca", "320");
    rj_bpe_destroy(&bpe);
    bpe = make("a b c ab abc", "a+b", DROP);
    expect(bpe, "abc", "32");
    rj_bpe_destroy(&bpe);
}

/* Highest score first, whatever the parts; what no token spells by bytes or unknown. */
static void scores(void **x)
{
    static const double SCORE[] = {0, 0, 0, -1, -1, -2, -9, -9, -9};
    rj_bpe *bpe =
        make("? <0xC3> <0xA9> aa ab aab a b xb", "", (rj_bpe_options){.unknown = 0, .byte_fallback = true});
    double *score = NULL;
    (void)x;
    assert_int_equal(rj_alloc((void **)&score, 9, 1, sizeof *score, __FILE__, __LINE__), RJ_OK);
    memcpy(score, SCORE, sizeof SCORE);
    rj_bpe_scores(bpe, score, 9);
    expect(bpe, "aaaa", "33");
    expect(bpe, "aab", "5"); /* aa (leftmost of -1), then aa + b */
    expect(bpe, "xb", "8");  /* x is no token, but a part of one */
    expect(bpe, "xa", "06");
    expect(bpe,
           "\xC3\xA9"
           "b",
           "127");
    rj_bpe_destroy(&bpe);
}

/* Of equal scores: the longer left part, the longer right part, the smaller id; only then the leftmost. */
static void equal_scores(void **x)
{
    static const double SCORE[] = {-9, -9, -9, -9, -9, -1, -2, -2, -3, -3, -4, -4, -4, -5, -5};
    rj_bpe *bpe = make("a b c d e bc abc bcd de bd cc cd ac ad dcc", "", (rj_bpe_options){.unknown = 0});
    double *score = NULL;
    (void)x;
    assert_int_equal(rj_alloc((void **)&score, 15, 1, sizeof *score, __FILE__, __LINE__), RJ_OK);
    memcpy(score, SCORE, sizeof SCORE);
    rj_bpe_scores(bpe, score, 15);
    expect(bpe, "abcd", "07"); /* a + bc or bc + d: bc is the longer left part */
    expect(bpe, "adcc", "0e"); /* a + d or d + cc: the longer right part */
    expect(bpe, "bde", "18");  /* b + d or d + e: de has the smaller id */
    expect(bpe, "acd", "0b");  /* a + c or c + d, as well */
    expect(bpe, "ccc", "a2");  /* one token twice: the leftmost */
    rj_bpe_destroy(&bpe);
}

static void merges_must_be_tokens(void **x)
{
    static const struct {
        const char *left, *right, *message;
    } cases[] = {
        {"x", "b", "f: merge 1, \"x\" + \"b\": the left one is not in the vocabulary"},
        {"a", "x", "f: merge 1, \"a\" + \"x\": the right one is not in the vocabulary"},
        {"b", "a", "f: merge 1, \"b\" + \"a\": the merged token is not in the vocabulary"},
    };
    rj_bpe *bpe = make("a b ab", "a+b", DROP);
    (void)x;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(rj_bpe_merge(bpe, "f", cases[i].left, 1, cases[i].right, 1), RJ_ERR_FORMAT);
        assert_non_null(strstr(rj_status_message(), cases[i].message));
    }
    assert_int_equal(rj_bpe_merges(bpe), 1);
    rj_bpe_destroy(&bpe);
}

/* 2^20 letters, doubled five times. Quadratic work would take minutes; 20 s leave room for a slow, busy machine. */
static void long_words_take_n_log_n(void **x)
{
    enum { N = 1 << 20 };
    rj_bpe *bpe = make("a aa aaaa aaaaaaaa", "a+a aa+aa aaaa+aaaa", DROP);
    rj_bpe_work w = {0};
    char *text = NULL;
    int32_t *ids = NULL;
    ptrdiff_t n = 0, cap = 0;
    (void)x;
    assert_int_equal(rj_alloc((void **)&text, N, 1, 1, __FILE__, __LINE__), RJ_OK);
    memset(text, 'a', N);
    const double start = rj_clock_now();
    assert_int_equal(rj_bpe_encode(bpe, &w, text, N, &ids, &n, &cap), RJ_OK);
    assert_true(rj_clock_now() - start < 20.0);
    assert_int_equal(n, N / 8);
    for (ptrdiff_t i = 0; i < n; i++) assert_int_equal(ids[i], 3);
    rj_bpe_work_free(&w);
    rj_free(ids);
    rj_free(text);
    rj_bpe_destroy(&bpe);
}

static void every_allocation_may_fail(void **x)
{
    rj_bpe *bpe = make("a b ab aa", "a+b a+a", DROP);
    rj_status st = RJ_ERR_NOMEM;
    int k = 0;
    (void)x;
    for (; st == RJ_ERR_NOMEM; k++) {
        int32_t *ids = NULL;
        ptrdiff_t n = 0;
        rj_memory_fail_after(k);
        st = encode(bpe, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", &ids, &n);
        rj_memory_fail_after(-1);
        rj_free(ids);
    }
    assert_int_equal(st, RJ_OK);
    assert_true(k > 4);
    rj_bpe_destroy(&bpe);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(best_rank_then_leftmost, no_leak),
        cmocka_unit_test_teardown(outdated_candidates_are_passed_over, no_leak),
        cmocka_unit_test_teardown(last_rank_of_a_pair_counts, no_leak),
        cmocka_unit_test_teardown(missing_symbols, no_leak),
        cmocka_unit_test_teardown(unknown_token_that_is_no_token, no_leak),
        cmocka_unit_test_teardown(byte_fallback, no_leak),
        cmocka_unit_test_teardown(ignore_merges, no_leak),
        cmocka_unit_test_teardown(scores, no_leak),
        cmocka_unit_test_teardown(equal_scores, no_leak),
        cmocka_unit_test_teardown(merges_must_be_tokens, no_leak),
        cmocka_unit_test_teardown(long_words_take_n_log_n, no_leak),
        cmocka_unit_test_teardown(every_allocation_may_fail, no_leak),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
