/* partition.h: how a list is dealt out in runs of neighbours: blocks to stages, prompts to units, columns to ranks. */
#ifndef RESJAC_SCHEDULE_PARTITION_H
#define RESJAC_SCHEDULE_PARTITION_H

typedef struct {
    int first, count;
} rj_range;

/* Part i (0-based) of `parts` near-equal runs of 0..n-1: the first n % parts have one more. Empty runs where n < parts.
 * Not collective. */
rj_range rj_partition(int n, int parts, int i);

/* The part that holds element `at` of 0..n-1, by the same rule. Not collective. */
int rj_partition_of(int n, int parts, int at);

/* Inside a team of `stages` x `grid` ranks, rank r belongs to stage r / grid; a stage's blocks have their homes, where J and
 * its frames are kept, on the stage's ranks in runs. Both spans are of 0..n_layer-1. Not collective. */
rj_range rj_partition_stage(int n_layer, int stages, int grid, int rank);
rj_range rj_partition_home(int n_layer, int stages, int grid, int rank);

/* The rank of the team that is the home of block `layer`. Not collective. */
int rj_partition_home_of(int n_layer, int stages, int grid, int layer);
#endif
