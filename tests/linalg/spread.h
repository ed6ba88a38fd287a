/* spread.h: whole matrices that every rank knows, and their panels on a grid. */
#ifndef SPREAD_H
#define SPREAD_H

#include "rj_test.h"

#include <math.h>
#include <stdlib.h>

#include "resjac/base/rng.h"
#include "resjac/linalg/blas.h"
#include "resjac/linalg/dmat.h"
#include "resjac/linalg/topk.h"

/* Every grid of these that the ranks allow, once each. */
typedef struct {
    int n_row, n_col;
} spread_shape;
static const spread_shape spread_shapes[] = {{1, 1}, {2, 1}, {1, 2}, {3, 1}, {2, 2}};
enum { SPREAD_SHAPES = 5 };

static inline bool spread_fits(int shape)
{
    return spread_shapes[shape].n_row * spread_shapes[shape].n_col <= rj_test_size;
}

static inline rj_grid *spread_grid(int shape)
{
    rj_grid *grid = NULL;
    assert_all(rj_grid_create(rj_test_comm, spread_shapes[shape].n_row, spread_shapes[shape].n_col, &grid) ==
               RJ_OK);
    return grid;
}

/* Standard normals. */
static inline rj_matrix spread_normal(rj_arithmetic type, int m, int n, uint64_t seed)
{
    const rj_rng rng = rj_rng_open(seed, "spread");
    rj_matrix a;
    double column[512];
    assert_true(m <= 512);
    assert_int_equal(rj_matrix_new(type, m, n, &a), RJ_OK);
    for (int j = 0; j < n; j++) {
        rj_rng_normals(&rng, (uint64_t)(1000 * j), (uint64_t)m, column);
        rj_matrix_set_column(&a, j, column);
    }
    return a;
}

/* X <- H X, H = I - 2 w w' / w'w */
static inline void spread_reflect(const double *w, rj_matrix *x)
{
    double *y = calloc((size_t)x->cols, sizeof *y), square = 0;
    assert_non_null(y);
    for (int i = 0; i < x->rows; i++) square += w[i] * w[i];
    rj_matrix_times('T', x, w, y);
    rj_matrix_rank1(-2 / square, w, y, x);
    free(y);
}

/* J = H_1 diag(s) H_2 with s_i = 1/(1 + i): gaps of at least 2 % of s_1 among the first six. */
static inline rj_matrix spread_known(rj_arithmetic type, int d)
{
    rj_matrix exact, turned, w = spread_normal(RJ_DOUBLE, d, 2, 11), jac;
    assert_int_equal(rj_matrix_new(RJ_DOUBLE, d, d, &exact), RJ_OK);
    assert_int_equal(rj_matrix_new(RJ_DOUBLE, d, d, &turned), RJ_OK);
    assert_int_equal(rj_matrix_new(type, d, d, &jac), RJ_OK);
    for (int i = 0; i < d; i++) ((double *)exact.data)[i + (ptrdiff_t)i * d] = 1.0 / (1 + i);
    spread_reflect(w.data, &exact);
    rj_matrix_transpose(&exact, &turned);
    spread_reflect((double *)w.data + d, &turned);
    rj_matrix_transpose(&turned, &jac);
    rj_matrix_free(&w);
    rj_matrix_free(&turned);
    rj_matrix_free(&exact);
    return jac;
}

/* ||J v_i - s_i u_i|| / s_1 (op 'N') or ||J' u_i - s_i v_i|| / s_1 (op 'T') in double, from the frames as they are. */
static inline double spread_residual(char op, const rj_matrix *jac, const rj_topk *top, int i)
{
    double x[512], y[512], w[512], squares = 0;
    rj_matrix_get_column(op == 'N' ? &top->v : &top->u, i, x);
    rj_matrix_get_column(op == 'N' ? &top->u : &top->v, i, y);
    rj_matrix_times(op, jac, x, w);
    for (int r = 0; r < top->d; r++) squares += pow((w[r] - top->s[i] * y[r]) / top->s[0], 2);
    return sqrt(squares);
}

static inline rj_dmat spread_matrix(const rj_grid *grid, const rj_matrix *whole, int nb)
{
    rj_dmat a;
    int first = 0, count = 0;
    assert_all(rj_dmat_new(grid, whole->type, whole->rows, whole->cols, nb, &a) == RJ_OK);
    rj_dmat_panel(grid, whole->cols, &first, &count);
    const rj_matrix panel = rj_matrix_block(whole, 0, first, whole->rows, count);
    assert_all(rj_dmat_from_panels(&panel, &a) == RJ_OK);
    return a;
}

static inline double spread_element(const rj_matrix *a, int i, int j)
{
    const rj_matrix one = rj_matrix_block(a, i, j, 1, 1);
    double value = 0;
    rj_matrix_get_column(&one, 0, &value);
    return value;
}
#endif
