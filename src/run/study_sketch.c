/* study_sketch.c: a study from configurations alone, before any weights are there. */
#include <string.h>

#include "resjac/base/file.h"
#include "resjac/base/log.h"
#include "resjac/base/memory.h"
#include "study_models.h"

enum { PROMPTS_LIMIT = 1 << 30, BYTES_A_TOKEN = 4 };

/* A folder's config.json, else the file itself. */
static rj_status config_path(const char *path, char **config)
{
    return rj_path_is_folder(path) ? rj_path_join(path, "config.json", config) : rj_path_copy(path, config);
}

/* Numbers of tokens: by the tokenizer where it is there, else guessed from the texts. */
static rj_status count_tokens(const rj_study *s, const rj_weights *w, rj_study_model *m)
{
    rj_status st = RJ_OK;
    const rj_deck *deck = s->deck;
    const rj_prompt_rules rules = {deck->max_tokens, deck->truncate_left, deck->special_tokens};
    rj_tokenizer *tok = NULL;
    bool guess = false;

    RJ_NEW(m->ids, s->prompts->n, 1);
    RJ_NEW(m->tokens, s->prompts->n, 1);
    guess = rj_tokenizer_open(w, &tok) != RJ_OK;
    for (int p = 0; p < s->prompts->n; p++) {
        const rj_prompt *prompt = &s->prompts->prompt[p];
        if (prompt->text != NULL && guess)
            m->tokens[p].n = (int)(prompt->n_text / BYTES_A_TOKEN) + 1;
        else
            RJ_TRY(rj_prompt_tokens(s->prompts, p, tok, m->config.max_context, &rules, &m->ids[p],
                                    &m->tokens[p].n));
        if (m->tokens[p].n > deck->max_tokens) m->tokens[p].n = deck->max_tokens;
    }
done:
    rj_tokenizer_close(&tok);
    return st;
}

static rj_status sketch_model(const rj_study *s, rj_study_model *m)
{
    rj_status st = RJ_OK;
    rj_weights *w = NULL;
    rj_config config = {0};
    char *path = NULL;
    int64_t n_parameters = 0;

    RJ_TRY(config_path(m->deck->path, &path));
    RJ_TRY(rj_weights_open(path, &w));
    RJ_TRY(rj_config_read_stack(w, m->deck->stack, &config));
    if (rj_weights_format(w) == RJ_FORMAT_SAFETENSORS) {
        rj_config counted = {0};
        RJ_TRY(rj_model_count_stack(path, m->deck->stack, &counted, &n_parameters));
        rj_config_free(&counted);
    }
    RJ_TRY(rj_study_describe(s, &config, n_parameters, m));
    RJ_TRY(count_tokens(s, w, m));
    RJ_TRY(rj_study_choose_tokens(s, m));
    RJ_TRY(rj_study_choose_grid(s, m));
    m->n_units = rj_study_count_units(s);
done:
    rj_config_free(&config);
    rj_weights_close(&w);
    RJ_FREE(path);
    return st;
}

rj_status rj_study_sketch(const rj_deck *deck, int64_t memory, rj_study **study)
{
    rj_status st = RJ_OK;
    rj_study *own = NULL;
    char *text = NULL;
    size_t n = 0;

    RJ_NEW(own, 1, 1);
    own->deck = deck;
    own->memory = memory;
    RJ_TRY(rj_file_load(deck->prompts, PROMPTS_LIMIT, &text, &n));
    RJ_TRY(rj_prompts_parse(deck->prompts, text, n, &own->prompts));
    RJ_TRY(rj_study_choose_aligned(own));
    RJ_TRY(rj_study_list_models(own));
    for (int i = 0; i < own->n_models; i++) {
        rj_study_model *m = &own->model[i];
        m->status = sketch_model(own, m);
        if (m->status != RJ_OK) snprintf(m->why, sizeof m->why, "%s", rj_status_message());
    }
    *study = own;
    own = NULL;
done:
    RJ_FREE(text);
    rj_study_free(&own);
    return st;
}
