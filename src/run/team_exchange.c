/* team_exchange.c: columns travel as one MPI element, so that counts stay far below 2^31. */
#include "team_exchange.h"

#include <string.h>

#include "resjac/base/agree.h"
#include "resjac/base/clock.h"

enum { CHUNK = 1 << 24 };

static MPI_Datatype column_of(const rj_team *t, rj_arithmetic type, int d)
{
    MPI_Datatype column;

    RJ_MPI(t->comm, MPI_Type_contiguous(d, type == RJ_SINGLE ? MPI_FLOAT : MPI_DOUBLE, &column));
    RJ_MPI(t->comm, MPI_Type_commit(&column));
    return column;
}

/* The status travels as the tag; messages of one sender arrive in order. */
void rj_team_send(const rj_team *t, int d, int T, const double *x, int status, MPI_Request *request)
{
    const rj_stage before = rj_clock_enter(RJ_STAGE_EXCHANGE);
    MPI_Datatype column = column_of(t, RJ_DOUBLE, d);

    RJ_MPI(t->comm,
           MPI_Isend(x, status == RJ_OK ? T : 0, column, t->rank + t->n_grid, status, t->comm, request));
    MPI_Type_free(&column);
    rj_clock_enter(before);
}

void rj_team_receive(const rj_team *t, int d, int T, double *x, int *status)
{
    const rj_stage before = rj_clock_enter(RJ_STAGE_EXCHANGE);
    MPI_Datatype column = column_of(t, RJ_DOUBLE, d);
    MPI_Status envelope;

    RJ_MPI(t->comm, MPI_Recv(x, T, column, t->rank - t->n_grid, MPI_ANY_TAG, t->comm, &envelope));
    *status = envelope.MPI_TAG;
    MPI_Type_free(&column);
    rj_clock_enter(before);
}

void rj_team_agree_prompts(const rj_team *t, int n, int *status)
{
    const rj_stage before = rj_clock_enter(RJ_STAGE_EXCHANGE);

    RJ_MPI(t->comm, MPI_Allreduce(MPI_IN_PLACE, status, n, MPI_INT, MPI_MAX, t->comm));
    rj_clock_enter(before);
}

void rj_team_collect(const rj_team *t, ptrdiff_t n, double *x)
{
    const rj_stage before = rj_clock_enter(RJ_STAGE_EXCHANGE);

    for (ptrdiff_t at = 0; t->size > 1 && at < n; at += CHUNK) {
        const int count = (int)(n - at < CHUNK ? n - at : CHUNK);
        const void *from = t->rank == 0 ? MPI_IN_PLACE : x + at;
        RJ_MPI(t->comm, MPI_Reduce(from, x + at, count, MPI_UINT64_T, MPI_BOR, 0, t->comm));
    }
    rj_clock_enter(before);
}

static void share(void *ctx, int j, rj_matrix *frame)
{
    const rj_stage before = rj_clock_enter(RJ_STAGE_EXCHANGE);
    const rj_team_frames *f = ctx;
    const rj_team *t = f->team;
    const int home = rj_partition_home_of(f->n_layer, t->shape.stages, t->n_grid, j);
    MPI_Datatype column = column_of(t, frame->type, frame->rows);

    RJ_MPI(t->comm, MPI_Bcast(frame->data, frame->cols, column, home, t->comm));
    MPI_Type_free(&column);
    rj_clock_enter(before);
}

static rj_status agree(void *ctx, rj_status mine)
{
    const rj_team_frames *f = ctx;
    const rj_stage before = rj_clock_enter(RJ_STAGE_EXCHANGE);
    const rj_status st = rj_agree(f->team->comm, mine);

    rj_clock_enter(before);
    return st;
}

void rj_team_exchange(rj_team_frames *frames, int d, rj_arithmetic type, int *known,
                      rj_coupling_exchange *exchange)
{
    const rj_team *t = frames->team;

    RJ_MPI(t->comm, MPI_Allreduce(MPI_IN_PLACE, known, frames->n_layer, MPI_INT, MPI_MAX, t->comm));
    *exchange = (rj_coupling_exchange){d, type, known, share, agree, false, frames};
}

/* Elements behind and in front of dimension RJ_DIM_LAYER of one prompt's values; false where there is none. */
static bool layer_stride(rj_variable_id id, const rj_sizes *sizes, ptrdiff_t *outer, ptrdiff_t *inner)
{
    bool found = false;

    *outer = *inner = 1;
    for (int i = 1; i < 5 && rj_schema[id].dims[i] != RJ_DIM_NONE; i++) {
        const rj_dim dim = rj_schema[id].dims[i];
        if (dim == RJ_DIM_LAYER)
            found = true;
        else
            *(found ? inner : outer) *= sizes->size[dim];
    }
    return found;
}

/* One prompt's values of a variable: those of layers outside `home` <- all bits 0. */
static void clear_others(rj_range home, ptrdiff_t n_layer, ptrdiff_t outer, ptrdiff_t inner, double *value)
{
    const ptrdiff_t end = home.first + home.count;

    for (ptrdiff_t o = 0; o < outer; o++, value += n_layer * inner) {
        memset(value, 0, sizeof *value * (size_t)(home.first * inner));
        memset(value + end * inner, 0, sizeof *value * (size_t)((n_layer - end) * inner));
    }
}

void rj_team_record_open(const rj_team *t, rj_range home, rj_record *r, ptrdiff_t first, ptrdiff_t n)
{
    for (int i = 0; t->size > 1 && i < RJ_N_VARIABLES; i++) {
        const rj_variable_id id = (rj_variable_id)i;
        ptrdiff_t outer, inner, row = 0;
        const ptrdiff_t rows = rj_record_rows(r, id, first, n, &row), count = rj_schema_count(id, &r->sizes);
        if (layer_stride(id, &r->sizes, &outer, &inner)) {
            for (ptrdiff_t p = row; p < row + rows; p++)
                clear_others(home, r->sizes.size[RJ_DIM_LAYER], outer, inner, rj_record_at(r, id, p));
        } else if (t->rank != 0) {
            memset(rj_record_at(r, id, row), 0, sizeof(double) * (size_t)(rows * count));
        }
    }
}

void rj_team_record_close(const rj_team *t, rj_record *r, ptrdiff_t first, ptrdiff_t n)
{
    for (int i = 0; i < RJ_N_VARIABLES; i++) {
        const rj_variable_id id = (rj_variable_id)i;
        ptrdiff_t row = 0;
        const ptrdiff_t rows = rj_record_rows(r, id, first, n, &row);
        rj_team_collect(t, rows * rj_schema_count(id, &r->sizes), rj_record_at(r, id, row));
    }
}
