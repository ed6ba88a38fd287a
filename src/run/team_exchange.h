/* team_exchange.h: what the ranks of a team tell each other about a unit. All calls are collective on the team, or on the two
 * stages named. Private to run. */
#ifndef RJ_TEAM_EXCHANGE_H
#define RJ_TEAM_EXCHANGE_H

#include "resjac/metrics/coupling.h"
#include "resjac/run/team.h"
#include "resjac/store/record.h"

/* The residual stream x [d,T] of one prompt to this rank's like in the next stage, and there from the one before, in the order of
 * prompts. status != RJ_OK: the prompt is out and its stream is left away. x stays untouched until MPI_Wait on the request. */
void rj_team_send(const rj_team *team, int d, int T, const double *x, int status, MPI_Request *request);
void rj_team_receive(const rj_team *team, int d, int T, double *x, int *status);

/* status[i] <- the gravest of all ranks. */
void rj_team_agree_prompts(const rj_team *team, int n, int *status);

/* x <- sum over the ranks of what each set, on rank 0; elsewhere x stays 0 where another rank owns it. Bits are kept: an element
 * that no rank or one rank set is exact, NAN included. */
void rj_team_collect(const rj_team *team, ptrdiff_t n, double *x);

/* For a coupling among the ranks of the team: known [L] (this rank's blocks filled, else 0) is completed. exchange borrows all. */
typedef struct {
    const rj_team *team;
    int n_layer;
} rj_team_frames;
void rj_team_exchange(rj_team_frames *frames, int d, rj_arithmetic type, int *known,
                      rj_coupling_exchange *exchange);

/* Prompts first..first+n-1 of a record that a team fills together: before, what other ranks own is cleared; after, rank 0 has
 * all. A rank owns the layers of `home`; rank 0 owns also what has no layer. */
void rj_team_record_open(const rj_team *team, rj_range home, rj_record *r, ptrdiff_t first, ptrdiff_t n);
void rj_team_record_close(const rj_team *team, rj_record *r, ptrdiff_t first, ptrdiff_t n);
#endif
