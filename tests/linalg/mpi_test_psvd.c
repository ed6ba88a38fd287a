/* mpi_test_psvd.c: triplets on grids against known ones, LAPACK's and p?gesvd's. */
#include "spread.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <netcdf.h>

#include "../../src/linalg/scalapack.h"
#include "resjac/base/agree.h"
#include "resjac/linalg/psvd.h"

/* max |X'Y - I|: the same vectors with the same signs. */
static double frames_differ(const rj_matrix *x, const rj_matrix *y)
{
    rj_matrix gram, one;
    assert_int_equal(rj_matrix_new(x->type, x->cols, x->cols, &gram), RJ_OK);
    assert_int_equal(rj_matrix_new(x->type, x->cols, x->cols, &one), RJ_OK);
    rj_matrix_identity(&one);
    rj_gemm('T', 'N', 1.0, x, y, 0.0, &gram);
    const double difference = rj_matrix_max_difference(&gram, &one);
    rj_matrix_free(&one);
    rj_matrix_free(&gram);
    return difference;
}

static bool same_on_all_ranks(const rj_topk *top)
{
    const size_t frame = (size_t)top->d * (size_t)top->k * rj_matrix_element(top->u.type);
    const size_t n = 2 * frame + (size_t)(top->d + 3 * top->k + 1) * sizeof(double);
    char *all = malloc(n), *first = malloc(n), *end = all;
    const void *parts[] = {
        top->u.data,        top->v.data,        top->s_all, top->s, &top->orthogonality_loss,
        top->residual_left, top->residual_right};
    const size_t k = (size_t)top->k * sizeof(double);
    const size_t sizes[] = {frame, frame, (size_t)top->d * sizeof(double), k, sizeof(double), k, k};
    assert_true(all != NULL && first != NULL);
    for (int i = 0; i < 7; end += sizes[i++]) memcpy(end, parts[i], sizes[i]);
    memcpy(first, all, n);
    RJ_MPI(rj_test_comm, MPI_Bcast(first, (int)n, MPI_CHAR, 0, rj_test_comm));
    const bool same = end == all + n && memcmp(all, first, n) == 0;
    free(first);
    free(all);
    return same;
}

/* Against LAPACK on one rank; gapped where the frames themselves can be compared. */
static void check_against_lapack(const rj_grid *g, const rj_matrix *jac, int k, int nb, bool gapped)
{
    const bool single = jac->type == RJ_SINGLE;
    const double eps = rj_matrix_epsilon(jac->type), tolerance = single ? 5e-6 : 1e-12;
    rj_dmat a = spread_matrix(g, jac, nb);
    rj_topk top, reference;
    double worst = 0;

    assert_all(rj_psvd_full(&a, k, &top) == RJ_OK);
    assert_int_equal(rj_topk_full(jac, k, &reference), RJ_OK);
    assert_all(top.d == jac->rows && top.k == k && top.n_all == top.d && top.method == RJ_SVD_GRID &&
               top.u.type == jac->type && top.v.type == jac->type);
    for (int i = 0; i < top.d; i++) worst = fmax(worst, fabs(top.s_all[i] - reference.s_all[i]));
    for (int i = 0; i < k; i++) worst = fmax(worst, fabs(top.s[i] - top.s_all[i]));
    assert_all(worst <= tolerance * reference.s[0]);
    worst = 0;
    for (int i = 0; i < k; i++) worst = fmax(worst, fmax(top.residual_left[i], top.residual_right[i]));
    assert_all(worst < 150 * eps && top.orthogonality_loss < 150 * eps);
    for (int i = 0; i < k; i++) {
        assert_true(fabs(spread_residual('N', jac, &top, i) - top.residual_right[i]) < 50 * eps);
        assert_true(fabs(spread_residual('T', jac, &top, i) - top.residual_left[i]) < 50 * eps);
    }
    if (gapped)
        assert_all(frames_differ(&top.u, &reference.u) < 2e4 * eps &&
                   frames_differ(&top.v, &reference.v) < 2e4 * eps);
    assert_all(same_on_all_ranks(&top));
    rj_topk_free(&reference);
    rj_topk_free(&top);
    rj_dmat_free(&a);
}

static void known_matrices_on_every_grid_and_block(void **x)
{
    const int sizes[] = {1, 2, 5, 37, 100}, blocks[] = {8, 32, 64};
    (void)x;
    for (int s = 0; s < SPREAD_SHAPES; s++) {
        if (!spread_fits(s)) continue;
        rj_grid *g = spread_grid(s);
        for (int i = 0; i < 5; i++)
            for (int t = 0; t < 2; t++) {
                rj_matrix jac = spread_known(t == 0 ? RJ_SINGLE : RJ_DOUBLE, sizes[i]);
                for (int b = 0; b < 3; b++)
                    check_against_lapack(g, &jac, sizes[i] < 6 ? sizes[i] : 6, blocks[b], true);
                rj_matrix_free(&jac);
            }
        rj_grid_destroy(&g);
    }
}

/* Not only against LAPACK: the values that J was made of. */
static void values_are_those_of_the_construction(void **x)
{
    rj_grid *g = NULL;
    rj_matrix jac = spread_known(RJ_DOUBLE, 90);
    rj_topk top;
    (void)x;
    assert_all(rj_grid_create(rj_test_comm, 0, 0, &g) == RJ_OK);
    rj_dmat a = spread_matrix(g, &jac, 16);
    assert_all(rj_psvd_full(&a, 90, &top) == RJ_OK);
    for (int i = 0; i < 90; i++) assert_true(fabs(top.s_all[i] - 1.0 / (1 + i)) < 1e-14);
    rj_topk_free(&top);
    rj_dmat_free(&a);
    rj_matrix_free(&jac);
    rj_grid_destroy(&g);
}

/* The reference's Jacobians [layer,d,d], rows together, of a model in tests/golden. */
static void check_golden(const rj_grid *g, const char *name)
{
    char path[4096];
    int file = 0, variable = 0, dims[3];
    size_t layers = 0, d = 0;
    rj_matrix turned, jac;
    snprintf(path, sizeof path, "%s/%s/reference.nc", getenv("RESJAC_GOLDEN"), name);
    assert_int_equal(nc_open(path, NC_NOWRITE, &file), NC_NOERR);
    assert_int_equal(nc_inq_varid(file, "jacobian", &variable), NC_NOERR);
    assert_int_equal(nc_inq_vardimid(file, variable, dims), NC_NOERR);
    assert_int_equal(nc_inq_dimlen(file, dims[0], &layers), NC_NOERR);
    assert_int_equal(nc_inq_dimlen(file, dims[1], &d), NC_NOERR);
    assert_true(layers >= 1 && d >= 8);
    assert_int_equal(rj_matrix_new(RJ_DOUBLE, (ptrdiff_t)d, (ptrdiff_t)d, &turned), RJ_OK);
    assert_int_equal(rj_matrix_new(RJ_DOUBLE, (ptrdiff_t)d, (ptrdiff_t)d, &jac), RJ_OK);
    for (size_t l = 0; l < layers; l++) {
        const size_t start[] = {l, 0, 0}, count[] = {1, d, d};
        assert_int_equal(nc_get_vara_double(file, variable, start, count, turned.data), NC_NOERR);
        rj_matrix_transpose(&turned, &jac);
        check_against_lapack(g, &jac, 5, 8, false);
    }
    rj_matrix_free(&jac);
    rj_matrix_free(&turned);
    nc_close(file);
}

static void jacobians_of_models(void **x)
{
    rj_grid *g = NULL;
    (void)x;
    if (getenv("RESJAC_GOLDEN") == NULL) skip();
    assert_all(rj_grid_create(rj_test_comm, 0, 0, &g) == RJ_OK);
    check_golden(g, "llama_base");
    check_golden(g, "llama_headsize");
    rj_grid_destroy(&g);
}

/* p?gesvd of J [d,d]: U and V' on the grid. Its workspace is asked for in double, as always here. */
static void oracle(rj_dmat *jac, double *s, rj_dmat *u, rj_dmat *vt)
{
    const int one = 1, ask = -1;
    double asked = 0;
    int info = 0;
    if (!rj_grid_inside(jac->grid)) return;
    pdgesvd_("V", "V", &jac->m, &jac->n, jac->local.data, &one, &one, jac->desc, s, u->local.data, &one, &one,
             u->desc, vt->local.data, &one, &one, vt->desc, &asked, &ask, &info, 1, 1);
    assert_true(info == 0 && asked >= 1 && asked <= INT_MAX);
    const int n_work = (int)asked;
    double *work = malloc((size_t)n_work * sizeof *work);
    assert_non_null(work);
    pdgesvd_("V", "V", &jac->m, &jac->n, jac->local.data, &one, &one, jac->desc, s, u->local.data, &one, &one,
             u->desc, vt->local.data, &one, &one, vt->desc, work, &n_work, &info, 1, 1);
    free(work);
    assert_int_equal(info, 0);
}

static void check_against_oracle(const rj_grid *g, int nb)
{
    enum { D = 60, K = 6 };
    double s[D] = {0}, worst = 0;
    rj_matrix jac = spread_known(RJ_DOUBLE, D), u_k, vt_all, v_k;
    rj_dmat a = spread_matrix(g, &jac, nb), u, vt;
    rj_topk top;

    assert_all(rj_psvd_full(&a, K, &top) == RJ_OK);
    assert_all(rj_dmat_new(g, RJ_DOUBLE, D, D, nb, &u) == RJ_OK &&
               rj_dmat_new(g, RJ_DOUBLE, D, D, nb, &vt) == RJ_OK);
    oracle(&a, s, &u, &vt);
    RJ_MPI(rj_test_comm, MPI_Bcast(s, D, MPI_DOUBLE, 0, rj_test_comm));
    for (int i = 0; i < D; i++) worst = fmax(worst, fabs(s[i] - top.s_all[i]));
    assert_all(worst < 1e-13);
    assert_int_equal(rj_matrix_new(RJ_DOUBLE, D, K, &u_k), RJ_OK);
    assert_int_equal(rj_matrix_new(RJ_DOUBLE, D, K, &v_k), RJ_OK);
    assert_int_equal(rj_matrix_new(RJ_DOUBLE, D, D, &vt_all), RJ_OK);
    assert_all(rj_dmat_gather(&u, &u_k) == RJ_OK && rj_dmat_gather(&vt, &vt_all) == RJ_OK);
    const rj_matrix leading = rj_matrix_block(&vt_all, 0, 0, K, D);
    rj_matrix_transpose(&leading, &v_k);
    for (int i = 0; i < K; i++) { /* its signs are its own */
        rj_matrix u_i = rj_matrix_block(&u_k, 0, i, D, 1), v_i = rj_matrix_block(&v_k, 0, i, D, 1);
        const rj_matrix top_i = rj_matrix_block(&top.u, 0, i, D, 1);
        double sign = 0;
        rj_matrix product = {RJ_DOUBLE, 1, 1, 1, &sign};
        rj_gemm('T', 'N', 1.0, &u_i, &top_i, 0.0, &product);
        rj_matrix_scale(sign < 0 ? -1 : 1, &u_i);
        rj_matrix_scale(sign < 0 ? -1 : 1, &v_i);
    }
    assert_all(frames_differ(&u_k, &top.u) < 1e-11 && frames_differ(&v_k, &top.v) < 1e-11);
    rj_matrix_free(&vt_all);
    rj_matrix_free(&v_k);
    rj_matrix_free(&u_k);
    rj_topk_free(&top);
    rj_dmat_free(&vt);
    rj_dmat_free(&u);
    rj_dmat_free(&a);
    rj_matrix_free(&jac);
}

static void oracle_agrees(void **x)
{
    (void)x;
    for (int s = 0; s < SPREAD_SHAPES; s++) {
        if (!spread_fits(s)) continue;
        rj_grid *g = spread_grid(s);
        check_against_oracle(g, 8);
        check_against_oracle(g, 32);
        rj_grid_destroy(&g);
    }
}

static bool same_bits(const rj_topk *x, const rj_topk *y)
{
    const size_t values = (size_t)x->k * sizeof(double);
    return memcmp(x->s_all, y->s_all, (size_t)x->d * sizeof(double)) == 0 &&
           memcmp(x->residual_left, y->residual_left, values) == 0 &&
           memcmp(x->residual_right, y->residual_right, values) == 0 &&
           rj_matrix_max_difference(&x->u, &y->u) == 0 && rj_matrix_max_difference(&x->v, &y->v) == 0;
}

/* Sums of three ranks or more are in no fixed order unless BLACS is told: in a line most runs would differ. */
static void equal_input_gives_equal_bits(void **x)
{
    rj_matrix jac = spread_normal(RJ_DOUBLE, 60, 60, 3);
    (void)x;
    for (int upright = 0; upright < 2; upright++) {
        rj_grid *g = NULL;
        rj_topk first, again;
        assert_all(rj_grid_create(rj_test_comm, upright ? rj_test_size : 1, upright ? 1 : rj_test_size, &g) ==
                   RJ_OK);
        rj_dmat a = spread_matrix(g, &jac, 8);
        assert_all(rj_psvd_full(&a, 4, &first) == RJ_OK);
        for (int i = 0; i < 10; i++) {
            assert_all(rj_psvd_full(&a, 4, &again) == RJ_OK);
            assert_all(same_bits(&first, &again));
            rj_topk_free(&again);
        }
        rj_topk_free(&first);
        rj_dmat_free(&a);
        rj_grid_destroy(&g);
    }
    rj_matrix_free(&jac);
}

/* Powers of two are exact: the triplets of 2^e J are those of J, far from where squares fit. */
static void scale_is_exact(void **x)
{
    const double scales[] = {0x1p-1000, 0x1p1000};
    rj_grid *g = NULL;
    rj_topk plain, scaled;
    (void)x;
    assert_all(rj_grid_create(rj_test_comm, 0, 0, &g) == RJ_OK);
    rj_matrix jac = spread_known(RJ_DOUBLE, 20);
    rj_dmat a = spread_matrix(g, &jac, 8);
    assert_all(rj_psvd_full(&a, 4, &plain) == RJ_OK);
    for (int i = 0; i < 2; i++) {
        rj_matrix_scale(scales[i], &a.local);
        assert_all(rj_psvd_full(&a, 4, &scaled) == RJ_OK);
        for (int j = 0; j < 20; j++) assert_true(scaled.s_all[j] == plain.s_all[j] * scales[i]);
        assert_all(rj_matrix_max_difference(&scaled.u, &plain.u) == 0);
        assert_all(scaled.residual_left[1] < 1e-14);
        rj_matrix_scale(1 / scales[i], &a.local);
        rj_topk_free(&scaled);
    }
    rj_topk_free(&plain);
    rj_dmat_free(&a);
    rj_matrix_free(&jac);
    rj_grid_destroy(&g);
}

static void zero_matrix_has_zero_values(void **x)
{
    rj_grid *g = NULL;
    rj_dmat a;
    rj_topk top;
    (void)x;
    assert_all(rj_grid_create(rj_test_comm, 0, 0, &g) == RJ_OK);
    assert_all(rj_dmat_new(g, RJ_SINGLE, 9, 9, 4, &a) == RJ_OK && rj_psvd_full(&a, 3, &top) == RJ_OK);
    for (int i = 0; i < 3; i++)
        assert_true(top.s[i] == 0 && top.residual_left[i] == 0 && top.residual_right[i] == 0);
    assert_all(top.orthogonality_loss < 1e-6);
    rj_topk_free(&top);
    rj_dmat_free(&a);
    rj_grid_destroy(&g);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        rj_unit_test(known_matrices_on_every_grid_and_block),
        rj_unit_test(values_are_those_of_the_construction),
        rj_unit_test(jacobians_of_models),
        rj_unit_test(oracle_agrees),
        rj_unit_test(equal_input_gives_equal_bits),
        rj_unit_test(scale_is_exact),
        rj_unit_test(zero_matrix_has_zero_values),
    };
    rj_test_begin(&argc, &argv);
    return rj_test_end(cmocka_run_group_tests(tests, NULL, NULL));
}
