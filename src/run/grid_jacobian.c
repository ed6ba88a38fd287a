/* grid_jacobian.c: a column of J needs all of the MLP's map and one column of everything else, so the ranks make that map together
 * first. */
#include "grid_jacobian.h"

#include "resjac/base/agree.h"
#include "resjac/base/clock.h"
#include "resjac/base/memory.h"
#include "resjac/linalg/pkrylov.h"
#include "resjac/linalg/psvd.h"

/* Columns of a matrix [d,d] that the ranks of a stage share. */
typedef struct {
    int *count, *first; /* [n_grid] each */
    int mine, n;        /* of this rank */
    MPI_Datatype column;
} shares;

static void shares_free(shares *s)
{
    if (s->count != NULL) MPI_Type_free(&s->column);
    RJ_FREE(s->count);
}

/* Collective on the stage. */
static rj_status shares_new(const rj_team *t, rj_arithmetic type, int d, shares *s)
{
    rj_status st = RJ_OK;
    int *count = NULL;

    rj_dmat_panel(t->grid, d, &s->mine, &s->n);
    RJ_TRY_ALL(t->stage, rj_alloc((void **)&count, 2, t->n_grid, sizeof *count, __FILE__, __LINE__));
    s->count = count;
    s->first = count + t->n_grid;
    RJ_MPI(t->stage, MPI_Type_contiguous(d, type == RJ_SINGLE ? MPI_FLOAT : MPI_DOUBLE, &s->column));
    RJ_MPI(t->stage, MPI_Type_commit(&s->column));
    RJ_MPI(t->stage, MPI_Allgather(&s->n, 1, MPI_INT, s->count, 1, MPI_INT, t->stage));
    for (int r = 1; r < t->n_grid; r++) s->first[r] = s->first[r - 1] + s->count[r - 1];
done:
    return st;
}

/* whole [d,d] on the rank at home, from all panels. */
static void bring_home(const rj_team *t, const shares *s, int home, const rj_matrix *panel, rj_matrix *whole)
{
    const rj_stage before = rj_clock_enter(RJ_STAGE_EXCHANGE);

    RJ_MPI(t->stage, MPI_Gatherv(panel->data, s->n, s->column, whole->data, s->count, s->first, s->column,
                                 home, t->stage));
    rj_clock_enter(before);
}

/* The rank's columns of J: every rank takes some of the MLP's map, of which all need all. Collective on the stage. */
static rj_status fold_together(const rj_team *t, const shares *s, const rj_point *point, rj_last_block last,
                               rj_matrix *panel)
{
    rj_status st = RJ_OK;
    const int d = panel->rows;
    rj_matrix mlp = {.ld = 1};

    RJ_TRY_ALL(t->stage, rj_matrix_new_unset(panel->type, d, d, &mlp));
    rj_matrix mine = rj_matrix_block(&mlp, 0, s->mine, d, s->n);
    RJ_TRY_ALL(t->stage, rj_point_mlp_share(point, s->mine, &mine));
    const rj_stage before = rj_clock_enter(RJ_STAGE_EXCHANGE);
    RJ_MPI(t->stage,
           MPI_Allgatherv(MPI_IN_PLACE, 0, s->column, mlp.data, s->count, s->first, s->column, t->stage));
    rj_clock_enter(before);
    RJ_TRY_ALL(t->stage, rj_point_mlp_whole(point, &mlp));
    RJ_TRY_ALL(t->stage, rj_point_columns(point, &mlp, last, s->mine, panel));
done:
    rj_matrix_free(&mlp);
    return st;
}

/* Square blocks of the distributed matrix: 64 is fast, small matrices must still reach every rank. */
static int block_size(const rj_grid *grid, int d)
{
    const int side = grid->n_row > grid->n_col ? grid->n_row : grid->n_col;

    return d >= 64 * side ? 64 : 8;
}

/* All of J decomposed by ScaLAPACK. Collective on the stage. */
static rj_status decompose_spread(const rj_team *team, const rj_matrix *panel, int k, rj_topk *top)
{
    rj_status st = RJ_OK;
    const int d = panel->rows;
    rj_dmat spread = {0};

    RJ_TRY(rj_dmat_new(team->grid, panel->type, d, d, block_size(team->grid, d), &spread));
    RJ_TRY(rj_dmat_from_panels(panel, &spread));
    RJ_TRY(rj_psvd_full(&spread, k, top));
done:
    rj_dmat_free(&spread);
    return st;
}

rj_status rj_grid_decompose(const rj_team *team, const rj_point *point, rj_last_block last,
                            rj_svd_method method, const rj_krylov_options *wanted, int home, rj_matrix *jac,
                            rj_topk *top)
{
    rj_status st = RJ_OK;
    shares s = {0};
    rj_matrix panel = {.ld = 1};
    int found = 0;

    RJ_TRY(shares_new(team, jac->type, jac->rows, &s));
    RJ_TRY_ALL(team->stage, rj_matrix_new_unset(jac->type, jac->rows, s.n, &panel));
    RJ_TRY(fold_together(team, &s, point, last, &panel));
    bring_home(team, &s, home, &panel, jac);
    rj_clock_enter(RJ_STAGE_SVD);
    if (method == RJ_SVD_KRYLOV) RJ_TRY(rj_pkrylov(team->stage, home, &panel, wanted, &found, top));
    if (!found) RJ_TRY(decompose_spread(team, &panel, wanted->most, top));
done:
    rj_matrix_free(&panel);
    shares_free(&s);
    return st;
}
