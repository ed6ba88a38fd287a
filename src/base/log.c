/* log.c: a line is built whole and written by one call, so that lines of several ranks do not mix. */
#include "resjac/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "resjac/base/clock.h"
#include "resjac/base/status.h"
#include "resjac/base/text.h"

enum { TEXT_SIZE = RJ_MESSAGE_SIZE + 512, LINE_SIZE = TEXT_SIZE + 128 };

static rj_log_level shown = RJ_LOG_INFO;
static int own_rank = -1;
static bool overwriting; /* a progress line stands unfinished on the terminal */
static double last_progress = -1e9;

void rj_log_setup(rj_log_level level, int rank)
{
    shown = level;
    own_rank = rank;
}

static void format(char text[TEXT_SIZE], const char *fmt, va_list args)
{
    const int n = vsnprintf(text, TEXT_SIZE, fmt, args);

    if (n < 0 || n >= TEXT_SIZE) memcpy(text + TEXT_SIZE - 4, "...", 4);
}

static void write_line(rj_log_level level, char text[TEXT_SIZE])
{
    static const char *const name[] = {"ERROR", "WARN", "INFO", "DEBUG"};
    char line[LINE_SIZE], when[32] = "", rank[16] = "";
    const time_t now = time(NULL);
    struct tm parts;

    if (localtime_r(&now, &parts) != NULL) strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &parts);
    if (own_rank >= 0) snprintf(rank, sizeof rank, " [%d]", own_rank);
    rj_text_clean(text);
    snprintf(line, sizeof line, "%s%s %s%s %s\n", overwriting ? "\r\033[K" : "", when, name[level], rank,
             text);
    overwriting = false;
    fputs(line, stderr);
}

void rj_log(rj_log_level level, const char *fmt, ...)
{
    char text[TEXT_SIZE];
    va_list args;

    if (level > shown) return;
    va_start(args, fmt);
    format(text, fmt, args);
    va_end(args);
    write_line(level, text);
}

void rj_print(const char *fmt, ...)
{
    char text[TEXT_SIZE];
    va_list args;

    va_start(args, fmt);
    format(text, fmt, args);
    va_end(args);
    rj_text_clean(text);
    puts(text);
}

/* A text wider than the terminal would wrap, and the next one could not overwrite it. */
static void overwrite(char text[TEXT_SIZE], bool last)
{
    char line[LINE_SIZE];
    struct winsize window;

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 1 && strlen(text) >= window.ws_col)
        text[window.ws_col - 1] = '\0';
    rj_text_clean(text);
    snprintf(line, sizeof line, "\r\033[K%s%s", text, last ? "\n" : "");
    overwriting = !last;
    fputs(line, stderr);
}

void rj_log_progress(bool last, const char *fmt, ...)
{
    const bool terminal = isatty(STDERR_FILENO);
    const double now = rj_clock_now();
    char text[TEXT_SIZE];
    va_list args;

    if (shown < RJ_LOG_INFO || (!last && now - last_progress < (terminal ? 0.1 : 60))) return;
    last_progress = last ? -1e9 : now; /* the next task starts with a line at once */
    va_start(args, fmt);
    format(text, fmt, args);
    va_end(args);
    if (terminal)
        overwrite(text, last);
    else
        write_line(RJ_LOG_INFO, text);
}
