/* table_cells.c: three ways to write a cell. */
#include "table_cells.h"

#include <math.h>
#include <string.h>

#include "output.h"
#include "resjac/report/escape.h"

void rj_table_begin_row(rj_table_writer *t)
{
    t->n = 0;
    if (t->format == RJ_TABLE_HTML) fputs("<tr>", t->out);
    if (t->format == RJ_TABLE_MARKDOWN) fputs("|", t->out);
}

void rj_table_end_row(rj_table_writer *t)
{
    fputs(t->format == RJ_TABLE_HTML ? "</tr>\n" : "\n", t->out);
}

void rj_table_end_head(rj_table_writer *t)
{
    if (t->format == RJ_TABLE_MARKDOWN)
        for (int i = 0; i <= t->n; i++) fputs(i == t->n ? "\n" : i == 0 ? "|---|" : "---|", t->out);
    t->head = false;
}

void rj_table_text(rj_table_writer *t, const char *text)
{
    switch (t->format) {
    case RJ_TABLE_CSV:
        if (t->n > 0) fputc(',', t->out);
        rj_escape_csv(t->out, text);
        break;
    case RJ_TABLE_MARKDOWN:
        fputc(' ', t->out);
        rj_escape_markdown(t->out, text);
        fputs(" |", t->out);
        break;
    case RJ_TABLE_HTML:
        fputs(t->head ? "<th scope=\"col\">" : t->n == 0 ? "<th scope=\"row\">" : "<td>", t->out);
        rj_escape_html(t->out, text);
        fputs(t->head || t->n == 0 ? "</th>" : "</td>", t->out);
        break;
    }
    t->n++;
}

void rj_table_number(rj_table_writer *t, double x, const char *fmt)
{
    char text[48] = "\xE2\x80\x93"; /* en dash */

    if (t->format == RJ_TABLE_CSV) {
        if (t->n++ > 0) fputc(',', t->out);
        rj_output_number(t->out, x);
        return;
    }
    if (isfinite(x)) snprintf(text, sizeof text, fmt, x);
    if (text[0] == '-' && strspn(text, "-0.") == strlen(text))
        memmove(text, text + 1, strlen(text)); /* -0.000 */
    if (t->format == RJ_TABLE_HTML)
        fprintf(t->out, "<td class=\"number\">%s</td>", text);
    else
        fprintf(t->out, " %s |", text);
    t->n++;
}
