/* manifest_verify.c: what a run's folder should hold against what it holds. */
#include <dirent.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "resjac/base/file.h"
#include "resjac/base/log.h"
#include "resjac/base/memory.h"
#include "resjac/store/manifest.h"
#include "resjac/store/results.h"
#include "shard_head.h"

/* Is the file the unit that the manifest names? Another sound unit under its name passes every other check. */
static rj_status check_key(const char *path, const rj_manifest_unit *unit, int *n_problems)
{
    rj_status st = RJ_OK;
    rj_shard *shard = NULL;
    rj_sizes sizes;

    RJ_TRY(rj_shard_peek(path, &shard, &sizes));
    if (strcmp(shard->head.key, unit->key) != 0) {
        rj_log(RJ_LOG_WARN,
               "%s: foreign: its key is %.16s.., the manifest's %.16s..; repair: rm '%s' and resjac run DECK",
               path, shard->head.key, unit->key, path);
        ++*n_problems;
    }
done:
    rj_shard_close(&shard);
    return st;
}

static rj_status verify_unit(const char *units, const rj_manifest_unit *unit, int *n_problems)
{
    rj_status st = RJ_OK;
    char *path = NULL;
    int n = 0;

    RJ_TRY(rj_path_join(units, unit->file, &path));
    if (!rj_path_exists(path)) {
        rj_log(RJ_LOG_WARN, "%s: is missing; repair: resjac run DECK", path);
        ++*n_problems;
        goto done;
    }
    st = rj_results_verify(path, &n);
    if (st == RJ_OK && n > 0)
        rj_log(RJ_LOG_WARN, "%s: %d invariants broken; repair: rm '%s' and resjac run DECK", path, n, path);
    if (st == RJ_OK && n == 0) st = check_key(path, unit, &n);
    if (st != RJ_OK && st != RJ_ERR_NOMEM) {
        rj_log(RJ_LOG_WARN, "%s; repair: resjac run DECK (it sets the file aside)", rj_status_message());
        st = RJ_OK;
        n = 1;
    }
    *n_problems += n;
done:
    RJ_FREE(path);
    return st;
}

static int by_file(const void *a, const void *b)
{
    const rj_manifest_unit *x = a, *y = b;
    return strcmp(x->file, y->file);
}

/* A unit of another deck: a sound head, under the name that it asks for. */
static rj_status is_own_name(const char *path, const char *name, bool *own)
{
    rj_status st = RJ_OK;
    rj_shard *shard = NULL;
    rj_sizes sizes;
    char expected[2 * RJ_NAME_SIZE];

    *own = false;
    st = rj_shard_peek(path, &shard, &sizes);
    if (st == RJ_OK) {
        rj_shard_name(&shard->head, expected);
        *own = strcmp(expected, name) == 0;
    } else if (st != RJ_ERR_NOMEM)
        st = RJ_OK;
    rj_shard_close(&shard);
    return st;
}

static bool ends_in(const char *name, const char *end)
{
    const size_t n = strlen(name), m = strlen(end);
    return n > m && strcmp(name + n - m, end) == 0;
}

/* One file that the manifest does not name. */
static rj_status verify_other(const char *units, const char *name, int *n_others, int *n_problems)
{
    rj_status st = RJ_OK;
    char *path = NULL;
    bool own = false;

    if (name[0] == '.' || ends_in(name, ".broken") || strstr(name, ".tmp.") != NULL) return RJ_OK;
    RJ_TRY(rj_path_join(units, name, &path));
    RJ_TRY(is_own_name(path, name, &own));
    *n_others += own;
    *n_problems += !own;
    if (!own)
        rj_log(RJ_LOG_WARN, "%s: foreign: no unit of this name was written by resjac; repair: rm '%s'", path,
               path);
done:
    rj_free(path);
    return st;
}

static rj_status verify_others(const char *units, int n, rj_manifest_unit *unit, int *n_problems)
{
    rj_status st = RJ_OK;
    rj_manifest_unit wanted;
    DIR *dir = opendir(units);
    int n_others = 0;

    if (dir == NULL) return RJ_OK; /* its units were missing already */
    qsort(unit, (size_t)n, sizeof *unit, by_file);
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        const size_t length = strlen(entry->d_name);
        if (length < sizeof wanted.file) {
            memcpy(wanted.file, entry->d_name, length + 1);
            if (bsearch(&wanted, unit, (size_t)n, sizeof *unit, by_file) != NULL) continue;
        }
        RJ_TRY(verify_other(units, entry->d_name, &n_others, n_problems));
    }
    if (n_others > 0)
        rj_log(RJ_LOG_INFO, "%s: %d units of another deck, model, prompt list or version are kept", units,
               n_others);
done:
    closedir(dir);
    return st;
}

rj_status rj_manifest_verify(const char *folder, int *n_problems)
{
    rj_status st = RJ_OK;
    char *units = NULL;
    rj_manifest_unit *unit = NULL;
    int n = 0;

    *n_problems = 0;
    RJ_TRY(rj_path_join(folder, "units", &units));
    RJ_TRY(rj_manifest_read(folder, &n, &unit));
    for (int i = 0; i < n; i++) RJ_TRY(verify_unit(units, &unit[i], n_problems));
    RJ_TRY(verify_others(units, n, unit, n_problems));
done:
    RJ_FREE(unit);
    RJ_FREE(units);
    return st;
}
