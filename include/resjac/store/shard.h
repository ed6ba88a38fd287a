/* shard.h: one immutable NetCDF-4 file a unit: written beside, closed, flushed, verified, renamed. */
#ifndef RESJAC_STORE_SHARD_H
#define RESJAC_STORE_SHARD_H

#include <stdbool.h>
#include <stdint.h>

#include "resjac/base/status.h"
#include "resjac/store/record.h"

/* What a model is, as the final file tells it. */
typedef struct {
    char name[RJ_NAME_SIZE];   /* of the group: '/' is already "__", a twin ends in "__random_init" */
    char family[RJ_NAME_SIZE]; /* "llama", .. */
    char benchmark_name[RJ_NAME_SIZE], series_name[RJ_NAME_SIZE]; /* "" where none */
    double series_step;                                           /* NAN where none */
    int trained; /* 1 from the checkpoint, 0 random-init twin */
    int64_t n_parameters;
    int n_layers, d_model;
    char fingerprint[65];
} rj_model_facts;

/* Which unit a shard holds. `key` is the SHA-256 of everything that determines its values. */
typedef struct {
    rj_model_facts model;
    int unit, n_units;                     /* of this model */
    ptrdiff_t first_prompt, n_prompts_all; /* of this unit, and of the whole prompt list */
    int n_k;
    const int *k_count;         /* [n_k] */
    const char *const *k_label; /* [n_k]: "10", "0.1d" */
    int n_token;
    const int *
        token; /* [n_token] of the token modes: from 0, or from the end where negative; NULL: none is measured */
    char key[65];
    const char *arithmetic; /* "single", "double" */
    const char *last_block; /* "raw", .. */
    int norm;               /* p of ||s||_p, 1 or 2 */
    int n_missing; /* its prompts whose prompt_status is not 0; set by rj_shard_write and on reading */
} rj_shard_head;

/* Writes folder/<name> with <name> from rj_shard_name, through a temporary file beside it; safe against a kill at any
 * instant, and against two writers of one unit. Not collective.
 *   head [in] name: at most RJ_NAME_SIZE - 1 bytes, no '/'; key: 64 hexadecimal digits
 * Errors: ARG; CREATE folder absent or not writable; IO (disk full too); NOMEM; LIB. On an error no temporary is left. */
RJ_CHECKED rj_status rj_shard_write(const char *folder, const rj_shard_head *head, const rj_record *record);

/* "<model>-unit<unit, 5 digits>-<first 16 of key>.nc"; name has room for 2 * RJ_NAME_SIZE. */
void rj_shard_name(const rj_shard_head *head, char *name);

/* True where that unit is done: its file is there, whole (content hash) and has this key. A broken file is not done: it is
 * reported (WARN) and renamed to <name>.broken. *n_missing: its prompts that were left out, where it is done. Errors: IO; NOMEM. */
RJ_CHECKED rj_status rj_shard_is_done(const char *folder, const rj_shard_head *head, bool *done,
                                      int *n_missing);

/* A shard read back; its bytes are checked before NetCDF sees them, then its content hash, sizes, names and types.
 * close frees head's lists too. Errors: MISSING; FORMAT broken or altered; IO; NOMEM. */
typedef struct {
    rj_shard_head head;
    rj_record *record;
} rj_shard;
RJ_CHECKED rj_status rj_shard_read(const char *path, rj_shard **shard);
void rj_shard_close(rj_shard **shard);
#endif
