/* triplets.h: from the projection of a Krylov space to the triplets of J. */
#ifndef RESJAC_LINALG_TRIPLETS_H
#define RESJAC_LINALG_TRIPLETS_H

#include "lanczos.h"
#include "resjac/linalg/topk.h"

/* top <- its k leading triplets from all columns taken so far, by B = X S Y' in J's arithmetic. top by rj_topk_new; value [p->n]
 * <- all values.
 * Errors: NOMEM; LIB no convergence. */
RJ_CHECKED rj_status rj_triplets_by_svd(rj_lanczos *p, double *value, rj_topk *top);

/* The same from the first n columns, a multiple of the block's width, by B B' = X S^2 X' in double and Y = B'X/S: a third of the
 * time. Y loses digits as s_1^2 / s_k^2: for single arithmetic and s_k well above 1e-8 s_1. */
RJ_CHECKED rj_status rj_triplets_by_gram(rj_lanczos *p, int n, rj_topk *top);
#endif
