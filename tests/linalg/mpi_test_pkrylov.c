/* mpi_test_pkrylov.c: triplets of shared columns against those of one rank. */
#include "spread.h"

#include <string.h>

#include "resjac/base/agree.h"
#include "resjac/base/memory.h"
#include "resjac/linalg/krylov.h"
#include "resjac/linalg/pkrylov.h"

enum { D = 300, K = 12, MOST = 20 };

/* Columns of this rank; rank 1 has none where `skip`. */
static void share_of(int rank, bool skip, int *first, int *count)
{
    const int n = skip && rj_test_size > 2 ? rj_test_size - 1 : rj_test_size;
    const int at = skip && rj_test_size > 2 && rank > 1 ? rank - 1 : rank;

    *first = at * D / n;
    *count = skip && rj_test_size > 2 && rank == 1 ? 0 : (at + 1) * D / n - *first;
}

/* Normal columns that decay. */
static rj_matrix decaying(rj_arithmetic type)
{
    double scale[D];
    rj_matrix jac = spread_normal(type, D, D, 7);

    for (int j = 0; j < D; j++) scale[j] = 1.0 / (1.0 + j);
    rj_matrix_scale_columns(scale, &jac);
    return jac;
}

static void check(rj_arithmetic type, int root, bool skip)
{
    rj_matrix jac = decaying(type);
    const rj_krylov_options o = {.k = K, .most = MOST, .seed = 3};
    int first = 0, count = 0, found = -1;
    rj_topk one, top = {.d = -7};

    share_of(rj_test_rank, skip, &first, &count);
    const rj_matrix panel = rj_matrix_block(&jac, 0, first, D, count);
    assert_all(rj_pkrylov(rj_test_comm, root, &panel, &o, &found, &top) == RJ_OK);
    assert_all(found == 1);
    if (rj_test_rank != root) {
        assert_int_equal(top.d, -7);
    } else {
        assert_int_equal(rj_topk_of(&jac, RJ_SVD_KRYLOV, &o, &one), RJ_OK);
        assert_true(top.method == RJ_SVD_KRYLOV && top.k >= K && top.columns > 0);
        const double limit = type == RJ_SINGLE ? 2e-6 : 1e-12;
        for (int i = 0; i < K; i++) {
            assert_true(fabs(top.s[i] - one.s[i]) < limit * one.s[0]);
            assert_true(top.residual_right[i] < (type == RJ_SINGLE ? 1e-4 : 1e-6));
            assert_true(fabs(spread_residual('N', &jac, &top, i) - top.residual_right[i]) < limit);
            assert_true(fabs(spread_residual('T', &jac, &top, i) - top.residual_left[i]) < limit);
        }
        rj_topk_free(&one);
        rj_topk_free(&top);
    }
    rj_matrix_free(&jac);
}

static void triplets_are_those_of_one_rank(void **x)
{
    (void)x;
    for (int type = RJ_SINGLE; type <= RJ_DOUBLE; type++)
        for (int root = 0; root < rj_test_size; root++) {
            check((rj_arithmetic)type, root, false);
            check((rj_arithmetic)type, root, true);
        }
}

/* With no room for the search nobody waits, and all know. */
static void too_many_are_not_found(void **x)
{
    rj_matrix jac = decaying(RJ_DOUBLE);
    const rj_krylov_options o = {.k = D, .most = D};
    int first = 0, count = 0, found = -1;
    rj_topk top = {.d = -7};

    (void)x;
    share_of(rj_test_rank, false, &first, &count);
    const rj_matrix panel = rj_matrix_block(&jac, 0, first, D, count);
    assert_all(rj_pkrylov(rj_test_comm, 0, &panel, &o, &found, &top) == RJ_OK);
    assert_all(found == 0 && top.d == -7);
    rj_matrix_free(&jac);
}

static void bad_panels_are_refused(void **x)
{
    rj_matrix jac = decaying(RJ_DOUBLE);
    const rj_krylov_options o = {.k = K, .most = K};
    int first = 0, count = 0, found = 0;
    rj_topk top = {.d = -7};

    (void)x;
    share_of(rj_test_rank, false, &first, &count);
    rj_matrix panel = rj_matrix_block(&jac, 0, first, D, rj_test_rank == 0 ? count - 1 : count);
    assert_all(rj_pkrylov(rj_test_comm, 0, &panel, &o, &found, &top) == RJ_ERR_ARG);
    assert_non_null(strstr(rj_status_message(), "have 299 columns: needs 300"));
    panel = rj_matrix_block(&jac, 0, first, D, count);
    if (rj_test_rank == rj_test_size - 1) ((double *)panel.data)[3] = INFINITY;
    assert_all(rj_pkrylov(rj_test_comm, 0, &panel, &o, &found, &top) == RJ_ERR_NUMERIC);
    assert_non_null(strstr(rj_status_message(), "a product of J [300,300] with orthonormal columns"));
    assert_all(top.d == -7);
    rj_matrix_free(&jac);
}

/* An allocation that fails on one rank, whichever it is, is an error on all. */
static void any_allocation_may_fail(void **x)
{
    rj_matrix jac = decaying(RJ_SINGLE);
    const rj_krylov_options o = {.k = K, .most = K};
    int first = 0, count = 0, failures = 0;

    (void)x;
    share_of(rj_test_rank, false, &first, &count);
    const rj_matrix panel = rj_matrix_block(&jac, 0, first, D, count);
    for (int at = 0;; at++) {
        int found = 0, worst = 0;
        rj_topk top = {.d = -7};
        if (rj_test_rank == at % rj_test_size) rj_memory_fail_after(at / rj_test_size);
        const rj_status st = rj_pkrylov(rj_test_comm, 0, &panel, &o, &found, &top);
        rj_memory_fail_after(-1);
        const int mine = (int)st;
        RJ_MPI(rj_test_comm, MPI_Allreduce(&mine, &worst, 1, MPI_INT, MPI_MAX, rj_test_comm));
        assert_int_equal(worst, mine);
        if (st == RJ_OK && rj_test_rank == 0) rj_topk_free(&top);
        if (st == RJ_ERR_NOMEM) failures++;
        if (at > 40 * rj_test_size) break;
    }
    assert_true(failures > 10);
    rj_matrix_free(&jac);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        rj_unit_test(triplets_are_those_of_one_rank),
        rj_unit_test(too_many_are_not_found),
        rj_unit_test(bad_panels_are_refused),
        rj_unit_test(any_allocation_may_fail),
    };
    rj_test_begin(&argc, &argv);
    return rj_test_end(cmocka_run_group_tests(tests, NULL, NULL));
}
