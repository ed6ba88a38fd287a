/* campaign_finish.c: the final file is written when no unit is left that could still be measured. */
#include "campaign_finish.h"
#include "campaign_share.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "resjac/base/clock.h"
#include "resjac/base/file.h"
#include "resjac/base/hash.h"
#include "resjac/base/log.h"
#include "resjac/base/memory.h"
#include "resjac/store/manifest.h"
#include "resjac/store/results.h"

/* The same unit states, failures and counts on every rank. Collective. */
static rj_status agree_units(campaign *c)
{
    rj_status st = RJ_OK;
    int *state = NULL;

    RJ_TRY_ALL(c->comm, rj_alloc((void **)&state, c->n_units, 2, sizeof *state, __FILE__, __LINE__));
    int *missing = state + c->n_units;
    for (int i = 0; i < c->n_units; i++) {
        state[i] = (int)c->unit[i].state;
        missing[i] = c->unit[i].n_missing;
    }
    RJ_MPI(c->comm, MPI_Allreduce(MPI_IN_PLACE, state, 2 * c->n_units, MPI_INT, MPI_MAX, c->comm));
    for (int i = 0; i < c->n_units; i++) {
        c->unit[i].state = (unit_state)state[i];
        c->unit[i].n_missing = missing[i];
    }
    for (int i = 0; i < c->study->n_models; i++) {
        struct {
            int code, rank;
        } worst = {(int)c->failure[i].code, c->rank};
        RJ_MPI(c->comm, MPI_Allreduce(MPI_IN_PLACE, &worst, 1, MPI_2INT, MPI_MAXLOC, c->comm));
        if (worst.code == RJ_OK) continue;
        c->failure[i].code = (rj_status)worst.code;
        RJ_MPI(c->comm, MPI_Bcast(c->failure[i].why, RJ_MESSAGE_SIZE, MPI_CHAR, worst.rank, c->comm));
    }
done:
    RJ_FREE(state);
    return st;
}

static int count_units(const campaign *c, unit_state state, bool selected_only)
{
    int n = 0;

    for (int i = 0; i < c->n_units; i++)
        n += c->unit[i].state == state && (!selected_only || c->selected[c->unit[i].model]);
    return n;
}

/* Prompts that were left out of the units that are done; model < 0: of all. */
static int count_missing(const campaign *c, int model)
{
    int n = 0;

    for (int i = 0; i < c->n_units; i++)
        if ((model < 0 || c->unit[i].model == model) && c->unit[i].state == UNIT_DONE)
            n += c->unit[i].n_missing;
    return n;
}

/* OK, PARTIAL or, where every model failed, the gravest of their codes; raises the message. */
static rj_status outcome(const campaign *c)
{
    rj_status st = RJ_OK, gravest = RJ_OK;
    const char *why = "";
    int n_failed = 0;

    for (int i = 0; i < c->study->n_models; i++) {
        const rj_study_model *m = &c->study->model[i];
        const rj_status code = m->status != RJ_OK ? m->status : c->failure[i].code;
        n_failed += code != RJ_OK;
        if (code > gravest) {
            gravest = code;
            why = m->status != RJ_OK ? m->why : c->failure[i].why;
        }
    }
    if (gravest == RJ_OK && count_missing(c, -1) == 0) return RJ_OK;
    if (n_failed == c->study->n_models && count_units(c, UNIT_DONE, false) == 0)
        RJ_FAIL(gravest, "nothing could be measured: %s", why);
    if (gravest >= RJ_ERR_NOMEM)
        RJ_FAIL(gravest, "%d of %d models failed, the rest is written: %s", n_failed, c->study->n_models,
                why);
    RJ_FAIL(RJ_ERR_PARTIAL, "%d of %d models failed, %d prompts are left out, the rest is written", n_failed,
            c->study->n_models, count_missing(c, -1));
done:
    return st;
}

static void results_free(int n, rj_results_model **model)
{
    for (int i = 0; *model != NULL && i < n; i++) {
        for (int u = 0; (*model)[i].shard != NULL && u < (*model)[i].n_shards; u++)
            RJ_FREE((*model)[i].shard[u]);
        RJ_FREE((*model)[i].shard);
    }
    RJ_FREE(*model);
}

/* Messages name files, which provenance: minimal keeps out of the output. */
static const char *shown_reason(const campaign *c, const char *why)
{
    return c->deck->provenance_full ? why : "the log says why";
}

/* One model's entry: the files of its units that are done, in unit order. `status` has room for RJ_MESSAGE_SIZE. */
static rj_status results_entry(const campaign *c, int i, rj_results_model *entry, char *status)
{
    rj_status st = RJ_OK;
    const rj_study_model *m = &c->study->model[i];
    char name[2 * RJ_NAME_SIZE];
    int n_done = 0;

    entry->facts = m->facts;
    entry->status = status;
    if (m->status != RJ_OK) {
        snprintf(status, RJ_MESSAGE_SIZE, "failed: %.1900s", shown_reason(c, m->why));
        return RJ_OK;
    }
    RJ_NEW(entry->shard, m->n_units, 1);
    for (int u = 0; u < m->n_units; u++) {
        for (int at = 0; at < c->n_units; at++) {
            if (c->unit[at].model != i || c->unit[at].unit != u || c->unit[at].state != UNIT_DONE) continue;
            const rj_shard_head head = rj_study_head(c->study, i, u);
            rj_shard_name(&head, name);
            RJ_TRY(rj_path_join(c->units_folder, name, &entry->shard[n_done]));
            entry->n_shards = ++n_done;
        }
    }
    const int n_missing = count_missing(c, i);
    if (n_done == m->n_units && n_missing > 0)
        snprintf(status, RJ_MESSAGE_SIZE, "partial: %d of %d prompts left out", n_missing,
                 c->study->prompts->n);
    else if (n_done == m->n_units)
        snprintf(status, RJ_MESSAGE_SIZE, "ok");
    else
        snprintf(status, RJ_MESSAGE_SIZE, "%s: %d of %d units: %.1900s", n_done > 0 ? "partial" : "failed",
                 n_done, m->n_units, shown_reason(c, c->failure[i].why));
done:
    return st;
}

enum { MAX_ATTRIBUTES = 24, TEXT_SIZE = 256 };

typedef struct {
    int n;
    rj_attribute list[MAX_ATTRIBUTES];
    char text[MAX_ATTRIBUTES][TEXT_SIZE];
} attributes;

static void add_attribute(attributes *a, const char *name, bool nondeterministic, const char *text)
{
    a->list[a->n++] = (rj_attribute){name, text, nondeterministic};
}

static void add_number(attributes *a, const char *name, bool nondeterministic, double value)
{
    snprintf(a->text[a->n], TEXT_SIZE, "%.15g", value);
    add_attribute(a, name, nondeterministic, a->text[a->n]);
}

static rj_status provenance(const rj_campaign_options *o, const campaign *c, attributes *a)
{
    rj_status st = RJ_OK;
    const char *job = getenv("SLURM_JOB_ID"), *user = getenv("USER");
    const time_t now = time(NULL);

    a->n = 0;
    add_attribute(a, "software", false, o->version);
    add_attribute(a, "manifest_sha256", false, c->manifest_sha256);
    add_number(a, "seed", false, (double)c->deck->seed);
    RJ_TRY(rj_hash_bytes(c->deck->text, strlen(c->deck->text), a->text[a->n]));
    add_attribute(a, "deck_sha256", false, a->text[a->n]);
    strftime(a->text[a->n], TEXT_SIZE, "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
    add_attribute(a, "date_created", true, a->text[a->n]);
    add_number(a, "n_ranks", true, c->size);
    add_number(a, "elapsed_seconds", true, rj_clock_now() - c->start);
    add_number(a, "peak_memory_bytes", true, (double)rj_clock_peak_memory());
    add_number(a, "planned_seconds", true, c->planned_seconds);
    add_number(a, "planned_memory_bytes", true, (double)c->planned_memory);
    if (c->deck->provenance_full) {
        add_attribute(
            a, "deck", true,
            c->deck->text); /* deck_sha256 stands for it: paths in it may differ between equal runs */
        add_attribute(a, "command_line", true, o->command);
        if (gethostname(a->text[a->n], TEXT_SIZE - 1) != 0) a->text[a->n][0] = '\0';
        add_attribute(a, "host", true, a->text[a->n]);
        add_attribute(a, "user", true, user != NULL ? user : "");
        add_attribute(a, "job_id", true, job != NULL ? job : "");
    }
done:
    return st;
}

/* What rj_results_write is to be told; on an error the caller frees what there is. */
static rj_status describe(const rj_campaign_options *o, const campaign *c, rj_results_model **model,
                          char (**status)[RJ_MESSAGE_SIZE], attributes **a)
{
    rj_status st = RJ_OK;
    const int n = c->study->n_models;

    RJ_NEW(*model, n, 1);
    RJ_NEW(*status, n, 1);
    RJ_NEW(*a, 1, 1);
    for (int i = 0; i < n; i++) RJ_TRY(results_entry(c, i, &(*model)[i], (*status)[i]));
    RJ_TRY(provenance(o, c, *a));
done:
    return st;
}

/* Collective. */
static rj_status write_results(const rj_campaign_options *o, const campaign *c)
{
    rj_status st = RJ_OK;
    const int n = c->study->n_models;
    rj_results_model *model = NULL;
    char(*status)[RJ_MESSAGE_SIZE] = NULL;
    attributes *a = NULL;
    const rj_results_annex annex = rj_score_stage_annex(c->scores);

    RJ_TRY_ALL(c->comm, describe(o, c, &model, &status, &a));
    st = rj_results_write_annexed(c->comm, c->deck->output, n, model, rj_deck_keep(c->deck), a->n, a->list,
                                  &annex);
    if (st == RJ_ERR_MISSING) { /* a unit of ours is gone: the output's trouble, not the input's */
        char message[RJ_MESSAGE_SIZE];
        snprintf(message, sizeof message, "%s", rj_status_message());
        st =
            rj_raise(RJ_ERR_CREATE, __FILE__, __LINE__, "%.1900s; bring it back, or rerun the deck", message);
    }
    if (st != RJ_OK) goto done;
    if (c->rank == 0) rj_log(RJ_LOG_INFO, "%s is written", c->deck->output);
done:
    results_free(n, &model);
    RJ_FREE(status);
    RJ_FREE(a);
    return st;
}

/* Where the time went, over all ranks. Collective. */
static void log_costs(const campaign *c)
{
    rj_stage_cost cost[RJ_N_STAGES];
    double sum[3 * RJ_N_STAGES], all = 0.0, memory = (double)rj_clock_peak_memory();

    rj_clock_costs(cost);
    for (int s = 0; s < RJ_N_STAGES; s++) {
        sum[3 * s] = cost[s].seconds;
        sum[3 * s + 1] = cost[s].flops;
        sum[3 * s + 2] = cost[s].bytes;
    }
    RJ_MPI(c->comm, MPI_Allreduce(MPI_IN_PLACE, sum, 3 * RJ_N_STAGES, MPI_DOUBLE, MPI_SUM, c->comm));
    RJ_MPI(c->comm, MPI_Allreduce(MPI_IN_PLACE, &memory, 1, MPI_DOUBLE, MPI_MAX, c->comm));
    for (int s = 0; s < RJ_N_STAGES; s++) all += sum[3 * s];
    if (c->rank != 0 || c->n_pending == 0 || all <= 0.0) return;
    rj_log(RJ_LOG_INFO, "%-10s %12s %7s %12s %12s", "stage", "rank seconds", "share", "GFLOP/s", "GB read");
    for (int s = 0; s < RJ_N_STAGES; s++)
        rj_log(RJ_LOG_INFO, "%-10s %12.2f %6.1f%% %12.1f %12.3f", rj_stage_name((rj_stage)s), sum[3 * s],
               100 * sum[3 * s] / all, sum[3 * s] > 0 ? 1e-9 * sum[3 * s + 1] / sum[3 * s] : 0.0,
               1e-9 * sum[3 * s + 2]);
    rj_log(RJ_LOG_INFO, "peak memory of a rank %.3f GB, %.1f s in all; planned %.3f GB, %.1f s",
           1e-9 * memory, rj_clock_now() - c->start, 1e-9 * (double)c->planned_memory, c->planned_seconds);
}

/* A cautious guess of the seconds that the final file takes: 10 MB/s of what is merged, 20 ms a file. */
static double merge_seconds(const campaign *c)
{
    double seconds = 1.0;

    for (int i = 0; i < c->n_units; i++) {
        const rj_shard_head head = rj_study_head(c->study, c->unit[i].model, c->unit[i].unit);
        char name[2 * RJ_NAME_SIZE], path[8192];
        struct stat info;
        if (c->unit[i].state != UNIT_DONE) continue;
        rj_shard_name(&head, name);
        snprintf(path, sizeof path, "%s/%s", c->units_folder, name);
        if (stat(path, &info) == 0) seconds += .02 + 1e-7 * (double)info.st_size;
    }
    return seconds;
}

/* Final file and books, as rank 0 decides; *postponed where the file would not be ready before the run must end.
 * Collective. */
static rj_status close_books(const rj_campaign_options *o, campaign *c, rj_status result, bool is_complete,
                             bool *postponed)
{
    rj_status st = RJ_OK;
    const int n_failed = count_units(c, UNIT_FAILED, false), n_done = count_units(c, UNIT_DONE, false);
    const bool anything = is_complete && n_done > 0;
    int plan[2] = {anything && !(c->was_complete && c->n_pending == 0), 0}; /* write; postpone: rank 0's */

    if (c->rank == 0 && plan[0] && !rj_stop_allows(&c->stop, merge_seconds(c))) plan[1] = 1;
    RJ_MPI(c->comm, MPI_Bcast(plan, 2, MPI_INT, 0, c->comm));
    *postponed = plan[1];
    const char *state = !is_complete || *postponed ? "stopped"
                        : result == RJ_OK          ? "done"
                        : result == RJ_ERR_PARTIAL ? "partial"
                                                   : "failed";
    const rj_run_state books = {state, n_done, c->n_units, n_failed, is_complete && !*postponed ? 0.0 : -1.0};
    if (plan[0] && !*postponed)
        RJ_TRY(write_results(o, c));
    else if (anything && !*postponed && c->rank == 0)
        rj_log(RJ_LOG_INFO, "nothing has changed: %s is up to date", c->deck->output);
    RJ_TRY_ALL(c->comm, c->rank == 0 ? rj_status_write(c->folder, &books) : RJ_OK);
done:
    return st;
}

/* The output is in trouble: status.json says so where it still can be written. Keeps the message. */
static rj_status end_in_trouble(const campaign *c)
{
    char message[RJ_MESSAGE_SIZE];
    const rj_run_state books = {"failed", count_units(c, UNIT_DONE, false), c->n_units,
                                count_units(c, UNIT_FAILED, false), -1.0};

    snprintf(message, sizeof message, "%s", rj_status_message());
    if (c->rank == 0 && rj_status_write(c->folder, &books) != RJ_OK)
        rj_log(RJ_LOG_WARN, "%s", rj_status_message());
    return rj_raise(c->worst, __FILE__, __LINE__, "%s", message);
}

rj_status rj_campaign_finish(const rj_campaign_options *options, campaign *c)
{
    rj_status st = RJ_OK;

    rj_campaign_look_again(c);
    RJ_TRY(agree_units(c));
    log_costs(c);
    if (c->worst != RJ_OK) return end_in_trouble(c);
    const rj_status result = outcome(c);
    const int left = count_units(c, UNIT_PENDING, true), left_all = count_units(c, UNIT_PENDING, false);
    char message[RJ_MESSAGE_SIZE];
    snprintf(message, sizeof message, "%s", rj_status_message());
    bool postponed = false;
    RJ_TRY(close_books(options, c, result, left_all == 0, &postponed));
    const bool stop_file = c->stop.file[0] != '\0' && rj_path_exists(c->stop.file);
    RJ_REQUIRE(
        !postponed, RJ_ERR_STOPPED,
        "stopped after %.0f s, all units done but %s not written yet (%s); the same command resumes%s%s",
        rj_clock_now() - c->start, c->deck->output, rj_stop_reason(&c->stop),
        stop_file ? " once this file is gone: " : "", stop_file ? c->stop.file : "");
    RJ_REQUIRE(left == 0, RJ_ERR_STOPPED,
               "stopped after %.0f s with %d of %d units left; the same command resumes%s%s",
               rj_clock_now() - c->start, left, c->n_units, stop_file ? " once this file is gone: " : "",
               stop_file ? c->stop.file : "");
    if (left_all > 0 && c->rank == 0)
        rj_log(RJ_LOG_INFO,
               "%d units of models left out by --only are still to do; %s follows when they are done",
               left_all, c->deck->output);
    if (result != RJ_OK) RJ_FAIL(result, "%s", message);
done:
    return st;
}
