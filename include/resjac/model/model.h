/* model.h: a checkpoint seen as embedding, blocks, final norm and head. */
#ifndef RESJAC_MODEL_MODEL_H
#define RESJAC_MODEL_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "resjac/base/status.h"
#include "resjac/linalg/matrix.h"
#include "resjac/model/config.h"
#include "resjac/weights/weights.h"

typedef struct rj_model rj_model;

/* Opens a checkpoint and finds and checks every tensor its family needs. Not collective.
 *   random_init [in]  the twin: same architecture, weights drawn as the family initialises them, from `seed`
 *   model       [out] close with rj_model_close; untouched on error
 * Errors: those of rj_weights_open; FORMAT unknown architecture, configuration key or value (named), a tensor missing or
 * of a wrong shape (name, file, both shapes), or not of the family's; NUMERIC the final norm is not finite. */
RJ_CHECKED rj_status rj_model_open(const char *path, bool random_init, uint64_t seed, rj_model **model);
/* The same of one stack of a model with an encoder and a decoder; a decoder has its encoder with it, and its parameters are those of
 * both. Besides: USAGE a stack is asked for by name and the model has one alone. */
RJ_CHECKED rj_status rj_model_open_stack(const char *path, rj_stack stack, bool random_init, uint64_t seed,
                                         rj_model **model);
void rj_model_close(rj_model **model);

const rj_config *rj_model_config(const rj_model *model);
const rj_weights *rj_model_weights(const rj_model *model);
int64_t rj_model_parameters(const rj_model *model); /* elements of all its tensors, a tied head once */

/* The configuration and the number of parameters of a model by its config.json alone: what rj_model_parameters says of a whole
 * checkpoint with a head. Not collective.
 *   path   [in]  of a config.json, or of a checkpoint that has one
 *   config [out] free with rj_config_free; untouched on error
 * Errors: those of rj_weights_open and rj_config_read; FORMAT no vocab_size, a GGUF file. */
RJ_CHECKED rj_status rj_model_count(const char *path, rj_config *config, int64_t *n_parameters);
RJ_CHECKED rj_status rj_model_count_stack(const char *path, rj_stack stack, rj_config *config,
                                          int64_t *n_parameters);

/* The encoder of a decoder: a model of its own, whose states behind its final norm are the memory that the decoder's blocks attend
 * to. Borrowed; NULL where there is none. */
const rj_model *rj_model_encoder(const rj_model *model);

/* X^0: what enters block 1: scaled embedding, learned positions added.
 *   ids [in]  [T], 0 <= id < vocabulary
 *   x   [out] [d,T] column-major
 * Errors: FORMAT an id outside the vocabulary, T beyond the context limit (both values); NUMERIC a NaN weight; IO. */
RJ_CHECKED rj_status rj_model_embed(const rj_model *model, int T, const int32_t *ids, double *x);

/* Final norm of one state, and logits of the head behind it: y [d], logits [vocabulary].
 * Errors: FORMAT the checkpoint has no head; NUMERIC a weight is not finite; IO; NOMEM. */
RJ_CHECKED rj_status rj_model_final_norm(const rj_model *model, const double *x, double *y);
RJ_CHECKED rj_status rj_model_logits(const rj_model *model, const double *x, double *logits);
#endif
