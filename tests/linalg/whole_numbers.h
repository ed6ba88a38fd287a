/* whole_numbers.h: products of small whole numbers in single arithmetic, which are exact in any order of their sums. */
#ifndef WHOLE_NUMBERS_H
#define WHOLE_NUMBERS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <math.h>

#include <cmocka.h>

#include "resjac/base/memory.h"
#include "resjac/linalg/blas.h"

static inline float *at(const rj_matrix *m, int i, int j)
{
    return (float *)m->data + i + (ptrdiff_t)j * m->ld;
}

/* A view into a matrix of NAN; entries -3..3, not periodic in step with any size. */
static inline rj_matrix filled(rj_matrix *owner, int rows, int cols, int salt)
{
    assert_int_equal(rj_matrix_new(RJ_SINGLE, rows + 3, cols + 1, owner), RJ_OK);
    rj_matrix_fill(owner, NAN);
    const rj_matrix view = rj_matrix_block(owner, 2, 1, rows, cols);
    for (int j = 0; j < cols; j++)
        for (int i = 0; i < rows; i++)
            *at(&view, i, j) = (float)((i * i + 5 * j * j + 3 * i * j + salt) % 7 - 3);
    return view;
}

/* alpha op(a) b + beta c, [m,n] with k terms; c is NAN where beta is 0: it must not be read. */
typedef struct {
    rj_matrix owner[3], a, b, c, expected;
} product;

static inline product product_begin(char op, int m, int n, int k, double alpha, double beta)
{
    product p;

    p.a = op == 'N' ? filled(&p.owner[0], m, k, 1) : filled(&p.owner[0], k, m, 1);
    p.b = filled(&p.owner[1], k, n, 2);
    p.c = filled(&p.owner[2], m, n, 3);
    assert_int_equal(rj_matrix_new(RJ_DOUBLE, m, n, &p.expected), RJ_OK);
    for (int j = 0; j < n; j++)
        for (int i = 0; i < m; i++) {
            double sum = 0;
            for (int l = 0; l < k; l++)
                sum += (op == 'N' ? *at(&p.a, i, l) : *at(&p.a, l, i)) * *at(&p.b, l, j);
            ((double *)p.expected.data)[i + j * m] = alpha * sum + beta * *at(&p.c, i, j);
            if (beta == 0) *at(&p.c, i, j) = NAN;
        }
    return p;
}

static inline bool product_is(const product *p, const rj_matrix *c)
{
    for (int j = 0; j < c->cols; j++)
        for (int i = 0; i < c->rows; i++)
            if (*at(c, i, j) != ((double *)p->expected.data)[i + j * c->rows]) return false;
    return true;
}

/* Nothing was written beside c. */
static inline void product_end(product *p)
{
    const int m = p->c.rows;

    assert_true(isnan(*at(&p->owner[2], 1, 1)) && isnan(*at(&p->owner[2], m + 2, 1)) &&
                isnan(*at(&p->owner[2], 2, 0)));
    rj_matrix_free(&p->expected);
    for (int i = 0; i < 3; i++) rj_matrix_free(&p->owner[i]);
}
#endif
