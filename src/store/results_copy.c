/* results_copy.c: a final file without what an annex added, variable by variable: NetCDF has no way to take one out. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "content.h"
#include "publish.h"
#include "resjac/base/file.h"
#include "resjac/base/memory.h"
#include "resjac/store/annex.h"
#include "results_root.h"
#include "results_seal.h"

static rj_status is_annexed(const rj_nc *from, int group, int variable, bool *annexed)
{
    rj_status st = RJ_OK;
    char stage[16] = "";
    size_t n = 0;

    *annexed = false;
    if (nc_inq_attlen(group, variable, "stage", &n) != NC_NOERR || n >= sizeof stage) goto done;
    RJ_NC(from, nc_get_att_text(group, variable, "stage", stage));
    *annexed = strcmp(stage, "statistics") == 0;
done:
    return st;
}

static rj_status copy_attributes(const rj_nc *from, int group, int variable, const rj_nc *to, int to_group,
                                 int to_variable)
{
    rj_status st = RJ_OK;
    char name[NC_MAX_NAME + 1];
    int n = 0;

    RJ_NC(from, nc_inq_varnatts(group, variable, &n));
    for (int i = 0; i < n; i++) {
        RJ_NC(from, nc_inq_attname(group, variable, i, name));
        if (strcmp(name, "_FillValue") == 0 || strcmp(name, "content_sha256") == 0 ||
            (variable == NC_GLOBAL && strncmp(name, "scores_", 7) == 0))
            continue;
        RJ_NC(to, nc_copy_att(group, variable, name, to_group, to_variable));
    }
done:
    return st;
}

/* The same name, type, dimensions (by name), fill value, chunks and compression. */
static rj_status define(const rj_nc *from, const rj_content_variable *v, const rj_nc *to, int to_group,
                        int *id)
{
    rj_status st = RJ_OK;
    int dims[RJ_CONTENT_DIMS], storage = NC_CONTIGUOUS, no_fill = 1, shuffle = 0, deflate = 0, level = 0;
    size_t chunk[RJ_CONTENT_DIMS];
    unsigned char fill[8];
    char name[NC_MAX_NAME + 1];

    for (int i = 0; i < v->n_dims; i++) {
        RJ_NC(from, nc_inq_dimname(v->group, v->dim[i], name));
        RJ_NC(to, nc_inq_dimid(to_group, name, &dims[i]));
    }
    RJ_NC(to, nc_def_var(to_group, v->name, v->type, v->n_dims, dims, id));
    RJ_NC(from, nc_inq_var_fill(v->group, v->id, &no_fill, fill));
    if (nc_inq_attid(v->group, v->id, "_FillValue", &storage) == NC_NOERR)
        RJ_NC(to, nc_def_var_fill(to_group, *id, NC_FILL, fill));
    RJ_NC(from, nc_inq_var_chunking(v->group, v->id, &storage, chunk));
    RJ_NC(from, nc_inq_var_deflate(v->group, v->id, &shuffle, &deflate, &level));
    if (storage == NC_CHUNKED) RJ_NC(to, nc_def_var_chunking(to_group, *id, NC_CHUNKED, chunk));
    if (deflate) RJ_NC(to, nc_def_var_deflate(to_group, *id, shuffle, deflate, level));
done:
    return st;
}

static rj_status copy_variable(const rj_nc *from, int group, int variable, const rj_nc *to, int to_group)
{
    rj_status st = RJ_OK;
    rj_content_variable v;
    rj_content_slab slab = {.n = 0};
    unsigned char *buffer = NULL;
    bool annexed = false;
    int id = -1;

    RJ_TRY(is_annexed(from, group, variable, &annexed));
    if (annexed) goto done;
    RJ_TRY(rj_content_variable_at(from, group, variable, &v));
    RJ_TRY(define(from, &v, to, to_group, &id));
    RJ_TRY(copy_attributes(from, group, variable, to, to_group, id));
    RJ_NEW(buffer, RJ_CONTENT_SLAB, 1);
    while (rj_content_next(&v, &slab)) {
        RJ_NC(from, nc_get_vara(group, variable, slab.start, slab.count, buffer));
        RJ_NC(to, nc_put_vara(to_group, id, slab.start, slab.count, buffer));
    }
done:
    rj_free(buffer);
    return st;
}

static rj_status copy_groups(const rj_nc *from, int group, const rj_nc *to, int to_group, int depth);

/* Dimensions, attributes and variables of a group, then its groups; the root's `benchmark` belongs to the annex. */
static rj_status copy_group(const rj_nc *from, int group, const rj_nc *to, int to_group, int depth)
{
    rj_status st = RJ_OK;
    int n = 0, *dims = NULL, id;
    char name[NC_MAX_NAME + 1];
    size_t size = 0;

    RJ_NC(from, nc_inq_dimids(group, &n, NULL, 0));
    RJ_NEW(dims, n, 1);
    RJ_NC(from, nc_inq_dimids(group, &n, dims, 0));
    for (int i = 0; i < n; i++) {
        RJ_NC(from, nc_inq_dim(group, dims[i], name, &size));
        if (group == from->id && strcmp(name, "benchmark") == 0) continue;
        RJ_NC(to, nc_def_dim(to_group, name, size, &id));
    }
    RJ_TRY(copy_attributes(from, group, NC_GLOBAL, to, to_group, NC_GLOBAL));
    RJ_NC(from, nc_inq_nvars(group, &n));
    for (int i = 0; i < n; i++) RJ_TRY(copy_variable(from, group, i, to, to_group));
    RJ_TRY(copy_groups(from, group, to, to_group, depth));
done:
    rj_free(dims);
    return st;
}

static rj_status copy_groups(const rj_nc *from, int group, const rj_nc *to, int to_group, int depth)
{
    rj_status st = RJ_OK;
    rj_content_name *name = NULL;
    int n = 0, inner = -1, to_inner = -1;

    RJ_REQUIRE(depth < RJ_CONTENT_DEPTH, RJ_ERR_FORMAT,
               "%s: groups are nested deeper than %d: not written by resjac", from->path, RJ_CONTENT_DEPTH);
    RJ_TRY(rj_content_groups(from, group, &n, &name));
    for (int i = 0; i < n; i++) {
        RJ_NC(from, nc_inq_ncid(group, name[i], &inner));
        RJ_NC(to, nc_def_grp(to_group, name[i], &to_inner));
        RJ_TRY(copy_group(from, inner, to, to_inner, depth + 1));
    }
done:
    rj_free(name);
    return st;
}

static rj_status copy_file(const rj_nc *from, const char *temporary)
{
    rj_status st = RJ_OK;
    rj_nc to = RJ_NC_CLOSED;
    rj_file *file = NULL;

    RJ_TRY(rj_file_open(from->path, &file));
    RJ_TRY(rj_nc_create(temporary, rj_file_size(file) + (1 << 20), &to));
    RJ_TRY(copy_group(from, from->id, &to, to.id, 0));
    RJ_TRY(rj_nc_close(&to));
done:
    rj_nc_drop(&to);
    rj_file_close(&file);
    return st;
}

rj_status rj_results_copy(const char *from, const char *path, const rj_results_annex *annex)
{
    rj_status st = RJ_OK;
    rj_nc nc = RJ_NC_CLOSED;
    char *temporary = NULL, format[64];

    RJ_TRY(rj_nc_open(from, true, &nc));
    RJ_TRY(rj_nc_get_text(&nc, nc.id, "resjac_format", sizeof format, format));
    RJ_REQUIRE(strcmp(format, RJ_RESULTS_FORMAT) == 0, RJ_ERR_FORMAT,
               "%s: its resjac_format is '%s', needs '%s': give a final file, or a folder of units", from,
               format, RJ_RESULTS_FORMAT);
    RJ_TRY(rj_content_check(&nc));
    RJ_TRY(rj_publish_name(path, &temporary));
    RJ_TRY(copy_file(&nc, temporary));
    RJ_TRY(rj_nc_close(&nc));
    RJ_TRY(rj_results_seal(temporary, path, annex));
done:
    if (st != RJ_OK && temporary != NULL) unlink(temporary);
    rj_free(temporary);
    rj_nc_drop(&nc);
    return st;
}
