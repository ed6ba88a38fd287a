/* grid.c: two BLACS contexts on one own communicator: the grid, and a line of all ranks for whole columns. */
#include "resjac/linalg/grid.h"

#include "resjac/base/agree.h"
#include "resjac/base/memory.h"
#include "scalapack.h"

enum { SLAB_BYTES = 1 << 28, LARGEST_ASPECT = 3 };

void rj_grid_shape(int size, int *n_row, int *n_col)
{
    *n_row = *n_col = 1;
    for (int r = 1; r <= size / r; r++) {
        int c = size / r;
        if (c > LARGEST_ASPECT * r) c = LARGEST_ASPECT * r;
        if (r * c < *n_row * *n_col) continue;
        *n_row = r; /* a later r of equals is squarer */
        *n_col = c;
    }
}

int rj_grid_inside(const rj_grid *grid)
{
    return grid->row >= 0;
}

/* Collective. Where this rank stands: BLACS must have placed it as this file's callers count. */
static rj_status place(rj_grid *g)
{
    rj_status st = RJ_OK;
    const int inside = g->rank < g->n_row * g->n_col;
    int n_row = -1, n_col = -1, yes = 1;

    g->handle = Csys2blacs_handle(g->comm);
    g->line = g->context = g->handle;
    Cblacs_gridinit(&g->line, "Row", 1, g->size);
    Cblacs_gridinit(&g->context, "Row", g->n_row, g->n_col);
    g->row = g->col = -1;
    if (!inside) {
        g->context = -1;
        goto done;
    }
    /* Else three ranks in a line add in the order of arrival, and give other bits in every run. */
    Cblacs_set(g->context, BLACS_REPEATABLE, &yes);
    Cblacs_gridinfo(g->context, &n_row, &n_col, &g->row, &g->col);
    RJ_REQUIRE(n_row == g->n_row && n_col == g->n_col && g->row == g->rank / g->n_col &&
                   g->col == g->rank % g->n_col,
               RJ_ERR_LIB, "BLACS put rank %d of a %dx%d grid at (%d,%d) of %dx%d", g->rank, g->n_row,
               g->n_col, g->row, g->col, n_row, n_col);
done:
    return st;
}

rj_status rj_grid_create(MPI_Comm comm, int n_row, int n_col, rj_grid **grid)
{
    rj_status st = RJ_OK;
    rj_grid *mine = NULL;
    MPI_Comm own = rj_comm_dup(comm);
    int size = 0;

    RJ_MPI(own, MPI_Comm_size(own, &size));
    if (n_row == 0 && n_col == 0) rj_grid_shape(size, &n_row, &n_col);
    RJ_REQUIRE(n_row >= 1 && n_col >= 1 && n_row <= size / n_col, RJ_ERR_ARG,
               "a grid of %dx%d ranks on a communicator of %d: needs 1..%d ranks, or 0x0 for the default",
               n_row, n_col, size, size);
    RJ_TRY_ALL(own, rj_alloc((void **)&mine, 1, 1, sizeof *mine, __FILE__, __LINE__));
    *mine = (rj_grid){.comm = own, .size = size, .n_row = n_row, .n_col = n_col, .slab_bytes = SLAB_BYTES};
    RJ_MPI(own, MPI_Comm_rank(own, &mine->rank));
    own = MPI_COMM_NULL;
    RJ_TRY_ALL(mine->comm, place(mine));
    *grid = mine;
    mine = NULL;
done:
    if (own == MPI_COMM_NULL)
        rj_grid_destroy(&mine);
    else {
        MPI_Comm_free(&own);
        RJ_FREE(mine);
    }
    return st;
}

void rj_grid_destroy(rj_grid **grid)
{
    rj_grid *g = *grid;

    if (g == NULL) return;
    if (g->context >= 0) Cblacs_gridexit(g->context);
    Cblacs_gridexit(g->line);
    Cfree_blacs_system_handle(g->handle);
    MPI_Comm_free(&g->comm);
    RJ_FREE(*grid);
}
