/* table_scores.c: for people the pairs that answer the question, for programs all pairs and all numbers. */
#include <math.h>
#include <string.h>

#include "resjac/base/memory.h"
#include "table_cells.h"

/* Columns of Markdown and HTML. */
static const struct {
    rj_statistic_id id;
    const char *shown, *fmt;
} column[] = {
    {RJ_STAT_N_LINEAGES, "lineages", "%.0f"},
    {RJ_STAT_LINEAGE_R, "lineage r", "%.3f"},
    {RJ_STAT_LINEAGE_LOW, "95 % from", "%.3f"},
    {RJ_STAT_LINEAGE_HIGH, "to", "%.3f"},
    {RJ_STAT_LINEAGE_P, "p", "%.2g"},
    {RJ_STAT_Q_VALUE, "q", "%.2g"},
    {RJ_STAT_LINEAGE_PARTIAL_R, "r given L, d", "%.3f"},
    {RJ_STAT_LINEAGE_OUT_LOW, "one lineage out, from", "%.3f"},
    {RJ_STAT_LINEAGE_OUT_HIGH, "to", "%.3f"},
    {RJ_STAT_N_MODELS, "models", "%.0f"},
    {RJ_STAT_PEARSON_R, "Pearson r (iid)", "%.3f"},
    {RJ_STAT_SPEARMAN_RHO, "Spearman (iid)", "%.3f"},
};
enum { N_COLUMNS = sizeof column / sizeof column[0] };

/* What is drawn, coupling between different blocks, and the rivals that it must beat. */
static bool is_shown(const rj_score_summary *s, int measure)
{
    static const char *const begin[] = {"excess_coupling_k", "coupling_null_k", "line_shape_score",
                                        "ln_parameters",     "n_layers",        "d_model"};
    const char *name = s->measure[measure];
    const size_t n = strlen(name);

    if (measure == s->primary) return true;
    if (n > 9 && strcmp(name + n - 9, "_adjacent") == 0) return false;
    for (size_t i = 0; i < sizeof begin / sizeof begin[0]; i++)
        if (strncmp(name, begin[i], strlen(begin[i])) == 0) return true;
    return false;
}

static void head_row(rj_table_writer *t)
{
    const bool csv = t->format == RJ_TABLE_CSV;

    t->head = true;
    rj_table_begin_row(t);
    rj_table_text(t, "measure");
    rj_table_text(t, "benchmark");
    for (int i = 0; i < (csv ? (int)RJ_N_STATISTICS : (int)N_COLUMNS); i++)
        rj_table_text(t, csv ? rj_statistics[i].name : column[i].shown);
    rj_table_text(t, "reliability");
    rj_table_text(t, csv ? "statistics_status" : "test");
    rj_table_end_row(t);
    rj_table_end_head(t);
}

static void pair_row(rj_table_writer *t, const rj_score_summary *s, int measure, int benchmark)
{
    const ptrdiff_t at = (ptrdiff_t)measure * s->n_benchmarks + benchmark;
    const bool csv = t->format == RJ_TABLE_CSV;
    char name[RJ_NAME_SIZE + 16];

    snprintf(name, sizeof name, "%s%s", s->measure[measure],
             !csv && measure == s->primary && benchmark == 0 ? " (primary)" : "");
    rj_table_begin_row(t);
    rj_table_text(t, name);
    rj_table_text(t, s->benchmark[benchmark]);
    for (int i = 0; i < (csv ? (int)RJ_N_STATISTICS : (int)N_COLUMNS); i++)
        rj_table_number(t, s->statistic[csv ? i : (int)column[i].id][at], csv ? "" : column[i].fmt);
    rj_table_number(t, s->reliability[measure], "%.3f");
    rj_table_text(t, s->reason[at]);
    rj_table_end_row(t);
}

void rj_table_write_scores(const rj_score_summary *scores, rj_table_format format, FILE *out)
{
    const rj_score_summary *s = scores;
    rj_table_writer t = {.out = out, .format = format};

    if (format == RJ_TABLE_HTML) fputs("<table class=\"scores\">\n<thead>\n", out);
    head_row(&t);
    if (format == RJ_TABLE_HTML) fputs("</thead>\n<tbody>\n", out);
    for (int b = 0; b < s->n_benchmarks; b++)
        for (int m = 0; m < s->n_measures; m++)
            if (format == RJ_TABLE_CSV || is_shown(s, m)) pair_row(&t, s, m, b);
    if (format == RJ_TABLE_HTML) fputs("</tbody>\n</table>\n", out);
}
