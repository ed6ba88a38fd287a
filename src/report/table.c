/* table.c: one list of columns, three ways to write a cell. */
#include "resjac/report/table.h"

#include <math.h>
#include <string.h>

#include "resjac/base/memory.h"
#include "resjac/report/escape.h"
#include "resjac/report/figure.h"
#include "table_cells.h"

/* All K labels of the file, in order of appearance. */
static rj_status list_labels(const rj_summaries *s, int *n, const char ***label)
{
    rj_status st = RJ_OK;
    ptrdiff_t most = 0;
    int count = 0;
    const char **list = NULL;

    for (int i = 0; i < s->n_models; i++) most += s->model[i].n_k;
    RJ_NEW(list, most, 1);
    for (int i = 0; i < s->n_models; i++)
        for (ptrdiff_t k = 0; k < s->model[i].n_k; k++) {
            bool known = false;
            for (int j = 0; j < count; j++) known = known || strcmp(list[j], s->model[i].k_label[k]) == 0;
            if (!known) list[count++] = s->model[i].k_label[k];
        }
    *n = count;
    *label = list;
done:
    return st;
}

static void heading(rj_table_writer *t, const char *csv, const char *shown)
{
    rj_table_text(t, t->format == RJ_TABLE_CSV ? csv : shown);
}

static void head_row(rj_table_writer *t, int n_labels, const char *const *label)
{
    static const char *const csv[] = {"misfit_k", "null_k", "excess_k"};
    static const char *const shown[] = {"misfit, K\xC2\xA0=\xC2\xA0", "null, K\xC2\xA0=\xC2\xA0",
                                        "excess, K\xC2\xA0=\xC2\xA0"};
    char a[RJ_NAME_SIZE + 32], b[RJ_NAME_SIZE + 32];

    t->head = true;
    rj_table_begin_row(t);
    heading(t, "model", "model");
    heading(t, "family", "family");
    heading(t, "n_parameters", "million parameters");
    heading(t, "n_layers", "blocks L");
    heading(t, "d_model", "d");
    heading(t, "prompts_measured", "prompts measured");
    heading(t, "prompts", "prompts");
    for (int k = 0; k < n_labels; k++)
        for (int c = 0; c < 3; c++) {
            snprintf(a, sizeof a, "%s%s", csv[c], label[k]);
            snprintf(b, sizeof b, "%s%s", shown[c], label[k]);
            heading(t, a, b);
        }
    heading(t, "line_shape_score", "line-shape score");
    heading(t, "expodistance", "expodistance");
    heading(t, "growth_rate", "growth rate (1/block)");
    heading(t, "worst_residual", "worst residual");
    heading(t, "worst_orthogonality_loss", "worst orthogonality loss");
    heading(t, "status", "status");
    rj_table_end_row(t);
    rj_table_end_head(t);
}

static void model_row(rj_table_writer *t, const rj_summary *m, int n_labels, const char *const *label)
{
    rj_table_begin_row(t);
    rj_table_text(t, m->name);
    rj_table_text(t, m->family);
    rj_table_number(t, t->format == RJ_TABLE_CSV ? m->n_parameters : m->n_parameters / 1e6, "%.1f");
    rj_table_number(t, m->n_layers, "%.0f");
    rj_table_number(t, m->d_model, "%.0f");
    rj_table_number(t, m->measured ? (double)m->n_measured : NAN, "%.0f");
    rj_table_number(t, m->measured ? (double)m->n_prompts : NAN, "%.0f");
    for (int i = 0; i < n_labels; i++) {
        const ptrdiff_t k = rj_figure_find_k(m, label[i]);
        rj_table_number(t, k >= 0 ? rj_moment_mean(&m->coupling[k].misfit) : NAN, "%.3f");
        rj_table_number(t, k >= 0 ? rj_moment_mean(&m->coupling[k].null) : NAN, "%.3f");
        rj_table_number(t, k >= 0 ? rj_moment_mean(&m->coupling[k].excess) : NAN, "%.3f");
    }
    rj_table_number(t, rj_moment_mean(&m->line_shape_score), "%.3f");
    rj_table_number(t, rj_moment_mean(&m->expodistance), "%.3g");
    rj_table_number(t, rj_moment_mean(&m->growth_rate), "%.4f");
    rj_table_number(t, rj_histogram_most(&m->certificates.residual), "%.1e");
    rj_table_number(t, rj_histogram_most(&m->certificates.orthogonality), "%.1e");
    rj_table_text(t, m->status);
    rj_table_end_row(t);
}

rj_status rj_table_write(const rj_summaries *s, rj_table_format format, FILE *out)
{
    rj_status st = RJ_OK;
    rj_table_writer t = {.out = out, .format = format};
    const char **label = NULL;
    int n = 0;

    RJ_TRY(list_labels(s, &n, &label));
    if (format == RJ_TABLE_HTML) fputs("<table class=\"summary\">\n<thead>\n", out);
    head_row(&t, n, label);
    if (format == RJ_TABLE_HTML) fputs("</thead>\n<tbody>\n", out);
    for (int i = 0; i < s->n_models; i++) model_row(&t, &s->model[i], n, label);
    if (format == RJ_TABLE_HTML) fputs("</tbody>\n</table>\n", out);
done:
    RJ_FREE(label);
    return st;
}
