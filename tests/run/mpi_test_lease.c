/* mpi_test_lease.c: one of several runs has a model; the dead, the silent and the restarted lose it; trouble means yes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "resjac/base/agree.h"
#include "resjac/base/fault.h"
#include "resjac/base/file.h"
#include "resjac/base/memory.h"
#include "resjac/base/process.h"
#include "resjac/run/lease.h"
#include "rj_test.h"

static MPI_Comm comm;
static int rank;
static char folder[64], path[256];

static rj_leases *open_leases(void)
{
    rj_leases *l = NULL;

    assert_all(rj_leases_open(comm, folder, 2, &l) == RJ_OK);
    return l;
}

static const char *lease_path(const char *name)
{
    snprintf(path, sizeof path, "%s/leases/%s.json", folder, name);
    return path;
}

static int files_left(void)
{
    char command[128];
    int n = -1;

    snprintf(command, sizeof command, "ls %s/leases | wc -l", folder);
    FILE *out = popen(command, "r");
    assert_int_equal(fscanf(out, "%d", &n), 1);
    pclose(out);
    return n;
}

static void pause_all(void)
{
    assert_int_equal(MPI_Barrier(comm), MPI_SUCCESS);
}

static void all_ranks_of_a_run_share_it(void **x)
{
    rj_leases *l = open_leases();
    (void)x;
    assert_all(rj_lease_take(l, 0, "m-1"));
    assert_all(rj_lease_take(l, 0, "m-1"));
    rj_lease_renew(l);
    pause_all();
    if (rank == 0) assert_int_equal(files_left(), 1); /* no draft stays */
    pause_all();
    rj_leases_close(comm, &l);
    assert_null(l);
    pause_all();
    if (rank == 0) assert_int_equal(files_left(), 0);
    rj_leases_close(comm, &l); /* of none */
}

static void a_second_run_is_refused_until_the_first_ends(void **x)
{
    rj_leases *a = open_leases(), *b = open_leases();
    (void)x;
    assert_all(rj_lease_take(a, 0, "m-1"));
    pause_all();
    assert_all(!rj_lease_take(b, 0, "m-1"));
    assert_all(rj_lease_take(b, 1, "m-2"));
    pause_all();
    rj_leases_close(comm, &a);
    assert_all(!rj_lease_take(b, 0, "m-1")); /* asked a moment ago */
    rj_leases *c = open_leases();
    assert_all(rj_lease_take(c, 0, "m-1"));
    assert_all(!rj_lease_take(c, 1, "m-2"));
    rj_leases_close(comm, &b);
    rj_leases_close(comm, &c);
    if (rank == 0) assert_int_equal(files_left(), 0);
}

/* Somebody else's lease, last renewed `age` seconds ago; then a run of our own asks. */
static bool takes_over(const char *host, long process, const char *job, int restart, long age)
{
    const struct timespec times[2] = {{time(NULL) - age, 0}, {time(NULL) - age, 0}};
    rj_leases *l = open_leases();

    if (rank == 0) {
        FILE *file = fopen(lease_path("m-1"), "w");
        fprintf(file,
                "{\"host\": \"%s\", \"pid\": %ld, \"job\": \"%s\", \"restart\": %d, \"run\": \"other\"}\n",
                host, process, job, restart);
        fclose(file);
        assert_int_equal(utimensat(0, lease_path("m-1"), times, 0), 0);
    }
    pause_all();
    const bool taken = rj_lease_take(l, 0, "m-1");
    rj_leases_close(comm, &l);
    pause_all();
    assert_all(taken != rj_path_exists(lease_path("m-1"))); /* ours is dropped, another's stays */
    pause_all();
    return taken;
}

static long dead_process(void)
{
    int status;
    const pid_t child = fork();

    if (child == 0) _exit(0);
    assert_true(waitpid(child, &status, 0) == child);
    return (long)child;
}

static void the_dead_and_the_silent_lose_it(void **x)
{
    char host[RJ_HOST_SIZE];
    long dead = rank == 0 ? dead_process() : 0;
    (void)x;
    rj_host_name(host);
    assert_int_equal(MPI_Bcast(&dead, 1, MPI_LONG, 0, comm), MPI_SUCCESS);
    assert_all(!takes_over("elsewhere", 1, "", 0, 0));
    assert_all(!takes_over("elsewhere", 1, "", 0, RJ_LEASE_STALE - 30));
    assert_all(takes_over("elsewhere", 1, "", 0, RJ_LEASE_STALE + 30));
    assert_all(takes_over(host, dead, "", 0, 0));
    assert_all(takes_over(host, 1, "", 0, 0)); /* its number is another program's now */
}

static void a_job_that_is_started_again_takes_its_own(void **x)
{
    (void)x;
    setenv("SLURM_JOB_ID", "77", 1);
    setenv("SLURM_RESTART_COUNT", "1", 1);
    assert_all(takes_over("elsewhere", 1, "77", 0, 0));
    assert_all(!takes_over("elsewhere", 1, "77", 1, 0)); /* another step of this start */
    assert_all(!takes_over("elsewhere", 1, "78", 0, 0));
    unsetenv("SLURM_JOB_ID");
    unsetenv("SLURM_RESTART_COUNT");
    assert_all(!takes_over("elsewhere", 1, "77", 0, 0));
}

static void a_broken_lease_is_nobodys(void **x)
{
    rj_leases *l = open_leases();
    (void)x;
    if (rank == 0) {
        FILE *file = fopen(lease_path("m-1"), "w");
        fputs("{\"host\": ", file);
        fclose(file);
    }
    pause_all();
    assert_all(rj_lease_take(l, 0, "m-1"));
    rj_leases_close(comm, &l);
}

static void trouble_means_yes(void **x)
{
    static const char *const fault[] = {"lease.take=error", "lease.renew=error", "lease.drop=error"};
    (void)x;
    for (int i = 0; i < 3; i++) {
        rj_leases *l = open_leases();
        assert_int_equal(rj_fault_setup(fault[i], rank), RJ_OK);
        assert_all(rj_lease_take(l, 0, "m-1"));
        rj_lease_renew(l);
        rj_leases_close(comm, &l);
        assert_int_equal(rj_fault_setup(NULL, rank), RJ_OK);
        pause_all();
        if (rank == 0) unlink(lease_path("m-1"));
        pause_all();
    }
    if (rank == 0) {
        char command[256];
        snprintf(command, sizeof command, "rmdir %s/leases && touch %s/leases", folder, folder);
        assert_int_equal(system(command), 0);
    }
    pause_all();
    rj_leases *l = open_leases(); /* a file is in the way */
    assert_all(rj_lease_take(l, 0, "m-1"));
    rj_lease_renew(l);
    rj_leases_close(comm, &l);
}

static void allocations_fail_without_a_leak(void **x)
{
    rj_status st = RJ_ERR_NOMEM;
    (void)x;
    for (ptrdiff_t n = 0; st != RJ_OK; n++) {
        rj_leases *l = NULL;
        if (rank == 0) rj_memory_fail_after(n);
        st = rj_leases_open(comm, folder, 2, &l);
        if (l != NULL) assert_all(rj_lease_take(l, 0, "m-1"));
        if (l != NULL) rj_leases_close(comm, &l);
        rj_memory_fail_after(-1);
        assert_all(st == RJ_OK || st == RJ_ERR_NOMEM);
        assert_all(rj_memory_live() == 0);
    }
}

static int enter(void **x)
{
    (void)x;
    snprintf(folder, sizeof folder, "/tmp/rj-lease-XXXXXX");
    if (rank == 0 && mkdtemp(folder) == NULL) return 1;
    return MPI_Bcast(folder, sizeof folder, MPI_CHAR, 0, comm) != MPI_SUCCESS;
}

static int leave(void **x)
{
    char command[128];
    (void)x;
    snprintf(command, sizeof command, "rm -rf %s", folder);
    pause_all();
    return rank == 0 ? system(command) : 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(all_ranks_of_a_run_share_it, enter, leave),
        cmocka_unit_test_setup_teardown(a_second_run_is_refused_until_the_first_ends, enter, leave),
        cmocka_unit_test_setup_teardown(the_dead_and_the_silent_lose_it, enter, leave),
        cmocka_unit_test_setup_teardown(a_job_that_is_started_again_takes_its_own, enter, leave),
        cmocka_unit_test_setup_teardown(a_broken_lease_is_nobodys, enter, leave),
        cmocka_unit_test_setup_teardown(trouble_means_yes, enter, leave),
        cmocka_unit_test_setup_teardown(allocations_fail_without_a_leak, enter, leave),
    };
    rj_test_begin(&argc, &argv);
    comm = rj_comm_dup(rj_test_comm);
    rank = rj_test_rank;
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    MPI_Comm_free(&comm);
    return rj_test_end(failed);
}
