/* main.c: the only MPI_Init, the only exit. Commands that are not collective run on rank 0; all ranks end with its code. */
#include <mpi.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "options.h"
#include "resjac/base/agree.h"
#include "resjac/base/fault.h"
#include "resjac/base/file.h"
#include "resjac/base/log.h"
#include "resjac/base/memory.h"
#include "resjac/report/report.h"
#include "resjac/run/calibrate.h"
#include "resjac/run/campaign.h"
#include "resjac/run/plan.h"
#include "resjac/run/score_stage.h"
#include "resjac/run/stop.h"
#include "resjac/store/manifest.h"
#include "resjac/store/results.h"

static rj_status run(MPI_Comm comm, const rj_options *o, const char *command_line)
{
    const rj_campaign_options options = {.deck = o->word[0],
                                         .n_set = o->n_set,
                                         .set = o->set,
                                         .n_only = o->n_only,
                                         .only = o->only,
                                         .max_seconds = o->max_seconds,
                                         .dry_run = o->dry_run,
                                         .fresh = o->fresh,
                                         .replan = o->replan,
                                         .command = command_line,
                                         .version = rj_version_line()};
    rj_stop_listen();
    return rj_campaign_run(comm, &options);
}

static rj_status verify_one(const char *path)
{
    rj_status st = RJ_OK;
    const bool is_folder = rj_path_is_folder(path);
    int n_problems = 0;

    if (is_folder)
        RJ_TRY(rj_manifest_verify(path, &n_problems));
    else
        RJ_TRY(rj_results_verify(path, &n_problems));
    RJ_REQUIRE(n_problems == 0, RJ_ERR_FORMAT, "%s: %d problems; repair: %s%s%s", path, n_problems,
               is_folder ? "what each line above says" : "rm '", is_folder ? "" : path,
               is_folder ? "" : "' and resjac run DECK");
    printf("%s: complete and consistent\n", path);
done:
    return st;
}

static rj_status verify(const rj_options *o)
{
    rj_status st = RJ_OK;
    bool equal = false;
    char hash[65];

    if (o->n_words == 1) return verify_one(o->word[0]);
    RJ_TRY(rj_results_compare(o->word[0], o->word[1], o->tolerance, &equal));
    RJ_REQUIRE(equal, RJ_ERR_FORMAT, "%s and %s differ in content", o->word[0], o->word[1]);
    if (o->tolerance > 0) {
        printf("equal within %g\n", o->tolerance);
        return RJ_OK;
    }
    RJ_TRY(rj_results_hash(o->word[0], hash));
    printf("equal content %s\n", hash);
done:
    return st;
}

/* The models of several folders after each other. */
static rj_status merge(const rj_options *o, const rj_results_annex *annex)
{
    rj_status st = RJ_OK;
    rj_results_model **list = NULL, *all = NULL;
    int *n = NULL, n_all = 0;
    const rj_attribute software = {"software", rj_version_line(), false};
    MPI_Comm self = rj_comm_dup(MPI_COMM_SELF); /* a command of rank 0 alone */

    RJ_NEW(list, o->n_words, 1);
    RJ_NEW(n, o->n_words, 1);
    for (int i = 0; i < o->n_words; i++) {
        RJ_TRY(rj_results_find(o->word[i], &n[i], &list[i]));
        n_all += n[i];
    }
    RJ_REQUIRE(n_all > 0, RJ_ERR_MISSING, "%s: holds no stored unit", o->word[0]);
    RJ_NEW(all, n_all, 1);
    for (int i = 0, at = 0; i < o->n_words; at += n[i++])
        memcpy(all + at, list[i], (size_t)n[i] * sizeof *all);
    RJ_TRY(rj_results_write_annexed(self, o->output, n_all, all, RJ_PER_PROMPT_ALL, 1, &software, annex));
    printf("%s: %d models\n", o->output, n_all);
done:
    for (int i = 0; list != NULL && n != NULL && i < o->n_words; i++) rj_results_free(n[i], &list[i]);
    RJ_FREE(list);
    RJ_FREE(n);
    RJ_FREE(all);
    MPI_Comm_free(&self);
    return st;
}

static rj_status reduce(const rj_options *o)
{
    rj_status st = RJ_OK;
    const rj_score_rules rules = {o->scores, o->n_columns, o->column, o->primary, (int)o->resamples, o->seed};
    rj_score_stage *stage = NULL;
    int n_files = 0;

    RJ_REQUIRE(o->output != NULL, RJ_ERR_USAGE, "resjac reduce: needs -o OUT.nc");
    RJ_REQUIRE(o->scores != NULL || (o->n_columns == 0 && o->primary == NULL), RJ_ERR_USAGE,
               "resjac reduce: --column and --primary need --scores CSV");
    for (int i = 0; i < o->n_words; i++)
        n_files += rj_path_exists(o->word[i]) && !rj_path_is_folder(o->word[i]);
    RJ_REQUIRE(n_files == 0 || o->n_words == 1, RJ_ERR_USAGE,
               "resjac reduce: takes one final file alone, or folders of units; of several final files give "
               "the folders "
               "OUT.nc.d");
    RJ_TRY(rj_score_stage_open(&rules, &stage));
    const rj_results_annex annex = rj_score_stage_annex(stage);
    if (n_files == 0) {
        RJ_TRY(merge(o, &annex));
    } else {
        RJ_TRY(rj_results_copy(o->word[0], o->output, &annex));
        printf("%s: the models of %s\n", o->output, o->word[0]);
    }
done:
    rj_score_stage_close(&stage);
    return st;
}

static rj_status report(const rj_options *o)
{
    rj_status st = RJ_OK;
    int n_figures = 0;

    RJ_REQUIRE(o->output != NULL, RJ_ERR_USAGE, "resjac report: needs -o DIR");
    RJ_TRY(rj_report_write(o->word[0], o->output, o->format, &n_figures));
    printf("%s/index.html: %d figures\n", o->output, n_figures);
done:
    return st;
}

static rj_status plan(const rj_options *o)
{
    rj_status st = RJ_OK;
    const rj_plan_options options = {.deck = o->word[0],
                                     .n_set = o->n_set,
                                     .set = o->set,
                                     .n_ranks = o->n_ranks,
                                     .ranks_per_node = o->ranks_per_node,
                                     .memory_per_node = o->memory_per_node,
                                     .machine = o->machine,
                                     .template = o->template,
                                     .json = o->json};

    RJ_REQUIRE(o->n_ranks > 0, RJ_ERR_USAGE, "resjac plan: needs --ranks N");
    RJ_TRY(rj_plan_print(&options, stdout));
done:
    return st;
}

static rj_status alone(const rj_options *o)
{
    if (strcmp(o->command, "plan") == 0) return plan(o);
    if (strcmp(o->command, "inspect") == 0) return rj_inspect(o->word[0], o->check);
    if (strcmp(o->command, "verify") == 0) return verify(o);
    if (strcmp(o->command, "reduce") == 0) return reduce(o);
    if (strcmp(o->command, "report") == 0) return report(o);
    if (strcmp(o->command, "bench") == 0) return rj_calibrate_report(o->deck, o->save);
    rj_version_print();
    return RJ_OK;
}

static void join(int argc, char **argv, char *text, size_t size)
{
    size_t n = 0;

    text[0] = '\0';
    for (int i = 0; i < argc && n < size; i++)
        n += (size_t)snprintf(text + n, size - n, "%s%s", i ? " " : "", argv[i]);
}

/* Open MPI 4 on a network without InfiniBand picks a way for windows (claim.h) that then fails across nodes; other MPIs take no
 * notice. What the user has set stays. */
static void leave_ucx_windows(void)
{
    if (access("/sys/class/infiniband", F_OK) != 0) setenv("OMPI_MCA_osc", "^ucx", 0);
}

int main(int argc, char **argv)
{
    rj_status st = RJ_OK;
    rj_options options;
    int rank = 0, size = 1;
    char command_line[4096];

    rj_memory_keep_freed();
    signal(SIGXFSZ,
           SIG_IGN); /* a file size limit is an error of that file (exit 74), not the end of the process */
    leave_ucx_windows();
    MPI_Init(&argc, &argv);
    join(argc, argv, command_line, sizeof command_line);
    MPI_Comm comm = rj_comm_dup(MPI_COMM_WORLD);
    MPI_Comm_rank(comm, &rank);
    MPI_Comm_size(comm, &size);
    rj_log_setup(RJ_LOG_INFO, size > 1 ? rank : -1);

    memset(&options, 0, sizeof options);
    st = rj_agree(comm, rj_fault_setup(getenv("RESJAC_FAULT"), rank));
    if (st == RJ_OK) st = rj_agree(comm, rj_options_parse(argc, argv, rank == 0, &options));
    if (st == RJ_OK && options.verbose) rj_log_setup(RJ_LOG_DEBUG, size > 1 ? rank : -1);
    if (st == RJ_OK && !options.help) {
        if (strcmp(options.command, "run") == 0)
            st = run(comm, &options, command_line);
        else
            st = rj_agree(comm, rank == 0 ? alone(&options) : RJ_OK);
    }
    if (st != RJ_OK && rank == 0)
        rj_log(st == RJ_ERR_STOPPED || st == RJ_ERR_PARTIAL ? RJ_LOG_WARN : RJ_LOG_ERROR, "%s",
               rj_status_message());
    rj_options_free(&options);
    MPI_Comm_free(&comm);
    if (st ==
        RJ_ERR_IO) { /* HDF5 may crash on the way out after a write that failed; the code must survive that */
        fflush(NULL);
        _exit(rj_status_exit(st));
    }
    MPI_Finalize();
    return rj_status_exit(st);
}
