/* stop.c: signal handlers only set a flag; everything else happens between two blocks of a prompt. */
#include "resjac/run/stop.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "resjac/base/clock.h"
#include "resjac/base/file.h"
#include "resjac/base/status.h"

static const double way_out = 30.0,
                    least_way_out =
                        4.0; /* seconds: closing files, the last agreement, the launcher's own end */
static const double way_out_share = .05;
static const double look_every =
    2.0; /* seconds between looks for the stop file: a stat on a shared file system */

static volatile sig_atomic_t soft_signal, hard_signal, in_order; /* in_order: somebody looks at the others */
static bool listening;
static const int signals[] = {SIGUSR1, SIGTERM, SIGINT};
enum { N_SIGNALS = sizeof signals / sizeof signals[0] };
static struct sigaction former[N_SIGNALS];

static void note(int number)
{
    static const char farewell[] = "stopped by a signal; the same command resumes\n";

    if (number == SIGUSR1) {
        soft_signal = number;
        return;
    }
    if (!in_order || hard_signal == number) {
        if (write(STDERR_FILENO, farewell, sizeof farewell - 1) > 0) fsync(STDERR_FILENO);
        _exit(rj_status_exit(RJ_ERR_STOPPED));
    }
    hard_signal = number;
}

static void catch_signals(struct sigaction *before)
{
    struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESTART};

    sigemptyset(&action.sa_mask);
    for (int i = 0; i < N_SIGNALS; i++) sigaction(signals[i], &action, before != NULL ? &before[i] : NULL);
}

void rj_stop_listen(void)
{
    soft_signal = hard_signal = in_order = 0;
    listening = true;
    catch_signals(NULL);
}

void rj_stop_open(rj_stop *stop, const char *output, double max_seconds)
{
    const double now = rj_clock_now();
    const char *end = getenv("SLURM_JOB_END_TIME");

    *stop = (rj_stop){.deadline = INFINITY, .looked = -INFINITY};
    if (max_seconds > 0) stop->deadline = now + max_seconds;
    if (end != NULL && atof(end) > 0) {
        struct timespec today;
        timespec_get(&today, TIME_UTC);
        const double left = atof(end) - (double)today.tv_sec - 1e-9 * (double)today.tv_nsec;
        stop->deadline =
            fmin(stop->deadline, now + left - fmax(least_way_out, fmin(way_out, way_out_share * left)));
    }
    if (output != NULL) snprintf(stop->file, sizeof stop->file, "%s.stop", output);
    if (!listening) soft_signal = hard_signal = 0;
    in_order = 1;
    catch_signals(former);
}

void rj_stop_close(void)
{
    in_order = 0;
    for (int i = 0; i < N_SIGNALS; i++) sigaction(signals[i], &former[i], NULL);
}

static void look(rj_stop *stop)
{
    const double now = rj_clock_now();

    if (hard_signal) stop->hard = true;
    if (soft_signal) stop->soft = true;
    if (stop->soft || stop->file[0] == '\0' || now - stop->looked < look_every) return;
    stop->looked = now;
    stop->soft = rj_path_exists(stop->file);
}

bool rj_stop_allows(rj_stop *stop, double seconds)
{
    look(stop);
    return !stop->hard && !stop->soft && rj_clock_now() + seconds < stop->deadline;
}

bool rj_stop_drops(rj_stop *stop, double left)
{
    const double now = rj_clock_now();

    look(stop);
    if (stop->hard || now >= stop->deadline) return true;
    if (!stop->soft) return false;
    return isinf(stop->deadline) ? left > way_out : now + left >= stop->deadline;
}

const char *rj_stop_reason(const rj_stop *stop)
{
    if (stop->hard) return hard_signal == SIGINT ? "SIGINT" : "SIGTERM";
    if (soft_signal) return "SIGUSR1";
    return stop->soft ? stop->file : "the time limit";
}
