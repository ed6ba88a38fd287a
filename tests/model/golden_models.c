/* golden_models.c: every tiny model of tests/golden, from safetensors and GGUF, against float64 autograd: hidden states,
 * logits, Jacobians (tests/oracle/README.md). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <netcdf.h>

#include "resjac/base/memory.h"
#include "resjac/model/block.h"
#include "resjac/model/model.h"

/* Measured in double: 4e-15. Single, 24 bits through 3 to 4 blocks: 1.4e-6 in a state, 6e-7 in J. */
static const double TOLERANCE[2] = {[RJ_SINGLE] = 5e-6, [RJ_DOUBLE] = 1e-13};

typedef struct {
    double hidden, logits, jacobian, final, operator; /* relative */
} errors;

/* Folders are called <family>_<case>. */
static const struct {
    const char *name;
    int at_least;
} families[] = {{"llama", 22}, {"gpt2", 5},    {"qwen2", 5}, {"gemma3", 5}, {"gptneox", 4},  {"phi", 4},
                {"gptneo", 2}, {"mistral", 2}, {"gemma", 4}, {"gemma2", 5}, {"olmo", 4},     {"falcon", 6},
                {"mpt", 4},    {"hfolmo", 2},  {"qwen3", 5}, {"olmo2", 4},  {"stablelm", 8}, {"phi3", 4},
                {"gptj", 2},   {"opt", 5},     {"bloom", 4}, {"t5", 6},     {"t5dec", 5},    {"mixtral", 4}};

static glob_t references;

static double *load(int nc, const char *name)
{
    int id, n_dims, dim[NC_MAX_VAR_DIMS];
    size_t total = 1, n;

    if (nc_inq_varid(nc, name, &id) != NC_NOERR) return NULL;
    assert_int_equal(nc_inq_var(nc, id, NULL, NULL, &n_dims, dim, NULL), NC_NOERR);
    for (int i = 0; i < n_dims; i++) {
        assert_int_equal(nc_inq_dimlen(nc, dim[i], &n), NC_NOERR);
        total *= n;
    }
    double *values = calloc(total, sizeof *values);
    assert_non_null(values);
    assert_int_equal(nc_get_var_double(nc, id, values), NC_NOERR);
    return values;
}

static int length_of(int nc, const char *dimension)
{
    int id;
    size_t n;
    assert_int_equal(nc_inq_dimid(nc, dimension, &id), NC_NOERR);
    assert_int_equal(nc_inq_dimlen(nc, id, &n), NC_NOERR);
    return (int)n;
}

/* ||x - y|| / ||y|| */
static double relative(ptrdiff_t n, const double *x, const double *y)
{
    double difference = 0.0, norm = 0.0;
    for (ptrdiff_t i = 0; i < n; i++) difference += (x[i] - y[i]) * (x[i] - y[i]), norm += y[i] * y[i];
    return sqrt(difference / norm);
}

static void worst(double *so_far, double error)
{
    if (!(error <= *so_far)) *so_far = error; /* also where it is NaN */
}

/* Each token in norm: one with massive states must not hide the others. */
static double hidden_error(int d, int T, const double *x, const double *expected)
{
    double error = 0.0;
    for (int j = 0; j < T; j++) worst(&error, relative(d, x + (ptrdiff_t)j * d, expected + (ptrdiff_t)j * d));
    return error;
}

/* Of a Jacobian, n of its d columns, evenly from the first on; rows are outputs, row by row. */
typedef struct {
    double *values;
    int n;
} columns;

static double jacobian_error(const rj_matrix *jac, const double *expected, int n)
{
    const int d = jac->rows;
    double *column = calloc((size_t)d, sizeof *column), *rows = calloc((size_t)d * (size_t)n, sizeof *rows);
    for (int j = 0; j < n; j++) {
        rj_matrix_get_column(jac, j * (d / n), column);
        for (int i = 0; i < d; i++) rows[j + (ptrdiff_t)i * n] = column[i];
    }
    const double error = relative((ptrdiff_t)d * n, rows, expected);
    free(column);
    free(rows);
    return error;
}

/* "<case>/reference.nc" belongs to the folder, "<case>/reference-F16.nc" to model-F16.gguf. */
static void checkpoint_of(const char *reference, char *path, size_t n)
{
    const char *slash = strrchr(reference, '/');
    if (strcmp(slash, "/reference.nc") == 0)
        snprintf(path, n, "%.*s", (int)(slash - reference), reference);
    else
        snprintf(path, n, "%.*s/model%.*s.gguf", (int)(slash - reference), reference,
                 (int)strlen(slash) - (int)strlen("/reference.nc"), slash + strlen("/reference"));
}

/* J in three panels of columns, as the ranks of a grid evaluate it. */
static void form_by_columns(const rj_point *point, rj_last_block last, rj_matrix *jac)
{
    const int d = jac->rows;
    rj_matrix mlp;

    assert_int_equal(rj_matrix_new(jac->type, d, d, &mlp), RJ_OK);
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < 3; i++) {
            const int first = i * d / 3, n = (i + 1) * d / 3 - first;
            rj_matrix panel = rj_matrix_block(pass == 0 ? &mlp : jac, 0, first, d, n);
            assert_int_equal(pass == 0 ? rj_point_mlp_share(point, first, &panel)
                                       : rj_point_columns(point, &mlp, last, first, &panel),
                             RJ_OK);
        }
        if (pass == 0) assert_int_equal(rj_point_mlp_whole(point, &mlp), RJ_OK);
    }
    rj_matrix_free(&mlp);
}

static void check_block(const rj_model *model, int layer, rj_arithmetic type, int n_memory, int T, double *x,
                        const columns *jacobian, const double *final, errors *e)
{
    const int d = rj_model_config(model)->d, L = rj_model_config(model)->n_layer;
    const double *expected = jacobian->values + (ptrdiff_t)layer * d * jacobian->n;
    rj_block *block = NULL;
    rj_point *point = NULL;
    rj_matrix jac, formed;

    if (rj_block_load(model, layer, type, &block) != RJ_OK) fail_msg("%s", rj_status_message());
    assert_int_equal(rj_block_decode(block, n_memory, T, x, T - 1, &point), RJ_OK);
    assert_int_equal(rj_matrix_new(type, d, d, &jac), RJ_OK);
    assert_int_equal(rj_matrix_new(type, d, d, &formed), RJ_OK);
    assert_int_equal(rj_point_jacobian(point, RJ_LAST_RAW, &jac), RJ_OK);
    worst(&e->jacobian, jacobian_error(&jac, expected, jacobian->n));
    const rj_linop op = rj_point_linop(point);
    assert_int_equal(rj_linop_form(&op, 7, &formed), RJ_OK);
    worst(&e->operator, jacobian_error(&formed, expected, jacobian->n));
    rj_matrix_identity(&jac);
    assert_int_equal(op.apply_transpose(op.ctx, &jac, &formed), RJ_OK);
    rj_matrix_transpose(&formed, &jac);
    worst(&e->operator, jacobian_error(&jac, expected, jacobian->n));
    form_by_columns(point, RJ_LAST_RAW, &formed);
    worst(&e->operator, jacobian_error(&formed, expected, jacobian->n));
    if (final != NULL && layer == L - 1) {
        assert_int_equal(rj_point_jacobian(point, RJ_LAST_FINAL_NORM, &jac), RJ_OK);
        worst(&e->final, jacobian_error(&jac, final, d));
        form_by_columns(point, RJ_LAST_FINAL_NORM, &formed);
        worst(&e->final, jacobian_error(&formed, final, d));
    }
    if (!rj_config_ends_in_norm(rj_model_config(model))) {
        assert_null(final);
        assert_int_equal(rj_point_jacobian(point, RJ_LAST_FINAL_NORM, &jac), RJ_ERR_FORMAT);
        assert_non_null(strstr(rj_status_message(), "with the final norm is not defined"));
    }
    assert_int_equal(rj_point_kinks(point), 0);
    rj_matrix_free(&formed);
    rj_matrix_free(&jac);
    rj_point_free(&point);
    rj_block_free(&block);
}

/* As many as transformers' model has, where the file says. */
static void check_parameters(const rj_model *model, int nc)
{
    int n = 0;
    if (nc_get_att_int(nc, NC_GLOBAL, "n_parameters", &n) == NC_NOERR)
        assert_int_equal(rj_model_parameters(model), n);
}

static int32_t *load_ids(int nc, const char *name, int n)
{
    double *token = load(nc, name);
    int32_t *ids = calloc((size_t)n, sizeof *ids);

    assert_true(token != NULL && ids != NULL);
    for (int j = 0; j < n; j++) ids[j] = (int32_t)token[j];
    free(token);
    return ids;
}

/* memory <- the encoder's states behind its final norm. */
static void encode(const rj_model *decoder, int nc, rj_arithmetic type, int T, double *memory, errors *e)
{
    const rj_model *encoder = rj_model_encoder(decoder);
    const int d = rj_model_config(encoder)->d;
    int32_t *ids = load_ids(nc, "memory_ids", T);
    double *expected = load(nc, "memory");

    assert_int_equal(rj_model_embed(encoder, T, ids, memory), RJ_OK);
    for (int layer = 0; layer < rj_model_config(encoder)->n_layer; layer++) {
        rj_block *block = NULL;
        assert_int_equal(rj_block_load(encoder, layer, type, &block), RJ_OK);
        assert_int_equal(rj_block_forward(block, T, memory, T - 1, NULL), RJ_OK);
        rj_block_free(&block);
    }
    for (int j = 0; j < T; j++)
        assert_int_equal(rj_model_final_norm(encoder, memory + (ptrdiff_t)j * d, memory + (ptrdiff_t)j * d),
                         RJ_OK);
    worst(&e->hidden, hidden_error(d, T, memory, expected));
    free(ids), free(expected);
}

static void check_logits(const rj_model *model, int nc, const double *x, errors *e)
{
    const int n = rj_model_config(model)->n_vocab;
    double *expected = load(nc, "logits_last"), *logits = calloc((size_t)n, sizeof *logits);

    assert_non_null(logits);
    if (expected != NULL) {
        assert_int_equal(rj_model_logits(model, x, logits), RJ_OK);
        worst(&e->logits, relative(n, logits, expected));
    } else { /* an encoder */
        assert_int_equal(rj_model_logits(model, x, logits), RJ_ERR_FORMAT);
        assert_non_null(strstr(rj_status_message(), "evaluated as an encoder"));
    }
    free(expected), free(logits);
}

/* A file with a memory is one of a decoder. */
static errors compare(const char *path, int nc, rj_arithmetic type)
{
    rj_model *model = NULL;
    errors e = {0};
    int id;
    const bool decoder = nc_inq_varid(nc, "memory", &id) == NC_NOERR;
    const rj_stack stack = decoder ? RJ_STACK_DECODER : RJ_STACK_DEFAULT;

    if (rj_model_open_stack(path, stack, false, 0, &model) != RJ_OK) fail_msg("%s", rj_status_message());
    check_parameters(model, nc);
    const rj_config *c = rj_model_config(model);
    const int T = length_of(nc, "token"), d = c->d, n_memory = decoder ? length_of(nc, "memory_token") : 0;
    double *hidden = load(nc, "hidden"), *final = load(nc, "jacobian_final_norm");
    columns jacobian = {load(nc, "jacobian"), d}; /* wide models: some columns */
    if (jacobian.values == NULL) jacobian = (columns){load(nc, "jacobian_columns"), length_of(nc, "column")};
    double *all = calloc((size_t)d * (size_t)(n_memory + T), sizeof *all), *x = all + (ptrdiff_t)d * n_memory;
    int32_t *ids = load_ids(nc, "token_ids", T);

    assert_non_null(jacobian.values);
    assert_true(length_of(nc, "d") == d && length_of(nc, "layer") == c->n_layer);
    if (decoder) encode(model, nc, type, n_memory, all, &e);
    assert_true(!decoder || ids[0] == c->start_token);
    assert_int_equal(rj_model_embed(model, T, ids, x), RJ_OK);
    worst(&e.hidden, hidden_error(d, T, x, hidden));
    for (int layer = 0; layer < c->n_layer; layer++) {
        check_block(model, layer, type, n_memory, T, all, &jacobian, final, &e);
        worst(&e.hidden, hidden_error(d, T, x, hidden + (ptrdiff_t)(layer + 1) * d * T));
    }
    check_logits(model, nc, x + (ptrdiff_t)(T - 1) * d, &e);
    free(hidden), free(jacobian.values), free(final), free(all), free(ids);
    rj_model_close(&model);
    return e;
}

/* Cases of one family; returns how many. */
static int one_family(const char *family, rj_arithmetic type)
{
    errors most = {0};
    int n = 0;

    for (size_t i = 0; i < references.gl_pathc; i++) {
        char path[1024], infix[64];
        int nc;
        snprintf(infix, sizeof infix, "/%s_", family);
        const char *found = strstr(references.gl_pathv[i], infix);
        if (found == NULL) continue;
        n++;
        checkpoint_of(references.gl_pathv[i], path, sizeof path);
        assert_int_equal(nc_open(references.gl_pathv[i], NC_NOWRITE, &nc), NC_NOERR);
        const errors e = compare(path, nc, type);
        nc_close(nc);
        const double limit = TOLERANCE[type];
        print_message("%-32s hidden %.1e logits %.1e J %.1e final %.1e operator %.1e\n",
                      strstr(path, infix) + 1, e.hidden, e.logits, e.jacobian, e.final, e.operator);
        if (!(e.hidden < limit && e.logits < limit && e.jacobian < limit && e.final < limit &&
              e.operator<limit))
            fail_msg("%s: beyond %g", path, limit);
        worst(&most.hidden, e.hidden);
        worst(&most.jacobian, e.jacobian);
        worst(&most.jacobian, e.final);
        worst(&most.jacobian, e.operator);
    }
    print_message("worst of %d, %s: hidden %.1e, J %.1e\n", n, family, most.hidden, most.jacobian);
    return n;
}

static void all_families(rj_arithmetic type)
{
    size_t n = 0;

    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        const int cases = one_family(families[i].name, type);
        if (cases < families[i].at_least)
            fail_msg("%d cases of %s, at least %d", cases, families[i].name, families[i].at_least);
        n += (size_t)cases;
    }
    assert_int_equal(n, references.gl_pathc); /* every reference belongs to a family */
    assert_int_equal(rj_memory_live(), 0);
}

static void in_double(void **state)
{
    (void)state;
    all_families(RJ_DOUBLE);
}

static void in_single(void **state)
{
    (void)state;
    all_families(RJ_SINGLE);
}

static int find_references(void **state)
{
    char pattern[1024];
    const char *golden = getenv("RESJAC_GOLDEN");

    (void)state;
    snprintf(pattern, sizeof pattern, "%s/*/reference*.nc", golden != NULL ? golden : "golden");
    if (glob(pattern, 0, NULL, &references) != 0) {
        print_error("%s: no references\n", pattern);
        return 1;
    }
    return 0;
}

static int free_references(void **state)
{
    (void)state;
    globfree(&references);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(in_double), cmocka_unit_test(in_single)};
    return cmocka_run_group_tests(tests, find_references, free_references);
}
