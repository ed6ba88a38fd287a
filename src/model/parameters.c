/* parameters.c: how many parameters a model has, from its configuration alone. */
#include "resjac/base/memory.h"
#include "resjac/model/roles.h"

enum { MOST_TOKENS = 1 << 28 };

/* Rows of the embedding: in config.json, or in the text_config of a wrapper. */
static rj_status read_vocabulary(const rj_weights *w, const rj_family *family, int *n_vocab)
{
    rj_status st = RJ_OK;
    const rj_json *j = rj_weights_config(w);
    const json_t *text = json_object_get(j->root, "text_config");
    const char *key = family->vocabulary_key != NULL ? family->vocabulary_key : "vocab_size";
    int64_t n = 0;

    RJ_TRY(rj_json_integer(j, json_is_object(text) ? text : j->root, key, true, &n));
    RJ_REQUIRE(1 <= n && n < MOST_TOKENS, RJ_ERR_FORMAT, "%s: %s = %lld, needs 1..%d", j->path, key,
               (long long)n, MOST_TOKENS - 1);
    *n_vocab = (int)n;
done:
    return st;
}

static int64_t count(const rj_model *model)
{
    const rj_config *c = &model->config;
    int64_t n = 0;

    for (rj_role role = 0; role < RJ_N_ROLES; role++)
        for (rj_part part = RJ_WEIGHT; part < RJ_N_PARTS; part++)
            if (rj_role_is_needed(model, role, part))
                n += rj_role_count(c, role) * rj_role_elements(c, role, part);
    return n;
}

/* Of one stack, with the encoder that a decoder needs; the embedding is of both. */
static rj_status count_stack(rj_model *model, rj_stack stack, int64_t *n_parameters)
{
    rj_status st = RJ_OK;
    rj_model encoder = {.weights = model->weights};
    int64_t n = 0;

    RJ_TRY(rj_config_read_stack(model->weights, stack, &model->config));
    model->family = rj_family_named(model->config.family);
    RJ_TRY(read_vocabulary(model->weights, model->family, &model->config.n_vocab));
    model->config.has_head = model->family->stem[RJ_HEAD][RJ_FORMAT_SAFETENSORS] != NULL;
    model->prefix = model->family->prefixes;
    *n_parameters = count(model);
    if (model->family->encoder == NULL) goto done;
    RJ_TRY(count_stack(&encoder, RJ_STACK_ENCODER, &n));
    *n_parameters += n - rj_role_elements(&model->config, RJ_EMBEDDING, RJ_WEIGHT);
done:
    rj_config_free(&encoder.config);
    return st;
}

rj_status rj_model_count(const char *path, rj_config *config, int64_t *n_parameters)
{
    return rj_model_count_stack(path, RJ_STACK_DEFAULT, config, n_parameters);
}

rj_status rj_model_count_stack(const char *path, rj_stack stack, rj_config *config, int64_t *n_parameters)
{
    rj_status st = RJ_OK;
    rj_model model = {0};
    int64_t n = 0;

    RJ_TRY(rj_weights_open(path, &model.weights));
    RJ_REQUIRE(rj_weights_config(model.weights) != NULL, RJ_ERR_FORMAT,
               "%s: a GGUF file has no config.json to count by", path);
    RJ_TRY(count_stack(&model, stack, &n));
    *n_parameters = n;
    *config = model.config;
    model.config = (rj_config){0};
done:
    rj_config_free(&model.config);
    rj_weights_close(&model.weights);
    return st;
}
