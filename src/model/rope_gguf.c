/* rope_gguf.c: rotary positions as GGUF spells them: keys, and tensors of divisors. */
#include <math.h>
#include <string.h>

#include "resjac/base/memory.h"
#include "resjac/model/config_source.h"

static const char *const LISTS[] = {"rope_factors_long.weight", "rope_factors_short.weight"};

/* A tensor [n] that divides frequencies; *divisors stays NULL where there is none. */
static rj_status read_divisors(const rj_weights *w, int n, const char *name, double **divisors)
{
    rj_status st = RJ_OK;
    const rj_tensor *t = rj_weights_find(w, name);
    float *values = NULL;

    if (t == NULL) goto done;
    RJ_REQUIRE(t->n_dims == 1 && t->shape[0] == n, RJ_ERR_FORMAT,
               "%s: tensor %s has %td x %td values, needs %d", rj_weights_file(w, t), name, rj_tensor_rows(t),
               rj_tensor_columns(t), n);
    RJ_NEW(values, n, 1);
    RJ_TRY(rj_weights_read(w, t, 0, 1, values, n));
    RJ_NEW(*divisors, n, 1);
    for (int i = 0; i < n; i++) {
        RJ_REQUIRE(values[i] > 0.0f && values[i] < INFINITY, RJ_ERR_NUMERIC, "%s: tensor %s: value %d is %g",
                   rj_weights_file(w, t), name, i, (double)values[i]);
        (*divisors)[i] = (double)values[i];
    }
done:
    RJ_FREE(values);
    return st;
}

/* Both lists, and the factor of the logits that the converter worked out. */
static rj_status read_longrope(const rj_config_source *s, const rj_config *config, rj_rope *r)
{
    rj_status st = RJ_OK;

    RJ_TRY(read_divisors(s->weights, r->n_rotary / 2, LISTS[0], &r->long_factor));
    RJ_TRY(read_divisors(s->weights, r->n_rotary / 2, LISTS[1], &r->short_factor));
    RJ_REQUIRE(r->long_factor != NULL && r->short_factor != NULL, RJ_ERR_FORMAT,
               "%s: longrope needs the tensors %s and %s", s->file, LISTS[0], LISTS[1]);
    r->factor = config->max_context / r->original_context;
    r->attention_factor = config->rope_attention > 0.0 ? config->rope_attention : 1.0;
done:
    return st;
}

static rj_status read_kind(const rj_config_source *s, rj_rope *r)
{
    rj_status st = RJ_OK;
    char name[RJ_SOURCE_NAME_SIZE];
    rj_span text = {"default", 7};

    rj_source_key(s, "rope.scaling.type", name);
    if (rj_gguf_has(s->gguf, name))
        RJ_TRY(rj_gguf_string(s->gguf, name, &text));
    else if (r->factor > 0.0)
        text = (rj_span){"linear", 6}; /* as llama.cpp has it */
    if (text.n == 4 && memcmp(text.text, "none", 4) == 0) text = (rj_span){"default", 7};
    RJ_TRY(rj_rope_find_kind(s->file, name, text.text, text.n, &r->kind));
    if (rj_weights_find(s->weights, LISTS[0]) != NULL) r->kind = RJ_ROPE_LONGROPE; /* whatever the key says */
    RJ_REQUIRE(r->kind == RJ_ROPE_LONGROPE || r->kind == RJ_ROPE_DEFAULT || r->kind == RJ_ROPE_LINEAR ||
                   r->kind == RJ_ROPE_YARN,
               RJ_ERR_FORMAT,
               "%s: %s = \"%.*s\" is not evaluated for a GGUF file; use the safetensors checkpoint", s->file,
               name, (int)text.n, text.text);
done:
    return st;
}

/* A converter that leaves the base out leaves it out of models with another base, too. */
static rj_status require_theta(const rj_config_source *s, int d_head)
{
    rj_status st = RJ_OK;
    char name[RJ_SOURCE_NAME_SIZE];
    const int safe = s->family->gguf_theta_head;

    rj_source_key(s, "rope.freq_base", name);
    RJ_REQUIRE(
        safe == 0 || d_head == safe || rj_gguf_has(s->gguf, name), RJ_ERR_FORMAT,
        "%s: %s is missing; a %s with heads of %d may have any base, with heads of %d it has 10000; use the "
        "safetensors checkpoint",
        s->file, name, s->family->name, d_head, safe);
done:
    return st;
}

rj_status rj_rope_read_gguf(const rj_config_source *s, bool local, const rj_config *config, rj_rope *r)
{
    rj_status st = RJ_OK;
    double rotary = r->n_rotary;

    RJ_TRY(rj_source_gguf_number(s, "rope.dimension_count", &rotary));
    RJ_REQUIRE(rotary == r->n_rotary || (config->rotary_share > 0.0 && rotary >= 2.0 && rotary < r->n_rotary),
               RJ_ERR_FORMAT, "%s: %s.rope.dimension_count = %g, needs the head size %d", s->file,
               s->family->architecture, rotary, r->n_rotary);
    r->n_rotary = (int)rotary;
    if (local) {
        RJ_TRY(rj_source_gguf_number(s, s->family->local_theta[RJ_FORMAT_GGUF], &r->theta));
        goto done;
    }
    RJ_TRY(require_theta(s, config->d_head));
    RJ_TRY(rj_source_gguf_number(s, "rope.freq_base", &r->theta));
    RJ_TRY(rj_source_gguf_number(s, "rope.scale_linear", &r->factor)); /* older spelling of scaling.factor */
    RJ_TRY(rj_source_gguf_number(s, "rope.scaling.factor", &r->factor));
    RJ_TRY(read_kind(s, r));
    r->original_context = config->max_context;
    RJ_TRY(rj_source_gguf_number(s, "rope.scaling.original_context_length", &r->original_context));
    RJ_TRY(rj_source_gguf_number(s, "rope.scaling.yarn_beta_fast", &r->beta_fast));
    RJ_TRY(rj_source_gguf_number(s, "rope.scaling.yarn_beta_slow", &r->beta_slow));
    RJ_TRY(read_divisors(s->weights, r->n_rotary / 2, "rope_freqs.weight", &r->divisor));
    if (r->kind == RJ_ROPE_LONGROPE) RJ_TRY(read_longrope(s, config, r));
done:
    return st;
}
