/* experts.c: the tokens of an expert gathered, so that each expert's products are one panel's. Router and softmax in double. */
#include "resjac/model/experts.h"

#include <math.h>
#include <string.h>

#include "resjac/base/memory.h"
#include "resjac/linalg/blas.h"

void rj_experts_free(rj_experts *e)
{
    rj_linear_free(&e->router);
    for (int i = 0; i < e->n_expert && e->expert != NULL; i++) rj_mlp_free(&e->expert[i]);
    RJ_FREE(e->expert);
}

void rj_experts_point_free(rj_experts_point *point)
{
    for (int i = 0; i < point->n_used && point->point != NULL; i++) rj_mlp_point_free(&point->point[i]);
    RJ_FREE(point->point);
    RJ_FREE(point->chosen);
    RJ_FREE(point->weight);
    rj_matrix_free(&point->y);
    rj_matrix_free(&point->p);
}

/* Which experts all tokens go through, [n_used,T], and with what weight. */
typedef struct {
    int *chosen;
    double *weight;
    bool tie; /* at the token to linearise at */
} routes;

static void routes_free(routes *r)
{
    RJ_FREE(r->chosen);
    RJ_FREE(r->weight);
}

/* chosen <- the n_used largest of n logits, in descending order; of equal ones the first. */
static void choose(int n, int n_used, const double *logit, int *chosen)
{
    for (int k = 0; k < n_used; k++) {
        int best = -1;
        for (int e = 0; e < n; e++) {
            bool taken = false;
            for (int i = 0; i < k; i++) taken |= chosen[i] == e;
            if (!taken && (best < 0 || logit[e] > logit[best])) best = e;
        }
        chosen[k] = best;
    }
}

static void weigh(int n_used, const int *chosen, const double *logit, double *weight)
{
    double sum = 0.0;

    for (int k = 0; k < n_used; k++) sum += weight[k] = exp(logit[chosen[k]] - logit[chosen[0]]);
    for (int k = 0; k < n_used; k++) weight[k] /= sum;
}

/* Whether an expert that is not chosen is as good as the last that is. */
static bool is_tie(int n, int n_used, const int *chosen, const double *logit)
{
    double square = 0.0, next = -INFINITY;

    for (int e = 0; e < n; e++) {
        bool taken = false;
        for (int k = 0; k < n_used; k++) taken |= chosen[k] == e;
        if (!taken && logit[e] > next) next = logit[e];
        square += logit[e] * logit[e];
    }
    return n_used < n && logit[chosen[n_used - 1]] - next <= 1e-5 * sqrt(square / n);
}

static rj_status route(const rj_experts *e, const rj_matrix *y, int t, routes *r)
{
    rj_status st = RJ_OK;
    double *column = NULL, *logit = NULL;

    RJ_NEW(r->chosen, e->n_used, y->cols);
    RJ_NEW(r->weight, e->n_used, y->cols);
    RJ_NEW(column, y->rows, 1);
    RJ_NEW(logit, e->n_expert, 1);
    for (int j = 0; j < y->cols; j++) {
        int *chosen = r->chosen + (ptrdiff_t)j * e->n_used, bad = 0;
        rj_matrix_get_column(y, j, column);
        rj_matrix_times('T', &e->router.weight, column, logit);
        for (int i = 0; i < e->n_expert; i++) bad |= !(fabs(logit[i]) < INFINITY);
        RJ_REQUIRE(!bad, RJ_ERR_NUMERIC, "the router's logits of token %d are Inf or NaN", j);
        choose(e->n_expert, e->n_used, logit, chosen);
        weigh(e->n_used, chosen, logit, r->weight + (ptrdiff_t)j * e->n_used);
        if (j == t) r->tie = is_tie(e->n_expert, e->n_used, chosen, logit);
    }
done:
    RJ_FREE(logit);
    RJ_FREE(column);
    return st;
}

static rj_status point_new(const rj_experts *e, const rj_matrix *y, int t, const routes *r,
                           rj_experts_point *point)
{
    rj_status st = RJ_OK;
    const size_t n = (size_t)e->n_used, from = n * (size_t)t;
    double *mean = NULL, *column = NULL;
    rj_experts_point new = {.n_used = e->n_used, .kinks = r->tie, .y.ld = 1, .p.ld = 1};

    RJ_NEW(new.chosen, e->n_used, 1);
    RJ_NEW(new.weight, e->n_used, 1);
    RJ_NEW(new.point, e->n_used, 1);
    RJ_TRY(rj_matrix_new(y->type, y->rows, e->n_used, &new.y));
    RJ_TRY(rj_matrix_new(y->type, y->rows, e->n_used, &new.p));
    RJ_NEW(mean, y->rows, 1);
    RJ_NEW(column, y->rows, 1);
    memcpy(new.chosen, r->chosen + from, n * sizeof *new.chosen);
    memcpy(new.weight, r->weight + from, n * sizeof *new.weight);
    for (int k = 0; k < e->n_used; k++) { /* P(:,k) = w_k (Wr(k,:) - sum_i w_i Wr(i,:)) */
        rj_matrix_get_column(&e->router.weight, new.chosen[k], column);
        for (int i = 0; i < y->rows; i++) mean[i] += new.weight[k] * column[i];
    }
    for (int k = 0; k < e->n_used; k++) {
        rj_matrix_get_column(&e->router.weight, new.chosen[k], column);
        for (int i = 0; i < y->rows; i++) column[i] = new.weight[k] * (column[i] - mean[i]);
        rj_matrix_set_column(&new.p, k, column);
    }
    *point = new;
    new = (rj_experts_point){0};
done:
    RJ_FREE(column);
    RJ_FREE(mean);
    rj_experts_point_free(&new);
    return st;
}

/* Tokens that go through an expert: [n] of them, and as which of their choices. */
static int gather(const rj_experts *e, const routes *r, int T, int expert, int *token, int *choice)
{
    int n = 0;

    for (int j = 0; j < T; j++)
        for (int k = 0; k < e->n_used; k++)
            if (r->chosen[k + (ptrdiff_t)j * e->n_used] == expert) token[n] = j, choice[n++] = k;
    return n;
}

/* out(:,token) += weight mlp(y(:,token)) for the n tokens of an expert. */
static rj_status forward_one(const rj_experts *e, int expert, const routes *r, int n, const int *token,
                             const int *choice, const rj_matrix *y, rj_matrix *out, int t,
                             rj_experts_point *point)
{
    rj_status st = RJ_OK;
    rj_matrix in = {.ld = 1}, add = {.ld = 1};
    int at = -1;

    RJ_TRY(rj_matrix_new(y->type, y->rows, n, &in));
    RJ_TRY(rj_matrix_new(RJ_DOUBLE, out->rows, n, &add));
    for (int i = 0; i < n; i++) {
        const rj_matrix from = rj_matrix_block(y, 0, token[i], y->rows, 1);
        rj_matrix to = rj_matrix_block(&in, 0, i, y->rows, 1);
        rj_matrix_copy(&from, &to);
        if (token[i] == t) at = i;
    }
    rj_mlp_point *here = at >= 0 && point != NULL ? &point->point[choice[at]] : NULL;
    RJ_TRY(rj_mlp_forward(&e->expert[expert], &in, &add, at, here));
    for (int i = 0; i < n; i++) {
        const rj_matrix from = rj_matrix_block(&add, 0, i, out->rows, 1);
        rj_matrix to = rj_matrix_block(out, 0, token[i], out->rows, 1);
        rj_matrix_add(r->weight[choice[i] + (ptrdiff_t)token[i] * e->n_used], &from, &to);
    }
    if (here != NULL) {
        const rj_matrix from = rj_matrix_block(&add, 0, at, out->rows, 1);
        rj_matrix to = rj_matrix_block(&point->y, 0, choice[at], out->rows, 1);
        rj_matrix_copy(&from, &to);
        point->kinks += here->kinks;
    }
done:
    rj_matrix_free(&add);
    rj_matrix_free(&in);
    return st;
}

rj_status rj_experts_forward(const rj_experts *e, const rj_matrix *y, rj_matrix *out, int t,
                             rj_experts_point *point)
{
    rj_status st = RJ_OK;
    const int T = y->cols;
    routes r = {0};
    rj_experts_point new = {.y.ld = 1, .p.ld = 1};
    int *token = NULL;

    RJ_TRY(route(e, y, t, &r));
    if (point != NULL) RJ_TRY(point_new(e, y, t, &r, &new));
    RJ_NEW(token, T, 2);
    rj_matrix_fill(out, 0.0);
    for (int i = 0; i < e->n_expert; i++) {
        const int n = gather(e, &r, T, i, token, token + T);
        if (n == 0) continue;
        RJ_TRY(forward_one(e, i, &r, n, token, token + T, y, out, t, point != NULL ? &new : NULL));
    }
    if (point != NULL) *point = new, new = (rj_experts_point){0};
done:
    RJ_FREE(token);
    rj_experts_point_free(&new);
    routes_free(&r);
    return st;
}

/* out <- sum_k w_k (what an expert gives of x); back: of the transposed derivative. */
static rj_status sum_experts(const rj_experts *e, const rj_experts_point *point, bool back,
                             const rj_matrix *x, rj_matrix *out)
{
    rj_status st = RJ_OK;
    rj_matrix add = {.ld = 1};

    RJ_TRY(rj_matrix_new(x->type, out->rows, x->cols, &add));
    rj_matrix_fill(out, 0.0);
    for (int k = 0; k < e->n_used; k++) {
        const rj_mlp *m = &e->expert[point->chosen[k]];
        RJ_TRY(back ? rj_mlp_vjp(m, &point->point[k], x, &add) : rj_mlp_jvp(m, &point->point[k], x, &add));
        rj_matrix_add(point->weight[k], &add, out);
    }
done:
    rj_matrix_free(&add);
    return st;
}

/* out <- out + a (b' x), a and b of n_used columns */
static rj_status add_product(const rj_matrix *a, const rj_matrix *b, const rj_matrix *x, rj_matrix *out)
{
    rj_status st = RJ_OK;
    rj_matrix inner = {.ld = 1};

    RJ_TRY(rj_matrix_new(x->type, b->cols, x->cols, &inner));
    rj_gemm('T', 'N', 1.0, b, x, 0.0, &inner);
    rj_gemm('N', 'N', 1.0, a, &inner, 1.0, out);
done:
    rj_matrix_free(&inner);
    return st;
}

rj_status rj_experts_jvp(const rj_experts *e, const rj_experts_point *point, const rj_matrix *dy,
                         rj_matrix *dout)
{
    rj_status st = RJ_OK;

    RJ_TRY(sum_experts(e, point, false, dy, dout));
    RJ_TRY(add_product(&point->y, &point->p, dy, dout));
done:
    return st;
}

rj_status rj_experts_vjp(const rj_experts *e, const rj_experts_point *point, const rj_matrix *g,
                         rj_matrix *g_y)
{
    rj_status st = RJ_OK;

    RJ_TRY(sum_experts(e, point, true, g, g_y));
    RJ_TRY(add_product(&point->p, &point->y, g, g_y));
done:
    return st;
}

rj_status rj_experts_fold(const rj_experts *e, const rj_experts_point *point, int first, rj_matrix *fold)
{
    rj_status st = RJ_OK;
    rj_matrix add = {.ld = 1};

    RJ_TRY(rj_matrix_new(fold->type, fold->rows, fold->cols, &add));
    rj_matrix_fill(fold, 0.0);
    for (int k = 0; k < e->n_used; k++) {
        RJ_TRY(rj_mlp_fold(&e->expert[point->chosen[k]], &point->point[k], first, &add));
        rj_matrix_add(point->weight[k], &add, fold);
    }
    const rj_matrix p = rj_matrix_block(&point->p, first, 0, fold->cols, e->n_used);
    rj_gemm('N', 'T', 1.0, &point->y, &p, 1.0, fold);
done:
    rj_matrix_free(&add);
    return st;
}
