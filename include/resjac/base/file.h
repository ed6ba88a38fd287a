/* file.h: positional, length-checked reads, and paths. */
#ifndef RESJAC_BASE_FILE_H
#define RESJAC_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "resjac/base/status.h"

typedef struct rj_file rj_file; /* a regular file open for reading */

/* Errors: MISSING; FORMAT not a regular file (a folder, FIFO or device); IO; NOMEM. */
RJ_CHECKED rj_status rj_file_open(const char *path, rj_file **file);
void rj_file_close(rj_file **file);
uint64_t rj_file_size(const rj_file *file); /* when it was opened */
const char *rj_file_path(const rj_file *file);

/* n bytes at offset. Thread-safe. Errors: FORMAT beyond the size (offset, n, size); IO (also a file cut meanwhile). */
RJ_CHECKED rj_status rj_file_read(const rj_file *file, uint64_t offset, size_t n, void *buffer);

/* A whole small file as a NUL-terminated block, freed by rj_free. Errors: as open; FORMAT larger than limit. */
RJ_CHECKED rj_status rj_file_load(const char *path, size_t limit, char **text, size_t *n);

bool rj_path_is_folder(const char *path);
bool rj_path_exists(const char *path);

/* A copy of a path (or any text), freed by rj_free. Errors: NOMEM. */
RJ_CHECKED rj_status rj_path_copy(const char *path, char **copy);
/* folder/name; name alone where it is absolute or the folder is "."; freed by rj_free. Errors: NOMEM. */
RJ_CHECKED rj_status rj_path_join(const char *folder, const char *name, char **path);
/* The folder part of a path ("." where there is none); freed by rj_free. */
RJ_CHECKED rj_status rj_path_folder(const char *path, char **folder);
/* Whether a file or folder lies in a folder (or is it) when all links are followed; false where one of the two is not there. */
bool rj_path_is_inside(const char *path, const char *folder);
/* mkdir -p. Errors: CREATE (path, the part that failed, errno); NOMEM. */
RJ_CHECKED rj_status rj_path_make_folder(const char *path);
#endif
