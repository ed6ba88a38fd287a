/* figure.h: the figures of a report: which there are, and each one's numbers and gnuplot script. */
#ifndef RESJAC_REPORT_FIGURE_H
#define RESJAC_REPORT_FIGURE_H

#include <stdbool.h>

#include "resjac/base/status.h"
#include "resjac/report/escape.h"
#include "resjac/report/summary.h"

typedef enum {
    RJ_FIGURE_COUPLING = 0, /* heat maps over pairs of blocks: misfit, its null, excess; one K */
    RJ_FIGURE_SINGULAR,     /* leading singular values against depth, the twin beside */
    RJ_FIGURE_GROWTH,       /* ln of the hidden norm against depth, with its fit */
    RJ_FIGURE_TRAJECTORY,   /* hidden states on their principal components */
    RJ_FIGURE_TWIN,         /* excess coupling by K, the twin beside */
    RJ_FIGURE_OVERVIEW,     /* excess coupling of all models; one K */
    RJ_FIGURE_SCORES,       /* a measure of all models against one benchmark */
    RJ_FIGURE_ALIGNMENT,    /* |U_j' J_i V_j| for pairs of blocks; one prompt */
    RJ_N_FIGURE_KINDS
} rj_figure_kind;

enum { RJ_FIGURE_OF_SCORES = -2 };

typedef struct {
    rj_figure_kind kind;
    int model;                  /* index; of an overview -1, of scores RJ_FIGURE_OF_SCORES */
    int benchmark;              /* of scores */
    char k_label[RJ_NAME_SIZE]; /* of the kinds for one K, else "" */
    ptrdiff_t alignment;        /* of the kind for one prompt: which of the model's */
    char stem[RJ_STEM_SIZE];    /* of its files; no two figures share one, in any letter case */
    bool drawn;                 /* false: it has no value to draw */
} rj_figure;

extern const char *const rj_figure_title[RJ_N_FIGURE_KINDS];   /* HTML */
extern const char *const rj_figure_caption[RJ_N_FIGURE_KINDS]; /* HTML, for a newcomer */

/* All figures of a file, models in its order, overviews first. Not collective.
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
