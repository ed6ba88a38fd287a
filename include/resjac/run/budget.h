/* budget.h: how much memory one rank may use. */
#ifndef RESJAC_RUN_BUDGET_H
#define RESJAC_RUN_BUDGET_H

#include <mpi.h>
#include <stdint.h>

/* `asked` bytes where it is > 0 (deck key layout.memory_per_rank), else 90 % of the least of the cgroup's limit,
 * SLURM_MEM_PER_NODE and MemAvailable, shared among the ranks of this node. The least over all ranks, so that
 * every rank plans alike. Collective on comm. */
int64_t rj_memory_budget(MPI_Comm comm, int64_t asked);
#endif
