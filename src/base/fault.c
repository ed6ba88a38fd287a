/* fault.c: one step, one countdown. Every failure is logged, so that a test can tell that its step was reached. */
#include "resjac/base/fault.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "resjac/base/log.h"

typedef enum { ACT_ERROR = 0, ACT_NOSPACE, ACT_NOMEM, ACT_KILL, ACT_TERM, N_ACTIONS } action;

static const char *const action_name[N_ACTIONS] = {"error", "nospace", "nomem", "kill", "term"};
static const char *const step_name[RJ_N_FAULTS] = {
#define STEP_NAME(id, name, code) name,
    RJ_FAULT_STEPS(STEP_NAME)
#undef STEP_NAME
};
static const rj_status step_code[RJ_N_FAULTS] = {
#define STEP_CODE(id, name, code) code,
    RJ_FAULT_STEPS(STEP_CODE)
#undef STEP_CODE
};

bool rj_fault_is_set = false;
static rj_fault set_step;
static action set_action;
static long set_pass, passes;
static bool set_ever_after;

const char *rj_fault_name(rj_fault step)
{
    return step_name[step];
}

static void list_steps(char *text, size_t size)
{
    size_t n = 0;

    for (int i = 0; i < RJ_N_FAULTS && n < size; i++)
        n += (size_t)snprintf(text + n, size - n, "%s%s", i > 0 ? " " : "", step_name[i]);
}

/* Index of text[0..n) in a list, -1 where it is not there. */
static int find(const char *text, size_t n, int n_names, const char *const *name)
{
    for (int i = 0; i < n_names; i++)
        if (strlen(name[i]) == n && strncmp(name[i], text, n) == 0) return i;
    return -1;
}

/* ":RANK:PASS+" up to `end`; -1 for every rank. */
static bool read_numbers(const char *text, const char *end, long *rank, long *pass, bool *ever_after)
{
    char *after = NULL;

    *rank = -1;
    *pass = 1;
    *ever_after = false;
    if (text == end) return true;
    if (text[1] == '*')
        after = (char *)text + 2;
    else if ((*rank = strtol(text + 1, &after, 10)) < 0 || after == text + 1)
        return false;
    if (after == end) return true;
    if (*after != ':') return false;
    const char *digits = after + 1;
    *pass = strtol(digits, &after, 10);
    if (after == digits || *pass < 1) return false;
    *ever_after = *after == '+';
    return after + *ever_after == end;
}

rj_status rj_fault_setup(const char *text, int rank)
{
    rj_status st = RJ_OK;
    char steps[1024];
    long only_rank = -1, pass = 1;
    bool ever_after = false;

    rj_fault_is_set = false;
    if (text == NULL || text[0] == '\0') return RJ_OK;
    list_steps(steps, sizeof steps);
    const char *equals = strchr(text, '=');
    const size_t n_name = strcspn(text, ":=");
    const int step = find(text, n_name, RJ_N_FAULTS, step_name);
    RJ_REQUIRE(step >= 0, RJ_ERR_USAGE, "RESJAC_FAULT=%.200s: no such step; the steps are %s", text, steps);
    const int act = equals != NULL ? find(equals + 1, strlen(equals + 1), N_ACTIONS, action_name) : -1;
    RJ_REQUIRE(act >= 0 && read_numbers(text + n_name, equals, &only_rank, &pass, &ever_after), RJ_ERR_USAGE,
               "RESJAC_FAULT=%.200s: needs STEP[:RANK[:PASS[+]]]=ACTION with RANK a number or *, PASS from 1 "
               "and ACTION one of error, nospace, nomem, kill, term",
               text);
    set_step = (rj_fault)step;
    set_action = (action)act;
    set_pass = pass;
    set_ever_after = ever_after;
    passes = 0;
    rj_fault_is_set = only_rank < 0 || only_rank == rank;
done:
    return st;
}

rj_status rj_fault_pass(rj_fault step)
{
    if (step != set_step) return RJ_OK;
    passes++;
    if (passes != set_pass && !(set_ever_after && passes > set_pass)) return RJ_OK;
    rj_log(RJ_LOG_WARN, "fault injected at %s, pass %ld: %s", step_name[step], passes,
           action_name[set_action]);
    switch (set_action) {
    case ACT_KILL:
        raise(SIGKILL);
        break;
    case ACT_TERM:
        raise(SIGTERM);
        return RJ_OK;
    case ACT_NOSPACE:
        return rj_raise(RJ_ERR_IO, __FILE__, __LINE__,
                        "injected at %s: no space left; free space and run again", step_name[step]);
    case ACT_NOMEM:
        return rj_raise(RJ_ERR_NOMEM, __FILE__, __LINE__, "injected at %s: no memory", step_name[step]);
    case ACT_ERROR:
    case N_ACTIONS:
        break;
    }
    return rj_raise(step_code[step], __FILE__, __LINE__, "injected at %s: it failed", step_name[step]);
}
