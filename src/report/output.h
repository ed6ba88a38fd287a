/* output.h: files of the report, written and checked. */
#ifndef RESJAC_REPORT_OUTPUT_H
#define RESJAC_REPORT_OUTPUT_H

#include <stdio.h>

#include "resjac/base/status.h"

/* Opens folder/<stem><suffix> to write, replacing what is there. Not collective.
 *   out [out] close it with rj_output_close; untouched on error
 * Errors: CREATE (path, reason); NOMEM. */
RJ_CHECKED rj_status rj_output_open(const char *folder, const char *stem, const char *suffix, FILE **out);

/* Closes *out (NULL is fine) and sets it to NULL. `before` is the outcome so far and is returned where it is an error.
 * Errors: IO a write failed (disk full). Not collective. */
RJ_CHECKED rj_status rj_output_close(rj_status before, FILE **out, const char *what);

/* folder/<stem><suffix>, freed by rj_free. Errors: NOMEM. Not collective. */
RJ_CHECKED rj_status rj_output_path(const char *folder, const char *stem, const char *suffix, char **path);

/* A number of a CSV file: 9 digits, "NaN" where missing. Not collective. */
void rj_output_number(FILE *out, double x);
#endif
