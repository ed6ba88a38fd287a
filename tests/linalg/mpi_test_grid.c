/* mpi_test_grid.c: who stands where, ranks outside, grids side by side; BLACS leaves MPI alone; one BLAS in the process. */
#include "rj_test.h"

#include <stdio.h>
#include <string.h>

#include "../../src/linalg/scalapack.h"
#include "resjac/base/agree.h"
#include "resjac/base/memory.h"
#include "resjac/linalg/grid.h"

static void default_shapes_by_hand(void **x)
{
    const int expected[][3] = {{1, 1, 1}, {2, 1, 2}, {3, 1, 3},  {4, 2, 2},  {5, 2, 2},  {6, 2, 3},
                               {7, 2, 3}, {8, 2, 4}, {12, 3, 4}, {13, 3, 4}, {64, 8, 8}, {128, 8, 16}};
    (void)x;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        int n_row = 0, n_col = 0;
        rj_grid_shape(expected[i][0], &n_row, &n_col);
        assert_int_equal(n_row, expected[i][1]);
        assert_int_equal(n_col, expected[i][2]);
    }
}

static bool stands_where_blacs_says(const rj_grid *g)
{
    int n_row = 0, n_col = 0, row = 0, col = 0;
    const int inside = g->rank < g->n_row * g->n_col;
    if (rj_grid_inside(g) != inside) return false;
    if (!inside) return g->row == -1 && g->col == -1 && g->context == -1;
    Cblacs_gridinfo(g->context, &n_row, &n_col, &row, &col);
    return n_row == g->n_row && n_col == g->n_col && row == g->row && col == g->col &&
           g->rank == row * n_col + col;
}

static void ranks_stand_row_by_row_and_the_rest_outside(void **x)
{
    (void)x;
    for (int n_row = 1; n_row <= rj_test_size; n_row++)
        for (int n_col = 1; n_row * n_col <= rj_test_size; n_col++) {
            rj_grid *g = NULL;
            int same = MPI_UNEQUAL;
            assert_all(rj_grid_create(rj_test_comm, n_row, n_col, &g) == RJ_OK);
            assert_all(g->n_row == n_row && g->n_col == n_col && g->size == rj_test_size &&
                       g->rank == rj_test_rank && stands_where_blacs_says(g));
            MPI_Comm_compare(g->comm, rj_test_comm, &same);
            assert_all(same == MPI_CONGRUENT);
            rj_grid_destroy(&g);
            assert_all(g == NULL);
            rj_grid_destroy(&g);
        }
    rj_grid *g = NULL;
    int n_row = 0, n_col = 0;
    rj_grid_shape(rj_test_size, &n_row, &n_col);
    assert_all(rj_grid_create(rj_test_comm, 0, 0, &g) == RJ_OK);
    assert_all(g->n_row == n_row && g->n_col == n_col);
    rj_grid_destroy(&g);
}

/* Every grid has a handle of its own: ranks of another communicator take no part. */
static void halves_have_grids_of_their_own(void **x)
{
    MPI_Comm half = MPI_COMM_NULL;
    rj_grid *g = NULL, *all = NULL;
    (void)x;
    RJ_MPI(rj_test_comm, MPI_Comm_split(rj_test_comm, rj_test_rank % 2, -rj_test_rank, &half));
    assert_all(rj_grid_create(rj_test_comm, 0, 0, &all) == RJ_OK);
    if (rj_test_rank % 2 == 0) { /* the others make theirs later, or never */
        assert_int_equal(rj_grid_create(half, 0, 0, &g), RJ_OK);
        assert_true(stands_where_blacs_says(g));
        rj_grid_destroy(&g);
    }
    assert_all(stands_where_blacs_says(all));
    rj_grid_destroy(&all);
    MPI_Comm_free(&half);
}

static void mpi_goes_on_after_many_grids(void **x)
{
    (void)x;
    for (int i = 0; i < 40; i++) {
        rj_grid *one = NULL, *two = NULL;
        assert_all(rj_grid_create(rj_test_comm, 1, rj_test_size, &one) == RJ_OK);
        assert_all(rj_grid_create(rj_test_comm, 1, 1, &two) == RJ_OK);
        rj_grid_destroy(&one);
        assert_all(stands_where_blacs_says(two));
        rj_grid_destroy(&two);
    }
    int finalized = 1;
    MPI_Finalized(&finalized);
    assert_true(!finalized);
    RJ_MPI(rj_test_comm, MPI_Barrier(rj_test_comm));
}

static void shapes_that_do_not_fit_are_refused(void **x)
{
    const int bad[][2] = {{0, 1}, {1, 0}, {-1, -1}, {rj_test_size + 1, 1}, {1 << 30, 1 << 30}};
    rj_grid *g = (rj_grid *)&g;
    char expected[128];
    (void)x;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_all(rj_grid_create(rj_test_comm, bad[i][0], bad[i][1], &g) == RJ_ERR_ARG);
        assert_all(g == (rj_grid *)&g);
        snprintf(expected, sizeof expected, "a grid of %dx%d ranks on a communicator of %d: needs 1..%d",
                 bad[i][0], bad[i][1], rj_test_size, rj_test_size);
        assert_all(strstr(rj_status_message(), expected) != NULL);
    }
}

static void one_rank_without_memory_is_everyones(void **x)
{
    (void)x;
    for (int poor = 0; poor < rj_test_size; poor++) {
        rj_grid *g = NULL;
        if (rj_test_rank == poor) rj_memory_fail_after(0);
        const rj_status st = rj_grid_create(rj_test_comm, 0, 0, &g);
        rj_memory_fail_after(-1);
        assert_all(st == RJ_ERR_NOMEM && g == NULL && rj_memory_live() == 0);
    }
}

/* The folder of a mapped file named lib<blas, lapack or openblas>.., or false. */
static bool blas_folder(char *line, char **folder)
{
    char *path = strchr(line, '/'), *name = path == NULL ? NULL : strrchr(path, '/') + 1;
    if (name == NULL || (strncmp(name, "libblas", 7) != 0 && strncmp(name, "liblapack", 9) != 0 &&
                         strncmp(name, "libopenblas", 11) != 0))
        return false;
    name[-1] = '\0';
    *folder = path;
    return true;
}

/* Debian's libscalapack asks for libblas.so.3, which is another build than the one linked unless DT_RPATH says which. */
static void scalapack_runs_on_the_blas_that_was_linked(void **x)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[4096], first[4096] = "", *folder = NULL;
    int files = 0, strange = 0;
    (void)x;
    if (maps == NULL) skip();
    while (fgets(line, sizeof line, maps) != NULL) {
        if (!blas_folder(line, &folder)) continue;
        if (files++ == 0) snprintf(first, sizeof first, "%s", folder);
        if (strcmp(first, folder) == 0) continue;
        print_error("a BLAS of %s beside one of %s\n", folder, first);
        strange++;
    }
    fclose(maps);
    assert_all(strange == 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        rj_unit_test(default_shapes_by_hand),
        rj_unit_test(ranks_stand_row_by_row_and_the_rest_outside),
        rj_unit_test(halves_have_grids_of_their_own),
        rj_unit_test(mpi_goes_on_after_many_grids),
        rj_unit_test(shapes_that_do_not_fit_are_refused),
        rj_unit_test(one_rank_without_memory_is_everyones),
        rj_unit_test(scalapack_runs_on_the_blas_that_was_linked),
    };
    rj_test_begin(&argc, &argv);
    return rj_test_end(cmocka_run_group_tests(tests, NULL, NULL));
}
