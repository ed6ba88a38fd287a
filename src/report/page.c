/* page.c: pictures are data: addresses, so the page is one file; its policy forbids the browser to fetch or run anything. */
#include "resjac/report/page.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "output.h"
#include "page_text.h"
#include "resjac/base/file.h"
#include "resjac/base/memory.h"
#include "resjac/report/escape.h"
#include "resjac/report/table.h"

enum { PICTURE_LIMIT = 256 << 20, FEW_MODELS = 6 };

static void base64(FILE *out, const unsigned char *data, size_t n)
{
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < n; i += 3) {
        const uint32_t a = data[i], b = i + 1 < n ? data[i + 1] : 0, c = i + 2 < n ? data[i + 2] : 0;
        const uint32_t bits = a << 16 | b << 8 | c;
        fputc(digit[bits >> 18], out);
        fputc(digit[bits >> 12 & 63], out);
        fputc(i + 1 < n ? digit[bits >> 6 & 63] : '=', out);
        fputc(i + 2 < n ? digit[bits & 63] : '=', out);
    }
}

static rj_status write_picture(FILE *out, const char *folder, const rj_figure *f, const char *embedded)
{
    rj_status st = RJ_OK;
    char suffix[8], *path = NULL, *data = NULL;
    size_t n = 0;

    snprintf(suffix, sizeof suffix, ".%s", embedded);
    RJ_TRY(rj_output_path(folder, f->stem, suffix, &path));
    RJ_TRY(rj_file_load(path, PICTURE_LIMIT, &data, &n));
    fprintf(out, "src=\"data:image/%s;base64,", strcmp(embedded, "svg") == 0 ? "svg+xml" : "png");
    base64(out, (const unsigned char *)data, n);
    fputs("\">", out);
done:
    RJ_FREE(data);
    RJ_FREE(path);
    return st;
}

static void write_title(FILE *out, const rj_summaries *s, const rj_figure *f)
{
    fputs(rj_figure_text[f->kind].title, out);
    if (f->kind == RJ_FIGURE_ALIGNMENT) {
        fputs(", prompt ", out);
        rj_escape_html(out, s->model[f->model].alignment[f->alignment].prompt);
    }
    if (f->kind == RJ_FIGURE_EMERGENCE) {
        fputs(", ", out);
        rj_escape_html(out, s->model[f->model].series);
    }
    if (f->kind == RJ_FIGURE_TOKENS) fprintf(out, ", %s", rj_token_mode_name[f->mode]);
    if (f->k_label[0] == '\0') return;
    fputs(", K = ", out);
    rj_escape_html(out, f->k_label);
}

/* The caption stands at the first figure of its kind in a section. */
static rj_status write_figure(FILE *out, const rj_summaries *s, const char *folder, const rj_figure *f,
                              bool caption, const char *embedded, const char *linked)
{
    rj_status st = RJ_OK;
    const bool wide = rj_figure_text[f->kind].wide &&
                      (f->kind != RJ_FIGURE_SINGULAR || rj_figure_twin_of(s, &s->model[f->model]) != NULL);

    fprintf(out, "<figure class=\"%s\">\n<h3>", wide ? "wide" : "narrow");
    write_title(out, s, f);
    fputs("</h3>\n", out);
    if (f->drawn) {
        fputs("<div class=\"scroll\" tabindex=\"0\"><img alt=\"", out);
        write_title(out, s, f);
        if (rj_figure_text[f->kind].section == RJ_SECTION_MODEL) {
            fputs(" of ", out);
            rj_escape_html(out, s->model[f->model].name);
        }
        fputs("\" ", out);
        RJ_TRY(write_picture(out, folder, f, embedded));
        fputs("</div>\n", out);
    } else {
        fputs("<p>Not drawn: its values are missing, or too few.</p>\n", out);
    }
    fputs("<figcaption>", out);
    if (caption) fputs(rj_figure_text[f->kind].caption, out);
    if (f->drawn)
        fprintf(out,
                " <span class=\"files\"><a href=\"%s.%s\">figure</a>, <a href=\"%s.csv\">numbers</a>, "
                "<a href=\"%s.gp\">script</a></span>",
                f->stem, linked, f->stem, f->stem);
    fputs("</figcaption>\n</figure>\n", out);
done:
    return st;
}

/* All figures of a section; of RJ_SECTION_MODEL those of one model. */
static rj_status write_section(FILE *out, const rj_summaries *s, rj_section section, int model,
                               const char *folder, int n, const rj_figure *figure, const char *embedded,
                               const char *linked)
{
    rj_status st = RJ_OK;
    bool explained[RJ_N_FIGURE_KINDS] = {false};

    for (int i = 0; i < n; i++) {
        const rj_figure *f = &figure[i];
        if (rj_figure_text[f->kind].section != section || (section == RJ_SECTION_MODEL && f->model != model))
            continue;
        RJ_TRY(write_figure(out, s, folder, f, !explained[f->kind], embedded, linked));
        explained[f->kind] = true;
    }
done:
    return st;
}

/* Has a section a figure, or the table of scores? */
static bool is_told(const rj_summaries *s, rj_section section, int n, const rj_figure *figure)
{
    if (section == RJ_SECTION_SCORES && s->scores->n_benchmarks > 0) return true;
    for (int i = 0; i < n; i++)
        if (rj_figure_text[figure[i].kind].section == section && figure[i].drawn) return true;
    return false;
}

static void write_number(FILE *out, double x)
{
    if (isfinite(x))
        fprintf(out, "<td class=\"number\">%.1e</td>", x);
    else
        fputs("<td class=\"number\">&ndash;</td>", out);
}

static void write_count(FILE *out, ptrdiff_t part, ptrdiff_t all)
{
    fprintf(out, "<td class=\"number\">%td of %td</td>", part, all);
}

/* The table behind the figure: what is counted rather than measured stands here alone. */
static void write_certificates(FILE *out, const rj_summaries *s)
{
    static const char *const heading[] = {"model",           "worst residual",  "worst orthogonality loss",
                                          "flagged gaps",    "blocks at kinks", "by full, grid, Krylov",
                                          "prompts measured"};

    fputs("<div class=\"scroll long\" tabindex=\"0\"><table>\n<thead><tr>", out);
    for (size_t i = 0; i < sizeof heading / sizeof heading[0]; i++)
        fprintf(out, "<th scope=\"col\">%s</th>", heading[i]);
    fputs("</tr></thead>\n<tbody>\n", out);
    for (int i = 0; i < s->n_models; i++) {
        const rj_summary *m = &s->model[i];
        const rj_summary_certificates *c = &m->certificates;
        if (!m->measured) continue;
        fputs("<tr><th scope=\"row\">", out);
        rj_escape_html(out, m->name);
        fputs("</th>", out);
        write_number(out, rj_histogram_most(&c->residual));
        write_number(out, rj_histogram_most(&c->orthogonality));
        write_count(out, c->n_flagged, c->n_gaps);
        write_count(out, c->n_kinked, c->n_blocks);
        fprintf(out, "<td class=\"number\">%td, %td, %td</td>", c->by_method[1], c->by_method[2],
                c->by_method[3]);
        write_count(out, m->n_measured, m->n_prompts);
        fputs("</tr>\n", out);
    }
    fputs("</tbody>\n</table></div>\n", out);
}

/* A section that has something to show, its figures, and the table of scores. */
static rj_status write_story(FILE *out, const rj_summaries *s, rj_section section, const char *folder, int n,
                             const rj_figure *figure, const char *embedded, const char *linked)
{
    rj_status st = RJ_OK;

    if (!is_told(s, section, n, figure)) goto done;
    fprintf(out, "<h2 id=\"%s\">%s</h2>\n%s", rj_page_opening[section].id, rj_page_opening[section].heading,
            rj_page_opening[section].text);
    RJ_TRY(write_section(out, s, section, -1, folder, n, figure, embedded, linked));
    if (section == RJ_SECTION_CERTIFICATES) write_certificates(out, s);
    if (section != RJ_SECTION_SCORES || s->scores->n_benchmarks == 0) goto done;
    fputs("<h3>Measures against scores in numbers</h3>\n"
          "<p>All pairs and all statistics: <a href=\"scores.csv\">scores.csv</a>.</p>\n"
          "<div class=\"scroll long\" tabindex=\"0\">",
          out);
    rj_table_write_scores(s->scores, RJ_TABLE_HTML, out);
    fputs("</div>\n", out);
done:
    return st;
}

/* The story in a row; the models, which may be many, in a list that opens. */
static void write_navigation(FILE *out, const rj_summaries *s, int n, const rj_figure *figure)
{
    int measured = 0;

    for (int i = 0; i < s->n_models; i++) measured += s->model[i].measured;
    fputs("<nav>\n<ul>\n<li><a href=\"#summary\">Summary</a></li>\n", out);
    for (rj_section i = 0; i < RJ_SECTION_MODEL; i++)
        if (is_told(s, i, n, figure))
            fprintf(out, "<li><a href=\"#%s\">%s</a></li>\n", rj_page_opening[i].id,
                    rj_page_opening[i].heading);
    fputs("<li><a href=\"#provenance\">Provenance</a></li>\n</ul>\n", out);
    fprintf(out, "<details%s>\n<summary>Models (%d)</summary>\n<ul>\n", measured > FEW_MODELS ? "" : " open",
            measured);
    for (int i = 0; i < s->n_models; i++) {
        if (!s->model[i].measured) continue;
        fprintf(out, "<li><a href=\"#model-%d\">", i);
        rj_escape_html(out, s->model[i].name);
        fputs("</a></li>\n", out);
    }
    fputs("</ul>\n</details>\n</nav>\n", out);
}

static void write_failures(FILE *out, const rj_summaries *s)
{
    for (int i = 0; i < s->n_models; i++) {
        if (strcmp(s->model[i].status, "ok") == 0) continue;
        fputs("<p class=\"failed\"><b>", out);
        rj_escape_html(out, s->model[i].name);
        fputs("</b>: ", out);
        rj_escape_html(out, s->model[i].status);
        fputs("</p>\n", out);
    }
}

static void write_provenance(FILE *out, const rj_summaries *s)
{
    fputs("<h2 id=\"provenance\">Provenance</h2>\n<p>What the file says about its own "
          "making.</p>\n<dl>\n<dt>file</dt><dd>",
          out);
    rj_escape_html(out, strrchr(s->file, '/') != NULL ? strrchr(s->file, '/') + 1 : s->file);
    fputs("</dd>\n", out);
    for (int i = 0; i < s->n_attributes; i++) {
        const rj_summary_attribute *a = &s->attribute[i];
        const bool lines = strchr(a->text, '\n') != NULL;
        fputs("<dt>", out);
        rj_escape_html(out, a->name);
        fputs(lines ? "</dt><dd><pre>" : "</dt><dd>", out);
        rj_escape_html(out, a->text);
        fputs(lines ? "</pre></dd>\n" : "</dd>\n", out);
    }
    fputs("</dl>\n", out);
}

rj_status rj_page_write(const rj_summaries *s, const char *folder, int n, const rj_figure *figure,
                        const char *embedded, const char *linked)
{
    rj_status st = RJ_OK;
    FILE *out = NULL;

    RJ_TRY(rj_output_open(folder, "index", ".html", &out));
    fputs(rj_page_head, out);
    fputs("<h1>Residual Jacobians: report</h1>\n", out);
    write_navigation(out, s, n, figure);
    fputs(rj_page_introduction, out);
    write_failures(out, s);
    fputs("<h2 id=\"summary\">Summary</h2>\n<div class=\"scroll long\" tabindex=\"0\">", out);
    RJ_TRY(rj_table_write(s, RJ_TABLE_HTML, out));
    fputs("</div>\n", out);
    for (rj_section i = 0; i < RJ_SECTION_MODEL; i++)
        RJ_TRY(write_story(out, s, i, folder, n, figure, embedded, linked));
    for (int i = 0; i < s->n_models; i++) {
        if (!s->model[i].measured) continue;
        fprintf(out, "<h2 id=\"model-%d\">", i);
        rj_escape_html(out, s->model[i].name);
        fputs("</h2>\n", out);
        RJ_TRY(write_section(out, s, RJ_SECTION_MODEL, i, folder, n, figure, embedded, linked));
    }
    write_provenance(out, s);
    fputs("</body>\n</html>\n", out);
done:
    st = rj_output_close(st, &out, "index.html");
    return st;
}
