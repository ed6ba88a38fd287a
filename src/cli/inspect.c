/* inspect.c: what a checkpoint holds, before any time is spent on it. */
#include "commands.h"

#include <math.h>
#include <stdio.h>

#include "resjac/base/log.h"
#include "resjac/base/memory.h"
#include "resjac/model/model.h"
#include "resjac/tokenizer/tokenizer.h"

enum { PANEL = 1 << 16, SHAPE_SIZE = RJ_MAX_DIMS * 24 };

/* Elements of one tensor that are not finite, read in panels of whole rows. */
static rj_status count_bad(const rj_weights *w, const rj_tensor *t, float *panel, ptrdiff_t room,
                           ptrdiff_t *bad)
{
    rj_status st = RJ_OK;
    const ptrdiff_t columns = rj_tensor_columns(t), rows = rj_tensor_rows(t);
    const ptrdiff_t step = room / columns;

    for (ptrdiff_t row = 0; row < rows; row += step) {
        const ptrdiff_t n = row + step <= rows ? step : rows - row;
        RJ_TRY(rj_weights_read(w, t, row, n, panel, columns));
        for (ptrdiff_t i = 0; i < n * columns; i++) *bad += !isfinite(panel[i]);
    }
done:
    return st;
}

static rj_status check_tensors(const rj_weights *w)
{
    rj_status st = RJ_OK;
    float *panel = NULL;
    ptrdiff_t room = PANEL, n_bad = 0;

    for (ptrdiff_t i = 0; i < rj_weights_count(w); i++) {
        const ptrdiff_t columns = rj_tensor_columns(rj_weights_at(w, i));
        room = columns > room ? columns : room;
    }
    RJ_NEW(panel, room, 1);
    for (ptrdiff_t i = 0; i < rj_weights_count(w); i++) {
        const rj_tensor *t = rj_weights_at(w, i);
        ptrdiff_t bad = 0;
        if (t->dtype == RJ_DTYPE_UNSUPPORTED) continue; /* not read by any model; the list says so */
        RJ_TRY(count_bad(w, t, panel, room, &bad));
        if (bad > 0) rj_print("bad       %s: %td elements are Inf or NaN", t->name, bad);
        n_bad += bad > 0;
    }
    RJ_REQUIRE(n_bad == 0, RJ_ERR_NUMERIC, "%s: %td tensors hold Inf or NaN; get the file again",
               rj_weights_path(w), n_bad);
    rj_print("check     every element of %td tensors is finite", rj_weights_count(w));
done:
    RJ_FREE(panel);
    return st;
}

static void print_config(const rj_config *c, int64_t n_parameters)
{
    rj_print("family    %s", c->family);
    rj_print("blocks    %d, d = %d, %d heads of %d (%d key/value heads), d_ff = %d", c->n_layer, c->d,
             c->n_head, c->d_head, c->n_kv_head, c->d_ff);
    if (c->n_expert > 0) rj_print("experts   %d a block, %d a token", c->n_expert, c->n_expert_used);
    rj_print("context   %d tokens, vocabulary %d, head %s", c->max_context, c->n_vocab,
             !c->has_head   ? "none"
             : c->tied_head ? "tied"
                            : "untied");
    rj_print("size      %lld parameters", (long long)n_parameters);
}

/* The other stack of a model that has two; st is how it was read. */
static void print_decoder(rj_status st, const rj_config *c, int64_t n_parameters)
{
    if (st == RJ_OK)
        rj_print("decoder   %d blocks with stack: decoder, %lld parameters with the encoder and the head",
                 c->n_layer, (long long)n_parameters);
    else if (st != RJ_ERR_USAGE) /* which says that there is none */
        rj_print("decoder   none that can be used (%s)", rj_status_message());
}

/* What a model would be, before it is fetched. */
static rj_status inspect_config(const char *path, bool check)
{
    rj_status st = RJ_OK;
    rj_config c = {0}, decoder = {0};
    int64_t n = 0, n_both = 0;

    RJ_REQUIRE(!check, RJ_ERR_USAGE, "%s: --check reads tensors, a config.json has none", path);
    RJ_TRY(rj_model_count(path, &c, &n));
    rj_print("model     %s", path);
    rj_print("format    configuration alone");
    print_config(&c, n);
    const rj_status counted = rj_model_count_stack(path, RJ_STACK_DECODER, &decoder, &n_both);
    print_decoder(counted, &decoder, n_both);
done:
    rj_config_free(&decoder);
    rj_config_free(&c);
    return st;
}

static void print_tensors(const rj_weights *w)
{
    for (ptrdiff_t i = 0; i < rj_weights_count(w); i++) {
        const rj_tensor *t = rj_weights_at(w, i);
        char shape[SHAPE_SIZE] = "";
        for (int k = 0, at = 0; k < t->n_dims; k++)
            at += snprintf(shape + at, sizeof shape - (size_t)at, "%s%td", k ? " x " : "", t->shape[k]);
        rj_print("tensor    %-48s %-6s %s", t->name, rj_dtype_name(t->dtype), shape);
    }
}

rj_status rj_inspect(const char *path, bool check)
{
    rj_status st = RJ_OK;
    rj_model *model = NULL, *decoder = NULL;
    rj_tokenizer *tok = NULL;

    if (rj_weights_is_config(path)) return inspect_config(path, check);
    RJ_TRY(rj_model_open(path, false, 0, &model));
    const rj_weights *w = rj_model_weights(model);
    rj_print("model     %s", path);
    rj_print("format    %s, %td tensors, %.1f MB",
             rj_weights_format(w) == RJ_FORMAT_GGUF ? "GGUF" : "safetensors", rj_weights_count(w),
             1e-6 * (double)rj_weights_bytes(w));
    print_config(rj_model_config(model), rj_model_parameters(model));
    const rj_status opened = rj_model_open_stack(path, RJ_STACK_DECODER, false, 0, &decoder);
    print_decoder(opened, opened == RJ_OK ? rj_model_config(decoder) : NULL,
                  opened == RJ_OK ? rj_model_parameters(decoder) : 0);
    if (rj_tokenizer_open(w, &tok) == RJ_OK)
        rj_print("tokenizer %s", rj_tokenizer_summary(tok));
    else
        rj_print("tokenizer none that can be used (%s); prompts can be given as token ids",
                 rj_status_message());
    print_tensors(w);
    if (check) RJ_TRY(check_tensors(w));
done:
    rj_tokenizer_close(&tok);
    rj_model_close(&decoder);
    rj_model_close(&model);
    return st;
}
