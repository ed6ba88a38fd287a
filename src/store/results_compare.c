/* results_compare.c: walks two files side by side, in the order of the content hash, to the first difference. */
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "content.h"
#include "resjac/base/log.h"
#include "resjac/base/memory.h"
#include "resjac/store/results.h"

/* The same group in both files, and room for a slab of each. */
typedef struct {
    const rj_nc *a, *b;
    int group_a, group_b;
    const char *where; /* "", "model/" */
    unsigned char *slab_a, *slab_b;
    double tolerance; /* 0: bit for bit */
    bool *equal;
} pair;

static void differ(const pair *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void differ(const pair *p, const char *fmt, ...)
{
    char text[1024];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    rj_log(RJ_LOG_WARN, "%s and %s differ in %s: %s", p->a->path, p->b->path,
           p->where[0] != '\0' ? p->where : "the root", text);
    *p->equal = false;
}

/* One element in words; `data` is canonical: little endian. */
static void element_text(nc_type type, size_t width, const unsigned char *data, char text[64])
{
    uint64_t bits = 0;
    double d;
    float f;

    for (size_t i = 0; i < width; i++) bits |= (uint64_t)data[i] << 8 * i;
    const uint32_t low = (uint32_t)bits;
    memcpy(&d, &bits, sizeof d);
    memcpy(&f, &low, sizeof f);
    if (type == NC_DOUBLE)
        snprintf(text, 64, "%.17g", d);
    else if (type == NC_FLOAT)
        snprintf(text, 64, "%.9g", (double)f);
    else if (type == NC_CHAR)
        snprintf(text, 64, "character %u", (unsigned)data[0]);
    else
        snprintf(text, 64, "%" PRId64, width == 4 ? (int64_t)(int32_t)low : (int64_t)bits);
}

static double real_at(nc_type type, const unsigned char *slab, size_t i)
{
    double d;
    float f;

    if (type == NC_DOUBLE) {
        memcpy(&d, slab + i * sizeof d, sizeof d);
        return d;
    }
    memcpy(&f, slab + i * sizeof f, sizeof f);
    return (double)f;
}

/* The sign of a singular pair is arbitrary, and so is that of an element of an alignment matrix. */
static double deviation(const rj_content_variable *v, double a, double b)
{
    const bool sign_counts = strcmp(v->name, rj_schema[RJ_VAR_ALIGNMENT_MATRIX].name) != 0;
    return sign_counts ? fabs(a - b) : fabs(fabs(a) - fabs(b));
}

/* Index of the first of n values that differ, n where none does. Of real numbers those do whose difference is above tolerance times
 * the largest magnitude of the slab, or times 1 if that is more. */
static size_t first_difference(const pair *p, const rj_content_variable *v, size_t n)
{
    const bool is_real = v->type == NC_DOUBLE || v->type == NC_FLOAT;
    double scale = 1.0;
    size_t i = 0;

    if (p->tolerance <= 0 || !is_real) {
        while (i < n && memcmp(p->slab_a + i * v->width, p->slab_b + i * v->width, v->width) == 0) i++;
        return i;
    }
    for (size_t j = 0; j < n; j++)
        if (fabs(real_at(v->type, p->slab_a, j)) < INFINITY)
            scale = fmax(scale, fabs(real_at(v->type, p->slab_a, j)));
    for (; i < n; i++) {
        const double a = real_at(v->type, p->slab_a, i), b = real_at(v->type, p->slab_b, i);
        if (isnan(a) != isnan(b) || deviation(v, a, b) > p->tolerance * scale) break;
    }
    return i;
}

static void differ_at(const pair *p, const rj_content_variable *v, const rj_content_slab *slab, size_t i)
{
    char a[64], b[64], index[160] = "";
    size_t rest, place[RJ_CONTENT_DIMS] = {0};
    int n = 0;

    element_text(v->type, v->width, p->slab_a + i * v->width, a);
    element_text(v->type, v->width, p->slab_b + i * v->width, b);
    rest = slab->first + i;
    for (int d = v->n_dims - 1; d >= 0; rest /= v->shape[d--]) place[d] = rest % v->shape[d];
    for (int d = 0; d < v->n_dims && n < 120; d++)
        n += snprintf(index + n, sizeof index - (size_t)n, "%s%zu", d == 0 ? "" : ",", place[d]);
    differ(p, "variable %s[%s]: %s and %s", v->name, index, a, b);
}

static rj_status compare_values(const pair *p, const rj_content_variable *a, const rj_content_variable *b)
{
    rj_status st = RJ_OK;
    rj_content_slab slab = {{0}, {0}, 0, 0};

    while (*p->equal && rj_content_next(a, &slab)) {
        RJ_TRY(rj_content_read(p->a, a, &slab, p->slab_a));
        RJ_TRY(rj_content_read(p->b, b, &slab, p->slab_b));
        const size_t at = first_difference(p, a, slab.n);
        if (at < slab.n) differ_at(p, a, &slab, at);
    }
done:
    return st;
}

static rj_status compare_attribute(const pair *p, int id_a, int id_b, const char *name, const char *variable)
{
    rj_status st = RJ_OK;
    nc_type type_a, type_b;
    size_t n_a, n_b;
    unsigned char *a = NULL, *b = NULL;

    RJ_TRY(rj_content_attribute(p->a, p->group_a, id_a, name, &type_a, &n_a, &a));
    RJ_TRY(rj_content_attribute(p->b, p->group_b, id_b, name, &type_b, &n_b, &b));
    if (type_a == NC_CHAR && type_b == NC_CHAR && (n_a != n_b || memcmp(a, b, n_a) != 0))
        differ(p, "attribute %s:%s: '%.100s' and '%.100s'", variable, name, (const char *)a, (const char *)b);
    else if (type_a != type_b || n_a != n_b || memcmp(a, b, n_a) != 0)
        differ(p, "attribute %s:%s: type or numbers", variable, name);
done:
    rj_free(a);
    rj_free(b);
    return st;
}

/* Two sorted lists of names; what only one has is the difference. */
static void compare_names(const pair *p, const char *what, int n_a, rj_content_name *a, int n_b,
                          rj_content_name *b)
{
    for (int i = 0; (i < n_a || i < n_b) && *p->equal; i++) {
        const int order = i >= n_a ? 1 : i >= n_b ? -1 : strcmp(a[i], b[i]);
        if (order != 0)
            differ(p, "%s %s is only in the %s", what, order < 0 ? a[i] : b[i],
                   order < 0 ? "first" : "second");
    }
}

static rj_status compare_attributes(const pair *p, int id_a, int id_b, const char *variable)
{
    rj_status st = RJ_OK;
    int n_a = 0, n_b = 0;
    rj_content_name *a = NULL, *b = NULL;

    RJ_TRY(rj_content_attributes(p->a, p->group_a, id_a, &n_a, &a));
    RJ_TRY(rj_content_attributes(p->b, p->group_b, id_b, &n_b, &b));
    compare_names(p, "attribute", n_a, a, n_b, b);
    for (int i = 0; i < n_a && *p->equal; i++) RJ_TRY(compare_attribute(p, id_a, id_b, a[i], variable));
done:
    rj_free(a);
    rj_free(b);
    return st;
}

/* Name, type and dimensions; *p->equal tells. */
static rj_status compare_shape(const pair *p, const rj_content_variable *a, const rj_content_variable *b)
{
    rj_status st = RJ_OK;
    rj_content_name name_a, name_b;

    if (strcmp(a->name, b->name) != 0)
        differ(p, "variable %s in the first stands where the second has %s", a->name, b->name);
    else if (a->type != b->type || a->n_dims != b->n_dims)
        differ(p, "variable %s: types %d and %d, %d and %d dimensions", a->name, (int)a->type, (int)b->type,
               a->n_dims, b->n_dims);
    for (int d = 0; d < a->n_dims && *p->equal; d++) {
        RJ_NC(p->a, nc_inq_dimname(p->group_a, a->dim[d], name_a));
        RJ_NC(p->b, nc_inq_dimname(p->group_b, b->dim[d], name_b));
        if (strcmp(name_a, name_b) != 0 || a->shape[d] != b->shape[d])
            differ(p, "variable %s: dimensions %s = %zu and %s = %zu", a->name, name_a, a->shape[d], name_b,
                   b->shape[d]);
    }
done:
    return st;
}

static rj_status compare_variable(const pair *p, int id)
{
    rj_status st = RJ_OK;
    rj_content_variable a, b;

    RJ_TRY(rj_content_variable_at(p->a, p->group_a, id, &a));
    RJ_TRY(rj_content_variable_at(p->b, p->group_b, id, &b));
    RJ_TRY(compare_shape(p, &a, &b));
    if (*p->equal) RJ_TRY(compare_attributes(p, id, id, a.name));
    const bool is_method = strcmp(a.name, rj_schema[RJ_VAR_SVD_METHOD].name) == 0; /* how, not what */
    if (!a.nondeterministic && !(is_method && p->tolerance > 0)) RJ_TRY(compare_values(p, &a, &b));
done:
    return st;
}

static rj_status compare_group(const pair *p, int depth);

static rj_status compare_groups(const pair *p, int depth)
{
    rj_status st = RJ_OK;
    int n_a = 0, n_b = 0;
    rj_content_name *a = NULL, *b = NULL;

    RJ_REQUIRE(depth < RJ_CONTENT_DEPTH, RJ_ERR_FORMAT,
               "%s: groups are nested deeper than %d: not written by resjac", p->a->path, RJ_CONTENT_DEPTH);
    RJ_TRY(rj_content_groups(p->a, p->group_a, &n_a, &a));
    RJ_TRY(rj_content_groups(p->b, p->group_b, &n_b, &b));
    compare_names(p, "group", n_a, a, n_b, b);
    for (int i = 0; i < n_a && *p->equal; i++) {
        pair inner = *p;
        char where[2 * NC_MAX_NAME];
        snprintf(where, sizeof where, "%.*s%s/", NC_MAX_NAME, p->where, a[i]);
        inner.where = where;
        RJ_NC(p->a, nc_inq_ncid(p->group_a, a[i], &inner.group_a));
        RJ_NC(p->b, nc_inq_ncid(p->group_b, a[i], &inner.group_b));
        RJ_TRY(compare_group(&inner, depth + 1));
    }
done:
    rj_free(a);
    rj_free(b);
    return st;
}

static rj_status compare_group(const pair *p, int depth)
{
    rj_status st = RJ_OK;
    int n_a = 0, n_b = 0;

    if (p->tolerance <= 0) RJ_TRY(compare_attributes(p, NC_GLOBAL, NC_GLOBAL, ""));
    RJ_NC(p->a, nc_inq_nvars(p->group_a, &n_a));
    RJ_NC(p->b, nc_inq_nvars(p->group_b, &n_b));
    for (int id = 0; id < n_a && id < n_b && *p->equal; id++) RJ_TRY(compare_variable(p, id));
    if (*p->equal && n_a != n_b) differ(p, "%d and %d variables", n_a, n_b);
    if (*p->equal) RJ_TRY(compare_groups(p, depth));
done:
    return st;
}

rj_status rj_results_compare(const char *a, const char *b, double tolerance, bool *equal)
{
    rj_status st = RJ_OK;
    rj_nc nc_a = RJ_NC_CLOSED, nc_b = RJ_NC_CLOSED;
    bool same = true;
    pair p = {.a = &nc_a, .b = &nc_b, .where = "", .tolerance = tolerance, .equal = &same};

    RJ_TRY(rj_nc_open(a, true, &nc_a));
    RJ_TRY(rj_nc_open(b, true, &nc_b));
    RJ_NEW(p.slab_a, RJ_CONTENT_SLAB, 1);
    RJ_NEW(p.slab_b, RJ_CONTENT_SLAB, 1);
    p.group_a = nc_a.id;
    p.group_b = nc_b.id;
    RJ_TRY(compare_group(&p, 0));
    *equal = same;
done:
    rj_free(p.slab_a);
    rj_free(p.slab_b);
    rj_nc_drop(&nc_a);
    rj_nc_drop(&nc_b);
    return st;
}
