/* team_choice.c: plain arithmetic on sizes, the same on every rank. */
#include "resjac/run/team_choice.h"

#include <math.h>

#include "resjac/linalg/grid.h"

static const double long_unit = 600.0; /* seconds */
enum { MOST_IN_GRID = 1024 };

double rj_team_unit_seconds(const rj_team_case *c)
{
    const rj_config *m = c->config;
    const double d = m->d, L = m->n_layer, T = c->longest, attention = (double)m->n_head * m->d_head;
    const double kv = (double)m->n_kv_head * m->d_head, ff = m->d_ff * (m->gated ? 1.5 : 1.0);
    const double sv = (double)rj_pipeline_sizes(m, c->options, 1).size[RJ_DIM_SV];
    const double weights = d * (2 * attention + 2 * kv + 2 * ff);
    const double jacobian = 2 * d * d * (attention + d + m->d_ff);
    const double svd = 12 * d * d * d; /* at about a third of the speed of a product */
    const double coupling = 4 * d * d * L * sv;
    const double rate = c->options->arithmetic == RJ_SINGLE ? 20e9 : 10e9;

    return c->unit_prompts * L * (2 * T * weights + jacobian + svd + coupling) / rate;
}

static int64_t memory_needed(const rj_team_case *c, int n_kept, int n_grid)
{
    return rj_pipeline_memory_shared(c->config, c->options, n_grid) +
           rj_pipeline_memory_prompt(c->config, c->options, c->longest, n_kept);
}

/* Blocks that the fullest rank keeps. */
static int kept(int n_layer, int stages, int n_grid)
{
    const int in_stage = (n_layer + stages - 1) / stages;
    return (in_stage + n_grid - 1) / n_grid;
}

rj_status rj_team_choose_grid(const rj_team_case *c, const rj_deck_layout *asked, rj_team_shape *shape)
{
    rj_status st = RJ_OK;
    const double block = rj_team_unit_seconds(c) / c->config->n_layer;
    int n = 1;

    if (asked->n_row > 0) {
        shape->n_row = asked->n_row;
        shape->n_col = asked->n_col;
        return RJ_OK;
    }
    while (n <= MOST_IN_GRID && (memory_needed(c, 1, n) > c->options->memory || block / n > long_unit))
        n *= 2;
    RJ_REQUIRE(
        n <= MOST_IN_GRID, RJ_ERR_USAGE,
        "model %s (d = %d): one block of one prompt needs %.2f GB a rank on a grid of %d ranks, %.2f GB are "
        "allowed; use fewer ranks a node, or raise layout.memory_per_rank",
        c->name, c->config->d, 1e-9 * (double)memory_needed(c, 1, MOST_IN_GRID), MOST_IN_GRID,
        1e-9 * (double)c->options->memory);
    rj_grid_shape(n, &shape->n_row, &shape->n_col);
done:
    return st;
}

/* Time until n_units are done, in units of one rank's time for one; 1 % a stage for what stages cost. */
static double makespan(const rj_team_case *c, int n_units, int n_ranks, int stages, int n_grid)
{
    const int teams = n_ranks / (stages * n_grid), in_stage = (c->config->n_layer + stages - 1) / stages;
    const int rounds = (n_units + teams - 1) / teams;

    return rounds * (double)in_stage / c->config->n_layer * (1 + .01 * (stages - 1));
}

static int fewest_stages(const rj_team_case *c, int n_grid)
{
    const int L = c->config->n_layer;
    int stages = 1;

    while (stages < L && (memory_needed(c, kept(L, stages, n_grid), n_grid) > c->options->memory ||
                          rj_team_unit_seconds(c) / (stages * n_grid) > long_unit))
        stages++;
    return stages;
}

rj_status rj_team_choose_stages(const rj_team_case *c, const rj_deck_layout *asked, int n_units, int n_ranks,
                                rj_team_shape *shape)
{
    rj_status st = RJ_OK;
    const int n_grid = shape->n_row * shape->n_col, L = c->config->n_layer, most = n_ranks / n_grid;
    int stages = asked->stages > 0 ? (asked->stages < L ? asked->stages : L) : fewest_stages(c, n_grid);

    RJ_REQUIRE(n_grid <= n_ranks, RJ_ERR_USAGE,
               "model %s: its grid of %d x %d ranks needs at least %d ranks, the run has %d; start more "
               "ranks or set "
               "layout.grid",
               c->name, shape->n_row, shape->n_col, n_grid, n_ranks);
    if (stages > most) stages = most; /* the same results, in more time */
    RJ_REQUIRE(memory_needed(c, kept(L, stages, n_grid), n_grid) <= c->options->memory, RJ_ERR_USAGE,
               "model %s: one prompt needs %.2f GB a rank in %d stages on the run's %d ranks, %.2f GB are "
               "allowed; start "
               "at least %d ranks, use fewer ranks a node, or raise layout.memory_per_rank",
               c->name, 1e-9 * (double)memory_needed(c, kept(L, stages, n_grid), n_grid), stages, n_ranks,
               1e-9 * (double)c->options->memory, fewest_stages(c, n_grid) * n_grid);
    for (int s = stages + 1; asked->stages == 0 && s <= L && s <= most; s++)
        if (makespan(c, n_units, n_ranks, s, n_grid) < .9 * makespan(c, n_units, n_ranks, stages, n_grid))
            stages = s;
    shape->stages = stages;
done:
    return st;
}
