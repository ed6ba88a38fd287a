/* results_plan.c: reads every head first, so that shards that do not belong together are refused before any work. */
#include "results_plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "resjac/base/memory.h"
#include "shard_head.h"

static rj_status same_text(const char *path_a, const char *a, const char *path_b, const char *b,
                           const char *field)
{
    rj_status st = RJ_OK;
    RJ_REQUIRE(strcmp(a, b) == 0, RJ_ERR_FORMAT,
               "%s has %s '%s', %s has '%s': they are of different runs; remove those of the other run",
               path_a, field, a, path_b, b);
done:
    return st;
}

static rj_status same_number(const char *path_a, int64_t a, const char *path_b, int64_t b, const char *field)
{
    rj_status st = RJ_OK;
    RJ_REQUIRE(a == b, RJ_ERR_FORMAT,
               "%s has %s %" PRId64 ", %s has %" PRId64
               ": they are of different runs; remove those of the other run",
               path_a, field, a, path_b, b);
done:
    return st;
}

rj_status rj_results_agree(const char *path_a, const rj_shard_head *a, const rj_sizes *sizes_a,
                           const char *path_b, const rj_shard_head *b, const rj_sizes *sizes_b)
{
    rj_status st = RJ_OK;

    RJ_TRY(same_text(path_a, a->model.name, path_b, b->model.name, "model"));
    RJ_TRY(same_text(path_a, a->model.family, path_b, b->model.family, "family"));
    RJ_TRY(same_text(path_a, a->model.fingerprint, path_b, b->model.fingerprint, "fingerprint"));
    RJ_TRY(same_text(path_a, a->arithmetic, path_b, b->arithmetic, "arithmetic"));
    RJ_TRY(same_text(path_a, a->last_block, path_b, b->last_block, "last_block"));
    RJ_TRY(same_number(path_a, a->norm, path_b, b->norm, "coupling_norm"));
    RJ_TRY(same_number(path_a, a->model.d_model, path_b, b->model.d_model, "d_model"));
    RJ_TRY(same_number(path_a, a->n_units, path_b, b->n_units, "n_units"));
    RJ_TRY(same_number(path_a, a->n_prompts_all, path_b, b->n_prompts_all, "n_prompts_all"));
    for (int i = RJ_DIM_PROMPT + 1; i < RJ_N_DIMS; i++)
        RJ_TRY(same_number(path_a, sizes_a->size[i], path_b, sizes_b->size[i], rj_dim_name((rj_dim)i)));
    for (int i = 0; i < a->n_k; i++) {
        RJ_TRY(same_text(path_a, a->k_label[i], path_b, b->k_label[i], "k_label"));
        RJ_TRY(same_number(path_a, a->k_count[i], path_b, b->k_count[i], "k_count"));
    }
done:
    return st;
}

/* One shard's place in the order. */
typedef struct {
    int unit;
    ptrdiff_t first_prompt, n_prompts;
    const char *path;
} slot;

static int by_unit(const void *a, const void *b)
{
    const slot *x = a, *y = b;
    return x->unit < y->unit ? -1 : x->unit > y->unit;
}

static rj_status look(const char *path, const char *model, rj_results_part *part, slot *place)
{
    rj_status st = RJ_OK;
    rj_shard *shard = NULL;
    rj_sizes sizes;

    RJ_TRY(rj_shard_peek(path, &shard, &sizes));
    RJ_REQUIRE(strcmp(shard->head.model.name, model) == 0, RJ_ERR_FORMAT, "%s is of model '%s', not '%s'",
               path, shard->head.model.name, model);
    place->unit = shard->head.unit;
    place->first_prompt = shard->head.first_prompt;
    place->n_prompts = sizes.size[RJ_DIM_PROMPT];
    place->path = path;
    if (part->first == NULL) {
        part->sizes = sizes;
        part->sizes.size[RJ_DIM_PROMPT] = 0;
        part->first = shard;
        part->path[0] = path;
        shard = NULL;
    } else {
        RJ_TRY(rj_results_agree(part->path[0], &part->first->head, &part->sizes, path, &shard->head, &sizes));
    }
    part->sizes.size[RJ_DIM_PROMPT] += sizes.size[RJ_DIM_PROMPT];
done:
    rj_shard_close(&shard);
    return st;
}

static rj_status make_part(const rj_results_model *model, rj_results_part *part)
{
    rj_status st = RJ_OK;
    slot *place = NULL;

    RJ_NEW(part->path, model->n_shards, 1);
    RJ_NEW(place, model->n_shards, 1);
    for (int i = 0; i < model->n_shards; i++)
        RJ_TRY(look(model->shard[i], model->facts.name, part, &place[i]));
    qsort(place, (size_t)model->n_shards, sizeof *place, by_unit);
    for (int i = 0; i < model->n_shards; i++) {
        part->path[i] = place[i].path;
        if (i == 0) continue;
        RJ_REQUIRE(place[i].unit != place[i - 1].unit, RJ_ERR_FORMAT,
                   "%s and %s are both unit %d of model %s: remove the one of the other run",
                   place[i - 1].path, place[i].path, place[i].unit, model->facts.name);
        RJ_REQUIRE(place[i].first_prompt >= place[i - 1].first_prompt + place[i - 1].n_prompts, RJ_ERR_FORMAT,
                   "%s ends at prompt %td, %s begins at %td: they are of different runs", place[i - 1].path,
                   place[i - 1].first_prompt + place[i - 1].n_prompts, place[i].path, place[i].first_prompt);
    }
    part->n_shards = model->n_shards;
done:
    rj_free(place);
    return st;
}

static rj_status collect_labels(rj_results_plan *plan)
{
    rj_status st = RJ_OK;
    int room = 0;

    for (int i = 0; i < plan->n_models; i++)
        room += plan->part[i].first != NULL ? plan->part[i].first->head.n_k : 0;
    RJ_NEW(plan->label, room, 1);
    for (int i = 0; i < plan->n_models; i++) {
        const rj_shard *first = plan->part[i].first;
        for (int k = 0; first != NULL && k < first->head.n_k; k++) {
            bool known = false;
            for (int j = 0; j < plan->n_labels; j++)
                known = known || strcmp(plan->label[j], first->head.k_label[k]) == 0;
            if (!known) plan->label[plan->n_labels++] = first->head.k_label[k];
        }
    }
done:
    return st;
}

rj_status rj_results_plan_make(int n_models, const rj_results_model *model, rj_results_plan *plan)
{
    rj_status st = RJ_OK;
    rj_results_plan p = {.n_models = n_models};

    RJ_REQUIRE(n_models > 0, RJ_ERR_ARG, "a final file of %d models", n_models);
    RJ_NEW(p.part, n_models, 1);
    for (int i = 0; i < n_models; i++) {
        for (int j = 0; j < i; j++)
            RJ_REQUIRE(strcmp(model[i].facts.name, model[j].facts.name) != 0, RJ_ERR_USAGE,
                       "model name '%s' appears twice: give one of them another models[].name",
                       model[i].facts.name);
        RJ_TRY(make_part(&model[i], &p.part[i]));
    }
    RJ_TRY(collect_labels(&p));
    RJ_TRY(rj_measures_list(p.n_labels, p.label, &p.n_measures, &p.measure));
    *plan = p;
    memset(&p, 0, sizeof p);
done:
    rj_results_plan_free(&p);
    return st;
}

void rj_results_plan_free(rj_results_plan *plan)
{
    for (int i = 0; plan->part != NULL && i < plan->n_models; i++) {
        rj_shard_close(&plan->part[i].first);
        rj_free(plan->part[i].path);
    }
    rj_free(plan->measure);
    rj_free(plan->label);
    rj_free(plan->part);
    memset(plan, 0, sizeof *plan);
}
