/* campaign.h: runs a deck: plan, claim, measure, store, resume, merge. */
#ifndef RESJAC_RUN_CAMPAIGN_H
#define RESJAC_RUN_CAMPAIGN_H

#include <mpi.h>
#include <stdbool.h>

#include "resjac/base/status.h"

/* Options of `resjac run`. Borrowed. */
typedef struct {
    const char *deck; /* path */
    int n_set;
    char *const *set; /* --set key=value */
    int n_only;
    char *const *only;  /* --only NAME or i/n (part i of n of the model list, 1-based) */
    double max_seconds; /* 0 = no limit */
    bool dry_run, fresh;
    bool replan; /* choose grids anew instead of those of the last launch */
    const char *command; /* the command line, for provenance */
    const char *version; /* one line: program, compiler, libraries */
} rj_campaign_options;

/* Measures what the deck asks for and is not yet stored, then writes the final file. The same call again resumes.
 * Collective on comm (from rj_comm_dup). Same status on every rank:
 * OK all is measured, or with --only all that was asked; PARTIAL some models or prompts failed, the rest is written; where
 * every model failed, the gravest model's own code; STOPPED a time limit, a signal or the stop file; USAGE, MISSING, FORMAT of the deck and prompts;
 * CREATE, IO of the output; NOMEM. */
RJ_CHECKED rj_status rj_campaign_run(MPI_Comm comm, const rj_campaign_options *options);
#endif
