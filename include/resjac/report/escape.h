/* escape.h: names come from files of strangers; here they become harmless in each language of the report. */
#ifndef RESJAC_REPORT_ESCAPE_H
#define RESJAC_REPORT_ESCAPE_H

#include <stdio.h>

enum { RJ_LABEL_SIZE = 256, RJ_STEM_SIZE = 512 };

/* Writes text into a page: & < > " ' as entities; control characters, marks that turn the direction of writing and
 * invalid UTF-8 as U+FFFD; line ends and tabs are kept. Not collective, as all of these. */
void rj_escape_html(FILE *out, const char *text);

/* One field of a CSV file (RFC 4180): in quotes where it has a quote, comma or line end; control characters and invalid UTF-8 as
 * in HTML; a single quote before a first = + - @ or tab, which a spreadsheet would take for a formula. */
void rj_escape_csv(FILE *out, const char *text);

/* One cell of a Markdown table: HTML as above, and a backslash before characters that Markdown reads. */
void rj_escape_markdown(FILE *out, const char *text);

/* For a gnuplot string between single quotes: letters, digits, space and . , : = + - _ / ( ) are kept, the rest becomes '?';
 * more than 56 characters are cut and end in "...". */
void rj_escape_label(const char *text, char label[RJ_LABEL_SIZE]);

/* For a file name: A-Z a-z 0-9 . _ - are kept, the rest becomes '_', also a leading '.' or '-'; at most 128 bytes. */
void rj_escape_stem(const char *text, char stem[RJ_STEM_SIZE]);
#endif
