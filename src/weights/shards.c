/* shards.c: which files make a checkpoint: a GGUF split set by its names and its count, a safetensors folder by its index.
 */
#include "shards.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "resjac/base/memory.h"

enum { MAX_CONFIG = 16 << 20, MAX_INDEX = 64 << 20 };
enum { MAX_FILES = 99999 }; /* five digits number a split set */
enum { MAX_NAME = 255 };    /* bytes of a file's name on usual file systems */

static bool ends_with(const char *text, const char *end)
{
    const size_t n = strlen(text), m = strlen(end);

    return n >= m && strcmp(text + n - m, end) == 0;
}

/* *number stays as it is where the key is absent. */
static rj_status optional_integer(const rj_gguf *g, const char *key, int64_t *number)
{
    return rj_gguf_has(g, key) ? rj_gguf_integer(g, key, number) : RJ_OK;
}

/* snapshots/<commit>/x is a link to ../../blobs/<hash> in a hub's cache. */
rj_status rj_weights_check_inside(const char *folder, const char *path)
{
    rj_status st = RJ_OK;
    char *blobs = NULL;

    RJ_TRY(rj_path_join(folder, "../../blobs", &blobs));
    RJ_REQUIRE(!rj_path_exists(path) || rj_path_is_inside(path, folder) || rj_path_is_inside(path, blobs),
               RJ_ERR_FORMAT, "%s: a link out of the model's folder; copy the file, or link the whole folder",
               path);
done:
    rj_free(blobs);
    return st;
}

/* The path of file i (from 0) of the set whose first file is `first`: name-00001-of-000NN.gguf. */
static rj_status split_path(const char *first, int i, int n, char **path)
{
    rj_status st = RJ_OK;
    char tail[64], *fresh = NULL;
    const size_t length = strlen(first);

    snprintf(tail, sizeof tail, "-00001-of-%05d.gguf", n);
    RJ_REQUIRE(
        ends_with(first, tail), RJ_ERR_FORMAT,
        "%s: it is the first of %d files (split.count), but its name does not end in %s; give the files the "
        "names they had",
        first, n, tail);
    RJ_TRY(rj_path_copy(first, &fresh));
    snprintf(tail, sizeof tail, "-%05d-of-%05d.gguf", i + 1, n);
    memcpy(fresh + length - strlen(tail), tail, strlen(tail));
    *path = fresh;
done:
    return st;
}

/* What file i says about its set: number i of n. */
static rj_status check_split(const rj_gguf *g, int i, int n)
{
    rj_status st = RJ_OK;
    int64_t number = 0, count = 1;

    RJ_TRY(optional_integer(g, "split.no", &number));
    RJ_TRY(optional_integer(g, "split.count", &count));
    RJ_REQUIRE(number == i && count == n, RJ_ERR_FORMAT,
               "%s: it is file %" PRId64 " of %" PRId64
               " (split.no + 1, split.count), but file %d of %d is needed%s",
               rj_gguf_path(g), number + 1, count, i + 1, n,
               i == 0 ? "; name the first file of the set" : "");
done:
    return st;
}

static rj_status open_gguf(const char *path, rj_shards *s)
{
    rj_status st = RJ_OK;
    rj_gguf *first = NULL;
    char *name = NULL, *folder = NULL;
    int64_t count = 1, n_tensors = -1, found = 0;
    ptrdiff_t n = 0;

    RJ_TRY(rj_path_folder(path, &folder));
    RJ_TRY(rj_gguf_open(path, &first));
    RJ_TRY(optional_integer(first, "split.count", &count));
    if (count == 0) count = 1; /* some writers say so of a model in one file */
    RJ_REQUIRE(count >= 1 && count <= MAX_FILES, RJ_ERR_FORMAT,
               "%s: key split.count is %" PRId64 ", but 1 to %d is needed", path, count, MAX_FILES);
    RJ_TRY(optional_integer(first, "split.tensors.count", &n_tensors));
    RJ_NEW(s->gguf, (ptrdiff_t)count, 1);
    s->n = (int)count;
    s->gguf[0] = first;
    first = NULL;
    for (int i = 0; i < s->n && s->n > 1; i++) {
        if (i > 0) {
            RJ_TRY(split_path(path, i, s->n, &name));
            RJ_TRY(rj_weights_check_inside(folder, name));
            RJ_TRY(rj_gguf_open(name, &s->gguf[i]));
            RJ_FREE(name);
        }
        RJ_TRY(check_split(s->gguf[i], i, s->n));
        rj_gguf_tensors(s->gguf[i], &n);
        found += n;
    }
    RJ_REQUIRE(s->n == 1 || n_tensors < 0 || n_tensors == found, RJ_ERR_FORMAT,
               "%s: key split.tensors.count is %" PRId64 ", but the %d files have %" PRId64 " tensors", path,
               n_tensors, s->n, found);
done:
    rj_free(folder);
    rj_free(name);
    rj_gguf_close(&first);
    return st;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The distinct files of the index, sorted, [n]; the strings are the index's. A name must not lead out of the folder. */
static rj_status list_files(const rj_json *index, const char ***list, int *n)
{
    rj_status st = RJ_OK;
    json_t *map = json_object_get(index->root, "weight_map"), *value = NULL;
    const char **file = NULL, *tensor = NULL, *name = NULL;
    size_t found = 0, distinct = 0;

    RJ_REQUIRE(json_is_object(map) && json_object_size(map) > 0, RJ_ERR_FORMAT,
               "%s: no tensors in \"weight_map\"", index->path);
    RJ_NEW(file, (ptrdiff_t)json_object_size(map), 1);
    json_object_foreach(map, tensor, value)
    {
        name = json_string_value(value);
        RJ_REQUIRE(name != NULL && name[0] != '\0' && strlen(name) == json_string_length(value) &&
                       strlen(name) <= MAX_NAME && strchr(name, '/') == NULL && strstr(name, "..") == NULL,
                   RJ_ERR_FORMAT, "%s: tensor %.100s: \"%.300s\" is not the name of a file beside the index",
                   index->path, tensor, name != NULL ? name : "(no string)");
        file[found++] = name;
    }
    qsort(file, found, sizeof *file, by_text);
    for (size_t i = 0; i < found; i++)
        if (distinct == 0 || strcmp(file[i], file[distinct - 1]) != 0) file[distinct++] = file[i];
    RJ_REQUIRE(distinct <= MAX_FILES, RJ_ERR_FORMAT, "%s: %zu files, but at most %d are supported",
               index->path, distinct, MAX_FILES);
    *list = file;
    *n = (int)distinct;
    file = NULL;
done:
    rj_free(file);
    return st;
}

static rj_status open_indexed(const char *folder, const char *index, rj_shards *s)
{
    rj_status st = RJ_OK;
    const char **file = NULL;
    char *path = NULL;
    int n = 0;

    RJ_TRY(rj_json_open(index, MAX_INDEX, &s->index));
    RJ_TRY(list_files(s->index, &file, &n));
    RJ_NEW(s->safetensors, n, 1);
    s->n = n;
    for (int i = 0; i < n; i++) {
        RJ_TRY(rj_path_join(folder, file[i], &path));
        RJ_TRY(rj_weights_check_inside(folder, path));
        RJ_TRY(rj_safetensors_open(path, &s->safetensors[i]));
        RJ_FREE(path);
    }
done:
    rj_free(path);
    rj_free(file);
    return st;
}

/* A configuration alone: no tensors. */
static rj_status open_config(const char *path, rj_shards *s)
{
    s->format = RJ_FORMAT_SAFETENSORS;
    return rj_json_open(path, MAX_CONFIG, &s->config);
}

static rj_status open_single(const char *path, rj_shards *s)
{
    rj_status st = RJ_OK;

    RJ_NEW(s->safetensors, 1, 1);
    s->n = 1;
    RJ_TRY(rj_safetensors_open(path, &s->safetensors[0]));
done:
    return st;
}

/* single: a .safetensors file, or NULL to look for it in the folder. */
static rj_status open_safetensors(const char *folder, const char *single, rj_shards *s)
{
    rj_status st = RJ_OK;
    char *config = NULL, *model = NULL, *index = NULL;

    RJ_TRY(rj_path_join(folder, "config.json", &config));
    RJ_TRY(rj_path_join(folder, "model.safetensors", &model));
    RJ_TRY(rj_path_join(folder, "model.safetensors.index.json", &index));
    RJ_REQUIRE(rj_path_exists(config), RJ_ERR_MISSING,
               "%s: not found, but a safetensors checkpoint needs it; a GGUF model is named by its file",
               config);
    RJ_TRY(rj_weights_check_inside(folder, config));
    RJ_TRY(rj_json_open(config, MAX_CONFIG, &s->config));
    if (single == NULL) RJ_TRY(rj_weights_check_inside(folder, rj_path_exists(model) ? model : index));
    if (single != NULL)
        RJ_TRY(open_single(single, s));
    else if (rj_path_exists(model))
        RJ_TRY(open_single(model, s));
    else if (rj_path_exists(index))
        RJ_TRY(open_indexed(folder, index, s));
    else
        RJ_FAIL(RJ_ERR_MISSING,
                "%s: neither model.safetensors nor model.safetensors.index.json; "
                "jobs/bin_to_safetensors.py converts a .bin checkpoint",
                folder);
done:
    rj_free(index);
    rj_free(model);
    rj_free(config);
    return st;
}

/* By the name; a file of another name (a download cache has such) by its first bytes. */
static rj_status guess_format(const char *path, rj_format *format)
{
    rj_status st = RJ_OK;
    rj_file *file = NULL;
    char magic[4] = "";

    if (ends_with(path, ".gguf"))
        *format = RJ_FORMAT_GGUF;
    else if (ends_with(path, ".safetensors"))
        *format = RJ_FORMAT_SAFETENSORS;
    else {
        RJ_TRY(rj_file_open(path, &file));
        if (rj_file_size(file) >= sizeof magic) RJ_TRY(rj_file_read(file, 0, sizeof magic, magic));
        RJ_REQUIRE(memcmp(magic, "GGUF", sizeof magic) == 0, RJ_ERR_FORMAT,
                   "%s: not a checkpoint: a GGUF file, a .safetensors file or a folder with one is needed",
                   path);
        *format = RJ_FORMAT_GGUF;
    }
done:
    rj_file_close(&file);
    return st;
}

rj_status rj_shards_open(const char *path, rj_shards *s)
{
    rj_status st = RJ_OK;
    char *folder = NULL;

    if (rj_path_is_folder(path)) {
        s->format = RJ_FORMAT_SAFETENSORS;
        return open_safetensors(path, NULL, s);
    }
    if (rj_weights_is_config(path)) return open_config(path, s);
    RJ_TRY(guess_format(path, &s->format));
    if (s->format == RJ_FORMAT_GGUF) {
        RJ_TRY(open_gguf(path, s));
    } else {
        RJ_REQUIRE(rj_path_exists(path), RJ_ERR_MISSING, "%s: not found", path);
        RJ_TRY(rj_path_folder(path, &folder));
        RJ_TRY(open_safetensors(folder, path, s));
    }
done:
    rj_free(folder);
    return st;
}

void rj_shards_close(rj_shards *s)
{
    for (int i = 0; i < s->n && s->gguf != NULL; i++) rj_gguf_close(&s->gguf[i]);
    for (int i = 0; i < s->n && s->safetensors != NULL; i++) rj_safetensors_close(&s->safetensors[i]);
    rj_free(s->gguf);
    rj_free(s->safetensors);
    rj_json_close(&s->config);
    rj_json_close(&s->index);
    *s = (rj_shards){0};
}

const rj_file *rj_shard_file(const rj_shards *s, int i)
{
    return s->format == RJ_FORMAT_GGUF ? rj_gguf_file(s->gguf[i]) : rj_safetensors_file(s->safetensors[i]);
}

const rj_tensor *rj_shard_tensors(const rj_shards *s, int i, ptrdiff_t *n)
{
    return s->format == RJ_FORMAT_GGUF ? rj_gguf_tensors(s->gguf[i], n)
                                       : rj_safetensors_tensors(s->safetensors[i], n);
}
