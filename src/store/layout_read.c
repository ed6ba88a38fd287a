/* layout_read.c: a shard's variables checked against the schema and read into a record. */
#include <math.h>
#include <string.h>

#include "layout.h"
#include "resjac/base/memory.h"

static rj_status check_variable(const rj_nc *nc, int group, rj_variable_id id, int *variable)
{
    rj_status st = RJ_OK;
    const rj_variable *s = &rj_schema[id];
    int mine = -1, n = 0, dims[NC_MAX_VAR_DIMS];
    nc_type type = NC_NAT;
    char name[NC_MAX_NAME + 1];

    RJ_REQUIRE(nc_inq_varid(group, s->name, &mine) == NC_NOERR, RJ_ERR_FORMAT,
               "%s: variable %s is missing: the shard is of another version of resjac, or broken", nc->path,
               s->name);
    RJ_NC(nc, nc_inq_var(group, mine, NULL, &type, &n, dims, NULL));
    RJ_REQUIRE(type == rj_layout_type(s->type), RJ_ERR_FORMAT, "%s: variable %s has type %d, not %d",
               nc->path, s->name, (int)type, (int)rj_layout_type(s->type));
    for (int i = 0; i < 5; i++) {
        const char *expected = rj_dim_name(s->dims[i]);
        name[0] = '\0';
        if (i < n) RJ_NC(nc, nc_inq_dimname(group, dims[i], name));
        RJ_REQUIRE(n <= 5 && strcmp(name, expected) == 0, RJ_ERR_FORMAT,
                   "%s: dimension %d of variable %s is '%s', not '%s'", nc->path, i, s->name, name, expected);
        if (expected[0] == '\0') break;
    }
    *variable = mine;
done:
    return st;
}

static rj_status get_variable(const rj_nc *nc, rj_variable_id id, rj_record *record)
{
    rj_status st = RJ_OK;
    int group = -1, variable = -1;
    size_t start[5], count[5];

    if (rj_schema_rows(id, &record->sizes) == 0) goto done;
    RJ_TRY(rj_layout_part(nc, nc->id, rj_schema[id].mode, &group));
    RJ_TRY(check_variable(nc, group, id, &variable));
    for (ptrdiff_t p = 0; p < rj_schema_rows(id, &record->sizes); p++) {
        double *value = rj_record_at(record, id, p);
        rj_layout_slab(id, &record->sizes, (size_t)p, 1, start, count);
        RJ_NC(nc, nc_get_vara_double(group, variable, start, count, value));
        for (ptrdiff_t i = 0; rj_schema[id].type == RJ_VALUE_INT && i < rj_schema_count(id, &record->sizes);
             i++)
            if (value[i] == NC_FILL_INT) value[i] = (double)NAN;
    }
done:
    return st;
}

static rj_status get_texts(const rj_nc *nc, const char *name, size_t rows, size_t size, char *text,
                           size_t stride)
{
    rj_status st = RJ_OK;
    int variable = -1, n = 0;
    nc_type type = NC_NAT;
    char *row = NULL;

    RJ_NEW(row, (ptrdiff_t)size + 1, 1);
    RJ_REQUIRE(nc_inq_varid(nc->id, name, &variable) == NC_NOERR &&
                   nc_inq_var(nc->id, variable, NULL, &type, &n, NULL, NULL) == NC_NOERR && type == NC_CHAR &&
                   n == 2,
               RJ_ERR_FORMAT, "%s: the text variable %s is missing: the file is broken", nc->path, name);
    for (size_t i = 0; i < rows; i++) {
        const size_t start[2] = {i, 0}, count[2] = {1, size};
        RJ_NC(nc, nc_get_vara_text(nc->id, variable, start, count, row));
        row[size] = '\0';
        RJ_REQUIRE(strlen(row) < stride, RJ_ERR_FORMAT, "%s: %s[%zu] has no end", nc->path, name, i);
        memcpy(text + i * stride, row, strlen(row) + 1);
    }
done:
    rj_free(row);
    return st;
}

/* Which prompts have alignment matrices. */
static rj_status get_aligned(const rj_nc *nc, rj_record *record)
{
    rj_status st = RJ_OK;
    const ptrdiff_t n = record->sizes.size[RJ_DIM_APROMPT], n_prompts = record->sizes.size[RJ_DIM_PROMPT];
    int variable = -1, dim = -1, own = -1, n_dims = 0, *index = NULL;
    nc_type type = NC_NAT;

    if (n == 0) goto done;
    RJ_NEW(index, n, 1);
    RJ_REQUIRE(nc_inq_varid(nc->id, "aprompt_index", &variable) == NC_NOERR &&
                   nc_inq_varndims(nc->id, variable, &n_dims) == NC_NOERR && n_dims == 1 &&
                   nc_inq_var(nc->id, variable, NULL, &type, NULL, &dim, NULL) == NC_NOERR &&
                   type == NC_INT && nc_inq_dimid(nc->id, "aprompt", &own) == NC_NOERR && dim == own,
               RJ_ERR_FORMAT, "%s: the variable aprompt_index is missing: the file is broken", nc->path);
    RJ_NC(nc, nc_get_var_int(nc->id, variable, index));
    for (ptrdiff_t i = 0; i < n; i++) {
        RJ_REQUIRE(index[i] >= (i > 0 ? index[i - 1] + 1 : 0) && index[i] < n_prompts, RJ_ERR_FORMAT,
                   "%s: aprompt_index[%td] is %d: needs 0..%td, ascending", nc->path, i, index[i],
                   n_prompts - 1);
        record->aprompt[i] = index[i];
    }
done:
    rj_free(index);
    return st;
}

rj_status rj_layout_get(const rj_nc *nc, rj_record *record)
{
    rj_status st = RJ_OK;
    const size_t rows = (size_t)record->sizes.size[RJ_DIM_PROMPT];

    RJ_TRY(get_texts(nc, "prompt_id", rows, RJ_NAME_SIZE, record->prompt_id[0], RJ_NAME_SIZE));
    RJ_TRY(
        get_texts(nc, "prompt_sha256", rows, RJ_SHA256_SIZE, record->prompt_sha256[0], RJ_SHA256_SIZE + 1));
    RJ_TRY(get_aligned(nc, record));
    for (int id = 0; id < RJ_N_VARIABLES; id++) RJ_TRY(get_variable(nc, (rj_variable_id)id, record));
done:
    return st;
}
