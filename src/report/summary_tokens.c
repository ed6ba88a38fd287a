/* summary_tokens.c: one prompt at a time; the means over prompts of all pairs are kept, because any block may be drawn. */
#include "summary_tokens.h"

#include <netcdf.h>
#include <stdio.h>

#include "resjac/base/memory.h"

const char *const rj_token_mode_name[RJ_N_TOKEN_MODES] = {"self", "fixed_input", "fixed_output"};

enum { MOST_PAIRS = 1 << 26 }; /* numbers of one mode, 0.5 GB */

static bool find_group(const rj_ncread *model, const char *name, char path[2 * RJ_NAME_SIZE],
                       rj_ncread *group)
{
    snprintf(path, 2 * RJ_NAME_SIZE, "%.*s/%s", RJ_NAME_SIZE, model->name, name);
    *group = (rj_ncread){.file = model->file, .name = path};
    return nc_inq_grp_ncid(model->id, name, &group->id) == NC_NOERR;
}

static rj_status read_mode(const rj_ncread *group, const double *prompt_status, rj_summary *m,
                           rj_summary_mode *mode)
{
    rj_status st = RJ_OK;
    const ptrdiff_t n = m->n_tokens;
    double *slab = NULL;
    rj_moment *mean = NULL;

    RJ_REQUIRE((double)n * (double)n * (double)m->n_k * (double)m->L <= MOST_PAIRS, RJ_ERR_FORMAT,
               "%s, group %s: %td tokens, %td blocks, %td K: more pairs than a report shows; name fewer "
               "tokens in tokens.at",
               group->file, group->name, n, m->L, m->n_k);
    const ptrdiff_t pairs = n * n, total = m->n_k * m->L * pairs;
    RJ_NEW(slab, total, 1);
    RJ_NEW(mean, total, 1);
    RJ_NEW(mode->excess, total, 1);
    RJ_NEW(mode->off, m->n_k, m->L);
    for (ptrdiff_t p = 0; p < m->n_prompts; p++) {
        if (prompt_status[p] != 0.0) continue;
        RJ_TRY(rj_ncread_rows(group, "excess_coupling", "prompt,k,layer,token,token_j", p, 1, slab));
        for (ptrdiff_t i = 0; i < total; i++) {
            rj_moment_add(&mean[i], slab[i]);
            if (i / n % n != i % n) rj_moment_add(&mode->off[i / pairs], slab[i]);
        }
    }
    for (ptrdiff_t i = 0; i < total; i++) mode->excess[i] = rj_moment_mean(&mean[i]);
    mode->measured = true;
done:
    RJ_FREE(mean);
    RJ_FREE(slab);
    return st;
}

static rj_status read_influence(const rj_ncread *group, const double *prompt_status, rj_summary *m)
{
    rj_status st = RJ_OK;
    const ptrdiff_t n = m->L * m->n_tokens;
    double *slab = NULL;

    RJ_NEW(slab, n, 1);
    RJ_NEW(m->influence, n, 1);
    RJ_NEW(m->influence_participation, n, 1);
    RJ_NEW(m->influence_rank, n, 1);
    const struct {
        const char *name;
        rj_moment *moment;
    } variable[] = {{"influence_frobenius", m->influence},
                    {"influence_participation", m->influence_participation},
                    {"influence_rank", m->influence_rank}};
    for (ptrdiff_t p = 0; p < m->n_prompts; p++)
        for (int v = 0; v < 3 && prompt_status[p] == 0.0; v++) {
            RJ_TRY(rj_ncread_rows(group, variable[v].name, "prompt,layer,token", p, 1, slab));
            for (ptrdiff_t i = 0; i < n; i++) rj_moment_add(&variable[v].moment[i], slab[i]);
        }
done:
    RJ_FREE(slab);
    return st;
}

rj_status rj_summary_read_tokens(const rj_ncread *group, const double *prompt_status, rj_summary *m)
{
    rj_status st = RJ_OK;
    char path[2 * RJ_NAME_SIZE];
    rj_ncread inner;
    int dim = 0;

    if (nc_inq_dimid(group->id, "token", &dim) != NC_NOERR) goto done;
    RJ_TRY(rj_ncread_size(group, "token", &m->n_tokens));
    RJ_NEW(m->token, m->n_tokens, 1);
    RJ_TRY(rj_ncread_rows(group, "token", "token", 0, m->n_tokens, m->token));
    for (int mode = 0; mode < RJ_N_TOKEN_MODES; mode++)
        if (find_group(group, rj_token_mode_name[mode], path, &inner))
            RJ_TRY(read_mode(&inner, prompt_status, m, &m->mode[mode]));
    if (find_group(group, "influence", path, &inner)) RJ_TRY(read_influence(&inner, prompt_status, m));
done:
    return st;
}

void rj_summary_free_tokens(rj_summary *m)
{
    rj_free(m->token);
    for (int mode = 0; mode < RJ_N_TOKEN_MODES; mode++) {
        rj_free(m->mode[mode].excess);
        rj_free(m->mode[mode].off);
    }
    rj_free(m->influence);
    rj_free(m->influence_participation);
    rj_free(m->influence_rank);
}
