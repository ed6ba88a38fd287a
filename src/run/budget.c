/* budget.c: what the kernel, the cgroup and the scheduler each say; the least counts. */
#include "resjac/run/budget.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* The least limit of this process's control group and those above it (version 2: one hierarchy). */
static int64_t cgroup_memory(void)
{
    char line[4096] = "", path[8192];
    int64_t least_limit = number_in("/sys/fs/cgroup/memory/memory.limit_in_bytes", "%lld", 1); /* version 1 */
    FILE *file = fopen("/proc/self/cgroup", "r");

    while (file != NULL && fgets(line, sizeof line, file) != NULL && strncmp(line, "0::/", 4) != 0)
        line[0] = '\0';
    if (file != NULL) fclose(file);
    if (strncmp(line, "0::/", 4) != 0) return least_limit;
    line[strcspn(line, "\n")] = '\0';
    for (char *group = line + 3;;) { /* "/a/b", "/a", "" */
        snprintf(path, sizeof path, "/sys/fs/cgroup%s/memory.max", group);
        least_limit = least(least_limit, number_in(path, "%lld", 1));
        char *slash = strrchr(group, '/');
        if (slash == NULL) return least_limit;
        *slash = '\0';
    }
}

/* MB that the batch system grants on this node; 0: it says nothing, or all. */
static long long slurm_megabytes(void)
{
    const char *node = getenv("SLURM_MEM_PER_NODE"), *cpu = getenv("SLURM_MEM_PER_CPU"),
               *cpus = getenv("SLURM_CPUS_ON_NODE");

    if (node != NULL) return atoll(node);
    return cpu != NULL && cpus != NULL ? atoll(cpu) * atoll(cpus) : 0;
}

static int64_t node_memory(void)
{
    const long long mb = slurm_megabytes();
    const int64_t n = least(number_in("/proc/meminfo", "MemAvailable: %lld kB", 1024), cgroup_memory());

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
