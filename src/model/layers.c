/* layers.c: which layers see a window: a list of names, GPT-Neo's pattern, or a rule. */
#include <string.h>

#include "resjac/model/config_source.h"

/* Names of kinds: of a list, and of a pattern; sliding second. */
static const char *const kinds[][2] = {{"full_attention", "sliding_attention"}, {"global", "local"}};

/* Layer l of that kind; where names the entry. */
static rj_status put(const rj_config_source *s, const char *const kind[2], const char *where, int l,
                     const json_t *entry, rj_config *c)
{
    rj_status st = RJ_OK;
    const char *text = json_string_value(entry);
    const bool sliding = text != NULL && strcmp(text, kind[1]) == 0;

    RJ_REQUIRE(sliding || (text != NULL && strcmp(text, kind[0]) == 0), RJ_ERR_FORMAT,
               "%s: %s[%d] = \"%s\" is no known kind of layer; known: %s, %s", s->file, where, l,
               text != NULL ? text : "(not a string)", kind[0], kind[1]);
    c->sliding[l] = sliding;
done:
    return st;
}

static rj_status read_names(const rj_config_source *s, const char *name, const json_t *list, rj_config *c)
{
    rj_status st = RJ_OK;

    RJ_REQUIRE(json_is_array(list) && json_array_size(list) == (size_t)c->n_layer, RJ_ERR_FORMAT,
               "%s: %s has %zu entries, needs a list of %d, one a layer, at most %d", s->file, name,
               json_array_size(list), c->n_layer, RJ_MAX_LAYERS);
    for (int l = 0; l < c->n_layer; l++)
        RJ_TRY(put(s, kinds[0], name, l, json_array_get(list, (size_t)l), c));
done:
    return st;
}

/* Items [names, times], one behind the other. */
static rj_status read_pattern(const rj_config_source *s, const char *name, const json_t *list, rj_config *c)
{
    rj_status st = RJ_OK;
    size_t item = 0, i = 0;
    const json_t *entry = NULL, *kind = NULL;
    int l = 0;

    RJ_REQUIRE(json_is_array(list), RJ_ERR_FORMAT, "%s: %s is no list of [kinds, times]", s->file, name);
    json_array_foreach((json_t *)list, item, entry)
    {
        const json_t *names = json_array_get(entry, 0), *times = json_array_get(entry, 1);
        RJ_REQUIRE(json_is_array(names) && json_is_integer(times), RJ_ERR_FORMAT,
                   "%s: %s[%zu] is not [kinds, times]", s->file, name, item);
        for (json_int_t n = json_integer_value(times); n > 0 && l <= c->n_layer; n--)
            json_array_foreach((json_t *)names, i, kind)
            {
                if (l < c->n_layer) RJ_TRY(put(s, kinds[1], name, l, kind, c));
                l++;
            }
    }
    RJ_REQUIRE(l == c->n_layer, RJ_ERR_FORMAT, "%s: %s makes %s than the %d layers", s->file, name,
               l < c->n_layer ? "fewer" : "more", c->n_layer);
done:
    return st;
}

rj_status rj_layers_read(const rj_config_source *s, rj_key_kind kind, const char *name, const json_t *list,
                         rj_config *c)
{
    rj_status st = RJ_OK;

    RJ_REQUIRE(c->n_layer <= RJ_MAX_LAYERS, RJ_ERR_FORMAT, "%s: %d layers, at most %d", s->file, c->n_layer,
               RJ_MAX_LAYERS);
    RJ_TRY(kind == RJ_KEY_LAYERS ? read_names(s, name, list, c) : read_pattern(s, name, list, c));
    c->sliding_listed = true;
done:
    return st;
}

rj_status rj_layers_derive(const rj_config_source *s, rj_config *c)
{
    rj_status st = RJ_OK;
    const bool windowed = c->use_window && c->window > 0;

    RJ_REQUIRE(c->n_layer <= RJ_MAX_LAYERS, RJ_ERR_FORMAT, "%s: %d layers, at most %d", s->file, c->n_layer,
               RJ_MAX_LAYERS);
    for (int l = 0; l < c->n_layer; l++) {
        if (!c->sliding_listed)
            c->sliding[l] =
                windowed && l >= c->window_from && (c->window_period == 0 || (l + 1) % c->window_period != 0);
        RJ_REQUIRE(windowed || !c->sliding[l], RJ_ERR_FORMAT,
                   "%s: layer_types[%d] = \"sliding_attention\", but no window is in use (sliding_window, "
                   "use_sliding_window)",
                   s->file, l);
    }
done:
    return st;
}
