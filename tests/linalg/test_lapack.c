/* test_lapack.c: singular values by hand, the decomposition put together again for every shape, and its errors. */
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
#include "resjac/linalg/lapack.h"

static rj_matrix random_new(rj_arithmetic type, int m, int n, double scale)
{
    const rj_rng rng = rj_rng_open(3, "svd");
    rj_matrix a;
    double column[256];
    assert_int_equal(rj_matrix_new(type, m, n, &a), RJ_OK);
    for (int j = 0; j < n; j++) {
        rj_rng_normals(&rng, (uint64_t)(1000 * j), (uint64_t)m, column);
        for (int i = 0; i < m; i++) column[i] *= scale;
        rj_matrix_set_column(&a, j, column);
    }
    return a;
}

/* [3 0; 4 5] has s^2 = 45 and 5. */
static void two_by_two_by_hand(void **x)
{
    rj_matrix a, u, v;
    double s[2];
    (void)x;
    assert_int_equal(rj_matrix_new(RJ_DOUBLE, 2, 2, &a), RJ_OK);
    assert_int_equal(rj_matrix_new(RJ_DOUBLE, 2, 1, &u), RJ_OK);
    assert_int_equal(rj_matrix_new(RJ_DOUBLE, 2, 1, &v), RJ_OK);
    rj_matrix_set_column(&a, 0, (double[]){3, 4});
    rj_matrix_set_column(&a, 1, (double[]){0, 5});
    assert_int_equal(rj_lapack_svd(&a, 1, s, &u, &v), RJ_OK);
    assert_true(fabs(s[0] - sqrt(45)) < 1e-14 && fabs(s[1] - sqrt(5)) < 1e-14);
    const double *v_1 = v.data, *u_1 = u.data; /* v = (1,1)/sqrt(2), u = (1,3)/sqrt(10) up to a common sign */
    assert_true(fabs(v_1[0] - v_1[1]) < 1e-15 && fabs(fabs(v_1[0]) - sqrt(0.5)) < 1e-15);
    assert_true(fabs(3 * u_1[0] - u_1[1]) < 1e-14 && u_1[0] * v_1[0] > 0);
    rj_matrix_free(&a);
    rj_matrix_free(&u);
    rj_matrix_free(&v);
}

static double orthogonality(const rj_matrix *q)
{
    rj_matrix gram, one;
    assert_int_equal(rj_matrix_new(q->type, q->cols, q->cols, &gram), RJ_OK);
    assert_int_equal(rj_matrix_new(q->type, q->cols, q->cols, &one), RJ_OK);
    rj_gemm('T', 'N', 1.0, q, q, 0.0, &gram);
    rj_matrix_identity(&one);
    const double loss = rj_matrix_max_difference(&gram, &one);
    rj_matrix_free(&gram);
    rj_matrix_free(&one);
    return loss;
}

/* A = U S V' from all triplets, orthonormal frames, and the same s and leading columns for a smaller k. */
static void check_shape(rj_arithmetic type, int m, int n, double scale)
{
    enum { MOST = 256 };
    const int q = m < n ? m : n, few = q / 3;
    const double tolerance = 60 * rj_matrix_epsilon(type);
    double s[MOST], again[MOST];
    rj_matrix a = random_new(type, m, n, scale), work = random_new(type, m, n, scale), u, v, us;
    assert_int_equal(rj_matrix_new(type, m, q, &u), RJ_OK);
    assert_int_equal(rj_matrix_new(type, n, q, &v), RJ_OK);
    assert_int_equal(rj_lapack_svd(&work, q, s, &u, &v), RJ_OK);
    assert_true(orthogonality(&u) < tolerance && orthogonality(&v) < tolerance);
    for (int i = 0; i + 1 < q; i++) assert_true(s[i] >= s[i + 1] && s[i + 1] >= 0);
    assert_int_equal(rj_matrix_new(type, m, q, &us), RJ_OK);
    rj_matrix_copy(&u, &us);
    rj_matrix_scale_columns(s, &us);
    rj_gemm('N', 'T', -1.0, &us, &v, 1.0, &a);
    assert_true(rj_matrix_frobenius(&a) <= tolerance * (q > 0 ? s[0] : 0));
    rj_matrix_free(&work);
    work = random_new(type, m, n, scale);
    rj_matrix u_few = rj_matrix_block(&us, 0, 0, m, few), v_few = rj_matrix_block(&v, 0, q - few, n, few);
    const rj_matrix u_lead = rj_matrix_block(&u, 0, 0, m, few);
    assert_int_equal(rj_lapack_svd(&work, few, again, &u_few, &v_few), RJ_OK);
    assert_memory_equal(s, again, (size_t)q * sizeof *s);
    assert_true(rj_matrix_max_difference(&u_lead, &u_few) < tolerance);
    rj_matrix_free(&us);
    rj_matrix_free(&v);
    rj_matrix_free(&u);
    rj_matrix_free(&work);
    rj_matrix_free(&a);
}

static void decomposition_rebuilds_the_matrix(void **x)
{
    const int shape[][2] = {{1, 1}, {2, 2}, {70, 70}, {200, 9}, {9, 200}, {65, 64}, {1, 5}, {5, 1}};
    (void)x;
    for (size_t i = 0; i < sizeof shape / sizeof *shape; i++) {
        check_shape(RJ_DOUBLE, shape[i][0], shape[i][1], 1);
        check_shape(RJ_SINGLE, shape[i][0], shape[i][1], 1);
    }
    check_shape(RJ_SINGLE, 40, 40, 1e-30); /* squares vanish in single */
    check_shape(RJ_SINGLE, 40, 40, 1e30);
    check_shape(RJ_DOUBLE, 40, 40, 1e-200);
    check_shape(RJ_DOUBLE, 40, 40, 1e200);
}

static void empty_and_zero_matrices(void **x)
{
    rj_matrix a, u, v;
    double s[4] = {7, 7, 7, 7};
    (void)x;
    assert_int_equal(rj_matrix_new(RJ_DOUBLE, 4, 0, &a), RJ_OK);
    assert_int_equal(rj_matrix_new(RJ_DOUBLE, 4, 0, &u), RJ_OK);
    assert_int_equal(rj_matrix_new(RJ_DOUBLE, 0, 0, &v), RJ_OK);
    assert_int_equal(rj_lapack_svd(&a, 0, s, &u, &v), RJ_OK);
    rj_matrix_free(&a);
    rj_matrix_free(&u);
    rj_matrix_free(&v);
    assert_true(s[0] == 7);
    assert_int_equal(rj_matrix_new(RJ_SINGLE, 4, 4, &a), RJ_OK);
    assert_int_equal(rj_matrix_new(RJ_SINGLE, 4, 4, &u), RJ_OK);
    assert_int_equal(rj_matrix_new(RJ_SINGLE, 4, 4, &v), RJ_OK);
    assert_int_equal(rj_lapack_svd(&a, 4, s, &u, &v), RJ_OK);
    for (int i = 0; i < 4; i++) assert_true(s[i] == 0);
    assert_true(orthogonality(&u) < 1e-6 && orthogonality(&v) < 1e-6);
    rj_matrix_free(&a);
    rj_matrix_free(&u);
    rj_matrix_free(&v);
}

static void bad_shapes_are_refused(void **x)
{
    rj_matrix a = random_new(RJ_DOUBLE, 5, 4, 1), u, v;
    double s[4];
    (void)x;
    assert_int_equal(rj_matrix_new(RJ_DOUBLE, 5, 5, &u), RJ_OK);
    assert_int_equal(rj_matrix_new(RJ_DOUBLE, 4, 5, &v), RJ_OK);
    assert_int_equal(rj_lapack_svd(&a, 5, s, &u, &v), RJ_ERR_ARG);
    assert_non_null(strstr(rj_status_message(), "5 triplets of A 5x4 (type 1) into U 5x5"));
    assert_int_equal(rj_lapack_svd(&a, 4, s, &u, &v), RJ_ERR_ARG);
    /* Beyond int workspace: refused by its shape, before an element is read. */
    rj_matrix huge = {RJ_DOUBLE, 26755, 26755, 26755, NULL}, none = {RJ_DOUBLE, 26755, 0, 26755, NULL};
    assert_int_equal(rj_lapack_svd(&huge, 0, s, &none, &none), RJ_ERR_ARG);
    assert_non_null(strstr(rj_status_message(), "at most 26754"));
    rj_matrix_free(&a);
    rj_matrix_free(&u);
    rj_matrix_free(&v);
}

/* [3 4; 0 0] = 5 e_1 (0.6, 0.8)'; [-2] = 2 (1)(-1). */
static void bidiagonal_by_hand(void **x)
{
    double s[2], left[2], right[2];
    rj_matrix u, v;
    (void)x;
    assert_int_equal(rj_matrix_new(RJ_DOUBLE, 2, 1, &u), RJ_OK);
    assert_int_equal(rj_matrix_new(RJ_DOUBLE, 2, 1, &v), RJ_OK);
    for (int failures = 0;; failures++) {
        rj_memory_fail_after(failures);
        const rj_status st = rj_lapack_bidiagonal_svd(2, (double[]){3, 0}, (double[]){4}, s, &u, &v);
        rj_memory_fail_after(-1);
        assert_int_equal(rj_memory_live(), 2);
        assert_true(st == (failures < 6 ? RJ_ERR_NOMEM : RJ_OK));
        if (st == RJ_OK) break;
    }
    rj_matrix_get_column(&u, 0, left);
    rj_matrix_get_column(&v, 0, right);
    assert_true(fabs(s[0] - 5) < 1e-14 && fabs(s[1]) < 1e-14);
    assert_true(fabs(left[0] * right[0] - 0.6) < 1e-15 && fabs(left[0] * right[1] - 0.8) < 1e-15);
    assert_true(fabs(left[1]) < 1e-15 && fabs(fabs(right[1]) - 0.8) < 1e-15);
    assert_int_equal(rj_lapack_bidiagonal_svd(3, s, s, s, &u, &v), RJ_ERR_ARG);
    assert_non_null(strstr(rj_status_message(), "bidiagonal matrix of order 3 into X 2x1 (type 1) and Y 2x1"));
    rj_matrix only_u = rj_matrix_block(&u, 0, 0, 1, 1), only_v = rj_matrix_block(&v, 0, 0, 1, 1);
    assert_int_equal(rj_lapack_bidiagonal_svd(1, (double[]){-2}, NULL, s, &only_u, &only_v), RJ_OK);
    rj_matrix_get_column(&only_u, 0, left);
    rj_matrix_get_column(&only_v, 0, right);
    assert_true(s[0] == 2 && left[0] * right[0] == -1);
    rj_matrix_free(&u);
    rj_matrix_free(&v);
}

static void every_allocation_may_fail(void **x)
{
    rj_matrix a = random_new(RJ_DOUBLE, 6, 6, 1), u, v;
    double s[6];
    int failures = 0;
    (void)x;
    assert_int_equal(rj_matrix_new(RJ_DOUBLE, 6, 2, &u), RJ_OK);
    assert_int_equal(rj_matrix_new(RJ_DOUBLE, 6, 2, &v), RJ_OK);
    const ptrdiff_t live = rj_memory_live();
    for (;; failures++) {
        rj_memory_fail_after(failures);
        const rj_status st = rj_lapack_svd(&a, 2, s, &u, &v);
        rj_memory_fail_after(-1);
        assert_int_equal(rj_memory_live(), live);
        if (st == RJ_OK) break;
        assert_int_equal(st, RJ_ERR_NOMEM);
    }
    assert_int_equal(failures, 8);
    rj_matrix_free(&a);
    rj_matrix_free(&u);
    rj_matrix_free(&v);
}

static int no_leak(void **x)
{
    (void)x;
    return rj_memory_live() != 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(two_by_two_by_hand, no_leak),
        cmocka_unit_test_teardown(decomposition_rebuilds_the_matrix, no_leak),
        cmocka_unit_test_teardown(empty_and_zero_matrices, no_leak),
        cmocka_unit_test_teardown(bad_shapes_are_refused, no_leak),
        cmocka_unit_test_teardown(bidiagonal_by_hand, no_leak),
        cmocka_unit_test_teardown(every_allocation_may_fail, no_leak),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
