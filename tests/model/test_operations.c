/* test_operations.c: norms, activations, linear layers and MLP, each alone, by hand and by identities. */
#include "tiny.h"

#include <float.h>

#include "resjac/model/attention_parts.h"
#include "resjac/model/family.h"
#include "resjac/model/linear.h"
#include "resjac/model/mlp.h"
#include "resjac/model/norm.h"

enum { D = 12, N = 3 };

/* x = (3,4), eps = 0: rms = sqrt(12.5) */
static void norms_by_hand(void **state)
{
    double gain[] = {2.0, 10.0}, bias[] = {0.5, -1.0}, y[2];
    const double x[] = {3.0, 4.0};
    rj_norm rms = {RJ_NORM_RMS, 2, 0.0, gain, NULL, 1}, layer = {RJ_NORM_LAYER, 2, 0.75, gain, bias, 1};

    (void)state;
    rj_norm_apply(&rms, x, y);
    assert_true(fabs(y[0] - 6.0 / sqrt(12.5)) < 1e-15 && fabs(y[1] - 40.0 / sqrt(12.5)) < 1e-14);
    rj_norm_apply(&layer, x, y); /* mean 3.5, variance 1/4, r = 1 */
    assert_true(fabs(y[0] + 0.5) < 1e-15 && fabs(y[1] - 4.0) < 1e-15);
}

/* (3,4,6,8) in two groups: each as if alone, with its own gains; x may be y. */
static void groups_are_normed_alone(void **state)
{
    double gain[] = {1.0, 2.0, 3.0, 4.0}, x[] = {3.0, 4.0, 6.0, 8.0};
    const rj_norm norm = {RJ_NORM_RMS, 4, 0.0, gain, NULL, 2};
    rj_norm_point point = {0};

    (void)state;
    assert_ok(rj_norm_linearise(&norm, x, &point));
    assert_true(fabs(point.inverse[0] - 1.0 / sqrt(12.5)) < 1e-16 &&
                fabs(point.inverse[1] - 0.5 / sqrt(12.5)) < 1e-16);
    rj_norm_apply(&norm, x, x);
    for (int i = 0; i < 4; i++)
        assert_true(fabs(x[i] - gain[i] * (i % 2 == 0 ? 3.0 : 4.0) / sqrt(12.5)) < 1e-15);
    double length[] = {3.0, 4.0, 0.0, 0.0}; /* D x = 0 group by group: lengths are not seen */
    rj_norm_jvp(&point, length);
    for (int i = 0; i < 4; i++) assert_true(fabs(length[i]) < 1e-15);
    rj_norm_point_free(&point);
}

/* Rows are cotangents as columns are. */
static void check_rows(const rj_norm_point *point, const double *g, const double *jg)
{
    double rows[2 * D];
    rj_matrix m = {RJ_DOUBLE, 2, D, 2, rows};

    for (int i = 0; i < D; i++) rows[2 * i] = g[i], rows[2 * i + 1] = -3.0 * g[i];
    assert_ok(rj_norm_vjp_rows(point, &m));
    for (int i = 0; i < D; i++) {
        assert_true(fabs(rows[2 * i] - jg[i]) < 1e-14);
        assert_true(fabs(rows[2 * i + 1] + 3.0 * jg[i]) < 1e-13);
    }
}

static void norm_derivatives(void **state)
{
    double gain[D], bias[D], x[D], dx[D], g[D], jdx[D], jg[D], y[3][D];

    (void)state;
    fill_normal("gain", D, gain), fill_normal("bias", D, bias), fill_normal("x", D, x);
    fill_normal("dx", D, dx), fill_normal("g", D, g);
    for (int c = 0; c < 4; c++) { /* each kind whole and in two groups */
        const rj_norm_kind kind = c % 2 == 0 ? RJ_NORM_RMS : RJ_NORM_LAYER;
        const rj_norm norm = {kind, D, 0.1, gain, bias, c < 2 ? 1 : 2};
        rj_norm_point point = {0};
        double left = 0.0, right = 0.0, error[2] = {0};
        assert_ok(rj_norm_linearise(&norm, x, &point));
        memcpy(jdx, dx, sizeof dx), memcpy(jg, g, sizeof g);
        rj_norm_jvp(&point, jdx);
        rj_norm_vjp(&point, jg);
        for (int i = 0; i < D; i++) left += g[i] * jdx[i], right += jg[i] * dx[i];
        assert_true(fabs(left - right) < 1e-14);
        rj_norm_apply(&norm, x, y[0]);
        for (int half = 0; half < 2; half++) {
            const double h = half ? 5e-5 : 1e-4;
            double moved[D];
            for (int i = 0; i < D; i++) moved[i] = x[i] + h * dx[i];
            rj_norm_apply(&norm, moved, y[1]);
            for (int i = 0; i < D; i++) error[half] += pow(y[1][i] - y[0][i] - h * jdx[i], 2);
        }
        assert_true(fabs(sqrt(error[0] / error[1]) - 4.0) < 0.01);
        check_rows(&point, g, jg);
        rj_matrix panel = {RJ_DOUBLE, D, 1, D, dx};
        double kept[D];
        memcpy(kept, dx, sizeof dx);
        assert_ok(rj_norm_jvp_panel(&point, &panel));
        assert_memory_equal(dx, jdx, sizeof dx);
        memcpy(dx, kept, sizeof dx);
        rj_norm_point_free(&point);
    }
}

/* LayerNorm does not see a shift: D 1 = 0. */
static void layer_norm_forgets_the_mean(void **state)
{
    double gain[D], x[D], one[D];
    const rj_norm norm = {RJ_NORM_LAYER, D, 0.1, gain, NULL, 1};
    rj_norm_point point = {0};

    (void)state;
    fill_normal("gain", D, gain), fill_normal("x", D, x);
    for (int i = 0; i < D; i++) one[i] = 1.0;
    assert_ok(rj_norm_linearise(&norm, x, &point));
    rj_norm_jvp(&point, one);
    for (int i = 0; i < D; i++) assert_true(fabs(one[i]) < 1e-15);
    rj_norm_point_free(&point);
}

/* Values of f(1) to all digits, and slopes by central differences. */
static void activations(void **state)
{
    static const double at_one[] = {[RJ_ACT_SILU] = 0.73105857863000488,
                                    [RJ_ACT_GELU] = 0.84134474606854293,
                                    [RJ_ACT_GELU_TANH] = 0.84119199060827676,
                                    [RJ_ACT_GELU_FAST] = 0.84119199060827676,
                                    [RJ_ACT_GELU_BLOOM] = 0.8411919903841787,
                                    [RJ_ACT_QUICK_GELU] = 0.8457957659328212,
                                    [RJ_ACT_RELU] = 1.0};
    (void)state;
    for (rj_activation a = RJ_ACT_SILU; a <= RJ_ACT_RELU; a++) {
        assert_true(fabs(rj_activation_value(a, 1.0) - at_one[a]) < (a == RJ_ACT_GELU_FAST ? 1e-9 : 1e-15));
        for (double x = -8.25; x < 9.0; x += 0.5) {
            const double h = 1e-5;
            const double slope = (rj_activation_value(a, x + h) - rj_activation_value(a, x - h)) / (2.0 * h);
            assert_true(fabs(slope - rj_activation_slope(a, x)) < 1e-9);
        }
        assert_true(isfinite(rj_activation_value(a, -1e4)) && isfinite(rj_activation_slope(a, -1e4)));
        assert_true(isfinite(rj_activation_value(a, 1e4)) && isfinite(rj_activation_slope(a, 1e4)));
    }
    assert_true(rj_activation_value(RJ_ACT_GELU_TANH, 1.0) != rj_activation_value(RJ_ACT_GELU_FAST, 1.0));
}

/* Every length around a vector, far beyond where an exponential ends, in place, and NaN. */
static void activations_of_arrays(void **state)
{
    enum { MOST = 4003 };
    double x[MOST], y[MOST];

    (void)state;
    for (rj_activation a = RJ_ACT_SILU; a <= RJ_ACT_RELU; a++)
        for (int n = 0; n <= MOST; n += n < 19 ? 1 : 249) {
            for (int i = 0; i < n; i++) x[i] = (i % 3 == 0 ? 1e3 : i % 3 == 1 ? 40.0 : 1.0) * sin(1.0 + i);
            rj_activation_values(a, n, x, y);
            for (int i = 0; i < n; i++)
                assert_true(fabs(y[i] - rj_activation_value(a, x[i])) <= 4 * DBL_EPSILON * fabs(x[i]));
            rj_activation_values(a, n, x, x);
            assert_memory_equal(x, y, (size_t)n * sizeof *x);
        }
    x[0] = NAN;
    rj_activation_values(RJ_ACT_SILU, 1, x, y);
    assert_true(isnan(y[0]));
    rj_activation_values(RJ_ACT_GELU_TANH, 1, x, y);
    assert_true(isnan(y[0]));
}

/* Against exponentials of the rounded differences in extended precision, for every length and place; what is not seen becomes 0. */
static void softmax_of_arrays(void **state)
{
    enum { MOST = 45 };

    (void)state;
    for (int n = 1; n <= MOST; n++)
        for (int first = 0; first < n; first += 3)
            for (int end = first + 1; end <= n; end += 2) {
                double x[MOST], p[MOST];
                long double sum = 0;
                for (int i = 0; i < n; i++) p[i] = x[i] = 300.0 + 20.0 * sin(7.0 * i + n);
                x[(first + end) / 2] = p[(first + end) / 2] = 330.0;
                for (int i = first; i < end; i++) sum += expl(x[i] - 330.0);
                rj_softmax(p, first, end, n);
                for (int i = 0; i < n; i++) {
                    const double exact = (double)(expl(x[i] - 330.0) / sum);
                    assert_true(first <= i && i < end ? fabs(p[i] - exact) <= 1e-15 * exact : p[i] == 0.0);
                }
            }
    double far[] = {0.0, -800.0, -1e300};
    rj_softmax(far, 0, 3, 3);
    assert_true(far[0] == 1.0 && far[1] < 1e-300 && far[2] < 1e-300);
    double nan[] = {1.0, NAN};
    rj_softmax(nan, 0, 2, 2);
    assert_true(isnan(nan[0]) && isnan(nan[1]));
}

static void activation_names(void **state)
{
    rj_activation a = RJ_ACT_RELU;

    (void)state;
    assert_true(rj_activation_find("swish", &a) && a == RJ_ACT_SILU);
    assert_true(rj_activation_find("gelu_pytorch_tanh", &a) && a == RJ_ACT_GELU_TANH);
    assert_false(rj_activation_find("Silu", &a));
    assert_true(a == RJ_ACT_GELU_TANH);
}

/* A checkpoint with a tensor "w" [6,4] of values 0..23 and "b" [6] of 100..105. */
static rj_weights *open_numbers(void)
{
    static char file[512];
    const char *header = "{\"w\":{\"dtype\":\"F32\",\"shape\":[6,4],\"data_offsets\":[0,96]},"
                         "\"b\":{\"dtype\":\"F32\",\"shape\":[6],\"data_offsets\":[96,120]}}";
    const size_t n = strlen(header);
    rj_weights *w = NULL;
    float values[30];

    for (int i = 0; i < 30; i++) values[i] = (float)(i < 24 ? i : 76 + i);
    file[0] = (char)n;
    memcpy(file + 8, header, n);
    memcpy(file + 8 + n, values, sizeof values);
    mkdir(temporary_path("numbers"), 0700);
    temporary_file("numbers/config.json", "{}", 2);
    temporary_file("numbers/model.safetensors", file, 8 + n + sizeof values);
    assert_ok(rj_weights_open(temporary_path("numbers"), &w));
    return w;
}

static double entry(const rj_linear *l, int out, int in)
{
    double column[8];
    rj_matrix_get_column(&l->weight, out, column);
    return column[in];
}

static void linear_layouts(void **state)
{
    rj_weights *w = open_numbers();
    const rj_rows weight = rj_rows_of_tensor(w, rj_weights_find(w, "w"));
    const rj_rows bias = rj_rows_of_tensor(w, rj_weights_find(w, "b"));
    rj_linear l = {0};

    (void)state;
    for (rj_arithmetic type = RJ_SINGLE; type <= RJ_DOUBLE; type++) {
        assert_ok(rj_linear_read(&(rj_linear_source){.weight = weight, .bias = &bias}, type, 6, 4, &l));
        assert_true(entry(&l, 0, 3) == 3 && entry(&l, 5, 2) == 22 && l.bias[5] == 105);
        rj_linear_free(&l);
        /* rows 2..4 of a fused tensor */
        assert_ok(
            rj_linear_read(&(rj_linear_source){.weight = weight, .bias = &bias, .first = 2}, type, 3, 4, &l));
        assert_true(entry(&l, 0, 0) == 8 && entry(&l, 2, 3) == 19 && l.bias[0] == 102 && l.bias[2] == 104);
        rj_linear_free(&l);
        /* one head of 6: stored row 2 i + s is output s * 3 + i */
        rj_linear_source source = {.weight = weight, .bias = &bias, .d_head = 6, .n_rotary = 6};
        assert_ok(rj_linear_read(&source, type, 6, 4, &l));
        assert_true(entry(&l, 3, 0) == 4 && entry(&l, 1, 0) == 8 && entry(&l, 4, 1) == 13 &&
                    l.bias[3] == 101);
        rj_linear_free(&l);
        /* rotated but for its last two outputs: 0 2 1 3 4 5 */
        source.n_rotary = 4;
        assert_ok(rj_linear_read(&source, type, 6, 4, &l));
        assert_true(entry(&l, 1, 0) == 8 && entry(&l, 2, 0) == 4 && entry(&l, 3, 0) == 12 &&
                    entry(&l, 5, 0) == 20 && l.bias[2] == 101 && l.bias[4] == 104);
        rj_linear_free(&l);
        /* two runs of two, three apart: rows 1, 2, 4, 5 */
        source = (rj_linear_source){.weight = weight, .bias = &bias, .first = 1, .run = 2, .stride = 3};
        assert_ok(rj_linear_read(&source, type, 4, 4, &l));
        assert_true(entry(&l, 0, 0) == 4 && entry(&l, 1, 0) == 8 && entry(&l, 2, 0) == 16 &&
                    entry(&l, 3, 3) == 23 && l.bias[1] == 102 && l.bias[2] == 104);
        rj_linear_free(&l);
        /* the tensor is [in = 6, out = 4]; outputs 1..3 of it */
        assert_ok(rj_linear_read(&(rj_linear_source){.weight = weight, .transposed = true, .first = 1}, type,
                                 3, 6, &l));
        assert_true(entry(&l, 0, 0) == 1 && entry(&l, 2, 5) == 23 && entry(&l, 1, 3) == 14 && l.bias == NULL);
        rj_linear_free(&l);
    }
    assert_int_equal(rj_linear_read(&(rj_linear_source){.weight = weight}, RJ_SINGLE, 6, 5, &l), RJ_ERR_ARG);
    assert_int_equal(rj_linear_read(&(rj_linear_source){.weight = weight, .transposed = true, .first = 2},
                                    RJ_SINGLE, 3, 6, &l),
                     RJ_ERR_ARG);
    rj_weights_close(&w);
}

/* Layers of several panels, their last one not full, in whole rows, in a part of them and in heads. */
static void linear_panels(void **state)
{
    enum { OUT = 139, IN = 1204, FIRST = 3 };
    float *row = calloc(IN, sizeof *row);
    double *column = calloc(IN, sizeof *column);

    (void)state;
    for (int turned = 0; turned < 2; turned++)
        for (int k = 0; k < 4; k++) {
            const int out = turned ? IN - FIRST : OUT, in = turned ? OUT : IN, heads = turned ? 0 : k / 2;
            const rj_linear_source source = {.weight = rj_rows_drawn(3, "w", 1.0, IN),
                                             .transposed = turned,
                                             .first = FIRST,
                                             .d_head = heads ? OUT : 0,
                                             .n_rotary = heads ? 2 * (OUT / 2) : 0};
            rj_linear l = {0};
            assert_ok(rj_linear_read(&source, k % 2 ? RJ_DOUBLE : RJ_SINGLE, out, in, &l));
            for (int r = 0; r < OUT; r++) { /* row r of the file, but FIRST where it holds outputs */
                const int half = OUT / 2, o = heads && r < 2 * half ? r / 2 + r % 2 * half : r;
                assert_ok(rj_rows_read(&source.weight, turned ? r : FIRST + r, 1, row));
                if (!turned) rj_matrix_get_column(&l.weight, o, column);
                for (int c = 0; c < IN; c++) {
                    if (turned && c < FIRST) continue;
                    if (turned) {
                        const rj_matrix one = rj_matrix_block(&l.weight, r, c - FIRST, 1, 1);
                        rj_matrix_get_column(&one, 0, &column[c]);
                    }
                    assert_true(column[c] == (double)row[c]);
                }
            }
            rj_linear_free(&l);
        }
    free(column);
    free(row);
}

/* Three layers of one tensor at once are those read alone. */
static void linear_beside(void **state)
{
    enum { IN = 70, ALL = 90 };
    static const int out[] = {40, 17, 23};
    const rj_rows rows = rj_rows_drawn(4, "w", 1.0, ALL);
    rj_linear_source source[RJ_BESIDE];
    rj_linear l[RJ_BESIDE + 1] = {{.bias = NULL}};

    (void)state;
    for (int k = 0, first = 5; k < RJ_BESIDE; first += out[k++])
        source[k] = (rj_linear_source){.weight = rows, .transposed = true, .first = first};
    for (rj_arithmetic type = RJ_SINGLE; type <= RJ_DOUBLE; type++) {
        assert_ok(rj_linear_read_beside(RJ_BESIDE, source, type, out, IN, l));
        for (int k = 0; k < RJ_BESIDE; k++) {
            assert_ok(rj_linear_read(&source[k], type, out[k], IN, &l[RJ_BESIDE]));
            assert_true(rj_matrix_max_difference(&l[k].weight, &l[RJ_BESIDE].weight) == 0.0);
            rj_linear_free(&l[RJ_BESIDE]);
            rj_linear_free(&l[k]);
        }
    }
    source[2].first++;
    assert_int_equal(rj_linear_read_beside(RJ_BESIDE, source, RJ_SINGLE, out, IN, l), RJ_ERR_ARG);
    assert_non_null(strstr(rj_status_message(), "layer 23x70 at column 63 of 90"));
    assert_int_equal(rj_linear_read_beside(4, source, RJ_SINGLE, out, IN, l), RJ_ERR_ARG);
    assert_non_null(strstr(rj_status_message(), "4 layers beside each other, at most 3"));
    assert_int_equal(rj_memory_live(), 0);
}

/* A drawn Conv1D layer is the transpose of nothing else: element (in i, out o) is number i * all + o. */
static void drawn_rows_follow_the_file(void **state)
{
    const rj_rows rows = rj_rows_drawn(5, "h.0.attn.c_attn.weight", 0.5, 6);
    const rj_rng rng = rj_rng_open(5, "h.0.attn.c_attn.weight");
    double all[24];
    rj_linear l = {0};

    (void)state;
    rj_rng_normals(&rng, 0, 24, all);
    assert_ok(rj_linear_read(&(rj_linear_source){.weight = rows, .transposed = true, .first = 2}, RJ_DOUBLE,
                             3, 4, &l));
    for (int o = 0; o < 3; o++)
        for (int i = 0; i < 4; i++) assert_true(entry(&l, o, i) == (double)(float)(0.5 * all[i * 6 + 2 + o]));
    rj_linear_free(&l);
}

/* y = W x + b with W = [0 1 2 3; 4 5 6 7; ..], x = (1,1,1,1): row sums 6, 22, .. */
static void linear_forward_by_hand(void **state)
{
    rj_weights *w = open_numbers();
    const rj_rows weight = rj_rows_of_tensor(w, rj_weights_find(w, "w")),
                  bias = rj_rows_of_tensor(w, rj_weights_find(w, "b"));

    (void)state;
    for (rj_arithmetic type = RJ_SINGLE; type <= RJ_DOUBLE; type++) {
        rj_linear l = {0};
        rj_matrix x, y;
        assert_ok(rj_linear_read(&(rj_linear_source){.weight = weight, .bias = &bias}, type, 6, 4, &l));
        assert_ok(rj_matrix_new(type, 4, 2, &x));
        assert_ok(rj_matrix_new(RJ_DOUBLE, 6, 2, &y));
        rj_matrix_fill(&x, 1.0);
        assert_ok(rj_linear_forward(&l, &x, &y));
        for (int o = 0; o < 6; o++) assert_true(((double *)y.data)[6 + o] == 6.0 + 16.0 * o + 100.0 + o);
        rj_matrix_free(&x), rj_matrix_free(&y);
        rj_linear_free(&l);
    }
    rj_weights_close(&w);
}

static rj_linear drawn(const char *name, int out, int in, rj_arithmetic type)
{
    rj_linear l = {0};
    const rj_linear_source source = {.weight = rj_rows_drawn(2, name, 0.6, in)};
    assert_ok(rj_linear_read(&source, type, out, in, &l));
    return l;
}

/* Plain and gated, every activation: adjoint, and the fold is the operator. Taylor: test_block.c for gated, here plain. */
static void mlp_derivatives(void **state)
{
    double x[D], dx[D], g[D], jdx[D], jg[D], fold[D * D], y[3][D];
    rj_matrix mx = {RJ_DOUBLE, D, 1, D, x}, mdx = {RJ_DOUBLE, D, 1, D, dx}, mg = {RJ_DOUBLE, D, 1, D, g};
    rj_matrix mjdx = {RJ_DOUBLE, D, 1, D, jdx}, mjg = {RJ_DOUBLE, D, 1, D, jg},
              mfold = {RJ_DOUBLE, D, D, D, fold};

    (void)state;
    fill_normal("dx", D, dx), fill_normal("g", D, g);
    for (int gated = 0; gated < 2; gated++)
        for (rj_activation a = RJ_ACT_SILU; a <= RJ_ACT_RELU; a++) {
            const int n_ff = a == RJ_ACT_SILU ? 300 : 7; /* also more than are folded at a time */
            rj_mlp m = {.activation = a, .gated = gated != 0, .d_ff = n_ff};
            rj_mlp_point point = {0};
            double left = 0.0, right = 0.0, error[2] = {0}, folded[D];
            if (gated) m.gate = drawn("gate", n_ff, D, RJ_DOUBLE);
            m.up = drawn("up", n_ff, D, RJ_DOUBLE), m.down = drawn("down", D, n_ff, RJ_DOUBLE);
            fill_normal("x", D, x);
            rj_matrix out = {RJ_DOUBLE, D, 1, D, y[0]};
            assert_ok(rj_mlp_forward(&m, &mx, &out, 0, &point));
            assert_ok(rj_mlp_jvp(&m, &point, &mdx, &mjdx));
            assert_ok(rj_mlp_vjp(&m, &point, &mg, &mjg));
            for (int i = 0; i < D; i++) left += g[i] * jdx[i], right += jg[i] * dx[i];
            assert_true(fabs(left - right) < 1e-12);
            assert_ok(rj_mlp_fold(&m, &point, 0, &mfold));
            rj_matrix_times('N', &mfold, dx, folded);
            for (int i = 0; i < D; i++) assert_true(fabs(folded[i] - jdx[i]) < 1e-12);
            for (int half = 0; half < 2; half++) {
                const double h = half ? 5e-5 : 1e-4;
                rj_matrix moved = {RJ_DOUBLE, D, 1, D, y[1]};
                fill_normal("x", D, x);
                for (int i = 0; i < D; i++) x[i] += h * dx[i];
                assert_ok(rj_mlp_forward(&m, &mx, &moved, 0, NULL));
                for (int i = 0; i < D; i++) error[half] += pow(y[1][i] - y[0][i] - h * jdx[i], 2);
            }
            if (a == RJ_ACT_RELU && !gated) /* piecewise linear: no remainder */
                assert_true(sqrt(error[0]) < 1e-14);
            else
                assert_true(fabs(sqrt(error[0] / error[1]) - 4.0) < 0.02);
            rj_mlp_point_free(&point);
            rj_mlp_free(&m);
        }
}

/* Unit 0 of a ReLU stands at 0, unit 1 far from it. */
static void kinks_are_counted(void **state)
{
    float w[] = {0, 0, 1, 0};
    double in[] = {1.0, 2.0}, out[2];
    rj_mlp m = {.activation = RJ_ACT_RELU,
                .d_ff = 2,
                .up.weight = {RJ_SINGLE, 2, 2, 2, w},
                .down.weight = {RJ_SINGLE, 2, 2, 2, w}};
    rj_matrix x, y = {RJ_DOUBLE, 2, 1, 2, out};
    rj_mlp_point point = {0};

    (void)state;
    assert_ok(rj_matrix_new(RJ_SINGLE, 2, 1, &x));
    rj_matrix_set_column(&x, 0, in);
    assert_ok(rj_mlp_forward(&m, &x, &y, 0, &point));
    assert_int_equal(point.kinks, 1);
    rj_mlp_point_free(&point);
    rj_matrix_free(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(norms_by_hand),
        unit(groups_are_normed_alone),
        unit(norm_derivatives),
        unit(layer_norm_forgets_the_mean),
        unit(activations),
        unit(activations_of_arrays),
        unit(softmax_of_arrays),
        unit(activation_names),
        unit(linear_layouts),
        unit(linear_panels),
        unit(linear_beside),
        unit(drawn_rows_follow_the_file),
        unit(linear_forward_by_hand),
        unit(mlp_derivatives),
        unit(kinks_are_counted),
    };
    return cmocka_run_group_tests(tests, temporary_begin, temporary_end);
}
