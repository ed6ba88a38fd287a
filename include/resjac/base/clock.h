/* clock.h: where the time goes: seconds, flops and bytes by stage of this process. */
#ifndef RESJAC_BASE_CLOCK_H
#define RESJAC_BASE_CLOCK_H

#include <stdint.h>

typedef enum {
    RJ_STAGE_OTHER = 0,
    RJ_STAGE_READ, /* weights: reading, dequantising, drawing */
    RJ_STAGE_FORWARD,
    RJ_STAGE_JACOBIAN,
    RJ_STAGE_SVD,
    RJ_STAGE_COUPLING,
    RJ_STAGE_STORE,
    RJ_STAGE_EXCHANGE, /* between the ranks of a team, waiting included */
    RJ_N_STAGES
} rj_stage;

typedef struct {
    double seconds, flops, bytes;
} rj_stage_cost;

double rj_clock_now(void); /* seconds, monotonic */

/* Time from now on belongs to `stage`; returns the one before, to be given back. */
rj_stage rj_clock_enter(rj_stage stage);
void rj_clock_flops(double n); /* of the current stage */
void rj_clock_bytes(double n);
void rj_clock_costs(rj_stage_cost cost[RJ_N_STAGES]); /* so far */
const char *rj_stage_name(rj_stage stage);
int64_t rj_clock_peak_memory(void); /* largest resident set of this process, bytes */
#endif
