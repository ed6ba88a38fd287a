/* test_deck_tokens.c: which token modes, tokens and layers a deck may ask for, and how it is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "resjac/base/memory.h"
#include "resjac/run/deck.h"

static rj_status parse(const char *tokens, rj_deck **deck)
{
    char text[512];

    snprintf(text, sizeof text, "models: [{path: m}]\nprompts: {file: p.txt}\noutput: o.nc\n%s%s", tokens,
             tokens[0] != '\0' ? "\n" : "");
    return rj_deck_parse("some/deck.yaml", text, strlen(text), 0, NULL, deck);
}

static const size_t self = (size_t)1 << RJ_MODE_SELF, input = (size_t)1 << RJ_MODE_FIXED_INPUT,
                    output = (size_t)1 << RJ_MODE_FIXED_OUTPUT, influence = (size_t)1 << RJ_MODE_INFLUENCE;

/* Depth is measured whatever stands there. */
static void modes_are_one_word_or_a_list(void **x)
{
    const struct {
        const char *text;
        size_t modes;
    } cases[] = {
        {"", 0},
        {"tokens: {mode: depth, at: last, layers: all}", 0},
        {"tokens: {mode: [depth]}", 0},
        {"tokens: {mode: self}", self},
        {"tokens: {mode: fixed_input}", input},
        {"tokens: {mode: [depth, self, influence]}", self | influence},
        {"tokens: {mode: [influence, fixed_output, fixed_input, self]}", self | input | output | influence}};
    (void)x;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rj_deck *deck = NULL;
        assert_int_equal(parse(cases[i].text, &deck), RJ_OK);
        assert_int_equal(deck->tokens.modes, cases[i].modes);
        assert_int_equal(deck->tokens.n_layers, 0);
        rj_deck_free(&deck);
    }
    assert_int_equal(rj_memory_live(), 0);
}

static void tokens_and_layers_are_listed(void **x)
{
    rj_deck *deck = NULL;
    char *const set[] = {"tokens.at=all", "tokens.layers=[2]"};
    static const char text[] = "models: [{path: m}]\nprompts: {file: p.txt}\noutput: o.nc\n"
                               "tokens: {mode: self, at: [0, 7, -1], layers: [1, -2]}\n";
    (void)x;
    assert_int_equal(rj_deck_parse("d.yaml", text, sizeof text - 1, 0, NULL, &deck), RJ_OK);
    assert_int_equal(deck->tokens.n_at, 3);
    assert_true(deck->tokens.at[0] == 0 && deck->tokens.at[1] == 7 && deck->tokens.at[2] == -1);
    assert_true(deck->tokens.n_layers == 2 && deck->tokens.layers[0] == 1 && deck->tokens.layers[1] == -2);
    rj_deck_free(&deck);
    assert_int_equal(rj_deck_parse("d.yaml", text, sizeof text - 1, 2, set, &deck), RJ_OK);
    assert_int_equal(deck->tokens.n_at, 0);
    assert_true(deck->tokens.n_layers == 1 && deck->tokens.layers[0] == 2);
    rj_deck_free(&deck);
    assert_int_equal(parse("tokens: {mode: self, at: last}", &deck), RJ_OK);
    assert_true(deck->tokens.n_at == 1 && deck->tokens.at[0] == -1);
    rj_deck_free(&deck);
    assert_int_equal(rj_memory_live(), 0);
}

static void refused(const char *text, const char *const *word)
{
    rj_deck *deck = NULL;

    assert_int_equal(parse(text, &deck), RJ_ERR_USAGE);
    assert_null(deck);
    for (; *word != NULL; word++)
        if (strstr(rj_status_message(), *word) == NULL)
            fail_msg("no '%s' in '%s'", *word, rj_status_message());
    assert_int_equal(rj_memory_live(), 0);
}
#define REFUSED(text, ...) refused(text, (const char *const[]){__VA_ARGS__, NULL})

static void what_makes_no_sense_is_refused(void **x)
{
    (void)x;
    REFUSED("tokens: {mode: selves}", "some/deck.yaml:4: tokens.mode", "selves", "fixed_input");
    REFUSED("tokens: {mode: []}", "tokens.mode is an empty list");
    REFUSED("tokens: {mode: [self, self]}", "tokens.mode", "self twice");
    REFUSED("tokens: {mode: {self: 1}}", "tokens.mode");
    REFUSED("tokens: {mode: self, at: first}", "tokens.at needs last, all, or a list of tokens");
    REFUSED("tokens: {mode: self, at: 3}", "tokens.at needs last, all, or a list of tokens");
    REFUSED("tokens: {mode: self, at: []}", "tokens.at has 0 entries");
    REFUSED("tokens: {mode: self, at: [1, 2, 1]}", "tokens.at", "1 twice");
    REFUSED("tokens: {mode: self, at: [0.5]}", "tokens.at");
    REFUSED("tokens: {mode: self, at: [2000000]}", "tokens.at");
    REFUSED("tokens: {mode: self, layers: some}", "tokens.layers needs all, or a list of layers");
    REFUSED("tokens: {mode: self, layers: [1, 0]}", "tokens.layers has layer 0");
    REFUSED("tokens: {mode: depth, at: all}", "tokens.at is of the modes self",
            "name a mode or delete the key");
    REFUSED("tokens: {at: [1, 2]}", "tokens.at is of the modes self");
    REFUSED("tokens: {layers: [1]}", "tokens.layers is of the modes self");
    REFUSED("tokens: {modes: self}", "tokens.modes: unknown key", "tokens.mode?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(modes_are_one_word_or_a_list),
        cmocka_unit_test(tokens_and_layers_are_listed),
        cmocka_unit_test(what_makes_no_sense_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
