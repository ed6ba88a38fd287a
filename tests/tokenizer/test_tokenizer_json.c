/* test_tokenizer_json.c: whole tokenizers from small tokenizer.json texts: ids by hand, display, every refusal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "resjac/base/memory.h"
#include "resjac/tokenizer/tokenizer_pipeline.h"

#define MODEL "'model': {'type': 'BPE', 'vocab': {'a': 0, 'b': 1, 'ab': 2, ' ': 3}, 'merges': ['a b']}"
#define ADDED(id, text, flags)                                                                               \
    "{'id': " #id ", 'content': '" text "', 'special': false, 'single_word': false, 'lstrip': false, "       \
    "'rstrip': false, " flags "}"

static int no_leak(void **state)
{
    (void)state;
    return rj_memory_live() != 0;
}

/* JSON written with ' for ". */
static rj_status open_text(const char *json, rj_tokenizer **tok)
{
    rj_status st = RJ_OK;
    char text[4096];
    const int n = snprintf(text, sizeof text, "%s", json);
    rj_json *j = NULL;

    for (char *c = text; *c != '\0'; c++)
        if (*c == '\'') *c = '"';
    RJ_TRY(rj_json_parse("t.json", text, (size_t)n, &j));
    RJ_TRY(rj_tokenizer_from_json(j, tok));
done:
    rj_json_close(&j);
    return st;
}

static rj_status encode(const rj_tokenizer *tok, const char *text, bool special, char out[256])
{
    int32_t *id = NULL;
    ptrdiff_t n = 0;
    const rj_status st = rj_tokenizer_encode(tok, text, (ptrdiff_t)strlen(text), special, &id, &n);

    *out = '\0';
    for (ptrdiff_t i = 0; i < n; i++) sprintf(out + strlen(out), "%s%d", i > 0 ? " " : "", (int)id[i]);
    rj_free(id);
    return st;
}

static void expect(const char *json, const char *text, const char *with, const char *without)
{
    rj_tokenizer *tok = NULL;
    char out[256];

    if (open_text(json, &tok) != RJ_OK) fail_msg("%s", rj_status_message());
    assert_int_equal(encode(tok, text, true, out), RJ_OK);
    assert_string_equal(out, with);
    assert_int_equal(encode(tok, text, false, out), RJ_OK);
    assert_string_equal(out, without);
    rj_tokenizer_close(&tok);
    assert_null(tok);
}

static void ids_by_hand(void **x)
{
    (void)x;
    expect("{" MODEL "}", "ab a", "2 3 0", "2 3 0");
    expect("{" MODEL "}", "", "", "");
    expect("{'model': {'vocab': {'a': 5, 'b': 6, 'ab': 7}, 'merges': ['#version: 0.2', 'a b']}}", "abb",
           "7 6", "7 6");
    expect("{'model': {'vocab': {'a': 5, 'b': 6, 'ab': 7}, 'merges': [['a', 'b']]}}", "abb", "7 6", "7 6");
}

/* The two bytes "a\0" as an added token; in merges a NUL does not end an entry. */
static void nuls_are_characters(void **x)
{
    static const char json[] =
        "{'added_tokens': [" ADDED(4, "a\\u0000", "'normalized': false") "], " MODEL "}";
    rj_tokenizer *tok = NULL;
    int32_t *id = NULL;
    ptrdiff_t n = 0;
    (void)x;
    assert_int_equal(open_text(json, &tok), RJ_OK);
    assert_int_equal(rj_tokenizer_encode(tok, "aba\0b", 5, true, &id, &n), RJ_OK);
    assert_int_equal(n, 3);
    assert_memory_equal(id, ((const int32_t[]){2, 4, 1}), 3 * sizeof *id);
    rj_free(id);
    rj_tokenizer_close(&tok);
    assert_int_equal(
        open_text("{'model': {'vocab': {'a': 0, 'b': 1, 'ab': 2}, 'merges': ['a b\\u0000']}}", &tok),
        RJ_ERR_FORMAT);
}

/* Ids of added tokens: the model's, or the next ones whatever the file says. Texts of normalized ones are normalized. */
static void added_tokens(void **x)
{
    (void)x;
    expect("{'added_tokens': [" ADDED(77, "<x>", "'normalized': false") ", " ADDED(
               9, "ab", "'normalized': false") ", " ADDED(78, "<y>", "'normalized': true") "], " MODEL "}",
           "a<x>abb<y>", "0 4 2 1 5", "0 4 2 1 5");
    expect("{'added_tokens': [" ADDED(4, "b b", "'normalized': true") ", " ADDED(
               5, "a a", "'normalized': false") "], 'normalizer': {'type': 'Replace', 'pattern': {'String': "
                                                "' '}, 'content': 'a'}, " MODEL "}",
           "b b a a bab", "4 0 5 0 4", "4 0 5 0 4");
    expect("{'added_tokens': [" ADDED(4, "c", "'normalized': false") ", " ADDED(
               4, "c", "'normalized': true") "], 'normalizer': {'type': 'Prepend', 'prepend': 'b'}, " MODEL
                                             "}",
           "c c", "4 3", "4 3"); /* the later declaration: "bc" is cut from "bc c" */
}

/* Each stretch between added tokens by itself: U+0301 after one finds no letter. A normalized token is found composed. */
static void normalization_form_c(void **x)
{
#define E_ACUTE "\xC3\xA9"
#define ACUTE   "\xCC\x81"
#define ACCENTS "'model': {'vocab': {'e': 0, '" ACUTE "': 1, '" E_ACUTE "': 2}, 'merges': []}"
    (void)x;
    expect("{'normalizer': {'type': 'NFC'}, " ACCENTS "}", "e" ACUTE ACUTE, "2 1", "2 1");
    expect("{" ACCENTS "}", "e" ACUTE, "0 1", "0 1");
    expect("{'normalizer': {'type': 'NFC'}, 'added_tokens': [" ADDED(
               3, "xe", "'normalized': false") ", " ADDED(4, "ye" ACUTE, "'normalized': true") "], " ACCENTS
                                                                                               "}",
           "xe" ACUTE "y" E_ACUTE "ye" ACUTE ACUTE, "3 1 4 4 1", "3 1 4 4 1");
}

/* What replaces "ab" stands where its b stood: not at the start of the text, which Metaspace's "first" asks. */
static void start_of_the_text_after_a_replacement(void **x)
{
#define FIRST                                                                                                \
    "{'normalizer': {'type': 'Replace', 'pattern': {'String': 'ab'}, 'content': 'a'}, 'pre_tokenizer': "     \
    "{'type': "                                                                                              \
    "'Metaspace', 'replacement': 'b', 'prepend_scheme': 'first', 'split': false}, " MODEL "}"
    (void)x;
    expect(FIRST, "ab a", "2 0", "2 0");
    expect(FIRST, "a ab", "1 2 0", "1 2 0");
}

static void post_processors(void **x)
{
#define TEMPLATE(single)                                                                                     \
    "{'type': 'TemplateProcessing', 'single': [" single                                                      \
    "], 'pair': [], 'special_tokens': {'S': {'id': 'S', 'ids': [7, 8], "                                     \
    "'tokens': []}}}"
#define SPECIAL "{'SpecialToken': {'id': 'S', 'type_id': 0}}"
#define TEXT    "{'Sequence': {'id': 'A', 'type_id': 0}}"
    (void)x;
    expect("{'post_processor': null, " MODEL "}", "a", "0", "0");
    expect("{'post_processor': {'type': 'ByteLevel', 'trim_offsets': true}, " MODEL "}", "a", "0", "0");
    expect("{'post_processor': " TEMPLATE(SPECIAL ", " TEXT) ", " MODEL "}", "a", "7 8 0", "0");
    expect("{'post_processor': " TEMPLATE(SPECIAL ", " TEXT) ", " MODEL "}", "", "7 8", "");
    expect("{'post_processor': " TEMPLATE(TEXT ", " SPECIAL ", " TEXT) ", " MODEL "}", "b", "1 7 8 1", "1 1");
    expect("{'post_processor': {'type': 'BertProcessing', 'sep': ['</s>', 5], 'cls': ['<s>', 6]}, " MODEL "}",
           "a", "6 0 5", "0");
    expect("{'post_processor': {'type': 'Sequence', 'processors': [{'type': 'ByteLevel'}, {'type': "
           "'RobertaProcessing', "
           "'sep': ['</s>', 5], 'cls': ['<s>', 6]}, " TEMPLATE(TEXT ", " SPECIAL) "]}, " MODEL "}",
           "a", "6 0 5 7 8", "0");
}

static void display(void **x)
{
    rj_tokenizer *tok = NULL;
    (void)x;
    assert_int_equal(
        open_text(
            "{'added_tokens': [" ADDED(
                0, "<s>", "'normalized': false") "], 'model': {'vocab': {'\xE2\x96\x81"
                                                 "a': 0, '<0x41>': 1, '<0xC3>': 9, '<0xZZ>': 3}, 'merges': "
                                                 "[]}, 'post_processor': {'type': "
                                                 "'BertProcessing', 'cls': ['<s>', 4], 'sep': ['x', 9]}}",
            &tok),
        RJ_OK);
    assert_int_equal(rj_tokenizer_size(tok), 10);
    assert_string_equal(rj_tokenizer_token(tok, 0), " a");
    assert_string_equal(rj_tokenizer_token(tok, 1), "A");
    assert_string_equal(rj_tokenizer_token(tok, 9), "\xEF\xBF\xBD");
    assert_string_equal(rj_tokenizer_token(tok, 3), "<0xZZ>");
    assert_string_equal(rj_tokenizer_token(tok, 4), "<s>");
    assert_string_equal(rj_tokenizer_token(tok, 2), "");
    assert_string_equal(rj_tokenizer_token(tok, -1), "");
    assert_string_equal(rj_tokenizer_token(tok, 10), "");
    assert_string_equal(
        rj_tokenizer_summary(tok),
        "BPE, 10 tokens, 0 merges, pre-tokenizer none, adds <s> before and \xEF\xBF\xBD after");
    rj_tokenizer_close(&tok);
    assert_int_equal(
        open_text("{'pre_tokenizer': {'type': 'ByteLevel', 'add_prefix_space': false}, 'model': {'vocab': "
                  "{'\xC4\xA0\xC3\x83\xC2\xA9': 0, '\xE4\xB8\xAD': 1}, 'merges': []}}",
                  &tok),
        RJ_OK);
    assert_string_equal(rj_tokenizer_token(tok, 0), " \xC3\xA9");
    assert_string_equal(rj_tokenizer_token(tok, 1), "\xE4\xB8\xAD"); /* no byte-level symbol: as it is */
    assert_string_equal(rj_tokenizer_summary(tok),
                        "BPE, 2 tokens, 0 merges, pre-tokenizer ByteLevel, adds no special tokens");
    rj_tokenizer_close(&tok);
}

/* The same ids as for U+FFFD, and a NUL inside is a character. */
static void ill_formed_text(void **x)
{
    const char *json =
        "{'model': {'vocab': {'a': 0, '\xEF\xBF\xBD': 1, '?': 2}, 'merges': [], 'unk_token': '?'}}";
    rj_tokenizer *tok = NULL;
    int32_t *id = NULL;
    ptrdiff_t n = 0;
    (void)x;
    expect(json,
           "a\xC3"
           "a\xE0\x80\xF0\x9F\x91",
           "0 1 0 1 1 1", "0 1 0 1 1 1");
    assert_int_equal(open_text(json, &tok), RJ_OK);
    assert_int_equal(rj_tokenizer_encode(tok,
                                         "a\0\xFF"
                                         "a",
                                         3, true, &id, &n),
                     RJ_OK);
    assert_true(n == 3 && id[0] == 0 && id[1] == 2 && id[2] == 1);
    rj_free(id);
    rj_tokenizer_close(&tok);
}

static void what_is_refused_is_named(void **x)
{
    static const struct {
        const char *json, *message;
    } cases[] = {
        {"{'version': '2.0'}", "t.json: version \"2.0\" is not supported, needs 1.0"},
        {"{}", "t.json: key \"model\" is missing or no object"},
        {"{'model': {'type': 'WordPiece'}}",
         "t.json: model \"WordPiece\" is not supported; supported: BPE, Unigram"},
        {"{'model': {'type': 'Unigram'}}", "model: key \"vocab\" is missing, empty or no array"},
        {"{'model': {'type': 'Unigram', 'vocab': []}}", "key \"vocab\" is missing, empty"},
        {"{'model': {'type': 'Unigram', 'vocab': [['a', -1], ['b']]}}",
         "vocab: entry 1 is not a pair of a text and its score"},
        {"{'model': {'type': 'Unigram', 'vocab': [['a', -1]], 'unk_id': 1}}",
         "unk_id is 1, the vocabulary has 1 tokens"},
        {"{'normalizer': {'type': 'Strip', 'strip_left': true, 'strip_right': true}, " MODEL "}",
         "t.json: normalizer: Strip with strip_left is not supported, only strip_right"},
        {"{'model': {'vocab': {'a': 0}}}", "model: key \"merges\" is missing"},
        {"{'model': {'merges': []}}", "model: key \"vocab\" is missing"},
        {"{'model': {'vocab': {'a': -1}, 'merges': []}}",
         "vocab: the id of \"a\" is not an integer of 0..2147483646"},
        {"{'model': {'vocab': {'a': 2147483647}, 'merges': []}}", "the id of \"a\" is not"},
        {"{'model': {'vocab': {'a': 1.5}, 'merges': []}}", "the id of \"a\" is not"},
        {"{'model': {'vocab': {'a': 1, 'a': 2}, 'merges': []}}", "duplicate object key"},
        {"{'model': {'vocab': {'a': 0}, 'merges': ['a b']}}",
         "t.json: merge 0, \"a\" + \"b\": the right one is not in the vocabulary; the file is damaged"},
        {"{'model': {'vocab': {'a': 0}, 'merges': ['aa']}}",
         "entry 0, \"aa\", is not two tokens and a space"},
        {"{'model': {'vocab': {'a': 0}, 'merges': ['a a a']}}", "entry 0, \"a a a\", is not two tokens"},
        {"{'model': {'vocab': {'a': 0}, 'merges': [['a']]}}",
         "entry 0 is neither a string nor a pair of strings"},
        {"{'model': {'vocab': {'a': 0}, 'merges': [7]}}",
         "entry 0 is neither a string nor a pair of strings"},
        {"{'model': {'vocab': {}, 'merges': [], 'dropout': 0.1}}", "dropout 0.1 makes the ids random"},
        {"{'model': {'vocab': {}, 'merges': [], 'end_of_word_suffix': '</w>'}}",
         "end_of_word_suffix \"</w>\" are not"},
        {"{'normalizer': {'type': 'NFKC'}, " MODEL "}",
         "t.json: normalizer \"NFKC\" is not supported; supported: Sequence, NFC, Prepend, Replace, Strip, "
         "Precompiled"},
        {"{'post_processor': {'type': 'Other'}, " MODEL "}",
         "t.json: post_processor \"Other\" is not supported"},
        {"{'post_processor': {'type': 'BertProcessing', 'cls': ['a', 1]}, " MODEL "}",
         "\"sep\" must be [text, id]"},
        {"{'post_processor': {'type': 'BertProcessing', 'cls': ['a', -1]}, " MODEL "}",
         "an id is not an integer of 0.."},
        {"{'post_processor': {'type': 'TemplateProcessing'}, " MODEL "}", "needs the array \"single\""},
        {"{'post_processor': {'type': 'TemplateProcessing', 'single': [{'SpecialToken': {'id': "
         "'S'}}]}, " MODEL "}",
         "\"S\" has no \"ids\" among \"special_tokens\""},
        {"{'post_processor': {'type': 'TemplateProcessing', 'single': [{'Sequence': {'id': 'B'}}]}, " MODEL
         "}",
         "has the sequence \"B\", needs A"},
        {"{'added_tokens': {}, " MODEL "}", "key \"added_tokens\" is no array"},
        {"{'added_tokens': [{'content': 'a'}], " MODEL "}", "key \"single_word\" is missing"},
    };
    (void)x;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rj_tokenizer *tok = NULL;
        assert_int_equal(open_text(cases[i].json, &tok), RJ_ERR_FORMAT);
        if (strstr(rj_status_message(), cases[i].message) == NULL) fail_msg("%s", rj_status_message());
        assert_null(tok);
        assert_int_equal(rj_memory_live(), 0);
    }
}

/* A post-processor that doubles the text, ten and more times over. */
static void frames_are_bounded(void **x)
{
    static const char twice[] = "{\"type\": \"TemplateProcessing\", \"special_tokens\": {}, \"single\": "
                                "[{\"Sequence\": {\"id\": \"A\"}}, {\"Sequence\": {\"id\": \"A\"}}]}";
    char text[4096] = "{\"post_processor\": {\"type\": \"Sequence\", \"processors\": [";
    rj_tokenizer *tok = NULL;
    (void)x;
    for (int i = 0; i < 11; i++) sprintf(text + strlen(text), "%s%s", i > 0 ? ", " : "", twice);
    strcat(text, "]}, " MODEL "}");
    assert_int_equal(open_text(text, &tok), RJ_ERR_FORMAT);
    assert_non_null(strstr(rj_status_message(), "post_processor: more than 1024 ids around a text"));
}

static void errors_of_encode(void **x)
{
    rj_tokenizer *tok = NULL;
    int32_t *id = NULL;
    ptrdiff_t n = 5;
    (void)x;
    assert_int_equal(
        open_text("{'pre_tokenizer': {'type': 'Split', 'pattern': {'Regex': '(a+)+[ab]?(b|d)'}, 'behavior': "
                  "'Isolated', 'invert': false}, " MODEL "}",
                  &tok),
        RJ_OK);
    assert_int_equal(rj_tokenizer_encode(tok, "a", (ptrdiff_t)INT32_MAX + 1, true, &id, &n), RJ_ERR_FORMAT);
    assert_non_null(
        strstr(rj_status_message(), "a text of 2147483648 bytes, at most 2147483647 can be tokenized"));
    assert_int_equal(rj_tokenizer_encode(tok, "a", -1, true, &id, &n), RJ_ERR_FORMAT);
    assert_int_equal(
        rj_tokenizer_encode(tok, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac", 53, true, &id, &n),
        RJ_ERR_FORMAT);
    assert_non_null(strstr(rj_status_message(), "needs more than"));
    assert_true(id == NULL && n == 5);
    rj_tokenizer_close(&tok);
}

static rj_status open_and_encode(void)
{
    rj_status st = RJ_OK;
    rj_tokenizer *tok = NULL;
    char out[256];

    RJ_TRY(open_text(
        "{'added_tokens': [" ADDED(
            4, "<x>",
            "'normalized': true") "], 'normalizer': {'type': 'Prepend', "
                                  "'prepend': ' '}, 'pre_tokenizer': {'type': 'Metaspace', 'replacement': "
                                  "'_'}, 'post_processor': "
                                  "{'type': 'BertProcessing', 'cls': ['a', 0], 'sep': ['b', 1]}, " MODEL "}",
        &tok));
    RJ_TRY(encode(tok, "ab<x>ab a", true, out));
done:
    rj_tokenizer_close(&tok);
    return st;
}

/* jansson's own memory is not counted: the JSON is read anew each time. */
static void every_allocation_may_fail(void **x)
{
    rj_status st = RJ_ERR_NOMEM;
    int n = 0;
    (void)x;
    for (; st == RJ_ERR_NOMEM; n++) {
        rj_memory_fail_after(n);
        st = open_and_encode();
        rj_memory_fail_after(-1);
        assert_int_equal(rj_memory_live(), 0);
    }
    assert_int_equal(st, RJ_OK);
    assert_true(n > 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(ids_by_hand, no_leak),
        cmocka_unit_test_teardown(nuls_are_characters, no_leak),
        cmocka_unit_test_teardown(added_tokens, no_leak),
        cmocka_unit_test_teardown(normalization_form_c, no_leak),
        cmocka_unit_test_teardown(start_of_the_text_after_a_replacement, no_leak),
        cmocka_unit_test_teardown(post_processors, no_leak),
        cmocka_unit_test_teardown(display, no_leak),
        cmocka_unit_test_teardown(ill_formed_text, no_leak),
        cmocka_unit_test_teardown(what_is_refused_is_named, no_leak),
        cmocka_unit_test_teardown(frames_are_bounded, no_leak),
        cmocka_unit_test_teardown(errors_of_encode, no_leak),
        cmocka_unit_test_teardown(every_allocation_may_fail, no_leak),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
