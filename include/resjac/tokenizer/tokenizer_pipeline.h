/* tokenizer_pipeline.h: what a tokenizer is made of, and the two readers that make it. */
#ifndef RESJAC_TOKENIZER_TOKENIZER_PIPELINE_H
#define RESJAC_TOKENIZER_TOKENIZER_PIPELINE_H

#include "resjac/base/json.h"
#include "resjac/base/status.h"
#include "resjac/tokenizer/bpe.h"
#include "resjac/tokenizer/components.h"
#include "resjac/tokenizer/pretokenize.h"
#include "resjac/tokenizer/tokenizer.h"
#include "resjac/tokenizer/unigram.h"
#include "resjac/weights/gguf.h"

/* One text for display. */
typedef struct {
    int32_t id;
    ptrdiff_t at; /* in the pool */
} rj_shown;

/* Text -> steps -> model -> frame -> ids. Immutable once opened. */
struct rj_tokenizer {
    rj_steps steps; /* cut of added tokens as they are, normalizers, cut of normalized ones, pre-tokenizers */
    rj_bpe *model;  /* one of the two, the other NULL */
    rj_unigram *unigram;
    rj_frame frame;
    rj_vocab *added;           /* added tokens: content -> id */
    char label[RJ_LABEL_SIZE]; /* of the pre-tokenizers */
    ptrdiff_t size;
    rj_shown *shown; /* ascending ids */
    ptrdiff_t n_shown, cap_shown;
    char *pool;
    ptrdiff_t n_pool, cap_pool;
    char *summary;
};

/* An added token as a file declares it. */
typedef struct {
    const char *text;
    ptrdiff_t n;
    int32_t id;
    bool normalized; /* searched in the normalized text, itself normalized */
    rj_added_flags flags;
} rj_added_token;

/* Of the model: texts and ids, without added tokens. */
rj_vocab *rj_tokenizer_vocab(const rj_tokenizer *tok);

/* Both readers start from an empty tokenizer: model first, then the two parts of the steps around the added tokens.
 * Frees nothing on error: the caller closes the tokenizer. */
RJ_CHECKED rj_status rj_tokenizer_read_json(const rj_json *j, rj_tokenizer *tok);
RJ_CHECKED rj_status rj_tokenizer_read_gguf(const rj_gguf *g, rj_tokenizer *tok);

/* The steps up to the pre-tokenizers: both cuts and the normalizers between them.
 *   j, normalizer [in] a "normalizer" value and its document
 *   list          [in] [n] texts are copied; of equal texts the last one counts
 * Errors: as rj_normalizer_read; NOMEM. */
RJ_CHECKED rj_status rj_tokenizer_add_tokens(rj_tokenizer *tok, const rj_json *j, const json_t *normalizer,
                                             const rj_added_token *list, ptrdiff_t n);

/* From a document in memory, as rj_tokenizer_open from a file. */
RJ_CHECKED rj_status rj_tokenizer_from_json(const rj_json *j, rj_tokenizer **tok);
RJ_CHECKED rj_status rj_tokenizer_from_gguf(const rj_gguf *g, rj_tokenizer **tok);

/* Fills what is for display: size, shown, summary. Errors: NOMEM. */
RJ_CHECKED rj_status rj_tokenizer_describe(rj_tokenizer *tok);
#endif
