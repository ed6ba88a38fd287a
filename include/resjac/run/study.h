/* study.h: what a deck asks for: models and twins, prompts as tokens, and units of work with their keys. */
#ifndef RESJAC_RUN_STUDY_H
#define RESJAC_RUN_STUDY_H

#include <mpi.h>

#include "resjac/base/agree.h"
#include "resjac/run/deck.h"
#include "resjac/run/pipeline.h"
#include "resjac/run/prompts.h"
#include "resjac/run/team_choice.h"
#include "resjac/store/shard.h"

/* A model or a twin. One that cannot be measured has status != RJ_OK and says why; all other fields but facts.name are
 * then unset. */
typedef struct {
    const rj_deck_model *deck; /* borrowed from the deck */
    bool is_twin;
    rj_status status;
    char why[RJ_MESSAGE_SIZE];
    rj_model_facts facts;
    rj_config config;               /* its sizes; lists of the open model are left out */
    int *k_count;                   /* [n_k] */
    const char **k_label;           /* [n_k] borrowed from the deck */
    rj_token_options token_options; /* borrows the next two */
    int *token;                     /* [token_options.n]; with tokens.at: all up to the longest prompt */
    bool *token_layer;              /* [L] */
    int32_t **ids;                  /* [n_prompts] */
    rj_tokens *tokens;              /* [n_prompts], views of ids */
    int n_units;
    rj_team_shape shape; /* its stages are left 0 */
    char (*key)[65];     /* [n_units] */
} rj_study_model;

typedef struct {
    const rj_deck *deck; /* borrowed */
    int64_t memory;      /* bytes a rank */
    rj_prompts *prompts;
    int n_aligned;
    int *
        aligned; /* [n_aligned] prompts that keep their alignment matrices, by their place in their unit, in the file's order */
    int *aligned_before; /* [units + 1] how many of them lie in the units before */
    int n_models;
    rj_study_model *model; /* each deck model, then its twin */
} rj_study;

/* Opens every model (headers only), tokenises every prompt for it, digests its tensors (dealt out over the ranks), and chooses
 * its grid: that of the run's last manifest, unless the deck gives one or `replan` is true. Collective on comm: same study on every
 * rank.
 *   memory [in] bytes a rank
 *   study [out] free with rj_study_free; untouched on error
 * Errors: those of the prompts (MISSING, FORMAT); USAGE store.alignment names no prompt; NOMEM. A model's own errors are in its entry. */
RJ_CHECKED rj_status rj_study_open(MPI_Comm comm, const rj_deck *deck, int64_t memory, bool replan,
                                   rj_study **study);
/* The same from configurations (a folder's config.json, or the head of a GGUF file), for a plan: no fingerprints, no keys, no ids;
 * where a tokenizer is missing, a prompt counts a token for four bytes. Not collective.
 * Errors: those of the prompts; NOMEM. A model's own errors are in its entry. */
RJ_CHECKED rj_status rj_study_sketch(const rj_deck *deck, int64_t memory, rj_study **study);
void rj_study_free(rj_study **study);

/* Head of one unit's shard; its lists are borrowed from the study. */
rj_shard_head rj_study_head(const rj_study *study, int model, int unit);
int rj_study_unit_prompts(const rj_study *study, int unit); /* prompts of a unit: the last may have fewer */
/* Of one unit; borrows from the study. tick is left NULL. */
rj_pipeline_options rj_study_options(const rj_study *study, int model, int unit);
rj_team_case
rj_study_case(const rj_study *study, int model,
              rj_pipeline_options *options); /* for layouts; borrows study and options, which it fills */
#endif
