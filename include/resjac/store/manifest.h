/* manifest.h: the small text files of <output>.d: manifest.json (what belongs to the run), status.json (how far it is). */
#ifndef RESJAC_STORE_MANIFEST_H
#define RESJAC_STORE_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>

#include "resjac/base/status.h"
#include "resjac/store/results.h"
#include "resjac/store/shard.h"

/* Replaces a file by n bytes at once: a reader sees the old or the new, whole. `durable` also waits until it is on disk.
 * Not collective.
 * Errors: CREATE; IO (disk full). */
RJ_CHECKED rj_status rj_text_replace(const char *path, const char *text, size_t n, bool durable);

/* One unit of the run: its file in <folder>/units. */
typedef struct {
    char model[RJ_NAME_SIZE]; /* name of its group */
    char file[2 * RJ_NAME_SIZE];
    char key[65];
    int grid[2]; /* rows and columns of ranks that decompose together: results depend on it */
} rj_manifest_unit;

/* Writes <folder>/manifest.json; logs (INFO) how its units differ from those of the one that is there. The same units, `keep`
 * and `annex` give the same bytes; `same` tells whether they were there already.
 *   keep   [in]  what the final file keeps of them
 *   annex  [in]  identity of what is added to the final file
 *   sha256 [out] of the file: the identity of the run's results
 * Errors: CREATE; IO; NOMEM. */
RJ_CHECKED rj_status rj_manifest_write(const char *folder, rj_per_prompt keep, const char *annex, int n_units,
                                       const rj_manifest_unit *unit, bool *same, char sha256[65]);

/* Reads <folder>/manifest.json back.
 *   unit [out] fresh list, freed with rj_free; untouched on error
 * Errors: MISSING no manifest; FORMAT it is broken; NOMEM. */
RJ_CHECKED rj_status rj_manifest_read(const char *folder, int *n_units, rj_manifest_unit **unit);

/* Checks that every unit of <folder>/manifest.json is there, is the one that the manifest names, and passes
 * rj_results_verify; and that <folder>/units holds nothing foreign: what is neither a unit under its own name (those of
 * another deck stay), nor set aside, nor a temporary file. Logs (WARN) each problem with the command that repairs it.
 * Errors: MISSING no manifest; FORMAT it is broken; IO; NOMEM. */
RJ_CHECKED rj_status rj_manifest_verify(const char *folder, int *n_problems);

typedef struct {
    const char *state;       /* "running", "done", "partial", "stopped", "failed" */
    int done, total, failed; /* units */
    double eta;              /* seconds; < 0 unknown */
} rj_run_state;

/* <folder>/status.json {state, done, total, eta, failed}; eta is null where unknown. Errors: as rj_text_replace. */
RJ_CHECKED rj_status rj_status_write(const char *folder, const rj_run_state *state);

/* True where status.json says that the run is done. False where there is none. */
bool rj_status_is_done(const char *folder);
#endif
