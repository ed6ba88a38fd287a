/* temporary.h: a folder of files for one test, for tests without MPI. */
#ifndef RJ_TEMPORARY_H
#define RJ_TEMPORARY_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEMPORARY_SIZE = 512 };

static char temporary_folder[TEMPORARY_SIZE / 2];

/* "<folder>/<name>"; the four latest stay valid. */
static inline const char *temporary_path(const char *name)
{
    static char path[4][TEMPORARY_SIZE];
    static int next;

    next = (next + 1) % 4;
    snprintf(path[next], TEMPORARY_SIZE, "%s/%s", temporary_folder, name);
    return path[next];
}

/* Writes a file of n bytes into the folder; returns its path. */
static inline const char *temporary_file(const char *name, const void *bytes, size_t n)
{
    const char *path = temporary_path(name);
    FILE *file = fopen(path, "wb");

    if (file == NULL || fwrite(bytes, 1, n, file) != n || fclose(file) != 0) abort();
    return path;
}

static inline void temporary_remove(const char *path)
{
    DIR *folder = opendir(path);
    char inner[2 * TEMPORARY_SIZE];

    for (struct dirent *e = folder != NULL ? readdir(folder) : NULL; e != NULL; e = readdir(folder)) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
        if (snprintf(inner, sizeof inner, "%s/%s", path, e->d_name) >= (int)sizeof inner) abort();
        if (unlink(inner) != 0) temporary_remove(inner);
    }
    if (folder != NULL) closedir(folder);
    rmdir(path);
}

/* cmocka's set-up and tear-down of a group. */
static inline int temporary_begin(void **state)
{
    const char *base = getenv("TMPDIR");

    (void)state;
    snprintf(temporary_folder, sizeof temporary_folder, "%s/resjac-XXXXXX", base != NULL ? base : "/tmp");
    return mkdtemp(temporary_folder) == NULL;
}

static inline int temporary_end(void **state)
{
    (void)state;
    temporary_remove(temporary_folder);
    return 0;
}
#endif
