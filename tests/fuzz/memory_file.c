/* memory_file.c: what base/file.c asks of the system, for files in memory: the linker sends its calls here (--wrap), so that an
 * execution takes no system call. The file on the disk is for those that ask whether it is there. */
#include <fcntl.h>
#include <stdarg.h>
#include <sys/stat.h>

#include "../temporary.h"
#include "fuzz.h"

enum { MOST_FILES = 8, FIRST = 1 << 20 }; /* FIRST: beyond the system's descriptors */

static struct {
    char path[TEMPORARY_SIZE];
    uint8_t *data; /* [n], no byte more, so that a sanitizer sees a read behind the end */
    size_t n;
} files[MOST_FILES];
static int n_files;

int __real_open(const char *path, int flags, ...);
int __real_fstat(int file, struct stat *info);
ssize_t __real_pread(int file, void *to, size_t n, off_t offset);
int __real_close(int file);
int __wrap_open(const char *path, int flags, ...);
int __wrap_fstat(int file, struct stat *info);
ssize_t __wrap_pread(int file, void *to, size_t n, off_t offset);
int __wrap_close(int file);

static int find(const char *path)
{
    for (int i = 0; i < n_files; i++)
        if (strcmp(files[i].path, path) == 0) return i;
    return -1;
}

static void remove_folder(void)
{
    temporary_end(NULL);
}

const char *fuzz_folder(void)
{
    if (temporary_folder[0] == '\0') {
        if (temporary_begin(NULL) != 0) abort();
        atexit(remove_folder);
    }
    return temporary_folder;
}

const char *fuzz_file(const char *name, const void *data, size_t n)
{
    fuzz_folder();
    const char *path = temporary_path(name);
    int i = find(path);
    if (i < 0) {
        temporary_file(name, data, n);
        i = n_files++;
        if (i == MOST_FILES) abort();
        snprintf(files[i].path, sizeof files[i].path, "%s", path);
    }
    free(files[i].data);
    files[i].data = malloc(n > 0 ? n : 1);
    if (files[i].data == NULL) abort();
    if (n > 0) memcpy(files[i].data, data, n);
    files[i].n = n;
    return files[i].path;
}

int __wrap_open(const char *path, int flags, ...)
{
    const int i = find(path);
    va_list arguments;

    if (i >= 0) return FIRST + i;
    va_start(arguments, flags);
    const int mode = (flags & O_CREAT) != 0 ? va_arg(arguments, int) : 0;
    va_end(arguments);
    return __real_open(path, flags, mode);
}

int __wrap_fstat(int file, struct stat *info)
{
    if (file < FIRST) return __real_fstat(file, info);
    *info = (struct stat){.st_mode = S_IFREG | 0600, .st_size = (off_t)files[file - FIRST].n};
    return 0;
}

ssize_t __wrap_pread(int file, void *to, size_t n, off_t offset)
{
    if (file < FIRST) return __real_pread(file, to, n, offset);
    const size_t size = files[file - FIRST].n, at = (size_t)offset;
    const size_t left = at < size ? size - at : 0, part = n < left ? n : left;
    if (part > 0) memcpy(to, files[file - FIRST].data + at, part);
    return (ssize_t)part;
}

int __wrap_close(int file)
{
    return file < FIRST ? __real_close(file) : 0;
}
