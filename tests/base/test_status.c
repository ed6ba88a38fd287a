/* test_status.c: built without MPI, as fuzz targets are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "resjac/base/status.h"

static void message_is_base_name_line_and_text(void **x)
{
    (void)x;
    assert_int_equal(rj_raise(RJ_ERR_IO, "/not/for/users/x.c", 7, "%d of %d bytes", 3, 9), RJ_ERR_IO);
    assert_string_equal(rj_status_message(), "3 of 9 bytes [x.c:7]");
    rj_raise(RJ_ERR_FORMAT, "y.c", 8, "header: %s", rj_status_message());
    assert_string_equal(rj_status_message(), "header: 3 of 9 bytes [x.c:7]");
}

/* One character less, as many, and one more than fit. */
static void long_message_is_cut_and_says_so(void **x)
{
    const int fits = RJ_MESSAGE_SIZE - 1 - (int)strlen(" [x.c:7]");
    (void)x;
    for (int n = fits - 1; n <= fits + 1; n++) {
        rj_raise(RJ_ERR_IO, "x.c", 7, "%0*d", n, 1);
        assert_int_equal(strlen(rj_status_message()), RJ_MESSAGE_SIZE - (n < fits ? 2 : 1));
        assert_string_equal(strrchr(rj_status_message(), '0') + 1, n > fits ? "... [x.c:7]" : "1 [x.c:7]");
    }
}

static void long_file_name_keeps_line_and_text(void **x)
{
    char name[2 * RJ_MESSAGE_SIZE];
    (void)x;
    memset(name, 'n', sizeof name);
    name[sizeof name - 1] = '\0';
    rj_raise(RJ_ERR_IO, name, 7, "text");
    assert_int_equal(strncmp(rj_status_message(), "text [nnn", 9), 0);
    assert_string_equal(strchr(rj_status_message(), ':'), ":7]");
}

/* Names come from files: ESC, BEL, DEL, a C1 control, a broken byte; what is UTF-8 stays. */
static void control_characters_do_not_reach_a_message(void **x)
{
    (void)x;
    rj_raise(RJ_ERR_FORMAT, "x.c", 7, "tensor %s", "\033]0;h\a\177\xc2\x9b\xff\xc3\xa4");
    assert_string_equal(rj_status_message(), "tensor ?]0;h????\xc3\xa4 [x.c:7]");
}

static rj_status halve(int n, int *half)
{
    rj_status st = RJ_OK;
    RJ_REQUIRE(n % 2 == 0, RJ_ERR_ARG, "%d is odd", n);
    *half = n / 2;
done:
    return st;
}

static rj_status quarter(int n, int *fourth)
{
    rj_status st = RJ_OK;
    int half = 0;
    RJ_TRY(halve(n, &half));
    RJ_TRY(halve(half, fourth));
done:
    return st;
}

static void macros_stop_at_the_first_error(void **x)
{
    int fourth = -1;
    (void)x;
    assert_int_equal(quarter(6, &fourth), RJ_ERR_ARG);
    assert_int_equal(fourth, -1);
    assert_non_null(strstr(rj_status_message(), "3 is odd [test_status.c:"));
    assert_int_equal(quarter(8, &fourth), RJ_OK);
    assert_int_equal(fourth, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(message_is_base_name_line_and_text),
        cmocka_unit_test(control_characters_do_not_reach_a_message),
        cmocka_unit_test(long_message_is_cut_and_says_so),
        cmocka_unit_test(long_file_name_keeps_line_and_text),
        cmocka_unit_test(macros_stop_at_the_first_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
