/* nfc.c: utf8proc decomposes a character and composes a stretch; the marks are put in order here, by counting, because
 * utf8proc sorts them in O(n^2) steps. */
#include "resjac/tokenizer/nfc.h"

#include <string.h>
#include <utf8proc.h>

#include "resjac/base/memory.h"
#include "resjac/tokenizer/grow.h"
#include "resjac/tokenizer/utf8.h"

enum { N_CLASSES = 256, MAX_DECOMPOSED = 16, NEVER_CHANGED = 0x300 };

static const utf8proc_option_t NFC = UTF8PROC_COMPOSE | UTF8PROC_STABLE;

/* Assigned after Unicode 9 (DerivedAge.txt), and given a combining class, a decomposition or a part in one by
 * UnicodeData.txt of Unicode 18. Without later characters, form C is the same in every version since 4.1. */
static const struct {
    int32_t first, last;
} LATER[] = {
    {0x5C8, 0x5C9},     {0x7FD, 0x7FD},     {0x897, 0x89F},     {0x8CA, 0x8D3},     {0x9FE, 0x9FE},
    {0xC3C, 0xC3C},     {0xD3B, 0xD3C},     {0xEBA, 0xEBA},     {0x1715, 0x1715},   {0x1ABF, 0x1AF0},
    {0x1DF6, 0x1DFA},   {0xA82C, 0xA82C},   {0x105C9, 0x105E4}, {0x10D24, 0x10D27}, {0x10D69, 0x10D6D},
    {0x10EAB, 0x10EAC}, {0x10ECB, 0x10ECF}, {0x10EF0, 0x10EFF}, {0x10F46, 0x10F50}, {0x10F82, 0x10F85},
    {0x11070, 0x11070}, {0x1133B, 0x1133B}, {0x11382, 0x11391}, {0x113B8, 0x113D0}, {0x1145E, 0x1145E},
    {0x11839, 0x1183A}, {0x11930, 0x11943}, {0x119E0, 0x119E0}, {0x11A34, 0x11A34}, {0x11A47, 0x11A47},
    {0x11A99, 0x11A99}, {0x11D42, 0x11D45}, {0x11D97, 0x11D97}, {0x11F41, 0x11F42}, {0x1611E, 0x1612F},
    {0x16D63, 0x16D6A}, {0x16FF0, 0x16FF1}, {0x1D127, 0x1D128}, {0x1D250, 0x1D25F}, {0x1D280, 0x1D281},
    {0x1E08F, 0x1E08F}, {0x1E130, 0x1E136}, {0x1E2AE, 0x1E2AE}, {0x1E2EC, 0x1E2EF}, {0x1E4EC, 0x1E4EF},
    {0x1E5EE, 0x1E5EF}, {0x1E6E3, 0x1E6F5},
};
enum { N_LATER = sizeof LATER / sizeof *LATER };

void rj_nfc_work_free(rj_nfc_work *w)
{
    rj_free(w->code);
    rj_free(w->spare);
    *w = (rj_nfc_work){0};
}

static bool is_later(int32_t c)
{
    int lo = 0, hi = N_LATER;

    while (lo < hi) {
        const int mid = (lo + hi) / 2;
        if (LATER[mid].last < c)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < N_LATER && LATER[lo].first <= c;
}

static int class_of(int32_t c)
{
    return utf8proc_get_property(c)->combining_class;
}

/* Sorts a run of marks by class; equal classes keep their order. */
static rj_status order_run(rj_nfc_work *w, int32_t *run, ptrdiff_t n)
{
    rj_status st = RJ_OK;
    ptrdiff_t start[N_CLASSES + 1] = {0};

    RJ_GROW(w->spare, w->cap_spare, n);
    for (ptrdiff_t i = 0; i < n; i++) start[class_of(run[i]) + 1]++;
    for (int k = 0; k < N_CLASSES; k++) start[k + 1] += start[k];
    for (ptrdiff_t i = 0; i < n; i++) w->spare[start[class_of(run[i])]++] = run[i];
    memcpy(run, w->spare, (size_t)n * sizeof *run);
done:
    return st;
}

static rj_status order_marks(rj_nfc_work *w)
{
    rj_status st = RJ_OK;

    for (ptrdiff_t i = 0, k; i < w->n; i += k) {
        bool sorted = true;
        for (k = 0; i + k < w->n && class_of(w->code[i + k]) > 0; k++)
            sorted &= k == 0 || class_of(w->code[i + k - 1]) <= class_of(w->code[i + k]);
        if (!sorted) RJ_TRY(order_run(w, w->code + i, k));
        if (k == 0) k = 1;
    }
done:
    return st;
}

/* Orders, composes, writes and empties the stretch. */
static rj_status flush(rj_nfc_work *w, rj_pieces *out)
{
    rj_status st = RJ_OK;

    if (w->n == 0) return RJ_OK;
    RJ_TRY(order_marks(w));
    const utf8proc_ssize_t n = utf8proc_normalize_utf32(w->code, w->n, NFC);
    RJ_REQUIRE(n >= 0, RJ_ERR_LIB, "utf8proc cannot normalize a text: %s", utf8proc_errmsg(n));
    RJ_GROW(out->text, out->cap_text, out->n_text + RJ_UTF8_MAX * n);
    for (ptrdiff_t i = 0; i < n; i++)
        out->n_text += rj_utf8_encode((uint32_t)w->code[i], out->text + out->n_text);
    w->n = 0;
done:
    return st;
}

static rj_status decompose(rj_nfc_work *w, int32_t c)
{
    rj_status st = RJ_OK;
    int last_class = 0;

    RJ_GROW(w->code, w->cap, w->n + MAX_DECOMPOSED);
    const utf8proc_ssize_t n = utf8proc_decompose_char(c, w->code + w->n, MAX_DECOMPOSED, NFC, &last_class);
    RJ_REQUIRE(0 < n && n <= MAX_DECOMPOSED, RJ_ERR_LIB, "utf8proc cannot decompose U+%04X: %s", (unsigned)c,
               n < 0 ? utf8proc_errmsg(n) : "too long");
    w->n += n;
done:
    return st;
}

rj_status rj_nfc_write(rj_nfc_work *w, const char *text, ptrdiff_t n, rj_pieces *out)
{
    rj_status st = RJ_OK;
    ptrdiff_t i = 0;

    w->n = 0;
    while (i < n && rj_utf8_decode(text + i) < NEVER_CHANGED) i += rj_utf8_size(text + i);
    if (i > 0 && i < n) i -= rj_utf8_size_before(text + i); /* a mark may join it */
    RJ_TRY(rj_pieces_write(out, text, i));
    while (i < n) {
        const int32_t c = (int32_t)rj_utf8_decode(text + i);
        const int k = rj_utf8_size(text + i);
        if (is_later(c)) {
            RJ_TRY(flush(w, out));
            RJ_TRY(rj_pieces_write(out, text + i, k));
        } else {
            RJ_TRY(decompose(w, c));
        }
        i += k;
    }
    RJ_TRY(flush(w, out));
done:
    return st;
}
