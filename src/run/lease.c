/* lease.c: link(2) makes a lease whole and exclusive, on NFS too; ages are differences of the file system's own times, so
 * clocks of nodes do not matter. */
#include "resjac/run/lease.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "resjac/base/agree.h"
#include "resjac/base/clock.h"
#include "resjac/base/fault.h"
#include "resjac/base/file.h"
#include "resjac/base/json.h"
#include "resjac/base/log.h"
#include "resjac/base/memory.h"
#include "resjac/base/process.h"

enum { JOB_SIZE = 65, RUN_SIZE = 128, TEXT_SIZE = 512, LEASE_LIMIT = 4096 };

/* What a lease says. `run` tells holders apart that are equal in all else. */
typedef struct {
    char host[RJ_HOST_SIZE], job[JOB_SIZE], run[RUN_SIZE];
    int64_t process, restart; /* restart: how often the batch system has started this job again */
} holder;

typedef enum { UNKNOWN = 0, OURS, FOREIGN } lease_state;

typedef struct {
    char *path;
    lease_state state;
    bool made;    /* by this process, which drops it */
    double asked; /* rj_clock_now() */
} lease;

struct rj_leases {
    char *folder; /* NULL: no leases */
    holder me;
    int n, last; /* last: model asked for last, -1 none */
    double renewed;
    lease *lease; /* [n] */
};

static void copy_text(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from != NULL ? from : "");
    for (char *c = to; *c != '\0'; c++)
        if (*c == '"' || *c == '\\' || (unsigned char)*c < ' ') *c = '_'; /* it goes into JSON as it is */
}

static void describe_self(holder *me)
{
    const char *slurm = getenv("SLURM_JOB_ID"), *restart = getenv("SLURM_RESTART_COUNT");
    char host[RJ_HOST_SIZE];
    struct timespec now;

    *me = (holder){.process = (int64_t)getpid(), .restart = restart != NULL ? atol(restart) : 0};
    rj_host_name(host);
    copy_text(me->host, sizeof me->host, host);
    copy_text(me->job, sizeof me->job, slurm != NULL ? slurm : getenv("PBS_JOBID"));
    timespec_get(&now, TIME_UTC);
    snprintf(me->run, sizeof me->run, "%.60s-%lld-%lld.%09ld", me->host, (long long)me->process,
             (long long)now.tv_sec, now.tv_nsec);
}

static rj_status allocate(const char *folder, int n_models, rj_leases **leases)
{
    rj_status st = RJ_OK;
    rj_leases *own = NULL;

    RJ_NEW(own, 1, 1);
    own->last = -1;
    own->n = n_models;
    RJ_NEW(own->lease, n_models, 1);
    RJ_TRY(rj_path_join(folder, "leases", &own->folder));
    *leases = own;
    own = NULL;
done:
    if (own != NULL) RJ_FREE(own->lease);
    RJ_FREE(own);
    return st;
}

rj_status rj_leases_open(MPI_Comm comm, const char *folder, int n_models, rj_leases **leases)
{
    rj_status st = RJ_OK;
    rj_leases *own = NULL;
    int rank = 0, has_folder = 1;

    RJ_MPI(comm, MPI_Comm_rank(comm, &rank));
    RJ_TRY_ALL(comm, allocate(folder, n_models, &own));
    describe_self(&own->me);
    RJ_MPI(comm, MPI_Bcast(&own->me, (int)sizeof own->me, MPI_BYTE, 0, comm));
    if (rank == 0 && rj_path_make_folder(own->folder) != RJ_OK) {
        rj_log(RJ_LOG_WARN, "no leases, concurrent runs may do work twice: %s", rj_status_message());
        has_folder = 0;
    }
    RJ_MPI(comm, MPI_Bcast(&has_folder, 1, MPI_INT, 0, comm));
    if (!has_folder) RJ_FREE(own->folder);
    *leases = own;
    own = NULL;
done:
    if (own != NULL) {
        RJ_FREE(own->folder);
        RJ_FREE(own->lease);
    }
    RJ_FREE(own);
    return st;
}

/* This run's lease under a name of this process alone; *now is the file system's time. */
static rj_status write_draft(const rj_leases *l, char *draft, size_t size, double *now)
{
    rj_status st = RJ_OK;
    char text[TEXT_SIZE], host[RJ_HOST_SIZE];
    struct stat info;
    int file = -1;

    rj_host_name(host);
    RJ_REQUIRE((size_t)snprintf(draft, size, "%s/draft.tmp.%s.%ld", l->folder, host, (long)getpid()) < size,
               RJ_ERR_CREATE, "%s: the path is too long", l->folder);
    const int n =
        snprintf(text, sizeof text,
                 "{\"host\": \"%s\", \"pid\": %lld, \"job\": \"%s\", \"restart\": %lld, \"run\": \"%s\"}\n",
                 l->me.host, (long long)l->me.process, l->me.job, (long long)l->me.restart, l->me.run);
    unlink(draft); /* of a killed process that had this number */
    file = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    RJ_REQUIRE(file >= 0 && write(file, text, (size_t)n) == n && fstat(file, &info) == 0, RJ_ERR_IO,
               "%s: cannot be written: %s", draft, strerror(errno));
    *now = (double)info.st_mtim.tv_sec + 1e-9 * (double)info.st_mtim.tv_nsec;
done:
    if (file >= 0) close(file);
    return st;
}

static rj_status read_lease(const char *path, holder *who, double *renewed)
{
    rj_status st = RJ_OK;
    rj_json *json = NULL;
    const char *host = "", *job = "", *run = "";
    struct stat info;

    *who = (holder){.process = 0};
    RJ_REQUIRE(stat(path, &info) == 0, RJ_ERR_MISSING, "%s: %s", path, strerror(errno));
    *renewed = (double)info.st_mtim.tv_sec + 1e-9 * (double)info.st_mtim.tv_nsec;
    RJ_TRY(rj_json_open(path, LEASE_LIMIT, &json));
    RJ_TRY(rj_json_string(json, NULL, "host", true, &host));
    RJ_TRY(rj_json_string(json, NULL, "job", true, &job));
    RJ_TRY(rj_json_string(json, NULL, "run", true, &run));
    RJ_TRY(rj_json_integer(json, NULL, "pid", true, &who->process));
    RJ_TRY(rj_json_integer(json, NULL, "restart", true, &who->restart));
    copy_text(who->host, sizeof who->host, host);
    copy_text(who->job, sizeof who->job, job);
    copy_text(who->run, sizeof who->run, run);
done:
    rj_json_close(&json);
    return st;
}

/* Process numbers of this host: of the rank that asks, which may be on another host than rank 0. */
static bool is_dead(const rj_leases *l, const holder *who, double age)
{
    char host[RJ_HOST_SIZE], own[RJ_HOST_SIZE];

    if (age > RJ_LEASE_STALE) return true;
    if (l->me.job[0] != '\0' && strcmp(who->job, l->me.job) == 0 && who->restart < l->me.restart) return true;
    rj_host_name(host);
    copy_text(own, sizeof own, host);
    return strcmp(who->host, own) == 0 && !rj_process_runs((long)who->process);
}

/* Removes a dead run's lease. Between reading and renaming, a third run may have put its own there: that one goes back. */
static rj_status remove_dead(const rj_leases *l, const char *path, const holder *dead)
{
    rj_status st = RJ_OK;
    char aside[4096], host[RJ_HOST_SIZE];
    holder who;
    double renewed;

    rj_host_name(host);
    snprintf(aside, sizeof aside, "%s/aside.tmp.%s.%ld", l->folder, host, (long)getpid());
    RJ_REQUIRE(rename(path, aside) == 0 || errno == ENOENT, RJ_ERR_IO, "%s: cannot be removed: %s", path,
               strerror(errno));
    if (read_lease(aside, &who, &renewed) == RJ_OK && strcmp(who.run, dead->run) != 0 &&
        link(aside, path) != 0)
        rj_log(RJ_LOG_DEBUG, "%s: was taken meanwhile", path);
    unlink(aside);
done:
    return st;
}

/* One attempt, and a second after a dead holder was removed. */
static rj_status take(const rj_leases *l, const char *path, bool *made, bool *foreign)
{
    rj_status st = RJ_OK;
    char draft[4096] = "";
    double now = 0.0, renewed = 0.0;

    *made = *foreign = false;
    RJ_TRY(rj_fault_at(RJ_FAULT_LEASE_TAKE));
    RJ_TRY(write_draft(l, draft, sizeof draft, &now));
    for (int attempt = 0; attempt < 2; attempt++) {
        holder who;
        *made = link(draft, path) == 0;
        RJ_REQUIRE(*made || errno == EEXIST, RJ_ERR_IO, "%s: cannot be made: %s", path, strerror(errno));
        if (*made) break;
        const rj_status readable = read_lease(path, &who, &renewed);
        if (readable == RJ_ERR_MISSING) continue; /* dropped meanwhile */
        if (readable != RJ_OK && readable != RJ_ERR_FORMAT) RJ_TRY(readable);
        if (readable == RJ_OK && strcmp(who.run, l->me.run) == 0) break;
        *foreign = readable == RJ_OK && !is_dead(l, &who, now - renewed);
        if (*foreign) {
            rj_log(RJ_LOG_WARN,
                   "%s: process %lld on %s%s%s measures this model, last heard of %.0f s ago; its units are "
                   "left "
                   "to it. If it is gone, delete this file, or wait until it is %d s old",
                   path, (long long)who.process, who.host, who.job[0] ? ", job " : "", who.job,
                   fmax(now - renewed, 0.0), RJ_LEASE_STALE);
            break;
        }
        RJ_TRY(remove_dead(l, path, &who));
    }
done:
    if (draft[0] != '\0') unlink(draft);
    return st;
}

bool rj_lease_take(rj_leases *leases, int model, const char *name)
{
    lease *one = &leases->lease[model];
    const double now = rj_clock_now();
    char file[300];
    bool foreign = false;

    leases->last = model;
    if (leases->folder == NULL || one->state == OURS) return true;
    if (one->state == FOREIGN && now - one->asked < RJ_LEASE_RENEW) return false;
    one->asked = now;
    snprintf(file, sizeof file, "%s.json", name);
    if ((one->path == NULL && rj_path_join(leases->folder, file, &one->path) != RJ_OK) ||
        take(leases, one->path, &one->made, &foreign) != RJ_OK) {
        rj_log(RJ_LOG_WARN, "model is measured without a lease: %s", rj_status_message());
        foreign = false;
    }
    one->state = foreign ? FOREIGN : OURS;
    leases->renewed = now;
    return !foreign;
}

void rj_lease_renew(rj_leases *leases)
{
    const double now = rj_clock_now();
    const lease *one = leases->last >= 0 ? &leases->lease[leases->last] : NULL;
    rj_status st = RJ_OK;

    if (one == NULL || one->path == NULL || one->state != OURS) return;
    st = rj_fault_at(RJ_FAULT_LEASE_RENEW);
    if (st == RJ_OK && now - leases->renewed < RJ_LEASE_RENEW) return;
    leases->renewed = now;
    if (st != RJ_OK || utimensat(AT_FDCWD, one->path, NULL, 0) != 0)
        rj_log(RJ_LOG_WARN, "%s: cannot be renewed (%s): another run may take this model too", one->path,
               st != RJ_OK ? rj_status_message() : strerror(errno));
}

static void drop(const rj_leases *l, const lease *one)
{
    holder who;
    double renewed;
    const rj_status st = rj_fault_at(RJ_FAULT_LEASE_DROP);

    if (read_lease(one->path, &who, &renewed) != RJ_OK || strcmp(who.run, l->me.run) != 0) return;
    if (st != RJ_OK || unlink(one->path) != 0)
        rj_log(RJ_LOG_WARN, "%s: cannot be dropped: %s", one->path,
               st != RJ_OK ? rj_status_message() : strerror(errno));
}

void rj_leases_close(MPI_Comm comm, rj_leases **leases)
{
    rj_leases *l = *leases;

    if (l == NULL) return;
    RJ_MPI(comm, MPI_Barrier(comm)); /* a lease ends for all ranks of the run */
    for (int i = 0; i < l->n; i++) {
        if (l->lease[i].made) drop(l, &l->lease[i]);
        RJ_FREE(l->lease[i].path);
    }
    RJ_MPI(comm, MPI_Barrier(comm)); /* whichever rank made them: closed means that all are dropped */
    RJ_FREE(l->lease);
    RJ_FREE(l->folder);
    RJ_FREE(*leases);
}
