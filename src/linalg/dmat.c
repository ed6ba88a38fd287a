/* dmat.c: p?gemr2d moves whole columns between one rank and the grid, so a panel needs no layout of its own. Its buffers are
 * as large as what it moves and counted in int, hence the slabs. */
#include "resjac/linalg/dmat.h"

#include <limits.h>
#include <math.h>

#include "resjac/base/agree.h"
#include "resjac/base/clock.h"
#include "resjac/base/memory.h"
#include "scalapack.h"

static const ptrdiff_t MOST_SLAB_BYTES = 1 << 28, MOST_BLOCK_COLUMN_BYTES = 1 << 30;
enum { MOST_BLOCK = 1024, BLOCK_CYCLIC = 1 };

ptrdiff_t rj_dmat_share(ptrdiff_t n, int nb, int place, int n_place)
{
    const ptrdiff_t blocks = n / nb, rounds = blocks / n_place, left = blocks % n_place;
    const ptrdiff_t partial = place < left ? nb : place == left ? n % nb : 0;
    return rounds * nb + partial;
}

int rj_dmat_global(int local, int nb, int place, int n_place)
{
    return (local / nb * n_place + place) * nb + local % nb;
}

rj_status rj_dmat_check(ptrdiff_t m, ptrdiff_t n, int nb, int n_row, int n_col)
{
    rj_status st = RJ_OK;

    RJ_REQUIRE(1 <= m && m <= INT_MAX && 1 <= n && n <= INT_MAX && 1 <= nb && nb <= MOST_BLOCK, RJ_ERR_ARG,
               "distributed matrix %td x %td in blocks of %d: needs sides of 1..%d and blocks of 1..%d", m, n,
               nb, INT_MAX, (int)MOST_BLOCK);
    const ptrdiff_t rows = rj_dmat_share(m, nb, 0, n_row), columns = rj_dmat_share(n, nb, 0, n_col);
    RJ_REQUIRE(rows <= INT_MAX / columns, RJ_ERR_ARG,
               "matrix %td x %td on %dx%d ranks: %td x %td elements on one rank, more than ScaLAPACK counts "
               "(%d); take more ranks",
               m, n, n_row, n_col, rows, columns, INT_MAX);
    /* A redistribution moves at least one block of columns, whole. */
    RJ_REQUIRE(m <= MOST_BLOCK_COLUMN_BYTES / (ptrdiff_t)sizeof(double) / nb, RJ_ERR_ARG,
               "matrix %td x %td: a column of blocks of %d has more than %td bytes, too many for one message "
               "of BLACS; take smaller blocks",
               m, n, nb, MOST_BLOCK_COLUMN_BYTES);
done:
    return st;
}

rj_status rj_dmat_new(const rj_grid *grid, rj_arithmetic type, ptrdiff_t m, ptrdiff_t n, int nb, rj_dmat *a)
{
    rj_status st = RJ_OK;
    const int inside = rj_grid_inside(grid);
    rj_dmat mine = {.grid = grid, .type = type, .nb = nb, .local = {.ld = 1}};

    RJ_TRY(rj_dmat_check(m, n, nb, grid->n_row, grid->n_col));
    const ptrdiff_t rows = inside ? rj_dmat_share(m, nb, grid->row, grid->n_row) : 0;
    const ptrdiff_t columns = inside ? rj_dmat_share(n, nb, grid->col, grid->n_col) : 0;
    RJ_TRY_ALL(grid->comm, rj_matrix_new(type, rows, columns, &mine.local));
    mine.m = (int)m;
    mine.n = (int)n;
    const int desc[RJ_DESC_LENGTH] = {BLOCK_CYCLIC, grid->context, mine.m, mine.n, nb, nb, 0, 0,
                                      mine.local.ld};
    for (int i = 0; i < RJ_DESC_LENGTH; i++) mine.desc[i] = desc[i];
    *a = mine;
    mine.local = (rj_matrix){.ld = 1};
done:
    rj_matrix_free(&mine.local);
    return st;
}

void rj_dmat_free(rj_dmat *a)
{
    rj_matrix_free(&a->local);
    *a = (rj_dmat){.local = {.ld = 1}};
}

/* Columns before the panel of rank r. */
static int panel_start(const rj_grid *grid, int n, int r)
{
    return (int)((ptrdiff_t)n * r / grid->size);
}

void rj_dmat_panel(const rj_grid *grid, int n, int *first, int *count)
{
    *first = panel_start(grid, n, grid->rank);
    *count = panel_start(grid, n, grid->rank + 1) - *first;
}

typedef enum { TO_GRID, FROM_GRID } direction;

/* Collective. Columns first..first+w-1 of A to or from the leading w columns of x, [m,>= w] of rank `owner`. */
static void move_slab(direction way, rj_dmat *a, int first, int w, int owner, const rj_matrix *x)
{
    const rj_grid *g = a->grid;
    /* One block of all columns, with the owner alone. */
    int one[RJ_DESC_LENGTH] = {BLOCK_CYCLIC, g->line, a->m, w, a->m, w, 0, owner, a->m};

    if (g->rank == owner) one[RJ_DESC_LLD] = x->ld;
    if (a->type == RJ_SINGLE && way == TO_GRID)
        Cpsgemr2d(a->m, w, x->data, 1, 1, one, a->local.data, 1, first + 1, a->desc, g->line);
    else if (a->type == RJ_SINGLE)
        Cpsgemr2d(a->m, w, a->local.data, 1, first + 1, a->desc, x->data, 1, 1, one, g->line);
    else if (way == TO_GRID)
        Cpdgemr2d(a->m, w, x->data, 1, 1, one, a->local.data, 1, first + 1, a->desc, g->line);
    else
        Cpdgemr2d(a->m, w, a->local.data, 1, first + 1, a->desc, x->data, 1, 1, one, g->line);
}

static int slab_width(const rj_dmat *a)
{
    const ptrdiff_t limit =
        a->grid->slab_bytes < (size_t)MOST_SLAB_BYTES ? (ptrdiff_t)a->grid->slab_bytes : MOST_SLAB_BYTES;
    const ptrdiff_t width = limit / ((ptrdiff_t)a->m * (ptrdiff_t)rj_matrix_element(a->type));

    return width < 1 ? 1 : width > a->n ? a->n : (int)width;
}

/* Collective. Columns first..first+count-1 of A to or from x [m,count] of rank `owner`, in slabs. */
static void move_columns(direction way, rj_dmat *a, int first, int count, int owner, const rj_matrix *x)
{
    const int width = slab_width(a), mine = a->grid->rank == owner;

    for (int c = 0; c < count; c += width) {
        const int w = count - c < width ? count - c : width;
        const rj_matrix slab = mine ? rj_matrix_block(x, 0, c, a->m, w) : (rj_matrix){.ld = 1};
        move_slab(way, a, first + c, w, owner, &slab);
    }
}

static rj_status require_shape(const rj_dmat *a, const rj_matrix *x, int columns)
{
    rj_status st = RJ_OK;
    RJ_REQUIRE(x->type == a->type && x->rows == a->m && x->cols == columns, RJ_ERR_ARG,
               "rank %d of %d: columns %dx%d (type %d) of a distributed matrix %dx%d (type %d), needs %dx%d",
               a->grid->rank, a->grid->size, x->rows, x->cols, (int)x->type, a->m, a->n, (int)a->type, a->m,
               columns);
done:
    return st;
}

/* FROM_GRID reads A alone, TO_GRID reads the panel alone. */
static rj_status move_panels(direction way, rj_dmat *a, const rj_matrix *panel)
{
    rj_status st = RJ_OK;
    const rj_grid *g = a->grid;
    int first = 0, count = 0;

    rj_dmat_panel(g, a->n, &first, &count);
    RJ_TRY_ALL(g->comm, require_shape(a, panel, count));
    for (int r = 0; r < g->size; r++) {
        first = panel_start(g, a->n, r);
        move_columns(way, a, first, panel_start(g, a->n, r + 1) - first, r, panel);
    }
done:
    return st;
}

rj_status rj_dmat_from_panels(const rj_matrix *panel, rj_dmat *a)
{
    return move_panels(TO_GRID, a, panel);
}

rj_status rj_dmat_to_panels(const rj_dmat *a, rj_matrix *panel)
{
    rj_dmat source = *a;
    return move_panels(FROM_GRID, &source, panel);
}

rj_status rj_dmat_from_root(const rj_matrix *b, rj_dmat *a)
{
    rj_status st = RJ_OK;

    RJ_TRY_ALL(a->grid->comm, a->grid->rank == 0 ? require_shape(a, b, a->n) : RJ_OK);
    move_columns(TO_GRID, a, 0, a->n, 0, b);
done:
    return st;
}

/* Each slab goes to rank 0 and from there to all: its bytes are below INT_MAX, so the count of the broadcast is too. */
rj_status rj_dmat_gather(const rj_dmat *a, rj_matrix *b)
{
    rj_status st = RJ_OK;
    const rj_grid *g = a->grid;
    const int k = b->cols, width = slab_width(a);
    const MPI_Datatype element = a->type == RJ_SINGLE ? MPI_FLOAT : MPI_DOUBLE;
    rj_dmat source = *a;

    RJ_TRY_ALL(g->comm, k <= a->n && b->ld == a->m
                            ? require_shape(a, b, k)
                            : rj_raise(RJ_ERR_ARG, __FILE__, __LINE__,
                                       "%d leading columns (ld %d) of a distributed matrix %dx%d: needs "
                                       "0..%d columns and ld %d",
                                       k, b->ld, a->m, a->n, a->n, a->m));
    for (int c = 0; c < k; c += width) {
        const int w = k - c < width ? k - c : width;
        const rj_matrix slab = rj_matrix_block(b, 0, c, a->m, w);
        move_slab(FROM_GRID, &source, c, w, 0, &slab);
        RJ_MPI(g->comm, MPI_Bcast(slab.data, a->m * w, element, 0, g->comm));
    }
done:
    return st;
}

static rj_status require_match(char op_a, char op_b, const rj_dmat *a, const rj_dmat *b, const rj_dmat *c)
{
    rj_status st = RJ_OK;
    const int m = op_a == 'N' ? a->m : a->n, k = op_a == 'N' ? a->n : a->m;
    const int l = op_b == 'N' ? b->m : b->n, n = op_b == 'N' ? b->n : b->m;

    RJ_REQUIRE((op_a == 'N' || op_a == 'T') && (op_b == 'N' || op_b == 'T') && a->type == b->type &&
                   a->type == c->type && k == l && m == c->m && n == c->n && a->nb == b->nb &&
                   a->nb == c->nb && a->grid == b->grid && a->grid == c->grid && c != a && c != b,
               RJ_ERR_ARG,
               "op '%c' of A %dx%d (type %d, blocks of %d) times op '%c' of B %dx%d (type %d, %d) is not C "
               "%dx%d (type %d, %d) on one grid",
               op_a, a->m, a->n, (int)a->type, a->nb, op_b, b->m, b->n, (int)b->type, b->nb, c->m, c->n,
               (int)c->type, c->nb);
done:
    return st;
}

rj_status rj_dmat_gemm(char op_a, char op_b, double alpha, const rj_dmat *a, const rj_dmat *b, double beta,
                       rj_dmat *c)
{
    rj_status st = RJ_OK;
    const int one = 1, k = op_a == 'N' ? a->n : a->m;

    RJ_TRY(require_match(op_a, op_b, a, b, c));
    if (!rj_grid_inside(c->grid)) goto done;
    if (c->type == RJ_SINGLE) {
        const float alpha_single = (float)alpha, beta_single = (float)beta;
        psgemm_(&op_a, &op_b, &c->m, &c->n, &k, &alpha_single, a->local.data, &one, &one, a->desc,
                b->local.data, &one, &one, b->desc, &beta_single, c->local.data, &one, &one, c->desc);
    } else {
        pdgemm_(&op_a, &op_b, &c->m, &c->n, &k, &alpha, a->local.data, &one, &one, a->desc, b->local.data,
                &one, &one, b->desc, &beta, c->local.data, &one, &one, c->desc);
    }
    rj_clock_flops(2.0 * c->m * c->n * k / c->grid->n_row / c->grid->n_col);
done:
    return st;
}

static rj_status require_finite_here(const rj_dmat *a, const char *name)
{
    rj_status st = RJ_OK;
    const rj_grid *g = a->grid;
    double *column = NULL;

    if (rj_matrix_is_finite(&a->local)) goto done;
    RJ_NEW(column, a->local.rows, 1);
    for (int j = 0; j < a->local.cols; j++) {
        rj_matrix_get_column(&a->local, j, column);
        for (int i = 0; i < a->local.rows; i++)
            RJ_REQUIRE(isfinite(column[i]), RJ_ERR_NUMERIC,
                       "%s [%d,%d] has %g at (%d,%d); screen weights and states for Inf and NaN", name, a->m,
                       a->n, column[i], rj_dmat_global(i, a->nb, g->row, g->n_row),
                       rj_dmat_global(j, a->nb, g->col, g->n_col));
    }
done:
    RJ_FREE(column);
    return st;
}

rj_status rj_dmat_require_finite(const rj_dmat *a, const char *name)
{
    return rj_agree(a->grid->comm, require_finite_here(a, name));
}
