/* claims.c: sums in double: products of a stranger's sizes may pass any integer. */
#include "resjac/store/claims.h"

#include <netcdf.h>
#include <sys/stat.h>

#include "resjac/base/memory.h"

enum { PACKED = 1100, DEEPEST = 4 }; /* the deepest of ours are two: model, mode */

typedef struct {
    const char *path;
    double size, claimed; /* bytes: of the file, and that its variables ask for */
} claims;

static rj_status check(const claims *c, int error, const char *what)
{
    rj_status st = RJ_OK;

    RJ_REQUIRE(error == NC_NOERR, error == NC_ENOMEM ? RJ_ERR_NOMEM : RJ_ERR_FORMAT, "%s: %s: %s", c->path,
               what, nc_strerror(error));
done:
    return st;
}

static rj_status look_at_dimensions(const claims *c, int group)
{
    rj_status st = RJ_OK;
    int n = 0, *id = NULL;
    size_t length = 0;

    RJ_TRY(check(c, nc_inq_dimids(group, &n, NULL, 0), "dimensions"));
    RJ_NEW(id, n, 1);
    RJ_TRY(check(c, nc_inq_dimids(group, &n, id, 0), "dimensions"));
    for (int i = 0; i < n; i++) {
        RJ_TRY(check(c, nc_inq_dimlen(group, id[i], &length), "dimension"));
        RJ_REQUIRE((double)length <= PACKED * c->size, RJ_ERR_FORMAT,
                   "%s: %.0f bytes cannot hold a dimension of %zu", c->path, c->size, length);
    }
done:
    rj_free(id);
    return st;
}

static rj_status add_variables(claims *c, int group)
{
    rj_status st = RJ_OK;
    int n = 0;

    RJ_TRY(check(c, nc_inq_nvars(group, &n), "variables"));
    for (int id = 0; id < n; id++) {
        int n_dims = 0, dims[NC_MAX_VAR_DIMS];
        nc_type type = NC_NAT;
        size_t width = 0, length = 0;
        RJ_TRY(check(c, nc_inq_var(group, id, NULL, &type, &n_dims, dims, NULL), "variable"));
        RJ_TRY(check(c, nc_inq_type(group, type, NULL, &width), "type"));
        double bytes = (double)width;
        for (int i = 0; i < n_dims; i++) {
            RJ_TRY(check(c, nc_inq_dimlen(group, dims[i], &length), "dimension"));
            bytes *= (double)length;
        }
        c->claimed += bytes;
    }
done:
    return st;
}

/* The group and those within it. */
static rj_status look_at_group(claims *c, int group, int depth)
{
    rj_status st = RJ_OK;
    int n = 0, *inner = NULL;

    RJ_REQUIRE(depth <= DEEPEST, RJ_ERR_FORMAT, "%s: groups within groups beyond %d levels: not of resjac",
               c->path, DEEPEST);
    RJ_TRY(look_at_dimensions(c, group));
    RJ_TRY(add_variables(c, group));
    RJ_TRY(check(c, nc_inq_grps(group, &n, NULL), "groups"));
    RJ_NEW(inner, n, 1);
    RJ_TRY(check(c, nc_inq_grps(group, &n, inner), "groups"));
    for (int i = 0; i < n; i++) RJ_TRY(look_at_group(c, inner[i], depth + 1));
done:
    rj_free(inner);
    return st;
}

rj_status rj_claims_check(const char *path, int id)
{
    rj_status st = RJ_OK;
    claims c = {.path = path};
    struct stat file;

    RJ_REQUIRE(stat(path, &file) == 0, RJ_ERR_MISSING, "%s: vanished while it was read", path);
    c.size = (double)file.st_size;
    RJ_TRY(look_at_group(&c, id, 0));
    RJ_REQUIRE(c.claimed <= PACKED * c.size, RJ_ERR_FORMAT,
               "%s: %.0f bytes cannot hold the %.0f that its variables ask for", path, c.size, c.claimed);
done:
    return st;
}
