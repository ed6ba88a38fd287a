/* summary.c: one slab a prompt, so that memory does not grow with the number of prompts. */
#include "resjac/report/summary.h"

#include <netcdf.h>
#include <stdio.h>
#include <string.h>

#include "ncread.h"
#include "resjac/base/file.h"
#include "resjac/base/memory.h"
#include "summary_alignment.h"
#include "summary_certificates.h"
#include "summary_tokens.h"

static const char twin_suffix[] = "__random_init";

static void free_model(rj_summary *m)
{
    rj_free(m->k_label);
    rj_free(m->k_count);
    rj_free(m->misfit);
    rj_free(m->excess);
    rj_free(m->null);
    rj_free(m->coupling);
    rj_free(m->ln_sv);
    rj_free(m->line);
    rj_free(m->ln_norm);
    rj_free(m->ln_norm_all);
    rj_free(m->path);
    rj_free(m->pc);
    rj_free(m->line_shape_scores);
    rj_free(m->expodistances);
    rj_summary_free_tokens(m);
    for (ptrdiff_t i = 0; i < m->n_alignments; i++) rj_free(m->alignment[i].magnitude);
    rj_free(m->alignment);
}

void rj_summaries_free(rj_summaries **summaries)
{
    rj_summaries *s = *summaries;

    if (s == NULL) return;
    for (int i = 0; i < s->n_models; i++) free_model(&s->model[i]);
    for (int i = 0; i < s->n_attributes; i++) {
        rj_free(s->attribute[i].name);
        rj_free(s->attribute[i].text);
    }
    rj_score_summary_free(&s->scores);
    rj_free(s->model);
    rj_free(s->attribute);
    rj_free(s->file);
    RJ_FREE(*summaries);
}

/* Up to `most` of the measured prompts, evenly spread. */
static rj_status choose(const double *prompt_status, const rj_summary *m, ptrdiff_t most, ptrdiff_t *n,
                        ptrdiff_t **prompt)
{
    rj_status st = RJ_OK;
    ptrdiff_t seen = 0;

    *n = m->n_measured < most ? m->n_measured : most;
    RJ_NEW(*prompt, *n, 1);
    for (ptrdiff_t p = 0, i = 0; p < m->n_prompts && i < *n; p++) {
        if (prompt_status[p] != 0.0) continue;
        if (seen++ == i * m->n_measured / *n) (*prompt)[i++] = p;
    }
done:
    return st;
}

static rj_status read_scalars(const rj_ncread *group, const double *prompt_status, rj_summary *m)
{
    rj_status st = RJ_OK;
    double *value = NULL;

    RJ_NEW(m->line_shape_scores, m->n_measured, 1);
    RJ_NEW(m->expodistances, m->n_measured, 1);
    const struct {
        const char *name;
        rj_moment *moment;
        double *each;
    } scalar[] = {{"line_shape_score", &m->line_shape_score, m->line_shape_scores},
                  {"expodistance", &m->expodistance, m->expodistances},
                  {"growth_rate", &m->growth_rate, NULL},
                  {"growth_intercept", &m->growth_intercept, NULL},
                  {"growth_r2", &m->growth_r2, NULL}};

    RJ_NEW(value, m->n_prompts, 1);
    for (size_t i = 0; i < sizeof scalar / sizeof *scalar; i++) {
        RJ_TRY(rj_ncread_rows(group, scalar[i].name, "prompt", 0, m->n_prompts, value));
        for (ptrdiff_t p = 0, n = 0; p < m->n_prompts; p++) {
            if (prompt_status[p] != 0.0) continue;
            rj_moment_add(scalar[i].moment, value[p]);
            if (scalar[i].each != NULL) scalar[i].each[n++] = value[p];
        }
    }
done:
    RJ_FREE(value);
    return st;
}

/* ln of the norms: kept for chosen prompts, averaged over all measured ones. */
static rj_status read_norms(const rj_ncread *group, const double *prompt_status, rj_summary *m)
{
    rj_status st = RJ_OK;
    const ptrdiff_t depth = m->L + 1;
    double *norm = NULL;
    ptrdiff_t kept = 0;

    RJ_TRY(choose(prompt_status, m, RJ_SUMMARY_LINES, &m->n_lines, &m->line));
    RJ_NEW(norm, depth, 1);
    RJ_NEW(m->ln_norm, m->n_lines, depth);
    RJ_NEW(m->ln_norm_all, depth, 1);
    for (ptrdiff_t p = 0; p < m->n_prompts; p++) {
        if (prompt_status[p] != 0.0) continue;
        RJ_TRY(rj_ncread_rows(group, "hidden_norm", "prompt,depth", p, 1, norm));
        for (ptrdiff_t l = 0; l < depth; l++) {
            norm[l] = norm[l] > 0.0 ? log(norm[l]) : NAN;
            rj_moment_add(&m->ln_norm_all[l], norm[l]);
        }
        if (kept < m->n_lines && m->line[kept] == p)
            memcpy(m->ln_norm + depth * kept++, norm, (size_t)depth * sizeof *norm);
    }
done:
    RJ_FREE(norm);
    return st;
}

static rj_status read_paths(const rj_ncread *group, const double *prompt_status, rj_summary *m)
{
    rj_status st = RJ_OK;

    RJ_TRY(rj_ncread_size(group, "pc", &m->n_pc));
    RJ_REQUIRE(m->n_pc >= 2, RJ_ERR_FORMAT, "%s, group %s: dimension `pc` is %td, needs 2 at least",
               group->file, group->name, m->n_pc);
    RJ_TRY(choose(prompt_status, m, RJ_SUMMARY_PATHS, &m->n_paths, &m->path));
    RJ_NEW(m->pc, m->n_paths * (m->L + 1), m->n_pc);
    for (ptrdiff_t i = 0; i < m->n_paths; i++)
        RJ_TRY(rj_ncread_rows(group, "trajectory_pc", "prompt,depth,pc", m->path[i], 1,
                              m->pc + i * (m->L + 1) * m->n_pc));
done:
    return st;
}

/* A file with `store.merge: summary` has no spectra: they are missing in the report too. */
static rj_status read_spectra(const rj_ncread *group, const double *prompt_status, rj_summary *m)
{
    rj_status st = RJ_OK;
    double *slab = NULL;
    int id = 0;

    RJ_NEW(slab, m->L, m->n_sv);
    RJ_NEW(m->ln_sv, m->L, m->n_sv);
    if (nc_inq_varid(group->id, "singular_value", &id) != NC_NOERR) goto done;
    for (ptrdiff_t p = 0; p < m->n_prompts; p++) {
        if (prompt_status[p] != 0.0) continue;
        RJ_TRY(rj_ncread_rows(group, "singular_value", "prompt,layer,sv", p, 1, slab));
        for (ptrdiff_t i = 0; i < m->L * m->n_sv; i++)
            rj_moment_add(&m->ln_sv[i], slab[i] > 0.0 ? log(slab[i]) : NAN);
    }
done:
    RJ_FREE(slab);
    return st;
}

/* The mean over prompts. */
static rj_status read_null(const rj_ncread *group, const double *prompt_status, rj_summary *m)
{
    rj_status st = RJ_OK;
    const ptrdiff_t n = m->n_k * m->L;
    double *slab = NULL;
    rj_moment *moment = NULL;

    RJ_NEW(m->null, m->n_k, m->L);
    RJ_NEW(slab, m->n_k, m->L);
    RJ_NEW(moment, m->n_k, m->L);
    for (ptrdiff_t p = 0; p < m->n_prompts; p++) {
        if (prompt_status[p] != 0.0) continue;
        RJ_TRY(rj_ncread_rows(group, "coupling_null", "prompt,k,layer", p, 1, slab));
        for (ptrdiff_t i = 0; i < n; i++) rj_moment_add(&moment[i], slab[i]);
    }
    for (ptrdiff_t i = 0; i < n; i++) m->null[i] = rj_moment_mean(&moment[i]);
done:
    RJ_FREE(moment);
    RJ_FREE(slab);
    return st;
}

static rj_status read_coupling(const rj_ncread *group, const double *prompt_status, rj_summary *m)
{
    rj_status st = RJ_OK;
    const ptrdiff_t L = m->L;

    RJ_NEW(m->misfit, m->n_k * L, L);
    RJ_NEW(m->excess, m->n_k * L, L);
    RJ_NEW(m->coupling, m->n_k, 1);
    RJ_TRY(rj_ncread_rows(group, "coupling_misfit_mean", "k,layer,layer_j", 0, m->n_k, m->misfit));
    RJ_TRY(rj_ncread_rows(group, "excess_coupling_mean", "k,layer,layer_j", 0, m->n_k, m->excess));
    RJ_TRY(read_null(group, prompt_status, m));
    for (ptrdiff_t k = 0; k < m->n_k; k++)
        for (ptrdiff_t i = 0; i < L; i++) {
            rj_moment_add(&m->coupling[k].null, m->null[k * L + i]);
            for (ptrdiff_t j = 0; j < L; j++) {
                if (i == j) continue;
                rj_moment_add(&m->coupling[k].misfit, m->misfit[(k * L + i) * L + j]);
                rj_moment_add(&m->coupling[k].excess, m->excess[(k * L + i) * L + j]);
            }
        }
done:
    return st;
}

static rj_status read_sizes(const rj_ncread *group, rj_summary *m)
{
    rj_status st = RJ_OK;
    ptrdiff_t depth = 0, layer_j = 0;

    RJ_TRY(rj_ncread_size(group, "prompt", &m->n_prompts));
    RJ_TRY(rj_ncread_size(group, "layer", &m->L));
    RJ_TRY(rj_ncread_size(group, "layer_j", &layer_j));
    RJ_TRY(rj_ncread_size(group, "depth", &depth));
    RJ_TRY(rj_ncread_size(group, "k", &m->n_k));
    RJ_TRY(rj_ncread_size(group, "sv", &m->n_sv));
    RJ_REQUIRE(
        m->L >= 1 && depth == m->L + 1 && layer_j == m->L && m->n_sv >= 1, RJ_ERR_FORMAT,
        "%s, group %s: layer %td, layer_j %td, depth %td, sv %td; needs layer_j = layer, depth = layer + 1, "
        "none empty",
        group->file, group->name, m->L, layer_j, depth, m->n_sv);
    RJ_NEW(m->k_label, m->n_k, 1);
    RJ_NEW(m->k_count, m->n_k, 1);
    RJ_TRY(rj_ncread_texts(group, "k_label", "k", m->n_k, m->k_label));
    RJ_TRY(rj_ncread_rows(group, "k_count", "k", 0, m->n_k, m->k_count));
done:
    return st;
}

static rj_status read_group(const rj_ncread *group, rj_summary *m)
{
    rj_status st = RJ_OK;
    double *prompt_status = NULL;

    RJ_TRY(read_sizes(group, m));
    RJ_NEW(prompt_status, m->n_prompts, 1);
    RJ_TRY(rj_ncread_rows(group, "prompt_status", "prompt", 0, m->n_prompts, prompt_status));
    for (ptrdiff_t p = 0; p < m->n_prompts; p++) m->n_measured += prompt_status[p] == 0.0;
    RJ_TRY(read_scalars(group, prompt_status, m));
    RJ_TRY(read_norms(group, prompt_status, m));
    RJ_TRY(read_paths(group, prompt_status, m));
    RJ_TRY(read_spectra(group, prompt_status, m));
    RJ_TRY(read_coupling(group, prompt_status, m));
    RJ_TRY(rj_summary_read_certificates(group, prompt_status, m));
    RJ_TRY(rj_summary_read_alignment(group, prompt_status, m));
    RJ_TRY(rj_summary_read_tokens(group, prompt_status, m));
done:
    RJ_FREE(prompt_status);
    return st;
}

static rj_status read_facts(const rj_ncread *root, rj_summaries *s)
{
    rj_status st = RJ_OK;
    const ptrdiff_t n = s->n_models;
    char(*text)[RJ_NAME_SIZE] = NULL;
    double *number = NULL;

    RJ_NEW(text, n, 1);
    RJ_NEW(number, n, 1);
    RJ_TRY(rj_ncread_texts(root, "model_name", "model", n, text));
    for (ptrdiff_t i = 0; i < n; i++) memcpy(s->model[i].name, text[i], RJ_NAME_SIZE);
    RJ_TRY(rj_ncread_texts(root, "family", "model", n, text));
    for (ptrdiff_t i = 0; i < n; i++) memcpy(s->model[i].family, text[i], RJ_NAME_SIZE);
    RJ_TRY(rj_ncread_texts(root, "status", "model", n, text));
    for (ptrdiff_t i = 0; i < n; i++) memcpy(s->model[i].status, text[i], RJ_NAME_SIZE);
    RJ_TRY(rj_ncread_texts(root, "series_name", "model", n, text));
    for (ptrdiff_t i = 0; i < n; i++) memcpy(s->model[i].series, text[i], RJ_NAME_SIZE);
    RJ_TRY(rj_ncread_rows(root, "series_step", "model", 0, n, number));
    for (ptrdiff_t i = 0; i < n; i++) s->model[i].step = number[i];
    RJ_TRY(rj_ncread_rows(root, "n_parameters", "model", 0, n, number));
    for (ptrdiff_t i = 0; i < n; i++) s->model[i].n_parameters = number[i];
    RJ_TRY(rj_ncread_rows(root, "n_layers", "model", 0, n, number));
    for (ptrdiff_t i = 0; i < n; i++) s->model[i].n_layers = number[i];
    RJ_TRY(rj_ncread_rows(root, "d_model", "model", 0, n, number));
    for (ptrdiff_t i = 0; i < n; i++) s->model[i].d_model = number[i];
    RJ_TRY(rj_ncread_rows(root, "trained", "model", 0, n, number));
    for (ptrdiff_t i = 0; i < n; i++) s->model[i].trained = number[i] != 0.0;
done:
    RJ_FREE(number);
    RJ_FREE(text);
    return st;
}

/* A twin is a random-init model named after its original. */
static void pair_twins(rj_summaries *s)
{
    for (int i = 0; i < s->n_models; i++) s->model[i].twin = s->model[i].original = -1;
    for (int i = 0; i < s->n_models; i++)
        for (int j = 0; j < s->n_models; j++) {
            char expected[RJ_NAME_SIZE + sizeof twin_suffix];
            snprintf(expected, sizeof expected, "%s%s", s->model[i].name, twin_suffix);
            if (s->model[j].trained || strcmp(s->model[j].name, expected) != 0) continue;
            s->model[i].twin = j;
            s->model[j].original = i;
        }
}

static rj_status read_attributes(const rj_ncread *root, rj_summaries *s)
{
    rj_status st = RJ_OK;
    int n = 0;

    RJ_TRY(rj_ncread_check(nc_inq_natts(root->id, &n), root, "attributes"));
    RJ_NEW(s->attribute, n, 1);
    for (; s->n_attributes < n; s->n_attributes++) {
        rj_summary_attribute *a = &s->attribute[s->n_attributes];
        char name[NC_MAX_NAME + 1];
        RJ_TRY(
            rj_ncread_check(nc_inq_attname(root->id, NC_GLOBAL, s->n_attributes, name), root, "attribute"));
        RJ_TRY(rj_path_copy(name, &a->name));
        st = rj_ncread_attribute(root, name, &a->text);
        if (st != RJ_OK) {
            RJ_FREE(a->name);
            goto done;
        }
    }
done:
    return st;
}

static rj_status read_models(const rj_ncread *root, rj_summaries *s)
{
    rj_status st = RJ_OK;

    RJ_TRY(read_facts(root, s));
    pair_twins(s);
    for (int i = 0; i < s->n_models; i++) {
        rj_summary *m = &s->model[i];
        rj_ncread group = {.file = root->file, .name = m->name};
        if (nc_inq_grp_ncid(root->id, m->name, &group.id) != NC_NOERR) {
            RJ_REQUIRE(
                strcmp(m->status, "ok") != 0, RJ_ERR_FORMAT,
                "%s: model `%s` has status `ok` but no group of its name; was the file written by resjac?",
                root->file, m->name);
            continue;
        }
        m->measured = true;
        RJ_TRY(read_group(&group, m));
    }
done:
    return st;
}

rj_status rj_summaries_read(const char *path, rj_summaries **summaries)
{
    rj_status st = RJ_OK;
    rj_summaries *s = NULL;
    rj_ncread root = {.id = -1, .file = path, .name = "/"};
    ptrdiff_t n = 0;

    RJ_TRY(rj_ncread_open(path, &root.id));
    RJ_NEW(s, 1, 1);
    RJ_TRY(rj_path_copy(path, &s->file));
    RJ_TRY(rj_ncread_size(&root, "model", &n));
    RJ_REQUIRE(n <= 100000, RJ_ERR_FORMAT, "%s: %td models, at most 100000 are read", path, n);
    RJ_NEW(s->model, n, 1);
    s->n_models = (int)n;
    RJ_TRY(read_attributes(&root, s));
    RJ_TRY(read_models(&root, s));
    RJ_TRY(rj_score_summary_read(root.id, path, &s->scores));
    *summaries = s;
    s = NULL;
done:
    rj_summaries_free(&s);
    if (root.id >= 0) nc_close(root.id);
    return st;
}
