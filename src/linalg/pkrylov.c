/* pkrylov.c: one rank searches, the others multiply. The search itself is a few percent of the products' work, and one rank's
 * decisions cannot differ from another's. Partial products are summed in the order of ranks, not by a reduction, whose order is
 * the library's. */
#include "resjac/linalg/pkrylov.h"

#include <limits.h>
#include <stdint.h>

#include "resjac/base/agree.h"
#include "resjac/base/clock.h"
#include "resjac/base/memory.h"
#include "resjac/linalg/blas.h"

enum { WIDTH = 64 }; /* most columns of one product: of the certificates'; the search's have eight */
enum { NO_MORE, TIMES, TIMES_TRANSPOSED };

/* J = [P_0 P_1 ..], a panel a rank. */
typedef struct {
    MPI_Comm comm;
    int rank, size, root, d;
    const rj_matrix *panel; /* [d, count] */
    int *first;             /* [size + 1] columns before each rank's */
    int *count, *before;    /* [size] each: elements of each rank's share of a product, and where it begins */
    rj_matrix given;        /* [d,WIDTH] what is multiplied */
    rj_matrix mine;         /* [d,WIDTH] this rank's share */
    rj_matrix all;          /* [d size, WIDTH] everyone's; at the root */
} team;

static void team_free(team *t)
{
    rj_matrix_free(&t->all);
    rj_matrix_free(&t->mine);
    rj_matrix_free(&t->given);
    RJ_FREE(t->first);
}

static rj_status team_allocate(team *t)
{
    rj_status st = RJ_OK;
    const rj_arithmetic type = t->panel->type;

    RJ_NEW(t->first, 3 * t->size + 1, 1);
    t->count = t->first + t->size + 1;
    t->before = t->count + t->size;
    RJ_TRY(rj_matrix_new(type, t->d, WIDTH, &t->given));
    RJ_TRY(rj_matrix_new(type, t->d, WIDTH, &t->mine));
    if (t->rank == t->root) RJ_TRY(rj_matrix_new(type, t->d, (ptrdiff_t)WIDTH * t->size, &t->all));
done:
    return st;
}

/* Collective. */
static rj_status team_new(team *t)
{
    rj_status st = RJ_OK;
    const int columns = t->panel->cols;

    RJ_REQUIRE(
        (int64_t)WIDTH * t->d * t->size <= INT_MAX, RJ_ERR_ARG,
        "J [%d,%d] in panels of %d ranks: shares of a product have more than %d elements; take fewer ranks",
        t->d, t->d, t->size, INT_MAX);
    RJ_TRY_ALL(t->comm, team_allocate(t));
    RJ_MPI(t->comm, MPI_Allgather(&columns, 1, MPI_INT, t->first + 1, 1, MPI_INT, t->comm));
    for (int r = 0; r < t->size; r++) t->first[r + 1] += t->first[r];
    RJ_TRY_ALL(t->comm,
               t->first[t->size] == t->d && t->panel->rows == t->d
                   ? RJ_OK
                   : rj_raise(RJ_ERR_ARG, __FILE__, __LINE__,
                              "a panel of J %dx%d, all ranks' panels have %d columns: needs %d in all",
                              t->panel->rows, columns, t->first[t->size], t->panel->rows));
done:
    return st;
}

static MPI_Datatype element(const team *t)
{
    return t->panel->type == RJ_SINGLE ? MPI_FLOAT : MPI_DOUBLE;
}

/* This rank's share of a product with n columns of `given`: [d,n] to be summed, transposed [its columns,n]. */
static void multiply_share(team *t, int what, int n)
{
    const int first = t->first[t->rank], count = t->panel->cols;
    const rj_matrix x =
        rj_matrix_block(&t->given, what == TIMES ? first : 0, 0, what == TIMES ? count : t->d, n);
    rj_matrix y = {t->panel->type, what == TIMES ? t->d : count, n,
                   what == TIMES ? t->d
                   : count > 0   ? count
                                 : 1,
                   t->mine.data};

    rj_gemm(what == TIMES ? 'N' : 'T', 'N', 1.0, t->panel, &x, 0.0, &y);
}

/* One product of all ranks with n columns of `given`; shares at the root. Collective, as the root announced it. */
static void multiply_together(team *t, int what, int n)
{
    for (int r = 0; r < t->size; r++) {
        t->count[r] = n * (what == TIMES ? t->d : t->first[r + 1] - t->first[r]);
        t->before[r] = n * (what == TIMES ? t->d * r : t->first[r]);
    }
    rj_stage before = rj_clock_enter(RJ_STAGE_EXCHANGE);
    RJ_MPI(t->comm, MPI_Bcast(t->given.data, n * t->d, element(t), t->root, t->comm));
    rj_clock_enter(before);
    multiply_share(t, what, n);
    before = rj_clock_enter(RJ_STAGE_EXCHANGE);
    RJ_MPI(t->comm, MPI_Gatherv(t->mine.data, t->count[t->rank], element(t), t->all.data, t->count, t->before,
                                element(t), t->root, t->comm));
    rj_clock_enter(before);
}

static void announce(team *t, int what, int n)
{
    int order[2] = {what, n};
    RJ_MPI(t->comm, MPI_Bcast(order, 2, MPI_INT, t->root, t->comm));
}

/* y <- all ranks' shares: summed, or below each other. Root. */
static void put_together(const team *t, int what, rj_matrix *y)
{
    for (int r = 0; r < t->size; r++) {
        const int rows = what == TIMES ? t->d : t->first[r + 1] - t->first[r];
        rj_matrix share = {t->panel->type, rows, y->cols, rows > 0 ? rows : 1,
                           (char *)t->all.data + (size_t)t->before[r] * rj_matrix_element(t->panel->type)};
        rj_matrix to = rj_matrix_block(y, what == TIMES ? 0 : t->first[r], 0, rows, y->cols);
        if (what == TIMES && r > 0)
            rj_matrix_add(1.0, &share, &to);
        else
            rj_matrix_copy(&share, &to);
    }
}

static rj_status multiply(team *t, int what, const rj_matrix *x, rj_matrix *y)
{
    for (int from = 0; from < x->cols; from += WIDTH) {
        const int n = x->cols - from < WIDTH ? x->cols - from : WIDTH;
        const rj_matrix part = rj_matrix_block(x, 0, from, t->d, n);
        rj_matrix to = rj_matrix_block(y, 0, from, t->d, n);
        announce(t, what, n);
        rj_matrix_copy(&part, &t->given);
        multiply_together(t, what, n);
        put_together(t, what, &to);
    }
    return RJ_OK;
}

static rj_status apply(const void *ctx, const rj_matrix *x, rj_matrix *y)
{
    return multiply((team *)(uintptr_t)ctx, TIMES, x, y);
}

static rj_status apply_transpose(const void *ctx, const rj_matrix *x, rj_matrix *y)
{
    return multiply((team *)(uintptr_t)ctx, TIMES_TRANSPOSED, x, y);
}

/* Products until the root has no more of them. */
static void serve(team *t)
{
    for (;;) {
        int order[2];
        RJ_MPI(t->comm, MPI_Bcast(order, 2, MPI_INT, t->root, t->comm));
        if (order[0] == NO_MORE) return;
        multiply_together(t, order[0], order[1]);
    }
}

rj_status rj_pkrylov(MPI_Comm comm, int root, const rj_matrix *panel, const rj_krylov_options *options,
                     int *found, rj_topk *top)
{
    rj_status st = RJ_OK, outcome = RJ_OK;
    team t = {.comm = comm,
              .root = root,
              .d = panel->rows,
              .panel = panel,
              .given.ld = 1,
              .mine.ld = 1,
              .all.ld = 1};
    rj_topk mine = {0};
    int got = 0;

    RJ_MPI(comm, MPI_Comm_rank(comm, &t.rank));
    RJ_MPI(comm, MPI_Comm_size(comm, &t.size));
    RJ_TRY(team_new(&t));
    if (t.rank == root) {
        const rj_linop op = {t.d, t.d, panel->type, &t, apply, apply_transpose};
        outcome = rj_krylov_leading(&op, options, &got, &mine);
        announce(&t, NO_MORE, 0);
    } else {
        serve(&t);
    }
    RJ_TRY_ALL(comm, outcome);
    RJ_MPI(comm, MPI_Bcast(&got, 1, MPI_INT, root, comm));
    *found = got;
    if (t.rank == root && got) {
        *top = mine;
        mine = (rj_topk){0};
    }
done:
    rj_topk_free(&mine);
    team_free(&t);
    return st;
}
