/* results_fill.c: rounds of one block a rank. An error of one rank is agreed before the next round, never inside: in between
 * lie puts that all ranks must join. */
#include "results_fill.h"

#include <string.h>

#include "resjac/base/agree.h"
#include "resjac/base/memory.h"
#include "results_merge.h"
#include "results_root.h"
#include "results_values.h"

typedef struct {
    MPI_Comm comm;
    int rank, size;
    rj_nc nc;
    const rj_results_plan *plan;
    rj_layout_kind kind;
    const rj_results_part *part; /* of the model that is being filled */
    rj_layout layout;            /* its ids; unset where it has no shards */
    rj_merge merge;              /* on rank 0 between rounds, on the way along the ranks inside */
    double *value;               /* [n_measures] */
    rj_shard *shard;             /* the last that was read: it may reach into the next block */
    int at;                      /* its index in the model */
    ptrdiff_t first_aligned;     /* alignment matrices before the block that was gathered last */
} filling;

/* Shard i of the model. Between the plan and now it may not have changed. */
static rj_status load(filling *f, int i)
{
    rj_status st = RJ_OK;
    const rj_results_part *part = f->part;

    if (f->shard != NULL && f->at == i) goto done;
    rj_shard_close(&f->shard);
    RJ_TRY(rj_shard_read(part->path[i], &f->shard));
    f->at = i;
    RJ_TRY(rj_results_agree(part->path[0], &part->first->head, &part->sizes, part->path[i], &f->shard->head,
                            &f->shard->record->sizes));
    RJ_REQUIRE(f->shard->record->sizes.size[RJ_DIM_PROMPT] == part->offset[i + 1] - part->offset[i],
               RJ_ERR_FORMAT, "%s: was replaced while it was merged: run again", part->path[i]);
done:
    return st;
}

/* n prompts of `from`, the first of them at `a`, to `to` at `b`; their alignment matrices behind those it has. */
static void copy(const rj_record *from, ptrdiff_t a, rj_record *to, ptrdiff_t b, ptrdiff_t n)
{
    memcpy(to->prompt_id[b], from->prompt_id[a], (size_t)n * sizeof *to->prompt_id);
    memcpy(to->prompt_sha256[b], from->prompt_sha256[a], (size_t)n * sizeof *to->prompt_sha256);
    for (int i = 0; i < RJ_N_VARIABLES; i++) {
        const rj_variable_id id = (rj_variable_id)i;
        const bool aligned = rj_schema[id].dims[0] == RJ_DIM_APROMPT;
        ptrdiff_t *n_aligned = &to->sizes.size[RJ_DIM_APROMPT], row = 0;
        const ptrdiff_t rows = rj_record_rows(from, id, a, n, &row);
        if (rows == 0) continue;
        memcpy(rj_record_at(to, id, aligned ? *n_aligned : b), rj_record_at(from, id, row),
               (size_t)(rows * rj_schema_count(id, &to->sizes)) * sizeof(double));
        for (ptrdiff_t j = 0; aligned && j < rows; j++)
            to->aprompt[(*n_aligned)++] = from->aprompt[row + j] - a + b;
    }
}

/* Room for the alignment matrices of prompts first..end-1: those of all shards that reach into them, at most one each. */
static ptrdiff_t most_aligned(const rj_results_part *part, ptrdiff_t first, ptrdiff_t end)
{
    ptrdiff_t n = 0;

    for (int i = 0; i < part->n_shards; i++)
        if (part->offset[i] < end && part->offset[i + 1] > first)
            n += part->aligned[i + 1] - part->aligned[i];
    return n < end - first ? n : end - first;
}

/* The prompts of a block, of all shards that reach into it; NULL behind the last block. */
static rj_status gather(filling *f, ptrdiff_t block, rj_record **record)
{
    rj_status st = RJ_OK;
    const rj_results_part *part = f->part;
    const ptrdiff_t first = block * part->block, left = part->sizes.size[RJ_DIM_PROMPT] - first,
                    end = first + (left < part->block ? left : part->block);
    rj_sizes sizes = part->sizes;
    rj_record *r = NULL;

    if (left <= 0) goto done;
    sizes.size[RJ_DIM_PROMPT] = end - first;
    sizes.size[RJ_DIM_APROMPT] = most_aligned(part, first, end);
    RJ_TRY(rj_record_create(&sizes, &r));
    r->sizes.size[RJ_DIM_APROMPT] = 0; /* so far */
    for (int i = 0; i < part->n_shards; i++) {
        const ptrdiff_t low = part->offset[i] > first ? part->offset[i] : first,
                        high = part->offset[i + 1] < end ? part->offset[i + 1] : end;
        if (low >= high) continue;
        RJ_TRY(load(f, i));
        if (low == first) {
            (void)rj_record_rows(f->shard->record, RJ_VAR_ALIGNMENT_MATRIX, low - part->offset[i], 1,
                                 &f->first_aligned);
            f->first_aligned += part->aligned[i];
        }
        copy(f->shard->record, low - part->offset[i], r, low - first, high - low);
    }
    *record = r;
    r = NULL;
done:
    rj_record_destroy(&r);
    return st;
}

/* The moments start on rank 0, pass the n ranks that have a block, each of which adds its prompts, and end on rank 0. */
static void add_in_order(filling *f, int n, const rj_record *record)
{
    if (f->rank >= n) return;
    if (f->rank > 0) rj_merge_receive(f->comm, f->rank - 1, &f->merge);
    rj_merge_add(&f->merge, &f->part->first->head, record, f->plan->n_measures, f->plan->measure);
    if (n > 1) rj_merge_send(f->comm, (f->rank + 1) % n, &f->merge);
    if (n > 1 && f->rank == 0) rj_merge_receive(f->comm, n - 1, &f->merge);
}

static rj_status fill_blocks(filling *f)
{
    rj_status st = RJ_OK;
    const rj_results_part *part = f->part;
    const ptrdiff_t n = (part->sizes.size[RJ_DIM_PROMPT] + part->block - 1) / part->block;
    rj_record *record = NULL;

    for (ptrdiff_t block = 0; block < n; block += f->size) {
        const ptrdiff_t mine = block + f->rank, left = n - block;
        RJ_TRY_ALL(f->comm, gather(f, mine, &record));
        add_in_order(f, left < f->size ? (int)left : f->size, record);
        RJ_TRY_ALL(f->comm, rj_layout_put(&f->nc, &f->layout, (size_t)(mine * part->block),
                                          (size_t)f->first_aligned, record));
        RJ_TRY_ALL(f->comm, rj_results_values_put(&f->nc, f->layout.group, f->plan, &part->first->head,
                                                  (size_t)(mine * part->block), record));
        rj_record_destroy(&record);
    }
done:
    rj_record_destroy(&record);
    rj_shard_close(&f->shard);
    return st;
}

static rj_status prepare(filling *f, const char *name)
{
    rj_status st = RJ_OK;
    const bool has_group = f->part->n_shards > 0;
    const rj_sizes none = {.modes = 0};
    int group = -1;

    RJ_TRY(rj_merge_create(has_group ? &f->part->sizes : &none, f->plan->n_measures, &f->merge));
    if (!has_group) goto done;
    RJ_NC(&f->nc, nc_inq_ncid(f->nc.id, name, &group));
    RJ_TRY(rj_layout_find(&f->nc, group, f->kind, &f->part->sizes, &f->layout));
done:
    return st;
}

static rj_status fill_model(filling *f, int i, const rj_model_facts *facts)
{
    rj_status st = RJ_OK;
    const int n_measures = f->plan->n_measures;

    f->part = &f->plan->part[i];
    RJ_TRY_ALL(f->comm, prepare(f, facts->name));
    if (f->part->n_shards > 0) {
        RJ_TRY(fill_blocks(f));
        RJ_TRY_ALL(f->comm, rj_merge_put(&f->nc, &f->layout, f->rank == 0 ? &f->merge : NULL));
        RJ_TRY_ALL(f->comm, rj_layout_release(&f->nc, &f->layout));
    }
    rj_merge_values(&f->merge, facts, n_measures, f->plan->measure, f->value);
    RJ_TRY_ALL(f->comm, rj_results_root_put_value(&f->nc, (size_t)i, (size_t)n_measures,
                                                  f->rank == 0 ? f->value : NULL));
done:
    rj_merge_free(&f->merge);
    return st;
}

static rj_status allocate(filling *f)
{
    rj_status st = RJ_OK;
    RJ_NEW(f->value, f->plan->n_measures, 1);
done:
    return st;
}

rj_status rj_results_fill(MPI_Comm comm, const char *path, const rj_results_plan *plan,
                          const rj_results_model *model, rj_per_prompt per_prompt)
{
    rj_status st = RJ_OK;
    filling f = {.comm = comm, .nc = RJ_NC_CLOSED, .plan = plan, .kind = (rj_layout_kind)per_prompt};

    RJ_MPI(comm, MPI_Comm_rank(comm, &f.rank));
    RJ_MPI(comm, MPI_Comm_size(comm, &f.size));
    RJ_TRY_ALL(comm, allocate(&f));
    RJ_TRY(rj_nc_open_shared(comm, path, &f.nc));
    for (int i = 0; i < plan->n_models; i++) RJ_TRY(fill_model(&f, i, &model[i].facts));
    RJ_TRY_ALL(comm, rj_nc_close(&f.nc));
done:
    rj_nc_drop(&f.nc);
    rj_free(f.value);
    return st;
}
