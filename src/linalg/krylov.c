/* krylov.c: when to look, when to stop, what to believe. A look at the projection costs about as much as a step, so the next one is
 * taken where the residual seen so far predicts convergence. */
#include "resjac/linalg/krylov.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "band.h"
#include "lanczos.h"
#include "resjac/base/memory.h"
#include "resjac/linalg/blas.h"
#include "resjac/linalg/lapack.h"
#include "topk_parts.h"
#include "triplets.h"

enum {
    WIDTH = 8,       /* of a block: wider ones need more columns, narrower ones make slower products */
    PICKED = 4,      /* smallest wanted triplets, whose residuals are looked at */
    GUARD_STEPS = 2, /* with a random block, after convergence */
    REFUSALS =
        8, /* of what had converged, after which all of J is decomposed: each makes the projection's band wider */
    FORM_WIDTH = 256
};

/* Shares of an eigenvalue of B B' within which it must be known: to divide by, and for inverse iteration. Where others are as
 * near, a copy of a multiple value may hide among them, with a residual that its value tells to the square. */
static const double rough = 1e-2, near = 1e-4;
static const double keep_limit = 1e-2; /* residual over s_i of a further triplet that is kept */

/* The search for the leading triplets of one J. */
typedef struct {
    const rj_krylov_options *o;
    double tolerance, eps;
    rj_lanczos p;
    double largest, smallest; /* first and k-th value of the projection at the last look */
    double low;               /* not above the square of the latter at any later look */
    double seen;              /* largest residual there, in units of what is allowed */
    double *value, *old;      /* [limit] all values, with and without the random block */
    double *z;                /* [2 limit] one vector */
} search;

int rj_krylov_limit(int d)
{
    return d / 2 / WIDTH * WIDTH;
}

int rj_krylov_least(int k)
{
    return (k + WIDTH - 1) / WIDTH * WIDTH + (2 + GUARD_STEPS) * WIDTH;
}

static double allowed(const search *w, double s, double largest)
{
    return fmax(w->tolerance * s, 4.0 * w->eps * largest);
}

/* Residual by the recurrence of a triplet whose left vector in B ends in z: J'u - s v = V_next next z. */
static double residual(const rj_matrix *next, const double *z)
{
    double sum = 0.0;

    for (int i = 0; i < next->rows; i++) {
        double x = 0.0;
        for (int j = 0; j < next->cols; j++) x += ((double *)next->data)[i + (ptrdiff_t)j * next->ld] * z[j];
        sum += x * x;
    }
    return sqrt(sum);
}

/* The last wanted values of the projection and their residuals. */
static rj_status look(search *w)
{
    rj_status st = RJ_OK;
    const rj_lanczos *p = &w->p;
    const int k = w->o->k;
    const rj_matrix projected = rj_matrix_block(&p->b, 0, 0, p->n, p->n);
    rj_band gram = {0};
    double low = 0.0;

    RJ_TRY(rj_band_new(&projected, p->turn, &gram));
    w->largest = sqrt(rj_band_value(&gram, 0, rough, rough, &low));
    low = w->low;
    w->seen = 0.0;
    for (int i = k - 1; i >= 0 && i >= k - PICKED; i--) {
        const double value = rj_band_value(&gram, i, near, w->tolerance * w->tolerance, &low);
        if (i == k - 1) w->smallest = sqrt(value);
        if (i == k - 1) w->low = low;
        rj_band_vector(&gram, value, w->z);
        const double limit = allowed(w, sqrt(value), w->largest);
        const double size = residual(&p->next, w->z + p->n - p->width);
        w->seen = fmax(w->seen, size > 0.0 ? size / limit : 0.0);
    }
done:
    rj_band_free(&gram);
    return st;
}

/* Columns at which to look next: on Jacobians and random matrices residuals fall by half a decade a step in the end, and
 * hardly at all in the beginning. */
static int next_look(const search *w)
{
    const double steps = ceil(2.0 * log10(fmax(w->seen, 1.0)));
    return w->p.n + WIDTH * (int)fmax(1.0, fmin(steps, 1e6));
}

/* Steps until the recurrence says that k triplets are within the tolerance; false where there is no room for more. */
static rj_status converge(search *w, int at, int *converged)
{
    rj_status st = RJ_OK;
    const int most = w->p.most - GUARD_STEPS * WIDTH;

    *converged = 0;
    while (!*converged && w->p.n < most) {
        while (w->p.n < at && w->p.n < most) RJ_TRY(rj_lanczos_step(&w->p));
        RJ_TRY(look(w));
        *converged = w->seen <= 1.0;
        at = next_look(w);
    }
done:
    return st;
}

/* Values of the projection above `line`; the one numbered `last` within 1 % where that is not NULL. */
static rj_status count(const search *w, double line, int *above, int last, double *value)
{
    rj_status st = RJ_OK;
    const rj_matrix projected = rj_matrix_block(&w->p.b, 0, 0, w->p.n, w->p.n);
    rj_band gram = {0};
    double low = 0.0;

    RJ_TRY(rj_band_new(&projected, w->p.turn, &gram));
    *above = rj_band_above(&gram, line * line);
    if (value != NULL) *value = sqrt(rj_band_value(&gram, last, rough, rough, &low));
done:
    rj_band_free(&gram);
    return st;
}

static rj_status disturb(search *w)
{
    rj_status st = RJ_OK;

    rj_lanczos_restart(&w->p);
    for (int i = 0; i < GUARD_STEPS; i++) RJ_TRY(rj_lanczos_step(&w->p));
done:
    return st;
}

/* Did the random block bring a value above the first k? B before it is a leading part of B with it, so each of its values is at
 * least what it was (interlacing), and their number above a line, which Sylvester's law tells from one factorisation, grows
 * exactly by those that came from below. A value that hid is above the line, as it would be among the first k; the line is
 * further from s_k than rounding, of some eps s_1^2 in B B' in double, carries. */
static rj_status guard_by_count(search *w, double line, int before, int n, rj_topk *all, int *more)
{
    rj_status st = RJ_OK;
    int after = 0;

    RJ_TRY(disturb(w));
    RJ_TRY(count(w, line, &after, 0, NULL));
    *more = after > before;
    if (!*more) RJ_TRY(rj_triplets_by_gram(&w->p, n, all));
done:
    return st;
}

/* The same by all values with it beside those before. */
static rj_status guard_by_values(search *w, rj_topk *all, int *more)
{
    rj_status st = RJ_OK;
    rj_matrix g = {.ld = 1}, none = {RJ_DOUBLE, w->p.n, 0, w->p.n, NULL};
    const rj_matrix projected = rj_matrix_block(&w->p.b, 0, 0, w->p.n, w->p.n);

    RJ_TRY(rj_matrix_new(RJ_DOUBLE, w->p.n, w->p.n, &g));
    rj_gemm('N', 'T', 1.0, &projected, &projected, 0.0, &g);
    RJ_TRY(rj_lapack_symmetric(&g, 0, w->old, &none));
    RJ_TRY(disturb(w));
    RJ_TRY(rj_triplets_by_svd(&w->p, w->value, all));
    for (int i = 0; i < w->o->k; i++) {
        const double old = sqrt(fmax(w->old[i], 0.0));
        *more |= w->value[i] > old + 2.0 * allowed(w, old, w->largest);
    }
done:
    rj_matrix_free(&g);
    return st;
}

/* Takes the random block in; all <- the triplets, unless it told that some are missing. */
static rj_status guard(search *w, rj_topk *all, int *more)
{
    rj_status st = RJ_OK;
    const int n = w->p.n, most = w->o->most < n ? w->o->most : n;
    const double line = w->smallest + 2.0 * allowed(w, w->smallest, w->largest);
    double last = 0.0;
    int before = 0;

    *more = 0;
    RJ_TRY(count(w, line, &before, most - 1, &last));
    RJ_TRY(rj_topk_new(w->p.op->type, w->p.op->rows, most, RJ_SVD_KRYLOV, all));
    /* B B' loses the digits that s_1^2 has beyond s_i^2: all of them in double arithmetic */
    if (DBL_EPSILON * w->largest * w->largest <= w->eps * last * last && w->eps > DBL_EPSILON)
        RJ_TRY(guard_by_count(w, line, before, n, all, more));
    else
        RJ_TRY(guard_by_values(w, all, more));
done:
    return st;
}

/* The recurrence is exact up to rounding of products with J: eps d^(1/2) s_1 and a few. */
static int holds(const search *w, const rj_topk *top)
{
    const double rounding = 8.0 * w->eps * sqrt(top->d);

    for (int i = 0; i < w->o->k; i++) {
        const double limit = top->s[0] > 0.0 ? w->tolerance * top->s[i] / top->s[0] + rounding : 0.0;
        if (!(top->residual_right[i] <= limit && top->residual_left[i] <= limit)) return 0;
    }
    return top->orthogonality_loss <= 1e3 * w->eps * sqrt(top->d);
}

/* Leaves out what is beyond k and not near convergence. */
static rj_status trim(const search *w, const rj_topk *all, rj_topk *top)
{
    rj_status st = RJ_OK;
    int n = w->o->k;

    while (n < all->k && all->residual_right[n] * all->s[0] <= keep_limit * all->s[n] &&
           all->residual_left[n] * all->s[0] <= keep_limit * all->s[n])
        n++;
    RJ_TRY(rj_topk_new(all->u.type, all->d, n, RJ_SVD_KRYLOV, top));
    const rj_matrix u = rj_matrix_block(&all->u, 0, 0, all->d, n),
                    v = rj_matrix_block(&all->v, 0, 0, all->d, n);
    const size_t bytes = (size_t)n * sizeof(double);
    rj_matrix_copy(&u, &top->u);
    rj_matrix_copy(&v, &top->v);
    memcpy(top->s, all->s, bytes);
    memcpy(top->s_all, all->s, bytes);
    memcpy(top->residual_right, all->residual_right, bytes);
    memcpy(top->residual_left, all->residual_left, bytes);
    top->n_all = n;
    top->orthogonality_loss = all->orthogonality_loss;
    top->columns = w->p.n;
done:
    return st;
}

/* Columns with which k triplets of a Jacobian are seldom at the tolerance of single arithmetic and soon will be: a fit to
 * trained and untrained models of d = 576 and 1536. */
static int first_look(int d, int k)
{
    const double columns = 38.0 * pow(k, 0.4) * pow(d / 576.0, 0.29);
    const int least = (k + WIDTH - 1) / WIDTH * WIDTH + 2 * WIDTH;

    return (int)fmax(least, ceil(columns / WIDTH) * WIDTH);
}

/* Converges, guards, certifies; *found tells whether top holds the triplets. */
static rj_status run(search *w, rj_topk *top, int *found)
{
    rj_status st = RJ_OK;
    int at = first_look(w->p.op->rows, w->o->k), converged = 0, more = 0, refused = 0;
    rj_topk all = {0};

    while (refused < REFUSALS) {
        RJ_TRY(converge(w, at, &converged));
        if (!converged) break;
        rj_topk_free(&all);
        RJ_TRY(guard(w, &all, &more));
        if (!more) {
            RJ_TRY(rj_topk_certify(w->p.op, &all));
            *found = holds(w, &all);
            if (*found) RJ_TRY(trim(w, &all, top));
            if (*found) break;
        }
        at = w->p.n + WIDTH;
        refused++;
    }
done:
    rj_topk_free(&all);
    return st;
}

static rj_status search_new(const rj_linop *op, const rj_krylov_options *o, search *w)
{
    rj_status st = RJ_OK;
    const int limit = rj_krylov_limit(op->rows);

    w->o = o;
    w->eps = rj_matrix_epsilon(op->type);
    w->tolerance = o->tolerance > 0.0 ? o->tolerance : op->type == RJ_SINGLE ? 1e-4 : 1e-6;
    RJ_TRY(rj_lanczos_new(op, WIDTH, limit, o->seed, &w->p));
    RJ_NEW(w->value, limit, 1);
    RJ_NEW(w->old, limit, 1);
    RJ_NEW(w->z, limit, 2);
done:
    return st;
}

static void search_free(search *w)
{
    RJ_FREE(w->z);
    RJ_FREE(w->old);
    RJ_FREE(w->value);
    rj_lanczos_free(&w->p);
}

/* All of J, formed by products. */
static rj_status take_all(const rj_linop *op, int most, rj_topk *top)
{
    rj_status st = RJ_OK;
    rj_matrix jac = {.ld = 1};

    if (rj_linop_matrix(op) != NULL) return rj_topk_full(rj_linop_matrix(op), most, top);
    RJ_TRY(rj_matrix_new(op->type, op->rows, op->cols, &jac));
    RJ_TRY(rj_linop_form(op, FORM_WIDTH, &jac));
    RJ_TRY(rj_topk_full(&jac, most, top));
done:
    rj_matrix_free(&jac);
    return st;
}

rj_status rj_krylov_leading(const rj_linop *op, const rj_krylov_options *o, int *found, rj_topk *top)
{
    rj_status st = RJ_OK;
    const int d = op->rows;
    search w = {0};
    rj_topk mine = {0};

    RJ_REQUIRE(op->cols == d && 1 <= o->k && o->k <= o->most && o->most <= d, RJ_ERR_ARG,
               "%d triplets, at most %d, of J %dx%d: needs a square J and 1..%d", o->k, o->most, d, op->cols,
               d);
    RJ_REQUIRE(o->tolerance >= 0.0 && o->tolerance < 1.0, RJ_ERR_ARG, "tolerance %g, needs 0..1",
               o->tolerance);
    *found = 0;
    if (rj_krylov_least(o->k) > rj_krylov_limit(d)) goto done;
    RJ_TRY(search_new(op, o, &w));
    RJ_TRY(run(&w, &mine, found));
    if (*found) *top = mine, mine = (rj_topk){0};
done:
    search_free(&w);
    rj_topk_free(&mine);
    return st;
}

rj_status rj_topk_krylov(const rj_linop *op, const rj_krylov_options *o, rj_topk *top)
{
    rj_status st = RJ_OK;
    int found = 0;

    RJ_TRY(rj_krylov_leading(op, o, &found, top));
    if (!found) RJ_TRY(take_all(op, o->most, top));
done:
    return st;
}

rj_status rj_topk_of(const rj_matrix *jac, rj_svd_method method, const rj_krylov_options *options,
                     rj_topk *top)
{
    rj_status st = RJ_OK;
    const rj_linop op = rj_linop_dense(jac);
    double *column = NULL;

    RJ_REQUIRE(method == RJ_SVD_FULL || method == RJ_SVD_KRYLOV, RJ_ERR_ARG, "method %d of one rank",
               (int)method);
    if (method == RJ_SVD_FULL) {
        RJ_TRY(rj_topk_full(jac, options->most, top));
    } else {
        RJ_NEW(column, jac->rows, 1);
        RJ_TRY(rj_topk_require_finite(jac, column));
        RJ_TRY(rj_topk_krylov(&op, options, top));
    }
done:
    RJ_FREE(column);
    return st;
}
