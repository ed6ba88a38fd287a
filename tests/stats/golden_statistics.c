/* golden_statistics.c: every statistic of a sample against scipy and statsmodels (tests/oracle/study_statistics.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "resjac/base/json.h"
#include "resjac/base/memory.h"
#include "resjac/stats/correlation.h"
#include "resjac/stats/crossed.h"
#include "resjac/stats/distribution.h"
#include "resjac/stats/lineage.h"
#include "resjac/stats/multiple.h"
#include "resjac/stats/regression.h"

enum { MOST = 512 };

static rj_json *file;
static int n_compared;
static double worst;

static double number(const json_t *v)
{
    assert_true(json_is_number(v) || json_is_null(v));
    return json_is_null(v) ? (double)NAN : json_number_value(v);
}

/* A list of numbers, null as NAN; returns how many. */
static int list(const json_t *object, const char *key, double value[MOST])
{
    const json_t *from = json_object_get(object, key);
    const int n = (int)json_array_size(from);

    assert_true(n <= MOST);
    for (int i = 0; i < n; i++) value[i] = number(json_array_get(from, (size_t)i));
    return n;
}

/* Within 1e-10 of itself, or of the rounding of numbers of size 1 where it should be 0; missing where the oracle says so. */
static void compare(const char *sample, const char *what, double got, double want)
{
    const double off = fabs(got - want) / fmax(1e-5, fabs(want));

    n_compared++;
    if (isnan(got) && isnan(want)) return;
    if (!(off <= 1e-10)) fail_msg("%s: %s is %.17g, the oracle has %.17g", sample, what, got, want);
    worst = fmax(worst, off);
}

static void check_lineages(const char *name, const json_t *c, int n, const double *x, const double *y)
{
    const json_t *want = json_object_get(c, "lineage");
    double id[MOST], mx[MOST], my[MOST], mean[MOST], low, high;
    int whole[MOST], index[MOST];

    if (want == NULL) return;
    assert_int_equal(list(c, "lineage_id", id), n);
    for (int i = 0; i < n; i++) whole[i] = (int)id[i];
    const int G = rj_lineage_number(n, whole, index);
    rj_lineage_means(n, index, G, x, mx);
    rj_lineage_means(n, index, G, y, my);
    assert_int_equal(list(want, "mean_x", mean), G);
    for (int g = 0; g < G; g++) compare(name, "mean_x", mx[g], mean[g]);
    list(want, "mean_y", mean);
    for (int g = 0; g < G; g++) compare(name, "mean_y", my[g], mean[g]);
    compare(name, "within", rj_within_slope(n, index, x, y, mx, my), number(json_object_get(want, "within")));
    const double icc = rj_lineage_icc(n, index, G, y);
    compare(name, "icc", icc, number(json_object_get(want, "icc")));
    compare(name, "n_effective", rj_effective_n(n, index, G, icc),
            number(json_object_get(want, "n_effective")));
    if (G < 4) return;
    const double r = rj_pearson(G, mx, my);
    compare(name, "lineage r", r, number(json_object_get(want, "r")));
    compare(name, "lineage p", rj_correlation_p(r, G - 2), number(json_object_get(want, "p")));
    rj_lineage_leave_out(G, mx, my, &low, &high);
    compare(name, "out_low", low, number(json_object_get(want, "out_low")));
    compare(name, "out_high", high, number(json_object_get(want, "out_high")));
}

static void check_case(const json_t *c)
{
    const char *name = json_string_value(json_object_get(c, "name"));
    double x[MOST], y[MOST], want[MOST], control[2 * MOST];
    rj_association spearman, kendall;
    rj_partial partial;
    const int n = list(c, "x", x);

    assert_int_equal(list(c, "y", y), n);
    const rj_association pearson = rj_pearson_test(n, x, y);
    assert_int_equal(rj_spearman_test(n, x, y, &spearman), RJ_OK);
    assert_int_equal(rj_kendall_test(n, x, y, &kendall), RJ_OK);
    list(c, "pearson", want);
    compare(name, "r", pearson.value, want[0]);
    compare(name, "p of r", pearson.p, want[1]);
    list(c, "spearman", want);
    compare(name, "rho", spearman.value, want[0]);
    compare(name, "p of rho", spearman.p, want[1]);
    list(c, "kendall", want);
    compare(name, "tau", kendall.value, want[0]);
    compare(name, "p of tau", kendall.p, want[1]);
    const rj_regression fit = rj_regress(n, x, y);
    const double got[] = {fit.slope, fit.slope_low, fit.slope_high, fit.intercept, fit.r_squared};
    list(c, "line", want);
    for (int i = 0; i < 5; i++) compare(name, "line", got[i], want[i]);
    check_lineages(name, c, n, x, y);
    const int n_control = list(c, "controls", control);
    if (n_control == 0) return;
    assert_int_equal(rj_partial_correlation(n, x, y, n_control / n, control, &partial), RJ_OK);
    list(c, "partial", want);
    compare(name, "partial r", partial.r, want[0]);
    compare(name, "partial p", partial.p, want[1]);
    compare(name, "partial df", partial.df, want[2]);
}

static void samples(void **state)
{
    const json_t *cases = json_object_get(file->root, "cases");

    (void)state;
    assert_int_equal(json_array_size(cases), 20);
    for (size_t i = 0; i < json_array_size(cases); i++) check_case(json_array_get(cases, i));
    print_message("%d numbers, largest difference %.2g\n", n_compared, worst);
    assert_true(n_compared > 300);
}

static void distributions(void **state)
{
    const json_t *d = json_object_get(file->root, "distributions"),
                 *pairs = json_object_get(d, "correlation");
    double want[MOST], z[MOST];
    int n = list(d, "correlation_p", want);

    (void)state;
    assert_true(n == (int)json_array_size(pairs) && n > 20);
    for (int i = 0; i < n; i++) {
        const json_t *pair = json_array_get(pairs, (size_t)i);
        compare("correlation_p", "p",
                rj_correlation_p(number(json_array_get(pair, 0)), number(json_array_get(pair, 1))), want[i]);
    }
    n = list(d, "quantile_t", want);
    pairs = json_object_get(d, "quantile");
    assert_true(n == (int)json_array_size(pairs) && n > 20);
    for (int i = 0; i < n; i++) {
        const json_t *pair = json_array_get(pairs, (size_t)i);
        compare("student", "t",
                rj_student_quantile(number(json_array_get(pair, 0)), number(json_array_get(pair, 1))),
                want[i]);
    }
    n = list(d, "z_p", want);
    assert_int_equal(list(d, "z", z), n);
    for (int i = 0; i < n; i++) compare("normal", "p", rj_normal_p(z[i]), want[i]);
    assert_true(isnan(rj_correlation_p(NAN, 3)) && isnan(rj_correlation_p(0.5, 0)) &&
                isnan(rj_normal_p(NAN)));
    assert_true(isnan(rj_student_quantile(0, 3)) && isnan(rj_student_quantile(0.5, 0.5)));
}

static void adjusted(void **state)
{
    const json_t *many = json_object_get(file->root, "many");
    double p[MOST], want[MOST], q[MOST];
    const int n = list(many, "p", p);

    (void)state;
    assert_int_equal(list(many, "q", want), n);
    assert_int_equal(rj_benjamini_yekutieli(n, p, q), RJ_OK);
    for (int i = 0; i < n; i++) compare("many", "q", q[i], want[i]);
}

static void reliable(void **state)
{
    const json_t *r = json_object_get(file->root, "reliability");
    double value[MOST], got = 0;
    bool counts[9];

    (void)state;
    assert_int_equal(list(r, "value", value), 12 * 9);
    for (int m = 0; m < 9; m++) counts[m] = true;
    assert_int_equal(rj_reliability(12, 9, value, counts, &got), RJ_OK);
    compare("reliability", "alpha", got, number(json_object_get(r, "alpha")));
}

static int setup(void **state)
{
    const char *folder = getenv("RESJAC_GOLDEN");
    char path[2048];

    (void)state;
    if (folder == NULL) return -1;
    snprintf(path, sizeof path, "%s/statistics/cases.json", folder);
    return rj_json_open(path, 1 << 20, &file) == RJ_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    rj_json_close(&file);
    return rj_memory_live() == 0 ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples),
        cmocka_unit_test(distributions),
        cmocka_unit_test(adjusted),
        cmocka_unit_test(reliable),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
