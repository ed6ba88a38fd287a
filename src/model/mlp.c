/* mlp.c: gated and plain MLP, JVP, VJP and folded map. Activations in double.
 * Forward 2 T d d_ff flops a weight, fold 2 d^2 d_ff and one pass over [d,d_ff] a weight of the first layer. */
#include "resjac/model/mlp.h"

#include <math.h>

#include "resjac/base/clones.h"
#include "resjac/base/memory.h"
#include "resjac/linalg/blas.h"

enum { TOKENS = 256, UNITS = 256 }; /* panels, so that scratch stays small and in cache */

void rj_mlp_free(rj_mlp *m)
{
    rj_linear_free(&m->gate);
    rj_linear_free(&m->up);
    rj_linear_free(&m->down);
}

void rj_mlp_point_free(rj_mlp_point *point)
{
    RJ_FREE(point->gate_slope);
    RJ_FREE(point->up_slope);
}

/* x <- column j of what a layer's product gave, and its bias */
static void take(const rj_linear *layer, const rj_matrix *product, int j, double *x)
{
    rj_matrix_get_column(product, j, x);
    for (int i = 0; layer->bias != NULL && i < product->rows; i++) x[i] += layer->bias[i];
}

/* h <- inner activations of one column; g: gate, u: up, biases included. */
RJ_CLONES static void activate(const rj_mlp *m, const double *restrict g, const double *restrict u,
                               double *restrict h)
{
    rj_activation_values(m->activation, m->d_ff, m->gated ? g : u, h);
    for (int i = 0; m->gated && i < m->d_ff; i++) h[i] *= u[i];
}

/* Units of x within 1e-5 of a kink at 0, relative to their root mean square. */
static int count_kinks(rj_activation a, int n, const double *x)
{
    double square = 0.0;
    int count = 0;

    if (a != RJ_ACT_RELU) return 0;
    for (int i = 0; i < n; i++) square += x[i] * x[i];
    for (int i = 0; i < n; i++) count += fabs(x[i]) <= 1e-5 * sqrt(square / n);
    return count;
}

static rj_status linearise(const rj_mlp *m, const double *g, const double *u, rj_mlp_point *point)
{
    rj_status st = RJ_OK;
    rj_mlp_point new = {.kinks = count_kinks(m->activation, m->d_ff, m->gated ? g : u)};

    RJ_NEW(new.up_slope, m->d_ff, 1);
    if (m->gated) RJ_NEW(new.gate_slope, m->d_ff, 1);
    for (int i = 0; i < m->d_ff; i++) {
        if (m->gated) {
            new.gate_slope[i] = rj_activation_slope(m->activation, g[i]) * u[i];
            new.up_slope[i] = rj_activation_value(m->activation, g[i]);
        } else {
            new.up_slope[i] = rj_activation_slope(m->activation, u[i]);
        }
    }
    *point = new;
    new = (rj_mlp_point){0};
done:
    rj_mlp_point_free(&new);
    return st;
}

/* Columns from..from+n-1; g and u [d_ff,n] are scratch in working arithmetic, inner [3 d_ff] in double. */
static rj_status forward_panel(const rj_mlp *m, const rj_matrix *y, rj_matrix *g, rj_matrix *u, double *inner,
                               rj_matrix *out, int t, rj_mlp_point *point)
{
    rj_status st = RJ_OK;
    const int n_ff = m->d_ff;
    double *gate = inner, *up = gate + n_ff, *h = up + n_ff;

    if (m->gated) rj_linear_jvp(&m->gate, y, g);
    rj_linear_jvp(&m->up, y, u);
    for (int j = 0; j < y->cols; j++) {
        if (m->gated) take(&m->gate, g, j, gate);
        take(&m->up, u, j, up);
        activate(m, gate, up, h);
        rj_matrix_set_column(u, j, h);
        if (j == t && point != NULL) RJ_TRY(linearise(m, gate, up, point));
    }
    RJ_TRY(rj_linear_forward(&m->down, u, out));
done:
    return st;
}

rj_status rj_mlp_forward(const rj_mlp *m, const rj_matrix *y, rj_matrix *out, int t, rj_mlp_point *point)
{
    rj_status st = RJ_OK;
    const int T = y->cols, most = T < TOKENS ? T : TOKENS;
    rj_matrix g = {.ld = 1}, u = {.ld = 1};
    rj_mlp_point new = {0};
    double *inner = NULL;

    RJ_TRY(rj_matrix_new_unset(y->type, m->gated ? m->d_ff : 0, most, &g));
    RJ_TRY(rj_matrix_new_unset(y->type, m->d_ff, most, &u));
    RJ_NEW(inner, m->d_ff, 3);
    for (int from = 0; from < T; from += most) {
        const int n = T - from < most ? T - from : most;
        const rj_matrix yn = rj_matrix_block(y, 0, from, y->rows, n);
        rj_matrix gn = rj_matrix_block(&g, 0, 0, g.rows, n), un = rj_matrix_block(&u, 0, 0, m->d_ff, n);
        rj_matrix to = rj_matrix_block(out, 0, from, out->rows, n);
        RJ_TRY(forward_panel(m, &yn, &gn, &un, inner, &to, t - from, point != NULL ? &new : NULL));
    }
    if (point != NULL) *point = new, new = (rj_mlp_point){0};
done:
    rj_mlp_point_free(&new);
    RJ_FREE(inner);
    rj_matrix_free(&u);
    rj_matrix_free(&g);
    return st;
}

rj_status rj_mlp_jvp(const rj_mlp *m, const rj_mlp_point *point, const rj_matrix *dy, rj_matrix *dout)
{
    rj_status st = RJ_OK;
    rj_matrix dg = {.ld = 1}, du = {.ld = 1};

    RJ_TRY(rj_matrix_new(dy->type, m->d_ff, dy->cols, &du));
    rj_linear_jvp(&m->up, dy, &du);
    rj_matrix_scale_rows(point->up_slope, &du);
    if (m->gated) {
        RJ_TRY(rj_matrix_new(dy->type, m->d_ff, dy->cols, &dg));
        rj_linear_jvp(&m->gate, dy, &dg);
        rj_matrix_scale_rows(point->gate_slope, &dg);
        rj_matrix_add(1.0, &dg, &du);
    }
    rj_linear_jvp(&m->down, &du, dout);
done:
    rj_matrix_free(&du);
    rj_matrix_free(&dg);
    return st;
}

rj_status rj_mlp_vjp(const rj_mlp *m, const rj_mlp_point *point, const rj_matrix *g, rj_matrix *g_y)
{
    rj_status st = RJ_OK;
    rj_matrix inner = {.ld = 1}, scaled = {.ld = 1};

    RJ_TRY(rj_matrix_new(g->type, m->d_ff, g->cols, &inner));
    RJ_TRY(rj_matrix_new(g->type, m->d_ff, g->cols, &scaled));
    rj_linear_vjp(&m->down, g, 0.0, &inner);
    rj_matrix_copy(&inner, &scaled);
    rj_matrix_scale_rows(point->up_slope, &scaled);
    rj_linear_vjp(&m->up, &scaled, 0.0, g_y);
    if (m->gated) {
        rj_matrix_scale_rows(point->gate_slope, &inner);
        rj_linear_vjp(&m->gate, &inner, 1.0, g_y);
    }
done:
    rj_matrix_free(&scaled);
    rj_matrix_free(&inner);
    return st;
}

/* h <- up up_row + gate gate_row, rounded once; gate_row NULL: without. */
RJ_CLONES static void combine_single(int n, double up, const float *up_row, double gate,
                                     const float *gate_row, float *h)
{
    if (gate_row == NULL)
        for (int r = 0; r < n; r++) h[r] = (float)(up * (double)up_row[r]);
    else
        for (int r = 0; r < n; r++) h[r] = (float)(up * (double)up_row[r] + gate * (double)gate_row[r]);
}

RJ_CLONES static void combine_double(int n, double up, const double *up_row, double gate,
                                     const double *gate_row, double *h)
{
    if (gate_row == NULL)
        for (int r = 0; r < n; r++) h[r] = up * up_row[r];
    else
        for (int r = 0; r < n; r++) h[r] = up * up_row[r] + gate * gate_row[r];
}

/* h [n,1] <- rows first..first+n-1 of column i of H': up_slope_i Wup(i,:) + gate_slope_i Wgate(i,:). */
static void fold_unit(const rj_mlp *m, const rj_mlp_point *point, int i, int first, rj_matrix *h)
{
    const rj_matrix up = rj_matrix_block(&m->up.weight, first, i, h->rows, 1);
    const rj_matrix gate = rj_matrix_block(&m->gate.weight, first, i, h->rows, 1);
    const double slope = m->gated ? point->gate_slope[i] : 0.0;

    if (h->type == RJ_SINGLE)
        combine_single(h->rows, point->up_slope[i], up.data, slope, m->gated ? gate.data : NULL, h->data);
    else
        combine_double(h->rows, point->up_slope[i], up.data, slope, m->gated ? gate.data : NULL, h->data);
}

rj_status rj_mlp_fold(const rj_mlp *m, const rj_mlp_point *point, int first, rj_matrix *fold)
{
    rj_status st = RJ_OK;
    const int columns = fold->cols;
    rj_matrix h = {.ld = 1};

    RJ_TRY(rj_matrix_new_unset(fold->type, columns, UNITS, &h));
    for (int from = 0; from < m->d_ff; from += UNITS) {
        const int n = m->d_ff - from < UNITS ? m->d_ff - from : UNITS;
        const rj_matrix hn = rj_matrix_block(&h, 0, 0, columns, n);
        const rj_matrix down = rj_matrix_block(&m->down.weight, from, 0, n, m->down.weight.cols);
        for (int i = 0; i < n; i++) {
            rj_matrix column = rj_matrix_block(&h, 0, i, columns, 1);
            fold_unit(m, point, from + i, first, &column);
        }
        rj_gemm('T', 'T', 1.0, &down, &hn, from == 0 ? 0.0 : 1.0, fold); /* += Wdown(:,units) H(units,:) */
    }
done:
    rj_matrix_free(&h);
    return st;
}
