/* commands.h: commands that are more than one call. They print to stdout and are not collective. */
#ifndef RJ_COMMANDS_H
#define RJ_COMMANDS_H

#include <stdbool.h>

#include "resjac/base/status.h"

/* Architecture, tensors, tokenizer and sizes of a checkpoint; with `check` reads every tensor.
 * Errors: those of the model; NUMERIC tensors with Inf or NaN (their number). */
RJ_CHECKED rj_status rj_inspect(const char *path, bool check);

/* Program, compiler and libraries, a line each; and in one line, for provenance (static). */
void rj_version_print(void);
const char *rj_version_line(void);
#endif
