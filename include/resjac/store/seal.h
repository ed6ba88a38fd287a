/* seal.h: a digest of a file's bytes behind its end, so that a damaged file is told before HDF5 reads it (it crashes on some).
 * HDF5 reads no further than its own end, and drops the seal when it writes. It is no signature: who makes a file can seal it. */
#ifndef RESJAC_STORE_SEAL_H
#define RESJAC_STORE_SEAL_H

#include <stdbool.h>

#include "resjac/base/status.h"

/* Appends the seal: "RJSHA256" and the SHA-256 of all bytes before. Errors: IO; NOMEM; LIB. */
RJ_CHECKED rj_status rj_seal_add(const char *path);
/* Of a regular file, before any library opens it. Errors: MISSING; FORMAT the bytes are not those that were sealed, or `required` and there is no seal; IO; NOMEM; LIB. */
RJ_CHECKED rj_status rj_seal_check(const char *path, bool required);
#endif
