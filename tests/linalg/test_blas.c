/* test_blas.c: every op by hand on views, empty products, the count of flops, and the abort. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "resjac/base/clock.h"
#include "resjac/base/memory.h"
#include "resjac/linalg/blas.h"

/* [rows,cols] view with padding around; entry (i,j) = 1 + i + 10 j, or its transpose. */
static rj_matrix filled(rj_matrix *owner, rj_arithmetic type, int rows, int cols, int transposed)
{
    const int m = transposed ? cols : rows, n = transposed ? rows : cols;
    double column[8];
    assert_int_equal(rj_matrix_new(type, m + 2, n + 1, owner), RJ_OK);
    rj_matrix_fill(owner, NAN);
    rj_matrix view = rj_matrix_block(owner, 1, 1, m, n);
    for (int j = 0; j < n; j++) {
        for (int i = 0; i < m; i++) column[i] = transposed ? 1 + j + 10 * i : 1 + i + 10 * j;
        rj_matrix_set_column(&view, j, column);
    }
    return view;
}

/* A [2,3] = [1 11 21; 2 12 22], B [3,2] = [1 11; 2 12; 3 13]; A B = [86 416; 92 452]. */
static void products_by_hand(void **x)
{
    const double expected[2][2] = {{86, 92}, {416, 452}};
    (void)x;
    for (int variant = 0; variant < 8; variant++) {
        const rj_arithmetic type = variant & 1 ? RJ_DOUBLE : RJ_SINGLE;
        const int a_t = variant >> 1 & 1, b_t = variant >> 2 & 1;
        rj_matrix owner[3];
        double column[2];
        const rj_matrix a = filled(&owner[0], type, 2, 3, a_t), b = filled(&owner[1], type, 3, 2, b_t);
        rj_matrix c = filled(&owner[2], type, 2, 2, 0); /* [1 11; 2 12] */
        rj_gemm(a_t ? 'T' : 'N', b_t ? 'T' : 'N', 2.0, &a, &b, -1.0, &c);
        for (int j = 0; j < 2; j++) {
            rj_matrix_get_column(&c, j, column);
            for (int i = 0; i < 2; i++) assert_true(column[i] == 2 * expected[j][i] - (1 + i + 10 * j));
        }
        for (int i = 0; i < 3; i++) rj_matrix_free(&owner[i]);
    }
}

static void empty_products(void **x)
{
    rj_matrix a, b, c, none;
    double y[2];
    (void)x;
    assert_int_equal(rj_matrix_new(RJ_DOUBLE, 2, 0, &a), RJ_OK);
    assert_int_equal(rj_matrix_new(RJ_DOUBLE, 0, 2, &b), RJ_OK);
    assert_int_equal(rj_matrix_new(RJ_DOUBLE, 2, 2, &c), RJ_OK);
    assert_int_equal(rj_matrix_new(RJ_DOUBLE, 0, 0, &none), RJ_OK);
    rj_matrix_fill(&c, 3);
    rj_gemm('N', 'N', 1.0, &a, &b, 2.0, &c); /* k = 0: C <- beta C */
    rj_matrix_get_column(&c, 1, y);
    assert_true(y[0] == 6 && y[1] == 6);
    rj_matrix_fill(&c, NAN);
    rj_gemm('N', 'N', 1.0, &a, &b, 0.0, &c); /* beta = 0 does not read C */
    rj_matrix_get_column(&c, 1, y);
    assert_true(y[0] == 0 && y[1] == 0);
    rj_gemm('T', 'N', 1.0, &a, &a, 0.0, &none);
    rj_matrix_free(&a);
    rj_matrix_free(&b);
    rj_matrix_free(&c);
    rj_matrix_free(&none);
}

static void flops_are_counted(void **x)
{
    rj_stage_cost before[RJ_N_STAGES], after[RJ_N_STAGES];
    rj_matrix owner[3];
    (void)x;
    const rj_matrix a = filled(&owner[0], RJ_SINGLE, 5, 3, 0), b = filled(&owner[1], RJ_SINGLE, 3, 2, 0);
    rj_matrix c = filled(&owner[2], RJ_SINGLE, 5, 2, 0);
    const rj_stage old = rj_clock_enter(RJ_STAGE_COUPLING);
    rj_clock_costs(before);
    rj_gemm('N', 'N', 1.0, &a, &b, 0.0, &c);
    rj_clock_costs(after);
    (void)rj_clock_enter(old);
    assert_true(after[RJ_STAGE_COUPLING].flops - before[RJ_STAGE_COUPLING].flops == 60);
    for (int i = 0; i < 3; i++) rj_matrix_free(&owner[i]);
}

/* Runs the product in a child; returns what it printed, true where it aborted. */
static int aborts(char op_a, char op_b, const rj_matrix *a, const rj_matrix *b, rj_matrix *c, char text[512])
{
    int pipe_end[2], status;
    assert_int_equal(pipe(pipe_end), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGABRT, SIG_DFL); /* cmocka catches it */
        dup2(pipe_end[1], STDERR_FILENO);
        rj_gemm(op_a, op_b, 1.0, a, b, 0.0, c);
        _exit(0);
    }
    close(pipe_end[1]);
    const ssize_t n = read(pipe_end[0], text, 511);
    text[n > 0 ? n : 0] = '\0';
    close(pipe_end[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void mismatch_aborts(void **x)
{
    rj_matrix owner[4];
    char text[512];
    (void)x;
    const rj_matrix a = filled(&owner[0], RJ_DOUBLE, 5, 3, 0);
    rj_matrix b = filled(&owner[1], RJ_DOUBLE, 3, 2, 0);
    rj_matrix c = filled(&owner[2], RJ_DOUBLE, 5, 2, 0), single = filled(&owner[3], RJ_SINGLE, 5, 2, 0);
    assert_false(aborts('N', 'N', &a, &b, &c, text));
    assert_true(aborts('T', 'N', &a, &b, &c, text));
    assert_non_null(
        strstr(text, "op 'T' of A 5x3 (type 1) times op 'N' of B 3x2 (type 1) is not C 5x2 (type 1)"));
    assert_true(aborts('N', 'T', &a, &b, &c, text));
    assert_true(aborts('N', 'N', &a, &b, &single, text));
    assert_true(aborts('N', 'N', &a, &b, &b, text));
    assert_true(aborts('n', 'N', &a, &b, &c, text));
    const rj_matrix two = rj_matrix_block(&b, 0, 0, 2, 2);
    assert_true(aborts('N', 'N', &a, &two, &c, text)); /* only the inner size differs */
    for (int i = 0; i < 4; i++) rj_matrix_free(&owner[i]);
}

static int no_leak(void **x)
{
    (void)x;
    return rj_memory_live() != 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(products_by_hand, no_leak),
        cmocka_unit_test_teardown(empty_products, no_leak),
        cmocka_unit_test_teardown(flops_are_counted, no_leak),
        cmocka_unit_test_teardown(mismatch_aborts, no_leak),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
