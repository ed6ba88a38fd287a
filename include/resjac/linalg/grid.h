/* grid.h: a rectangle of ranks for distributed linear algebra (a BLACS grid). */
#ifndef RESJAC_LINALG_GRID_H
#define RESJAC_LINALG_GRID_H

#include <mpi.h>
#include <stddef.h>

#include "resjac/base/status.h"

/* Rank r of comm stands at row r / n_col, column r % n_col. Ranks beyond n_row * n_col are outside: they hold no part of a
 * matrix, yet take part in every collective call and get every result. Read-only but for slab_bytes. */
typedef struct {
    MPI_Comm comm; /* own duplicate */
    int rank, size;
    int n_row, n_col;
    int row, col; /* this rank's place; -1, -1 outside */
    int context;  /* BLACS: the grid; -1 outside */
    int line;     /* BLACS: all ranks as 1 x size */
    int handle;   /* BLACS: comm */
    size_t
        slab_bytes; /* about what one redistribution moves at a time; the same on every rank. At most 2^28 is used:
                          BLACS counts in int */
} rj_grid;

/* The shape that rj_grid_create takes for `size` ranks by default: as many ranks as possible with
 * n_row <= n_col <= 3 n_row, of equals the squarest (7 ranks: 2 x 3, one outside). Not collective. */
void rj_grid_shape(int size, int *n_row, int *n_col);

/* A grid of the first n_row * n_col ranks of comm; 0 x 0: rj_grid_shape. Collective on comm; arguments the same on every
 * rank.
 *   grid [out] owned by the caller; untouched on error
 * Errors: ARG a shape that does not fit the ranks; NOMEM; LIB BLACS gave another grid. */
RJ_CHECKED rj_status rj_grid_create(MPI_Comm comm, int n_row, int n_col, rj_grid **grid);

/* Collective on the grid's communicator. MPI goes on; matrices of the grid must be freed before. Takes NULL. */
void rj_grid_destroy(rj_grid **grid);

/* True on the ranks that hold parts of matrices. Not collective. */
int rj_grid_inside(const rj_grid *grid);
#endif
