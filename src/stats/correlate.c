/* correlate.c: one measure after the other; the models that have both numbers are packed together first. */
#include "resjac/stats/correlate.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "resjac/base/memory.h"
#include "resjac/stats/bootstrap.h"
#include "resjac/stats/correlation.h"
#include "resjac/stats/crossed.h"
#include "resjac/stats/distribution.h"
#include "resjac/stats/lineage.h"
#include "resjac/stats/multiple.h"
#include "resjac/stats/regression.h"

const rj_statistic rj_statistics[RJ_N_STATISTICS] = {
    {"n_models", "models with both numbers", true},
    {"pearson_r", "Pearson correlation of models, taken as independent", false},
    {"pearson_p", "two-sided p of pearson_r, models taken as independent", false},
    {"spearman_rho", "Spearman rank correlation of models, taken as independent", false},
    {"spearman_p", "two-sided p of spearman_rho, models taken as independent", false},
    {"kendall_tau", "Kendall tau-b of models, taken as independent", false},
    {"kendall_p", "two-sided p of kendall_tau, models taken as independent", false},
    {"slope", "least-squares slope of the score on the measure", false},
    {"slope_low", "lower end of the 95 % interval of slope, models taken as independent", false},
    {"slope_high", "upper end of the 95 % interval of slope, models taken as independent", false},
    {"intercept", "score at measure 0 on that line", false},
    {"r_squared", "share of the variance of the score on that line", false},
    {"permutation_p", "permutation p of pearson_r, models taken as independent", false},
    {"bootstrap_low", "2.5 % quantile of pearson_r, models resampled as independent", false},
    {"bootstrap_high", "97.5 % quantile of pearson_r, models resampled as independent", false},
    {"partial_r", "correlation given ln n_layers and ln d_model, models taken as independent", false},
    {"partial_p", "two-sided p of partial_r, models taken as independent", false},
    {"n_lineages", "lineages of those models", true},
    {"lineage_r", "Pearson correlation of the means of lineages: the primary statistic", false},
    {"lineage_p", "two-sided p of lineage_r: the primary test", false},
    {"lineage_low", "2.5 % quantile of lineage_r, lineages resampled", false},
    {"lineage_high", "97.5 % quantile of lineage_r, lineages resampled", false},
    {"lineage_permutation_p", "permutation p of lineage_r", false},
    {"lineage_partial_r", "correlation of the means of lineages given those of ln n_layers and ln d_model",
     false},
    {"lineage_partial_p", "two-sided p of lineage_partial_r", false},
    {"lineage_out_low", "smallest lineage_r with one lineage left out", false},
    {"lineage_out_high", "largest lineage_r with one lineage left out", false},
    {"prompt_low", "2.5 % quantile of lineage_r, prompts resampled, the same for all models", false},
    {"prompt_high", "97.5 % quantile of lineage_r, prompts resampled, the same for all models", false},
    {"within_lineage_slope", "slope of the score on the measure with an intercept for each lineage", false},
    {"n_effective", "independent models that would tell as much of the score's mean", false},
    {"icc", "intra-class correlation of the score by lineage, ICC(1)", false},
    {"q_value", "Benjamini-Yekutieli q of lineage_p over all pairs but the primary one", false},
};

/* The n models that have both numbers, and their lineages. */
typedef struct {
    int n, n_lineages;
    int *model, *id, *index;         /* [n] */
    double *x, *y, *mean_x, *mean_y; /* [n], [n_lineages] */
    double *control, *mean_control;  /* [RJ_N_CONTROLS, n], [.., n_lineages] */
    double *resampled;               /* [n_draws, n_models] of the measure */
    double *mean_b, *r;              /* [n_lineages], [n_draws] */
} sample;

static rj_status sample_create(const rj_study_values *s, const rj_study_rules *rules, sample *a)
{
    rj_status st = RJ_OK;

    RJ_NEW(a->model, s->n_models, 1);
    RJ_NEW(a->id, s->n_models, 1);
    RJ_NEW(a->index, s->n_models, 1);
    RJ_NEW(a->x, s->n_models, 1);
    RJ_NEW(a->y, s->n_models, 1);
    RJ_NEW(a->mean_x, s->n_models, 1);
    RJ_NEW(a->mean_y, s->n_models, 1);
    RJ_NEW(a->control, RJ_N_CONTROLS, s->n_models);
    RJ_NEW(a->mean_control, RJ_N_CONTROLS, s->n_models);
    RJ_NEW(a->resampled, rules->n_draws, s->n_models);
    RJ_NEW(a->mean_b, s->n_models, 1);
    RJ_NEW(a->r, rules->n_draws, 1);
done:
    return st;
}

static void sample_free(sample *a)
{
    rj_free(a->model);
    rj_free(a->id);
    rj_free(a->index);
    rj_free(a->x);
    rj_free(a->y);
    rj_free(a->mean_x);
    rj_free(a->mean_y);
    rj_free(a->control);
    rj_free(a->mean_control);
    rj_free(a->resampled);
    rj_free(a->mean_b);
    rj_free(a->r);
}

static void sample_take(const rj_study_values *s, int measure, int benchmark, sample *a)
{
    a->n = 0;
    for (int m = 0; m < s->n_models; m++) {
        const double x = s->value[(ptrdiff_t)m * s->n_measures + measure],
                     y = s->score[(ptrdiff_t)m * s->n_benchmarks + benchmark];
        if (!s->counts[m] || !isfinite(x) || !isfinite(y)) continue;
        a->model[a->n] = m;
        a->id[a->n] = s->lineage[m];
        a->x[a->n] = x;
        a->y[a->n++] = y;
    }
    a->n_lineages = rj_lineage_number(a->n, a->id, a->index);
    rj_lineage_means(a->n, a->index, a->n_lineages, a->x, a->mean_x);
    rj_lineage_means(a->n, a->index, a->n_lineages, a->y, a->mean_y);
    for (int q = 0; q < RJ_N_CONTROLS; q++) {
        double *c = a->control + (ptrdiff_t)q * a->n;
        for (int i = 0; i < a->n; i++) c[i] = s->control[(ptrdiff_t)q * s->n_models + a->model[i]];
        rj_lineage_means(a->n, a->index, a->n_lineages, c, a->mean_control + (ptrdiff_t)q * a->n_lineages);
    }
}

/* The stream of one purpose for one pair. */
static rj_rng stream(const rj_study_values *s, const rj_study_rules *rules, const char *purpose, int measure,
                     int benchmark)
{
    char name[512];

    snprintf(name, sizeof name, "statistics/%s/%s/%s", purpose, s->measure[measure], s->benchmark[benchmark]);
    return rj_rng_open(rules->seed, name);
}

/* Statistics of one model a point. */
static rj_status of_models(const rj_study_values *s, const rj_study_rules *rules, int measure, int benchmark,
                           const sample *a, double v[RJ_N_STATISTICS])
{
    rj_status st = RJ_OK;
    const rj_rng permute = stream(s, rules, "permutation", measure, benchmark),
                 boot = stream(s, rules, "bootstrap", measure, benchmark);
    rj_association spearman, kendall;
    rj_partial partial;

    if (a->n < RJ_LEAST_MODELS) goto done;
    const rj_association pearson = rj_pearson_test(a->n, a->x, a->y);
    const rj_regression line = rj_regress(a->n, a->x, a->y);
    RJ_TRY(rj_spearman_test(a->n, a->x, a->y, &spearman));
    RJ_TRY(rj_kendall_test(a->n, a->x, a->y, &kendall));
    v[RJ_STAT_PEARSON_R] = pearson.value;
    v[RJ_STAT_PEARSON_P] = pearson.p;
    v[RJ_STAT_SPEARMAN_RHO] = spearman.value;
    v[RJ_STAT_SPEARMAN_P] = spearman.p;
    v[RJ_STAT_KENDALL_TAU] = kendall.value;
    v[RJ_STAT_KENDALL_P] = kendall.p;
    v[RJ_STAT_SLOPE] = line.slope;
    v[RJ_STAT_SLOPE_LOW] = line.slope_low;
    v[RJ_STAT_SLOPE_HIGH] = line.slope_high;
    v[RJ_STAT_INTERCEPT] = line.intercept;
    v[RJ_STAT_R_SQUARED] = line.r_squared;
    RJ_TRY(rj_permutation_test(&permute, rules->n_draws, a->n, a->x, a->y, &v[RJ_STAT_PERMUTATION_P]));
    RJ_TRY(rj_bootstrap_correlation(&boot, rules->n_draws, a->n, a->x, a->y, &v[RJ_STAT_BOOTSTRAP_LOW],
                                    &v[RJ_STAT_BOOTSTRAP_HIGH]));
    if (s->is_control[measure]) goto done;
    RJ_TRY(rj_partial_correlation(a->n, a->x, a->y, RJ_N_CONTROLS, a->control, &partial));
    v[RJ_STAT_PARTIAL_R] = partial.r;
    v[RJ_STAT_PARTIAL_P] = partial.p;
done:
    return st;
}

/* lineage_r when the prompts are drawn again: every resampled measure against the same scores. */
static void of_prompts(const rj_study_values *s, const rj_study_rules *rules, const sample *a,
                       double v[RJ_N_STATISTICS])
{
    double *x = a->mean_b; /* [n], then the means of lineages */

    for (int draw = 0; draw < rules->n_draws; draw++) {
        const double *value = a->resampled + (ptrdiff_t)draw * s->n_models;
        bool whole = true;
        for (int g = 0; g < a->n_lineages; g++) {
            double sum = 0.0, size = 0.0;
            for (int i = 0; i < a->n; i++) {
                if (a->index[i] != g) continue;
                sum += value[a->model[i]];
                size += 1.0;
            }
            x[g] = sum / size;
            whole = whole && isfinite(x[g]);
        }
        a->r[draw] = whole ? rj_pearson(a->n_lineages, x, a->mean_y) : (double)NAN;
    }
    rj_interval(rules->n_draws, a->r, &v[RJ_STAT_PROMPT_LOW], &v[RJ_STAT_PROMPT_HIGH]);
}

/* Statistics of one lineage a point, and what lineages do to those of models. */
static rj_status of_lineages(const rj_study_values *s, const rj_study_rules *rules, int measure,
                             int benchmark, const sample *a, double v[RJ_N_STATISTICS])
{
    rj_status st = RJ_OK;
    const rj_rng permute = stream(s, rules, "lineage permutation", measure, benchmark),
                 boot = stream(s, rules, "lineage bootstrap", measure, benchmark);
    const int G = a->n_lineages;
    const double *x = a->mean_x, *y = a->mean_y;
    rj_partial partial;

    if (a->n < RJ_LEAST_MODELS) goto done;
    v[RJ_STAT_WITHIN_LINEAGE_SLOPE] = rj_within_slope(a->n, a->index, a->x, a->y, x, y);
    v[RJ_STAT_ICC] = rj_lineage_icc(a->n, a->index, G, a->y);
    v[RJ_STAT_N_EFFECTIVE] = rj_effective_n(a->n, a->index, G, v[RJ_STAT_ICC]);
    if (G < RJ_LEAST_LINEAGES) goto done;
    v[RJ_STAT_LINEAGE_R] = rj_pearson(G, x, y);
    v[RJ_STAT_LINEAGE_P] = rj_correlation_p(v[RJ_STAT_LINEAGE_R], G - 2);
    if (isnan(v[RJ_STAT_LINEAGE_R])) goto done;
    RJ_TRY(rj_permutation_test(&permute, rules->n_draws, G, x, y, &v[RJ_STAT_LINEAGE_PERMUTATION_P]));
    RJ_TRY(rj_bootstrap_correlation(&boot, rules->n_draws, G, x, y, &v[RJ_STAT_LINEAGE_LOW],
                                    &v[RJ_STAT_LINEAGE_HIGH]));
    rj_lineage_leave_out(G, x, y, &v[RJ_STAT_LINEAGE_OUT_LOW], &v[RJ_STAT_LINEAGE_OUT_HIGH]);
    if (s->n_prompts > 1) of_prompts(s, rules, a, v);
    if (s->is_control[measure]) goto done;
    RJ_TRY(rj_partial_correlation(G, x, y, RJ_N_CONTROLS, a->mean_control, &partial));
    v[RJ_STAT_LINEAGE_PARTIAL_R] = partial.r;
    v[RJ_STAT_LINEAGE_PARTIAL_P] = partial.p;
done:
    return st;
}

static void explain(const sample *a, char reason[RJ_REASON_SIZE])
{
    if (a->n < RJ_LEAST_MODELS)
        snprintf(reason, RJ_REASON_SIZE, "%d models have both numbers, needs %d", a->n, RJ_LEAST_MODELS);
    else if (rj_is_constant(a->n, a->x) || rj_is_constant(a->n, a->y))
        snprintf(reason, RJ_REASON_SIZE, "no variance in the %s",
                 rj_is_constant(a->n, a->x) ? "measure" : "scores");
    else if (a->n_lineages < RJ_LEAST_LINEAGES)
        snprintf(reason, RJ_REASON_SIZE, "%d lineages, needs %d", a->n_lineages, RJ_LEAST_LINEAGES);
    else if (rj_is_constant(a->n_lineages, a->mean_x) || rj_is_constant(a->n_lineages, a->mean_y))
        snprintf(reason, RJ_REASON_SIZE, "no variance between lineages in the %s",
                 rj_is_constant(a->n_lineages, a->mean_x) ? "measure" : "scores");
    else
        snprintf(reason, RJ_REASON_SIZE, "ok");
}

/* Intervals of the values of one measure, and its reliability; leaves the resampled means in the sample. */
static rj_status resample_prompts(const rj_study_values *s, const rj_study_rules *rules, int measure,
                                  sample *a, rj_correlations *c)
{
    rj_status st = RJ_OK;
    const double *value = s->prompt_value + (ptrdiff_t)measure * s->n_prompts * s->n_models;
    const rj_rng rng = rj_rng_open(rules->seed, "statistics/prompts"); /* one for all: prompts are crossed */

    RJ_TRY(rj_reliability(s->n_prompts, s->n_models, value, s->counts, &c->reliability[measure]));
    RJ_TRY(rj_crossed_means(&rng, rules->n_draws, s->n_prompts, s->n_models, value, a->resampled));
    for (int m = 0; m < s->n_models; m++) {
        const ptrdiff_t at = (ptrdiff_t)m * s->n_measures + measure;
        for (int draw = 0; draw < rules->n_draws; draw++)
            a->r[draw] = a->resampled[(ptrdiff_t)draw * s->n_models + m];
        c->low[at] = c->high[at] = (double)NAN;
        if (s->n_prompts > 1) rj_interval(rules->n_draws, a->r, &c->low[at], &c->high[at]);
    }
done:
    return st;
}

static rj_status one_measure(const rj_study_values *s, const rj_study_rules *rules, int measure, sample *a,
                             rj_correlations *c)
{
    rj_status st = RJ_OK;
    double v[RJ_N_STATISTICS];

    RJ_TRY(resample_prompts(s, rules, measure, a, c));
    for (int b = 0; b < s->n_benchmarks; b++) {
        const ptrdiff_t at = (ptrdiff_t)measure * s->n_benchmarks + b;
        for (int i = 0; i < RJ_N_STATISTICS; i++) v[i] = (double)NAN;
        sample_take(s, measure, b, a);
        v[RJ_STAT_N_MODELS] = a->n;
        v[RJ_STAT_N_LINEAGES] = a->n_lineages;
        explain(a, c->reason[at]);
        RJ_TRY(of_models(s, rules, measure, b, a, v));
        RJ_TRY(of_lineages(s, rules, measure, b, a, v));
        for (int i = 0; i < RJ_N_STATISTICS; i++) c->statistic[i][at] = v[i];
    }
done:
    return st;
}

static rj_status adjust(const rj_study_values *s, const rj_study_rules *rules, rj_correlations *c)
{
    rj_status st = RJ_OK;
    const ptrdiff_t n = (ptrdiff_t)s->n_measures * s->n_benchmarks;
    double *p = NULL;

    RJ_NEW(p, n, 1);
    memcpy(p, c->statistic[RJ_STAT_LINEAGE_P], (size_t)n * sizeof *p);
    if (rules->primary_measure >= 0)
        p[(ptrdiff_t)rules->primary_measure * s->n_benchmarks + rules->primary_benchmark] = (double)NAN;
    RJ_TRY(rj_benjamini_yekutieli(n, p, c->statistic[RJ_STAT_Q_VALUE]));
done:
    rj_free(p);
    return st;
}

rj_status rj_correlate(const rj_study_values *study, const rj_study_rules *rules, rj_correlations **result)
{
    rj_status st = RJ_OK;
    const rj_study_values *s = study;
    rj_correlations *c = NULL;
    sample a = {.n = 0};

    RJ_NEW(c, 1, 1);
    c->n_models = s->n_models;
    c->n_measures = s->n_measures;
    c->n_benchmarks = s->n_benchmarks;
    for (int i = 0; i < RJ_N_STATISTICS; i++) RJ_NEW(c->statistic[i], s->n_measures, s->n_benchmarks);
    RJ_NEW(c->reason, s->n_measures, s->n_benchmarks);
    RJ_NEW(c->low, s->n_models, s->n_measures);
    RJ_NEW(c->high, s->n_models, s->n_measures);
    RJ_NEW(c->reliability, s->n_measures, 1);
    RJ_TRY(sample_create(s, rules, &a));
    for (int m = 0; m < s->n_measures; m++) RJ_TRY(one_measure(s, rules, m, &a, c));
    RJ_TRY(adjust(s, rules, c));
    *result = c;
    c = NULL;
done:
    sample_free(&a);
    rj_correlations_free(&c);
    return st;
}

void rj_correlations_free(rj_correlations **result)
{
    rj_correlations *c = *result;

    if (c == NULL) return;
    for (int i = 0; i < RJ_N_STATISTICS; i++) rj_free(c->statistic[i]);
    rj_free(c->reason);
    rj_free(c->low);
    rj_free(c->high);
    rj_free(c->reliability);
    RJ_FREE(*result);
}
