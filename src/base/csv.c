/* csv.c: the text is copied once and cut up in place, so a table costs its own size and a pointer a cell. */
#include "resjac/base/csv.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "resjac/base/memory.h"

enum { MOST_COLUMNS = 10000 };

struct rj_csv {
    char *path, *text;
    int n_rows, n_columns; /* the header is row 0 of `cell` */
    char **cell;           /* [n_rows + 1, n_columns], into text */
    int *line;             /* [n_rows + 1] */
};

/* Where the reader stands. A field is written back to `text` at or before the place it is read from. */
typedef struct {
    const char *name;
    char *at;
    const char *end;
    int line, column; /* from 1; column: of the field */
} reader;

static bool at_line_end(const reader *r)
{
    return r->at == r->end || *r->at == '\n' || (*r->at == '\r' && r->at + 1 < r->end && r->at[1] == '\n');
}

/* Behind the opening quote: up to the closing one, doubled quotes made single. */
static rj_status read_quoted(reader *r, char **field)
{
    rj_status st = RJ_OK;
    const int first_line = r->line;
    char *to = r->at, *begin = r->at;

    for (;; r->at++) {
        RJ_REQUIRE(r->at < r->end, RJ_ERR_FORMAT,
                   "%s:%d: column %d: the quote that opens here is not closed; add a \"", r->name, first_line,
                   r->column);
        if (*r->at == '"' && r->at + 1 < r->end && r->at[1] == '"')
            r->at++;
        else if (*r->at == '"')
            break;
        r->line += *r->at == '\n';
        *to++ = *r->at;
    }
    r->at++;
    RJ_REQUIRE(
        at_line_end(r) || *r->at == ',', RJ_ERR_FORMAT,
        "%s:%d: column %d: '%c' follows a closing quote, needs a comma or the line's end; a quote inside a "
        "quoted field is written twice",
        r->name, r->line, r->column, *r->at);
    *to = '\0'; /* at the closing quote, or before it */
    *field = begin;
done:
    return st;
}

static rj_status read_plain(reader *r, char **field, char **stop)
{
    rj_status st = RJ_OK;

    while (r->at < r->end && *r->at == ' ') r->at++;
    char *begin = r->at, *last = r->at;
    for (; !at_line_end(r) && *r->at != ','; r->at++) {
        RJ_REQUIRE(
            *r->at != '"', RJ_ERR_FORMAT,
            "%s:%d: column %d: a quote inside a field that does not begin with one; quote the whole field",
            r->name, r->line, r->column);
        RJ_REQUIRE(*r->at != '\r', RJ_ERR_FORMAT,
                   "%s:%d: column %d: a carriage return without a line feed; save the file with LF or CR LF",
                   r->name, r->line, r->column);
        if (*r->at != ' ') last = r->at + 1;
    }
    *field = begin;
    *stop = last; /* the NUL goes there when the separator behind has been looked at */
done:
    return st;
}

/* One field and the separator behind it; *more where another field of the row follows. */
static rj_status read_field(reader *r, char **field, bool *more)
{
    rj_status st = RJ_OK;
    char *stop = NULL;

    if (r->at < r->end && *r->at == '"') {
        r->at++;
        RJ_TRY(read_quoted(r, field));
    } else {
        RJ_TRY(read_plain(r, field, &stop));
    }
    *more = r->at < r->end && *r->at == ',';
    if (r->at < r->end) r->at += *r->at == '\r' ? 2 : 1;
    r->line += !*more;
    if (stop != NULL) *stop = '\0';
done:
    return st;
}

static void skip_empty_lines(reader *r)
{
    while (r->at < r->end && at_line_end(r)) {
        r->at += *r->at == '\r' ? 2 : 1;
        r->line++;
    }
}

static rj_status read_row(reader *r, rj_csv *csv, int row)
{
    rj_status st = RJ_OK;
    bool more = true;

    csv->line[row] = r->line;
    for (r->column = 1; more; r->column++) {
        char *field = NULL;
        RJ_TRY(read_field(r, &field, &more));
        RJ_REQUIRE(r->column <= csv->n_columns, RJ_ERR_FORMAT,
                   "%s:%d: more than the %d fields of the header; quote fields that hold commas", r->name,
                   csv->line[row], csv->n_columns);
        csv->cell[(ptrdiff_t)row * csv->n_columns + r->column - 1] = field;
    }
    RJ_REQUIRE(r->column - 1 == csv->n_columns, RJ_ERR_FORMAT,
               "%s:%d: %d fields, the header has %d; a missing cell is an empty field", r->name,
               csv->line[row], r->column - 1, csv->n_columns);
done:
    return st;
}

/* The fields of the first row, and at most so many rows: a look ahead on a copy of nothing but counts. */
static void measure(const char *text, size_t n, int *n_columns, int *n_lines)
{
    bool quoted = false, first = true;

    *n_columns = 1;
    *n_lines = 1;
    for (size_t i = 0; i < n; i++) {
        if (text[i] == '"') quoted = !quoted;
        if (first && !quoted && text[i] == ',') ++*n_columns;
        if (text[i] != '\n') continue;
        first = first && quoted;
        ++*n_lines;
    }
}

static rj_status check_header(const rj_csv *csv)
{
    rj_status st = RJ_OK;

    for (int i = 0; i < csv->n_columns; i++)
        for (int j = 0; j < i && csv->cell[i][0] != '\0'; j++)
            RJ_REQUIRE(strcmp(csv->cell[i], csv->cell[j]) != 0, RJ_ERR_FORMAT,
                       "%s:%d: columns %d and %d are both named \"%.64s\"; rename one", csv->path,
                       csv->line[0], j + 1, i + 1, csv->cell[i]);
done:
    return st;
}

static rj_status read_all(reader *r, rj_csv *csv)
{
    rj_status st = RJ_OK;
    int n_lines = 0;

    skip_empty_lines(r);
    measure(r->at, (size_t)(r->end - r->at), &csv->n_columns, &n_lines);
    RJ_REQUIRE(r->at < r->end, RJ_ERR_FORMAT, "%s: is empty; the first line must name the columns", r->name);
    RJ_REQUIRE(csv->n_columns <= MOST_COLUMNS, RJ_ERR_FORMAT, "%s:%d: %d columns, at most %d are read",
               r->name, r->line, csv->n_columns, MOST_COLUMNS);
    /* A field takes a byte at least, so that a short table with a long header asks for little. */
    const ptrdiff_t fit = (r->end - r->at) / csv->n_columns + 2, rows = n_lines < fit ? n_lines : fit;
    RJ_NEW(csv->cell, rows, csv->n_columns);
    RJ_NEW(csv->line, rows, 1);
    RJ_TRY(read_row(r, csv, 0));
    RJ_TRY(check_header(csv));
    for (skip_empty_lines(r); r->at < r->end; skip_empty_lines(r)) {
        RJ_TRY(read_row(r, csv, csv->n_rows + 1));
        csv->n_rows++;
    }
done:
    return st;
}

rj_status rj_csv_parse(const char *name, const char *text, size_t n, rj_csv **csv)
{
    rj_status st = RJ_OK;
    rj_csv *own = NULL;

    RJ_REQUIRE(memchr(text, '\0', n) == NULL, RJ_ERR_FORMAT, "%s: holds a NUL byte: not a text in UTF-8",
               name);
    RJ_NEW(own, 1, 1);
    RJ_NEW(own->path, (ptrdiff_t)strlen(name) + 1, 1);
    memcpy(own->path, name, strlen(name) + 1);
    RJ_NEW(own->text, (ptrdiff_t)n + 1, 1);
    memcpy(own->text, text, n);
    reader r = {own->path, own->text, own->text + n, 1, 1};
    if (n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) r.at += 3;
    RJ_TRY(read_all(&r, own));
    *csv = own;
    own = NULL;
done:
    rj_csv_free(&own);
    return st;
}

void rj_csv_free(rj_csv **csv)
{
    if (*csv == NULL) return;
    rj_free((*csv)->path);
    rj_free((*csv)->text);
    rj_free((*csv)->cell);
    rj_free((*csv)->line);
    RJ_FREE(*csv);
}

int rj_csv_rows(const rj_csv *csv)
{
    return csv->n_rows;
}

int rj_csv_columns(const rj_csv *csv)
{
    return csv->n_columns;
}

const char *rj_csv_path(const rj_csv *csv)
{
    return csv->path;
}

const char *rj_csv_column(const rj_csv *csv, int column)
{
    return csv->cell[column];
}

int rj_csv_find(const rj_csv *csv, const char *name)
{
    for (int i = 0; i < csv->n_columns; i++)
        if (strcmp(csv->cell[i], name) == 0) return i;
    return -1;
}

const char *rj_csv_cell(const rj_csv *csv, int row, int column)
{
    return csv->cell[(ptrdiff_t)(row + 1) * csv->n_columns + column];
}

int rj_csv_line(const rj_csv *csv, int row)
{
    return csv->line[row + 1];
}

rj_status rj_csv_number(const rj_csv *csv, int row, int column, double *value)
{
    rj_status st = RJ_OK;
    static const char *const missing[] = {"", "NA", "N/A", "NaN"};
    const char *text = rj_csv_cell(csv, row, column);
    char *end = NULL;

    for (size_t i = 0; i < sizeof missing / sizeof missing[0]; i++)
        if (strcasecmp(text, missing[i]) == 0) {
            *value = (double)NAN;
            goto done;
        }
    const double x = strtod(text, &end);
    RJ_REQUIRE(end != text && *end == '\0' && isfinite(x), RJ_ERR_FORMAT,
               "%s:%d: column %s has \"%.64s\", needs a number, or nothing where it is missing", csv->path,
               rj_csv_line(csv, row), rj_csv_column(csv, column), text);
    *value = x;
done:
    return st;
}
