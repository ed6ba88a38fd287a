/* results_seal.h: the last step of a final file. Private to store. */
#ifndef RESJAC_STORE_RESULTS_SEAL_H
#define RESJAC_STORE_RESULTS_SEAL_H

#include "resjac/store/annex.h"

/* A filled, closed file gets its annex (NULL for none) and content_sha256 and becomes `path`. One process alone. */
RJ_CHECKED rj_status rj_results_seal(const char *temporary, const char *path, const rj_results_annex *annex);
#endif
