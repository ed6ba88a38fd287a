/* team.c: communicators of a team. */
#include "resjac/run/team.h"

#include "resjac/base/agree.h"
#include "resjac/base/memory.h"

int rj_team_size(const rj_team_shape *shape)
{
    return shape->stages * shape->n_row * shape->n_col;
}

/* Collective on the new team. */
static rj_status split_stages(rj_team *t)
{
    rj_status st = RJ_OK;

    MPI_Comm_rank(t->comm, &t->rank);
    MPI_Comm_size(t->comm, &t->size);
    t->stage_at = t->rank / t->n_grid;
    t->grid_at = t->rank % t->n_grid;
    RJ_MPI(t->comm, MPI_Comm_split(t->comm, t->stage_at, t->grid_at, &t->stage));
    if (t->n_grid > 1) RJ_TRY(rj_grid_create(t->stage, t->shape.n_row, t->shape.n_col, &t->grid));
done:
    return rj_agree(t->comm, st);
}

rj_status rj_team_create(MPI_Comm comm, const rj_team_shape *shape, rj_team **team)
{
    rj_status st = RJ_OK;
    const int n = rj_team_size(shape);
    rj_team *t = NULL;
    int rank = 0, size = 1;

    RJ_MPI(comm, MPI_Comm_rank(comm, &rank));
    RJ_MPI(comm, MPI_Comm_size(comm, &size));
    RJ_REQUIRE(n >= 1 && n <= size, RJ_ERR_ARG,
               "a team of %d stages x grid %d x %d needs %d ranks, %d are there", shape->stages, shape->n_row,
               shape->n_col, n, size);
    RJ_TRY_ALL(comm, rj_alloc((void **)&t, 1, 1, sizeof *t, __FILE__, __LINE__));
    const int at = rank / n, outside = at >= size / n;
    t->shape = *shape;
    t->n_grid = shape->n_row * shape->n_col;
    t->comm = t->stage = MPI_COMM_NULL;
    RJ_MPI(comm, MPI_Comm_split(comm, outside ? MPI_UNDEFINED : at, rank, &t->comm));
    if (outside)
        RJ_FREE(t);
    else
        st = split_stages(t);
    RJ_TRY_ALL(comm, st);
    *team = t;
    t = NULL;
done:
    rj_team_free(&t);
    return st;
}

void rj_team_free(rj_team **team)
{
    rj_team *t = *team;

    if (t == NULL) return;
    rj_grid_destroy(&t->grid);
    if (t->stage != MPI_COMM_NULL) MPI_Comm_free(&t->stage);
    if (t->comm != MPI_COMM_NULL) MPI_Comm_free(&t->comm);
    RJ_FREE(*team);
}

rj_range rj_team_stage(const rj_team *team, int n_layer)
{
    return rj_partition_stage(n_layer, team->shape.stages, team->n_grid, team->rank);
}

rj_range rj_team_home(const rj_team *team, int n_layer)
{
    return rj_partition_home(n_layer, team->shape.stages, team->n_grid, team->rank);
}
