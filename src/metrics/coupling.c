/* coupling.c: a few wide products a row block; everything of size K x K is double. */
#include "resjac/metrics/coupling.h"

#include <math.h>

#include "resjac/base/memory.h"
#include "resjac/linalg/blas.h"
#include "resjac/metrics/null.h"
#include "resjac/metrics/pair.h"

/* Columns of one product J_i F: wide enough for the speed of a square product, narrow enough to need little memory
 * beside J. A constant, because the bits of a product change with its width. */
enum { BATCH_COLUMNS = 512 };

/* The problem, and the room for one batch of frames against one row block. A frame is packed as [V_j, U_j], each
 * `width` columns; where a block has fewer triplets the rest stays 0. */
typedef struct {
    int L, n_k, norm, d, width, per_batch;
    const int *k;
    const rj_coupling_block *block;
    const rj_coupling_measures *out;
    rj_arithmetic type;
    int *known;       /* [L]: triplets to use of each block, 0 to skip it */
    int *use, n_use;  /* [L]: the blocks with known > 0 */
    rj_matrix frames; /* [d, 2 width per_batch] */
    rj_matrix images; /* the same: J_i frames */
    rj_matrix own;    /* [d, 2 width]: the frame of block i */
    rj_matrix gram;   /* [2 width, 2 width per_batch]: own' frames */
    rj_matrix c;      /* [width, width per_batch]: U_j'V_j */
    rj_matrix small;  /* [width, width] */
    rj_pair pair;
} job;

static int min_int(int a, int b)
{
    return a < b ? a : b;
}

/* Triplets above the numerical rank; below it directions are noise. 10 eps s_1 is where a decomposition in this
 * arithmetic leaves an exact zero. */
static int triplets_known(const rj_topk *top, int width)
{
    int n = 0;
    if (top == NULL) return 0;
    const double least = 10.0 * rj_matrix_epsilon(top->u.type) * top->s[0];
    while (n < width && n < top->k && top->s[n] > least) n++;
    return n;
}

static rj_status check_arguments(const job *w, uint64_t first, uint64_t n_rows)
{
}
