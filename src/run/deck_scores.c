/* deck_scores.c: which scores, and the measure that was named beforehand. */
#include "deck_scores.h"

#include "deck_paths.h"
#include "resjac/base/memory.h"
#include "resjac/run/score_stage.h"

enum { MOST_COLUMNS = 64 };

static void free_columns(ptrdiff_t n, char ***column)
{
    for (ptrdiff_t i = 0; *column != NULL && i < n; i++) RJ_FREE((*column)[i]);
    RJ_FREE(*column);
}

rj_status rj_deck_scores_columns(const rj_yaml *v, rj_deck_scores *scores)
{
    rj_status st = RJ_OK;
    char **column = NULL;
    ptrdiff_t n = 0;

    RJ_TRY(rj_yaml_length(v, &n));
    RJ_REQUIRE(1 <= n && n <= MOST_COLUMNS, RJ_ERR_USAGE, "%s has %td entries, needs 1..%d", rj_yaml_place(v),
               n, (int)MOST_COLUMNS);
    RJ_NEW(column, n, 1);
    for (ptrdiff_t i = 0; i < n; i++) {
        const rj_yaml item = rj_yaml_item(v, i);
        const char *text = NULL;
        RJ_TRY(rj_yaml_text(&item, &text));
        RJ_TRY(rj_text_copy(text, &column[i]));
    }
    free_columns(scores->n_columns, &scores->column);
    scores->column = column;
    scores->n_columns = (int)n;
    column = NULL;
done:
    free_columns(n, &column);
    return st;
}

rj_status rj_deck_scores_primary(const rj_yaml *v, rj_deck_scores *scores)
{
    rj_status st = RJ_OK;
    const char *text = NULL;
    char *copy = NULL;

    RJ_TRY(rj_yaml_text(v, &text));
    RJ_TRY(rj_text_copy(text, &copy));
    RJ_FREE(scores->primary);
    scores->primary = copy;
done:
    return st;
}

/* The primary measure must be one of those that this deck gives. */
rj_status rj_deck_scores_check(const rj_deck *deck)
{
    rj_status st = RJ_OK;
    const rj_deck_scores *s = &deck->scores;
    const char **label = NULL;
    bool known = true;

    RJ_REQUIRE(s->table != NULL || (s->column == NULL && s->primary == NULL), RJ_ERR_USAGE,
               "%s: scores.table is missing, but other keys of scores are there; add scores: {table: ...}",
               deck->path);
    RJ_REQUIRE(s->table == NULL || s->column != NULL, RJ_ERR_USAGE,
               "%s: scores.columns is missing; name the columns of %s to correlate with", deck->path,
               s->table);
    if (s->primary == NULL) goto done;
    RJ_NEW(label, deck->n_k, 1);
    for (int i = 0; i < deck->n_k; i++) label[i] = deck->k[i].label;
    RJ_TRY(rj_results_has_measure(deck->n_k, label, s->primary, &known));
    RJ_REQUIRE(known, RJ_ERR_USAGE,
               "%s: scores.primary is \"%.64s\", which this deck does not measure; give a name such as "
               "excess_coupling_k%s_offdiag",
               deck->path, s->primary, label[0]);
done:
    RJ_FREE(label);
    return st;
}

void rj_deck_scores_free(rj_deck_scores *scores)
{
    RJ_FREE(scores->table);
    free_columns(scores->n_columns, &scores->column);
    RJ_FREE(scores->primary);
}
