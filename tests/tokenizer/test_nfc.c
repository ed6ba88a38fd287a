/* test_nfc.c: normalization form C by hand (UAX 15's examples), Unicode 9 as the limit, long runs of marks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "resjac/base/clock.h"
#include "resjac/base/memory.h"
#include "resjac/tokenizer/nfc.h"

static int no_leak(void **state)
{
    (void)state;
    return rj_memory_live() != 0;
}

static rj_status normalize(const char *text, rj_pieces *out)
{
    rj_nfc_work w = {0};
    const rj_status st = rj_nfc_write(&w, text, (ptrdiff_t)strlen(text), out);

    rj_nfc_work_free(&w);
    return st;
}

static void expect(const char *text, const char *expected)
{
    rj_pieces out = {0};

    if (normalize(text, &out) != RJ_OK) fail_msg("%s", rj_status_message());
    assert_int_equal(out.n, 0);
    if (out.n_text != (ptrdiff_t)strlen(expected) ||
        (out.n_text > 0 && memcmp(out.text, expected, (size_t)out.n_text) != 0))
        fail_msg("\"%s\" gives \"%.*s\", not \"%s\"", text, (int)out.n_text, out.text, expected);
    rj_pieces_free(&out);
}

static void composed(void **x)
{
    (void)x;
    expect("", "");
    expect("plain \xC3\xA9", "plain \xC3\xA9");
    expect("e\xCC\x81", "\xC3\xA9");
    expect("\xC3\xA9\xCC\x81", "\xC3\xA9\xCC\x81");
    expect("ae\xCC\x81o\xCC\x88", "a\xC3\xA9\xC3\xB6");
    expect("\xCC\x81 e", "\xCC\x81 e");                             /* nothing before it */
    expect("e\xE2\x80\x8D\xCC\x81", "e\xE2\x80\x8D\xCC\x81");       /* a joiner between */
    expect("\xE1\x84\x80\xE1\x85\xA1\xE1\x86\xA8", "\xEA\xB0\x81"); /* Hangul: L V T */
    expect("\xEA\xB0\x80\xE1\x86\xA8", "\xEA\xB0\x81");             /* LV T */
    expect("\xE3\x81\x8B\xE3\x82\x99", "\xE3\x81\x8C");             /* ka + voicing */
    expect("\xE1\x80\xA5\xE1\x80\xAE", "\xE1\x80\xA6");             /* class 0 composes, too */
}

/* Marks by class, below (220) before above (230); of equal class the first one goes into the letter. */
static void ordered(void **x)
{
    (void)x;
    expect("q\xCC\x87\xCC\xA3", "q\xCC\xA3\xCC\x87");
    expect("s\xCC\x87\xCC\xA3", "\xE1\xB9\xA9");            /* U+1E69 from either order */
    expect("\xE1\xB8\x8B\xCC\xA3", "\xE1\xB8\x8D\xCC\x87"); /* UAX 15: d with dot above, dot below */
    expect("e\xCC\x81\xCC\x80", "\xC3\xA9\xCC\x80");
    expect("a\xCC\x96\xCC\x81\xCC\x80", "\xC3\xA1\xCC\x96\xCC\x80");
}

/* Singletons and excluded compositions fall apart and stay so. */
static void decomposed(void **x)
{
    (void)x;
    expect("\xE2\x84\xAB", "\xC3\x85");                 /* Angstrom */
    expect("\xE2\x84\xA6\xCD\xBE", "\xCE\xA9;");        /* ohm, Greek question mark */
    expect("\xE0\xA5\x98", "\xE0\xA4\x95\xE0\xA4\xBC"); /* Devanagari qa */
    expect("\xE0\xA4\x95\xE0\xA4\xBC", "\xE0\xA4\x95\xE0\xA4\xBC");
    expect("\xE2\xAB\x9C", "\xE2\xAB\x9D\xCC\xB8");         /* U+2ADC came after its parts */
    expect("\xEF\xAC\x81\xC2\xB2", "\xEF\xAC\x81\xC2\xB2"); /* compatibility forms stay: fi, squared */
    expect("\xEF\xA4\x80", "\xE8\xB1\x88");                 /* CJK U+F900 */
}

/* U+11935 + U+11930 make U+11938 since Unicode 13, U+1E4EC has a class since 15: not for a tokenizer of Unicode 9. */
static void later_characters_stay(void **x)
{
    (void)x;
    expect("\xF0\x91\xA4\xB5\xF0\x91\xA4\xB0", "\xF0\x91\xA4\xB5\xF0\x91\xA4\xB0");
    expect("\xF0\x91\xA4\xB8", "\xF0\x91\xA4\xB8");
    expect("a\xCC\x81\xF0\x9E\x93\xAC\xCC\xA3", "\xC3\xA1\xF0\x9E\x93\xAC\xCC\xA3"); /* no order over it */
    expect("a\xF0\x9E\x93\xAC\xCC\x81", "a\xF0\x9E\x93\xAC\xCC\x81");
    expect("a\xF0\x91\x82\xBA\xCC\x81", "\xC3\xA1\xF0\x91\x82\xBA"); /* U+110BA is old: class 7 */
    expect("\xF0\x91\x82\xA5\xF0\x91\x82\xBA", "\xF0\x91\x82\xAB");
}

/* Two million marks in the wrong order; a quadratic sort would take hours. */
static void long_runs_of_marks(void **x)
{
    enum { N = 1000000 };
    rj_nfc_work w = {0};
    rj_pieces out = {0};
    char *text = NULL;
    (void)x;
    assert_int_equal(rj_alloc((void **)&text, 4 * N + 1, 1, 1, __FILE__, __LINE__), RJ_OK);
    text[0] = 'q';
    for (ptrdiff_t i = 0; i < N; i++) memcpy(text + 1 + 4 * i, "\xCC\x81\xCC\xA3", 4);
    const double start = rj_clock_now();
    assert_int_equal(rj_nfc_write(&w, text, 4 * N + 1, &out), RJ_OK);
    assert_true(rj_clock_now() - start < 20.0);
    assert_int_equal(out.n_text, 4 * N + 1);
    for (ptrdiff_t i = 0; i < N; i++) {
        assert_memory_equal(out.text + 1 + 2 * i, "\xCC\xA3", 2);
        assert_memory_equal(out.text + 1 + 2 * (N + i), "\xCC\x81", 2);
    }
    rj_pieces_free(&out);
    rj_nfc_work_free(&w);
    rj_free(text);
}

static void every_allocation_may_fail(void **x)
{
    rj_status st = RJ_ERR_NOMEM;
    int n = 0;
    (void)x;
    for (; st == RJ_ERR_NOMEM; n++) {
        rj_pieces out = {0};
        rj_memory_fail_after(n);
        st = normalize("q\xCC\x87\xCC\xA3 a longer text \xF0\x91\xA4\xB0 e\xCC\x81", &out);
        rj_memory_fail_after(-1);
        rj_pieces_free(&out);
        assert_int_equal(rj_memory_live(), 0);
    }
    assert_int_equal(st, RJ_OK);
    assert_true(n > 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(composed, no_leak),
        cmocka_unit_test_teardown(ordered, no_leak),
        cmocka_unit_test_teardown(decomposed, no_leak),
        cmocka_unit_test_teardown(later_characters_stay, no_leak),
        cmocka_unit_test_teardown(long_runs_of_marks, no_leak),
        cmocka_unit_test_teardown(every_allocation_may_fail, no_leak),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
