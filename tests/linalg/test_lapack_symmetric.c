/* test_lapack_symmetric.c: eigenvalues by hand, chosen vectors in descending order, blocks that do not meet, each error. */
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

enum { N = 60 };

/* [[2,1],[1,2]]: 3 with (1,1), 1 with (1,-1); only the lower triangle is read. */
static void two_by_two_by_hand(void **x)
{
    double a[] = {2, 1, NAN, 2}, value[2], vector[2];
    rj_matrix m = {RJ_DOUBLE, 2, 2, 2, a}, z = {RJ_DOUBLE, 2, 1, 2, vector};
    (void)x;
    assert_int_equal(rj_lapack_symmetric(&m, 1, value, &z), RJ_OK);
    assert_true(fabs(value[0] - 3) < 1e-15 && fabs(value[1] - 1) < 1e-15);
    assert_true(fabs(fabs(vector[0]) - sqrt(.5)) < 1e-15 && fabs(vector[0] + vector[1]) < 1e-15);
}

/* A diagonal matrix falls into blocks of one, which LAPACK gives in their own order. */
static void blocks_come_in_descending_order(void **x)
{
    double a[25] = {0}, value[5], vector[15];
    const double diagonal[] = {1, 5, 3, 4, 2};
    rj_matrix m = {RJ_DOUBLE, 5, 5, 5, a}, z = {RJ_DOUBLE, 5, 3, 5, vector};
    const int at[] = {3, 2, 4}; /* of 4, 3, 2 */
    (void)x;
    for (int i = 0; i < 5; i++) a[6 * i] = diagonal[i];
    assert_int_equal(rj_lapack_symmetric(&m, 1, value, &z), RJ_OK);
    for (int i = 0; i < 5; i++) assert_true(fabs(value[i] - (5 - i)) < 1e-15);
    for (int j = 0; j < 3; j++) assert_true(fabs(fabs(vector[at[j] + 5 * j]) - 1) < 1e-15);
}

static void vectors_belong_to_their_values(void **x)
{
    const rj_rng rng = rj_rng_open(3, "symmetric");
    rj_matrix root, a, copy, z, image;
    double value[N], trace;
    (void)x;
    assert_int_equal(rj_matrix_new(RJ_DOUBLE, N, N, &root), RJ_OK);
    assert_int_equal(rj_matrix_new(RJ_DOUBLE, N, N, &a), RJ_OK);
    assert_int_equal(rj_matrix_new(RJ_DOUBLE, N, N, &copy), RJ_OK);
    assert_int_equal(rj_matrix_new(RJ_DOUBLE, N, 4, &z), RJ_OK);
    assert_int_equal(rj_matrix_new(RJ_DOUBLE, N, 4, &image), RJ_OK);
    rj_rng_normals(&rng, 0, N * N, root.data);
    rj_gemm('N', 'T', 1.0, &root, &root, 0.0, &a);
    rj_matrix_copy(&a, &copy);
    trace = rj_matrix_trace(&a);
    assert_int_equal(rj_lapack_symmetric(&a, 7, value, &z), RJ_OK);
    rj_gemm('N', 'N', 1.0, &copy, &z, 0.0, &image);
    for (int j = 0; j < 4; j++) {
        const rj_matrix one = rj_matrix_block(&z, 0, j, N, 1);
        rj_matrix rest = rj_matrix_block(&image, 0, j, N, 1);
        rj_matrix_add(-value[7 + j], &one, &rest);
        assert_true(fabs(rj_matrix_frobenius(&one) - 1) < 1e-13);
        assert_true(rj_matrix_frobenius(&rest) < 1e-12 * value[0]);
    }
    for (int i = 0; i < N; i++) trace -= value[i];
    assert_true(fabs(trace) < 1e-11 * value[0]);
    rj_matrix *const all[] = {&root, &a, &copy, &z, &image};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) rj_matrix_free(all[i]);
}

static void bad_shapes_are_refused_and_memory_may_fail(void **x)
{
    double a[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1}, value[3], vector[6];
    rj_matrix m = {RJ_DOUBLE, 3, 3, 3, a}, z = {RJ_DOUBLE, 3, 2, 3, vector}, wide = {RJ_DOUBLE, 3, 2, 3, a};
    (void)x;
    assert_int_equal(rj_lapack_symmetric(&m, 2, value, &z), RJ_ERR_ARG);
    assert_non_null(strstr(rj_status_message(), "eigenvectors 2..3 of A 3x3"));
    assert_int_equal(rj_lapack_symmetric(&wide, 0, value, &z), RJ_ERR_ARG);
    for (int n = 0; n < 2; n++) {
        rj_memory_fail_after(n);
        assert_int_equal(rj_lapack_symmetric(&m, 0, value, &z), RJ_ERR_NOMEM);
        rj_memory_fail_after(-1);
    }
    assert_int_equal(rj_lapack_symmetric(&m, 0, value, &z), RJ_OK);
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
        cmocka_unit_test_teardown(blocks_come_in_descending_order, no_leak),
        cmocka_unit_test_teardown(vectors_belong_to_their_values, no_leak),
        cmocka_unit_test_teardown(bad_shapes_are_refused_and_memory_may_fail, no_leak),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
