/* lapack.c: Fortran LAPACK by reference. Against ?gesdd itself the way back costs 4 d^2 k flops instead of 4 d^3, which
 * made the whole 1.5 times faster at d = 768 and 1536 with k = 53. */
#include "resjac/linalg/lapack.h"

#include <limits.h>
#include <math.h>

#include "resjac/base/clock.h"
#include "resjac/base/memory.h"

extern void sgebrd_(const int *m, const int *n, float *a, const int *lda, float *d, float *e, float *tauq,
                    float *taup, float *work, const int *lwork, int *info);
extern void dgebrd_(const int *m, const int *n, double *a, const int *lda, double *d, double *e, double *tauq,
                    double *taup, double *work, const int *lwork, int *info);
extern void sbdsdc_(const char *uplo, const char *compq, const int *n, float *d, float *e, float *u,
                    const int *ldu, float *vt, const int *ldvt, float *q, int *iq, float *work, int *iwork,
                    int *info);
extern void dbdsdc_(const char *uplo, const char *compq, const int *n, double *d, double *e, double *u,
                    const int *ldu, double *vt, const int *ldvt, double *q, int *iq, double *work, int *iwork,
                    int *info);
extern void sormbr_(const char *vect, const char *side, const char *trans, const int *m, const int *n,
                    const int *k, const float *a, const int *lda, const float *tau, float *c, const int *ldc,
                    float *work, const int *lwork, int *info);
extern void dormbr_(const char *vect, const char *side, const char *trans, const int *m, const int *n,
                    const int *k, const double *a, const int *lda, const double *tau, double *c,
                    const int *ldc, double *work, const int *lwork, int *info);

/* A = Q B P', B [q,q] bidiagonal, q = min(m,n), B = X S Y'. */
typedef struct {
    rj_matrix *a;               /* after gebrd: the reflectors of Q and P */
    int q, lower;               /* lower: B is lower bidiagonal, else upper */
    rj_matrix diagonal, beside; /* of B: [q,1]; the diagonal then holds S */
    rj_matrix tau_q, tau_p;     /* [q,1] */
    rj_matrix x, yt;            /* [q,q] */
    rj_matrix work;             /* [3 q + 4, q] for bdsdc, at least [m + n, 64] for the others */
    int *iwork;                 /* [8 q] */
} factors;

/* Widest block of columns that LAPACK's blocked routines are given room for; more would be slower, not wrong. */
enum { BLOCK = 64 };

static void factors_free(factors *f)
{
    RJ_FREE(f->iwork);
    rj_matrix_free(&f->work);
    rj_matrix_free(&f->yt);
    rj_matrix_free(&f->x);
    rj_matrix_free(&f->tau_p);
    rj_matrix_free(&f->tau_q);
    rj_matrix_free(&f->beside);
    rj_matrix_free(&f->diagonal);
}

/* Room for B and its decomposition; at least `least` elements of workspace. */
static rj_status bidiagonal_new(rj_arithmetic type, int q, ptrdiff_t least, factors *f)
{
    rj_status st = RJ_OK;
    const ptrdiff_t n_work = 3 * (ptrdiff_t)q * q + 4 * (ptrdiff_t)q; /* of bdsdc, beside X and Y' */

    f->q = q;
    RJ_TRY(rj_matrix_new(type, q, 1, &f->diagonal));
    RJ_TRY(rj_matrix_new(type, q, 1, &f->beside));
    RJ_TRY(rj_matrix_new(type, q, q, &f->x));
    RJ_TRY(rj_matrix_new(type, q, q, &f->yt));
    RJ_TRY(rj_matrix_new(type, n_work > least ? n_work : least, 1, &f->work));
    RJ_NEW(f->iwork, 8 * (ptrdiff_t)q, 1);
done:
    return st;
}

static rj_status factors_new(rj_matrix *a, factors *f)
{
    rj_status st = RJ_OK;
    const int q = a->rows < a->cols ? a->rows : a->cols;
    /* ormbr wants BLOCK columns and a triangle of BLOCK + 1 beside them. */
    const ptrdiff_t blocked = ((ptrdiff_t)a->rows + a->cols + BLOCK + 1) * BLOCK;

    RJ_REQUIRE(q <= RJ_LAPACK_LARGEST && blocked <= INT_MAX, RJ_ERR_ARG,
               "matrix %dx%d: LAPACK's divide and conquer indexes its workspace by int, at most %d x %d; "
               "take a Krylov method",
               a->rows, a->cols, (int)RJ_LAPACK_LARGEST, (int)RJ_LAPACK_LARGEST);
    f->a = a;
    f->lower = a->rows < a->cols;
    RJ_TRY(rj_matrix_new(a->type, q, 1, &f->tau_q));
    RJ_TRY(rj_matrix_new(a->type, q, 1, &f->tau_p));
    RJ_TRY(bidiagonal_new(a->type, q, blocked, f));
done:
    return st;
}

/* A -> Q, B, P */
static rj_status bidiagonalise(factors *f)
{
    rj_matrix *a = f->a;
    int info = 0;

    if (a->type == RJ_SINGLE)
        sgebrd_(&a->rows, &a->cols, a->data, &a->ld, f->diagonal.data, f->beside.data, f->tau_q.data,
                f->tau_p.data, f->work.data, &f->work.rows, &info);
    else
        dgebrd_(&a->rows, &a->cols, a->data, &a->ld, f->diagonal.data, f->beside.data, f->tau_q.data,
                f->tau_p.data, f->work.data, &f->work.rows, &info);
    rj_clock_flops(4.0 * f->q * f->q * ((a->rows > a->cols ? a->rows : a->cols) - f->q / 3.0));
    return info == 0 ? RJ_OK
                     : rj_raise(RJ_ERR_LIB, __FILE__, __LINE__, "?gebrd of %dx%d: info = %d", a->rows,
                                a->cols, info);
}

/* B -> X, S, Y' */
static rj_status divide_and_conquer(factors *f)
{
    const char uplo = f->lower ? 'L' : 'U';
    int info = 0;

    if (f->diagonal.type == RJ_SINGLE)
        sbdsdc_(&uplo, "I", &f->q, f->diagonal.data, f->beside.data, f->x.data, &f->x.ld, f->yt.data,
                &f->yt.ld, NULL, NULL, f->work.data, f->iwork, &info);
    else
        dbdsdc_(&uplo, "I", &f->q, f->diagonal.data, f->beside.data, f->x.data, &f->x.ld, f->yt.data,
                &f->yt.ld, NULL, NULL, f->work.data, f->iwork, &info);
    rj_clock_flops(4.0 / 3.0 * f->q * f->q * f->q);
    return info == 0 ? RJ_OK
                     : rj_raise(RJ_ERR_LIB, __FILE__, __LINE__,
                                "?bdsdc of order %d did not converge: info = %d", f->q, info);
}

/* C <- Q C (side 'Q') or P C (side 'P') */
static rj_status apply_reflectors(factors *f, char which, rj_matrix *c)
{
    const rj_matrix *tau = which == 'Q' ? &f->tau_q : &f->tau_p;
    const int inner = which == 'Q' ? f->a->cols : f->a->rows;
    int info = 0;

    if (c->type == RJ_SINGLE)
        sormbr_(&which, "L", "N", &c->rows, &c->cols, &inner, f->a->data, &f->a->ld, tau->data, c->data,
                &c->ld, f->work.data, &f->work.rows, &info);
    else
        dormbr_(&which, "L", "N", &c->rows, &c->cols, &inner, f->a->data, &f->a->ld, tau->data, c->data,
                &c->ld, f->work.data, &f->work.rows, &info);
    rj_clock_flops(4.0 * c->rows * c->cols * f->q - 2.0 * c->cols * f->q * f->q);
    return info == 0 ? RJ_OK
                     : rj_raise(RJ_ERR_LIB, __FILE__, __LINE__, "?ormbr('%c') on %dx%d: info = %d", which,
                                c->rows, c->cols, info);
}

/* U <- Q [X; 0], V <- P [Y; 0], leading k columns */
static rj_status back_transform(factors *f, int k, rj_matrix *u, rj_matrix *v)
{
    rj_status st = RJ_OK;
    const rj_matrix x = rj_matrix_block(&f->x, 0, 0, f->q, k), yt = rj_matrix_block(&f->yt, 0, 0, k, f->q);
    rj_matrix top_u = rj_matrix_block(u, 0, 0, f->q, k), top_v = rj_matrix_block(v, 0, 0, f->q, k);

    rj_matrix_fill(u, 0.0);
    rj_matrix_fill(v, 0.0);
    rj_matrix_copy(&x, &top_u);
    rj_matrix_transpose(&yt, &top_v);
    RJ_TRY(apply_reflectors(f, 'Q', u));
    RJ_TRY(apply_reflectors(f, 'P', v));
done:
    return st;
}

/* The exponent of ||A||_F: A times 2^-exponent neither overflows nor loses squares, and its triplets are exactly
 * those of A; held where 2^exponent is a normal number. */
static int exponent_of(const rj_matrix *a)
{
    const int limit = a->type == RJ_SINGLE ? 120 : 1000;
    int exponent = 0;

    frexp(rj_matrix_frobenius(a), &exponent);
    return exponent < -limit ? -limit : exponent > limit ? limit : exponent;
}

rj_status rj_lapack_svd(rj_matrix *a, int k, double *s, rj_matrix *u, rj_matrix *v)
{
    rj_status st = RJ_OK;
    factors f = {0};
    int exponent = 0;

    RJ_REQUIRE(0 <= k && k <= a->rows && k <= a->cols && u->rows == a->rows && u->cols == k &&
                   v->rows == a->cols && v->cols == k && u->type == a->type && v->type == a->type,
               RJ_ERR_ARG, "%d triplets of A %dx%d (type %d) into U %dx%d (type %d) and V %dx%d (type %d)", k,
               a->rows, a->cols, (int)a->type, u->rows, u->cols, (int)u->type, v->rows, v->cols,
               (int)v->type);
    RJ_TRY(factors_new(a, &f));
    if (f.q == 0) goto done;
    exponent = exponent_of(a);
    rj_matrix_scale(ldexp(1.0, -exponent), a);
    RJ_TRY(bidiagonalise(&f));
    RJ_TRY(divide_and_conquer(&f));
    RJ_TRY(back_transform(&f, k, u, v));
    rj_matrix_get_column(&f.diagonal, 0, s);
    for (int i = 0; i < f.q; i++) s[i] = ldexp(s[i], exponent);
done:
    factors_free(&f);
    return st;
}

rj_status rj_lapack_bidiagonal_svd(int n, const double *diagonal, const double *beside, double *s,
                                   rj_matrix *x, rj_matrix *y)
{
    rj_status st = RJ_OK;
    const int k = x->cols;
    factors f = {0};

    RJ_REQUIRE(1 <= n && n <= RJ_LAPACK_LARGEST && x->rows == n && y->rows == n && y->cols == k && k <= n &&
                   x->type == y->type,
               RJ_ERR_ARG,
               "bidiagonal matrix of order %d into X %dx%d (type %d) and Y %dx%d (type %d): needs an order "
               "of 1..%d, one "
               "type and one shape [order, at most order]",
               n, x->rows, x->cols, (int)x->type, y->rows, y->cols, (int)y->type, (int)RJ_LAPACK_LARGEST);
    RJ_TRY(bidiagonal_new(x->type, n, 0, &f));
    rj_matrix_set_column(&f.diagonal, 0, diagonal);
    if (n > 1) {
        rj_matrix above = rj_matrix_block(&f.beside, 0, 0, n - 1, 1);
        rj_matrix_set_column(&above, 0, beside);
    }
    RJ_TRY(divide_and_conquer(&f));
    const rj_matrix leading_x = rj_matrix_block(&f.x, 0, 0, n, k);
    const rj_matrix leading_yt = rj_matrix_block(&f.yt, 0, 0, k, n);
    rj_matrix_copy(&leading_x, x);
    rj_matrix_transpose(&leading_yt, y);
    rj_matrix_get_column(&f.diagonal, 0, s);
done:
    factors_free(&f);
    return st;
}
