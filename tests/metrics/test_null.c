/* test_null.c: the chance levels by hand, and against simulated frames: independent, rotated inside their own spans,
 * rotated together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "resjac/base/memory.h"
#include "resjac/base/rng.h"
#include "resjac/linalg/blas.h"
#include "resjac/linalg/lapack.h"
#include "resjac/metrics/coupling.h"
#include "resjac/metrics/null.h"

enum { D = 64, K = 12, N = 240 };

static int near(double a, double b)
{
    return fabs(a - b) <= 1e-14 * (1 + fabs(b));
}

static void formulas_by_hand(void **x)
{
    const double s[] = {4, 3}, c[] = {0.5, 9, 9, -0.25}; /* C(k,k) = c[3 k] */
    const double z = sqrt(2 / 3.14159265358979323846);
    (void)x;
    assert_true(rj_null_norm(2, s, 1) == 7 && rj_null_norm(2, s, 2) == 5);
    /* 4 * 0.25 + 25 - 2 z 0.5 7 */
    assert_true(near(rj_null_independent(2, s, 0.5, 5), sqrt(26 - 7 * z) / 5));
    assert_true(near(rj_null_independent(2, s, 0.5, 7), sqrt(26 - 7 * z) / 7));
    assert_true(near(rj_null_independent(2, s, 0, 5), 1));
    assert_true(isnan(rj_null_independent(2, (double[]){0, 0}, 0, 0)));
    assert_true(near(rj_null_signed(2, s, 0.5, 5), sqrt(26) / 5) && isnan(rj_null_signed(1, s, 1, 0)));
    /* sigma = 0: E|mu| = |mu|; tau = 2: 4 * 0.5 + 25 - 2 (4 * 1 + 3 * 0.5) */
    assert_true(near(rj_null_conjugation(2, s, 2, 0, c, 3, 0.5, 5), sqrt(16) / 5));
    /* tau = 0: the independent null of scale sigma */
    assert_true(near(rj_null_conjugation(2, s, 0, 0.5, c, 3, 0.5, 5), sqrt(26 - 7 * z) / 5));
    /* E|1 + z| = sqrt(2/pi) exp(-1/2) + erf(1/sqrt 2) = 1.1666309 */
    assert_true(fabs(rj_null_conjugation(1, (double[]){1}, 1, 1, (double[]){1}, 1, 1, 1) -
                     sqrt(3 - 2 * 1.1666309)) < 1e-6);
    /* J = tau I shared: the square is 0, or its rounding below 0, and never NAN */
    assert_true(rj_null_conjugation(1, (double[]){0.1}, 0.1, 0, (double[]){1}, 1, 1, 0.1) < 1e-8);
}

static void deviation_is_undefined_without_triplets(void **x)
{
    const double s[] = {4, 3, 2, 1}, zero[4] = {0};
    const rj_null_spectrum spectrum[] = {{4, s, 5},    {0, NULL, 5}, {2, s, 5},
                                         {4, zero, 5}, {4, s, 5},    {4, s, 50}};
    double sd[6], again[6], other[6];
    (void)x;
    assert_int_equal(rj_null_deviation(40, 3, 4, 2, 1, 6, spectrum, sd), RJ_OK);
    assert_true(sd[0] > 0 && isnan(sd[1]) && isnan(sd[2]) && isnan(sd[3]));
    assert_true(sd[4] == sd[0] && sd[5] > sd[0]); /* common draws */
    assert_int_equal(rj_null_deviation(40, 3, 4, 1, 1, 1, spectrum, again), RJ_OK);
    assert_true(near(again[0] * 9, sd[0] * sqrt(29))); /* the norm only divides */
    assert_int_equal(rj_null_deviation(40, 3, 4, 2, 2, 1, spectrum, other), RJ_OK);
    assert_true(other[0] != sd[0] && fabs(other[0] / sd[0] - 1) < 0.5);
    assert_int_equal(rj_null_deviation(40, 2, 3, 2, 2, 1, spectrum, other), RJ_ERR_ARG);
}

/* || |A| - S ||_F of draw t, with A = X' S Y/d + c Z formed, entry by entry: d = 40, K = 3, 4 known of which n are used. */
static double misfit_of_draw(int t, int n, const double *s, double c)
{
    const rj_rng rng = rj_rng_open(1, "coupling null 3");
    double x[12], y[12], z[9], square = 0;
    rj_rng_normals(&rng, (uint64_t)t * 33, 12, x);
    rj_rng_normals(&rng, (uint64_t)t * 33 + 12, 12, y);
    rj_rng_normals(&rng, (uint64_t)t * 33 + 24, 9, z);
    for (int a = 0; a < 3; a++)
        for (int b = 0; b < 3; b++) {
            double entry = c * z[a + 3 * b];
            for (int m = 0; m < n; m++) entry += x[m + 4 * a] * s[m] * y[m + 4 * b] / 40;
            entry = fabs(entry) - (a == b ? s[a] : 0);
            square += entry * entry;
        }
    return sqrt(square);
}

static void deviation_is_that_of_the_draws(void **x)
{
    const double s[] = {4, 3, 2, 1};
    const rj_null_spectrum spectrum[] = {{4, s, 5}, {3, s, 400}, {4, s, 0}};
    double sd[3];
    (void)x;
    assert_int_equal(rj_null_deviation(40, 3, 4, 2, 1, 3, spectrum, sd), RJ_OK);
    for (int i = 0; i < 3; i++) {
        double misfit[RJ_NULL_DRAWS], mean = 0, squares = 0;
        for (int t = 0; t < RJ_NULL_DRAWS; t++) {
            misfit[t] = misfit_of_draw(t, spectrum[i].n, s, sqrt(spectrum[i].rest) / 40);
            mean += misfit[t] / RJ_NULL_DRAWS;
        }
        for (int t = 0; t < RJ_NULL_DRAWS; t++) squares += (misfit[t] - mean) * (misfit[t] - mean);
        assert_true(fabs(sd[i] * sqrt(29) / sqrt(squares / (RJ_NULL_DRAWS - 1)) - 1) < 1e-11);
    }
}

static rj_matrix normals_new(int m, int n, const char *name, int draw)
{
    char text[64];
    rj_matrix a;
    snprintf(text, sizeof text, "%s %d", name, draw);
    const rj_rng rng = rj_rng_open(11, text);
    assert_int_equal(rj_matrix_new(RJ_DOUBLE, m, n, &a), RJ_OK);
    rj_rng_normals(&rng, 0, (uint64_t)m * (uint64_t)n, a.data);
    return a;
}

/* A uniformly distributed frame [m,n]: the left factor of a normal matrix. */
static rj_matrix frame_new(int m, int n, const char *name, int draw)
{
    double s[D];
    rj_matrix a = normals_new(m, n, name, draw), u, v;
    assert_int_equal(rj_matrix_new(RJ_DOUBLE, m, n, &u), RJ_OK);
    assert_int_equal(rj_matrix_new(RJ_DOUBLE, n, n, &v), RJ_OK);
    assert_int_equal(rj_lapack_svd(&a, n, s, &u, &v), RJ_OK);
    rj_matrix_free(&a);
    rj_matrix_free(&v);
    return u;
}

static rj_matrix product_new(const rj_matrix *a, const rj_matrix *b)
{
    rj_matrix c;
    assert_int_equal(rj_matrix_new(RJ_DOUBLE, a->rows, b->cols, &c), RJ_OK);
    rj_gemm('N', 'N', 1.0, a, b, 0.0, &c);
    return c;
}

/* One J with decaying spectrum and a multiple of the identity, against N frames (U,V) that the test makes. */
typedef struct {
    rj_matrix jac;
    rj_topk top, frame[N];
    rj_coupling_block block[N + 1];
    double *values, null[N + 1], null_sd[N + 1], null_signed[N + 1], null_trace[N + 1];
    rj_coupling_measures out;
} simulation;

static void simulation_begin(simulation *w, double identity)
{
    const size_t n = (size_t)(N + 1) * (N + 1);
    double decay[D];
    *w = (simulation){.values = calloc(13 * n, sizeof(double))};
    assert_non_null(w->values);
    w->jac = normals_new(D, D, "jacobian", 0);
    for (int i = 0; i < D; i++) decay[i] = 1 / sqrt(1 + i);
    rj_matrix_scale_columns(decay, &w->jac);
    rj_matrix_add_diagonal(identity, &w->jac);
    assert_int_equal(rj_topk_full(&w->jac, K, &w->top), RJ_OK);
    w->block[0] =
        (rj_coupling_block){w->jac, &w->top, rj_matrix_frobenius(&w->jac), rj_matrix_trace(&w->jac), 0, NULL, NULL};
    double **const field[] = {&w->out.misfit,           &w->out.misfit_signed, &w->out.misfit_trace,
                              &w->out.misfit_vju,       &w->out.excess,        &w->out.null_rotation,
                              &w->out.null_conjugation, &w->out.excess_drop1,  &w->out.excess_drop3,
                              &w->out.subspace_uu,      &w->out.subspace_vv,   &w->out.subspace_uv,
                              &w->out.subspace_vu};
    for (size_t p = 0; p < 13; p++) *field[p] = w->values + p * n;
    w->out.null = w->null;
    w->out.null_sd = w->null_sd;
    w->out.null_signed = w->null_signed;
    w->out.null_trace = w->null_trace;
}

/* Takes over the frames. */
static void simulation_set(simulation *w, int draw, rj_matrix u, rj_matrix v)
{
    w->frame[draw] =
        (rj_topk){.d = D, .k = K, .u = u, .v = v, .s = w->top.s, .n_all = D, .s_all = w->top.s_all};
    w->block[draw + 1] = (rj_coupling_block){.top = &w->frame[draw]};
}

static void simulation_run(simulation *w)
{
    const int k = K;
    assert_int_equal(rj_coupling_rows(N + 1, w->block, 1, &k, 2, 0, 0, 1, NULL, &w->out), RJ_OK);
}

static void simulation_end(simulation *w)
{
    for (int i = 0; i < N; i++) {
        rj_matrix_free(&w->frame[i].u);
        rj_matrix_free(&w->frame[i].v);
    }
    rj_topk_free(&w->top);
    rj_matrix_free(&w->jac);
    free(w->values);
    assert_int_equal(rj_memory_live(), 0);
}

/* Mean of misfit^2 over the draws, its standard error, and the deviation of misfit. */
static void moments(const simulation *w, double *square, double *error, double *sd)
{
    double sum = 0, squares = 0, mean = 0, spread = 0;
    for (int i = 1; i <= N; i++) {
        const double q = w->out.misfit[i] * w->out.misfit[i];
        sum += q / N;
        squares += q * q / N;
        mean += w->out.misfit[i] / N;
    }
    for (int i = 1; i <= N; i++) spread += (w->out.misfit[i] - mean) * (w->out.misfit[i] - mean) / (N - 1);
    *square = sum;
    *error = sqrt((squares - sum * sum) / N);
    *sd = sqrt(spread);
}

static void independent_frames(void **x)
{
    static simulation w;
    double square, error, sd;
    (void)x;
    simulation_begin(&w, 0.0);
    for (int i = 0; i < N; i++) simulation_set(&w, i, frame_new(D, K, "u", i), frame_new(D, K, "v", i));
    simulation_run(&w);
    moments(&w, &square, &error, &sd);
    /* four standard errors and the formula's own 0.4 % of the misfit, 0.8 % of its square */
    assert_true(fabs(square - w.null[0] * w.null[0]) < 4 * error + 0.008 * square && error < 0.004);
    assert_true(fabs(w.null_sd[0] / sd - 1) <
                0.4); /* 9 % and 5 % of two finite samples, 4 % of the formula: 4 s.e. */
    for (int i = 1; i <= N; i++) assert_true(near(w.out.excess[i], 1 - w.out.misfit[i] / w.null[0]));
    double signed_square = 0;
    for (int i = 1; i <= N; i++) signed_square += w.out.misfit_signed[i] * w.out.misfit_signed[i] / N;
    assert_true(fabs(signed_square / (w.null_signed[0] * w.null_signed[0]) - 1) < 0.02);
    /* both are || |A| - S ||_F over a norm of s */
    assert_true(near(w.null_trace[0] / w.null[0], w.out.misfit_trace[1] / w.out.misfit[1]));
    simulation_end(&w);
}

/* U R_1, V R_2 for the frames of a J that shares much with this one: A keeps its norm, and nothing else. */
static void frames_rotated_inside_their_spans(void **x)
{
    static simulation w;
    double square, error, sd;
    (void)x;
    simulation_begin(&w, 0.0);
    for (int i = 0; i < N; i++) {
        rj_matrix left = frame_new(K, K, "left", i), right = frame_new(K, K, "right", i);
        simulation_set(&w, i, product_new(&w.top.u, &left), product_new(&w.top.v, &right));
        rj_matrix_free(&left);
        rj_matrix_free(&right);
    }
    simulation_run(&w);
    moments(&w, &square, &error, &sd);
    const double null = w.out.null_rotation[1];
    for (int i = 1; i <= N; i++) assert_true(fabs(w.out.null_rotation[i] - null) < 1e-12);
    assert_true(fabs(square - null * null) < 4 * error + 0.02 * square && error < 0.01);
    assert_true(null > 1.15 * w.null[0]); /* far from the null of independent frames */
    simulation_end(&w);
}

/* Q U, Q V with U'V kept, and J with a multiple of the identity: A keeps tau U'V. */
static void frames_rotated_together(void **x)
{
    static simulation w;
    double square, error, sd;
    (void)x;
    simulation_begin(&w, 3.0);
    for (int i = 0; i < N; i++) {
        rj_matrix q = frame_new(D, D, "together", i);
        simulation_set(&w, i, product_new(&q, &w.top.u), product_new(&q, &w.top.v));
        rj_matrix_free(&q);
    }
    simulation_run(&w);
    moments(&w, &square, &error, &sd);
    const double null = w.out.null_conjugation[1];
    for (int i = 1; i <= N; i++) assert_true(fabs(w.out.null_conjugation[i] - null) < 1e-12);
    assert_true(fabs(square - null * null) < 4 * error + 0.01 * square && error < 0.004);
    assert_true(null < 0.9 * w.null[0]);
    simulation_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formulas_by_hand),
        cmocka_unit_test(deviation_is_undefined_without_triplets),
        cmocka_unit_test(deviation_is_that_of_the_draws),
        cmocka_unit_test(independent_frames),
        cmocka_unit_test(frames_rotated_inside_their_spans),
        cmocka_unit_test(frames_rotated_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
