/* team_choice.c: plain arithmetic on sizes, the same on every rank. */
#include "resjac/run/team_choice.h"

#include "matrix_free.h"

static const double long_unit = 600.0; /* seconds */

/* A target in the middle of the prompt sees half of it; all listed tokens count that a prompt of mean length has. */
static rj_token_work token_work(const rj_team_case *c)
{
    const rj_token_options *t = &c->options->tokens;
    const bool self = t->modes >> RJ_MODE_SELF & 1, input = t->modes >> RJ_MODE_FIXED_INPUT & 1;
    const bool output = t->modes >> RJ_MODE_FIXED_OUTPUT & 1, influence = t->modes >> RJ_MODE_INFLUENCE & 1;
    const double n = t->n < c->tokens ? t->n : c->tokens;
    int layers = 0;

    for (int l = 0; t->modes != 0 && l < c->config->n_layer; l++) layers += t->layer[l];
    const double each = n * layers / c->config->n_layer;
    return (rj_token_work){.forwards = each * (.5 * self + .5 * input + (output || influence)),
                           .jacobians = each * (self + input + (output || influence)),
                           .full = each * influence,
                           .pairs = each * n * (self + input + output)};
}

rj_work rj_team_work(const rj_team_case *c)
{
    const rj_config *m = c->config;
    const rj_pipeline_options *o = c->options;
    const rj_sizes sizes = rj_pipeline_sizes(m, o, 1);
    const rj_krylov_options triplets = rj_pipeline_triplets(m, o);
    const int n_attention = m->reads_memory ? 2 : 1; /* the encoder's pass counts as the decoder's */
    rj_work w = {.n_layer = m->n_layer,
                 .d = m->d,
                 .n_head = n_attention * m->n_head,
                 .attention = n_attention * m->n_head * m->d_head,
                 .kv = n_attention * m->n_kv_head * m->d_head,
                 .d_ff = m->d_ff *
                         (m->n_expert > 0 ? m->n_expert_used : 1), /* flops are those of the experts in use */
                 .gated = m->gated,
                 .parallel = m->parallel,
                 .twin = c->is_twin,
                 .is_double = o->arithmetic == RJ_DOUBLE,
                 .krylov = o->svd == RJ_SVD_KRYLOV,
                 .matrix_free = o->matrix_free,
                 .vju = o->vju,
                 .k = triplets.k,
                 .most = triplets.most,
                 .probes = RJ_NORM_PROBES,
                 .n_k = o->n_k,
                 .prompts = c->unit_prompts,
                 .tokens = c->tokens,
                 .token = token_work(c)};

    for (int id = 0; id < RJ_N_VARIABLES; id++)
        if (rj_sizes_have(&sizes, rj_schema[id].mode))
            w.stored += c->unit_prompts * (rj_schema[id].type == RJ_VALUE_DOUBLE ? 8.0 : 4.0) *
                        (double)rj_schema_count((rj_variable_id)id, &sizes);
    return w;
}

double rj_team_unit_seconds(const rj_team_case *c, int stages, int n_grid)
{
    const rj_machine machine = rj_machine_built_in();
    const rj_work work = rj_team_work(c);

    return rj_expect_unit(&machine, &work, stages, n_grid).total;
}

static int64_t memory_needed(const rj_team_case *c, int n_kept, int n_grid)
{
    return rj_pipeline_memory(c->config, c->options, c->longest, n_kept, n_grid, 1);
}

/* Blocks that the fullest rank keeps. */
static int kept(int n_layer, int stages, int n_grid)
{
    const int in_stage = (n_layer + stages - 1) / stages;
    return (in_stage + n_grid - 1) / n_grid;
}

int64_t rj_team_memory(const rj_team_case *c, const rj_team_shape *shape)
{
    const int n_grid = shape->n_row * shape->n_col, n_kept = kept(c->config->n_layer, shape->stages, n_grid);

    return rj_pipeline_memory(c->config, c->options, c->longest, n_kept, n_grid, c->unit_prompts);
}

rj_status rj_team_choose_grid(const rj_team_case *c, const rj_deck_layout *asked, rj_team_shape *shape)
{
    rj_status st = RJ_OK;
    const int n_row = asked->n_row > 0 ? asked->n_row : 1, n_col = asked->n_row > 0 ? asked->n_col : 1;
    const int64_t needed = memory_needed(c, 1, n_row * n_col);

    RJ_REQUIRE(needed <= c->options->memory, RJ_ERR_USAGE,
               "model %s (d = %d): one block of one prompt needs %.2f GB a rank, %.2f GB are allowed; use "
               "fewer ranks "
               "a node, or raise layout.memory_per_rank",
               c->name, c->config->d, 1e-9 * (double)needed, 1e-9 * (double)c->options->memory);
    shape->n_row = n_row;
    shape->n_col = n_col;
done:
    return st;
}

/* Seconds until n_units are done; a quarter more where a unit takes longer than a stop may wait for. */
static double cost(const rj_team_case *c, int n_units, int n_ranks, int stages, int n_grid)
{
    const int teams = n_ranks / (stages * n_grid), rounds = (n_units + teams - 1) / teams;
    const double unit = rj_team_unit_seconds(c, stages, n_grid);

    return rounds * unit * (unit > long_unit ? 1.25 : 1.0);
}

static int fewest_stages(const rj_team_case *c, int n_grid)
{
    const int L = c->config->n_layer;
    int stages = 1;

    while (stages < L && memory_needed(c, kept(L, stages, n_grid), n_grid) > c->options->memory) stages++;
    return stages;
}

rj_status rj_team_choose_stages(const rj_team_case *c, const rj_deck_layout *asked, int n_units, int n_ranks,
                                rj_team_shape *shape)
{
    rj_status st = RJ_OK;
    const int n_grid = shape->n_row * shape->n_col, L = c->config->n_layer, most = n_ranks / n_grid;
    const int fewest = fewest_stages(c, n_grid);
    int stages = asked->stages > 0 ? (asked->stages < L ? asked->stages : L) : fewest;

    RJ_REQUIRE(n_grid <= n_ranks, RJ_ERR_USAGE,
               "model %s: its grid of %d x %d ranks needs at least %d ranks, the run has %d; start more "
               "ranks or set layout.grid",
               c->name, shape->n_row, shape->n_col, n_grid, n_ranks);
    if (stages > most) stages = most; /* the same results, in more time */
    RJ_REQUIRE(memory_needed(c, kept(L, stages, n_grid), n_grid) <= c->options->memory, RJ_ERR_USAGE,
               "model %s: one prompt needs %.2f GB a rank in %d stages on the run's %d ranks, %.2f GB are "
               "allowed; start at least %d ranks, use fewer ranks a node, or raise layout.memory_per_rank",
               c->name, 1e-9 * (double)memory_needed(c, kept(L, stages, n_grid), n_grid), stages, n_ranks,
               1e-9 * (double)c->options->memory, fewest * n_grid);
    for (int s = stages + 1; asked->stages == 0 && s <= L && s <= most; s++)
        if (cost(c, n_units, n_ranks, s, n_grid) < .9 * cost(c, n_units, n_ranks, stages, n_grid)) stages = s;
    shape->stages = stages;
done:
    return st;
}
