/* content.c: reads the parts of a file in one canonical form, in bounded memory. */
#include "content.h"

#include <stdlib.h>
#include <string.h>

#include "resjac/base/memory.h"

static size_t width_of(nc_type type)
{
    switch (type) {
    case NC_BYTE:
    case NC_UBYTE:
    case NC_CHAR:
        return 1;
    case NC_INT:
    case NC_FLOAT:
        return 4;
    case NC_INT64:
    case NC_DOUBLE:
        return 8;
    default:
        return 0;
    }
}

rj_status rj_content_variable_at(const rj_nc *nc, int group, int id, rj_content_variable *variable)
{
    rj_status st = RJ_OK;
    rj_content_variable v = {.group = group, .id = id};
    int dims[NC_MAX_VAR_DIMS];
    signed char flag = 0;
    size_t n = 0;

    RJ_NC(nc, nc_inq_var(group, id, v.name, &v.type, &v.n_dims, dims, NULL));
    v.width = width_of(v.type);
    RJ_REQUIRE(v.width > 0 && v.n_dims <= RJ_CONTENT_DIMS, RJ_ERR_FORMAT,
               "%s: variable %s has type %d and %d dimensions: not written by resjac", nc->path, v.name,
               (int)v.type, v.n_dims);
    for (int i = 0; i < v.n_dims; i++) {
        v.dim[i] = dims[i];
        RJ_NC(nc, nc_inq_dimlen(group, dims[i], &v.shape[i]));
    }
    if (nc_inq_attlen(group, id, "nondeterministic", &n) == NC_NOERR && n == 1)
        RJ_NC(nc, nc_get_att_schar(group, id, "nondeterministic", &flag));
    v.nondeterministic = flag == 1;
    *variable = v;
done:
    return st;
}

/* Dimensions from `split` on fit a slab whole; along `split` - 1 it takes as many as fit. */
static int split_of(const rj_content_variable *v, size_t *inner)
{
    int split = v->n_dims;

    *inner = 1;
    while (split > 0 && v->shape[split - 1] <= RJ_CONTENT_SLAB / v->width / *inner)
        *inner *= v->shape[--split];
    return split;
}

bool rj_content_next(const rj_content_variable *variable, rj_content_slab *slab)
{
    const rj_content_variable *v = variable;
    rj_content_slab *s = slab;
    size_t inner = 1;

    for (int i = 0; i < v->n_dims; i++)
        if (v->shape[i] == 0) return false;
    const int split = split_of(v, &inner);
    const size_t run = RJ_CONTENT_SLAB / v->width / inner;
    if (s->n > 0) { /* step behind the last slab, carrying into the dimensions before */
        int i = split - 1;
        s->first += s->n;
        for (; i >= 0; i--) {
            s->start[i] += s->count[i];
            if (s->start[i] < v->shape[i]) break;
            s->start[i] = 0;
        }
        if (i < 0) return false;
    }
    s->n = 1;
    for (int i = 0; i < v->n_dims; i++) {
        const size_t left = v->shape[i] - s->start[i];
        s->count[i] = i >= split ? v->shape[i] : i < split - 1 ? 1 : left < run ? left : run;
        s->n *= s->count[i];
    }
    return true;
}

static bool is_big_endian(void)
{
    const uint16_t probe = 1;
    unsigned char first;

    memcpy(&first, &probe, 1);
    return first == 0;
}

/* In place: NaNs to one pattern, then little endian. */
static void canonicalise(nc_type type, size_t width, size_t n, unsigned char *data)
{
    for (size_t i = 0; i < n && type == NC_DOUBLE; i++) {
        const uint64_t nan = UINT64_C(0x7ff8000000000000);
        double x;
        memcpy(&x, data + 8 * i, 8);
        if (x != x) memcpy(data + 8 * i, &nan, 8);
    }
    for (size_t i = 0; i < n && type == NC_FLOAT; i++) {
        const uint32_t nan = UINT32_C(0x7fc00000);
        float x;
        memcpy(&x, data + 4 * i, 4);
        if (x != x) memcpy(data + 4 * i, &nan, 4);
    }
    for (size_t i = 0; i < n && width > 1 && is_big_endian(); i++)
        for (size_t b = 0; b < width / 2; b++) {
            const unsigned char low = data[width * i + b];
            data[width * i + b] = data[width * (i + 1) - 1 - b];
            data[width * (i + 1) - 1 - b] = low;
        }
}

rj_status rj_content_read(const rj_nc *nc, const rj_content_variable *variable, const rj_content_slab *slab,
                          unsigned char *buffer)
{
    rj_status st = RJ_OK;
    RJ_NC(nc, nc_get_vara(variable->group, variable->id, slab->start, slab->count, buffer));
    canonicalise(variable->type, variable->width, slab->n, buffer);
done:
    return st;
}

rj_status rj_content_attribute(const rj_nc *nc, int group, int variable, const char *name, nc_type *type,
                               size_t *n_bytes, unsigned char **value)
{
    rj_status st = RJ_OK;
    nc_type mine = NC_NAT;
    size_t n = 0;
    unsigned char *data = NULL;

    RJ_NC(nc, nc_inq_att(group, variable, name, &mine, &n));
    const size_t width = width_of(mine);
    RJ_REQUIRE(width > 0, RJ_ERR_FORMAT, "%s: attribute %s has type %d: not written by resjac", nc->path,
               name, (int)mine);
    RJ_NEW(data, (ptrdiff_t)n + 1, (ptrdiff_t)width);
    RJ_NC(nc, nc_get_att(group, variable, name, data));
    canonicalise(mine, width, n, data);
    *type = mine;
    *n_bytes = n * width;
    *value = data;
    data = NULL;
done:
    rj_free(data);
    return st;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Is `name` a word of the root's list? */
static rj_status is_listed(const rj_nc *nc, const char *name, bool *listed)
{
    rj_status st = RJ_OK;
    static const char list[] = "nondeterministic_attributes";
    nc_type type;
    size_t n = 0;
    unsigned char *text = NULL;

    *listed = false;
    if (nc_inq_att(nc->id, NC_GLOBAL, list, &type, &n) != NC_NOERR) goto done;
    RJ_TRY(rj_content_attribute(nc, nc->id, NC_GLOBAL, list, &type, &n, &text)); /* ends in a NUL */
    for (const char *word = (const char *)text; *word != '\0' && !*listed;) {
        const size_t length = strcspn(word, " ");
        *listed = length == strlen(name) && strncmp(word, name, length) == 0;
        word += length + strspn(word + length, " ");
    }
done:
    rj_free(text);
    return st;
}

rj_status rj_content_attributes(const rj_nc *nc, int group, int variable, int *n, rj_content_name **name)
{
    rj_status st = RJ_OK;
    const bool root = group == nc->id && variable == NC_GLOBAL;
    int n_all = 0, kept = 0;
    bool skip;
    rj_content_name *list = NULL;

    RJ_NC(nc, nc_inq_varnatts(group, variable, &n_all));
    RJ_NEW(list, n_all, 1);
    for (int i = 0; i < n_all; i++) {
        RJ_NC(nc, nc_inq_attname(group, variable, i, list[kept]));
        skip = root && strcmp(list[kept], "content_sha256") == 0;
        if (root && !skip) RJ_TRY(is_listed(nc, list[kept], &skip));
        kept += !skip;
    }
    qsort(list, (size_t)kept, sizeof *list, by_bytes);
    *n = kept;
    *name = list;
    list = NULL;
done:
    rj_free(list);
    return st;
}

rj_status rj_content_groups(const rj_nc *nc, int group, int *n, rj_content_name **name)
{
    rj_status st = RJ_OK;
    int count = 0, *id = NULL;
    rj_content_name *list = NULL;

    RJ_NC(nc, nc_inq_grps(group, &count, NULL));
    RJ_NEW(id, count, 1);
    RJ_NEW(list, count, 1);
    RJ_NC(nc, nc_inq_grps(group, &count, id));
    for (int i = 0; i < count; i++) RJ_NC(nc, nc_inq_grpname(id[i], list[i]));
    qsort(list, (size_t)count, sizeof *list, by_bytes);
    *n = count;
    *name = list;
    list = NULL;
done:
    rj_free(list);
    rj_free(id);
    return st;
}
