/* campaign.c: every rank knows the whole plan; teams claim units one by one, and store each as its own file; rank 0 keeps the
 * books and merges. Ranks regroup between models whose teams differ in shape. Whatever one team meets alone is agreed after the
 * last unit, never in between. */
#include "resjac/run/campaign.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "campaign_finish.h"
#include "campaign_plan.h"
#include "campaign_share.h"
#include "resjac/base/agree.h"
#include "resjac/base/clock.h"
#include "resjac/base/fault.h"
#include "resjac/base/hash.h"
#include "resjac/base/log.h"
#include "resjac/base/memory.h"
#include "resjac/linalg/blas.h"
#include "resjac/run/claim.h"
#include "resjac/run/study.h"
#include "resjac/store/manifest.h"

enum { DECK_LIMIT = 1 << 24 };

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
    RJ_TRY_ALL(team->comm, rj_fault_at(RJ_FAULT_UNIT_MEASURE));
    RJ_TRY_ALL(team->comm, rj_record_create(&sizes, &record));
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
        RJ_TRY_ALL(team->comm, rj_model_open_stack(m->deck->path, m->deck->stack, m->is_twin, c->deck->seed,
                                                   &open->model));
        open->index = u->model;
    }
    RJ_TRY(do_unit(c, team, u, open->model, in_store));
done:
    if (st != RJ_OK && st != RJ_ERR_STOPPED) note_failure(c, team, u, st);
    return st;
}

/* The next of list [n] that is this run's to measure, n or more where none is left. Rank 0 of a team. */
static long long claim_next(campaign *c, int n, const int *list)
{
    long long next;

    do next = rj_claim_next(&c->claim);
    while (next < n && !rj_campaign_may_measure(c, &c->unit[list[next]]));
    return next;
}

/* The same for a team, -1 where one of its ranks must stop. Collective on the team. */
static long long claim_together(campaign *c, const rj_team *team, int n, const int *list)
{
    int may = rj_stop_allows(&c->stop, c->longest_unit);
    long long next = -1;

    RJ_MPI(team->comm, MPI_Allreduce(MPI_IN_PLACE, &may, 1, MPI_INT, MPI_MIN, team->comm));
    if (may && team->rank == 0) next = claim_next(c, n, list);
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
        const long long next = claim_together(c, team, n, list);
        if (next < 0 || next >= n) break;
        campaign_unit *u = &c->unit[list[next]];
        bool in_store = false;
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
    rj_stop_close();
    rj_leases_close(c->comm, &c->leases);
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
    RJ_TRY(rj_campaign_plan(options, &c));
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
