/* dots.c: columns of both factors are run through by vectors of eight terms, so that nothing is packed and nothing broadcast; the
 * lanes of the sums are added at the end. Compiled with contraction: a product and a sum are one operation where the processor has
 * it (CMakeLists.txt). */
#include "dots.h"

#include <stddef.h>

#include "eight.h"
#include "resjac/base/clones.h"

/* A tile's sums, a column of a and one of b each fill the sixteen vector registers. */
enum { LANES = RJ_EIGHT, ROWS = 3, COLUMNS = 4, TERMS = 1024 };

typedef float four __attribute__((vector_size(4 * sizeof(float)), aligned(sizeof(float))));
/* A run of terms of some columns of a and b, and where their products go. */
typedef struct {
    const float *a, *b;
    float *c;
    ptrdiff_t lda, ldb, ldc;
    int terms;
    float alpha, beta;
} run;

/* Element j: the sum of the lanes of s[j]. */
__attribute__((always_inline)) static inline four lane_sums(const rj_eight s[COLUMNS])
{
    const rj_eight x =
        RJ_PICK(s[0], s[1], 0, 8, 2, 10, 4, 12, 6, 14) + RJ_PICK(s[0], s[1], 1, 9, 3, 11, 5, 13, 7, 15);
    const rj_eight y =
        RJ_PICK(s[2], s[3], 0, 8, 2, 10, 4, 12, 6, 14) + RJ_PICK(s[2], s[3], 1, 9, 3, 11, 5, 13, 7, 15);
    const rj_eight z = RJ_PICK(x, y, 0, 1, 8, 9, 4, 5, 12, 13) + RJ_PICK(x, y, 2, 3, 10, 11, 6, 7, 14, 15);
    return (four){z[0], z[1], z[2], z[3]} + (four){z[4], z[5], z[6], z[7]};
}

__attribute__((always_inline)) static inline void put(const run *r, float sum, float *to)
{
    *to = r->alpha * sum + (r->beta == 0.0F ? 0.0F : r->beta * *to);
}

/* Rows 0..m-1 and columns 0..n-1 of the run; m <= ROWS, n <= COLUMNS; of the next m rows first..last-1 are fetched meanwhile. */
__attribute__((always_inline)) static inline void tile(const run *r, int m, int n, int first, int last)
{
    rj_eight sum[ROWS][COLUMNS] = {{{0}}};
    float rest[ROWS][COLUMNS] = {{0}};
    int l = 0;

    for (; l + LANES <= r->terms; l += LANES) {
        for (int i = first; i < last; i++) __builtin_prefetch(r->a + (m + i) * r->lda + l);
        for (int j = 0; j < n; j++) {
            const rj_eight b = *(const rj_eight *)(r->b + j * r->ldb + l);
            for (int i = 0; i < m; i++) sum[i][j] += *(const rj_eight *)(r->a + i * r->lda + l) * b;
        }
    }
    for (; l < r->terms; l++)
        for (int j = 0; j < n; j++)
            for (int i = 0; i < m; i++) rest[i][j] += r->a[i * r->lda + l] * r->b[j * r->ldb + l];
    for (int i = 0; i < m; i++) {
        const four s = lane_sums(sum[i]);
        for (int j = 0; j < n; j++) put(r, s[j] + rest[i][j], r->c + i + j * r->ldc);
    }
}

__attribute__((always_inline)) static inline void next_columns(run *r)
{
    r->b += COLUMNS * r->ldb;
    r->c += COLUMNS * r->ldc;
}

/* The rows of one tile, all n columns. The next rows come from far away: where there are tiles enough, one at a time. */
__attribute__((always_inline)) static inline void stripe(run r, int m, int n)
{
    int j = 0;

    if (n >= 3 * COLUMNS - 2) {
        tile(&r, m, COLUMNS, 0, 1);
        next_columns(&r);
        tile(&r, m, COLUMNS, m > 1 ? 1 : 0, m > 1 ? 2 : 0);
        next_columns(&r);
        j = 2 * COLUMNS;
    } else if (n >= COLUMNS) {
        tile(&r, m, COLUMNS, 0, m);
        next_columns(&r);
        j = COLUMNS;
    }
    for (; j + COLUMNS <= n; j += COLUMNS) {
        tile(&r, m, COLUMNS, m - 1, m);
        next_columns(&r);
    }
    if (n - j == 3) tile(&r, m, 3, 0, m);
    if (n - j == 2) tile(&r, m, 2, 0, m);
    if (n - j == 1) tile(&r, m, 1, 0, m);
}

RJ_CLONES_FMA void rj_dots_product(float alpha, const rj_matrix *a, const rj_matrix *b, float beta,
                                   rj_matrix *c)
{
    for (int first = 0; first < a->rows; first += TERMS) {
        const float *at = (const float *)a->data + first;
        run r = {.b = (const float *)b->data + first,
                 .c = c->data,
                 .lda = a->ld,
                 .ldb = b->ld,
                 .ldc = c->ld,
                 .terms = a->rows - first < TERMS ? a->rows - first : TERMS,
                 .alpha = alpha,
                 .beta = first == 0 ? beta : 1.0F};
        int i = 0;
        for (; i + ROWS <= c->rows; i += ROWS, r.c += ROWS) {
            r.a = at + i * r.lda;
            stripe(r, ROWS, c->cols);
        }
        for (; i < c->rows; i++, r.c++) {
            r.a = at + i * r.lda;
            stripe(r, 1, c->cols);
        }
    }
}
