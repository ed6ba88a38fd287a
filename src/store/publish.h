/* publish.h: a file appears under its name whole and checked, or not at all. Private to store. */
#ifndef RESJAC_STORE_PUBLISH_H
#define RESJAC_STORE_PUBLISH_H

#include "resjac/base/status.h"

/* "<path>.tmp.<host>.<pid>": no other process has that name. Freed by rj_free. Errors: NOMEM. */
RJ_CHECKED rj_status rj_publish_name(const char *path, char **temporary);

/* fsync of a file or folder opened with `flags`. Errors: IO. */
RJ_CHECKED rj_status rj_publish_flush(const char *path, int flags);

/* A closed NetCDF file becomes `path`: sealed, flushed to the disk, opened again and its content_sha256 recomputed, renamed, and the
 * folder flushed. Errors: IO; CREATE `path` is a folder or cannot be replaced; NOMEM. */
RJ_CHECKED rj_status rj_publish(const char *temporary, const char *path);
#endif
