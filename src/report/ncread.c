/* ncread.c: dimensions are compared by identity, not by size, so that no file can make a read overrun its buffer. */
#include "ncread.h"

#include <math.h>
#include <netcdf.h>
#include <stdio.h>
#include <string.h>

#include "resjac/base/file.h"
#include "resjac/base/memory.h"
#include "resjac/store/claims.h"
#include "resjac/store/seal.h"

enum { MAX_DIMS = 5 };

rj_status rj_ncread_check(int error, const rj_ncread *group, const char *what)
{
    rj_status st = RJ_OK;
    const rj_status code = error == NC_ENOMEM ? RJ_ERR_NOMEM : error > 0 ? RJ_ERR_IO : RJ_ERR_FORMAT;

    RJ_REQUIRE(error == NC_NOERR, code, "%s, group %s: %s: %s", group->file, group->name, what,
               nc_strerror(error));
done:
    return st;
}

rj_status rj_ncread_open(const char *path, int *id)
{
    rj_status st = RJ_OK;
    int opened = -1, error = NC_NOERR;

    /* Asked first because nc_open takes what is not there for an address on the network. */
    RJ_REQUIRE(rj_path_exists(path), RJ_ERR_MISSING,
               "%s: no such file; give the NetCDF file that `resjac run` or `resjac reduce` wrote", path);
    RJ_TRY(rj_seal_check(path, true));
    error = nc_open(path, NC_NOWRITE, &opened);
    RJ_REQUIRE(error != NC_ENOMEM, RJ_ERR_NOMEM, "%s: no memory to open it", path);
    RJ_REQUIRE(error == NC_NOERR, RJ_ERR_FORMAT,
               "%s: not a whole NetCDF file (%s); give the file that `resjac run` or `resjac reduce` wrote",
               path, nc_strerror(error));
    RJ_TRY(rj_claims_check(path, opened));
    *id = opened;
    opened = -1;
done:
    if (opened >= 0) nc_close(opened);
    return st;
}

rj_status rj_ncread_size(const rj_ncread *group, const char *dim, ptrdiff_t *size)
{
    rj_status st = RJ_OK;
    int id = 0;
    size_t n = 0;

    RJ_REQUIRE(nc_inq_dimid(group->id, dim, &id) == NC_NOERR, RJ_ERR_FORMAT,
               "%s, group %s: no dimension `%s`; a final file of resjac has it", group->file, group->name,
               dim);
    RJ_TRY(rj_ncread_check(nc_inq_dimlen(group->id, id, &n), group, dim));
    *size = (ptrdiff_t)n;
done:
    return st;
}

/* The variable's id and the lengths of its dimensions, which are exactly `dims`; other entries of count stay. */
static rj_status find(const rj_ncread *group, const char *variable, const char *dims, int *id,
                      size_t count[MAX_DIMS])
{
    rj_status st = RJ_OK;
    int n_dims = 0, dim[NC_MAX_VAR_DIMS], n = 0;
    bool same = true;

    RJ_REQUIRE(nc_inq_varid(group->id, variable, id) == NC_NOERR, RJ_ERR_FORMAT,
               "%s, group %s: no variable `%s(%s)`; was it written by resjac?", group->file, group->name,
               variable, dims);
    RJ_TRY(rj_ncread_check(nc_inq_varndims(group->id, *id, &n_dims), group, variable));
    RJ_TRY(rj_ncread_check(nc_inq_vardimid(group->id, *id, dim), group, variable));
    for (const char *d = dims; same && d != NULL; n++) {
        const char *end = strchr(d, ',');
        char name[NC_MAX_NAME + 1];
        int expected = -1;
        snprintf(name, sizeof name, "%.*s", (int)(end != NULL ? end - d : (ptrdiff_t)strlen(d)), d);
        same = n < n_dims && n < MAX_DIMS && nc_inq_dimid(group->id, name, &expected) == NC_NOERR &&
               expected == dim[n] && nc_inq_dimlen(group->id, expected, &count[n]) == NC_NOERR;
        d = end != NULL ? end + 1 : NULL;
    }
    RJ_REQUIRE(same && n == n_dims, RJ_ERR_FORMAT,
               "%s, group %s: variable `%s` has other dimensions than (%s); was it written by resjac?",
               group->file, group->name, variable, dims);
done:
    return st;
}

/* Elements start[i]..start[i]+count[i]-1 of each dimension, the rest of both arrays 0 and 1; the fill value becomes NAN. */
static rj_status get(const rj_ncread *group, int id, const char *variable, const size_t start[MAX_DIMS],
                     const size_t count[MAX_DIMS], double *data)
{
    rj_status st = RJ_OK;
    size_t total = 1, n = 0;
    double fill = NAN;

    for (int i = 0; i < MAX_DIMS; i++) total *= count[i];
    RJ_TRY(rj_ncread_check(nc_get_vara_double(group->id, id, start, count, data), group, variable));
    if (nc_inq_attlen(group->id, id, "_FillValue", &n) == NC_NOERR && n == 1 &&
        nc_get_att_double(group->id, id, "_FillValue", &fill) == NC_NOERR)
        for (size_t i = 0; i < total; i++)
            if (data[i] == fill) data[i] = NAN;
done:
    return st;
}

rj_status rj_ncread_rows(const rj_ncread *group, const char *variable, const char *dims, ptrdiff_t first,
                         ptrdiff_t n, double *data)
{
    rj_status st = RJ_OK;
    int id = 0;
    size_t start[MAX_DIMS] = {(size_t)first}, count[MAX_DIMS] = {1, 1, 1, 1, 1};

    RJ_TRY(find(group, variable, dims, &id, count));
    RJ_REQUIRE(0 <= first && 0 <= n && (size_t)(first + n) <= count[0], RJ_ERR_ARG,
               "%s: rows %td..%td of %zu", variable, first, first + n - 1, count[0]);
    count[0] = (size_t)n;
    RJ_TRY(get(group, id, variable, start, count, data));
done:
    return st;
}

rj_status rj_ncread_block(const rj_ncread *group, const char *variable, const char *dims,
                          const ptrdiff_t *start, const ptrdiff_t *count, double *data)
{
    rj_status st = RJ_OK;
    int id = 0, n = 1;
    size_t from[MAX_DIMS] = {0}, length[MAX_DIMS] = {1, 1, 1, 1, 1};

    RJ_TRY(find(group, variable, dims, &id, length));
    for (const char *d = dims; (d = strchr(d, ',')) != NULL; d++) n++;
    for (int i = 0; i < n; i++) {
        RJ_REQUIRE(0 <= start[i] && 0 <= count[i] && (size_t)(start[i] + count[i]) <= length[i], RJ_ERR_ARG,
                   "%s: elements %td..%td of %zu in dimension %d", variable, start[i],
                   start[i] + count[i] - 1, length[i], i);
        from[i] = (size_t)start[i];
        length[i] = (size_t)count[i];
    }
    RJ_TRY(get(group, id, variable, from, length, data));
done:
    return st;
}

/* Does a variable begin with the dimensions named, and have one more? Its length then. */
static bool is_text(const rj_ncread *group, int n_names, char name[2][NC_MAX_NAME + 1], int n_dims,
                    const int *dims, size_t *length)
{
    int expected = -1;

    if (n_dims != n_names + 1) return false;
    for (int i = 0; i < n_names; i++)
        if (nc_inq_dimid(group->id, name[i], &expected) != NC_NOERR || expected != dims[i]) return false;
    return nc_inq_dimlen(group->id, dims[n_names], length) == NC_NOERR;
}

rj_status rj_ncread_texts(const rj_ncread *group, const char *variable, const char *dim, ptrdiff_t n,
                          char (*text)[RJ_NAME_SIZE])
{
    rj_status st = RJ_OK;
    char *chars = NULL, name[2][NC_MAX_NAME + 1];
    int id = 0, n_dims = 0, dims[NC_MAX_VAR_DIMS];
    nc_type type = NC_NAT;
    size_t length = 0;
    const char *comma = strchr(dim, ',');

    snprintf(name[0], sizeof name[0], "%.*s", (int)(comma != NULL ? comma - dim : (ptrdiff_t)strlen(dim)),
             dim);
    snprintf(name[1], sizeof name[1], "%s", comma != NULL ? comma + 1 : "");
    RJ_REQUIRE(nc_inq_varid(group->id, variable, &id) == NC_NOERR, RJ_ERR_FORMAT,
               "%s, group %s: no variable `%s(%s, string)`; was it written by resjac?", group->file,
               group->name, variable, dim);
    RJ_TRY(rj_ncread_check(nc_inq_var(group->id, id, NULL, &type, &n_dims, dims, NULL), group, variable));
    RJ_REQUIRE(type == NC_CHAR && is_text(group, comma != NULL ? 2 : 1, name, n_dims, dims, &length),
               RJ_ERR_FORMAT,
               "%s, group %s: variable `%s` is not char (%s, string); was it written by resjac?", group->file,
               group->name, variable, dim);
    RJ_NEW(chars, n, (ptrdiff_t)length);
    RJ_TRY(rj_ncread_check(nc_get_var_text(group->id, id, chars), group, variable));
    for (ptrdiff_t i = 0; i < n; i++)
        snprintf(text[i], RJ_NAME_SIZE, "%.*s", (int)length, chars + (size_t)i * length);
done:
    RJ_FREE(chars);
    return st;
}

static rj_status numbers(const rj_ncread *group, const char *attribute, size_t n, char *text, size_t room)
{
    rj_status st = RJ_OK;
    double *value = NULL;

    RJ_NEW(value, (ptrdiff_t)n, 1);
    RJ_TRY(rj_ncread_check(nc_get_att_double(group->id, NC_GLOBAL, attribute, value), group, attribute));
    for (size_t i = 0, used = 0; i < n && used < room; i++)
        used += (size_t)snprintf(text + used, room - used, "%s%.15g", i > 0 ? ", " : "", value[i]);
done:
    RJ_FREE(value);
    return st;
}

rj_status rj_ncread_attribute(const rj_ncread *group, const char *attribute, char **text)
{
    rj_status st = RJ_OK;
    char *chars = NULL, *string = NULL;
    nc_type type = NC_NAT;
    size_t n = 0;

    RJ_TRY(rj_ncread_check(nc_inq_att(group->id, NC_GLOBAL, attribute, &type, &n), group, attribute));
    if (type == NC_STRING) {
        RJ_REQUIRE(n == 1, RJ_ERR_FORMAT, "%s, group %s: attribute `%s` has %zu texts, needs 1", group->file,
                   group->name, attribute, n);
        RJ_TRY(
            rj_ncread_check(nc_get_att_string(group->id, NC_GLOBAL, attribute, &string), group, attribute));
        n = strlen(string != NULL ? string : "") + 1;
        RJ_NEW(chars, (ptrdiff_t)n, 1);
        if (string != NULL) memcpy(chars, string, n);
    } else if (type == NC_CHAR) {
        RJ_NEW(chars, (ptrdiff_t)n + 1, 1);
        RJ_TRY(rj_ncread_check(nc_get_att_text(group->id, NC_GLOBAL, attribute, chars), group, attribute));
    } else {
        const size_t room = 32 * (n + 1);
        RJ_NEW(chars, (ptrdiff_t)room, 1);
        RJ_TRY(numbers(group, attribute, n, chars, room));
    }
    *text = chars;
    chars = NULL;
done:
    if (string != NULL) nc_free_string(1, &string);
    RJ_FREE(chars);
    return st;
}
