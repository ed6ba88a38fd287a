/* test_correlate.c: a whole study: what is missing and why, twins, the primary pair, seeds; and how often the tests err where
 * nothing is related. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "resjac/base/memory.h"
#include "resjac/base/rng.h"
#include "resjac/stats/correlate.h"
#include "resjac/stats/correlation.h"
#include "resjac/stats/distribution.h"
#include "resjac/stats/lineage.h"

enum { MODELS = 9, MEASURES = 4, BENCHMARKS = 2, PROMPTS = 3 };

/* Nine models of five lineages and a twin; measures: a line in benchmark 0, noise, a constant, a control. */
typedef struct {
    double value[MODELS][MEASURES], score[MODELS][BENCHMARKS], control[RJ_N_CONTROLS][MODELS];
    double prompt[MEASURES][PROMPTS][MODELS];
    bool counts[MODELS], is_control[MEASURES];
    int lineage[MODELS];
    rj_study_values values;
    rj_study_rules rules;
} study;

static const char *const measures[] = {"line", "noise", "flat", "n_layers"}, *const benchmarks[] = {"a", "b"};

static void study_init(study *s)
{
    static const int lineage[MODELS] = {4, 4, 1, 1, 1, 0, 2, 3, 4};
    const rj_rng rng = rj_rng_open(5, "study");

    memset(s, 0, sizeof *s);
    memcpy(s->lineage, lineage, sizeof lineage);
    for (int m = 0; m < MODELS; m++) {
        double z[8];
        rj_rng_normals(&rng, (uint64_t)(8 * m), 8, z);
        s->counts[m] = m != MODELS - 1; /* the last is a twin */
        s->value[m][0] = m;
        s->value[m][1] = z[0];
        s->value[m][2] = 0.1;
        s->value[m][3] = 10 + 2 * m;
        s->score[m][0] = s->counts[m] ? 30 + 3 * m : 1e9;
        s->score[m][1] = m < 5 ? 40 + z[1] : (double)NAN;
        s->control[0][m] = log(s->value[m][3]);
        s->control[1][m] = z[2];
        for (int k = 0; k < MEASURES; k++)
            for (int p = 0; p < PROMPTS; p++)
                s->prompt[k][p][m] = k == 3 ? (double)NAN : s->value[m][k] + 0.01 * (p - 1) * z[4 + k];
    }
    s->is_control[3] = true;
    s->values = (rj_study_values){.n_models = MODELS,
                                  .n_measures = MEASURES,
                                  .n_benchmarks = BENCHMARKS,
                                  .n_prompts = PROMPTS,
                                  .measure = measures,
                                  .benchmark = benchmarks,
                                  .counts = s->counts,
                                  .lineage = s->lineage,
                                  .value = s->value[0],
                                  .score = s->score[0],
                                  .control = s->control[0],
                                  .is_control = s->is_control,
                                  .prompt_value = s->prompt[0][0]};
    s->rules = (rj_study_rules){.seed = 1, .n_draws = 200, .primary_measure = 0, .primary_benchmark = 0};
}

static void missing(void **state)
{
    study s;
    rj_correlations *c = NULL;

    (void)state;
    study_init(&s);
    assert_int_equal(rj_correlate(&s.values, &s.rules, &c), RJ_OK);
    double *const *v = c->statistic;
    assert_true(v[RJ_STAT_N_MODELS][0] == 8 && v[RJ_STAT_N_LINEAGES][0] == 5); /* the twin is no point */
    assert_true(v[RJ_STAT_N_MODELS][1] == 5 && v[RJ_STAT_N_LINEAGES][1] == 2); /* scores are missing */
    assert_string_equal(c->reason[0], "ok");
    assert_string_equal(c->reason[1], "2 lineages, needs 4");
    assert_string_equal(c->reason[4], "no variance in the measure");
    assert_true(fabs(v[RJ_STAT_PEARSON_R][0] - 1) < 1e-14 && fabs(v[RJ_STAT_SLOPE][0] - 3) < 1e-12);
    assert_true(fabs(v[RJ_STAT_LINEAGE_R][0] - 1) < 1e-14 && fabs(v[RJ_STAT_INTERCEPT][0] - 30) < 1e-12);
    assert_true(fabs(v[RJ_STAT_WITHIN_LINEAGE_SLOPE][0] - 3) < 1e-12);
    assert_true(v[RJ_STAT_PROMPT_LOW][0] > 0.99 && v[RJ_STAT_PROMPT_HIGH][0] <= 1);
    assert_true(isfinite(v[RJ_STAT_PEARSON_P][1]) && isnan(v[RJ_STAT_LINEAGE_R][1]) &&
                isnan(v[RJ_STAT_LINEAGE_P][1]) && isfinite(v[RJ_STAT_ICC][1]));
    for (int i = RJ_STAT_PEARSON_R; i <= RJ_STAT_PARTIAL_P; i++) assert_true(isnan(v[i][4]));
    assert_true(isnan(v[RJ_STAT_PARTIAL_R][6]) && isnan(v[RJ_STAT_LINEAGE_PARTIAL_R][6])); /* a control */
    assert_true(isfinite(v[RJ_STAT_PARTIAL_R][2]) && isfinite(v[RJ_STAT_LINEAGE_PARTIAL_P][2]));
    const double r =
        fabs(v[RJ_STAT_LINEAGE_R][2]); /* five lineages: Student's p for 3 degrees in closed form */
    assert_true(fabs(v[RJ_STAT_LINEAGE_P][2] - (1 - 2 / acos(-1) * (asin(r) + r * sqrt(1 - r * r)))) < 1e-13);
    assert_true(isnan(v[RJ_STAT_Q_VALUE][0])); /* the primary pair; two others have a p: q = p c m/i */
    const double p = v[RJ_STAT_LINEAGE_P][2], p3 = v[RJ_STAT_LINEAGE_P][6], lesser = fmin(p, p3);
    const double q_most = fmin(1, 1.5 * fmax(p, p3)), q_least = fmin(q_most, 3 * lesser);
    assert_true(fabs(v[RJ_STAT_Q_VALUE][2] - (p > p3 ? q_most : q_least)) < 1e-14);
    assert_true(fabs(v[RJ_STAT_Q_VALUE][6] - (p > p3 ? q_least : q_most)) < 1e-14);
    assert_true(c->low[1] < s.value[0][1] && s.value[0][1] < c->high[1]); /* the twin's too: */
    assert_true(isfinite(c->low[(MODELS - 1) * MEASURES]) && isnan(c->low[3]) && c->reliability[0] > 0.99);
    rj_correlations_free(&c);
    rj_correlations_free(&c);
}

static void assert_same(const rj_correlations *a, const rj_correlations *b, bool same)
{
    const size_t n = sizeof(double) * MEASURES * BENCHMARKS;
    bool equal = true;

    for (int i = 0; i < RJ_N_STATISTICS; i++)
        equal = equal && memcmp(a->statistic[i], b->statistic[i], n) == 0;
    assert_true(equal == same);
}

/* The same arguments give the same bits; another seed other intervals. A benchmark beside it changes no draw. */
static void seeds(void **state)
{
    study s;
    rj_correlations *a = NULL, *b = NULL;

    (void)state;
    study_init(&s);
    assert_int_equal(rj_correlate(&s.values, &s.rules, &a), RJ_OK);
    assert_int_equal(rj_correlate(&s.values, &s.rules, &b), RJ_OK);
    assert_same(a, b, true);
    rj_correlations_free(&b);
    s.rules.seed = 2;
    assert_int_equal(rj_correlate(&s.values, &s.rules, &b), RJ_OK);
    assert_same(a, b, false);
    assert_true(a->statistic[RJ_STAT_LINEAGE_LOW][2] != b->statistic[RJ_STAT_LINEAGE_LOW][2]);
    assert_true(a->statistic[RJ_STAT_LINEAGE_P][2] == b->statistic[RJ_STAT_LINEAGE_P][2]);
    rj_correlations_free(&b);
    s.rules.seed = 1;
    double alone[MODELS];
    for (int m = 0; m < MODELS; m++) alone[m] = s.score[m][0];
    s.values.n_benchmarks = 1;
    s.values.score = alone;
    assert_int_equal(rj_correlate(&s.values, &s.rules, &b), RJ_OK);
    assert_true(a->statistic[RJ_STAT_LINEAGE_LOW][2] == b->statistic[RJ_STAT_LINEAGE_LOW][1]);
    assert_true(a->statistic[RJ_STAT_PERMUTATION_P][2] == b->statistic[RJ_STAT_PERMUTATION_P][1]);
    rj_correlations_free(&a);
    rj_correlations_free(&b);
}

static void no_scores(void **state)
{
    study s;
    rj_correlations *c = NULL;

    (void)state;
    study_init(&s);
    s.values.n_benchmarks = 0;
    s.rules.primary_measure = -1;
    assert_int_equal(rj_correlate(&s.values, &s.rules, &c), RJ_OK);
    assert_true(isfinite(c->low[0]) && isfinite(c->reliability[0]));
    rj_correlations_free(&c);
}

static void no_memory(void **state)
{
    study s;
    rj_correlations *c = NULL;
    int n = 0;

    (void)state;
    study_init(&s);
    s.rules.n_draws = 5;
    for (;; n++) {
        rj_memory_fail_after(n);
        const rj_status st = rj_correlate(&s.values, &s.rules, &c);
        rj_memory_fail_after(-1);
        if (st == RJ_OK) break;
        assert_int_equal(st, RJ_ERR_NOMEM);
        assert_null(c);
        assert_int_equal(rj_memory_live(), 0);
    }
    assert_true(n > 60);
    rj_correlations_free(&c);
    assert_int_equal(rj_memory_live(), 0);
}

/* Models of G lineages in `size` each, measure and score unrelated, half of the variance of each between lineages. Shares
 * of n_studies in which a test says p <= 5 %. */
typedef struct {
    double models, lineages, permutation;
} share;

static share false_positives(int n_studies, int G, const int *size)
{
    enum { MOST_N = 64, MOST_G = 16 };
    static const char *const name[] = {"m"};
    share errors = {0, 0, 0};
    int n = 0, lineage[MOST_N];
    bool counts[MOST_N];
    const bool is_control = true; /* no partial correlations are needed */

    for (int g = 0; g < G; g++)
        for (int i = 0; i < size[g]; i++) lineage[n++] = g;
    for (int k = 0; k < n; k++) counts[k] = true;
    for (int k = 0; k < n_studies; k++) {
        const rj_rng rng = rj_rng_open((uint64_t)k, "null");
        double z[2 * (MOST_N + MOST_G)], x[MOST_N], y[MOST_N], control[RJ_N_CONTROLS * MOST_N] = {0};
        rj_correlations *c = NULL;
        rj_rng_normals(&rng, 0, 2 * (MOST_N + MOST_G), z);
        for (int i = 0; i < n; i++) {
            x[i] = z[lineage[i]] + z[2 * MOST_G + i];
            y[i] = z[MOST_G + lineage[i]] + z[2 * MOST_G + MOST_N + i];
        }
        const rj_study_values s = {.n_models = n,
                                   .n_measures = 1,
                                   .n_benchmarks = 1,
                                   .n_prompts = 1,
                                   .measure = name,
                                   .benchmark = name,
                                   .counts = counts,
                                   .lineage = lineage,
                                   .value = x,
                                   .score = y,
                                   .control = control,
                                   .is_control = &is_control,
                                   .prompt_value = x};
        const rj_study_rules rules = {(uint64_t)k, 199, -1, -1};
        assert_int_equal(rj_correlate(&s, &rules, &c), RJ_OK);
        errors.models += (c->statistic[RJ_STAT_PEARSON_P][0] <= 0.05) / (double)n_studies;
        errors.lineages += (c->statistic[RJ_STAT_LINEAGE_P][0] <= 0.05) / (double)n_studies;
        errors.permutation += (c->statistic[RJ_STAT_LINEAGE_PERMUTATION_P][0] <= 0.05) / (double)n_studies;
        rj_correlations_free(&c);
    }
    return errors;
}

/* 40 models of 10 or 11 lineages. Bounds are four standard deviations of a share of 1500: 4 sqrt(.05 .95/1500) = 0.0225. */
static void nominal_level(void **state)
{
    const int equal[] = {4, 4, 4, 4, 4, 4, 4, 4, 4, 4}, unequal[] = {1, 1, 1, 2, 2, 3, 3, 4, 5, 8, 10};
    const share a = false_positives(1500, 10, equal), b = false_positives(1500, 11, unequal);

    (void)state;
    print_message("wrong at 5 %%, equal lineages: models %.3f, lineages %.3f, permutation %.3f\n", a.models,
                  a.lineages, a.permutation);
    print_message("wrong at 5 %%, unequal lineages: models %.3f, lineages %.3f, permutation %.3f\n", b.models,
                  b.lineages, b.permutation);
    assert_true(fabs(a.lineages - 0.05) < 0.0225 && fabs(b.lineages - 0.05) < 0.0225);
    assert_true(fabs(a.permutation - 0.05) < 0.0225 && fabs(b.permutation - 0.05) < 0.0225);
    assert_true(a.models > 0.1 && b.models > 0.1); /* why the lineage is the unit */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(missing),   cmocka_unit_test(seeds),         cmocka_unit_test(no_scores),
        cmocka_unit_test(no_memory), cmocka_unit_test(nominal_level),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
