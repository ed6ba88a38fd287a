/* prompt_measures.c: which variable gets which number. */
#include "prompt_measures.h"

#include <math.h>
#include <string.h>

#include "resjac/base/clock.h"
#include "resjac/base/memory.h"
#include "resjac/metrics/spectrum.h"
#include "resjac/metrics/trajectory.h"

static const double gap_limit =
    1e-5; /* below it directions are arbitrary to working accuracy (method, section 3) */

void rj_measure_spectrum(const rj_pipeline_options *o, int layer, const rj_coupling_block *block, int kinks,
                         rj_record *r, ptrdiff_t p)
{
    const rj_topk *top = block->top;
    const ptrdiff_t sv = r->sizes.size[RJ_DIM_SV];
    const size_t known = (size_t)top->k * sizeof(double); /* what a Krylov method leaves out stays missing */
    rj_spectrum spectrum;

    rj_spectrum_measure(top, block->frobenius, &spectrum);
    memcpy(rj_record_at(r, RJ_VAR_SINGULAR_VALUE, p) + layer * sv, top->s, known);
    memcpy(rj_record_at(r, RJ_VAR_RESIDUAL_RIGHT, p) + layer * sv, top->residual_right, known);
    memcpy(rj_record_at(r, RJ_VAR_RESIDUAL_LEFT, p) + layer * sv, top->residual_left, known);
    for (int k = 0; k < o->n_k; k++) {
        const double gap = rj_topk_gap(top, o->k[k]);
        rj_record_at(r, RJ_VAR_RELATIVE_GAP, p)[layer * o->n_k + k] = gap;
        rj_record_at(r, RJ_VAR_GAP_FLAG, p)[layer * o->n_k + k] = gap < gap_limit;
    }
    rj_record_at(r, RJ_VAR_KINK_COUNT, p)[layer] = kinks;
    rj_record_at(r, RJ_VAR_ORTHOGONALITY_LOSS, p)[layer] = top->orthogonality_loss;
    rj_record_at(r, RJ_VAR_SVD_METHOD, p)[layer] = top->method;
    rj_record_at(r, RJ_VAR_JACOBIAN_FROBENIUS, p)[layer] = block->frobenius;
    rj_record_at(r, RJ_VAR_JACOBIAN_FROBENIUS_ERROR, p)[layer] = block->frobenius_error;
    rj_record_at(r, RJ_VAR_JACOBIAN_SPECTRAL, p)[layer] = spectrum.spectral;
    rj_record_at(r, RJ_VAR_STABLE_RANK, p)[layer] = spectrum.stable_rank;
    rj_record_at(r, RJ_VAR_PARTICIPATION_RATIO, p)[layer] = spectrum.participation_ratio;
    rj_record_at(r, RJ_VAR_EFFECTIVE_RANK, p)[layer] = spectrum.effective_rank;
}

rj_status rj_measure_path(const rj_config *c, const double *path, rj_record *r, ptrdiff_t p)
{
    rj_status st = RJ_OK;
    rj_trajectory m = {.hidden_norm = rj_record_at(r, RJ_VAR_HIDDEN_NORM, p),
                       .step_norm = rj_record_at(r, RJ_VAR_STEP_NORM, p),
                       .step_cosine = rj_record_at(r, RJ_VAR_STEP_COSINE, p),
                       .final_cosine = rj_record_at(r, RJ_VAR_FINAL_COSINE, p),
                       .pc = rj_record_at(r, RJ_VAR_TRAJECTORY_PC, p)};

    RJ_TRY(rj_trajectory_measure(c->d, c->n_layer, path, &m));
    *rj_record_at(r, RJ_VAR_LINE_SHAPE_SCORE, p) = m.line_shape_score;
    *rj_record_at(r, RJ_VAR_EXPODISTANCE, p) = m.expodistance;
    *rj_record_at(r, RJ_VAR_EXPODISTANCE_CV, p) = m.expodistance_cv;
    *rj_record_at(r, RJ_VAR_GROWTH_RATE, p) = m.growth_rate;
    *rj_record_at(r, RJ_VAR_GROWTH_INTERCEPT, p) = m.growth_intercept;
    *rj_record_at(r, RJ_VAR_GROWTH_R2, p) = m.growth_r2;
    *rj_record_at(r, RJ_VAR_UNDEFINED_COUNT, p) = m.undefined;
done:
    return st;
}

rj_status rj_measure_depth_fits(const rj_config *c, rj_record *r, ptrdiff_t p)
{
    rj_status st = RJ_OK;
    const ptrdiff_t sv = r->sizes.size[RJ_DIM_SV];
    const double *s = rj_record_at(r, RJ_VAR_SINGULAR_VALUE, p);
    double *column = NULL;

    RJ_NEW(column, c->n_layer, 1);
    for (ptrdiff_t k = 0; k < sv; k++) {
        for (int l = 0; l < c->n_layer; l++) column[l] = s[l * sv + k];
        rj_spectrum_depth_fit(c->n_layer, column, rj_record_at(r, RJ_VAR_INVERSE_SV_SLOPE, p) + k,
                              rj_record_at(r, RJ_VAR_INVERSE_SV_R2, p) + k);
    }
done:
    RJ_FREE(column);
    return st;
}

/* Where the coupling of prompt p goes. */
static rj_coupling_measures places_of(const rj_pipeline_options *o, const rj_record *r, ptrdiff_t p)
{
    ptrdiff_t row = 0;
    const bool aligned = rj_record_rows(r, RJ_VAR_ALIGNMENT_MATRIX, p, 1, &row) > 0;

    return (rj_coupling_measures){
        .misfit = rj_record_at(r, RJ_VAR_COUPLING_MISFIT, p),
        .misfit_signed = rj_record_at(r, RJ_VAR_COUPLING_MISFIT_SIGNED, p),
        .misfit_trace = rj_record_at(r, RJ_VAR_COUPLING_MISFIT_TRACE, p),
        .misfit_vju = o->vju ? rj_record_at(r, RJ_VAR_COUPLING_MISFIT_VJU, p) : NULL,
        .excess = rj_record_at(r, RJ_VAR_EXCESS_COUPLING, p),
        .null_rotation = rj_record_at(r, RJ_VAR_COUPLING_NULL_ROTATION, p),
        .null_conjugation = rj_record_at(r, RJ_VAR_COUPLING_NULL_CONJUGATION, p),
        .excess_drop1 = rj_record_at(r, RJ_VAR_EXCESS_COUPLING_DROP1, p),
        .excess_drop3 = rj_record_at(r, RJ_VAR_EXCESS_COUPLING_DROP3, p),
        .subspace_uu = rj_record_at(r, RJ_VAR_SUBSPACE_UU, p),
        .subspace_vv = rj_record_at(r, RJ_VAR_SUBSPACE_VV, p),
        .subspace_uv = rj_record_at(r, RJ_VAR_SUBSPACE_UV, p),
        .subspace_vu = rj_record_at(r, RJ_VAR_SUBSPACE_VU, p),
        .null = rj_record_at(r, RJ_VAR_COUPLING_NULL, p),
        .null_sd = rj_record_at(r, RJ_VAR_COUPLING_NULL_SD, p),
        .null_signed = rj_record_at(r, RJ_VAR_COUPLING_NULL_SIGNED, p),
        .null_trace = rj_record_at(r, RJ_VAR_COUPLING_NULL_TRACE, p),
        .alignment = aligned ? rj_record_at(r, RJ_VAR_ALIGNMENT_MATRIX, row) : NULL,
        .n_alignment = (int)r->sizes.size[RJ_DIM_I],
    };
}

rj_status rj_measure_coupling(const rj_config *c, const rj_pipeline_options *o, int first, int n_rows,
                              const rj_coupling_block *block, const rj_coupling_exchange *exchange,
                              rj_record *r, ptrdiff_t p)
{
    const rj_coupling_measures m = places_of(o, r, p);
    const rj_stage before = rj_clock_enter(RJ_STAGE_COUPLING);
    const rj_status st =
        rj_coupling_rows(c->n_layer, block, o->n_k, o->k, o->norm, o->seed, first, n_rows, exchange, &m);

    rj_clock_enter(before);
    return st;
}

void rj_measure_mirror(const rj_config *c, const rj_pipeline_options *o, rj_record *r, ptrdiff_t p)
{
    const rj_coupling_measures m = places_of(o, r, p);

    rj_coupling_mirror(c->n_layer, o->n_k, &m);
}

void rj_measure_nothing(rj_record *r, ptrdiff_t p, rj_status why)
{
    for (int id = 0; id < RJ_N_VARIABLES; id++) {
        ptrdiff_t row = 0;
        const ptrdiff_t rows = rj_record_rows(r, (rj_variable_id)id, p, 1, &row);
        if (rows == 0 || id == RJ_VAR_N_TOKENS || id == RJ_VAR_LAST_TOKEN_ID) continue;
        double *value = rj_record_at(r, (rj_variable_id)id, row);
        for (ptrdiff_t i = 0; i < rj_schema_count((rj_variable_id)id, &r->sizes); i++) value[i] = NAN;
    }
    *rj_record_at(r, RJ_VAR_PROMPT_STATUS, p) = rj_status_exit(why);
}
