/* deck_tokens.c: what is compared beside blocks: tokens of one block. */
#include "deck_tokens.h"

#include <string.h>

#include "resjac/base/memory.h"

enum { MOST_ENTRIES = 1024, MOST_TOKENS = 1 << 20, MOST_LAYERS = 1 << 14 };

static bool is_word(const rj_yaml *v, const char *word)
{
    return v->node->type == YAML_SCALAR_NODE && strcmp((const char *)v->node->data.scalar.value, word) == 0;
}

static rj_status one_mode(const rj_yaml *v, size_t *modes)
{
    rj_status st = RJ_OK;
    const char *words[RJ_N_MODES + 1] = {NULL};
    int mode = 0;

    for (int i = 0; i < RJ_N_MODES; i++) words[i] = rj_mode_name((rj_mode)i);
    RJ_TRY(rj_yaml_choice(v, words, &mode));
    RJ_REQUIRE((*modes >> mode & 1) == 0, RJ_ERR_USAGE, "%s has %s twice", rj_yaml_place(v), words[mode]);
    *modes |= (size_t)1 << mode;
done:
    return st;
}

rj_status rj_deck_tokens_mode(const rj_yaml *v, rj_deck_tokens *tokens)
{
    rj_status st = RJ_OK;
    size_t modes = 0;
    ptrdiff_t n = 0;

    if (v->node->type == YAML_SCALAR_NODE) {
        RJ_TRY(one_mode(v, &modes));
    } else {
        RJ_TRY(rj_yaml_length(v, &n));
        RJ_REQUIRE(n >= 1, RJ_ERR_USAGE, "%s is an empty list; delete the key, or name a mode",
                   rj_yaml_place(v));
        for (ptrdiff_t i = 0; i < n; i++) {
            const rj_yaml item = rj_yaml_item(v, i);
            RJ_TRY(one_mode(&item, &modes));
        }
    }
    tokens->modes = modes & ~((size_t)1 << RJ_MODE_DEPTH); /* which is always measured */
done:
    return st;
}

/* A list of different whole numbers of -most..most. */
static rj_status integers(const rj_yaml *v, int most, int *n, int **list)
{
    rj_status st = RJ_OK;
    ptrdiff_t length = 0;
    int *new = NULL;

    RJ_TRY(rj_yaml_length(v, &length));
    RJ_REQUIRE(1 <= length && length <= MOST_ENTRIES, RJ_ERR_USAGE, "%s has %td entries, needs 1..%d",
               rj_yaml_place(v), length, MOST_ENTRIES);
    RJ_NEW(new, length, 1);
    for (ptrdiff_t i = 0; i < length; i++) {
        const rj_yaml item = rj_yaml_item(v, i);
        int64_t value = 0;
        RJ_TRY(rj_yaml_integer(&item, -most, most, &value));
        new[i] = (int)value;
        for (ptrdiff_t j = 0; j < i; j++)
            RJ_REQUIRE(new[j] != new[i], RJ_ERR_USAGE, "%s has %d twice", rj_yaml_place(v), new[i]);
    }
    RJ_FREE(*list);
    *list = new;
    *n = (int)length;
    new = NULL;
done:
    RJ_FREE(new);
    return st;
}

/* last is the list [-1], all is none. */
static rj_status last_token(rj_deck_tokens *tokens)
{
    rj_status st = RJ_OK;
    int *list = NULL;

    RJ_NEW(list, 1, 1);
    list[0] = -1;
    RJ_FREE(tokens->at);
    tokens->at = list;
    tokens->n_at = 1;
done:
    return st;
}

rj_status rj_deck_tokens_at(const rj_yaml *v, rj_deck_tokens *tokens)
{
    rj_status st = RJ_OK;

    if (is_word(v, "last")) {
        RJ_TRY(last_token(tokens));
    } else if (is_word(v, "all")) {
        RJ_FREE(tokens->at);
        tokens->n_at = 0;
    } else {
        RJ_REQUIRE(
            v->node->type == YAML_SEQUENCE_NODE, RJ_ERR_USAGE,
            "%s needs last, all, or a list of tokens such as [0, 1, -1]: from 0, or from the end of the "
            "prompt where negative",
            rj_yaml_place(v));
        RJ_TRY(integers(v, MOST_TOKENS, &tokens->n_at, &tokens->at));
    }
    tokens->is_last = is_word(v, "last");
    tokens->has_at = true;
done:
    return st;
}

rj_status rj_deck_tokens_layers(const rj_yaml *v, rj_deck_tokens *tokens)
{
    rj_status st = RJ_OK;

    if (is_word(v, "all")) {
        RJ_FREE(tokens->layers);
        tokens->n_layers = 0;
    } else {
        RJ_REQUIRE(v->node->type == YAML_SEQUENCE_NODE, RJ_ERR_USAGE,
                   "%s needs all, or a list of layers such as [1, 12, -1]: from 1, or from the last where "
                   "negative",
                   rj_yaml_place(v));
        RJ_TRY(integers(v, MOST_LAYERS, &tokens->n_layers, &tokens->layers));
        for (int i = 0; i < tokens->n_layers; i++)
            RJ_REQUIRE(tokens->layers[i] != 0, RJ_ERR_USAGE,
                       "%s has layer 0, layers are 1.., or -1.. from the last", rj_yaml_place(v));
    }
done:
    return st;
}

rj_status rj_deck_tokens_settle(const char *deck, rj_deck_tokens *tokens)
{
    rj_status st = RJ_OK;

    RJ_REQUIRE(
        tokens->modes != 0 || ((!tokens->has_at || tokens->is_last) && tokens->n_layers == 0), RJ_ERR_USAGE,
        "%s: tokens.%s is of the modes self, fixed_input, fixed_output, influence, and tokens.mode has "
        "none of them: depth is measured at the last token of all layers; name a mode or delete the key",
        deck, tokens->n_layers > 0 ? "layers" : "at");
done:
    return st;
}

void rj_deck_tokens_free(rj_deck_tokens *tokens)
{
    RJ_FREE(tokens->at);
    RJ_FREE(tokens->layers);
}
