/* test_linop.c: products and the dense form of an operator, whatever the width; its errors pass through. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <string.h>

#include <cmocka.h>

#include "resjac/base/memory.h"
#include "resjac/linalg/linop.h"

enum { M = 7, N = 5 };

/* Entry (i,j) = 1 + i + 10 j. */
static rj_matrix dense_new(rj_arithmetic type)
{
    rj_matrix m;
    double column[M];
    assert_int_equal(rj_matrix_new(type, M, N, &m), RJ_OK);
    for (int j = 0; j < N; j++) {
        for (int i = 0; i < M; i++) column[i] = 1 + i + 10 * j;
        rj_matrix_set_column(&m, j, column);
    }
    return m;
}

static void form_gives_the_matrix_at_any_width(void **x)
{
    const rj_arithmetic types[] = {RJ_SINGLE, RJ_DOUBLE};
    (void)x;
    for (int t = 0; t < 2; t++) {
        rj_matrix m = dense_new(types[t]), owner;
        const rj_linop op = rj_linop_dense(&m);
        for (int width = 1; width <= N + 2; width++) {
            assert_int_equal(rj_matrix_new(types[t], M + 3, N, &owner), RJ_OK);
            rj_matrix formed = rj_matrix_block(&owner, 2, 0, M, N);
            assert_int_equal(rj_linop_form(&op, width, &formed), RJ_OK);
            assert_true(rj_matrix_max_difference(&formed, &m) == 0);
            rj_matrix_free(&owner);
        }
        rj_matrix_free(&m);
    }
}

static void both_products_by_hand(void **x)
{
    rj_matrix m = dense_new(RJ_DOUBLE), right, left;
    double y[M];
    (void)x;
    const rj_linop op = rj_linop_dense(&m);
    assert_int_equal(rj_matrix_new(RJ_DOUBLE, N, 1, &right), RJ_OK);
    assert_int_equal(rj_matrix_new(RJ_DOUBLE, M, 1, &left), RJ_OK);
    rj_matrix_fill(&right, 1);
    assert_int_equal(op.apply(op.ctx, &right, &left), RJ_OK); /* sum_j (1 + i + 10 j) = 5 (1 + i) + 100 */
    rj_matrix_get_column(&left, 0, y);
    for (int i = 0; i < M; i++) assert_true(y[i] == 5 * (1 + i) + 100);
    rj_matrix_fill(&left, 1);
    assert_int_equal(op.apply_transpose(op.ctx, &left, &right), RJ_OK); /* sum_i = 28 + 70 j */
    rj_matrix_get_column(&right, 0, y);
    for (int j = 0; j < N; j++) assert_true(y[j] == 28 + 70 * j);
    rj_matrix_free(&left);
    rj_matrix_free(&right);
    rj_matrix_free(&m);
}

/* Fails from its second product on. */
static rj_status failing(const void *ctx, const rj_matrix *x, rj_matrix *y)
{
    int *calls = *(int *const *)ctx;
    (void)x;
    rj_matrix_fill(y, 0);
    return ++*calls < 2 ? RJ_OK : rj_raise(RJ_ERR_NUMERIC, "x.c", 1, "as asked");
}

static void errors_pass_through(void **x)
{
    int calls = 0, *counter = &calls;
    rj_matrix m;
    (void)x;
    const rj_linop op = {M, N, RJ_DOUBLE, &counter, failing, failing};
    assert_int_equal(rj_matrix_new(RJ_DOUBLE, M, N, &m), RJ_OK);
    const rj_linop dense = rj_linop_dense(&m);
    assert_true(rj_linop_matrix(&op) == NULL && rj_linop_matrix(&dense) == &m);
    assert_int_equal(rj_linop_form(&op, 2, &m), RJ_ERR_NUMERIC);
    assert_int_equal(calls, 2);
    assert_int_equal(rj_linop_form(&op, 0, &m), RJ_ERR_ARG);
    assert_non_null(strstr(rj_status_message(), "operator 7x5 (type 1) by 0 columns"));
    rj_matrix narrow = rj_matrix_block(&m, 0, 0, M, N - 1);
    assert_int_equal(rj_linop_form(&op, 2, &narrow), RJ_ERR_ARG);
    rj_memory_fail_after(0);
    assert_int_equal(rj_linop_form(&op, 2, &m), RJ_ERR_NOMEM);
    rj_memory_fail_after(-1);
    rj_matrix_free(&m);
}

static int no_leak(void **x)
{
    (void)x;
    return rj_memory_live() != 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(form_gives_the_matrix_at_any_width, no_leak),
        cmocka_unit_test_teardown(both_products_by_hand, no_leak),
        cmocka_unit_test_teardown(errors_pass_through, no_leak),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
