/* stop.h: reasons to end a run before its work is done, so that the job's own limit never does it. */
#ifndef RESJAC_RUN_STOP_H
#define RESJAC_RUN_STOP_H

#include <stdbool.h>

typedef struct {
    double deadline; /* rj_clock_now() by which the process must have ended; INFINITY = none known */
    char file[4096]; /* <output>.stop: a run ends in order when it appears */
    double looked;   /* when the file was last looked for */
    bool soft, hard; /* asked for by file or SIGUSR1; by SIGTERM or SIGINT */
} rj_stop;

/* For the time before rj_stop_open and after rj_stop_close, when there is no unit to drop: SIGTERM and SIGINT end the process
 * at once with exit code 75, SIGUSR1 is kept for rj_stop_open. Not collective. */
void rj_stop_listen(void);

/* From now on SIGUSR1 asks for an orderly stop, SIGTERM and SIGINT for one at once; the same one again ends the
 * process, exit code 75. The deadline is the earlier of now +
 * max_seconds (0 = none) and the job's end in SLURM_JOB_END_TIME (seconds since 1970), less 5 % of what is left then (at
 * least 4 s, at most 30 s) for the way out.
 *   output [in] the file <output>.stop is looked for once a second; NULL = never (one rank does it for all)
 * Not collective. */
void rj_stop_open(rj_stop *stop, const char *output, double max_seconds);
void rj_stop_close(void); /* the signals have their former meaning again */

/* May a unit that takes about `seconds` be started now? */
bool rj_stop_allows(rj_stop *stop, double seconds);

/* Must the unit under way be dropped now? `left` is the estimate of the seconds it still needs, INFINITY where there is no
 * estimate. An orderly stop lets it finish if it fits: before the deadline, or within 30 s where none is known. */
bool rj_stop_drops(rj_stop *stop, double left);

/* Why, for the log: "SIGTERM", "the file x.stop", "the time limit". */
const char *rj_stop_reason(const rj_stop *stop);
#endif
