/* test_dots.c: whole numbers, whose products and sums are exact: every size around a tile, a vector and a run of terms, and the first
 * that is BLAS's again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <math.h>

#include <cmocka.h>

#include "resjac/base/memory.h"
#include "resjac/linalg/blas.h"

static float *at(const rj_matrix *m, int i, int j)
{
    return (float *)m->data + i + (ptrdiff_t)j * m->ld;
}

/* A view into a matrix of NAN; entries -3..3, not periodic in step with any size. */
static rj_matrix filled(rj_matrix *owner, int rows, int cols, int salt)
{
    assert_int_equal(rj_matrix_new(RJ_SINGLE, rows + 3, cols + 1, owner), RJ_OK);
    rj_matrix_fill(owner, NAN);
    const rj_matrix view = rj_matrix_block(owner, 2, 1, rows, cols);
    for (int j = 0; j < cols; j++)
        for (int i = 0; i < rows; i++)
            *at(&view, i, j) = (float)((i * i + 5 * j * j + 3 * i * j + salt) % 7 - 3);
    return view;
}

static void check(int m, int n, int k, double alpha, double beta)
{
    rj_matrix owner[3];
    const rj_matrix a = filled(&owner[0], k, m, 1), b = filled(&owner[1], k, n, 2);
    rj_matrix c = filled(&owner[2], m, n, 3), expected;

    assert_int_equal(rj_matrix_new(RJ_DOUBLE, m, n, &expected), RJ_OK);
    for (int j = 0; j < n; j++)
        for (int i = 0; i < m; i++) {
            double sum = 0;
            for (int l = 0; l < k; l++) sum += *at(&a, l, i) * *at(&b, l, j);
            ((double *)expected.data)[i + j * m] = alpha * sum + beta * *at(&c, i, j);
            if (beta == 0) *at(&c, i, j) = NAN; /* must not be read */
        }
    rj_gemm('T', 'N', alpha, &a, &b, beta, &c);
    for (int j = 0; j < n; j++)
        for (int i = 0; i < m; i++) assert_true(*at(&c, i, j) == ((double *)expected.data)[i + j * m]);
    assert_true(isnan(*at(&owner[2], 1, 1)) && isnan(*at(&owner[2], m + 2, 1)) &&
                isnan(*at(&owner[2], 2, 0)));
    rj_matrix_free(&expected);
    for (int i = 0; i < 3; i++) rj_matrix_free(&owner[i]);
}

static void every_size_is_exact(void **x)
{
    static const int rows[] = {1, 2, 3, 4, 8, 13, 53},
                     columns[] = {1, 2, 3, 4, 5, 6, 7, 9, 10, 31, 32, 33, 53};
    static const int terms[] = {1, 7, 8, 9, 31, 1023, 1024, 1025, 2060};
    (void)x;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t j = 0; j < sizeof columns / sizeof *columns; j++)
            for (size_t l = 0; l < sizeof terms / sizeof *terms; l++) {
                check(rows[i], columns[j], terms[l], 1, 0);
                check(rows[i], columns[j], terms[l], -2, 3);
            }
    check(5, 3, 0, 1, 2); /* no terms: c <- beta c */
    assert_int_equal(rj_memory_live(), 0);
}

/* Which tile an element falls into is no part of its sum: a product of one column is a column of a product of many. */
static void a_sum_does_not_depend_on_its_neighbours(void **x)
{
    enum { M = 11, N = 30, K = 1100 };
    rj_matrix a, b, c, one;
    (void)x;
    assert_int_equal(rj_matrix_new(RJ_SINGLE, K, M, &a), RJ_OK);
    assert_int_equal(rj_matrix_new(RJ_SINGLE, K, N, &b), RJ_OK);
    assert_int_equal(rj_matrix_new(RJ_SINGLE, M, N, &c), RJ_OK);
    assert_int_equal(rj_matrix_new(RJ_SINGLE, 1, 1, &one), RJ_OK);
    for (int l = 0; l < K; l++) {
        for (int i = 0; i < M; i++) *at(&a, l, i) = sinf((float)(l + 3 * i));
        for (int j = 0; j < N; j++) *at(&b, l, j) = cosf((float)(2 * l + j));
    }
    rj_gemm('T', 'N', 1, &a, &b, 0, &c);
    for (int i = 0; i < M; i++)
        for (int j = 0; j < N; j++) {
            const rj_matrix ai = rj_matrix_block(&a, 0, i, K, 1), bj = rj_matrix_block(&b, 0, j, K, 1);
            rj_gemm('T', 'N', 1, &ai, &bj, 0, &one);
            assert_true(*at(&one, 0, 0) == *at(&c, i, j));
        }
    rj_matrix_free(&a);
    rj_matrix_free(&b);
    rj_matrix_free(&c);
    rj_matrix_free(&one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_size_is_exact),
                                       cmocka_unit_test(a_sum_does_not_depend_on_its_neighbours)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
