/* schema.c: the table of the output contract. docs/formats.md says the same in words: change both together. */
#include "resjac/store/schema.h"

#define PROMPT                                                                                               \
    {                                                                                                        \
        RJ_DIM_PROMPT                                                                                        \
    }
#define BY(...)                                                                                              \
    {                                                                                                        \
        RJ_DIM_PROMPT, __VA_ARGS__                                                                           \
    }
#define BY_LAYER BY(RJ_DIM_LAYER)
#define PAIRWISE BY(RJ_DIM_K, RJ_DIM_LAYER, RJ_DIM_LAYER_J)
#define BY_TOKEN BY(RJ_DIM_LAYER, RJ_DIM_TOKEN)

/* The rows of one token mode. */
#define TOKEN_MODE(ID)                                                                                       \
    [RJ_VAR_##ID##_MISFIT] = {"coupling_misfit",                                                             \
                              "1",                                                                           \
                              "|| |A| - S_i ||_F/||s_i||_p, A = U_j' J_i V_j, i and j of two tokens",        \
                              BY(RJ_DIM_K, RJ_DIM_LAYER, RJ_DIM_TOKEN, RJ_DIM_TOKEN_J),                      \
                              RJ_VALUE_FLOAT,                                                                \
                              RJ_KEEP_ALWAYS,                                                                \
                              false,                                                                         \
                              RJ_MODE_##ID},                                                                 \
    [RJ_VAR_##ID##_EXCESS] = {"excess_coupling",                                                             \
                              "1",                                                                           \
                              "1 - coupling_misfit/coupling_null: 0 at chance, 1 perfect coupling",          \
                              BY(RJ_DIM_K, RJ_DIM_LAYER, RJ_DIM_TOKEN, RJ_DIM_TOKEN_J),                      \
                              RJ_VALUE_FLOAT,                                                                \
                              RJ_KEEP_ALWAYS,                                                                \
                              false,                                                                         \
                              RJ_MODE_##ID},                                                                 \
    [RJ_VAR_##ID##_NULL] = {"coupling_null",                                                                 \
                            "1",                                                                             \
                            "coupling_misfit expected of frames independent of the Jacobian",                \
                            BY(RJ_DIM_K, RJ_DIM_LAYER, RJ_DIM_TOKEN),                                        \
                            RJ_VALUE_DOUBLE,                                                                 \
                            RJ_KEEP_ALWAYS,                                                                  \
                            false,                                                                           \
                            RJ_MODE_##ID},                                                                   \
    [RJ_VAR_##ID##_RANK] = {"numerical_rank",                                                                \
                            "1",                                                                             \
                            "singular values above 10 eps d^(1/2) s_1: coupling is missing for K above it; " \
                            "0 for a token that the other does not see",                                     \
                            BY_TOKEN,                                                                        \
                            RJ_VALUE_INT,                                                                    \
                            RJ_KEEP_ALWAYS,                                                                  \
                            false,                                                                           \
                            RJ_MODE_##ID}

const rj_variable rj_schema[RJ_N_VARIABLES] = {
    [RJ_VAR_N_TOKENS] = {"n_tokens", "1", "number of tokens of the prompt", PROMPT, RJ_VALUE_INT,
                         RJ_KEEP_ALWAYS, false, RJ_MODE_DEPTH},
    [RJ_VAR_LAST_TOKEN_ID] = {"last_token_id", "1", "id of the last token, at which everything is measured",
                              PROMPT, RJ_VALUE_INT, RJ_KEEP_ALWAYS, false, RJ_MODE_DEPTH},
    [RJ_VAR_PROMPT_STATUS] = {"prompt_status", "1",
                              "0: measured; else the exit code of what failed, all values missing", PROMPT,
                              RJ_VALUE_INT, RJ_KEEP_ALWAYS, false, RJ_MODE_DEPTH},

    [RJ_VAR_HIDDEN_NORM] = {"hidden_norm", "1", "norm of the hidden state, ||x^l||", BY(RJ_DIM_DEPTH),
                            RJ_VALUE_DOUBLE, RJ_KEEP_ALWAYS, false, RJ_MODE_DEPTH},
    [RJ_VAR_STEP_NORM] = {"step_norm", "1", "norm of the block's step, ||x^l - x^(l-1)||", BY_LAYER,
                          RJ_VALUE_DOUBLE, RJ_KEEP_ALWAYS, false, RJ_MODE_DEPTH},
    [RJ_VAR_STEP_COSINE] = {"step_cosine", "1", "cosine of the steps of block l and block l-1", BY_LAYER,
                            RJ_VALUE_DOUBLE, RJ_KEEP_ALWAYS, false, RJ_MODE_DEPTH},
    [RJ_VAR_FINAL_COSINE] = {"final_cosine", "1", "cosine of x^l and x^L", BY_LAYER, RJ_VALUE_DOUBLE,
                             RJ_KEEP_ALWAYS, false, RJ_MODE_DEPTH},
    [RJ_VAR_LINE_SHAPE_SCORE] = {"line_shape_score", "1",
                                 "line-shape score of the trajectory: >= 1, 1 for a straight line", PROMPT,
                                 RJ_VALUE_DOUBLE, RJ_KEEP_ALWAYS, false, RJ_MODE_DEPTH},
    [RJ_VAR_EXPODISTANCE] =
        {"expodistance", "1",
         "expodistance Var(a)/Mean(a)^2, a^l = ln(||x^l||/||x^(l-1)||): 0 for exponential "
         "growth",
         PROMPT, RJ_VALUE_DOUBLE, RJ_KEEP_ALWAYS, false, RJ_MODE_DEPTH},
    [RJ_VAR_EXPODISTANCE_CV] = {"expodistance_cv", "1", "square root of expodistance", PROMPT,
                                RJ_VALUE_DOUBLE, RJ_KEEP_ALWAYS, false, RJ_MODE_DEPTH},
    [RJ_VAR_GROWTH_RATE] = {"growth_rate", "1", "slope of the fit ln||x^l|| = intercept + rate l", PROMPT,
                            RJ_VALUE_DOUBLE, RJ_KEEP_ALWAYS, false, RJ_MODE_DEPTH},
    [RJ_VAR_GROWTH_INTERCEPT] = {"growth_intercept", "1",
                                 "intercept of the fit ln||x^l|| = intercept + rate l", PROMPT,
                                 RJ_VALUE_DOUBLE, RJ_KEEP_ALWAYS, false, RJ_MODE_DEPTH},
    [RJ_VAR_GROWTH_R2] = {"growth_r2", "1", "coefficient of determination of the growth fit", PROMPT,
                          RJ_VALUE_DOUBLE, RJ_KEEP_ALWAYS, false, RJ_MODE_DEPTH},
    [RJ_VAR_UNDEFINED_COUNT] = {"undefined_count", "1",
                                "number of trajectory measures that are undefined for this prompt", PROMPT,
                                RJ_VALUE_INT, RJ_KEEP_ALWAYS, false, RJ_MODE_DEPTH},
    [RJ_VAR_TRAJECTORY_PC] = {"trajectory_pc", "1",
                              "hidden states on the prompt's own leading principal components",
                              BY(RJ_DIM_DEPTH, RJ_DIM_PC), RJ_VALUE_DOUBLE, RJ_KEEP_ALWAYS, false,
                              RJ_MODE_DEPTH},

    [RJ_VAR_SINGULAR_VALUE] = {"singular_value", "1", "leading singular values of the residual Jacobian",
                               BY(RJ_DIM_LAYER, RJ_DIM_SV), RJ_VALUE_DOUBLE, RJ_KEEP_ALWAYS, false,
                               RJ_MODE_DEPTH},
    [RJ_VAR_RESIDUAL_RIGHT] = {"residual_right", "1", "certificate ||J v_k - s_k u_k||/s_1",
                               BY(RJ_DIM_LAYER, RJ_DIM_SV), RJ_VALUE_DOUBLE, RJ_KEEP_ALWAYS, false,
                               RJ_MODE_DEPTH},
    [RJ_VAR_RESIDUAL_LEFT] = {"residual_left", "1", "certificate ||J' u_k - s_k v_k||/s_1",
                              BY(RJ_DIM_LAYER, RJ_DIM_SV), RJ_VALUE_DOUBLE, RJ_KEEP_ALWAYS, false,
                              RJ_MODE_DEPTH},
    [RJ_VAR_RELATIVE_GAP] =
        {"relative_gap", "1",
         "smallest gap (s_i - s_(i+1))/s_1 among s_1..s_(K+1): directions are arbitrary at 0",
         BY(RJ_DIM_LAYER, RJ_DIM_K), RJ_VALUE_DOUBLE, RJ_KEEP_ALWAYS, false, RJ_MODE_DEPTH},
    [RJ_VAR_GAP_FLAG] = {"gap_flag", "1", "1 where relative_gap is below 1e-5", BY(RJ_DIM_LAYER, RJ_DIM_K),
                         RJ_VALUE_INT, RJ_KEEP_ALWAYS, false, RJ_MODE_DEPTH},
    [RJ_VAR_KINK_COUNT] = {"kink_count", "1", "number of units within 1e-5 of a kink of their activation",
                           BY_LAYER, RJ_VALUE_INT, RJ_KEEP_ALWAYS, false, RJ_MODE_DEPTH},
    [RJ_VAR_ORTHOGONALITY_LOSS] = {"orthogonality_loss", "1", "largest entry of |U'U - I| and |V'V - I|",
                                   BY_LAYER, RJ_VALUE_DOUBLE, RJ_KEEP_ALWAYS, false, RJ_MODE_DEPTH},
    [RJ_VAR_SVD_METHOD] = {"svd_method", "1",
                           "how the triplets were found; 1: full decomposition in one rank, 2: full "
                           "decomposition on a grid of ranks, 3: block Golub-Kahan-Lanczos",
                           BY_LAYER, RJ_VALUE_INT, RJ_KEEP_ALWAYS, false, RJ_MODE_DEPTH},
    [RJ_VAR_JACOBIAN_FROBENIUS] = {"jacobian_frobenius", "1", "Frobenius norm of the residual Jacobian",
                                   BY_LAYER, RJ_VALUE_DOUBLE, RJ_KEEP_ALWAYS, false, RJ_MODE_DEPTH},
    [RJ_VAR_JACOBIAN_FROBENIUS_ERROR] =
        {"jacobian_frobenius_error", "1",
         "standard error of jacobian_frobenius where it is an estimate, else 0", BY_LAYER, RJ_VALUE_DOUBLE,
         RJ_KEEP_ALWAYS, false, RJ_MODE_DEPTH},
    [RJ_VAR_JACOBIAN_SPECTRAL] = {"jacobian_spectral", "1", "spectral norm of the residual Jacobian, s_1",
                                  BY_LAYER, RJ_VALUE_DOUBLE, RJ_KEEP_ALWAYS, false, RJ_MODE_DEPTH},
    [RJ_VAR_STABLE_RANK] = {"stable_rank", "1", "||J||_F^2/s_1^2", BY_LAYER, RJ_VALUE_DOUBLE, RJ_KEEP_ALWAYS,
                            false, RJ_MODE_DEPTH},
    [RJ_VAR_PARTICIPATION_RATIO] = {"participation_ratio", "1", "(sum s)^2/sum s^2 over all singular values",
                                    BY_LAYER, RJ_VALUE_DOUBLE, RJ_KEEP_ALWAYS, false, RJ_MODE_DEPTH},
    [RJ_VAR_EFFECTIVE_RANK] = {"effective_rank", "1",
                               "exponential of the entropy of s/sum s over all singular values", BY_LAYER,
                               RJ_VALUE_DOUBLE, RJ_KEEP_ALWAYS, false, RJ_MODE_DEPTH},
    [RJ_VAR_INVERSE_SV_SLOPE] = {"inverse_sv_slope", "1", "slope of the fit of 1/s_k^l against depth l",
                                 BY(RJ_DIM_SV), RJ_VALUE_DOUBLE, RJ_KEEP_ALWAYS, false, RJ_MODE_DEPTH},
    [RJ_VAR_INVERSE_SV_R2] = {"inverse_sv_r2", "1",
                              "coefficient of determination of the fit of 1/s_k^l against depth l",
                              BY(RJ_DIM_SV), RJ_VALUE_DOUBLE, RJ_KEEP_ALWAYS, false, RJ_MODE_DEPTH},

    [RJ_VAR_COUPLING_MISFIT] = {"coupling_misfit", "1", "|| |A| - S_i ||_F/||s_i||_p, A = U_j' J_i V_j",
                                PAIRWISE, RJ_VALUE_FLOAT, RJ_KEEP_COUPLING, false, RJ_MODE_DEPTH},
    [RJ_VAR_EXCESS_COUPLING] = {"excess_coupling", "1",
                                "1 - coupling_misfit/coupling_null: 0 at chance, 1 perfect coupling",
                                PAIRWISE, RJ_VALUE_FLOAT, RJ_KEEP_COUPLING, false, RJ_MODE_DEPTH},
    [RJ_VAR_COUPLING_NULL] = {"coupling_null", "1",
                              "coupling_misfit expected of frames independent of the Jacobian",
                              BY(RJ_DIM_K, RJ_DIM_LAYER), RJ_VALUE_DOUBLE, RJ_KEEP_ALWAYS, false,
                              RJ_MODE_DEPTH},
    [RJ_VAR_COUPLING_NULL_SD] = {"coupling_null_sd", "1",
                                 "standard deviation of coupling_misfit over draws of independent frames",
                                 BY(RJ_DIM_K, RJ_DIM_LAYER), RJ_VALUE_DOUBLE, RJ_KEEP_ALWAYS, false,
                                 RJ_MODE_DEPTH},
    [RJ_VAR_COUPLING_NULL_SIGNED] = {"coupling_null_signed", "1",
                                     "coupling_misfit_signed expected of frames independent of the Jacobian",
                                     BY(RJ_DIM_K, RJ_DIM_LAYER), RJ_VALUE_DOUBLE, RJ_KEEP_ALWAYS, false,
                                     RJ_MODE_DEPTH},
    [RJ_VAR_COUPLING_NULL_TRACE] = {"coupling_null_trace", "1",
                                    "coupling_misfit_trace expected of frames independent of the Jacobian",
                                    BY(RJ_DIM_K, RJ_DIM_LAYER), RJ_VALUE_DOUBLE, RJ_KEEP_ALWAYS, false,
                                    RJ_MODE_DEPTH},
    [RJ_VAR_COUPLING_NULL_ROTATION] =
        {"coupling_null_rotation", "1",
         "coupling_misfit expected when the frames are rotated inside their spans", PAIRWISE, RJ_VALUE_FLOAT,
         RJ_KEEP_MEAN, false, RJ_MODE_DEPTH},
    [RJ_VAR_COUPLING_NULL_CONJUGATION] = {"coupling_null_conjugation", "1",
                                          "coupling_misfit expected when both frames are rotated together",
                                          PAIRWISE, RJ_VALUE_FLOAT, RJ_KEEP_MEAN, false, RJ_MODE_DEPTH},
    [RJ_VAR_EXCESS_COUPLING_DROP1] = {"excess_coupling_drop1", "1",
                                      "excess_coupling without the first triplet of both blocks", PAIRWISE,
                                      RJ_VALUE_FLOAT, RJ_KEEP_MEAN, false, RJ_MODE_DEPTH},
    [RJ_VAR_EXCESS_COUPLING_DROP3] = {"excess_coupling_drop3", "1",
                                      "excess_coupling without the first three triplets of both blocks",
                                      PAIRWISE, RJ_VALUE_FLOAT, RJ_KEEP_MEAN, false, RJ_MODE_DEPTH},
    [RJ_VAR_COUPLING_MISFIT_SIGNED] = {"coupling_misfit_signed", "1", "||A - S_i||_F/||s_i||_p", PAIRWISE,
                                       RJ_VALUE_FLOAT, RJ_KEEP_ALL, false, RJ_MODE_DEPTH},
    [RJ_VAR_COUPLING_MISFIT_TRACE] = {"coupling_misfit_trace", "1", "|| |A| - S_i ||_F/sum(s_i)", PAIRWISE,
                                      RJ_VALUE_FLOAT, RJ_KEEP_ALL, false, RJ_MODE_DEPTH},
    [RJ_VAR_COUPLING_MISFIT_VJU] = {"coupling_misfit_vju", "1", "coupling_misfit with U and V exchanged",
                                    PAIRWISE, RJ_VALUE_FLOAT, RJ_KEEP_ALL, false, RJ_MODE_DEPTH},
    [RJ_VAR_SUBSPACE_UU] = {"subspace_uu", "1", "||U_i' U_j||_F^2/K: K/d by chance", PAIRWISE, RJ_VALUE_FLOAT,
                            RJ_KEEP_ALL, false, RJ_MODE_DEPTH},
    [RJ_VAR_SUBSPACE_VV] = {"subspace_vv", "1", "||V_i' V_j||_F^2/K: K/d by chance", PAIRWISE, RJ_VALUE_FLOAT,
                            RJ_KEEP_ALL, false, RJ_MODE_DEPTH},
    [RJ_VAR_SUBSPACE_UV] = {"subspace_uv", "1", "||U_i' V_j||_F^2/K: K/d by chance", PAIRWISE, RJ_VALUE_FLOAT,
                            RJ_KEEP_ALL, false, RJ_MODE_DEPTH},
    [RJ_VAR_SUBSPACE_VU] = {"subspace_vu", "1", "||V_i' U_j||_F^2/K: K/d by chance", PAIRWISE, RJ_VALUE_FLOAT,
                            RJ_KEEP_ALL, false, RJ_MODE_DEPTH},

    [RJ_VAR_ALIGNMENT_MATRIX] =
        {"alignment_matrix",
         "1",
         "A = U_j' J_i V_j on leading singular directions, i of U_j, j of V_j; the sign of "
         "a singular pair is arbitrary, that of an element so too",
         {RJ_DIM_APROMPT, RJ_DIM_LAYER, RJ_DIM_LAYER_J, RJ_DIM_I, RJ_DIM_J},
         RJ_VALUE_FLOAT,
         RJ_KEEP_ALWAYS,
         false,
         RJ_MODE_DEPTH},

    TOKEN_MODE(SELF),
    TOKEN_MODE(FIXED_INPUT),
    TOKEN_MODE(FIXED_OUTPUT),
    [RJ_VAR_INFLUENCE_FROBENIUS] =
        {"influence_frobenius", "1",
         "Frobenius norm of the derivative of the last token's output by the token", BY_TOKEN,
         RJ_VALUE_DOUBLE, RJ_KEEP_ALWAYS, false, RJ_MODE_INFLUENCE},
    [RJ_VAR_INFLUENCE_SPECTRAL] = {"influence_spectral", "1", "its spectral norm, s_1", BY_TOKEN,
                                   RJ_VALUE_DOUBLE, RJ_KEEP_ALWAYS, false, RJ_MODE_INFLUENCE},
    [RJ_VAR_INFLUENCE_PARTICIPATION] = {"influence_participation", "1",
                                        "its (sum s)^2/sum s^2 over all singular values", BY_TOKEN,
                                        RJ_VALUE_DOUBLE, RJ_KEEP_ALWAYS, false, RJ_MODE_INFLUENCE},
    [RJ_VAR_INFLUENCE_RANK] = {"influence_rank", "1",
                               "its effective rank: exponential of the entropy of s/sum s", BY_TOKEN,
                               RJ_VALUE_DOUBLE, RJ_KEEP_ALWAYS, false, RJ_MODE_INFLUENCE},

    [RJ_VAR_PROMPT_SECONDS] = {"prompt_seconds", "s", "time spent on the prompt", PROMPT, RJ_VALUE_DOUBLE,
                               RJ_KEEP_ALWAYS, true, RJ_MODE_DEPTH},
};

const char *rj_dim_name(rj_dim dim)
{
    static const char *const name[RJ_N_DIMS] = {"",   "prompt", "layer",   "layer_j", "depth", "k", "sv",
                                                "pc", "token",  "token_j", "aprompt", "i",     "j"};
    return name[dim];
}

const char *rj_mode_name(rj_mode mode)
{
    static const char *const name[RJ_N_MODES] = {"depth", "self", "fixed_input", "fixed_output", "influence"};
    return name[mode];
}

bool rj_sizes_have(const rj_sizes *sizes, rj_mode mode)
{
    return mode == RJ_MODE_DEPTH || (sizes->modes >> mode & 1u) != 0;
}

ptrdiff_t rj_schema_count(rj_variable_id id, const rj_sizes *sizes)
{
    ptrdiff_t n = 1;
    for (int i = 1; i < 5 && rj_schema[id].dims[i] != RJ_DIM_NONE; i++)
        n *= sizes->size[rj_schema[id].dims[i]];
    return n;
}

ptrdiff_t rj_schema_rows(rj_variable_id id, const rj_sizes *sizes)
{
    return rj_sizes_have(sizes, rj_schema[id].mode) ? sizes->size[rj_schema[id].dims[0]] : 0;
}

bool rj_schema_is_pairwise(rj_variable_id id)
{
    return rj_schema[id].dims[3] == RJ_DIM_LAYER_J;
}

bool rj_schema_is_packed(rj_variable_id id)
{
    return rj_schema_is_pairwise(id) || rj_schema[id].dims[4] == RJ_DIM_TOKEN_J;
}

ptrdiff_t rj_schema_alignment(int n_k, const int *k_count)
{
    ptrdiff_t most = 0;

    for (int q = 0; q < n_k; q++) most = k_count[q] > most ? k_count[q] : most;
    return most < RJ_ALIGNMENT_MOST ? most : RJ_ALIGNMENT_MOST;
}
