/* coupling.c: a few wide products for each row; everything of size K x K is double. */
#include "resjac/metrics/coupling.h"

#include <math.h>

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
    rj_matrix own;    /* [d, 2 width]: [V, U] of block i */
    rj_matrix gram;   /* [2 width, 2 width per_batch]: own' frames */
    rj_matrix c;      /* [width, width per_batch]: U_j'V_j */
    rj_matrix small;  /* [width, width] */
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
    RJ_REQUIRE(!is_row || (block->jac.data != NULL && block->jac.rows == w->d && block->jac.cols == w->d),
               RJ_ERR_ARG, "block %d of %d: its row needs J %dx%d, given %dx%d%s", i, w->L, w->d, w->d,
               block->jac.rows, block->jac.cols, block->jac.data == NULL ? " without data" : "");
    RJ_REQUIRE(top->u.type == w->type && top->v.type == w->type && (!is_row || block->jac.type == w->type),
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
    for (int q = 0; q < w->n_k; q++) {
        RJ_REQUIRE(w->k[q] >= 1 && (w->d == 0 || w->k[q] <= w->d), RJ_ERR_ARG, "K = %d, needs 1..%d", w->k[q],
                   w->d);
        largest = w->k[q] > largest ? w->k[q] : largest;
    }
    for (int i = 0; i < w->L; i++)
        if (w->block[i].top != NULL) RJ_TRY(check_block(w, i, i >= first && i < first + n_rows));
    RJ_REQUIRE(w->out->alignment == NULL || (1 <= w->out->n_alignment && w->out->n_alignment <= largest),
               RJ_ERR_ARG, "alignment matrices of %d directions, needs 1..%d", w->out->n_alignment, largest);
    w->width = frame_width(w->d, largest);
done:
    return st;
}

static void job_free(job *w)
{
    rj_pair_free(&w->pair);
    rj_matrix_free(&w->small);
    rj_matrix_free(&w->c);
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
    const ptrdiff_t pair_width = 2 * (ptrdiff_t)w->width;

    w->per_batch = min_int(w->n_use, w->width < BATCH_COLUMNS ? BATCH_COLUMNS / w->width : 1);
    const ptrdiff_t half = (ptrdiff_t)w->width * w->per_batch;
    RJ_TRY(rj_matrix_new(w->type, w->d, 2 * half, &w->frames));
    RJ_TRY(rj_matrix_new(w->type, w->d, (w->out->misfit_vju != NULL ? 2 : 1) * half, &w->images));
    RJ_TRY(rj_matrix_new(w->type, w->d, pair_width, &w->own));
    RJ_TRY(rj_matrix_new(w->type, pair_width, pair_width * w->per_batch, &w->gram));
    RJ_TRY(rj_matrix_new(w->type, w->width, (ptrdiff_t)w->width * w->per_batch, &w->c));
    RJ_TRY(rj_matrix_new(w->type, w->width, w->width, &w->small));
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

/* own <- [V_i, U_i], known columns each */
static void pack_frame(job *w, int i)
{
    const rj_topk *top = w->block[i].top;
    rj_matrix *to = &w->own;
    const int n = w->known[i];
    const rj_matrix v = rj_matrix_block(&top->v, 0, 0, w->d, n), u = rj_matrix_block(&top->u, 0, 0, w->d, n);
    rj_matrix to_v = rj_matrix_block(to, 0, 0, w->d, n), to_u = rj_matrix_block(to, 0, w->width, w->d, n);

    rj_matrix_fill(to, 0.0);
    rj_matrix_copy(&v, &to_v);
    rj_matrix_copy(&u, &to_u);
}

/* The first n column blocks of the V (half 0) or U (half 1) of a batch, and block b alone. */
static rj_matrix half_of(const job *w, const rj_matrix *batch, int half, int n)
{
    return rj_matrix_block(batch, 0, half * w->per_batch * w->width, batch->rows, n * w->width);
}

static rj_matrix one_of(const job *w, const rj_matrix *batch, int half, int b)
{
    return rj_matrix_block(batch, 0, (half * w->per_batch + b) * w->width, batch->rows, w->width);
}

/* Frames of blocks use[start..start+n-1], by exchange where other ranks hold some, and C = U_j'V_j of each */
static void begin_batch(job *w, int start, int n)
{
    for (int b = 0; b < n; b++) {
        const int j = w->use[start + b];
        rj_matrix c = rj_matrix_block(&w->c, 0, b * w->width, w->width, w->width);
        if (w->block[j].top != NULL) pack_frame(w, j);
        if (w->exchange != NULL) w->exchange->share(w->exchange->ctx, j, &w->own);
        for (int half = 0; half < 2; half++) {
            const rj_matrix from = rj_matrix_block(&w->own, 0, half * w->width, w->d, w->width);
            rj_matrix to = one_of(w, &w->frames, half, b);
            rj_matrix_copy(&from, &to);
        }
        const rj_matrix v = one_of(w, &w->frames, 0, b), u = one_of(w, &w->frames, 1, b);
        rj_gemm('T', 'N', 1.0, &u, &v, 0.0, &c);
    }
}

/* images <- J_i frames, gram <- [V_i U_i]' frames */
static void begin_row(job *w, int i, int n)
{
    pack_frame(w, i);
    for (int half = 0; half < 2; half++) {
        const rj_matrix frames = half_of(w, &w->frames, half, n);
        rj_matrix gram = half_of(w, &w->gram, half, n);
        rj_gemm('T', 'N', 1.0, &w->own, &frames, 0.0, &gram);
        if (half == 1 && w->out->misfit_vju == NULL) break;
        rj_matrix images = half_of(w, &w->images, half, n);
        rj_gemm('N', 'N', 1.0, &w->block[i].jac, &frames, 0.0, &images);
    }
}

/* The tables of the pair of this row and the b-th frame of the batch. */
static void fill_pair(job *w, int b)
{
    const int n = w->width;
    rj_pair_table *table = w->pair.table;
    const rj_matrix v = one_of(w, &w->frames, 0, b), u = one_of(w, &w->frames, 1, b);
    const rj_matrix jv = one_of(w, &w->images, 0, b);
    const rj_matrix to_v = one_of(w, &w->gram, 0, b), to_u = one_of(w, &w->gram, 1, b);
    const rj_matrix vv = rj_matrix_block(&to_v, 0, 0, n, n), uv = rj_matrix_block(&to_v, n, 0, n, n);
    const rj_matrix vu = rj_matrix_block(&to_u, 0, 0, n, n), uu = rj_matrix_block(&to_u, n, 0, n, n);
    const rj_matrix c = rj_matrix_block(&w->c, 0, b * n, n, n);

    rj_gemm('T', 'N', 1.0, &u, &jv, 0.0, &w->small); /* A = U_j' (J_i V_j) */
    rj_matrix_copy(&w->small, &table[RJ_PAIR_A].m);
    if (w->out->misfit_vju != NULL) {
        const rj_matrix ju = one_of(w, &w->images, 1, b);
        rj_gemm('T', 'N', 1.0, &v, &ju, 0.0, &w->small); /* B = V_j' (J_i U_j), else 0 */
        rj_matrix_copy(&w->small, &table[RJ_PAIR_B].m);
    }
    rj_matrix_copy(&uu, &table[RJ_PAIR_UU].m);
    rj_matrix_copy(&uv, &table[RJ_PAIR_UV].m);
    rj_matrix_copy(&vu, &table[RJ_PAIR_VU].m);
    rj_matrix_copy(&vv, &table[RJ_PAIR_VV].m);
    rj_matrix_copy(&c, &table[RJ_PAIR_C].m);
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

/* A of blocks i and j, from the table that has it. */
static void store_alignment(const job *w, int i, int j)
{
    const int n = w->out->n_alignment, known = min_int(n, w->known[j]);
    const rj_matrix *a = &w->pair.table[RJ_PAIR_A].m;
    double *out = w->out->alignment + ((ptrdiff_t)i * w->L + j) * n * n;

    for (int c = 0; c < known; c++) {
        const double *column = (const double *)a->data + (ptrdiff_t)c * a->ld;
        for (int r = 0; r < known; r++) out[(ptrdiff_t)r * n + c] = column[r];
    }
}

static rj_status measure_pair(job *w, const rj_pair_row *row, int i, int j)
{
    rj_status st = RJ_OK;
    const int n = min_int(w->known[i], w->known[j]);
    rj_pair_measures measures;

    for (int t = 0; t < RJ_PAIR_GIVEN; t++)
        RJ_REQUIRE(rj_matrix_is_finite(&w->pair.table[t].m), RJ_ERR_NUMERIC,
                   "blocks %d and %d of %d: Inf or NaN in U_j'J_iV_j or in products of their frames; screen "
                   "J_%d and "
                   "both frames",
                   i, j, w->L, i);
    rj_pair_begin(&w->pair, n, row);
    for (int q = 0; q < w->n_k; q++) {
        if (w->k[q] > n) continue;
        rj_pair_measure(&w->pair, row, w->k[q], w->norm, &measures);
        RJ_REQUIRE(isfinite(measures.misfit) && isfinite(measures.misfit_vju), RJ_ERR_NUMERIC,
                   "blocks %d and %d of %d, K = %d: misfit %g (ujv), %g (vju)", i, j, w->L, w->k[q],
                   measures.misfit, measures.misfit_vju);
        store_pair(w->out, ((ptrdiff_t)q * w->L + i) * w->L + j, &measures);
    }
done:
    return st;
}

static rj_status measure_row(job *w, int i, int start, int n)
{
    rj_status st = RJ_OK;
    const rj_coupling_block *block = &w->block[i];
    rj_pair_row row = {w->d, block->top->s, block->frobenius, block->trace, {0}};

    for (int which = 0; which < RJ_PAIR_DROPS; which++) {
        const int r = min_int(rj_pair_drop(which), w->known[i]);
        row.frobenius_drop[which] = sqrt(energy_after(block, r));
    }
    begin_row(w, i, n);
    for (int b = 0; b < n; b++) {
        fill_pair(w, b);
        if (w->out->alignment != NULL) store_alignment(w, i, w->use[start + b]);
        RJ_TRY(measure_pair(w, &row, i, w->use[start + b]));
    }
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
