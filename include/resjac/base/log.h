/* log.h: one line an event on stderr: "2026-11-22T21:51:03 INFO [rank] text". */
#ifndef RESJAC_BASE_LOG_H
#define RESJAC_BASE_LOG_H

#include <stdbool.h>

typedef enum { RJ_LOG_ERROR = 0, RJ_LOG_WARN, RJ_LOG_INFO, RJ_LOG_DEBUG } rj_log_level;

/* Lines above `level` are dropped; `rank` < 0 prints no rank. Control characters in a text are shown as "?". */
void rj_log_setup(rj_log_level level, int rank);
void rj_log(rj_log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A line on stdout, without time or level, for what a command prints of a file: control characters as "?" here, too. */
void rj_print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A progress line that a terminal overwrites in place; in a batch log it prints at most one line a minute,
 * and always the last one. */
void rj_log_progress(bool last, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
#endif
