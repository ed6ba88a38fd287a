/* results_values.c: the measures of every prompt are kept whatever else is left out, so that intervals over prompts can be
 * computed from the final file alone. */
#include "results_values.h"

#include <math.h>
#include <string.h>

#include "content.h"
#include "resjac/base/memory.h"
#include "resjac/store/annex.h"
#include "results_root.h"

static const char variable_name[] = "measure_value";

rj_status rj_results_values_define(const rj_nc *nc, int group)
{
    rj_status st = RJ_OK;
    int dims[2], id = -1;
    const rj_nc_variable v = {
        variable_name, "measures of each prompt, named by measure_name", "1", NC_DOUBLE, 2, dims, true, NULL};

    RJ_NC(nc, nc_inq_dimid(group, "prompt", &dims[0]));
    RJ_NC(nc, nc_inq_dimid(group, "measure", &dims[1]));
    RJ_TRY(rj_nc_define(nc, group, &v, &id));
    RJ_TRY(rj_nc_put_text(nc, group, id, "coordinates", "prompt_id measure_name"));
done:
    return st;
}

static rj_status put_slab(const rj_nc *nc, int group, const size_t start[2], const size_t count[2],
                          const double *value)
{
    rj_status st = RJ_OK;
    int id = -1;

    RJ_NC(nc, nc_inq_varid(group, variable_name, &id));
    RJ_TRY(rj_nc_collective(nc, group, id));
    RJ_NC(nc, nc_put_vara_double(group, id, start, count, value));
done:
    return st;
}

rj_status rj_results_values_put(const rj_nc *nc, int group, const rj_results_plan *plan,
                                const rj_shard_head *head, size_t first, const rj_record *record)
{
    const rj_record *r = record;
    const ptrdiff_t n = r != NULL ? r->sizes.size[RJ_DIM_PROMPT] : 0;
    const double nothing = 0.0;
    double *value = NULL;
    rj_status st = rj_alloc((void **)&value, n, plan->n_measures, sizeof *value, __FILE__, __LINE__);

    for (ptrdiff_t p = 0; st == RJ_OK && p < n; p++) {
        const bool sound = rj_record_at(r, RJ_VAR_PROMPT_STATUS, p)[0] == 0.0;
        for (int m = 0; m < plan->n_measures; m++)
            value[p * plan->n_measures + m] =
                sound ? rj_measure_prompt(&plan->measure[m], head, r, p) : (double)NAN;
    }
    const bool any = st == RJ_OK && n > 0;
    const size_t start[2] = {any ? first : 0, 0}, count[2] = {any ? (size_t)n : 0, (size_t)plan->n_measures};
    const rj_status next = put_slab(nc, group, start, count, any ? value : &nothing);
    if (st == RJ_OK) st = next;
    rj_free(value);
    return st;
}

uint64_t rj_results_values_bytes(const rj_results_plan *plan, const rj_sizes *sizes)
{
    return 16384 + 8 * (uint64_t)plan->n_measures * (uint64_t)sizes->size[RJ_DIM_PROMPT];
}

/* A variable of that name, type and shape. */
static rj_status find(const rj_nc *nc, int group, const char *name, nc_type type, size_t rows, size_t columns,
                      int *id)
{
    rj_status st = RJ_OK;
    rj_content_variable v;

    RJ_REQUIRE(
        nc_inq_varid(group, name, id) == NC_NOERR, RJ_ERR_FORMAT,
        "%s: has no variable %s: not a final file of this version; make it anew of its folder of units",
        nc->path, name);
    RJ_TRY(rj_content_variable_at(nc, group, *id, &v));
    RJ_REQUIRE(v.type == type && v.n_dims == (columns > 0 ? 2 : 1) && v.shape[0] == rows &&
                   (columns == 0 || v.shape[1] == columns),
               RJ_ERR_FORMAT, "%s: variable %s has not the type and shape that resjac gives it", nc->path,
               name);
done:
    return st;
}

static rj_status read_texts(const rj_nc *nc, int group, const char *name, size_t rows, size_t columns,
                            char *text, size_t stride)
{
    rj_status st = RJ_OK;
    int id = -1;

    RJ_TRY(find(nc, group, name, NC_CHAR, rows, columns, &id));
    for (size_t i = 0; i < rows; i++) {
        const size_t start[2] = {i, 0}, count[2] = {1, columns};
        RJ_NC(nc, nc_get_vara_text(group, id, start, count, text + i * stride));
        text[i * stride + stride - 1] = '\0';
    }
done:
    return st;
}

static rj_status read_integers(const rj_nc *nc, const char *name, int n, int **value)
{
    rj_status st = RJ_OK;
    int id = -1;

    RJ_NEW(*value, n, 1);
    RJ_TRY(find(nc, nc->id, name, NC_INT, (size_t)n, 0, &id));
    RJ_NC(nc, nc_get_var_int(nc->id, id, *value));
    for (int i = 0; i < n; i++)
        if ((*value)[i] == NC_FILL_INT) (*value)[i] = 0;
done:
    return st;
}

static rj_status size_of(const rj_nc *nc, int group, const char *name, size_t most, int *size)
{
    rj_status st = RJ_OK;
    int dim = -1;
    size_t n = 0;

    RJ_REQUIRE(nc_inq_dimid(group, name, &dim) == NC_NOERR, RJ_ERR_FORMAT,
               "%s: has no dimension %s: not a final file", nc->path, name);
    RJ_NC(nc, nc_inq_dimlen(group, dim, &n));
    RJ_REQUIRE(n <= most, RJ_ERR_FORMAT, "%s: dimension %s is %zu, at most %zu is expected", nc->path, name,
               n, most);
    *size = (int)n;
done:
    return st;
}

static rj_status read_root(const rj_nc *nc, rj_results_values *v)
{
    rj_status st = RJ_OK;
    int id = -1;
    char format[64];

    RJ_TRY(rj_nc_get_text(nc, nc->id, "resjac_format", sizeof format, format));
    RJ_REQUIRE(strcmp(format, RJ_RESULTS_FORMAT) == 0, RJ_ERR_FORMAT,
               "%s: its resjac_format is '%s', needs '%s'", nc->path, format, RJ_RESULTS_FORMAT);
    RJ_TRY(size_of(nc, nc->id, "model", 1 << 20, &v->n_models));
    RJ_TRY(size_of(nc, nc->id, "measure", 1 << 20, &v->n_measures));
    const size_t models = (size_t)v->n_models, measures = (size_t)v->n_measures;
    RJ_NEW(v->model, v->n_models, 1);
    RJ_NEW(v->benchmark_name, v->n_models, 1);
    RJ_NEW(v->series_name, v->n_models, 1);
    RJ_NEW(v->measure, v->n_measures, 1);
    RJ_NEW(v->value, v->n_models, v->n_measures);
    RJ_TRY(read_texts(nc, nc->id, "model_name", models, RJ_NAME_SIZE, v->model[0], RJ_NAME_SIZE));
    RJ_TRY(read_texts(nc, nc->id, "series_name", models, RJ_NAME_SIZE, v->series_name[0], RJ_NAME_SIZE));
    RJ_TRY(read_texts(nc, nc->id, "measure_name", measures, RJ_NAME_SIZE, v->measure[0], RJ_NAME_SIZE));
    RJ_TRY(read_integers(nc, "trained", v->n_models, &v->trained));
    RJ_TRY(read_integers(nc, "n_layers", v->n_models, &v->n_layers));
    RJ_TRY(read_integers(nc, "d_model", v->n_models, &v->d_model));
    RJ_TRY(find(nc, nc->id, "value", NC_DOUBLE, models, measures, &id));
    RJ_NC(nc, nc_get_var_double(nc->id, id, v->value));
done:
    return st;
}

typedef char digest_text[RJ_SHA256_SIZE + 1];

/* The prompts of one model and where they lie in the union of all. */
typedef struct {
    int group, n;
    digest_text *digest; /* [n] */
    int *at;             /* [n] */
} prompts;

/* A prompt that a model has twice takes two places: each place is taken once a model. */
static void place(const prompts *p, int *n_union, digest_text *all, bool *taken)
{
    memset(taken, 0, (size_t)*n_union * sizeof *taken);
    for (int i = 0; i < p->n; i++) {
        int j = i < *n_union && !taken[i] && strcmp(all[i], p->digest[i]) == 0 ? i : 0;
        while (j < *n_union && (taken[j] || strcmp(all[j], p->digest[i]) != 0)) j++;
        if (j == *n_union) memcpy(all[(*n_union)++], p->digest[i], sizeof *all);
        taken[j] = true;
        p->at[i] = j;
    }
}

static rj_status read_model(const rj_nc *nc, rj_results_values *v, int model, prompts *p)
{
    rj_status st = RJ_OK;

    if (nc_inq_ncid(nc->id, v->model[model], &p->group) != NC_NOERR) goto done; /* nothing was measured */
    RJ_TRY(rj_nc_get_text(nc, p->group, "benchmark_name", RJ_NAME_SIZE, v->benchmark_name[model]));
    RJ_TRY(size_of(nc, p->group, "prompt", 1 << 28, &p->n));
    RJ_NEW(p->digest, p->n, 1);
    RJ_NEW(p->at, p->n, 1);
    RJ_TRY(read_texts(nc, p->group, "prompt_sha256", (size_t)p->n, RJ_SHA256_SIZE, p->digest[0],
                      sizeof *p->digest));
done:
    return st;
}

static rj_status unite(rj_results_values *v, const prompts *p)
{
    rj_status st = RJ_OK;
    digest_text *all = NULL;
    bool *taken = NULL;
    ptrdiff_t room = 0;

    for (int m = 0; m < v->n_models; m++) room += p[m].n;
    RJ_NEW(all, room, 1);
    RJ_NEW(taken, room, 1);
    for (int m = 0; m < v->n_models; m++) place(&p[m], &v->n_prompts, all, taken);
done:
    rj_free(all);
    rj_free(taken);
    return st;
}

static rj_status read_prompt_values(const rj_nc *nc, rj_results_values *v, int model, const prompts *p)
{
    rj_status st = RJ_OK;
    double *value = NULL;
    int id = -1;

    if (p->n == 0) goto done;
    RJ_NEW(value, p->n, v->n_measures);
    RJ_TRY(find(nc, p->group, variable_name, NC_DOUBLE, (size_t)p->n, (size_t)v->n_measures, &id));
    RJ_NC(nc, nc_get_var_double(p->group, id, value));
    for (ptrdiff_t i = 0; i < p->n; i++)
        for (ptrdiff_t m = 0; m < v->n_measures; m++)
            v->prompt_value[(m * v->n_prompts + p->at[i]) * v->n_models + model] =
                value[i * v->n_measures + m];
done:
    rj_free(value);
    return st;
}

rj_status rj_results_values_read(const char *path, rj_results_values **values)
{
    rj_status st = RJ_OK;
    rj_nc nc = RJ_NC_CLOSED;
    rj_results_values *v = NULL;
    prompts *p = NULL;
    int n_models = 0;

    RJ_NEW(v, 1, 1);
    RJ_TRY(rj_nc_open(path, false, &nc));
    RJ_TRY(read_root(&nc, v));
    RJ_NEW(p, v->n_models, 1);
    n_models = v->n_models;
    for (int m = 0; m < v->n_models; m++) RJ_TRY(read_model(&nc, v, m, &p[m]));
    RJ_TRY(unite(v, p));
    RJ_NEW(v->prompt_value, (ptrdiff_t)v->n_measures * v->n_prompts, v->n_models);
    for (ptrdiff_t i = 0; i < (ptrdiff_t)v->n_measures * v->n_prompts * v->n_models; i++)
        v->prompt_value[i] = (double)NAN;
    for (int m = 0; m < v->n_models; m++) RJ_TRY(read_prompt_values(&nc, v, m, &p[m]));
    *values = v;
    v = NULL;
done:
    for (int m = 0; p != NULL && m < n_models; m++) {
        rj_free(p[m].digest);
        rj_free(p[m].at);
    }
    rj_free(p);
    rj_nc_drop(&nc);
    rj_results_values_free(&v);
    return st;
}

void rj_results_values_free(rj_results_values **values)
{
    rj_results_values *v = *values;

    if (v == NULL) return;
    rj_free(v->model);
    rj_free(v->benchmark_name);
    rj_free(v->series_name);
    rj_free(v->measure);
    rj_free(v->trained);
    rj_free(v->n_layers);
    rj_free(v->d_model);
    rj_free(v->value);
    rj_free(v->prompt_value);
    RJ_FREE(*values);
}

rj_status rj_results_has_measure(int n_labels, const char *const *label, const char *name, bool *known)
{
    rj_status st = RJ_OK;
    rj_measure *measure = NULL;
    int n = 0;

    RJ_TRY(rj_measures_list(n_labels, label, &n, &measure));
    *known = false;
    for (int i = 0; i < n; i++) *known = *known || strcmp(measure[i].name, name) == 0;
done:
    rj_free(measure);
    return st;
}
