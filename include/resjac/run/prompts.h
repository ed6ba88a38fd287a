/* prompts.h: the prompt list of a run, as text or as token ids. */
#ifndef RESJAC_RUN_PROMPTS_H
#define RESJAC_RUN_PROMPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "resjac/base/status.h"
#include "resjac/store/record.h"
#include "resjac/tokenizer/tokenizer.h"

typedef struct {
    char id[RJ_NAME_SIZE]; /* the line number, or "id" of a .jsonl line */
    char sha256[65];       /* of the text's bytes, or of the ids as little-endian int32 */
    int line;              /* of the file, from 1 */
    char *text;            /* NULL where the prompt is given as ids */
    ptrdiff_t n_text;
    int32_t *ids; /* NULL where the prompt is given as text */
    ptrdiff_t n_ids;
} rj_prompt;

typedef struct {
    char *path;
    int n;
    rj_prompt *prompt; /* [n], in the file's order */
} rj_prompts;

/* One prompt a line. In a file that ends in .jsonl a line is {"text": "..."} or {"ids": [..]}, with an "id" if liked;
 * elsewhere it is the prompt itself (UTF-8, without its line end; a final line end is no further prompt).
 *   prompts [out] free with rj_prompts_free; untouched on error
 * Errors: FORMAT an empty line or list, a line that is not such JSON, no prompt at all (file, line, remedy); NOMEM. */
RJ_CHECKED rj_status rj_prompts_parse(const char *path, const char *text, size_t n, rj_prompts **prompts);
void rj_prompts_free(rj_prompts **prompts);

/* How prompts become tokens (deck section prompts). */
typedef struct {
    int max_tokens;
    bool truncate_left;  /* drop the first tokens of one that is too long, else refuse it */
    bool special_tokens; /* add what the tokenizer adds by default */
} rj_prompt_rules;

/* Token ids of one prompt for one model.
 *   tok     [in]  may be NULL where the prompt is given as ids
 *   context [in]  the model's limit; 0 = none
 *   ids     [out] fresh list, freed with rj_free; untouched on error
 * Errors: FORMAT no token, or too many (file, line, both numbers, remedy); those of the tokenizer; NOMEM. */
RJ_CHECKED rj_status rj_prompt_tokens(const rj_prompts *prompts, int i, const rj_tokenizer *tok, int context,
                                      const rj_prompt_rules *rules, int32_t **ids, int *n_ids);
#endif
