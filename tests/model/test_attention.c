/* test_attention.c: attention alone: windows, both directions, buckets of distances, norms of queries and keys, ALiBi, soft-cap and clip by hand, and its derivative
 * in every combination of window, norms, rotation, soft-cap, ALiBi, clip and number of key-value heads. */
#include "tiny.h"

#include "resjac/model/attention.h"

enum { D = 7, HEADS = 4, KV = 2, DH = 6, T = 9, LONG = 150 };

/* What a test adds to the plain attention. */
typedef struct {
    int n_kv;   /* 0: KV */
    bool whole; /* norms are of all heads together */
    double softcap, alibi_max, clip;
    bool bidirectional;
    int n_bucket; /* 0: no relative numbers */
} extras;

static rj_linear drawn(const char *name, int out, int in, double deviation)
{
    rj_linear l = {0};
    const rj_linear_source source = {.weight = rj_rows_drawn(2, name, deviation, in)};
    assert_ok(rj_linear_read(&source, RJ_DOUBLE, out, in, &l));
    return l;
}

static double *normal_vector(const char *name, int n)
{
    void *values = NULL;
    assert_ok(rj_alloc(&values, (ptrdiff_t)n, 1, sizeof(double), __FILE__, __LINE__));
    fill_normal(name, n, values);
    return values;
}

static rj_norm norm_of(const char *name, rj_norm_kind kind, int n)
{
    return (rj_norm){.kind = kind,
                     .d = n,
                     .eps = 0.05,
                     .gain = normal_vector(name, n),
                     .bias = kind == RJ_NORM_LAYER ? normal_vector("bias", n) : NULL};
}

/* norms: -1 none, else their kind. */
static rj_attention attention_with(int window, int norms, extras e)
{
    rj_attention a = {.n_head = HEADS,
                      .n_kv_head = e.n_kv != 0 ? e.n_kv : KV,
                      .d_head = DH,
                      .window = window,
                      .scale = 0.7,
                      .softcap = e.softcap,
                      .alibi_max = e.alibi_max,
                      .clip = e.clip,
                      .bidirectional = e.bidirectional};

    if (e.n_bucket > 0)
        a.relative = (rj_relative){.n_bucket = e.n_bucket,
                                   .max_distance = 6,
                                   .n_head = HEADS,
                                   .bias = normal_vector("relative", HEADS * e.n_bucket)};
    if (norms >= 0) {
        a.query_norm = norm_of("query norm", (rj_norm_kind)norms, e.whole ? HEADS * DH : DH);
        a.key_norm = norm_of("key norm", (rj_norm_kind)norms, e.whole ? a.n_kv_head * DH : DH);
    }
    a.query = drawn("q", HEADS * DH, D, 0.5);
    a.key = drawn("k", a.n_kv_head * DH, D, 0.5);
    a.value = drawn("v", a.n_kv_head * DH, D, 0.5);
    a.out = drawn("o", D, HEADS * DH, 0.5);
    return a;
}

static rj_attention attention(int window, int norms)
{
    return attention_with(window, norms, (extras){0});
}

static rj_rope_table rotation(int n)
{
    const rj_rope rope = {.n_rotary = DH, .theta = 50.0};
    rj_rope_table table = {0};
    assert_ok(rj_rope_table_new(&rope, n, &table));
    return table;
}

static rj_matrix view(double *data, int rows, int cols)
{
    return (rj_matrix){RJ_DOUBLE, rows, cols, rows, data};
}

/* One head of size 2 with unit matrices, logits all 0: the mean of what is seen. */
static void a_window_counts_the_token_itself(void **state)
{
    double one[] = {1, 0, 0, 1}, y[] = {1, 0, 3, 2, 5, 10}, out[6];
    const rj_linear unit_matrix = {.weight = view(one, 2, 2)};
    rj_attention a = {.n_head = 1, .n_kv_head = 1, .d_head = 2};
    const rj_matrix my = view(y, 2, 3);
    rj_matrix mout = view(out, 2, 3);
    const double expected[][2] = {{3, 4}, {5, 10}, {4, 6}, {3, 4}, {3, 4}}; /* windows 0 (all), 1, 2, 3, 4 */

    (void)state;
    a.query = a.key = a.value = a.out = unit_matrix;
    for (a.window = 0; a.window <= 4; a.window++) {
        rj_attention_point point = {.map.ld = 1};
        assert_ok(rj_attention_forward(&a, NULL, &my, &mout, 2, 2, &point));
        assert_true(fabs(out[4] - expected[a.window][0]) < 1e-15);
        assert_true(fabs(out[5] - expected[a.window][1]) < 1e-15);
        assert_true(fabs(point.self[0] - 1.0 / (a.window == 0 || a.window > 3 ? 3 : a.window)) < 1e-15);
        rj_attention_point_free(&point);
    }
}

/* Keys of one direction and any length have equal logits behind a norm: the mean again, of (2,0) and (6,0). */
static void norms_take_lengths_away(void **state)
{
    double one[] = {1, 0, 0, 1}, y[] = {2, 0, 6, 0}, gain[] = {1, 1}, out[4];
    const rj_linear unit_matrix = {.weight = view(one, 2, 2)};
    rj_attention a = {.n_head = 1, .n_kv_head = 1, .d_head = 2, .scale = 1.0};
    const rj_matrix my = view(y, 2, 2);
    rj_matrix mout = view(out, 2, 2);

    (void)state;
    a.query = a.key = a.value = a.out = unit_matrix;
    assert_ok(rj_attention_forward(&a, NULL, &my, &mout, 0, 0, NULL));
    assert_true(fabs(out[2] - 6.0) < 1e-9); /* logits 12 and 36 */
    a.key_norm = (rj_norm){.kind = RJ_NORM_RMS, .d = 2, .gain = gain};
    assert_ok(rj_attention_forward(&a, NULL, &my, &mout, 0, 0, NULL));
    assert_true(fabs(out[2] - 4.0) < 1e-14 && out[3] == 0.0);
    /* and queries: (2,0) and (6,0) become (sqrt 2,0) each, so that only the keys' lengths count */
    a.key_norm = (rj_norm){0};
    a.query_norm = (rj_norm){.kind = RJ_NORM_RMS, .d = 2, .gain = gain};
    assert_ok(rj_attention_forward(&a, NULL, &my, &mout, 0, 0, NULL));
    const double p = 1.0 / (1.0 + exp(-4.0 * sqrt(2.0)));
    assert_true(fabs(out[2] - (6.0 * p + 2.0 * (1.0 - p))) < 1e-14);
}

/* The published 32 buckets up to 128 tokens: the last distance of each bucket, the same ahead from 16 on; and of 13 buckets up
 * to 11, six a direction: 0, 1, 2, 3 to 4, 5 to 7, from 8 on (3 (11/3)^(1/3) = 4.6, 3 (11/3)^(2/3) = 7.1). */
static void buckets_by_hand(void **state)
{
    static const int last[] = {0, 1, 2, 3, 4, 5, 6, 7, 11, 15, 22, 31, 45, 63, 90, 100000};
    static const int small[] = {0, 1, 2, 3, 3, 4, 4, 4, 5, 5, 5, 5, 5};
    const rj_relative published = {.n_bucket = 32, .max_distance = 128},
                      odd = {.n_bucket = 13, .max_distance = 11};
    const rj_relative one_way = {.n_bucket = 32, .one_way = true, .max_distance = 128};

    (void)state;
    for (int distance = 0, bucket = 0; distance < 3000; distance++) {
        if (distance > last[bucket]) bucket++;
        assert_int_equal(rj_relative_bucket(&published, -distance), bucket);
        if (distance > 0) assert_int_equal(rj_relative_bucket(&published, distance), 16 + bucket);
    }
    for (int distance = 0; distance < 13; distance++) {
        assert_int_equal(rj_relative_bucket(&odd, -distance), small[distance]);
        if (distance > 0) assert_int_equal(rj_relative_bucket(&odd, distance), 6 + small[distance]);
    }
    /* one way: 16 of their own, then 16 (8^(i/16)): 18.2, 20.7, .. 112.4; what is ahead is not seen */
    for (int distance = 0; distance < 19; distance++)
        assert_int_equal(rj_relative_bucket(&one_way, -distance), distance < 17   ? distance
                                                                  : distance < 19 ? 16
                                                                                  : 17);
    assert_int_equal(rj_relative_bucket(&one_way, -112), 30);
    assert_int_equal(rj_relative_bucket(&one_way, -113), 31);
    assert_int_equal(rj_relative_bucket(&one_way, -5000), 31);
}

/* One head of size 2 with unit matrices, no logits but the relative numbers ln 2 behind and ln 3 ahead. */
static void both_directions_by_hand(void **state)
{
    double one[] = {1, 0, 0, 1}, y[] = {1, 0, 3, 2, 5, 10}, out[6];
    double bias[] = {0.0, log(2.0), 0.0, log(3.0)};
    const rj_linear unit_matrix = {.weight = view(one, 2, 2)};
    rj_attention a = {.n_head = 1, .n_kv_head = 1, .d_head = 2, .bidirectional = true};
    rj_attention_point point = {.map.ld = 1};
    const rj_matrix my = view(y, 2, 3);
    rj_matrix mout = view(out, 2, 3);

    (void)state;
    a.query = a.key = a.value = a.out = unit_matrix;
    assert_ok(rj_attention_forward(&a, NULL, &my, &mout, 1, 1, NULL));
    for (int j = 0; j < 3; j++) assert_true(fabs(out[2 * j] - 3.0) + fabs(out[2 * j + 1] - 4.0) < 1e-14);
    a.relative = (rj_relative){.n_bucket = 4, .max_distance = 100, .n_head = 1, .bias = bias};
    assert_ok(rj_attention_forward(&a, NULL, &my, &mout, 1, 1, &point));
    assert_true(fabs(out[0] - (1.0 + 3.0 * 3.0 + 3.0 * 5.0) / 7.0) < 1e-14);
    assert_true(fabs(out[2] - (2.0 * 1.0 + 3.0 + 3.0 * 5.0) / 6.0) < 1e-14);
    assert_true(fabs(out[5] - (2.0 * 2.0 + 10.0) / 5.0) < 1e-14);
    assert_true(fabs(point.self[0] - 1.0 / 6.0) < 1e-15);
    rj_attention_point_free(&point);
}

/* One head of size 2 with unit matrices: two states read three, which all of them see; logits 1 of the first query to the first of
 * them, else 0. */
static void memories_by_hand(void **state)
{
    double one[] = {1, 0, 0, 1}, y[] = {1, 0, 0, 0}, memory[] = {1, 0, 0, 4, 0, 8}, out[4], dx[] = {0, 1},
           jdx[2];
    const rj_linear unit_matrix = {.weight = view(one, 2, 2)};
    rj_attention a = {.n_head = 1, .n_kv_head = 1, .d_head = 2, .scale = 1.0, .bidirectional = true};
    rj_attention_point point = {.map.ld = 1};
    const rj_matrix my = view(y, 2, 2), mmemory = view(memory, 2, 3), mdx = view(dx, 2, 1);
    rj_matrix mout = view(out, 2, 2), mjdx = view(jdx, 2, 1);
    const double e = exp(1.0);

    (void)state;
    a.query = a.key = a.value = a.out = unit_matrix;
    assert_ok(rj_attention_read(&a, &my, &mmemory, &mout, 1, &point));
    assert_true(fabs(out[0] - e / (e + 2.0)) < 1e-15 && fabs(out[1] - 12.0 / (e + 2.0)) < 1e-14);
    assert_true(fabs(out[2] - 1.0 / 3.0) < 1e-15 && fabs(out[3] - 4.0) < 1e-14);
    assert_true(point.self == NULL && point.key.data == NULL);
    /* at equal weights map = covariance of values and keys: of the second dimension 80/3 - 16, mixed -4/3 */
    assert_ok(rj_attention_jvp(&a, &point, &mdx, &mjdx));
    assert_true(fabs(jdx[0] + 4.0 / 3.0) < 1e-14 && fabs(jdx[1] - 32.0 / 3.0) < 1e-13);
    rj_attention_point_free(&point);
}

/* 8 heads: 1/2 .. 1/256; 3 heads: those of 2, then the first of 4. */
static void alibi_slopes_by_hand(void **state)
{
    (void)state;
    for (int h = 0; h < 8; h++) assert_true(rj_alibi_slope(8.0, 8, h) == pow(0.5, h + 1));
    assert_true(rj_alibi_slope(8.0, 3, 0) == 0.0625 && rj_alibi_slope(8.0, 3, 1) == 0.00390625);
    assert_true(rj_alibi_slope(8.0, 3, 2) == 0.25 && rj_alibi_slope(4.0, 3, 2) == 0.5);
    assert_true(rj_alibi_slope(8.0, 12, 8) == pow(2.0, -0.5) &&
                rj_alibi_slope(8.0, 12, 11) == pow(2.0, -3.5));
}

/* One head of size 2 with unit matrices: states (2,0) and (6,0), token 1. */
static void caps_and_clips_by_hand(void **state)
{
    double one[] = {1, 0, 0, 1}, y[] = {2, 0, 6, 0}, out[4];
    const rj_linear unit_matrix = {.weight = view(one, 2, 2)};
    rj_attention a = {.n_head = 1, .n_kv_head = 1, .d_head = 2, .scale = 0.1};
    const rj_matrix my = view(y, 2, 2);
    rj_matrix mout = view(out, 2, 2);

    (void)state;
    a.query = a.key = a.value = a.out = unit_matrix;
    a.softcap = 2.0; /* logits 1.2 and 3.6 */
    assert_ok(rj_attention_forward(&a, NULL, &my, &mout, 0, 0, NULL));
    const double capped = 2.0 * tanh(1.8) - 2.0 * tanh(0.6), p = 1.0 / (1.0 + exp(-capped));
    assert_true(fabs(out[2] - (6.0 * p + 2.0 * (1.0 - p))) < 1e-14);
    a.softcap = 0.0;
    a.alibi_max = 8.0; /* slope 1/256: the earlier one loses it */
    assert_ok(rj_attention_forward(&a, NULL, &my, &mout, 0, 0, NULL));
    const double q = 1.0 / (1.0 + exp(-2.4 - 1.0 / 256.0));
    assert_true(fabs(out[2] - (6.0 * q + 2.0 * (1.0 - q))) < 1e-14);
    a.alibi_max = 0.0;
    a.clip = 3.0; /* query 3, keys and values 2 and 3 */
    assert_ok(rj_attention_forward(&a, NULL, &my, &mout, 0, 0, NULL));
    const double r = 1.0 / (1.0 + exp(-0.3));
    assert_true(fabs(out[2] - (3.0 * r + 2.0 * (1.0 - r))) < 1e-14 && out[0] == 2.0);
}

/* Token t of a long prompt sees its window only, wherever panels of queries begin: as if the prompt began there. */
static void a_window_forgets_the_rest(void **state)
{
    static const int windows[] = {1, 5, 64, 70, 149};
    static double y[D * LONG], out[D * LONG], alone[D * LONG];
    const rj_matrix my = view(y, D, LONG);
    rj_matrix mout = view(out, D, LONG);
    rj_rope_table rope = rotation(LONG);

    (void)state;
    fill_normal("long", D * LONG, y);
    for (size_t i = 0; i < sizeof windows / sizeof *windows; i++) {
        rj_attention windowed = attention(windows[i], RJ_NORM_RMS), full = attention(0, RJ_NORM_RMS);
        assert_ok(rj_attention_forward(&windowed, &rope, &my, &mout, 0, 0, NULL));
        for (int t = 0; t < LONG; t += 7) {
            const int n = t + 1 < windows[i] ? t + 1 : windows[i];
            const rj_matrix some = view(y + D * (t + 1 - n), D, n);
            rj_matrix malone = view(alone, D, n);
            assert_ok(rj_attention_forward(&full, &rope, &some, &malone, 0, 0, NULL));
            for (int k = 0; k < D; k++) assert_true(fabs(out[k + D * t] - alone[k + D * (n - 1)]) < 1e-13);
        }
        rj_attention_free(&windowed);
        rj_attention_free(&full);
    }
    rj_rope_table_free(&rope);
}

/* ||a(y + h dy at t) - a(y) - h jdy|| at t */
static double remainder_of(const rj_attention *a, const rj_rope_table *rope, int t, double h,
                           const double *dy, const double *jdy)
{
    double y[D * T], out[D * T], moved[D * T], sum = 0.0;
    const rj_matrix my = view(y, D, T);
    rj_matrix mout = view(out, D, T), mmoved = view(moved, D, T);

    fill_normal("y", D * T, y);
    assert_ok(rj_attention_forward(a, rope, &my, &mout, 0, 0, NULL));
    for (int i = 0; i < D; i++) y[i + D * t] += h * dy[i];
    assert_ok(rj_attention_forward(a, rope, &my, &mmoved, 0, 0, NULL));
    for (int i = 0; i < D; i++) {
        const double r = moved[i + D * t] - out[i + D * t] - h * jdy[i];
        sum += r * r;
    }
    return sqrt(sum);
}

/* Wo G by its factors, without a norm before. */
static void check_fold(const rj_attention *a, const rj_attention_point *point, const double *dy,
                       const double *jdy)
{
    double inner[HEADS * DH], out[D];
    const rj_norm absent = {0};
    rj_norm_point norm = {0};
    rj_attention_factors f = {.in.ld = 1};
    const int by_heads = HEADS * DH, by_tokens = a->n_kv_head * DH + HEADS * point->n_column;

    assert_ok(rj_norm_linearise(&absent, dy, &norm));
    assert_ok(rj_attention_fold(a, point, &norm, &f));
    assert_int_equal(f.in.cols, point->n_column == 0 ? by_heads : by_tokens);
    assert_true(f.in.cols <= by_heads && f.out->rows == f.in.cols && f.out->cols == D);
    rj_matrix_times('T', &f.in, dy, inner);
    rj_matrix_times('T', f.out, inner, out);
    for (int i = 0; i < D; i++) assert_true(fabs(out[i] - jdy[i]) < 1e-13);
    rj_attention_factors_free(&f);
}

static void check_derivative(const rj_attention *a, const rj_rope_table *rope, int t)
{
    double y[D * T], out[D * T], dy[D], g[D], jdy[D], jg[D], left = 0.0, right = 0.0;
    const rj_matrix my = view(y, D, T), mdy = view(dy, D, 1), mg = view(g, D, 1);
    rj_matrix mout = view(out, D, T), mjdy = view(jdy, D, 1), mjg = view(jg, D, 1);
    rj_attention_point point = {.map.ld = 1};

    fill_normal("y", D * T, y), fill_normal("dy", D, dy), fill_normal("g", D, g);
    assert_ok(rj_attention_forward(a, rope, &my, &mout, t, t, &point));
    assert_ok(rj_attention_jvp(a, &point, &mdy, &mjdy));
    assert_ok(rj_attention_vjp(a, &point, &mg, &mjg));
    for (int i = 0; i < D; i++) left += g[i] * jdy[i], right += jg[i] * dy[i];
    assert_true(fabs(left - right) < 1e-13 * (1.0 + fabs(left)));
    check_fold(a, &point, dy, jdy);
    const double step = a->clip > 0.0 ? 2e-5 : 1e-3; /* no value may cross the clip */
    const double first = remainder_of(a, rope, t, step, dy, jdy),
                 half = remainder_of(a, rope, t, step / 2.0, dy, jdy);
    if (first < 1e-13) /* one token seen: attention is linear */
        assert_true(!a->bidirectional && (t == 0 || a->window == 1));
    else if (!(3.9 < first / half && first / half < 4.1))
        fail_msg("window %d, t %d, norms %d, cap %g, slopes %g, clip %g: ratio %g", a->window, t,
                 a->query_norm.d, a->softcap, a->alibi_max, a->clip, first / half);
    rj_attention_point_free(&point);
}

static void derivatives_with_caps_clips_and_slopes(void **state)
{
    rj_rope_table rope = rotation(T);

    (void)state;
    for (int mask = 1; mask < 16; mask++)
        for (int norms = -1; norms <= RJ_NORM_LAYER; norms++) {
            const extras e = {.n_kv = mask & 1 ? 1 : HEADS,
                              .softcap = mask & 2 ? 0.9 : 0.0,
                              .alibi_max = mask & 4 ? 3.0 : 0.0,
                              .clip = mask & 8 ? 0.8 : 0.0};
            rj_attention a = attention_with(mask & 1 ? 4 : 0, norms, e);
            for (int t = 0; t < T; t += 4) {
                check_derivative(&a, &rope, t);
                check_derivative(&a, NULL, t);
            }
            rj_attention_free(&a);
        }
    rj_rope_table_free(&rope);
}

/* One key-value head alone has its key norm as a head has it, the queries have theirs together. */
static void derivatives_with_norms_of_all_heads(void **state)
{
    rj_rope_table rope = rotation(T);

    (void)state;
    for (int n_kv = 1; n_kv <= HEADS; n_kv *= 2)
        for (int norms = RJ_NORM_RMS; norms <= RJ_NORM_LAYER; norms++) {
            rj_attention a = attention_with(0, norms, (extras){.n_kv = n_kv, .whole = true, .softcap = 1.1});
            for (int t = 0; t < T; t += 4) check_derivative(&a, &rope, t);
            rj_attention_free(&a);
        }
    rj_rope_table_free(&rope);
}

static void derivatives_in_both_directions(void **state)
{
    rj_rope_table rope = rotation(T);

    (void)state;
    for (int n_bucket = 0; n_bucket <= 9; n_bucket += 9)
        for (int norms = -1; norms <= RJ_NORM_LAYER; norms++) {
            const extras e = {
                .softcap = n_bucket == 0 ? 0.9 : 0.0, .bidirectional = true, .n_bucket = n_bucket};
            rj_attention a = attention_with(0, norms, e);
            for (int t = 0; t < T; t += 4) {
                check_derivative(&a, &rope, t);
                check_derivative(&a, NULL, t);
            }
            rj_attention_free(&a);
        }
    rj_rope_table_free(&rope);
}

/* Wherever panels of queries begin: token t of the prompt turned round, with no positions, is token T - 1 - t. */
static void both_directions_of_a_long_prompt(void **state)
{
    static double y[D * LONG], turned[D * LONG], out[D * LONG], back[D * LONG];
    const rj_matrix my = view(y, D, LONG), mturned = view(turned, D, LONG);
    rj_matrix mout = view(out, D, LONG), mback = view(back, D, LONG);
    rj_attention a = attention_with(0, RJ_NORM_RMS, (extras){.bidirectional = true});

    (void)state;
    fill_normal("long", D * LONG, y);
    for (int t = 0; t < LONG; t++) memcpy(turned + D * (LONG - 1 - t), y + D * t, D * sizeof *y);
    assert_ok(rj_attention_forward(&a, NULL, &my, &mout, 0, 0, NULL));
    assert_ok(rj_attention_forward(&a, NULL, &mturned, &mback, 0, 0, NULL));
    for (int t = 0; t < LONG; t++)
        for (int k = 0; k < D; k++) assert_true(fabs(out[k + D * t] - back[k + D * (LONG - 1 - t)]) < 1e-13);
    rj_attention_free(&a);
}

static void derivatives(void **state)
{
    static const int windows[] = {0, 1, 2, 5, T + 1};
    rj_rope_table rope = rotation(T);

    (void)state;
    for (size_t i = 0; i < sizeof windows / sizeof *windows; i++)
        for (int norms = -1; norms <= RJ_NORM_LAYER; norms++) {
            rj_attention a = attention(windows[i], norms);
            for (int t = 0; t < T; t += 4) {
                check_derivative(&a, &rope, t);
                check_derivative(&a, NULL, t);
            }
            rj_attention_free(&a);
        }
    rj_rope_table_free(&rope);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(a_window_counts_the_token_itself),
        unit(norms_take_lengths_away),
        unit(a_window_forgets_the_rest),
        unit(alibi_slopes_by_hand),
        unit(buckets_by_hand),
        unit(both_directions_by_hand),
        unit(memories_by_hand),
        unit(both_directions_of_a_long_prompt),
        unit(caps_and_clips_by_hand),
        unit(derivatives),
        unit(derivatives_in_both_directions),
        unit(derivatives_with_caps_clips_and_slopes),
        unit(derivatives_with_norms_of_all_heads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
