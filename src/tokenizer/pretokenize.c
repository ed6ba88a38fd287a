/* pretokenize.c: each step reads one list of pieces and appends to another; added tokens pass. */
#include "resjac/tokenizer/pretokenize.h"

#include <string.h>

#include "resjac/base/memory.h"
#include "resjac/tokenizer/grow.h"
#include "resjac/tokenizer/nfc.h"
#include "resjac/tokenizer/utf8.h"

typedef struct {
    ptrdiff_t start, end;
    bool match;
} span;

/* What steps share while they run. */
typedef struct {
    rj_matcher *matcher;
    span *list;
    ptrdiff_t n, cap;
    rj_nfc_work nfc;
} work;

/* Runs of bytes and the first of their characters: three are shown as themselves, three moved to U+0100 and after. */
static const struct {
    unsigned char first, last;
    unsigned short to;
} BYTE_RUN[] = {{0x00, 0x20, 0x100}, {0x21, 0x7E, 0x21},  {0x7F, 0xA0, 0x121},
                {0xA1, 0xAC, 0xA1},  {0xAD, 0xAD, 0x143}, {0xAE, 0xFF, 0xAE}};
enum { N_BYTE_RUNS = sizeof BYTE_RUN / sizeof *BYTE_RUN };

uint32_t rj_byte_to_char(unsigned char b)
{
    int i = 0;

    while (b > BYTE_RUN[i].last) i++;
    return (uint32_t)(BYTE_RUN[i].to + (b - BYTE_RUN[i].first));
}

int rj_char_to_byte(uint32_t c)
{
    for (int i = 0; i < N_BYTE_RUNS; i++) {
        const int at = (int)c - BYTE_RUN[i].to;
        if (c < 0x200 && at >= 0 && at <= BYTE_RUN[i].last - BYTE_RUN[i].first) return BYTE_RUN[i].first + at;
    }
    return -1;
}

static rj_status span_add(work *w, ptrdiff_t start, ptrdiff_t end, bool match)
{
    rj_status st = RJ_OK;

    RJ_GROW(w->list, w->cap, w->n + 1);
    w->list[w->n++] = (span){start, end, match};
done:
    return st;
}

/* The matches of a piece and what lies between: together all of it, in order. */
static rj_status find_all(const rj_regex *regex, work *w, const char *text, ptrdiff_t n)
{
    rj_status st = RJ_OK;
    rj_search s = {text, n, 0, -1};
    ptrdiff_t start = 0, end = 0, last = 0;
    bool found = false;

    w->n = 0;
    while (true) {
        RJ_TRY(rj_regex_next(regex, w->matcher, &s, &found, &start, &end));
        if (!found) break;
        if (last != start) RJ_TRY(span_add(w, last, start, false));
        RJ_TRY(span_add(w, start, end, true));
        last = end;
    }
    if (last != n) RJ_TRY(span_add(w, last, n, false));
done:
    return st;
}

static void reverse(span *list, ptrdiff_t n)
{
    for (ptrdiff_t i = 0; i < n - 1 - i; i++) {
        const span s = list[i];
        list[i] = list[n - 1 - i];
        list[n - 1 - i] = s;
    }
}

/* Joins neighbours as the mode says; a list in reverse order for RJ_SPLIT_NEXT. Returns the number left. */
static ptrdiff_t join(span *list, ptrdiff_t n, rj_split_mode mode)
{
    ptrdiff_t kept = 0;
    bool before = false; /* the last one read was a match */

    for (ptrdiff_t i = 0; i < n; i++) {
        const span s = list[i];
        const bool joins = mode == RJ_SPLIT_CONTIGUOUS ? s.match == before : s.match && !before;
        before = s.match;
        if (!joins || kept == 0) {
            list[kept++] = s;
        } else {
            span *to = &list[kept - 1];
            if (s.start < to->start) to->start = s.start;
            if (s.end > to->end) to->end = s.end;
        }
    }
    return kept;
}

static rj_status step_cut(const rj_step *step, work *w, const char *text, rj_piece in, rj_pieces *out)
{
    return rj_added_cut(step->added, w->matcher, text, in.n, in.first, out);
}

static rj_status step_nfc(const rj_step *step, work *w, const char *text, rj_piece in, rj_pieces *out)
{
    rj_status st = RJ_OK;
    const ptrdiff_t at = out->n_text;

    (void)step;
    RJ_TRY(rj_nfc_write(&w->nfc, text, in.n, out));
    RJ_TRY(rj_pieces_add(out, at, out->n_text - at, in.first));
done:
    return st;
}

static rj_status step_prepend(const rj_step *step, work *w, const char *text, rj_piece in, rj_pieces *out)
{
    rj_status st = RJ_OK;
    const bool there = in.n >= step->n && memcmp(text, step->text, (size_t)step->n) == 0;
    const ptrdiff_t at = out->n_text;

    (void)w;
    if (!(step->unless_there && there) && !(step->first_only && !in.first))
        RJ_TRY(rj_pieces_write(out, step->text, step->n));
    RJ_TRY(rj_pieces_write(out, text, in.n));
    RJ_TRY(rj_pieces_add(out, at, out->n_text - at, in.first));
done:
    return st;
}

static rj_status step_replace(const rj_step *step, work *w, const char *text, rj_piece in, rj_pieces *out)
{
    rj_status st = RJ_OK;
    const ptrdiff_t at = out->n_text;

    RJ_TRY(find_all(step->regex, w, text, in.n));
    for (ptrdiff_t i = 0; i < w->n; i++) {
        const span s = w->list[i];
        RJ_TRY(s.match ? rj_pieces_write(out, step->text, step->n)
                       : rj_pieces_write(out, text + s.start, s.end - s.start));
    }
    /* What replaces several characters takes the place of the last one, in the source's alignment, too. */
    const span *head = w->list;
    const bool moved = w->n > 0 && head->match && head->end > rj_utf8_size(text);
    RJ_TRY(rj_pieces_add(out, at, out->n_text - at, in.first && !moved));
done:
    return st;
}

static rj_status step_split(const rj_step *step, work *w, const char *text, rj_piece in, rj_pieces *out)
{
    rj_status st = RJ_OK;
    const ptrdiff_t base = out->n_text;

    RJ_TRY(rj_pieces_write(out, text, in.n));
    RJ_TRY(find_all(step->regex, w, text, in.n));
    if (step->invert)
        for (ptrdiff_t i = 0; i < w->n; i++) w->list[i].match = !w->list[i].match;
    if (step->mode == RJ_SPLIT_NEXT) reverse(w->list, w->n);
    if (step->mode >= RJ_SPLIT_PREVIOUS) w->n = join(w->list, w->n, step->mode);
    if (step->mode == RJ_SPLIT_NEXT) reverse(w->list, w->n);
    for (ptrdiff_t i = 0; i < w->n; i++) {
        const span s = w->list[i];
        if (step->mode == RJ_SPLIT_REMOVED && s.match) continue;
        RJ_TRY(rj_pieces_add(out, base + s.start, s.end - s.start, in.first && s.start == 0));
    }
done:
    return st;
}

static rj_status step_bytes(const rj_step *step, work *w, const char *text, rj_piece in, rj_pieces *out)
{
    rj_status st = RJ_OK;
    const ptrdiff_t at = out->n_text;

    (void)step;
    (void)w;
    RJ_GROW(out->text, out->cap_text, at + 2 * in.n); /* every character of the map has one or two bytes */
    for (ptrdiff_t i = 0; i < in.n; i++)
        out->n_text += rj_utf8_encode(rj_byte_to_char((unsigned char)text[i]), out->text + out->n_text);
    RJ_TRY(rj_pieces_add(out, at, out->n_text - at, in.first));
done:
    return st;
}

static rj_status step_strip(const rj_step *step, work *w, const char *text, rj_piece in, rj_pieces *out)
{
    ptrdiff_t end = in.n;

    (void)step;
    (void)w;
    while (end > 0) {
        const ptrdiff_t last = end - rj_utf8_size_before(text + end);
        if (!rj_utf8_is_space(rj_utf8_decode(text + last))) break;
        end = last;
    }
    return rj_pieces_append(out, text, end, in.first);
}

static rj_status step_charsmap(const rj_step *step, work *w, const char *text, rj_piece in, rj_pieces *out)
{
    rj_status st = RJ_OK;
    const ptrdiff_t at = out->n_text;

    (void)w;
    RJ_TRY(rj_charsmap_write(step->map, text, in.n, out));
    RJ_TRY(rj_pieces_add(out, at, out->n_text - at, in.first));
done:
    return st;
}

typedef rj_status (*step_run)(const rj_step *step, work *w, const char *text, rj_piece in, rj_pieces *out);
static const step_run RUN[] = {
    [RJ_STEP_CUT] = step_cut,         [RJ_STEP_NFC] = step_nfc,          [RJ_STEP_PREPEND] = step_prepend,
    [RJ_STEP_REPLACE] = step_replace, [RJ_STEP_SPLIT] = step_split,      [RJ_STEP_BYTES] = step_bytes,
    [RJ_STEP_STRIP] = step_strip,     [RJ_STEP_CHARSMAP] = step_charsmap};

rj_status rj_steps_run(const rj_steps *s, ptrdiff_t first, ptrdiff_t last, rj_matcher *m, rj_pieces *p,
                       rj_pieces *spare)
{
    rj_status st = RJ_OK;
    work w = {.matcher = m};

    for (ptrdiff_t k = first; k < last; k++) {
        const rj_step *step = &s->step[k];
        if (step->kind == RJ_STEP_CUT && rj_added_count(step->added) == 0) continue;
        rj_pieces_clear(spare);
        for (ptrdiff_t i = 0; i < p->n; i++) {
            const rj_piece in = p->piece[i];
            RJ_TRY(in.id != RJ_PIECE_TEXT ? rj_pieces_token(spare, in.id)
                                          : RUN[step->kind](step, &w, p->text + in.at, in, spare));
        }
        const rj_pieces result = *spare;
        *spare = *p;
        *p = result;
    }
done:
    rj_free(w.list);
    rj_nfc_work_free(&w.nfc);
    return st;
}

static void step_free(rj_step *step)
{
    rj_added_destroy(&step->added);
    rj_regex_free(&step->regex);
    rj_charsmap_free(&step->map);
    RJ_FREE(step->text);
}

rj_status rj_steps_add(rj_steps *s, rj_step step)
{
    rj_status st = RJ_OK;

    RJ_GROW(s->step, s->cap, s->n + 1);
    s->step[s->n++] = step;
done:
    if (st != RJ_OK) step_free(&step);
    return st;
}

void rj_steps_free(rj_steps *s)
{
    for (ptrdiff_t i = 0; i < s->n; i++) step_free(&s->step[i]);
    rj_free(s->step);
    *s = (rj_steps){0};
}
