/* expect.c: the flops of docs/performance.md times the machine's rates. */
#include "resjac/schedule/expect.h"

#include <math.h>

rj_machine rj_machine_built_in(void)
{
    return (rj_machine){.rates = {rj_cost_built_in(false), rj_cost_built_in(true)},
                        .forward = {1.6e-11, 3.2e-11},
                        .fold = {1.05e-11, 2.1e-11},
                        .couple = {1.1e-11, 2.2e-11},
                        .null_draw = 8e-9,
                        .dequantise = 7e-10,
                        .draw = 1.5e-8,
                        .store_unit = .02,
                        .store_byte = 5e-9,
                        .open_model = .02,
                        .claim = 3e-6,
                        .latency = 2e-6,
                        .byte = 1e-10,
                        .digest = 1e-9,
                        .file = 2e-3,
                        .file_system = 1e9,
                        .merge_byte = 3e-8};
}

double rj_work_block_weights(const rj_work *w)
{
    return (double)w->d * (2.0 * w->attention + 2.0 * w->kv + (w->gated ? 3.0 : 2.0) * w->d_ff);
}

/* Flops a prompt and block. */
static double forward_flops(const rj_work *w)
{
    return 2 * w->tokens * rj_work_block_weights(w) + 2 * w->tokens * w->tokens * w->attention;
}

/* A Jacobian's flops where a head's map is made of n_column tokens. */
static double jacobian_flops(const rj_work *w, int n_grid, double n_column)
{
    const double d = w->d, heads = w->attention, r = fmin(heads, w->kv + w->n_head * n_column);
    /* A grid forms A, whose columns its ranks share. */
    const double after = w->parallel ? r : r < d && n_grid == 1 ? 2 * r : r + d;

    return 2 * d * d * (w->d_ff + after) + 2 * w->tokens * heads * d / 8;
}

/* One column through J or J', formed or not. */
static double column_flops(const rj_work *w, bool formed)
{
    return formed ? 2.0 * w->d * w->d : 2 * rj_work_block_weights(w);
}

/* J times one frame, and that with its other half. */
static double pair_flops(const rj_work *w, bool vju, bool formed)
{
    const double d = w->d, width = w->k;
    return (vju ? 2 : 1) * (column_flops(w, formed) * width + 2 * d * width * width);
}

/* One row of the first n: J_i with the frames of all blocks, its own frame with those of its own and later blocks. */
static double coupling_flops(const rj_work *w, int n)
{
    const double d = w->d, width = w->k;
    return w->n_layer * pair_flops(w, w->vju, !w->matrix_free) +
           (w->n_layer - (n - 1) / 2.0) * 8 * d * width * width;
}

/* A search for more columns than half of J's gives up, and all of J is formed and decomposed. */
static bool searches(const rj_work *w)
{
    return w->krylov && 2 * rj_cost_krylov_columns(w->d, w->k, w->is_double) <= w->d;
}

static bool is_free(const rj_work *w)
{
    return w->matrix_free && searches(w);
}

static double svd_seconds(const rj_machine *m, const rj_work *w, int n_grid)
{
    const rj_cost_rates *r = &m->rates[w->is_double];

    if (searches(w)) {
        const double d = w->d, columns = rj_cost_krylov_columns(w->d, w->k, w->is_double);
        const double products = r->narrow * 4 * d * d * columns; /* all that a grid shares */
        return rj_cost_krylov(r, w->d, w->k, w->most, w->is_double) - products * (1 - 1.0 / n_grid);
    }
    /* on a grid the bidiagonal matrix is decomposed by one rank, about an eighth of the whole */
    return rj_cost_full(r, w->d) * (n_grid == 1 ? 1.0 : .125 + .875 / n_grid);
}

/* What products with J that is not formed take more than those with the matrix, certificates and probes of the norm included. */
static double free_seconds(const rj_machine *m, const rj_work *w)
{
    const rj_cost_rates *r = &m->rates[w->is_double];
    const double more = column_flops(w, false) - column_flops(w, true);
    const double narrow = 2.0 * rj_cost_krylov_columns(w->d, w->k, w->is_double),
                 wide = 2.0 * w->most + w->probes;

    return is_free(w) ? more * (r->narrow * narrow + r->wide * wide) : 0;
}

static double svd_flops(const rj_work *w)
{
    const double d = w->d, columns = rj_cost_krylov_columns(w->d, w->k, w->is_double);
    return searches(w) ? 2 * column_flops(w, !w->matrix_free) * columns : 8.0 / 3 * d * d * d;
}

/* Adds what the token modes take of a prompt and block. */
static void add_tokens(const rj_machine *m, const rj_work *w, double times, double s[RJ_N_WORK])
{
    const rj_token_work *t = &w->token;
    const double full = rj_cost_full(&m->rates[w->is_double], w->d);

    s[RJ_WORK_FORWARD] += times * t->forwards * forward_flops(w) * m->forward[w->is_double];
    s[RJ_WORK_JACOBIAN] += times * t->jacobians * jacobian_flops(w, 1, 1) * m->fold[w->is_double];
    s[RJ_WORK_SVD] += times * (t->full * full + (t->jacobians - t->full) * svd_seconds(m, w, 1));
    s[RJ_WORK_COUPLING] += times * t->pairs * pair_flops(w, false, true) * m->couple[w->is_double];
}

static double token_flops(const rj_work *w)
{
    return w->token.forwards * forward_flops(w) +
           w->token.jacobians * (jacobian_flops(w, 1, 1) + svd_flops(w)) +
           w->token.pairs * pair_flops(w, false, true);
}

/* Frames to every rank, streams from stage to stage, the record to the first rank. */
static double exchange_seconds(const rj_machine *m, const rj_work *w, int stages, int n_grid)
{
    const double element = w->is_double ? 8 : 4, hops = ceil(log2(stages * n_grid + .5));
    const double frames = w->n_layer * (m->latency * hops + 2.0 * w->k * w->d * element * m->byte);
    const double streams = (stages - 1) * (m->latency + 8.0 * w->d * w->tokens * m->byte);
    /* The MLP's map to all, J home, and to ScaLAPACK's blocks and back, or a Krylov search's products. */
    const double numbers =
        w->krylov ? 2.0 * w->d + 4.0 * rj_cost_krylov_columns(w->d, w->k, w->is_double) : 4.0 * w->d;
    const double panels = n_grid == 1 ? 0 : w->n_layer / stages * (element * w->d * numbers * m->byte);

    return stages * n_grid == 1 ? 0 : w->prompts * (frames + streams + panels) + w->stored * m->byte;
}

rj_expectation rj_expect_unit(const rj_machine *m, const rj_work *w, int stages, int n_grid)
{
    const int in_stage = (w->n_layer + stages - 1) / stages, kept = (in_stage + n_grid - 1) / n_grid;
    const double passes = stages > 1 ? 2 : 1, n = w->prompts, weights = rj_work_block_weights(w);
    const double forward = n * forward_flops(w) * m->forward[w->is_double];
    rj_expectation e = {{0}, 0, 0};
    double *s = e.seconds;

    /* Without matrices each prompt's coupling reads the weights again. */
    s[RJ_WORK_READ] =
        (passes + (w->matrix_free ? n : 0)) * in_stage * weights * (w->twin ? m->draw : m->dequantise);
    s[RJ_WORK_FORWARD] = passes * in_stage * forward;
    s[RJ_WORK_JACOBIAN] =
        is_free(w) ? 0 : n * in_stage * jacobian_flops(w, n_grid, w->tokens) / n_grid * m->fold[w->is_double];
    s[RJ_WORK_SVD] = n * in_stage * (svd_seconds(m, w, n_grid) + free_seconds(m, w));
    s[RJ_WORK_COUPLING] = n * kept * coupling_flops(w, kept) * m->couple[w->is_double] +
                          n * 64 * m->null_draw * 2 * (w->k + 3.0) * w->n_k * w->k;
    add_tokens(m, w, n * in_stage, s);
    s[RJ_WORK_EXCHANGE] = exchange_seconds(m, w, stages, n_grid);
    s[RJ_WORK_STORE] = m->store_unit + w->stored * m->store_byte;
    for (int i = 0; i < RJ_N_WORK; i++) e.total += s[i];
    /* The last stage waits until the prompts have passed the others, one after the other; it is not passed itself before. */
    if (stages > 1) {
        const double read = weights * (w->twin ? m->draw : m->dequantise), one = forward / n;
        e.total += (stages - 1) * ((in_stage - 1) * (forward + read) + one) + (n - 1) * one;
        e.total -= in_stage * (forward + read) - read;
    }
    e.flops = n * w->n_layer *
              (passes * forward_flops(w) + (is_free(w) ? 0 : jacobian_flops(w, n_grid, w->tokens)) +
               svd_flops(w) + coupling_flops(w, w->n_layer) + token_flops(w));
    return e;
}
