/* narrow.c: where the processor has vectors of sixteen, one of them holds a piece of a column of the large factor, which meets
 * eight numbers or eight pieces of the small one. Else one of eight holds the results of a row; elements of the large factor are
 * broadcast, so that its rows and its columns are read by the same loop. Compiled with contraction: a product and a sum
 * are one operation where the processor has it (CMakeLists.txt). */
#include "narrow.h"

#include <stddef.h>

#include "eight.h"
#include "resjac/base/clones.h"

/* Rows side by side: their sums, b and one broadcast fill the vector registers. Columns of a are far apart in memory, and more
 * than eight of them in step would share cache sets where their distance is a power of two. */
enum { ROWS = 12, COLUMNS = 8, TERMS = 512, AHEAD = 24 };

/* The large factor: element (i,l) of op(a) is at[i * row + l * term]. */
typedef struct {
    const float *at;
    ptrdiff_t row, term;
} factor;

/* c[i + 8 columns] <- alpha sum + beta c for n <= ROWS rows and one run of terms; packed: b, its rows one after the other */
__attribute__((always_inline)) static inline void tile(int n, int terms, factor a, const float *packed,
                                                       float alpha, float beta, float *c, ptrdiff_t ld)
{
    rj_eight sum[ROWS] = {{0}};

    for (int l = 0; l < terms; l++) {
        const rj_eight b = *(const rj_eight *)(packed + (ptrdiff_t)l * RJ_NARROW);
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

RJ_CLONES_FMA void rj_narrow_by_rows(char op, float alpha, const rj_matrix *a, const rj_matrix *b, float beta,
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

#ifdef RJ_SIXTEEN
/* DEEP columns of a piece of rows, and the next piece's, stay in the cache; LONG numbers of a column meet eight of the small factor
 * that stay in the first one. From NEAR numbers on, read again from beyond the second cache, columns go faster by rows. */
enum { WIDE = 16, DEEP = 128, LONG = 768, NEAR = 1 << 20 };

typedef float sixteen __attribute__((vector_size(WIDE * sizeof(float)), aligned(sizeof(float))));

/* c[i + 8 columns] <- alpha sum + beta c for WIDE n <= 2 WIDE rows of a and one run of terms: three times WIDE do not fit into the
 * registers */
__attribute__((always_inline)) static inline void rows_tile(int n, int terms, const float *a, ptrdiff_t lda,
                                                            const float *packed, float alpha, float beta,
                                                            float *c, ptrdiff_t ld)
{
    sixteen sum[2][RJ_NARROW] = {{{0}}};

    for (int l = 0; l < terms; l++, a += lda, packed += RJ_NARROW)
        for (int i = 0; i < n; i++) {
            const sixteen x = *(const sixteen *)(a + (ptrdiff_t)i * WIDE);
            __builtin_prefetch(a + (ptrdiff_t)(n + i) * WIDE); /* of the next rows */
            for (int j = 0; j < RJ_NARROW; j++) sum[i][j] += x * packed[j];
        }
    for (int j = 0; j < RJ_NARROW; j++)
        for (int i = 0; i < n; i++) {
            sixteen *to = (sixteen *)(c + (ptrdiff_t)i * WIDE + j * ld);
            *to = beta == 0.0F ? alpha * sum[i][j] : alpha * sum[i][j] + beta * *to;
        }
}

/* A sum in order: of a last row, or of the last terms of a column. */
__attribute__((always_inline)) static inline float rest(int from, int to, const float *a, ptrdiff_t step,
                                                        const float *b)
{
    float sum = 0.0F;
    for (int l = from; l < to; l++) sum += a[l * step] * b[l];
    return sum;
}

RJ_SIXTEEN static void wide_rows(float alpha, const rj_matrix *a, const rj_matrix *b, float beta,
                                 rj_matrix *c)
{
    const int m = c->rows;
    const float *x = b->data;
    float packed[DEEP * RJ_NARROW], *to = c->data;
    int i = 0;

    for (int first = 0; first < b->rows; first += DEEP) {
        const int n = b->rows - first < DEEP ? b->rows - first : DEEP;
        const float keep = first == 0 ? beta : 1.0F, *at = (const float *)a->data + (ptrdiff_t)first * a->ld;
        pack(b, first, n, packed);
        for (i = 0; m - i >= 2 * WIDE; i += 2 * WIDE)
            rows_tile(2, n, at + i, a->ld, packed, alpha, keep, to + i, c->ld);
        for (; m - i >= WIDE; i += WIDE) rows_tile(1, n, at + i, a->ld, packed, alpha, keep, to + i, c->ld);
    }
    for (; i < m; i++)
        for (int j = 0; j < RJ_NARROW; j++) {
            float *one = to + i + (ptrdiff_t)j * c->ld;
            const float sum = rest(0, b->rows, (const float *)a->data + i, a->ld, x + (ptrdiff_t)j * b->ld);
            *one = alpha * sum + (beta == 0.0F ? 0.0F : beta * *one);
        }
}

typedef int picks __attribute__((vector_size(WIDE * sizeof(int))));
#define MEET(x, y, ...) __builtin_shuffle(x, y, (picks){__VA_ARGS__})

/* v[0] <- the sums of the sixteen vectors, in their order */
__attribute__((always_inline)) static inline void add_across(sixteen *v)
{
    for (int i = 0; i < 8; i++)
        v[i] = MEET(v[2 * i], v[2 * i + 1], 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23) +
               MEET(v[2 * i], v[2 * i + 1], 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
    for (int i = 0; i < 4; i++)
        v[i] = MEET(v[2 * i], v[2 * i + 1], 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27) +
               MEET(v[2 * i], v[2 * i + 1], 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
    for (int i = 0; i < 2; i++)
        v[i] = MEET(v[2 * i], v[2 * i + 1], 0, 1, 4, 5, 8, 9, 12, 13, 16, 17, 20, 21, 24, 25, 28, 29) +
               MEET(v[2 * i], v[2 * i + 1], 2, 3, 6, 7, 10, 11, 14, 15, 18, 19, 22, 23, 26, 27, 30, 31);
    v[0] = MEET(v[0], v[1], 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30) +
           MEET(v[0], v[1], 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
}

/* c[i + 8 columns] <- alpha a_i'b + beta c for n <= 2 columns of a and one run of terms */
__attribute__((always_inline)) static inline void columns_tile(int n, int terms, const float *a,
                                                               ptrdiff_t lda, const float *b, ptrdiff_t ldb,
                                                               float alpha, float beta, float *c,
                                                               ptrdiff_t ld)
{
    const int whole = terms / WIDE * WIDE;
    sixteen sum[2 * RJ_NARROW] = {{0}};
    float all[2 * RJ_NARROW];

    for (int l = 0; l < whole; l += WIDE)
        for (int j = 0; j < RJ_NARROW; j++) {
            sixteen piece = *(const sixteen *)(b + l + j * ldb);
            __asm__(""
                    : "+v"(piece)); /* stays in a register: gcc loads it for each use, which takes longer */
            for (int i = 0; i < n; i++) sum[i * RJ_NARROW + j] += *(const sixteen *)(a + l + i * lda) * piece;
        }
    add_across(sum);
    *(sixteen *)all = sum[0];
    for (int i = 0; i < n && whole < terms; i++)
        for (int j = 0; j < RJ_NARROW; j++)
            all[i * RJ_NARROW + j] += rest(whole, terms, a + i * lda, 1, b + j * ldb);
    for (int i = 0; i < n; i++)
        for (int j = 0; j < RJ_NARROW; j++) {
            float *to = c + i + j * ld;
            *to = alpha * all[i * RJ_NARROW + j] + (beta == 0.0F ? 0.0F : beta * *to);
        }
}

RJ_SIXTEEN static void wide_columns(float alpha, const rj_matrix *a, const rj_matrix *b, float beta,
                                    rj_matrix *c)
{
    const int m = c->rows;
    float *to = c->data;

    for (int first = 0; first < b->rows; first += LONG) {
        const int n = b->rows - first < LONG ? b->rows - first : LONG;
        const float keep = first == 0 ? beta : 1.0F, *at = (const float *)a->data + first,
                    *x = (const float *)b->data + first;
        ptrdiff_t i = 0;
        for (; m - i >= 2; i += 2)
            columns_tile(2, n, at + i * a->ld, a->ld, x, b->ld, alpha, keep, to + i, c->ld);
        for (; i < m; i++) columns_tile(1, n, at + i * a->ld, a->ld, x, b->ld, alpha, keep, to + i, c->ld);
    }
}
#endif

void rj_narrow_product(char op, float alpha, const rj_matrix *a, const rj_matrix *b, float beta, rj_matrix *c)
{
#ifdef RJ_SIXTEEN
    const int near = (ptrdiff_t)a->ld * a->cols < NEAR;
    if (__builtin_cpu_supports("avx512f") && (op == 'N' || near)) {
        (op == 'N' ? wide_rows : wide_columns)(alpha, a, b, beta, c);
        return;
    }
#endif
    rj_narrow_by_rows(op, alpha, a, b, beta, c);
}
