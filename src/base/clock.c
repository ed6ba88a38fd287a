/* clock.c: one running stage; what passes between two calls belongs to it. */
#include "resjac/base/clock.h"

#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static rj_stage_cost total[RJ_N_STAGES];
static rj_stage current = RJ_STAGE_OTHER;
static double since;
static bool started;

double rj_clock_now(void)
{
    struct timespec t = {0, 0};

    clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail for this clock on POSIX.1-2008 */
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Books the time since the last call on the current stage. */
static void settle(void)
{
    const double now = rj_clock_now();

    if (started) total[current].seconds += now - since;
    started = true;
    since = now;
}

rj_stage rj_clock_enter(rj_stage stage)
{
    const rj_stage before = current;

    settle();
    current = stage;
    return before;
}

void rj_clock_flops(double n)
{
    total[current].flops += n;
}

void rj_clock_bytes(double n)
{
    total[current].bytes += n;
}

void rj_clock_costs(rj_stage_cost cost[RJ_N_STAGES])
{
    settle();
    memcpy(cost, total, sizeof total);
}

const char *rj_stage_name(rj_stage stage)
{
    static const char *const name[RJ_N_STAGES] = {
        [RJ_STAGE_OTHER] = "other",       [RJ_STAGE_READ] = "read", [RJ_STAGE_FORWARD] = "forward",
        [RJ_STAGE_JACOBIAN] = "jacobian", [RJ_STAGE_SVD] = "svd",   [RJ_STAGE_COUPLING] = "coupling",
        [RJ_STAGE_STORE] = "store",       [RJ_STAGE_EXCHANGE] = "exchange",
    };
    return name[stage];
}

int64_t rj_clock_peak_memory(void)
{
    struct rusage usage;

    if (getrusage(RUSAGE_SELF, &usage) != 0) return 0;
    return (int64_t)usage.ru_maxrss * 1024; /* Linux counts it in KiB */
}
