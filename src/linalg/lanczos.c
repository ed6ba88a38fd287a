/* lanczos.c: each block is orthogonalised against its neighbour, then against all before it, with a Cholesky QR in double after
 * each time. A block
 * whose columns are nearly dependent goes column by column: one that vanishes is deflated, a random column takes its place. */
#include "lanczos.h"

#include <float.h>
#include <limits.h>
#include <math.h>
#include <string.h>

#include "resjac/base/clones.h"
#include "resjac/base/memory.h"
#include "resjac/linalg/blas.h"

/* A Cholesky pivot below this share of its diagonal has lost too many digits for a triangular solve to keep the block
 * orthogonal to the basis. */
static const double safe_pivot = 1e-10;

void rj_lanczos_free(rj_lanczos *p)
{
    rj_matrix *const own[] = {&p->u,    &p->v,    &p->b,     &p->next, &p->part,
                              &p->wide, &p->gram, &p->other, &p->along};

    for (size_t i = 0; i < sizeof own / sizeof *own; i++) rj_matrix_free(own[i]);
    RJ_FREE(p->column);
    RJ_FREE(p->shadow);
}

static double *at(const rj_matrix *m, int r, int c)
{
    return (double *)m->data + r + (ptrdiff_t)c * m->ld;
}

static rj_matrix columns(const rj_matrix *m, int from, int n)
{
    return rj_matrix_block(m, 0, from, m->rows, n);
}

/* A column shorter than this is rounding of a product with J. */
static double negligible(const rj_lanczos *p)
{
    return 10.0 * rj_matrix_epsilon(p->op->type) * p->scale;
}

/* gram <- its upper Cholesky factor; the smallest share that a pivot is of its diagonal, 0 where one is too small to trust. */
static double factor(rj_matrix *gram, double least)
{
    const int n = gram->cols;
    double share = 1.0;

    for (int j = 0; j < n; j++) {
        const double whole = *at(gram, j, j);
        for (int i = 0; i < j; i++) {
            double x = *at(gram, i, j);
            for (int l = 0; l < i; l++) x -= *at(gram, l, i) * *at(gram, l, j);
            *at(gram, i, j) = x / *at(gram, i, i);
        }
        double pivot = whole;
        for (int l = 0; l < j; l++) pivot -= *at(gram, l, j) * *at(gram, l, j);
        if (!(pivot > safe_pivot * whole) || sqrt(pivot) <= least) return 0.0;
        share = fmin(share, pivot / whole);
        *at(gram, j, j) = sqrt(pivot);
        for (int i = j + 1; i < n; i++) *at(gram, i, j) = 0.0;
    }
    return share;
}

/* w = Q R: w <- Q, p->gram <- R; 0, and w as it was, where w is nearly dependent, or a column of it below `least`; else factor's
 * share, which Q'Q - I is rounding of double over. */
RJ_CLONES static double cholesky_qr(rj_lanczos *p, double least, rj_matrix *w)
{
    const rj_matrix *r = &p->gram;
    const int d = w->rows, n = w->cols;

    rj_matrix_copy(w, &p->wide);
    rj_gemm('T', 'N', 1.0, &p->wide, &p->wide, 0.0, &p->gram);
    const double share = factor(&p->gram, least);
    if (!(share > 0.0)) return 0.0;
    for (int j = 0; j < n; j++) {
        double *restrict x = at(&p->wide, 0, j);
        for (int i = 0; i < j; i++) {
            const double *restrict q = at(&p->wide, 0, i), c = *at(r, i, j);
            for (int l = 0; l < d; l++) x[l] -= c * q[l];
        }
        for (int l = 0; l < d; l++) x[l] /= *at(r, j, j);
    }
    rj_matrix_copy(&p->wide, w);
    return share;
}

/* coefficients <- basis' w in the operator's arithmetic, w <- w - basis coefficients */
static rj_matrix project_out(rj_lanczos *p, const rj_matrix *basis, rj_matrix *w)
{
    rj_matrix c = rj_matrix_block(&p->part, 0, 0, basis->cols, w->cols);

    rj_gemm('T', 'N', 1.0, basis, w, 0.0, &c);
    rj_gemm('N', 'N', -1.0, basis, &c, 1.0, w);
    return c;
}

static double length(int n, const double *x)
{
    const rj_matrix m = {RJ_DOUBLE, n, 1, n, (void *)(uintptr_t)x};
    return rj_matrix_frobenius(&m);
}

/* x <- x - basis (basis' x), twice, in double; the coefficients are added to c where that is not NULL. Returns ||x||. */
static double project_column(rj_lanczos *p, const rj_matrix *basis, double *x, double *c)
{
    const int d = basis->rows;
    double *sum = at(&p->wide, 0, 0);

    for (int pass = 0; pass < 2 && basis->cols > 0; pass++) {
        rj_matrix_times('T', basis, x, p->shadow);
        rj_matrix_times('N', basis, p->shadow, sum);
        for (int i = 0; i < d; i++) x[i] -= sum[i];
        for (int i = 0; c != NULL && i < basis->cols; i++) c[i] += p->shadow[i];
    }
    return length(d, x);
}

static void draw_column(rj_lanczos *p, double *x)
{
    const uint64_t d = (uint64_t)p->op->rows;

    rj_rng_normals(&p->rng, p->drawn, d, x);
    p->drawn += d;
}

/* The block at column m of q, column by column; what each is made of is added to c [m + width, width]. */
static void orthonormalise_each(rj_lanczos *p, double least, rj_matrix *q, int m, rj_matrix *c)
{
    for (int j = 0; j < p->width; j++) {
        const rj_matrix before = columns(q, 0, m + j);
        double *x = p->column;
        rj_matrix_get_column(q, m + j, x);
        double size = project_column(p, &before, x, at(c, 0, j));
        *at(c, m + j, j) = size > least ? size : 0.0;
        if (!(size > least)) {
            draw_column(p, x);
            size = project_column(p, &before, x, NULL);
        }
        for (int i = 0; i < q->rows; i++) x[i] /= size;
        rj_matrix_set_column(q, m + j, x);
    }
}

/* R of c <- gram R, above it c <- c + coefficients R: c [m + width, width] holds the first pass's. */
static void second_pass(rj_lanczos *p, const rj_matrix *coefficients, int m, rj_matrix *c)
{
    rj_matrix first = rj_matrix_block(c, m, 0, p->width, p->width);
    rj_matrix above = rj_matrix_block(c, 0, 0, m, p->width);
    rj_matrix wide = rj_matrix_block(&p->along, 0, p->width, m, p->width);

    rj_matrix_copy(&first, &p->other);
    rj_gemm('N', 'N', 1.0, &p->gram, &p->other, 0.0, &first);
    rj_matrix_copy(coefficients, &wide);
    rj_gemm('N', 'N', 1.0, &wide, &p->other, 1.0, &above);
}

/* Is a block whose columns were made orthonormal by cholesky_qr so but for rounding, with `coefficients` of the basis taken off?
 * The square of those is missing then. Never in double arithmetic. */
static int stays_orthonormal(double share, const rj_matrix *coefficients)
{
    const double eps = rj_matrix_epsilon(coefficients->type), size = rj_matrix_frobenius(coefficients);

    return 100.0 * DBL_EPSILON <= eps * share && size * size <= eps;
}

/* The block at column m of q <- orthonormal and orthogonal to the m columns before it; c [m + width, width] <- what it was:
 * coefficients of those, and R below them. A column of at most `least` beside them is deflated. But for rounding the block
 * meets the columns from..m-1 alone, so the first pass need not look at others. */
static void orthonormalise(rj_lanczos *p, double least, rj_matrix *q, int from, int m, rj_matrix *c)
{
    const rj_matrix near = columns(q, from, m - from), basis = columns(q, 0, m);
    rj_matrix w = columns(q, m, p->width), beside = rj_matrix_block(c, from, 0, m - from, p->width);
    rj_matrix r = rj_matrix_block(c, m, 0, p->width, p->width);

    rj_matrix_fill(c, 0.0);
    rj_matrix coefficients = project_out(p, &near, &w);
    rj_matrix_copy(&coefficients, &beside);
    const double share = cholesky_qr(p, least, &w);
    if (!(share > 0.0)) {
        orthonormalise_each(p, least, q, m, c);
        return;
    }
    rj_matrix_copy(&p->gram, &r);
    coefficients = project_out(p, &basis, &w);
    if (stays_orthonormal(share, &coefficients))
        rj_matrix_identity(&p->gram);
    else
        cholesky_qr(p, 0.0, &w); /* of a block that is orthonormal but for rounding: never refused */
    second_pass(p, &coefficients, m, c);
}

rj_status rj_lanczos_new(const rj_linop *op, int width, int most, uint64_t seed, rj_lanczos *p)
{
    rj_status st = RJ_OK;
    const int d = op->rows;

    *p = (rj_lanczos){
        .op = op, .width = width, .most = most, .turn = INT_MAX, .rng = rj_rng_open(seed, "krylov block")};
    RJ_TRY(rj_matrix_new(op->type, d, most, &p->u));
    RJ_TRY(rj_matrix_new(op->type, d, (ptrdiff_t)most + width, &p->v));
    RJ_TRY(rj_matrix_new(RJ_DOUBLE, most, most, &p->b));
    RJ_TRY(rj_matrix_new(RJ_DOUBLE, width, width, &p->next));
    RJ_TRY(rj_matrix_new(op->type, (ptrdiff_t)most + width, width, &p->part));
    RJ_TRY(rj_matrix_new(RJ_DOUBLE, d, width, &p->wide));
    RJ_TRY(rj_matrix_new(RJ_DOUBLE, width, width, &p->gram));
    RJ_TRY(rj_matrix_new(RJ_DOUBLE, width, width, &p->other));
    RJ_TRY(rj_matrix_new(RJ_DOUBLE, (ptrdiff_t)most + width, 2 * width, &p->along));
    RJ_NEW(p->column, d, 1);
    RJ_NEW(p->shadow, (ptrdiff_t)most + width, 1);
    rj_lanczos_restart(p);
done:
    return st;
}

void rj_lanczos_restart(rj_lanczos *p)
{
    rj_matrix c = rj_matrix_block(&p->along, 0, 0, p->n + p->width, p->width);

    if (p->n > 0 && p->turn > p->n) p->turn = p->n;
    for (int j = 0; j < p->width; j++) {
        draw_column(p, p->column);
        rj_matrix_set_column(&p->v, p->n + j, p->column);
    }
    orthonormalise(p, 0.0, &p->v, 0, p->n, &c);
}

/* y <- J x or J' x, finite; its longest column bounds p->scale */
static rj_status multiply(rj_lanczos *p, char op, const rj_matrix *x, rj_matrix *y)
{
    rj_status st = RJ_OK;

    RJ_TRY((op == 'N' ? p->op->apply : p->op->apply_transpose)(p->op->ctx, x, y));
    for (int j = 0; j < y->cols; j++) {
        const rj_matrix one = columns(y, j, 1);
        const double size = rj_matrix_frobenius(&one);
        RJ_REQUIRE(
            isfinite(size), RJ_ERR_NUMERIC,
            "a product of J%s [%d,%d] with orthonormal columns is Inf or NaN; screen weights and states",
            op == 'N' ? "" : "'", p->op->rows, p->op->cols);
        p->scale = fmax(p->scale, size);
    }
done:
    return st;
}

/* Leaves rounding out of B: J'u of an earlier block lies in the columns of V before this one. */
static void clear_above(rj_lanczos *p)
{
    for (int c = p->n; c < p->n + p->width; c++) {
        const int first = (c < p->turn ? c : p->turn) - p->width;
        if (first > 0) memset(at(&p->b, 0, c), 0, (size_t)first * sizeof(double));
    }
}

rj_status rj_lanczos_step(rj_lanczos *p)
{
    rj_status st = RJ_OK;
    const int n = p->n, b = p->width;
    const rj_matrix v = columns(&p->v, n, b), u = columns(&p->u, n, b);
    rj_matrix image = u, back = columns(&p->v, n + b, b);
    rj_matrix c = rj_matrix_block(&p->b, 0, n, n + b, b);
    rj_matrix along = rj_matrix_block(&p->along, 0, 0, n + 2 * b, b);

    RJ_TRY(multiply(p, 'N', &v, &image));
    orthonormalise(p, negligible(p), &p->u, n > b ? n - b : 0, n, &c);
    clear_above(p);
    RJ_TRY(multiply(p, 'T', &u, &back));
    orthonormalise(p, negligible(p), &p->v, n, n + b, &along);
    const rj_matrix r = rj_matrix_block(&along, n + b, 0, b, b);
    rj_matrix_copy(&r, &p->next);
    p->n = n + b;
done:
    return st;
}
