/* test_topk.c: triplets by hand, certificates that are true, fixed signs, equal bits, each error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <math.h>
#include <string.h>

#include <cmocka.h>

#include "resjac/base/memory.h"
#include "resjac/base/rng.h"
#include "resjac/linalg/blas.h"
#include "resjac/linalg/topk.h"

enum { D = 48, K = 6 };

static rj_matrix random_new(rj_arithmetic type)
{
    const rj_rng rng = rj_rng_open(5, "topk");
    rj_matrix a;
    double column[D];
    assert_int_equal(rj_matrix_new(type, D, D, &a), RJ_OK);
    for (int j = 0; j < D; j++) {
        rj_rng_normals(&rng, (uint64_t)(100 * j), D, column);
        for (int i = 0; i < D; i++) column[i] /= 1 + j; /* decaying */
        rj_matrix_set_column(&a, j, column);
    }
    return a;
}

/* J e1 = -2 e3, J e2 = 0, J e3 = 7 e2: s = (7,2,0), u = (e2, e3), v = (e3, -e1). */
static void three_by_three_by_hand(void **x)
{
    rj_matrix jac;
    rj_topk top;
    double u[3], v[3];
    (void)x;
    assert_int_equal(rj_matrix_new(RJ_DOUBLE, 3, 3, &jac), RJ_OK);
    rj_matrix_set_column(&jac, 0, (double[]){0, 0, -2});
    rj_matrix_set_column(&jac, 2, (double[]){0, 7, 0});
    assert_int_equal(rj_topk_full(&jac, 2, &top), RJ_OK);
    assert_true(top.d == 3 && top.k == 2 && top.n_all == 3 && top.method == RJ_SVD_FULL);
    assert_true(fabs(top.s[0] - 7) < 1e-14 && fabs(top.s[1] - 2) < 1e-14);
    assert_true(top.s_all[0] == top.s[0] && top.s_all[1] == top.s[1] && fabs(top.s_all[2]) < 1e-15);
    rj_matrix_get_column(&top.u, 1, u);
    rj_matrix_get_column(&top.v, 1, v);
    assert_true(fabs(u[2] - 1) < 1e-15 && fabs(v[0] + 1) < 1e-15); /* u is the positive one */
    assert_true(fabs(rj_topk_gap(&top, 1) - 5.0 / 7) < 1e-14);
    assert_true(fabs(rj_topk_gap(&top, 2) - 2.0 / 7) < 1e-14);
    assert_true(rj_topk_gap(&top, 3) < 1e-15); /* s_3 = 0 = s_4 */
    assert_int_equal(rj_topk_rank(&top), 2);
    rj_topk_free(&top);
    assert_true(top.s == NULL && top.u.data == NULL);
    rj_topk_free(&top);
    rj_matrix_free(&jac);
}

static void gap_ends_at_zero_only_after_the_last_value(void **x)
{
    double s[] = {8, 6, 5, 4};
    const rj_topk top = {.d = 4, .k = 2, .n_all = 4, .s = s, .s_all = s},
                  few = {.d = 9, .n_all = 3, .s_all = s};
    (void)x;
    assert_true(rj_topk_gap(&top, 1) == 0.25 && rj_topk_gap(&top, 2) == 0.125 &&
                rj_topk_gap(&top, 4) == 0.125);
    assert_true(rj_topk_gap(&few, 2) == 0.125 && isnan(rj_topk_gap(&few, 3)));
    s[0] = s[1] = s[2] = s[3] = 0;
    assert_true(rj_topk_gap(&top, 2) == 0);
    s[0] = s[1] = 1;
    assert_true(rj_topk_gap(&top, 1) == 0 && rj_topk_gap(&top, 2) == 0);
}

/* The stored certificates against products taken here in double. */
static void certificates_are_true(void **x)
{
    const rj_arithmetic types[] = {RJ_SINGLE, RJ_DOUBLE};
    double v[D], u[D], y[D];
    (void)x;
    for (int t = 0; t < 2; t++) {
        rj_matrix jac = random_new(types[t]);
        rj_topk top;
        const double few_eps = 50 * rj_matrix_epsilon(types[t]);
        assert_int_equal(rj_topk_full(&jac, K, &top), RJ_OK);
        for (int i = 0; i < K; i++) {
            double right = 0, left = 0;
            int largest = 0;
            rj_matrix_get_column(&top.u, i, u);
            rj_matrix_get_column(&top.v, i, v);
            rj_matrix_times('N', &jac, v, y);
            for (int r = 0; r < D; r++) right += (y[r] - top.s[i] * u[r]) * (y[r] - top.s[i] * u[r]);
            rj_matrix_times('T', &jac, u, y);
            for (int r = 0; r < D; r++) left += (y[r] - top.s[i] * v[r]) * (y[r] - top.s[i] * v[r]);
            assert_true(fabs(sqrt(right) / top.s[0] - top.residual_right[i]) < few_eps);
            assert_true(fabs(sqrt(left) / top.s[0] - top.residual_left[i]) < few_eps);
            assert_true(sqrt(right) / top.s[0] < 3 * few_eps && sqrt(left) / top.s[0] < 3 * few_eps);
            for (int r = 0; r < D; r++) largest = fabs(u[r]) > fabs(u[largest]) ? r : largest;
            assert_true(u[largest] > 0);
        }
        assert_true(top.orthogonality_loss < 3 * few_eps);
        rj_topk_free(&top);
        rj_matrix_free(&jac);
    }
}

/* Singular values in double and single, and ||J||_F^2 = sum s^2. */
static void all_values_are_kept(void **x)
{
    rj_matrix jac = random_new(RJ_DOUBLE), single = random_new(RJ_SINGLE);
    rj_topk top, top_single;
    double squares = 0;
    (void)x;
    assert_int_equal(rj_topk_full(&jac, 1, &top), RJ_OK);
    assert_int_equal(rj_topk_full(&single, D, &top_single), RJ_OK);
    for (int i = 0; i < D; i++) {
        squares += top.s_all[i] * top.s_all[i];
        assert_true(fabs(top.s_all[i] - top_single.s_all[i]) < 5e-6 * top.s[0]);
    }
    const double frobenius = rj_matrix_frobenius(&jac);
    assert_true(fabs(squares / frobenius / frobenius - 1) < 1e-13);
    rj_topk_free(&top);
    rj_topk_free(&top_single);
    rj_matrix_free(&jac);
    rj_matrix_free(&single);
}

static void equal_input_gives_equal_bits_and_stays(void **x)
{
    rj_matrix jac = random_new(RJ_SINGLE), before = random_new(RJ_SINGLE);
    rj_topk one, two;
    (void)x;
    assert_int_equal(rj_topk_full(&jac, K, &one), RJ_OK);
    assert_true(rj_matrix_max_difference(&jac, &before) == 0);
    assert_int_equal(rj_topk_full(&jac, K, &two), RJ_OK);
    assert_memory_equal(one.u.data, two.u.data, D * K * sizeof(float));
    assert_memory_equal(one.v.data, two.v.data, D * K * sizeof(float));
    assert_memory_equal(one.s_all, two.s_all, D * sizeof(double));
    rj_topk_free(&one);
    rj_topk_free(&two);
    rj_matrix_free(&jac);
    rj_matrix_free(&before);
}

static void zero_matrix_has_zero_values(void **x)
{
    rj_matrix jac;
    rj_topk top;
    (void)x;
    assert_int_equal(rj_matrix_new(RJ_SINGLE, 5, 5, &jac), RJ_OK);
    assert_int_equal(rj_topk_full(&jac, 3, &top), RJ_OK);
    for (int i = 0; i < 3; i++)
        assert_true(top.s[i] == 0 && top.residual_right[i] == 0 && top.residual_left[i] == 0);
    assert_true(top.orthogonality_loss < 1e-6 && rj_topk_gap(&top, 3) == 0);
    rj_topk_free(&top);
    rj_matrix_free(&jac);
}

static void bad_input_is_refused(void **x)
{
    rj_matrix jac = random_new(RJ_DOUBLE);
    rj_topk top = {.d = -7};
    (void)x;
    assert_int_equal(rj_topk_full(&jac, 0, &top), RJ_ERR_ARG);
    assert_non_null(strstr(rj_status_message(), "0 triplets of J 48x48: needs a square J and 1..48"));
    assert_int_equal(rj_topk_full(&jac, D + 1, &top), RJ_ERR_ARG);
    const rj_matrix wide = rj_matrix_block(&jac, 0, 0, D - 1, D);
    assert_int_equal(rj_topk_full(&wide, 1, &top), RJ_ERR_ARG);
    ((double *)jac.data)[5 + 3 * D] = NAN;
    assert_int_equal(rj_topk_full(&jac, K, &top), RJ_ERR_NUMERIC);
    assert_non_null(strstr(rj_status_message(), "J [48,48] has nan at (5,3)"));
    ((double *)jac.data)[5 + 3 * D] = -INFINITY;
    assert_int_equal(rj_topk_full(&jac, K, &top), RJ_ERR_NUMERIC);
    assert_non_null(strstr(rj_status_message(), "-inf at (5,3)"));
    assert_int_equal(top.d, -7);
    rj_matrix_free(&jac);
}

static void every_allocation_may_fail(void **x)
{
    rj_matrix jac = random_new(RJ_DOUBLE);
    rj_topk top = {.d = -7};
    const ptrdiff_t live = rj_memory_live();
    int failures = 0;
    (void)x;
    for (;; failures++) {
        rj_memory_fail_after(failures);
        const rj_status st = rj_topk_full(&jac, K, &top);
        rj_memory_fail_after(-1);
        if (st == RJ_OK) break;
        assert_int_equal(st, RJ_ERR_NOMEM);
        assert_int_equal(top.d, -7);
        assert_int_equal(rj_memory_live(), live);
    }
    assert_true(failures > 10);
    rj_topk_free(&top);
    rj_matrix_free(&jac);
}

static int no_leak(void **x)
{
    (void)x;
    return rj_memory_live() != 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(three_by_three_by_hand, no_leak),
        cmocka_unit_test_teardown(gap_ends_at_zero_only_after_the_last_value, no_leak),
        cmocka_unit_test_teardown(certificates_are_true, no_leak),
        cmocka_unit_test_teardown(all_values_are_kept, no_leak),
        cmocka_unit_test_teardown(equal_input_gives_equal_bits_and_stays, no_leak),
        cmocka_unit_test_teardown(zero_matrix_has_zero_values, no_leak),
        cmocka_unit_test_teardown(bad_input_is_refused, no_leak),
        cmocka_unit_test_teardown(every_allocation_may_fail, no_leak),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
