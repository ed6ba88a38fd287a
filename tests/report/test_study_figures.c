/* test_study_figures.c: a study of six models with numbers that are known: distances, steps, scores, tokens, certificates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <netcdf.h>
#include <string.h>

#include "../temporary.h"
#include "resjac/base/file.h"
#include "resjac/base/memory.h"
#include "resjac/report/figure.h"
#include "resjac/report/report.h"
#include "resjac/stats/correlate.h"
#include "resjac/store/annex.h"
#include "resjac/store/results.h"
#include "resjac/store/seal.h"
#include "rj_test.h"

enum { L = 3, N_MODELS = 7, TWIN = 6, N_PROMPTS = 2, N_TOKENS = 2, LIMIT = 64 << 20 };
static const char *const name[N_MODELS] = {
    "m0", "m1", "m2", "m3", "run 0", "run 100", "run 100__random_init"};
static const char *const lineage[N_MODELS] = {"A", "A", "B", "C", "run", "run", ""};
static char figures[TEMPORARY_SIZE], file[TEMPORARY_SIZE];

#define assert_ok(call)                                                                                      \
    do {                                                                                                     \
        if ((call) != RJ_OK) fail_msg("%s", rj_status_message());                                            \
    } while (0)

/* Excess of neighbours is (m + 1)/8, of blocks 1 and 3 half of it; the mean of the six pairs is (4 + 1)/6 of it. */
static double excess_of(int m, int i, int j)
{
    return i == j ? 1.0 : m == TWIN ? 0.0 : 0.125 * (m + 1) / (i > j ? i - j : j - i);
}

static void fill_prompt(rj_record *r, int m, ptrdiff_t p)
{
    rj_record_at(r, RJ_VAR_PROMPT_STATUS, p)[0] = 0.0;
    rj_record_at(r, RJ_VAR_LINE_SHAPE_SCORE, p)[0] = 1.0 + m + (double)p;
    rj_record_at(r, RJ_VAR_EXPODISTANCE, p)[0] = 0.5;
    for (int l = 0; l < L; l++) {
        rj_record_at(r, RJ_VAR_SINGULAR_VALUE, p)[l] = 1.0;
        rj_record_at(r, RJ_VAR_RESIDUAL_RIGHT, p)[l] = l == 0 && p == 1 ? 1e-5 : 1e-7;
        rj_record_at(r, RJ_VAR_RESIDUAL_LEFT, p)[l] = 1e-7;
        rj_record_at(r, RJ_VAR_ORTHOGONALITY_LOSS, p)[l] = 1e-6;
        rj_record_at(r, RJ_VAR_RELATIVE_GAP, p)[l] = l == 2 && p == 0 ? 1e-6 : 1e-2;
        rj_record_at(r, RJ_VAR_GAP_FLAG, p)[l] = l == 2 && p == 0;
        rj_record_at(r, RJ_VAR_KINK_COUNT, p)[l] = l == 1 ? 3.0 : 0.0;
        rj_record_at(r, RJ_VAR_SVD_METHOD, p)[l] = l == 0 ? 1.0 : 3.0;
        rj_record_at(r, RJ_VAR_COUPLING_NULL, p)[l] = 1.0;
        for (int j = 0; j < L; j++) {
            rj_record_at(r, RJ_VAR_EXCESS_COUPLING, p)[l * L + j] = excess_of(m, l, j);
            rj_record_at(r, RJ_VAR_COUPLING_MISFIT, p)[l * L + j] = 1.0 - excess_of(m, l, j);
        }
    }
}

static rj_status write_shard(int m, rj_model_facts *facts, char path[TEMPORARY_SIZE])
{
    static const int k_count[] = {1};
    static const char *const k_label[] = {"1"};
    rj_status st = RJ_OK;
    rj_record *r = NULL;
    char shard[2 * RJ_NAME_SIZE];
    rj_sizes sizes;
    rj_shard_head h = {.n_units = 1,
                       .norm = 2,
                       .n_prompts_all = N_PROMPTS,
                       .n_k = 1,
                       .k_count = k_count,
                       .k_label = k_label,
                       .arithmetic = "double",
                       .last_block = "raw"};

    memset(&sizes, 0, sizeof sizes);
    sizes.size[RJ_DIM_PROMPT] = N_PROMPTS;
    sizes.size[RJ_DIM_LAYER] = sizes.size[RJ_DIM_LAYER_J] = L;
    sizes.size[RJ_DIM_DEPTH] = L + 1;
    sizes.size[RJ_DIM_K] = sizes.size[RJ_DIM_SV] = 1;
    sizes.size[RJ_DIM_PC] = 3;
    snprintf(h.model.name, sizeof h.model.name, "%s", name[m]);
    snprintf(h.model.family, sizeof h.model.family, "llama");
    if (m == 4 || m == 5) snprintf(h.model.series_name, sizeof h.model.series_name, "run");
    h.model.series_step = m == 4 ? 0.0 : m == 5 ? 100.0 : (double)NAN;
    h.model.trained = m != TWIN;
    h.model.n_parameters = 1000 + 100 * m;
    h.model.n_layers = L;
    h.model.d_model = 8;
    memset(h.model.fingerprint, 'f', 64);
    memset(h.key, 'a' + m, 64);
    RJ_TRY(rj_record_create(&sizes, &r));
    for (ptrdiff_t p = 0; p < N_PROMPTS; p++) {
        snprintf(r->prompt_id[p], sizeof r->prompt_id[p], "p%td", p);
        memset(r->prompt_sha256[p], '0' + (int)p, 64);
        fill_prompt(r, m, p);
    }
    RJ_TRY(rj_shard_write(temporary_folder, &h, r));
    rj_shard_name(&h, shard);
    snprintf(path, TEMPORARY_SIZE, "%s", temporary_path(shard));
    *facts = h.model;
done:
    rj_record_destroy(&r);
    return st;
}

/* What a table of scores adds: a score of 10 (m + 1), and statistics that are each 0.5, but no test of the line-shape score. */
static rj_status add_scores(void *ctx, const char *path)
{
    rj_status st = RJ_OK;
    rj_results_values *v = NULL;
    rj_results_table table[8 + RJ_N_STATISTICS];
    char(*lineages)[RJ_NAME_SIZE] = NULL, (*reason)[RJ_NAME_SIZE] = NULL, benchmark[1][RJ_NAME_SIZE] = {"v"};
    double score[N_MODELS], *half = NULL, *none = NULL;
    int n = 0;
    const rj_attribute primary[] = {{"scores_primary", "excess_coupling_k1_offdiag", false}};

    (void)ctx;
    RJ_TRY(rj_results_values_read(path, &v));
    RJ_NEW(lineages, N_MODELS, 1);
    RJ_NEW(reason, v->n_measures, 1);
    RJ_NEW(half, v->n_measures, N_MODELS);
    RJ_NEW(none, v->n_measures, N_MODELS);
    for (int i = 0; i < v->n_measures * N_MODELS; i++) half[i] = 0.5;
    for (int m = 0; m < v->n_measures; m++) {
        const bool missing = strcmp(v->measure[m], "line_shape_score") == 0;
        snprintf(reason[m], RJ_NAME_SIZE, "%s", missing ? "3 lineages, needs 4" : "ok");
        none[m] = missing ? (double)NAN : 0.5;
    }
    for (int m = 0; m < N_MODELS; m++) {
        snprintf(lineages[m], RJ_NAME_SIZE, "%s", lineage[m]);
        score[m] = m == TWIN ? (double)NAN : 10.0 * (m + 1);
    }
    table[n++] = (rj_results_table){"lineage", "x", {RJ_AXIS_MODEL, RJ_AXIS_NONE}, false, NULL, lineages[0]};
    table[n++] = (rj_results_table){"benchmark_name", "x", {RJ_AXIS_BENCHMARK, RJ_AXIS_NONE}, false, NULL,
                                    benchmark[0]};
    table[n++] =
        (rj_results_table){"benchmark_score", "x", {RJ_AXIS_MODEL, RJ_AXIS_BENCHMARK}, false, score, NULL};
    table[n++] = (rj_results_table){
        "statistics_status", "x", {RJ_AXIS_MEASURE, RJ_AXIS_BENCHMARK}, false, NULL, reason[0]};
    table[n++] = (rj_results_table){"reliability", "x", {RJ_AXIS_MEASURE, RJ_AXIS_NONE}, false, half, NULL};
    table[n++] = (rj_results_table){"value_low", "x", {RJ_AXIS_MODEL, RJ_AXIS_MEASURE}, false, half, NULL};
    table[n++] = (rj_results_table){"value_high", "x", {RJ_AXIS_MODEL, RJ_AXIS_MEASURE}, false, half, NULL};
    for (int s = 0; s < RJ_N_STATISTICS; s++)
        table[n++] = (rj_results_table){rj_statistics[s].name,
                                        "x",
                                        {RJ_AXIS_MEASURE, RJ_AXIS_BENCHMARK},
                                        false,
                                        rj_statistics[s].whole ? half : none,
                                        NULL};
    RJ_TRY(rj_results_add(path, 1, n, table, 1, primary));
done:
    rj_free(lineages);
    rj_free(reason);
    rj_free(half);
    rj_free(none);
    rj_results_values_free(&v);
    return st;
}

/* Groups of token modes at m0, as docs/formats.md has them: excess [prompt,k,layer,token,token_j] = prompt + layer/4 off the
 * diagonal, layer 2 missing; influence = token. */
static int add_tokens(void)
{
    int id = 0, model = 0, group = 0, dim[5], variable = 0, error = 0;
    float excess[N_PROMPTS][1][L][N_TOKENS][N_TOKENS];
    double influence[N_PROMPTS][L][N_TOKENS];
    const int token[N_TOKENS] = {0, -1};

    for (int p = 0; p < N_PROMPTS; p++)
        for (int l = 0; l < L; l++)
            for (int i = 0; i < N_TOKENS; i++) {
                influence[p][l][i] = i;
                for (int j = 0; j < N_TOKENS; j++)
                    excess[p][0][l][i][j] = l == 1 ? NAN : i == j ? 1.0f : (float)p + (float)l / 4.0f;
            }
    error |= nc_open(file, NC_WRITE, &id);
    error |= nc_inq_grp_ncid(id, "m0", &model);
    error |= nc_inq_dimid(model, "prompt", &dim[0]) | nc_inq_dimid(model, "k", &dim[1]) |
             nc_inq_dimid(model, "layer", &dim[2]);
    error |= nc_def_dim(model, "token", N_TOKENS, &dim[3]) | nc_def_dim(model, "token_j", N_TOKENS, &dim[4]);
    error |=
        nc_def_var(model, "token", NC_INT, 1, &dim[3], &variable) | nc_put_var_int(model, variable, token);
    error |= nc_def_grp(model, "self", &group);
    error |= nc_def_var(group, "excess_coupling", NC_FLOAT, 5, dim, &variable) |
             nc_put_var_float(group, variable, &excess[0][0][0][0][0]);
    error |= nc_def_grp(model, "influence", &group);
    static const char *const of_token[] = {"influence_frobenius", "influence_participation",
                                           "influence_rank"};
    const int by_token[] = {dim[0], dim[2], dim[3]};
    for (int v = 0; v < 3; v++)
        error |= nc_def_var(group, of_token[v], NC_DOUBLE, 3, by_token, &variable) |
                 nc_put_var_double(group, variable, &influence[0][0][0]);
    return error | nc_close(id);
}

static int begin(void **x)
{
    static char path[N_MODELS][TEMPORARY_SIZE];
    char *shard[N_MODELS];
    rj_results_model model[N_MODELS];
    const rj_results_annex annex = {add_scores, NULL};
    int n = 0;

    memset(model, 0, sizeof model);
    if (temporary_begin(x) != 0) return 1;
    snprintf(file, sizeof file, "%s", temporary_path("study.nc"));
    snprintf(figures, sizeof figures, "%s", temporary_path("figures"));
    for (int m = 0; m < N_MODELS; m++) {
        if (write_shard(m, &model[m].facts, path[m]) != RJ_OK) return 1;
        shard[m] = path[m];
        model[m].status = "ok";
        model[m].n_shards = 1;
        model[m].shard = &shard[m];
    }
    if (rj_results_write_annexed(rj_test_comm, file, N_MODELS, model, RJ_PER_PROMPT_COUPLING, 0, NULL,
                                 &annex) != RJ_OK ||
        add_tokens() != NC_NOERR || rj_seal_add(file) != RJ_OK ||
        rj_report_write(file, figures, "svg", &n) != RJ_OK) {
        fprintf(stderr, "%s\n", rj_status_message());
        return 1;
    }
    return n < 30;
}

static char *load(const char *which)
{
    char path[4 * TEMPORARY_SIZE], *text = NULL;
    size_t n = 0;

    snprintf(path, sizeof path, "%s/%s", figures, which);
    assert_ok(rj_file_load(path, LIMIT, &text, &n));
    return text;
}

static void assert_file(const char *which, const char *expected)
{
    char *text = load(which);
    assert_string_equal(text, expected);
    rj_free(text);
}

static void assert_line(const char *which, const char *line)
{
    char *text = load(which), wanted[1024];
    snprintf(wanted, sizeof wanted, "\n%s\n", line);
    if (strstr(text, wanted) == NULL) fail_msg("no line '%s' in\n%s", line, text);
    rj_free(text);
}

static void distances_are_right(void **x)
{
    (void)x;
    assert_file(
        "m1-depth-distance.csv",
        "k,distance,excess_mean,excess_low,excess_high,twin_excess_mean,twin_excess_low,twin_excess_high\n"
        "1,1,0.25,0.25,0.25,NaN,NaN,NaN\n1,2,0.125,0.125,0.125,NaN,"
        "NaN,NaN\n");
    assert_line("run_100-depth-distance.csv", "1,2,0.375,0.375,0.375,0,0,0"); /* the twin beside */
    assert_line("overview-depth-distance-k1.csv", "m2,1,1,0.333333333,0.375");
    assert_line("overview-depth-distance-k1.csv", "run 100__random_init,0,2,0.666666667,0");
    char *script = load("overview-depth-distance-k1.gp"); /* between distances 1/3 and 2/3: 3.5/8 * 0.75 */
    assert_non_null(strstr(script, "\n0.5,0,0.328125"));
    assert_non_null(strstr(script, "\n0.3,NaN,NaN\n")); /* nearer than neighbours */
    rj_free(script);
}

static void steps_are_in_order(void **x)
{
    (void)x;
    assert_file(
        "run-emergence.csv",
        "model,step,position,excess_coupling_k1_offdiag,excess_coupling_k1_offdiag_low,excess_"
        "coupling_k1_offdiag_high,"
        "line_shape_score,line_shape_score_low,line_shape_score_high,score\n"
        "run 0,0,0,0.520833333,0.5,0.5,5.5,0.5,0.5,50\nrun 100,100,100,0.625,0.5,0.5,6.5,0.5,0.5,60\n");
}

static void scores_stand_beside_their_rivals(void **x)
{
    (void)x;
    assert_line("excess_coupling_k1_offdiag-against-v.csv", "m2,B,1,0.3125,0.5,0.5,1,7.09007684,30");
    assert_line("measures-against-v.csv", "1,excess_coupling_k1_offdiag,0,0.5,0.5,0.5,0.5,0.5,0.5,ok");
    char *text = load("measures-against-v.csv"), *script = load("measures-against-v.gp");
    assert_non_null(strstr(text, ",line_shape_score,0,NaN,NaN,NaN,NaN,NaN,NaN,\"3 lineages, needs 4\"\n"));
    assert_non_null(strstr(text, ",coupling_null_k1,1,")); /* a rival */
    assert_non_null(strstr(script, "'p = 0.5'"));          /* the primary one, the others have q */
    assert_non_null(strstr(script, "'q = 0.5'"));
    assert_non_null(strstr(script, "'3 lineages, needs 4'"));
    rj_free(text);
    rj_free(script);
    text = load("scores.csv");
    assert_non_null(strstr(text, ",reliability,statistics_status\n"));
    assert_non_null(strstr(text, ",\"3 lineages, needs 4\"\n"));
    rj_free(text);
    text = load("index.html");
    assert_non_null(strstr(text, "<td>3 lineages, needs 4</td>"));
    rj_free(text);
}

/* The score is linear in the excess, model by model; so are the means of lineages. */
static void correlations_are_right(void **x)
{
    char *text = load("overview-correlations.csv");
    (void)x;
    assert_non_null(strstr(text, ",1,lineages,v,excess_coupling_k1_offdiag\n"));
    assert_non_null(strstr(text, ",1,models,excess_coupling_k1_offdiag,v\n"));
    assert_non_null(strstr(text, ",-1,lineages,v,coupling_misfit_k1_offdiag\n"));
    assert_non_null(strstr(text, ",NaN,lineages,v,coupling_null_k1\n")); /* constant */
    rj_free(text);
}

static void certificates_are_counted(void **x)
{
    (void)x;
    /* 12 residuals, one 1e-5; of 6 gaps one 1e-6; a kink in one block of three, by full method one of three; two prompts */
    char *text = load("overview-certificates.csv"), *end = NULL;
    const char *row = strstr(text, "\n1,m0,");
    double median = 0.0, worst = 0.0;
    assert_non_null(row);
    median = strtod(row + 6, &end);
    worst = strtod(end + 1, NULL);
    assert_true(median > 0.87e-7 && median < 1.13e-7 && fabs(worst - 1e-5) < 1e-11);
    assert_non_null(strstr(row, ",1e-06,NaN,NaN,1,6,2,6,2,0,4\n"));
    rj_free(text);
    assert_line("overview-trajectory-scores.csv",
                "3,line_shape_score,m2,3,3.25,3.5,3.75,4,NaN,NaN,NaN,NaN,NaN");
    text = load("index.html");
    assert_non_null(strstr(text, "<td class=\"number\">2, 0, 4</td>"));
    rj_free(text);
}

static void tokens_are_means_over_prompts(void **x)
{
    (void)x;
    assert_file("m0-tokens-self-k1.csv",
                "layer,token,token_j,excess_coupling\n1,0,0,1\n1,0,-1,0.5\n1,-1,0,0.5\n1,-1,-1,1\n"
                "3,0,0,1\n3,0,-1,1\n3,-1,0,1\n3,-1,-1,1\n");
    assert_file(
        "m0-token-modes-k1.csv", /* one pair of each order and prompt: sd of 0, 0, 1, 1; block 2 has no row */
        "mode,layer,excess_mean,excess_low,excess_high,twin_excess_mean,twin_excess_low,twin_excess_high\n"
        "self,1,0.5,-0.0773502692,1.07735027,NaN,NaN,NaN\nself,3,1,0.422649731,1.57735027,NaN,NaN,NaN\n");
    assert_line("m0-influence.csv", "2,-1,0,1,1");
    assert_line("m0-influence.csv", "2,0,NaN,0,0"); /* outside of the window: no logarithm */
}

static void more_tokens_than_are_shown_are_refused(void **x)
{
    char path[TEMPORARY_SIZE];
    int id = 0, model = 0, group = 0, dim[5], ballast = 0, variable = 0, n = -1;
    (void)x;
    snprintf(path, sizeof path, "%s", temporary_path("many.nc"));
    char *bytes = NULL;
    size_t size = 0;
    assert_ok(rj_file_load(file, LIMIT, &bytes, &size));
    FILE *out = fopen(path, "w");
    assert_int_equal(fwrite(bytes, 1, size, out), size);
    assert_int_equal(fclose(out), 0);
    rj_free(bytes);
    assert_int_equal(nc_open(path, NC_WRITE, &id), NC_NOERR);
    assert_int_equal(nc_inq_grp_ncid(id, "m1", &model), NC_NOERR);
    assert_int_equal(nc_inq_dimid(model, "prompt", &dim[0]) | nc_inq_dimid(model, "k", &dim[1]) |
                         nc_inq_dimid(model, "layer", &dim[2]),
                     0);
    /* a file that is too small for so many is refused as such */
    assert_int_equal(nc_def_dim(id, "ballast", 1 << 23, &ballast), NC_NOERR);
    assert_int_equal(nc_def_var(id, "ballast", NC_BYTE, 1, &ballast, &variable), NC_NOERR);
    assert_int_equal(nc_put_var1_schar(id, variable, (size_t[]){0}, &(signed char){1}), NC_NOERR);
    assert_int_equal(nc_def_dim(model, "token", 8192, &dim[3]) | nc_def_dim(model, "token_j", 8192, &dim[4]),
                     0);
    assert_int_equal(nc_def_var(model, "token", NC_INT, 1, &dim[3], &variable), 0);
    assert_int_equal(nc_def_grp(model, "fixed_input", &group), 0);
    assert_int_equal(nc_def_var(group, "excess_coupling", NC_FLOAT, 5, dim, &variable), 0);
    assert_int_equal(nc_def_var_chunking(group, variable, NC_CHUNKED, (size_t[]){1, 1, 1, 64, 64}),
                     0); /* takes no room */
    assert_int_equal(nc_close(id), NC_NOERR);
    assert_ok(rj_seal_add(path));
    assert_int_equal(rj_report_write(path, temporary_path("none"), "svg", &n), RJ_ERR_FORMAT);
    assert_non_null(strstr(rj_status_message(), "group m1/fixed_input: 8192 tokens"));
    assert_int_equal(n, -1);
}

/* The n-th allocation of reading, and of writing each figure, fails until none does. */
static void no_memory_is_no_leak(void **x)
{
    rj_summaries *s = NULL;
    rj_figure *figure = NULL;
    rj_status st = RJ_ERR_NOMEM;
    const ptrdiff_t before = rj_memory_live();
    int n = 0;
    (void)x;
    for (ptrdiff_t at = 0; st != RJ_OK; at += 3) {
        rj_memory_fail_after(at);
        st = rj_summaries_read(file, &s);
        rj_memory_fail_after(-1);
        if (st != RJ_OK) assert_true(st == RJ_ERR_NOMEM && rj_memory_live() == before);
    }
    assert_ok(rj_figure_list(s, &n, &figure));
    const ptrdiff_t with = rj_memory_live();
    for (int f = 0; f < n; f++) {
        st = RJ_ERR_NOMEM;
        for (ptrdiff_t at = 0; st != RJ_OK; at++) {
            rj_memory_fail_after(at);
            st = rj_figure_write(s, temporary_folder, &figure[f]);
            rj_memory_fail_after(-1);
            assert_true(st == RJ_OK || st == RJ_ERR_NOMEM);
            assert_int_equal(rj_memory_live(), with);
        }
    }
    rj_free(figure);
    rj_summaries_free(&s);
    assert_int_equal(rj_memory_live(), before);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distances_are_right),
        cmocka_unit_test(steps_are_in_order),
        cmocka_unit_test(scores_stand_beside_their_rivals),
        cmocka_unit_test(correlations_are_right),
        cmocka_unit_test(certificates_are_counted),
        cmocka_unit_test(tokens_are_means_over_prompts),
        cmocka_unit_test(more_tokens_than_are_shown_are_refused),
        cmocka_unit_test(no_memory_is_no_leak),
    };
    rj_test_begin(&argc, &argv);
    return rj_test_end(cmocka_run_group_tests(tests, begin, temporary_end));
}
