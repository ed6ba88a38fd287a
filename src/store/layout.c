/* layout.c: what docs/formats.md says of a model's group, put into NetCDF definitions. */
#include "layout.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "resjac/base/fault.h"
#include "resjac/base/memory.h"

bool rj_layout_has(rj_layout_kind kind, rj_variable_id id)
{
    if (kind == RJ_LAYOUT_SHARD) return true;
    if (kind == RJ_LAYOUT_SUMMARY &&
        (rj_schema[id].dims[2] == RJ_DIM_SV || rj_schema[id].dims[0] == RJ_DIM_APROMPT))
        return false; /* most of what is left */
    switch (rj_schema[id].keep) {
    case RJ_KEEP_ALWAYS:
        return true;
    case RJ_KEEP_COUPLING:
        return kind == RJ_LAYOUT_COUPLING || kind == RJ_LAYOUT_ALL;
    case RJ_KEEP_ALL:
        return kind == RJ_LAYOUT_ALL;
    case RJ_KEEP_MEAN:
        return false;
    }
    return false;
}

/* Of some prompts where there are any: NetCDF has no fixed dimension of size 0. */
static bool has(const rj_layout *l, rj_variable_id id)
{
    return rj_schema_rows(id, &l->sizes) > 0 && rj_layout_has(l->kind, id);
}

nc_type rj_layout_type(rj_value_type type)
{
    return type == RJ_VALUE_INT ? NC_INT : type == RJ_VALUE_FLOAT ? NC_FLOAT : NC_DOUBLE;
}

rj_status rj_layout_string(const rj_nc *nc, int group, int size, int *dim)
{
    rj_status st = RJ_OK;
    char name[32];

    snprintf(name, sizeof name, "string%d", size);
    if (nc_inq_dimid(group, name, dim) == NC_NOERR) goto done; /* also one of a group above */
    RJ_NC(nc, nc_def_dim(group, name, (size_t)size, dim));
done:
    return st;
}

static int group_of(const rj_layout *l, rj_variable_id id)
{
    return l->part[rj_schema[id].mode];
}

/* CF's `coordinates`: the labels that are no coordinate variables. */
static rj_status link_labels(const rj_nc *nc, const rj_layout *l, rj_variable_id id, bool per_prompt,
                             int variable)
{
    rj_status st = RJ_OK;
    bool by_k = false;
    char text[64];

    for (int i = 1; i < 5; i++) by_k = by_k || rj_schema[id].dims[i] == RJ_DIM_K;
    const char *prompt = rj_schema[id].dims[0] == RJ_DIM_APROMPT ? "aprompt_id aprompt_index" : "prompt_id";
    snprintf(text, sizeof text, "%s%s%s", per_prompt ? prompt : "", per_prompt && by_k ? " " : "",
             by_k ? "k_label k_count" : "");
    RJ_TRY(rj_nc_put_text(nc, group_of(l, id), variable, "coordinates", text));
done:
    return st;
}

/* The variable per prompt, or without its first dimension, under `name`. */
static rj_status define_variable(const rj_nc *nc, const rj_layout *l, rj_variable_id id, bool per_prompt,
                                 const char *name, const char *long_name, int *variable)
{
    rj_status st = RJ_OK;
    const rj_variable *s = &rj_schema[id];
    int dims[5], n = 0, mine = -1;
    size_t chunk[5];
    const unsigned char one = 1;

    for (int i = per_prompt ? 0 : 1; i < 5 && s->dims[i] != RJ_DIM_NONE; i++) {
        const size_t size = (size_t)l->sizes.size[s->dims[i]];
        const bool one_by_one =
            s->dims[i] == RJ_DIM_K || (s->mode != RJ_MODE_DEPTH && s->dims[i] == RJ_DIM_LAYER);
        chunk[n] = s->dims[i] == RJ_DIM_PROMPT && size > RJ_PROMPT_CHUNK ? RJ_PROMPT_CHUNK
                   : one_by_one                                          ? 1
                                                                         : size;
        dims[n++] = l->dim[s->dims[i]];
    }
    const rj_nc_variable v = {.name = name,
                              .long_name = long_name,
                              .units = s->units,
                              .type = rj_layout_type(s->type),
                              .n_dims = n,
                              .dims = dims,
                              .fill = true,
                              .chunk = rj_schema_is_packed(id) ? chunk : NULL};
    RJ_TRY(rj_nc_define(nc, group_of(l, id), &v, &mine));
    RJ_TRY(link_labels(nc, l, id, per_prompt, mine));
    if (s->nondeterministic)
        RJ_NC(nc, nc_put_att_uchar(group_of(l, id), mine, "nondeterministic", NC_BYTE, 1, &one));
    *variable = mine;
done:
    return st;
}

static void name_of_mean(const rj_variable *variable, char name[NC_MAX_NAME])
{
    snprintf(name, NC_MAX_NAME, "%s%s", variable->name, variable->keep == RJ_KEEP_MEAN ? "" : "_mean");
}

/* Mean and standard deviation over prompts of a pairwise variable. */
static rj_status define_moments(const rj_nc *nc, rj_layout *l, rj_variable_id id)
{
    rj_status st = RJ_OK;
    const rj_variable *s = &rj_schema[id];
    char name[NC_MAX_NAME], text[256];

    name_of_mean(s, name);
    snprintf(text, sizeof text, "mean over prompts of: %s", s->long_name);
    RJ_TRY(define_variable(nc, l, id, false, name, text, &l->mean[id]));
    snprintf(name, sizeof name, "%s_sd", s->name);
    snprintf(text, sizeof text, "standard deviation over prompts of: %s", s->long_name);
    RJ_TRY(define_variable(nc, l, id, false, name, text, &l->sd[id]));
done:
    return st;
}

/* An integer variable of one dimension, its values first, first + 1, .. or those given. */
static rj_status put_integers(const rj_nc *nc, const rj_layout *l, rj_dim dim, const char *name,
                              const char *long_name, int first, const int *given)
{
    rj_status st = RJ_OK;
    const ptrdiff_t n = l->sizes.size[dim];
    int *value = NULL, id = -1;
    const rj_nc_variable v = {.name = name,
                              .long_name = long_name,
                              .units = "1",
                              .type = NC_INT,
                              .n_dims = 1,
                              .dims = &l->dim[dim]};

    RJ_NEW(value, n, 1);
    for (ptrdiff_t i = 0; i < n; i++) value[i] = given != NULL ? given[i] : first + (int)i;
    RJ_TRY(rj_nc_define(nc, l->group, &v, &id));
    RJ_NC(nc, nc_put_var_int(l->group, id, value));
done:
    rj_free(value);
    return st;
}

static rj_status define_texts(const rj_nc *nc, const rj_layout *l, rj_dim dim, const char *name,
                              const char *long_name, int size, int *id)
{
    rj_status st = RJ_OK;
    int dims[2] = {l->dim[dim], -1};
    const rj_nc_variable v = {
        .name = name, .long_name = long_name, .units = "1", .type = NC_CHAR, .n_dims = 2, .dims = dims};

    RJ_TRY(rj_layout_string(nc, l->group, size, &dims[1]));
    RJ_TRY(rj_nc_define(nc, l->group, &v, id));
done:
    return st;
}

static rj_status define_coordinates(const rj_nc *nc, rj_layout *l, const rj_shard_head *head)
{
    rj_status st = RJ_OK;
    int label = -1;

    RJ_TRY(put_integers(nc, l, RJ_DIM_LAYER, "layer", "block whose Jacobian and singular values are taken", 1,
                        NULL));
    RJ_TRY(put_integers(nc, l, RJ_DIM_LAYER_J, "layer_j", "block whose singular vectors are taken", 1, NULL));
    RJ_TRY(put_integers(nc, l, RJ_DIM_DEPTH, "depth", "blocks passed: 0 is the input of the first", 0, NULL));
    RJ_TRY(put_integers(nc, l, RJ_DIM_SV, "sv", "index of the singular value", 1, NULL));
    RJ_TRY(put_integers(nc, l, RJ_DIM_PC, "pc", "index of the principal component", 1, NULL));
    RJ_TRY(put_integers(nc, l, RJ_DIM_K, "k_count", "number K of leading singular directions", 0,
                        head->k_count));
    RJ_TRY(define_texts(nc, l, RJ_DIM_K, "k_label", "K as the deck gives it", RJ_NAME_SIZE, &label));
    for (ptrdiff_t i = 0; i < l->sizes.size[RJ_DIM_K]; i++)
        RJ_TRY(rj_nc_put_texts(nc, l->group, label, (size_t)i, 1, RJ_NAME_SIZE, head->k_label[i], 0));
    RJ_TRY(
        define_texts(nc, l, RJ_DIM_PROMPT, "prompt_id", "name of the prompt", RJ_NAME_SIZE, &l->prompt_id));
    RJ_TRY(define_texts(nc, l, RJ_DIM_PROMPT, "prompt_sha256", "SHA-256 of the prompt", RJ_SHA256_SIZE,
                        &l->prompt_sha256));
done:
    return st;
}

/* Which prompts have alignment matrices, and the directions. */
static rj_status define_aligned(const rj_nc *nc, rj_layout *l)
{
    rj_status st = RJ_OK;
    const rj_nc_variable index = {.name = "aprompt_index",
                                  .long_name = "index of the prompt along dimension prompt, from 0",
                                  .units = "1",
                                  .type = NC_INT,
                                  .n_dims = 1,
                                  .dims = &l->dim[RJ_DIM_APROMPT]};

    RJ_TRY(put_integers(nc, l, RJ_DIM_I, "i", "index of the left singular direction", 1, NULL));
    RJ_TRY(put_integers(nc, l, RJ_DIM_J, "j", "index of the right singular direction", 1, NULL));
    RJ_TRY(define_texts(nc, l, RJ_DIM_APROMPT, "aprompt_id", "name of the prompt", RJ_NAME_SIZE,
                        &l->aprompt_id));
    RJ_TRY(rj_nc_define(nc, l->group, &index, &l->aprompt_index));
done:
    return st;
}

/* The groups of the token modes, and which tokens. */
static rj_status define_modes(const rj_nc *nc, rj_layout *l, const int *token)
{
    rj_status st = RJ_OK;
    static const char *const text = "token: from 0, or from the end of the prompt where negative; ";
    char i[128], j[128];

    snprintf(i, sizeof i, "%swhose Jacobian and singular values are taken", text);
    snprintf(j, sizeof j, "%swhose singular vectors are taken", text);
    RJ_TRY(put_integers(nc, l, RJ_DIM_TOKEN, "token", i, 0, token));
    RJ_TRY(put_integers(nc, l, RJ_DIM_TOKEN_J, "token_j", j, 0, token));
    for (int mode = RJ_MODE_DEPTH + 1; mode < RJ_N_MODES; mode++)
        if (rj_sizes_have(&l->sizes, (rj_mode)mode))
            RJ_NC(nc, nc_def_grp(l->group, rj_mode_name((rj_mode)mode), &l->part[mode]));
done:
    return st;
}

static rj_layout layout_of(int group, rj_layout_kind kind, const rj_sizes *sizes)
{
    rj_layout l = {.group = group, .kind = kind, .sizes = *sizes, .aprompt_id = -1, .aprompt_index = -1};

    for (int mode = RJ_MODE_DEPTH; mode < RJ_N_MODES; mode++)
        l.part[mode] = mode == RJ_MODE_DEPTH ? group : -1;
    return l;
}

rj_status rj_layout_part(const rj_nc *nc, int group, rj_mode mode, int *part)
{
    rj_status st = RJ_OK;

    if (mode == RJ_MODE_DEPTH)
        *part = group;
    else
        RJ_REQUIRE(nc_inq_ncid(group, rj_mode_name(mode), part) == NC_NOERR, RJ_ERR_FORMAT,
                   "%s: group %s is missing: the file is broken", nc->path, rj_mode_name(mode));
done:
    return st;
}

rj_status rj_layout_regroup(const rj_nc *nc, int group, rj_layout *layout)
{
    rj_status st = RJ_OK;

    layout->group = group;
    for (int mode = RJ_MODE_DEPTH; mode < RJ_N_MODES; mode++)
        if (rj_sizes_have(&layout->sizes, (rj_mode)mode))
            RJ_TRY(rj_layout_part(nc, group, (rj_mode)mode, &layout->part[mode]));
done:
    return st;
}

rj_status rj_layout_define(const rj_nc *nc, int group, rj_layout_kind kind, const rj_sizes *sizes,
                           const rj_shard_head *head, rj_layout *layout)
{
    rj_status st = RJ_OK;
    rj_layout l = layout_of(group, kind, sizes);
    const bool aligned = has(&l, RJ_VAR_ALIGNMENT_MATRIX);

    for (int i = RJ_DIM_PROMPT; i < (aligned ? RJ_N_DIMS : RJ_DIM_APROMPT); i++)
        if (sizes->size[i] > 0)
            RJ_NC(nc, nc_def_dim(group, rj_dim_name((rj_dim)i), (size_t)sizes->size[i], &l.dim[i]));
    RJ_TRY(define_coordinates(nc, &l, head));
    if (aligned) RJ_TRY(define_aligned(nc, &l));
    if (sizes->modes != 0) RJ_TRY(define_modes(nc, &l, head->token));
    for (int i = 0; i < RJ_N_VARIABLES; i++) {
        const rj_variable_id id = (rj_variable_id)i;
        l.value[i] = l.mean[i] = l.sd[i] = -1;
        if (has(&l, id))
            RJ_TRY(define_variable(nc, &l, id, true, rj_schema[i].name, rj_schema[i].long_name, &l.value[i]));
        if (kind != RJ_LAYOUT_SHARD && rj_schema_is_pairwise(id)) RJ_TRY(define_moments(nc, &l, id));
    }
    *layout = l;
done:
    return st;
}

static rj_status find_variable(const rj_nc *nc, int group, const char *name, int *id)
{
    rj_status st = RJ_OK;

    RJ_NC(nc, nc_inq_varid(group, name, id));
    RJ_TRY(rj_nc_collective(nc, group, *id));
done:
    return st;
}

rj_status rj_layout_find(const rj_nc *nc, int group, rj_layout_kind kind, const rj_sizes *sizes,
                         rj_layout *layout)
{
    rj_status st = RJ_OK;
    rj_layout l = layout_of(group, kind, sizes);
    char name[NC_MAX_NAME];

    RJ_TRY(rj_layout_regroup(nc, group, &l));
    RJ_TRY(find_variable(nc, group, "prompt_id", &l.prompt_id));
    RJ_TRY(find_variable(nc, group, "prompt_sha256", &l.prompt_sha256));
    if (has(&l, RJ_VAR_ALIGNMENT_MATRIX)) {
        RJ_TRY(find_variable(nc, group, "aprompt_id", &l.aprompt_id));
        RJ_TRY(find_variable(nc, group, "aprompt_index", &l.aprompt_index));
    }
    for (int i = 0; i < RJ_N_VARIABLES; i++) {
        const rj_variable *s = &rj_schema[i];
        l.value[i] = l.mean[i] = l.sd[i] = -1;
        if (has(&l, (rj_variable_id)i)) RJ_TRY(find_variable(nc, l.part[s->mode], s->name, &l.value[i]));
        if (!rj_schema_is_pairwise((rj_variable_id)i)) continue;
        name_of_mean(s, name);
        RJ_TRY(find_variable(nc, group, name, &l.mean[i]));
        snprintf(name, sizeof name, "%s_sd", s->name);
        RJ_TRY(find_variable(nc, group, name, &l.sd[i]));
    }
    *layout = l;
done:
    return st;
}

int rj_layout_slab(rj_variable_id id, const rj_sizes *sizes, size_t first, size_t n, size_t start[5],
                   size_t count[5])
{
    int i = 0;

    for (; i < 5 && rj_schema[id].dims[i] != RJ_DIM_NONE; i++) {
        start[i] = i == 0 ? first : 0;
        count[i] = i == 0 ? n : (size_t)sizes->size[rj_schema[id].dims[i]];
    }
    return i;
}

static rj_status whole_numbers(rj_variable_id id, ptrdiff_t n, const double *value, int **whole)
{
    rj_status st = RJ_OK;
    int *w = NULL;

    RJ_NEW(w, n, 1);
    for (ptrdiff_t i = 0; i < n; i++) {
        const bool sound = isnan(value[i]) || (fabs(value[i]) < INT_MAX && value[i] == trunc(value[i]));
        RJ_REQUIRE(sound, RJ_ERR_ARG, "%s[%td] = %g does not fit an integer variable", rj_schema[id].name, i,
                   value[i]);
        w[i] = isnan(value[i]) ? NC_FILL_INT : (int)value[i];
    }
    *whole = w;
    w = NULL;
done:
    rj_free(w);
    return st;
}

/* Always one put. n = 0 rows: `value` is not looked at. */
static rj_status put_values(const rj_nc *nc, const rj_layout *l, rj_variable_id id, size_t first, size_t n,
                            const double *value)
{
    rj_status st = RJ_OK;
    const bool integer = rj_schema[id].type == RJ_VALUE_INT;
    const double nothing = 0.0;
    int *whole = NULL;
    size_t start[5], count[5];

    if (integer) st = whole_numbers(id, (ptrdiff_t)n * rj_schema_count(id, &l->sizes), value, &whole);
    if (st != RJ_OK) n = 0;
    rj_layout_slab(id, &l->sizes, n > 0 ? first : 0, n, start, count);
    errno = 0;
    const int error =
        integer ? nc_put_vara_int(group_of(l, id), l->value[id], start, count,
                                  n > 0 ? whole : (const int *)(const void *)&nothing)
                : nc_put_vara_double(group_of(l, id), l->value[id], start, count, n > 0 ? value : &nothing);
    if (st == RJ_OK && error != NC_NOERR) st = rj_nc_raise(nc, error, "nc_put_vara", __FILE__, __LINE__);
    rj_free(whole);
    return st;
}

/* Names and places of the prompts with alignment matrices. Always two puts. */
static rj_status put_aligned(const rj_nc *nc, const rj_layout *l, size_t first, size_t first_aligned,
                             const rj_record *r)
{
    const size_t n = r != NULL ? (size_t)r->sizes.size[RJ_DIM_APROMPT] : 0;
    const int nothing = 0;
    int *index = NULL;
    char(*id)[RJ_NAME_SIZE] = NULL;
    rj_status st = rj_alloc((void **)&index, (ptrdiff_t)n, 1, sizeof *index, __FILE__, __LINE__);

    if (st == RJ_OK) st = rj_alloc((void **)&id, (ptrdiff_t)n, 1, sizeof *id, __FILE__, __LINE__);
    const size_t rows = st == RJ_OK ? n : 0, start = rows > 0 ? first_aligned : 0;
    for (size_t i = 0; i < rows; i++) {
        index[i] = (int)first + (int)r->aprompt[i];
        memcpy(id[i], r->prompt_id[r->aprompt[i]], sizeof id[i]);
    }
    const rj_status next = rj_nc_put_texts(nc, l->group, l->aprompt_id, start, rows, RJ_NAME_SIZE,
                                           rows > 0 ? id[0] : NULL, RJ_NAME_SIZE);
    if (st == RJ_OK) st = next;
    errno = 0;
    const int error = nc_put_vara_int(l->group, l->aprompt_index, &start, &rows, rows > 0 ? index : &nothing);
    if (st == RJ_OK && error != NC_NOERR) st = rj_nc_raise(nc, error, "nc_put_vara_int", __FILE__, __LINE__);
    rj_free(id);
    rj_free(index);
    return st;
}

rj_status rj_layout_put(const rj_nc *nc, const rj_layout *layout, size_t first, size_t first_aligned,
                        const rj_record *record)
{
    const rj_layout *l = layout;
    const rj_record *r = record;
    const size_t n = r != NULL ? (size_t)r->sizes.size[RJ_DIM_PROMPT] : 0;
    rj_status st = rj_fault_at(RJ_FAULT_NC_PUT), next;

    next = rj_nc_put_texts(nc, l->group, l->prompt_id, first, st == RJ_OK ? n : 0, RJ_NAME_SIZE,
                           n > 0 ? r->prompt_id[0] : NULL, RJ_NAME_SIZE);
    if (st == RJ_OK) st = next;
    next = rj_nc_put_texts(nc, l->group, l->prompt_sha256, first, st == RJ_OK ? n : 0, RJ_SHA256_SIZE,
                           n > 0 ? r->prompt_sha256[0] : NULL, RJ_SHA256_SIZE + 1);
    if (st == RJ_OK) st = next;
    if (l->aprompt_id >= 0) {
        next = put_aligned(nc, l, first, first_aligned, st == RJ_OK ? r : NULL);
        if (st == RJ_OK) st = next;
    }
    for (int i = 0; i < RJ_N_VARIABLES; i++) {
        const rj_variable_id id = (rj_variable_id)i;
        const size_t rows = n > 0 && st == RJ_OK ? (size_t)rj_schema_rows(id, &r->sizes) : 0;
        if (l->value[i] < 0) continue;
        next = put_values(nc, l, id, rj_schema[i].dims[0] == RJ_DIM_PROMPT ? first : first_aligned, rows,
                          rows > 0 ? r->value[i] : NULL);
        if (st == RJ_OK) st = next;
    }
    return st;
}

rj_status rj_layout_release(const rj_nc *nc, const rj_layout *layout)
{
    rj_status st = RJ_OK;

    for (int i = 0; i < RJ_N_VARIABLES && !nc->shared; i++) {
        const int id[3] = {layout->value[i], layout->mean[i], layout->sd[i]};
        for (int j = 0; j < 3 && rj_schema_is_packed((rj_variable_id)i); j++)
            if (id[j] >= 0)
                RJ_NC(nc, nc_set_var_chunk_cache(group_of(layout, (rj_variable_id)i), id[j], 0, 0, 0.0f));
    }
done:
    return st;
}

/* Uncompressed, chunks whole, and for each variable 16 KiB of the library's own (measured: 2 to 6). */
uint64_t rj_layout_bytes(rj_layout_kind kind, const rj_sizes *sizes)
{
    const uint64_t own = 16384, prompts = (uint64_t)sizes->size[RJ_DIM_PROMPT],
                   aligned = (uint64_t)sizes->size[RJ_DIM_APROMPT];
    const uint64_t padded = (prompts + RJ_PROMPT_CHUNK - 1) / RJ_PROMPT_CHUNK * RJ_PROMPT_CHUNK;
    uint64_t bytes = 64 * own + prompts * (RJ_NAME_SIZE + RJ_SHA256_SIZE) + aligned * (RJ_NAME_SIZE + 4);

    for (int i = 0; i < RJ_N_VARIABLES; i++) {
        const rj_variable_id id = (rj_variable_id)i;
        const uint64_t n = (uint64_t)rj_schema_count(id, sizes) * 8;
        const bool moments = kind != RJ_LAYOUT_SHARD && rj_schema_is_pairwise(id);
        const uint64_t rows = (uint64_t)rj_schema_rows(id, sizes);
        bytes +=
            rj_layout_has(kind, id) ? n * (rj_schema_is_packed(id) && rows > 0 ? padded : rows) + own : 0;
        bytes += moments ? 2 * (n + own) : 0;
    }
    return bytes;
}
