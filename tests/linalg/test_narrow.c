/* test_narrow.c: every size around a tile and a run of terms, by both loops. */
#include "whole_numbers.h"

#include "../../src/linalg/narrow.h"

static void check(char op, int m, int k, double alpha, double beta)
{
    product p = product_begin(op, m, RJ_NARROW, k, alpha, beta);
    rj_matrix again;

    assert_int_equal(rj_matrix_new(RJ_SINGLE, m, RJ_NARROW, &again), RJ_OK);
    rj_matrix_copy(&p.c, &again);
    rj_gemm(op, 'N', alpha, &p.a, &p.b, beta, &p.c);
    assert_true(product_is(&p, &p.c));
    if (k > 0) {
        rj_narrow_by_rows(op, (float)alpha, &p.a, &p.b, (float)beta, &again);
        assert_true(product_is(&p, &again));
    }
    rj_matrix_free(&again);
    product_end(&p);
}

static void every_size_is_exact(void **x)
{
    static const int rows[] = {1, 7, 8, 9, 11, 12, 13, 16, 24, 29, 32, 55},
                     terms[] = {1, 2, 15, 127, 128, 129, 511, 512, 513, 769, 1030};
    (void)x;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t l = 0; l < sizeof terms / sizeof *terms; l++) {
            check('N', rows[i], terms[l], 1, 0);
            check('T', rows[i], terms[l], 1, 0);
            check('N', rows[i], terms[l], -1, 1);
            check('T', rows[i], terms[l], -2, 3);
        }
    check('T', 1030, 1025, 1, 1); /* too large a factor for the caches */
    check('N', 5, 0, 1, 2);       /* no terms: c <- beta c */
    assert_int_equal(rj_memory_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_size_is_exact)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
