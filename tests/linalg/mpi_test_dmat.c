/* mpi_test_dmat.c: every element at its place for any grid, block and number of ranks; products; sizes beyond int. */
#include "spread.h"

#include <math.h>
#include <string.h>

#include "resjac/base/agree.h"
#include "resjac/base/memory.h"

static const int blocks[] = {1, 3, 8, 64};
enum { BLOCKS = 4 };

/* 10 in blocks of 3: 3 3 3 1, dealt in turn. */
static void shares_by_hand(void **x)
{
    (void)x;
    assert_int_equal(rj_dmat_share(10, 3, 0, 2), 6);
    assert_int_equal(rj_dmat_share(10, 3, 1, 2), 4);
    assert_int_equal(rj_dmat_share(10, 3, 0, 3), 4);
    assert_int_equal(rj_dmat_share(10, 3, 2, 3), 3);
    assert_int_equal(rj_dmat_share(12, 3, 1, 2), 6);
    assert_int_equal(rj_dmat_share(2, 3, 0, 2), 2);
    assert_int_equal(rj_dmat_share(2, 3, 1, 2), 0);
    assert_int_equal(rj_dmat_global(3, 3, 1, 2), 9);
    assert_int_equal(rj_dmat_global(5, 3, 0, 2), 8);
    for (int n = 1; n < 40; n++)
        for (int nb = 1; nb < 9; nb++)
            for (int places = 1; places < 5; places++) {
                int seen[40] = {0};
                for (int p = 0; p < places; p++)
                    for (int l = 0; l < rj_dmat_share(n, nb, p, places); l++) {
                        const int g = rj_dmat_global(l, nb, p, places);
                        assert_true(g < n && g / nb % places == p && seen[g]++ == 0);
                    }
                for (int g = 0; g < n; g++) assert_true(seen[g] == 1);
            }
}

/* Refused, never wrapped; nothing is allocated to find out. */
static void sizes_beyond_int_are_refused(void **x)
{
    (void)x;
    assert_int_equal(rj_dmat_check(40000, 40000, 64, 1, 1), RJ_OK); /* 1.6e9 elements */
    assert_int_equal(rj_dmat_check(50000, 50000, 64, 1, 1), RJ_ERR_ARG);
    assert_non_null(strstr(rj_status_message(),
                           "matrix 50000 x 50000 on 1x1 ranks: 50000 x 50000 elements on one rank, "
                           "more than ScaLAPACK counts (2147483647); take more ranks"));
    assert_int_equal(rj_dmat_check(70000, 70000, 64, 1, 1), RJ_ERR_ARG); /* 4.9e9, which wraps to 605032704 */
    assert_int_equal(rj_dmat_check(50000, 50000, 64, 1, 2), RJ_OK);
    assert_int_equal(rj_dmat_check(46341, 46341, 64, 1, 1), RJ_ERR_ARG); /* the first square above INT_MAX */
    assert_int_equal(rj_dmat_check(46340, 46340, 64, 1, 1), RJ_OK);
    assert_int_equal(rj_dmat_check((ptrdiff_t)3 << 30, 1, 64, 4, 4), RJ_ERR_ARG);
    assert_non_null(
        strstr(rj_status_message(), "matrix 3221225472 x 1 in blocks of 64: needs sides of 1..2147483647"));
    assert_int_equal(rj_dmat_check(2097153, 1, 64, 8, 8), RJ_ERR_ARG); /* 64 x 2^21 doubles are 2^30 bytes */
    assert_non_null(strstr(rj_status_message(), "a column of blocks of 64 has more than 1073741824 bytes"));
    assert_int_equal(rj_dmat_check(2097152, 1, 64, 8, 8), RJ_OK);
    const int bad[][3] = {{0, 4, 8}, {4, 0, 8}, {-1, 4, 8}, {4, 4, 0}, {4, 4, 1025}};
    for (int i = 0; i < 5; i++)
        assert_int_equal(rj_dmat_check(bad[i][0], bad[i][1], bad[i][2], 1, 1), RJ_ERR_ARG);
    rj_grid *g = spread_grid(0);
    rj_dmat a = {.m = -7};
    assert_all(rj_dmat_new(g, RJ_DOUBLE, 50000, 50000, 64, &a) == RJ_ERR_ARG && a.m == -7);
    rj_grid_destroy(&g);
}

static bool holds(const rj_dmat *a, const rj_matrix *whole)
{
    const rj_grid *g = a->grid;
    const bool inside = rj_grid_inside(g);
    if (a->local.rows != (inside ? rj_dmat_share(a->m, a->nb, g->row, g->n_row) : 0)) return false;
    if (a->local.cols != (inside ? rj_dmat_share(a->n, a->nb, g->col, g->n_col) : 0)) return false;
    for (int j = 0; j < a->local.cols; j++)
        for (int i = 0; i < a->local.rows; i++)
            if (spread_element(&a->local, i, j) != spread_element(whole,
                                                                  rj_dmat_global(i, a->nb, g->row, g->n_row),
                                                                  rj_dmat_global(j, a->nb, g->col, g->n_col)))
                return false;
    return true;
}

/* Panels to the grid and back, the leading columns to all, a whole matrix from rank 0. */
static void check_moves(const rj_grid *g, rj_arithmetic type, int m, int n, int nb)
{
    rj_matrix whole = spread_normal(type, m, n, 7), room, back, leading;
    rj_dmat a = spread_matrix(g, &whole, nb), b;
    int first = 0, count = 0, columns = 0;
    const int k = n < 5 ? n : 5;

    rj_dmat_panel(g, n, &first, &count);
    MPI_Allreduce(&count, &columns, 1, MPI_INT, MPI_SUM, rj_test_comm);
    assert_all(columns == n && count >= n / g->size && count <= n / g->size + 1);
    assert_all(holds(&a, &whole));
    assert_int_equal(rj_matrix_new(type, m + 3, count, &room), RJ_OK);
    back = rj_matrix_block(&room, 2, 0, m, count); /* columns that do not follow each other */
    assert_int_equal(rj_matrix_new(type, m, k, &leading), RJ_OK);
    assert_all(rj_dmat_to_panels(&a, &back) == RJ_OK);
    const rj_matrix panel = rj_matrix_block(&whole, 0, first, m, count);
    assert_all(rj_matrix_max_difference(&back, &panel) == 0);
    assert_all(rj_dmat_new(g, type, m, n, nb, &b) == RJ_OK);
    assert_all(rj_dmat_from_panels(&back, &b) == RJ_OK && holds(&b, &whole));
    rj_dmat_free(&b);
    assert_all(rj_dmat_gather(&a, &leading) == RJ_OK);
    const rj_matrix left = rj_matrix_block(&whole, 0, 0, m, k);
    assert_all(rj_matrix_max_difference(&leading, &left) == 0);
    assert_all(rj_dmat_new(g, type, m, n, nb, &b) == RJ_OK);
    const rj_matrix nothing = {.ld = 1};
    assert_all(rj_dmat_from_root(rj_test_rank == 0 ? &whole : &nothing, &b) == RJ_OK);
    assert_all(holds(&b, &whole));
    rj_dmat_free(&b);
    rj_dmat_free(&a);
    rj_matrix_free(&leading);
    rj_matrix_free(&room);
    rj_matrix_free(&whole);
}

static void every_element_finds_its_place(void **x)
{
    /* One element; fewer columns than ranks; below a block; no multiple of one. */
    const int sizes[][2] = {{1, 1}, {5, 2}, {7, 7}, {30, 41}};
    const size_t slabs[] = {1 << 28, 600, 1}; /* all at once, two columns of 30 doubles, one column */
    (void)x;
    for (int s = 0; s < SPREAD_SHAPES; s++) {
        if (!spread_fits(s)) continue;
        rj_grid *g = spread_grid(s);
        for (int t = 0; t < 3; t++)
            for (int i = 0; i < 4; i++)
                for (int b = 0; b < BLOCKS; b++) {
                    g->slab_bytes = slabs[t];
                    check_moves(g, (i + b) % 2 ? RJ_SINGLE : RJ_DOUBLE, sizes[i][0], sizes[i][1], blocks[b]);
                }
        rj_grid_destroy(&g);
    }
}

static void check_product(const rj_grid *g, char op_a, char op_b, rj_arithmetic type, int nb)
{
    enum { M = 19, N = 9, L = 14 };
    rj_matrix a = spread_normal(type, op_a == 'N' ? M : L, op_a == 'N' ? L : M, 1),
              c = spread_normal(type, M, N, 3),
              b = spread_normal(type, op_b == 'N' ? L : N, op_b == 'N' ? N : L, 2), all;
    rj_dmat on_a = spread_matrix(g, &a, nb), on_b = spread_matrix(g, &b, nb), on_c = spread_matrix(g, &c, nb);

    assert_all(rj_dmat_gemm(op_a, op_b, 1.5, &on_a, &on_b, -0.5, &on_c) == RJ_OK);
    rj_gemm(op_a, op_b, 1.5, &a, &b, -0.5, &c);
    assert_int_equal(rj_matrix_new(type, M, N, &all), RJ_OK);
    assert_all(rj_dmat_gather(&on_c, &all) == RJ_OK);
    assert_all(rj_matrix_max_difference(&all, &c) < 100 * rj_matrix_epsilon(type));
    rj_matrix_free(&all);
    rj_dmat_free(&on_c);
    rj_dmat_free(&on_b);
    rj_dmat_free(&on_a);
    rj_matrix_free(&c);
    rj_matrix_free(&b);
    rj_matrix_free(&a);
}

static void products_are_those_of_one_rank(void **x)
{
    (void)x;
    for (int s = 0; s < SPREAD_SHAPES; s++) {
        if (!spread_fits(s)) continue;
        rj_grid *g = spread_grid(s);
        for (int ops = 0; ops < 4; ops++)
            for (int b = 1; b < BLOCKS; b++)
                check_product(g, ops & 1 ? 'T' : 'N', ops & 2 ? 'T' : 'N', b == 2 ? RJ_SINGLE : RJ_DOUBLE,
                              blocks[b]);
        rj_grid_destroy(&g);
    }
}

static void products_that_do_not_fit_are_refused(void **x)
{
    rj_grid *g = spread_grid(0), *other = spread_grid(0);
    rj_dmat a, b, c, wrong;
    (void)x;
    assert_all(rj_dmat_new(g, RJ_DOUBLE, 4, 5, 8, &a) == RJ_OK &&
               rj_dmat_new(g, RJ_DOUBLE, 5, 3, 8, &b) == RJ_OK &&
               rj_dmat_new(g, RJ_DOUBLE, 4, 3, 8, &c) == RJ_OK);
    assert_all(rj_dmat_gemm('N', 'N', 1, &a, &b, 0, &c) == RJ_OK);
    assert_all(rj_dmat_gemm('T', 'N', 1, &a, &b, 0, &c) == RJ_ERR_ARG);
    assert_non_null(strstr(rj_status_message(),
                           "op 'T' of A 4x5 (type 1, blocks of 8) times op 'N' of B 5x3 (type 1, 8) is "
                           "not C 4x3 (type 1, 8) on one grid"));
    assert_all(rj_dmat_gemm('C', 'N', 1, &a, &b, 0, &c) == RJ_ERR_ARG);
    assert_all(rj_dmat_new(g, RJ_DOUBLE, 4, 3, 4, &wrong) == RJ_OK);
    assert_all(rj_dmat_gemm('N', 'N', 1, &a, &b, 0, &wrong) == RJ_ERR_ARG);
    rj_dmat_free(&wrong);
    assert_all(rj_dmat_new(g, RJ_SINGLE, 4, 3, 8, &wrong) == RJ_OK);
    assert_all(rj_dmat_gemm('N', 'N', 1, &a, &b, 0, &wrong) == RJ_ERR_ARG);
    rj_dmat_free(&wrong);
    assert_all(rj_dmat_new(other, RJ_DOUBLE, 4, 3, 8, &wrong) == RJ_OK);
    assert_all(rj_dmat_gemm('N', 'N', 1, &a, &b, 0, &wrong) == RJ_ERR_ARG);
    rj_dmat_free(&wrong);
    rj_dmat_free(&c);
    rj_dmat_free(&b);
    rj_dmat_free(&a);
    rj_grid_destroy(&other);
    rj_grid_destroy(&g);
}

/* The last column is with the last rank alone; all hear of it. */
static void panels_of_another_shape_are_refused_by_all(void **x)
{
    rj_grid *g = spread_grid(0);
    rj_matrix whole = spread_normal(RJ_DOUBLE, 6, 8, 1), single = spread_normal(RJ_SINGLE, 6, 8, 1);
    rj_dmat a = spread_matrix(g, &whole, 8);
    int first = 0, count = 0;
    (void)x;
    rj_dmat_panel(g, 8, &first, &count);
    const bool odd = rj_test_rank == rj_test_size - 1;
    rj_matrix panel = rj_matrix_block(&whole, 0, first, 6, odd ? count - 1 : count);
    assert_all(rj_dmat_from_panels(&panel, &a) == RJ_ERR_ARG);
    assert_all(strstr(rj_status_message(), "of a distributed matrix 6x8 (type 1), needs 6x") != NULL);
    assert_all(rj_dmat_to_panels(&a, &panel) == RJ_ERR_ARG);
    panel = rj_matrix_block(odd ? &single : &whole, 0, first, 6, count);
    assert_all(rj_dmat_from_panels(&panel, &a) == RJ_ERR_ARG);
    panel = rj_matrix_block(&whole, 0, 0, odd ? 5 : 6, 3);
    assert_all(rj_dmat_gather(&a, &panel) == RJ_ERR_ARG);
    panel = rj_matrix_block(&whole, 0, 0, 6, rj_test_rank == 0 ? 7 : 8);
    assert_all(rj_dmat_from_root(&panel, &a) == RJ_ERR_ARG);
    assert_all(holds(&a, &whole));
    rj_dmat_free(&a);
    rj_matrix_free(&single);
    rj_matrix_free(&whole);
    rj_grid_destroy(&g);
}

/* One bad element, with one rank alone, and named by its place in the whole matrix. */
static void not_finite_is_named_by_all(void **x)
{
    const double bad[] = {NAN, INFINITY, -INFINITY};
    const char *names[] = {"J [20,20] has nan at (17,11);", "J [20,20] has inf at (17,11);",
                           "J [20,20] has -inf at (17,11);"};
    (void)x;
    for (int s = 0; s < SPREAD_SHAPES; s++) {
        if (!spread_fits(s)) continue;
        rj_grid *g = spread_grid(s);
        for (int i = 0; i < 3; i++) {
            rj_matrix whole = spread_normal(RJ_DOUBLE, 20, 20, 1);
            rj_dmat a = spread_matrix(g, &whole, 8);
            assert_all(rj_dmat_require_finite(&a, "J") == RJ_OK);
            rj_dmat_free(&a);
            ((double *)whole.data)[17 + 11 * 20] = bad[i];
            a = spread_matrix(g, &whole, 8);
            assert_all(rj_dmat_require_finite(&a, "J") == RJ_ERR_NUMERIC);
            const char *said = strstr(rj_status_message(), names[i]);
            assert_all(said != NULL ||
                       (i == 0 && strstr(rj_status_message(), "J [20,20] has -nan at (17,11);") != NULL));
            rj_dmat_free(&a);
            rj_matrix_free(&whole);
        }
        rj_grid_destroy(&g);
    }
}

static void one_rank_without_memory_is_everyones(void **x)
{
    rj_grid *g = spread_grid(0);
    const ptrdiff_t live = rj_memory_live();
    (void)x;
    for (int poor = 0; poor < rj_test_size; poor++) {
        rj_dmat a = {.m = -7};
        if (rj_test_rank == poor) rj_memory_fail_after(0);
        const rj_status st = rj_dmat_new(g, RJ_DOUBLE, 30, 30, 8, &a);
        rj_memory_fail_after(-1);
        assert_all(st == RJ_ERR_NOMEM && a.m == -7 && rj_memory_live() == live);
    }
    rj_grid_destroy(&g);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        rj_unit_test(shares_by_hand),
        rj_unit_test(sizes_beyond_int_are_refused),
        rj_unit_test(every_element_finds_its_place),
        rj_unit_test(products_are_those_of_one_rank),
        rj_unit_test(products_that_do_not_fit_are_refused),
        rj_unit_test(panels_of_another_shape_are_refused_by_all),
        rj_unit_test(not_finite_is_named_by_all),
        rj_unit_test(one_rank_without_memory_is_everyones),
    };
    rj_test_begin(&argc, &argv);
    return rj_test_end(cmocka_run_group_tests(tests, NULL, NULL));
}
