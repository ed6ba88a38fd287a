/* test_band.c: a Gram matrix by hand and beside LAPACK; counts, values and vectors of a band, of a wider end, and of nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <limits.h>
#include <math.h>
#include <string.h>

#include <cmocka.h>

#include "../../src/linalg/band.h"
#include "resjac/base/memory.h"
#include "resjac/base/rng.h"
#include "resjac/linalg/blas.h"
#include "resjac/linalg/lapack.h"

enum { N = 64, TURN = 48 };

/* B = [[3,4],[0,5]] in a corner of zeros: B B' = [[25,20],[20,25]], eigenvalues 45 and 5, vectors (1,1) and (1,-1). */
static void two_by_two_by_hand(void **x)
{
    double b[RJ_BAND * RJ_BAND] = {3, 0}, z[2 * RJ_BAND], low = 0;
    const rj_matrix m = {RJ_DOUBLE, RJ_BAND, RJ_BAND, RJ_BAND, b};
    rj_band band;
    (void)x;
    b[RJ_BAND] = 4;
    b[RJ_BAND + 1] = 5;
    assert_int_equal(rj_band_new(&m, INT_MAX, &band), RJ_OK);
    assert_true(band.below == 1 && band.scale == 45);
    assert_true(rj_band_above(&band, 4.9) == 2 && rj_band_above(&band, 5.1) == 1);
    assert_true(rj_band_above(&band, 44.9) == 1 && rj_band_above(&band, 45.1) == 0);
    assert_int_equal(rj_band_above(&band, -1), RJ_BAND);
    assert_true(fabs(rj_band_value(&band, 0, 1e-10, 1e-10, &low) - 45) < 1e-8);
    assert_true(45 - 1e-8 < low && low <= 45 + 1e-12);
    low = 1;
    assert_true(fabs(rj_band_value(&band, 1, 1e-3, 1e-10, &low) - 5) < 5e-3);
    rj_band_vector(&band, 5 + 1e-6, z);
    assert_true(fabs(fabs(z[0]) - sqrt(.5)) < 1e-12 && fabs(z[0] + z[1]) < 1e-12);
    for (int i = 2; i < 2 * RJ_BAND; i++) assert_true(fabs(z[i]) < 1e-12);
    rj_band_free(&band);
}

/* Upper, RJ_BAND above the diagonal, and all rows from turn - RJ_BAND on in the columns from turn on. */
static rj_matrix projection(int turn)
{
    const rj_rng rng = rj_rng_open(5, "band");
    rj_matrix b;
    assert_int_equal(rj_matrix_new(RJ_DOUBLE, N, N, &b), RJ_OK);
    rj_rng_normals(&rng, 0, N * N, b.data);
    for (int c = 0; c < N; c++)
        for (int r = 0; r < N; r++)
            if (r > c || r < (c < turn ? c : turn) - RJ_BAND) ((double *)b.data)[r + c * N] = 0;
    return b;
}

static void check_beside_lapack(int turn, int below)
{
    rj_matrix b = projection(turn), gram, spread, vectors;
    rj_band band;
    double value[N], z[2 * N];
    assert_int_equal(rj_matrix_new(RJ_DOUBLE, N, N, &gram), RJ_OK);
    assert_int_equal(rj_matrix_new(RJ_DOUBLE, N, N, &spread), RJ_OK);
    assert_int_equal(rj_matrix_new(RJ_DOUBLE, N, 3, &vectors), RJ_OK);
    rj_gemm('N', 'T', 1, &b, &b, 0, &gram);
    assert_int_equal(rj_band_new(&b, turn, &band), RJ_OK);
    assert_int_equal(band.below, below);
    rj_band_spread(&band, &spread);
    for (int c = 0; c < N; c++)
        for (int r = 0; r < N; r++) {
            const double here = ((double *)spread.data)[r + c * N];
            assert_true(r < c ? here == 0 : fabs(here - ((double *)gram.data)[r + c * N]) < 1e-12);
        }
    assert_int_equal(rj_lapack_symmetric(&gram, 9, value, &vectors), RJ_OK);
    assert_true(band.scale >= value[0]);
    for (int i = 0; i < N - 1 && value[i + 1] > 1e-10 * value[0]; i++)
        assert_int_equal(rj_band_above(&band, 0.5 * (value[i] + value[i + 1])), i + 1);
    for (int i = 9; i < 12; i++) {
        double along = 0, low = i == 9 ? 0 : 0.99 * value[i];
        const double found = rj_band_value(&band, i, 1e-9, 1e-9, &low);
        assert_true(fabs(found - value[i]) < 1e-9 * value[i]);
        rj_band_vector(&band, found, z);
        for (int r = 0; r < N; r++) along += z[r] * ((double *)vectors.data)[r + (i - 9) * N];
        assert_true(fabs(fabs(along) - 1) < 1e-10);
    }
    rj_band_free(&band);
    rj_matrix_free(&b);
    rj_matrix_free(&gram);
    rj_matrix_free(&spread);
    rj_matrix_free(&vectors);
}

static void band_beside_lapack(void **x)
{
    (void)x;
    check_beside_lapack(INT_MAX, 1);
    check_beside_lapack(TURN, (N - TURN) / RJ_BAND);
}

static void nothing_has_values_of_nothing(void **x)
{
    double b[RJ_BAND * RJ_BAND] = {0}, z[2 * RJ_BAND], low = 0;
    const rj_matrix m = {RJ_DOUBLE, RJ_BAND, RJ_BAND, RJ_BAND, b};
    rj_band band;
    (void)x;
    assert_int_equal(rj_band_new(&m, INT_MAX, &band), RJ_OK);
    assert_true(rj_band_above(&band, 0) == 0 && rj_band_value(&band, 2, 1e-8, 1e-8, &low) == 0);
    rj_band_vector(&band, 0, z);
    for (int i = 0; i < RJ_BAND; i++) assert_true(isfinite(z[i]));
    rj_band_free(&band);
}

static void memory_may_fail(void **x)
{
    double b[RJ_BAND * RJ_BAND] = {3, 0};
    const rj_matrix m = {RJ_DOUBLE, RJ_BAND, RJ_BAND, RJ_BAND, b};
    rj_band band;
    (void)x;
    for (int n = 0; n < 2; n++) {
        rj_memory_fail_after(n);
        assert_int_equal(rj_band_new(&m, INT_MAX, &band), RJ_ERR_NOMEM);
        rj_memory_fail_after(-1);
        rj_band_free(&band);
    }
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
        cmocka_unit_test_teardown(band_beside_lapack, no_leak),
        cmocka_unit_test_teardown(nothing_has_values_of_nothing, no_leak),
        cmocka_unit_test_teardown(memory_may_fail, no_leak),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
