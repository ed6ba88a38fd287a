/* test_tidy.c: what killed runs left goes, what living ones or strangers write stays. */
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

#include "resjac/base/fault.h"
#include "resjac/base/file.h"
#include "resjac/base/memory.h"
#include "resjac/base/process.h"
#include "resjac/store/tidy.h"

static char scratch[64], shown[512];

static const char *in_scratch(const char *name)
{
    snprintf(shown, sizeof shown, "%s/%s", scratch, name);
    return shown;
}

static void touch(const char *name, long age)
{
    const struct timespec times[2] = {{time(NULL) - age, 0}, {time(NULL) - age, 0}};
    FILE *file = fopen(in_scratch(name), "w");

    assert_non_null(file);
    fclose(file);
    assert_int_equal(utimensat(0, in_scratch(name), times, 0), 0);
}

static bool is_there(const char *name)
{
    return rj_path_exists(in_scratch(name));
}

static long dead_process(void)
{
    int status;
    const pid_t child = fork();

    if (child == 0) _exit(0);
    assert_true(waitpid(child, &status, 0) == child);
    return (long)child;
}

/* "<start>.tmp.<this host>.<process>" */
static const char *temporary(const char *start, long process)
{
    static char name[256];
    char host[RJ_HOST_SIZE];

    rj_host_name(host);
    snprintf(name, sizeof name, "%s.tmp.%s.%ld", start, host, process);
    return name;
}

static rj_status prepare(void)
{
    char output[128];

    snprintf(output, sizeof output, "%s/out.nc", scratch);
    return rj_output_prepare(output);
}

static void folders_are_made(void **x)
{
    (void)x;
    assert_int_equal(prepare(), RJ_OK);
    assert_true(rj_path_is_folder(in_scratch("out.nc.d/units")));
    assert_int_equal(prepare(), RJ_OK);
    assert_int_equal(rj_output_prepare("plain.nc"), RJ_OK); /* in the working folder */
    assert_true(rj_path_is_folder("plain.nc.d/units"));
    assert_int_equal(rmdir("plain.nc.d/units") + rmdir("plain.nc.d"), 0);
}

static void files_of_the_dead_go(void **x)
{
    static const char *const start[] = {"out.nc", "out.nc.d/status.json", "out.nc.d/units/m-unit00000-aa.nc",
                                        "out.nc.d/units/m.tmp.1-unit00000-aa.nc"};
    const long dead = dead_process(), alive = (long)getpid();
    (void)x;
    assert_int_equal(prepare(), RJ_OK);
    for (size_t i = 0; i < sizeof start / sizeof start[0]; i++) {
        touch(temporary(start[i], dead), 0);
        touch(temporary(start[i], alive), 1000000);
    }
    assert_int_equal(prepare(), RJ_OK);
    for (size_t i = 0; i < sizeof start / sizeof start[0]; i++) {
        assert_false(is_there(temporary(start[i], dead)));
        assert_true(is_there(temporary(start[i], alive)));
    }
}

static void files_of_another_host_go_after_a_day(void **x)
{
    (void)x;
    assert_int_equal(prepare(), RJ_OK);
    touch("out.nc.d/units/a.nc.tmp.no-such-host.1", 86400 + 60);
    touch("out.nc.d/units/b.nc.tmp.no-such-host.1", 86400 - 60);
    assert_int_equal(prepare(), RJ_OK);
    assert_false(is_there("out.nc.d/units/a.nc.tmp.no-such-host.1"));
    assert_true(is_there("out.nc.d/units/b.nc.tmp.no-such-host.1"));
}

static void other_names_stay(void **x)
{
    static const char *const name[] = {"out.nc.d/units/m-unit00000-aa.nc",
                                       "out.nc.d/units/m.nc.broken",
                                       "out.nc.d/units/m.tmp.host.",
                                       "out.nc.d/units/m.tmp.host.x1",
                                       "out.nc.d/units/m.tmp.host.-1",
                                       "out.nc.d/units/m.tmp.1",
                                       "other.nc.tmp.host.1",
                                       "out.nc.tmpx"};
    (void)x;
    assert_int_equal(prepare(), RJ_OK);
    for (size_t i = 0; i < sizeof name / sizeof name[0]; i++) touch(name[i], 1000000);
    assert_int_equal(prepare(), RJ_OK);
    for (size_t i = 0; i < sizeof name / sizeof name[0]; i++) assert_true(is_there(name[i]));
}

static void what_cannot_be_made_is_named(void **x)
{
    char output[128];
    (void)x;
    touch("file", 0);
    snprintf(output, sizeof output, "%s/file/out.nc", scratch);
    assert_int_equal(rj_output_prepare(output), RJ_ERR_CREATE);
    assert_non_null(strstr(rj_status_message(), "cannot make the folder"));
    assert_int_equal(rj_fault_setup("output.prepare=error", 0), RJ_OK);
    assert_int_equal(prepare(), RJ_ERR_CREATE);
    assert_int_equal(rj_fault_setup(NULL, 0), RJ_OK);
}

static void allocations_fail_without_a_leak(void **x)
{
    rj_status st = RJ_ERR_NOMEM;
    (void)x;
    for (ptrdiff_t n = 0; st != RJ_OK; n++) {
        rj_memory_fail_after(n);
        st = prepare();
        rj_memory_fail_after(-1);
        assert_true(st == RJ_OK || st == RJ_ERR_NOMEM);
        assert_int_equal(rj_memory_live(), 0);
    }
}

static int enter(void **x)
{
    (void)x;
    snprintf(scratch, sizeof scratch, "/tmp/rj-tidy-XXXXXX");
    return mkdtemp(scratch) == NULL;
}

static int leave(void **x)
{
    char command[128];
    (void)x;
    snprintf(command, sizeof command, "rm -rf %s", scratch);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(folders_are_made, enter, leave),
        cmocka_unit_test_setup_teardown(files_of_the_dead_go, enter, leave),
        cmocka_unit_test_setup_teardown(files_of_another_host_go_after_a_day, enter, leave),
        cmocka_unit_test_setup_teardown(other_names_stay, enter, leave),
        cmocka_unit_test_setup_teardown(what_cannot_be_made_is_named, enter, leave),
        cmocka_unit_test_setup_teardown(allocations_fail_without_a_leak, enter, leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
