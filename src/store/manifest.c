/* manifest.c: written beside and renamed, so that a kill leaves the old file or the new one. */
#include "resjac/store/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "publish.h"
#include "resjac/base/fault.h"
#include "resjac/base/file.h"
#include "resjac/base/hash.h"
#include "resjac/base/json.h"
#include "resjac/base/log.h"
#include "resjac/base/memory.h"
#include "resjac/store/results.h"

enum { MANIFEST_LIMIT = 1 << 28 };

static rj_status write_all(int file, const char *path, const char *text, size_t n)
{
    for (size_t done = 0; done < n;) {
        const ssize_t more = write(file, text + done, n - done);
        if (more < 0 && errno == EINTR) continue;
        if (more <= 0)
            return rj_raise(RJ_ERR_IO, __FILE__, __LINE__, "%s: cannot write: %s; free space and rerun", path,
                            strerror(errno));
        done += (size_t)more;
    }
    return RJ_OK;
}

rj_status rj_text_replace(const char *path, const char *text, size_t n, bool durable)
{
    rj_status st = RJ_OK;
    char *beside = NULL;
    int file = -1;

    RJ_TRY(rj_publish_name(path, &beside));
    RJ_TRY(rj_fault_at(RJ_FAULT_TEXT_CREATE));
    file = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    RJ_REQUIRE(file >= 0, RJ_ERR_CREATE, "%s: cannot create: %s; give an output folder that is writable",
               beside, strerror(errno));
    RJ_TRY(rj_fault_at(RJ_FAULT_TEXT_WRITE));
    RJ_TRY(write_all(file, beside, text, n));
    if (durable) RJ_TRY(rj_fault_at(RJ_FAULT_TEXT_FLUSH));
    RJ_REQUIRE(!durable || fsync(file) == 0, RJ_ERR_IO, "%s: cannot flush: %s", beside, strerror(errno));
    RJ_TRY(rj_fault_at(RJ_FAULT_TEXT_RENAME));
    RJ_REQUIRE(rename(beside, path) == 0, RJ_ERR_CREATE, "%s: cannot rename to it: %s", path,
               strerror(errno));
done:
    if (file >= 0) close(file);
    if (st != RJ_OK && file >= 0) unlink(beside);
    rj_free(beside);
    return st;
}

static rj_status units_json(rj_per_prompt keep, const char *annex, int n_units, const rj_manifest_unit *unit,
                            char **text)
{
    json_t *list = json_array(), *root = json_pack("{s:i, s:i, s:s, s:o}", "format", 1, "keep", (int)keep,
                                                   "annex", annex, "units", list);

    for (int i = 0; i < n_units; i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:[i, i]}", "model", unit[i].model, "file",
                                              unit[i].file, "key", unit[i].key, "grid", unit[i].grid[0],
                                              unit[i].grid[1]));
    *text = root != NULL ? json_dumps(root, JSON_INDENT(1) | JSON_PRESERVE_ORDER) : NULL;
    json_decref(root);
    return *text != NULL ? RJ_OK : rj_raise(RJ_ERR_NOMEM, __FILE__, __LINE__, "no memory for the manifest");
}

static int by_file(const void *a, const void *b)
{
    const rj_manifest_unit *x = a, *y = b;
    return strcmp(x->file, y->file);
}

static rj_status sorted_copy(int n, const rj_manifest_unit *unit, rj_manifest_unit **copy)
{
    rj_status st = RJ_OK;

    RJ_NEW(*copy, n, 1);
    if (n > 0) memcpy(*copy, unit, (size_t)n * sizeof *unit);
    qsort(*copy, (size_t)n, sizeof **copy, by_file);
done:
    return st;
}

/* Says what a changed deck, model, prompt list or program makes of the last run's units. A broken manifest says nothing. */
static rj_status log_change(const char *folder, int n_units, const rj_manifest_unit *unit)
{
    rj_status st = RJ_OK;
    rj_manifest_unit *old = NULL, *now = NULL;
    int n_old = 0, kept = 0;

    st = rj_manifest_read(folder, &n_old, &old);
    if (st == RJ_ERR_FORMAT || st == RJ_ERR_MISSING) rj_log(RJ_LOG_WARN, "%s", rj_status_message());
    if (st == RJ_ERR_FORMAT || st == RJ_ERR_MISSING) return RJ_OK;
    RJ_TRY(st);
    qsort(old, (size_t)n_old, sizeof *old, by_file);
    RJ_TRY(sorted_copy(n_units, unit, &now));
    for (int i = 0, j = 0; i < n_old && j < n_units;) {
        const int order = strcmp(old[i].file, now[j].file);
        kept += order == 0;
        i += order <= 0;
        j += order >= 0;
    }
    if (kept < n_old || kept < n_units)
        rj_log(
            RJ_LOG_INFO,
            "other units than last time: %d are the same, %d are new, %d are no longer asked for and stay on "
            "the disk (a changed deck, model, prompt list or program)",
            kept, n_units - kept, n_old - kept);
done:
    rj_free(old);
    rj_free(now);
    return st;
}

rj_status rj_manifest_write(const char *folder, rj_per_prompt keep, const char *annex, int n_units,
                            const rj_manifest_unit *unit, bool *same, char sha256[65])
{
    rj_status st = RJ_OK;
    char *text = NULL, *old = NULL, *path = NULL;
    size_t n_old = 0;

    RJ_TRY(rj_path_join(folder, "manifest.json", &path));
    RJ_TRY(units_json(keep, annex, n_units, unit, &text));
    *same = rj_path_exists(path) && rj_file_load(path, MANIFEST_LIMIT, &old, &n_old) == RJ_OK &&
            strcmp(old, text) == 0;
    if (!*same && rj_path_exists(path)) RJ_TRY(log_change(folder, n_units, unit));
    if (!*same) RJ_TRY(rj_text_replace(path, text, strlen(text), true));
    RJ_TRY(rj_hash_bytes(text, strlen(text), sha256));
done:
    RJ_FREE(old);
    RJ_FREE(path);
    free(text); /* jansson's */
    return st;
}

static rj_status copy_text(const rj_json *manifest, const json_t *unit, const char *key, char *to,
                           size_t size)
{
    rj_status st = RJ_OK;
    const char *text = NULL;

    RJ_TRY(rj_json_string(manifest, unit, key, true, &text));
    RJ_REQUIRE(strlen(text) < size && text[0] != '\0' && text[0] != '.' && strchr(text, '/') == NULL,
               RJ_ERR_FORMAT, "%s: \"%s\" of a unit is \"%.200s\", needs a plain name of less than %zu bytes",
               manifest->path, key, text, size);
    memcpy(to, text, strlen(text) + 1);
done:
    return st;
}

rj_status rj_manifest_read(const char *folder, int *n_units, rj_manifest_unit **unit)
{
    rj_status st = RJ_OK;
    rj_manifest_unit *own = NULL;
    char *path = NULL;
    rj_json *manifest = NULL;

    RJ_TRY(rj_path_join(folder, "manifest.json", &path));
    RJ_TRY(rj_json_open(path, MANIFEST_LIMIT, &manifest));
    const json_t *list = json_object_get(manifest->root, "units");
    RJ_REQUIRE(json_is_array(list), RJ_ERR_FORMAT, "%s: no list \"units\"; rerun the deck", path);
    const int n = (int)json_array_size(list);
    RJ_NEW(own, n, 1);
    for (int i = 0; i < n; i++) {
        const json_t *from = json_array_get(list, (size_t)i);
        RJ_TRY(copy_text(manifest, from, "model", own[i].model, sizeof own[i].model));
        RJ_TRY(copy_text(manifest, from, "file", own[i].file, sizeof own[i].file));
        RJ_TRY(copy_text(manifest, from, "key", own[i].key, sizeof own[i].key));
        for (size_t side = 0; side < 2; side++) { /* 1 where it is absent, as in older manifests */
            const json_int_t given = json_integer_value(json_array_get(json_object_get(from, "grid"), side));
            own[i].grid[side] = 1 <= given && given <= 1024 ? (int)given : 1;
        }
    }
    *unit = own;
    *n_units = n;
    own = NULL;
done:
    rj_json_close(&manifest);
    RJ_FREE(own);
    RJ_FREE(path);
    return st;
}

rj_status rj_status_write(const char *folder, const rj_run_state *state)
{
    rj_status st = RJ_OK;
    char text[256], eta[32] = "null", *path = NULL;

    if (state->eta >= 0) snprintf(eta, sizeof eta, "%.0f", state->eta);
    const int n = snprintf(text, sizeof text,
                           "{\"state\": \"%s\", \"done\": %d, \"total\": %d, \"eta\": %s, \"failed\": %d}\n",
                           state->state, state->done, state->total, eta, state->failed);
    RJ_TRY(rj_path_join(folder, "status.json", &path));
    RJ_TRY(rj_text_replace(path, text, (size_t)n, false));
done:
    RJ_FREE(path);
    return st;
}

bool rj_status_is_done(const char *folder)
{
    char *path = NULL;
    rj_json *json = NULL;
    const char *state = "";
    const bool done = rj_path_join(folder, "status.json", &path) == RJ_OK && rj_path_exists(path) &&
                      rj_json_open(path, 4096, &json) == RJ_OK &&
                      rj_json_string(json, NULL, "state", false, &state) == RJ_OK &&
                      strcmp(state, "done") == 0;

    rj_json_close(&json);
    RJ_FREE(path);
    return done;
}
