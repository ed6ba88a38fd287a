/* simulate.c: the next team that is free claims the next unit; queues at the counter and the file system are served in order of
 * arrival. Ranks regroup where the size of a team changes. */
#include "resjac/schedule/simulate.h"

#include <math.h>

#include "resjac/base/memory.h"
#include "resjac/base/rng.h"

/* What a team does at its next event: it claims a unit, or arrives at the file system with `unit`. */
typedef struct {
    double at;
    const rj_sim_unit *unit; /* NULL: it claims */
    int model;               /* that it has open, -1 for none */
} team_state;

/* What all teams share. */
typedef struct {
    const rj_sim_system *system;
    rj_rng rng;
    double counter_free, metadata_free, data_free; /* when each has served its queue */
    rj_sim_outcome *out;
} shared;

/* A heap by time, the earliest on top. */
static void sift_down(team_state *team, int n)
{
    int at = 0;

    for (;;) {
        int least = at;
        for (int child = 2 * at + 1; child <= 2 * at + 2; child++)
            if (child < n && team[child].at < team[least].at) least = child;
        if (least == at) return;
        const team_state swap = team[at];
        team[at] = team[least];
        team[least] = swap;
        at = least;
    }
}

static double later(double a, double b)
{
    return a > b ? a : b;
}

/* The team claims unit `number` and measures it. */
static void measure(shared *s, team_state *team, const rj_sim_unit *unit, int number)
{
    const rj_sim_system *y = s->system;
    const double x = 2 * rj_rng_uniform(&s->rng, (uint64_t)number) - 1;
    const double seconds = unit->seconds * (1 + y->spread * x);

    s->counter_free = later(s->counter_free, team->at) + y->claim;
    s->out->claiming += s->counter_free - team->at;
    s->out->busy += seconds * unit->team;
    team->at = s->counter_free + (team->model != unit->model ? y->open_model : 0.0) + seconds;
    team->model = unit->model;
    team->unit = unit;
}

/* The team stores the unit that it has measured. */
static void store(shared *s, team_state *team)
{
    const double arrived = team->at;

    s->metadata_free = later(s->metadata_free, arrived) + s->system->file;
    s->data_free = later(s->data_free, arrived) + team->unit->stored / s->system->file_system;
    team->at = later(s->metadata_free, s->data_free);
    s->out->storing += team->at - arrived;
    team->unit = NULL;
}

/* n units of one team size, numbered from first, from `start` on; returns when the last is stored. */
static double serve_group(shared *s, team_state *team, int n_teams, double start, int first, int n,
                          const rj_sim_unit *unit)
{
    double end = start, first_idle = INFINITY;
    int claimed = 0, stored = 0;

    for (int t = 0; t < n_teams; t++) team[t] = (team_state){start, NULL, -1};
    while (stored < n) {
        if (team[0].unit != NULL) {
            store(s, &team[0]);
            end = later(end, team[0].at);
            stored++;
        } else if (claimed < n) {
            measure(s, &team[0], &unit[claimed], first + claimed);
            claimed++;
        } else {
            first_idle = fmin(first_idle, team[0].at);
            team[0].at = INFINITY;
        }
        sift_down(team, n_teams);
    }
    for (int t = 0; t < n_teams; t++) first_idle = fmin(first_idle, team[t].at);
    s->out->tail += end - first_idle;
    return end;
}

rj_status rj_simulate(const rj_sim_system *system, int n_units, const rj_sim_unit *unit,
                      rj_sim_outcome *outcome)
{
    rj_status st = RJ_OK;
    rj_sim_outcome out = {0};
    shared s = {.system = system, .rng = rj_rng_open(system->seed, "simulate"), .out = &out};
    team_state *team = NULL;
    double now = system->start;
    int next = 0;

    RJ_REQUIRE(n_units >= 1, RJ_ERR_ARG, "a simulation of %d units", n_units);
    RJ_NEW(team, system->n_ranks, 1);
    for (int first = 0; first < n_units; first = next) {
        const int size = unit[first].team, n_teams = size > 0 ? system->n_ranks / size : 0;
        RJ_REQUIRE(n_teams >= 1, RJ_ERR_ARG, "unit %d needs a team of %d, the run has %d ranks", first, size,
                   system->n_ranks);
        while (next < n_units && unit[next].team == size) next++;
        now = serve_group(&s, team, n_teams, now, first, next - first, &unit[first]);
        if (system->n_ranks % size > out.idle_ranks) out.idle_ranks = system->n_ranks % size;
    }
    out.makespan = now + system->end;
    out.efficiency = out.busy / (out.makespan * system->n_ranks);
    *outcome = out;
done:
    RJ_FREE(team);
    return st;
}
