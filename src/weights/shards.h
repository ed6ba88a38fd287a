/* shards.h: the files of a checkpoint. */
#ifndef RESJAC_WEIGHTS_SHARDS_H
#define RESJAC_WEIGHTS_SHARDS_H

#include "resjac/base/json.h"
#include "resjac/weights/gguf.h"
#include "resjac/weights/safetensors.h"
#include "resjac/weights/weights.h"

/* All zero before rj_shards_open. */
typedef struct {
    rj_format format;
    int n;
    rj_gguf **gguf;               /* [n], or NULL */
    rj_safetensors **safetensors; /* [n], or NULL */
    rj_json *config, *index;      /* of safetensors; index NULL where there is one file */
} rj_shards;

/* Finds and opens the files that belong to `path`; what is in *s after an error is for rj_shards_close. The values of the
 * index's weight_map are strings then. Errors: see rj_weights_open. */
RJ_CHECKED rj_status rj_shards_open(const char *path, rj_shards *s);
void rj_shards_close(rj_shards *s);

const rj_file *rj_shard_file(const rj_shards *s, int i);
const rj_tensor *rj_shard_tensors(const rj_shards *s, int i, ptrdiff_t *n);
#endif
