/* test_coupling.c: one pair by hand; what sign, order, batch and row split must not change; what is missing; errors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "resjac/base/memory.h"
#include "resjac/base/rng.h"
#include "resjac/linalg/blas.h"
#include "resjac/metrics/coupling.h"

enum { MAX_L = 24, MAX_K = 3, N_ARRAYS = 17, CELLS = MAX_K * MAX_L * MAX_L };

/* Room for all measures, each cell -7 until written. */
typedef struct {
    double value[N_ARRAYS][CELLS];
    rj_coupling_measures m;
} result;

static void result_clear(result *r)
{
    for (int p = 0; p < N_ARRAYS; p++)
        for (int i = 0; i < CELLS; i++) r->value[p][i] = -7;
    double **const field[N_ARRAYS] = {&r->m.misfit,           &r->m.misfit_signed, &r->m.misfit_trace,
                                      &r->m.misfit_vju,       &r->m.excess,        &r->m.null_rotation,
                                      &r->m.null_conjugation, &r->m.excess_drop1,  &r->m.excess_drop3,
                                      &r->m.subspace_uu,      &r->m.subspace_vv,   &r->m.subspace_uv,
                                      &r->m.subspace_vu,      &r->m.null,          &r->m.null_sd,
                                      &r->m.null_signed,      &r->m.null_trace};
    for (int p = 0; p < N_ARRAYS; p++) *field[p] = r->value[p];
}

static int near(double a, double b)
{
    return fabs(a - b) <= 1e-14 * (1 + fabs(b));
}

/* Block 0: J by columns, s = (4,3), U = V = [e1 e2]. Block 1: U = [e1 e2], V = [e3 e1], so that
 * A = U_1'JV_1 = [J13 J11; J23 J21] and B = V_1'JU_1 = [J31 J32; J11 J12]. */
typedef struct {
    double j[3][3], s[2], u[2][2][3], v[2][2][3];
    rj_topk top[2];
    rj_coupling_block block[2];
} hand;

static void hand_init(hand *h)
{
    *h = (hand){.j = {{6, 3, 5}, {1, 0, 2}, {-4, 0, 0}},
                .s = {4, 3},
                .u = {{{1, 0, 0}, {0, 1, 0}}, {{1, 0, 0}, {0, 1, 0}}},
                .v = {{{1, 0, 0}, {0, 1, 0}}, {{0, 0, 1}, {1, 0, 0}}}};
    for (int i = 0; i < 2; i++) {
        h->top[i] = (rj_topk){.d = 3, .k = 2, .s = h->s, .n_all = 2, .s_all = h->s};
        h->top[i].u = (rj_matrix){RJ_DOUBLE, 3, 2, 3, h->u[i][0]};
        h->top[i].v = (rj_matrix){RJ_DOUBLE, 3, 2, 3, h->v[i][0]};
        h->block[i] = (rj_coupling_block){.top = &h->top[i], .frobenius = sqrt(91), .trace = 6};
    }
    h->block[0].jac = (rj_matrix){RJ_DOUBLE, 3, 3, 3, h->j[0]};
}

/* A = [-4 6; 0 3]: |A| - S = [0 6; 0 0], A - S = [-8 6; 0 0]. B = [5 2; 6 1]: |B| - S = [1 2; 6 -2]. */
static void pair_by_hand(void **x)
{
    static result r;
    const int k[] = {2, 1};
    const double z = sqrt(2 / 3.14159265358979323846), f = sqrt(91) / 3;
    hand h;
    (void)x;
    hand_init(&h);
    result_clear(&r);
    assert_int_equal(rj_coupling_rows(2, h.block, 2, k, 2, 0, 0, 1, NULL, &r.m), RJ_OK);
    assert_true(near(r.m.misfit[1], 6.0 / 5) && near(r.m.misfit_signed[1], 2) &&
                near(r.m.misfit_trace[1], 6.0 / 7));
    assert_true(near(r.m.misfit_vju[1], sqrt(45) / 5));
    assert_true(near(r.m.null[0], sqrt(4 * f * f + 25 - 14 * z * f) / 5));
    assert_true(near(r.m.excess[1], 1 - 1.2 / r.m.null[0]) && r.m.null_sd[0] > 0);
    const double g = sqrt(61) / 2; /* ||A||_F / K */
    assert_true(near(r.m.null_rotation[1], sqrt(61 + 25 - 14 * z * g) / 5));
    /* U_0'U_1 = I, V_0'V_1 = [0 1; 0 0], U_0'V_1 = [0 1; 0 0], V_0'U_1 = I, C = U_1'V_1 = [0 1; 0 0] */
    assert_true(r.m.subspace_uu[1] == 1 && r.m.subspace_vv[1] == 0.5 && r.m.subspace_uv[1] == 0.5 &&
                r.m.subspace_vu[1] == 1);
    /* tau = 2, sigma^2 = (91 - 12)/9, C_kk = 0 */
    const double sigma = sqrt(79.0 / 9);
    assert_true(near(r.m.null_conjugation[1], sqrt(4 + 4 * 79.0 / 9 + 25 - 14 * z * sigma) / 5));
    /* K = 1 is the leading 1 x 1 block: |A_11| = 4 = s_1 */
    assert_true(r.m.misfit[4 + 1] == 0 && r.m.misfit_signed[4 + 1] == 2 && r.m.excess[4 + 1] == 1);
    /* K = 1, drop 1: A(2,2) - u_1'U_0(1) s_1 V_0(1)'v_2 = 3 - 0 * 4 * 1 = 3 = s_2 */
    assert_true(r.m.excess_drop1[4 + 1] == 1);
    assert_true(isnan(r.m.excess_drop1[1]) && isnan(r.m.excess_drop3[4 + 1])); /* needs a third triplet */
    assert_true(r.m.misfit[2] == -7 && r.m.misfit[3] == -7 &&
                r.m.null[1] == -7); /* the other row is untouched */
}

/* Its products are left out; no other measure changes by a bit. */
static void without_vju(void **x)
{
    static result all, less;
    const int k[] = {2, 1};
    hand h;
    (void)x;
    hand_init(&h);
    result_clear(&all);
    result_clear(&less);
    less.m.misfit_vju = NULL;
    assert_int_equal(rj_coupling_rows(2, h.block, 2, k, 2, 0, 0, 1, NULL, &all.m), RJ_OK);
    assert_int_equal(rj_coupling_rows(2, h.block, 2, k, 2, 0, 0, 1, NULL, &less.m), RJ_OK);
    for (int p = 0; p < N_ARRAYS; p++)
        for (int i = 0; i < CELLS; i++) {
            const double was = &all.value[p][0] == all.m.misfit_vju ? -7 : all.value[p][i];
            assert_true(less.value[p][i] == was || (isnan(less.value[p][i]) && isnan(was)));
        }
}

/* A = [-4 6; 0 3] row by row, whatever K is; where block 1 has one triplet its leading element alone. */
static void alignment_by_hand(void **x)
{
    static result r;
    const int k[] = {1, 2};
    double a[16];
    hand h;
    (void)x;
    hand_init(&h);
    result_clear(&r);
    for (int i = 0; i < 16; i++) a[i] = -7;
    r.m.alignment = a;
    r.m.n_alignment = 2;
    assert_int_equal(rj_coupling_rows(2, h.block, 2, k, 2, 0, 0, 1, NULL, &r.m), RJ_OK);
    assert_true(a[4] == -4 && a[5] == 6 && a[6] == 0 && a[7] == 3);
    for (int i = 8; i < 16; i++) assert_true(a[i] == -7); /* the other row */
    h.top[1].k = 1;
    assert_int_equal(rj_coupling_rows(2, h.block, 2, k, 2, 0, 0, 1, NULL, &r.m), RJ_OK);
    assert_true(a[4] == -4 && isnan(a[5]) && isnan(a[6]) && isnan(a[7]) && !isnan(a[3]));
    r.m.n_alignment = 3;
    assert_int_equal(rj_coupling_rows(2, h.block, 2, k, 2, 0, 0, 1, NULL, &r.m), RJ_ERR_ARG);
    assert_non_null(strstr(rj_status_message(), "alignment matrices of 3 directions, needs 1..2"));
    h.block[0].top = h.block[1].top = NULL; /* nothing is known: nothing is told */
    r.m.n_alignment = 2;
    assert_int_equal(rj_coupling_rows(2, h.block, 2, k, 2, 0, 0, 1, NULL, &r.m), RJ_OK);
    for (int i = 0; i < 8; i++) assert_true(isnan(a[i]));
    assert_true(a[8] == -7);
    r.m.alignment = NULL;
}

/* Removing J's own first triplet: with U_1 = [e1+e2, ..]/sqrt 2 every factor of the correction shows. */
static void dropped_triplet_by_hand(void **x)
{
    static result r;
    const int k = 1;
    const double h2 = sqrt(0.5), z = sqrt(2 / 3.14159265358979323846);
    hand h;
    (void)x;
    hand_init(&h);
    const double u[2][3] = {{h2, h2, 0}, {h2, -h2, 0}};
    memcpy(h.u[1], u, sizeof u);
    memcpy(h.v[1], u, sizeof u);
    result_clear(&r);
    assert_int_equal(rj_coupling_rows(2, h.block, 1, &k, 2, 0, 0, 1, NULL, &r.m), RJ_OK);
    /* u_2'J u_2 = (6 - 1 - 3 + 0)/2 = 1; less 4 (u_2'e1)(e1'u_2) = 2: |-1| - 3 = -2 against s_2 = 3;
     * what is left of J has ||.||_F^2 = 91 - 16, d = 3 */
    const double f = sqrt(75) / 3, null = sqrt(f * f + 9 - 6 * z * f) / 3;
    assert_true(fabs(r.m.excess_drop1[1] - (1 - 2.0 / 3 / null)) < 1e-14);
}

static void norm_one_divides_by_the_sum(void **x)
{
    static result r, one;
    const int k = 2;
    hand h;
    (void)x;
    hand_init(&h);
    result_clear(&r);
    result_clear(&one);
    assert_int_equal(rj_coupling_rows(2, h.block, 1, &k, 2, 0, 0, 1, NULL, &r.m), RJ_OK);
    assert_int_equal(rj_coupling_rows(2, h.block, 1, &k, 1, 0, 0, 1, NULL, &one.m), RJ_OK);
    const int scaled[] = {0, 1, 3, 5, 6, 13, 14}, same[] = {2, 4, 9, 10, 11, 12};
    for (int p = 0; p < 7; p++) {
        const int at = scaled[p] >= 13 ? 0 : 1;
        assert_true(near(one.value[scaled[p]][at] * 7, r.value[scaled[p]][at] * 5));
    }
    for (int p = 0; p < 6; p++) assert_true(near(one.value[same[p]][1], r.value[same[p]][1]));
}

/* L blocks with normal Jacobians of decaying columns and their true frames. */
typedef struct {
    int L;
    rj_matrix jac[MAX_L];
    rj_topk top[MAX_L];
    rj_coupling_block block[MAX_L];
} blocks;

static void blocks_begin(blocks *w, rj_arithmetic type, int d, int k, int L)
{
    const rj_rng rng = rj_rng_open(2, "blocks");
    double column[64];
    *w = (blocks){.L = L};
    for (int l = 0; l < L; l++) {
        assert_int_equal(rj_matrix_new(type, d, d, &w->jac[l]), RJ_OK);
        for (int j = 0; j < d; j++) {
            rj_rng_normals(&rng, (uint64_t)(64 * (j + 64 * l)), (uint64_t)d, column);
            for (int i = 0; i < d; i++) column[i] /= 1 + j;
            rj_matrix_set_column(&w->jac[l], j, column);
        }
        assert_int_equal(rj_topk_full(&w->jac[l], k, &w->top[l]), RJ_OK);
        w->block[l] = (rj_coupling_block){
            w->jac[l], &w->top[l], rj_matrix_frobenius(&w->jac[l]), rj_matrix_trace(&w->jac[l]), 0,
            NULL,      NULL};
    }
}

static void blocks_end(blocks *w)
{
    for (int l = 0; l < w->L; l++) {
        rj_topk_free(&w->top[l]);
        rj_matrix_free(&w->jac[l]);
    }
}

static void own_frames_fit_exactly(void **x)
{
    static blocks w;
    static result r;
    const int k[] = {10, 3};
    (void)x;
    for (int t = 0; t < 2; t++) {
        const rj_arithmetic type = t == 0 ? RJ_SINGLE : RJ_DOUBLE;
        const double small = 40 * rj_matrix_epsilon(type);
        blocks_begin(&w, type, 40, 13, 3);
        result_clear(&r);
        assert_int_equal(rj_coupling_rows(3, w.block, 2, k, 2, 0, 0, 3, NULL, &r.m), RJ_OK);
        for (int q = 0; q < 2; q++)
            for (int i = 0; i < 3; i++) {
                const int at = q * 9 + i * 4;
                assert_true(r.m.misfit[at] < small && r.m.misfit_signed[at] < small &&
                            r.m.misfit_trace[at] < small);
                assert_true(1 - r.m.excess[at] < small && 1 - r.m.excess_drop1[at] < 10 * small &&
                            1 - r.m.excess_drop3[at] < 10 * small);
                assert_true(fabs(r.m.subspace_uu[at] - 1) < small && fabs(r.m.subspace_vv[at] - 1) < small);
                assert_true(fabs(r.m.subspace_uv[at] - r.m.subspace_vu[at]) < small);
                assert_true(r.m.misfit_vju[at] > 0.1 && r.m.misfit[at + (i < 2 ? 1 : -1)] > 0.1);
            }
        blocks_end(&w);
    }
}

/* An SVD leaves the common sign of (u,v) open: no measure sees it, to the bit. */
static void common_signs_are_free(void **x)
{
    static blocks w;
    static result r, flipped;
    const int k[] = {7, 2};
    (void)x;
    blocks_begin(&w, RJ_SINGLE, 30, 10, 3);
    result_clear(&r);
    result_clear(&flipped);
    assert_int_equal(rj_coupling_rows(3, w.block, 2, k, 2, 0, 0, 3, NULL, &r.m), RJ_OK);
    for (int l = 0; l < 3; l++)
        for (int i = l; i < 10; i += 2) {
            rj_matrix u = rj_matrix_block(&w.top[l].u, 0, i, 30, 1),
                      v = rj_matrix_block(&w.top[l].v, 0, i, 30, 1);
            rj_matrix_scale(-1, &u);
            rj_matrix_scale(-1, &v);
        }
    assert_int_equal(rj_coupling_rows(3, w.block, 2, k, 2, 0, 0, 3, NULL, &flipped.m), RJ_OK);
    assert_memory_equal(r.value, flipped.value, sizeof r.value);
    blocks_end(&w);
}

/* Enough blocks for several batches: row by row, half by half and at once give the same bits. */
static void rows_do_not_depend_on_the_split(void **x)
{
    static blocks w;
    static result all, split;
    const int k[] = {12, 20, 5};
    (void)x;
    blocks_begin(&w, RJ_SINGLE, 40, 23, MAX_L);
    result_clear(&all);
    result_clear(&split);
    assert_int_equal(rj_coupling_rows(MAX_L, w.block, 3, k, 2, 9, 0, MAX_L, NULL, &all.m), RJ_OK);
    for (int i = 0; i < MAX_L / 2; i++) {
        rj_coupling_block own[MAX_L];
        memcpy(own, w.block, sizeof own);
        for (int l = 0; l < MAX_L; l++)
            if (l != i) own[l].jac = (rj_matrix){0}; /* only compared with */
        assert_int_equal(rj_coupling_rows(MAX_L, own, 3, k, 2, 9, i, 1, NULL, &split.m), RJ_OK);
    }
    assert_int_equal(rj_coupling_rows(MAX_L, w.block, 3, k, 2, 9, MAX_L / 2, MAX_L / 2, NULL, &split.m),
                     RJ_OK);
    assert_memory_equal(all.value, split.value, sizeof all.value);
    blocks_end(&w);
}

static void share_nothing(void *ctx, int j, rj_matrix *frame)
{
    (void)ctx, (void)j, (void)frame;
}

static rj_status only_mine(void *ctx, rj_status mine)
{
    (void)ctx;
    return mine;
}

/* Row last multiplied with, and how often another one followed. */
static struct {
    const void *last;
    int turns;
} rows_met;

static rj_status multiply(void *ctx, const rj_matrix *x, rj_matrix *y)
{
    rows_met.turns += rows_met.last != ctx;
    rows_met.last = ctx;
    rj_gemm('N', 'N', 1.0, ctx, x, 0.0, y);
    return RJ_OK;
}

static rj_status refuse(void *ctx, const rj_matrix *x, rj_matrix *y)
{
    (void)ctx, (void)x, (void)y;
    return rj_raise(RJ_ERR_IO, __FILE__, __LINE__, "the file is gone");
}

/* Several batches, to the bit; or all frames at once, whose own products are wider then. */
static void products_serve_as_the_matrix_does(void **x)
{
    static blocks w;
    static result formed, free_of_it;
    const int k[] = {12, 20, 5};
    int known[MAX_L];
    rj_coupling_block own[MAX_L];
    rj_coupling_exchange alone = {40, RJ_SINGLE, known, share_nothing, only_mine, false, NULL};
    (void)x;
    blocks_begin(&w, RJ_SINGLE, 40, 23, MAX_L);
    result_clear(&formed);
    assert_int_equal(rj_coupling_rows(MAX_L, w.block, 3, k, 2, 9, 0, MAX_L, NULL, &formed.m), RJ_OK);
    memcpy(own, w.block, sizeof own);
    for (int l = 0; l < MAX_L; l++) {
        own[l].jac = (rj_matrix){0};
        own[l].multiply = multiply;
        own[l].ctx = &w.jac[l];
        known[l] = rj_coupling_known(own[l].top, 3, k);
    }
    for (int at_once = 0; at_once < 2; at_once++) {
        alone.at_once = at_once != 0;
        result_clear(&free_of_it);
        rows_met.last = NULL;
        rows_met.turns = 0;
        assert_int_equal(rj_coupling_rows(MAX_L, own, 3, k, 2, 9, 0, MAX_L, &alone, &free_of_it.m), RJ_OK);
        assert_true(at_once == 0 ? rows_met.turns > MAX_L : rows_met.turns == MAX_L); /* one turn each */
        if (at_once == 0) assert_memory_equal(formed.value, free_of_it.value, sizeof formed.value);
        for (int p = 0; p < N_ARRAYS; p++)
            for (int i = 0; i < (p < 13 ? 3 * MAX_L * MAX_L : 3 * MAX_L); i++) {
                const double a = formed.value[p][i], b = free_of_it.value[p][i];
                assert_true((isnan(a) && isnan(b)) || fabs(a - b) < 1e-5);
            }
    }
    own[1].multiply = refuse;
    assert_int_equal(rj_coupling_rows(MAX_L, own, 3, k, 2, 9, 0, MAX_L, &alone, &free_of_it.m), RJ_ERR_IO);
    assert_non_null(strstr(rj_status_message(), "the file is gone"));
    blocks_end(&w);
}

/* Also whichever side of a pair is taken and which is its mirror; the drops by the thin products and by the whole ones. */
static void order_of_blocks_and_of_counts_is_free(void **x)
{
    static blocks w;
    static result r, turned;
    enum { L = 5 };
    const int k[] = {3, 9}, k_turned[] = {9, 3}, order[L] = {3, 0, 4, 2, 1};
    rj_coupling_block block[L];
    (void)x;
    blocks_begin(&w, RJ_DOUBLE, 32, 12, L);
    result_clear(&r);
    result_clear(&turned);
    for (int l = 0; l < L; l++) block[l] = w.block[order[l]];
    assert_int_equal(rj_coupling_rows(L, w.block, 2, k, 2, 0, 0, L, NULL, &r.m), RJ_OK);
    assert_int_equal(rj_coupling_rows(L, block, 2, k_turned, 2, 0, 0, L, NULL, &turned.m), RJ_OK);
    rj_coupling_mirror(L, 2, &r.m);
    rj_coupling_mirror(L, 2, &turned.m);
    for (int p = 0; p < N_ARRAYS; p++)
        for (int q = 0; q < 2; q++)
            for (int i = 0; i < L; i++)
                for (int j = 0; j < (p < 13 ? L : 1); j++) {
                    const int at = p < 13 ? ((1 - q) * L + order[i]) * L + order[j] : (1 - q) * L + order[i];
                    const double value = turned.value[p][p < 13 ? (q * L + i) * L + j : q * L + i];
                    assert_true(fabs(value - r.value[p][at]) < 1e-12);
                }
    blocks_end(&w);
}

/* Arrays that are not given change nothing of those that are. */
static void what_is_not_wanted_is_left_out(void **x)
{
    static blocks w;
    static result all;
    const int k[] = {2, 5};
    double misfit[2 * 9], null[2 * 3];
    const rj_coupling_measures some = {.misfit = misfit, .null = null};
    (void)x;
    blocks_begin(&w, RJ_DOUBLE, 24, 8, 3);
    result_clear(&all);
    assert_int_equal(rj_coupling_rows(3, w.block, 2, k, 2, 0, 0, 3, NULL, &all.m), RJ_OK);
    assert_int_equal(rj_coupling_rows(3, w.block, 2, k, 2, 0, 0, 3, NULL, &some), RJ_OK);
    assert_memory_equal(misfit, all.m.misfit, sizeof misfit);
    assert_memory_equal(null, all.m.null, sizeof null);
    /* what serves the drops, and all subspaces, alone */
    double drop[2 * 9], uv[2 * 9], vu[2 * 9];
    const rj_coupling_measures drops = {.excess_drop3 = drop},
                               subspaces = {.subspace_uv = uv, .subspace_vu = vu};
    assert_int_equal(rj_coupling_rows(3, w.block, 2, k, 2, 0, 0, 3, NULL, &drops), RJ_OK);
    assert_int_equal(rj_coupling_rows(3, w.block, 2, k, 2, 0, 0, 3, NULL, &subspaces), RJ_OK);
    assert_memory_equal(drop, all.m.excess_drop3, sizeof drop);
    assert_memory_equal(uv, all.m.subspace_uv, sizeof uv);
    assert_memory_equal(vu, all.m.subspace_vu, sizeof vu);
    blocks_end(&w);
}

/* Entry (i,j) of table t of K number q is 100 t + 10 q + 3 i + j. */
static void mirror_by_hand(void **x)
{
    double value[4][18], was[4][18];
    const rj_coupling_measures all = {
        .subspace_uu = value[0], .subspace_vv = value[1], .subspace_uv = value[2], .subspace_vu = value[3]};
    const int other[4] = {0, 1, 3, 2};
    (void)x;
    for (int t = 0; t < 4; t++)
        for (int at = 0; at < 18; at++) value[t][at] = was[t][at] = 100 * t + 10 * (at / 9) + at % 9;
    for (int t = 0; t < 4; t++) value[t][1] = NAN; /* (0,1) is missing */
    rj_coupling_mirror(3, 2, &all);
    for (int t = 0; t < 4; t++)
        for (int at = 0; at < 18; at++) {
            const int q = at / 9, i = at % 9 / 3, j = at % 3;
            const double expected = was[j < i ? other[t] : t][j < i ? 9 * q + 3 * j + i : at];
            if (q == 0 && i + j == 1)
                assert_true(isnan(value[t][at]));
            else
                assert_true(value[t][at] == expected);
        }
    const rj_coupling_measures one = {.subspace_vv = was[1]};
    rj_coupling_mirror(3, 2, &one);
    assert_true(was[1][3] == 101 && was[1][6] == 102 && was[1][5] == 105 && was[0][3] == 3);
}

/* A row takes the subspaces of its own block and of later ones; those before are their mirror. */
static void rows_leave_their_mirror(void **x)
{
    static blocks w;
    static result r;
    const int k[] = {6};
    (void)x;
    blocks_begin(&w, RJ_DOUBLE, 24, 9, 3);
    result_clear(&r);
    assert_int_equal(rj_coupling_rows(3, w.block, 1, k, 2, 0, 0, 3, NULL, &r.m), RJ_OK);
    for (int p = 0; p < 13; p++)
        for (int at = 0; at < 9; at++)
            assert_int_equal(isnan(r.value[p][at]) != 0, p >= 9 && at % 3 < at / 3);
    rj_coupling_mirror(3, 1, &r.m);
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) {
            rj_matrix u = rj_matrix_block(&w.top[i].u, 0, 0, 24, 6);
            const rj_matrix v = rj_matrix_block(&w.top[j].v, 0, 0, 24, 6);
            rj_matrix product;
            assert_int_equal(rj_matrix_new(RJ_DOUBLE, 6, 6, &product), RJ_OK);
            rj_gemm('T', 'N', 1.0, &u, &v, 0.0, &product);
            const double norm = rj_matrix_frobenius(&product);
            assert_true(near(r.m.subspace_uv[3 * i + j], norm * norm / 6));
            assert_true(near(r.m.subspace_vu[3 * j + i], norm * norm / 6));
            rj_matrix_free(&product);
        }
    blocks_end(&w);
}

static void missing_blocks_are_missing(void **x)
{
    static blocks w;
    static result r, without;
    const int k[] = {4};
    (void)x;
    blocks_begin(&w, RJ_DOUBLE, 24, 7, 3);
    result_clear(&without);
    rj_coupling_block two[2] = {w.block[0], w.block[2]};
    assert_int_equal(rj_coupling_rows(2, two, 1, k, 2, 0, 0, 2, NULL, &without.m), RJ_OK);
    rj_coupling_mirror(2, 1, &without.m);
    for (int zero = 0; zero < 2; zero++) {
        result_clear(&r);
        w.block[1].top = zero ? &w.top[1] : NULL;
        w.block[1].frobenius = 0;
        for (int i = 0; i < 7; i++) w.top[1].s[i] = 0; /* J_1 = 0: directions without meaning */
        for (int i = 0; i < w.top[1].n_all; i++) w.top[1].s_all[i] = 0;
        assert_int_equal(rj_coupling_rows(3, w.block, 1, k, 2, 0, 0, 3, NULL, &r.m), RJ_OK);
        rj_coupling_mirror(3, 1, &r.m);
        for (int p = 0; p < 13; p++)
            for (int at = 0; at < 9; at++) {
                const int missing = at / 3 == 1 || at % 3 == 1;
                const double expected = without.value[p][at / 3 / 2 * 2 + at % 3 / 2];
                assert_true(missing ? isnan(r.value[p][at]) : fabs(r.value[p][at] - expected) < 1e-13);
            }
        assert_true(isnan(r.m.null[1]) && isnan(r.m.null_sd[1]) && near(r.m.null[2], without.m.null[1]));
    }
    const rj_coupling_block none[2] = {{.top = NULL}, {.top = NULL}};
    result_clear(&r);
    assert_int_equal(rj_coupling_rows(2, none, 1, k, 2, 0, 0, 2, NULL, &r.m), RJ_OK);
    assert_true(isnan(r.m.misfit[0]) && isnan(r.m.null[1]) && r.m.misfit[4] == -7);
    blocks_end(&w);
}

/* Rank 4 by construction: K = 4 is there, K = 5 is noise and missing, K = 3 loses its drop 3. */
static void counts_above_the_numerical_rank_are_missing(void **x)
{
    static blocks w;
    static result r;
    const int k[] = {4, 5, 3};
    (void)x;
    for (int t = 0; t < 2; t++) {
        blocks_begin(&w, t == 0 ? RJ_SINGLE : RJ_DOUBLE, 40, 12, 2);
        for (int l = 0; l < 2; l++) {
            rj_matrix tail = rj_matrix_block(&w.jac[l], 0, 4, 40, 36);
            rj_matrix mix = rj_matrix_block(&w.jac[l], 0, 1, 40, 36), copy;
            assert_int_equal(rj_matrix_new(mix.type, 40, 36, &copy), RJ_OK);
            rj_matrix_fill(&tail, 0);
            rj_matrix_copy(&mix, &copy);
            rj_matrix_add(0.5, &copy, &tail); /* columns 4.. repeat columns 1..3 */
            rj_matrix_free(&copy);
            rj_topk_free(&w.top[l]);
            assert_int_equal(rj_topk_full(&w.jac[l], 12, &w.top[l]), RJ_OK);
            w.block[l].frobenius = rj_matrix_frobenius(&w.jac[l]);
        }
        result_clear(&r);
        assert_int_equal(rj_coupling_rows(2, w.block, 3, k, 2, 0, 0, 2, NULL, &r.m), RJ_OK);
        assert_true(r.m.misfit[1] > 0 && isnan(r.m.excess_drop1[1]) && r.m.null[0] > 0 && r.m.null_sd[0] > 0);
        assert_true(isnan(r.m.misfit[4 + 1]) && isnan(r.m.misfit[4]) && isnan(r.m.null[2]) &&
                    isnan(r.m.null_sd[2]));
        assert_true(isfinite(r.m.excess_drop1[8 + 1]) && isnan(r.m.excess_drop3[8 + 1]));
        blocks_end(&w);
    }
}

static void refused(hand *h, int n_k, int k, int norm, int first, int n_rows, rj_status code,
                    const char *text)
{
    static result r;
    result_clear(&r);
    assert_int_equal(rj_coupling_rows(2, h->block, n_k, &k, norm, 0, first, n_rows, NULL, &r.m), code);
    if (strstr(rj_status_message(), text) == NULL)
        fail_msg("\"%s\" is not in \"%s\"", text, rj_status_message());
}

static void bad_arguments_are_refused(void **x)
{
    hand h;
    (void)x;
    hand_init(&h);
    refused(&h, 0, 1, 2, 0, 1, RJ_ERR_ARG, "rows 0..0 of 2 blocks, 0 values of K");
    refused(&h, 1, 1, 2, 1, 2, RJ_ERR_ARG, "rows 1..2 of 2 blocks");
    refused(&h, 1, 1, 2, -1, 1, RJ_ERR_ARG, "rows -1..-1 of 2 blocks");
    refused(&h, 1, 1, 3, 0, 1, RJ_ERR_ARG, "norm 3 of ||s||, needs 1 or 2");
    refused(&h, 1, 0, 2, 0, 1, RJ_ERR_ARG, "K = 0, needs 1..3");
    refused(&h, 1, 4, 2, 0, 1, RJ_ERR_ARG, "K = 4, needs 1..3");
    refused(&h, 1, 2, 2, 0, 2, RJ_ERR_ARG, "block 1 of 2: its row needs J 3x3, given 0x0 without data");
    h.top[1].d = 4;
    refused(&h, 1, 2, 2, 0, 1, RJ_ERR_ARG,
            "block 1 of 2: 2 triplets U 3x2, V 3x2, d = 4; the first block has d = 3");
    hand_init(&h);
    h.top[1].v.type = RJ_SINGLE;
    refused(&h, 1, 2, 2, 0, 1, RJ_ERR_ARG,
            "block 1 of 2: J, U and V are of types 0, 1, 0, the first block's of 1");
    hand_init(&h);
    h.block[0].jac.rows = 2;
    refused(&h, 1, 2, 2, 0, 1, RJ_ERR_ARG, "block 0 of 2: its row needs J 3x3, given 2x3");
    hand_init(&h);
    double uv[4];
    const rj_coupling_measures half = {.subspace_uv = uv};
    const int k = 2;
    assert_int_equal(rj_coupling_rows(2, h.block, 1, &k, 2, 0, 0, 1, NULL, &half), RJ_ERR_ARG);
    assert_non_null(
        strstr(rj_status_message(), "subspace_uv and subspace_vu: one has data, the other has not"));
}

static void bad_numbers_are_refused(void **x)
{
    const double bad[] = {NAN, INFINITY};
    hand h;
    (void)x;
    for (int i = 0; i < 2; i++) {
        hand_init(&h);
        h.j[0][2] = bad[i]; /* J31, in B */
        refused(&h, 1, 2, 2, 0, 1, RJ_ERR_NUMERIC, "blocks 0 and ");
        hand_init(&h);
        h.u[1][1][1] = bad[i];
        refused(&h, 1, 2, 2, 0, 1, RJ_ERR_NUMERIC, "blocks 0 and 1 of 2: Inf or NaN in U_j'J_iV_j");
        hand_init(&h);
        h.block[0].frobenius = bad[i];
        refused(&h, 1, 2, 2, 0, 1, RJ_ERR_NUMERIC, "block 0 of 2: ||J||_F = ");
        hand_init(&h);
        h.block[0].trace = bad[i];
        refused(&h, 1, 2, 2, 0, 1, RJ_ERR_NUMERIC, "tr J = ");
    }
    hand_init(&h);
    h.block[0].frobenius = 1e200;
    refused(&h, 1, 2, 2, 0, 1, RJ_ERR_NUMERIC, "block 0, K = 2: null inf with ||J||_F = 1e+200");
}

static void every_allocation_may_fail(void **x)
{
    static result r;
    const int k = 2;
    int failures = 0;
    hand h;
    (void)x;
    hand_init(&h);
    result_clear(&r);
    for (;; failures++) {
        rj_memory_fail_after(failures);
        const rj_status st = rj_coupling_rows(2, h.block, 1, &k, 2, 0, 0, 1, NULL, &r.m);
        rj_memory_fail_after(-1);
        assert_int_equal(rj_memory_live(), 0);
        if (st == RJ_OK) break;
        assert_int_equal(st, RJ_ERR_NOMEM);
    }
    assert_true(failures > 30);
}

static int no_leak(void **x)
{
    (void)x;
    return rj_memory_live() != 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(pair_by_hand, no_leak),
        cmocka_unit_test_teardown(without_vju, no_leak),
        cmocka_unit_test_teardown(alignment_by_hand, no_leak),
        cmocka_unit_test_teardown(dropped_triplet_by_hand, no_leak),
        cmocka_unit_test_teardown(norm_one_divides_by_the_sum, no_leak),
        cmocka_unit_test_teardown(own_frames_fit_exactly, no_leak),
        cmocka_unit_test_teardown(common_signs_are_free, no_leak),
        cmocka_unit_test_teardown(rows_do_not_depend_on_the_split, no_leak),
        cmocka_unit_test_teardown(products_serve_as_the_matrix_does, no_leak),
        cmocka_unit_test_teardown(order_of_blocks_and_of_counts_is_free, no_leak),
        cmocka_unit_test_teardown(what_is_not_wanted_is_left_out, no_leak),
        cmocka_unit_test_teardown(mirror_by_hand, no_leak),
        cmocka_unit_test_teardown(rows_leave_their_mirror, no_leak),
        cmocka_unit_test_teardown(missing_blocks_are_missing, no_leak),
        cmocka_unit_test_teardown(counts_above_the_numerical_rank_are_missing, no_leak),
        cmocka_unit_test_teardown(bad_arguments_are_refused, no_leak),
        cmocka_unit_test_teardown(bad_numbers_are_refused, no_leak),
        cmocka_unit_test_teardown(every_allocation_may_fail, no_leak),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
