/* test_fault.c: what RESJAC_FAULT says is what fails, there and nowhere else. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sys/wait.h>

#include <cmocka.h>

#include "resjac/base/fault.h"
#include "resjac/base/process.h"

static void nothing_fails_unless_set(void **x)
{
    (void)x;
    assert_int_equal(rj_fault_setup(NULL, 0), RJ_OK);
    for (int i = 0; i < RJ_N_FAULTS; i++) assert_int_equal(rj_fault_at((rj_fault)i), RJ_OK);
    assert_int_equal(rj_fault_setup("nc.put:1=error", 0), RJ_OK); /* another rank's */
    assert_int_equal(rj_fault_at(RJ_FAULT_NC_PUT), RJ_OK);
}

static void one_pass_of_one_step_fails(void **x)
{
    (void)x;
    assert_int_equal(rj_fault_setup("nc.put:1:2=error", 1), RJ_OK);
    assert_int_equal(rj_fault_at(RJ_FAULT_NC_OPEN), RJ_OK);
    assert_int_equal(rj_fault_at(RJ_FAULT_NC_PUT), RJ_OK);
    assert_int_equal(rj_fault_at(RJ_FAULT_NC_PUT), RJ_ERR_IO);
    assert_non_null(strstr(rj_status_message(), "injected at nc.put"));
    assert_int_equal(rj_fault_at(RJ_FAULT_NC_PUT), RJ_OK);
}

static void a_plus_fails_ever_after(void **x)
{
    (void)x;
    assert_int_equal(rj_fault_setup("text.write:*:2+=nospace", 3), RJ_OK);
    assert_int_equal(rj_fault_at(RJ_FAULT_TEXT_WRITE), RJ_OK);
    for (int i = 0; i < 3; i++) assert_int_equal(rj_fault_at(RJ_FAULT_TEXT_WRITE), RJ_ERR_IO);
    assert_non_null(strstr(rj_status_message(), "no space left"));
}

static void each_step_and_action_has_its_code(void **x)
{
    char text[64];
    (void)x;
    for (int i = 0; i < RJ_N_FAULTS; i++) {
        snprintf(text, sizeof text, "%s=error", rj_fault_name((rj_fault)i));
        assert_int_equal(rj_fault_setup(text, 0), RJ_OK);
        assert_int_not_equal(rj_fault_at((rj_fault)i), RJ_OK);
    }
    assert_int_equal(rj_fault_setup("publish.rename=error", 0), RJ_OK);
    assert_int_equal(rj_fault_at(RJ_FAULT_PUBLISH_RENAME), RJ_ERR_CREATE);
    assert_int_equal(rj_fault_setup("publish.rename=nomem", 0), RJ_OK);
    assert_int_equal(rj_fault_at(RJ_FAULT_PUBLISH_RENAME), RJ_ERR_NOMEM);
}

/* How a child ends that passes a step. */
static int end_of(const char *text)
{
    int status = 0;
    const pid_t child = fork();

    if (child == 0) {
        if (rj_fault_setup(text, 0) != RJ_OK || rj_fault_at(RJ_FAULT_NC_CLOSE) != RJ_OK) _exit(2);
        _exit(0);
    }
    assert_true(child > 0 && waitpid(child, &status, 0) == child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : -WEXITSTATUS(status);
}

static void signals_are_sent(void **x)
{
    (void)x;
    assert_int_equal(end_of("nc.close=kill"), SIGKILL);
    assert_int_equal(end_of("nc.close=term"), SIGTERM);
    assert_int_equal(end_of("nc.close:1=kill"), 0);
}

static void other_forms_are_refused(void **x)
{
    static const char *const form[] = {
        "nc.put",         "nc.put=",         "nc.put=fish",      "nc.put:=kill",    "nc.put:-1=kill",
        "nc.put:0:=kill", "nc.put:0:0=kill", "nc.put:0:1-=kill", "nc.put:*:x=kill", "nc.put:0:1:=kill"};
    (void)x;
    for (size_t i = 0; i < sizeof form / sizeof form[0]; i++) {
        assert_int_equal(rj_fault_setup(form[i], 0), RJ_ERR_USAGE);
        assert_non_null(strstr(rj_status_message(), "needs STEP[:RANK[:PASS[+]]]=ACTION"));
        assert_int_equal(rj_fault_at(RJ_FAULT_NC_PUT), RJ_OK);
    }
    assert_int_equal(rj_fault_setup("nc.pu=kill", 0), RJ_ERR_USAGE);
    assert_non_null(strstr(rj_status_message(), "no such step; the steps are memory.alloc "));
    assert_non_null(strstr(rj_status_message(), rj_fault_name((rj_fault)(RJ_N_FAULTS - 1))));
}

static void a_process_runs_until_it_ends(void **x)
{
    char letter = 0;
    int pipes[2], status;
    (void)x;
    assert_true(rj_process_runs((long)getpid()));
    assert_false(rj_process_runs(0));
    assert_false(rj_process_runs(-1));
    assert_false(rj_process_runs(1)); /* another program */
    assert_int_equal(pipe(pipes), 0);
    const pid_t child = fork();
    if (child == 0) {
        const ssize_t n = read(pipes[0], &letter, 1); /* waits for its parent */
        _exit(n == 1 ? 0 : 1);
    }
    assert_true(rj_process_runs((long)child));
    assert_int_equal(write(pipes[1], "x", 1), 1);
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0); /* ended, not waited for */
    assert_false(rj_process_runs((long)child));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_false(rj_process_runs((long)child));
    close(pipes[0]);
    close(pipes[1]);
}

static int clear(void **x)
{
    (void)x;
    return rj_fault_setup(NULL, 0) != RJ_OK;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(nothing_fails_unless_set, clear),
        cmocka_unit_test_teardown(one_pass_of_one_step_fails, clear),
        cmocka_unit_test_teardown(a_plus_fails_ever_after, clear),
        cmocka_unit_test_teardown(each_step_and_action_has_its_code, clear),
        cmocka_unit_test_teardown(signals_are_sent, clear),
        cmocka_unit_test_teardown(other_forms_are_refused, clear),
        cmocka_unit_test(a_process_runs_until_it_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
