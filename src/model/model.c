/* model.c: a checkpoint from token ids to X^0, and from a state to logits. */
#include "resjac/model/model.h"

#include <math.h>
#include <string.h>

#include "resjac/base/memory.h"
#include "resjac/model/roles.h"

enum { HEAD_ROWS = 64 }; /* read at a time */

/* A stack of the file that model->weights has open. */
static rj_status open_stack(rj_model *m, rj_stack stack)
{
    rj_status st = RJ_OK;

    RJ_TRY(rj_config_read_stack(m->weights, stack, &m->config));
    m->family = rj_family_named(m->config.family);
    RJ_TRY(rj_tensors_check(m));
    RJ_TRY(rj_tensors_norm(m, RJ_EMBEDDING_NORM, 0, &m->embedding_norm));
    RJ_TRY(rj_tensors_norm(m, RJ_FINAL_NORM, 0, &m->final_norm));
    if (rj_role_exists(m, RJ_PROJECT_IN))
        RJ_TRY(rj_tensors_linear(m, RJ_PROJECT_IN, 0, RJ_DOUBLE, &m->project_in));
    if (rj_role_exists(m, RJ_PROJECT_OUT))
        RJ_TRY(rj_tensors_linear(m, RJ_PROJECT_OUT, 0, RJ_DOUBLE, &m->project_out));
done:
    return st;
}

/* The other stack of a decoder's file; the embedding is of both. */
static rj_status open_encoder(rj_model *m)
{
    rj_status st = RJ_OK;

    if (m->family->encoder == NULL) goto done;
    RJ_NEW(m->encoder, 1, 1);
    m->encoder->random_init = m->random_init;
    m->encoder->seed = m->seed;
    m->encoder->weights = m->weights;
    RJ_TRY(open_stack(m->encoder, RJ_STACK_ENCODER));
    m->n_parameters += m->encoder->n_parameters - rj_role_elements(&m->config, RJ_EMBEDDING, RJ_WEIGHT);
done:
    return st;
}

rj_status rj_model_open_stack(const char *path, rj_stack stack, bool random_init, uint64_t seed,
                              rj_model **model)
{
    rj_status st = RJ_OK;
    rj_model *new = NULL;

    RJ_NEW(new, 1, 1);
    new->random_init = random_init;
    new->seed = seed;
    RJ_TRY(rj_weights_open(path, &new->weights));
    RJ_TRY(open_stack(new, stack));
    RJ_TRY(open_encoder(new));
    *model = new;
    new = NULL;
done:
    rj_model_close(&new);
    return st;
}

rj_status rj_model_open(const char *path, bool random_init, uint64_t seed, rj_model **model)
{
    return rj_model_open_stack(path, RJ_STACK_DEFAULT, random_init, seed, model);
}

void rj_model_close(rj_model **model)
{
    rj_model *m = *model;

    if (m == NULL) return;
    if (m->encoder != NULL) m->encoder->weights = NULL;
    rj_model_close(&m->encoder);
    rj_norm_free(&m->embedding_norm);
    rj_norm_free(&m->final_norm);
    rj_linear_free(&m->project_in);
    rj_linear_free(&m->project_out);
    rj_config_free(&m->config);
    rj_weights_close(&m->weights);
    RJ_FREE(*model);
}

const rj_model *rj_model_encoder(const rj_model *model)
{
    return model->encoder;
}

const rj_config *rj_model_config(const rj_model *model)
{
    return &model->config;
}

const rj_weights *rj_model_weights(const rj_model *model)
{
    return model->weights;
}

int64_t rj_model_parameters(const rj_model *model)
{
    return model->n_parameters;
}

/* x <- x + learned positions of tokens 0..T-1 */
static rj_status add_positions(const rj_model *model, int T, double *x)
{
    rj_status st = RJ_OK;
    const ptrdiff_t n = (ptrdiff_t)model->config.d * T;
    rj_rows rows = {0};
    float *read = NULL;

    RJ_TRY(rj_tensors_rows(model, RJ_POSITIONS, 0, &rows));
    RJ_NEW(read, model->config.d, T);
    RJ_TRY(rj_rows_read(&rows, model->config.position_offset, T, read));
    for (ptrdiff_t i = 0; i < n; i++) x[i] += (double)read[i];
done:
    RJ_FREE(read);
    return st;
}

/* y [n_y,T] <- W x [n_x,T]; a copy where there is no W. */
static rj_status project(const rj_linear *linear, int T, int n_x, const double *x, int n_y, double *y)
{
    const rj_matrix from = {RJ_DOUBLE, n_x, T, n_x, (double *)x};
    rj_matrix to = {RJ_DOUBLE, n_y, T, n_y, y};

    if (linear->weight.data != NULL) return rj_linear_forward(linear, &from, &to);
    rj_matrix_copy(&from, &to);
    return RJ_OK;
}

rj_status rj_model_embed(const rj_model *model, int T, const int32_t *ids, double *x)
{
    rj_status st = RJ_OK;
    const rj_config *c = &model->config;
    const char *path = rj_weights_path(model->weights);
    const ptrdiff_t n = (ptrdiff_t)c->d_embedding * T;
    rj_rows rows = {0};
    float *read = NULL;
    double *words = NULL;

    RJ_REQUIRE(T >= 1, RJ_ERR_FORMAT, "%s: a prompt of %d tokens, needs at least 1", path, T);
    RJ_REQUIRE(T <= c->max_context, RJ_ERR_FORMAT, "%s: a prompt of %d tokens is beyond the context of %d",
               path, T, c->max_context);
    for (int j = 0; j < T; j++)
        RJ_REQUIRE(0 <= ids[j] && ids[j] < c->n_vocab, RJ_ERR_FORMAT,
                   "%s: token %d of the prompt has id %d, the vocabulary ends at %d; is it another model's "
                   "tokenizer?",
                   path, j, (int)ids[j], c->n_vocab - 1);
    RJ_TRY(rj_tensors_rows(model, RJ_EMBEDDING, 0, &rows));
    RJ_NEW(read, c->d_embedding, T);
    RJ_NEW(words, c->d_embedding, T);
    for (int j = 0; j < T; j++) RJ_TRY(rj_rows_read(&rows, ids[j], 1, read + (ptrdiff_t)j * c->d_embedding));
    for (ptrdiff_t i = 0; i < n; i++) words[i] = c->embedding_scale * (double)read[i];
    RJ_TRY(project(&model->project_in, T, c->d_embedding, words, c->d, x));
    for (int j = 0; j < T; j++)
        rj_norm_apply(&model->embedding_norm, x + (ptrdiff_t)j * c->d, x + (ptrdiff_t)j * c->d);
    if (c->position == RJ_POSITION_LEARNED) RJ_TRY(add_positions(model, T, x));
done:
    RJ_FREE(words);
    RJ_FREE(read);
    return st;
}

rj_status rj_model_final_norm(const rj_model *model, const double *x, double *y)
{
    memcpy(y, x, sizeof(double) * (size_t)model->config.d);
    rj_norm_apply(&model->final_norm, y, y);
    return RJ_OK;
}

/* logits <- c tanh((logits + bias)/c), c the final soft-cap if there is one */
static rj_status finish_logits(const rj_model *model, double *logits)
{
    rj_status st = RJ_OK;
    const int n = model->config.n_vocab;
    const double cap = model->config.final_softcap;
    double *bias = NULL;

    if (rj_role_is_needed(model, RJ_HEAD, RJ_BIAS) && !model->random_init) { /* drawn biases are 0 */
        RJ_NEW(bias, n, 1);
        RJ_TRY(rj_tensors_bias(model, RJ_HEAD, 0, n, bias));
        for (int i = 0; i < n; i++) logits[i] += bias[i];
    }
    for (int i = 0; cap > 0.0 && i < n; i++) logits[i] = cap * tanh(logits[i] / cap);
done:
    RJ_FREE(bias);
    return st;
}

rj_status rj_model_logits(const rj_model *model, const double *x, double *logits)
{
    rj_status st = RJ_OK;
    const int d = model->config.d, n = model->config.d_embedding, n_vocab = model->config.n_vocab;
    rj_rows rows = {0};
    float *read = NULL;
    double *y = NULL, *z = NULL;

    RJ_REQUIRE(model->config.has_head, RJ_ERR_FORMAT, "%s has no head: it is %s",
               rj_weights_path(model->weights),
               model->config.bidirectional ? "evaluated as an encoder, which gives no logits"
                                           : "an export of the base model alone");
    RJ_NEW(y, d, 1);
    RJ_NEW(z, n, 1);
    RJ_NEW(read, n, HEAD_ROWS);
    RJ_TRY(rj_tensors_rows(model, RJ_HEAD, 0, &rows));
    RJ_TRY(rj_model_final_norm(model, x, y));
    RJ_TRY(project(&model->project_out, 1, d, y, n, z));
    for (int i = 0; i < n && model->family->tied_head_by_sqrt_d && model->config.tied_head; i++)
        z[i] /= sqrt((double)d);
    for (int row = 0; row < n_vocab; row += HEAD_ROWS) {
        const int some = n_vocab - row < HEAD_ROWS ? n_vocab - row : HEAD_ROWS;
        const rj_matrix part = {RJ_SINGLE, n, some, n, read};
        RJ_TRY(rj_rows_read(&rows, row, some, read));
        rj_matrix_times('T', &part, z, logits + row);
    }
    RJ_TRY(finish_logits(model, logits));
done:
    RJ_FREE(read);
    RJ_FREE(z);
    RJ_FREE(y);
    return st;
}
