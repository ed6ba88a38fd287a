/* rope_config.c: rotary positions as config.json spells them: rope_scaling, or the newer rope_parameters. Layers that slide may
 * have their own, which no scaling changes. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "resjac/base/memory.h"
#include "resjac/model/config_source.h"

static const char *const kinds[] = {
    [RJ_ROPE_DEFAULT] = "default", [RJ_ROPE_LINEAR] = "linear", [RJ_ROPE_DYNAMIC] = "dynamic",
    [RJ_ROPE_YARN] = "yarn",       [RJ_ROPE_LLAMA3] = "llama3", [RJ_ROPE_LONGROPE] = "longrope"};
enum { N_KINDS = sizeof kinds / sizeof *kinds, TEXT_SIZE = 128 };

/* Every key that a rope object may have; any other would be mathematics unread. */
static const char *const known[] = {"type",
                                    "rope_type",
                                    "rope_theta",
                                    "factor",
                                    "original_max_position_embeddings",
                                    "low_freq_factor",
                                    "high_freq_factor",
                                    "beta_fast",
                                    "beta_slow",
                                    "mscale",
                                    "mscale_all_dim",
                                    "truncate",
                                    "attention_factor",
                                    "short_factor",
                                    "long_factor",
                                    "partial_rotary_factor"};

static rj_status check_known(const rj_json *j, const char *where, const json_t *object, bool partial_read)
{
    rj_status st = RJ_OK;
    const char *key = NULL;
    json_t *value = NULL;
    double partial = 1.0;

    json_object_foreach((json_t *)object, key, value)
    {
        size_t i = 0;
        while (i < sizeof known / sizeof *known && strcmp(known[i], key) != 0) i++;
        RJ_REQUIRE(i < sizeof known / sizeof *known, RJ_ERR_FORMAT,
                   "%s: %s has the key %s, which is not understood", j->path, where, key);
    }
    RJ_TRY(rj_json_number(j, object, "partial_rotary_factor", false, &partial));
    RJ_REQUIRE(partial == 1.0 || partial_read, RJ_ERR_FORMAT,
               "%s: %s.partial_rotary_factor = %g, only 1 is evaluated", j->path, where, partial);
done:
    return st;
}

rj_status rj_rope_find_kind(const char *file, const char *key, const char *text, size_t n, rj_rope_kind *kind)
{
    if (n == 2 && memcmp(text, "su", 2) == 0) { /* older spelling */
        *kind = RJ_ROPE_LONGROPE;
        return RJ_OK;
    }
    for (int i = 0; i < N_KINDS; i++)
        if (strlen(kinds[i]) == n && memcmp(kinds[i], text, n) == 0) {
            *kind = (rj_rope_kind)i;
            return RJ_OK;
        }
    return rj_raise(
        RJ_ERR_FORMAT, __FILE__, __LINE__,
        "%s: %s = \"%.*s\" is no known kind of rotary scaling; known: default, linear, dynamic, yarn, "
        "llama3, longrope",
        file, key, (int)(n < TEXT_SIZE ? n : TEXT_SIZE), text);
}

static rj_status read_list(const rj_json *j, const json_t *object, const char *key, int n, double **list)
{
    rj_status st = RJ_OK;
    const json_t *array = json_object_get(object, key);
    double *values = NULL;

    RJ_REQUIRE(json_is_array(array) && json_array_size(array) == (size_t)n, RJ_ERR_FORMAT,
               "%s: %s of the rotary scaling needs a list of %d numbers, one a pair, and has %zu", j->path,
               key, n, json_array_size(array));
    RJ_NEW(values, n, 1);
    for (int i = 0; i < n; i++) {
        const json_t *entry = json_array_get(array, (size_t)i);
        values[i] = json_number_value(entry);
        RJ_REQUIRE(json_is_number(entry) && values[i] > 0.0, RJ_ERR_FORMAT, "%s: %s[%d] is not a number > 0",
                   j->path, key, i);
    }
    *list = values;
    values = NULL;
done:
    RJ_FREE(values);
    return st;
}

/* The original context stands beside the object (Phi-3), in it, or is the context. */
static rj_status read_original(const rj_json *j, const json_t *object, int max_context, double *original)
{
    rj_status st = RJ_OK;

    *original = max_context;
    RJ_TRY(rj_json_number(j, object, "original_max_position_embeddings", false, original));
    RJ_TRY(rj_json_number(j, NULL, "original_max_position_embeddings", false, original));
done:
    return st;
}

static rj_status read_yarn(const rj_json *j, const json_t *object, rj_rope *r)
{
    rj_status st = RJ_OK;

    RJ_TRY(rj_json_number(j, object, "beta_fast", false, &r->beta_fast));
    RJ_TRY(rj_json_number(j, object, "beta_slow", false, &r->beta_slow));
    RJ_TRY(rj_json_number(j, object, "mscale", false, &r->mscale));
    RJ_TRY(rj_json_number(j, object, "mscale_all_dim", false, &r->mscale_all_dim));
    RJ_TRY(rj_json_bool(j, object, "truncate", false, &r->truncate));
    RJ_TRY(rj_json_number(j, object, "attention_factor", false, &r->attention_factor));
done:
    return st;
}

static rj_status read_scaling(const rj_json *j, const json_t *object, int max_context, rj_rope *r)
{
    rj_status st = RJ_OK;
    const bool stretched =
        r->kind == RJ_ROPE_YARN || r->kind == RJ_ROPE_LONGROPE; /* factor may be left out */

    r->original_context = max_context;
    if (stretched || r->kind == RJ_ROPE_LLAMA3)
        RJ_TRY(read_original(j, object, max_context, &r->original_context));
    if (stretched) r->factor = max_context / r->original_context;
    RJ_TRY(rj_json_number(j, object, "factor", !stretched, &r->factor));
    if (r->kind == RJ_ROPE_YARN) RJ_TRY(read_yarn(j, object, r));
    if (r->kind == RJ_ROPE_LLAMA3) {
        RJ_TRY(rj_json_number(j, object, "low_freq_factor", true, &r->low_freq_factor));
        RJ_TRY(rj_json_number(j, object, "high_freq_factor", true, &r->high_freq_factor));
    }
    if (r->kind == RJ_ROPE_LONGROPE) {
        RJ_TRY(rj_json_number(j, object, "attention_factor", false, &r->attention_factor));
        RJ_TRY(read_list(j, object, "short_factor", r->n_rotary / 2, &r->short_factor));
        RJ_TRY(read_list(j, object, "long_factor", r->n_rotary / 2, &r->long_factor));
    }
done:
    return st;
}

/* The object of scaling parameters and its name: transformers takes rope_scaling, else rope_parameters; NULL: none. */
static rj_status find_object(const rj_json *j, const char **where, const json_t **object)
{
    static const char *const names[] = {"rope_scaling", "rope_parameters"};
    rj_status st = RJ_OK;

    *object = NULL;
    for (int i = 0; i < 2 && *object == NULL; i++) {
        const json_t *found = json_object_get(j->root, names[i]);
        RJ_REQUIRE(found == NULL || json_is_null(found) || json_is_object(found), RJ_ERR_FORMAT,
                   "%s: %s is neither null nor an object", j->path, names[i]);
        if (json_object_size(found) == 0) continue;
        *object = found;
        *where = names[i];
    }
done:
    return st;
}

/* Where layers differ, the new spelling has an object a kind of layer, and the old one means full attention. */
static rj_status choose_object(const rj_json *j, bool local, const char **where, const json_t **object)
{
    static const char *const kind[] = {"full_attention", "sliding_attention"};
    static const char *const name[] = {"rope_parameters.full_attention", "rope_parameters.sliding_attention"};
    rj_status st = RJ_OK;
    const char *key = NULL;
    json_t *value = NULL;

    if (*object == NULL || strcmp(*where, "rope_scaling") == 0) {
        if (local) *object = NULL;
        goto done;
    }
    json_object_foreach((json_t *)*object, key, value)
    {
        RJ_REQUIRE(strcmp(key, kind[0]) == 0 || strcmp(key, kind[1]) == 0, RJ_ERR_FORMAT,
                   "%s: rope_parameters has the key %s, needs full_attention and sliding_attention", j->path,
                   key);
        RJ_REQUIRE(json_is_object(value), RJ_ERR_FORMAT, "%s: rope_parameters.%s is no object", j->path, key);
    }
    *object = json_object_get(*object, kind[local]);
    *where = name[local];
done:
    return st;
}

/* The rotated part of a head, which a rope object may say anew. */
static rj_status read_share(const rj_config_source *s, const json_t *object, const rj_config *config,
                            rj_rope *r)
{
    rj_status st = RJ_OK;
    double share = config->rotary_share;

    RJ_REQUIRE(config->rotary_dim <= config->d_head, RJ_ERR_FORMAT, "%s: rotary_dim = %d of a head size %d",
               s->file, config->rotary_dim, config->d_head);
    if (config->rotary_dim > 0) r->n_rotary = config->rotary_dim;
    if (s->family->base.rotary_share == 0.0) goto done;
    if (object != NULL) RJ_TRY(rj_json_number(&s->json, object, "partial_rotary_factor", false, &share));
    RJ_REQUIRE(share > 0.0 && share <= 1.0, RJ_ERR_FORMAT,
               "%s: a share of %g of each head is rotary, needs more than 0 and at most 1", s->file, share);
    r->n_rotary = (int)(config->d_head * share);
done:
    return st;
}

static rj_status read_json(const rj_config_source *s, bool local, const rj_config *config, rj_rope *r)
{
    rj_status st = RJ_OK;
    const rj_json *j = &s->json;
    const char *where = NULL, *key = "rope_type", *text = "default";
    const char *theta_key = s->family->theta_key != NULL ? s->family->theta_key : "rope_theta";
    const json_t *object = NULL;

    RJ_TRY(find_object(j, &where, &object));
    if (s->family->base.has_local_rope) RJ_TRY(choose_object(j, local, &where, &object));
    RJ_TRY(rj_json_number(j, NULL, local ? s->family->local_theta[RJ_FORMAT_SAFETENSORS] : theta_key, false,
                          &r->theta));
    RJ_TRY(read_share(s, object, config, r));
    if (object == NULL) goto done;
    RJ_TRY(check_known(j, where, object, config->rotary_share > 0.0));
    RJ_TRY(rj_json_number(j, object, "rope_theta", false, &r->theta));
    if (json_object_get(object, "rope_type") == NULL) key = "type";
    RJ_TRY(rj_json_string(j, object, key, false, &text));
    RJ_TRY(rj_rope_find_kind(j->path, key, text, strlen(text), &r->kind));
    if (s->family->yarn_is_longrope && r->kind == RJ_ROPE_YARN) r->kind = RJ_ROPE_LONGROPE;
    if (r->kind != RJ_ROPE_DEFAULT) RJ_TRY(read_scaling(j, object, config->max_context, r));
done:
    return st;
}

static rj_status check(const char *file, const rj_rope *r)
{
    rj_status st = RJ_OK;
    const bool scaled = r->kind != RJ_ROPE_DEFAULT;

    RJ_REQUIRE(r->n_rotary % 2 == 0 && r->n_rotary >= 2, RJ_ERR_FORMAT,
               "%s: %d rotary dimensions of a head; rotary positions turn pairs", file, r->n_rotary);
    RJ_REQUIRE(isfinite(r->theta) && r->theta > 1.0, RJ_ERR_FORMAT, "%s: rope theta = %g, needs > 1", file,
               r->theta);
    RJ_REQUIRE(!scaled || (isfinite(r->factor) && r->factor > 0.0), RJ_ERR_FORMAT,
               "%s: rope factor = %g, needs > 0", file, r->factor);
    RJ_REQUIRE(!scaled || (isfinite(r->original_context) && r->original_context >= 1.0), RJ_ERR_FORMAT,
               "%s: original context = %g tokens, needs >= 1", file, r->original_context);
    RJ_REQUIRE(r->kind != RJ_ROPE_LLAMA3 ||
                   (r->low_freq_factor > 0.0 && r->high_freq_factor > r->low_freq_factor),
               RJ_ERR_FORMAT, "%s: low_freq_factor = %g, high_freq_factor = %g, need 0 < low < high", file,
               r->low_freq_factor, r->high_freq_factor);
    RJ_REQUIRE(r->kind != RJ_ROPE_YARN || (r->beta_slow > 0.0 && r->beta_fast > 0.0), RJ_ERR_FORMAT,
               "%s: beta_fast = %g, beta_slow = %g, need > 0", file, r->beta_fast, r->beta_slow);
    RJ_REQUIRE(r->kind != RJ_ROPE_DYNAMIC || (r->n_rotary > 2 && r->factor >= 1.0), RJ_ERR_FORMAT,
               "%s: dynamic rope needs a head size above 2 and a factor >= 1, has %d and %g", file,
               r->n_rotary, r->factor);
    RJ_REQUIRE(isfinite(r->attention_factor) && r->attention_factor >= 0.0, RJ_ERR_FORMAT,
               "%s: attention_factor = %g, needs > 0", file, r->attention_factor);
done:
    return st;
}

static rj_status read_one(const rj_config_source *s, bool local, const rj_config *config, rj_rope *r)
{
    rj_status st = RJ_OK;
    const double theta = local ? 0.0 : s->family->rope_theta[s->format];

    *r = (rj_rope){.n_rotary = config->d_head,
                   .theta = theta > 0.0 ? theta : 10000.0,
                   .beta_fast = 32.0,
                   .beta_slow = 1.0,
                   .truncate = true};
    RJ_TRY(s->format == RJ_FORMAT_GGUF ? rj_rope_read_gguf(s, local, config, r)
                                       : read_json(s, local, config, r));
    RJ_TRY(check(s->file, r));
done:
    return st;
}

rj_status rj_rope_read(const rj_config_source *s, rj_config *config)
{
    rj_status st = RJ_OK;
    const rj_rope *r = &config->rope;
    double reach = config->max_context;

    if (config->position != RJ_POSITION_ROTARY) goto done;
    if (config->has_local_rope) RJ_TRY(read_one(s, true, config, &config->local_rope));
    RJ_TRY(read_one(s, false, config, &config->rope));
    if (r->kind == RJ_ROPE_LINEAR || r->kind == RJ_ROPE_DYNAMIC) reach *= r->factor;
    if (r->kind == RJ_ROPE_YARN) reach = fmax(reach, r->factor * r->original_context);
    config->max_context = reach < 1e9 ? (int)fmax(reach, config->max_context) : 1000000000;
done:
    return st;
}
