/* results.c: writes the final file. Rank 0 defines it as any other file, so that it is laid out without the ranks' knowing of
 * each other; all ranks fill it (results_fill.c); rank 0 hashes, seals and publishes it. */
#include "resjac/store/results.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "content.h"
#include "publish.h"
#include "resjac/base/agree.h"
#include "resjac/base/memory.h"
#include "results_fill.h"
#include "results_root.h"
#include "results_seal.h"
#include "results_values.h"

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

/* The group of a model and all that is in it but its data; nothing for a model without shards. */
static rj_status define_model(const rj_nc *nc, const rj_results_model *model, const rj_results_part *part,
                              rj_per_prompt per_prompt)
{
    rj_status st = RJ_OK;
    int group = -1;
    rj_layout layout;

    if (part->n_shards == 0) goto done;
    const rj_shard_head *head = &part->first->head;
    RJ_TRY(open_group(nc, model->facts.name, &group));
    RJ_TRY(put_group_attributes(nc, group, model, part));
    RJ_TRY(rj_layout_define(nc, group, (rj_layout_kind)per_prompt, &part->sizes, head, &layout));
    RJ_TRY(rj_results_values_define(nc, group));
done:
    return st;
}

static uint64_t bytes_of(const rj_results_plan *plan, rj_per_prompt per_prompt, int n_attributes,
                         const rj_attribute *attribute)
{
    uint64_t bytes = rj_results_root_bytes(plan, n_attributes, attribute);

    for (int i = 0; i < plan->n_models; i++)
        if (plan->part[i].n_shards > 0)
            bytes += rj_layout_bytes((rj_layout_kind)per_prompt, &plan->part[i].sizes) +
                     rj_results_values_bytes(plan, &plan->part[i].sizes);
    return bytes;
}

/* All but the values, and room for them on the disk; many ranks will put them, or one. Rank 0 alone. */
static rj_status define_file(const char *path, bool for_many, const rj_results_plan *plan,
                             const rj_results_model *model, rj_per_prompt per_prompt, int n_attributes,
                             const rj_attribute *attribute)
{
    rj_status st = RJ_OK;
    const uint64_t bytes = bytes_of(plan, per_prompt, n_attributes, attribute);
    rj_nc nc = RJ_NC_CLOSED;

    RJ_TRY(rj_nc_create(path, bytes, &nc));
    nc.for_many = for_many;
    RJ_TRY(rj_results_root_define(&nc, plan, model, n_attributes, attribute));
    for (int i = 0; i < plan->n_models; i++) RJ_TRY(define_model(&nc, &model[i], &plan->part[i], per_prompt));
    RJ_TRY(rj_nc_end_definitions(&nc, bytes));
done:
    rj_nc_drop(&nc);
    return st;
}

rj_status rj_results_seal(const char *temporary, const char *path, const rj_results_annex *annex)
{
    rj_status st = RJ_OK;
    rj_nc nc = RJ_NC_CLOSED;
    char hash[RJ_HASH_TEXT];

    if (annex != NULL) RJ_TRY(annex->add(annex->ctx, temporary));
    RJ_TRY(rj_nc_reopen(temporary, 1 << 16, &nc));
    RJ_TRY(rj_content_hash(&nc, hash));
    RJ_TRY(rj_nc_put_text(&nc, nc.id, NC_GLOBAL, "content_sha256", hash));
    RJ_TRY(rj_nc_close(&nc));
    RJ_TRY(rj_publish(temporary, path));
done:
    rj_nc_drop(&nc);
    return st;
}

/* Rank 0's name, which has its process in it, for all. Collective. */
static rj_status share_name(MPI_Comm comm, int rank, const char *path, char **temporary)
{
    rj_status st = RJ_OK;
    char *name = NULL;
    int size = 0;

    RJ_TRY_ALL(comm, rank == 0 ? rj_publish_name(path, &name) : RJ_OK);
    if (rank == 0) size = (int)strlen(name) + 1;
    RJ_MPI(comm, MPI_Bcast(&size, 1, MPI_INT, 0, comm));
    RJ_TRY_ALL(comm, rank == 0 ? RJ_OK : rj_alloc((void **)&name, size, 1, 1, __FILE__, __LINE__));
    RJ_MPI(comm, MPI_Bcast(name, size, MPI_CHAR, 0, comm));
    *temporary = name;
    name = NULL;
done:
    rj_free(name);
    return st;
}

rj_status rj_results_write_annexed(MPI_Comm comm, const char *path, int n_models,
                                   const rj_results_model *model, rj_per_prompt per_prompt, int n_attributes,
                                   const rj_attribute *attribute, const rj_results_annex *annex)
{
    rj_status st = RJ_OK;
    rj_results_plan plan = {.n_models = 0};
    char *temporary = NULL;
    int rank = 0, size = 1;

    RJ_MPI(comm, MPI_Comm_rank(comm, &rank));
    RJ_MPI(comm, MPI_Comm_size(comm, &size));
    RJ_TRY(rj_results_plan_make(comm, n_models, model, &plan));
    RJ_TRY(share_name(comm, rank, path, &temporary));
    RJ_TRY_ALL(comm, rank == 0
                         ? define_file(temporary, size > 1, &plan, model, per_prompt, n_attributes, attribute)
                         : RJ_OK);
    RJ_TRY(rj_results_fill(comm, temporary, &plan, model, per_prompt));
    RJ_TRY_ALL(comm, rank == 0 ? rj_results_seal(temporary, path, annex) : RJ_OK);
done:
    if (st != RJ_OK && rank == 0 && temporary != NULL) unlink(temporary);
    rj_free(temporary);
    rj_results_plan_free(&plan);
    return st;
}

rj_status rj_results_write(MPI_Comm comm, const char *path, int n_models, const rj_results_model *model,
                           rj_per_prompt per_prompt, int n_attributes, const rj_attribute *attribute)
{
    return rj_results_write_annexed(comm, path, n_models, model, per_prompt, n_attributes, attribute, NULL);
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
