/* bench_psvd.c: all singular values and k triplets of one J [d,d], LAPACK on as many threads against a grid of one-thread
 * ranks, in turns; no test. Usage: mpiexec -n RANKS bench_psvd [D [K [BLOCK [ROUNDS [N_ROW N_COL]]]]]
 * Defaults: 2000 50 64 3, the default grid. Double, then single. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "resjac/base/agree.h"
#include "resjac/base/clock.h"
#include "resjac/base/memory.h"
#include "resjac/base/rng.h"
#include "resjac/linalg/blas.h"
#include "resjac/linalg/psvd.h"

/* The other ranks sleep, so that they take no core from the threads of rank 0. */
static void wait_for_all(MPI_Comm comm)
{
    const struct timespec nap = {.tv_nsec = 2000000};
    MPI_Request all = MPI_REQUEST_NULL;
    int done = 0;

    RJ_MPI(comm, MPI_Ibarrier(comm, &all));
    for (RJ_MPI(comm, MPI_Test(&all, &done, MPI_STATUS_IGNORE)); !done;
         RJ_MPI(comm, MPI_Test(&all, &done, MPI_STATUS_IGNORE)))
        nanosleep(&nap, NULL);
}

/* Standard normals: columns first..first+count-1 of J [d,d]. */
static rj_status panel_new(rj_arithmetic type, int d, int first, int count, rj_matrix *panel)
{
    rj_status st = RJ_OK;
    const rj_rng rng = rj_rng_open(1, "bench_psvd");
    double *column = NULL;

    RJ_TRY(rj_matrix_new(type, d, count, panel));
    RJ_NEW(column, d, 1);
    for (int j = 0; j < count; j++) {
        rj_rng_normals(&rng, (uint64_t)(first + j) * (uint64_t)d, (uint64_t)d, column);
        rj_matrix_set_column(panel, j, column);
    }
done:
    RJ_FREE(column);
    return st;
}

static rj_status time_lapack(const rj_grid *grid, const rj_matrix *whole, int k, double *seconds,
                             rj_topk *top)
{
    rj_status st = RJ_OK;

    wait_for_all(grid->comm);
    if (grid->rank == 0) {
        rj_blas_set_threads(grid->size);
        const double start = rj_clock_now();
        st = rj_topk_full(whole, k, top);
        *seconds = rj_clock_now() - start;
        rj_blas_set_threads(1);
    }
    wait_for_all(grid->comm);
    return rj_agree(grid->comm, st);
}

static rj_status bench(const rj_grid *grid, rj_arithmetic type, int d, int k, int nb, int rounds)
{
    rj_status st = RJ_OK;
    int first = 0, count = 0;
    rj_matrix panel = {.ld = 1}, whole = {.ld = 1};
    rj_dmat jac = {.local = {.ld = 1}};
    rj_topk one = {0}, many = {0};

    rj_dmat_panel(grid, d, &first, &count);
    RJ_TRY_ALL(grid->comm, panel_new(type, d, first, count, &panel));
    RJ_TRY_ALL(grid->comm, grid->rank == 0 ? panel_new(type, d, 0, d, &whole) : RJ_OK);
    RJ_TRY(rj_dmat_new(grid, type, d, d, nb, &jac));
    for (int r = 0; r < rounds; r++) {
        double lapack = 0;
        RJ_TRY(time_lapack(grid, &whole, k, &lapack, &one));
        const double start = rj_clock_now();
        RJ_TRY(rj_dmat_from_panels(&panel, &jac));
        const double moved = rj_clock_now();
        RJ_TRY(rj_psvd_full(&jac, k, &many));
        const double end = rj_clock_now();
        if (grid->rank == 0)
            printf("%s d=%d k=%d block=%d grid=%dx%d: lapack %.3f s, grid %.3f s (%.3f s to move panels), "
                   "ratio %.2f, "
                   "residual %.1e, s_1 differs by %.1e\n",
                   type == RJ_SINGLE ? "single" : "double", d, k, nb, grid->n_row, grid->n_col, lapack,
                   end - moved, moved - start, (end - moved) / lapack, many.residual_left[k - 1],
                   many.s[0] / one.s[0] - 1);
        rj_topk_free(&many);
        rj_topk_free(&one);
    }
done:
    rj_topk_free(&many);
    rj_topk_free(&one);
    rj_dmat_free(&jac);
    rj_matrix_free(&whole);
    rj_matrix_free(&panel);
    return st;
}

static int argument(int argc, char **argv, int i, int fallback)
{
    return argc > i ? (int)strtol(argv[i], NULL, 10) : fallback;
}

int main(int argc, char **argv)
{
    rj_status st = RJ_OK;
    rj_grid *grid = NULL;
    const int d = argument(argc, argv, 1, 2000), k = argument(argc, argv, 2, 50);
    const int nb = argument(argc, argv, 3, 64), rounds = argument(argc, argv, 4, 3);

    MPI_Init(&argc, &argv);
    rj_blas_set_threads(1);
    RJ_TRY(rj_grid_create(MPI_COMM_WORLD, argument(argc, argv, 5, 0), argument(argc, argv, 6, 0), &grid));
    RJ_TRY(bench(grid, RJ_DOUBLE, d, k, nb, rounds));
    RJ_TRY(bench(grid, RJ_SINGLE, d, k, nb, rounds));
done:
    if (st != RJ_OK) fprintf(stderr, "bench_psvd: %s\n", rj_status_message());
    rj_grid_destroy(&grid);
    MPI_Finalize();
    return rj_status_exit(st);
}
