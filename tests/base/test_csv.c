/* test_csv.c: quotes, line ends, missing cells; each error with its file, line and column; truncation; lost memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "resjac/base/csv.h"
#include "resjac/base/memory.h"

static rj_status parse(const char *text, rj_csv **csv)
{
    return rj_csv_parse("t.csv", text, strlen(text), csv);
}

static void assert_refused(const char *text, const char *part)
{
    rj_csv *csv = NULL;

    assert_int_equal(parse(text, &csv), RJ_ERR_FORMAT);
    assert_null(csv);
    if (strstr(rj_status_message(), part) == NULL) fail_msg("no \"%s\" in \"%s\"", part, rj_status_message());
}

static void cells(void **state)
{
    static const char text[] = "\xef\xbb\xbf\r\nmodel, score ,note\r\n"
                               "a,1.5,\"x, \"\"y\"\"\"\r\n\n"
                               " b ,,\"two\nlines\"\n"
                               "c,-2e3,";
    static const char *const want[3][3] = {
        {"a", "1.5", "x, \"y\""}, {"b", "", "two\nlines"}, {"c", "-2e3", ""}};
    static const int line[3] = {3, 5, 7};
    rj_csv *csv = NULL;
    double x = 7;

    (void)state;
    assert_int_equal(parse(text, &csv), RJ_OK);
    assert_int_equal(rj_csv_rows(csv), 3);
    assert_int_equal(rj_csv_columns(csv), 3);
    assert_string_equal(rj_csv_column(csv, 1), "score");
    assert_string_equal(rj_csv_path(csv), "t.csv");
    assert_int_equal(rj_csv_find(csv, "note"), 2);
    assert_int_equal(rj_csv_find(csv, "notes"), -1);
    for (int row = 0; row < 3; row++) {
        assert_int_equal(rj_csv_line(csv, row), line[row]);
        for (int i = 0; i < 3; i++) assert_string_equal(rj_csv_cell(csv, row, i), want[row][i]);
    }
    assert_int_equal(rj_csv_number(csv, 0, 1, &x), RJ_OK);
    assert_true(x == 1.5);
    assert_int_equal(rj_csv_number(csv, 1, 1, &x), RJ_OK);
    assert_true(isnan(x));
    assert_int_equal(rj_csv_number(csv, 2, 1, &x), RJ_OK);
    assert_true(x == -2000);
    x = 7;
    assert_int_equal(rj_csv_number(csv, 1, 2, &x), RJ_ERR_FORMAT);
    assert_true(x == 7);
    assert_non_null(strstr(rj_status_message(), "t.csv:5: column note has \"two"));
    rj_csv_free(&csv);
    rj_csv_free(&csv);
}

static void numbers(void **state)
{
    rj_csv *csv = NULL;
    double x = 7;

    (void)state;
    assert_int_equal(parse("s\nNA\nn/a\nnan\n1.5x\ninf\n1e999\n\" \"\n", &csv), RJ_OK);
    assert_int_equal(rj_csv_rows(csv), 7);
    for (int row = 0; row < 3; row++) {
        assert_int_equal(rj_csv_number(csv, row, 0, &x), RJ_OK);
        assert_true(isnan(x));
    }
    for (int row = 3; row < 7; row++) assert_int_equal(rj_csv_number(csv, row, 0, &x), RJ_ERR_FORMAT);
    rj_csv_free(&csv);
}

static void refused(void **state)
{
    rj_csv *csv = NULL;

    (void)state;
    assert_refused("", "t.csv: is empty");
    assert_refused("\n\r\n", "t.csv: is empty");
    assert_refused("a,b\n1\n", "t.csv:2: 1 fields, the header has 2");
    assert_refused("a,b\n1,2\n1,2,3\n", "t.csv:3: more than the 2 fields");
    assert_refused("a,b,a\n", "t.csv:1: columns 1 and 3 are both named \"a\"");
    assert_refused("a,b\n1,\"2\n3\n", "t.csv:2: column 2: the quote that opens here is not closed");
    assert_refused("a,b\n1,\"2\"3\n", "t.csv:2: column 2: '3' follows a closing quote");
    assert_refused("a,b\n1,2\"3\n", "t.csv:2: column 2: a quote inside");
    assert_refused("a,b\r1,2\r", "t.csv:1: column 2: a carriage return");
    assert_int_equal(rj_csv_parse("t.csv", "a\0b", 3, &csv), RJ_ERR_FORMAT);
    assert_non_null(strstr(rj_status_message(), "NUL"));
}

/* Ten thousand columns and as many rows of one field: refused at the first, with memory for no more. */
static void lopsided(void **state)
{
    enum { MOST = 10000 };
    char *text = malloc(5 * MOST);
    rj_csv *csv = NULL;
    size_t n = 0;

    (void)state;
    assert_non_null(text);
    for (int i = 0; i < MOST - 1; i++) text[n++] = ',';
    for (int i = 0; i < MOST; i++) n += (size_t)sprintf(text + n, "\nx");
    assert_int_equal(rj_csv_parse("t.csv", text, n, &csv), RJ_ERR_FORMAT);
    assert_non_null(strstr(rj_status_message(), "t.csv:2: 1 fields, the header has 10000"));
    text[n] = '\0';
    memset(text, ',', MOST);
    assert_int_equal(rj_csv_parse("t.csv", text, n, &csv), RJ_ERR_FORMAT);
    assert_non_null(strstr(rj_status_message(), "10001 columns, at most 10000"));
    free(text);
}

static void truncated(void **state)
{
    static const char text[] = "model,\"s\"\"c\",n\r\n\"a,\n\",1,\"\"\"\"\r\nb,2,\r\n";

    (void)state;
    for (size_t n = 0; n < sizeof text; n++) {
        rj_csv *csv = NULL;
        if (rj_csv_parse("t.csv", text, n, &csv) == RJ_OK)
            for (int row = 0; row < rj_csv_rows(csv); row++)
                assert_true(strlen(rj_csv_cell(csv, row, 0)) <= 3);
        rj_csv_free(&csv);
    }
    assert_int_equal(rj_memory_live(), 0);
}

static void no_memory(void **state)
{
    rj_csv *csv = NULL;
    int n = 0;

    (void)state;
    for (;; n++) {
        rj_memory_fail_after(n);
        const rj_status st = parse("a,b\n1,2\n", &csv);
        rj_memory_fail_after(-1);
        if (st == RJ_OK) break;
        assert_int_equal(st, RJ_ERR_NOMEM);
        assert_int_equal(rj_memory_live(), 0);
    }
    assert_true(n >= 5);
    rj_csv_free(&csv);
    assert_int_equal(rj_memory_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells),    cmocka_unit_test(numbers),   cmocka_unit_test(refused),
        cmocka_unit_test(lopsided), cmocka_unit_test(truncated), cmocka_unit_test(no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
