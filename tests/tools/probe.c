/* probe.c: states, Jacobians and next tokens of a model for given token ids, for comparison with tests/oracle/real_model.py.
 *   rj_probe MODEL IDS.json BLOCKS OUT.nc [single|double]
 * IDS.json: a list of prompts, each a list of token ids. BLOCKS: 0-based, such as 0,14,29. OUT.nc: hidden(prompt,depth,d)
 * of each prompt's last token, jacobian(prompt,block,d,d_in), block_index(block), next_token(prompt). Seconds by stage go
 * to stdout. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <netcdf.h>

#include "resjac/base/clock.h"
#include "resjac/base/memory.h"
#include "resjac/model/block.h"
#include "resjac/model/model.h"

enum { MAX_BLOCKS = 64 };

typedef struct {
    int T;
    int32_t *ids;
    double *x; /* [d,T] */
} prompt;

typedef struct {
    rj_model *model;
    rj_arithmetic type;
    int n_prompt, n_block, block[MAX_BLOCKS];
    prompt *prompts;
    int nc, hidden, jacobian, next;
} probe;

#define TRY_NC(call) RJ_TRY(check_nc((call), #call))

static rj_status check_nc(int error, const char *call)
{
    return error == NC_NOERR ? RJ_OK
                             : rj_raise(RJ_ERR_IO, __FILE__, __LINE__, "%s: %s", call, nc_strerror(error));
}

static rj_status read_ids(probe *p, const char *path)
{
    rj_status st = RJ_OK;
    json_error_t error;
    json_t *root = json_load_file(path, 0, &error);

    RJ_REQUIRE(json_is_array(root), RJ_ERR_FORMAT, "%s: %s", path, root == NULL ? error.text : "not a list");
    p->n_prompt = (int)json_array_size(root);
    RJ_NEW(p->prompts, p->n_prompt, 1);
    for (int i = 0; i < p->n_prompt; i++) {
        const json_t *ids = json_array_get(root, (size_t)i);
        prompt *one = &p->prompts[i];
        one->T = (int)json_array_size(ids);
        RJ_NEW(one->ids, one->T, 1);
        RJ_NEW(one->x, rj_model_config(p->model)->d, one->T);
        for (int j = 0; j < one->T; j++)
            one->ids[j] = (int32_t)json_integer_value(json_array_get(ids, (size_t)j));
    }
done:
    json_decref(root);
    return st;
}

static rj_status read_blocks(probe *p, const char *text)
{
    rj_status st = RJ_OK;

    for (const char *at = text; *at != '\0';) {
        char *end = NULL;
        const long block = strtol(at, &end, 10);
        RJ_REQUIRE(end != at && (*end == ',' || *end == '\0') && p->n_block < MAX_BLOCKS, RJ_ERR_USAGE,
                   "blocks \"%s\": needs numbers such as 0,14,29", text);
        p->block[p->n_block++] = (int)block;
        at = *end == ',' ? end + 1 : end;
    }
done:
    return st;
}

static rj_status create(probe *p, const char *path)
{
    rj_status st = RJ_OK;
    const rj_config *c = rj_model_config(p->model);
    int prompts, depth, d, d_in, block, index;

    TRY_NC(nc_create(path, NC_NETCDF4 | NC_CLOBBER, &p->nc));
    TRY_NC(nc_def_dim(p->nc, "prompt", (size_t)p->n_prompt, &prompts));
    TRY_NC(nc_def_dim(p->nc, "depth", (size_t)c->n_layer + 1, &depth));
    TRY_NC(nc_def_dim(p->nc, "d", (size_t)c->d, &d));
    TRY_NC(nc_def_dim(p->nc, "d_in", (size_t)c->d, &d_in));
    TRY_NC(nc_def_dim(p->nc, "block", (size_t)p->n_block, &block));
    TRY_NC(nc_def_var(p->nc, "hidden", NC_DOUBLE, 3, (int[]){prompts, depth, d}, &p->hidden));
    TRY_NC(nc_def_var(p->nc, "jacobian", NC_DOUBLE, 4, (int[]){prompts, block, d, d_in}, &p->jacobian));
    TRY_NC(nc_def_var(p->nc, "block_index", NC_INT, 1, &block, &index));
    TRY_NC(nc_def_var(p->nc, "next_token", NC_INT, 1, &prompts, &p->next));
    TRY_NC(nc_put_var_int(p->nc, index, p->block));
done:
    return st;
}

static rj_status put_hidden(const probe *p, int i, int depth)
{
    const size_t d = (size_t)rj_model_config(p->model)->d;
    const size_t start[] = {(size_t)i, (size_t)depth, 0}, count[] = {1, 1, d};
    const double *last = p->prompts[i].x + d * (size_t)(p->prompts[i].T - 1);

    return check_nc(nc_put_vara_double(p->nc, p->hidden, start, count, last), "hidden");
}

static rj_status put_jacobian(const probe *p, int i, int block, const rj_point *point)
{
    rj_status st = RJ_OK;
    const int d = rj_model_config(p->model)->d;
    const size_t start[] = {(size_t)i, (size_t)block, 0, 0}, count[] = {1, 1, (size_t)d, (size_t)d};
    rj_matrix jac = {.ld = 1}, rows = {.ld = 1};

    RJ_TRY(rj_matrix_new(p->type, d, d, &jac));
    RJ_TRY(rj_matrix_new(RJ_DOUBLE, d, d, &rows));
    RJ_TRY(rj_point_jacobian(point, RJ_LAST_RAW, &jac));
    rj_matrix_transpose(&jac, &rows);
    TRY_NC(nc_put_vara_double(p->nc, p->jacobian, start, count, rows.data));
done:
    rj_matrix_free(&rows);
    rj_matrix_free(&jac);
    return st;
}

static rj_status run_layer(const probe *p, int layer)
{
    rj_status st = RJ_OK;
    rj_block *block = NULL;
    rj_point *point = NULL;
    int index = 0;

    while (index < p->n_block && p->block[index] != layer) index++;
    RJ_TRY(rj_block_load(p->model, layer, p->type, &block));
    for (int i = 0; i < p->n_prompt; i++) {
        const prompt *one = &p->prompts[i];
        RJ_TRY(rj_block_forward(block, one->T, one->x, one->T - 1, &point));
        if (index < p->n_block) RJ_TRY(put_jacobian(p, i, index, point));
        rj_point_free(&point);
        RJ_TRY(put_hidden(p, i, layer + 1));
    }
done:
    rj_point_free(&point);
    rj_block_free(&block);
    return st;
}

static rj_status put_next(const probe *p, int i, double *logits)
{
    rj_status st = RJ_OK;
    const rj_config *c = rj_model_config(p->model);
    const size_t at = (size_t)i;
    int best = 0;

    RJ_TRY(rj_model_logits(p->model, p->prompts[i].x + (ptrdiff_t)(p->prompts[i].T - 1) * c->d, logits));
    for (int v = 1; v < c->n_vocab; v++)
        if (logits[v] > logits[best]) best = v;
    TRY_NC(nc_put_var1_int(p->nc, p->next, &at, &best));
done:
    return st;
}

static rj_status run(probe *p)
{
    rj_status st = RJ_OK;
    const rj_config *c = rj_model_config(p->model);
    double *logits = NULL;

    RJ_NEW(logits, c->n_vocab, 1);
    for (int i = 0; i < p->n_prompt; i++) {
        RJ_TRY(rj_model_embed(p->model, p->prompts[i].T, p->prompts[i].ids, p->prompts[i].x));
        RJ_TRY(put_hidden(p, i, 0));
    }
    for (int layer = 0; layer < c->n_layer; layer++) RJ_TRY(run_layer(p, layer));
    for (int i = 0; i < p->n_prompt; i++) RJ_TRY(put_next(p, i, logits));
done:
    RJ_FREE(logits);
    return st;
}

static void print_costs(void)
{
    rj_stage_cost cost[RJ_N_STAGES];

    rj_clock_costs(cost);
    for (int s = 0; s < RJ_N_STAGES; s++)
        if (cost[s].seconds > 0.0)
            printf("%-10s %8.3f s %8.1f GFLOP/s\n", rj_stage_name((rj_stage)s), cost[s].seconds,
                   1e-9 * cost[s].flops / cost[s].seconds);
}

int main(int argc, char **argv)
{
    rj_status st = RJ_OK;
    probe p = {.nc = -1};

    RJ_REQUIRE(argc == 5 || argc == 6, RJ_ERR_USAGE, "rj_probe MODEL IDS.json BLOCKS OUT.nc [single|double]");
    p.type = argc == 6 && strcmp(argv[5], "double") == 0 ? RJ_DOUBLE : RJ_SINGLE;
    RJ_TRY(rj_model_open(argv[1], false, 0, &p.model));
    RJ_TRY(read_ids(&p, argv[2]));
    RJ_TRY(read_blocks(&p, argv[3]));
    RJ_TRY(create(&p, argv[4]));
    RJ_TRY(run(&p));
    print_costs();
done:
    if (st != RJ_OK) fprintf(stderr, "%s\n", rj_status_message());
    if (p.nc >= 0 && nc_close(p.nc) != NC_NOERR) st = RJ_ERR_IO;
    for (int i = 0; i < p.n_prompt && p.prompts != NULL; i++) {
        RJ_FREE(p.prompts[i].ids);
        RJ_FREE(p.prompts[i].x);
    }
    RJ_FREE(p.prompts);
    rj_model_close(&p.model);
    return rj_status_exit(st);
}
