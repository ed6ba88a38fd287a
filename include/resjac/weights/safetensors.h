/* safetensors.h: header of one .safetensors file (format: huggingface/safetensors README). */
#ifndef RESJAC_WEIGHTS_SAFETENSORS_H
#define RESJAC_WEIGHTS_SAFETENSORS_H

#include <stddef.h>

#include "resjac/base/file.h"
#include "resjac/base/status.h"
#include "resjac/weights/tensor.h"

typedef struct rj_safetensors rj_safetensors;

/* For weights.c and fuzz targets: others have rj_weights_open. Reads and checks the header by the format's own rules: at
 * most 100,000,000 bytes, no repeated name, offsets that agree with type and shape, no hole, no overlap, no byte left
 * over. Also refused: more than RJ_MAX_DIMS dimensions, and files whose metadata says that another framework than
 * PyTorch or MLX wrote them (their matrices are transposed).
 *   s [out] close with rj_safetensors_close; untouched on error
 * Errors: MISSING; FORMAT (file, tensor, both values); IO; NOMEM. */
RJ_CHECKED rj_status rj_safetensors_open(const char *path, rj_safetensors **s);
void rj_safetensors_close(rj_safetensors **s);
const rj_file *rj_safetensors_file(const rj_safetensors *s);
/* The file's tensors by offset, [n], with `file` 0; borrowed. */
const rj_tensor *rj_safetensors_tensors(const rj_safetensors *s, ptrdiff_t *n);
#endif
