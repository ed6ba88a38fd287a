/* results.c: writes the final file. One shard is in memory at a time; write_file is the only place that knows how the file
 * is filled, so that a collective writer can take its place. */
#include "resjac/store/results.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "content.h"
#include "publish.h"
#include "resjac/base/memory.h"
#include "results_merge.h"
#include "results_root.h"

/* A group shares its name space with the root's variables and dimensions. */
static rj_status open_group(const rj_nc *nc, const char *name, int *group)
{
    rj_status st = RJ_OK;
    int taken;

    RJ_REQUIRE(nc_inq_varid(nc->id, name, &taken) != NC_NOERR &&
                   nc_inq_dimid(nc->id, name, &taken) != NC_NOERR,
               RJ_ERR_USAGE,
               "model name '%s' is a variable or dimension of the output: give another models[].name", name);
    const int error = nc_def_grp(nc->id, name, group);
    RJ_REQUIRE(error != NC_EBADNAME && error != NC_EMAXNAME, RJ_ERR_USAGE,
               "model name '%s' cannot name a NetCDF group: give another models[].name", name);
    if (error != NC_NOERR) RJ_TRY(rj_nc_raise(nc, error, "nc_def_grp", __FILE__, __LINE__));
done:
    return st;
}

static rj_status put_group_attributes(const rj_nc *nc, int group, const rj_results_model *model,
                                      const rj_results_part *part)
{
    rj_status st = RJ_OK;
    const rj_model_facts *m = &model->facts;
    const rj_shard_head *head = &part->first->head;

    RJ_TRY(rj_nc_put_text(nc, group, NC_GLOBAL, "family", m->family));
    RJ_TRY(rj_nc_put_text(nc, group, NC_GLOBAL, "fingerprint", m->fingerprint));
    RJ_TRY(rj_nc_put_text(nc, group, NC_GLOBAL, "benchmark_name", m->benchmark_name));
    RJ_TRY(rj_nc_put_text(nc, group, NC_GLOBAL, "arithmetic", head->arithmetic));
    RJ_TRY(rj_nc_put_text(nc, group, NC_GLOBAL, "last_block", head->last_block));
    RJ_TRY(rj_nc_put_integer(nc, group, "coupling_norm", NC_INT, head->norm));
    RJ_TRY(rj_nc_put_integer(nc, group, "trained", NC_INT, m->trained));
    RJ_TRY(rj_nc_put_integer(nc, group, "n_parameters", NC_INT64, m->n_parameters));
    RJ_TRY(rj_nc_put_integer(nc, group, "d_model", NC_INT, m->d_model));
    RJ_TRY(rj_nc_put_integer(nc, group, "n_units", NC_INT, head->n_units));
    RJ_TRY(rj_nc_put_integer(nc, group, "n_units_merged", NC_INT, part->n_shards));
    RJ_TRY(rj_nc_put_integer(nc, group, "n_prompts_all", NC_INT64, head->n_prompts_all));
done:
    return st;
}

/* The shards of one model, one after the other. Between the plan and now none may have changed. */
static rj_status stream(const rj_nc *nc, const rj_layout *layout, const rj_results_part *part,
                        const rj_results_plan *plan, rj_merge *merge)
{
    rj_status st = RJ_OK;
    rj_shard *shard = NULL;
    size_t first = 0;

    for (int i = 0; i < part->n_shards; i++) {
        RJ_TRY(rj_shard_read(part->path[i], &shard));
        RJ_TRY(rj_results_agree(part->path[0], &part->first->head, &part->sizes, part->path[i], &shard->head,
                                &shard->record->sizes));
        const size_t n = (size_t)shard->record->sizes.size[RJ_DIM_PROMPT];
        RJ_REQUIRE(first + n <= (size_t)part->sizes.size[RJ_DIM_PROMPT], RJ_ERR_FORMAT,
                   "%s: was replaced while it was merged: run again", part->path[i]);
        RJ_TRY(rj_layout_put(nc, layout, first, shard->record));
        rj_merge_add(merge, shard, plan->n_measures, plan->measure);
        first += n;
        rj_shard_close(&shard);
    }
done:
    rj_shard_close(&shard);
    return st;
}

/* The group of a model and all that is in it but its data; nothing for a model without shards. */
static rj_status define_model(const rj_nc *nc, const rj_results_model *model, const rj_results_part *part,
                              rj_per_prompt per_prompt, rj_layout *layout)
{
    rj_status st = RJ_OK;
    int group = -1;

    if (part->n_shards == 0) goto done;
    const rj_shard_head *head = &part->first->head;
    RJ_TRY(open_group(nc, model->facts.name, &group));
    RJ_TRY(put_group_attributes(nc, group, model, part));
    RJ_TRY(rj_layout_define(nc, group, (rj_layout_kind)per_prompt, &part->sizes, head->k_count, head->k_label,
                            layout));
done:
    return st;
}

/*   value [out] [n_measures] */
static rj_status fill_model(const rj_nc *nc, const rj_results_model *model, const rj_results_part *part,
                            const rj_results_plan *plan, rj_layout *layout, double *value)
{
    rj_status st = RJ_OK;
    rj_merge merge = {.measure = {0, NULL, NULL, NULL}};
    const rj_sizes none = {{0}};

    RJ_TRY(rj_merge_create(part->n_shards > 0 ? &part->sizes : &none, plan->n_measures, &merge));
    if (part->n_shards > 0) {
        RJ_NC(nc, nc_inq_ncid(nc->id, model->facts.name, &layout->group));
        RJ_TRY(stream(nc, layout, part, plan, &merge));
        RJ_TRY(rj_merge_put(nc, layout, &merge));
        RJ_TRY(rj_layout_release(nc, layout));
    }
    rj_merge_values(&merge, &model->facts, plan->n_measures, plan->measure, value);
done:
    rj_merge_free(&merge);
    return st;
}

static uint64_t bytes_of(const rj_results_plan *plan, rj_per_prompt per_prompt, int n_attributes,
                         const rj_attribute *attribute)
{
    uint64_t bytes = rj_results_root_bytes(plan, n_attributes, attribute);

    for (int i = 0; i < plan->n_models; i++)
        if (plan->part[i].n_shards > 0)
            bytes += rj_layout_bytes((rj_layout_kind)per_prompt, &plan->part[i].sizes);
    return bytes;
}

static rj_status write_file(const char *path, const rj_results_plan *plan, const rj_results_model *model,
                            rj_per_prompt per_prompt, int n_attributes, const rj_attribute *attribute)
{
    rj_status st = RJ_OK;
    const uint64_t bytes = bytes_of(plan, per_prompt, n_attributes, attribute);
    rj_nc nc = RJ_NC_CLOSED;
    rj_layout *layout = NULL;
    double *value = NULL;
    char hash[RJ_HASH_TEXT];

    RJ_NEW(layout, plan->n_models, 1);
    RJ_NEW(value, plan->n_measures, 1);
    RJ_TRY(rj_nc_create(path, bytes, &nc));
    RJ_TRY(rj_results_root_define(&nc, plan, model, n_attributes, attribute));
    for (int i = 0; i < plan->n_models; i++)
        RJ_TRY(define_model(&nc, &model[i], &plan->part[i], per_prompt, &layout[i]));
    RJ_TRY(rj_nc_begin_data(&nc, bytes));
    for (int i = 0; i < plan->n_models; i++) {
        RJ_TRY(fill_model(&nc, &model[i], &plan->part[i], plan, &layout[i], value));
        RJ_TRY(rj_results_root_put_value(&nc, (size_t)i, (size_t)plan->n_measures, value));
    }
    RJ_TRY(rj_content_hash(&nc, hash));
    RJ_TRY(rj_nc_put_text(&nc, nc.id, NC_GLOBAL, "content_sha256", hash));
    RJ_TRY(rj_nc_close(&nc));
done:
    rj_nc_drop(&nc);
    rj_free(value);
    rj_free(layout);
    return st;
}

rj_status rj_results_write(const char *path, int n_models, const rj_results_model *model,
                           rj_per_prompt per_prompt, int n_attributes, const rj_attribute *attribute)
{
    rj_status st = RJ_OK;
    rj_results_plan plan = {.n_models = 0};
    char *temporary = NULL;

    RJ_TRY(rj_results_plan_make(n_models, model, &plan));
    RJ_TRY(rj_publish_name(path, &temporary));
    RJ_TRY(write_file(temporary, &plan, model, per_prompt, n_attributes, attribute));
    RJ_TRY(rj_publish(temporary, path));
done:
    if (st != RJ_OK && temporary != NULL) unlink(temporary);
    rj_free(temporary);
    rj_results_plan_free(&plan);
    return st;
}

rj_status rj_results_hash(const char *path, char text[65])
{
    rj_status st = RJ_OK;
    rj_nc nc = RJ_NC_CLOSED;

    RJ_TRY(rj_nc_open(path, false, &nc));
    RJ_TRY(rj_content_hash(&nc, text));
done:
    rj_nc_drop(&nc);
    return st;
}
