/* summary_certificates.c: one prompt at a time into histograms, so that memory does not grow with the number of prompts. */
#include "summary_certificates.h"

#include <math.h>
#include <netcdf.h>

#include "resjac/base/memory.h"

/* Those of the triplets that enter a coupling: the leading max K. */
static rj_status read_residuals(const rj_ncread *group, ptrdiff_t p, double leading, double *slab,
                                rj_summary *m)
{
    rj_status st = RJ_OK;
    static const char *const name[] = {"residual_right", "residual_left"};

    for (int r = 0; r < 2; r++) {
        RJ_TRY(rj_ncread_rows(group, name[r], "prompt,layer,sv", p, 1, slab));
        for (ptrdiff_t i = 0; i < m->L * m->n_sv; i++)
            if ((double)(i % m->n_sv) < leading) rj_histogram_add(&m->certificates.residual, fabs(slab[i]));
    }
done:
    return st;
}

static rj_status read_blocks(const rj_ncread *group, ptrdiff_t p, double *slab, rj_summary *m)
{
    rj_status st = RJ_OK;
    rj_summary_certificates *c = &m->certificates;

    RJ_TRY(rj_ncread_rows(group, "orthogonality_loss", "prompt,layer", p, 1, slab));
    for (ptrdiff_t l = 0; l < m->L; l++) rj_histogram_add(&c->orthogonality, fabs(slab[l]));
    RJ_TRY(rj_ncread_rows(group, "kink_count", "prompt,layer", p, 1, slab));
    for (ptrdiff_t l = 0; l < m->L; l++) {
        c->n_blocks++;
        c->n_kinked += slab[l] > 0.0;
    }
    RJ_TRY(rj_ncread_rows(group, "svd_method", "prompt,layer", p, 1, slab));
    for (ptrdiff_t l = 0; l < m->L; l++) c->by_method[slab[l] >= 1.0 && slab[l] <= 3.0 ? (int)slab[l] : 0]++;
done:
    return st;
}

static rj_status read_gaps(const rj_ncread *group, ptrdiff_t p, double *slab, rj_summary *m)
{
    rj_status st = RJ_OK;
    rj_summary_certificates *c = &m->certificates;

    RJ_TRY(rj_ncread_rows(group, "relative_gap", "prompt,layer,k", p, 1, slab));
    for (ptrdiff_t i = 0; i < m->L * m->n_k; i++) rj_histogram_add(&c->gap, slab[i]);
    RJ_TRY(rj_ncread_rows(group, "gap_flag", "prompt,layer,k", p, 1, slab));
    for (ptrdiff_t i = 0; i < m->L * m->n_k; i++) {
        c->n_gaps += isfinite(slab[i]);
        c->n_flagged += isfinite(slab[i]) && slab[i] != 0.0;
    }
done:
    return st;
}

rj_status rj_summary_read_certificates(const rj_ncread *group, const double *prompt_status, rj_summary *m)
{
    rj_status st = RJ_OK;
    double *slab = NULL, leading = 0.0;
    int id = 0;
    const bool has_residuals = nc_inq_varid(group->id, "residual_right", &id) == NC_NOERR;

    for (ptrdiff_t k = 0; k < m->n_k; k++) leading = fmax(leading, m->k_count[k]);
    RJ_NEW(slab, m->L, m->n_sv > m->n_k ? m->n_sv : m->n_k);
    for (ptrdiff_t p = 0; p < m->n_prompts; p++) {
        if (prompt_status[p] != 0.0) continue;
        if (has_residuals) RJ_TRY(read_residuals(group, p, leading, slab, m));
        RJ_TRY(read_blocks(group, p, slab, m));
        RJ_TRY(read_gaps(group, p, slab, m));
    }
done:
    RJ_FREE(slab);
    return st;
}
