/* test_spectrum.c: the four scalars, and lines through points, by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <math.h>

#include <cmocka.h>

#include "resjac/metrics/fit.h"
#include "resjac/metrics/spectrum.h"

static int near(double a, double b)
{
    return fabs(a - b) <= 1e-14 * (1 + fabs(b));
}

static void scalars_by_hand(void **x)
{
    double s[] = {4, 2, 2, 0};
    rj_topk top = {.d = 4, .k = 1, .s = s, .n_all = 4, .s_all = s};
    rj_spectrum out;
    (void)x;
    rj_spectrum_measure(&top, sqrt(24), &out);
    assert_true(out.spectral == 4 && near(out.stable_rank, 1.5));
    assert_true(near(out.participation_ratio, 64.0 / 24));
    assert_true(near(out.effective_rank, pow(2, 1.5))); /* p = 1/2, 1/4, 1/4: 1.5 bits */
    for (int i = 0; i < 4; i++) s[i] *= 1e-200;
    rj_spectrum_measure(&top, sqrt(24) * 1e-200, &out);
    assert_true(near(out.participation_ratio, 64.0 / 24) && near(out.effective_rank, pow(2, 1.5)));
}

static void missing_where_undefined(void **x)
{
    double s[9] = {4, 2, 2, 1, 1, 1, 1, 1, 1}; /* what lies behind n_all must not be read */
    rj_topk top = {.d = 9, .k = 3, .s = s, .n_all = 3, .s_all = s};
    rj_spectrum out;
    (void)x;
    rj_spectrum_measure(&top, 5, &out);
    assert_true(out.spectral == 4 && out.stable_rank == 25.0 / 16);
    assert_true(isnan(out.participation_ratio) && isnan(out.effective_rank));
    s[0] = s[1] = s[2] = 0;
    top.d = 3;
    rj_spectrum_measure(&top, 0, &out);
    assert_true(out.spectral == 0 && isnan(out.stable_rank) && isnan(out.participation_ratio) &&
                isnan(out.effective_rank));
}

/* 1/s = 3, 5, -, 9, -: the line 1 + 2 l. */
static void depth_fit_by_hand(void **x)
{
    const double exact[] = {1.0 / 3, 1.0 / 5, NAN, 1.0 / 9, 0}, bent[] = {1, 0.5, 0.25};
    const double two[] = {1, NAN, 0.5}, flat[] = {0.1, 0.1, 0.1};
    double slope, r2;
    (void)x;
    rj_spectrum_depth_fit(5, exact, &slope, &r2);
    assert_true(near(slope, 2) && near(r2, 1));
    rj_spectrum_depth_fit(3, bent, &slope, &r2); /* xx = 2, xy = 3, yy = 14/3 */
    assert_true(near(slope, 1.5) && near(r2, 9.0 / (2 * 14.0 / 3)));
    rj_spectrum_depth_fit(3, two, &slope, &r2);
    assert_true(isnan(slope) && isnan(r2));
    rj_spectrum_depth_fit(3, flat, &slope, &r2);
    assert_true(isnan(slope) && isnan(r2));
}

static void line_of_degenerate_points(void **x)
{
    rj_line_sums none = {0}, upright = {0}, flat = {0}, far = {0};
    (void)x;
    assert_true(isnan(rj_line_fit(&none).slope));
    rj_line_add(&upright, 2, 1);
    rj_line_add(&upright, 2, 5);
    assert_true(isnan(rj_line_fit(&upright).slope) && isnan(rj_line_fit(&upright).r2));
    for (int i = 0; i < 5; i++) {
        rj_line_add(&flat, i, 0.7);
        rj_line_add(&far, i, 1e9 + 3.0 * i); /* a large mean costs nothing */
    }
    assert_true(near(rj_line_fit(&flat).intercept, 0.7) && fabs(rj_line_fit(&flat).slope) < 1e-15);
    assert_true(isnan(rj_line_fit(&flat).r2));
    assert_true(near(rj_line_fit(&far).slope, 3) && near(rj_line_fit(&far).intercept, 1e9));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scalars_by_hand),
        cmocka_unit_test(missing_where_undefined),
        cmocka_unit_test(depth_fit_by_hand),
        cmocka_unit_test(line_of_degenerate_points),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
