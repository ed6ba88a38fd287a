/* summary.h: what the report needs of a final file: each model reduced over its prompts, small enough to keep all. */
#ifndef RESJAC_REPORT_SUMMARY_H
#define RESJAC_REPORT_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>

#include "resjac/base/status.h"
#include "resjac/report/histogram.h"
#include "resjac/report/moment.h"
#include "resjac/report/score_summary.h"
#include "resjac/store/record.h"

/* At most so many prompts are drawn one by one, evenly chosen among those measured; means are over all. */
enum { RJ_SUMMARY_LINES = 48, RJ_SUMMARY_PATHS = 24, RJ_SUMMARY_ALIGNMENTS = 8 };

/* Of an alignment matrix pairs of at most so many blocks are drawn, evenly chosen with the first and the last. */
enum { RJ_SUMMARY_GRID = 6 };

/* Means over pairs of different blocks of the means over prompts, for one K. */
typedef struct {
    rj_moment misfit, excess; /* over pairs i != j */
    rj_moment null;           /* over blocks i */
} rj_summary_coupling;

/* |A|, A = U_j' J_i V_j, of one prompt, on the model's n_directions leading directions, for pairs of its chosen blocks. */
typedef struct {
    char prompt[RJ_NAME_SIZE];
    double *
        magnitude; /* [n_grid,n_grid,n_directions,n_directions]: block i, block j, row of U_j, column of V_j */
} rj_summary_alignment;

/* What vouches for a model's numbers, over measured prompts and blocks; a missing number vouches for nothing. */
typedef struct {
    rj_histogram residual;        /* of the leading max K triplets, both kinds */
    rj_histogram gap;             /* relative_gap, every K */
    rj_histogram orthogonality;   /* orthogonality_loss */
    ptrdiff_t n_blocks, n_kinked; /* (prompt, block) at all, and with a unit at a kink of its activation */
    ptrdiff_t n_gaps, n_flagged;  /* (prompt, block, K) at all, and with a relative gap below 1e-5 */
    ptrdiff_t by_method[4];       /* (prompt, block) by svd_method; [0] unknown */
} rj_summary_certificates;

/* Pairs of tokens in one token mode, means over prompts; block, J and S of token i, U and V of token j. */
typedef struct {
    bool measured;
    double *excess; /* [n_k,L,n_tokens,n_tokens] */
    rj_moment *off; /* [n_k,L] of excess over i != j and prompts */
} rj_summary_mode;
typedef enum {
    RJ_TOKENS_SELF = 0,
    RJ_TOKENS_FIXED_INPUT,
    RJ_TOKENS_FIXED_OUTPUT,
    RJ_N_TOKEN_MODES
} rj_token_mode;
extern const char *const rj_token_mode_name[RJ_N_TOKEN_MODES];

/* One model of the file. "Measured" prompts are those of status 0; NAN = missing. */
typedef struct {
    char name[RJ_NAME_SIZE], family[RJ_NAME_SIZE], status[RJ_NAME_SIZE], series[RJ_NAME_SIZE];
    double step;            /* within the series */
    bool trained, measured; /* measured: it has a group; all below `d_model` is empty otherwise */
    int twin, original;     /* index of its random-init twin, of the model it is the twin of; -1 none */
    double n_parameters, n_layers, d_model;

    ptrdiff_t L, n_k, n_sv, n_prompts, n_measured;
    char (*k_label)[RJ_NAME_SIZE];
    double *k_count;               /* [n_k] */
    double *misfit, *excess;       /* [n_k,L,L], row = block i of J and S, column = block j of U and V */
    double *null;                  /* [n_k,L] mean over prompts */
    rj_summary_coupling *coupling; /* [n_k] */
    rj_moment *ln_sv;              /* [L,n_sv] over prompts, of ln s (s > 0) */
    ptrdiff_t n_lines, *line;      /* prompts drawn one by one */
    double *ln_norm;               /* [n_lines,L+1] ln ||x^l|| */
    rj_moment *ln_norm_all;        /* [L+1] over all prompts */
    ptrdiff_t n_paths, *path, n_pc;
    double *pc;         /* [n_paths,L+1,n_pc] */
    ptrdiff_t n_tokens; /* of the token modes; 0 none */
    double *token;      /* [n_tokens] places in a prompt, from 0, or from its end where negative */
    rj_summary_mode mode[RJ_N_TOKEN_MODES];
    rj_moment *influence, *influence_participation,
        *influence_rank; /* [L,n_tokens]; NULL where not measured */
    ptrdiff_t n_alignments, n_directions, n_grid, grid[RJ_SUMMARY_GRID]; /* grid: [n_grid] blocks, from 0 */
    rj_summary_alignment *alignment;                                     /* [n_alignments] */
    double *line_shape_scores, *expodistances; /* [n_measured] of each measured prompt */
    rj_moment line_shape_score, expodistance, growth_rate, growth_intercept, growth_r2; /* over prompts */
    rj_summary_certificates certificates;
} rj_summary;

typedef struct {
    char *name, *text;
} rj_summary_attribute;

typedef struct {
    char *file;
    int n_models;
    rj_summary *model;
    int n_attributes;
    rj_summary_attribute *attribute; /* of the root: the provenance */
    rj_score_summary *scores;
} rj_summaries;

/* Reads a final file, one prompt at a time. Not collective.
 *   summaries [out] free with rj_summaries_free; untouched on error
 * Errors: MISSING; FORMAT not a final file (names group and variable); IO; NOMEM. */
RJ_CHECKED rj_status rj_summaries_read(const char *path, rj_summaries **summaries);
void rj_summaries_free(rj_summaries **summaries);
#endif
