/* simulate.h: a run as a sequence of events: teams claim units, open models, measure, store. */
#ifndef RESJAC_SCHEDULE_SIMULATE_H
#define RESJAC_SCHEDULE_SIMULATE_H

#include <stdint.h>

#include "resjac/base/status.h"

/* A unit as it is claimed. Units whose teams are of one size stand next to each other. */
typedef struct {
    int model;      /* a team opens a model when its last unit was of another */
    int team;       /* ranks that measure it together */
    double seconds; /* of measuring */
    double stored;  /* bytes */
} rj_sim_unit;

typedef struct {
    int n_ranks;
    double spread; /* a unit takes seconds * (1 + spread * x), x uniform in -1..1: of texts and of nodes */
    double claim;  /* seconds of the counter's rank for a claim; claims queue */
    double open_model;  /* seconds; all teams at once */
    double start, end;  /* seconds before the first claim (launch, fingerprints) and for the final file */
    double file_system; /* bytes/s that all writers share */
    double file;        /* seconds of the metadata server a file; files queue */
    uint64_t seed;      /* of the spread */
} rj_sim_system;

typedef struct {
    double makespan;          /* seconds */
    double busy;              /* rank seconds of measuring */
    double efficiency;        /* busy / (ranks * makespan) */
    double claiming, storing; /* team seconds in queues and transfers */
    double tail;              /* seconds from the first idle team to the last stored unit, over all groups */
    int idle_ranks;           /* most ranks outside a team in any group */
} rj_sim_outcome;

/* Runs the units in the order given. The same for the same arguments. Not collective.
 * Errors: ARG no units, a team larger than the run; NOMEM. */
RJ_CHECKED rj_status rj_simulate(const rj_sim_system *system, int n_units, const rj_sim_unit *unit,
                                 rj_sim_outcome *outcome);
#endif
