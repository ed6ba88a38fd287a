/* narrow.c: one vector holds the eight results of a row; elements of the large factor are broadcast, so that its rows and its
 * columns are read by the same loop. Compiled with contraction: a product and a sum are one operation where the
 * processor has it (CMakeLists.txt). */
#include "narrow.h"

#include <stddef.h>

#include "resjac/base/clones.h"

/* Rows side by side: their sums, b and one broadcast fill the vector registers. Columns of a are far apart in memory, and more
 * than eight of them in step would share cache sets where their distance is a power of two. */
enum { ROWS = 12, COLUMNS = 8, TERMS = 512, AHEAD = 24 };

typedef float eight __attribute__((vector_size(RJ_NARROW * sizeof(float)), aligned(sizeof(float))));

/* The large factor: element (i,l) of op(a) is at[i * row + l * term]. */
typedef struct {
    const float *at;
    ptrdiff_t row, term;
} factor;

/* c[i + 8 columns] <- alpha sum + beta c for n <= ROWS rows and one run of terms; packed: b, its rows one after the other */
__attribute__((always_inline)) static inline void tile(int n, int terms, factor a, const float *packed,
                                                       float alpha, float beta, float *c, ptrdiff_t ld)
{
    eight sum[ROWS] = {{0}};

    for (int l = 0; l < terms; l++) {
        const eight b = *(const eight *)(packed + (ptrdiff_t)l * RJ_NARROW);
        const float *column = a.at + l * a.term;
        if (a.row == 1)
            __builtin_prefetch(column + AHEAD); /* of the next rows; columns are read in order anyway */
        for (int i = 0; i < n; i++) sum[i] += column[i * a.row] * b;
    }
    for (int i = 0; i < n; i++)
        for (int j = 0; j < RJ_NARROW; j++) {
            float *to = c + i + j * ld;
            *to = alpha * sum[i][j] + (beta == 0.0F ? 0.0F : beta * *to);
        }
}

static void pack(const rj_matrix *b, int first, int n, float *packed)
{
    for (int j = 0; j < RJ_NARROW; j++) {
        const float *column = (const float *)b->data + first + (ptrdiff_t)j * b->ld;
        for (int l = 0; l < n; l++) packed[(ptrdiff_t)l * RJ_NARROW + j] = column[l];
    }
}

RJ_CLONES_FMA void rj_narrow_product(char op, float alpha, const rj_matrix *a, const rj_matrix *b, float beta,
                                     rj_matrix *c)
{
    const int m = c->rows;
    const ptrdiff_t ld = a->ld;
    float packed[TERMS * RJ_NARROW], *to = c->data;

    for (int first = 0; first < b->rows; first += TERMS) {
        const int n = b->rows - first < TERMS ? b->rows - first : TERMS;
        const float keep = first == 0 ? beta : 1.0F, *at = a->data;
        int i = 0;
        pack(b, first, n, packed);
        if (op == 'N') {
            at += first * ld;
            for (; m - i >= ROWS; i += ROWS)
                tile(ROWS, n, (factor){at + i, 1, ld}, packed, alpha, keep, to + i, c->ld);
            for (; i < m; i++) tile(1, n, (factor){at + i, 1, ld}, packed, alpha, keep, to + i, c->ld);
        } else {
            at += first;
            for (; m - i >= COLUMNS; i += COLUMNS)
                tile(COLUMNS, n, (factor){at + i * ld, ld, 1}, packed, alpha, keep, to + i, c->ld);
            for (; i < m; i++) tile(1, n, (factor){at + i * ld, ld, 1}, packed, alpha, keep, to + i, c->ld);
        }
    }
}
