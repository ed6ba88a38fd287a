/* test_block.c: a block's derivative by its definition, as an operator and folded; screening; failing allocations. */
#include "tiny.h"

#include "resjac/model/block_parts.h"

enum { N = 3 };

typedef struct {
    rj_model *model;
    rj_block *block;
    rj_point *point;
    double x[TINY_D * TINY_T]; /* input of the block */
} fixture;

static fixture begin(const tiny_change *change, int layer, rj_arithmetic type, int t)
{
    fixture f = {.model = tiny_open(change)};
    double out[TINY_D * TINY_T];

    fill_normal("x", TINY_D * TINY_T, f.x);
    memcpy(out, f.x, sizeof out);
    assert_ok(rj_block_load(f.model, layer, type, &f.block));
    assert_ok(rj_block_forward(f.block, TINY_T, out, t, &f.point));
    return f;
}

static void end(fixture *f)
{
    rj_point_free(&f->point);
    rj_block_free(&f->block);
    rj_model_close(&f->model);
}

/* A view of a list of doubles as [d,n]. */
static rj_matrix panel(double *data, int n)
{
    return (rj_matrix){RJ_DOUBLE, TINY_D, n, TINY_D, data};
}

/* state behind the block at t, where the state before it is x + h dx at t */
static void moved(const fixture *f, int t, double h, const double *dx, double *y)
{
    double x[TINY_D * TINY_T];
    memcpy(x, f->x, sizeof x);
    for (int i = 0; i < TINY_D; i++) x[i + t * TINY_D] += h * dx[i];
    assert_ok(rj_block_forward(f->block, TINY_T, x, t, NULL));
    memcpy(y, x + t * TINY_D, sizeof(double) * TINY_D);
}

/* ||F(x + h dx) - F(x) - h (dx + J dx)|| */
static double remainder_of(const fixture *f, int t, double h, double *dx)
{
    double y[TINY_D], y0[TINY_D], jdx[TINY_D], sum = 0.0;
    const rj_linop op = rj_point_linop(f->point);
    const rj_matrix x = panel(dx, 1);
    rj_matrix jx = panel(jdx, 1);

    moved(f, t, h, dx, y);
    moved(f, t, 0.0, dx, y0);
    assert_ok(op.apply(op.ctx, &x, &jx));
    for (int i = 0; i < TINY_D; i++) {
        const double r = y[i] - y0[i] - h * (dx[i] + jdx[i]);
        sum += r * r;
    }
    return sqrt(sum);
}

/* The remainder is of second order: at half the step it is a quarter. A wrong derivative would give a half. */
static void derivative_has_taylor_slope_two(void **state)
{
    double dx[TINY_D];
    (void)state;
    fill_normal("dx", TINY_D, dx);
    for (int layer = 0; layer < TINY_L; layer++)
        for (int t = 0; t < TINY_T; t += 2) {
            fixture f = begin(NULL, layer, RJ_DOUBLE, t);
            const double ratio = remainder_of(&f, t, 2e-4, dx) / remainder_of(&f, t, 1e-4, dx);
            assert_true(3.99 < ratio && ratio < 4.01);
            end(&f);
        }
}

static void taylor_of_other_activations_and_ropes(void **state)
{
    static const char *const configs[] = {
        "{\"hidden_act\": \"gelu\"}",
        "{\"hidden_act\": \"gelu_new\"}",
        "{\"hidden_act\": \"gelu_fast\"}",
        "{\"hidden_act\": \"quick_gelu\"}",
        "{\"hidden_act\": \"relu\"}",
        "{\"rope_scaling\": {\"type\": \"yarn\", \"factor\": 4, \"original_max_position_embeddings\": 8}}",
    };
    double dx[TINY_D];
    (void)state;
    fill_normal("dx", TINY_D, dx);
    for (size_t i = 0; i < sizeof configs / sizeof *configs; i++) {
        const tiny_change change = {.config = configs[i]};
        fixture f = begin(&change, 1, RJ_DOUBLE, 3);
        const double ratio = remainder_of(&f, 3, 2e-4, dx) / remainder_of(&f, 3, 1e-4, dx);
        if (!(3.98 < ratio && ratio < 4.02)) fail_msg("%s: ratio %g", configs[i], ratio);
        assert_int_equal(rj_point_kinks(f.point), 0);
        end(&f);
    }
}

static double inner(int n, const double *x, const double *y)
{
    double sum = 0.0;
    for (int i = 0; i < n; i++) sum += x[i] * y[i];
    return sum;
}

static void products_are_adjoint(void **state)
{
    double x[TINY_D * N], g[TINY_D * N], jx[TINY_D * N], jg[TINY_D * N];
    fixture f = begin(NULL, 1, RJ_DOUBLE, TINY_T - 1);
    const rj_linop op = rj_point_linop(f.point);
    const rj_matrix mx = panel(x, N), mg = panel(g, N);
    rj_matrix mjx = panel(jx, N), mjg = panel(jg, N);

    (void)state;
    fill_normal("x", TINY_D * N, x);
    fill_normal("g", TINY_D * N, g);
    for (int i = 0; i < TINY_D * N; i++) jx[i] = jg[i] = NAN; /* what stood there must not matter */
    assert_ok(op.apply(op.ctx, &mx, &mjx));
    assert_ok(op.apply_transpose(op.ctx, &mg, &mjg));
    const double left = inner(TINY_D * N, g, jx), right = inner(TINY_D * N, jg, x);
    assert_true(fabs(left - right) < 1e-12 * fabs(left));
    end(&f);
}

/* Folded, and column by column through the operator, from t = 0 (where attention sees itself only) on. */
static void folded_is_the_operator(void **state)
{
    static const double limit[] = {[RJ_SINGLE] = 2e-6, [RJ_DOUBLE] = 1e-14};
    (void)state;
    for (int t = 0; t < TINY_T; t++)
        for (rj_arithmetic type = RJ_SINGLE; type <= RJ_DOUBLE; type++) {
            fixture f = begin(NULL, 0, type, t);
            const rj_linop op = rj_point_linop(f.point);
            rj_matrix folded, formed;
            assert_ok(rj_matrix_new(type, TINY_D, TINY_D, &folded));
            assert_ok(rj_matrix_new(type, TINY_D, TINY_D, &formed));
            rj_matrix_fill(&folded, NAN);
            assert_ok(rj_point_jacobian(f.point, RJ_LAST_RAW, &folded));
            assert_ok(rj_linop_form(&op, 5, &formed));
            assert_true(rj_matrix_max_difference(&folded, &formed) <
                        limit[type] * rj_matrix_frobenius(&formed));
            rj_matrix_free(&formed);
            rj_matrix_free(&folded);
            end(&f);
        }
}

/* D (J + I) - I by the chain rule on columns. */
static void final_norm_follows(void **state)
{
    fixture f = begin(NULL, 1, RJ_DOUBLE, 2);
    double raw[TINY_D * TINY_D], last[TINY_D * TINY_D], y[TINY_D * TINY_T];
    rj_matrix mraw = panel(raw, TINY_D), mlast = panel(last, TINY_D);
    rj_norm_point norm = {0};

    (void)state;
    memcpy(y, f.x, sizeof y);
    assert_ok(rj_block_forward(f.block, TINY_T, y, 2, NULL));
    assert_ok(rj_norm_linearise(&f.model->final_norm, y + 2 * TINY_D, &norm));
    assert_ok(rj_point_jacobian(f.point, RJ_LAST_RAW, &mraw));
    assert_ok(rj_point_jacobian(f.point, RJ_LAST_FINAL_NORM, &mlast));
    rj_matrix_add_diagonal(1.0, &mraw);
    for (int j = 0; j < TINY_D; j++) rj_norm_jvp(&norm, raw + j * TINY_D);
    rj_matrix_add_diagonal(-1.0, &mraw);
    assert_true(rj_matrix_max_difference(&mraw, &mlast) < 1e-14);
    rj_norm_point_free(&norm);
    end(&f);
}

/* A later token must not change an earlier one, and the point of a longer prompt is that of the shorter. */
static void attention_is_causal(void **state)
{
    fixture f = begin(NULL, 0, RJ_DOUBLE, 2);
    double x[TINY_D * TINY_T], a[TINY_D * TINY_D], b[TINY_D * TINY_D];
    rj_matrix ja = panel(a, TINY_D), jb = panel(b, TINY_D);
    rj_point *point = NULL;

    (void)state;
    memcpy(x, f.x, sizeof x);
    assert_ok(rj_block_forward(f.block, 3, x, 2, &point));
    assert_ok(rj_point_jacobian(f.point, RJ_LAST_RAW, &ja));
    assert_ok(rj_point_jacobian(point, RJ_LAST_RAW, &jb));
    assert_true(rj_matrix_max_difference(&ja, &jb) < 1e-14);
    rj_point_free(&point);
    end(&f);
}

/* More tokens than are handled at a time (64 queries, 256 columns of the MLP): the first ones stay as they are. */
static void long_prompts_are_panelled(void **state)
{
    enum { T = 300 };
    static double x[TINY_D * T], y[TINY_D * T];
    fixture f = begin(NULL, 0, RJ_DOUBLE, 0);
    rj_point *a = NULL, *b = NULL;
    double ja[TINY_D * TINY_D], jb[TINY_D * TINY_D];
    rj_matrix ma = panel(ja, TINY_D), mb = panel(jb, TINY_D);

    (void)state;
    fill_normal("long", TINY_D * T, x);
    memcpy(y, x, sizeof y);
    assert_ok(rj_block_forward(f.block, T, x, 280, &a));
    assert_ok(rj_block_forward(f.block, 281, y, 280, &b));
    for (int i = 0; i < TINY_D * 281; i++) assert_true(fabs(x[i] - y[i]) < 1e-13);
    assert_ok(rj_point_jacobian(a, RJ_LAST_RAW, &ma));
    assert_ok(rj_point_jacobian(b, RJ_LAST_RAW, &mb));
    assert_true(rj_matrix_max_difference(&ma, &mb) < 1e-13);
    rj_point_free(&a);
    rj_point_free(&b);
    end(&f);
}

/* A near one-hot softmax: in single the centred map must still be exact to rounding (numerics: the literal form loses
 * eps/(1 - p_max)). Keys of one token are blown up through the state's direction. */
static void one_hot_attention_keeps_single_digits(void **state)
{
    fixture f = begin(NULL, 0, RJ_SINGLE, TINY_T - 1);
    rj_block *exact = NULL;
    rj_point *single = NULL, *twice = NULL;
    double x[TINY_D * TINY_T], y[TINY_D * TINY_T];
    rj_matrix js, jd;

    (void)state;
    assert_ok(rj_block_load(f.model, 0, RJ_DOUBLE, &exact));
    f.block->attention.scale = exact->attention.scale = 6.0;
    memcpy(x, f.x, sizeof x);
    memcpy(y, f.x, sizeof y);
    assert_ok(rj_block_forward(f.block, TINY_T, x, TINY_T - 1, &single));
    assert_ok(rj_block_forward(exact, TINY_T, y, TINY_T - 1, &twice));
    assert_ok(rj_matrix_new(RJ_SINGLE, TINY_D, TINY_D, &js));
    assert_ok(rj_matrix_new(RJ_DOUBLE, TINY_D, TINY_D, &jd));
    assert_ok(rj_point_jacobian(single, RJ_LAST_RAW, &js));
    assert_ok(rj_point_jacobian(twice, RJ_LAST_RAW, &jd));
    assert_true(rj_matrix_max_difference(&js, &jd) < 1e-5 * rj_matrix_frobenius(&jd));
    rj_matrix_free(&js);
    rj_matrix_free(&jd);
    rj_point_free(&single);
    rj_point_free(&twice);
    rj_block_free(&exact);
    end(&f);
}

static void broken_weights_are_named(void **state)
{
    const tiny_change change = {.tensor = "model.layers.1.self_attn.k_proj.weight", .nan = true};
    const tiny_change bias = {.tensor = "model.layers.0.mlp.up_proj.bias", .nan = true};
    rj_model *model = tiny_open(&change);
    rj_block *block = NULL;

    (void)state;
    assert_ok(rj_block_load(model, 0, RJ_SINGLE, &block));
    rj_block_free(&block);
    assert_int_equal(rj_block_load(model, 1, RJ_SINGLE, &block), RJ_ERR_NUMERIC);
    assert_null(block);
    assert_message("model.safetensors", "model.layers.1.self_attn.k_proj.weight", "row 11", "NaN", NULL);
    rj_model_close(&model);
    model = tiny_open(&bias);
    assert_int_equal(rj_block_load(model, 0, RJ_DOUBLE, &block), RJ_ERR_NUMERIC);
    assert_message("model.layers.0.mlp.up_proj.bias", NULL);
    rj_model_close(&model);
}

static void broken_states_are_named_and_left_alone(void **state)
{
    fixture f = begin(NULL, 1, RJ_DOUBLE, 0);
    double x[TINY_D * TINY_T];
    rj_point *point = NULL;

    (void)state;
    memcpy(x, f.x, sizeof x);
    x[3 + 2 * TINY_D] = INFINITY;
    const double before = x[0];
    assert_int_equal(rj_block_forward(f.block, TINY_T, x, 4, &point), RJ_ERR_NUMERIC);
    assert_message("query of token 2", "layer 2 of 2", NULL);
    assert_true(point == NULL && x[0] == before);
    end(&f);
}

static void contracts_are_checked(void **state)
{
    fixture f = begin(NULL, 0, RJ_DOUBLE, 0);
    rj_block *block = NULL;
    rj_matrix wrong;

    (void)state;
    assert_int_equal(rj_block_load(f.model, TINY_L, RJ_DOUBLE, &block), RJ_ERR_ARG);
    assert_int_equal(rj_block_load(f.model, -1, RJ_DOUBLE, &block), RJ_ERR_ARG);
    assert_int_equal(rj_block_forward(f.block, TINY_T, f.x, TINY_T, NULL), RJ_ERR_ARG);
    assert_ok(rj_matrix_new(RJ_SINGLE, TINY_D, TINY_D, &wrong));
    assert_int_equal(rj_point_jacobian(f.point, RJ_LAST_RAW, &wrong), RJ_ERR_ARG);
    rj_matrix_free(&wrong);
    end(&f);
}

/* Loads, runs and differentiates; everything it makes is freed. */
static rj_status whole_block(const rj_model *model)
{
    rj_status st = RJ_OK;
    rj_block *block = NULL;
    rj_point *point = NULL;
    double x[TINY_D * TINY_T], y[TINY_D * TINY_T];
    rj_matrix jac = {.ld = 1};
    rj_matrix mx = panel(x, 2), my = panel(y, 2);

    fill_normal("x", TINY_D * TINY_T, x);
    RJ_TRY(rj_block_load(model, 0, RJ_DOUBLE, &block));
    RJ_TRY(rj_block_forward(block, TINY_T, x, 3, &point));
    RJ_TRY(rj_matrix_new(RJ_DOUBLE, TINY_D, TINY_D, &jac));
    RJ_TRY(rj_point_jacobian(point, RJ_LAST_FINAL_NORM, &jac));
    const rj_linop op = rj_point_linop(point);
    RJ_TRY(op.apply(op.ctx, &mx, &my));
    RJ_TRY(op.apply_transpose(op.ctx, &mx, &my));
done:
    rj_matrix_free(&jac);
    rj_point_free(&point);
    rj_block_free(&block);
    return st;
}

static void every_allocation_may_fail(void **state)
{
    rj_model *model = tiny_open(NULL);
    const ptrdiff_t before = rj_memory_live();
    int n = 0;

    (void)state;
    for (rj_status st = RJ_ERR_NOMEM; st != RJ_OK; n++) {
        rj_memory_fail_after(n);
        st = whole_block(model);
        rj_memory_fail_after(-1);
        assert_true(st == RJ_OK || st == RJ_ERR_NOMEM);
        assert_int_equal(rj_memory_live(), before);
    }
    assert_true(n > 60);
    rj_model_close(&model);
}

/* A point outlives its block's weights, and multiplies by them again when they are back. */
static void weights_come_back(void **state)
{
    double dx[TINY_D], before[TINY_D], after[TINY_D];
    fixture f = begin(NULL, 1, RJ_DOUBLE, TINY_T - 1);
    const rj_linop op = rj_point_linop(f.point);
    const rj_matrix x = panel(dx, 1);
    rj_matrix y = panel(before, 1), again = panel(after, 1);

    (void)state;
    fill_normal("dx", TINY_D, dx);
    assert_ok(op.apply(op.ctx, &x, &y));
    const ptrdiff_t live = rj_memory_live();
    rj_block_unload(f.block);
    assert_true(rj_memory_live() < live - 4);
    assert_ok(rj_block_reload(f.block));
    assert_int_equal(rj_memory_live(), live);
    assert_ok(op.apply(op.ctx, &x, &again));
    assert_memory_equal(before, after, sizeof before);
    assert_ok(rj_block_reload(f.block)); /* over weights that are there */
    assert_int_equal(rj_memory_live(), live);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(derivative_has_taylor_slope_two),
        unit(taylor_of_other_activations_and_ropes),
        unit(products_are_adjoint),
        unit(folded_is_the_operator),
        unit(final_norm_follows),
        unit(attention_is_causal),
        unit(long_prompts_are_panelled),
        unit(one_hot_attention_keeps_single_digits),
        unit(broken_weights_are_named),
        unit(broken_states_are_named_and_left_alone),
        unit(weights_come_back),
        unit(contracts_are_checked),
        unit(every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, temporary_begin, temporary_end);
}
