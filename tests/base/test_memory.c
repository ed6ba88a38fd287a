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

static rj_status unset_doubles(double **p, ptrdiff_t rows, ptrdiff_t cols)
{
    void *block = NULL;
    const rj_status st = rj_alloc_unset(&block, rows, cols, sizeof **p, __FILE__, __LINE__);
    if (st == RJ_OK) *p = block;
    return st;
}

static void unset_block_is_aligned_and_counted(void **x)
{
    double *p[4] = {NULL};
    (void)x;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(unset_doubles(&p[i], i, 3), RJ_OK);
        assert_int_equal((uintptr_t)p[i] % 64, 0);
#ifndef NDEBUG
        for (int k = 0; k < 3 * i; k++) assert_false(p[i][k] == p[i][k]); /* NAN */
#endif
        for (int k = 0; k < 3 * i; k++) p[i][k] = k;
    }
    assert_int_equal(rj_memory_live(), 4);
    for (int i = 0; i < 4; i++) RJ_FREE(p[i]);
    assert_int_equal(unset_doubles(&p[0], -1, 3), RJ_ERR_ARG);
    assert_int_equal(unset_doubles(&p[0], PTRDIFF_MAX / 2 + 1, 4), RJ_ERR_NOMEM); /* rows * cols wraps to 0 */
    assert_int_equal(unset_doubles(&p[0], PTRDIFF_MAX / 4 + 1, 1), RJ_ERR_NOMEM); /* rows * 8 wraps to 0 */
    assert_int_equal(unset_doubles(&p[0], PTRDIFF_MAX / 4, 1), RJ_ERR_NOMEM);     /* rounded up it does */
    rj_memory_fail_after(0);
    assert_int_equal(unset_doubles(&p[0], 1, 1), RJ_ERR_NOMEM);
    rj_memory_fail_after(-1);
    assert_null(p[0]);
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
        cmocka_unit_test(unset_block_is_aligned_and_counted),
        cmocka_unit_test(bad_shapes_are_refused),
        cmocka_unit_test(allocations_fail_after_n),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
