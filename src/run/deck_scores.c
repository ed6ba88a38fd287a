/* deck_scores.c: columns of a table that is read at the end of a run, and one measure named before anything is seen. */
#include "deck_scores.h"

#include "deck_paths.h"
#include "resjac/base/memory.h"
#include "resjac/store/annex.h"

static void free_columns(int n, char ***column)
{
    for (int i = 0; *column != NULL && i < n; i++) RJ_FREE((*column)[i]);
    RJ_FREE(*column);
}

rj_status rj_deck_score_columns(const rj_yaml *v, rj_deck *deck)
{
    rj_status st = RJ_OK;
    char **column = NULL;
    ptrdiff_t n = 0;

    RJ_TRY(rj_yaml_length(v, &n));
    RJ_REQUIRE(1 <= n && n <= 64, RJ_ERR_USAGE, "%s has %td entries, needs 1..64", rj_yaml_place(v), n);
    RJ_NEW(column, n, 1);
    for (ptrdiff_t i = 0; i < n; i++) {
        const rj_yaml item = rj_yaml_item(v, i);
        const char *text = NULL;
        RJ_TRY(rj_yaml_text(&item, &text));
        RJ_TRY(rj_text_copy(text, &column[i]));
    }
    free_columns(deck->n_score_columns, &deck->score_column);
    deck->score_column = column;
    deck->n_score_columns = (int)n;
    column = NULL;
done:
    free_columns((int)n, &column);
    return st;
}

rj_status rj_deck_score_primary(const rj_yaml *v, rj_deck *deck)
{
    rj_status st = RJ_OK;
    const char *text = NULL;
    char *copy = NULL;

    RJ_TRY(rj_yaml_text(v, &text));
    RJ_TRY(rj_text_copy(text, &copy));
    RJ_FREE(deck->score_primary);
    deck->score_primary = copy;
done:
    return st;
}

rj_status rj_deck_scores_settle(const rj_deck *deck)
{
    rj_status st = RJ_OK;
    const char **label = NULL;
    bool known = true;

    RJ_REQUIRE(deck->scores != NULL || (deck->score_column == NULL && deck->score_primary == NULL),
               RJ_ERR_USAGE,
               "%s: scores.table is missing, but other keys of scores are there; add scores: {table: ...}",
               deck->path);
    RJ_REQUIRE(deck->scores == NULL || deck->score_column != NULL, RJ_ERR_USAGE,
               "%s: scores.columns is missing; name the columns of %s to correlate with", deck->path,
               deck->scores);
    if (deck->score_primary == NULL) goto done;
    RJ_NEW(label, deck->n_k, 1);
    for (int i = 0; i < deck->n_k; i++) label[i] = deck->k[i].label;
    RJ_TRY(rj_results_has_measure(deck->n_k, label, deck->score_primary, &known));
    RJ_REQUIRE(known, RJ_ERR_USAGE,
               "%s: scores.primary is \"%.64s\", which this deck does not measure; give a name such as "
               "excess_coupling_k%s_offdiag",
               deck->path, deck->score_primary, label[0]);
done:
    RJ_FREE(label);
    return st;
}

void rj_deck_scores_free(rj_deck *deck)
{
    free_columns(deck->n_score_columns, &deck->score_column);
    RJ_FREE(deck->score_primary);
}
