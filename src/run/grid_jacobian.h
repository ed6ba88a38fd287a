/* grid_jacobian.h: one J by all ranks of a stage. Private to run. */
#ifndef RJ_GRID_JACOBIAN_H
#define RJ_GRID_JACOBIAN_H

#include "resjac/linalg/krylov.h"
#include "resjac/model/block.h"
#include "resjac/run/team.h"

/* J at the point and its leading triplets, each rank with its columns: RJ_SVD_KRYLOV searches for them at home while all multiply, and
 * where it does not find them, or for another method, ScaLAPACK decomposes all of J. Collective on the stage.
 *   point  [in]  the same on every rank
 *   wanted [in]  as of rj_krylov_leading; `most` of a full decomposition
 *   home   [in]  the rank of the stage that keeps J
 *   jac    [out] [d,d], given by the caller at home; elsewhere without data
 *   top    [out] at home; of a full decomposition everywhere. Free with rj_topk_free
 * Errors, the same on every rank: those of rj_point_jacobian, rj_pkrylov, rj_psvd_full; NOMEM on any rank. */
RJ_CHECKED rj_status rj_grid_decompose(const rj_team *team, const rj_point *point, rj_last_block last,
                                       rj_svd_method method, const rj_krylov_options *wanted, int home,
                                       rj_matrix *jac, rj_topk *top);
#endif
