/* test_rng.c: Random123's known answers, the definition of the normals against libm, and order of asking. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "resjac/base/rng.h"

static void philox_known_answers(void **x)
{
    static const struct {
        rj_rng r;
        uint64_t block;
        uint32_t out[4];
    } known[] = {
        {{{0, 0}, {0, 0}}, 0, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{{0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}},
         UINT64_MAX,
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{{0xa4093822, 0x299f31d0}, {0x13198a2e, 0x03707344}},
         0x85a308d3243f6a88,
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    uint32_t out[4];
    (void)x;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        rj_rng_bits(&known[i].r, known[i].block, out);
        assert_memory_equal(out, known[i].out, sizeof out);
    }
}

static void seed_and_name_make_the_stream(void **x)
{
    const rj_rng a = rj_rng_open(0x0123456789abcdef, "blk.0.attn_q.weight"),
                 same = rj_rng_open(0x0123456789abcdef, "blk.0.attn_q.weight");
    const rj_rng name = rj_rng_open(0x0123456789abcdef, "blk.1.attn_q.weight"),
                 seed = rj_rng_open(1, "blk.0.attn_q.weight");
    (void)x;
    assert_int_equal(a.key[0], 0x89abcdef);
    assert_int_equal(a.key[1], 0x01234567);
    assert_memory_equal(&a, &same, sizeof a);
    assert_memory_equal(a.key, name.key, sizeof a.key);
    assert_int_not_equal(a.stream[0], name.stream[0]);
    assert_int_not_equal(a.stream[1], name.stream[1]);
    assert_memory_equal(a.stream, seed.stream, sizeof a.stream);
    assert_true(rj_rng_uniform(&a, 0) != rj_rng_uniform(&seed, 0));
}

static uint64_t half_block(const rj_rng *r, uint64_t i)
{
    uint32_t w[4];
    rj_rng_bits(r, i / 2, w);
    return i % 2 == 0 ? w[0] | (uint64_t)w[1] << 32 : w[2] | (uint64_t)w[3] << 32;
}

static void uniforms_are_the_upper_52_bits(void **x)
{
    const rj_rng r = rj_rng_open(3, "u");
    (void)x;
    for (uint64_t i = 0; i < 1000; i++) {
        const double u = rj_rng_uniform(&r, i);
        assert_true(u > 0 && u < 1);
        assert_true(u == ((double)(half_block(&r, i) >> 12) + 0.5) * 0x1p-52);
    }
}

/* The header's definition in long double. The series lose a few units in the last place of the radius. */
static void normals_are_box_muller(void **x)
{
    enum { N = 200000 };
    static double z[N];
    const rj_rng r = rj_rng_open(3, "z");
    const long double right_angle = acosl(0.0L);
    (void)x;
    rj_rng_normals(&r, 0, N, z);
    for (uint64_t b = 0; b < N / 2; b++) {
        const uint64_t first = half_block(&r, 2 * b), second = half_block(&r, 2 * b + 1);
        const long double u = ((long double)(first >> 12) + 0.5L) * 0x1p-52L;
        const long double h = ((long double)(second << 2 >> 12) + 0.5L) * 0x1p-52L - 0.5L;
        const long double radius = sqrtl(-2 * logl(u)),
                          angle = right_angle * ((long double)(second >> 62) + h);
        assert_true(fabsl((long double)z[2 * b] - radius * cosl(angle)) <= 5e-16L * radius);
        assert_true(fabsl((long double)z[2 * b + 1] - radius * sinl(angle)) <= 5e-16L * radius);
    }
}

static void normals_do_not_depend_on_the_range_asked_for(void **x)
{
    enum { N = 700 };
    double all[N], part[N];
    const rj_rng r = rj_rng_open(9, "w");
    (void)x;
    rj_rng_normals(&r, 1000, N, all);
    for (uint64_t first = 0; first < 300; first += 37)
        for (uint64_t n = 0; n < 400; n += 57) {
            part[n] = -99;
            rj_rng_normals(&r, 1000 + first, n, part);
            assert_memory_equal(part, all + first, n * sizeof *part);
            assert_true(part[n] == -99);
        }
}

/* Each bound is 5 standard errors of the moment: sqrt(var/n), var of z^k = 1, 2, 96, and 1 of a product. */
static void moments_are_those_of_a_normal(void **x)
{
    enum { N = 1000000 };
    static double z[N];
    double mean = 0, square = 0, fourth = 0, pair = 0;
    const rj_rng r = rj_rng_open(11, "m");
    (void)x;
    rj_rng_normals(&r, 0, N, z);
    for (int i = 0; i < N; i++) {
        mean += z[i];
        square += z[i] * z[i];
        fourth += z[i] * z[i] * z[i] * z[i];
        pair += z[i] * z[(i + 1) % N];
    }
    assert_true(fabs(mean / N) < 5 / sqrt(N));
    assert_true(fabs(square / N - 1) < 5 * sqrt(2.0 / N));
    assert_true(fabs(fourth / N - 3) < 5 * sqrt(96.0 / N));
    assert_true(fabs(pair / N) < 5 / sqrt(N));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_known_answers),
        cmocka_unit_test(seed_and_name_make_the_stream),
        cmocka_unit_test(uniforms_are_the_upper_52_bits),
        cmocka_unit_test(normals_are_box_muller),
        cmocka_unit_test(normals_do_not_depend_on_the_range_asked_for),
        cmocka_unit_test(moments_are_those_of_a_normal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
