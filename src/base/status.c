/* status.c: one fixed buffer, so that reporting an error needs no memory and a broadcast has a known size. */
#include "resjac/base/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "resjac/base/text.h"

static char message[RJ_MESSAGE_SIZE];

rj_status rj_raise(rj_status code, const char *file, int line, const char *fmt, ...)
{
    const char *slash = strrchr(file, '/');
    char text[RJ_MESSAGE_SIZE] = ""; /* not `message`: an argument may point into it */
    char place[288];                 /* 255 is the longest file name */
    va_list args;

    const size_t n_place =
        (size_t)snprintf(place, sizeof place, " [%.255s:%d]", slash ? slash + 1 : file, line);
    const size_t room = sizeof text - n_place;
    va_start(args, fmt);
    const int n = vsnprintf(text, room, fmt, args);
    va_end(args);
    if (n < 0 || (size_t)n >= room) memcpy(text + room - 4, "...", 4);
    const size_t length = strlen(text);
    if (length == 0 || text[length - 1] != ']') /* else it passes on a message, whose own place says more */
        memcpy(text + length, place, n_place + 1);
    rj_text_clean(text); /* it goes to logs, plans and results */
    memcpy(message, text, sizeof message);
    return code;
}

const char *rj_status_message(void)
{
    return message;
}

char *rj_status_buffer(void)
{
    return message;
}

int rj_status_exit(rj_status code)
{
    switch (code) {
    case RJ_OK:
        return EX_OK;
    case RJ_ERR_USAGE:
        return EX_USAGE;
    case RJ_ERR_FORMAT:
    case RJ_ERR_NUMERIC:
        return EX_DATAERR;
    case RJ_ERR_MISSING:
        return EX_NOINPUT;
    case RJ_ERR_PARTIAL:
        return EX_UNAVAILABLE;
    case RJ_ERR_STOPPED:
        return EX_TEMPFAIL;
    case RJ_ERR_IO:
        return EX_IOERR;
    case RJ_ERR_CREATE:
        return EX_CANTCREAT;
    case RJ_ERR_NOMEM:
        return EX_OSERR;
    case RJ_ERR_LIB:
    case RJ_ERR_ARG:
        return EX_SOFTWARE;
    }
    return EX_SOFTWARE;
}
