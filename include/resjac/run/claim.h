/* claim.h: one counter for all ranks, so that whoever is done takes the next unit and no wave waits for its slowest. */
#ifndef RESJAC_RUN_CLAIM_H
#define RESJAC_RUN_CLAIM_H

#include <mpi.h>

#include "resjac/base/status.h"

typedef struct {
    MPI_Comm comm;
    MPI_Win window;   /* two counters on rank 0: claimed, done */
    long long *local; /* rank 0's memory */
} rj_claim;

/* Collective on comm. Errors: LIB. */
RJ_CHECKED rj_status rj_claim_open(MPI_Comm comm, rj_claim *claim);
void rj_claim_close(rj_claim *claim); /* collective */

/* The next number, from 0: each goes to one caller. Not collective. */
long long rj_claim_next(rj_claim *claim);

/* Counts one more as done; returns how many are done by all ranks now. Not collective. */
long long rj_claim_done(rj_claim *claim);

/* Lets MPI serve the others' claims from within long computations: without it a network without remote atomics would
 * make them wait for rank 0's next call. Not collective. */
void rj_claim_tick(rj_claim *claim);

/* Nobody gets a number below the list's length from now on. Not collective. */
void rj_claim_end(rj_claim *claim);
#endif
