/* spread.h: whole matrices that every rank knows, and their panels on a grid. */
#ifndef SPREAD_H
#define SPREAD_H

#include "rj_test.h"

#include "resjac/base/rng.h"
#include "resjac/linalg/blas.h"
#include "resjac/linalg/dmat.h"

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
