/* matrix_free.c: a block's weights are read twice, for its triplets and for its row of the coupling. */
#include "matrix_free.h"

#include "resjac/base/clock.h"
#include "resjac/base/memory.h"
#include "resjac/linalg/norm_probe.h"

rj_status rj_kept_blocks_new(int n, rj_kept_blocks *kept)
{
    rj_status st = RJ_OK;

    kept->n = n;
    kept->loaded = -1;
    RJ_NEW(kept->block, n, 1);
done:
    return st;
}

void rj_kept_blocks_free(rj_kept_blocks *kept)
{
    for (int l = 0; kept->block != NULL && l < kept->n; l++) rj_block_free(&kept->block[l]);
    RJ_FREE(kept->block);
}

void rj_kept_take(rj_kept_blocks *kept, int layer, rj_block **block)
{
    rj_block_unload(*block);
    kept->block[layer] = *block;
    *block = NULL;
}

/* Its weights, and no other's. */
static rj_status load(rj_kept_blocks *kept, int layer)
{
    rj_status st = RJ_OK;

    if (kept->loaded == layer) goto done;
    if (kept->loaded >= 0) rj_block_unload(kept->block[kept->loaded]);
    kept->loaded = -1;
    st = rj_block_reload(kept->block[layer]);
    /* Once they were finite: no prompt's own trouble, which NUMERIC would be taken for. */
    if (st == RJ_ERR_NUMERIC)
        return rj_raise(RJ_ERR_FORMAT, __FILE__, __LINE__, "block %d, read again: %s", layer + 1,
                        rj_status_message());
    RJ_TRY(st);
    kept->loaded = layer;
done:
    return st;
}

rj_status rj_kept_row_multiply(void *row, const rj_matrix *x, rj_matrix *y)
{
    rj_status st = RJ_OK;
    const rj_kept_row *r = row;
    const rj_linop op = rj_point_linop(r->point);

    RJ_TRY(load(r->kept, r->layer));
    RJ_TRY(op.apply(op.ctx, x, y));
done:
    return st;
}

void rj_kept_row_close(rj_kept_row *row)
{
    rj_point_free(&row->point);
}

/* All of J for the moment. */
static rj_status decompose_whole(const rj_point *point, int most, rj_coupling_block *b, rj_topk *top)
{
    rj_status st = RJ_OK;
    const rj_linop op = rj_point_linop(point);
    rj_matrix jac = {.ld = 1};

    RJ_TRY(rj_matrix_new_unset(op.type, op.rows, op.cols, &jac));
    RJ_TRY(rj_point_jacobian(point, RJ_LAST_RAW, &jac));
    RJ_TRY(rj_topk_full(&jac, most, top));
    b->frobenius = rj_matrix_frobenius(&jac);
    b->frobenius_error = 0.0;
    b->trace = rj_matrix_trace(&jac);
done:
    rj_matrix_free(&jac);
    return st;
}

rj_status rj_matrix_free_decompose(const rj_point *point, const rj_krylov_options *wanted,
                                   rj_coupling_block *b, rj_topk *top)
{
    rj_status st = RJ_OK;
    const rj_stage before = rj_clock_enter(RJ_STAGE_SVD);
    const rj_linop op = rj_point_linop(point);
    rj_topk mine = {0};
    rj_probe probe = {0};
    int found = 0;

    RJ_TRY(rj_krylov_leading(&op, wanted, &found, &mine));
    if (found) {
        RJ_TRY(rj_probe_norms(&op, &mine, RJ_NORM_PROBES, wanted->seed, &probe));
        b->frobenius = probe.frobenius;
        b->frobenius_error = probe.frobenius_error;
        b->trace = probe.trace;
    } else {
        RJ_TRY(decompose_whole(point, wanted->most, b, &mine));
    }
    *top = mine;
    mine = (rj_topk){0};
done:
    rj_topk_free(&mine);
    rj_clock_enter(before);
    return st;
}
