/* figure.c: the list of figures with names that cannot collide, and the way from a kind to its writer. */
#include "resjac/report/figure.h"

#include <string.h>
#include <strings.h>

#include "figure_kinds.h"
#include "output.h"
#include "resjac/base/memory.h"

const char *const rj_figure_title[RJ_N_FIGURE_KINDS] = {
    "Coupling between blocks",
    "Singular values over depth",
    "Growth of the hidden state",
    "Path of the last token",
    "Trained against untrained",
    "All models",
    "Measure against score",
    "Jacobians in the directions of other blocks",
};

const char *const rj_figure_caption[RJ_N_FIGURE_KINDS] = {
    "Each block <i>l</i> adds <i>f<sup>l</sup>(x)</i> to the residual stream; its residual Jacobian "
    "<i>J<sup>l</sup></i> is the derivative of that addition. A cell asks: do the leading <i>K</i> singular "
    "directions "
    "of block <i>j</i> also diagonalise the Jacobian of block <i>i</i>? <b>Misfit</b> 0 means yes, exactly. "
    "<b>Null</b> is the misfit that unrelated directions would give, on the same colour scale. <b>Excess</b> "
    "= 1 &minus; "
    "misfit/null: 0 is chance, 1 is perfect coupling. Brighter is more coupled. The diagonal (<i>i</i> = "
    "<i>j</i>) "
    "fits by construction and is greyed out. Means over prompts; a model and its twin share their colour "
    "scales.",
    "The leading singular values <i>s<sub>k</sub></i> of each block's residual Jacobian say how strongly the "
    "block acts "
    "on its most sensitive directions. Lines: geometric mean over prompts; bands: one standard deviation of "
    "ln "
    "<i>s<sub>k</sub></i>. Where there is a twin, an untrained copy of the same architecture stands beside "
    "it on the "
    "same axis.",
    "The norm of the last token's hidden state after each block, as a logarithm: a straight line is "
    "exponential growth "
    "over depth. Thin lines: prompts (evenly chosen if there are many); bold: mean over all prompts; dashed: "
    "the fitted "
    "exponential. The line-shape score is 1 for a perfectly straight path and larger for a winding one.",
    "The hidden states of several prompts from input (circle) to last block (square), seen on their two "
    "leading principal "
    "components; each path has components of its own, their signs chosen so that it starts at the lower "
    "left. The colour is the depth. A regular path shows "
    "blocks that act together.",
    "Mean excess coupling over all pairs of different blocks, for each <i>K</i>; whiskers: standard "
    "deviation over those "
    "pairs. The twin has the same architecture and random weights, so what it shows is not learned.",
    "Mean excess coupling over pairs of different blocks, model by model; whiskers: standard deviation over "
    "those pairs. "
    "Filled: trained; open: random-init twin.",
    "Each dot is a trained model, coloured by lineage (models that share their pre-training); grey bars: "
    "what "
    "another choice of prompts would change. Diamonds are means of lineages: the correlation and the p in "
    "the title are "
    "theirs, because models of one lineage are not independent. The line and its band are those of all "
    "models, taken "
    "as independent, so the band is too narrow.",
    "What one cell of the coupling maps summarises, for one prompt. Each small picture is a matrix: the "
    "Jacobian of "
    "block <i>i</i> (row of pictures) seen in the leading singular directions of block <i>j</i> (column of "
    "pictures), |<i>U<sub>j</sub></i>&#8242; <i>J<sub>i</sub></i> <i>V<sub>j</sub></i>|; its first row "
    "and "
    "column, top left, belong to the strongest direction. Colours are logarithmic, and relative to the "
    "largest "
    "singular value of <i>J<sub>i</sub></i>: 1 is as strong as block <i>i</i> can be, 0.001 or less is "
    "darkest. Where "
    "<i>i</i> = <i>j</i> a picture is diagonal by construction, its diagonal the singular values. A bright "
    "diagonal "
    "elsewhere is coupling: block <i>i</i> stretches the very directions of block <i>j</i>, one by one. A "
    "bright "
    "corner without a diagonal says that the blocks share a space but mix its directions; a dark or even "
    "picture, "
    "that they have nothing to do with each other. At most six blocks are shown, evenly chosen.",
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

/* `which_one`: a label of K, or the id of a prompt, or "". */
static void add(int *n, rj_figure *figure, rj_figure_kind kind, int model, const char *name,
                const char *which_one)
{
    static const char *const word[RJ_N_FIGURE_KINDS] = {
        "coupling-k",        "singular-values",   "norm-growth", "trajectory",
        "trained-vs-random", "excess-coupling-k", "against-",        "alignment-"};
    char who[RJ_STEM_SIZE], which[RJ_STEM_SIZE] = "";
    rj_figure *f = &figure[*n];

    rj_escape_stem(name, who);
    if (which_one[0] != '\0') rj_escape_stem(which_one, which);
    f->kind = kind;
    f->model = model;
    if (kind != RJ_FIGURE_ALIGNMENT) snprintf(f->k_label, sizeof f->k_label, "%s", which_one);
    snprintf(f->stem, sizeof f->stem, "%.128s-%s%.128s", who, word[kind], which);
    make_unique(*n, figure);
    ++*n;
}

/* One overview for each K that any model has. */
static void add_overviews(const rj_summaries *s, int *n, rj_figure *figure)
{
    int originals = 0;

    for (int i = 0; i < s->n_models; i++) originals += s->model[i].measured && s->model[i].original < 0;
    if (originals < 2) return;
    for (int i = 0; i < s->n_models; i++)
        for (ptrdiff_t k = 0; k < s->model[i].n_k; k++) {
            bool known = false;
            for (int f = 0; f < *n; f++)
                known = known || strcmp(figure[f].k_label, s->model[i].k_label[k]) == 0;
            if (!known) add(n, figure, RJ_FIGURE_OVERVIEW, -1, "overview", s->model[i].k_label[k]);
        }
}

/* The measure that is shown against each benchmark. */
static void add_scores(const rj_score_summary *s, int *n, rj_figure *figure)
{
    for (int b = 0; s != NULL && s->shown >= 0 && b < s->n_benchmarks; b++) {
        add(n, figure, RJ_FIGURE_SCORES, RJ_FIGURE_OF_SCORES, s->measure[s->shown], s->benchmark[b]);
        figure[*n - 1].k_label[0] = '\0';
        figure[*n - 1].benchmark = b;
    }
}

rj_status rj_figure_list(const rj_summaries *s, int *n, rj_figure **figure)
{
    rj_status st = RJ_OK;
    rj_figure *list = NULL;
    ptrdiff_t most = 0;
    int count = 0;

    for (int i = 0; i < s->n_models; i++)
        most += 2 * s->model[i].n_k + s->model[i].n_alignments + RJ_N_FIGURE_KINDS;
    if (s->scores != NULL) most += s->scores->n_benchmarks;
    RJ_NEW(list, most, 1);
    add_overviews(s, &count, list);
    add_scores(s->scores, &count, list);
    for (int i = 0; i < s->n_models; i++) {
        const rj_summary *m = &s->model[i];
        if (!m->measured) continue;
        for (ptrdiff_t k = 0; k < m->n_k; k++)
            add(&count, list, RJ_FIGURE_COUPLING, i, m->name, m->k_label[k]);
        for (ptrdiff_t a = 0; a < m->n_alignments; a++) {
            list[count].alignment = a;
            add(&count, list, RJ_FIGURE_ALIGNMENT, i, m->name, m->alignment[a].prompt);
        }
        /* A twin's singular values and excess stand in its original's figures. */
        const bool alone = m->original < 0 || !s->model[m->original].measured;
        if (alone) add(&count, list, RJ_FIGURE_SINGULAR, i, m->name, "");
        add(&count, list, RJ_FIGURE_GROWTH, i, m->name, "");
        add(&count, list, RJ_FIGURE_TRAJECTORY, i, m->name, "");
        if (alone) add(&count, list, RJ_FIGURE_TWIN, i, m->name, "");
    }
    *n = count;
    *figure = list;
done:
    return st;
}

static bool any(const rj_summaries *s, const rj_figure *f)
{
    const rj_summary *m = f->model >= 0 ? &s->model[f->model] : NULL;
    bool found = false;

    switch (f->kind) {
    case RJ_FIGURE_COUPLING:
        return rj_figure_coupling_any(m, rj_figure_find_k(m, f->k_label));
    case RJ_FIGURE_SINGULAR:
        return rj_figure_singular_any(m);
    case RJ_FIGURE_GROWTH:
        return rj_figure_growth_any(m);
    case RJ_FIGURE_TRAJECTORY:
        return rj_figure_trajectory_any(m);
    case RJ_FIGURE_TWIN:
        for (ptrdiff_t k = 0; k < m->n_k; k++) found = found || rj_figure_excess_any(m, k);
        return found;
    case RJ_FIGURE_OVERVIEW:
        for (int i = 0; i < s->n_models; i++)
            found = found || rj_figure_excess_any(&s->model[i], rj_figure_find_k(&s->model[i], f->k_label));
        return found;
    case RJ_FIGURE_SCORES:
        return rj_figure_scores_any(s, f);
    case RJ_FIGURE_ALIGNMENT:
        return rj_figure_alignment_any(m, f->alignment);
    case RJ_N_FIGURE_KINDS:
        break;
    }
    return found;
}

static void write_kind(const rj_figure_job *job)
{
    const rj_figure *f = job->figure;

    switch (f->kind) {
    case RJ_FIGURE_COUPLING:
        rj_figure_coupling(job, rj_figure_find_k(&job->all->model[f->model], f->k_label));
        break;
    case RJ_FIGURE_SINGULAR:
        rj_figure_singular(job);
        break;
    case RJ_FIGURE_GROWTH:
        rj_figure_growth(job);
        break;
    case RJ_FIGURE_TRAJECTORY:
        rj_figure_trajectory(job);
        break;
    case RJ_FIGURE_TWIN:
        rj_figure_twin(job);
        break;
    case RJ_FIGURE_OVERVIEW:
        rj_figure_overview(job);
        break;
    case RJ_FIGURE_SCORES:
        rj_figure_scores(job);
        break;
    case RJ_FIGURE_ALIGNMENT:
        rj_figure_alignment(job, f->alignment);
        break;
    case RJ_N_FIGURE_KINDS:
        break;
    }
}

rj_status rj_figure_write(const rj_summaries *s, const char *folder, rj_figure *figure)
{
    rj_status st = RJ_OK;
    FILE *csv = NULL, *script = NULL;

    figure->drawn = any(s, figure);
    if (!figure->drawn) goto done;
    RJ_TRY(rj_output_open(folder, figure->stem, ".csv", &csv));
    RJ_TRY(rj_output_open(folder, figure->stem, ".gp", &script));
    write_kind(&(rj_figure_job){.all = s, .figure = figure, .csv = csv, .script = script});
    fputs("set output\n", script);
done:
    st = rj_output_close(st, &script, figure->stem);
    st = rj_output_close(st, &csv, figure->stem);
    return st;
}
