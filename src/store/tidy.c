/* tidy.c: a temporary's name tells its writer; nobody else's file is ever touched. */
#include "resjac/store/tidy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "publish.h"
#include "resjac/base/fault.h"
#include "resjac/base/file.h"
#include "resjac/base/log.h"
#include "resjac/base/memory.h"
#include "resjac/base/process.h"

static const double day = 86400.0; /* more than any file takes to be written, and than clocks differ */

/* Has the writer of "<name>.tmp.<host>.<process>" gone? False for any other name. */
static bool is_left_over(const char *path, const char *name)
{
    const char *mark = NULL, *dot = strrchr(name, '.');
    char host[RJ_HOST_SIZE], *end = NULL;
    struct stat info;

    for (const char *at = strstr(name, ".tmp."); at != NULL; at = strstr(at + 1, ".tmp.")) mark = at;
    if (mark == NULL || dot < mark + 5) return false;
    rj_host_name(host);
    const long process = strtol(dot + 1, &end, 10);
    if (end == dot + 1 || *end != '\0' || process <= 0) return false;
    const size_t n = (size_t)(dot - (mark + 5));
    if (strlen(host) == n && strncmp(mark + 5, host, n) == 0) return !rj_process_runs(process);
    return stat(path, &info) == 0 && difftime(time(NULL), info.st_mtime) > day;
}

/* Of a folder's files, those whose name starts with `prefix`. A folder that cannot be listed is left as it is. */
static rj_status remove_left_overs(const char *folder, const char *prefix, int *n_removed)
{
    rj_status st = RJ_OK;
    DIR *dir = opendir(folder);
    char *path = NULL;

    if (dir == NULL) return RJ_OK;
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0) continue;
        RJ_TRY(rj_path_join(folder, entry->d_name, &path));
        if (is_left_over(path, entry->d_name)) {
            if (unlink(path) == 0)
                ++*n_removed;
            else if (errno != ENOENT) /* another run was faster */
                rj_log(RJ_LOG_WARN, "%s: left by a killed run, cannot be removed: %s", path, strerror(errno));
        }
        RJ_FREE(path);
    }
done:
    rj_free(path);
    closedir(dir);
    return st;
}

rj_status rj_output_prepare(const char *output)
{
    rj_status st = RJ_OK;
    char *parent = NULL, *folder = NULL, *units = NULL, *leases = NULL, *beside = NULL;
    const char *slash = strrchr(output, '/'), *name = slash != NULL ? slash + 1 : output;
    const size_t size = strlen(output) + 16;
    int n_removed = 0;

    RJ_TRY(rj_fault_at(RJ_FAULT_OUTPUT_PREPARE));
    RJ_TRY(rj_path_folder(output, &parent));
    RJ_NEW(folder, (ptrdiff_t)size, 1);
    RJ_NEW(units, (ptrdiff_t)size, 1);
    RJ_NEW(leases, (ptrdiff_t)size, 1);
    RJ_NEW(beside, (ptrdiff_t)size, 1);
    snprintf(folder, size, "%s.d", output);
    snprintf(units, size, "%s.d/units", output);
    snprintf(leases, size, "%s.d/leases", output);
    snprintf(beside, size, "%s.tmp.", name);
    RJ_TRY(rj_path_make_folder(units));
    RJ_TRY(rj_publish_flush(folder, O_DIRECTORY));
    RJ_TRY(rj_publish_flush(parent, O_DIRECTORY));
    RJ_TRY(remove_left_overs(units, "", &n_removed));
    RJ_TRY(remove_left_overs(leases, "", &n_removed));
    RJ_TRY(remove_left_overs(folder, "", &n_removed));
    RJ_TRY(remove_left_overs(parent, beside, &n_removed));
    if (n_removed > 0) rj_log(RJ_LOG_INFO, "%d unfinished files of killed runs are removed", n_removed);
done:
    rj_free(beside);
    rj_free(leases);
    rj_free(units);
    rj_free(folder);
    rj_free(parent);
    return st;
}
