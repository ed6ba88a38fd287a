/* lease.h: which run measures a model now, so that concurrent runs on one output do no work twice. A lease is a file
 * <output>.d/leases/<model>-<key of its first unit, 16 digits>.json that one process makes and its run renews. Nothing else
 * depends on it: unit files are immutable and named by content, so two runs that measure one unit store the same file. */
#ifndef RESJAC_RUN_LEASE_H
#define RESJAC_RUN_LEASE_H

#include <mpi.h>
#include <stdbool.h>

#include "resjac/base/status.h"

enum { RJ_LEASE_STALE = 600, RJ_LEASE_RENEW = 60 }; /* seconds */

typedef struct rj_leases rj_leases;

/* The leases of one run. All its ranks are one holder: host, process and job of rank 0.
 *   folder [in] <output>.d
 * Collective on comm. Errors: NOMEM. A folder that cannot be made is reported (WARN); then there are no leases. */
RJ_CHECKED rj_status rj_leases_open(MPI_Comm comm, const char *folder, int n_models, rj_leases **leases);

/* May this run measure the model? False where another run holds its lease and lives: the file was renewed within
 * RJ_LEASE_STALE seconds, and its process runs if it is of this host, and it is no former start of this batch job. What
 * goes wrong with a lease is reported (WARN), and the answer is yes. Who was refused asks again after RJ_LEASE_RENEW s
 * at the earliest. Not collective.
 *   name [in] "<model>-<16 digits>" */
bool rj_lease_take(rj_leases *leases, int model, const char *name);

/* Between two blocks: renews the lease of the model that was asked for last, once in RJ_LEASE_RENEW seconds.
 * Not collective. */
void rj_lease_renew(rj_leases *leases);

/* Ends the run's leases; all ranks have measured their last unit. Collective on comm. */
void rj_leases_close(MPI_Comm comm, rj_leases **leases);
#endif
