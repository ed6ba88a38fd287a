/* test_prompts.c: prompts as text and as ids. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "resjac/base/memory.h"
#include "resjac/run/prompts.h"

static rj_status parse(const char *path, const char *text, rj_prompts **prompts)
{
    return rj_prompts_parse(path, text, strlen(text), prompts);
}

static void one_prompt_a_line(void **x)
{
    rj_prompts *p = NULL;
    (void)x;
    assert_int_equal(parse("p.txt", "abc\r\n  two words \nlast", &p), RJ_OK);
    assert_int_equal(p->n, 3);
    assert_string_equal(p->prompt[0].text, "abc");
    assert_string_equal(p->prompt[1].text, "  two words ");
    assert_string_equal(p->prompt[1].id, "2");
    /* printf abc | sha256sum */
    assert_string_equal(p->prompt[0].sha256,
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    rj_prompts_free(&p);
    assert_int_equal(rj_memory_live(), 0);
}

static void json_lines_hold_text_or_ids(void **x)
{
    rj_prompts *p = NULL;
    (void)x;
    assert_int_equal(parse("p.jsonl", "{\"text\": \"a\\nb\", \"id\": \"first\"}\n{\"ids\": [5, 0, 7]}\n", &p),
                     RJ_OK);
    assert_int_equal(p->n, 2);
    assert_string_equal(p->prompt[0].text, "a\nb");
    assert_string_equal(p->prompt[0].id, "first");
    assert_null(p->prompt[1].text);
    assert_int_equal(p->prompt[1].n_ids, 3);
    assert_int_equal(p->prompt[1].ids[2], 7);
    /* printf '\5\0\0\0\0\0\0\0\7\0\0\0' | sha256sum */
    assert_string_equal(p->prompt[1].sha256,
                        "c3be6bd49873378e63336ee639447ead25a7df6822f89ee4caab79e802d64acd");
    rj_prompts_free(&p);
}

static void bad_lists_are_refused_by_line(void **x)
{
    static const struct {
        const char *path, *text, *word;
    } bad[] = {
        {"p.txt", "", "p.txt: holds no prompt"},
        {"p.txt", "a\n\nb\n", "p.txt:2: empty prompt; delete the line"},
        {"p.txt", "a\r\n\r\n", "p.txt:2: empty prompt"},
        {"p.jsonl", "{\"text\": \"\"}\n", "p.jsonl:1: empty prompt"},
        {"p.jsonl", "{\"ids\": []}\n", "p.jsonl:1: \"ids\" must be a list of at least one"},
        {"p.jsonl", "{\"ids\": [1, -1]}\n", "entry 1 of \"ids\" is not a token id"},
        {"p.jsonl", "{\"ids\": [1.5]}\n", "entry 0 of \"ids\" is not a token id"},
        {"p.jsonl", "{\"ids\": [1], \"text\": \"a\"}\n", "p.jsonl:1: needs either"},
        {"p.jsonl", "{\"text\": \"a\"}\n{\n", "p.jsonl:2"},
    };
    (void)x;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        rj_prompts *p = NULL;
        assert_int_equal(parse(bad[i].path, bad[i].text, &p), RJ_ERR_FORMAT);
        if (strstr(rj_status_message(), bad[i].word) == NULL) fail_msg("%s", rj_status_message());
        assert_null(p);
        assert_int_equal(rj_memory_live(), 0);
    }
}

static void too_many_tokens_are_refused_or_cut_on_the_left(void **x)
{
    rj_prompt_rules rules = {10, false, true};
    rj_prompts *p = NULL;
    int32_t *ids = NULL;
    int n = 0;
    (void)x;
    assert_int_equal(parse("p.jsonl", "{\"ids\": [1, 2, 3, 4, 5]}\n", &p), RJ_OK);
    assert_int_equal(rj_prompt_tokens(p, 0, NULL, 4, &rules, &ids, &n), RJ_ERR_FORMAT);
    assert_non_null(
        strstr(rj_status_message(), "p.jsonl:1: the prompt has 5 tokens, the model's context limit is 4"));
    rules.max_tokens = 3;
    assert_int_equal(rj_prompt_tokens(p, 0, NULL, 4, &rules, &ids, &n), RJ_ERR_FORMAT);
    assert_non_null(strstr(rj_status_message(), "has 5 tokens, prompts.max_tokens is 3"));
    rules.truncate_left = true;
    assert_int_equal(rj_prompt_tokens(p, 0, NULL, 4, &rules, &ids, &n), RJ_OK);
    assert_int_equal(n, 3);
    assert_int_equal(ids[0], 3);
    assert_int_equal(ids[2], 5);
    rj_free(ids);
    rj_prompts_free(&p);
    assert_int_equal(rj_memory_live(), 0);
}

static void every_allocation_may_fail(void **x)
{
    rj_prompts *p = NULL;
    rj_status st = RJ_ERR_NOMEM;
    (void)x;
    for (int i = 0; st != RJ_OK; i++) {
        assert_true(i < 100);
        rj_memory_fail_after(i);
        st = parse("p.jsonl", "{\"text\": \"a\"}\n{\"ids\": [1]}\n", &p);
        rj_memory_fail_after(-1);
        assert_true(st == RJ_OK || (st == RJ_ERR_NOMEM && p == NULL && rj_memory_live() == 0));
    }
    rj_prompts_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_prompt_a_line),
        cmocka_unit_test(json_lines_hold_text_or_ids),
        cmocka_unit_test(bad_lists_are_refused_by_line),
        cmocka_unit_test(too_many_tokens_are_refused_or_cut_on_the_left),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
