/* study_models.h: the steps that opening a study for a run and sketching it for a plan share. Not collective. Private to run. */
#ifndef RJ_STUDY_MODELS_H
#define RJ_STUDY_MODELS_H

#include "resjac/run/study.h"

int rj_study_count_units(const rj_study *s); /* of one model */

/* Names of all models and twins. Errors: NOMEM. */
RJ_CHECKED rj_status rj_study_list_models(rj_study *s);

/* What a configuration says, and the counts of K. Errors: those of rj_deck_k_count; NOMEM. */
RJ_CHECKED rj_status rj_study_describe(const rj_study *s, const rj_config *config, int64_t n_parameters,
                                       rj_study_model *m);

/* The token modes of a model whose tokens are known. Errors: USAGE a layer that it does not have, a token that
 * none of its prompts has (model, both values); a decoder; NOMEM. */
RJ_CHECKED rj_status rj_study_choose_tokens(const rj_study *s, rj_study_model *m);

/* The grid of a model whose tokens are known, unless it has one. Errors: USAGE no grid fits, or one that svd.method or tokens.mode cannot use. */
RJ_CHECKED rj_status rj_study_choose_grid(const rj_study *s, rj_study_model *m);

/* Which prompts keep their alignment matrices. Errors: those of rj_deck_alignment_find; NOMEM. */
RJ_CHECKED rj_status rj_study_choose_aligned(rj_study *s);
#endif
