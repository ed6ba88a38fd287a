/* results_verify.c: what must hold in every file, whatever the model. One line a variable, naming the first place. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "content.h"
#include "layout.h"
#include "resjac/base/log.h"
#include "resjac/base/memory.h"
#include "resjac/store/results.h"
#include "results_root.h"
#include "shard_head.h"

/* Where the values are looked at: a shard's root, or a model's group. */
typedef struct {
    const rj_nc *nc;
    int group;
    const char *name;
    bool single;      /* arithmetic */
    bool krylov;      /* some triplets are of a Krylov decomposition .. */
    size_t certified; /* .. whose first so many are certified */
    int *n_problems;
} place;

/* What is wrong with element i of a variable? NULL: nothing. */
typedef const char *(*rule)(const place *at, const rj_content_variable *v, const double *value, size_t i);

/* All of a variable's indices of element i, "[2,0,5]", 0-based. */
static void index_text(const rj_content_variable *v, size_t i, char text[128])
{
    size_t index[RJ_CONTENT_DIMS] = {0};
    int n = 0;

    for (int d = v->n_dims - 1; d >= 0; i /= v->shape[d--]) index[d] = i % v->shape[d];
    text[0] = '\0';
    for (int d = 0; d < v->n_dims && n < 100; d++)
        n += snprintf(text + n, 128 - (size_t)n, "%s%zu", d == 0 ? "[" : ",", index[d]);
    snprintf(text + n, 128 - (size_t)n, "]");
}

static void report(const place *at, const rj_content_variable *v, const char *what, double first, size_t i,
                   size_t count)
{
    char index[128];

    index_text(v, i, index);
    rj_log(RJ_LOG_WARN, "%s: %s%s%s: %s: %zu times, first %s = %.9g", at->nc->path, at->name,
           at->name[0] ? "/" : "", v->name, what, count, index, first);
    ++*at->n_problems;
}

/* Applies a rule to the rows (last dimension) of the variable of that name; none of that name: nothing. */
static rj_status check(const place *at, const char *name, rule broken)
{
    rj_status st = RJ_OK;
    int id = -1;
    rj_content_variable v;
    double *value = NULL;
    size_t n_rows = 1, count = 0, first_i = 0;
    double first = 0.0;
    const char *what = NULL;

    if (nc_inq_varid(at->group, name, &id) != NC_NOERR) goto done;
    RJ_TRY(rj_content_variable_at(at->nc, at->group, id, &v));
    RJ_REQUIRE(v.n_dims >= 1 && (v.type == NC_DOUBLE || v.type == NC_FLOAT), RJ_ERR_FORMAT,
               "%s: variable %s has type %d: not written by resjac", at->nc->path, name, (int)v.type);
    const size_t n = v.shape[v.n_dims - 1];
    for (int d = 0; d < v.n_dims - 1; d++) n_rows *= v.shape[d];
    RJ_NEW(value, (ptrdiff_t)n, 1);
    for (size_t row = 0; row < n_rows; row++) {
        size_t start[RJ_CONTENT_DIMS] = {0}, size[RJ_CONTENT_DIMS], rest = row;
        for (int d = v.n_dims - 1; d >= 0; d--) size[d] = d == v.n_dims - 1 ? n : 1;
        for (int d = v.n_dims - 2; d >= 0; rest /= v.shape[d--]) start[d] = rest % v.shape[d];
        RJ_NC(at->nc, nc_get_vara_double(at->group, id, start, size, value));
        for (size_t i = 0; i < n; i++) {
            const char *now = broken(at, &v, value, row * n + i);
            if (now == NULL) continue;
            if (count++ > 0) continue;
            what = now;
            first_i = row * n + i;
            first = value[i];
        }
    }
    if (count > 0) report(at, &v, what, first, first_i, count);
done:
    rj_free(value);
    return st;
}

static const char *is_infinite(const place *at, const rj_content_variable *v, const double *row, size_t i)
{
    (void)at;
    return isinf(row[i % v->shape[v->n_dims - 1]]) ? "infinite" : NULL;
}

/* The rounding of one unit in the last place of s_1 may exchange equal values. */
static const char *is_unsorted(const place *at, const rj_content_variable *v, const double *row, size_t i)
{
    const size_t k = i % v->shape[v->n_dims - 1];
    const double slack = (at->single ? 1e-6 : 1e-14) * row[0];

    if (row[k] < 0.0) return "a singular value is negative";
    return k > 0 && row[k] > row[k - 1] + slack ? "singular values are not in descending order" : NULL;
}

/* A full decomposition leaves rounding. A Krylov decomposition certifies max K + 3 triplets within svd.tolerance, at most 1e-3, and
 * keeps others within 1e-2. */
static const char *is_large_residual(const place *at, const rj_content_variable *v, const double *row,
                                     size_t i)
{
    const size_t k = i % v->shape[v->n_dims - 1];
    const double x = row[k];

    if (x < 0.0) return "a residual is negative";
    if (at->krylov && k >= at->certified) return x > 1e-2 ? "residual above 1e-2" : NULL;
    if (at->krylov) return x > 1e-3 ? "residual of a certified triplet above 1e-3" : NULL;
    if (at->single) return x > 1e-4 ? "residual above 1e-4 (single precision)" : NULL;
    return x > 1e-10 ? "residual above 1e-10 (double precision)" : NULL;
}

/* All values of a small variable of the group; n = 0 where there is none. */
static rj_status read_small(const place *at, const char *name, size_t *n, double **value)
{
    rj_status st = RJ_OK;
    int id = -1;
    rj_content_variable v;

    *n = 0;
    if (nc_inq_varid(at->group, name, &id) != NC_NOERR) goto done;
    RJ_TRY(rj_content_variable_at(at->nc, at->group, id, &v));
    *n = 1;
    for (int d = 0; d < v.n_dims; d++) *n *= v.shape[d];
    RJ_NEW(*value, (ptrdiff_t)*n, 1);
    RJ_NC(at->nc, nc_get_var_double(at->group, id, *value));
done:
    return st;
}

/* Sets krylov and certified. */
static rj_status find_methods(place *at)
{
    rj_status st = RJ_OK;
    double *method = NULL, *k = NULL, largest = 0;
    size_t n = 0;

    RJ_TRY(read_small(at, "svd_method", &n, &method));
    for (size_t i = 0; i < n; i++) at->krylov = at->krylov || method[i] == 3.0;
    RJ_TRY(read_small(at, "k_count", &n, &k));
    for (size_t i = 0; i < n; i++) largest = fmax(largest, k[i]);
    at->certified = (size_t)largest + 3;
done:
    rj_free(method);
    rj_free(k);
    return st;
}

static const char *is_short_line(const place *at, const rj_content_variable *v, const double *row, size_t i)
{
    (void)at;
    return row[i % v->shape[v->n_dims - 1]] < 1.0 - 1e-12 ? "line-shape score below 1" : NULL;
}

/* U_i' J_i V_i = S_i: only rounding is left on the diagonal. In double the float32 of the file holds it as it is. */
static const char *is_off_diagonal(const place *at, const rj_content_variable *v, const double *row, size_t i)
{
    const size_t L = v->shape[v->n_dims - 1], j = i % L, block = i / L % v->shape[v->n_dims - 2];

    if (j != block) return row[j] < 0.0 ? "a misfit is negative" : NULL;
    if (at->single)
        return row[j] > 5e-6 ? "misfit of a block with itself above 5e-6 (single precision)" : NULL;
    return row[j] > 1e-10 ? "misfit of a block with itself above 1e-10 (double precision)" : NULL;
}

static rj_status check_group(place *at)
{
    rj_status st = RJ_OK;
    static const char *const misfit[] = {"coupling_misfit",        "coupling_misfit_mean",
                                         "coupling_misfit_trace",  "coupling_misfit_trace_mean",
                                         "coupling_misfit_signed", "coupling_misfit_signed_mean"};
    int n = 0;

    RJ_NC(at->nc, nc_inq_nvars(at->group, &n));
    for (int id = 0; id < n; id++) {
        rj_content_variable v;
        RJ_TRY(rj_content_variable_at(at->nc, at->group, id, &v));
        if ((v.type == NC_DOUBLE || v.type == NC_FLOAT) && v.n_dims > 0)
            RJ_TRY(check(at, v.name, is_infinite));
    }
    RJ_TRY(check(at, "singular_value", is_unsorted));
    RJ_TRY(find_methods(at));
    RJ_TRY(check(at, "residual_right", is_large_residual));
    RJ_TRY(check(at, "residual_left", is_large_residual));
    RJ_TRY(check(at, "line_shape_score", is_short_line));
    for (size_t i = 0; i < sizeof misfit / sizeof misfit[0]; i++)
        RJ_TRY(check(at, misfit[i], is_off_diagonal));
done:
    return st;
}

/* The groups of the token modes. */
static rj_status check_modes(const place *model)
{
    rj_status st = RJ_OK;
    place at = *model;
    char name[2 * NC_MAX_NAME];

    for (int mode = RJ_MODE_DEPTH + 1; mode < RJ_N_MODES; mode++) {
        if (nc_inq_ncid(model->group, rj_mode_name((rj_mode)mode), &at.group) != NC_NOERR) continue;
        snprintf(name, sizeof name, "%s%s%s", model->name, model->name[0] ? "/" : "",
                 rj_mode_name((rj_mode)mode));
        at.name = name;
        RJ_TRY(check_group(&at));
    }
done:
    return st;
}

static rj_status check_hash(const rj_nc *nc, int *n_problems)
{
    rj_status st = rj_content_check(nc);

    if (st == RJ_ERR_FORMAT) {
        rj_log(RJ_LOG_WARN, "%s", rj_status_message());
        ++*n_problems;
        st = RJ_OK;
    }
    return st;
}

static rj_status check_part(const rj_nc *nc, int group, const char *name, int *n_problems)
{
    rj_status st = RJ_OK;
    char arithmetic[RJ_NAME_SIZE];
    place at = {.nc = nc, .group = group, .name = name, .single = true, .n_problems = n_problems};

    RJ_TRY(rj_nc_get_text(nc, group, "arithmetic", sizeof arithmetic, arithmetic));
    at.single = strcmp(arithmetic, "double") != 0;
    RJ_TRY(check_group(&at));
    RJ_TRY(check_modes(&at));
done:
    return st;
}

rj_status rj_results_verify(const char *path, int *n_problems)
{
    rj_status st = RJ_OK;
    rj_nc nc = RJ_NC_CLOSED;
    char format[64];
    int n = 0, problems = 0, group = -1;
    rj_content_name *name = NULL;

    RJ_TRY(rj_nc_open(path, true, &nc));
    RJ_TRY(rj_nc_get_text(&nc, nc.id, "resjac_format", sizeof format, format));
    const bool shard = strcmp(format, RJ_SHARD_FORMAT) == 0;
    RJ_REQUIRE(shard || strcmp(format, RJ_RESULTS_FORMAT) == 0, RJ_ERR_FORMAT,
               "%s: its resjac_format is '%s', neither '%s' nor '%s'", path, format, RJ_SHARD_FORMAT,
               RJ_RESULTS_FORMAT);
    RJ_TRY(check_hash(&nc, &problems));
    if (shard) RJ_TRY(check_part(&nc, nc.id, "", &problems));
    if (!shard) RJ_TRY(rj_content_groups(&nc, nc.id, &n, &name));
    for (int i = 0; i < n; i++) {
        RJ_NC(&nc, nc_inq_ncid(nc.id, name[i], &group));
        RJ_TRY(check_part(&nc, group, name[i], &problems));
    }
    *n_problems = problems;
done:
    rj_free(name);
    rj_nc_drop(&nc);
    return st;
}
