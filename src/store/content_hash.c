/* content_hash.c: SHA-256 over all that a file says and that does not change from run to run. Each part is preceded by its
 * length, so that no two contents give one stream of bytes. */
#include <string.h>

#include "content.h"
#include "resjac/base/memory.h"

static void add_number(rj_hash *hash, uint64_t x)
{
    unsigned char bytes[8];
    for (int i = 0; i < 8; i++) bytes[i] = (unsigned char)(x >> 8 * i);
    rj_hash_add(hash, bytes, sizeof bytes);
}

static rj_status add_attributes(const rj_nc *nc, int group, int variable, rj_hash *hash)
{
    rj_status st = RJ_OK;
    int n = 0;
    rj_content_name *name = NULL;
    unsigned char *value = NULL;

    RJ_TRY(rj_content_attributes(nc, group, variable, &n, &name));
    add_number(hash, (uint64_t)n);
    for (int i = 0; i < n; i++) {
        nc_type type;
        size_t bytes;
        RJ_TRY(rj_content_attribute(nc, group, variable, name[i], &type, &bytes, &value));
        rj_hash_add_text(hash, name[i]);
        add_number(hash, (uint64_t)type);
        add_number(hash, bytes);
        rj_hash_add(hash, value, bytes);
        RJ_FREE(value);
    }
done:
    rj_free(value);
    rj_free(name);
    return st;
}

static rj_status add_dimensions(const rj_nc *nc, int group, rj_hash *hash)
{
    rj_status st = RJ_OK;
    int n = 0, *id = NULL;

    RJ_NC(nc, nc_inq_dimids(group, &n, NULL, 0));
    RJ_NEW(id, n, 1);
    RJ_NC(nc, nc_inq_dimids(group, &n, id, 0));
    add_number(hash, (uint64_t)n);
    for (int i = 0; i < n; i++) {
        rj_content_name name;
        size_t length = 0;
        RJ_NC(nc, nc_inq_dim(group, id[i], name, &length));
        rj_hash_add_text(hash, name);
        add_number(hash, length);
    }
done:
    rj_free(id);
    return st;
}

static rj_status add_values(const rj_nc *nc, const rj_content_variable *v, rj_hash *hash,
                            unsigned char *buffer)
{
    rj_status st = RJ_OK;
    rj_content_slab slab = {{0}, {0}, 0, 0};
    int storage = NC_CONTIGUOUS;

    while (!v->nondeterministic && rj_content_next(v, &slab)) {
        RJ_TRY(rj_content_read(nc, v, &slab, buffer));
        rj_hash_add(hash, buffer, slab.n * v->width);
    }
    /* The library keeps a variable's decompressed chunks until the file is closed; a large file has too many. */
    if (v->n_dims > 0) RJ_NC(nc, nc_inq_var_chunking(v->group, v->id, &storage, NULL));
    if (storage == NC_CHUNKED) RJ_NC(nc, nc_set_var_chunk_cache(v->group, v->id, 0, 0, 0.0f));
done:
    return st;
}

static rj_status add_variable(const rj_nc *nc, int group, int id, rj_hash *hash, unsigned char *buffer)
{
    rj_status st = RJ_OK;
    rj_content_variable v;

    RJ_TRY(rj_content_variable_at(nc, group, id, &v));
    rj_hash_add_text(hash, v.name);
    add_number(hash, (uint64_t)v.type);
    add_number(hash, (uint64_t)v.n_dims);
    for (int i = 0; i < v.n_dims; i++) {
        rj_content_name name;
        RJ_NC(nc, nc_inq_dimname(group, v.dim[i], name));
        rj_hash_add_text(hash, name);
        add_number(hash, v.shape[i]);
    }
    RJ_TRY(add_attributes(nc, group, id, hash));
    RJ_TRY(add_values(nc, &v, hash, buffer));
done:
    return st;
}

static rj_status add_group(const rj_nc *nc, int group, int depth, rj_hash *hash, unsigned char *buffer)
{
    rj_status st = RJ_OK;
    int n = 0, child = -1;
    rj_content_name *name = NULL;

    RJ_REQUIRE(depth < RJ_CONTENT_DEPTH, RJ_ERR_FORMAT,
               "%s: groups are nested deeper than %d: not written by resjac", nc->path, RJ_CONTENT_DEPTH);
    RJ_TRY(add_dimensions(nc, group, hash));
    RJ_TRY(add_attributes(nc, group, NC_GLOBAL, hash));
    RJ_NC(nc, nc_inq_nvars(group, &n));
    add_number(hash, (uint64_t)n);
    for (int id = 0; id < n; id++) RJ_TRY(add_variable(nc, group, id, hash, buffer));
    RJ_TRY(rj_content_groups(nc, group, &n, &name));
    add_number(hash, (uint64_t)n);
    for (int i = 0; i < n; i++) {
        rj_hash_add_text(hash, name[i]);
        RJ_NC(nc, nc_inq_ncid(group, name[i], &child));
        RJ_TRY(add_group(nc, child, depth + 1, hash, buffer));
    }
done:
    rj_free(name);
    return st;
}

rj_status rj_content_hash(const rj_nc *nc, char text[RJ_HASH_TEXT])
{
    rj_status st = RJ_OK;
    rj_hash *hash = NULL;
    unsigned char *buffer = NULL;
    uint8_t digest[RJ_HASH_SIZE];

    RJ_TRY(rj_hash_create(&hash));
    RJ_NEW(buffer, RJ_CONTENT_SLAB, 1);
    rj_hash_add_text(hash, "resjac content 1");
    RJ_TRY(add_group(nc, nc->id, 0, hash, buffer));
    RJ_TRY(rj_hash_digest(hash, digest));
    rj_hash_text(digest, text);
done:
    rj_free(buffer);
    rj_hash_destroy(&hash);
    return st;
}

rj_status rj_content_check(const rj_nc *nc)
{
    rj_status st = RJ_OK;
    char stored[RJ_HASH_TEXT], actual[RJ_HASH_TEXT];

    RJ_TRY(rj_nc_get_text(nc, nc->id, "content_sha256", sizeof stored, stored));
    RJ_TRY(rj_content_hash(nc, actual));
    RJ_REQUIRE(strcmp(stored, actual) == 0, RJ_ERR_FORMAT,
               "%s: its content has SHA-256 %s, but content_sha256 says %s: the file was altered after it "
               "was written",
               nc->path, actual, stored);
done:
    return st;
}
