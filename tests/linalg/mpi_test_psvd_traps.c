/* mpi_test_psvd_traps.c: each trap of ScaLAPACK sprung: sizes that wrap, rounded workspaces, blocks that are not square, Inf and
 * NaN, failures that nobody reports. */
#include "spread.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#include "../../src/linalg/scalapack.h"
#include "resjac/base/memory.h"
#include "resjac/linalg/lapack.h"
#include "resjac/linalg/psvd.h"

/* The linker puts these in the place of ScaLAPACK's (--wrap): a library that fails without saying so. */
typedef enum { SOUND, REFUSES, GIVES_NAN, LEAVES_OUT_Q, LEAVES_OUT_P, NUDGES_P } behaviour;
static behaviour library;
static int n_gebrd;
static const double NUDGE = 2e-13; /* above rounding, below what a certificate refuses */
void __real_pdgebrd_(const int *m, const int *n, double *a, const int *ia, const int *ja, const int *desca,
                     double *d, double *e, double *tauq, double *taup, double *work, const int *lwork,
                     int *info);
void __wrap_pdgebrd_(const int *m, const int *n, double *a, const int *ia, const int *ja, const int *desca,
                     double *d, double *e, double *tauq, double *taup, double *work, const int *lwork,
                     int *info);
void __wrap_pdgebrd_(const int *m, const int *n, double *a, const int *ia, const int *ja, const int *desca,
                     double *d, double *e, double *tauq, double *taup, double *work, const int *lwork,
                     int *info)
{
    n_gebrd++;
    __real_pdgebrd_(m, n, a, ia, ja, desca, d, e, tauq, taup, work, lwork, info);
    if (library == GIVES_NAN) d[0] = NAN;
    if (library == REFUSES) *info = -602;
}
/* Left out: as after xerbla, nothing is done and nothing said. */
rj_pdorm __real_pdormqr_, __wrap_pdormqr_, __real_pdormlq_, __wrap_pdormlq_;
void __wrap_pdormqr_(const char *side, const char *trans, const int *m, const int *n, const int *k,
                     const double *a, const int *ia, const int *ja, const int *desca, const double *tau,
                     double *c, const int *ic, const int *jc, const int *descc, double *work,
                     const int *lwork, int *info, size_t n_side, size_t n_trans)
{
    if (library == LEAVES_OUT_Q) return;
    __real_pdormqr_(side, trans, m, n, k, a, ia, ja, desca, tau, c, ic, jc, descc, work, lwork, info, n_side,
                    n_trans);
}
void __wrap_pdormlq_(const char *side, const char *trans, const int *m, const int *n, const int *k,
                     const double *a, const int *ia, const int *ja, const int *desca, const double *tau,
                     double *c, const int *ic, const int *jc, const int *descc, double *work,
                     const int *lwork, int *info, size_t n_side, size_t n_trans)
{
    if (library == LEAVES_OUT_P) return;
    __real_pdormlq_(side, trans, m, n, k, a, ia, ja, desca, tau, c, ic, jc, descc, work, lwork, info, n_side,
                    n_trans);
    if (library == NUDGES_P && rj_test_rank == 0) c[1] += NUDGE;
}

static void plan_counts_by_hand_and_refuses_what_would_wrap(void **x)
{
    rj_psvd_needs needs = {.work = -7}, single;
    (void)x;
    assert_int_equal(rj_psvd_plan(RJ_DOUBLE, 40000, 10, 64, 8, 8, &needs), RJ_ERR_ARG);
    assert_non_null(strstr(rj_status_message(),
                           "J [40000,40000]: LAPACK's divide and conquer on rank 0 indexes its "
                           "workspace by int, at most 26754 x 26754 whatever the grid"));
    const ptrdiff_t largest = RJ_LAPACK_LARGEST;
    assert_true(3 * largest * largest + 4 * largest <= INT_MAX);
    assert_true(3 * (largest + 1) * (largest + 1) + 4 * (largest + 1) > INT_MAX);
    assert_int_equal(rj_psvd_plan(RJ_DOUBLE, largest + 1, 10, 64, 1, 1, &needs), RJ_ERR_ARG);
    assert_int_equal(rj_psvd_plan(RJ_DOUBLE, 60000, 10, 64, 1, 1, &needs), RJ_ERR_ARG);
    assert_non_null(strstr(rj_status_message(), "60000 x 60000 elements on one rank"));
    assert_int_equal(rj_psvd_plan(RJ_DOUBLE, 10, 11, 8, 1, 1, &needs), RJ_ERR_ARG);
    assert_non_null(strstr(rj_status_message(), "11 triplets of J [10,10]: needs 1..10"));
    assert_int_equal(rj_psvd_plan(RJ_DOUBLE, 10, 0, 8, 1, 1, &needs), RJ_ERR_ARG);
    assert_int_equal(needs.work, -7);
    /* d = 100, k = 10 in blocks of 32 on 2x2: 64 rows, 64 columns, 10 columns of a frame on the fullest rank */
    assert_int_equal(rj_psvd_plan(RJ_DOUBLE, 100, 10, 32, 2, 2, &needs), RJ_OK);
    assert_int_equal(needs.work, 32 * (2 * 64 + 64 + 10 + 64 + 1) + 64);
    const ptrdiff_t held = (64 * 64 + 2 * 64 * 10 + needs.work + 2 * 128 + 2 * 1000 + 400) * 8;
    assert_int_equal(needs.rank_bytes, held + 640 * 8);
    assert_int_equal(needs.root_bytes, held + (2 * 1000 + 50000) * 8);
    assert_int_equal(rj_psvd_plan(RJ_SINGLE, 26000, 10, 513, 1, 1, &single), RJ_OK);
    assert_int_equal(rj_psvd_plan(RJ_DOUBLE, 26000, 10, 513, 1, 1, &needs), RJ_OK);
    assert_true(single.work == needs.work && needs.work > 1 << 24); /* beyond what a float counts exactly */
}

/* What ScaLAPACK asks for, in double: in single its answer is rounded, and may be too small. */
static double asked_for(rj_dmat *a, rj_dmat *c, char which)
{
    const int one = 1, ask = -1, first = which == 'P' ? 2 : 1, n = a->m + 1 - first;
    double asked = 0;
    int info = 0;
    if (n == 0) return 0;
    if (which == 'B')
        pdgebrd_(&a->m, &a->n, a->local.data, &one, &one, a->desc, NULL, NULL, NULL, NULL, &asked, &ask,
                 &info);
    else
        (which == 'Q' ? pdormqr_ : pdormlq_)("L", which == 'Q' ? "N" : "T", &n, &c->n, &n, a->local.data,
                                             &one, &first, a->desc, NULL, c->local.data, &first, &one,
                                             c->desc, &asked, &ask, &info, 1, 1);
    assert_int_equal(info, 0);
    return asked;
}

/* A matrix of the size d that holds no element: for questions alone. */
static rj_dmat hollow(const rj_grid *g, int d, int n, int nb)
{
    rj_dmat a;
    assert_all(rj_dmat_new(g, RJ_DOUBLE, 1, 1, nb, &a) == RJ_OK);
    a.m = a.desc[RJ_DESC_M] = d;
    a.n = a.desc[RJ_DESC_N] = n;
    a.desc[RJ_DESC_LLD] = d;
    return a;
}

static void workspace_is_never_below_what_is_asked_for(void **x)
{
    const int sizes[] = {1, 7, 64, 100, 2897, 26000}, blocks[] = {8, 64, 513};
    (void)x;
    for (int s = 0; s < SPREAD_SHAPES; s++) {
        if (!spread_fits(s)) continue;
        rj_grid *g = spread_grid(s);
        for (int i = 0; i < 6; i++)
            for (int b = 0; b < 3; b++) {
                const int k = sizes[i] < 50 ? sizes[i] : 50;
                rj_psvd_needs needs;
                rj_dmat a = hollow(g, sizes[i], sizes[i], blocks[b]), c = hollow(g, sizes[i], k, blocks[b]);
                assert_int_equal(rj_psvd_plan(RJ_SINGLE, sizes[i], k, blocks[b], g->n_row, g->n_col, &needs),
                                 RJ_OK);
                if (rj_grid_inside(g))
                    for (const char *which = "BQP"; *which != '\0'; which++)
                        assert_true(asked_for(&a, &c, *which) <= (double)needs.work);
                rj_dmat_free(&c);
                rj_dmat_free(&a);
            }
        rj_grid_destroy(&g);
    }
}

static void bad_input_is_refused_before_any_driver(void **x)
{
    rj_grid *g = NULL;
    rj_matrix jac = spread_known(RJ_DOUBLE, 20);
    rj_topk top = {.d = -7};
    rj_dmat wide;
    (void)x;
    assert_all(rj_grid_create(rj_test_comm, 0, 0, &g) == RJ_OK);
    rj_dmat a = spread_matrix(g, &jac, 8);
    n_gebrd = 0;
    assert_all(rj_psvd_full(&a, 0, &top) == RJ_ERR_ARG && rj_psvd_full(&a, 21, &top) == RJ_ERR_ARG);
    assert_all(strstr(rj_status_message(), "21 triplets of J 20x20: needs a square J and 1..20") != NULL);
    assert_all(rj_dmat_new(g, RJ_DOUBLE, 20, 21, 8, &wide) == RJ_OK &&
               rj_psvd_full(&wide, 1, &top) == RJ_ERR_ARG);
    rj_dmat_free(&wide);
    a.desc[RJ_DESC_MB] = 16;
    assert_all(rj_psvd_full(&a, 3, &top) == RJ_ERR_ARG);
    assert_all(strstr(rj_status_message(), "J 20x20 in blocks of 16x8: needs square blocks") != NULL);
    a.desc[RJ_DESC_MB] = 8;
    a.desc[RJ_DESC_NB] = 16;
    assert_all(rj_psvd_full(&a, 3, &top) == RJ_ERR_ARG);
    a.desc[RJ_DESC_NB] = 8;
    const double bad[] = {NAN, INFINITY};
    for (int i = 0; i < 2; i++) {
        if (rj_test_rank == 0) ((double *)a.local.data)[0] = bad[i];
        assert_all(rj_psvd_full(&a, 3, &top) == RJ_ERR_NUMERIC);
        assert_all(strstr(rj_status_message(), "at (0,0); screen weights and states for Inf and NaN") !=
                   NULL);
    }
    assert_all(n_gebrd == 0 && top.d == -7);
    rj_dmat_free(&a);
    rj_matrix_free(&jac);
    rj_grid_destroy(&g);
}

/* ScaLAPACK prints and goes on: what it then leaves behind must not get out. */
static void library_that_fails_silently_is_found_out(void **x)
{
    const struct {
        behaviour library;
        rj_status st;
        const char *said;
    } faults[] = {
        {REFUSES, RJ_ERR_LIB, "p?gebrd of 20x20: info = -602"},
        {GIVES_NAN, RJ_ERR_LIB, "p?gebrd of 20x20 gave"},
        {LEAVES_OUT_Q, RJ_ERR_NUMERIC, "triplet 0 of J [20,20]: residuals"},
        {LEAVES_OUT_P, RJ_ERR_NUMERIC, "triplet 0 of J [20,20]: residuals"},
    };
    rj_grid *g = NULL;
    rj_matrix jac = spread_known(RJ_DOUBLE, 20);
    rj_topk top = {.d = -7};
    (void)x;
    assert_all(rj_grid_create(rj_test_comm, 0, 0, &g) == RJ_OK);
    rj_dmat a = spread_matrix(g, &jac, 8);
    const ptrdiff_t live = rj_memory_live();
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        library = faults[i].library;
        const rj_status st = rj_psvd_full(&a, 3, &top);
        library = SOUND;
        assert_all(st == faults[i].st && strstr(rj_status_message(), faults[i].said) != NULL);
        assert_all(top.d == -7 && rj_memory_live() == live);
    }
    assert_all(rj_psvd_full(&a, 3, &top) == RJ_OK);
    rj_topk_free(&top);
    rj_dmat_free(&a);
    rj_matrix_free(&jac);
    rj_grid_destroy(&g);
}

/* An error in V alone, large enough to be told from rounding: each certificate is of its own product. */
static void certificates_measure_what_they_name(void **x)
{
    rj_grid *g = NULL;
    rj_matrix jac = spread_known(RJ_DOUBLE, 20);
    rj_topk top;
    double v[20], square = 0;
    (void)x;
    assert_all(rj_grid_create(rj_test_comm, 0, 0, &g) == RJ_OK);
    rj_dmat a = spread_matrix(g, &jac, 8);
    library = NUDGES_P;
    const rj_status st = rj_psvd_full(&a, 3, &top);
    library = SOUND;
    assert_all(st == RJ_OK);
    const double right = spread_residual('N', &jac, &top, 0), left = spread_residual('T', &jac, &top, 0);
    assert_all(fabs(left - NUDGE) < 2e-14 && fabs(right - left) > 5e-14);
    assert_all(fabs(top.residual_right[0] - right) < 1e-14 && fabs(top.residual_left[0] - left) < 1e-14);
    rj_matrix_get_column(&top.v, 0, v);
    for (int i = 0; i < 20; i++) square += v[i] * v[i];
    assert_all(fabs(square - 1) > 2e-14 && top.orthogonality_loss > fabs(square - 1) - 5e-15);
    rj_topk_free(&top);
    rj_dmat_free(&a);
    rj_matrix_free(&jac);
    rj_grid_destroy(&g);
}

/* Each allocation of one rank in turn; the others must neither hang nor keep anything. */
static void one_rank_without_memory_is_everyones(void **x)
{
    rj_grid *g = NULL;
    rj_matrix jac = spread_known(RJ_DOUBLE, 12);
    (void)x;
    assert_all(rj_grid_create(rj_test_comm, 0, 0, &g) == RJ_OK);
    rj_dmat a = spread_matrix(g, &jac, 4);
    const ptrdiff_t live = rj_memory_live();
    for (int poor = 0; poor < rj_test_size; poor++) {
        rj_topk top = {.d = -7};
        int failures = 0;
        for (;; failures++) {
            if (rj_test_rank == poor) rj_memory_fail_after(failures);
            const rj_status st = rj_psvd_full(&a, 3, &top);
            rj_memory_fail_after(-1);
            assert_all(st == RJ_OK || (st == RJ_ERR_NOMEM && top.d == -7 && rj_memory_live() == live));
            if (st == RJ_OK) break;
        }
        assert_all(failures > 10);
        rj_topk_free(&top);
    }
    rj_dmat_free(&a);
    rj_matrix_free(&jac);
    rj_grid_destroy(&g);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        rj_unit_test(plan_counts_by_hand_and_refuses_what_would_wrap),
        rj_unit_test(workspace_is_never_below_what_is_asked_for),
        rj_unit_test(bad_input_is_refused_before_any_driver),
        rj_unit_test(library_that_fails_silently_is_found_out),
        rj_unit_test(certificates_measure_what_they_name),
        rj_unit_test(one_rank_without_memory_is_everyones),
    };
    rj_test_begin(&argc, &argv);
    return rj_test_end(cmocka_run_group_tests(tests, NULL, NULL));
}
