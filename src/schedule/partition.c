/* partition.c: plain integer arithmetic, the same on every rank. */
#include "resjac/schedule/partition.h"

rj_range rj_partition(int n, int parts, int i)
{
    const int each = n / parts, more = n % parts;

    return (rj_range){i * each + (i < more ? i : more), each + (i < more)};
}

int rj_partition_of(int n, int parts, int at)
{
    const int each = n / parts, more = n % parts, long_end = more * (each + 1);

    return at < long_end ? at / (each + 1) : more + (at - long_end) / each;
}

rj_range rj_partition_stage(int n_layer, int stages, int grid, int rank)
{
    return rj_partition(n_layer, stages, rank / grid);
}

rj_range rj_partition_home(int n_layer, int stages, int grid, int rank)
{
    const rj_range stage = rj_partition_stage(n_layer, stages, grid, rank);
    const rj_range home = rj_partition(stage.count, grid, rank % grid);

    return (rj_range){stage.first + home.first, home.count};
}

int rj_partition_home_of(int n_layer, int stages, int grid, int layer)
{
    const int stage = rj_partition_of(n_layer, stages, layer);
    const rj_range span = rj_partition(n_layer, stages, stage);

    return stage * grid + rj_partition_of(span.count, grid, layer - span.first);
}
