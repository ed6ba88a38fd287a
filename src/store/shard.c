/* shard.c: writing one, and telling whether one is done. */
#include "resjac/store/shard.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "content.h"
#include "layout.h"
#include "publish.h"
#include "resjac/base/file.h"
#include "resjac/base/log.h"
#include "resjac/base/memory.h"
#include "shard_head.h"

void rj_shard_name(const rj_shard_head *head, char *name)
{
    snprintf(name, 2 * RJ_NAME_SIZE, "%s-unit%05d-%.16s.nc", head->model.name, head->unit, head->key);
}

static rj_status put_facts(const rj_nc *nc, const rj_model_facts *m)
{
    rj_status st = RJ_OK;
    const struct {
        const char *name, *text;
    } text[] = {{"model", m->name},
                {"family", m->family},
                {"benchmark_name", m->benchmark_name},
                {"series_name", m->series_name},
                {"fingerprint", m->fingerprint}};

    for (size_t i = 0; i < sizeof text / sizeof text[0]; i++)
        RJ_TRY(rj_nc_put_text(nc, nc->id, NC_GLOBAL, text[i].name, text[i].text));
    RJ_TRY(rj_nc_put_number(nc, nc->id, "series_step", m->series_step));
    RJ_TRY(rj_nc_put_integer(nc, nc->id, "trained", NC_INT, m->trained));
    RJ_TRY(rj_nc_put_integer(nc, nc->id, "n_parameters", NC_INT64, m->n_parameters));
    RJ_TRY(rj_nc_put_integer(nc, nc->id, "n_layers", NC_INT, m->n_layers));
    RJ_TRY(rj_nc_put_integer(nc, nc->id, "d_model", NC_INT, m->d_model));
done:
    return st;
}

static rj_status put_head(const rj_nc *nc, const rj_shard_head *head)
{
    rj_status st = RJ_OK;
    const int root = nc->id;

    RJ_TRY(rj_nc_put_text(nc, root, NC_GLOBAL, "Conventions", "CF-1.10"));
    RJ_TRY(rj_nc_put_text(nc, root, NC_GLOBAL, "title", "resjac: one unit of a model's measures"));
    RJ_TRY(rj_nc_put_text(nc, root, NC_GLOBAL, "resjac_format", RJ_SHARD_FORMAT));
    RJ_TRY(put_facts(nc, &head->model));
    RJ_TRY(rj_nc_put_integer(nc, root, "unit", NC_INT, head->unit));
    RJ_TRY(rj_nc_put_integer(nc, root, "n_units", NC_INT, head->n_units));
    RJ_TRY(rj_nc_put_integer(nc, root, "first_prompt", NC_INT64, head->first_prompt));
    RJ_TRY(rj_nc_put_integer(nc, root, "n_prompts_all", NC_INT64, head->n_prompts_all));
    RJ_TRY(rj_nc_put_text(nc, root, NC_GLOBAL, "key", head->key));
    RJ_TRY(rj_nc_put_text(nc, root, NC_GLOBAL, "arithmetic", head->arithmetic));
    RJ_TRY(rj_nc_put_text(nc, root, NC_GLOBAL, "last_block", head->last_block));
    RJ_TRY(rj_nc_put_integer(nc, root, "coupling_norm", NC_INT, head->norm));
    RJ_TRY(rj_nc_put_integer(nc, root, "n_missing", NC_INT, head->n_missing));
done:
    return st;
}

static rj_status write_file(const char *path, const rj_shard_head *head, const rj_record *record)
{
    rj_status st = RJ_OK;
    const uint64_t bytes = rj_layout_bytes(RJ_LAYOUT_SHARD, &record->sizes);
    rj_nc nc = RJ_NC_CLOSED;
    rj_layout layout;
    char hash[RJ_HASH_TEXT];

    RJ_TRY(rj_nc_create(path, bytes, &nc));
    RJ_TRY(put_head(&nc, head));
    RJ_TRY(rj_layout_define(&nc, nc.id, RJ_LAYOUT_SHARD, &record->sizes, head, &layout));
    RJ_TRY(rj_nc_begin_data(&nc, bytes));
    RJ_TRY(rj_layout_regroup(&nc, nc.id, &layout));
    RJ_TRY(rj_layout_put(&nc, &layout, 0, 0, record));
    RJ_TRY(rj_content_hash(&nc, hash));
    RJ_TRY(rj_nc_put_text(&nc, nc.id, NC_GLOBAL, "content_sha256", hash));
    RJ_TRY(rj_nc_close(&nc));
done:
    rj_nc_drop(&nc);
    return st;
}

/* What rj_shard_read would refuse must not be written. */
static rj_status check_head(const rj_shard_head *head, const rj_sizes *sizes)
{
    rj_status st = RJ_OK;
    const char *name = head->model.name;
    const ptrdiff_t n = sizes->size[RJ_DIM_PROMPT];

    RJ_REQUIRE(name[0] != '\0' && strchr(name, '/') == NULL, RJ_ERR_ARG, "model name '%s' cannot name a file",
               name);
    RJ_REQUIRE(strlen(head->key) == 64, RJ_ERR_ARG, "key '%s' is no SHA-256", head->key);
    RJ_REQUIRE(head->n_k == sizes->size[RJ_DIM_K], RJ_ERR_ARG, "%d K in the head, %td in the record",
               head->n_k, sizes->size[RJ_DIM_K]);
    RJ_REQUIRE(sizes->size[RJ_DIM_APROMPT] == 0 ||
                   sizes->size[RJ_DIM_I] == rj_schema_alignment(head->n_k, head->k_count),
               RJ_ERR_ARG, "alignment matrices of %td directions, those K need %td", sizes->size[RJ_DIM_I],
               rj_schema_alignment(head->n_k, head->k_count));
    RJ_REQUIRE(head->n_token == sizes->size[RJ_DIM_TOKEN] && (head->n_token > 0) == (sizes->modes != 0),
               RJ_ERR_ARG, "%d tokens in the head, %td in the record of modes %#zx", head->n_token,
               sizes->size[RJ_DIM_TOKEN], sizes->modes);
    RJ_REQUIRE(head->unit >= 0 && head->unit < head->n_units && head->first_prompt >= 0 &&
                   head->first_prompt + n <= head->n_prompts_all,
               RJ_ERR_ARG, "unit %d of %d with prompts %td..%td of %td", head->unit, head->n_units,
               head->first_prompt, head->first_prompt + n, head->n_prompts_all);
done:
    return st;
}

static int count_missing(const rj_record *record)
{
    int n = 0;

    for (ptrdiff_t p = 0; p < record->sizes.size[RJ_DIM_PROMPT]; p++)
        n += *rj_record_at(record, RJ_VAR_PROMPT_STATUS, p) != 0.0; /* NAN, never measured, counts too */
    return n;
}

/* What was written a moment ago and is read back is the output's trouble where it is gone, not an input's. */
static rj_status as_output(rj_status st)
{
    char message[RJ_MESSAGE_SIZE];

    if (st != RJ_ERR_MISSING) return st;
    snprintf(message, sizeof message, "%s", rj_status_message());
    return rj_raise(RJ_ERR_CREATE, __FILE__, __LINE__, "%.1900s; it was taken away while it was written",
                    message);
}

rj_status rj_shard_write(const char *folder, const rj_shard_head *head, const rj_record *record)
{
    rj_status st = RJ_OK;
    char name[2 * RJ_NAME_SIZE], *path = NULL, *temporary = NULL;

    RJ_TRY(check_head(head, &record->sizes));
    rj_shard_name(head, name);
    RJ_TRY(rj_path_join(folder, name, &path));
    RJ_TRY(rj_publish_name(path, &temporary));
    rj_shard_head full = *head;
    full.n_missing = count_missing(record);
    RJ_TRY(as_output(write_file(temporary, &full, record)));
    RJ_TRY(as_output(rj_publish(temporary, path)));
done:
    if (st != RJ_OK && temporary != NULL) unlink(temporary);
    rj_free(temporary);
    rj_free(path);
    return st;
}

/* Out of the way, so that the unit is computed again; kept, so that the cause can be looked at. */
static rj_status set_aside(const char *path, const char *name)
{
    rj_status st = RJ_OK;
    char *broken = NULL, other[2 * RJ_NAME_SIZE + 8];

    snprintf(other, sizeof other, "%s.broken", name);
    rj_log(RJ_LOG_WARN, "unit set aside as %s, it will be computed again: %s", other, rj_status_message());
    RJ_NEW(broken, (ptrdiff_t)(strlen(path) + sizeof ".broken"), 1);
    strcpy(broken, path);
    strcat(broken, ".broken");
    RJ_REQUIRE(rename(path, broken) == 0 || errno == ENOENT, RJ_ERR_IO, "%s: cannot be renamed to %s: %s",
               path, other, strerror(errno)); /* ENOENT: another rank was faster */
done:
    rj_free(broken);
    return st;
}

static rj_status has_key(const char *path, const char *key, bool *same, int *n_missing)
{
    rj_status st = RJ_OK;
    rj_nc nc = RJ_NC_CLOSED;
    rj_shard *shard = NULL;
    rj_sizes sizes;

    RJ_TRY(rj_nc_open(path, true, &nc));
    RJ_TRY(rj_shard_get_head(&nc, &shard, &sizes));
    RJ_TRY(rj_content_check(&nc));
    *same = strcmp(shard->head.key, key) == 0;
    *n_missing = shard->head.n_missing;
done:
    rj_shard_close(&shard);
    rj_nc_drop(&nc);
    return st;
}

rj_status rj_shard_is_done(const char *folder, const rj_shard_head *head, bool *done, int *n_missing)
{
    rj_status st = RJ_OK;
    char name[2 * RJ_NAME_SIZE], *path = NULL;
    bool same = false;
    int missing = 0;

    rj_shard_name(head, name);
    RJ_TRY(rj_path_join(folder, name, &path));
    st = has_key(path, head->key, &same, &missing);
    if (st == RJ_ERR_MISSING)
        st = RJ_OK;
    else if (st == RJ_ERR_FORMAT)
        RJ_TRY(set_aside(path, name));
    if (st == RJ_OK) {
        *done = same;
        *n_missing = same ? missing : 0;
    }
done:
    rj_free(path);
    return st;
}
