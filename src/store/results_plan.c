/* results_plan.c: reads every head first, so that shards that do not belong together are refused before any work. */
#include "results_plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "resjac/base/agree.h"
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
    for (int i = RJ_DIM_PROMPT + 1; i < RJ_DIM_APROMPT; i++) /* those of alignment follow from the K */
        RJ_TRY(same_number(path_a, sizes_a->size[i], path_b, sizes_b->size[i], rj_dim_name((rj_dim)i)));
    RJ_TRY(same_number(path_a, (int64_t)sizes_a->modes, path_b, (int64_t)sizes_b->modes, "token modes"));
    for (int i = 0; i < a->n_token; i++)
        RJ_TRY(same_number(path_a, a->token[i], path_b, b->token[i], "token"));
    for (int i = 0; i < a->n_k; i++) {
        RJ_TRY(same_text(path_a, a->k_label[i], path_b, b->k_label[i], "k_label"));
        RJ_TRY(same_number(path_a, a->k_count[i], path_b, b->k_count[i], "k_count"));
    }
done:
    return st;
}

/* One shard's place in the order. Without the path it travels between ranks. */
enum { UNIT = 0, FIRST_PROMPT, N_PROMPTS, N_ALIGNED, N_NUMBERS };
typedef struct {
    int64_t number[N_NUMBERS];
    const char *path;
} slot;

static int by_unit(const void *a, const void *b)
{
    const slot *x = a, *y = b;
    return x->number[UNIT] < y->number[UNIT] ? -1 : x->number[UNIT] > y->number[UNIT];
}

static rj_status look(const rj_results_model *model, int i, rj_results_part *part, int64_t number[N_NUMBERS])
{
    rj_status st = RJ_OK;
    const char *path = model->shard[i], *name = model->facts.name;
    rj_shard *shard = NULL;
    rj_sizes sizes;

    RJ_TRY(rj_shard_peek(path, &shard, &sizes));
    RJ_REQUIRE(strcmp(shard->head.model.name, name) == 0, RJ_ERR_FORMAT, "%s is of model '%s', not '%s'",
               path, shard->head.model.name, name);
    number[UNIT] = shard->head.unit;
    number[FIRST_PROMPT] = shard->head.first_prompt;
    number[N_PROMPTS] = sizes.size[RJ_DIM_PROMPT];
    number[N_ALIGNED] = sizes.size[RJ_DIM_APROMPT];
    if (i == 0) {
        part->sizes = sizes;
        part->first = shard;
        shard = NULL;
    } else {
        RJ_TRY(
            rj_results_agree(model->shard[0], &part->first->head, &part->sizes, path, &shard->head, &sizes));
    }
done:
    rj_shard_close(&shard);
    return st;
}

/* The first shard is looked at by all ranks, which compare theirs with it, each other one by one rank.
 *   number [out] [n_shards, N_NUMBERS] freed with rj_free; zero where another rank tells */
static rj_status look_at_share(MPI_Comm comm, const rj_results_model *model, rj_results_part *part,
                               int64_t **number)
{
    rj_status st = RJ_OK;
    int rank = 0, size = 1;
    int64_t *mine = NULL, ignored[N_NUMBERS];

    RJ_MPI(comm, MPI_Comm_rank(comm, &rank));
    RJ_MPI(comm, MPI_Comm_size(comm, &size));
    RJ_NEW(mine, model->n_shards, N_NUMBERS);
    for (int i = 0; i < model->n_shards; i++)
        if (i == 0 || i % size == rank)
            RJ_TRY(look(model, i, part, i % size == rank ? mine + (ptrdiff_t)i * N_NUMBERS : ignored));
    *number = mine;
    mine = NULL;
done:
    rj_free(mine);
    return st;
}

static rj_status check_order(const rj_results_model *model, const slot *place)
{
    rj_status st = RJ_OK;

    for (int i = 1; i < model->n_shards; i++) {
        const slot *a = &place[i - 1], *b = &place[i];
        const int64_t end = a->number[FIRST_PROMPT] + a->number[N_PROMPTS];
        RJ_REQUIRE(a->number[UNIT] != b->number[UNIT], RJ_ERR_FORMAT,
                   "%s and %s are both unit %" PRId64 " of model %s: remove the one of the other run",
                   a->path, b->path, b->number[UNIT], model->facts.name);
        RJ_REQUIRE(b->number[FIRST_PROMPT] >= end, RJ_ERR_FORMAT,
                   "%s ends at prompt %" PRId64 ", %s begins at %" PRId64 ": they are of different runs",
                   a->path, end, b->path, b->number[FIRST_PROMPT]);
    }
done:
    return st;
}

static rj_status arrange(const rj_results_model *model, const int64_t *number, rj_results_part *part)
{
    rj_status st = RJ_OK;
    const int n = model->n_shards;
    int64_t largest = 1;
    slot *place = NULL;

    RJ_NEW(part->path, n, 1);
    RJ_NEW(part->offset, n + 1, 1);
    RJ_NEW(part->aligned, n + 1, 1);
    RJ_NEW(place, n, 1);
    for (int i = 0; i < n; i++) {
        memcpy(place[i].number, number + (ptrdiff_t)i * N_NUMBERS, sizeof place[i].number);
        place[i].path = model->shard[i];
    }
    qsort(place, (size_t)n, sizeof *place, by_unit);
    RJ_TRY(check_order(model, place));
    for (int i = 0; i < n; i++) {
        part->path[i] = place[i].path;
        part->offset[i + 1] = part->offset[i] + (ptrdiff_t)place[i].number[N_PROMPTS];
        part->aligned[i + 1] = part->aligned[i] + (ptrdiff_t)place[i].number[N_ALIGNED];
        if (place[i].number[N_PROMPTS] > largest) largest = place[i].number[N_PROMPTS];
    }
    part->sizes.size[RJ_DIM_PROMPT] = part->offset[n];
    part->sizes.size[RJ_DIM_APROMPT] = part->aligned[n];
    part->sizes.size[RJ_DIM_I] = part->sizes.size[RJ_DIM_J] =
        part->aligned[n] > 0 ? rj_schema_alignment(part->first->head.n_k, part->first->head.k_count) : 0;
    part->block = (ptrdiff_t)(largest + RJ_PROMPT_CHUNK - 1) / RJ_PROMPT_CHUNK * RJ_PROMPT_CHUNK;
    part->n_shards = n;
done:
    rj_free(place);
    return st;
}

/* Collective. */
static rj_status make_part(MPI_Comm comm, const rj_results_model *model, rj_results_part *part)
{
    rj_status st = RJ_OK;
    int64_t *number = NULL;

    if (model->n_shards == 0) goto done;
    RJ_TRY_ALL(comm, look_at_share(comm, model, part, &number));
    RJ_MPI(comm,
           MPI_Allreduce(MPI_IN_PLACE, number, N_NUMBERS * model->n_shards, MPI_INT64_T, MPI_SUM, comm));
    RJ_TRY_ALL(comm, arrange(model, number, part));
done:
    rj_free(number);
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

static rj_status begin(int n_models, const rj_results_model *model, rj_results_part **part)
{
    rj_status st = RJ_OK;

    RJ_REQUIRE(n_models > 0, RJ_ERR_ARG, "a final file of %d models", n_models);
    for (int i = 0; i < n_models; i++)
        for (int j = 0; j < i; j++)
            RJ_REQUIRE(strcmp(model[i].facts.name, model[j].facts.name) != 0, RJ_ERR_USAGE,
                       "model name '%s' appears twice: give one of them another models[].name",
                       model[i].facts.name);
    RJ_NEW(*part, n_models, 1);
done:
    return st;
}

static rj_status list_measures(rj_results_plan *plan)
{
    rj_status st = RJ_OK;

    RJ_TRY(collect_labels(plan));
    RJ_TRY(rj_measures_list(plan->n_labels, plan->label, &plan->n_measures, &plan->measure));
done:
    return st;
}

rj_status rj_results_plan_make(MPI_Comm comm, int n_models, const rj_results_model *model,
                               rj_results_plan *plan)
{
    rj_status st = RJ_OK;
    rj_results_plan p = {.n_models = n_models};

    RJ_TRY_ALL(comm, begin(n_models, model, &p.part));
    for (int i = 0; i < n_models; i++) RJ_TRY(make_part(comm, &model[i], &p.part[i]));
    RJ_TRY_ALL(comm, list_measures(&p));
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
        rj_free(plan->part[i].aligned);
        rj_free(plan->part[i].offset);
        rj_free(plan->part[i].path);
    }
    rj_free(plan->measure);
    rj_free(plan->label);
    rj_free(plan->part);
    memset(plan, 0, sizeof *plan);
}
