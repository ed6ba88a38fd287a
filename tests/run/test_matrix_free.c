/* test_matrix_free.c: rows of blocks whose weights come and go, against the matrices. */
#include "../model/tiny.h"

#include "../../src/run/matrix_free.h"

enum { N = 3 };

/* Both blocks at the last token, their J, and their rows. */
typedef struct {
    rj_model *model;
    rj_kept_blocks kept;
    rj_kept_row row[TINY_L];
    rj_matrix jac[TINY_L], x;
} fixture;

static fixture *begin(void)
{
    static fixture f;
    double state[TINY_D * TINY_T];

    f = (fixture){.model = tiny_open(NULL)};
    assert_ok(rj_kept_blocks_new(TINY_L, &f.kept));
    fill_normal("state", TINY_D * TINY_T, state);
    for (int l = 0; l < TINY_L; l++) {
        rj_block *block = NULL;
        assert_ok(rj_block_load(f.model, l, RJ_DOUBLE, &block));
        f.row[l] = (rj_kept_row){.kept = &f.kept, .layer = l};
        assert_ok(rj_block_forward(block, TINY_T, state, TINY_T - 1, &f.row[l].point));
        assert_ok(rj_matrix_new(RJ_DOUBLE, TINY_D, TINY_D, &f.jac[l]));
        assert_ok(rj_point_jacobian(f.row[l].point, RJ_LAST_RAW, &f.jac[l]));
        rj_kept_take(&f.kept, l, &block);
        assert_null(block);
    }
    assert_ok(rj_matrix_new(RJ_DOUBLE, TINY_D, N, &f.x));
    fill_normal("x", TINY_D * N, f.x.data);
    return &f;
}

static void end(fixture *f)
{
    for (int l = 0; l < TINY_L; l++) rj_kept_row_close(&f->row[l]);
    for (int l = 0; l < TINY_L; l++) rj_matrix_free(&f->jac[l]);
    rj_matrix_free(&f->x);
    rj_kept_blocks_free(&f->kept);
    rj_model_close(&f->model);
}

/* In any order of blocks, and never with the weights of two. */
static void rows_multiply_as_their_matrices(void **state)
{
    static const int order[] = {1, 0, 0, 1};
    fixture *f = begin();
    double out[TINY_D * N], column[TINY_D], expected[TINY_D];
    rj_matrix y = {RJ_DOUBLE, TINY_D, N, TINY_D, out};
    ptrdiff_t loaded = 0;

    (void)state;
    for (int i = 0; i < 4; i++) {
        const int l = order[i];
        assert_ok(rj_kept_row_multiply(&f->row[l], &f->x, &y));
        assert_int_equal(f->kept.loaded, l);
        if (i == 0) loaded = rj_memory_live();
        assert_int_equal(rj_memory_live(), loaded);
        for (int j = 0; j < N; j++) {
            rj_matrix_get_column(&f->x, j, column);
            rj_matrix_times('N', &f->jac[l], column, expected);
            for (int r = 0; r < TINY_D; r++) assert_true(fabs(out[r + j * TINY_D] - expected[r]) < 1e-13);
        }
    }
    end(f);
}

/* NUMERIC would leave out the prompt and go on with the next. */
static void a_broken_file_is_no_prompts_trouble(void **state)
{
    fixture *f = begin();
    double out[TINY_D * N];
    rj_matrix y = {RJ_DOUBLE, TINY_D, N, TINY_D, out};

    (void)state;
    assert_ok(rj_kept_row_multiply(&f->row[0], &f->x, &y));
    FILE *file = fopen(temporary_path("tiny/model.safetensors"), "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, -6000, SEEK_END), 0);
    for (int i = 0; i < 6000; i++) assert_int_equal(fputc(0xff, file), 0xff);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(rj_kept_row_multiply(&f->row[1], &f->x, &y), RJ_ERR_FORMAT);
    assert_message("block 2, read again", "model.safetensors", "Inf or NaN", NULL);
    assert_int_equal(f->kept.loaded, -1);
    end(f);
}

/* No search has room in a J so small. */
static void what_no_search_finds_is_decomposed_whole(void **state)
{
    const rj_krylov_options wanted = {.k = 4, .most = 5};
    fixture *f = begin();
    double out[TINY_D * N];
    rj_matrix y = {RJ_DOUBLE, TINY_D, N, TINY_D, out};
    rj_coupling_block b = {.frobenius_error = 7};
    rj_topk top, full;

    (void)state;
    assert_ok(rj_kept_row_multiply(&f->row[1], &f->x, &y)); /* the weights are there */
    assert_ok(rj_matrix_free_decompose(f->row[1].point, &wanted, &b, &top));
    assert_ok(rj_topk_full(&f->jac[1], 5, &full));
    assert_true(top.method == RJ_SVD_FULL && top.k == 5 && b.frobenius_error == 0);
    assert_true(b.frobenius == rj_matrix_frobenius(&f->jac[1]) && b.trace == rj_matrix_trace(&f->jac[1]));
    assert_memory_equal(top.s_all, full.s_all, TINY_D * sizeof(double));
    rj_topk_free(&full);
    rj_topk_free(&top);
    end(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(rows_multiply_as_their_matrices),
        unit(a_broken_file_is_no_prompts_trouble),
        unit(what_no_search_finds_is_decomposed_whole),
    };
    return cmocka_run_group_tests(tests, temporary_begin, temporary_end);
}
