/* shard_read.c: a shard may be cut, altered or made up: nothing of it is believed before it is checked. */
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "content.h"
#include "layout.h"
#include "resjac/base/memory.h"
#include "shard_head.h"

/* The shard and what its head points to. `shard` is first: a pointer to one is a pointer to the other. */
typedef struct {
    rj_shard shard;
    int *k_count, *token;
    char (*k_text)[RJ_NAME_SIZE];
    const char **k_label;
    char arithmetic[RJ_NAME_SIZE], last_block[RJ_NAME_SIZE];
} owner;

/* No model has more: beyond them a size is an error, not a wish. */
static const size_t largest[RJ_N_DIMS] = {[RJ_DIM_PROMPT] = 1 << 24,
                                          [RJ_DIM_LAYER] = 1 << 14,
                                          [RJ_DIM_LAYER_J] = 1 << 14,
                                          [RJ_DIM_DEPTH] = (1 << 14) + 1,
                                          [RJ_DIM_K] = 1 << 10,
                                          [RJ_DIM_SV] = 1 << 20,
                                          [RJ_DIM_PC] = 16,
                                          [RJ_DIM_TOKEN] = 1 << 20,
                                          [RJ_DIM_TOKEN_J] = 1 << 20,
                                          [RJ_DIM_APROMPT] = 1 << 24,
                                          [RJ_DIM_I] = RJ_ALIGNMENT_MOST,
                                          [RJ_DIM_J] = RJ_ALIGNMENT_MOST};

static rj_status get_sizes(const rj_nc *nc, rj_sizes *sizes)
{
    rj_status st = RJ_OK;
    rj_sizes s = {.modes = 0};
    int group = -1;

    for (int i = RJ_DIM_PROMPT; i < RJ_N_DIMS; i++) {
        const char *name = rj_dim_name((rj_dim)i);
        int id = -1;
        size_t n = 0;
        if (i >= RJ_DIM_TOKEN && nc_inq_dimid(nc->id, name, &id) != NC_NOERR)
            continue; /* no token mode, no alignment */
        RJ_REQUIRE(nc_inq_dimid(nc->id, name, &id) == NC_NOERR && nc_inq_dimlen(nc->id, id, &n) == NC_NOERR,
                   RJ_ERR_FORMAT, "%s: dimension %s is missing: not a shard, or broken", nc->path, name);
        RJ_REQUIRE(n >= 1 && n <= largest[i], RJ_ERR_FORMAT, "%s: dimension %s is %zu, not in 1..%zu",
                   nc->path, name, n, largest[i]);
        s.size[i] = (ptrdiff_t)n;
    }
    RJ_REQUIRE(s.size[RJ_DIM_LAYER_J] == s.size[RJ_DIM_LAYER] &&
                   s.size[RJ_DIM_DEPTH] == s.size[RJ_DIM_LAYER] + 1,
               RJ_ERR_FORMAT, "%s: %td layers do not go with layer_j = %td, depth = %td", nc->path,
               s.size[RJ_DIM_LAYER], s.size[RJ_DIM_LAYER_J], s.size[RJ_DIM_DEPTH]);
    RJ_REQUIRE(s.size[RJ_DIM_APROMPT] <= s.size[RJ_DIM_PROMPT] && s.size[RJ_DIM_I] == s.size[RJ_DIM_J] &&
                   (s.size[RJ_DIM_APROMPT] > 0) == (s.size[RJ_DIM_I] > 0),
               RJ_ERR_FORMAT, "%s: %td prompts do not go with aprompt = %td, i = %td, j = %td", nc->path,
               s.size[RJ_DIM_PROMPT], s.size[RJ_DIM_APROMPT], s.size[RJ_DIM_I], s.size[RJ_DIM_J]);
    for (int mode = RJ_MODE_DEPTH + 1; mode < RJ_N_MODES; mode++)
        if (nc_inq_ncid(nc->id, rj_mode_name((rj_mode)mode), &group) == NC_NOERR) s.modes |= 1u << mode;
    RJ_REQUIRE(s.size[RJ_DIM_TOKEN] == s.size[RJ_DIM_TOKEN_J] && (s.size[RJ_DIM_TOKEN] > 0) == (s.modes != 0),
               RJ_ERR_FORMAT,
               "%s: the groups of its token modes (%#zx) do not go with token = %td, token_j = %td", nc->path,
               s.modes, s.size[RJ_DIM_TOKEN], s.size[RJ_DIM_TOKEN_J]);
    *sizes = s;
done:
    return st;
}

/* Deflate reaches 1:1032 at most: a file that claims more never held its values, and memory is not given for it. */
static rj_status check_volume(const rj_nc *nc, const rj_sizes *sizes)
{
    rj_status st = RJ_OK;
    struct stat file;
    double claimed = 0.0;

    RJ_REQUIRE(stat(nc->path, &file) == 0, RJ_ERR_MISSING, "%s: vanished while it was read", nc->path);
    for (int id = 0; id < RJ_N_VARIABLES; id++)
        claimed += 4.0 * (double)rj_schema_rows((rj_variable_id)id, sizes) *
                   (double)rj_schema_count((rj_variable_id)id, sizes);
    RJ_REQUIRE(claimed <= 1100.0 * (double)file.st_size, RJ_ERR_FORMAT,
               "%s: %lld bytes cannot hold the %.0f that its dimensions ask for", nc->path,
               (long long)file.st_size, claimed);
done:
    return st;
}

static rj_status get_facts(const rj_nc *nc, rj_model_facts *m)
{
    rj_status st = RJ_OK;
    int64_t trained = 0, layers = 0, d = 0;

    RJ_TRY(rj_nc_get_text(nc, nc->id, "model", sizeof m->name, m->name));
    RJ_TRY(rj_nc_get_text(nc, nc->id, "family", sizeof m->family, m->family));
    RJ_TRY(rj_nc_get_text(nc, nc->id, "benchmark_name", sizeof m->benchmark_name, m->benchmark_name));
    RJ_TRY(rj_nc_get_text(nc, nc->id, "series_name", sizeof m->series_name, m->series_name));
    RJ_TRY(rj_nc_get_text(nc, nc->id, "fingerprint", sizeof m->fingerprint, m->fingerprint));
    RJ_TRY(rj_nc_get_number(nc, nc->id, "series_step", &m->series_step));
    RJ_TRY(rj_nc_get_integer(nc, nc->id, "trained", 0, 1, &trained));
    RJ_TRY(rj_nc_get_integer(nc, nc->id, "n_parameters", 0, INT64_MAX, &m->n_parameters));
    RJ_TRY(rj_nc_get_integer(nc, nc->id, "n_layers", 0, INT32_MAX, &layers));
    RJ_TRY(rj_nc_get_integer(nc, nc->id, "d_model", 0, INT32_MAX, &d));
    m->trained = (int)trained;
    m->n_layers = (int)layers;
    m->d_model = (int)d;
done:
    return st;
}

static rj_status get_unit(const rj_nc *nc, ptrdiff_t n_prompts, rj_shard_head *head)
{
    rj_status st = RJ_OK;
    int64_t n_units = 0, unit = 0, all = 0, first = 0, norm = 0, missing = 0;

    RJ_TRY(rj_nc_get_integer(nc, nc->id, "n_units", 1, INT32_MAX, &n_units));
    RJ_TRY(rj_nc_get_integer(nc, nc->id, "unit", 0, n_units - 1, &unit));
    RJ_TRY(rj_nc_get_integer(nc, nc->id, "n_prompts_all", n_prompts, INT32_MAX, &all));
    RJ_TRY(rj_nc_get_integer(nc, nc->id, "first_prompt", 0, all - n_prompts, &first));
    RJ_TRY(rj_nc_get_integer(nc, nc->id, "coupling_norm", 1, 2, &norm));
    RJ_TRY(rj_nc_get_integer(nc, nc->id, "n_missing", 0, n_prompts, &missing));
    RJ_TRY(rj_nc_get_text(nc, nc->id, "key", sizeof head->key, head->key));
    head->norm = (int)norm;
    head->n_missing = (int)missing;
    head->n_units = (int)n_units;
    head->unit = (int)unit;
    head->n_prompts_all = (ptrdiff_t)all;
    head->first_prompt = (ptrdiff_t)first;
done:
    return st;
}

/* The variable's id if it has these dimensions. */
static rj_status find(const rj_nc *nc, const char *name, nc_type type, size_t rows, size_t columns, int *id)
{
    rj_status st = RJ_OK;
    nc_type actual = NC_NAT;
    int n = 0, dims[NC_MAX_VAR_DIMS];
    size_t size[2] = {0, 1};

    RJ_REQUIRE(nc_inq_varid(nc->id, name, id) == NC_NOERR, RJ_ERR_FORMAT, "%s: variable %s is missing",
               nc->path, name);
    RJ_NC(nc, nc_inq_var(nc->id, *id, NULL, &actual, &n, dims, NULL));
    for (int i = 0; i < n && i < 2; i++) RJ_NC(nc, nc_inq_dimlen(nc->id, dims[i], &size[i]));
    RJ_REQUIRE(actual == type && n == (columns > 1 ? 2 : 1) && size[0] == rows && size[1] == columns,
               RJ_ERR_FORMAT, "%s: variable %s has %zu x %zu elements of type %d, not %zu x %zu of type %d",
               nc->path, name, size[0], size[1], (int)actual, rows, columns, (int)type);
done:
    return st;
}

static rj_status get_k(const rj_nc *nc, size_t n_k, owner *o)
{
    rj_status st = RJ_OK;
    int id = -1;

    RJ_NEW(o->k_count, (ptrdiff_t)n_k, 1);
    RJ_NEW(o->k_text, (ptrdiff_t)n_k, 1);
    RJ_NEW(o->k_label, (ptrdiff_t)n_k, 1);
    RJ_TRY(find(nc, "k_count", NC_INT, n_k, 1, &id));
    RJ_NC(nc, nc_get_var_int(nc->id, id, o->k_count));
    RJ_TRY(find(nc, "k_label", NC_CHAR, n_k, RJ_NAME_SIZE, &id));
    RJ_NC(nc, nc_get_var_text(nc->id, id, o->k_text[0]));
    for (size_t i = 0; i < n_k; i++) {
        RJ_REQUIRE(o->k_count[i] >= 1, RJ_ERR_FORMAT, "%s: k_count[%zu] is %d", nc->path, i, o->k_count[i]);
        RJ_REQUIRE(memchr(o->k_text[i], '\0', RJ_NAME_SIZE) != NULL, RJ_ERR_FORMAT,
                   "%s: k_label[%zu] has no end", nc->path, i);
        o->k_label[i] = o->k_text[i];
    }
done:
    return st;
}

/* Which tokens the token modes have. */
static rj_status get_tokens(const rj_nc *nc, size_t n, owner *o)
{
    rj_status st = RJ_OK;
    int id = -1;

    if (n == 0) goto done;
    RJ_NEW(o->token, (ptrdiff_t)n, 1);
    RJ_TRY(find(nc, "token", NC_INT, n, 1, &id));
    RJ_NC(nc, nc_get_var_int(nc->id, id, o->token));
done:
    return st;
}

rj_status rj_shard_get_head(const rj_nc *nc, rj_shard **shard, rj_sizes *sizes)
{
    rj_status st = RJ_OK;
    char format[64];
    rj_sizes mine = {.modes = 0};
    owner *o = NULL;
    rj_shard *s = NULL;

    RJ_TRY(rj_nc_get_text(nc, nc->id, "resjac_format", sizeof format, format));
    RJ_REQUIRE(strcmp(format, RJ_SHARD_FORMAT) == 0, RJ_ERR_FORMAT, "%s: its resjac_format is '%s', not '%s'",
               nc->path, format, RJ_SHARD_FORMAT);
    RJ_TRY(get_sizes(nc, &mine));
    RJ_TRY(check_volume(nc, &mine));
    RJ_NEW(o, 1, 1);
    s = &o->shard;
    RJ_TRY(get_facts(nc, &s->head.model));
    RJ_TRY(get_unit(nc, mine.size[RJ_DIM_PROMPT], &s->head));
    RJ_TRY(get_k(nc, (size_t)mine.size[RJ_DIM_K], o));
    RJ_TRY(get_tokens(nc, (size_t)mine.size[RJ_DIM_TOKEN], o));
    const ptrdiff_t directions = rj_schema_alignment((int)mine.size[RJ_DIM_K], o->k_count);
    RJ_REQUIRE(mine.size[RJ_DIM_I] == 0 || mine.size[RJ_DIM_I] == directions, RJ_ERR_FORMAT,
               "%s: dimension i is %td, but its K need %td", nc->path, mine.size[RJ_DIM_I], directions);
    RJ_TRY(rj_nc_get_text(nc, nc->id, "arithmetic", sizeof o->arithmetic, o->arithmetic));
    RJ_TRY(rj_nc_get_text(nc, nc->id, "last_block", sizeof o->last_block, o->last_block));
    s->head.n_k = (int)mine.size[RJ_DIM_K];
    s->head.k_count = o->k_count;
    s->head.k_label = o->k_label;
    s->head.n_token = (int)mine.size[RJ_DIM_TOKEN];
    s->head.token = o->token;
    s->head.arithmetic = o->arithmetic;
    s->head.last_block = o->last_block;
    *shard = s;
    *sizes = mine;
    s = NULL;
done:
    rj_shard_close(&s);
    return st;
}

rj_status rj_shard_peek(const char *path, rj_shard **shard, rj_sizes *sizes)
{
    rj_status st = RJ_OK;
    rj_nc nc = RJ_NC_CLOSED;

    RJ_TRY(rj_nc_open(path, true, &nc));
    RJ_TRY(rj_shard_get_head(&nc, shard, sizes));
done:
    rj_nc_drop(&nc);
    return st;
}

rj_status rj_shard_read(const char *path, rj_shard **shard)
{
    rj_status st = RJ_OK;
    rj_nc nc = RJ_NC_CLOSED;
    rj_shard *s = NULL;
    rj_sizes sizes;

    RJ_TRY(rj_nc_open(path, true, &nc));
    RJ_TRY(rj_shard_get_head(&nc, &s, &sizes));
    RJ_TRY(rj_content_check(&nc));
    RJ_TRY(rj_record_create(&sizes, &s->record));
    RJ_TRY(rj_layout_get(&nc, s->record));
    *shard = s;
    s = NULL;
done:
    rj_shard_close(&s);
    rj_nc_drop(&nc);
    return st;
}

void rj_shard_close(rj_shard **shard)
{
    if (*shard == NULL) return;
    owner *o = (owner *)*shard;
    rj_record_destroy(&o->shard.record);
    rj_free(o->k_label);
    rj_free(o->k_text);
    rj_free(o->token);
    rj_free(o->k_count);
    rj_free(o);
    *shard = NULL;
}
