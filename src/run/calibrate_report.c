/* calibrate_report.c: `resjac bench`. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "resjac/base/agree.h"
#include "resjac/base/clock.h"
#include "resjac/base/file.h"
#include "resjac/base/json.h"
#include "resjac/base/memory.h"
#include "resjac/linalg/blas.h"
#include "resjac/run/budget.h"
#include "resjac/run/calibrate.h"
#include "resjac/run/study.h"

enum { DECK_LIMIT = 1 << 24 };

static const char *const names[] = {"single", "double"};

static void print(rj_arithmetic type, const rj_calibration *c)
{
    printf("%s: product of order 1024 %.1f GFLOP/s, with 8 columns %.1f\n", names[type], 1e-9 * c->gemm,
           1e-9 * c->narrow);
    for (int i = 0; i < RJ_CALIBRATION_SIZES; i++) {
        const double unit = c->svd[i].product;
        printf("  d = %4d: product %8.3f ms; full decomposition %8.2f ms (%4.1f products); ", c->svd[i].d,
               1e3 * unit, 1e3 * c->svd[i].full, c->svd[i].full / unit);
        if (c->svd[i].columns > 0)
            printf("53 triplets by Krylov %8.2f ms (%4.1f products, %d columns)\n", 1e3 * c->svd[i].krylov,
                   c->svd[i].krylov / unit, c->svd[i].columns);
        else
            printf("53 triplets by Krylov: fell back, %.2f ms\n", 1e3 * c->svd[i].krylov);
    }
}

/* Measures the first prompt of the first model alone in this process. */
static rj_status run_first(MPI_Comm self, const rj_study *study)
{
    rj_status st = RJ_OK;
    const rj_study_model *m = &study->model[0];
    const rj_team_shape shape = {1, 1, 1};
    const rj_pipeline_options o = rj_study_options(study, 0, 0);
    const rj_sizes sizes = rj_pipeline_sizes(&m->config, &o, 1);
    rj_model *model = NULL;
    rj_record *record = NULL;
    rj_team *team = NULL;

    RJ_TRY(rj_team_create(self, &shape, &team));
    RJ_TRY(rj_model_open_stack(m->deck->path, m->deck->stack, m->is_twin, study->deck->seed, &model));
    RJ_TRY(rj_record_create(&sizes, &record));
    RJ_TRY(rj_pipeline_run(team, model, &o, 1, m->tokens, record));
done:
    rj_record_destroy(&record);
    rj_model_close(&model);
    rj_team_free(&team);
    return st;
}

static void print_stages(const rj_study *study, double gemm, const rj_stage_cost *before,
                         const rj_stage_cost *after)
{
    const rj_study_model *m = &study->model[0];
    double all = 0.0;

    for (int s = 0; s < RJ_N_STAGES; s++) all += after[s].seconds - before[s].seconds;
    printf("%s, %d tokens, %s: %.2f s\n", m->facts.name, m->tokens[0].n, names[study->deck->arithmetic], all);
    printf("  %-10s %9s %6s %9s %16s\n", "stage", "seconds", "share", "GFLOP/s", "share of product");
    for (int s = 0; s < RJ_N_STAGES; s++) {
        const double seconds = after[s].seconds - before[s].seconds, flops = after[s].flops - before[s].flops;
        if (seconds < 1e-4 * all) continue;
        printf("  %-10s %9.3f %5.1f%% %9.1f %15.1f%%\n", rj_stage_name((rj_stage)s), seconds,
               100 * seconds / all, 1e-9 * flops / seconds, 100 * flops / seconds / gemm);
    }
}

static rj_status report_deck(const char *path, const rj_calibration *c)
{
    rj_status st = RJ_OK;
    char *text = NULL;
    size_t n = 0;
    rj_deck *deck = NULL;
    rj_study *study = NULL;
    rj_stage_cost before[RJ_N_STAGES], after[RJ_N_STAGES];
    MPI_Comm self = rj_comm_dup(MPI_COMM_SELF);

    RJ_TRY(rj_file_load(path, DECK_LIMIT, &text, &n));
    RJ_TRY(rj_deck_parse(path, text, n, 0, NULL, &deck));
    RJ_TRY(rj_study_open(self, deck, rj_memory_budget(self, deck->memory_per_rank), true, &study));
    RJ_REQUIRE(study->model[0].status == RJ_OK, study->model[0].status, "%s", study->model[0].why);
    rj_clock_costs(before);
    RJ_TRY(run_first(self, study));
    rj_clock_costs(after);
    print_stages(study, c[deck->arithmetic].gemm, before, after);
done:
    rj_study_free(&study);
    rj_deck_free(&deck);
    RJ_FREE(text);
    MPI_Comm_free(&self);
    return st;
}

static json_t *to_json(const rj_calibration *c)
{
    json_t *svd = json_array();

    for (int i = 0; i < RJ_CALIBRATION_SIZES; i++)
        json_array_append_new(svd,
                              json_pack("{s:i, s:f, s:f, s:f, s:i}", "d", c->svd[i].d, "product_seconds",
                                        c->svd[i].product, "full_seconds", c->svd[i].full, "krylov_seconds",
                                        c->svd[i].krylov, "krylov_columns", c->svd[i].columns));
    return json_pack("{s:f, s:f, s:{s:f, s:f, s:f, s:f, s:f}, s:o}", "product_flops", c->gemm, "narrow_flops",
                     c->narrow, "rates", "wide", c->rates.wide, "narrow", c->rates.narrow, "projection",
                     c->rates.projection, "full3", c->rates.full3, "full2", c->rates.full2, "svd", svd);
}

static rj_status save_json(const rj_calibration *c, const char *path)
{
    rj_status st = RJ_OK;
    json_t *root = json_pack("{s:s, s:o, s:o}", "format", "resjac calibration 1", names[0], to_json(&c[0]),
                             names[1], to_json(&c[1]));
    FILE *file = NULL;

    RJ_REQUIRE(root != NULL, RJ_ERR_NOMEM, "no memory for the calibration");
    file = fopen(path, "w");
    RJ_REQUIRE(file != NULL, RJ_ERR_CREATE, "%s: cannot be created: %s", path, strerror(errno));
    const bool written =
        json_dumpf(root, file, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) == 0 && fputc('\n', file) != EOF;
    const bool closed = fclose(file) == 0;
    RJ_REQUIRE(written && closed, RJ_ERR_IO, "%s: cannot be written: %s", path, strerror(errno));
    printf("%s is written\n", path);
done:
    json_decref(root);
    return st;
}

rj_status rj_calibrate_report(const char *deck, const char *save)
{
    rj_status st = RJ_OK;
    rj_calibration c[2];

    rj_blas_set_threads(1);
    for (int type = RJ_SINGLE; type <= RJ_DOUBLE; type++) {
        RJ_TRY(rj_calibrate((rj_arithmetic)type, &c[type]));
        print((rj_arithmetic)type, &c[type]);
    }
    if (deck != NULL) RJ_TRY(report_deck(deck, c));
    if (save != NULL) RJ_TRY(save_json(c, save));
done:
    return st;
}
