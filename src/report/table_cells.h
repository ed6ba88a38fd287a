/* table_cells.h: a table in one of three formats, cell by cell. Private to report. */
#ifndef RESJAC_REPORT_TABLE_CELLS_H
#define RESJAC_REPORT_TABLE_CELLS_H

#include "resjac/report/table.h"

typedef struct {
    FILE *out;
    rj_table_format format;
    bool head; /* in the row of headings */
    int n;     /* cells so far in this row */
} rj_table_writer;

void rj_table_begin_row(rj_table_writer *t);
void rj_table_end_row(rj_table_writer *t);
/* Behind the row of headings: the line that Markdown wants below it. */
void rj_table_end_head(rj_table_writer *t);
void rj_table_text(rj_table_writer *t, const char *text);
/* For people with few digits, for programs with all. */
void rj_table_number(rj_table_writer *t, double x, const char *fmt);
#endif
