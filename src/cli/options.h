/* options.h: the command line (argp). */
#ifndef RJ_OPTIONS_H
#define RJ_OPTIONS_H

#include <stdbool.h>

#include "resjac/base/status.h"

enum { RJ_MAX_WORDS = 4096 };

typedef struct {
    const char *command; /* "run", "inspect", .. */
    bool help;           /* --help: it has been printed */
    int n_words;         /* arguments that are no options */
    char **word;         /* [RJ_MAX_WORDS] */
    int n_set, n_only;
    char **set, **only; /* [RJ_MAX_WORDS] */
    double max_seconds, tolerance;
    bool dry_run, fresh, replan, check, verbose;
    const char *output;           /* -o */
    const char *format;           /* --format */
    const char *scores, *primary; /* --scores, --primary; NULL where not given */
    int n_columns;
    char **column;  /* [RJ_MAX_WORDS] --column */
    long resamples; /* --resamples */
    unsigned long long seed;
    int n_ranks, ranks_per_node; /* of plan; 0 where not given */
    double memory_per_node;
    const char *machine, *template;
    bool json;
    const char *save, *deck; /* of bench: --save, --deck */
} rj_options;

/* Parses argv[1..]; strings are borrowed from argv. Only a speaker prints help and errors (one rank).
 *   options [out] free its lists with rj_options_free, also on error
 * Errors: USAGE (already printed by argp where it found it); NOMEM. */
RJ_CHECKED rj_status rj_options_parse(int argc, char **argv, bool is_speaker, rj_options *options);
void rj_options_free(rj_options *options);
#endif
