/* plan.h: what a study will take: teams, memory, time, bytes, from configurations and a machine's rates. */
#ifndef RESJAC_RUN_PLAN_H
#define RESJAC_RUN_PLAN_H

#include <stdio.h>

#include "resjac/run/study.h"
#include "resjac/schedule/simulate.h"

typedef struct {
    int n_units;
    rj_team_shape shape;
    rj_work work;
    rj_expectation unit; /* of one unit by one team */
    int64_t memory;      /* bytes of the fullest rank */
} rj_plan_model;

typedef struct {
    int n_ranks, n_units;
    rj_plan_model *model;       /* [study->n_models]; n_units = 0 where nothing is to do */
    double work[RJ_N_WORK];     /* rank seconds by stage */
    double flops, read, stored; /* of all; weights that pass through a rank, numbers; bytes of units */
    double peak;                /* flops / (ranks * makespan), as a share of the product's rate */
    double start, end;          /* seconds of the outcome before the first unit and after the last */
    int64_t memory;             /* of the fullest rank */
    rj_sim_outcome outcome;
} rj_plan;

/* Plans the units of a study on n_ranks ranks.
 *   n_units [in]  of each model that are to do; NULL: all
 *   plan    [out] free with rj_plan_free; untouched on error
 * Not collective. Errors: USAGE no grid or number of stages fits (as rj_team_choose_stages), or nothing is to do; NOMEM. */
RJ_CHECKED rj_status rj_plan_make(const rj_study *study, const rj_machine *machine, int n_ranks,
                                  const int *n_units, rj_plan *plan);
void rj_plan_free(rj_plan *plan);

/* Options of `resjac plan`. Borrowed. */
typedef struct {
    const char *deck;
    int n_set;
    char *const *set;
    int n_ranks, ranks_per_node;
    double memory_per_node; /* GB; 0: layout.memory_per_rank of the deck, else 2 GB a rank */
    const char *machine;    /* file of rj_machine_load, or NULL */
    const char *template;   /* a batch script to be filled in, or NULL */
    bool json;
} rj_plan_options;

/* Prints the plan of a deck, or the filled-in script, to `to`. Not collective.
 * Errors: those of the deck, the machine file and rj_plan_make; MISSING, FORMAT of the template (names a placeholder). */
RJ_CHECKED rj_status rj_plan_print(const rj_plan_options *options, FILE *to);
#endif
