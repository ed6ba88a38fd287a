/* fuzz_csv.c: a table of scores: its first column, "lineage" and its last one are taken. */
#include "fuzz.h"
#include "resjac/stats/scores.h"

rj_status fuzz_outcome;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    rj_csv *csv = NULL;
    rj_scores *scores = NULL;
    rj_status st = rj_csv_parse("f.csv", (const char *)data, n, &csv);

    if (st == RJ_OK) {
        const int rows = rj_csv_rows(csv), columns = rj_csv_columns(csv);
        const char *const column[] = {rj_csv_column(csv, columns - 1)};
        size_t total = 0;
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < columns; j++) total += strlen(rj_csv_cell(csv, i, j));
        if (total > n) abort();
        st = rj_scores_take(csv, 1, column, &scores);
        if (st == RJ_OK && scores->n_rows != rows) abort();
    }
    rj_scores_free(&scores);
    rj_csv_free(&csv);
    return fuzz_end(st);
}
