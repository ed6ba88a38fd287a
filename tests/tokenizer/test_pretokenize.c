/* test_pretokenize.c: the primitive steps, and the named parts that are made of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "resjac/base/memory.h"
#include "resjac/tokenizer/components.h"

#define MARK "\xE2\x96\x81"

static int no_leak(void **state)
{
    (void)state;
    return rj_memory_live() != 0;
}

/* The pieces of a text by |, from a pre-tokenizer written with ' for ". */
static rj_status split(const char *json, const char *text, char out[256], char label[RJ_LABEL_SIZE])
{
    rj_status st = RJ_OK;
    char quoted[1024];
    const int size = snprintf(quoted, sizeof quoted, "{\"p\": %s}", json);
    rj_json *j = NULL;
    rj_steps steps = {0};
    rj_pieces p = {0}, spare = {0};
    rj_matcher *m = NULL;

    for (char *c = quoted; *c != '\0'; c++)
        if (*c == '\'') *c = '"';
    *out = '\0';
    RJ_TRY(rj_json_parse("f", quoted, (size_t)size, &j));
    RJ_TRY(rj_pretokenizer_read(j, json_object_get(j->root, "p"), &steps, label));
    RJ_TRY(rj_matcher_create((ptrdiff_t)strlen(text), &m));
    RJ_TRY(rj_pieces_append(&p, text, (ptrdiff_t)strlen(text), true));
    RJ_TRY(rj_steps_run(&steps, 0, steps.n, m, &p, &spare));
    for (ptrdiff_t i = 0; i < p.n; i++)
        snprintf(out + strlen(out), 256 - strlen(out), "%s%.*s", i > 0 ? "|" : "", (int)p.piece[i].n,
                 p.text + p.piece[i].at);
done:
    rj_matcher_destroy(&m);
    rj_pieces_free(&spare);
    rj_pieces_free(&p);
    rj_steps_free(&steps);
    rj_json_close(&j);
    return st;
}

static void expect(const char *json, const char *text, const char *expected)
{
    char out[256], label[RJ_LABEL_SIZE];

    if (split(json, text, out, label) != RJ_OK) fail_msg("%s", rj_status_message());
    assert_string_equal(out, expected);
}

/* The first five are the example of Hugging Face's own documentation. */
static void split_behaviours(void **x)
{
    static const struct {
        const char *behaviour, *invert, *text, *expected;
    } cases[] = {
        {"Removed", "false", "The-final--countdown", "The|final|countdown"},
        {"Isolated", "false", "The-final--countdown", "The|-|final|-|-|countdown"},
        {"MergedWithPrevious", "false", "The-final--countdown", "The-|final-|-|countdown"},
        {"MergedWithNext", "false", "The-final--countdown", "The|-final|-|-countdown"},
        {"Contiguous", "false", "The-final--countdown", "The|-|final|--|countdown"},
        {"Removed", "true", "The-final--countdown", "-|-|-"},
        {"MergedWithPrevious", "true", "a--b", "a|-|-b"},
        {"MergedWithNext", "true", "a--b", "a-|-|b"},
        {"Contiguous", "true", "-a", "-|a"},
        {"MergedWithPrevious", "false", "--a-", "-|-|a-"},
        {"MergedWithNext", "false", "-a--", "-a|-|-"},
        {"Isolated", "false", "", ""},
        {"Removed", "false", "--", ""},
    };
    (void)x;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char json[256];
        snprintf(json, sizeof json,
                 "{'type': 'Split', 'pattern': {'String': '-'}, 'behavior': '%s', 'invert': %s}",
                 cases[i].behaviour, cases[i].invert);
        expect(json, cases[i].text, cases[i].expected);
    }
}

static void named_parts(void **x)
{
    static const struct {
        const char *json, *text, *expected;
    } cases[] = {
        {"null", "a b", "a b"},
        {"{'type': 'Digits', 'individual_digits': true}",
         "ab12\xC2\xBD"
         "c",
         "ab|1|2|\xC2\xBD|c"},
        {"{'type': 'Digits', 'individual_digits': false}",
         "ab12\xC2\xBD"
         "c",
         "ab|12\xC2\xBD|c"},
        {"{'type': 'Punctuation'}", "a$!b\xE3\x80\x82", "a|$|!|b|\xE3\x80\x82"},
        {"{'type': 'Punctuation', 'behavior': 'Contiguous'}", "a$!b\xC2\xA7\xC2\xAC",
         "a|$!|b|\xC2\xA7|\xC2\xAC"},
        {"{'type': 'ByteLevel', 'add_prefix_space': false}", "It's 12!\n\n x",
         "It|'s|\xC4\xA0"
         "12|!|\xC4\x8A\xC4\x8A|\xC4\xA0x"},
        {"{'type': 'ByteLevel', 'add_prefix_space': true, 'use_regex': false}", "a \xC3\xA9",
         "\xC4\xA0"
         "a\xC4\xA0\xC3\x83\xC2\xA9"},
        {"{'type': 'ByteLevel', 'add_prefix_space': true, 'use_regex': false}", " a",
         "\xC4\xA0"
         "a"},
        {"{'type': 'WhitespaceSplit'}",
         " a \xC2\xA0"
         "b\n",
         "a|b"},
        {"{'type': 'Metaspace', 'replacement': '" MARK "'}", "a  b", MARK "a|" MARK "|" MARK "b"},
        {"{'type': 'Metaspace', 'replacement': '" MARK "'}", " a", MARK "a"},
        {"{'type': 'Metaspace', 'replacement': '_', 'prepend_scheme': 'never', 'split': false}", "a b",
         "a_b"},
        {"{'type': 'Metaspace', 'replacement': '_', 'add_prefix_space': false}", "a b", "a|_b"},
        {"{'type': 'Sequence', 'pretokenizers': [{'type': 'Digits', 'individual_digits': true}, {'type': "
         "'Metaspace', "
         "'replacement': '_', 'prepend_scheme': 'first'}]}",
         "a1b", "_a|1|b"},
        {"{'type': 'Sequence', 'pretokenizers': [{'type': 'Digits', 'individual_digits': true}, {'type': "
         "'Metaspace', "
         "'replacement': '_', 'prepend_scheme': 'always'}]}",
         "a1b", "_a|_1|_b"},
    };
    (void)x;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect(cases[i].json, cases[i].text, cases[i].expected);
}

static void labels(void **x)
{
    char out[256], label[RJ_LABEL_SIZE];
    (void)x;
    assert_int_equal(split("null", "", out, label), RJ_OK);
    assert_string_equal(label, "none");
    assert_int_equal(
        split("{'type': 'Sequence', 'pretokenizers': [{'type': 'Digits', 'individual_digits': true}, "
              "{'type': 'ByteLevel', 'add_prefix_space': false}]}",
              "", out, label),
        RJ_OK);
    assert_string_equal(label, "Digits + ByteLevel");
}

static void what_is_not_supported_is_named(void **x)
{
    static const struct {
        const char *json, *message;
    } cases[] = {
        {"{'type': 'BertPreTokenizer'}", "f: pre_tokenizer \"BertPreTokenizer\" is not supported; supported: "
                                         "Sequence, ByteLevel, Digits, Metaspace, "
                                         "Punctuation, Split, WhitespaceSplit"},
        {"{'type': 'Sequence', 'pretokenizers': [{'type': 'Whitespace'}]}",
         "f: pre_tokenizer \"Whitespace\" is not"},
        {"{'type': 'Sequence'}", "f: pre_tokenizer: a Sequence needs the array \"pretokenizers\""},
        {"3", "f: pre_tokenizer: a JSON object {\"type\": ..} is needed"},
        {"{}", "key \"type\" is missing"},
        {"{'type': 'ByteLevel'}", "key \"add_prefix_space\" is missing"},
        {"{'type': 'Digits', 'individual_digits': 1}",
         "key \"individual_digits\" is an integer, but a boolean"},
        {"{'type': 'Metaspace', 'replacement': 'ab'}", "Metaspace's replacement \"ab\" is not one character"},
        {"{'type': 'Metaspace', 'replacement': ''}", "Metaspace's replacement \"\" is not one character"},
        {"{'type': 'Metaspace', 'replacement': '_', 'prepend_scheme': 'last'}",
         "prepend_scheme \"last\" is not always"},
        {"{'type': 'Split', 'pattern': 'a', 'behavior': 'Removed', 'invert': false}",
         "\"pattern\" must be {\"String\""},
        {"{'type': 'Split', 'pattern': {'String': 'a'}, 'behavior': 'Gone', 'invert': false}",
         "behavior \"Gone\" is not"},
        {"{'type': 'Split', 'pattern': {'Regex': '(a'}, 'behavior': 'Removed', 'invert': false}",
         "f: pre_tokenizer: PCRE2 cannot compile"},
    };
    char out[256], label[RJ_LABEL_SIZE];
    (void)x;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(split(cases[i].json, "a", out, label), RJ_ERR_FORMAT);
        if (strstr(rj_status_message(), cases[i].message) == NULL) fail_msg("%s", rj_status_message());
    }
}

/* 256 different characters, none of them a space or a control character, and back. */
static void byte_map_is_one_to_one(void **x)
{
    bool seen[0x200] = {false};
    (void)x;
    for (int b = 0; b < 256; b++) {
        const uint32_t c = rj_byte_to_char((unsigned char)b);
        assert_true(c > 0x20 && c < 0x144 && (c < 0x7F || c > 0xA0) && !seen[c]);
        seen[c] = true;
        assert_int_equal(rj_char_to_byte(c), b);
    }
    assert_int_equal(rj_byte_to_char(' '), 0x120);
    assert_int_equal(rj_byte_to_char('\n'), 0x10A);
    assert_int_equal(rj_byte_to_char(0xAD), 0x143);
    assert_int_equal(rj_char_to_byte(0x20), -1);
    assert_int_equal(rj_char_to_byte(0x144), -1);
    assert_int_equal(rj_char_to_byte(0x2581), -1);
}

static void every_allocation_may_fail(void **x)
{
    static const char json[] =
        "{'type': 'Sequence', 'pretokenizers': [{'type': 'Digits', 'individual_digits': false}, "
        "{'type': 'Metaspace', 'replacement': '_'}, {'type': 'ByteLevel', 'add_prefix_space': true}]}";
    char out[256], label[RJ_LABEL_SIZE];
    rj_status st = RJ_ERR_NOMEM;
    int n = 0;
    (void)x;
    for (; st == RJ_ERR_NOMEM; n++) {
        rj_memory_fail_after(n);
        st = split(json, "a 1b", out, label);
        rj_memory_fail_after(-1);
        assert_int_equal(rj_memory_live(), 0);
    }
    assert_int_equal(st, RJ_OK);
    assert_true(n > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(split_behaviours, no_leak),
        cmocka_unit_test_teardown(named_parts, no_leak),
        cmocka_unit_test_teardown(labels, no_leak),
        cmocka_unit_test_teardown(what_is_not_supported_is_named, no_leak),
        cmocka_unit_test_teardown(byte_map_is_one_to_one, no_leak),
        cmocka_unit_test_teardown(every_allocation_may_fail, no_leak),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
