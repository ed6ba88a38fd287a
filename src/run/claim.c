/* claim.c: MPI_Fetch_and_op on rank 0's window under a lock that is held throughout. */
#include "resjac/run/claim.h"

#include "resjac/base/agree.h"

rj_status rj_claim_open(MPI_Comm comm, rj_claim *claim)
{
    int rank = 0;

    claim->comm = comm;
    RJ_MPI(comm, MPI_Comm_rank(comm, &rank));
    RJ_MPI(comm, MPI_Win_allocate(rank == 0 ? 2 * (MPI_Aint)sizeof(long long) : 0, sizeof(long long),
                                  MPI_INFO_NULL, comm, &claim->local, &claim->window));
    if (rank == 0) {
        MPI_Win_lock(MPI_LOCK_EXCLUSIVE, 0, 0, claim->window);
        claim->local[0] = claim->local[1] = 0;
        MPI_Win_unlock(0, claim->window);
    }
    RJ_MPI(comm, MPI_Barrier(comm));
    RJ_MPI(comm, MPI_Win_lock_all(MPI_MODE_NOCHECK, claim->window));
    return RJ_OK;
}

void rj_claim_close(rj_claim *claim)
{
    RJ_MPI(claim->comm, MPI_Win_unlock_all(claim->window));
    RJ_MPI(claim->comm, MPI_Win_free(&claim->window));
}

static long long add(rj_claim *claim, MPI_Aint counter, long long n)
{
    long long before = 0;

    RJ_MPI(claim->comm, MPI_Fetch_and_op(&n, &before, MPI_LONG_LONG, 0, counter, MPI_SUM, claim->window));
    RJ_MPI(claim->comm, MPI_Win_flush(0, claim->window));
    return before;
}

long long rj_claim_next(rj_claim *claim)
{
    return add(claim, 0, 1);
}

long long rj_claim_done(rj_claim *claim)
{
    return add(claim, 1, 1) + 1;
}

void rj_claim_tick(rj_claim *claim)
{
    int flag = 0;

    RJ_MPI(claim->comm, MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, claim->comm, &flag, MPI_STATUS_IGNORE));
}

void rj_claim_end(rj_claim *claim)
{
    add(claim, 0, 1LL << 40);
}
