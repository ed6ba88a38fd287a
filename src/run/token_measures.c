/* token_measures.c: one mode at a time: the Jacobians of its tokens, each with its decomposition, then their coupling, as
 * between blocks. What only influence needs is decomposed and let go, token by token. */
#include "token_measures.h"

#include <math.h>

#include "resjac/base/clock.h"
#include "resjac/base/memory.h"
#include "resjac/metrics/coupling.h"
#include "resjac/metrics/spectrum.h"

/* The variables of a mode. */
typedef struct {
    rj_variable_id misfit, excess, null, rank;
} mode_ids;

static const mode_ids ids_of[RJ_N_MODES] = {
    [RJ_MODE_SELF] = {RJ_VAR_SELF_MISFIT, RJ_VAR_SELF_EXCESS, RJ_VAR_SELF_NULL, RJ_VAR_SELF_RANK},
    [RJ_MODE_FIXED_INPUT] = {RJ_VAR_FIXED_INPUT_MISFIT, RJ_VAR_FIXED_INPUT_EXCESS, RJ_VAR_FIXED_INPUT_NULL,
                             RJ_VAR_FIXED_INPUT_RANK},
    [RJ_MODE_FIXED_OUTPUT] = {RJ_VAR_FIXED_OUTPUT_MISFIT, RJ_VAR_FIXED_OUTPUT_EXCESS,
                              RJ_VAR_FIXED_OUTPUT_NULL, RJ_VAR_FIXED_OUTPUT_RANK}};

/* Tokens of the prompt that a mode takes, and what is known of their Jacobians. Arrays are [n], n of the deck's list. */
typedef struct {
    const rj_token_case *c;
    rj_record *record;
    ptrdiff_t prompt;
    int n;
    int *at;                  /* place in the prompt, -1: it has no such token */
    rj_coupling_block *block; /* top NULL: no such token, or J = 0 */
    rj_topk *top;
    rj_matrix mlp; /* of the one output that all share; else without data */
} token_set;

static bool wanted(const rj_token_case *c, rj_mode mode)
{
    return (c->options->tokens.modes >> mode & 1) != 0;
}

static void forget(token_set *s)
{
    for (int i = 0; i < s->n; i++) {
        rj_matrix_free(&s->block[i].jac);
        rj_topk_free(&s->top[i]);
        s->block[i].top = NULL;
    }
    rj_matrix_free(&s->mlp);
}

static void token_set_free(token_set *s)
{
    if (s->block != NULL && s->top != NULL) forget(s);
    RJ_FREE(s->top);
    RJ_FREE(s->block);
    RJ_FREE(s->at);
}

static rj_status token_set_new(const rj_token_case *c, rj_record *r, ptrdiff_t p, token_set *s)
{
    rj_status st = RJ_OK;
    const rj_token_options *t = &c->options->tokens;

    *s = (token_set){.c = c, .record = r, .prompt = p, .n = t->n, .mlp = {.ld = 1}};
    RJ_NEW(s->at, s->n, 1);
    RJ_NEW(s->block, s->n, 1);
    RJ_NEW(s->top, s->n, 1);
    for (int i = 0; i < s->n; i++) {
        const int at = t->at[i] < 0 ? c->T + t->at[i] : t->at[i];
        s->at[i] = 0 <= at && at < c->T ? at : -1;
        s->block[i].jac.ld = 1;
    }
done:
    return st;
}

static double *value_at(const token_set *s, rj_variable_id id, int i)
{
    return rj_record_at(s->record, id, s->prompt) + (ptrdiff_t)s->c->layer * s->n + i;
}

/* jac <- J of token t by token `from`. */
static rj_status take_jacobian(token_set *s, int from, int t, bool share, rj_matrix *jac)
{
    rj_status st = RJ_OK;
    const rj_token_case *c = s->c;
    const int d = c->config->d;
    rj_point *point = NULL;

    RJ_TRY(rj_block_linearise(c->block, 0, c->T, c->x, from, t, &point));
    if (share && s->mlp.data == NULL && !c->config->parallel) {
        RJ_TRY(rj_matrix_new(c->options->arithmetic, d, d, &s->mlp));
        RJ_TRY(rj_point_mlp(point, &s->mlp));
    }
    if (jac->data == NULL) RJ_TRY(rj_matrix_new(c->options->arithmetic, d, d, jac));
    RJ_TRY(rj_point_jacobian_sharing(point, s->mlp.data != NULL ? &s->mlp : NULL, c->last, jac));
done:
    rj_point_free(&point);
    return st;
}

/* Triplets for the largest K, by `method`; nothing where J = 0. */
static rj_status decompose(const rj_token_case *c, rj_svd_method method, rj_coupling_block *b, rj_topk *top)
{
    rj_status st = RJ_OK;
    rj_krylov_options k = rj_pipeline_triplets(c->config, c->options);
    const rj_stage before = rj_clock_enter(RJ_STAGE_SVD);

    k.most = k.k;
    b->frobenius = rj_matrix_frobenius(&b->jac);
    b->trace = rj_matrix_trace(&b->jac);
    if (b->frobenius == 0.0) goto done;
    RJ_TRY(rj_topk_of(&b->jac, method, &k, top));
    b->top = top;
done:
    rj_clock_enter(before);
    return st;
}

static void note_influence(const token_set *s, int i)
{
    const rj_coupling_block *b = &s->block[i];
    rj_spectrum spectrum = {.participation_ratio = NAN, .effective_rank = NAN};

    if (b->top != NULL) rj_spectrum_measure(b->top, b->frobenius, &spectrum);
    *value_at(s, RJ_VAR_INFLUENCE_FROBENIUS, i) = b->frobenius;
    *value_at(s, RJ_VAR_INFLUENCE_SPECTRAL, i) = spectrum.spectral;
    *value_at(s, RJ_VAR_INFLUENCE_PARTICIPATION, i) = spectrum.participation_ratio;
    *value_at(s, RJ_VAR_INFLUENCE_RANK, i) = spectrum.effective_rank;
}

/* Token i of a mode, from -> t. J stays where tokens are compared. */
static rj_status take_token(token_set *s, rj_mode mode, int i, int from, int t)
{
    rj_status st = RJ_OK;
    const rj_token_case *c = s->c;
    const bool last = mode == RJ_MODE_FIXED_OUTPUT, influence = last && wanted(c, RJ_MODE_INFLUENCE);
    rj_coupling_block *b = &s->block[i];

    RJ_TRY(take_jacobian(s, from, t, last, &b->jac));
    RJ_TRY(
        decompose(c, influence ? RJ_SVD_FULL : c->options->svd, b, &s->top[i])); /* influence needs every s */
    if (influence) note_influence(s, i);
    if (wanted(c, mode)) {
        *value_at(s, ids_of[mode].rank, i) = b->top != NULL ? rj_topk_rank(b->top) : 0;
    } else {
        b->top = NULL;
        rj_topk_free(&s->top[i]);
        rj_matrix_free(&b->jac);
    }
    RJ_TRY(c->tick(c->tick_ctx));
done:
    return st;
}

/* Values of one layer, [k,n,n] or [k,n], to their place in [k,layer,..]. */
static void place(const token_set *s, rj_variable_id id, ptrdiff_t count, const double *from)
{
    const ptrdiff_t n_layer = s->c->config->n_layer;
    double *to = rj_record_at(s->record, id, s->prompt);

    for (ptrdiff_t k = 0; k < s->c->options->n_k; k++)
        for (ptrdiff_t i = 0; i < count; i++)
            to[(k * n_layer + s->c->layer) * count + i] = from[k * count + i];
}

static rj_status couple(const token_set *s, rj_mode mode)
{
    rj_status st = RJ_OK;
    const rj_pipeline_options *o = s->c->options;
    const rj_stage before = rj_clock_enter(RJ_STAGE_COUPLING);
    const ptrdiff_t pairs = (ptrdiff_t)s->n * s->n;
    rj_coupling_measures m = {.misfit = NULL};

    RJ_NEW(m.misfit, o->n_k, pairs);
    RJ_NEW(m.excess, o->n_k, pairs);
    RJ_NEW(m.null, o->n_k, s->n);
    RJ_TRY(rj_coupling_rows(s->n, s->block, o->n_k, o->k, o->norm, o->seed, 0, s->n, NULL, &m));
    place(s, ids_of[mode].misfit, pairs, m.misfit);
    place(s, ids_of[mode].excess, pairs, m.excess);
    place(s, ids_of[mode].null, s->n, m.null);
done:
    RJ_FREE(m.misfit);
    RJ_FREE(m.excess);
    RJ_FREE(m.null);
    rj_clock_enter(before);
    return st;
}

/* The earliest of the tokens that the prompt has; T where it has none. */
static int earliest(const token_set *s)
{
    int first = s->c->T;

    for (int i = 0; i < s->n; i++)
        if (s->at[i] >= 0 && s->at[i] < first) first = s->at[i];
    return first;
}

static rj_status measure_mode(token_set *s, rj_mode mode)
{
    rj_status st = RJ_OK;
    const int first = earliest(s), last = s->c->T - 1;

    for (int i = 0; i < s->n; i++) {
        const int at = s->at[i];
        if (at < 0) continue;
        RJ_TRY(take_token(s, mode, i, mode == RJ_MODE_FIXED_INPUT ? first : at,
                          mode == RJ_MODE_FIXED_OUTPUT ? last : at));
    }
    if (wanted(s->c, mode)) RJ_TRY(couple(s, mode));
    forget(s);
done:
    return st;
}

rj_status rj_measure_tokens(const rj_token_case *c, rj_record *r, ptrdiff_t p)
{
    rj_status st = RJ_OK;
    const rj_stage before = rj_clock_enter(RJ_STAGE_JACOBIAN);
    token_set s = {0};

    if (c->options->tokens.modes == 0 || !c->options->tokens.layer[c->layer]) goto done;
    RJ_TRY(token_set_new(c, r, p, &s));
    if (wanted(c, RJ_MODE_SELF)) RJ_TRY(measure_mode(&s, RJ_MODE_SELF));
    if (wanted(c, RJ_MODE_FIXED_INPUT)) RJ_TRY(measure_mode(&s, RJ_MODE_FIXED_INPUT));
    if (wanted(c, RJ_MODE_FIXED_OUTPUT) || wanted(c, RJ_MODE_INFLUENCE))
        RJ_TRY(measure_mode(&s, RJ_MODE_FIXED_OUTPUT));
done:
    token_set_free(&s);
    rj_clock_enter(before);
    return st;
}

int64_t rj_measure_tokens_memory(const rj_config *config, const rj_pipeline_options *options)
{
    const rj_token_options *t = &options->tokens;
    const int64_t d = config->d, n_k = options->n_k,
                  element = (int64_t)rj_matrix_element(options->arithmetic);
    const size_t coupled = t->modes & ~((size_t)1 << RJ_MODE_INFLUENCE);
    const int64_t kept = coupled != 0 ? t->n : 1;

    if (t->modes == 0) return 0;
    return element * d * (d + kept * (d + 2 * rj_pipeline_triplets(config, options).k)) +
           8 * n_k * t->n * (2 * t->n + 1);
}
