/* test_narrow.c: whole numbers, whose products and sums are exact: every size around a tile and a run of terms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <math.h>

#include <cmocka.h>

#include "../../src/linalg/narrow.h"
#include "resjac/base/memory.h"
#include "resjac/linalg/blas.h"

enum { N = 8 };

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

static void check(char op, int m, int k, double alpha, double beta)
{
    rj_matrix owner[3], again;
    const rj_matrix a = op == 'N' ? filled(&owner[0], m, k, 1) : filled(&owner[0], k, m, 1);
    const rj_matrix b = filled(&owner[1], k, N, 2);
    rj_matrix c = filled(&owner[2], m, N, 3), expected;

    assert_int_equal(rj_matrix_new(RJ_DOUBLE, m, N, &expected), RJ_OK);
    assert_int_equal(rj_matrix_new(RJ_SINGLE, m, N, &again), RJ_OK);
    for (int j = 0; j < N; j++)
        for (int i = 0; i < m; i++) {
            double sum = 0;
            for (int l = 0; l < k; l++) sum += (op == 'N' ? *at(&a, i, l) : *at(&a, l, i)) * *at(&b, l, j);
            ((double *)expected.data)[i + j * m] = alpha * sum + beta * *at(&c, i, j);
            if (beta == 0) *at(&c, i, j) = NAN; /* must not be read */
        }
    rj_matrix_copy(&c, &again);
    rj_gemm(op, 'N', alpha, &a, &b, beta, &c);
    if (k > 0) rj_narrow_by_rows(op, (float)alpha, &a, &b, (float)beta, &again);
    if (k == 0) rj_matrix_copy(&c, &again);
    for (int j = 0; j < N; j++)
        for (int i = 0; i < m; i++) {
            assert_true(*at(&c, i, j) == ((double *)expected.data)[i + j * m]);
            assert_true(*at(&again, i, j) == *at(&c, i, j));
        }
    assert_true(isnan(*at(&owner[2], 1, 1)) && isnan(*at(&owner[2], m + 2, 1)) &&
                isnan(*at(&owner[2], 2, 0)));
    rj_matrix_free(&expected);
    rj_matrix_free(&again);
    for (int i = 0; i < 3; i++) rj_matrix_free(&owner[i]);
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
