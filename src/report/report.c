/* report.c: read, draw, tell; the file is read once and never written. */
#include "resjac/report/report.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gnuplot.h"
#include "output.h"
#include "resjac/base/file.h"
#include "resjac/base/memory.h"
#include "resjac/report/figure.h"
#include "resjac/report/page.h"
#include "resjac/report/table.h"

static rj_status write_table(const rj_summaries *s, const char *folder, rj_table_format format,
                             const char *suffix)
{
    rj_status st = RJ_OK;
    FILE *out = NULL;

    RJ_TRY(rj_output_open(folder, "summary", suffix, &out));
    RJ_TRY(rj_table_write(s, format, out));
done:
    st = rj_output_close(st, &out, "summary");
    return st;
}

static rj_status write_scores(const rj_summaries *s, const char *folder, rj_table_format format,
                              const char *suffix)
{
    rj_status st = RJ_OK;
    FILE *out = NULL;

    if (s->scores->n_benchmarks == 0) goto done;
    RJ_TRY(rj_output_open(folder, "scores", suffix, &out));
    rj_table_write_scores(s->scores, format, out);
done:
    st = rj_output_close(st, &out, "scores");
    return st;
}

/* A page cannot hold a PDF: for it the pictures are drawn as SVG too, and removed when the page has them. */
static rj_status draw(const rj_summaries *s, const char *folder, const char *format, int n, rj_figure *figure)
{
    rj_status st = RJ_OK;
    const bool pdf = strcmp(format, "pdf") == 0;
    const char *embedded = pdf ? "svg" : format;
    char *path = NULL;

    for (int i = 0; i < n; i++) {
        RJ_TRY(rj_figure_write(s, folder, &figure[i]));
        if (!figure[i].drawn) continue;
        RJ_TRY(rj_gnuplot_draw(folder, figure[i].stem, format));
        if (pdf) RJ_TRY(rj_gnuplot_draw(folder, figure[i].stem, embedded));
    }
    RJ_TRY(rj_page_write(s, folder, n, figure, embedded, format));
    for (int i = 0; pdf && i < n; i++) {
        if (!figure[i].drawn) continue;
        RJ_TRY(rj_output_path(folder, figure[i].stem, ".svg", &path));
        RJ_REQUIRE(unlink(path) == 0, RJ_ERR_IO, "%s: cannot remove it: %s", path, strerror(errno));
        RJ_FREE(path);
    }
done:
    RJ_FREE(path);
    return st;
}

rj_status rj_report_write(const char *results, const char *folder, const char *format, int *n_figures)
{
    rj_status st = RJ_OK;
    rj_summaries *s = NULL;
    rj_figure *figure = NULL;
    int n = 0, drawn = 0;
    char absolute[PATH_MAX];

    RJ_REQUIRE(strcmp(format, "svg") == 0 || strcmp(format, "png") == 0 || strcmp(format, "pdf") == 0,
               RJ_ERR_USAGE, "--format %s: needs svg, png or pdf", format);
    RJ_TRY(rj_summaries_read(results, &s));
    RJ_TRY(rj_gnuplot_find());
    RJ_TRY(rj_path_make_folder(folder));
    RJ_REQUIRE(realpath(folder, absolute) != NULL, RJ_ERR_CREATE, "%s: %s", folder, strerror(errno));
    RJ_TRY(write_table(s, absolute, RJ_TABLE_CSV, ".csv"));
    RJ_TRY(write_table(s, absolute, RJ_TABLE_MARKDOWN, ".md"));
    RJ_TRY(write_scores(s, absolute, RJ_TABLE_CSV, ".csv"));
    RJ_TRY(write_scores(s, absolute, RJ_TABLE_MARKDOWN, ".md"));
    RJ_TRY(rj_figure_list(s, &n, &figure));
    RJ_TRY(draw(s, absolute, format, n, figure));
    for (int i = 0; i < n; i++) drawn += figure[i].drawn;
    *n_figures = drawn;
done:
    RJ_FREE(figure);
    rj_summaries_free(&s);
    return st;
}
