/* schema.h: every variable of the output contract: its name, dimensions, type, units. One table row each. */
#ifndef RESJAC_STORE_SCHEMA_H
#define RESJAC_STORE_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

/* Dimensions of a model's group. RJ_DIM_NONE ends a list. */
typedef enum {
    RJ_DIM_NONE = 0,
    RJ_DIM_PROMPT,
    RJ_DIM_LAYER,   /* block whose J and S */
    RJ_DIM_LAYER_J, /* block whose U and V */
    RJ_DIM_DEPTH,   /* layer + 1 */
    RJ_DIM_K,
    RJ_DIM_SV,
    RJ_DIM_PC,
    RJ_DIM_TOKEN,   /* whose J and S; 0, as TOKEN_J, where no token mode is measured */
    RJ_DIM_TOKEN_J, /* whose U and V */
    RJ_DIM_APROMPT, /* prompts whose alignment matrices are kept; 0, as I and J, where there are none */
    RJ_DIM_I,       /* left singular direction */
    RJ_DIM_J,       /* right singular direction */
    RJ_N_DIMS
} rj_dim;

/* What is compared (method, section 5): a group of its own inside the model's, of rj_mode_name; DEPTH is the model's group. */
typedef enum {
    RJ_MODE_DEPTH = 0,
    RJ_MODE_SELF,
    RJ_MODE_FIXED_INPUT,
    RJ_MODE_FIXED_OUTPUT,
    RJ_MODE_INFLUENCE,
    RJ_N_MODES
} rj_mode;

typedef struct {
    ptrdiff_t size[RJ_N_DIMS];
    size_t modes; /* bit m: mode m is measured, m > RJ_MODE_DEPTH */
} rj_sizes;

typedef enum {
    RJ_VALUE_DOUBLE = 0,
    RJ_VALUE_FLOAT,
    RJ_VALUE_INT
} rj_value_type; /* as stored; double in memory */

/* What the final file keeps of a per-prompt variable (deck key store.per_prompt). */
typedef enum {
    RJ_KEEP_ALWAYS = 0, /* per prompt, whatever the deck says */
    RJ_KEEP_COUPLING,   /* per prompt with `coupling` and `all` (pairwise: its _mean and _sd always) */
    RJ_KEEP_ALL,        /* per prompt with `all` only; its _mean and _sd always */
    RJ_KEEP_MEAN        /* never per prompt: the variable of this name is the mean over prompts */
} rj_keep;

/* The first dimension is RJ_DIM_PROMPT, or RJ_DIM_APROMPT: some of the prompts, maybe none. */
typedef struct {
    const char *name, *units, *long_name;
    rj_dim dims[5];
    rj_value_type type;
    rj_keep keep;
    bool nondeterministic; /* left out of content_sha256 */
    rj_mode mode;          /* the group that has it: a name may stand in several */
} rj_variable;

/* X(id, name): the order of the file. The rows are in schema.c. */
typedef enum {
    RJ_VAR_N_TOKENS = 0,
    RJ_VAR_LAST_TOKEN_ID,
    RJ_VAR_PROMPT_STATUS, /* 0 measured, else the exit code of the failure */
    RJ_VAR_HIDDEN_NORM,
    RJ_VAR_STEP_NORM,
    RJ_VAR_STEP_COSINE,
    RJ_VAR_FINAL_COSINE,
    RJ_VAR_LINE_SHAPE_SCORE,
    RJ_VAR_EXPODISTANCE,
    RJ_VAR_EXPODISTANCE_CV,
    RJ_VAR_GROWTH_RATE,
    RJ_VAR_GROWTH_INTERCEPT,
    RJ_VAR_GROWTH_R2,
    RJ_VAR_UNDEFINED_COUNT,
    RJ_VAR_TRAJECTORY_PC,
    RJ_VAR_SINGULAR_VALUE,
    RJ_VAR_RESIDUAL_RIGHT,
    RJ_VAR_RESIDUAL_LEFT,
    RJ_VAR_RELATIVE_GAP, /* (prompt,layer,k) */
    RJ_VAR_GAP_FLAG,
    RJ_VAR_KINK_COUNT,
    RJ_VAR_ORTHOGONALITY_LOSS,
    RJ_VAR_SVD_METHOD,
    RJ_VAR_JACOBIAN_FROBENIUS,
    RJ_VAR_JACOBIAN_FROBENIUS_ERROR,
    RJ_VAR_JACOBIAN_SPECTRAL,
    RJ_VAR_STABLE_RANK,
    RJ_VAR_PARTICIPATION_RATIO,
    RJ_VAR_EFFECTIVE_RANK,
    RJ_VAR_INVERSE_SV_SLOPE,
    RJ_VAR_INVERSE_SV_R2,
    RJ_VAR_COUPLING_MISFIT,
    RJ_VAR_EXCESS_COUPLING,
    RJ_VAR_COUPLING_NULL,
    RJ_VAR_COUPLING_NULL_SD,
    RJ_VAR_COUPLING_NULL_SIGNED,
    RJ_VAR_COUPLING_NULL_TRACE,
    RJ_VAR_COUPLING_NULL_ROTATION,
    RJ_VAR_COUPLING_NULL_CONJUGATION,
    RJ_VAR_EXCESS_COUPLING_DROP1,
    RJ_VAR_EXCESS_COUPLING_DROP3,
    RJ_VAR_COUPLING_MISFIT_SIGNED,
    RJ_VAR_COUPLING_MISFIT_TRACE,
    RJ_VAR_COUPLING_MISFIT_VJU,
    RJ_VAR_SUBSPACE_UU,
    RJ_VAR_SUBSPACE_VV,
    RJ_VAR_SUBSPACE_UV,
    RJ_VAR_SUBSPACE_VU,
    RJ_VAR_ALIGNMENT_MATRIX, /* (aprompt,layer,layer_j,i,j) */
    RJ_VAR_SELF_MISFIT,      /* (prompt,k,layer,token,token_j), as those of the other token modes */
    RJ_VAR_SELF_EXCESS,
    RJ_VAR_SELF_NULL, /* (prompt,k,layer,token) */
    RJ_VAR_SELF_RANK, /* (prompt,layer,token) */
    RJ_VAR_FIXED_INPUT_MISFIT,
    RJ_VAR_FIXED_INPUT_EXCESS,
    RJ_VAR_FIXED_INPUT_NULL,
    RJ_VAR_FIXED_INPUT_RANK,
    RJ_VAR_FIXED_OUTPUT_MISFIT,
    RJ_VAR_FIXED_OUTPUT_EXCESS,
    RJ_VAR_FIXED_OUTPUT_NULL,
    RJ_VAR_FIXED_OUTPUT_RANK,
    RJ_VAR_INFLUENCE_FROBENIUS, /* (prompt,layer,token), as those that follow */
    RJ_VAR_INFLUENCE_SPECTRAL,
    RJ_VAR_INFLUENCE_PARTICIPATION,
    RJ_VAR_INFLUENCE_RANK,
    RJ_VAR_PROMPT_SECONDS, /* nondeterministic */
    RJ_N_VARIABLES
} rj_variable_id;

extern const rj_variable rj_schema[RJ_N_VARIABLES];

const char *rj_dim_name(rj_dim dim);                                 /* "prompt", "layer_j", .. */
const char *rj_mode_name(rj_mode mode);                              /* "depth", "fixed_input", .. */
bool rj_sizes_have(const rj_sizes *sizes, rj_mode mode);             /* DEPTH: always */
ptrdiff_t rj_schema_count(rj_variable_id id, const rj_sizes *sizes); /* elements of one prompt */
ptrdiff_t rj_schema_rows(rj_variable_id id,
                         const rj_sizes *sizes); /* prompts that have it; 0: its mode is not measured */
bool rj_schema_is_pairwise(rj_variable_id id);   /* (prompt,k,layer,layer_j) */
bool rj_schema_is_packed(rj_variable_id id); /* pairs of blocks or of tokens: stored in chunks, deflated */

/* Sizes of dimensions i and j: the largest of these K, at most 50. */
enum { RJ_ALIGNMENT_MOST = 50 };
ptrdiff_t rj_schema_alignment(int n_k, const int *k_count);
#endif
