/* plan_print.c: a plan as a table, as JSON, and filled into a batch script. */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "resjac/base/file.h"
#include "resjac/base/memory.h"
#include "resjac/run/machine.h"
#include "resjac/run/plan.h"

enum { DECK_LIMIT = 1 << 24, TEMPLATE_LIMIT = 1 << 20 };
static const char *const stage_names[RJ_N_WORK] = {"read",     "forward",  "jacobian", "svd",
                                                   "coupling", "exchange", "store"};

/* What the plan says of the whole run. */
typedef struct {
    int nodes, ranks_per_node;
    double node_hours, memory_per_node, limit; /* bytes; seconds to ask for */
} allocation;

static allocation allocate(const rj_plan *plan, const rj_plan_options *o)
{
    const int per_node = o->ranks_per_node > 0 ? o->ranks_per_node : plan->n_ranks;
    const int nodes = (plan->n_ranks + per_node - 1) / per_node;
    const double seconds = plan->outcome.makespan;

    return (allocation){.nodes = nodes,
                        .ranks_per_node = per_node,
                        .node_hours = nodes * seconds / 3600,
                        .memory_per_node = 1.1 * (double)plan->memory * per_node,
                        .limit = ceil((1.5 * seconds + 300) / 60) * 60};
}

static void print_models(const rj_study *study, const rj_plan *plan, FILE *to)
{
    fprintf(to, "%-40s %18s %8s %6s %9s", "model", "team", "GB/rank", "units", "s/unit");
    for (int s = 0; s < RJ_N_WORK; s++) fprintf(to, " %8s", stage_names[s]);
    fprintf(to, "\n");
    for (int i = 0; i < study->n_models; i++) {
        const rj_plan_model *m = &plan->model[i];
        char team[64];
        if (study->model[i].status != RJ_OK) {
            fprintf(to, "%-40s left out: %s\n", study->model[i].facts.name, study->model[i].why);
            continue;
        }
        snprintf(team, sizeof team, "%d (%d x %dx%d)", rj_team_size(&m->shape), m->shape.stages,
                 m->shape.n_row, m->shape.n_col);
        fprintf(to, "%-40s %18s %8.2f %6d %9.1f", study->model[i].facts.name, team, 1e-9 * (double)m->memory,
                m->n_units, m->unit.total);
        for (int s = 0; s < RJ_N_WORK; s++) fprintf(to, " %8.2f", m->unit.seconds[s]);
        fprintf(to, "\n");
    }
}

static void print_text(const rj_study *study, const rj_plan *plan, const allocation *a, FILE *to)
{
    const rj_sim_outcome *out = &plan->outcome;
    double all = 0;

    print_models(study, plan, to);
    for (int s = 0; s < RJ_N_WORK; s++) all += plan->work[s];
    fprintf(to,
            "\n%d ranks on %d nodes of %d: %.0f s (%.1f before the first unit, %.1f for the final file)\n",
            plan->n_ranks, a->nodes, a->ranks_per_node, out->makespan, plan->start, plan->end);
    fprintf(to, "node-hours %.4g; parallel efficiency %.1f %%; %.1f %% of the peak of matrix products\n",
            a->node_hours, 100 * out->efficiency, 100 * plan->peak);
    fprintf(to, "of the ranks' time:");
    for (int s = 0; s < RJ_N_WORK; s++) fprintf(to, " %s %.1f %%", stage_names[s], 100 * plan->work[s] / all);
    fprintf(to,
            "\n%d units; %.4g flops; %.4g weights read, %.4g GB stored; at the end ranks wait up to %.1f s\n",
            plan->n_units, plan->flops, plan->read, 1e-9 * plan->stored, out->tail);
    fprintf(to, "memory %.2f GB a rank, %.1f GB a node; time limit to ask for: %.0f min\n",
            1e-9 * (double)plan->memory, 1e-9 * a->memory_per_node, a->limit / 60);
}

static json_t *model_json(const rj_study_model *study, const rj_plan_model *m)
{
    json_t *stages = json_object();

    if (study->status != RJ_OK)
        return json_pack("{s:s, s:s}", "name", study->facts.name, "left_out", study->why);
    for (int s = 0; s < RJ_N_WORK; s++)
        json_object_set_new(stages, stage_names[s], json_real(m->unit.seconds[s]));
    return json_pack("{s:s, s:i, s:i, s:[i, i], s:I, s:i, s:f, s:f, s:o}", "name", study->facts.name, "team",
                     rj_team_size(&m->shape), "stages", m->shape.stages, "grid", m->shape.n_row,
                     m->shape.n_col, "memory_bytes", (json_int_t)m->memory, "units", m->n_units,
                     "unit_seconds", m->unit.total, "unit_flops", m->unit.flops, "unit_stage_seconds",
                     stages);
}

static rj_status print_json(const rj_study *study, const rj_plan *plan, const allocation *a, FILE *to)
{
    rj_status st = RJ_OK;
    json_t *models = json_array(), *stages = json_object();

    for (int i = 0; i < study->n_models; i++)
        json_array_append_new(models, model_json(&study->model[i], &plan->model[i]));
    for (int s = 0; s < RJ_N_WORK; s++) json_object_set_new(stages, stage_names[s], json_real(plan->work[s]));
    json_t *root =
        json_pack("{s:i, s:i, s:i, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:I, s:f, s:i, s:o, s:o}", "ranks",
                  plan->n_ranks, "nodes", a->nodes, "ranks_per_node", a->ranks_per_node, "seconds",
                  plan->outcome.makespan, "node_hours", a->node_hours, "efficiency", plan->outcome.efficiency,
                  "share_of_peak", plan->peak, "flops", plan->flops, "weights_read", plan->read,
                  "bytes_stored", plan->stored, "tail_seconds", plan->outcome.tail, "memory_per_rank_bytes",
                  (json_int_t)plan->memory, "memory_per_node_bytes", a->memory_per_node, "units",
                  plan->n_units, "stage_rank_seconds", stages, "models", models);
    RJ_REQUIRE(root != NULL, RJ_ERR_NOMEM, "no memory for the plan");
    json_dumpf(root, to, JSON_INDENT(2) | JSON_REAL_PRECISION(8));
    fputc('\n', to);
    json_decref(root);
done:
    return st;
}

/* In single quotes for a shell. */
static void put_quoted(const char *text, FILE *to)
{
    fputc('\'', to);
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            fputs("'\\''", to);
        else
            fputc(*text, to);
    }
    fputc('\'', to);
}

/* One placeholder's value; false where it is unknown. */
static bool put_value(const char *name, size_t n, const rj_plan_options *o, const rj_plan *plan,
                      const allocation *a, FILE *to)
{
    const struct {
        const char *name;
        double value;
    } numbers[] = {{"ranks", plan->n_ranks},
                   {"nodes", a->nodes},
                   {"ranks_per_node", a->ranks_per_node},
                   {"minutes", a->limit / 60},
                   {"memory_per_node_mb", ceil(1e-6 * a->memory_per_node)}};

    if (n == strlen("deck") && strncmp(name, "deck", n) == 0) {
        put_quoted(o->deck, to);
        return true;
    }
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        if (strlen(numbers[i].name) == n && strncmp(name, numbers[i].name, n) == 0) {
            fprintf(to, "%.0f", numbers[i].value);
            return true;
        }
    return false;
}

static rj_status fill_template(const rj_plan_options *o, const rj_plan *plan, const allocation *a, FILE *to)
{
    rj_status st = RJ_OK;
    char *text = NULL;
    size_t size = 0;

    RJ_TRY(rj_file_load(o->template, TEMPLATE_LIMIT, &text, &size));
    for (const char *at = text; *at != '\0';) {
        const char *open = strstr(at, "{{"), *close = open != NULL ? strstr(open, "}}") : NULL;
        if (close == NULL) {
            fputs(at, to);
            break;
        }
        fwrite(at, 1, (size_t)(open - at), to);
        RJ_REQUIRE(put_value(open + 2, (size_t)(close - open - 2), o, plan, a, to), RJ_ERR_FORMAT,
                   "%s: unknown placeholder %.*s}}; known are {{ranks}}, {{nodes}}, {{ranks_per_node}}, "
                   "{{minutes}}, "
                   "{{memory_per_node_mb}} and {{deck}}",
                   o->template, (int)(close - open < 64 ? close - open : 64), open);
        at = close + 2;
    }
done:
    RJ_FREE(text);
    return st;
}

static int64_t memory_of(const rj_plan_options *o, const rj_deck *deck)
{
    const int per_node = o->ranks_per_node > 0 ? o->ranks_per_node : 1;

    if (o->memory_per_node > 0) return (int64_t)(.9e9 * o->memory_per_node / per_node);
    return deck->memory_per_rank > 0 ? deck->memory_per_rank : (int64_t)2e9;
}

rj_status rj_plan_print(const rj_plan_options *o, FILE *to)
{
    rj_status st = RJ_OK;
    char *text = NULL;
    size_t n = 0;
    rj_deck *deck = NULL;
    rj_study *study = NULL;
    rj_machine machine;
    rj_plan plan = {0};

    RJ_TRY(rj_machine_load(o->machine, &machine));
    RJ_TRY(rj_file_load(o->deck, DECK_LIMIT, &text, &n));
    RJ_TRY(rj_deck_parse(o->deck, text, n, o->n_set, o->set, &deck));
    RJ_TRY(rj_study_sketch(deck, memory_of(o, deck), &study));
    RJ_TRY(rj_plan_make(study, &machine, o->n_ranks, NULL, &plan));
    const allocation a = allocate(&plan, o);
    if (o->template != NULL)
        RJ_TRY(fill_template(o, &plan, &a, to));
    else if (o->json)
        RJ_TRY(print_json(study, &plan, &a, to));
    else
        print_text(study, &plan, &a, to);
done:
    rj_plan_free(&plan);
    rj_study_free(&study);
    rj_deck_free(&deck);
    RJ_FREE(text);
    return st;
}
