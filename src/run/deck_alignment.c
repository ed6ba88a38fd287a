/* deck_alignment.c: names are looked up when the prompt file has been read; they keep their place in the deck until then. */
#include "deck_alignment.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "resjac/base/memory.h"

rj_status rj_deck_alignment(const rj_yaml *v, int *n, rj_deck_prompt **list)
{
    rj_status st = RJ_OK;
    rj_deck_prompt *own = NULL;
    ptrdiff_t count = 0;

    RJ_TRY(rj_yaml_length(v, &count));
    RJ_REQUIRE(count <= 100000, RJ_ERR_USAGE, "%s has %td entries, needs at most 100000", rj_yaml_place(v),
               count);
    RJ_NEW(own, count, 1);
    for (ptrdiff_t i = 0; i < count; i++) {
        const rj_yaml item = rj_yaml_item(v, i);
        const char *text = NULL;
        RJ_TRY(rj_yaml_text(&item, &text));
        RJ_REQUIRE(strlen(text) < sizeof own[i].name, RJ_ERR_USAGE,
                   "%s has \"%.64s...\" of %zu bytes, ids of prompts have at most %zu", rj_yaml_place(&item),
                   text, strlen(text), sizeof own[i].name - 1);
        snprintf(own[i].name, sizeof own[i].name, "%s", text);
        snprintf(own[i].place, sizeof own[i].place, "%s", rj_yaml_place(&item));
    }
    RJ_FREE(*list);
    *list = own;
    *n = (int)count;
    own = NULL;
done:
    RJ_FREE(own);
    return st;
}

static rj_status find(const rj_prompts *prompts, const rj_deck_prompt *wanted, int *index)
{
    rj_status st = RJ_OK;
    char *end = NULL;
    int found = -1;

    for (int p = 0; p < prompts->n; p++) {
        if (strcmp(prompts->prompt[p].id, wanted->name) != 0) continue;
        RJ_REQUIRE(found < 0, RJ_ERR_USAGE,
                   "%s has \"%s\", which is the id of lines %d and %d of %s; give prompts ids of their own",
                   wanted->place, wanted->name, prompts->prompt[found].line, prompts->prompt[p].line,
                   prompts->path);
        found = p;
    }
    const long number = strtol(wanted->name, &end, 10);
    if (found < 0 && *end == '\0' && 1 <= number && number <= prompts->n) found = (int)number - 1;
    RJ_REQUIRE(
        found >= 0, RJ_ERR_USAGE,
        "%s has \"%s\", but %s has neither a prompt of that id nor of that number; it has numbers 1..%d, "
        "the first id is \"%s\"",
        wanted->place, wanted->name, prompts->path, prompts->n, prompts->prompt[0].id);
    *index = found;
done:
    return st;
}

static int by_number(const void *a, const void *b)
{
    const int x = *(const int *)a, y = *(const int *)b;
    return x < y ? -1 : x > y;
}

rj_status rj_deck_alignment_find(const rj_prompts *prompts, int n, const rj_deck_prompt *list, int **index)
{
    rj_status st = RJ_OK;
    int *own = NULL, *first = NULL;

    RJ_NEW(own, n, 1);
    RJ_NEW(first, prompts->n, 1); /* 1 + the entry that named a prompt */
    for (int i = 0; i < n; i++) {
        RJ_TRY(find(prompts, &list[i], &own[i]));
        RJ_REQUIRE(first[own[i]] == 0, RJ_ERR_USAGE,
                   "%s has \"%s\" and \"%s\", which are both prompt %d of %s; delete one", list[i].place,
                   list[first[own[i]] - 1].name, list[i].name, own[i] + 1, prompts->path);
        first[own[i]] = i + 1;
    }
    qsort(own, (size_t)n, sizeof *own, by_number);
    *index = own;
    own = NULL;
done:
    RJ_FREE(first);
    RJ_FREE(own);
    return st;
}
