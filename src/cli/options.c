/* options.c: one argp a command, built from one table; argp neither exits nor prints on ranks that do not speak. */
#include "options.h"

#include <argp.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "resjac/base/memory.h"
#include "resjac/run/score_stage.h"

enum {
    KEY_SET = 256,
    KEY_ONLY,
    KEY_MAX_SECONDS,
    KEY_DRY_RUN,
    KEY_FRESH,
    KEY_REPLAN,
    KEY_TOLERANCE,
    KEY_CHECK,
    KEY_FORMAT,
    KEY_SCORES,
    KEY_COLUMN,
    KEY_PRIMARY,
    KEY_RESAMPLES,
    KEY_SEED,
    KEY_RANKS,
    KEY_RANKS_PER_NODE,
    KEY_MEMORY_PER_NODE,
    KEY_MACHINE,
    KEY_TEMPLATE,
    KEY_JSON,
    KEY_SAVE,
    KEY_DECK
};

static const struct argp_option run_options[] = {
    {"set", KEY_SET, "KEY=VALUE", 0,
     "Override a key of the deck, value in YAML, e.g. coupling.k=[10]; may be repeated", 0},
    {"only", KEY_ONLY, "NAME|i/n", 0,
     "Measure only this model, or part i of n of the models; may be repeated", 0},
    {"max-seconds", KEY_MAX_SECONDS, "N", 0,
     "Start no unit that may not be done N seconds after the start; exit 75", 0},
    {"dry-run", KEY_DRY_RUN, NULL, 0, "Check deck, models and prompts, say what is to do, and stop", 0},
    {"fresh", KEY_FRESH, NULL, 0, "Start over; what is there is kept as <output>.old-N", 0},
    {"replan", KEY_REPLAN, NULL, 0,
     "Choose the layout anew instead of the last launch's; units of another grid are measured again", 0},
    {"verbose", 'v', NULL, 0, "Log more", 0},
    {"help", 'h', NULL, 0, "Print this", -1},
    {0},
};
static const struct argp_option plan_options[] = {
    {"ranks", KEY_RANKS, "N", 0, "Ranks of the run (required)", 0},
    {"ranks-per-node", KEY_RANKS_PER_NODE, "M", 0, "Ranks of a node (default: all)", 0},
    {"memory-per-node", KEY_MEMORY_PER_NODE, "GB", 0,
     "Memory of a node (default: the deck's layout.memory_per_rank, else 2 GB a rank)", 0},
    {"machine", KEY_MACHINE, "FILE", 0,
     "Rates that resjac bench --save wrote (default: RESJAC_MACHINE, else built-in ones)", 0},
    {"template", KEY_TEMPLATE, "SBATCH", 0, "Fill {{ranks}}, {{nodes}} .. of this batch script and print it",
     0},
    {"json", KEY_JSON, NULL, 0, "Print JSON", 0},
    {"set", KEY_SET, "KEY=VALUE", 0, "Override a key of the deck; may be repeated", 0},
    {"help", 'h', NULL, 0, "Print this", -1},
    {0},
};
static const struct argp_option inspect_options[] = {
    {"check", KEY_CHECK, NULL, 0, "Read every tensor and report those with Inf or NaN", 0},
    {"help", 'h', NULL, 0, "Print this", -1},
    {0},
};
static const struct argp_option reduce_options[] = {
    {"output", 'o', "OUT.nc", 0, "The file to write", 0},
    {"scores", KEY_SCORES, "CSV", 0, "Correlate with the benchmark scores of this table, one row a model", 0},
    {"column", KEY_COLUMN, "NAME", 0, "A column of the table to correlate with; may be repeated", 0},
    {"primary", KEY_PRIMARY, "MEASURE", 0,
     "The measure that was named beforehand; tested on the first column", 0},
    {"resamples", KEY_RESAMPLES, "N", 0, "Resamples and permutations (default 2000)", 0},
    {"seed", KEY_SEED, "N", 0, "Of the resamples and permutations (default 0)", 0},
    {"help", 'h', NULL, 0, "Print this", -1},
    {0},
};
static const struct argp_option report_options[] = {
    {"output", 'o', "DIR", 0, "The folder to write figures, tables and index.html to", 0},
    {"format", KEY_FORMAT, "svg|png|pdf", 0, "Of the figures (default svg)", 0},
    {"help", 'h', NULL, 0, "Print this", -1},
    {0},
};
static const struct argp_option verify_options[] = {
    {"tolerance", KEY_TOLERANCE, "X", 0,
     "Of two files: values may differ by X, relative to the largest of a variable where that is above 1", 0},
    {"help", 'h', NULL, 0, "Print this", -1},
    {0},
};
static const struct argp_option bench_options[] = {
    {"save", KEY_SAVE, "FILE", 0, "Write the calibration as JSON", 0},
    {"deck", KEY_DECK, "DECK", 0, "Also measure the first prompt of the deck's first model, stage by stage",
     0},
    {"help", 'h', NULL, 0, "Print this", -1},
    {0},
};
static const struct argp_option plain_options[] = {
    {"help", 'h', NULL, 0, "Print this", -1},
    {0},
};

typedef struct {
    const char *name, *words, *doc;
    int least, most; /* words */
    const struct argp_option *options;
} command;

static const command commands[] = {
    {"run", "DECK", "Measures what the deck asks for; the same command again resumes.", 1, 1, run_options},
    {"plan", "DECK", "Says what a deck takes on so many ranks, from configurations alone.", 1, 1,
     plan_options},
    {"inspect", "MODEL", "Shows architecture, tensors, tokenizer and sizes of a checkpoint.", 1, 1,
     inspect_options},
    {"reduce", "OUT.d ...|OUT.nc",
     "Merges the stored units of one or several runs into one file, or takes a final file; and correlates "
     "its measures with "
     "benchmark scores.",
     1, RJ_MAX_WORDS, reduce_options},
    {"report", "OUT.nc", "Draws figures and tables of a final file, and one self-contained page.", 1, 1,
     report_options},
    {"verify", "FILE|DIR [FILE]", "Checks completeness, hashes and invariants; of two files, equal content.",
     1, 2, verify_options},
    {"bench", "", "Measures this machine's products and decompositions, and each stage's share of them.", 0,
     0, bench_options},
    {"version", "", "Prints program, compiler and libraries.", 0, 0, plain_options},
};
enum { N_COMMANDS = sizeof commands / sizeof commands[0] };

static rj_status print_commands(FILE *to)
{
    fprintf(to, "Usage: resjac COMMAND [OPTION...] ...\n"
                "Residual Jacobians of large language models: trajectories, spectra and transformer block "
                "coupling.\n\n");
    for (int i = 0; i < N_COMMANDS; i++)
        fprintf(to, "  resjac %-8s %-16s %s\n", commands[i].name, commands[i].words, commands[i].doc);
    fprintf(to, "\n`resjac COMMAND --help' tells a command's options. Run it under mpirun or srun to use "
                "several ranks.\n");
    return RJ_OK;
}

/* The options of the statistics. */
static error_t parse_scores(int key, char *text, struct argp_state *state)
{
    rj_options *o = state->input;
    char *end = NULL;

    switch (key) {
    case KEY_SCORES:
        o->scores = text;
        return 0;
    case KEY_COLUMN:
        o->column[o->n_columns++] = text;
        return 0;
    case KEY_PRIMARY:
        o->primary = text;
        return 0;
    case KEY_RESAMPLES:
        o->resamples = strtol(text, &end, 10);
        if (*end == '\0' && RJ_SCORE_LEAST_DRAWS <= o->resamples && o->resamples <= RJ_SCORE_MOST_DRAWS)
            return 0;
        argp_error(state, "--resamples %s: needs %d..%d", text, RJ_SCORE_LEAST_DRAWS, RJ_SCORE_MOST_DRAWS);
        return EINVAL;
    case KEY_SEED:
        errno = 0;
        o->seed = strtoull(text, &end, 10);
        if (*end == '\0' && '0' <= *text && *text <= '9' && errno == 0) return 0;
        argp_error(state, "--seed %s: needs a whole number >= 0", text);
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse_count(struct argp_state *state, const char *name, const char *text, int *value)
{
    char *end = NULL;
    const long n = strtol(text, &end, 10);

    if (*end != '\0' || end == text || n < 1 || n > 10000000) {
        argp_error(state, "%s %s: needs a count from 1", name, text);
        return EINVAL;
    }
    *value = (int)n;
    return 0;
}

static error_t parse(int key, char *text, struct argp_state *state)
{
    rj_options *o = state->input;
    char *end = NULL;

    switch (key) {
    case KEY_SET:
        o->set[o->n_set++] = text;
        return 0;
    case KEY_ONLY:
        o->only[o->n_only++] = text;
        return 0;
    case KEY_MAX_SECONDS:
        o->max_seconds = strtod(text, &end);
        if (*end != '\0' || !isfinite(o->max_seconds) || o->max_seconds <= 0) {
            argp_error(state, "--max-seconds %s: needs seconds > 0", text);
            return EINVAL;
        }
        return 0;
    case KEY_RANKS:
        return parse_count(state, "--ranks", text, &o->n_ranks);
    case KEY_RANKS_PER_NODE:
        return parse_count(state, "--ranks-per-node", text, &o->ranks_per_node);
    case KEY_MEMORY_PER_NODE:
        o->memory_per_node = strtod(text, &end);
        if (*end != '\0' || !(o->memory_per_node > 0 && o->memory_per_node < 1e6)) {
            argp_error(state, "--memory-per-node %s: needs GB > 0", text);
            return EINVAL;
        }
        return 0;
    case KEY_MACHINE:
        o->machine = text;
        return 0;
    case KEY_TEMPLATE:
        o->template = text;
        return 0;
    case KEY_JSON:
        o->json = true;
        return 0;
    case KEY_TOLERANCE:
        o->tolerance = strtod(text, &end);
        if (*end != '\0' || !(o->tolerance > 0 && o->tolerance < 1)) {
            argp_error(state, "--tolerance %s: needs a number between 0 and 1", text);
            return EINVAL;
        }
        return 0;
    case KEY_DRY_RUN:
        o->dry_run = true;
        return 0;
    case KEY_FRESH:
        o->fresh = true;
        return 0;
    case KEY_REPLAN:
        o->replan = true;
        return 0;
    case KEY_CHECK:
        o->check = true;
        return 0;
    case KEY_SAVE:
        o->save = text;
        return 0;
    case KEY_DECK:
        o->deck = text;
        return 0;
    case KEY_FORMAT:
        o->format = text;
        return 0;
    case 'o':
        o->output = text;
        return 0;
    case 'v':
        o->verbose = true;
        return 0;
    case 'h':
        o->help = true;
        return 0;
    case ARGP_KEY_ARG:
        o->word[o->n_words++] = text;
        return 0;
    default:
        return parse_scores(key, text, state);
    }
}

static const command *find(const char *name)
{
    for (int i = 0; i < N_COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0) return &commands[i];
    return NULL;
}

static rj_status parse_command(const command *c, int argc, char **argv, bool is_speaker, rj_options *o)
{
    rj_status st = RJ_OK;
    const struct argp argp = {c->options, parse, c->words, c->doc, NULL, NULL, NULL};
    const unsigned flags = ARGP_NO_EXIT | ARGP_NO_HELP | (is_speaker ? 0 : ARGP_SILENT);
    char name[32];

    snprintf(name, sizeof name, "resjac %s", c->name);
    argv[0] = name;
    const error_t error = argp_parse(&argp, argc, argv, flags, NULL, o);
    if (error == 0 && o->help && is_speaker)
        argp_help(&argp, stdout, ARGP_HELP_STD_HELP & ~ARGP_HELP_EXIT_OK, name);
    argv[0] = NULL;
    if (o->help) return RJ_OK;
    RJ_REQUIRE(error == 0, RJ_ERR_USAGE, "%s: the command line cannot be read; see %s --help", name, name);
    RJ_REQUIRE(c->least <= o->n_words && o->n_words <= c->most, RJ_ERR_USAGE,
               "%s: %d arguments, needs %s; see %s --help", name, o->n_words, c->words[0] ? c->words : "none",
               name);
done:
    return st;
}

rj_status rj_options_parse(int argc, char **argv, bool is_speaker, rj_options *o)
{
    rj_status st = RJ_OK;

    memset(o, 0, sizeof *o);
    o->format = "svg";
    o->resamples = RJ_SCORE_DRAWS;
    RJ_REQUIRE(argc < RJ_MAX_WORDS, RJ_ERR_USAGE, "%d words on the command line, at most %d", argc,
               RJ_MAX_WORDS);
    RJ_NEW(o->word, argc, 1);
    RJ_NEW(o->set, argc, 1);
    RJ_NEW(o->only, argc, 1);
    RJ_NEW(o->column, argc, 1);
    if (argc >= 2 &&
        (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0)) {
        o->help = true;
        if (is_speaker) RJ_TRY(print_commands(stdout));
        goto done;
    }
    if (argc < 2 && is_speaker) RJ_TRY(print_commands(stderr));
    RJ_REQUIRE(argc >= 2, RJ_ERR_USAGE, "no command; see resjac --help");
    const char *name = strcmp(argv[1], "--version") == 0 ? "version" : argv[1];
    const command *c = find(name);
    RJ_REQUIRE(c != NULL, RJ_ERR_USAGE, "unknown command \"%s\"; see resjac --help", argv[1]);
    o->command = c->name;
    RJ_TRY(parse_command(c, argc - 1, argv + 1, is_speaker, o));
done:
    return st;
}

void rj_options_free(rj_options *o)
{
    RJ_FREE(o->word);
    RJ_FREE(o->set);
    RJ_FREE(o->only);
    RJ_FREE(o->column);
}
