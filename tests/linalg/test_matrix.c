/* test_matrix.c: by hand, in both arithmetics, on views with padding that must stay as it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <float.h>
#include <limits.h>
#include <math.h>
#include <string.h>

#include <cmocka.h>

#include "resjac/base/memory.h"
#include "resjac/linalg/matrix.h"

enum { LD = 5 };
static const rj_arithmetic arithmetics[] = {RJ_SINGLE, RJ_DOUBLE};

/* A view [3,2] at (1,1) of a [5,4] matrix full of 99; entries 1 2 3 | 4 5 6 down the columns. */
static rj_matrix view_new(rj_arithmetic type, rj_matrix *owner)
{
    const double columns[2][3] = {{1, 2, 3}, {4, 5, 6}};
    assert_int_equal(rj_matrix_new(type, LD, 4, owner), RJ_OK);
    rj_matrix_fill(owner, 99);
    rj_matrix view = rj_matrix_block(owner, 1, 1, 3, 2);
    for (int j = 0; j < 2; j++) rj_matrix_set_column(&view, j, columns[j]);
    return view;
}

/* The view holds `expected`, by columns, and the rest of the owner is still 99. */
static void expect(const rj_matrix *owner, const double expected[6])
{
    double column[LD];
    for (int j = 0; j < 4; j++) {
        rj_matrix_get_column(owner, j, column);
        for (int i = 0; i < LD; i++) {
            const int inside = 1 <= i && i < 4 && 1 <= j && j < 3;
            assert_true(column[i] == (inside ? expected[i - 1 + 3 * (j - 1)] : 99));
        }
    }
}

static void operations_by_hand(void **x)
{
    const double by_row[] = {1, 10, 100}, by_column[] = {2, -1}, rank_x[] = {1, 0, 2}, rank_y[] = {3, 1};
    (void)x;
    for (int t = 0; t < 2; t++) {
        rj_matrix owner, other;
        rj_matrix m = view_new(arithmetics[t], &owner);
        const rj_matrix same = view_new(arithmetics[t], &other);
        rj_matrix_scale_rows(by_row, &m);
        expect(&owner, (double[]){1, 20, 300, 4, 50, 600});
        rj_matrix_scale_columns(by_column, &m);
        expect(&owner, (double[]){2, 40, 600, -4, -50, -600});
        rj_matrix_scale(0.5, &m);
        expect(&owner, (double[]){1, 20, 300, -2, -25, -300});
        rj_matrix_add(-2, &same, &m);
        expect(&owner, (double[]){-1, 16, 294, -10, -35, -312});
        rj_matrix_copy(&same, &m);
        expect(&owner, (double[]){1, 2, 3, 4, 5, 6});
        rj_matrix_rank1(2, rank_x, rank_y, &m);
        expect(&owner, (double[]){7, 2, 15, 6, 5, 10});
        rj_matrix_add_diagonal(0.25, &m);
        expect(&owner, (double[]){7.25, 2, 15, 6, 5.25, 10});
        rj_matrix_identity(&m);
        expect(&owner, (double[]){1, 0, 0, 0, 1, 0});
        expect(&other, (double[]){1, 2, 3, 4, 5, 6});
        rj_matrix_free(&owner);
        rj_matrix_free(&other);
    }
}

static void sums_by_hand(void **x)
{
    const double right[] = {10, -1}, left[] = {1, 2, -1};
    (void)x;
    for (int t = 0; t < 2; t++) {
        rj_matrix owner, other;
        const rj_matrix m = view_new(arithmetics[t], &owner);
        rj_matrix n = view_new(arithmetics[1 - t], &other);
        double y[3];
        rj_matrix_times('N', &m, right, y);
        assert_true(y[0] == 6 && y[1] == 15 && y[2] == 24);
        rj_matrix_times('T', &m, left, y);
        assert_true(y[0] == 2 && y[1] == 8);
        assert_true(rj_matrix_frobenius(&m) == sqrt(91));
        assert_true(rj_matrix_trace(&m) == 6);
        assert_true(rj_matrix_max_difference(&m, &n) == 0);
        rj_matrix_set_column(&n, 1, (double[]){4, -2, 6});
        assert_true(rj_matrix_max_difference(&m, &n) == 7 && rj_matrix_max_difference(&n, &m) == 7);
        rj_matrix_set_column(&n, 0, (double[]){1, NAN, 6});
        assert_true(isnan(rj_matrix_max_difference(&m, &n)));
        rj_matrix_free(&owner);
        rj_matrix_free(&other);
    }
}

/* Sizes beyond a tile, a chunk and the lanes: entry (i,j) is i + 1000 j, exact in single. */
static void long_columns_and_transposes(void **x)
{
    enum { M = 1037, N = 35 };
    double s[M], y[M], sum = 0;
    (void)x;
    for (int i = 0; i < M; i++) s[i] = i % 7 - 3;
    for (int t = 0; t < 4; t++) {
        rj_matrix a, b;
        assert_int_equal(rj_matrix_new(arithmetics[t % 2], M, N, &a), RJ_OK);
        assert_int_equal(rj_matrix_new(arithmetics[t / 2], N, M, &b), RJ_OK);
        for (int j = 0; j < N; j++) {
            for (int i = 0; i < M; i++) y[i] = i + 1000.0 * j;
            rj_matrix_set_column(&a, j, y);
        }
        rj_matrix_transpose(&a, &b);
        for (int i = 0; i < M; i++) {
            rj_matrix_get_column(&b, i, y);
            for (int j = 0; j < N; j++) assert_true(y[j] == i + 1000.0 * j);
        }
        rj_matrix_times('T', &a, s, y);
        sum = 0;
        for (int i = 0; i < M; i++) sum += (i + 1000.0 * (N - 1)) * s[i];
        assert_true(y[N - 1] == sum);
        rj_matrix_scale_rows(s, &a);
        rj_matrix_get_column(&a, 2, y);
        for (int i = 0; i < M; i++) assert_true(y[i] == (i + 2000.0) * s[i]);
        rj_matrix_fill(&a, 0);
        rj_matrix_rank1(-1, s, s, &a);
        rj_matrix_get_column(&a, 4, y);
        for (int i = 0; i < M; i++) assert_true(y[i] == -s[4] * s[i]);
        rj_matrix_free(&a);
        rj_matrix_free(&b);
    }
}

static void conversion_rounds(void **x)
{
    rj_matrix a, b;
    double y;
    (void)x;
    assert_int_equal(rj_matrix_new(RJ_DOUBLE, 1, 1, &a), RJ_OK);
    assert_int_equal(rj_matrix_new(RJ_SINGLE, 1, 1, &b), RJ_OK);
    rj_matrix_fill(&a, 0.1);
    rj_matrix_copy(&a, &b);
    rj_matrix_get_column(&b, 0, &y);
    assert_true(y == (double)0.1f);
    rj_matrix_copy(&b, &a);
    rj_matrix_get_column(&a, 0, &y);
    assert_true(y == (double)0.1f);
    rj_matrix_free(&a);
    rj_matrix_free(&b);
}

static void frobenius_beyond_the_range_of_squares(void **x)
{
    const double values[] = {1e300, DBL_MAX / 8, 1e-300, DBL_MIN, DBL_TRUE_MIN, 3e38, 0};
    rj_matrix m;
    (void)x;
    assert_int_equal(rj_matrix_new(RJ_DOUBLE, 3, 3, &m), RJ_OK);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        rj_matrix_fill(&m, values[i]);
        assert_true(fabs(rj_matrix_frobenius(&m) - 3 * values[i]) <= 4 * DBL_EPSILON * values[i]);
    }
    rj_matrix_fill(&m, -INFINITY);
    assert_true(rj_matrix_frobenius(&m) == INFINITY);
    rj_matrix_fill(&m, NAN);
    assert_true(isnan(rj_matrix_frobenius(&m)));
    rj_matrix_free(&m);
    assert_int_equal(rj_matrix_new(RJ_SINGLE, 4, 4, &m), RJ_OK);
    rj_matrix_fill(&m, (double)FLT_MAX);
    assert_true(rj_matrix_frobenius(&m) == 4 * (double)FLT_MAX);
    rj_matrix_free(&m);
}

static void finite_looks_at_every_element_and_no_padding(void **x)
{
    const double bad[] = {INFINITY, -INFINITY, NAN};
    (void)x;
    for (int t = 0; t < 2; t++) {
        rj_matrix owner;
        rj_matrix m = view_new(arithmetics[t], &owner);
        const double largest = t == 0 ? (double)FLT_MAX : DBL_MAX;
        rj_matrix_set_column(&owner, 0, (double[]){NAN, NAN, NAN, NAN, NAN});
        rj_matrix_set_column(&m, 0, (double[]){largest, -largest, 0});
        assert_true(rj_matrix_is_finite(&m));
        for (int i = 0; i < 3; i++) {
            double column[3] = {1, 1, 1};
            column[i] = bad[i];
            rj_matrix_set_column(&m, 1, column);
            assert_false(rj_matrix_is_finite(&m));
        }
        rj_matrix_free(&owner);
    }
}

static void empty_matrices_are_allowed(void **x)
{
    const int shape[][2] = {{0, 0}, {0, 3}, {3, 0}};
    (void)x;
    for (int i = 0; i < 3; i++) {
        rj_matrix m, t;
        double y[3] = {7, 7, 7};
        assert_int_equal(rj_matrix_new(RJ_SINGLE, shape[i][0], shape[i][1], &m), RJ_OK);
        assert_int_equal(rj_matrix_new(RJ_DOUBLE, shape[i][1], shape[i][0], &t), RJ_OK);
        assert_true(m.ld >= 1);
        rj_matrix_identity(&m);
        rj_matrix_transpose(&m, &t);
        assert_true(rj_matrix_frobenius(&m) == 0 && rj_matrix_trace(&m) == 0 && rj_matrix_is_finite(&m));
        rj_matrix_times('N', &m, y, y + 3 - m.rows);
        for (int r = 0; r < m.rows; r++) assert_true(y[r] == 0);
        rj_matrix_free(&m);
        rj_matrix_free(&m);
        rj_matrix_free(&t);
        assert_true(m.rows == 0 && m.cols == 0 && m.ld == 1 && m.data == NULL);
    }
}

static void bad_shapes_and_failing_memory(void **x)
{
    rj_matrix m = {.rows = -7};
    (void)x;
    assert_int_equal(rj_matrix_new(RJ_DOUBLE, -1, 2, &m), RJ_ERR_ARG);
    assert_non_null(strstr(rj_status_message(), "shape -1 x 2"));
    assert_int_equal(rj_matrix_new(RJ_DOUBLE, 1, (ptrdiff_t)INT_MAX + 1, &m), RJ_ERR_NOMEM);
    assert_non_null(strstr(rj_status_message(), "a side is at most 2147483647"));
    rj_memory_fail_after(0);
    assert_int_equal(rj_matrix_new(RJ_DOUBLE, 1, 1, &m), RJ_ERR_NOMEM);
    rj_memory_fail_after(-1);
    assert_int_equal(m.rows, -7);
}

static int no_leak(void **x)
{
    (void)x;
    return rj_memory_live() != 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(operations_by_hand, no_leak),
        cmocka_unit_test_teardown(sums_by_hand, no_leak),
        cmocka_unit_test_teardown(long_columns_and_transposes, no_leak),
        cmocka_unit_test_teardown(conversion_rounds, no_leak),
        cmocka_unit_test_teardown(frobenius_beyond_the_range_of_squares, no_leak),
        cmocka_unit_test_teardown(finite_looks_at_every_element_and_no_padding, no_leak),
        cmocka_unit_test_teardown(empty_matrices_are_allowed, no_leak),
        cmocka_unit_test_teardown(bad_shapes_and_failing_memory, no_leak),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
