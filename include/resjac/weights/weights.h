/* weights.h: named tensors of a checkpoint, whatever its file format, read by rows. */
#ifndef RESJAC_WEIGHTS_WEIGHTS_H
#define RESJAC_WEIGHTS_WEIGHTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "resjac/base/json.h"
#include "resjac/base/status.h"
#include "resjac/weights/dtype.h"
#include "resjac/weights/gguf.h"
#include "resjac/weights/tensor.h"

enum { RJ_DIGEST_SIZE = 32 };

typedef enum { RJ_FORMAT_SAFETENSORS = 0, RJ_FORMAT_GGUF } rj_format;

typedef struct rj_weights rj_weights;

/* Opens a checkpoint: a .gguf file (also the first of a split set name-00001-of-000NN.gguf); a folder with config.json
 * and model.safetensors or model.safetensors.index.json; a .safetensors file (its folder has config.json); a config.json,
 * which is a checkpoint without tensors.
 * Reads headers only; every count, offset, product and sum is checked against the files' sizes. Not collective.
 * A tensor whose element type cannot be read is listed as RJ_DTYPE_UNSUPPORTED and refused where it is read, because
 * checkpoints carry buffers that nobody needs (masks in U8 or BOOL). A type whose size is unknown is refused here.
 *   w [out] close with rj_weights_close; untouched on error
 * Errors: MISSING no such file, shard or config.json; FORMAT not a checkpoint, or broken (names file, tensor or key,
 * both values, the remedy); IO; NOMEM. */
RJ_CHECKED rj_status rj_weights_open(const char *path, rj_weights **w);
void rj_weights_close(rj_weights **w);

/* A link among the files of a checkpoint must not lead out of its folder, but into the blobs of a hub's cache. Links to whole
 * folders, and the file that the user names himself, are as good as what they lead to. Not collective.
 *   path [in] of a file in `folder`; one that is not there passes
 * Errors: FORMAT it leads out (path, remedy); NOMEM. */
RJ_CHECKED rj_status rj_weights_check_inside(const char *folder, const char *path);

bool rj_weights_is_config(const char *path); /* whether it names a config.json, by its last part */

const char *rj_weights_path(const rj_weights *w); /* as given to open */
rj_format rj_weights_format(const rj_weights *w);
const char *rj_weights_file(const rj_weights *w, const rj_tensor *t); /* the file that holds the tensor */

/* Tensors in bytewise order of their names. */
ptrdiff_t rj_weights_count(const rj_weights *w);
const rj_tensor *rj_weights_at(const rj_weights *w, ptrdiff_t i);
const rj_tensor *rj_weights_find(const rj_weights *w, const char *name); /* NULL where there is none */

uint64_t rj_weights_bytes(const rj_weights *w); /* sum of the files' sizes */

/* config.json of a safetensors checkpoint, GGUF metadata of a GGUF file; the other is NULL. Borrowed. */
const rj_json *rj_weights_config(const rj_weights *w);
const rj_gguf *rj_weights_metadata(const rj_weights *w);

/* Rows row..row+n-1 as floats: out[i * stride + j] = T(row + i, j), where a tensor of one dimension has one row, and one
 * of more than two is seen as [shape[0], product of the rest]. Reads just those bytes, by panels of 256 KiB on the stack
 * (F32 with stride = columns straight into `out`); of n rows the elements at and beyond `columns` are left as they are.
 * Thread-safe while it succeeds (an error's message is not).
 *   out [out] n * stride floats, stride >= columns; on error partly written
 * Errors: FORMAT an unsupported element type (tensor, type); IO, also a file cut since it was opened; ARG. */
RJ_CHECKED rj_status rj_weights_read(const rj_weights *w, const rj_tensor *t, ptrdiff_t row, ptrdiff_t n,
                                     float *out, ptrdiff_t stride);

/* SHA-256 of the tensor's bytes in the file. Errors: IO, FORMAT, NOMEM. */
RJ_CHECKED rj_status rj_weights_digest(const rj_weights *w, const rj_tensor *t,
                                       uint8_t digest[RJ_DIGEST_SIZE]);

/* SHA-256 of what says how the tensors are used: config.json (its keys in order), or the whole header of a GGUF file.
 * Errors: IO, FORMAT, NOMEM. */
RJ_CHECKED rj_status rj_weights_config_digest(const rj_weights *w, uint8_t digest[RJ_DIGEST_SIZE]);
#endif
