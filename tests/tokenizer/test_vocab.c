/* test_vocab.c: texts and ids, repetitions, growth. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "resjac/base/memory.h"
#include "resjac/tokenizer/vocab.h"

static void what_was_put_is_found(void **x)
{
    rj_vocab *v = NULL;
    ptrdiff_t n = 0;
    int32_t id = 0;
    (void)x;
    assert_int_equal(rj_vocab_create(&v), RJ_OK);
    assert_int_equal(rj_vocab_find(v, "a", 1), -1);
    assert_int_equal(rj_vocab_put(v, "ab", 2, 7), RJ_OK);
    assert_int_equal(rj_vocab_put(v, "a\0b", 3, 8), RJ_OK);
    assert_int_equal(rj_vocab_put(v, "", 0, 9), RJ_OK);
    assert_int_equal(rj_vocab_find(v, "abc", 2), 7);
    assert_int_equal(rj_vocab_find(v, "abc", 3), -1);
    assert_int_equal(rj_vocab_find(v, "a\0b", 3), 8);
    assert_int_equal(rj_vocab_find(v, "a\0c", 3), -1);
    assert_int_equal(rj_vocab_find(v, "x", 0), 9);
    assert_int_equal(rj_vocab_put(v, "ab", 2, 5), RJ_OK); /* the latest id counts, both are listed */
    assert_int_equal(rj_vocab_find(v, "ab", 2), 5);
    assert_int_equal(rj_vocab_count(v), 4);
    assert_int_equal(rj_vocab_distinct(v), 3);
    assert_memory_equal(rj_vocab_at(v, 0, &n, &id), "ab", 2);
    assert_true(n == 2 && id == 7);
    assert_memory_equal(rj_vocab_at(v, 3, &n, &id), "ab", 2);
    assert_true(n == 2 && id == 5);
    rj_vocab_destroy(&v);
    assert_null(v);
    rj_vocab_destroy(&v);
    assert_int_equal(rj_memory_live(), 0);
}

static rj_status fill(rj_vocab *v, int32_t n)
{
    rj_status st = RJ_OK;
    char text[16];

    for (int32_t i = 0; i < n && st == RJ_OK; i++)
        st = rj_vocab_put(v, text, snprintf(text, sizeof text, "%d", i * 7), i);
    return st;
}

static void many_are_found(void **x)
{
    enum { N = 20000 };
    rj_vocab *v = NULL;
    char text[16];
    (void)x;
    assert_int_equal(rj_vocab_create(&v), RJ_OK);
    assert_int_equal(fill(v, N), RJ_OK);
    assert_int_equal(rj_vocab_distinct(v), N);
    for (int32_t k = 0; k < 7 * N; k++)
        assert_int_equal(rj_vocab_find(v, text, snprintf(text, sizeof text, "%d", k)),
                         k % 7 == 0 ? k / 7 : -1);
    rj_vocab_destroy(&v);
}

/* A failed put leaves all that was put before. */
static void every_allocation_may_fail(void **x)
{
    rj_status st = RJ_ERR_NOMEM;
    int n = 0;
    (void)x;
    for (; st == RJ_ERR_NOMEM; n++) {
        rj_vocab *v = NULL;
        rj_memory_fail_after(n);
        st = rj_vocab_create(&v);
        if (st == RJ_OK) st = fill(v, 100);
        rj_memory_fail_after(-1);
        for (ptrdiff_t i = 0; v != NULL && i < rj_vocab_count(v); i++) {
            ptrdiff_t length = 0;
            int32_t id = -1;
            const char *text = rj_vocab_at(v, i, &length, &id);
            assert_int_equal(id, i);
            assert_int_equal(rj_vocab_find(v, text, length), i);
        }
        rj_vocab_destroy(&v);
        assert_int_equal(rj_memory_live(), 0);
    }
    assert_int_equal(st, RJ_OK);
    assert_true(n > 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_is_found),
        cmocka_unit_test(many_are_found),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
