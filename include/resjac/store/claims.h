/* claims.h: what an open NetCDF file says it holds, against the bytes that it has. */
#ifndef RESJAC_STORE_CLAIMS_H
#define RESJAC_STORE_CLAIMS_H

#include "resjac/base/status.h"

/* Deflate packs 1:1032 at most: a file whose dimensions, or whose variables together, ask for more than 1100 times its size never
 * held their values, and neither memory nor time is given for it. Not collective.
 *   id [in] of the open file
 * Errors: FORMAT it claims more (both numbers), has groups five levels deep, or is broken; MISSING it vanished; NOMEM. */
RJ_CHECKED rj_status rj_claims_check(const char *path, int id);
#endif
