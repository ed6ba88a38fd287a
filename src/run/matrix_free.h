/* matrix_free.h: Jacobians that are never formed: their triplets when a block is passed, their products when it is a row of the
 * coupling, for which its weights are read once more. Private to run. */
#ifndef RJ_MATRIX_FREE_H
#define RJ_MATRIX_FREE_H

#include "resjac/linalg/krylov.h"
#include "resjac/metrics/coupling.h"
#include "resjac/model/block.h"

/* Blocks of the stage, without their weights but for one. */
typedef struct {
    rj_block **block; /* [L], owned; NULL where none is kept */
    int n, loaded;    /* loaded: the one that has its weights, or -1 */
} rj_kept_blocks;

/* One prompt's J of one block. */
typedef struct {
    rj_kept_blocks *kept; /* borrowed */
    int layer;
    rj_point *point; /* owned */
} rj_kept_row;

enum { RJ_NORM_PROBES = 64 }; /* random columns behind a norm: an error of a few tenths of a percent */

/* n blocks, none kept yet. Errors: NOMEM. Free the rows before. */
RJ_CHECKED rj_status rj_kept_blocks_new(int n, rj_kept_blocks *kept);
void rj_kept_blocks_free(rj_kept_blocks *kept); /* takes a zeroed one */

/* Takes the block that has been passed, and gives its weights' memory back; *block is NULL then. */
void rj_kept_take(rj_kept_blocks *kept, int layer, rj_block **block);

/* y <- J x (raw), x and y [d,n], for rj_coupling_block: `row` is a rj_kept_row. Reads the block's weights again where they are not
 * there, and gives those of another block back.
 * Errors: those of rj_block_reload, a weight that is not finite as FORMAT: no prompt's own trouble; NOMEM. */
RJ_CHECKED rj_status rj_kept_row_multiply(void *row, const rj_matrix *x, rj_matrix *y);
void rj_kept_row_close(rj_kept_row *row); /* takes a zeroed one */

/* Triplets of J (raw), its norm and its trace, from products alone: b->frobenius_error > 0. Where a Krylov method does not find them J
 * is formed for the moment and decomposed whole, and norm and trace are exact.
 *   b   [in,out] norm, its error, trace
 *   top [out]    free with rj_topk_free
 * Errors: those of rj_krylov_leading, rj_probe_norms, rj_topk_full. */
RJ_CHECKED rj_status rj_matrix_free_decompose(const rj_point *point, const rj_krylov_options *wanted,
                                              rj_coupling_block *b, rj_topk *top);
#endif
