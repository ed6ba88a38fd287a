/* test_dots.c: every size around a tile, a vector and a run of terms, and the first that is BLAS's again. */
#include "whole_numbers.h"

static void check(int m, int n, int k, double alpha, double beta)
{
    product p = product_begin('T', m, n, k, alpha, beta);

    rj_gemm('T', 'N', alpha, &p.a, &p.b, beta, &p.c);
    assert_true(product_is(&p, &p.c));
    product_end(&p);
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
