/* results_root.c: see docs/formats.md, "The final file". */
#include "results_root.h"

#include <stdio.h>
#include <string.h>

#include "resjac/base/memory.h"

static rj_status put_attributes(const rj_nc *nc, int n, const rj_attribute *attribute)
{
    rj_status st = RJ_OK;
    size_t size = 1;
    char *list = NULL;

    RJ_TRY(rj_nc_put_text(nc, nc->id, NC_GLOBAL, "Conventions", "CF-1.10"));
    RJ_TRY(rj_nc_put_text(nc, nc->id, NC_GLOBAL, "title", "resjac: residual Jacobians and their coupling"));
    RJ_TRY(rj_nc_put_text(nc, nc->id, NC_GLOBAL, "resjac_format", RJ_RESULTS_FORMAT));
    for (int i = 0; i < n; i++) size += strlen(attribute[i].name) + 1;
    RJ_NEW(list, (ptrdiff_t)size, 1);
    for (int i = 0; i < n; i++) {
        RJ_TRY(rj_nc_put_text(nc, nc->id, NC_GLOBAL, attribute[i].name, attribute[i].text));
        if (!attribute[i].nondeterministic) continue;
        if (list[0] != '\0') strcat(list, " ");
        strcat(list, attribute[i].name);
    }
    RJ_TRY(rj_nc_put_text(nc, nc->id, NC_GLOBAL, "nondeterministic_attributes", list));
done:
    rj_free(list);
    return st;
}

/* At most RJ_NAME_SIZE - 1 bytes; what is cut ends in "..." at a character's end. */
static void cut(const char *text, char out[RJ_NAME_SIZE])
{
    size_t n = strlen(text);

    if (n >= RJ_NAME_SIZE) {
        n = RJ_NAME_SIZE - 4;
        while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80) n--;
        snprintf(out, RJ_NAME_SIZE, "%.*s...", (int)n, text);
    } else {
        memcpy(out, text, n + 1);
    }
}

/* A (rows,string128) variable; text i lies `stride` bytes behind text i - 1. */
static rj_status put_texts(const rj_nc *nc, int dim, const char *name, const char *long_name, int rows,
                           const char *text, size_t stride)
{
    rj_status st = RJ_OK;
    int dims[2] = {dim, -1}, id = -1;
    const rj_nc_variable v = {
        .name = name, .long_name = long_name, .units = "1", .type = NC_CHAR, .n_dims = 2, .dims = dims};

    RJ_TRY(rj_layout_string(nc, nc->id, RJ_NAME_SIZE, &dims[1]));
    RJ_TRY(rj_nc_define(nc, nc->id, &v, &id));
    RJ_TRY(rj_nc_put_texts(nc, nc->id, id, 0, (size_t)rows, RJ_NAME_SIZE, text, stride));
done:
    return st;
}

static rj_status put_status(const rj_nc *nc, int dim, int n, const rj_results_model *model)
{
    rj_status st = RJ_OK;
    char(*text)[RJ_NAME_SIZE] = NULL;

    RJ_NEW(text, n, 1);
    for (int i = 0; i < n; i++) cut(model[i].status, text[i]);
    RJ_TRY(put_texts(nc, dim, "status", "ok, or what is missing and why", n, text[0], RJ_NAME_SIZE));
done:
    rj_free(text);
    return st;
}

static rj_status put_numbers(const rj_nc *nc, int dim, int n, const rj_results_model *model)
{
    rj_status st = RJ_OK;
    const rj_nc_variable v[] = {
        {"series_step", "training step within the series", "1", NC_DOUBLE, 1, &dim, true, NULL},
        {"trained", "1: weights of the checkpoint, 0: drawn as at the start of training", "1", NC_INT, 1,
         &dim, true, NULL},
        {"n_parameters", "number of weights", "1", NC_INT64, 1, &dim, true, NULL},
        {"n_layers", "number of blocks", "1", NC_INT, 1, &dim, true, NULL},
        {"d_model", "hidden size", "1", NC_INT, 1, &dim, true, NULL}};
    int id[5];

    for (int i = 0; i < 5; i++) RJ_TRY(rj_nc_define(nc, nc->id, &v[i], &id[i]));
    for (size_t i = 0; i < (size_t)n; i++) {
        const rj_model_facts *m = &model[i].facts;
        const long long number[5] = {0, m->trained, m->n_parameters > 0 ? m->n_parameters : NC_FILL_INT,
                                     m->n_layers > 0 ? m->n_layers : NC_FILL_INT,
                                     m->d_model > 0 ? m->d_model : NC_FILL_INT};
        RJ_NC(nc, nc_put_var1_double(nc->id, id[0], &i, &m->series_step));
        for (int j = 1; j < 5; j++) RJ_NC(nc, nc_put_var1_longlong(nc->id, id[j], &i, &number[j]));
    }
done:
    return st;
}

static rj_status define_models(const rj_nc *nc, int dim, int n, const rj_results_model *model)
{
    rj_status st = RJ_OK;
    const size_t stride = sizeof *model;

    RJ_TRY(
        put_texts(nc, dim, "model_name", "name of the model and of its group", n, model->facts.name, stride));
    RJ_TRY(put_texts(nc, dim, "family", "architecture", n, model->facts.family, stride));
    RJ_TRY(put_texts(nc, dim, "lineage", "base model that it derives from, empty where unknown", n, "", 0));
    RJ_TRY(put_texts(nc, dim, "series_name", "series of checkpoints, empty where none", n,
                     model->facts.series_name, stride));
    RJ_TRY(put_status(nc, dim, n, model));
    RJ_TRY(put_numbers(nc, dim, n, model));
done:
    return st;
}

rj_status rj_results_root_define(const rj_nc *nc, const rj_results_plan *plan, const rj_results_model *model,
                                 int n_attributes, const rj_attribute *attribute)
{
    rj_status st = RJ_OK;
    int dims[2], id = -1, unused;
    const rj_nc_variable value = {
        "value", "measures of each model, named by measure_name, means over prompts",
        "1",     NC_DOUBLE,
        2,       dims,
        true,    NULL};

    RJ_TRY(put_attributes(nc, n_attributes, attribute));
    RJ_NC(nc, nc_def_dim(nc->id, "model", (size_t)plan->n_models, &dims[0]));
    RJ_NC(nc, nc_def_dim(nc->id, "measure", (size_t)plan->n_measures, &dims[1]));
    RJ_TRY(rj_layout_string(nc, nc->id, RJ_SHA256_SIZE, &unused));
    RJ_TRY(define_models(nc, dims[0], plan->n_models, model));
    RJ_TRY(put_texts(nc, dims[1], "measure_name", "<variable>_k<K>_<pairs>, or a plain name",
                     plan->n_measures, plan->measure->name, sizeof *plan->measure));
    RJ_TRY(rj_nc_define(nc, nc->id, &value, &id));
    RJ_TRY(rj_nc_put_text(nc, nc->id, id, "coordinates", "model_name measure_name"));
done:
    return st;
}

rj_status rj_results_root_put_value(const rj_nc *nc, size_t model, size_t n_measures, const double *value)
{
    rj_status st = RJ_OK;
    const size_t start[2] = {model, 0}, count[2] = {value != NULL, n_measures};
    const double nothing = 0.0;
    int id = -1;

    RJ_NC(nc, nc_inq_varid(nc->id, "value", &id));
    RJ_TRY(rj_nc_collective(nc, nc->id, id));
    RJ_NC(nc, nc_put_vara_double(nc->id, id, start, count, value != NULL ? value : &nothing));
done:
    return st;
}

uint64_t rj_results_root_bytes(const rj_results_plan *plan, int n_attributes, const rj_attribute *attribute)
{
    const uint64_t models = (uint64_t)plan->n_models, measures = (uint64_t)plan->n_measures;
    uint64_t bytes = (1 << 20) + models * (8 * RJ_NAME_SIZE + 8 * measures) + measures * RJ_NAME_SIZE;

    for (int i = 0; i < n_attributes; i++) bytes += 4096 + 2 * strlen(attribute[i].text);
    return bytes;
}
