/* test_memory.c: built without MPI, as fuzz targets are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "resjac/base/memory.h"

static rj_status new_doubles(double **p, ptrdiff_t rows, ptrdiff_t cols)
{
    rj_status st = RJ_OK;
    RJ_NEW(*p, rows, cols);
done:
    return st;
}

static void block_is_zeroed_and_counted(void **x)
{
    double *p = NULL, *empty = NULL;
    (void)x;
    assert_int_equal(new_doubles(&p, 2, 3), RJ_OK);
    assert_int_equal(new_doubles(&empty, 0, 3), RJ_OK);
    assert_non_null(empty);
    for (int i = 0; i < 6; i++) assert_true(p[i] == 0.0);
    assert_int_equal(rj_memory_live(), 2);
    RJ_FREE(p);
    RJ_FREE(p);
    RJ_FREE(empty);
    assert_null(p);
    assert_int_equal(rj_memory_live(), 0);
}

static void bad_shapes_are_refused(void **x)
{
    double *p = NULL;
    (void)x;
    assert_int_equal(new_doubles(&p, -1, 3), RJ_ERR_ARG);
    assert_non_null(strstr(rj_status_message(), "shape -1 x 3"));
    assert_int_equal(new_doubles(&p, PTRDIFF_MAX / 2 + 1, 4), RJ_ERR_NOMEM); /* rows * cols wraps to 0 */
    assert_int_equal(new_doubles(&p, PTRDIFF_MAX / 4 + 1, 1), RJ_ERR_NOMEM); /* rows * 8 wraps to 0 */
    assert_null(p);
    assert_int_equal(rj_memory_live(), 0);
}

static void allocations_fail_after_n(void **x)
{
    double *p = NULL, *q = NULL;
    (void)x;
    rj_memory_fail_after(1);
    assert_int_equal(new_doubles(&p, 1, 1), RJ_OK);
    assert_int_equal(new_doubles(&q, 1, 1), RJ_ERR_NOMEM);
    assert_int_equal(new_doubles(&q, 1, 1), RJ_ERR_NOMEM);
    rj_memory_fail_after(-1);
    assert_int_equal(new_doubles(&q, 1, 1), RJ_OK);
    RJ_FREE(q);
    RJ_FREE(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(block_is_zeroed_and_counted),
        cmocka_unit_test(bad_shapes_are_refused),
        cmocka_unit_test(allocations_fail_after_n),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
