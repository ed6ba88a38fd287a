/* golden_cross_token.c: J_(s->t) of every tiny model against float64 autograd, by what J makes of a few fixed vectors, its norm and
 * its leading singular values (tests/oracle/cross_token.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <netcdf.h>

#include "resjac/base/memory.h"
#include "resjac/linalg/blas.h"
#include "resjac/linalg/lapack.h"
#include "resjac/model/block.h"
#include "resjac/model/model.h"

enum { VECTORS = 4, NORM = VECTORS * VECTORS, VALUES = 3, NUMBERS = NORM + 1 + VALUES, LEAST_CASES = 65 };

/* In double 4e-15 was measured, in single 1e-6. */
static const double TOLERANCE[2] = {[RJ_SINGLE] = 5e-6, [RJ_DOUBLE] = 1e-12};

typedef struct {
    char names[8192];
    size_t n_cases, n_layers, n_pairs;
    int *pair;     /* [n_cases, n_pairs, 2] source, target */
    double *probe; /* [n_cases, n_layers, n_pairs, NUMBERS]; NAN where a model has fewer layers */
} probes;

static const char *golden_folder(void)
{
    return getenv("RESJAC_GOLDEN") != NULL ? getenv("RESJAC_GOLDEN") : "golden";
}

static size_t length_of(int nc, const char *name)
{
    int id;
    size_t n;
    assert_int_equal(nc_inq_dimid(nc, name, &id), NC_NOERR);
    assert_int_equal(nc_inq_dimlen(nc, id, &n), NC_NOERR);
    return n;
}

static void load_probes(probes *p)
{
    char path[1024];
    int nc, id;

    snprintf(path, sizeof path, "%s/cross_token/probes.nc", golden_folder());
    assert_int_equal(nc_open(path, NC_NOWRITE, &nc), NC_NOERR);
    memset(p->names, 0, sizeof p->names);
    assert_int_equal(nc_get_att_text(nc, NC_GLOBAL, "source", p->names), NC_NOERR);
    p->n_cases = length_of(nc, "case"), p->n_layers = length_of(nc, "layer"),
    p->n_pairs = length_of(nc, "pair");
    assert_int_equal(length_of(nc, "number"), NUMBERS);
    p->pair = calloc(p->n_cases * p->n_pairs * 2, sizeof *p->pair);
    p->probe = calloc(p->n_cases * p->n_layers * p->n_pairs * NUMBERS, sizeof *p->probe);
    assert_true(p->pair != NULL && p->probe != NULL);
    assert_int_equal(nc_inq_varid(nc, "pair", &id), NC_NOERR);
    assert_int_equal(nc_get_var_int(nc, id, p->pair), NC_NOERR);
    assert_int_equal(nc_inq_varid(nc, "probe", &id), NC_NOERR);
    assert_int_equal(nc_get_var_double(nc, id, p->probe), NC_NOERR);
    nc_close(nc);
}

/* Of one J: w_a' J w_b, w_a(i) = cos(1.3 i (a + 1) + a^2), then its norm and leading singular values, each over its size. */
static void probe_of(const rj_matrix *jac, double number[NUMBERS])
{
    const int d = jac->rows;
    rj_matrix wide, w, jw, u, v;
    rj_matrix out = {RJ_DOUBLE, VECTORS, VECTORS, VECTORS, number};
    double *s = calloc((size_t)d, sizeof *s);

    assert_int_equal(rj_matrix_new(RJ_DOUBLE, d, d, &wide), RJ_OK);
    assert_int_equal(rj_matrix_new(RJ_DOUBLE, d, VECTORS, &w), RJ_OK);
    assert_int_equal(rj_matrix_new(RJ_DOUBLE, d, VECTORS, &jw), RJ_OK);
    assert_int_equal(rj_matrix_new(RJ_DOUBLE, d, VALUES, &u), RJ_OK);
    assert_int_equal(rj_matrix_new(RJ_DOUBLE, d, VALUES, &v), RJ_OK);
    for (int a = 0; a < VECTORS; a++)
        for (int i = 0; i < d; i++) ((double *)w.data)[i + a * d] = cos(1.3 * i * (a + 1) + a * a);
    rj_matrix_copy(jac, &wide);
    rj_gemm('N', 'N', 1.0, &wide, &w, 0.0, &jw);
    rj_gemm('T', 'N', 1.0, &jw, &w, 0.0,
            &out); /* column a, row b: w_a' J w_b, as the file has it row by row */
    number[NORM] = rj_matrix_frobenius(&wide);
    assert_int_equal(rj_lapack_svd(&wide, VALUES, s, &u, &v), RJ_OK);
    memcpy(number + NORM + 1, s, VALUES * sizeof *s);
    rj_matrix_free(&wide), rj_matrix_free(&w), rj_matrix_free(&jw), rj_matrix_free(&u), rj_matrix_free(&v);
    free(s);
}

/* The largest deviation, relative to ||J|| and, of the products, to the vectors' lengths. */
static double error_of(const rj_matrix *jac, const double expected[NUMBERS])
{
    double number[NUMBERS], worst = 0.0;
    const double norm = expected[NORM];

    probe_of(jac, number);
    for (int i = 0; i < NUMBERS; i++) {
        const double error = fabs(number[i] - expected[i]) / (i < NORM ? jac->rows / 2.0 : 1.0);
        worst = fmax(worst, norm > 0.0 ? error / norm : error > 0.0 ? INFINITY : 0.0);
        if (isnan(error)) worst = INFINITY;
    }
    return worst;
}

/* The prompt of a case's reference: its ids, and of a decoder the states that its blocks attend to. */
typedef struct {
    int T, n_memory;
    int32_t *ids;   /* [T] */
    double *memory; /* [d,n_memory]; NULL: none */
} prompt;

/* Folded, and as an operator forwards and backwards. */
static double check_pair(const rj_block *block, int d, const prompt *own, const double *x, const int pair[2],
                         rj_arithmetic type, const double expected[NUMBERS])
{
    rj_point *point = NULL;
    rj_matrix jac, formed;

    if (rj_block_linearise(block, own->n_memory, own->T, x, pair[0], pair[1], &point) != RJ_OK)
        fail_msg("%s", rj_status_message());
    assert_int_equal(rj_matrix_new(type, d, d, &jac), RJ_OK);
    assert_int_equal(rj_matrix_new(type, d, d, &formed), RJ_OK);
    assert_int_equal(rj_point_jacobian(point, RJ_LAST_RAW, &jac), RJ_OK);
    double worst = error_of(&jac, expected);
    const rj_linop op = rj_point_linop(point);
    assert_int_equal(rj_linop_form(&op, 7, &formed), RJ_OK);
    worst = fmax(worst, error_of(&formed, expected));
    rj_matrix_identity(&formed);
    assert_int_equal(op.apply_transpose(op.ctx, &formed, &jac), RJ_OK);
    rj_matrix_transpose(&jac, &formed);
    worst = fmax(worst, error_of(&formed, expected));
    rj_matrix_free(&jac), rj_matrix_free(&formed);
    rj_point_free(&point);
    return worst;
}

static prompt load_prompt(const char *folder, int d)
{
    char path[1200];
    int nc, id;
    prompt p = {0};

    snprintf(path, sizeof path, "%s/reference.nc", folder);
    assert_int_equal(nc_open(path, NC_NOWRITE, &nc), NC_NOERR);
    p.T = (int)length_of(nc, "token");
    p.ids = calloc((size_t)p.T, sizeof *p.ids);
    assert_non_null(p.ids);
    assert_int_equal(nc_inq_varid(nc, "token_ids", &id), NC_NOERR);
    assert_int_equal(nc_get_var_int(nc, id, p.ids), NC_NOERR);
    if (nc_inq_varid(nc, "memory", &id) == NC_NOERR) {
        p.n_memory = (int)length_of(nc, "memory_token");
        p.memory = calloc((size_t)p.n_memory * (size_t)d, sizeof *p.memory);
        assert_non_null(p.memory);
        assert_int_equal(nc_get_var_double(nc, id, p.memory), NC_NOERR);
    }
    nc_close(nc);
    return p;
}

static double check_case(const probes *p, size_t at, const char *name, rj_arithmetic type)
{
    char folder[1100];
    rj_model *model = NULL;
    double worst = 0.0;
    const rj_stack stack = strncmp(name, "t5dec", 5) == 0 ? RJ_STACK_DECODER : RJ_STACK_DEFAULT;

    snprintf(folder, sizeof folder, "%s/%s", golden_folder(), name);
    if (rj_model_open_stack(folder, stack, false, 0, &model) != RJ_OK) fail_msg("%s", rj_status_message());
    const int d = rj_model_config(model)->d, L = rj_model_config(model)->n_layer;
    const prompt own = load_prompt(folder, d);
    double *x = calloc((size_t)d * (size_t)(own.n_memory + own.T), sizeof *x);
    assert_non_null(x);
    if (own.memory != NULL) memcpy(x, own.memory, sizeof *x * (size_t)d * (size_t)own.n_memory);
    assert_int_equal(rj_model_embed(model, own.T, own.ids, x + (ptrdiff_t)d * own.n_memory), RJ_OK);
    for (int layer = 0; layer < L && layer < (int)p->n_layers; layer++) {
        rj_block *block = NULL;
        assert_int_equal(rj_block_load(model, layer, type, &block), RJ_OK);
        for (size_t q = 0; q < p->n_pairs; q++) {
            const int *pair = p->pair + (at * p->n_pairs + q) * 2;
            const double *expected =
                p->probe + ((at * p->n_layers + (size_t)layer) * p->n_pairs + q) * NUMBERS;
            const double error = check_pair(block, d, &own, x, pair, type, expected);
            if (!(error < TOLERANCE[type]))
                fail_msg("%s, layer %d, token %d by token %d: %.2e", name, layer, pair[1], pair[0], error);
            worst = fmax(worst, error);
        }
        assert_int_equal(rj_block_decode(block, own.n_memory, own.T, x, own.T - 1, NULL), RJ_OK);
        rj_block_free(&block);
    }
    free(x), free(own.ids), free(own.memory);
    rj_model_close(&model);
    return worst;
}

static void all_cases(rj_arithmetic type)
{
    probes p;
    double worst = 0.0;
    size_t n = 0;
    char *rest = NULL;

    load_probes(&p);
    for (char *name = strtok_r(p.names, " ", &rest); name != NULL; name = strtok_r(NULL, " ", &rest), n++)
        worst = fmax(worst, check_case(&p, n, name, type));
    assert_int_equal(n, p.n_cases);
    assert_true(n >= LEAST_CASES);
    print_message("worst of %zu models: %.1e\n", n, worst);
    free(p.pair), free(p.probe);
    assert_int_equal(rj_memory_live(), 0);
}

static void in_double(void **state)
{
    (void)state;
    all_cases(RJ_DOUBLE);
}

static void in_single(void **state)
{
    (void)state;
    all_cases(RJ_SINGLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(in_double), cmocka_unit_test(in_single)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
