/* page.c: pictures are data: addresses, so the page is one file; its policy forbids the browser to fetch or run anything. */
#include "resjac/report/page.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "output.h"
#include "resjac/base/file.h"
#include "resjac/base/memory.h"
#include "resjac/report/escape.h"
#include "resjac/report/table.h"

enum { PICTURE_LIMIT = 256 << 20 };

static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; "
    "style-src 'unsafe-inline'\">\n<title>resjac report</title>\n<style>\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0 auto;max-width:64rem;padding:1rem 1.2rem 4rem;color:#1c2733;background:#fff;"
    "font:16px/1.55 system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif}\n"
    "h1{font-size:1.7rem;line-height:1.2;margin:1rem 0 .3rem}\n"
    "h2{font-size:1.3rem;margin:2.6rem 0 .6rem;padding-top:.8rem;border-top:1px solid "
    "#d5dde5;overflow-wrap:anywhere}\n"
    "h3{font-size:1.05rem;margin:0 0 .4rem}\n"
    "p,li,figcaption{max-width:46rem}\n"
    "nav ul{list-style:none;margin:0;padding:0;display:flex;flex-wrap:wrap;gap:.3rem 1.1rem}\n"
    "nav li{overflow-wrap:anywhere}\n"
    "a{color:#21609f}\n"
    ".scroll{overflow-x:auto;-webkit-overflow-scrolling:touch}\n"
    "table{border-collapse:collapse;font-size:.86rem;font-variant-numeric:tabular-nums}\n"
    "th,td{padding:.35rem .6rem;border-bottom:1px solid #e3e9ef;text-align:left;vertical-align:top}\n"
    "thead th{text-align:right;vertical-align:bottom;border-bottom:2px solid #9fb4c8;min-width:4.4rem}\n"
    "thead th:first-child,.summary thead th:nth-child(2),.summary thead th:last-child,.scores thead "
    "th:nth-child(2){text-align:left}\n"
    ".summary td:last-child{min-width:12rem}\n"
    "tbody th{font-weight:600;overflow-wrap:anywhere;min-width:9rem;max-width:18rem}\n"
    "td.number{text-align:right;white-space:nowrap}\n"
    "figure{margin:1.6rem 0 2.4rem}\n"
    "figure img{display:block;width:100%;height:auto}\n"
    "figure.narrow img{max-width:38rem}\n"
    "figcaption{font-size:.9rem;color:#3c4a58;margin-top:.5rem}\n"
    ".files{font-size:.85rem}\n"
    ".failed{border-left:4px solid #c0392b;padding:.3rem .8rem;overflow-wrap:anywhere}\n"
    "dl{display:grid;grid-template-columns:minmax(7rem,13rem) 1fr;gap:.3rem 1rem;font-size:.86rem}\n"
    "dt{font-weight:600;overflow-wrap:anywhere}\n"
    "dd{margin:0;overflow-wrap:anywhere}\n"
    "pre{margin:0;padding:.6rem;background:#f3f6f9;overflow-x:auto;white-space:pre-wrap;overflow-wrap:"
    "anywhere;"
    "font-size:.82rem}\n"
    "@media (max-width:40rem){figure.wide img{width:40rem;max-width:none}dl{grid-template-columns:1fr}"
    "dd{margin-bottom:.5rem}}\n"
    "@media print{body{max-width:none}figure{break-inside:avoid}}\n"
    "</style>\n</head>\n<body>\n";

static const char introduction[] =
    "<p>A transformer is read here as a dynamical system: block after block adds to a running state, the "
    "residual stream. "
    "The derivative of what one block adds is its <b>residual Jacobian</b>. This report shows how strongly "
    "those Jacobians "
    "act, whether different blocks act along the same directions (<b>coupling</b>), how much of that chance "
    "alone would "
    "give (<b>null</b>), and what the path of the state through the blocks looks like. A <b>random-init "
    "twin</b> is "
    "the same architecture with untrained weights: what it shows too was not learned.</p>\n"
    "<p>Each figure has its numbers as CSV and its gnuplot script beside this page.</p>\n";

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
        if (f->model >= 0) {
            fputs(" of ", out);
            rj_escape_html(out, s->model[f->model].name);
        }
        fputs("\" ", out);
        RJ_TRY(write_picture(out, folder, f, embedded));
        fputs("</div>\n", out);
    } else {
        fputs("<p>Not drawn: every value is missing.</p>\n", out);
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

/* What opens each section of all models, in the order of the story. */
static const struct {
    const char *id, *heading, *text; /* HTML */
} opening[RJ_SECTION_MODEL] = {
    [RJ_SECTION_CHANCE] =
        {"chance", "More than chance?",
         "<p>Unrelated directions agree by chance, and any architecture may impose some agreement. So "
         "coupling counts as far as it exceeds its chance level, and as far as it exceeds what the same "
         "architecture shows untrained.</p>\n"},
    [RJ_SECTION_TRAINING] =
        {"training", "Does it come with training?",
         "<p>Checkpoints of one run tell when coupling comes, and whether the score comes with it.</p>\n"},
    [RJ_SECTION_SHAPE] =
        {"paths", "What do the paths look like?",
         "<p>The same token, block after block: a straight path has the line-shape score 1, and exponential "
         "growth of its norm the expodistance 0. Training was found to make paths straighter.</p>\n"},
    [RJ_SECTION_CERTIFICATES] = {"certificates", "Can the numbers be trusted?",
                                 "<p>Every singular triplet is checked against the Jacobian itself. The "
                                 "<b>residual</b> is ||<i>Jv</i> &minus; "
                                 "<i>su</i>|| or ||<i>J</i>&#8242;<i>u</i> &minus; <i>sv</i>||, over "
                                 "<i>s</i><sub>1</sub>, of the leading <i>K</i> "
                                 "triplets. The <b>orthogonality loss</b> says how far the directions are "
                                 "from perpendicular. A <b>flagged gap</b> is "
                                 "a block whose leading <i>K</i> singular values lie so close together "
                                 "(relative gap below 1e-5) that single "
                                 "directions, and so its coupling, are not well determined. A <b>block at a "
                                 "kink</b> has a unit so near to a kink of "
                                 "its activation that the derivative may be that of the other side. The "
                                 "table also counts by which method blocks were "
                                 "decomposed: in full, or the leading triplets by a Krylov process.</p>\n"},
    [RJ_SECTION_SCORES] =
        {"scores", "Does it go along with the score?",
         "<p>One point is a <b>lineage</b>: models that share their pre-training are not independent, so "
         "their means are "
         "correlated. <b>p</b> is for the pair named beforehand (primary), <b>q</b> (Benjamini-Yekutieli) "
         "for the others, "
         "which are many. <b>r given L, d</b> holds the number of blocks and the width fixed. Measures that "
         "only tell the "
         "size of a model (ln_parameters, n_layers, d_model) or what chance gives (coupling_null) are "
         "rivals. Columns "
         "marked iid take every model as independent, which overstates the evidence.</p>\n"},
};

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

    fputs("<div class=\"scroll\" tabindex=\"0\"><table>\n<thead><tr>", out);
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
    fprintf(out, "<h2 id=\"%s\">%s</h2>\n%s", opening[section].id, opening[section].heading,
            opening[section].text);
    RJ_TRY(write_section(out, s, section, -1, folder, n, figure, embedded, linked));
    if (section == RJ_SECTION_CERTIFICATES) write_certificates(out, s);
    if (section != RJ_SECTION_SCORES || s->scores->n_benchmarks == 0) goto done;
    fputs("<h3>Measures against scores in numbers</h3>\n"
          "<p>All pairs and all statistics: <a href=\"scores.csv\">scores.csv</a>.</p>\n"
          "<div class=\"scroll\" tabindex=\"0\">",
          out);
    rj_table_write_scores(s->scores, RJ_TABLE_HTML, out);
    fputs("</div>\n", out);
done:
    return st;
}

static void write_navigation(FILE *out, const rj_summaries *s, int n, const rj_figure *figure)
{
    fputs("<nav><ul>\n<li><a href=\"#summary\">Summary</a></li>\n", out);
    for (rj_section i = 0; i < RJ_SECTION_MODEL; i++)
        if (is_told(s, i, n, figure))
            fprintf(out, "<li><a href=\"#%s\">%s</a></li>\n", opening[i].id, opening[i].heading);
    for (int i = 0; i < s->n_models; i++) {
        if (!s->model[i].measured) continue;
        fprintf(out, "<li><a href=\"#model-%d\">", i);
        rj_escape_html(out, s->model[i].name);
        fputs("</a></li>\n", out);
    }
    fputs("<li><a href=\"#provenance\">Provenance</a></li>\n</ul></nav>\n", out);
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
    fputs(head, out);
    fputs("<h1>Residual Jacobians: report</h1>\n", out);
    write_navigation(out, s, n, figure);
    fputs(introduction, out);
    write_failures(out, s);
    fputs("<h2 id=\"summary\">Summary</h2>\n<div class=\"scroll\" tabindex=\"0\">", out);
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
