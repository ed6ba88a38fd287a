/* campaign.c: every rank knows the whole plan; teams claim units one by one, and store each as its own file; rank 0 keeps the
 * books and merges. Ranks regroup between models whose teams differ in shape. Whatever one team meets alone is agreed after the
 * last unit, never in between. */
#include "resjac/run/campaign.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "campaign_finish.h"
#include "campaign_share.h"
#include "resjac/base/agree.h"
#include "resjac/base/clock.h"
#include "resjac/base/fault.h"
#include "resjac/base/file.h"
#include "resjac/base/hash.h"
#include "resjac/base/log.h"
#include "resjac/base/memory.h"
#include "resjac/linalg/blas.h"
#include "resjac/run/budget.h"
#include "resjac/run/claim.h"
#include "resjac/run/study.h"
#include "resjac/store/manifest.h"
#include "resjac/store/tidy.h"

enum { DECK_LIMIT = 1 << 24 };

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

static rj_status move_away(const char *path)
{
    rj_status st = RJ_OK;
    char old[4096];

    if (!rj_path_exists(path)) return RJ_OK;
    for (int i = 1; i < 1000; i++) {
        snprintf(old, sizeof old, "%s.old-%d", path, i);
        if (rj_path_exists(old)) continue;
        RJ_REQUIRE(rename(path, old) == 0, RJ_ERR_CREATE, "--fresh: cannot rename %s to %s", path, old);
        rj_log(RJ_LOG_INFO, "--fresh: %s is kept as %s", path, old);
        return RJ_OK;
    }
    RJ_FAIL(RJ_ERR_CREATE, "--fresh: %s.old-1 to -999 are there already; delete some", path);
done:
    return st;
}

/* Rank 0 alone: the folders, the manifest. */
static rj_status prepare_output(const rj_campaign_options *o, campaign *c)
{
    rj_status st = RJ_OK;
    rj_manifest_unit *unit = NULL;

    if (o->fresh) {
        RJ_TRY(move_away(c->folder));
        RJ_TRY(move_away(c->deck->output));
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
done:
    RJ_FREE(unit);
    return st;
}

/* Stages of every model's teams, for the units that are left. The same on every rank. */
static rj_status choose_stages(campaign *c)
{
    rj_status st = RJ_OK;

    for (int i = 0; i < c->study->n_models; i++) {
        rj_pipeline_options o;
        rj_study_model *m = &c->study->model[i];
        if (m->status != RJ_OK) continue;
        const rj_team_case l = rj_study_case(c->study, i, &o);
        RJ_TRY(rj_team_choose_stages(&l, &c->deck->layout, c->n_pending, c->size, &m->shape));
    }
done:
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
    rj_log(RJ_LOG_INFO, "%d units, %d done before, %d to do on %d ranks of %.2f GB", c->n_units, c->n_done,
           c->n_pending, c->size, 1e-9 * (double)c->memory);
}

static void fill_record(const campaign *c, const campaign_unit *u, rj_record *record)
{
    const int first = u->unit * c->deck->unit_prompts;

    for (ptrdiff_t p = 0; p < record->sizes.size[RJ_DIM_PROMPT]; p++) {
        const rj_prompt *prompt = &c->study->prompts->prompt[first + p];
        memcpy(record->prompt_id[p], prompt->id, sizeof prompt->id);
        memcpy(record->prompt_sha256[p], prompt->sha256, sizeof prompt->sha256);
    }
}

/* Between two blocks of a prompt: serves MPI, and asks whether this unit must be dropped. */
static rj_status between_blocks(void *ctx, double share)
{
    campaign *c = ctx;
    const double spent = rj_clock_now() - c->unit_start;

    rj_claim_tick(&c->claim);
    rj_lease_renew(c->leases);
    const rj_status fault = rj_fault_at(RJ_FAULT_UNIT_BLOCK);
    if (fault != RJ_OK) return fault;
    if (!rj_stop_drops(&c->stop, spent / share - spent)) return RJ_OK;
    return rj_raise(RJ_ERR_STOPPED, __FILE__, __LINE__, "%s: the unit under way is dropped",
                    rj_stop_reason(&c->stop));
}

/* Measures one unit; the team's rank 0 stores it. *in_store tells where an error came from. Collective on the team. */
static rj_status do_unit(campaign *c, const rj_team *team, campaign_unit *u, rj_model *model, bool *in_store)
{
    rj_status st = RJ_OK;
    const rj_study_model *m = &c->study->model[u->model];
    rj_pipeline_options o = rj_study_options(c->study, u->model, u->unit);
    const int n = rj_study_unit_prompts(c->study, u->unit);
    rj_record *record = NULL;

    o.tick = between_blocks;
    o.tick_ctx = c;
    const rj_sizes sizes = rj_pipeline_sizes(&m->config, &o, n);
    const rj_shard_head head = rj_study_head(c->study, u->model, u->unit);
    st = rj_fault_at(RJ_FAULT_UNIT_MEASURE);
    RJ_TRY_ALL(team->comm, st != RJ_OK ? st : rj_record_create(&sizes, &record));
    fill_record(c, u, record);
    RJ_TRY(
        rj_pipeline_run(team, model, &o, n, m->tokens + (ptrdiff_t)u->unit * c->deck->unit_prompts, record));
    *in_store = true;
    const rj_stage before = rj_clock_enter(RJ_STAGE_STORE);
    if (team->rank == 0) {
        for (int p = 0; p < n; p++) u->n_missing += *rj_record_at(record, RJ_VAR_PROMPT_STATUS, p) != 0;
        st = rj_shard_write(c->units_folder, &head, record);
    }
    rj_clock_enter(before);
    RJ_TRY_ALL(team->comm, st);
done:
    rj_record_destroy(&record);
    return st;
}

/* `done` units of the teams' present list are done. */
static void report_progress(campaign *c, const campaign_unit *u, long long done)
{
    done += c->n_before;
    const double elapsed = rj_clock_now() - c->start, each = elapsed / (double)done;
    const int all_done = c->n_done + (int)done;
    const double eta = each * (double)(c->n_pending - done);

    if (c->rank != 0) return;
    rj_log_progress(done == c->n_pending, "%d/%d units  %s  %.3g units/min  eta %.0f s", all_done, c->n_units,
                    c->study->model[u->model].facts.name, 60.0 / each, eta);
    if (done < c->n_pending && rj_clock_now() - c->told < 1.0)
        return; /* once a second is enough for any reader */
    c->told = rj_clock_now();
    const rj_run_state state = {"running", all_done, c->n_units, 0, eta};
    if (rj_status_write(c->folder, &state) != RJ_OK) rj_log(RJ_LOG_WARN, "%s", rj_status_message());
}

static void note_failure(campaign *c, const rj_team *team, const campaign_unit *u, rj_status st)
{
    campaign_failure *f = &c->failure[u->model];

    if (team->rank == 0)
        rj_log(RJ_LOG_ERROR, "model %s, unit %d: %s", c->study->model[u->model].facts.name, u->unit,
               rj_status_message());
    if (f->code >= st) return;
    f->code = st;
    snprintf(f->why, sizeof f->why, "%s", rj_status_message());
}

/* The model that a rank has open, -1 for none. */
typedef struct {
    int index;
    rj_model *model;
} opened;

/* Opens the unit's model if it is not, measures and stores the unit. *in_store tells where an error came from. Collective on the
 * team. */
static rj_status measure_unit(campaign *c, const rj_team *team, campaign_unit *u, opened *open,
                              bool *in_store)
{
    rj_status st = c->failure[u->model].code; /* a model that failed here is not tried again by this team */
    const rj_study_model *m = &c->study->model[u->model];

    if (st != RJ_OK) return st;
    if (open->index != u->model) {
        rj_model_close(&open->model);
        open->index = -1;
        RJ_TRY_ALL(team->comm, rj_model_open(m->deck->path, m->is_twin, c->deck->seed, &open->model));
        open->index = u->model;
    }
    RJ_TRY(do_unit(c, team, u, open->model, in_store));
done:
    if (st != RJ_OK && st != RJ_ERR_STOPPED) note_failure(c, team, u, st);
    return st;
}

/* The next of n units for this team, n or more where none is left, -1 where one of its ranks must stop. Collective on the team. */
static long long claim_together(campaign *c, const rj_team *team)
{
    int may = rj_stop_allows(&c->stop, c->longest_unit);
    long long next = -1;

    RJ_MPI(team->comm, MPI_Allreduce(MPI_IN_PLACE, &may, 1, MPI_INT, MPI_MIN, team->comm));
    if (may && team->rank == 0) next = rj_claim_next(&c->claim);
    RJ_MPI(team->comm, MPI_Bcast(&next, 1, MPI_LONG_LONG, 0, team->comm));
    return next;
}

/* A team claims and measures units of list [n] until none is left or the run must end. Trouble with the output ends the team's
 * part, since every further unit would be lost. Collective on the team; never returns early with a claim open. */
static rj_status work(campaign *c, const rj_team *team, int n, const int *list)
{
    rj_status st = RJ_OK;
    opened open = {-1, NULL};

    while (st == RJ_OK) {
        const long long next = claim_together(c, team);
        if (next < 0 || next >= n) break;
        campaign_unit *u = &c->unit[list[next]];
        bool in_store = false;
        if (!rj_campaign_may_measure(c, team, u)) continue;
        c->unit_start = rj_clock_now();
        const rj_status outcome = measure_unit(c, team, u, &open, &in_store);
        if (outcome == RJ_ERR_STOPPED) break; /* the unit stays to be done */
        u->state = outcome == RJ_OK ? UNIT_DONE : UNIT_FAILED;
        if (in_store) st = outcome;
        c->longest_unit = fmax(c->longest_unit, rj_clock_now() - c->unit_start);
        if (team->rank == 0) report_progress(c, u, rj_claim_done(&c->claim));
    }
    if (!rj_stop_allows(&c->stop, 0.0)) {
        rj_log(RJ_LOG_WARN, "stopping: %s", rj_stop_reason(&c->stop));
        rj_claim_end(&c->claim); /* the others need not see the same signal */
    }
    rj_model_close(&open.model);
    return st;
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

/* What each rank resolved for itself: paths with $VAR, ~ and globs may differ between nodes. */
static rj_status hash_resolved(const rj_deck *deck, char text[RJ_HASH_TEXT])
{
    rj_status st = RJ_OK;
    rj_hash *hash = NULL;
    uint8_t digest[RJ_HASH_SIZE];

    RJ_TRY(rj_hash_create(&hash));
    rj_hash_add_text(hash, deck->prompts);
    rj_hash_add_text(hash, deck->output);
    for (int i = 0; i < deck->n_models; i++) {
        rj_hash_add_text(hash, deck->model[i].path);
        rj_hash_add_text(hash, deck->model[i].name);
    }
    RJ_TRY(rj_hash_digest(hash, digest));
    rj_hash_text(digest, text);
done:
    rj_hash_destroy(&hash);
    return st;
}

/* Collective. */
static rj_status check_same_deck(MPI_Comm comm, const rj_deck *deck)
{
    rj_status st = RJ_OK;
    char mine[RJ_HASH_TEXT] = "", first[RJ_HASH_TEXT] = "";
    int rank = 0;

    RJ_MPI(comm, MPI_Comm_rank(comm, &rank));
    RJ_TRY_ALL(comm, hash_resolved(deck, mine));
    memcpy(first, mine, sizeof first);
    RJ_MPI(comm, MPI_Bcast(first, sizeof first, MPI_CHAR, 0, comm));
    RJ_TRY_ALL(
        comm,
        strcmp(first, mine) == 0
            ? RJ_OK
            : rj_raise(
                  RJ_ERR_USAGE, __FILE__, __LINE__,
                  "%s: rank %d finds other models, prompts or output than rank 0 (%d models, the first %s); "
                  "use paths, environment variables and globs that are the same on every node",
                  deck->path, rank, deck->n_models, deck->model[0].path));
done:
    return st;
}

static rj_status load_deck(MPI_Comm comm, const rj_campaign_options *o, rj_deck **deck)
{
    rj_status st = RJ_OK;
    char *text = NULL;
    size_t n = 0;

    RJ_TRY(rj_load_all(comm, o->deck, DECK_LIMIT, &text, &n));
    RJ_TRY_ALL(comm, rj_deck_parse(o->deck, text, n, o->n_set, o->set, deck));
    RJ_TRY(check_same_deck(comm, *deck));
done:
    RJ_FREE(text);
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
    const rj_score_rules rules = {d->scores,        d->n_score_columns, d->score_column,
                                  d->score_primary, d->score_draws,     d->seed};

    return rj_score_stage_open(&rules, &c->scores);
}

static rj_status plan(const rj_campaign_options *o, campaign *c)
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
    RJ_TRY(choose_stages(c));
    if (c->rank == 0) log_plan(c);
done:
    return st;
}

static bool same_shape(const campaign *c, int unit, int other)
{
    const rj_team_shape *a = &c->study->model[c->unit[unit].model].shape;
    const rj_team_shape *b = &c->study->model[c->unit[other].model].shape;

    return a->stages == b->stages && a->n_row == b->n_row && a->n_col == b->n_col;
}

/* The pending units whose teams are of one shape, by those teams. Collective. */
static rj_status work_in_teams(campaign *c, const rj_team_shape *shape, int n)
{
    rj_status st = RJ_OK;
    rj_team *team = NULL;

    RJ_TRY(rj_team_create(c->comm, shape, &team));
    RJ_TRY(rj_claim_open(c->comm, &c->claim));
    if (c->rank == 0 && c->size % rj_team_size(shape) != 0)
        rj_log(RJ_LOG_INFO, "%d of %d ranks have no team of %d and wait", c->size % rj_team_size(shape),
               c->size, rj_team_size(shape));
    if (team != NULL) c->worst = work(c, team, n, c->list);
    RJ_MPI(c->comm, MPI_Barrier(c->comm)); /* rank 0 must serve claims until the last is made */
    rj_claim_close(&c->claim);
    c->worst = rj_agree(c->comm, c->worst);
done:
    rj_team_free(&team);
    return st;
}

/* Ranks form teams for the first pending unit's shape, do all units of that shape, and form others. Collective. */
static rj_status measure(const rj_campaign_options *o, campaign *c)
{
    rj_status st = RJ_OK;
    int n_left = c->n_pending;

    RJ_TRY(rj_leases_open(c->comm, c->folder, c->study->n_models, &c->leases));
    rj_stop_open(&c->stop, c->rank == 0 ? c->deck->output : NULL,
                 o->max_seconds > 0 ? fmax(o->max_seconds - (rj_clock_now() - c->start), 1e-9) : 0.0);
    while (n_left > 0 && c->worst == RJ_OK) {
        const int first = c->pending[0];
        int n = 0, others = 0, stop = !rj_stop_allows(&c->stop, 0.0);
        RJ_MPI(c->comm, MPI_Allreduce(MPI_IN_PLACE, &stop, 1, MPI_INT, MPI_MAX, c->comm));
        if (stop) break;
        for (int i = 0; i < n_left; i++) {
            const int at = c->pending[i];
            if (same_shape(c, first, at))
                c->list[n++] = at;
            else
                c->pending[others++] = at;
        }
        n_left = others;
        RJ_TRY(work_in_teams(c, &c->study->model[c->unit[first].model].shape, n));
        c->n_before += n;
    }
done:
    rj_leases_close(c->comm, &c->leases);
    rj_stop_close();
    return st;
}

rj_status rj_campaign_run(MPI_Comm comm, const rj_campaign_options *options)
{
    rj_status st = RJ_OK;
    campaign c = {.comm = comm, .start = rj_clock_now()};
    rj_deck *deck = NULL;

    RJ_MPI(comm, MPI_Comm_rank(comm, &c.rank));
    RJ_MPI(comm, MPI_Comm_size(comm, &c.size));
    RJ_TRY(load_deck(comm, options, &deck));
    c.deck = deck;
    rj_blas_set_threads(
        1); /* layout.threads: two ranks of one thread beat one of two, and bits depend on it */
    RJ_TRY(plan(options, &c));
    if (options->dry_run) goto done;
    RJ_TRY(measure(options, &c));
    RJ_TRY(rj_campaign_finish(options, &c));
done:
    rj_score_stage_close(&c.scores);
    RJ_FREE(c.pending);
    RJ_FREE(c.list);
    RJ_FREE(c.failure);
    RJ_FREE(c.unit);
    RJ_FREE(c.selected);
    RJ_FREE(c.folder);
    RJ_FREE(c.units_folder);
    rj_study_free(&c.study);
    rj_deck_free(&deck);
    return st;
}
