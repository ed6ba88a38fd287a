/* budget.c: what the kernel, the cgroup and the scheduler each say; the least counts. */
#include "resjac/run/budget.h"

#include <stdio.h>
#include <stdlib.h>

#include "resjac/base/agree.h"

/* The first number after `key` in a small system file, times `unit`; INT64_MAX where there is none ("max"). */
static int64_t number_in(const char *path, const char *format, int64_t unit)
{
    char line[256];
    long long n = 0;
    int64_t value = INT64_MAX;
    FILE *file = fopen(path, "r");

    if (file == NULL) return value;
    while (value == INT64_MAX && fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, format, &n) == 1 && n > 0 && n < INT64_MAX / unit) value = n * unit;
    fclose(file);
    return value;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t node_memory(void)
{
    const char *slurm = getenv("SLURM_MEM_PER_NODE"); /* MB; 0 = all */
    const long long mb = slurm != NULL ? atoll(slurm) : 0;
    int64_t n = number_in("/proc/meminfo", "MemAvailable: %lld kB", 1024);

    n = least(n, number_in("/sys/fs/cgroup/memory.max", "%lld", 1));
    n = least(n, number_in("/sys/fs/cgroup/memory/memory.limit_in_bytes", "%lld", 1));
    return mb > 0 ? least(n, (int64_t)mb << 20) : n;
}

int64_t rj_memory_budget(MPI_Comm comm, int64_t asked)
{
    MPI_Comm node = MPI_COMM_NULL;
    int n_ranks = 1;
    int64_t n = asked;

    if (asked > 0) return asked;
    RJ_MPI(comm, MPI_Comm_split_type(comm, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node));
    MPI_Comm_size(node, &n_ranks);
    n = (int64_t)(0.9 * (double)node_memory() / n_ranks);
    MPI_Comm_free(&node);
    RJ_MPI(comm, MPI_Allreduce(MPI_IN_PLACE, &n, 1, MPI_INT64_T, MPI_MIN, comm));
    return n;
}
