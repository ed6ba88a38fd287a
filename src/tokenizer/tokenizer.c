/* tokenizer.c: a text through the steps, the model and the frame. */
#include "resjac/tokenizer/tokenizer.h"

#include <string.h>

#include "resjac/base/file.h"
#include "resjac/base/memory.h"
#include "resjac/tokenizer/grow.h"
#include "resjac/tokenizer/tokenizer_pipeline.h"
#include "resjac/tokenizer/utf8.h"

#define FILE_NAME "tokenizer.json"
#define GGUF_KEY  "tokenizer.huggingface.json"
static const size_t FILE_LIMIT = (size_t)256 << 20;

static rj_status create(rj_tokenizer **tok)
{
    rj_status st = RJ_OK;
    rj_tokenizer *fresh = NULL;

    RJ_NEW(fresh, 1, 1);
    RJ_TRY(rj_vocab_create(&fresh->added));
    *tok = fresh;
    fresh = NULL;
done:
    rj_tokenizer_close(&fresh);
    return st;
}

void rj_tokenizer_close(rj_tokenizer **tok)
{
    if (*tok == NULL) return;
    rj_steps_free(&(*tok)->steps);
    rj_bpe_destroy(&(*tok)->model);
    rj_unigram_destroy(&(*tok)->unigram);
    rj_vocab_destroy(&(*tok)->added);
    rj_free((*tok)->frame.id);
    rj_free((*tok)->shown);
    rj_free((*tok)->pool);
    rj_free((*tok)->summary);
    RJ_FREE(*tok);
}

rj_vocab *rj_tokenizer_vocab(const rj_tokenizer *tok)
{
    return tok->unigram != NULL ? rj_unigram_vocab(tok->unigram) : rj_bpe_vocab(tok->model);
}

rj_status rj_tokenizer_from_json(const rj_json *j, rj_tokenizer **tok)
{
    rj_status st = RJ_OK;
    rj_tokenizer *fresh = NULL;

    RJ_TRY(create(&fresh));
    RJ_TRY(rj_tokenizer_read_json(j, fresh));
    RJ_TRY(rj_tokenizer_describe(fresh));
    *tok = fresh;
    fresh = NULL;
done:
    rj_tokenizer_close(&fresh);
    return st;
}

static rj_status from_json_text(const rj_gguf *g, rj_tokenizer **tok)
{
    rj_status st = RJ_OK;
    rj_json *j = NULL;
    rj_span text = {0};

    RJ_TRY(rj_gguf_string(g, GGUF_KEY, &text));
    RJ_REQUIRE(text.n <= FILE_LIMIT, RJ_ERR_FORMAT, "%s: " GGUF_KEY " has %zu bytes, at most %zu are read",
               rj_gguf_path(g), text.n, FILE_LIMIT);
    RJ_TRY(rj_json_parse(rj_gguf_path(g), text.text, text.n, &j));
    RJ_TRY(rj_tokenizer_from_json(j, tok));
done:
    rj_json_close(&j);
    return st;
}

rj_status rj_tokenizer_from_gguf(const rj_gguf *g, rj_tokenizer **tok)
{
    rj_status st = RJ_OK;
    rj_tokenizer *fresh = NULL;

    if (rj_gguf_has(g, GGUF_KEY)) return from_json_text(g, tok);
    RJ_TRY(create(&fresh));
    RJ_TRY(rj_tokenizer_read_gguf(g, fresh));
    RJ_TRY(rj_tokenizer_describe(fresh));
    *tok = fresh;
    fresh = NULL;
done:
    rj_tokenizer_close(&fresh);
    return st;
}

static rj_status open_file(const char *checkpoint, rj_tokenizer **tok)
{
    rj_status st = RJ_OK;
    char *folder = NULL, *path = NULL;
    rj_json *j = NULL;

    if (rj_path_is_folder(checkpoint))
        RJ_TRY(rj_path_copy(checkpoint, &folder));
    else
        RJ_TRY(rj_path_folder(checkpoint, &folder));
    RJ_TRY(rj_path_join(folder, FILE_NAME, &path));
    RJ_REQUIRE(rj_path_exists(path), RJ_ERR_MISSING,
               "%s is missing; jobs/tokenizer_to_json.py makes it of vocab.json, tokenizer.model or spiece.model, else "
               "have it written by transformers: AutoTokenizer.from_pretrained(..).save_pretrained(..)",
               path);
    RJ_TRY(rj_weights_check_inside(folder, path));
    RJ_TRY(rj_json_open(path, FILE_LIMIT, &j));
    RJ_TRY(rj_tokenizer_from_json(j, tok));
done:
    rj_json_close(&j);
    rj_free(path);
    rj_free(folder);
    return st;
}

rj_status rj_tokenizer_open(const rj_weights *w, rj_tokenizer **tok)
{
    const rj_gguf *g = rj_weights_metadata(w);

    return g != NULL ? rj_tokenizer_from_gguf(g, tok) : open_file(rj_weights_path(w), tok);
}

/* The text of an added token as the normalizers leave it. */
static rj_status normalize(const rj_steps *steps, ptrdiff_t first, ptrdiff_t last, const rj_added_token *t,
                           rj_added *set)
{
    rj_status st = RJ_OK;
    rj_pieces text = {0}, spare = {0};
    rj_matcher *matcher = NULL;

    RJ_TRY(rj_matcher_create(t->n, &matcher));
    RJ_TRY(rj_pieces_append(&text, t->text, t->n, true));
    RJ_TRY(rj_steps_run(steps, first, last, matcher, &text, &spare));
    if (text.n > 0) RJ_TRY(rj_added_put(set, text.text + text.piece->at, text.piece->n, t->id, t->flags));
done:
    rj_matcher_destroy(&matcher);
    rj_pieces_free(&spare);
    rj_pieces_free(&text);
    return st;
}

/* An empty cut, to be filled later. */
static rj_status add_cut(rj_steps *steps, rj_added **set)
{
    rj_status st = RJ_OK;
    rj_added *fresh = NULL;

    RJ_TRY(rj_added_create(&fresh));
    RJ_TRY(rj_steps_add(steps, (rj_step){.kind = RJ_STEP_CUT, .added = fresh}));
    *set = fresh;
done:
    return st;
}

/* Of equal texts only the last declaration counts, also when it moves the token to the other cut. */
static rj_status mark_last(const rj_added_token *list, ptrdiff_t n, bool *last)
{
    rj_status st = RJ_OK;
    rj_vocab *seen = NULL;

    RJ_TRY(rj_vocab_create(&seen));
    for (ptrdiff_t i = n - 1; i >= 0; i--) {
        last[i] = rj_vocab_find(seen, list[i].text, list[i].n) < 0;
        RJ_TRY(rj_vocab_put(seen, list[i].text, list[i].n, 0));
    }
done:
    rj_vocab_destroy(&seen);
    return st;
}

rj_status rj_tokenizer_add_tokens(rj_tokenizer *tok, const rj_json *j, const json_t *normalizer,
                                  const rj_added_token *list, ptrdiff_t n)
{
    rj_status st = RJ_OK;
    rj_steps *steps = &tok->steps;
    rj_added *plain = NULL, *normalized = NULL;
    bool *last = NULL;

    RJ_NEW(last, n, 1);
    RJ_TRY(mark_last(list, n, last));
    RJ_TRY(add_cut(steps, &plain));
    const ptrdiff_t first = steps->n;
    RJ_TRY(rj_normalizer_read(j, normalizer, steps));
    const ptrdiff_t end = steps->n;
    RJ_TRY(add_cut(steps, &normalized));
    for (ptrdiff_t i = 0; i < n; i++) {
        if (!last[i]) continue;
        RJ_TRY(list[i].normalized ? normalize(steps, first, end, &list[i], normalized)
                                  : rj_added_put(plain, list[i].text, list[i].n, list[i].id, list[i].flags));
    }
    RJ_TRY(rj_added_finish(plain));
    RJ_TRY(rj_added_finish(normalized));
done:
    rj_free(last);
    return st;
}

/* The ids of the text alone. */
static rj_status encode_text(const rj_tokenizer *tok, const char *text, ptrdiff_t n, int32_t **ids,
                             ptrdiff_t *n_ids, ptrdiff_t *cap)
{
    rj_status st = RJ_OK;
    rj_pieces p = {0}, spare = {0};
    rj_bpe_work work = {0};
    rj_unigram_work best = {0};
    rj_matcher *matcher = NULL;

    RJ_TRY(rj_matcher_create(n, &matcher));
    RJ_TRY(rj_pieces_append(&p, text, n, true));
    RJ_TRY(rj_steps_run(&tok->steps, 0, tok->steps.n, matcher, &p, &spare));
    for (ptrdiff_t i = 0; i < p.n; i++) {
        const rj_piece piece = p.piece[i];
        const char *part = p.text + piece.at;
        if (piece.id == RJ_PIECE_TEXT) {
            RJ_TRY(tok->unigram != NULL
                       ? rj_unigram_encode(tok->unigram, &best, part, piece.n, ids, n_ids, cap)
                       : rj_bpe_encode(tok->model, &work, part, piece.n, ids, n_ids, cap));
        } else {
            RJ_GROW(*ids, *cap, *n_ids + 1);
            (*ids)[(*n_ids)++] = piece.id;
        }
    }
done:
    rj_bpe_work_free(&work);
    rj_unigram_work_free(&best);
    rj_pieces_free(&spare);
    rj_pieces_free(&p);
    rj_matcher_destroy(&matcher);
    return st;
}

/* The ids of the text in their frame, as a list of its own. */
static rj_status surround(const rj_frame *frame, bool special, const int32_t *text, ptrdiff_t n,
                          int32_t **ids, ptrdiff_t *n_ids)
{
    rj_status st = RJ_OK;
    int32_t *out = NULL;
    ptrdiff_t m = 0;

    for (ptrdiff_t i = 0; i < frame->n; i++) m += frame->id[i] == RJ_FRAME_TEXT ? n : special;
    RJ_NEW(out, m, 1);
    m = 0;
    for (ptrdiff_t i = 0; i < frame->n; i++) {
        if (frame->id[i] != RJ_FRAME_TEXT) {
            if (special) out[m++] = frame->id[i];
        } else {
            if (n > 0) memcpy(out + m, text, (size_t)n * sizeof *text);
            m += n;
        }
    }
    *ids = out;
    *n_ids = m;
done:
    return st;
}

rj_status rj_tokenizer_encode(const rj_tokenizer *tok, const char *text, ptrdiff_t n, bool special,
                              int32_t **ids, ptrdiff_t *n_ids)
{
    rj_status st = RJ_OK;
    char *clean = NULL;
    int32_t *list = NULL;
    ptrdiff_t n_clean = 0, n_list = 0, cap = 0;

    RJ_REQUIRE(0 <= n && n <= INT32_MAX, RJ_ERR_FORMAT, "a text of %td bytes, at most %d can be tokenized", n,
               INT32_MAX);
    RJ_TRY(rj_utf8_repair(text, n, &clean, &n_clean));
    RJ_TRY(encode_text(tok, clean, n_clean, &list, &n_list, &cap));
    RJ_TRY(surround(&tok->frame, special, list, n_list, ids, n_ids));
done:
    rj_free(list);
    rj_free(clean);
    return st;
}

ptrdiff_t rj_tokenizer_size(const rj_tokenizer *tok)
{
    return tok->size;
}

const char *rj_tokenizer_token(const rj_tokenizer *tok, int32_t id)
{
    ptrdiff_t lo = 0, hi = tok->n_shown; /* the last entry of the id is just before the first above it */

    while (lo < hi) {
        const ptrdiff_t mid = lo + (hi - lo) / 2;
        if (tok->shown[mid].id <= id)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo > 0 && tok->shown[lo - 1].id == id ? tok->pool + tok->shown[lo - 1].at : "";
}

const char *rj_tokenizer_summary(const rj_tokenizer *tok)
{
    return tok->summary;
}
