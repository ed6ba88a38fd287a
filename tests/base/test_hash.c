/* test_hash.c: FIPS 180-2's examples. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "resjac/base/hash.h"
#include "resjac/base/memory.h"

static void assert_digest(rj_hash *hash, const char *expected)
{
    uint8_t digest[RJ_HASH_SIZE];
    char text[RJ_HASH_TEXT];
    assert_int_equal(rj_hash_digest(hash, digest), RJ_OK);
    rj_hash_text(digest, text);
    assert_string_equal(text, expected);
}

static void known_answers(void **x)
{
    rj_hash *hash = NULL;
    (void)x;
    assert_int_equal(rj_hash_create(&hash), RJ_OK);
    rj_hash_add(hash, "a", 1); /* in two pieces */
    rj_hash_add(hash, "bc", 2);
    assert_digest(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    rj_hash_destroy(&hash);
    assert_null(hash);
    assert_int_equal(rj_hash_create(&hash), RJ_OK);
    assert_digest(hash, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    rj_hash_destroy(&hash);
    assert_int_equal(rj_memory_live(), 0);
}

static void digest_of_texts(uint8_t digest[RJ_HASH_SIZE], const char *a, const char *b)
{
    rj_hash *hash = NULL;
    assert_int_equal(rj_hash_create(&hash), RJ_OK);
    rj_hash_add_text(hash, a);
    rj_hash_add_text(hash, b);
    assert_int_equal(rj_hash_digest(hash, digest), RJ_OK);
    rj_hash_destroy(&hash);
}

static void texts_keep_their_borders(void **x)
{
    uint8_t one[RJ_HASH_SIZE], two[RJ_HASH_SIZE];
    (void)x;
    digest_of_texts(one, "ab", "c");
    digest_of_texts(two, "a", "bc");
    assert_memory_not_equal(one, two, RJ_HASH_SIZE);
}

static void ended_hash_says_so(void **x)
{
    uint8_t digest[RJ_HASH_SIZE] = {0}, same[RJ_HASH_SIZE] = {0};
    rj_hash *hash = NULL;
    (void)x;
    assert_int_equal(rj_hash_create(&hash), RJ_OK);
    assert_int_equal(rj_hash_digest(hash, digest), RJ_OK);
    rj_hash_add(hash, "a", 1);
    assert_int_equal(rj_hash_digest(hash, same), RJ_ERR_LIB);
    for (int i = 0; i < RJ_HASH_SIZE; i++) assert_int_equal(same[i], 0);
    rj_hash_destroy(&hash);
    rj_memory_fail_after(0);
    assert_int_equal(rj_hash_create(&hash), RJ_ERR_NOMEM);
    rj_memory_fail_after(-1);
    assert_null(hash);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers),
        cmocka_unit_test(texts_keep_their_borders),
        cmocka_unit_test(ended_hash_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
