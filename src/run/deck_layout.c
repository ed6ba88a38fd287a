/* deck_layout.c: 0 stands for auto. */
#include "deck_layout.h"

#include <stdio.h>
#include <string.h>

enum { MOST_RANKS = 1 << 20 };

/* "auto" or a count. */
static rj_status count_or_auto(const rj_yaml *v, int *n)
{
    rj_status st = RJ_OK;
    const char *text = NULL;
    int64_t value = 0;

    RJ_TRY(rj_yaml_text(v, &text));
    if (strcmp(text, "auto") != 0) RJ_TRY(rj_yaml_integer(v, 1, MOST_RANKS, &value));
    *n = (int)value;
done:
    return st;
}

rj_status rj_deck_layout_team(const rj_yaml *v, rj_deck_layout *layout)
{
    return count_or_auto(v, &layout->team);
}

rj_status rj_deck_layout_stages(const rj_yaml *v, rj_deck_layout *layout)
{
    return count_or_auto(v, &layout->stages);
}

rj_status rj_deck_layout_grid(const rj_yaml *v, rj_deck_layout *layout)
{
    rj_status st = RJ_OK;
    const char *text = NULL;
    int n_row = 0, n_col = 0, end = 0;

    RJ_TRY(rj_yaml_text(v, &text));
    if (strcmp(text, "auto") != 0) {
        const bool is_shape = sscanf(text, "%dx%d%n", &n_row, &n_col, &end) == 2 && text[end] == '\0';
        RJ_REQUIRE(is_shape && 1 <= n_row && n_row <= 1024 && 1 <= n_col && n_col <= 1024, RJ_ERR_USAGE,
                   "%s is \"%.64s\", needs auto or rows x columns of ranks such as 2x2", rj_yaml_place(v),
                   text);
    }
    layout->n_row = n_row;
    layout->n_col = n_col;
done:
    return st;
}

rj_status rj_deck_layout_settle(const char *deck, rj_deck_layout *l)
{
    rj_status st = RJ_OK;
    const int grid = l->n_row > 0 ? l->n_row * l->n_col : 1;

    if (l->team == 0) return RJ_OK;
    RJ_REQUIRE(
        l->team % grid == 0 && (l->stages == 0 || l->team == l->stages * grid), RJ_ERR_USAGE,
        "%s: layout.team is %d, layout.stages %d (0 = auto), layout.grid %dx%d; a team has stages * rows * "
        "columns ranks: leave one of them auto",
        deck, l->team, l->stages, l->n_row > 0 ? l->n_row : 1, l->n_row > 0 ? l->n_col : 1);
    if (l->n_row == 0 && l->stages == 0) l->n_row = l->n_col = 1;
    if (l->stages == 0) l->stages = l->team / (l->n_row * l->n_col);
done:
    return st;
}
