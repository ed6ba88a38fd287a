/* figure.h: the figures of a report: which there are, and each one's numbers and gnuplot script. */
#ifndef RESJAC_REPORT_FIGURE_H
#define RESJAC_REPORT_FIGURE_H

#include <stdbool.h>

#include "resjac/base/status.h"
#include "resjac/report/escape.h"
#include "resjac/report/summary.h"

typedef enum {
    RJ_FIGURE_COUPLING = 0, /* heat maps over pairs of blocks: misfit, its null, excess; one K */
    RJ_FIGURE_DISTANCE,     /* excess coupling against the distance of two blocks, the twin beside */
    RJ_FIGURE_SINGULAR,     /* leading singular values against depth, the twin beside */
    RJ_FIGURE_GROWTH,       /* ln of the hidden norm against depth, with its fit */
    RJ_FIGURE_TRAJECTORY,   /* hidden states on their principal components */
    RJ_FIGURE_TWIN,         /* excess coupling by K, the twin beside */
    RJ_FIGURE_ALIGNMENT,    /* |U_j' J_i V_j| for pairs of blocks; one prompt */
    RJ_FIGURE_MODES,        /* excess coupling of different tokens in each mode against depth; one K */
    RJ_FIGURE_TOKENS,       /* heat maps over pairs of tokens in some blocks; one mode, one K */
    RJ_FIGURE_INFLUENCE,    /* the derivative of the last token's output by each token, over blocks */
    RJ_FIGURE_OVERVIEW,     /* excess coupling of all models; one K */
    RJ_FIGURE_DISTANCES, /* excess coupling of all models against the relative distance of two blocks; one K */
    RJ_FIGURE_EMERGENCE, /* one series of checkpoints: excess coupling, line-shape score and a score over steps */
    RJ_FIGURE_SHAPE,     /* line-shape score and expodistance of all models over prompts */
    RJ_FIGURE_SCORES,       /* a measure of all models against one benchmark */
    RJ_FIGURE_FOREST,       /* all measures and rivals against one benchmark: correlations with intervals */
    RJ_FIGURE_MATRIX,       /* correlations of measures, rivals and benchmarks with each other */
    RJ_FIGURE_CERTIFICATES, /* residuals, orthogonality and gaps of all models */
    RJ_N_FIGURE_KINDS
} rj_figure_kind;

/* The page tells them in this order. */
typedef enum {
    RJ_SECTION_CHANCE = 0, /* excess coupling of all models */
    RJ_SECTION_TRAINING,   /* series of checkpoints */
    RJ_SECTION_SHAPE,      /* of paths */
    RJ_SECTION_SCORES,
    RJ_SECTION_CERTIFICATES,
    RJ_SECTION_MODEL, /* one for each model */
    RJ_N_SECTIONS
} rj_section;

typedef struct {
    rj_figure_kind kind;
    int model;                  /* index; of a series that of its first checkpoint; else -1 */
    int benchmark;              /* of scores */
    char k_label[RJ_NAME_SIZE]; /* of the kinds for one K, else "" */
    rj_token_mode mode;         /* of the kind for one mode */
    ptrdiff_t alignment;        /* of the kind for one prompt: which of the model's */
    char stem[RJ_STEM_SIZE];    /* of its files; no two figures share one, in any letter case */
    bool drawn;                 /* false: it has no value to draw */
} rj_figure;

/* What the page says of a kind. */
typedef struct {
    const char *title, *caption; /* HTML; the caption is for a newcomer */
    rj_section section;
    bool wide; /* takes the whole width of the page; of RJ_FIGURE_SINGULAR with a twin only */
} rj_figure_words;
extern const rj_figure_words rj_figure_text[RJ_N_FIGURE_KINDS];

/* All figures of a file, in the order of the page: those of all models first. Not collective.
 *   figure [out] [n], freed by rj_free; untouched on error
 * Errors: NOMEM. */
RJ_CHECKED rj_status rj_figure_list(const rj_summaries *summaries, int *n, rj_figure **figure);

/* Writes <stem>.csv and <stem>.gp into folder, and sets figure->drawn. Nothing is written where it has no value.
 * Not collective. Errors: CREATE; IO; NOMEM. */
RJ_CHECKED rj_status rj_figure_write(const rj_summaries *summaries, const char *folder, rj_figure *figure);

/* The twin whose numbers stand beside those of a model; NULL where there is none. */
const rj_summary *rj_figure_twin_of(const rj_summaries *all, const rj_summary *model);

/* The index of a K label in a model, or -1. */
ptrdiff_t rj_figure_find_k(const rj_summary *model, const char *k_label);
#endif
