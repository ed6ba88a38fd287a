/* model_rows.c: twins stand beside their originals, so that the eye compares them. */
#include "model_rows.h"

#include <math.h>

#include "place.h"
#include "style.h"

bool rj_rows_have(const rj_summaries *s, int model)
{
    const rj_summary *m = &s->model[model];
    return m->measured && (m->original < 0 || !s->model[m->original].measured);
}

int rj_rows_count(const rj_summaries *s)
{
    int n = 0;

    for (int i = 0; i < s->n_models; i++) n += rj_rows_have(s, i);
    return n;
}

bool rj_rows_twins(const rj_summaries *s)
{
    bool any = false;

    for (int i = 0; i < s->n_models; i++)
        any = any || (rj_rows_have(s, i) && rj_figure_twin_of(s, &s->model[i]) != NULL);
    return any;
}

int rj_rows_name_width(const rj_summaries *s)
{
    double longest = 0.0;
    char label[RJ_LABEL_SIZE];

    for (int i = 0; i < s->n_models; i++) {
        if (!rj_rows_have(s, i)) continue;
        rj_escape_label(s->model[i].name, label);
        longest = fmax(longest, rj_place_width(label, RJ_STYLE_FONT));
    }
    return (int)fmin(24.0 + longest, 0.6 * RJ_STYLE_WIDTH);
}

void rj_rows_axis(const rj_summaries *s, FILE *script)
{
    char label[RJ_LABEL_SIZE];
    int row = 0;

    fputs("set ytics () noenhanced\n", script);
    for (int i = 0; i < s->n_models; i++) {
        if (!rj_rows_have(s, i)) continue;
        rj_escape_label(s->model[i].name, label);
        fprintf(script, "set ytics add ('%s' %d)\n", label, ++row);
    }
    fprintf(script, "set yrange [%d.6:0.4]\n", row);
}
