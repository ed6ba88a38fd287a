/* scores.c: names are matched byte for byte: a near match would give a model another's score. */
#include "resjac/stats/scores.h"

#include <stdio.h>
#include <string.h>

#include "resjac/base/memory.h"

enum { MOST_ROWS = 20000 };

/* The column's index; the error lists what the table has. */
static rj_status find_column(const rj_csv *csv, const char *name, int *column)
{
    rj_status st = RJ_OK;
    char list[512] = "";
    size_t n = 0;

    *column = rj_csv_find(csv, name);
    for (int i = 0; i < rj_csv_columns(csv) && n < sizeof list; i++)
        n += (size_t)snprintf(list + n, sizeof list - n, "%s%s", i ? ", " : "", rj_csv_column(csv, i));
    RJ_REQUIRE(*column >= 0, RJ_ERR_FORMAT, "%s: has no column \"%.64s\"; its columns are %s",
               rj_csv_path(csv), name, list);
done:
    return st;
}

static rj_status take_name(const rj_csv *csv, int row, int column, char to[RJ_SCORES_NAME])
{
    rj_status st = RJ_OK;
    const char *text = rj_csv_cell(csv, row, column);

    RJ_REQUIRE(strlen(text) < RJ_SCORES_NAME, RJ_ERR_FORMAT,
               "%s:%d: column %s has %zu bytes, at most %d can be kept", rj_csv_path(csv),
               rj_csv_line(csv, row), rj_csv_column(csv, column), strlen(text), RJ_SCORES_NAME - 1);
    memcpy(to, text, strlen(text) + 1);
done:
    return st;
}

static rj_status take_names(const rj_csv *csv, rj_scores *s)
{
    rj_status st = RJ_OK;
    const int lineage = rj_csv_find(csv, "lineage");
    int model = -1;

    RJ_TRY(find_column(csv, "model", &model));
    for (int i = 0; i < s->n_rows; i++) {
        RJ_TRY(take_name(csv, i, model, s->model[i]));
        if (lineage >= 0) RJ_TRY(take_name(csv, i, lineage, s->lineage[i]));
        s->line[i] = rj_csv_line(csv, i);
        RJ_REQUIRE(s->model[i][0] != '\0', RJ_ERR_FORMAT,
                   "%s:%d: column model is empty; name the model or delete the row", rj_csv_path(csv),
                   s->line[i]);
        for (int j = 0; j < i; j++)
            RJ_REQUIRE(strcmp(s->model[i], s->model[j]) != 0, RJ_ERR_FORMAT,
                       "%s:%d: model \"%s\" has a row already, on line %d; delete one", rj_csv_path(csv),
                       s->line[i], s->model[i], s->line[j]);
    }
done:
    return st;
}

rj_status rj_scores_take(const rj_csv *csv, int n_columns, const char *const *column, rj_scores **scores)
{
    rj_status st = RJ_OK;
    rj_scores *own = NULL;

    RJ_REQUIRE(rj_csv_rows(csv) <= MOST_ROWS, RJ_ERR_FORMAT, "%s: has %d rows, at most %d are read",
               rj_csv_path(csv), rj_csv_rows(csv), MOST_ROWS);
    RJ_NEW(own, 1, 1);
    own->n_rows = rj_csv_rows(csv);
    own->n_columns = n_columns;
    RJ_NEW(own->model, own->n_rows, 1);
    RJ_NEW(own->lineage, own->n_rows, 1);
    RJ_NEW(own->line, own->n_rows, 1);
    RJ_NEW(own->value, own->n_rows, n_columns);
    RJ_TRY(take_names(csv, own));
    for (int c = 0; c < n_columns; c++) {
        int at = -1;
        RJ_TRY(find_column(csv, column[c], &at));
        for (int i = 0; i < own->n_rows; i++)
            RJ_TRY(rj_csv_number(csv, i, at, &own->value[(ptrdiff_t)i * n_columns + c]));
    }
    *scores = own;
    own = NULL;
done:
    rj_scores_free(&own);
    return st;
}

void rj_scores_free(rj_scores **scores)
{
    if (*scores == NULL) return;
    rj_free((*scores)->model);
    rj_free((*scores)->lineage);
    rj_free((*scores)->line);
    rj_free((*scores)->value);
    RJ_FREE(*scores);
}

int rj_scores_find(const rj_scores *scores, const char *model)
{
    for (int i = 0; i < scores->n_rows; i++)
        if (strcmp(scores->model[i], model) == 0) return i;
    return -1;
}
