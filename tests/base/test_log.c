/* test_log.c: stderr is led into a file, or a terminal of 20 columns, and read back. */
#define _XOPEN_SOURCE 700 /* posix_openpt */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "../temporary.h"
#include "resjac/base/log.h"

static char logged[1 << 16];
static int terminal;

static void catch_begin(void)
{
    fflush(stderr);
    terminal = dup(STDERR_FILENO);
    assert_non_null(freopen(temporary_path("log"), "w", stderr));
}

/* What was written since, in `logged`. */
static void catch_end(void)
{
    fflush(stderr);
    dup2(terminal, STDERR_FILENO);
    close(terminal);
    FILE *file = fopen(temporary_path("log"), "rb");
    assert_non_null(file);
    logged[fread(logged, 1, sizeof logged - 1, file)] = '\0';
    fclose(file);
}

static int lines(void)
{
    int n = 0;
    for (const char *s = logged; (s = strchr(s, '\n')) != NULL; s++) n++;
    return n;
}

static void line_has_time_level_rank_and_text(void **x)
{
    int y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0, end = 0;
    (void)x;
    catch_begin();
    rj_log_setup(RJ_LOG_INFO, 3);
    rj_log(RJ_LOG_WARN, "%d of %d", 3, 9);
    catch_end();
    assert_int_equal(sscanf(logged, "%4d-%2d-%2dT%2d:%2d:%2d%n", &y, &mo, &d, &h, &mi, &s, &end), 6);
    assert_int_equal(end, 19);
    assert_string_equal(logged + 19, " WARN [3] 3 of 9\n");
}

static void levels_above_are_dropped(void **x)
{
    (void)x;
    catch_begin();
    rj_log_setup(RJ_LOG_WARN, -1);
    rj_log(RJ_LOG_INFO, "no");
    rj_log(RJ_LOG_ERROR, "yes");
    rj_log_progress(true, "no");
    rj_log_setup(RJ_LOG_DEBUG, -1);
    rj_log(RJ_LOG_DEBUG, "yes");
    catch_end();
    assert_int_equal(lines(), 2);
    assert_null(strstr(logged, "no"));
    assert_non_null(strstr(logged, " ERROR yes\n"));
    assert_non_null(strstr(logged, " DEBUG yes\n"));
}

/* C0, DEL, C1 in UTF-8, and what is no UTF-8 become "?"; text does not. */
static void control_characters_are_shown_as_question_marks(void **x)
{
    (void)x;
    catch_begin();
    rj_log_setup(RJ_LOG_INFO, -1);
    rj_log(RJ_LOG_INFO, "%s",
           "a\nb\033[2Jc\x7f\xc2\x9b"
           "d\xff\xe2\x82");
    rj_log(RJ_LOG_INFO, "%s", "\xc0\x8a\xe0\x80\x8a\xed\xa0\x80\xf4\x90\x80\x80");
    rj_log(RJ_LOG_INFO, "%s", "na\xc3\xafve \xe2\x82\xac \xf0\x9f\x98\x80 \xc2\xa0.");
    catch_end();
    assert_int_equal(lines(), 3);
    assert_non_null(strstr(logged, " INFO a?b?[2Jc??d???\n"));
    assert_non_null(strstr(logged, " INFO ????????????\n"));
    assert_non_null(strstr(logged, " INFO na\xc3\xafve \xe2\x82\xac \xf0\x9f\x98\x80 \xc2\xa0.\n"));
}

static void long_text_is_cut_and_says_so(void **x)
{
    (void)x;
    catch_begin();
    rj_log(RJ_LOG_INFO, "%010000d", 1);
    catch_end();
    assert_int_equal(lines(), 1);
    assert_true(strlen(logged) < 5000 && strlen(logged) > 2048);
    assert_string_equal(logged + strlen(logged) - 5, "0...\n");
}

/* In a batch log: at once, then one a minute, and the last one whatever the time. */
static void progress_is_sparse_in_a_batch_log(void **x)
{
    (void)x;
    catch_begin();
    rj_log_setup(RJ_LOG_INFO, -1);
    for (int i = 0; i < 100; i++) rj_log_progress(false, "%d of 100", i);
    rj_log_progress(true, "100 of 100");
    catch_end();
    assert_int_equal(lines(), 2);
    assert_non_null(strstr(logged, " INFO 0 of 100\n"));
    assert_non_null(strstr(logged, " INFO 100 of 100\n"));
    assert_null(strchr(logged, '\r'));
}

/* On a terminal a line replaces the one before, is cut at the width, and a log line wipes it first. */
static void progress_overwrites_itself_on_a_terminal(void **x)
{
    const struct winsize size = {.ws_row = 5, .ws_col = 20};
    const int master = posix_openpt(O_RDWR | O_NOCTTY);
    (void)x;
    assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    const int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    assert_true(slave >= 0 && ioctl(slave, TIOCSWINSZ, &size) == 0);
    fflush(stderr);
    terminal = dup(STDERR_FILENO);
    dup2(slave, STDERR_FILENO);
    rj_log_progress(false, "one of two\033[2J and a long tail");
    rj_log_progress(false, "too soon");
    rj_log(RJ_LOG_INFO, "line");
    rj_log_progress(true, "two of two");
    fflush(stderr);
    dup2(terminal, STDERR_FILENO);
    close(terminal);
    const ssize_t n = read(master, logged, sizeof logged - 1);
    close(slave);
    close(master);
    assert_true(n > 0);
    logged[n] = '\0';
    const char *second = strstr(logged, "\r\033[K2");
    assert_non_null(second);
    assert_int_equal(second - logged, 4 + 19); /* the last column stays free, or some terminals wrap */
    assert_int_equal(strncmp(logged, "\r\033[Kone of two?[2J and ", 4 + 19), 0);
    assert_non_null(strstr(second, " INFO line\r\n\r\033[Ktwo of two\r\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(line_has_time_level_rank_and_text),
        cmocka_unit_test(levels_above_are_dropped),
        cmocka_unit_test(control_characters_are_shown_as_question_marks),
        cmocka_unit_test(long_text_is_cut_and_says_so),
        cmocka_unit_test(progress_is_sparse_in_a_batch_log),
        cmocka_unit_test(progress_overwrites_itself_on_a_terminal),
    };
    return cmocka_run_group_tests(tests, temporary_begin, temporary_end);
}
