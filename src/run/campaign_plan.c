/* campaign_plan.c: which units there are, which of them are done, and who is to do the others. */
#include "campaign_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "resjac/base/agree.h"
#include "resjac/base/file.h"
#include "resjac/base/log.h"
#include "resjac/base/memory.h"
#include "resjac/run/budget.h"
#include "resjac/run/machine.h"
#include "resjac/run/plan.h"
#include "resjac/store/manifest.h"
#include "resjac/store/seal.h"
#include "resjac/store/tidy.h"

/* Part i of n of a list of `total`, both from 1. */
static bool is_share(const char *text, int at, int total, bool *valid)
{
    int i = 0, n = 0, end = 0;

    *valid = sscanf(text, "%d/%d%n", &i, &n, &end) == 2 && text[end] == '\0' && 1 <= i && i <= n;
    if (!*valid) return false;
    return (long long)at * n / total == i - 1;
}

static rj_status select_models(const rj_campaign_options *o, campaign *c)
{
    rj_status st = RJ_OK;
    const rj_deck *deck = c->deck;

    RJ_NEW(c->selected, c->study->n_models, 1);
    for (int i = 0; i < c->study->n_models; i++) c->selected[i] = o->n_only == 0;
    for (int a = 0; a < o->n_only; a++) {
        bool any = false, is_fraction = false;
        for (int i = 0; i < c->study->n_models; i++) {
            const rj_study_model *m = &c->study->model[i];
            const bool hit =
                is_share(o->only[a], (int)(m->deck - deck->model), deck->n_models, &is_fraction) ||
                strcmp(m->facts.name, o->only[a]) == 0 || strcmp(m->deck->name, o->only[a]) == 0;
            c->selected[i] |= hit;
            any |= hit;
        }
        RJ_REQUIRE(any || is_fraction, RJ_ERR_USAGE,
                   "--only %s: no model of that name in %s, and not i/n with 1 <= i <= n", o->only[a],
                   deck->path);
    }
done:
    return st;
}

/* Largest first: the last units to be claimed are then the short ones. Ties keep the deck's order. */
static int by_cost(const void *a, const void *b)
{
    const campaign_unit *x = a, *y = b;

    if (x->cost != y->cost) return x->cost < y->cost ? 1 : -1;
    if (x->model != y->model) return x->model < y->model ? -1 : 1;
    return (x->unit > y->unit) - (x->unit < y->unit);
}

static rj_status list_units(campaign *c)
{
    rj_status st = RJ_OK;
    const rj_study *s = c->study;
    ptrdiff_t n = 0;

    for (int i = 0; i < s->n_models; i++) n += s->model[i].status == RJ_OK ? s->model[i].n_units : 0;
    RJ_REQUIRE(n < 10000000, RJ_ERR_USAGE, "%td units; raise layout.unit_prompts", n);
    RJ_NEW(c->unit, n, 1);
    for (int i = 0; i < s->n_models; i++) {
        const rj_study_model *m = &s->model[i];
        const double d = m->config.d;
        for (int u = 0; m->status == RJ_OK && u < m->n_units; u++)
            c->unit[c->n_units++] =
                (campaign_unit){i, u, (double)m->config.n_layer * d * d * d, UNIT_PENDING, 0};
    }
    qsort(c->unit, (size_t)c->n_units, sizeof *c->unit, by_cost);
done:
    return st;
}

/* This rank's share of the look at what is done. */
static rj_status check_share(const campaign *c, int *done, int *missing)
{
    rj_status st = RJ_OK;

    for (int i = c->rank; i < c->n_units; i += c->size) {
        const rj_shard_head head = rj_study_head(c->study, c->unit[i].model, c->unit[i].unit);
        bool is_done = false;
        RJ_TRY(rj_shard_is_done(c->units_folder, &head, &is_done, &missing[i]));
        done[i] = is_done;
    }
done:
    return st;
}

/* Collective. With `fresh` nothing is done, whatever is there (a dry run leaves it there). */
static rj_status find_done(campaign *c, bool fresh)
{
    rj_status st = RJ_OK;
    int *done = NULL;

    RJ_TRY_ALL(c->comm, rj_alloc((void **)&done, c->n_units, 2, sizeof *done, __FILE__, __LINE__));
    int *missing = done + c->n_units;
    RJ_TRY_ALL(c->comm, fresh ? RJ_OK : check_share(c, done, missing));
    RJ_MPI(c->comm, MPI_Allreduce(MPI_IN_PLACE, done, 2 * c->n_units, MPI_INT, MPI_MAX, c->comm));
    for (int i = 0; i < c->n_units; i++) {
        c->unit[i].n_missing = missing[i];
        if (done[i])
            c->unit[i].state = UNIT_DONE;
        else if (c->selected[c->unit[i].model])
            c->pending[c->n_pending++] = i;
        c->n_done += done[i];
    }
done:
    RJ_FREE(done);
    return st;
}

static rj_status move_away(const char *why, const char *path)
{
    rj_status st = RJ_OK;
    char old[4096];

    if (!rj_path_exists(path)) return RJ_OK;
    for (int i = 1; i < 1000; i++) {
        snprintf(old, sizeof old, "%s.old-%d", path, i);
        if (rj_path_exists(old)) continue;
        RJ_REQUIRE(rename(path, old) == 0, RJ_ERR_CREATE, "%s: cannot rename %s to %s", why, path, old);
        rj_log(RJ_LOG_INFO, "%s: %s is kept as %s", why, path, old);
        return RJ_OK;
    }
    RJ_FAIL(RJ_ERR_CREATE, "%s: %s.old-1 to -999 are there already; delete some", why, path);
done:
    return st;
}

/* "Nothing has changed" is true only of a final file that is as it was written; another one is kept, and written again. */
static rj_status check_output(campaign *c)
{
    rj_status st = rj_seal_check(c->deck->output, true);

    c->was_complete = st == RJ_OK;
    if (st == RJ_ERR_FORMAT || st == RJ_ERR_IO) {
        rj_log(RJ_LOG_WARN, "%s", rj_status_message());
        st = move_away("written again", c->deck->output);
    }
    return st;
}

/* Rank 0 alone: the folders, the manifest. */
static rj_status prepare_output(const rj_campaign_options *o, campaign *c)
{
    rj_status st = RJ_OK;
    rj_manifest_unit *unit = NULL;

    if (o->fresh) {
        RJ_TRY(move_away("--fresh", c->folder));
        RJ_TRY(move_away("--fresh", c->deck->output));
    }
    RJ_REQUIRE(!rj_path_is_folder(c->deck->output), RJ_ERR_CREATE,
               "%s: is a folder; output must be a file's name", c->deck->output);
    RJ_TRY(rj_output_prepare(c->deck->output));
    RJ_NEW(unit, c->n_units, 1);
    for (int i = 0; i < c->n_units; i++) {
        const rj_shard_head head = rj_study_head(c->study, c->unit[i].model, c->unit[i].unit);
        snprintf(unit[i].model, sizeof unit[i].model, "%s", head.model.name);
        memcpy(unit[i].key, head.key, sizeof unit[i].key);
        unit[i].grid[0] = c->study->model[c->unit[i].model].shape.n_row;
        unit[i].grid[1] = c->study->model[c->unit[i].model].shape.n_col;
        rj_shard_name(&head, unit[i].file);
    }
    RJ_TRY(rj_manifest_write(c->folder, rj_deck_keep(c->deck), rj_score_stage_key(c->scores), c->n_units,
                             unit, &c->same_manifest, c->manifest_sha256));
    c->was_complete = c->same_manifest && rj_status_is_done(c->folder) && rj_path_exists(c->deck->output);
    if (c->was_complete) RJ_TRY(check_output(c));
done:
    RJ_FREE(unit);
    return st;
}

/* Units of each model that are to do. */
static rj_status count_pending(const campaign *c, int **n_units)
{
    rj_status st = RJ_OK;

    RJ_NEW(*n_units, c->study->n_models, 1);
    for (int i = 0; i < c->n_pending; i++) (*n_units)[c->unit[c->pending[i]].model]++;
done:
    return st;
}

/* Stages of every model's teams, for the units that are left. The same on every rank. */
static rj_status choose_stages(campaign *c, const int *n_units)
{
    rj_status st = RJ_OK;

    for (int i = 0; i < c->study->n_models; i++) {
        rj_pipeline_options o;
        rj_study_model *m = &c->study->model[i];
        if (m->status != RJ_OK) continue;
        const rj_team_case l = rj_study_case(c->study, i, &o);
        RJ_TRY(rj_team_choose_stages(&l, &c->deck->layout, n_units[i], c->size, &m->shape));
    }
done:
    return st;
}

/* What the units that are left should take, for comparison at the end. Rank 0. */
static rj_status make_plan(campaign *c, const int *n_units)
{
    rj_status st = RJ_OK;
    rj_machine machine;
    rj_plan plan = {0};

    RJ_TRY(rj_machine_load(NULL, &machine));
    RJ_TRY(rj_plan_make(c->study, &machine, c->size, n_units, &plan));
    c->planned_seconds = plan.outcome.makespan - plan.end;
    c->planned_memory = plan.memory;
done:
    rj_plan_free(&plan);
    return st;
}

/* Collective. */
static rj_status choose_teams(campaign *c)
{
    rj_status st = RJ_OK;
    int *n_units = NULL;

    RJ_TRY_ALL(c->comm, count_pending(c, &n_units));
    RJ_TRY_ALL(c->comm, choose_stages(c, n_units));
    RJ_TRY_ALL(c->comm, c->rank == 0 && c->n_pending > 0 ? make_plan(c, n_units) : RJ_OK);
done:
    RJ_FREE(n_units);
    return st;
}

static void log_plan(const campaign *c)
{
    for (int i = 0; i < c->study->n_models; i++) {
        const rj_study_model *m = &c->study->model[i];
        if (m->status != RJ_OK) {
            rj_log(RJ_LOG_ERROR, "model %s is left out: %s", m->facts.name, m->why);
            continue;
        }
        rj_pipeline_options o;
        const rj_team_case l = rj_study_case(c->study, i, &o);
        const rj_team_shape *shape = &m->shape;
        rj_log(RJ_LOG_INFO,
               "model %s: %s, %d blocks, d = %d, %.4g million parameters, %d prompts in %d units, teams of "
               "%d (%d stages x grid %dx%d), %.2f GB a rank",
               m->facts.name, m->facts.family, m->config.n_layer, m->config.d,
               1e-6 * (double)m->facts.n_parameters, c->study->prompts->n, m->n_units, rj_team_size(shape),
               shape->stages, shape->n_row, shape->n_col, 1e-9 * (double)rj_team_memory(&l, shape));
    }
    rj_log(RJ_LOG_INFO, "%d units, %d done before, %d to do on %d ranks of %.2f GB, about %.0f s", c->n_units,
           c->n_done, c->n_pending, c->size, 1e-9 * (double)c->memory, c->planned_seconds);
}

static rj_status allocate(campaign *c)
{
    rj_status st = RJ_OK;

    RJ_NEW(c->pending, c->n_units, 1);
    RJ_NEW(c->list, c->n_units, 1);
    RJ_NEW(c->failure, c->study->n_models, 1);
done:
    return st;
}

static rj_status make_paths(campaign *c)
{
    rj_status st = RJ_OK;
    const ptrdiff_t n = (ptrdiff_t)strlen(c->deck->output) + 16;

    RJ_NEW(c->folder, n, 1);
    RJ_NEW(c->units_folder, n, 1);
    snprintf(c->folder, (size_t)n, "%s.d", c->deck->output);
    snprintf(c->units_folder, (size_t)n, "%s.d/units", c->deck->output);
done:
    return st;
}

static rj_status open_scores(campaign *c)
{
    const rj_deck *d = c->deck;
    const rj_deck_scores *given = &d->scores;
    const rj_score_rules rules = {given->table,   given->n_columns, given->column,
                                  given->primary, given->draws,     d->seed};

    return rj_score_stage_open(&rules, &c->scores);
}

rj_status rj_campaign_plan(const rj_campaign_options *o, campaign *c)
{
    rj_status st = RJ_OK;

    RJ_TRY_ALL(c->comm, make_paths(c));
    RJ_TRY_ALL(c->comm, c->rank == 0 ? open_scores(c) : RJ_OK);
    c->memory = rj_memory_budget(c->comm, c->deck->memory_per_rank);
    RJ_TRY(rj_study_open(c->comm, c->deck, c->memory, o->replan || o->fresh, &c->study));
    RJ_TRY_ALL(c->comm, select_models(o, c));
    RJ_TRY_ALL(c->comm, list_units(c));
    RJ_TRY_ALL(c->comm, allocate(c));
    if (!o->dry_run) RJ_TRY_ALL(c->comm, c->rank == 0 ? prepare_output(o, c) : RJ_OK);
    RJ_TRY(find_done(c, o->fresh));
    RJ_TRY(choose_teams(c));
    if (c->rank == 0) log_plan(c);
done:
    return st;
}
