/* deck.h: the YAML file that says what to measure. Keys are fixed; an unknown one is refused with the nearest known. */
#ifndef RESJAC_RUN_DECK_H
#define RESJAC_RUN_DECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "resjac/base/status.h"
#include "resjac/linalg/matrix.h"
#include "resjac/model/block.h"
#include "resjac/store/results.h"

/* One entry of `models`. A glob has become one entry a match, in bytewise order. */
typedef struct {
    char *path;           /* absolute, or relative to the working folder */
    char *name;           /* '/' already "__" */
    char *benchmark_name; /* "" = name */
    char *series;         /* "" = none */
    double step;          /* NAN = none */
    bool twin;            /* a random-init twin is measured too */
    rj_stack stack;       /* of a model with an encoder and a decoder */
} rj_deck_model;

/* One entry of coupling.k: a count, or a fraction of d. */
typedef struct {
    char label[32];  /* "10", "0.1d" */
    int count;       /* 0 = a fraction */
    double fraction; /* of d, floored; 0 = a count */
} rj_deck_k;

/* Section layout: ranks of a team, its stages, the grid inside a stage; 0 = auto. Consistent with each other. */
typedef struct {
    int team, stages, n_row, n_col;
} rj_deck_layout;

/* Section tokens: bit m of modes is mode m, depth left out; tokens and layers as the deck has them, from the end where negative.
 * n_at, n_layers 0: all. */
typedef struct {
    size_t modes;
    int n_at, n_layers;
    int *at, *layers;
    bool has_at, is_last; /* tokens.at is there; it is the word last */
} rj_deck_tokens;

/* Section scores. */
typedef struct {
    char *table; /* of benchmark scores; NULL = none */
    int n_columns;
    char **column; /* [n_columns] */
    char *primary; /* measure named beforehand; NULL = none */
    int draws;     /* resamples and permutations of the statistics */
} rj_deck_scores;

typedef enum {
    RJ_DECK_SVD_AUTO = 0,
    RJ_DECK_SVD_FULL,
    RJ_DECK_SVD_KRYLOV,
    RJ_DECK_SVD_MATRIX_FREE
} rj_deck_svd;

/* One entry of store.alignment: an id or a number of a prompt, and where it stands. */
typedef struct {
    char name[RJ_NAME_SIZE], place[512];
} rj_deck_prompt;

typedef struct {
    char *path, *text; /* the deck file and its bytes */
    int n_models;
    rj_deck_model *model;
    char *prompts; /* file */
    int max_tokens;
    bool truncate_left;  /* prompts.overlong */
    bool special_tokens; /* as the model's own tokenizer adds them */
    int n_k;
    rj_deck_k *k;
    int norm; /* p of ||s||_p: 1 or 2 */
    bool vju; /* also the misfit with U and V exchanged */
    rj_deck_tokens tokens;
    rj_deck_svd svd_method;
    double svd_tolerance; /* of a Krylov decomposition; 0 = auto */
    rj_arithmetic arithmetic;
    rj_last_block last_block;
    int unit_prompts;
    rj_deck_layout layout;
    int64_t memory_per_rank; /* bytes; 0 = auto */
    rj_per_prompt per_prompt;
    bool merge_summary; /* store.merge: summary: the final file keeps less than per_prompt says */
    int n_alignment;
    rj_deck_prompt *alignment; /* store.alignment: prompts that keep their alignment matrices */
    bool provenance_full;
    rj_deck_scores scores;
    uint64_t seed;
    char *output; /* the final file; units lie in <output>.d */
} rj_deck;

/* Parses a deck's bytes, then the overrides ("key=value", value in YAML, e.g. "coupling.k=[10]").
 *   path [in]  of the deck: relative paths in it are relative to its folder; named in messages
 *   deck [out] free with rj_deck_free; untouched on error
 * Errors: USAGE (file, line, key, value, what is allowed), also a key that this version cannot serve yet; MISSING a
 * glob that matches nothing, an environment variable that is not set; NOMEM. */
RJ_CHECKED rj_status rj_deck_parse(const char *path, const char *text, size_t n, int n_set, char *const *set,
                                   rj_deck **deck);
void rj_deck_free(rj_deck **deck);

/* What the final file keeps: store.per_prompt, or less by store.merge: summary. */
rj_per_prompt rj_deck_keep(const rj_deck *deck);

/* The count of one K for a model of width d.
 * Errors: USAGE K < 1 or K > d (label, d, model, remedy). */
RJ_CHECKED rj_status rj_deck_k_count(const rj_deck_k *k, int d, const char *model, int *count);
#endif
