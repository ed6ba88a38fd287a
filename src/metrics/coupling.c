/* coupling.c: a few wide products for each row; everything of size K x K is double. */
#include "resjac/metrics/coupling.h"

#include <math.h>
#include <stdbool.h>

#include "resjac/base/memory.h"
#include "resjac/linalg/blas.h"
#include "resjac/metrics/null.h"
#include "resjac/metrics/pair.h"

/* Columns of one product J_i V or J_i U: wide enough for the speed of a square product, narrow enough to need little
 * memory beside J. A constant, because the bits of a product change with its width. */
enum { BATCH_COLUMNS = 512 };

/* The problem, and room for one batch of frames against one row. A batch has all its V_j, then all its U_j, `width`
 * columns each; where a block has fewer triplets the rest stays 0. */
typedef struct {
    int L, n_k, norm, d, width, per_batch;
    const int *k;
    const rj_coupling_block *block;
    const rj_coupling_measures *out;
    const rj_coupling_exchange *exchange; /* NULL: every block is here */
    rj_arithmetic type;
    int *known;       /* [L]: triplets to use of each block, 0 to skip it */
    int *use, n_use;  /* [L]: the blocks with known > 0 */
    rj_matrix frames; /* [d, 2 width per_batch] */
    rj_matrix images; /* as frames: J_i V_j, and J_i U_j where misfit_vju is wanted */
    rj_matrix own;    /* [d, 2 width]: [V, U] of one block, next to each other */
    int rows;         /* of a product of frames with frames: the largest K, and what the drops need */
    rj_matrix gram;   /* [2 rows, 2 width per_batch]: [V_i U_i]' frames, of frames j >= i */
    rj_matrix
        first; /* [2 width per_batch, RJ_COUPLING_DROP]: V_j with first columns of V_i, U_j with U_i's */
    rj_matrix small;     /* [width, width]: A of the pair at hand */
    rj_matrix exchanged; /* [width, width]: B, where misfit_vju is wanted */
    rj_pair_sums *c;     /* [per_batch]: of U_j'V_j */
    rj_pair pair;
} job;

static int min_int(int a, int b)
{
    return a < b ? a : b;
}

/* Columns of U or V that the largest K needs. */
static int frame_width(int d, int largest)
{
    return d - largest < RJ_COUPLING_DROP ? d : largest + RJ_COUPLING_DROP;
}

/* Triplets up to the numerical rank. */
static int triplets_known(const rj_topk *top, int width)
{
    return top == NULL ? 0 : min_int(width, min_int(top->k, rj_topk_rank(top)));
}

int rj_coupling_known(const rj_topk *top, int n_k, const int *k)
{
    int largest = 0;

    for (int q = 0; q < n_k; q++) largest = k[q] > largest ? k[q] : largest;
    return top == NULL ? 0 : triplets_known(top, frame_width(top->d, largest));
}

/* sum of s_m^2 over all m >= n (0-based). Without every s it is a difference, which is never less than what is known
 * of it. */
static double energy_after(const rj_coupling_block *block, int n)
{
    const rj_topk *top = block->top;
    double before = 0.0, after = 0.0;

    for (int m = 0; m < n; m++) before += top->s_all[m] * top->s_all[m];
    for (int m = n; m < top->n_all; m++) after += top->s_all[m] * top->s_all[m];
    return top->n_all == top->d ? after : fmax(block->frobenius * block->frobenius - before, after);
}

static rj_status check_block(const job *w, int i, int is_row)
{
    rj_status st = RJ_OK;
    const rj_coupling_block *block = &w->block[i];
    const rj_topk *top = block->top;

    RJ_REQUIRE(top->d == w->d && top->k >= 1 && top->u.rows == w->d && top->v.rows == w->d &&
                   top->u.cols >= top->k && top->v.cols >= top->k,
               RJ_ERR_ARG, "block %d of %d: %d triplets U %dx%d, V %dx%d, d = %d; the first block has d = %d",
               i, w->L, top->k, top->u.rows, top->u.cols, top->v.rows, top->v.cols, top->d, w->d);
    RJ_REQUIRE(!is_row || (block->jac.data != NULL && block->jac.rows == w->d && block->jac.cols == w->d) ||
                   (block->jac.data == NULL && block->multiply != NULL),
               RJ_ERR_ARG, "block %d of %d: its row needs J %dx%d, given %dx%d%s", i, w->L, w->d, w->d,
               block->jac.rows, block->jac.cols, block->jac.data == NULL ? " without data" : "");
    RJ_REQUIRE(top->u.type == w->type && top->v.type == w->type &&
                   (!is_row || block->jac.data == NULL || block->jac.type == w->type),
               RJ_ERR_ARG, "block %d of %d: J, U and V are of types %d, %d, %d, the first block's of %d", i,
               w->L, (int)block->jac.type, (int)top->u.type, (int)top->v.type, (int)w->type);
    RJ_REQUIRE(!is_row || (isfinite(block->frobenius) && isfinite(block->trace)), RJ_ERR_NUMERIC,
               "block %d of %d: ||J||_F = %g, tr J = %g; screen J for Inf and NaN", i, w->L, block->frobenius,
               block->trace);
done:
    return st;
}

/* Checks the arguments; sets d, type, width. With no block to use d stays 0. */
static rj_status job_check(job *w, int first, int n_rows)
{
    rj_status st = RJ_OK;
    const rj_coupling_measures *o = w->out;
    int largest = 0;

    RJ_REQUIRE(w->L >= 1 && w->n_k >= 1 && first >= 0 && n_rows >= 0 && n_rows <= w->L - first, RJ_ERR_ARG,
               "rows %d..%d of %d blocks, %d values of K", first, first + n_rows - 1, w->L, w->n_k);
    RJ_REQUIRE(w->norm == 1 || w->norm == 2, RJ_ERR_ARG, "norm %d of ||s||, needs 1 or 2", w->norm);
    if (w->exchange != NULL) {
        w->d = w->exchange->d;
        w->type = w->exchange->type;
    }
    for (int i = w->L - 1; w->exchange == NULL && i >= 0; i--)
        if (w->block[i].top != NULL) {
            w->d = w->block[i].top->d;
            w->type = w->block[i].top->u.type;
        }
    RJ_REQUIRE((o->subspace_uv == NULL) == (o->subspace_vu == NULL), RJ_ERR_ARG,
               "subspace_uv and subspace_vu: one has data, the other has not; they mirror each other");
    for (int q = 0; q < w->n_k; q++) {
        RJ_REQUIRE(w->k[q] >= 1 && (w->d == 0 || w->k[q] <= w->d), RJ_ERR_ARG, "K = %d, needs 1..%d", w->k[q],
                   w->d);
        largest = w->k[q] > largest ? w->k[q] : largest;
    }
    for (int i = 0; i < w->L; i++)
        if (w->block[i].top != NULL) RJ_TRY(check_block(w, i, i >= first && i < first + n_rows));
    RJ_REQUIRE(o->alignment == NULL || (1 <= o->n_alignment && o->n_alignment <= largest), RJ_ERR_ARG,
               "alignment matrices of %d directions, needs 1..%d", o->n_alignment, largest);
    w->width = frame_width(w->d, largest);
    w->rows = min_int(w->width, largest > RJ_COUPLING_DROP ? largest : RJ_COUPLING_DROP);
done:
    return st;
}

/* The products of frames with frames serve these alone. */
static bool needs_frames(const job *w)
{
    const rj_coupling_measures *o = w->out;

    return o->subspace_uu != NULL || o->subspace_vv != NULL || o->subspace_uv != NULL ||
           o->subspace_vu != NULL || o->excess_drop1 != NULL || o->excess_drop3 != NULL;
}

static void job_free(job *w)
{
    rj_pair_free(&w->pair);
    for (int b = 0; w->c != NULL && b < w->per_batch; b++) rj_pair_sums_free(&w->c[b]);
    RJ_FREE(w->c);
    rj_matrix_free(&w->exchanged);
    rj_matrix_free(&w->small);
    rj_matrix_free(&w->first);
    rj_matrix_free(&w->gram);
    rj_matrix_free(&w->own);
    rj_matrix_free(&w->images);
    rj_matrix_free(&w->frames);
    RJ_FREE(w->use);
    RJ_FREE(w->known);
}

/* Which blocks take part, and with how many triplets. */
static rj_status job_select(job *w)
{
    rj_status st = RJ_OK;

    RJ_NEW(w->known, w->L, 1);
    RJ_NEW(w->use, w->L, 1);
    for (int i = 0; i < w->L; i++) {
        w->known[i] = w->exchange != NULL ? w->exchange->known[i] : triplets_known(w->block[i].top, w->width);
        if (w->known[i] > 0) w->use[w->n_use++] = i;
    }
done:
    return st;
}

static rj_status job_allocate(job *w)
{
    rj_status st = RJ_OK;
    const ptrdiff_t rows = w->rows;

    w->per_batch = min_int(w->n_use, w->width < BATCH_COLUMNS ? BATCH_COLUMNS / w->width : 1);
    if (w->exchange != NULL && w->exchange->at_once) w->per_batch = w->n_use;
    const ptrdiff_t half = (ptrdiff_t)w->width * w->per_batch;
    RJ_TRY(rj_matrix_new(w->type, w->d, 2 * half, &w->frames));
    RJ_TRY(rj_matrix_new(w->type, w->d, (w->out->misfit_vju != NULL ? 2 : 1) * half, &w->images));
    RJ_TRY(rj_matrix_new(w->type, w->d, 2 * (ptrdiff_t)w->width, &w->own));
    if (needs_frames(w)) {
        RJ_TRY(rj_matrix_new(w->type, 2 * rows, 2 * half, &w->gram));
        RJ_TRY(rj_matrix_new(w->type, 2 * half, min_int(w->rows, RJ_COUPLING_DROP), &w->first));
    }
    RJ_TRY(rj_matrix_new(w->type, w->width, w->width, &w->small));
    if (w->out->misfit_vju != NULL) RJ_TRY(rj_matrix_new(w->type, w->width, w->width, &w->exchanged));
    RJ_NEW(w->c, w->per_batch, 1);
    for (int b = 0; b < w->per_batch; b++) RJ_TRY(rj_pair_sums_new(w->width, &w->c[b]));
    RJ_TRY(rj_pair_new(w->width, &w->pair));
done:
    return st;
}

/* What is not wanted is NULL. */
static void put(double *values, ptrdiff_t at, double value)
{
    if (values != NULL) values[at] = value;
}

/* Rows first..first+n_rows-1 of every measure <- NAN */
static void clear_rows(const job *w, int first, int n_rows)
{
    const rj_coupling_measures *o = w->out;
    double *const pairwise[] = {o->misfit,       o->misfit_signed, o->misfit_trace,     o->misfit_vju,
                                o->excess,       o->null_rotation, o->null_conjugation, o->excess_drop1,
                                o->excess_drop3, o->subspace_uu,   o->subspace_vv,      o->subspace_uv,
                                o->subspace_vu};
    double *const single[] = {o->null, o->null_sd, o->null_signed, o->null_trace};

    for (int q = 0; q < w->n_k; q++)
        for (int i = first; i < first + n_rows; i++) {
            const ptrdiff_t row = (ptrdiff_t)q * w->L + i;
            for (size_t p = 0; p < sizeof single / sizeof *single; p++) put(single[p], row, NAN);
            for (size_t p = 0; p < sizeof pairwise / sizeof *pairwise; p++)
                for (int j = 0; j < w->L; j++) put(pairwise[p], row * w->L + j, NAN);
        }
    const ptrdiff_t row = o->alignment == NULL ? 0 : (ptrdiff_t)w->L * o->n_alignment * o->n_alignment;
    for (ptrdiff_t i = first * row; i < (first + n_rows) * row; i++) o->alignment[i] = NAN;
}

/* null, null_sd, null_signed and null_trace, [n_k,L] */
static rj_status store_nulls(const job *w, int first, int n_rows, uint64_t seed)
{
    rj_status st = RJ_OK;
    rj_null_spectrum *spectrum = NULL;

    RJ_NEW(spectrum, n_rows, 1);
    for (int q = 0; q < w->n_k; q++) {
        const int k = w->k[q], n_known = min_int(k + RJ_COUPLING_DROP, w->d);
        const ptrdiff_t row = (ptrdiff_t)q * w->L + first;
        for (int r = 0; r < n_rows; r++) {
            const rj_coupling_block *block = &w->block[first + r];
            if (w->known[first + r] < k) {
                spectrum[r] = (rj_null_spectrum){0};
                continue;
            }
            const double *s = block->top->s, scale = block->frobenius / w->d;
            const int n = min_int(w->known[first + r], n_known);
            spectrum[r] = (rj_null_spectrum){n, s, energy_after(block, n)};
            const double null = rj_null_independent(k, s, scale, rj_null_norm(k, s, w->norm));
            RJ_REQUIRE(isfinite(null), RJ_ERR_NUMERIC, "block %d, K = %d: null %g with ||J||_F = %g",
                       first + r, k, null, block->frobenius);
            put(w->out->null, row + r, null);
            put(w->out->null_signed, row + r, rj_null_signed(k, s, scale, rj_null_norm(k, s, w->norm)));
            put(w->out->null_trace, row + r, rj_null_independent(k, s, scale, rj_null_norm(k, s, 1)));
        }
        if (w->out->null_sd != NULL)
            RJ_TRY(
                rj_null_deviation(w->d, k, n_known, w->norm, seed, n_rows, spectrum, w->out->null_sd + row));
    }
done:
    RJ_FREE(spectrum);
    return st;
}

/* The known ones of the first n columns of U or V; the rest 0 */
static void pack_columns(const rj_matrix *from, int n_known, rj_matrix *to)
{
    const int n = min_int(n_known, to->cols);
    const rj_matrix known = rj_matrix_block(from, 0, 0, to->rows, n);
    rj_matrix filled = rj_matrix_block(to, 0, 0, to->rows, n);
    rj_matrix rest = rj_matrix_block(to, 0, n, to->rows, to->cols - n);

    rj_matrix_copy(&known, &filled);
    rj_matrix_fill(&rest, 0.0);
}

/* View of own <- [V_i, U_i], n columns each */
static rj_matrix pack_frame(job *w, int i, int n)
{
    const rj_topk *top = w->block[i].top;
    rj_matrix v = rj_matrix_block(&w->own, 0, 0, w->d, n), u = rj_matrix_block(&w->own, 0, n, w->d, n);

    pack_columns(&top->v, w->known[i], &v);
    pack_columns(&top->u, w->known[i], &u);
    return rj_matrix_block(&w->own, 0, 0, w->d, 2 * n);
}

/* Column blocks from..to-1 of the V (half 0) or U (half 1) of a batch. */
static rj_matrix part_of(const job *w, const rj_matrix *batch, int half, int from, int to)
{
    return rj_matrix_block(batch, 0, (half * w->per_batch + from) * w->width, batch->rows,
                           (to - from) * w->width);
}

static rj_matrix one_of(const job *w, const rj_matrix *batch, int half, int b)
{
    return part_of(w, batch, half, b, b + 1);
}

/* Frames of blocks use[start..start+n-1], by exchange where other ranks hold some, and C = U_j'V_j of each */
static void begin_batch(job *w, int start, int n)
{
    for (int b = 0; b < n; b++) {
        const int j = w->use[start + b];
        if (w->block[j].top != NULL) pack_frame(w, j, w->width);
        if (w->exchange != NULL) w->exchange->share(w->exchange->ctx, j, &w->own);
        for (int half = 0; half < 2; half++) {
            const rj_matrix from = rj_matrix_block(&w->own, 0, half * w->width, w->d, w->width);
            rj_matrix to = one_of(w, &w->frames, half, b);
            rj_matrix_copy(&from, &to);
        }
        if (w->out->null_conjugation == NULL) continue;
        const rj_matrix v = one_of(w, &w->frames, 0, b), u = one_of(w, &w->frames, 1, b);
        rj_gemm('T', 'N', 1.0, &u, &v, 0.0, &w->small);
        rj_pair_sum(&w->small, w->known[j], &w->c[b]);
    }
}

/* Products of the row's frames with those of the batch. Those of (j,i) are the transposes of those of (i,j): only frames of its own
 * block and of later ones are taken, `whole` and after of the batch's n; of all what the drops need. What a row takes does not depend on the rows that a rank has, and so neither do its bits. */
static void multiply_frames(job *w, int i, int whole, int n)
{
    const rj_matrix own = pack_frame(w, i, w->rows);
    const int half_rows = w->per_batch * w->width, n_first = w->first.cols;

    for (int half = 0; half < 2; half++) {
        const rj_matrix all = part_of(w, &w->frames, half, 0, n);
        const rj_matrix later = part_of(w, &w->frames, half, whole, n);
        const rj_matrix leading = rj_matrix_block(&own, 0, half * w->rows, w->d, n_first);
        rj_matrix gram = part_of(w, &w->gram, half, whole, n);
        rj_matrix first = rj_matrix_block(&w->first, half * half_rows, 0, all.cols, n_first);
        rj_gemm('T', 'N', 1.0, &own, &later, 0.0, &gram);
        rj_gemm('T', 'N', 1.0, &all, &leading, 0.0, &first);
    }
}

/* images <- J_i frames */
static rj_status multiply_images(job *w, int i, int n)
{
    rj_status st = RJ_OK;
    const rj_coupling_block *block = &w->block[i];
    const int at_a_time = w->width < BATCH_COLUMNS ? BATCH_COLUMNS / w->width : 1;

    for (int half = 0; half < (w->out->misfit_vju != NULL ? 2 : 1); half++)
        for (int b = 0; b < n; b += at_a_time) {
            const int to = min_int(b + at_a_time, n);
            const rj_matrix frames = part_of(w, &w->frames, half, b, to);
            rj_matrix images = part_of(w, &w->images, half, b, to);
            if (block->jac.data != NULL)
                rj_gemm('N', 'N', 1.0, &block->jac, &frames, 0.0, &images);
            else
                RJ_TRY(block->multiply(block->ctx, &frames, &images));
        }
done:
    return st;
}

/* What is known of the frames of this row and the b-th of the batch. */
static void give_frames(const job *w, int b, bool whole, rj_pair_products *given)
{
    const int n = w->width;

    given->first_v = rj_matrix_block(&w->first, b * n, 0, n, w->first.cols);
    given->first_u = rj_matrix_block(&w->first, (w->per_batch + b) * n, 0, n, w->first.cols);
    if (!whole) return;
    const rj_matrix to_v = one_of(w, &w->gram, 0, b), to_u = one_of(w, &w->gram, 1, b);
    given->vv = rj_matrix_block(&to_v, 0, 0, w->rows, n);
    given->uv = rj_matrix_block(&to_v, w->rows, 0, w->rows, n);
    given->vu = rj_matrix_block(&to_u, 0, 0, w->rows, n);
    given->uu = rj_matrix_block(&to_u, w->rows, 0, w->rows, n);
}

/* A = U_j' (J_i V_j) (half 0), or B = V_j' (J_i U_j) */
static void multiply_pair(job *w, int half, int b, rj_matrix *a)
{
    const rj_matrix left = one_of(w, &w->frames, 1 - half, b), image = one_of(w, &w->images, half, b);

    rj_gemm('T', 'N', 1.0, &left, &image, 0.0, a);
}

static void store_pair(const rj_coupling_measures *out, ptrdiff_t at, const rj_pair_measures *m)
{
    put(out->misfit, at, m->misfit);
    put(out->misfit_signed, at, m->misfit_signed);
    put(out->misfit_trace, at, m->misfit_trace);
    put(out->misfit_vju, at, m->misfit_vju);
    put(out->excess, at, m->excess);
    put(out->null_rotation, at, m->null_rotation);
    put(out->null_conjugation, at, m->null_conjugation);
    put(out->excess_drop1, at, m->excess_drop[0]);
    put(out->excess_drop3, at, m->excess_drop[1]);
    put(out->subspace_uu, at, m->subspace_uu);
    put(out->subspace_vv, at, m->subspace_vv);
    put(out->subspace_uv, at, m->subspace_uv);
    put(out->subspace_vu, at, m->subspace_vu);
}

/* A of blocks i and j */
static void store_alignment(const job *w, int i, int j, const rj_matrix *a)
{
    const int n = w->out->n_alignment, known = min_int(n, w->known[j]);
    double *out = w->out->alignment + ((ptrdiff_t)i * w->L + j) * n * n;
    rj_matrix rows = {RJ_DOUBLE, known, known, n, out}; /* row by row: as columns, A' */
    const rj_matrix leading = rj_matrix_block(a, 0, 0, known, known);

    rj_matrix_transpose(&leading, &rows);
}

static rj_status measure_pair(job *w, const rj_pair_row *row, int i, int j, const rj_pair_products *given)
{
    rj_status st = RJ_OK;
    const int n = min_int(w->known[i], w->known[j]);
    rj_pair_measures measures;

    RJ_REQUIRE(
        rj_pair_begin(&w->pair, n, row, given), RJ_ERR_NUMERIC,
        "blocks %d and %d of %d: Inf or NaN in U_j'J_iV_j or in products of their frames; screen J_%d and "
        "both frames",
        i, j, w->L, i);
    for (int q = 0; q < w->n_k; q++) {
        if (w->k[q] > n) continue;
        rj_pair_measure(&w->pair, row, w->k[q], w->norm, &measures);
        RJ_REQUIRE(isfinite(measures.misfit), RJ_ERR_NUMERIC, "blocks %d and %d of %d, K = %d: misfit %g", i,
                   j, w->L, w->k[q], measures.misfit);
        store_pair(w->out, ((ptrdiff_t)q * w->L + i) * w->L + j, &measures);
    }
done:
    return st;
}

/* Row i and the b-th block of the batch, of which those from `whole` on are not before i. */
static rj_status measure_one(job *w, const rj_pair_row *row, int i, int start, int b, int whole)
{
    rj_status st = RJ_OK;
    const int j = w->use[start + b];
    rj_pair_products given = {.a = w->small};

    multiply_pair(w, 0, b, &given.a);
    if (w->out->alignment != NULL) store_alignment(w, i, j, &given.a);
    if (w->out->misfit_vju != NULL) {
        given.b = w->exchanged;
        multiply_pair(w, 1, b, &given.b);
    }
    if (w->first.data != NULL) give_frames(w, b, b >= whole, &given);
    if (w->out->null_conjugation != NULL) given.c = &w->c[b];
    RJ_TRY(measure_pair(w, row, i, j, &given));
done:
    return st;
}

static rj_status measure_row(job *w, int i, int start, int n)
{
    rj_status st = RJ_OK;
    const rj_coupling_block *block = &w->block[i];
    rj_pair_row row = {w->d, block->top->s, block->frobenius, block->trace, {0}};
    int whole = 0; /* blocks of the batch before this one */

    for (int which = 0; which < RJ_PAIR_DROPS; which++) {
        const int r = min_int(rj_pair_drop(which), w->known[i]);
        row.frobenius_drop[which] = sqrt(energy_after(block, r));
    }
    while (whole < n && w->use[start + whole] < i) whole++;
    if (w->first.data != NULL) multiply_frames(w, i, whole, n);
    RJ_TRY(multiply_images(w, i, n));
    for (int b = 0; b < n; b++) RJ_TRY(measure_one(w, &row, i, start, b, whole));
done:
    return st;
}

/* The outcome of all ranks. */
static rj_status agreed(const job *w, rj_status mine)
{
    return w->exchange != NULL ? w->exchange->agree(w->exchange->ctx, mine) : mine;
}

/* All that may fail before the first batch. */
static rj_status job_begin(job *w, int first, int n_rows, uint64_t seed)
{
    rj_status st = RJ_OK;

    RJ_TRY(job_check(w, first, n_rows));
    RJ_TRY(job_select(w));
    clear_rows(w, first, n_rows);
    if (w->n_use == 0) goto done;
    RJ_TRY(job_allocate(w));
    RJ_TRY(store_nulls(w, first, n_rows, seed));
done:
    return st;
}

/* Rows first..first+n_rows-1 against blocks use[start..start+n-1]. */
static rj_status measure_batch(job *w, int first, int n_rows, int start, int n)
{
    rj_status st = RJ_OK;

    for (int i = first; i < first + n_rows; i++)
        if (w->known[i] > 0) RJ_TRY(measure_row(w, i, start, n));
done:
    return st;
}

rj_status rj_coupling_rows(int L, const rj_coupling_block *block, int n_k, const int *k, int norm,
                           uint64_t seed, int first, int n_rows, const rj_coupling_exchange *exchange,
                           const rj_coupling_measures *out)
{
    rj_status st = RJ_OK;
    job w = {.L = L, .n_k = n_k, .norm = norm, .k = k, .block = block, .out = out, .exchange = exchange};

    RJ_TRY(agreed(&w, job_begin(&w, first, n_rows, seed)));
    for (int start = 0; start < w.n_use; start += w.per_batch) {
        const int n = min_int(w.per_batch, w.n_use - start);
        begin_batch(&w, start, n);
        RJ_TRY(agreed(&w, measure_batch(&w, first, n_rows, start, n)));
    }
done:
    job_free(&w);
    return st;
}

/* to(j,i) <- from(i,j) for j > i, [L,L] */
static void mirror(int L, const double *from, double *to)
{
    for (ptrdiff_t i = 0; i < L; i++)
        for (ptrdiff_t j = i + 1; j < L; j++) to[j * L + i] = from[i * L + j];
}

void rj_coupling_mirror(int L, int n_k, const rj_coupling_measures *out)
{
    const struct {
        const double *from;
        double *to;
    } pairs[] = {{out->subspace_uu, out->subspace_uu},
                 {out->subspace_vv, out->subspace_vv},
                 {out->subspace_uv, out->subspace_vu},
                 {out->subspace_vu, out->subspace_uv}};

    for (size_t p = 0; p < sizeof pairs / sizeof *pairs; p++)
        for (ptrdiff_t q = 0; pairs[p].from != NULL && q < n_k; q++)
            mirror(L, pairs[p].from + q * L * L, pairs[p].to + q * L * L);
}
