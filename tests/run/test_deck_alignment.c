/* test_deck_alignment.c: names of prompts are found, or refused where they stand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/run/deck_alignment.h"
#include "resjac/base/memory.h"

/* Prompts 1 to 5 of p.jsonl; the ids of the third to the fifth are "2" and twice "same". */
static const char file[] = "{\"ids\": [1]}\n{\"ids\": [2], \"id\": \"x 1\"}\n{\"ids\": [3], \"id\": \"2\"}\n"
                           "{\"ids\": [4], \"id\": \"same\"}\n{\"ids\": [5], \"id\": \"same\"}\n";

static rj_status find(int n, const char *const *name, int **index)
{
    rj_deck_prompt list[4];
    rj_prompts *p = NULL;

    assert_int_equal(rj_prompts_parse("p.jsonl", file, sizeof file - 1, &p), RJ_OK);
    for (int i = 0; i < n; i++) {
        snprintf(list[i].name, sizeof list[i].name, "%s", name[i]);
        snprintf(list[i].place, sizeof list[i].place, "deck.yaml:%d: store.alignment", i + 3);
    }
    const rj_status st = rj_deck_alignment_find(p, n, list, index);
    rj_prompts_free(&p);
    return st;
}

/* An id comes before a number, and the order is the file's. */
static void ids_come_before_numbers(void **x)
{
    const char *const name[] = {"2", "5", "1", "x 1"};
    int *index = NULL;
    (void)x;
    assert_int_equal(find(4, name, &index), RJ_OK);
    assert_true(index[0] == 0 && index[1] == 1 && index[2] == 2 && index[3] == 4);
    rj_free(index);
    assert_int_equal(find(0, name, &index), RJ_OK);
    rj_free(index);
    assert_int_equal(rj_memory_live(), 0);
}

static void refused(const char *a, const char *b, const char *const *word)
{
    const char *const name[] = {a, b};
    int *index = NULL;

    assert_int_equal(find(2, name, &index), RJ_ERR_USAGE);
    assert_null(index);
    for (; *word != NULL; word++)
        if (strstr(rj_status_message(), *word) == NULL)
            fail_msg("no '%s' in '%s'", *word, rj_status_message());
    assert_int_equal(rj_memory_live(), 0);
}
#define REFUSED(a, b, ...) refused(a, b, (const char *const[]){__VA_ARGS__, NULL})

static void what_names_no_prompt_is_refused(void **x)
{
    (void)x;
    REFUSED("1", "y", "deck.yaml:4: store.alignment has \"y\"", "p.jsonl has neither", "numbers 1..5",
            "the first id is \"1\"");
    REFUSED("6", "1", "deck.yaml:3: store.alignment has \"6\"");
    REFUSED("0", "1", "has \"0\"");
    REFUSED("1x", "1", "has \"1x\"");
    REFUSED("same", "1", "\"same\", which is the id of lines 4 and 5 of p.jsonl");
    REFUSED("x 1", "x 1", "has \"x 1\" and \"x 1\", which are both prompt 2 of p.jsonl; delete one");
    REFUSED("2", "3", "has \"2\" and \"3\", which are both prompt 3");
}

static void every_allocation_may_fail(void **x)
{
    rj_deck_prompt list = {.name = "1"};
    rj_prompts *p = NULL;
    int *index = NULL;
    (void)x;
    assert_int_equal(rj_prompts_parse("p.txt", "a\n", 2, &p), RJ_OK);
    for (int n = 0; n < 2; n++) {
        rj_memory_fail_after(n);
        assert_int_equal(rj_deck_alignment_find(p, 1, &list, &index), RJ_ERR_NOMEM);
        rj_memory_fail_after(-1);
        assert_null(index);
    }
    rj_prompts_free(&p);
    assert_int_equal(rj_memory_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_come_before_numbers),
        cmocka_unit_test(what_names_no_prompt_is_refused),
        cmocka_unit_test(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
