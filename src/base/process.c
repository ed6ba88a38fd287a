/* process.c: kill(2) says whether a number is taken; Linux's /proc says by what. */
#include "resjac/base/process.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void rj_host_name(char host[RJ_HOST_SIZE])
{
    if (gethostname(host, RJ_HOST_SIZE) != 0) host[0] = '\0';
    host[RJ_HOST_SIZE - 1] = '\0';
}

/* State letter and program of "number (program) S ..."; false where there is no /proc, or no such process. */
static bool look_up(long number, char *state, char program[64])
{
    char path[64], line[256] = "";

    snprintf(path, sizeof path, "/proc/%ld/stat", number);
    FILE *file = fopen(path, "r");
    if (file == NULL) return false;
    const size_t n = fread(line, 1, sizeof line - 1, file);
    fclose(file);
    line[n] = '\0';
    const char *open = strchr(line, '('), *close = strrchr(line, ')');
    if (open == NULL || close == NULL || close < open || close[1] != ' ') return false;
    snprintf(program, 64, "%.*s", (int)(close - open - 1), open + 1);
    *state = close[2];
    return true;
}

bool rj_process_runs(long number)
{
    char state = ' ', own_state = ' ', program[64], own[64];

    if (number <= 0 || (kill((pid_t)number, 0) != 0 && errno == ESRCH)) return false;
    if (!look_up(number, &state, program) || !look_up((long)getpid(), &own_state, own)) return true;
    return state != 'Z' && state != 'X' && strcmp(program, own) == 0;
}
