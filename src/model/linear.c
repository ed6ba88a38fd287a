/* linear.c: weights panel by panel into working arithmetic, and the three products with them. */
#include "resjac/model/linear.h"

#include "resjac/base/memory.h"
#include "resjac/linalg/blas.h"

/* Rows read at a time, and floats, so that they stay in a second-level cache; of a transposed layer more, since as many elements of
 * each column come of them. */
enum { PANEL = 64, MOST = 1 << 16, MOST_TRANSPOSED = 1 << 18 };

static int panel_rows(int columns, int most)
{
    const int fit = most / columns;

    return fit > PANEL ? PANEL : fit > 8 ? fit - fit % 8 : fit > 1 ? fit : 1;
}

/* Row of the tensor that holds output o of the file's order. */
static ptrdiff_t row_of(const rj_linear_source *s, int o)
{
    return s->run == 0 ? s->first + o : s->first + (ptrdiff_t)(o / s->run) * s->stride + o % s->run;
}

/* Output o of the file's order among ours: rotary pairs that lie side by side become half-split. */
static int output_of(const rj_linear_source *s, int o)
{
    const int i = s->d_head == 0 ? 0 : o % s->d_head;

    if (i >= s->n_rotary) return o;
    return o - i + i / 2 + i % 2 * (s->n_rotary / 2);
}

/* Rows [.., in] of the tensor become columns of W'; they are read straight into it where type and order are the file's. */
static rj_status read_rows(const rj_linear_source *s, rj_matrix *weight)
{
    rj_status st = RJ_OK;
    const int in = weight->rows, out = weight->cols, run = s->run == 0 ? out : s->run;
    const bool straight = weight->type == RJ_SINGLE && s->d_head == 0;
    const int most = panel_rows(in, MOST);
    rj_matrix panel = {.ld = 1};
    int n = 0;

    RJ_REQUIRE(s->weight.columns == in && out % run == 0 && (s->d_head == 0 || out % s->d_head == 0),
               RJ_ERR_ARG, "layer %dx%d, heads of %d, runs of %d, of rows with %td columns", out, in,
               s->d_head, run, s->weight.columns);
    if (!straight) RJ_TRY(rj_matrix_new_unset(RJ_SINGLE, in, most, &panel));
    for (int o = 0; o < out; o += n) {
        const int rest = run - o % run;
        n = rest < most ? rest : most;
        const rj_matrix read = straight ? rj_matrix_block(weight, 0, o, in, n) : panel;
        RJ_TRY(rj_rows_read(&s->weight, row_of(s, o), n, read.data));
        for (int i = 0; i < n && !straight; i++) {
            const rj_matrix from = rj_matrix_block(&read, 0, i, in, 1);
            rj_matrix to = rj_matrix_block(weight, 0, output_of(s, o + i), in, 1);
            rj_matrix_copy(&from, &to);
        }
    }
done:
    rj_matrix_free(&panel);
    return st;
}

/* Outputs of all layers, whose columns must follow each other. */
static rj_status count_beside(int n, const rj_linear_source *s, const rj_linear *layer, int *all)
{
    rj_status st = RJ_OK;

    *all = 0;
    for (int k = 0; k < n; k++) {
        const int out = layer[k].weight.cols;
        RJ_REQUIRE(s[k].transposed && s[k].d_head == 0 && s[k].run == 0 && s[k].first == s[0].first + *all &&
                       s[k].first + out <= s[k].weight.columns,
                   RJ_ERR_ARG, "layer %dx%d at column %td of %td, heads of %d, runs of %d", out,
                   layer[k].weight.rows, s[k].first, s[k].weight.columns, s[k].d_head, s[k].run);
        *all += out;
    }
done:
    return st;
}

/* Rows of a tensor [in, ..] become rows of the n layers' W'. */
static rj_status read_transposed(int n, const rj_linear_source *s, rj_linear *layer)
{
    rj_status st = RJ_OK;
    const int in = layer[0].weight.rows;
    rj_matrix panel = {.ld = 1};
    int all = 0;

    RJ_TRY(count_beside(n, s, layer, &all));
    const int most = panel_rows(all, MOST_TRANSPOSED);
    const rj_rows rows = rj_rows_part(&s[0].weight, s[0].first, all);
    RJ_TRY(rj_matrix_new_unset(RJ_SINGLE, all, most, &panel));
    for (int i = 0; i < in; i += most) {
        const int some = in - i < most ? in - i : most;
        RJ_TRY(rj_rows_read(&rows, i, some, panel.data));
        for (int k = 0, at = 0; k < n; at += layer[k++].weight.cols) {
            const rj_matrix from = rj_matrix_block(&panel, at, 0, layer[k].weight.cols, some);
            rj_matrix to = rj_matrix_block(&layer[k].weight, i, 0, some, layer[k].weight.cols);
            rj_matrix_transpose(&from, &to);
        }
    }
done:
    rj_matrix_free(&panel);
    return st;
}

static rj_status read_bias(const rj_linear_source *s, int out, double *bias)
{
    rj_status st = RJ_OK;
    float *row = NULL;

    RJ_NEW(row, s->bias->columns, 1);
    RJ_TRY(rj_rows_read(s->bias, 0, 1, row));
    for (int o = 0; o < out; o++) bias[output_of(s, o)] = (double)row[row_of(s, o)];
done:
    RJ_FREE(row);
    return st;
}

/* Weights not set, biases read. */
static rj_status prepare(const rj_linear_source *source, rj_arithmetic type, int out, int in,
                         rj_linear *layer)
{
    rj_status st = RJ_OK;

    RJ_TRY(rj_matrix_new_unset(type, in, out, &layer->weight));
    if (source->bias == NULL) goto done;
    RJ_NEW(layer->bias, out, 1);
    RJ_TRY(read_bias(source, out, layer->bias));
done:
    return st;
}

rj_status rj_linear_read(const rj_linear_source *source, rj_arithmetic type, int out, int in,
                         rj_linear *linear)
{
    rj_status st = RJ_OK;
    rj_linear new = {0};

    if (source->transposed) return rj_linear_read_beside(1, source, type, &out, in, linear);
    RJ_TRY(prepare(source, type, out, in, &new));
    RJ_TRY(read_rows(source, &new.weight));
    *linear = new;
    new = (rj_linear){0};
done:
    rj_linear_free(&new);
    return st;
}

rj_status rj_linear_read_beside(int n, const rj_linear_source *source, rj_arithmetic type, const int *out,
                                int in, rj_linear *linear)
{
    rj_status st = RJ_OK;
    rj_linear new[RJ_BESIDE] = {{.bias = NULL}};

    RJ_REQUIRE(1 <= n && n <= RJ_BESIDE, RJ_ERR_ARG, "%d layers beside each other, at most %d", n, RJ_BESIDE);
    for (int k = 0; k < n; k++) RJ_TRY(prepare(&source[k], type, out[k], in, &new[k]));
    RJ_TRY(read_transposed(n, source, new));
    for (int k = 0; k < n; k++) linear[k] = new[k], new[k] = (rj_linear){0};
done:
    for (int k = 0; k < RJ_BESIDE; k++) rj_linear_free(&new[k]);
    return st;
}

void rj_linear_free(rj_linear *linear)
{
    rj_matrix_free(&linear->weight);
    RJ_FREE(linear->bias);
}

void rj_linear_jvp(const rj_linear *linear, const rj_matrix *x, rj_matrix *y)
{
    rj_gemm('T', 'N', 1.0, &linear->weight, x, 0.0, y);
}

void rj_linear_vjp(const rj_linear *linear, const rj_matrix *y, double beta, rj_matrix *x)
{
    rj_gemm('N', 'N', 1.0, &linear->weight, y, beta, x);
}

rj_status rj_linear_forward(const rj_linear *linear, const rj_matrix *x, rj_matrix *y)
{
    rj_status st = RJ_OK;
    rj_matrix product = {.ld = 1};

    if (x->type == RJ_DOUBLE) {
        rj_linear_jvp(linear, x, y);
    } else {
        RJ_TRY(rj_matrix_new_unset(x->type, y->rows, y->cols, &product));
        rj_linear_jvp(linear, x, &product);
        rj_matrix_copy(&product, y);
    }
    for (int j = 0; linear->bias != NULL && j < y->cols; j++) {
        double *column = (double *)y->data + (ptrdiff_t)j * y->ld;
        for (int i = 0; i < y->rows; i++) column[i] += linear->bias[i];
    }
done:
    rj_matrix_free(&product);
    return st;
}
