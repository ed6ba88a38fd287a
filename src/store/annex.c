/* annex.c: the tables of an annex bear the attribute stage = "statistics", and its attributes begin with "scores_": by these they
 * are told from the rest when the file is copied. */
#include "resjac/store/annex.h"

#include <math.h>
#include <string.h>

#include "layout.h"
#include "ncfile.h"
#include "resjac/base/memory.h"

static rj_status axis_of(const rj_nc *nc, rj_axis axis, int *dim, size_t *size)
{
    rj_status st = RJ_OK;
    static const char *const name[] = {"", "model", "measure", "benchmark"};

    RJ_NC(nc, nc_inq_dimid(nc->id, name[axis], dim));
    RJ_NC(nc, nc_inq_dimlen(nc->id, *dim, size));
done:
    return st;
}

/* Defines the variable, or takes the one that is there; the elements of its axes. */
static rj_status define(const rj_nc *nc, const rj_results_table *t, int *id, size_t *n)
{
    rj_status st = RJ_OK;
    static const char *const label[] = {"", "model_name", "measure_name", "benchmark_name"};
    int dims[3], n_dims = 0;
    char coordinates[64] = "";
    size_t size = 0;

    *n = 1;
    for (int i = 0; i < 2 && t->axis[i] != RJ_AXIS_NONE; i++) {
        RJ_TRY(axis_of(nc, t->axis[i], &dims[n_dims++], &size));
        *n *= size;
        strcat(coordinates, i > 0 ? " " : "");
        strcat(coordinates, label[t->axis[i]]);
    }
    if (nc_inq_varid(nc->id, t->name, id) == NC_NOERR) goto done;
    if (t->number == NULL) RJ_TRY(rj_layout_string(nc, nc->id, RJ_NAME_SIZE, &dims[n_dims++]));
    const rj_nc_variable v = {.name = t->name,
                              .long_name = t->long_name,
                              .units = "1",
                              .type = t->number == NULL ? NC_CHAR
                                      : t->whole        ? NC_INT
                                                        : NC_DOUBLE,
                              .n_dims = n_dims,
                              .dims = dims,
                              .fill = t->number != NULL};
    RJ_TRY(rj_nc_define(nc, nc->id, &v, id));
    if (strcmp(t->name, coordinates) != 0)
        RJ_TRY(rj_nc_put_text(nc, nc->id, *id, "coordinates", coordinates));
    RJ_TRY(rj_nc_put_text(nc, nc->id, *id, "stage", "statistics"));
done:
    return st;
}

static rj_status put(const rj_nc *nc, const rj_results_table *t)
{
    rj_status st = RJ_OK;
    int id = -1, *whole = NULL;
    size_t n = 0;

    RJ_TRY(define(nc, t, &id, &n));
    if (t->number == NULL) {
        char *text = NULL;
        RJ_NEW(text, (ptrdiff_t)n, RJ_NAME_SIZE);
        for (size_t i = 0; i < n; i++)
            memcpy(text + i * RJ_NAME_SIZE, t->text + i * RJ_NAME_SIZE,
                   strnlen(t->text + i * RJ_NAME_SIZE, RJ_NAME_SIZE));
        const int error = nc_put_var_text(nc->id, id, text);
        rj_free(text);
        if (error != NC_NOERR) RJ_TRY(rj_nc_raise(nc, error, "nc_put_var_text", __FILE__, __LINE__));
    } else if (t->whole) {
        RJ_NEW(whole, (ptrdiff_t)n, 1);
        for (size_t i = 0; i < n; i++) whole[i] = isnan(t->number[i]) ? NC_FILL_INT : (int)t->number[i];
        RJ_NC(nc, nc_put_var_int(nc->id, id, whole));
    } else {
        RJ_NC(nc, nc_put_var_double(nc->id, id, t->number));
    }
done:
    rj_free(whole);
    return st;
}

/* At most: every element in full, and 16 KiB a variable of the library's own. */
static uint64_t bytes_of(const rj_results_values *v, int n_benchmarks, int n_tables,
                         const rj_results_table *table, int n_attributes, const rj_attribute *attribute)
{
    const uint64_t size[] = {1, (uint64_t)v->n_models, (uint64_t)v->n_measures, (uint64_t)n_benchmarks};
    uint64_t bytes = 1 << 20;

    for (int i = 0; i < n_tables; i++)
        bytes += 16384 + size[table[i].axis[0]] * size[table[i].axis[1]] *
                             (table[i].number == NULL ? RJ_NAME_SIZE : 8);
    for (int i = 0; i < n_attributes; i++) bytes += 4096 + 2 * strlen(attribute[i].text);
    return bytes;
}

static rj_status sizes_of(const char *path, rj_results_values *sizes)
{
    rj_status st = RJ_OK;
    rj_nc nc = RJ_NC_CLOSED;
    size_t n = 0;
    int dim = -1;

    RJ_TRY(rj_nc_open(path, false, &nc));
    RJ_TRY(axis_of(&nc, RJ_AXIS_MODEL, &dim, &n));
    sizes->n_models = (int)n;
    RJ_TRY(axis_of(&nc, RJ_AXIS_MEASURE, &dim, &n));
    sizes->n_measures = (int)n;
done:
    rj_nc_drop(&nc);
    return st;
}

rj_status rj_results_add(const char *path, int n_benchmarks, int n_tables, const rj_results_table *table,
                         int n_attributes, const rj_attribute *attribute)
{
    rj_status st = RJ_OK;
    rj_nc nc = RJ_NC_CLOSED;
    rj_results_values sizes = {.n_models = 0};
    int unused;

    RJ_TRY(sizes_of(path, &sizes));
    RJ_TRY(rj_nc_reopen(path, bytes_of(&sizes, n_benchmarks, n_tables, table, n_attributes, attribute), &nc));
    if (n_benchmarks > 0) RJ_NC(&nc, nc_def_dim(nc.id, "benchmark", (size_t)n_benchmarks, &unused));
    for (int i = 0; i < n_attributes; i++)
        RJ_TRY(rj_nc_put_text(&nc, nc.id, NC_GLOBAL, attribute[i].name, attribute[i].text));
    for (int i = 0; i < n_tables; i++) RJ_TRY(put(&nc, &table[i]));
    RJ_TRY(rj_nc_close(&nc));
done:
    rj_nc_drop(&nc);
    return st;
}
