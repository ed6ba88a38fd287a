/* figure.c: the list of figures with names that cannot collide, and the way from a kind to its writer. */
#include "resjac/report/figure.h"

#include <string.h>
#include <strings.h>

#include "figure_kinds.h"
#include "output.h"
#include "resjac/base/memory.h"

/* `word` stands in the file's name between whose and which it is. */
static const struct {
    const char *word;
    bool (*any)(const rj_figure_job *job);
    rj_status (*write)(const rj_figure_job *job);
} kinds[RJ_N_FIGURE_KINDS] = {
    [RJ_FIGURE_COUPLING] = {"coupling-k", rj_figure_coupling_any, rj_figure_coupling},
    [RJ_FIGURE_DISTANCE] = {"depth-distance", rj_figure_distance_any, rj_figure_distance},
    [RJ_FIGURE_SINGULAR] = {"singular-values", rj_figure_singular_any, rj_figure_singular},
    [RJ_FIGURE_GROWTH] = {"norm-growth", rj_figure_growth_any, rj_figure_growth},
    [RJ_FIGURE_TRAJECTORY] = {"trajectory", rj_figure_trajectory_any, rj_figure_trajectory},
    [RJ_FIGURE_TWIN] = {"trained-vs-random", rj_figure_twin_any, rj_figure_twin},
    [RJ_FIGURE_ALIGNMENT] = {"alignment-", rj_figure_alignment_any, rj_figure_alignment},
    [RJ_FIGURE_MODES] = {"token-modes-k", rj_figure_modes_any, rj_figure_modes},
    [RJ_FIGURE_TOKENS] = {"tokens-", rj_figure_tokens_any, rj_figure_tokens},
    [RJ_FIGURE_INFLUENCE] = {"influence", rj_figure_influence_any, rj_figure_influence},
    [RJ_FIGURE_OVERVIEW] = {"excess-coupling-k", rj_figure_overview_any, rj_figure_overview},
    [RJ_FIGURE_DISTANCES] = {"depth-distance-k", rj_figure_distances_any, rj_figure_distances},
    [RJ_FIGURE_EMERGENCE] = {"emergence", rj_figure_emergence_any, rj_figure_emergence},
    [RJ_FIGURE_SHAPE] = {"trajectory-scores", rj_figure_shape_any, rj_figure_shape},
    [RJ_FIGURE_SCORES] = {"against-", rj_figure_scores_any, rj_figure_scores},
    [RJ_FIGURE_FOREST] = {"against-", rj_figure_forest_any, rj_figure_forest},
    [RJ_FIGURE_MATRIX] = {"correlations", rj_figure_matrix_any, rj_figure_matrix},
    [RJ_FIGURE_CERTIFICATES] = {"certificates", rj_figure_certificates_any, rj_figure_certificates},
};

ptrdiff_t rj_figure_find_k(const rj_summary *model, const char *k_label)
{
    for (ptrdiff_t k = 0; k < model->n_k; k++)
        if (strcmp(model->k_label[k], k_label) == 0) return k;
    return -1;
}

const rj_summary *rj_figure_twin_of(const rj_summaries *all, const rj_summary *model)
{
    return model->twin >= 0 && all->model[model->twin].measured ? &all->model[model->twin] : NULL;
}

/* Names that differ only in characters replaced, or in letter case (some file systems), get a number. */
static void make_unique(int n, rj_figure *figure)
{
    rj_figure *mine = &figure[n];
    char wanted[RJ_STEM_SIZE];
    int number = 1;

    memcpy(wanted, mine->stem, sizeof wanted);
    for (int i = 0; i < n; i++)
        if (strcasecmp(figure[i].stem, mine->stem) == 0) {
            snprintf(mine->stem, sizeof mine->stem, "%.480s-%d", wanted, ++number);
            i = -1;
        }
}

/* `which_one`: a label of K, the id of a prompt, the name of a benchmark, or "". Returns the new figure. */
static rj_figure *add(int *n, rj_figure *figure, rj_figure_kind kind, int model, const char *name,
                      const char *which_one)
{
    char who[RJ_STEM_SIZE], which[RJ_STEM_SIZE] = "";
    rj_figure *f = &figure[*n];

    rj_escape_stem(name, who);
    if (which_one[0] != '\0') rj_escape_stem(which_one, which);
    f->kind = kind;
    f->model = model;
    snprintf(f->stem, sizeof f->stem, "%.128s-%s%.128s", who, kinds[kind].word, which);
    make_unique(*n, figure);
    ++*n;
    return f;
}

static rj_figure *add_of_k(int *n, rj_figure *figure, rj_figure_kind kind, int model, const char *name,
                           const char *k_label)
{
    rj_figure *f = add(n, figure, kind, model, name, k_label);

    snprintf(f->k_label, sizeof f->k_label, "%s", k_label);
    return f;
}

/* One of a kind for each K that any model has. */
static void add_overviews(const rj_summaries *s, rj_figure_kind kind, int *n, rj_figure *figure)
{
    const int first = *n;
    int originals = 0;

    for (int i = 0; i < s->n_models; i++) originals += s->model[i].measured && s->model[i].original < 0;
    if (originals < 2) return;
    for (int i = 0; i < s->n_models; i++)
        for (ptrdiff_t k = 0; k < s->model[i].n_k; k++) {
            bool known = false;
            for (int f = first; f < *n; f++)
                known = known || strcmp(figure[f].k_label, s->model[i].k_label[k]) == 0;
            if (!known) add_of_k(n, figure, kind, -1, "overview", s->model[i].k_label[k]);
        }
}

/* One figure a series, at its first checkpoint in the file. */
static void add_series(const rj_summaries *s, int *n, rj_figure *figure)
{
    for (int i = 0; i < s->n_models; i++) {
        bool first = s->model[i].series[0] != '\0' && s->model[i].trained;
        for (int j = 0; j < i && first; j++)
            first = !s->model[j].trained || strcmp(s->model[j].series, s->model[i].series) != 0;
        if (first) add(n, figure, RJ_FIGURE_EMERGENCE, i, s->model[i].series, "");
    }
}

/* The measure that is shown against each benchmark, all measures, and the measures against each other. */
static void add_scores(const rj_score_summary *s, int *n, rj_figure *figure)
{
    for (int b = 0; b < s->n_benchmarks; b++) {
        if (s->shown >= 0)
            add(n, figure, RJ_FIGURE_SCORES, -1, s->measure[s->shown], s->benchmark[b])->benchmark = b;
        add(n, figure, RJ_FIGURE_FOREST, -1, "measures", s->benchmark[b])->benchmark = b;
    }
    add(n, figure, RJ_FIGURE_MATRIX, -1, "overview", "");
}

/* The modes that were measured, and each of them; a K each. */
static void add_tokens(const rj_summary *m, int i, int *n, rj_figure *figure)
{
    char which[RJ_NAME_SIZE + 32];
    bool any = false;

    for (int mode = 0; mode < RJ_N_TOKEN_MODES; mode++) any = any || m->mode[mode].measured;
    for (ptrdiff_t k = 0; any && k < m->n_k; k++)
        add_of_k(n, figure, RJ_FIGURE_MODES, i, m->name, m->k_label[k]);
    for (rj_token_mode mode = 0; mode < RJ_N_TOKEN_MODES; mode++)
        for (ptrdiff_t k = 0; m->mode[mode].measured && k < m->n_k; k++) {
            snprintf(which, sizeof which, "%s-k%s", rj_token_mode_name[mode], m->k_label[k]);
            rj_figure *f = add(n, figure, RJ_FIGURE_TOKENS, i, m->name, which);
            snprintf(f->k_label, sizeof f->k_label, "%s", m->k_label[k]);
            f->mode = mode;
        }
    if (m->influence != NULL) add(n, figure, RJ_FIGURE_INFLUENCE, i, m->name, "");
}

static void add_model(const rj_summaries *s, int i, int *n, rj_figure *figure)
{
    const rj_summary *m = &s->model[i];
    /* A twin's singular values and excess stand in its original's figures. */
    const bool alone = m->original < 0 || !s->model[m->original].measured;

    for (ptrdiff_t k = 0; k < m->n_k; k++) add_of_k(n, figure, RJ_FIGURE_COUPLING, i, m->name, m->k_label[k]);
    if (alone) add(n, figure, RJ_FIGURE_TWIN, i, m->name, "");
    if (alone) add(n, figure, RJ_FIGURE_DISTANCE, i, m->name, "");
    for (ptrdiff_t a = 0; a < m->n_alignments; a++)
        add(n, figure, RJ_FIGURE_ALIGNMENT, i, m->name, m->alignment[a].prompt)->alignment = a;
    if (alone) add(n, figure, RJ_FIGURE_SINGULAR, i, m->name, "");
    add(n, figure, RJ_FIGURE_GROWTH, i, m->name, "");
    add(n, figure, RJ_FIGURE_TRAJECTORY, i, m->name, "");
    add_tokens(m, i, n, figure);
}

rj_status rj_figure_list(const rj_summaries *s, int *n, rj_figure **figure)
{
    rj_status st = RJ_OK;
    rj_figure *list = NULL;
    ptrdiff_t most =
        3 + 2 * s->scores->n_benchmarks; /* of all models; and what each may add, overviews too */
    int count = 0;

    for (int i = 0; i < s->n_models; i++)
        most += (4 + RJ_N_TOKEN_MODES) * s->model[i].n_k + s->model[i].n_alignments + RJ_N_FIGURE_KINDS;
    RJ_NEW(list, most, 1);
    add_overviews(s, RJ_FIGURE_OVERVIEW, &count, list);
    add_overviews(s, RJ_FIGURE_DISTANCES, &count, list);
    add_series(s, &count, list);
    add(&count, list, RJ_FIGURE_SHAPE, -1, "overview", "");
    add_scores(s->scores, &count, list);
    add(&count, list, RJ_FIGURE_CERTIFICATES, -1, "overview", "");
    for (int i = 0; i < s->n_models; i++)
        if (s->model[i].measured) add_model(s, i, &count, list);
    *n = count;
    *figure = list;
done:
    return st;
}

rj_status rj_figure_write(const rj_summaries *s, const char *folder, rj_figure *figure)
{
    rj_status st = RJ_OK;
    const rj_summary *m = figure->model >= 0 ? &s->model[figure->model] : NULL;
    FILE *csv = NULL, *script = NULL;
    rj_figure_job job = {.all = s, .figure = figure, .model = m, .k = -1};

    if (m != NULL && figure->k_label[0] != '\0') job.k = rj_figure_find_k(m, figure->k_label);
    figure->drawn = kinds[figure->kind].any(&job);
    if (!figure->drawn) goto done;
    RJ_TRY(rj_output_open(folder, figure->stem, ".csv", &csv));
    RJ_TRY(rj_output_open(folder, figure->stem, ".gp", &script));
    job.csv = csv;
    job.script = script;
    RJ_TRY(kinds[figure->kind].write(&job));
    fputs("set output\n", script);
done:
    st = rj_output_close(st, &script, figure->stem);
    st = rj_output_close(st, &csv, figure->stem);
    return st;
}
