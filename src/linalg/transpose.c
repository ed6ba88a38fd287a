/* transpose.c: tiles of 8 x 8, two below each other in a, so that a cache line of either side is used up while it is there. */
#include "transpose.h"

#include "eight.h"
#include "resjac/base/clones.h"

enum { TILE = RJ_EIGHT, ROWS = 2 * TILE };

/* Elements of pairs, then pairs of quadruples, then halves change places. */
__attribute__((always_inline)) static inline void turn(const float *a, ptrdiff_t lda, float *b, ptrdiff_t ldb)
{
    rj_eight x[TILE], y[TILE];

    for (int i = 0; i < TILE; i++) x[i] = *(const rj_eight *)(a + i * lda);
    for (int i = 0; i < TILE; i += 2) {
        y[i] = RJ_PICK(x[i], x[i + 1], 0, 8, 2, 10, 4, 12, 6, 14);
        y[i + 1] = RJ_PICK(x[i], x[i + 1], 1, 9, 3, 11, 5, 13, 7, 15);
    }
    for (int i = 0; i < TILE; i += i % 4 == 1 ? 3 : 1) {
        x[i] = RJ_PICK(y[i], y[i + 2], 0, 1, 8, 9, 4, 5, 12, 13);
        x[i + 2] = RJ_PICK(y[i], y[i + 2], 2, 3, 10, 11, 6, 7, 14, 15);
    }
    for (int i = 0; i < TILE / 2; i++) {
        *(rj_eight *)(b + i * ldb) = RJ_PICK(x[i], x[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
        *(rj_eight *)(b + (i + 4) * ldb) = RJ_PICK(x[i], x[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    }
}

/* Rows first..last-1 and columns from..to-1 of a, one by one. */
static void edge(const rj_matrix *a, rj_matrix *b, int first, int last, int from, int to)
{
    for (int i = first; i < last; i++)
        for (int j = from; j < to; j++)
            ((float *)b->data)[j + (ptrdiff_t)i * b->ld] = ((const float *)a->data)[i + (ptrdiff_t)j * a->ld];
}

RJ_CLONES void rj_transpose_single(const rj_matrix *a, rj_matrix *b)
{
    const int rows = a->rows - a->rows % ROWS, cols = a->cols - a->cols % TILE;

    for (int i = 0; i < rows; i += ROWS)
        for (int j = 0; j < cols; j += TILE) {
            const float *from = (const float *)a->data + i + (ptrdiff_t)j * a->ld;
            float *to = (float *)b->data + j + (ptrdiff_t)i * b->ld;
            for (int k = ROWS; k < 2 * ROWS && i + k < rows;
                 k++) /* lines of b come from far away: those of the next tiles */
                __builtin_prefetch(to + k * (ptrdiff_t)b->ld, 1);
            turn(from, a->ld, to, b->ld);
            turn(from + TILE, a->ld, to + (ptrdiff_t)TILE * b->ld, b->ld);
        }
    edge(a, b, 0, rows, cols, a->cols);
    edge(a, b, rows, a->rows, 0, a->cols);
}
