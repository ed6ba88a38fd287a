/* test_place.c: names beside points, legends in rows, quantiles: the geometry behind the figures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../../src/report/legend.h"
#include "../../src/report/place.h"
#include "../../src/report/style.h"
#include "resjac/report/histogram.h"

static const rj_box box = {0.0, 300.0, 0.0, 200.0};

static bool apart(const rj_placed *a, const rj_placed *b, double height)
{
    return a->name_x + a->width <= b->name_x || b->name_x + b->width <= a->name_x ||
           fabs(a->name_y - b->name_y) >= height;
}

/* Alone a name stands to the right; at the right edge to the left; a neighbour in the way sends it elsewhere. */
static void names_go_where_there_is_room(void **x)
{
    rj_placed p[] = {{.x = 100, .y = 100, .width = 50},
                     {.x = 290, .y = 50, .width = 50},
                     {.x = 130, .y = 100, .width = 0}};
    (void)x;
    rj_place_names(2, p, &box, 12.0);
    assert_true(p[0].placed && p[0].name_x == 107.0 && p[0].name_y == 100.0);
    assert_true(p[1].placed && p[1].name_x == 290.0 - 7.0 - 50.0);
    rj_place_names(3, p, &box, 12.0); /* a point without a name is in the way */
    assert_true(p[0].placed && p[0].name_x == 100.0 - 7.0 - 50.0);
    assert_false(p[2].placed);
}

/* 80 points at random: no two names overlap, none covers a point, all are inside; where there is no room there is none. */
static void names_never_overlap(void **x)
{
    enum { N = 80 };
    rj_placed p[N];
    uint32_t state = 7;
    int placed = 0;
    (void)x;
    for (int i = 0; i < N; i++) {
        double at[2];
        for (int c = 0; c < 2; c++) {
            state = state * 1664525u + 1013904223u;
            at[c] = (double)(state >> 8) / (double)(1u << 24);
        }
        p[i] = (rj_placed){.x = 300.0 * at[0], .y = 200.0 * at[1], .width = 40};
    }
    rj_place_names(N, p, &box, 12.0);
    for (int i = 0; i < N; i++) {
        if (!p[i].placed) continue;
        placed++;
        assert_true(p[i].name_x >= 0.0 && p[i].name_x + 40.0 <= 300.0 && p[i].name_y >= 6.0 &&
                    p[i].name_y <= 194.0);
        for (int j = 0; j < N; j++) {
            if (j < i && p[j].placed) assert_true(apart(&p[i], &p[j], 12.0));
            assert_true(p[j].x <= p[i].name_x - 5.0 || p[j].x >= p[i].name_x + 45.0 ||
                        fabs(p[j].y - p[i].name_y) >= 11.0);
        }
    }
    assert_true(placed > 20 && placed < N);
}

/* "abcdefghij" takes 25 + 67 pixels: three and two gaps of 16 into 400 less margins. */
static void legends_flow_into_rows(void **x)
{
    rj_legend legend = {0};
    (void)x;
    const int none = rj_legend_room(&legend, 400);
    for (int i = 0; i < 4; i++) rj_legend_add(&legend, RJ_LEGEND_LINE, "#000000", "abcdefghij");
    assert_int_equal(rj_legend_room(&legend, 400) - none, 2 * 17);
    legend.n = 3;
    assert_int_equal(rj_legend_room(&legend, 400) - none, 17);
    for (int i = 0; i < 2 * RJ_LEGEND_MOST; i++) rj_legend_add(&legend, RJ_LEGEND_LINE, "#000000", "x");
    assert_int_equal(legend.n, RJ_LEGEND_MOST);
    assert_true(rj_legend_room(&legend, 10) > none); /* narrower than one entry: one a row */
}

static void ticks_are_round(void **x)
{
    (void)x;
    assert_true(fabs(rj_style_tick(0.0, 1.0, 5) - 0.2) < 1e-12);
    assert_true(fabs(rj_style_tick(0.0, 0.9, 4) - 0.5) < 1e-12);
    assert_true(fabs(rj_style_tick(-30.0, 30.0, 6) - 10.0) < 1e-12);
    assert_true(fabs(rj_style_tick(0.0, 2000.0, 4) - 500.0) < 1e-9);
}

/* 1..1000 and a 0: quantiles within a bin, the ends exact. */
static void quantiles_are_within_a_bin(void **x)
{
    rj_histogram h = {0};
    (void)x;
    assert_true(isnan(rj_histogram_quantile(&h, 0.5)) && isnan(rj_histogram_most(&h)));
    for (int i = 1; i <= 1000; i++) rj_histogram_add(&h, i);
    rj_histogram_add(&h, NAN);
    assert_int_equal(h.n, 1000);
    assert_true(fabs(rj_histogram_quantile(&h, 0.5) / 500.0 - 1.0) < 0.13);
    assert_true(rj_histogram_quantile(&h, 1.0) <= 1000.0 && rj_histogram_most(&h) == 1000.0);
    rj_histogram_add(&h, 0.0);
    assert_true(h.least == 0.0 && rj_histogram_quantile(&h, 0.0) >= 0.0);
    h = (rj_histogram){0};
    rj_histogram_add(&h, 3.0);
    assert_true(rj_histogram_quantile(&h, 0.5) == 3.0); /* between the ends */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_go_where_there_is_room), cmocka_unit_test(names_never_overlap),
        cmocka_unit_test(legends_flow_into_rows),       cmocka_unit_test(ticks_are_round),
        cmocka_unit_test(quantiles_are_within_a_bin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
