/* status.h: result codes, the message of an error, and the macros that pass errors on. MPI: see agree.h. */
#ifndef RESJAC_BASE_STATUS_H
#define RESJAC_BASE_STATUS_H

#define RJ_CHECKED __attribute__((warn_unused_result))

enum { RJ_MESSAGE_SIZE = 2048 };

/* In ascending severity: where ranks differ, the largest code speaks for all (rj_agree). */
typedef enum {
    RJ_OK = 0,
    RJ_ERR_USAGE,   /* command line or deck, exit 64 */
    RJ_ERR_FORMAT,  /* bad data in a file, exit 65 */
    RJ_ERR_NUMERIC, /* Inf or NaN in data or results, exit 65 */
    RJ_ERR_MISSING, /* an input is not there, exit 66 */
    RJ_ERR_PARTIAL, /* finished; some models or units failed, exit 69 */
    RJ_ERR_STOPPED, /* stopped early; rerun to resume, exit 75 */
    RJ_ERR_IO,      /* read or write failed, disk full, exit 74 */
    RJ_ERR_CREATE,  /* cannot create output, exit 73 */
    RJ_ERR_NOMEM,   /* exit 71 */
    RJ_ERR_LIB,     /* a library refused what it must accept, exit 70 */
    RJ_ERR_ARG      /* our own bug: a broken contract inside the program, exit 70 */
} rj_status;

/* Sets the message to "<text> [<base name of file>:<line>]"; what does not fit is cut and ends in "...".
 * A text that ends in "]" already tells its place and gets no second one.
 * Not collective; there is one message a process, so not from parallel regions.
 *   file [in] __FILE__; only the base name is kept: no build path reaches a user
 *   fmt  [in] as printf's; an argument may point into rj_status_message()
 * Returns code. */
rj_status rj_raise(rj_status code, const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* The latest message, "" before the first; owned by base. Not collective. */
const char *rj_status_message(void);

/* The same to write to, [RJ_MESSAGE_SIZE], for the broadcast in base/agree only. Not collective. */
char *rj_status_buffer(void);

/* The process exit code of a status (sysexits.h where it has one): 0, 64..66, 69..71, 73..75. */
int rj_status_exit(rj_status code);

/* Each needs a local `rj_status st` and a label `done`. */
#define RJ_TRY(call)                                                                                         \
    do {                                                                                                     \
        if ((st = (call)) != RJ_OK) goto done;                                                               \
    } while (0)
#define RJ_FAIL(code, ...) RJ_TRY(rj_raise((code), __FILE__, __LINE__, __VA_ARGS__))
#define RJ_REQUIRE(cond, code, ...)                                                                          \
    do {                                                                                                     \
        if (!(cond)) RJ_FAIL((code), __VA_ARGS__);                                                           \
    } while (0)
#endif
