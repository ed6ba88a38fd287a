/* results_find.c: the units of a run's folder, for merging without the run. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "resjac/base/file.h"
#include "resjac/base/log.h"
#include "resjac/base/memory.h"
#include "resjac/store/manifest.h"
#include "resjac/store/results.h"
#include "shard_head.h"

typedef struct {
    int n, room;
    char **path;
} paths;

static void paths_free(paths *p)
{
    for (int i = 0; i < p->n; i++) rj_free(p->path[i]);
    rj_free(p->path);
    memset(p, 0, sizeof *p);
}

static rj_status paths_add(paths *p, const char *folder, const char *name)
{
    rj_status st = RJ_OK;
    char **larger = NULL;

    if (p->n == p->room) {
        RJ_NEW(larger, 2 * p->room + 16, 1);
        if (p->n > 0) memcpy(larger, p->path, (size_t)p->n * sizeof *larger);
        rj_free(p->path);
        p->path = larger;
        p->room = 2 * p->room + 16;
    }
    RJ_TRY(rj_path_join(folder, name, &p->path[p->n]));
    p->n++;
done:
    return st;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "<model>-unit<number>-<key>.nc"; not what a killed writer left, nor what was set aside. */
static bool is_shard_name(const char *name)
{
    const size_t n = strlen(name);
    return n > 3 && strcmp(name + n - 3, ".nc") == 0 && strstr(name, "-unit") != NULL;
}

/* The units that the run's manifest names and that are there; older ones of a changed deck are passed over. */
static rj_status list_manifest(const char *folder, const char *units, paths *found)
{
    rj_status st = RJ_OK;
    rj_manifest_unit *unit = NULL;
    int n = 0;

    RJ_TRY(rj_manifest_read(folder, &n, &unit));
    for (int i = 0; i < n; i++) {
        RJ_TRY(paths_add(found, units, unit[i].file));
        if (!rj_path_exists(found->path[found->n - 1])) rj_free(found->path[--found->n]);
    }
done:
    rj_free(unit);
    return st;
}

static rj_status list_folder(const char *folder, paths *found)
{
    rj_status st = RJ_OK;
    DIR *dir = opendir(folder);

    RJ_REQUIRE(dir != NULL, errno == EACCES ? RJ_ERR_IO : RJ_ERR_MISSING,
               "%s: %s; give the folder <output>.d of a run", folder, strerror(errno));
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir))
        if (is_shard_name(entry->d_name)) RJ_TRY(paths_add(found, folder, entry->d_name));
done:
    if (dir != NULL) closedir(dir);
    return st;
}

static rj_status list_shards(const char *folder, paths *found)
{
    rj_status st = RJ_OK;
    char *units = NULL, *manifest = NULL;

    RJ_TRY(rj_path_join(folder, "units", &units));
    RJ_TRY(rj_path_join(folder, "manifest.json", &manifest));
    if (rj_path_exists(manifest))
        RJ_TRY(list_manifest(folder, units, found));
    else
        RJ_TRY(list_folder(rj_path_is_folder(units) ? units : folder, found));
    RJ_REQUIRE(found->n > 0, RJ_ERR_MISSING,
               "%s: it holds no unit of a run; give the folder <output>.d of a run", folder);
    qsort(found->path, (size_t)found->n, sizeof *found->path, by_text);
done:
    rj_free(manifest);
    rj_free(units);
    return st;
}

/* The model of that name, made where it is new; `model` has room. */
static rj_status model_of(const rj_shard_head *head, int room, int *n, rj_results_model *model,
                          rj_results_model **found)
{
    rj_status st = RJ_OK;
    rj_results_model *m = NULL;

    for (int i = 0; i < *n; i++)
        if (strcmp(model[i].facts.name, head->model.name) == 0) m = &model[i];
    if (m == NULL) {
        m = &model[*n];
        RJ_NEW(m->shard, room, 1);
        m->facts = head->model;
        (*n)++;
    }
    *found = m;
done:
    return st;
}

/* `path` moves to its model. A file that is no sound shard counts as not there. */
static rj_status sort_in(char **path, int room, int *n, rj_results_model *model, int *n_units)
{
    rj_status st = RJ_OK;
    rj_shard *shard = NULL;
    rj_sizes sizes;
    rj_results_model *m = NULL;

    st = rj_shard_peek(*path, &shard, &sizes);
    if (st == RJ_ERR_FORMAT) {
        rj_log(RJ_LOG_WARN, "unit left out: %s", rj_status_message());
        st = RJ_OK;
        goto done;
    }
    RJ_TRY(st);
    RJ_TRY(model_of(&shard->head, room, n, model, &m));
    n_units[m - model] = shard->head.n_units;
    m->shard[m->n_shards++] = *path;
    *path = NULL;
done:
    rj_shard_close(&shard);
    return st;
}

static rj_status set_status(rj_results_model *model, int n_units)
{
    rj_status st = RJ_OK;
    char *text = NULL;

    RJ_NEW(text, RJ_NAME_SIZE, 1);
    if (model->n_shards == n_units)
        strcpy(text, "ok");
    else
        snprintf(text, RJ_NAME_SIZE, "partial: %d of %d units", model->n_shards, n_units);
    model->status = text;
done:
    return st;
}

static int by_name(const void *a, const void *b)
{
    const rj_results_model *x = a, *y = b;
    return strcmp(x->facts.name, y->facts.name);
}

rj_status rj_results_find(const char *folder, int *n_models, rj_results_model **model)
{
    rj_status st = RJ_OK;
    paths found = {0, 0, NULL};
    rj_results_model *m = NULL;
    int n = 0, *n_units = NULL;

    RJ_TRY(list_shards(folder, &found));
    RJ_NEW(m, found.n, 1);
    RJ_NEW(n_units, found.n, 1);
    for (int i = 0; i < found.n; i++) RJ_TRY(sort_in(&found.path[i], found.n, &n, m, n_units));
    RJ_REQUIRE(n > 0, RJ_ERR_FORMAT, "%s: none of its %d units can be read: %s", folder, found.n,
               rj_status_message());
    for (int i = 0; i < n; i++) RJ_TRY(set_status(&m[i], n_units[i]));
    qsort(m, (size_t)n, sizeof *m, by_name);
    *n_models = n;
    *model = m;
    m = NULL;
done:
    rj_results_free(n, &m);
    rj_free(n_units);
    paths_free(&found);
    return st;
}

void rj_results_free(int n_models, rj_results_model **model)
{
    if (*model == NULL) return;
    for (int i = 0; i < n_models; i++) {
        for (int j = 0; j < (*model)[i].n_shards; j++) rj_free((*model)[i].shard[j]);
        rj_free((*model)[i].shard);
        rj_free((char *)(*model)[i].status);
    }
    RJ_FREE(*model);
}
