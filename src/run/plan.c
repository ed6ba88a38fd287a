/* plan.c: the campaign's own choice of teams, with expected seconds in place of measured ones. */
#include "resjac/run/plan.h"

#include <stdlib.h>

#include "resjac/base/memory.h"

static const double spread = .1; /* of units around their expectation: texts and nodes differ */

static rj_status plan_model(const rj_study *study, int i, const rj_machine *machine, int n_ranks,
                            rj_plan *plan)
{
    rj_status st = RJ_OK;
    rj_pipeline_options options;
    const rj_team_case c = rj_study_case(study, i, &options);
    rj_plan_model *m = &plan->model[i];

    m->shape = study->model[i].shape;
    RJ_TRY(rj_team_choose_stages(&c, &study->deck->layout, m->n_units, n_ranks, &m->shape));
    m->work = rj_team_work(&c);
    m->unit = rj_expect_unit(machine, &m->work, m->shape.stages, m->shape.n_row * m->shape.n_col);
    m->memory = rj_team_memory(&c, &m->shape);
    for (int s = 0; s < RJ_N_WORK; s++)
        plan->work[s] += m->unit.seconds[s] * m->n_units * rj_team_size(&m->shape);
    plan->flops += m->unit.flops * m->n_units;
    /* Behind another stage's forward pass, and without matrices for every prompt's coupling, again. */
    const double passes = (m->shape.stages > 1 ? 2.0 : 1.0) + (m->work.matrix_free ? m->work.prompts : 0);
    plan->read += passes * m->n_units * m->work.n_layer * rj_work_block_weights(&m->work);
    plan->stored += m->work.stored * m->n_units;
    if (m->memory > plan->memory) plan->memory = m->memory;
done:
    return st;
}

/* A unit and what its place in the queue depends on. */
typedef struct {
    rj_sim_unit unit;
    double cost;
} queued;

/* Units of one size of teams together, the largest first, and the dearest model first among them. The campaign begins with the
 * shape of its dearest unit, and tells shapes of one size apart: that moves barriers, not work. */
static int by_place(const void *a, const void *b)
{
    const queued *x = a, *y = b;

    if (x->unit.team != y->unit.team) return x->unit.team < y->unit.team ? 1 : -1;
    if (x->cost != y->cost) return x->cost < y->cost ? 1 : -1;
    return (x->unit.model > y->unit.model) - (x->unit.model < y->unit.model);
}

static rj_status list_units(const rj_plan *plan, int n_models, rj_sim_unit **list)
{
    rj_status st = RJ_OK;
    queued *queue = NULL;
    int n = 0;

    RJ_NEW(queue, plan->n_units, 1);
    RJ_NEW(*list, plan->n_units, 1);
    for (int i = 0; i < n_models; i++) {
        const rj_plan_model *m = &plan->model[i];
        const double d = m->work.d;
        for (int u = 0; u < m->n_units; u++)
            queue[n++] = (queued){{i, rj_team_size(&m->shape), m->unit.total, m->work.stored},
                                  m->work.n_layer * d * d * d};
    }
    qsort(queue, (size_t)n, sizeof *queue, by_place);
    for (int i = 0; i < n; i++) (*list)[i] = queue[i].unit;
done:
    RJ_FREE(queue);
    return st;
}

/* Seconds before the first unit: every model is opened by every rank, and its weights are digested by all together. */
static double start_seconds(const rj_study *study, const rj_machine *machine, int n_ranks)
{
    double seconds = .3;

    for (int i = 0; i < study->n_models; i++) {
        const rj_study_model *m = &study->model[i];
        seconds += machine->open_model;
        if (!m->is_twin) seconds += 2.0 * (double)m->facts.n_parameters * machine->digest / n_ranks;
    }
    return seconds;
}

static rj_status simulate(const rj_study *study, const rj_machine *machine, rj_plan *plan)
{
    rj_status st = RJ_OK;
    rj_sim_unit *unit = NULL;
    const rj_sim_system system = {.n_ranks = plan->n_ranks,
                                  .spread = spread,
                                  .claim = machine->claim,
                                  .open_model = machine->open_model,
                                  .start = plan->start,
                                  .end = plan->end,
                                  .file_system = machine->file_system,
                                  .file = machine->file,
                                  .seed = study->deck->seed};

    RJ_TRY(list_units(plan, study->n_models, &unit));
    RJ_TRY(rj_simulate(&system, plan->n_units, unit, &plan->outcome));
done:
    RJ_FREE(unit);
    return st;
}

rj_status rj_plan_make(const rj_study *study, const rj_machine *machine, int n_ranks, const int *n_units,
                       rj_plan *plan)
{
    rj_status st = RJ_OK;
    rj_plan p = {.n_ranks = n_ranks};

    RJ_NEW(p.model, study->n_models, 1);
    for (int i = 0; i < study->n_models; i++) {
        p.model[i].n_units = study->model[i].status != RJ_OK ? 0
                             : n_units != NULL               ? n_units[i]
                                                             : study->model[i].n_units;
        p.n_units += p.model[i].n_units;
    }
    const rj_status first = study->n_models > 0 ? study->model[0].status : RJ_OK;
    RJ_REQUIRE(p.n_units > 0, first != RJ_OK ? first : RJ_ERR_USAGE, "%s: nothing to measure: %s",
               study->deck->path, first != RJ_OK ? study->model[0].why : "all units are done");
    for (int i = 0; i < study->n_models; i++)
        if (p.model[i].n_units > 0) RJ_TRY(plan_model(study, i, machine, n_ranks, &p));
    p.start = start_seconds(study, machine, n_ranks);
    p.end = .1 + p.stored * machine->merge_byte / n_ranks + p.stored / machine->file_system;
    RJ_TRY(simulate(study, machine, &p));
    p.peak =
        p.flops * machine->rates[study->deck->arithmetic == RJ_DOUBLE].wide / (n_ranks * p.outcome.makespan);
    *plan = p;
    p.model = NULL;
done:
    RJ_FREE(p.model);
    return st;
}

void rj_plan_free(rj_plan *plan)
{
    RJ_FREE(plan->model);
}
