/* measures_shown.c: one K, because measures that differ in K alone tell the same twice. */
#include "measures_shown.h"

#include <stdio.h>
#include <string.h>

/* `%s` is the label of K. */
static const struct {
    const char *name, *words;
    bool rival;
} list[] = {
    {"excess_coupling_k%s_offdiag", "excess coupling", false},
    {"excess_coupling_k%s_adjacent", "excess, adjacent blocks", false},
    {"excess_coupling_drop1_k%s_offdiag", "excess, first dropped", false},
    {"excess_coupling_drop3_k%s_offdiag", "excess, three dropped", false},
    {"coupling_misfit_k%s_offdiag", "misfit", false},
    {"coupling_misfit_trace_k%s_offdiag", "misfit, by trace", false},
    {"subspace_uu_k%s_offdiag", "shared space, U", false},
    {"subspace_vv_k%s_offdiag", "shared space, V", false},
    {"line_shape_score", "line-shape score", false},
    {"expodistance", "expodistance", false},
    {"growth_rate", "growth rate", false},
    {"stable_rank", "stable rank", false},
    {"participation_ratio", "participation ratio", false},
    {"jacobian_spectral", "spectral norm", false},
    {"coupling_null_k%s", "chance level", true},
    {"ln_parameters", "ln parameters", true},
    {"n_layers", "blocks L", true},
    {"d_model", "width d", true},
};
enum { N_LIST = sizeof list / sizeof list[0] };
_Static_assert((int)N_LIST < (int)RJ_MOST_SHOWN, "the measure that is drawn is shown too");

/* Of the measure that is drawn, else of the first coupling: "_k<label>" up to its ending. */
void rj_measures_k(const rj_score_summary *s, char label[RJ_NAME_SIZE])
{
    label[0] = '\0';
    for (int i = -1; i < s->n_measures && label[0] == '\0'; i++) {
        const int m = i < 0 ? s->shown : i;
        const char *begin = m >= 0 ? strstr(s->measure[m], "_k") : NULL;
        if (begin == NULL) continue;
        snprintf(label, RJ_NAME_SIZE, "%s", begin + 2);
        char *ending = strrchr(label, '_');
        if (ending != NULL) *ending = '\0';
    }
}

static int find(const rj_score_summary *s, int i, const char *label)
{
    const char *k = strstr(list[i].name, "%s");
    char name[2 * RJ_NAME_SIZE];

    if (k == NULL) return rj_score_summary_measure(s, list[i].name);
    snprintf(name, sizeof name, "%.*s%s%s", (int)(k - list[i].name), list[i].name, label, k + 2);
    return rj_score_summary_measure(s, name);
}

int rj_measures_shown(const rj_score_summary *s, rj_measure_shown shown[RJ_MOST_SHOWN])
{
    char label[RJ_NAME_SIZE];
    bool drawn = s->shown < 0;
    int n = 0;

    rj_measures_k(s, label);
    for (int i = 0; i < N_LIST; i++) {
        const int m = find(s, i, label);
        if (m >= 0) shown[n++] = (rj_measure_shown){m, list[i].words, list[i].rival};
        drawn = drawn || m == s->shown;
    }
    if (drawn) return n;
    memmove(shown + 1, shown, (size_t)n * sizeof *shown);
    shown[0] = (rj_measure_shown){s->shown, s->measure[s->shown], false};
    return n + 1;
}
