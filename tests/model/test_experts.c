/* test_experts.c: a choice of experts by hand. Against autograd: golden_models.c; as derivatives: test_family_blocks.c. */
#include "tiny.h"

#include "resjac/model/experts.h"

enum { D = 2, E = 3 };

/* Experts relu(up y) down; logits of y = (1,2) by default 1, 2, -1. */
typedef struct {
    double router[E * D], up[E][D], down[E][D];
    rj_mlp expert[E];
    rj_experts experts;
} mixture;

static void mixture_of(mixture *m, int n_used)
{
    const mixture base = {
        .router = {1, 0, 0, 1, -1, 0}, .up = {{1, 1}, {2, 0}, {5, 5}}, .down = {{1, 0}, {0, 1}, {7, 7}}};

    *m = base;
    for (int e = 0; e < E; e++)
        m->expert[e] = (rj_mlp){.activation = RJ_ACT_RELU,
                                .d_ff = 1,
                                .up.weight = {RJ_DOUBLE, D, 1, D, m->up[e]},
                                .down.weight = {RJ_DOUBLE, 1, D, 1, m->down[e]}};
    m->experts = (rj_experts){E, n_used, {{RJ_DOUBLE, D, E, D, m->router}, NULL}, m->expert};
}

/* Value and Jacobian (operator, transposed operator, fold) at token 1 of ((2,-1), (1,2)); returns the kinks. */
static int evaluate(const mixture *m, double out[D], double jac[D][D])
{
    double y[] = {2, -1, 1, 2}, all[2 * D], one[] = {1, 0, 0, 1}, j[D * D], back[D * D], folded[D * D];
    const rj_matrix my = {RJ_DOUBLE, D, 2, D, y}, eye = {RJ_DOUBLE, D, D, D, one};
    rj_matrix mall = {RJ_DOUBLE, D, 2, D, all}, mj = {RJ_DOUBLE, D, D, D, j};
    rj_matrix mback = {RJ_DOUBLE, D, D, D, back}, mfolded = {RJ_DOUBLE, D, D, D, folded};
    rj_experts_point point = {.y.ld = 1, .p.ld = 1};

    assert_ok(rj_experts_forward(&m->experts, &my, &mall, 1, &point));
    assert_ok(rj_experts_jvp(&m->experts, &point, &eye, &mj));
    assert_ok(rj_experts_vjp(&m->experts, &point, &eye, &mback));
    assert_ok(rj_experts_fold(&m->experts, &point, 0, &mfolded));
    for (int r = 0; r < D; r++)
        for (int c = 0; c < D; c++) {
            jac[r][c] = j[r + c * D];
            assert_true(fabs(back[c + r * D] - jac[r][c]) < 1e-15 &&
                        fabs(folded[r + c * D] - jac[r][c]) < 1e-15);
        }
    memcpy(out, all + D, D * sizeof *out);
    const int kinks = point.kinks;
    rj_experts_point_free(&point);
    return kinks;
}

static void assert_near(double x, double expected)
{
    if (!(fabs(x - expected) < 1e-15)) fail_msg("%.17g instead of %.17g", x, expected);
}

/* Experts 1 and 0 of values (0,2) and (3,0), weights s = e/(1 + e) and 1 - s; c = s (1 - s) is how they move. */
static void two_of_three(void **state)
{
    const double s = 0.73105857863000488, c = 0.19661193324148185;
    double out[D], jac[D][D];
    mixture m;

    (void)state;
    mixture_of(&m, 2);
    assert_int_equal(evaluate(&m, out, jac), 0);
    assert_near(out[0], 3 * (1 - s)), assert_near(out[1], 2 * s);
    assert_near(jac[0][0], 1 - s + 3 * c), assert_near(jac[0][1], 1 - s - 3 * c);
    assert_near(jac[1][0], 2 * s - 2 * c), assert_near(jac[1][1], 2 * c);
}

/* The weight of one expert is 1 and stays it. */
static void one_of_three(void **state)
{
    double out[D], jac[D][D];
    mixture m;

    (void)state;
    mixture_of(&m, 1);
    assert_int_equal(evaluate(&m, out, jac), 0);
    assert_near(out[0], 0), assert_near(out[1], 2);
    assert_near(jac[0][0], 0), assert_near(jac[0][1], 0), assert_near(jac[1][0], 2),
        assert_near(jac[1][1], 0);
}

/* Logits 2, 4, 2: expert 0 or 2? Not a question where all are taken, nor where the gap is 2e-4. */
static void ties_are_kinks(void **state)
{
    double out[D], jac[D][D];
    mixture m;

    (void)state;
    for (int n_used = 1; n_used <= E; n_used++) {
        mixture_of(&m, n_used);
        memcpy(m.router, (double[]){0, 1, 0, 2, 0, 1}, sizeof m.router);
        assert_int_equal(evaluate(&m, out, jac), n_used == 2);
    }
    mixture_of(&m, 2);
    memcpy(m.router, (double[]){0, 1, 0, 2, 0, 0.9999}, sizeof m.router);
    assert_int_equal(evaluate(&m, out, jac), 0);
    m.router[5] = 0.99999;
    assert_int_equal(evaluate(&m, out, jac), 1);
}

static void broken_logits_are_refused(void **state)
{
    double y[] = {1, 2, 1, 2}, out[2 * D];
    const rj_matrix my = {RJ_DOUBLE, D, 2, D, y};
    rj_matrix mout = {RJ_DOUBLE, D, 2, D, out};
    mixture m;

    (void)state;
    mixture_of(&m, 2);
    y[2] = NAN;
    assert_int_equal(rj_experts_forward(&m.experts, &my, &mout, 1, NULL), RJ_ERR_NUMERIC);
    assert_non_null(strstr(rj_status_message(), "the router's logits of token 1 are Inf or NaN"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(two_of_three),
        unit(one_of_three),
        unit(ties_are_kinks),
        unit(broken_logits_are_refused),
    };
    return cmocka_run_group_tests(tests, temporary_begin, temporary_end);
}
