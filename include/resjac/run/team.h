/* team.h: ranks that measure one unit together: stages of consecutive blocks, a grid of ranks inside each. */
#ifndef RESJAC_RUN_TEAM_H
#define RESJAC_RUN_TEAM_H

#include <mpi.h>

#include "resjac/base/status.h"
#include "resjac/linalg/grid.h"
#include "resjac/schedule/partition.h"

/* stages * n_row * n_col ranks. The grid's shape decides the bits of a decomposition; the number of stages decides none. */
typedef struct {
    int stages, n_row, n_col;
} rj_team_shape;

/* Rank r of a team is number r % (n_row * n_col) of stage r / (n_row * n_col). Rank 0 leads: it claims, keeps the record and
 * writes. Read-only. */
typedef struct {
    rj_team_shape shape;
    int n_grid;            /* n_row * n_col */
    MPI_Comm comm, stage;  /* all ranks of the team; those of this rank's stage */
    int rank, size;        /* in comm */
    int stage_at, grid_at; /* number of the stage; number in it */
    rj_grid *grid;         /* NULL where n_grid = 1 */
} rj_team;

int rj_team_size(const rj_team_shape *shape);

/* As many teams as comm has room for, in the order of ranks.
 *   team [out] NULL on the last size % team-size ranks, which have no team; free with rj_team_free; untouched on error
 * Collective on comm. Errors: ARG comm has fewer ranks than a team; those of rj_grid_create. */
RJ_CHECKED rj_status rj_team_create(MPI_Comm comm, const rj_team_shape *shape, rj_team **team);

/* Collective on the team. Takes NULL. */
void rj_team_free(rj_team **team);

/* Blocks that this rank's stage evaluates, and those whose J this rank keeps. */
rj_range rj_team_stage(const rj_team *team, int n_layer);
rj_range rj_team_home(const rj_team *team, int n_layer);
#endif
