/* file.c: pread only, so that readers share one descriptor; every range is checked against the size at opening. */
#include "resjac/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "resjac/base/fault.h"
#include "resjac/base/memory.h"

struct rj_file {
    char *path;
    int descriptor;
    uint64_t size;
};

rj_status rj_path_copy(const char *path, char **copy)
{
    rj_status st = RJ_OK;
    const size_t n = strlen(path) + 1;
    char *text = NULL;

    RJ_NEW(text, (ptrdiff_t)n, 1);
    memcpy(text, path, n);
    *copy = text;
done:
    return st;
}

rj_status rj_file_open(const char *path, rj_file **file)
{
    rj_status st = RJ_OK;
    rj_file *f = NULL;
    struct stat info;

    RJ_TRY(rj_fault_at(RJ_FAULT_FILE_OPEN));
    RJ_NEW(f, 1, 1);
    f->descriptor = -1;
    RJ_TRY(rj_path_copy(path, &f->path));
    do { /* O_NONBLOCK: opening a FIFO must not wait for its writer; it means nothing to a regular file */
        f->descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    } while (f->descriptor < 0 && errno == EINTR);
    if (f->descriptor < 0)
        RJ_FAIL(errno == ENOENT || errno == ENOTDIR ? RJ_ERR_MISSING : RJ_ERR_IO, "%s: cannot open: %s", path,
                strerror(errno));
    RJ_REQUIRE(fstat(f->descriptor, &info) == 0, RJ_ERR_IO, "%s: cannot stat: %s", path, strerror(errno));
    RJ_REQUIRE(S_ISREG(info.st_mode), RJ_ERR_FORMAT, "%s: not a regular file but a %s", path,
               S_ISDIR(info.st_mode) ? "folder" : "FIFO or device");
    f->size = (uint64_t)info.st_size;
    *file = f;
    f = NULL;
done:
    rj_file_close(&f);
    return st;
}

void rj_file_close(rj_file **file)
{
    if (*file == NULL) return;
    if ((*file)->descriptor >= 0) close((*file)->descriptor);
    rj_free((*file)->path);
    RJ_FREE(*file);
}

uint64_t rj_file_size(const rj_file *file)
{
    return file->size;
}

const char *rj_file_path(const rj_file *file)
{
    return file->path;
}

rj_status rj_file_read(const rj_file *file, uint64_t offset, size_t n, void *buffer)
{
    rj_status st = RJ_OK;
    char *to = buffer;

    RJ_REQUIRE(offset <= file->size && n <= file->size - offset, RJ_ERR_FORMAT,
               "%s: %zu bytes at offset %" PRIu64 " reach beyond the end of the file at %" PRIu64
               "; is it complete?",
               file->path, n, offset, file->size);
    RJ_TRY(rj_fault_at(RJ_FAULT_FILE_READ));
    while (n > 0) {
        const ssize_t got = pread(file->descriptor, to, n, (off_t)offset);
        if (got < 0 && errno == EINTR) continue;
        RJ_REQUIRE(got >= 0, RJ_ERR_IO, "%s: cannot read %zu bytes at offset %" PRIu64 ": %s", file->path, n,
                   offset, strerror(errno));
        RJ_REQUIRE(got > 0, RJ_ERR_IO,
                   "%s: ends at offset %" PRIu64 " but had %" PRIu64
                   " bytes when it was opened; was it cut meanwhile?",
                   file->path, offset, file->size);
        to += got;
        n -= (size_t)got;
        offset += (uint64_t)got;
    }
done:
    return st;
}

rj_status rj_file_load(const char *path, size_t limit, char **text, size_t *n)
{
    rj_status st = RJ_OK;
    rj_file *file = NULL;
    char *block = NULL;

    RJ_TRY(rj_file_open(path, &file));
    RJ_REQUIRE(file->size <= limit && file->size < PTRDIFF_MAX, RJ_ERR_FORMAT,
               "%s: %" PRIu64 " bytes, but at most %zu are read of a file of this kind", path, file->size,
               limit);
    RJ_NEW(block, (ptrdiff_t)file->size + 1, 1);
    RJ_TRY(rj_file_read(file, 0, (size_t)file->size, block));
    *text = block;
    *n = (size_t)file->size;
    block = NULL;
done:
    rj_free(block);
    rj_file_close(&file);
    return st;
}

bool rj_path_is_folder(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

bool rj_path_exists(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0;
}

rj_status rj_path_join(const char *folder, const char *name, char **path)
{
    rj_status st = RJ_OK;
    size_t n = name[0] == '/' || strcmp(folder, ".") == 0 ? 0 : strlen(folder);
    const size_t tail = strlen(name) + 1;
    const size_t slash = n > 0 && folder[n - 1] != '/';
    char *text = NULL;

    RJ_NEW(text, (ptrdiff_t)(n + slash + tail), 1);
    memcpy(text, folder, n);
    if (slash) text[n++] = '/';
    memcpy(text + n, name, tail);
    *path = text;
done:
    return st;
}

rj_status rj_path_folder(const char *path, char **folder)
{
    rj_status st = RJ_OK;
    size_t n = strlen(path);
    char *text = NULL;

    while (n > 1 && path[n - 1] == '/') n--; /* "a/b/" is b in a */
    while (n > 0 && path[n - 1] != '/') n--;
    while (n > 1 && path[n - 1] == '/') n--;
    if (n == 0) return rj_path_copy(".", folder);
    RJ_NEW(text, (ptrdiff_t)n + 1, 1);
    memcpy(text, path, n);
    *folder = text;
done:
    return st;
}

bool rj_path_is_inside(const char *path, const char *folder)
{
    char *inner = realpath(path, NULL), *outer = realpath(folder, NULL);
    const size_t n = outer != NULL ? strlen(outer) : 0;
    const bool inside = n > 0 && inner != NULL && strncmp(inner, outer, n) == 0 &&
                        (inner[n] == '\0' || inner[n] == '/' || n == 1);

    free(inner);
    free(outer);
    return inside;
}

rj_status rj_path_make_folder(const char *path)
{
    rj_status st = RJ_OK;
    char *part = NULL;

    RJ_TRY(rj_path_copy(path, &part));
    for (char *end = part;; end++) { /* each leading part in turn; the root is there */
        if (*end != '\0' && (*end != '/' || end == part)) continue;
        const char kept = *end;
        *end = '\0';
        /* A parent that is there may answer EACCES or EROFS instead of EEXIST, so look rather than read errno. */
        const int error = mkdir(part, 0777) == 0 ? 0 : errno;
        RJ_REQUIRE(error == 0 || rj_path_is_folder(part), RJ_ERR_CREATE, "%s: cannot make the folder %s: %s",
                   path, part, strerror(error == EEXIST ? ENOTDIR : error));
        *end = kept;
        if (kept == '\0') break;
    }
done:
    rj_free(part);
    return st;
}
