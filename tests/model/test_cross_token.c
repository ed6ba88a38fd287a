/* test_cross_token.c: one token's output by another token's state: blocks of several families against the definition, exact
 * zeros, what a norm forgets, and what is refused. Against autograd: golden_cross_token.c. */
#include "checkpoints.h"

#include "resjac/model/block_parts.h"

enum { MOST_D = 40, T = 9 };

typedef struct {
    rj_model *model;
    rj_block *block;
    int d;
    double x[MOST_D * T];
} case_of;

static case_of open_case(const char *name, int layer)
{
    case_of c = {0};

    assert_ok(rj_model_open(golden(name), false, 0, &c.model));
    assert_ok(rj_block_load(c.model, layer, RJ_DOUBLE, &c.block));
    c.d = c.model->config.d;
    assert_true(c.d <= MOST_D);
    fill_normal("x", c.d * T, c.x);
    return c;
}

static void close_case(case_of *c)
{
    rj_block_free(&c->block);
    rj_model_close(&c->model);
}

/* jac [d,d] of token t by token s. */
static void jacobian_of(const case_of *c, int s, int t, rj_last_block last, double *jac)
{
    rj_matrix mjac = {RJ_DOUBLE, c->d, c->d, c->d, jac};
    rj_point *point = NULL;

    assert_ok(rj_block_linearise(c->block, 0, T, c->x, s, t, &point));
    assert_ok(rj_point_jacobian(point, last, &mjac));
    rj_point_free(&point);
}

/* ||F_t(x_s + h dx) - F_t(x) - h J dx|| */
static double remainder_of(const case_of *c, int s, int t, double h, const double *dx, const double *jdx)
{
    double moved[MOST_D * T], still[MOST_D * T], sum = 0.0;

    memcpy(moved, c->x, sizeof moved), memcpy(still, c->x, sizeof still);
    for (int i = 0; i < c->d; i++) moved[i + s * c->d] += h * dx[i];
    assert_ok(rj_block_forward(c->block, T, moved, T - 1, NULL));
    assert_ok(rj_block_forward(c->block, T, still, T - 1, NULL));
    for (int i = 0; i < c->d; i++) {
        const double r = moved[i + t * c->d] - still[i + t * c->d] - h * jdx[i];
        sum += r * r;
    }
    return sqrt(sum);
}

/* Second order, and the operator is the folded J, forwards, backwards and by columns. */
static void check_pair(const case_of *c, int s, int t)
{
    const int d = c->d;
    double jac[MOST_D * MOST_D], formed[MOST_D * MOST_D], turned[MOST_D * MOST_D], dx[MOST_D], jdx[MOST_D];
    rj_matrix mjac = {RJ_DOUBLE, d, d, d, jac}, mformed = {RJ_DOUBLE, d, d, d, formed};
    rj_matrix mturned = {RJ_DOUBLE, d, d, d, turned};
    rj_point *point = NULL;

    fill_normal("dx", d, dx);
    jacobian_of(c, s, t, RJ_LAST_RAW, jac);
    rj_matrix_times('N', &mjac, dx, jdx);
    const double ratio = remainder_of(c, s, t, 2e-3, dx, jdx) / remainder_of(c, s, t, 1e-3, dx, jdx);
    if (!(3.9 < ratio && ratio < 4.1))
        fail_msg("layer %d, token %d by %d: ratio %g", c->block->layer, t, s, ratio);
    assert_ok(rj_block_linearise(c->block, 0, T, c->x, s, t, &point));
    const rj_linop op = rj_point_linop(point);
    const double limit = 1e-14 * rj_matrix_frobenius(&mjac) + 1e-300;
    assert_ok(rj_linop_form(&op, 5, &mformed));
    assert_true(rj_matrix_max_difference(&mjac, &mformed) < limit);
    rj_matrix_identity(&mturned);
    assert_ok(op.apply_transpose(op.ctx, &mturned, &mformed));
    rj_matrix_transpose(&mformed, &mturned);
    assert_true(rj_matrix_max_difference(&mjac, &mturned) < limit);
    rj_matrix part = rj_matrix_block(&mformed, 0, 3, d, 4), same = rj_matrix_block(&mjac, 0, 3, d, 4);
    assert_ok(rj_point_mlp(point, &mturned));
    assert_ok(rj_point_columns(point, &mturned, RJ_LAST_RAW, 3, &part));
    assert_true(rj_matrix_max_difference(&same, &part) < limit);
    rj_point_free(&point);
}

static void cross_token_blocks_are_differentiated(void **state)
{
    static const char *const names[] = {
        "gpt2_base", "llama_base",  "gemma2_base", "gptneox_base", "olmo_base", "olmo2_base", "qwen3_base",
        "mpt_heads", "bloom_heads", "falcon_40b",  "mixtral_base", "phi3_long", "t5_base"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        case_of c = open_case(names[i], 0);
        check_pair(&c, 6, 8);
        check_pair(&c, 3, 4);
        if (c.block->attention.bidirectional) check_pair(&c, 7, 2);
        close_case(&c);
    }
}

/* For s = t = T - 1 to the bit that of the forward pass; and B taken from another source's point changes no bit. */
static void one_token_and_shared_mlp(void **state)
{
    static const char *const names[] = {"llama_base", "gemma2_base", "mixtral_base", "phi_base"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        case_of c = open_case(names[i], 1);
        double a[MOST_D * MOST_D], b[MOST_D * MOST_D], mlp[MOST_D * MOST_D], y[MOST_D * T];
        const size_t bytes = sizeof(double) * (size_t)(c.d * c.d);
        rj_matrix ma = {RJ_DOUBLE, c.d, c.d, c.d, a}, mb = {RJ_DOUBLE, c.d, c.d, c.d, b};
        rj_matrix mmlp = {RJ_DOUBLE, c.d, c.d, c.d, mlp};
        rj_point *last = NULL, *other = NULL;

        memcpy(y, c.x, sizeof y);
        assert_ok(rj_block_forward(c.block, T, y, T - 1, &last));
        assert_ok(rj_point_jacobian(last, RJ_LAST_FINAL_NORM, &ma));
        jacobian_of(&c, T - 1, T - 1, RJ_LAST_FINAL_NORM, b);
        assert_memory_equal(a, b, bytes);
        assert_ok(rj_block_linearise(c.block, 0, T, c.x, 2, T - 1, &other));
        assert_ok(rj_point_mlp(last, &mmlp));
        assert_ok(rj_point_jacobian(other, RJ_LAST_RAW, &ma));
        assert_ok(rj_point_jacobian_sharing(other, &mmlp, RJ_LAST_RAW, &mb));
        assert_memory_equal(a, b, bytes);
        rj_point_free(&other);
        rj_point_free(&last);
        close_case(&c);
    }
}

/* Mistral's window of 4: token 8 sees 5..8. */
static void outside_the_window_is_exactly_zero(void **state)
{
    case_of c = open_case("mistral_base", 0);
    double jac[MOST_D * MOST_D];

    (void)state;
    jacobian_of(&c, 4, 8, RJ_LAST_FINAL_NORM, jac);
    for (int i = 0; i < c.d * c.d; i++) assert_true(jac[i] == 0.0);
    jacobian_of(&c, 5, 8, RJ_LAST_RAW, jac);
    double sum = 0.0;
    for (int i = 0; i < c.d * c.d; i++) sum += jac[i] * jac[i];
    assert_true(sum > 1e-6);
    close_case(&c);
}

static double image_norm(const case_of *c, const double *jac, const double *v)
{
    const rj_matrix mjac = {RJ_DOUBLE, c->d, c->d, c->d, (void *)(uintptr_t)jac};
    double image[MOST_D], above = 0.0, below = 0.0;

    rj_matrix_times('N', &mjac, v, image);
    for (int i = 0; i < c->d; i++) above += image[i] * image[i], below += v[i] * v[i];
    return sqrt(above / below);
}

/* Whatever the target: RMSNorm does not see the length of the source's state (but for eps), LayerNorm no shift of it either. */
static void norms_forget_the_same_of_a_source(void **state)
{
    static const char *const names[] = {"llama_base", "qwen3_base", "gemma_base", "gpt2_base",
                                        "gptneox_base"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        case_of c = open_case(names[i], 0);
        double jac[MOST_D * MOST_D], source[MOST_D];
        const bool rms = c.block->attention_norm.kind == RJ_NORM_RMS;
        for (int k = 0; k < c.d * T; k++) c.x[k] *= 1000.0; /* so that eps hardly matters */
        jacobian_of(&c, 3, 7, RJ_LAST_RAW, jac);
        double norm = 0.0, mean = 0.0;
        for (int k = 0; k < c.d * c.d; k++) norm += jac[k] * jac[k];
        for (int k = 0; k < c.d; k++) mean += rms ? 0.0 : c.x[k + 3 * c.d] / c.d;
        for (int k = 0; k < c.d; k++) source[k] = c.x[k + 3 * c.d] - mean;
        assert_true(image_norm(&c, jac, source) < 1e-6 * sqrt(norm));
        for (int k = 0; k < c.d; k++) source[k] = 1.0;
        assert_true((image_norm(&c, jac, source) < 1e-12 * sqrt(norm)) == !rms);
        close_case(&c);
    }
}

static void what_is_refused(void **state)
{
    case_of c = open_case("llama_base", 0);
    rj_point *point = NULL;

    (void)state;
    assert_int_equal(rj_block_linearise(c.block, 0, T, c.x, 5, 4, &point), RJ_ERR_ARG);
    assert_non_null(strstr(rj_status_message(), "token 4 by token 5, of 9 tokens that see none behind them"));
    assert_int_equal(rj_block_linearise(c.block, 0, T, c.x, 0, T, &point), RJ_ERR_ARG);
    assert_int_equal(rj_block_linearise(c.block, 0, T, c.x, -1, 3, &point), RJ_ERR_ARG);
    c.x[2 * c.d] = NAN;
    assert_int_equal(rj_block_linearise(c.block, 0, T, c.x, 0, 4, &point), RJ_ERR_NUMERIC);
    assert_null(point);
    assert_ok(rj_block_linearise(c.block, 0, T, c.x, 0, 1,
                                 &point)); /* what is behind the target is not looked at */
    rj_point_free(&point);
    close_case(&c);
}

static rj_status linearise_and_fold(const case_of *c)
{
    rj_status st = RJ_OK;
    rj_point *point = NULL;
    double jac[MOST_D * MOST_D], mlp[MOST_D * MOST_D];
    rj_matrix mjac = {RJ_DOUBLE, c->d, c->d, c->d, jac}, mmlp = {RJ_DOUBLE, c->d, c->d, c->d, mlp};

    RJ_TRY(rj_block_linearise(c->block, 0, T, c->x, 2, 5, &point));
    RJ_TRY(rj_point_mlp(point, &mmlp));
    RJ_TRY(rj_point_jacobian_sharing(point, &mmlp, RJ_LAST_RAW, &mjac));
done:
    rj_point_free(&point);
    return st;
}

static void every_allocation_may_fail(void **state)
{
    case_of c = open_case("gemma3_base", 0);
    const ptrdiff_t before = rj_memory_live();
    rj_status st = RJ_ERR_NOMEM;
    int n = 0;

    (void)state;
    for (; st != RJ_OK; n++) {
        rj_memory_fail_after(n);
        st = linearise_and_fold(&c);
        rj_memory_fail_after(-1);
        assert_true(st == RJ_OK || st == RJ_ERR_NOMEM);
        assert_int_equal(rj_memory_live(), before);
    }
    assert_true(n > 20);
    close_case(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(cross_token_blocks_are_differentiated),
        unit(one_token_and_shared_mlp),
        unit(outside_the_window_is_exactly_zero),
        unit(norms_forget_the_same_of_a_source),
        unit(what_is_refused),
        unit(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, temporary_begin, temporary_end);
}
