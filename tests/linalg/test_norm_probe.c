/* test_norm_probe.c: norms and traces from random columns, against those of the matrix. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <math.h>
#include <string.h>

#include <cmocka.h>

#include "resjac/base/memory.h"
#include "resjac/base/rng.h"
#include "resjac/linalg/blas.h"
#include "resjac/linalg/norm_probe.h"

enum { D = 60, K = 8, SEEDS = 200, PROBES = 12 };

static rj_matrix random_new(rj_arithmetic type)
{
    const rj_rng rng = rj_rng_open(5, "probe");
    double column[D];
    rj_matrix m;

    assert_int_equal(rj_matrix_new(type, D, D, &m), RJ_OK);
    for (int j = 0; j < D; j++) {
        rj_rng_normals(&rng, (uint64_t)(j * D), D, column);
        for (int i = 0; i < D; i++) column[i] = column[i] / (1.0 + j) + (i == j ? 0.3 : 0.0);
        rj_matrix_set_column(&m, j, column);
    }
    return m;
}

/* Over many seeds the means are the matrix's own, and the errors are those that the probes say. */
static void estimates_are_unbiased(void **x)
{
    (void)x;
    for (int type = RJ_SINGLE; type <= RJ_DOUBLE; type++) {
        rj_matrix jac = random_new((rj_arithmetic)type);
        const rj_linop op = rj_linop_dense(&jac);
        const double norm = rj_matrix_frobenius(&jac), trace = rj_matrix_trace(&jac);
        double off[2] = {0}, square[2] = {0}, said[2] = {0};
        rj_topk top;
        rj_probe p;

        assert_int_equal(rj_topk_full(&jac, K, &top), RJ_OK);
        for (int seed = 0; seed < SEEDS; seed++) {
            assert_int_equal(rj_probe_norms(&op, &top, PROBES, (uint64_t)seed, &p), RJ_OK);
            const double d[2] = {p.frobenius - norm, p.trace - trace},
                         e[2] = {p.frobenius_error, p.trace_error};
            for (int i = 0; i < 2; i++) off[i] += d[i], square[i] += d[i] * d[i], said[i] += e[i] * e[i];
        }
        for (int i = 0; i < 2; i++) {
            assert_true(fabs(off[i] / SEEDS) < 4 * sqrt(square[i] / SEEDS / SEEDS));
            assert_true(0.7 < square[i] / said[i] && square[i] / said[i] < 1.4);
        }
        assert_true(sqrt(square[0] / SEEDS) < 0.05 * norm);
        rj_topk_free(&top);
        rj_matrix_free(&jac);
    }
}

/* With all triplets nothing is left to estimate. */
static void whole_decompositions_are_exact(void **x)
{
    rj_matrix jac = random_new(RJ_DOUBLE);
    const rj_linop op = rj_linop_dense(&jac);
    rj_topk top;
    rj_probe p;

    (void)x;
    assert_int_equal(rj_topk_full(&jac, D, &top), RJ_OK);
    assert_int_equal(rj_probe_norms(&op, &top, 2, 1, &p), RJ_OK);
    assert_true(fabs(p.frobenius / rj_matrix_frobenius(&jac) - 1) < 1e-13 && p.frobenius_error < 1e-13);
    assert_true(fabs(p.trace - rj_matrix_trace(&jac)) < 1e-12 && p.trace_error < 1e-12);
    rj_topk_free(&top);
    rj_matrix_free(&jac);
}

static void bad_input_is_refused(void **x)
{
    rj_matrix jac = random_new(RJ_DOUBLE);
    const rj_linop op = rj_linop_dense(&jac);
    rj_topk top;
    rj_probe p = {.frobenius = -7};

    (void)x;
    assert_int_equal(rj_topk_full(&jac, K, &top), RJ_OK);
    assert_int_equal(rj_probe_norms(&op, &top, 1, 1, &p), RJ_ERR_ARG);
    assert_non_null(
        strstr(rj_status_message(), "1 probes of an operator 60x60 with triplets of 60, needs 2"));
    ((double *)jac.data)[7] = NAN;
    assert_int_equal(rj_probe_norms(&op, &top, 4, 1, &p), RJ_ERR_NUMERIC);
    assert_non_null(strstr(rj_status_message(), "a product of J [60,60] with normal columns is Inf or NaN"));
    assert_true(p.frobenius == -7);
    rj_topk_free(&top);
    rj_matrix_free(&jac);
    assert_int_equal(rj_memory_live(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(estimates_are_unbiased),
        cmocka_unit_test(whole_decompositions_are_exact),
        cmocka_unit_test(bad_input_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
