/* test_escape.c: names of strangers in HTML, CSV, Markdown, gnuplot strings and file names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "resjac/report/escape.h"

#define FFFD "\xEF\xBF\xBD"

static void check(void (*escape)(FILE *, const char *), const char *text, const char *expected)
{
    char *written = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&written, &n);

    assert_non_null(out);
    escape(out, text);
    fclose(out);
    assert_string_equal(written, expected);
    free(written);
}

static void html_has_no_way_out(void **x)
{
    (void)x;
    check(rj_escape_html, "<script>\"a\" & 'b'</script>",
          "&lt;script&gt;&quot;a&quot; &amp; &#39;b&#39;&lt;/script&gt;");
    check(rj_escape_html, "line\n\ttab", "line\n\ttab");
    check(rj_escape_html, "\x01\x7F\x1B[31m", FFFD FFFD FFFD "[31m");
    check(rj_escape_html, "模型 é", "模型 é");
}

/* Cut, overlong, surrogate, beyond U+10FFFF, a lone tail byte: each byte is replaced, the next character is not lost. */
static void invalid_utf8_is_replaced(void **x)
{
    (void)x;
    check(rj_escape_html, "\xE6\xA8", FFFD FFFD);
    check(rj_escape_html,
          "\xC0\xBC"
          "b",
          FFFD FFFD "b"); /* an overlong '<' */
    check(rj_escape_html, "\xED\xA0\x80", FFFD FFFD FFFD);
    check(rj_escape_html, "\xF5\x80\x80\x80", FFFD FFFD FFFD FFFD);
    check(rj_escape_html, "\x80<", FFFD "&lt;");
    check(rj_escape_html,
          "a\xE2\x80\xAE"
          "b",
          "a" FFFD "b"); /* right-to-left override */
}

static void csv_follows_rfc_4180(void **x)
{
    (void)x;
    check(rj_escape_csv, "plain name", "plain name");
    check(rj_escape_csv, "a,b", "\"a,b\"");
    check(rj_escape_csv, "say \"x\"\n", "\"say \"\"x\"\"\n\"");
}

/* A spreadsheet would evaluate a cell that begins so, and a terminal what holds an escape. */
static void csv_is_text_to_spreadsheets_and_terminals(void **x)
{
    (void)x;
    check(rj_escape_csv, "=HYPERLINK(A1)", "'=HYPERLINK(A1)");
    check(rj_escape_csv, "@a,b", "\"'@a,b\"");
    check(rj_escape_csv, "-rf", "'-rf");
    check(rj_escape_csv, "a=b-c+d@e", "a=b-c+d@e");
    check(rj_escape_csv, "\x1B[2J\xFF\r", FFFD "[2J" FFFD FFFD);
    check(rj_escape_csv, "", "");
}

static void markdown_shows_the_characters(void **x)
{
    (void)x;
    check(rj_escape_markdown, "a__b|c*`d`[e](f)\n<g>", "a\\_\\_b\\|c\\*\\`d\\`\\[e\\](f) &lt;g&gt;");
}

/* Nothing that could end a gnuplot string between single quotes, or mean something within. */
static void label_keeps_a_safe_set(void **x)
{
    char label[RJ_LABEL_SIZE];
    char all[128];
    (void)x;
    for (int c = 1; c < 128; c++) all[c - 1] = (char)c;
    for (int from = 0; from < 127; from += 50) {
        all[127] = '\0';
        rj_escape_label(all + from, label);
        assert_null(strpbrk(label, "'\"`\\@$%{}<>|&;^~#\n\r\t"));
    }
    rj_escape_label("a'; system(\"x\") `y`", label);
    assert_string_equal(label, "a?? system(?x?) ?y?");
    rj_escape_label("SmolLM2-135M_v1.0 (é模)", label);
    assert_string_equal(label, "SmolLM2-135M_v1.0 (é模)");
}

static void long_label_is_cut_by_characters(void **x)
{
    char label[RJ_LABEL_SIZE], text[4 * 100 + 1] = "";
    (void)x;
    for (int i = 0; i < 56; i++) strcat(text, "\xF0\x9F\x98\x80");
    rj_escape_label(text, label);
    assert_string_equal(label, text);
    strcat(text, "\xF0\x9F\x98\x80");
    rj_escape_label(text, label);
    assert_int_equal(strlen(label), 4 * 56 + 3);
    assert_string_equal(label + 4 * 56, "...");
}

static void stem_is_a_plain_file_name(void **x)
{
    char stem[RJ_STEM_SIZE], text[300];
    (void)x;
    rj_escape_stem("../../etc/passwd", stem);
    assert_string_equal(stem, "_._.._etc_passwd");
    rj_escape_stem("-rf", stem);
    assert_string_equal(stem, "_rf");
    rj_escape_stem("", stem);
    assert_string_equal(stem, "_");
    rj_escape_stem("a b\"c\n\xC3\xA9", stem);
    assert_string_equal(stem, "a_b_c___");
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    rj_escape_stem(text, stem);
    assert_int_equal(strlen(stem), 128);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(html_has_no_way_out),
        cmocka_unit_test(invalid_utf8_is_replaced),
        cmocka_unit_test(csv_follows_rfc_4180),
        cmocka_unit_test(csv_is_text_to_spreadsheets_and_terminals),
        cmocka_unit_test(markdown_shows_the_characters),
        cmocka_unit_test(label_keeps_a_safe_set),
        cmocka_unit_test(long_label_is_cut_by_characters),
        cmocka_unit_test(stem_is_a_plain_file_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
