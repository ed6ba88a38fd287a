/* psvd.c: ?gesdd's steps on a grid. Ten times faster than p?gesvd, whose QR iteration on vectors takes most of its time. */
#include "resjac/linalg/psvd.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#include "resjac/base/agree.h"
#include "resjac/base/clock.h"
#include "resjac/base/memory.h"
#include "resjac/linalg/lapack.h"
#include "scalapack.h"
#include "topk_parts.h"

/* A = Q B P' [d,d], B = X S Y' upper bidiagonal. */
typedef struct {
    rj_dmat a;                       /* after gebrd: the reflectors of Q and P */
    rj_dmat u, v;                    /* [d,k]: X and Y, then U and V */
    rj_matrix local_diagonal, tau_q; /* of this rank's columns */
    rj_matrix local_beside, tau_p;   /* of this rank's rows */
    rj_matrix work;
    double *bidiagonal; /* [2 d] on every rank: B(i,i), then B(i,i+1), the last unused */
} factors;

rj_status rj_psvd_plan(rj_arithmetic type, ptrdiff_t d, ptrdiff_t k, int nb, int n_row, int n_col,
                       rj_psvd_needs *needs)
{
    rj_status st = RJ_OK;

    RJ_TRY(rj_dmat_check(d, d, nb, n_row, n_col));
    RJ_REQUIRE(1 <= k && k <= d, RJ_ERR_ARG, "%td triplets of J [%td,%td]: needs 1..%td", k, d, d, d);
    RJ_REQUIRE(d <= RJ_LAPACK_LARGEST, RJ_ERR_ARG,
               "J [%td,%td]: LAPACK's divide and conquer on rank 0 indexes its workspace by int, at most "
               "%d x %d whatever the grid; take a Krylov method",
               d, d, (int)RJ_LAPACK_LARGEST, (int)RJ_LAPACK_LARGEST);
    const ptrdiff_t rows = rj_dmat_share(d, nb, 0, n_row), columns = rj_dmat_share(d, nb, 0, n_col);
    const ptrdiff_t frame_columns = rj_dmat_share(k, nb, 0, n_col);
    /* Above what gebrd (nb (rows + columns + 1) + columns) and ormqr and ormlq ask for. */
    const ptrdiff_t work = nb * (2 * rows + columns + frame_columns + 2 * (ptrdiff_t)nb + 1) + columns;
    RJ_REQUIRE(work <= INT_MAX, RJ_ERR_ARG,
               "J [%td,%td] in blocks of %d on %dx%d ranks: ScaLAPACK wants a workspace of %td elements, "
               "at most %d; take more ranks or smaller blocks",
               d, d, nb, n_row, n_col, work, INT_MAX);
    const ptrdiff_t element = (ptrdiff_t)rj_matrix_element(type);
    const ptrdiff_t vectors = 2 * (rows + columns) * element + 4 * d * (ptrdiff_t)sizeof(double);
    const ptrdiff_t frames = 2 * d * k * element; /* U and V whole, in the end on every rank */
    const ptrdiff_t shared = (rows * columns + 2 * rows * frame_columns + work) * element + vectors + frames;
    *needs = (rj_psvd_needs){.work = work,
                             .rank_bytes = shared + rows * frame_columns * element,
                             .root_bytes = shared + frames + 5 * d * d * (ptrdiff_t)sizeof(double)};
done:
    return st;
}

static rj_status require_input(const rj_dmat *jac, int k, rj_psvd_needs *needs)
{
    rj_status st = RJ_OK;

    RJ_REQUIRE(jac->n == jac->m && 1 <= k && k <= jac->m, RJ_ERR_ARG,
               "%d triplets of J %dx%d: needs a square J and 1..%d", k, jac->m, jac->n, jac->m);
    /* ScaLAPACK takes others, prints a line, leaves info at 0 and the result as garbage. */
    RJ_REQUIRE(jac->desc[RJ_DESC_MB] == jac->nb && jac->desc[RJ_DESC_NB] == jac->nb, RJ_ERR_ARG,
               "J %dx%d in blocks of %dx%d: needs square blocks, here of %d", jac->m, jac->n,
               jac->desc[RJ_DESC_MB], jac->desc[RJ_DESC_NB], jac->nb);
    RJ_TRY(rj_psvd_plan(jac->type, jac->m, k, jac->nb, jac->grid->n_row, jac->grid->n_col, needs));
done:
    return st;
}

static void factors_free(factors *f)
{
    RJ_FREE(f->bidiagonal);
    rj_matrix_free(&f->work);
    rj_matrix_free(&f->tau_p);
    rj_matrix_free(&f->local_beside);
    rj_matrix_free(&f->tau_q);
    rj_matrix_free(&f->local_diagonal);
    rj_dmat_free(&f->v);
    rj_dmat_free(&f->u);
    rj_dmat_free(&f->a);
}

/* Not collective: what this rank needs beside its parts of matrices. */
static rj_status vectors_new(const rj_dmat *jac, ptrdiff_t work, factors *f)
{
    rj_status st = RJ_OK;

    RJ_NEW(f->bidiagonal, jac->m, 2);
    if (!rj_grid_inside(jac->grid)) goto done;
    RJ_TRY(rj_matrix_new(jac->type, jac->local.cols, 1, &f->local_diagonal));
    RJ_TRY(rj_matrix_new(jac->type, jac->local.cols, 1, &f->tau_q));
    RJ_TRY(rj_matrix_new(jac->type, jac->local.rows, 1, &f->local_beside));
    RJ_TRY(rj_matrix_new(jac->type, jac->local.rows, 1, &f->tau_p));
    RJ_TRY(rj_matrix_new(jac->type, work, 1, &f->work));
done:
    return st;
}

static rj_status factors_new(const rj_dmat *jac, int k, ptrdiff_t work, factors *f)
{
    rj_status st = RJ_OK;

    RJ_TRY(rj_dmat_new(jac->grid, jac->type, jac->m, jac->m, jac->nb, &f->a));
    RJ_TRY(rj_dmat_new(jac->grid, jac->type, jac->m, k, jac->nb, &f->u));
    RJ_TRY(rj_dmat_new(jac->grid, jac->type, jac->m, k, jac->nb, &f->v));
    RJ_TRY_ALL(jac->grid->comm, vectors_new(jac, work, f));
done:
    return st;
}

/* A power of two above every part's norm: J times 2^-exponent neither overflows nor loses squares, and its triplets are exactly
 * those of J; held where 2^exponent is a normal number. Collective. */
static int exponent_of(const rj_dmat *jac)
{
    const int limit = jac->type == RJ_SINGLE ? 120 : 1000;
    const double norm = rj_matrix_frobenius(&jac->local);
    int exponent = -limit;

    if (norm > 0.0) frexp(norm, &exponent);
    RJ_MPI(jac->grid->comm, MPI_Allreduce(MPI_IN_PLACE, &exponent, 1, MPI_INT, MPI_MAX, jac->grid->comm));
    return exponent < -limit ? -limit : exponent > limit ? limit : exponent;
}

/* A -> Q, B, P. Not agreed. */
static rj_status bidiagonalise(factors *f)
{
    rj_dmat *a = &f->a;
    const int one = 1;
    int info = 0;

    if (!rj_grid_inside(a->grid)) return RJ_OK;
    if (a->type == RJ_SINGLE)
        psgebrd_(&a->m, &a->n, a->local.data, &one, &one, a->desc, f->local_diagonal.data,
                 f->local_beside.data, f->tau_q.data, f->tau_p.data, f->work.data, &f->work.rows, &info);
    else
        pdgebrd_(&a->m, &a->n, a->local.data, &one, &one, a->desc, f->local_diagonal.data,
                 f->local_beside.data, f->tau_q.data, f->tau_p.data, f->work.data, &f->work.rows, &info);
    rj_clock_flops(8.0 / 3.0 * a->m * a->m * a->m / a->grid->n_row / a->grid->n_col);
    return info == 0
               ? RJ_OK
               : rj_raise(RJ_ERR_LIB, __FILE__, __LINE__, "p?gebrd of %dx%d: info = %d", a->m, a->n, info);
}

/* B on every rank. The diagonal comes with the columns of A, what is beside it with the rows. Collective. */
static void share_bidiagonal(factors *f)
{
    const rj_grid *g = f->a.grid;
    const int d = f->a.m, nb = f->a.nb;
    double *diagonal = f->bidiagonal, *beside = f->bidiagonal + d;

    for (int j = 0; g->row == 0 && j < f->a.local.cols; j++) {
        const rj_matrix one = rj_matrix_block(&f->local_diagonal, j, 0, 1, 1);
        rj_matrix_get_column(&one, 0, &diagonal[rj_dmat_global(j, nb, g->col, g->n_col)]);
    }
    for (int i = 0; g->col == 0 && i < f->a.local.rows; i++) {
        const rj_matrix one = rj_matrix_block(&f->local_beside, i, 0, 1, 1);
        rj_matrix_get_column(&one, 0, &beside[rj_dmat_global(i, nb, g->row, g->n_row)]);
    }
    RJ_MPI(g->comm, MPI_Allreduce(MPI_IN_PLACE, f->bidiagonal, 2 * d, MPI_DOUBLE, MPI_SUM, g->comm));
}

/* B -> S, X, Y on rank 0. */
static rj_status divide_and_conquer(const factors *f, double *s, rj_matrix *x, rj_matrix *y)
{
    rj_status st = RJ_OK;
    const int d = f->a.m, k = f->u.n;

    for (int i = 0; i < 2 * d - 1; i++)
        RJ_REQUIRE(isfinite(f->bidiagonal[i]), RJ_ERR_LIB, "p?gebrd of %dx%d gave %g for a finite matrix", d,
                   d, f->bidiagonal[i]); /* ?bdsdc may hang on it */
    RJ_TRY(rj_matrix_new(f->a.type, d, k, x));
    RJ_TRY(rj_matrix_new(f->a.type, d, k, y));
    RJ_TRY(rj_lapack_bidiagonal_svd(d, f->bidiagonal, f->bidiagonal + d, s, x, y));
done:
    return st;
}

/* S on every rank, X and Y on the grid. Collective. */
static rj_status decompose_bidiagonal(factors *f, double *s)
{
    rj_status st = RJ_OK;
    const rj_grid *g = f->a.grid;
    rj_matrix x = {.ld = 1}, y = {.ld = 1};

    RJ_TRY_ALL(g->comm, g->rank == 0 ? divide_and_conquer(f, s, &x, &y) : RJ_OK);
    RJ_MPI(g->comm, MPI_Bcast(s, f->a.m, MPI_DOUBLE, 0, g->comm));
    RJ_TRY(rj_dmat_from_root(&x, &f->u));
    RJ_TRY(rj_dmat_from_root(&y, &f->v));
done:
    rj_matrix_free(&y);
    rj_matrix_free(&x);
    return st;
}

/* C <- Q C (which 'Q') or P C (which 'P'). Row i of A holds P's reflector from column i + 1 on, hence the shift by one.
 * Not p?ormbr, which is to do the same: for P on a square matrix it compares other columns than it uses, and refuses.
 * Not agreed. */
static rj_status apply_reflectors(factors *f, char which, rj_dmat *c)
{
    rj_dmat *a = &f->a;
    const rj_matrix *tau = which == 'Q' ? &f->tau_q : &f->tau_p;
    const char *trans = which == 'Q' ? "N" : "T"; /* the rows make P' */
    const int one = 1, first = which == 'Q' ? 1 : 2, n = a->m + 1 - first;
    int info = 0;

    if (!rj_grid_inside(a->grid) || n == 0) return RJ_OK;
    if (a->type == RJ_SINGLE)
        (which == 'Q' ? psormqr_ : psormlq_)("L", trans, &n, &c->n, &n, a->local.data, &one, &first, a->desc,
                                             tau->data, c->local.data, &first, &one, c->desc, f->work.data,
                                             &f->work.rows, &info, 1, 1);
    else
        (which == 'Q' ? pdormqr_ : pdormlq_)("L", trans, &n, &c->n, &n, a->local.data, &one, &first, a->desc,
                                             tau->data, c->local.data, &first, &one, c->desc, f->work.data,
                                             &f->work.rows, &info, 1, 1);
    rj_clock_flops(2.0 * n * n * c->n / a->grid->n_row / a->grid->n_col);
    return info == 0
               ? RJ_OK
               : rj_raise(RJ_ERR_LIB, __FILE__, __LINE__, "p?orm%s of %d reflectors on %dx%d: info = %d",
                          which == 'Q' ? "qr" : "lq", n, c->m, c->n, info);
}

/* J -> S, U, V on the grid. Collective. */
static rj_status decompose(const rj_dmat *jac, factors *f, double *s)
{
    rj_status st = RJ_OK;
    const int exponent = exponent_of(jac);

    rj_matrix_copy(&jac->local, &f->a.local);
    rj_matrix_scale(ldexp(1.0, -exponent), &f->a.local);
    RJ_TRY_ALL(jac->grid->comm, bidiagonalise(f));
    share_bidiagonal(f);
    RJ_TRY(decompose_bidiagonal(f, s));
    RJ_TRY_ALL(jac->grid->comm, apply_reflectors(f, 'Q', &f->u));
    RJ_TRY_ALL(jac->grid->comm, apply_reflectors(f, 'P', &f->v));
    for (int i = 0; i < jac->m; i++) s[i] = ldexp(s[i], exponent);
    rj_dmat_free(&f->a);
    rj_matrix_free(&f->work);
done:
    return st;
}

/* residual_i = ||op(J) x_i - s_i y_i|| / s_1; W [d,k] is scratch. Collective. */
static rj_status certify(char op, const rj_dmat *jac, const rj_dmat *x, const rj_dmat *y, const double *s,
                         rj_dmat *w, double *residual)
{
    rj_status st = RJ_OK;
    const rj_grid *g = jac->grid;

    RJ_TRY(rj_dmat_gemm(op, 'N', 1.0, jac, x, 0.0, w)); /* W <- op(J) X, a true product */
    for (int i = 0; i < w->n; i++) residual[i] = 0.0;
    for (int j = 0; j < w->local.cols && s[0] > 0.0; j++) {
        const int i = rj_dmat_global(j, w->nb, g->col, g->n_col);
        const rj_matrix y_i = rj_matrix_block(&y->local, 0, j, w->local.rows, 1);
        rj_matrix w_i = rj_matrix_block(&w->local, 0, j, w->local.rows, 1);
        rj_matrix_add(-s[i], &y_i, &w_i);
        residual[i] = pow(rj_matrix_frobenius(&w_i) / s[0], 2.0);
    }
    RJ_MPI(g->comm, MPI_Allreduce(MPI_IN_PLACE, residual, w->n, MPI_DOUBLE, MPI_SUM, g->comm));
    for (int i = 0; i < w->n; i++) residual[i] = sqrt(residual[i]);
done:
    return st;
}

/* This rank's part of max |G - I|. */
static double distance_from_identity(const rj_dmat *gram)
{
    const rj_grid *g = gram->grid;
    double largest = 0.0;

    for (int j = 0; j < gram->local.cols; j++)
        for (int i = 0; i < gram->local.rows; i++) {
            const rj_matrix here = rj_matrix_block(&gram->local, i, j, 1, 1);
            const int row = rj_dmat_global(i, gram->nb, g->row, g->n_row);
            const int column = rj_dmat_global(j, gram->nb, g->col, g->n_col);
            double value = 0.0;
            rj_matrix_get_column(&here, 0, &value);
            value = fabs(value - (row == column));
            if (!(value <= largest)) largest = isnan(value) ? INFINITY : value; /* MPI_MAX may drop a NaN */
        }
    return largest;
}

/* loss <- max(loss, max |X'X - I|); gram [k,k] is scratch. Collective. */
static rj_status lose_orthogonality(const rj_dmat *x, rj_dmat *gram, double *loss)
{
    rj_status st = RJ_OK;
    double largest = 0.0;

    RJ_TRY(rj_dmat_gemm('T', 'N', 1.0, x, x, 0.0, gram));
    largest = distance_from_identity(gram);
    RJ_MPI(x->grid->comm, MPI_Allreduce(MPI_IN_PLACE, &largest, 1, MPI_DOUBLE, MPI_MAX, x->grid->comm));
    *loss = fmax(*loss, largest);
done:
    return st;
}

/* Collective. */
static rj_status certify_all(const rj_dmat *jac, const factors *f, rj_topk *top)
{
    rj_status st = RJ_OK;
    rj_dmat w = {.local = {.ld = 1}}, gram = {.local = {.ld = 1}};

    RJ_TRY(rj_dmat_new(jac->grid, jac->type, top->d, top->k, jac->nb, &w));
    RJ_TRY(rj_dmat_new(jac->grid, jac->type, top->k, top->k, jac->nb, &gram));
    RJ_TRY(certify('N', jac, &f->v, &f->u, top->s, &w, top->residual_right));
    RJ_TRY(certify('T', jac, &f->u, &f->v, top->s, &w, top->residual_left));
    RJ_TRY(lose_orthogonality(&f->u, &gram, &top->orthogonality_loss));
    RJ_TRY(lose_orthogonality(&f->v, &gram, &top->orthogonality_loss));
    RJ_TRY_ALL(jac->grid->comm, rj_topk_require_certified(top));
done:
    rj_dmat_free(&gram);
    rj_dmat_free(&w);
    return st;
}

rj_status rj_psvd_full(const rj_dmat *jac, int k, rj_topk *top)
{
    rj_status st = RJ_OK;
    const MPI_Comm comm = jac->grid->comm;
    factors f = {.a = {.local = {.ld = 1}}};
    rj_psvd_needs needs = {0};
    rj_topk mine = {0};

    RJ_TRY_ALL(comm, require_input(jac, k, &needs));
    RJ_TRY(rj_dmat_require_finite(jac, "J"));
    RJ_TRY(factors_new(jac, k, needs.work, &f));
    RJ_TRY_ALL(comm, rj_topk_new(jac->type, jac->m, k, RJ_SVD_GRID, &mine));
    RJ_TRY(decompose(jac, &f, mine.s_all));
    memcpy(mine.s, mine.s_all, (size_t)k * sizeof *mine.s);
    RJ_TRY(certify_all(jac, &f, &mine));
    RJ_TRY(rj_dmat_gather(&f.u, &mine.u));
    RJ_TRY(rj_dmat_gather(&f.v, &mine.v));
    rj_topk_fix_signs(&mine.u, &mine.v, f.bidiagonal);
    *top = mine;
    mine = (rj_topk){0};
done:
    rj_topk_free(&mine);
    factors_free(&f);
    return st;
}
