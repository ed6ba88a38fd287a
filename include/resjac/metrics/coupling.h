/* coupling.h: do residual Jacobians share their leading singular directions, and beyond chance? */
#ifndef RESJAC_METRICS_COUPLING_H
#define RESJAC_METRICS_COUPLING_H

#include <stdbool.h>
#include <stdint.h>

#include "resjac/base/status.h"
#include "resjac/linalg/matrix.h"
#include "resjac/linalg/topk.h"

/* Extra triplets beyond the largest K that the drop-3 control needs. */
enum { RJ_COUPLING_DROP = 3 };

/* What is known of one block. All borrowed. A block that is only compared with has neither jac.data nor multiply. */
typedef struct {
    rj_matrix jac;      /* J_i: [d,d] */
    const rj_topk *top; /* leading triplets, at least max K of them, RJ_COUPLING_DROP more where d allows */
    double frobenius, trace; /* of J_i */
    double frobenius_error;  /* standard error of an estimate, else 0 */
    /* Where jac has no data: y <- J_i x, both [d,n] of the frames' arithmetic. */
    rj_status (*multiply)(void *ctx, const rj_matrix *x, rj_matrix *y);
    void *ctx;
} rj_coupling_block;

/* Pairwise measures of one prompt (method section 4), of blocks or, in place of them, of tokens of one block (section 5); NULL: not
 * wanted. Each array is [n_k,L,L], index (k * L + i) * L + j with i = the
 * block whose J and S, j = the block whose U and V; NAN where undefined or where K (+ r) exceeds the triplets at hand. */
typedef struct {
    double *misfit, *misfit_signed, *misfit_trace;
    double *misfit_vju; /* NULL: not wanted, which leaves out half of the wide products */
    double *excess;     /* 1 - misfit/null */
    double *null_rotation, *null_conjugation;
    double *excess_drop1, *excess_drop3;
    /* Of each two blocks one side: rj_coupling_mirror gives the other. subspace_uv and subspace_vu together or neither. */
    double *subspace_uu, *subspace_vv, *subspace_uv, *subspace_vu;
    double *null,
        *null_sd; /* [n_k,L]: chance level for block i (of misfit_vju too), its deviation over 64 draws */
    double *null_signed, *null_trace; /* [n_k,L]: chance levels of misfit_signed and misfit_trace */
    /* NULL: not wanted. Else [L,L,n,n], index ((i L + j) n + a) n + b: element (a,b) of A = U_j' J_i V_j, with n = n_alignment <=
     * max K; NAN beyond rj_coupling_known of block j. The signs of u_m and v_m of a block are arbitrary, both at once. */
    double *alignment;
    int n_alignment;
} rj_coupling_measures;

/* How blocks that other ranks hold take part: each rank asks for the rows whose J it holds, all ranks at once. */
typedef struct {
    int d; /* for a rank that holds no block */
    rj_arithmetic type;
    const int *known; /* [L]: rj_coupling_known of every block, the same on every rank */
    /* frame [d,w], columns next to each other: that of block j where it is here, to be filled where it is not. Called on every
     * rank for every block with known > 0, in the same order. */
    void (*share)(void *ctx, int j, rj_matrix *frame);
    rj_status (*agree)(void *ctx, rj_status mine); /* the gravest outcome of all ranks, on every rank */
    /* Each row meets all frames at once, for rows whose `multiply` is dear to begin with: 3 L (K + 3) (d + 4 K/3) elements, L (K + 3) d
     * more with misfit_vju. */
    bool at_once;
    void *ctx;
} rj_coupling_exchange;

/* Triplets of a block that the coupling for these K can use: those with s_m > 10 eps d^(1/2) s_1 (eps of J's arithmetic;
 * below it directions are noise), at most max K + RJ_COUPLING_DROP; 0 for top == NULL. */
int rj_coupling_known(const rj_topk *top, int n_k, const int *k);

/* All measures for row blocks first..first+n_rows-1 (others untouched) against all L blocks; products
 * J_i [V_1..V_L, U_1..U_L] serve every K. subspace_uu and its kin are taken for columns j >= i alone, and are NAN before. A row takes
 * 2 d^2 L (K + 3) + 2 d L (K + 3)^2 flops, twice that with misfit_vju, and with subspace_uu and its kin or the drops
 * 8 d (L - i) K (K + 3) besides; about (2048 + 2 K) d elements and 2048 K beside J. Call it with all rows at hand: the draws behind null_sd are made once a call.
 * A row does not depend, to the bit, on which other rows are asked for. Definitions: tests/oracle/README.md.
 *   L     [in]  blocks; a block with rj_coupling_known = 0 is skipped (its rows and columns are NAN)
 *   k     [in]  [n_k] counts, 1 <= k <= d
 *   norm  [in]  p of ||s||_p in the denominator of misfit, misfit_signed, misfit_vju and all nulls: 1 or 2
 *   seed  [in]  of the draws behind null_sd (the same for all prompts and ranks)
 *   exchange [in] NULL: every block is here. Else block[j].top == NULL means that another rank has it, and the values are those
 *               of one rank with all blocks, to the bit
 *   out   [out] given by the caller; on an error its rows first.. are undefined
 * Collective through `exchange` only; errors are then the same on every rank. Errors: ARG ranges, shapes, types (says block and both values); NUMERIC Inf or NaN in J, its norm,
 * its trace or a frame, or a measure is infinite; NOMEM. */
RJ_CHECKED rj_status rj_coupling_rows(int L, const rj_coupling_block *block, int n_k, const int *k, int norm,
                                      uint64_t seed, int first, int n_rows,
                                      const rj_coupling_exchange *exchange, const rj_coupling_measures *out);

/* Once all L rows are there: subspace_uu and its kin of (j,i), j > i, from those of (i,j), since U_j'U_i = (U_i'U_j)' and
 * U_j'V_i = (V_i'U_j)'. Either is missing where the other is: both need K triplets of both blocks. Not collective. */
void rj_coupling_mirror(int L, int n_k, const rj_coupling_measures *out);
#endif
