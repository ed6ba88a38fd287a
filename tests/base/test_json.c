/* test_json.c: bounds, and messages that name file and key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../temporary.h"
#include "resjac/base/json.h"
#include "resjac/base/memory.h"

static rj_status parse(const char *text, rj_json **json)
{
    return rj_json_parse("x.json", text, strlen(text), json);
}

static void refused(const char *text, const char *message)
{
    rj_json *json = NULL;
    assert_int_equal(parse(text, &json), RJ_ERR_FORMAT);
    assert_null(json);
    if (strstr(rj_status_message(), message) == NULL)
        fail_msg("\"%s\" is not in: %s", message, rj_status_message());
    assert_int_equal(rj_memory_live(), 0);
}

static void values_come_by_type(void **x)
{
    rj_json *j = NULL;
    int64_t i = -1;
    double d = -1;
    bool b = false;
    const char *s = "default";
    (void)x;
    assert_int_equal(parse("{\"i\": 9007199254740993, \"d\": 2.5, \"b\": true, \"s\": \"t\\u00e9\", \"o\": "
                           "{\"i\": 3}, \"n\": null}",
                           &j),
                     RJ_OK);
    assert_int_equal(rj_json_integer(j, NULL, "i", true, &i), RJ_OK);
    assert_true(i == 9007199254740993);
    assert_int_equal(rj_json_integer(j, json_object_get(j->root, "o"), "i", true, &i), RJ_OK);
    assert_int_equal(i, 3);
    assert_int_equal(rj_json_number(j, NULL, "d", true, &d), RJ_OK);
    assert_true(d == 2.5);
    assert_int_equal(rj_json_number(j, json_object_get(j->root, "o"), "i", true, &d), RJ_OK);
    assert_true(d == 3.0);
    assert_int_equal(rj_json_bool(j, NULL, "b", true, &b), RJ_OK);
    assert_true(b);
    assert_int_equal(rj_json_string(j, NULL, "s", true, &s), RJ_OK);
    assert_string_equal(s, "t\xc3\xa9");
    rj_json_close(&j);
    assert_null(j);
    assert_int_equal(rj_memory_live(), 0);
}

/* As bytes a text may hold NULs; as a C string it must not, lest its end is cut off in silence. */
static void texts_may_hold_nuls(void **x)
{
    rj_json *j = NULL;
    const char *s = "default";
    size_t n = 7;
    (void)x;
    assert_int_equal(parse("{\"s\": \"a\\u0000b\", \"i\": 1}", &j), RJ_OK);
    assert_int_equal(rj_json_string(j, NULL, "s", true, &s), RJ_ERR_FORMAT);
    assert_non_null(strstr(rj_status_message(), "x.json: key \"s\" holds a NUL (\\u0000) after \"a\""));
    assert_string_equal(s, "default");
    assert_int_equal(rj_json_text(j, NULL, "none", false, &s, &n), RJ_OK);
    assert_int_equal(rj_json_text(j, NULL, "none", true, &s, &n), RJ_ERR_FORMAT);
    assert_int_equal(rj_json_text(j, NULL, "i", true, &s, &n), RJ_ERR_FORMAT);
    assert_true(strcmp(s, "default") == 0 && n == 7);
    assert_int_equal(rj_json_text(j, NULL, "s", true, &s, &n), RJ_OK);
    assert_int_equal(n, 3);
    assert_memory_equal(s, "a\0b", 4);
    rj_json_close(&j);
    refused("{\"a\\u0000b\": 1}", "NUL byte in object key not supported");
}

static void absent_and_null_leave_the_default(void **x)
{
    rj_json *j = NULL;
    int64_t i = 7;
    double d = 7;
    bool b = true;
    const char *s = "default";
    (void)x;
    assert_int_equal(parse("{\"n\": null}", &j), RJ_OK);
    for (int k = 0; k < 2; k++) {
        const char *key = k == 0 ? "n" : "none";
        assert_int_equal(rj_json_integer(j, NULL, key, false, &i), RJ_OK);
        assert_int_equal(rj_json_number(j, NULL, key, false, &d), RJ_OK);
        assert_int_equal(rj_json_bool(j, NULL, key, false, &b), RJ_OK);
        assert_int_equal(rj_json_string(j, NULL, key, false, &s), RJ_OK);
        assert_int_equal(rj_json_string(j, NULL, key, true, &s), RJ_ERR_FORMAT);
        assert_non_null(strstr(rj_status_message(), "x.json: key \"n"));
        assert_non_null(strstr(rj_status_message(), "\" is missing"));
    }
    assert_true(i == 7 && d == 7 && b);
    assert_string_equal(s, "default");
    rj_json_close(&j);
}

static void another_type_is_refused(void **x)
{
    rj_json *j = NULL;
    int64_t i = 7;
    double d = 7;
    bool b = true;
    const char *s = "default";
    (void)x;
    assert_int_equal(parse("{\"r\": 1.0, \"t\": \"1\", \"a\": [], \"o\": {}, \"f\": false, \"i\": 1}", &j),
                     RJ_OK);
    assert_int_equal(rj_json_integer(j, NULL, "r", false, &i), RJ_ERR_FORMAT);
    assert_non_null(
        strstr(rj_status_message(), "x.json: key \"r\" is a real number, but an integer is needed"));
    assert_int_equal(rj_json_number(j, NULL, "t", false, &d), RJ_ERR_FORMAT);
    assert_non_null(strstr(rj_status_message(), "key \"t\" is a string, but a number is needed"));
    assert_int_equal(rj_json_bool(j, NULL, "i", false, &b), RJ_ERR_FORMAT);
    assert_non_null(strstr(rj_status_message(), "key \"i\" is an integer, but a boolean is needed"));
    assert_int_equal(rj_json_string(j, NULL, "a", false, &s), RJ_ERR_FORMAT);
    assert_non_null(strstr(rj_status_message(), "key \"a\" is an array, but a string is needed"));
    assert_int_equal(rj_json_string(j, NULL, "o", false, &s), RJ_ERR_FORMAT);
    assert_int_equal(rj_json_number(j, NULL, "f", false, &d), RJ_ERR_FORMAT);
    assert_true(i == 7 && d == 7 && b);
    assert_string_equal(s, "default");
    rj_json_close(&j);
}

static void broken_documents_are_refused(void **x)
{
    (void)x;
    refused("{\"a\": 1,\n \"b\": }", "x.json: line 2, column 7: ");
    refused("", "x.json: line 1");
    refused("[1]", "the top level is no JSON object");
    refused("{\"a\": 1, \"a\": 2}", "duplicate object key");
    refused("{} x", "end of file expected");
    refused("{\"a\": 123456789012345678901234567890}", "too big integer");
    refused("{\"a\": \"\xff\"}", "unable to decode byte 0xff");
}

/* 64 levels are read, 65 are not, and brackets in strings do not count. */
static void depth_is_bounded(void **x)
{
    char text[256] = "{\"a\\\"[[[[\": ";
    rj_json *j = NULL;
    (void)x;
    const size_t n = strlen(text);
    memset(text + n, '[', 63);
    memset(text + n + 63, ']', 63);
    strcpy(text + n + 126, "}");
    assert_int_equal(parse(text, &j), RJ_OK);
    rj_json_close(&j);
    memset(text + n, '[', 64);
    memset(text + n + 64, ']', 64);
    strcpy(text + n + 128, "}");
    refused(text, "x.json: JSON nested deeper than 64 levels");
}

static void files_have_a_limit(void **x)
{
    const char *path = temporary_file("f.json", "{\"a\": 5}", 8);
    rj_json *j = NULL;
    (void)x;
    assert_int_equal(rj_json_open(path, 7, &j), RJ_ERR_FORMAT);
    assert_int_equal(rj_json_open(temporary_path("none.json"), 7, &j), RJ_ERR_MISSING);
    assert_int_equal(rj_json_open(path, 8, &j), RJ_OK);
    assert_string_equal(j->path, path);
    rj_json_close(&j);
    ptrdiff_t i = 0;
    for (rj_status st = RJ_ERR_NOMEM; st != RJ_OK; i++) {
        rj_memory_fail_after(i);
        st = rj_json_open(path, 8, &j);
        rj_memory_fail_after(-1);
        if (st == RJ_OK)
            rj_json_close(&j);
        else
            assert_int_equal(st, RJ_ERR_NOMEM);
        assert_int_equal(rj_memory_live(), 0);
    }
    assert_true(i > 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_come_by_type),
        cmocka_unit_test(texts_may_hold_nuls),
        cmocka_unit_test(absent_and_null_leave_the_default),
        cmocka_unit_test(another_type_is_refused),
        cmocka_unit_test(broken_documents_are_refused),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(files_have_a_limit),
    };
    return cmocka_run_group_tests(tests, temporary_begin, temporary_end);
}
