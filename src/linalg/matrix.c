/* matrix.c: passes over whole columns; each function looks at the arithmetic once, outside its loops. */
#include "resjac/linalg/matrix.h"

#include <float.h>
#include <limits.h>
#include <math.h>

#include "resjac/base/clones.h"
#include "resjac/base/memory.h"
#include "transpose.h"

/* The statements with `real` as the element type of the arithmetic: loops are written once for both. */
#define WITH_TYPE(type, real, ...)                                                                           \
    do {                                                                                                     \
        if ((type) == RJ_SINGLE) {                                                                           \
            typedef float real;                                                                              \
            __VA_ARGS__                                                                                      \
        } else {                                                                                             \
            typedef double real;                                                                             \
            __VA_ARGS__                                                                                      \
        }                                                                                                    \
    } while (0)

/* Eight partial sums, so that long sums are vectorised in an order that the source fixes. */
enum { LANES = 8, CHUNK = 512, TILE = 8 };

static ptrdiff_t column(const rj_matrix *m, int j)
{
    return (ptrdiff_t)j * m->ld;
}

size_t rj_matrix_element(rj_arithmetic type)
{
    return type == RJ_SINGLE ? sizeof(float) : sizeof(double);
}

double rj_matrix_epsilon(rj_arithmetic type)
{
    return type == RJ_SINGLE ? (double)FLT_EPSILON : DBL_EPSILON;
}

/* By rj_alloc or its like. */
static rj_status new_by(rj_status (*alloc)(void **p, ptrdiff_t rows, ptrdiff_t cols, size_t size,
                                           const char *file, int line),
                        rj_arithmetic type, ptrdiff_t rows, ptrdiff_t cols, rj_matrix *m)
{
    rj_status st = RJ_OK;
    void *data = NULL;

    RJ_REQUIRE(rows <= INT_MAX && cols <= INT_MAX, RJ_ERR_NOMEM, "matrix %td x %td: a side is at most %d",
               rows, cols, INT_MAX);
    RJ_TRY(alloc(&data, rows, cols, rj_matrix_element(type), __FILE__, __LINE__));
    *m = (rj_matrix){type, (int)rows, (int)cols, rows > 0 ? (int)rows : 1, data};
done:
    return st;
}

rj_status rj_matrix_new(rj_arithmetic type, ptrdiff_t rows, ptrdiff_t cols, rj_matrix *m)
{
    return new_by(rj_alloc, type, rows, cols, m);
}

rj_status rj_matrix_new_unset(rj_arithmetic type, ptrdiff_t rows, ptrdiff_t cols, rj_matrix *m)
{
    return new_by(rj_alloc_unset, type, rows, cols, m);
}

void rj_matrix_free(rj_matrix *m)
{
    rj_free(m->data);
    *m = (rj_matrix){.type = m->type, .ld = 1};
}

rj_matrix rj_matrix_block(const rj_matrix *m, int r, int c, int n_rows, int n_cols)
{
    rj_matrix view = {m->type, n_rows, n_cols, m->ld, m->data};
    if (m->data != NULL)
        view.data = (char *)m->data + (size_t)(r + column(m, c)) * rj_matrix_element(m->type);
    return view;
}

RJ_CLONES void rj_matrix_get_column(const rj_matrix *m, int j, double *x)
{
    WITH_TYPE(m->type, real, {
        const real *a = (const real *)m->data + column(m, j);
        for (int i = 0; i < m->rows; i++) x[i] = (double)a[i];
    });
}

RJ_CLONES void rj_matrix_set_column(rj_matrix *m, int j, const double *x)
{
    WITH_TYPE(m->type, real, {
        real *a = (real *)m->data + column(m, j);
        for (int i = 0; i < m->rows; i++) a[i] = (real)x[i];
    });
}

void rj_matrix_fill(rj_matrix *m, double value)
{
    WITH_TYPE(m->type, real, {
        for (int j = 0; j < m->cols; j++) {
            real *a = (real *)m->data + column(m, j);
            for (int i = 0; i < m->rows; i++) a[i] = (real)value;
        }
    });
}

void rj_matrix_identity(rj_matrix *m)
{
    rj_matrix_fill(m, 0.0);
    rj_matrix_add_diagonal(1.0, m);
}

RJ_CLONES void rj_matrix_copy(const rj_matrix *a, rj_matrix *b)
{
    WITH_TYPE(a->type, from, WITH_TYPE(b->type, to, {
                  for (int j = 0; j < a->cols; j++) {
                      const from *x = (const from *)a->data + column(a, j);
                      to *y = (to *)b->data + column(b, j);
                      for (int i = 0; i < a->rows; i++) y[i] = (to)x[i];
                  }
              }););
}

/* By square tiles, so that neither side is walked across the cache. */
void rj_matrix_transpose(const rj_matrix *a, rj_matrix *b)
{
    if (a->type == RJ_SINGLE && b->type == RJ_SINGLE) {
        rj_transpose_single(a, b);
        return;
    }
    WITH_TYPE(a->type, from, WITH_TYPE(b->type, to, {
                  for (int c = 0; c < a->cols; c += TILE)
                      for (int r = 0; r < a->rows; r += TILE)
                          for (int i = r; i < a->rows && i < r + TILE; i++)
                              for (int j = c; j < a->cols && j < c + TILE; j++)
                                  ((to *)b->data)[j + column(b, i)] =
                                      (to)((const from *)a->data)[i + column(a, j)];
              }););
}

RJ_CLONES void rj_matrix_add(double alpha, const rj_matrix *a, rj_matrix *b)
{
    WITH_TYPE(b->type, real, {
        for (int j = 0; j < a->cols; j++) {
            const real *x = (const real *)a->data + column(a, j);
            real *y = (real *)b->data + column(b, j);
            for (int i = 0; i < a->rows; i++) y[i] += (real)alpha * x[i];
        }
    });
}

void rj_matrix_add_diagonal(double alpha, rj_matrix *m)
{
    const int n = m->rows < m->cols ? m->rows : m->cols;
    WITH_TYPE(m->type, real, {
        for (int i = 0; i < n; i++) ((real *)m->data)[i + column(m, i)] += (real)alpha;
    });
}

RJ_CLONES void rj_matrix_scale(double alpha, rj_matrix *m)
{
    WITH_TYPE(m->type, real, {
        for (int j = 0; j < m->cols; j++) {
            real *a = (real *)m->data + column(m, j);
            for (int i = 0; i < m->rows; i++) a[i] *= (real)alpha;
        }
    });
}

/* The vector over rows is rounded once a chunk of rows: the passes stay in the matrix's own arithmetic. */
RJ_CLONES void rj_matrix_scale_rows(const double *s, rj_matrix *m)
{
    WITH_TYPE(m->type, real, {
        real part[CHUNK];
        for (int r = 0; r < m->rows; r += CHUNK) {
            const int n = m->rows - r < CHUNK ? m->rows - r : CHUNK;
            for (int i = 0; i < n; i++) part[i] = (real)s[r + i];
            for (int j = 0; j < m->cols; j++) {
                real *a = (real *)m->data + r + column(m, j);
                for (int i = 0; i < n; i++) a[i] *= part[i];
            }
        }
    });
}

RJ_CLONES void rj_matrix_scale_columns(const double *s, rj_matrix *m)
{
    WITH_TYPE(m->type, real, {
        for (int j = 0; j < m->cols; j++) {
            real *a = (real *)m->data + column(m, j);
            const real factor = (real)s[j];
            for (int i = 0; i < m->rows; i++) a[i] *= factor;
        }
    });
}

RJ_CLONES void rj_matrix_rank1(double alpha, const double *x, const double *y, rj_matrix *m)
{
    WITH_TYPE(m->type, real, {
        real part[CHUNK];
        for (int r = 0; r < m->rows; r += CHUNK) {
            const int n = m->rows - r < CHUNK ? m->rows - r : CHUNK;
            for (int i = 0; i < n; i++) part[i] = (real)x[r + i];
            for (int j = 0; j < m->cols; j++) {
                real *a = (real *)m->data + r + column(m, j);
                const real factor = (real)(alpha * y[j]);
                for (int i = 0; i < n; i++) a[i] += factor * part[i];
            }
        }
    });
}

static double lane_sum(const double lane[LANES])
{
    return ((lane[0] + lane[4]) + (lane[2] + lane[6])) + ((lane[1] + lane[5]) + (lane[3] + lane[7]));
}

RJ_CLONES void rj_matrix_times(char op, const rj_matrix *m, const double *x, double *y)
{
    for (int i = 0; op == 'N' && i < m->rows; i++) y[i] = 0.0;
    WITH_TYPE(m->type, real, {
        for (int j = 0; j < m->cols; j++) {
            const real *a = (const real *)m->data + column(m, j);
            double lane[LANES] = {0};
            int i = 0;
            if (op == 'N') {
                for (; i < m->rows; i++) y[i] += (double)a[i] * x[j];
                continue;
            }
            for (; i + LANES <= m->rows; i += LANES)
                for (int l = 0; l < LANES; l++) lane[l] += (double)a[i + l] * x[i + l];
            for (; i < m->rows; i++) lane[0] += (double)a[i] * x[i];
            y[j] = lane_sum(lane);
        }
    });
}

/* sum of (factor M(i,j))^2 */
RJ_CLONES static double sum_squares(const rj_matrix *m, double factor)
{
    double total = 0.0;

    WITH_TYPE(m->type, real, {
        for (int j = 0; j < m->cols; j++) {
            const real *a = (const real *)m->data + column(m, j);
            double lane[LANES] = {0};
            int i = 0;
            for (; i + LANES <= m->rows; i += LANES)
                for (int l = 0; l < LANES; l++) {
                    const double value = factor * (double)a[i + l];
                    lane[l] += value * value;
                }
            for (; i < m->rows; i++) lane[0] += factor * (double)a[i] * (factor * (double)a[i]);
            total += lane_sum(lane);
        }
    });
    return total;
}

RJ_CLONES static double max_abs(const rj_matrix *m)
{
    double largest = 0.0;

    WITH_TYPE(m->type, real, {
        for (int j = 0; j < m->cols; j++) {
            const real *a = (const real *)m->data + column(m, j);
            for (int i = 0; i < m->rows; i++)
                largest = fabs((double)a[i]) > largest ? fabs((double)a[i]) : largest;
        }
    });
    return largest;
}

/* Squares that leave the range of double, or lose digits below it, are taken again after an exact scaling by a
 * power of two; it stays within 2^+-1000, where it is itself a normal number. */
double rj_matrix_frobenius(const rj_matrix *m)
{
    const double plain = sum_squares(m, 1.0);
    int exponent = 0;

    if (isnan(plain) || (plain > 1e-280 && plain < INFINITY)) return sqrt(plain);
    const double largest = max_abs(m);
    if (largest == 0.0 || isinf(largest)) return largest;
    frexp(largest, &exponent);
    exponent = exponent < -1000 ? -1000 : exponent > 1000 ? 1000 : exponent;
    return ldexp(sqrt(sum_squares(m, ldexp(1.0, -exponent))), exponent);
}

double rj_matrix_trace(const rj_matrix *m)
{
    const int n = m->rows < m->cols ? m->rows : m->cols;
    double sum = 0.0;

    WITH_TYPE(m->type, real, {
        for (int i = 0; i < n; i++) sum += (double)((const real *)m->data)[i + column(m, i)];
    });
    return sum;
}

double rj_matrix_max_difference(const rj_matrix *a, const rj_matrix *b)
{
    double largest = 0.0;

    WITH_TYPE(a->type, left, WITH_TYPE(b->type, right, {
                  for (int j = 0; j < a->cols; j++) {
                      const left *x = (const left *)a->data + column(a, j);
                      const right *y = (const right *)b->data + column(b, j);
                      for (int i = 0; i < a->rows; i++) {
                          const double difference = fabs((double)x[i] - (double)y[i]);
                          if (isnan(difference)) return difference;
                          if (difference > largest) largest = difference;
                      }
                  }
              }););
    return largest;
}

RJ_CLONES int rj_matrix_is_finite(const rj_matrix *m)
{
    int bad = 0;

    WITH_TYPE(m->type, real, {
        const real limit = (real)(m->type == RJ_SINGLE ? (double)FLT_MAX : DBL_MAX);
        for (int j = 0; j < m->cols && !bad; j++) {
            const real *a = (const real *)m->data + column(m, j);
            for (int i = 0; i < m->rows; i++) bad |= !(a[i] <= limit && a[i] >= -limit);
        }
    });
    return !bad;
}
