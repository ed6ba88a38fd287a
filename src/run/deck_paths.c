/* deck_paths.c: expansion is our own, not wordexp's: a path must never run a command. */
#include "deck_paths.h"

#include <ctype.h>
#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "resjac/base/file.h"
#include "resjac/base/memory.h"
#include "resjac/base/text.h"
#include "resjac/stats/correlate.h"

enum { PATH_SIZE = 4096, MAX_MODELS = 4096 };

rj_status rj_text_copy(const char *text, char **copy)
{
    rj_status st = RJ_OK;
    char *own = NULL;

    RJ_NEW(own, (ptrdiff_t)strlen(text) + 1, 1);
    memcpy(own, text, strlen(text) + 1);
    *copy = own;
done:
    return st;
}

/* The value of the variable whose name starts at *text, which moves behind it. */
static rj_status variable(const rj_yaml *v, const char **text, const char **value)
{
    rj_status st = RJ_OK;
    const char *p = *text, *start = NULL;
    char name[128];
    const bool braced = *p == '{';

    start = p += braced;
    while (isalnum((unsigned char)*p) || *p == '_') p++;
    const size_t n = (size_t)(p - start);
    RJ_REQUIRE(0 < n && n < sizeof name && (!braced || *p == '}'), RJ_ERR_USAGE,
               "%s has \"$%.64s\", needs $NAME or ${NAME}", rj_yaml_place(v), *text);
    memcpy(name, start, n);
    name[n] = '\0';
    *value = getenv(name);
    RJ_REQUIRE(*value != NULL, RJ_ERR_MISSING, "%s needs the environment variable %s, which is not set",
               rj_yaml_place(v), name);
    *text = p + braced;
done:
    return st;
}

static rj_status expand(const rj_yaml *v, const char *text, char out[PATH_SIZE])
{
    rj_status st = RJ_OK;
    size_t n = 0;
    const char *home = getenv("HOME");

    if (text[0] == '~' && (text[1] == '/' || text[1] == '\0')) {
        RJ_REQUIRE(home != NULL, RJ_ERR_MISSING, "%s needs the environment variable HOME, which is not set",
                   rj_yaml_place(v));
        n = (size_t)snprintf(out, PATH_SIZE, "%s", home);
        text++;
    }
    while (*text != '\0' && n < PATH_SIZE - 1) {
        const char *value = NULL;
        if (*text != '$') {
            out[n++] = *text++;
            continue;
        }
        text++;
        RJ_TRY(variable(v, &text, &value));
        n += (size_t)snprintf(out + n, PATH_SIZE - n, "%s", value);
    }
    RJ_REQUIRE(n < PATH_SIZE - 1, RJ_ERR_USAGE, "%s is a path of more than %d bytes", rj_yaml_place(v),
               PATH_SIZE - 2);
    out[n] = '\0';
done:
    return st;
}

rj_status rj_deck_path(const char *folder, const rj_yaml *value, char **path)
{
    rj_status st = RJ_OK;
    const char *text = NULL;
    char full[PATH_SIZE], *own = NULL;

    RJ_TRY(rj_yaml_text(value, &text));
    RJ_TRY(expand(value, text, full));
    RJ_TRY(rj_path_join(folder, full, &own));
    rj_free(*path);
    *path = own;
done:
    return st;
}

/* One entry as it stands in the deck. */
typedef struct {
    const char *folder;
    rj_deck_model model;
    char *glob;
} entry;

static rj_status set_text(const rj_yaml *v, char **target)
{
    rj_status st = RJ_OK;
    const char *text = NULL;

    RJ_TRY(rj_yaml_text(v, &text));
    RJ_REQUIRE(strlen(text) < RJ_NAME_SIZE - 16, RJ_ERR_USAGE, "%s has %zu bytes, needs at most %d",
               rj_yaml_place(v), strlen(text), RJ_NAME_SIZE - 17);
    RJ_FREE(*target);
    RJ_TRY(rj_text_copy(text, target));
done:
    return st;
}

static rj_status set_entry(void *target, const rj_yaml *v)
{
    static const char *const known[] = {"path", "glob",   "name", "benchmark_name",
                                        "twin", "series", "step", "stack"};
    static const char *const twins[] = {"random-init", "none", NULL};
    static const char *const stacks[] = {"encoder", "decoder", NULL};
    rj_status st = RJ_OK;
    entry *e = target;
    const char *key = strrchr(v->key, '.') + 1;
    int choice = 1;

    if (strcmp(key, "path") == 0) return rj_deck_path(e->folder, v, &e->model.path);
    if (strcmp(key, "glob") == 0) return rj_deck_path(e->folder, v, &e->glob);
    if (strcmp(key, "name") == 0) return set_text(v, &e->model.name);
    if (strcmp(key, "benchmark_name") == 0) return set_text(v, &e->model.benchmark_name);
    if (strcmp(key, "series") == 0) return set_text(v, &e->model.series);
    if (strcmp(key, "step") == 0) return rj_yaml_number(v, &e->model.step);
    if (strcmp(key, "twin") == 0) {
        RJ_TRY(rj_yaml_choice(v, twins, &choice));
        e->model.twin = choice == 0;
        return RJ_OK;
    }
    if (strcmp(key, "stack") == 0) {
        RJ_TRY(rj_yaml_choice(v, stacks, &choice));
        e->model.stack = choice == 0 ? RJ_STACK_ENCODER : RJ_STACK_DECODER;
        return RJ_OK;
    }
    const char *near = rj_nearest(key, known, sizeof known / sizeof known[0], sizeof known[0]);
    RJ_FAIL(RJ_ERR_USAGE, "%s: unknown key%s%s%s", rj_yaml_place(v), near ? "; do you mean " : "",
            near ? near : "", near ? "?" : "");
done:
    return st;
}

static void entry_free(entry *e)
{
    RJ_FREE(e->model.path);
    RJ_FREE(e->model.name);
    RJ_FREE(e->model.benchmark_name);
    RJ_FREE(e->model.series);
    RJ_FREE(e->glob);
}

/* The file's name without folder, trailing slashes and the endings of checkpoint files. */
static rj_status default_name(const char *path, char **name)
{
    rj_status st = RJ_OK;
    static const char *const endings[] = {".gguf", ".safetensors"};
    char text[PATH_SIZE];

    snprintf(text, sizeof text, "%s", path);
    while (strlen(text) > 1 && text[strlen(text) - 1] == '/') text[strlen(text) - 1] = '\0';
    const char *base = strrchr(text, '/');
    base = base != NULL && base[1] != '\0' ? base + 1 : text;
    char *own = NULL;
    RJ_TRY(rj_text_copy(base, &own));
    for (int i = 0; i < 2; i++) {
        const size_t n = strlen(own), m = strlen(endings[i]);
        if (n > m && strcmp(own + n - m, endings[i]) == 0) own[n - m] = '\0';
    }
    *name = own;
done:
    return st;
}

/* Variables and dimensions of the final file's root, which a group cannot be called. */
static bool is_taken(const char *name)
{
    static const char *const root[] = {
        "model",          "measure",         "benchmark",     "string128",        "string64",
        "model_name",     "family",          "lineage",       "series_name",      "status",
        "series_step",    "trained",         "n_parameters",  "n_layers",         "d_model",
        "value",          "value_low",       "value_high",    "reliability",      "measure_name",
        "benchmark_name", "benchmark_score", "benchmark_row", "statistics_status"};

    for (size_t i = 0; i < sizeof root / sizeof *root; i++)
        if (strcmp(root[i], name) == 0) return true;
    for (int i = 0; i < RJ_N_STATISTICS; i++)
        if (strcmp(rj_statistics[i].name, name) == 0) return true;
    return false;
}

static bool may_begin(char c)
{
    return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

/* A NetCDF group's name: '/' becomes "__", what is no text '_' or '?', and so does a first character other than letters,
 * digits and '_', or a space at the end; a name that is taken has a '_' behind: a file's name may be all that. Twins add "__random_init". */
static rj_status group_name(const char *name, char **group)
{
    rj_status st = RJ_OK;
    char *own = NULL, *to = NULL;

    RJ_NEW(own, 2 * (ptrdiff_t)strlen(name) + 2, 1);
    to = own;
    for (const char *p = name; *p != '\0'; p++) {
        *to++ = *p == '/' || (unsigned char)*p < ' ' ? '_' : *p;
        if (*p == '/') *to++ = '_';
    }
    rj_text_clean(own);
    if (own[0] != '\0' && !may_begin(own[0])) own[0] = '_';
    for (size_t n = strlen(own); n > 0 && own[n - 1] == ' '; n--) own[n - 1] = '_';
    if (is_taken(own)) strcat(own, "_");
    RJ_REQUIRE(strlen(own) < RJ_NAME_SIZE - 16, RJ_ERR_USAGE,
               "model name \"%s\" has %zu bytes, needs at most %d; give a name", own, strlen(own),
               RJ_NAME_SIZE - 17);
    *group = own;
    own = NULL;
done:
    RJ_FREE(own);
    return st;
}

static rj_status add_model(const entry *e, const char *path, int *n, rj_deck_model *list)
{
    rj_status st = RJ_OK;
    rj_deck_model m = {.step = e->model.step, .twin = e->model.twin, .stack = e->model.stack};
    char *name = NULL;

    RJ_REQUIRE(*n < MAX_MODELS, RJ_ERR_USAGE, "more than %d models in one deck; split it", MAX_MODELS);
    RJ_TRY(rj_text_copy(path, &m.path));
    if (e->model.name != NULL)
        RJ_TRY(rj_text_copy(e->model.name, &name));
    else
        RJ_TRY(default_name(path, &name));
    RJ_TRY(group_name(name, &m.name));
    RJ_TRY(rj_text_copy(e->model.benchmark_name ? e->model.benchmark_name : "", &m.benchmark_name));
    RJ_TRY(rj_text_copy(e->model.series ? e->model.series : "", &m.series));
    for (int i = 0; i < *n; i++)
        RJ_REQUIRE(strcmp(list[i].name, m.name) != 0, RJ_ERR_USAGE,
                   "two models are named \"%s\": %s and %s; give one of them another name", m.name,
                   list[i].path, path);
    list[(*n)++] = m;
    memset(&m, 0, sizeof m);
done:
    RJ_FREE(name);
    RJ_FREE(m.path);
    RJ_FREE(m.name);
    RJ_FREE(m.benchmark_name);
    RJ_FREE(m.series);
    return st;
}

static int bytewise(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static rj_status add_glob(const rj_yaml *v, const entry *e, int *n, rj_deck_model *list)
{
    rj_status st = RJ_OK;
    glob_t found = {0};

    RJ_REQUIRE(e->model.name == NULL, RJ_ERR_USAGE,
               "%s: a glob cannot have a name; names come from its files", rj_yaml_place(v));
    const int error = glob(e->glob, GLOB_NOSORT, NULL, &found);
    RJ_REQUIRE(error == 0, RJ_ERR_MISSING, "%s: no file matches %s", rj_yaml_place(v), e->glob);
    qsort(found.gl_pathv, found.gl_pathc, sizeof found.gl_pathv[0], bytewise);
    for (size_t i = 0; i < found.gl_pathc; i++) RJ_TRY(add_model(e, found.gl_pathv[i], n, list));
done:
    globfree(&found);
    return st;
}

static rj_status add_entry(const char *folder, const rj_yaml *v, int *n, rj_deck_model *list)
{
    rj_status st = RJ_OK;
    entry e = {.folder = folder, .model.step = NAN};

    RJ_TRY(rj_yaml_each(v, "models[].", set_entry, &e));
    RJ_REQUIRE((e.model.path == NULL) != (e.glob == NULL), RJ_ERR_USAGE,
               "%s: each model needs a path or a glob", rj_yaml_place(v));
    if (e.glob != NULL)
        RJ_TRY(add_glob(v, &e, n, list));
    else
        RJ_TRY(add_model(&e, e.model.path, n, list));
done:
    entry_free(&e);
    return st;
}

rj_status rj_deck_models(const char *folder, const rj_yaml *value, int *n, rj_deck_model **model)
{
    rj_status st = RJ_OK;
    rj_deck_model *list = NULL;
    ptrdiff_t n_entries = 0;
    int n_list = 0;

    RJ_TRY(rj_yaml_length(value, &n_entries));
    RJ_NEW(list, MAX_MODELS, 1);
    for (ptrdiff_t i = 0; i < n_entries; i++) {
        const rj_yaml item = rj_yaml_item(value, i);
        RJ_TRY(add_entry(folder, &item, &n_list, list));
    }
    rj_deck_models_free(*n, model);
    *model = list;
    *n = n_list;
    list = NULL;
done:
    rj_deck_models_free(n_list, &list);
    return st;
}

void rj_deck_models_free(int n, rj_deck_model **model)
{
    for (int i = 0; *model != NULL && i < n; i++) {
        RJ_FREE((*model)[i].path);
        RJ_FREE((*model)[i].name);
        RJ_FREE((*model)[i].benchmark_name);
        RJ_FREE((*model)[i].series);
    }
    RJ_FREE(*model);
}
