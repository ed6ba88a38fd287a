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

/* Rows of a tensor [in, ..] become rows of W'. */
static rj_status read_transposed(const rj_linear_source *s, rj_matrix *weight)
{
    rj_status st = RJ_OK;
    const int in = weight->rows, out = weight->cols;
    const int most = panel_rows(out, MOST_TRANSPOSED);
    const rj_rows rows = rj_rows_part(&s->weight, s->first, out);
    rj_matrix panel = {.ld = 1};

    RJ_REQUIRE(s->d_head == 0 && s->run == 0 && s->first + out <= s->weight.columns, RJ_ERR_ARG,
               "layer %dx%d at column %td of %td, heads of %d, runs of %d", out, in, s->first,
               s->weight.columns, s->d_head, s->run);
    RJ_TRY(rj_matrix_new_unset(RJ_SINGLE, out, most, &panel));
    for (int i = 0; i < in; i += most) {
        const int n = in - i < most ? in - i : most;
        const rj_matrix read = rj_matrix_block(&panel, 0, 0, out, n);
        rj_matrix to = rj_matrix_block(weight, i, 0, n, out);
        RJ_TRY(rj_rows_read(&rows, i, n, panel.data));
        rj_matrix_transpose(&read, &to);
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

rj_status rj_linear_read(const rj_linear_source *source, rj_arithmetic type, int out, int in,
                         rj_linear *linear)
{
    rj_status st = RJ_OK;
    rj_linear new = {0};

    RJ_TRY(rj_matrix_new_unset(type, in, out, &new.weight));
    RJ_TRY(source->transposed ? read_transposed(source, &new.weight) : read_rows(source, &new.weight));
    if (source->bias != NULL) {
        RJ_NEW(new.bias, out, 1);
        RJ_TRY(read_bias(source, out, new.bias));
    }
    *linear = new;
    new = (rj_linear){0};
done:
    rj_linear_free(&new);
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
