/* pkrylov.h: leading singular triplets of a matrix whose columns several ranks share. */
#ifndef RESJAC_LINALG_PKRYLOV_H
#define RESJAC_LINALG_PKRYLOV_H

#include <mpi.h>

#include "resjac/linalg/krylov.h"

/* rj_krylov_leading of J [d,d] = [P_0 P_1 ..], the panels of ranks 0, 1, ..: the search at the root, its products by all ranks.
 * The bits depend on the panels' widths, and on nothing else. Collective on comm (from rj_comm_dup).
 *   panel [in]  [d, this rank's columns], which may be none
 *   found [out] on every rank: whether the triplets were found; else J has to be decomposed whole
 *   top   [out] at the root where found; untouched elsewhere and on error
 * Errors, the same on every rank: ARG panels that are not all of J; those of rj_krylov_leading; NOMEM on any rank. */
RJ_CHECKED rj_status rj_pkrylov(MPI_Comm comm, int root, const rj_matrix *panel,
                                const rj_krylov_options *options, int *found, rj_topk *top);
#endif
