/* test_krylov.c: triplets by products against a full decomposition: hard spectra, true certificates, each way out. */
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
#include "resjac/linalg/krylov.h"

enum { D = 200, K = 10 };

static rj_matrix random_new(int d, const char *name)
{
    const rj_rng rng = rj_rng_open(7, name);
    rj_matrix a;
    assert_int_equal(rj_matrix_new(RJ_DOUBLE, d, d, &a), RJ_OK);
    rj_rng_normals(&rng, 0, (uint64_t)d * (uint64_t)d, a.data);
    return a;
}

/* U diag(s) V' [D,D] with random frames, rounded to `type`. */
static rj_matrix with_values(rj_arithmetic type, const double *s, const char *name)
{
    rj_matrix a = random_new(D, name), jac;
    rj_topk frames;
    assert_int_equal(rj_topk_full(&a, D, &frames), RJ_OK);
    rj_matrix_scale_columns(s, &frames.u);
    rj_gemm('N', 'T', 1.0, &frames.u, &frames.v, 0.0, &a);
    assert_int_equal(rj_matrix_new(type, D, D, &jac), RJ_OK);
    rj_matrix_copy(&a, &jac);
    rj_topk_free(&frames);
    rj_matrix_free(&a);
    return jac;
}

/* ||op(J) x_i - s_i y_i|| in double */
static double residual(char op, const rj_matrix *jac, const rj_topk *top, int i)
{
    const int d = top->d;
    double x[D], y[D], image[D], sum = 0.0;
    rj_matrix_get_column(op == 'N' ? &top->v : &top->u, i, x);
    rj_matrix_get_column(op == 'N' ? &top->u : &top->v, i, y);
    rj_matrix_times(op, jac, x, image);
    for (int r = 0; r < d; r++) sum += (image[r] - top->s[i] * y[r]) * (image[r] - top->s[i] * y[r]);
    return sqrt(sum);
}

static double auto_tolerance(rj_arithmetic type)
{
    return type == RJ_SINGLE ? 1e-4 : 1e-6;
}

/* Values within 5e-6 (or a few eps) s_1 of the full decomposition's, residuals within the tolerance, and certificates that
 * are what they say. */
static void check_against_full(const rj_matrix *jac, const rj_topk *top, int k)
{
    const int d = jac->rows;
    const double eps = rj_matrix_epsilon(jac->type), rounding = 8 * eps * sqrt(d);
    const double least = jac->type == RJ_SINGLE ? 5e-6 : 1e-11;
    rj_topk full;
    assert_int_equal(rj_topk_full(jac, d, &full), RJ_OK);
    assert_true(top->d == d && top->k >= k && top->u.cols == top->k && top->v.cols == top->k);
    for (int i = 0; i < top->k; i++) {
        const double right = residual('N', jac, top, i), left = residual('T', jac, top, i);
        const double share = i < k ? auto_tolerance(jac->type) : 1e-2;
        assert_true(fabs(right - top->residual_right[i] * top->s[0]) <= 50 * eps * top->s[0]);
        assert_true(fabs(left - top->residual_left[i] * top->s[0]) <= 50 * eps * top->s[0]);
        assert_true(right <= share * top->s[i] + rounding * top->s[0]);
        assert_true(left <= share * top->s[i] + rounding * top->s[0]);
        assert_true(fabs(top->s[i] - full.s[i]) <= (i < k ? least : 1e-2) * full.s[0]);
        assert_true(top->s[i] == top->s_all[i]);
    }
    assert_true(top->orthogonality_loss <= 100 * eps);
    rj_topk_free(&full);
}

static rj_topk leading(const rj_matrix *jac, int k, int most)
{
    const rj_krylov_options o = {.k = k, .most = most, .seed = 1};
    rj_topk top;
    assert_int_equal(rj_topk_of(jac, RJ_SVD_KRYLOV, &o, &top), RJ_OK);
    return top;
}

static void check_values(const double *s, rj_svd_method method)
{
    for (int type = RJ_SINGLE; type <= RJ_DOUBLE; type++) {
        rj_matrix jac = with_values((rj_arithmetic)type, s, "spectrum");
        rj_topk top = leading(&jac, K, 3 * K);
        assert_int_equal(top.method, method);
        if (method == RJ_SVD_KRYLOV)
            assert_true(top.n_all == top.k && top.columns > K && top.columns <= rj_krylov_limit(D));
        check_against_full(&jac, &top, K);
        rj_topk_free(&top);
        rj_matrix_free(&jac);
    }
}

static void decaying_values(void **x)
{
    double s[D];
    (void)x;
    for (int i = 0; i < D; i++) s[i] = pow(1 + i, -0.8);
    check_values(s, RJ_SVD_KRYLOV);
    for (int i = 0; i < D; i++) s[i] = 1e3 * pow(0.7, i);
    check_values(s, RJ_SVD_KRYLOV);
}

/* One massive direction above a flat rest. */
static void one_large_value(void **x)
{
    double s[D];
    (void)x;
    for (int i = 0; i < D; i++) s[i] = i == 0 ? 1000.0 : i < 20 ? 2.0 - 0.05 * i : 0.5;
    check_values(s, RJ_SVD_KRYLOV);
}

/* A cluster at and beyond the end of the wanted ones, down to gaps below the tolerance. */
static void clusters(void **x)
{
    double s[D];
    (void)x;
    for (int e = 3; e <= 9; e += 2) {
        for (int i = 0; i < D; i++)
            s[i] = i < 6 ? 3.0 - 0.2 * i : i < 14 ? 1.5 - pow(10.0, -e) * i : 1.0 / (i - 12);
        check_values(s, RJ_SVD_KRYLOV);
    }
}

/* Twenty copies: a block of eight finds eight, random blocks the others. */
static void more_copies_than_a_block_is_wide(void **x)
{
    double s[D];
    (void)x;
    for (int i = 0; i < D; i++) s[i] = i < 2 ? 4.0 - i : i < 22 ? 2.0 : pow(i - 20, -1.5);
    for (int type = RJ_SINGLE; type <= RJ_DOUBLE; type++) {
        rj_matrix jac = with_values((rj_arithmetic)type, s, "copies");
        for (int k = 11; k <= 23; k += 4) {
            rj_topk top = leading(&jac, k, k);
            assert_true(k > 15 || top.method == RJ_SVD_KRYLOV);
            check_against_full(&jac, &top, k);
            rj_topk_free(&top);
        }
        rj_matrix_free(&jac);
    }
    for (int i = 0; i < D; i++) s[i] = i < 20 ? 2.0 : 0.0;
    check_values(s, RJ_SVD_KRYLOV);
}

/* Rounding finds the other copies in time, but here the first eight and what comes next converge before it does: only the
 * guard's random block tells that s_9 is another copy. */
static void guard_finds_a_copy_before_rounding_does(void **x)
{
    const rj_krylov_options o = {.k = 9, .most = 9, .tolerance = 1e-3};
    double s[D];
    (void)x;
    for (int i = 0; i < D; i++) s[i] = i < 16 ? 2.0 : i < 17 ? 1.9 : 1.2 * (D - i) / D;
    for (int type = RJ_SINGLE; type <= RJ_DOUBLE; type++) {
        rj_matrix jac = with_values((rj_arithmetic)type, s, "guard");
        rj_topk top;
        assert_int_equal(rj_topk_of(&jac, RJ_SVD_KRYLOV, &o, &top), RJ_OK);
        assert_true(fabs(top.s[8] - 2.0) <
                    1e-5); /* by whichever method: there may be no room for more columns */
        rj_topk_free(&top);
        rj_matrix_free(&jac);
    }
}

static void rank_below_k(void **x)
{
    double s[D];
    (void)x;
    for (int i = 0; i < D; i++) s[i] = i < 6 ? 3.0 - 0.4 * i : 0.0;
    check_values(s, RJ_SVD_KRYLOV);
}

static void zero_matrix(void **x)
{
    const double s[D] = {0};
    (void)x;
    for (int type = RJ_SINGLE; type <= RJ_DOUBLE; type++) {
        rj_matrix jac = with_values((rj_arithmetic)type, s, "zero");
        rj_topk top = leading(&jac, K, K);
        for (int i = 0; i < K; i++)
            assert_true(top.s[i] == 0 && top.residual_right[i] == 0 && top.residual_left[i] == 0);
        assert_true(top.orthogonality_loss < 1e-5 && rj_topk_gap(&top, 2) == 0);
        rj_topk_free(&top);
        rj_matrix_free(&jac);
    }
}

/* A spectrum so flat that half of J's columns do not suffice, and sizes too small for the method: all of J, and said so. */
static void falls_back_to_all_of_j(void **x)
{
    double s[D];
    const int small[][2] = {{1, 1}, {5, 2}, {15, 15}, {40, 20}};
    (void)x;
    for (int i = 0; i < D; i++) s[i] = 1.0 + 1e-3 * (D - i) / D;
    check_values(s, RJ_SVD_FULL);
    for (size_t i = 0; i < sizeof small / sizeof *small; i++) {
        rj_matrix jac = random_new(small[i][0], "small");
        rj_topk top = leading(&jac, small[i][1], small[i][1]);
        assert_true(top.method == RJ_SVD_FULL && top.n_all == small[i][0] && top.columns == 0);
        check_against_full(&jac, &top, small[i][1]);
        rj_topk_free(&top);
        rj_matrix_free(&jac);
    }
    rj_matrix jac = random_new(D, "all");
    rj_topk top = leading(&jac, D, D);
    assert_true(top.method == RJ_SVD_FULL && top.k == D);
    rj_topk_free(&top);
    rj_matrix_free(&jac);
}

/* An operator that is no dense matrix, beside the dense one: the same bits; and formed for the way back. */
static rj_status apply(const void *ctx, const rj_matrix *x, rj_matrix *y)
{
    rj_gemm('N', 'N', 1.0, ctx, x, 0.0, y);
    return RJ_OK;
}
static rj_status apply_transpose(const void *ctx, const rj_matrix *x, rj_matrix *y)
{
    rj_gemm('T', 'N', 1.0, ctx, x, 0.0, y);
    return RJ_OK;
}

static void operator_gives_the_bits_of_its_matrix(void **x)
{
    double s[D];
    (void)x;
    for (int i = 0; i < D; i++) s[i] = pow(1 + i, -0.8);
    rj_matrix jac = with_values(RJ_SINGLE, s, "operator");
    const rj_linop op = {D, D, RJ_SINGLE, &jac, apply, apply_transpose};
    const rj_krylov_options o = {.k = K, .most = K, .seed = 1}, all = {.k = D, .most = D};
    rj_topk dense = leading(&jac, K, K), free_of_it, formed;
    assert_int_equal(rj_topk_krylov(&op, &o, &free_of_it), RJ_OK);
    assert_memory_equal(dense.u.data, free_of_it.u.data, D * K * sizeof(float));
    assert_memory_equal(dense.v.data, free_of_it.v.data, D * K * sizeof(float));
    assert_memory_equal(dense.s, free_of_it.s, K * sizeof(double));
    assert_int_equal(rj_topk_krylov(&op, &all, &formed), RJ_OK);
    assert_true(formed.method == RJ_SVD_FULL && fabs(formed.s[0] - dense.s[0]) < 1e-6);
    rj_topk_free(&dense);
    rj_topk_free(&free_of_it);
    rj_topk_free(&formed);
    rj_matrix_free(&jac);
}

/* m = || |U2'J1 V2| - S1 ||_F / ||s1||, and the smallest gap that bounds its conditioning. */
static double misfit(const rj_matrix *jac, const rj_topk *one, const rj_topk *two)
{
    const rj_matrix u = rj_matrix_block(&two->u, 0, 0, D, K), v = rj_matrix_block(&two->v, 0, 0, D, K);
    rj_matrix image, a;
    double sum = 0.0, squares = 0.0, column[K];
    assert_int_equal(rj_matrix_new(jac->type, D, K, &image), RJ_OK);
    assert_int_equal(rj_matrix_new(jac->type, K, K, &a), RJ_OK);
    rj_gemm('N', 'N', 1.0, jac, &v, 0.0, &image);
    rj_gemm('T', 'N', 1.0, &u, &image, 0.0, &a);
    for (int j = 0; j < K; j++) {
        rj_matrix_get_column(&a, j, column);
        for (int i = 0; i < K; i++) {
            const double off = fabs(column[i]) - (i == j ? one->s[i] : 0.0);
            sum += off * off;
        }
        squares += one->s[j] * one->s[j];
    }
    rj_matrix_free(&image);
    rj_matrix_free(&a);
    return sqrt(sum / squares);
}

static void coupling_is_that_of_the_full_decomposition(void **x)
{
    double s[D];
    (void)x;
    for (int i = 0; i < D; i++) s[i] = pow(1 + i, -0.9);
    for (int type = RJ_SINGLE; type <= RJ_DOUBLE; type++) {
        rj_matrix one = with_values((rj_arithmetic)type, s, "one");
        rj_matrix two = with_values((rj_arithmetic)type, s, "two");
        rj_topk k1 = leading(&one, K + 3, 64), k2 = leading(&two, K + 3, 64), f1, f2;
        assert_int_equal(rj_topk_full(&one, 64, &f1), RJ_OK);
        assert_int_equal(rj_topk_full(&two, 64, &f2), RJ_OK);
        assert_true(k1.method == RJ_SVD_KRYLOV && k2.method == RJ_SVD_KRYLOV);
        const double truth = misfit(&one, &f1, &f2), gap = fmin(rj_topk_gap(&f1, K), rj_topk_gap(&f2, K));
        assert_true(fabs(misfit(&one, &k1, &k2) / truth - 1) < 1e-5 + 3e-3 * (1e-6 / gap));
        rj_topk_free(&k1);
        rj_topk_free(&k2);
        rj_topk_free(&f1);
        rj_topk_free(&f2);
        rj_matrix_free(&one);
        rj_matrix_free(&two);
    }
}

static void tighter_tolerance_takes_more_columns(void **x)
{
    const double tolerance[] = {1e-3, 1e-10};
    double s[D];
    int columns[2];
    (void)x;
    for (int i = 0; i < D; i++) s[i] = pow(1 + i, -0.8);
    rj_matrix jac = with_values(RJ_DOUBLE, s, "tolerance");
    for (int t = 0; t < 2; t++) {
        const rj_krylov_options o = {.k = 5, .most = 5, .tolerance = tolerance[t]};
        rj_topk top;
        assert_int_equal(rj_topk_of(&jac, RJ_SVD_KRYLOV, &o, &top), RJ_OK);
        for (int i = 0; i < 5; i++)
            assert_true(residual('T', &jac, &top, i) <= tolerance[t] * top.s[i] + 1e-13);
        columns[t] = top.columns;
        rj_topk_free(&top);
    }
    assert_true(0 < columns[0] && columns[0] < columns[1]);
    rj_matrix_free(&jac);
}

/* Products that serve the search and fail the certificate, which alone is not eight columns wide. */
typedef struct {
    const rj_matrix *jac;
    int certificates;
} deceiver;

static rj_status deceive(const void *ctx, const rj_matrix *x, rj_matrix *y)
{
    deceiver *d = (deceiver *)(uintptr_t)ctx;

    rj_gemm('N', 'N', 1.0, d->jac, x, 0.0, y);
    if (x->cols != 8) {
        d->certificates++;
        rj_matrix_scale(1.01, y);
    }
    return RJ_OK;
}

static rj_status deceive_back(const void *ctx, const rj_matrix *x, rj_matrix *y)
{
    rj_gemm('T', 'N', 1.0, ((const deceiver *)ctx)->jac, x, 0.0, y);
    return RJ_OK;
}

/* A search whose triplets do not hold gives up after some refusals, not when it has no room left. */
static void refusals_end_a_search(void **x)
{
    enum { LARGE = 700 };
    const rj_krylov_options o = {.k = 3, .most = 3};
    rj_matrix jac;
    rj_topk top = {.d = -7};
    int found = -1;

    (void)x;
    assert_int_equal(rj_matrix_new(RJ_SINGLE, LARGE, LARGE, &jac), RJ_OK);
    for (int i = 0; i < LARGE; i++) ((float *)jac.data)[i + (ptrdiff_t)i * LARGE] = powf(0.9F, (float)i);
    deceiver d = {&jac, 0};
    const rj_linop op = {LARGE, LARGE, RJ_SINGLE, &d, deceive, deceive_back};
    assert_int_equal(rj_krylov_leading(&op, &o, &found, &top), RJ_OK);
    assert_true(found == 0 && top.d == -7);
    assert_int_equal(d.certificates, 8);
    rj_matrix_free(&jac);
}

static void bad_input_is_refused(void **x)
{
    rj_matrix jac = random_new(D, "bad");
    rj_krylov_options o = {.k = 0, .most = K};
    rj_topk top = {.d = -7};
    (void)x;
    assert_int_equal(rj_topk_of(&jac, RJ_SVD_KRYLOV, &o, &top), RJ_ERR_ARG);
    assert_non_null(strstr(rj_status_message(), "0 triplets, at most 10, of J 200x200"));
    o = (rj_krylov_options){.k = K, .most = K - 1};
    assert_int_equal(rj_topk_of(&jac, RJ_SVD_KRYLOV, &o, &top), RJ_ERR_ARG);
    o = (rj_krylov_options){.k = K, .most = K, .tolerance = 1.0};
    assert_int_equal(rj_topk_of(&jac, RJ_SVD_KRYLOV, &o, &top), RJ_ERR_ARG);
    assert_non_null(strstr(rj_status_message(), "tolerance 1, needs 0..1"));
    o.tolerance = 0.0;
    assert_int_equal(rj_topk_of(&jac, RJ_SVD_GRID, &o, &top), RJ_ERR_ARG);
    ((double *)jac.data)[5 + 3 * D] = NAN;
    assert_int_equal(rj_topk_of(&jac, RJ_SVD_KRYLOV, &o, &top), RJ_ERR_NUMERIC);
    assert_non_null(strstr(rj_status_message(), "J [200,200] has nan at (5,3)"));
    const rj_linop op = {D, D, RJ_DOUBLE, &jac, apply, apply_transpose};
    assert_int_equal(rj_topk_krylov(&op, &o, &top), RJ_ERR_NUMERIC);
    assert_non_null(strstr(rj_status_message(), "a product of J [200,200] with orthonormal columns"));
    assert_int_equal(top.d, -7);
    rj_matrix_free(&jac);
}

static void every_allocation_may_fail(void **x)
{
    double s[D];
    int failures = 0;
    (void)x;
    for (int i = 0; i < D; i++) s[i] = pow(0.7, i);
    rj_matrix jac = with_values(RJ_SINGLE, s, "memory");
    const rj_krylov_options o = {.k = K, .most = K};
    const ptrdiff_t live = rj_memory_live();
    for (;; failures++) {
        rj_topk top = {.d = -7};
        rj_memory_fail_after(failures);
        const rj_status st = rj_topk_of(&jac, RJ_SVD_KRYLOV, &o, &top);
        rj_memory_fail_after(-1);
        if (st == RJ_OK) {
            rj_topk_free(&top);
            break;
        }
        assert_int_equal(st, RJ_ERR_NOMEM);
        assert_int_equal(top.d, -7);
        assert_int_equal(rj_memory_live(), live);
    }
    assert_true(failures > 20);
    rj_matrix_free(&jac);
}

static int no_leak(void **x)
{
    (void)x;
    return rj_memory_live() != 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(decaying_values, no_leak),
        cmocka_unit_test_teardown(one_large_value, no_leak),
        cmocka_unit_test_teardown(clusters, no_leak),
        cmocka_unit_test_teardown(more_copies_than_a_block_is_wide, no_leak),
        cmocka_unit_test_teardown(guard_finds_a_copy_before_rounding_does, no_leak),
        cmocka_unit_test_teardown(rank_below_k, no_leak),
        cmocka_unit_test_teardown(zero_matrix, no_leak),
        cmocka_unit_test_teardown(falls_back_to_all_of_j, no_leak),
        cmocka_unit_test_teardown(operator_gives_the_bits_of_its_matrix, no_leak),
        cmocka_unit_test_teardown(coupling_is_that_of_the_full_decomposition, no_leak),
        cmocka_unit_test_teardown(tighter_tolerance_takes_more_columns, no_leak),
        cmocka_unit_test_teardown(refusals_end_a_search, no_leak),
        cmocka_unit_test_teardown(bad_input_is_refused, no_leak),
        cmocka_unit_test_teardown(every_allocation_may_fail, no_leak),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
