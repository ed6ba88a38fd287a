/* csv.h: a table of comma-separated values (RFC 4180) with errors that name file, line and column. */
#ifndef RESJAC_BASE_CSV_H
#define RESJAC_BASE_CSV_H

#include <stddef.h>

#include "resjac/base/status.h"

typedef struct rj_csv rj_csv;

/* Parses a whole file: a header, then rows of as many fields. Lines end in LF or CR LF; a leading UTF-8 byte order mark and
 * empty lines are passed over; a field in double quotes may hold commas, line ends and doubled quotes. Blanks around a field
 * that is not quoted are dropped.
 *   name [in]  of the file, for messages
 *   csv  [out] free with rj_csv_free; untouched on error
 * Errors: FORMAT no header, more than 10000 columns, a column named twice, a row of another length, a quote that is not closed or stands inside a field,
 * a NUL, a line that ends in CR alone (file, line, column); NOMEM. */
RJ_CHECKED rj_status rj_csv_parse(const char *name, const char *text, size_t n, rj_csv **csv);
void rj_csv_free(rj_csv **csv);

int rj_csv_rows(const rj_csv *csv); /* without the header */
int rj_csv_columns(const rj_csv *csv);
const char *rj_csv_path(const rj_csv *csv);
const char *rj_csv_column(const rj_csv *csv, int column);        /* its name */
int rj_csv_find(const rj_csv *csv, const char *name);            /* the column of that name, -1 for none */
const char *rj_csv_cell(const rj_csv *csv, int row, int column); /* "" where empty; borrowed */
int rj_csv_line(const rj_csv *csv, int row);                     /* on which the row begins, from 1 */

/* A cell as a number; NAN where it is missing: empty, NA, N/A or NaN in any case.
 * Errors: FORMAT no finite number (file, line, column, text). */
RJ_CHECKED rj_status rj_csv_number(const rj_csv *csv, int row, int column, double *value);
#endif
