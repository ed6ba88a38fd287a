/* test_statistics.c: answers by hand, identities, draws that do not depend on their order, and lost memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <math.h>
#include <string.h>

#include <cmocka.h>

#include "resjac/base/memory.h"
#include "resjac/stats/bootstrap.h"
#include "resjac/stats/correlation.h"
#include "resjac/stats/crossed.h"
#include "resjac/stats/lineage.h"
#include "resjac/stats/multiple.h"
#include "resjac/stats/regression.h"
#include "resjac/stats/scores.h"

static void assert_near(double got, double want)
{
    if (!(fabs(got - want) <= 1e-14 * fmax(1, fabs(want)))) fail_msg("%.17g is not %.17g", got, want);
}

/* x = 1 2 3 4, y = 1 3 2 4: sums of products 4, of squares 5 and 5; one discordant pair of six. */
static void by_hand(void **state)
{
    const double x[] = {1, 2, 3, 4}, y[] = {1, 3, 2, 4};
    rj_association kendall;

    (void)state;
    const rj_association r = rj_pearson_test(4, x, y);
    assert_near(r.value, 0.8);
    assert_near(r.p, 0.2); /* df = 2: p = 1 - |r| */
    assert_int_equal(rj_kendall_test(4, x, y, &kendall), RJ_OK);
    assert_near(kendall.value, 4.0 / 6);
    assert_near(kendall.p, 2 * (1 + 3) / 24.0); /* orders of four with no or one exchange: 1 and 3 */
    const rj_regression line = rj_regress(4, x, y);
    assert_near(line.slope, 0.8);
    assert_near(line.intercept, 0.5);
    assert_near(line.r_squared, 0.64);
    assert_near(line.slope_high - line.slope, line.slope - line.slope_low);
    assert_true(isnan(rj_pearson_test(2, x, y).value) && isnan(rj_regress(2, x, y).slope));
}

static void constant(void **state)
{
    const double x[] = {0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1}, y[] = {1, 2, 3, 4, 5, 6, 8},
                 z[] = {1e6, 1e6 + 1e-6, 1e6, 1e6, 1e6, 1e6, 1e6};
    rj_association a;

    (void)state;
    assert_true(rj_is_constant(7, x) && !rj_is_constant(7, y) && !rj_is_constant(7, z) &&
                rj_is_constant(1, y));
    assert_true(isnan(rj_pearson(7, x, y)) && isnan(rj_pearson(7, y, x)));
    assert_int_equal(rj_spearman_test(7, x, y, &a), RJ_OK);
    assert_true(isnan(a.value) && isnan(a.p));
    assert_int_equal(rj_kendall_test(7, y, x, &a), RJ_OK);
    assert_true(isnan(a.value) && isnan(a.p));
}

/* Lineages 7: {1, 3}, 2: {6}, 9: {4, 4, 10}. */
static void lineages(void **state)
{
    const int id[] = {7, 2, 7, 9, 9, 9};
    const double x[] = {1, 6, 3, 4, 4, 10}, y[] = {2, 0, 4, 1, 1, 4};
    int index[6];
    double mx[3], my[3];

    (void)state;
    assert_int_equal(rj_lineage_number(6, id, index), 3);
    assert_memory_equal(index, ((int[]){0, 1, 0, 2, 2, 2}), sizeof index);
    rj_lineage_means(6, index, 3, x, mx);
    rj_lineage_means(6, index, 3, y, my);
    assert_near(mx[0], 2);
    assert_near(mx[1], 6);
    assert_near(mx[2], 6);
    /* within: xx = 2 + 24, xy = 2 + (-2)(-1) 2 + 4 2 = 14 */
    assert_near(rj_within_slope(6, index, x, y, mx, my), 14.0 / 26);
    /* y: means 3, 0, 2, all 2: between = 2 + 4 + 0 over 2, within = 2 + 6 over 3, m = (6 - 14/6)/2 */
    const double m = (6 - 14.0 / 6) / 2, b = 3, w = 8.0 / 3;
    assert_near(rj_lineage_icc(6, index, 3, y), (b - w) / (b + (m - 1) * w));
    assert_near(rj_effective_n(6, index, 3, 0.5), 2 / 1.5 + 1 + 3 / 2.0);
    assert_near(rj_effective_n(6, index, 3, -0.5), 6);
    assert_near(rj_effective_n(6, index, 3, NAN), 6);
    const int alone[] = {0, 1, 2};
    assert_true(isnan(rj_within_slope(3, alone, x, y, x, y)) && isnan(rj_lineage_icc(3, alone, 3, y)));
}

/* Points on a line but for the last: without it r = 1. */
static void leave_out(void **state)
{
    const double x[] = {1, 2, 3, 4, 5}, y[] = {2, 4, 6, 8, 0}, flat[] = {1, 1, 1, 1, 5};
    double low, high;

    (void)state;
    rj_lineage_leave_out(5, x, y, &low, &high);
    assert_near(high, 1);
    assert_true(low < 0);
    rj_lineage_leave_out(3, x, y, &low, &high);
    assert_true(isnan(low) && isnan(high));
    rj_lineage_leave_out(5, flat, y, &low, &high); /* no variance without the last */
    assert_true(isnan(low) && isnan(high));
}

/* What the control explains is gone: x = c + e, y = 2c - e, with e orthogonal to 1 and c. */
static void partial(void **state)
{
    const double c[] = {-3, -1, 1, 3, 0, 0}, e[] = {1, -1, -1, 1, 2, -2};
    double x[6], y[6];
    rj_partial p;

    (void)state;
    for (int i = 0; i < 6; i++) {
        x[i] = 5 + c[i] + e[i];
        y[i] = 1 + 2 * c[i] - e[i];
    }
    assert_int_equal(rj_partial_correlation(6, x, y, 1, c, &p), RJ_OK);
    assert_near(p.r, -1);
    assert_int_equal(p.df, 3);
    assert_int_equal(rj_partial_correlation(6, c, y, 1, c, &p), RJ_OK);
    assert_true(isnan(p.r) && isnan(p.p)); /* nothing is left of x */
    assert_int_equal(rj_partial_correlation(3, x, y, 1, c, &p), RJ_OK);
    assert_true(isnan(p.r)); /* no degree of freedom */
}

/* p = .01 .02 .03: c = 11/6; 3 c p/i = .055 .055 .055. */
static void benjamini_yekutieli(void **state)
{
    const double p[] = {0.02, NAN, 0.01, 0.03};
    double q[4];

    (void)state;
    assert_int_equal(rj_benjamini_yekutieli(4, p, q), RJ_OK);
    assert_near(q[0], 0.055);
    assert_true(isnan(q[1]));
    assert_near(q[2], 0.055);
    assert_near(q[3], 0.055);
}

static void draws(void **state)
{
    const rj_rng rng = rj_rng_open(3, "a");
    int one[9], two[9], count[9] = {0}, first[4] = {0};

    (void)state;
    rj_draw_permutation(&rng, 5, 9, one);
    for (int draw = 7; draw >= 5; draw--) rj_draw_permutation(&rng, draw, 9, two);
    assert_memory_equal(one, two, sizeof one);
    for (int i = 0; i < 9; i++) count[one[i]]++;
    for (int i = 0; i < 9; i++) assert_int_equal(count[i], 1);
    for (int draw = 0; draw < 4000; draw++) { /* each of four comes first 1000 times: 4 sd are 110 */
        rj_draw_permutation(&rng, draw, 4, one);
        first[one[0]]++;
    }
    for (int i = 0; i < 4; i++) assert_in_range(first[i], 890, 1110);
    memset(count, 0, sizeof count);
    for (int draw = 0; draw < 1000; draw++) {
        rj_draw_resample(&rng, draw, 9, one);
        for (int i = 0; i < 9; i++) count[one[i]]++;
    }
    for (int i = 0; i < 9; i++) assert_in_range(count[i], 880, 1120);
}

/* Of the 24 orders of four points only the identity and its mirror reach |r| = 1. */
static void permutation(void **state)
{
    const double x[] = {1, 2, 3, 4}, y[] = {10, 20, 30, 40}, flat[] = {1, 1, 1, 1};
    const rj_rng rng = rj_rng_open(1, "p"), other = rj_rng_open(2, "p");
    double p, again, third;

    (void)state;
    assert_int_equal(rj_permutation_test(&rng, 4999, 4, x, y, &p), RJ_OK);
    assert_true(fabs(p - 1.0 / 12) < 4 * sqrt(1.0 / 12 * 11 / 12 / 4999));
    assert_int_equal(rj_permutation_test(&rng, 4999, 4, x, y, &again), RJ_OK);
    assert_true(p == again);
    assert_int_equal(rj_permutation_test(&other, 4999, 4, x, y, &third), RJ_OK);
    assert_true(p != third);
    const double line[] = {1, 2, 3, 4,  5,  6,
                           7, 8, 9, 11, 13, 17}; /* none of 99 orders of twelve is as good: 1/(99 + 1) */
    assert_int_equal(rj_permutation_test(&rng, 99, 12, line, line, &p), RJ_OK);
    assert_near(p, 0.01);
    assert_int_equal(rj_permutation_test(&rng, 99, 4, x, flat, &p), RJ_OK);
    assert_true(isnan(p));
}

static void bootstrap(void **state)
{
    double x[60], y[60], noise[120], low, high, five[] = {5, 1, NAN, 4, 2, 3};
    const rj_rng rng = rj_rng_open(1, "b");

    (void)state;
    rj_interval(6, five, &low, &high); /* of 1..5, positions 0.1 and 3.9 */
    assert_near(low, 1.1);
    assert_near(high, 4.9);
    rj_rng_normals(&rng, 0, 120, noise);
    for (int i = 0; i < 60; i++) {
        x[i] = noise[i];
        y[i] = 0.6 * noise[i] + 0.8 * noise[60 + i];
    }
    assert_int_equal(rj_bootstrap_correlation(&rng, 2000, 60, x, y, &low, &high), RJ_OK);
    const double r = rj_pearson(60, x, y), z = atanh(r), half = 1.96 / sqrt(57); /* Fisher's interval */
    assert_true(low < r && r < high);
    assert_true(fabs(low - tanh(z - half)) < 0.06 && fabs(high - tanh(z + half)) < 0.06);
    assert_int_equal(rj_bootstrap_correlation(&rng, 50, 2, x, y, &low, &high), RJ_OK);
    assert_true(isnan(low) && isnan(high));
}

/* Model 1 is model 0 plus 10 on every prompt, model 2 lacks prompts: crossed, the first two move as one. */
static void crossed(void **state)
{
    const double value[] = {1, 11, NAN, 2, 12, 5, 4, 14, NAN, 9, 19, NAN};
    const bool counts[] = {true, true, false}, all[] = {true, true, true};
    const rj_rng rng = rj_rng_open(1, "c");
    double mean[3 * 500], low, high, sum = 0, alpha;
    int n_missing = 0;

    (void)state;
    assert_int_equal(rj_crossed_means(&rng, 500, 4, 3, value, mean), RJ_OK);
    for (int draw = 0; draw < 500; draw++) {
        assert_near(mean[3 * draw + 1] - mean[3 * draw], 10);
        n_missing += isnan(mean[3 * draw + 2]);
        assert_true(isnan(mean[3 * draw + 2]) || mean[3 * draw + 2] == 5);
        sum += mean[3 * draw] / 500;
    }
    assert_true(fabs(sum - 4) < 4 * sqrt(38.0 / 4 / 4 / 500));
    assert_in_range(n_missing, 115, 202); /* (3/4)^4 of 500 = 158, sd 10.4 */
    for (int draw = 0; draw < 500; draw++) mean[draw] = mean[3 * draw];
    rj_interval(500, mean, &low, &high);
    assert_true(1 <= low && low < 4 && 4 < high && high <= 9);
    assert_int_equal(rj_reliability(4, 3, value, counts, &alpha), RJ_OK);
    assert_near(alpha, 1); /* prompts shift both models alike */
    assert_int_equal(rj_reliability(4, 3, value, all, &alpha), RJ_OK);
    assert_true(isnan(alpha)); /* one prompt is left */
}

static rj_status take(const char *text, int n, const char *const *column, rj_scores **scores)
{
    rj_csv *csv = NULL;
    rj_status st = rj_csv_parse("s.csv", text, strlen(text), &csv);

    if (st == RJ_OK) st = rj_scores_take(csv, n, column, scores);
    rj_csv_free(&csv);
    return st;
}

static void assert_refused(const char *text, const char *part)
{
    static const char *const column[] = {"v1"};
    rj_scores *s = NULL;

    assert_int_equal(take(text, 1, column, &s), RJ_ERR_FORMAT);
    assert_null(s);
    if (strstr(rj_status_message(), part) == NULL) fail_msg("no \"%s\" in \"%s\"", part, rj_status_message());
}

static void scores(void **state)
{
    static const char *const column[] = {"v2", "v1"};
    rj_scores *s = NULL;

    (void)state;
    assert_int_equal(take("v1,model,x,v2,lineage\n1,a,?,2,L\n,b,?,3,\n", 2, column, &s), RJ_OK);
    assert_int_equal(s->n_rows, 2);
    assert_int_equal(rj_scores_find(s, "b"), 1);
    assert_int_equal(rj_scores_find(s, "B"), -1);
    assert_true(s->value[0] == 2 && s->value[1] == 1 && s->value[2] == 3 && isnan(s->value[3]));
    assert_string_equal(s->lineage[0], "L");
    assert_string_equal(s->lineage[1], "");
    assert_int_equal(s->line[1], 3);
    rj_scores_free(&s);
    assert_refused("model,v2\na,1\n", "s.csv: has no column \"v1\"; its columns are model, v2");
    assert_refused("name,v1\na,1\n", "s.csv: has no column \"model\"");
    assert_refused("model,v1\na,1\nb,2\na,3\n", "s.csv:4: model \"a\" has a row already, on line 2");
    assert_refused("model,v1\n,1\n", "s.csv:2: column model is empty");
    assert_refused("model,v1\na,1,5\n", "s.csv:2: more than the 2 fields");
    assert_refused("model,v1\na,x5\n", "s.csv:2: column v1 has \"x5\"");
    char text[200] = "model,v1\n";
    memset(text + 9, 'a', 128);
    strcpy(text + 137, ",1\n");
    assert_refused(text, "s.csv:2: column model has 128 bytes, at most 127");
}

static rj_status everything(void)
{
    static const char *const column[] = {"v1"};
    const double x[] = {1, 2, 3, 4, 6}, y[] = {1, 3, 2, 4, 4}, c[] = {1, 0, 1, 2, 2};
    const rj_rng rng = rj_rng_open(1, "m");
    const bool counts[] = {true};
    rj_status st = RJ_OK;
    rj_association a;
    rj_partial partial_result;
    rj_scores *s = NULL;
    double p, q[5];

    RJ_TRY(rj_spearman_test(5, x, y, &a));
    RJ_TRY(rj_kendall_test(5, x, c, &a));
    RJ_TRY(rj_kendall_test(4, x, y, &a));
    RJ_TRY(rj_partial_correlation(5, x, y, 1, c, &partial_result));
    RJ_TRY(rj_permutation_test(&rng, 9, 5, x, y, &p));
    RJ_TRY(rj_bootstrap_correlation(&rng, 9, 5, x, y, &q[0], &q[1]));
    RJ_TRY(rj_crossed_means(&rng, 5, 5, 1, x, q));
    RJ_TRY(rj_reliability(5, 1, x, counts, &p));
    RJ_TRY(rj_benjamini_yekutieli(5, x, q));
    RJ_TRY(take("model,v1\na,1\n", 1, column, &s));
done:
    rj_scores_free(&s);
    return st;
}

static void no_memory(void **state)
{
    int n = 0;

    (void)state;
    for (;; n++) {
        rj_memory_fail_after(n);
        const rj_status st = everything();
        rj_memory_fail_after(-1);
        assert_int_equal(rj_memory_live(), 0);
        if (st == RJ_OK) break;
        assert_int_equal(st, RJ_ERR_NOMEM);
    }
    assert_in_range(n, 25, 60);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_hand),   cmocka_unit_test(constant),    cmocka_unit_test(lineages),
        cmocka_unit_test(leave_out), cmocka_unit_test(partial),     cmocka_unit_test(benjamini_yekutieli),
        cmocka_unit_test(draws),     cmocka_unit_test(permutation), cmocka_unit_test(bootstrap),
        cmocka_unit_test(crossed),   cmocka_unit_test(scores),      cmocka_unit_test(no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
