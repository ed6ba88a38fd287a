/* components.h: the named parts of a tokenizer.json as lists of primitive steps, and what surrounds the ids of a text. */
#ifndef RESJAC_TOKENIZER_COMPONENTS_H
#define RESJAC_TOKENIZER_COMPONENTS_H

#include <stdint.h>

#include "resjac/base/json.h"
#include "resjac/base/status.h"
#include "resjac/tokenizer/pretokenize.h"

enum { RJ_LABEL_SIZE = 96, RJ_FRAME_TEXT = -1, RJ_MAX_FRAME = 1024, RJ_MAX_TOKEN_ID = INT32_MAX - 1 };

/* Append the steps of a "normalizer" or "pre_tokenizer" value; null appends none. Not collective.
 *   label [out] names of the pre-tokenizers for display: "Digits + ByteLevel", or "none"
 * Errors: FORMAT a kind that is not supported (file, kind, those that are), a key missing or of a wrong type, a regular
 * expression that is not understood; NOMEM. Steps appended before an error stay. */
RJ_CHECKED rj_status rj_normalizer_read(const rj_json *j, const json_t *value, rj_steps *steps);
RJ_CHECKED rj_status rj_pretokenizer_read(const rj_json *j, const json_t *value, rj_steps *steps,
                                          char label[RJ_LABEL_SIZE]);

/* The ids around those of a text: RJ_FRAME_TEXT stands for the text. Starts as zeros; list freed by rj_free. */
typedef struct {
    int32_t *id;
    ptrdiff_t n, cap;
} rj_frame;

/* Reads a "post_processor" value (null: the text alone); the frame must be empty. Errors: as above. */
RJ_CHECKED rj_status rj_postprocessor_read(const rj_json *j, const json_t *value, rj_frame *frame);
RJ_CHECKED rj_status rj_frame_add(rj_frame *frame,
                                  int32_t id); /* errors: NOMEM; FORMAT beyond RJ_MAX_FRAME */
#endif
