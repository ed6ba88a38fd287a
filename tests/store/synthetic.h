/* synthetic.h: shards with made-up values that pass every check, and a folder to put them in. */
#ifndef RESJAC_TESTS_SYNTHETIC_H
#define RESJAC_TESTS_SYNTHETIC_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "resjac/base/memory.h"
#include "resjac/store/results.h"

enum { SYN_L = 3, SYN_K = 2, SYN_SV = 5, SYN_D = 8, SYN_UNIT = 2, SYN_UNITS = 3, SYN_I = 4, SYN_TOKENS = 3 };

static const int syn_count[SYN_K] = {2, 4};
static const int syn_token[SYN_TOKENS] = {0, 2, -1};
static const char *const syn_label[SYN_K] = {"2", "0.5d"};
static char syn_folder[256];

static inline void syn_remove(const char *path)
{
    DIR *dir = opendir(path);
    char inner[1024];

    for (struct dirent *e = dir != NULL ? readdir(dir) : NULL; e != NULL; e = readdir(dir)) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
        snprintf(inner, sizeof inner, "%.700s/%s", path, e->d_name);
        syn_remove(inner);
    }
    if (dir != NULL) closedir(dir);
    remove(path);
}

static inline int syn_setup(void **x)
{
    const char *tmp = getenv("TMPDIR");
    (void)x;
    snprintf(syn_folder, sizeof syn_folder, "%s/resjac-store-XXXXXX", tmp != NULL ? tmp : "/tmp");
    return mkdtemp(syn_folder) == NULL;
}

static inline int syn_teardown(void **x)
{
    (void)x;
    syn_remove(syn_folder);
    return rj_memory_live() != 0; /* no test leaks */
}

static inline int syn_files(const char *folder)
{
    int n = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *e = readdir(dir); e != NULL; e = readdir(dir)) n += e->d_name[0] != '.';
    closedir(dir);
    return n;
}

static inline const char *syn_path(const char *name)
{
    static char path[4][1024];
    static int next;
    next = (next + 1) % 4;
    snprintf(path[next], sizeof path[next], "%s/%s", syn_folder, name);
    return path[next];
}

static inline rj_sizes syn_sizes(ptrdiff_t prompts)
{
    rj_sizes s = {.modes = 0};
    s.size[RJ_DIM_PROMPT] = prompts;
    s.size[RJ_DIM_LAYER] = s.size[RJ_DIM_LAYER_J] = SYN_L;
    s.size[RJ_DIM_DEPTH] = SYN_L + 1;
    s.size[RJ_DIM_K] = SYN_K;
    s.size[RJ_DIM_SV] = SYN_SV;
    s.size[RJ_DIM_PC] = 3;
    return s;
}

/* Two of the token modes. */
static inline void syn_add_modes(rj_sizes *s)
{
    s->size[RJ_DIM_TOKEN] = s->size[RJ_DIM_TOKEN_J] = SYN_TOKENS;
    s->modes = 1u << RJ_MODE_SELF | 1u << RJ_MODE_INFLUENCE;
}

/* Element i of a variable for prompt p of the whole list. Floats are multiples of 1/1024: they are stored exactly. */
static inline double syn_value(rj_variable_id id, ptrdiff_t p, ptrdiff_t i)
{
    const ptrdiff_t row = i / SYN_L % SYN_L, column = i % SYN_L;

    if (id == RJ_VAR_PROMPT_STATUS) return 0.0;
    if (id == RJ_VAR_SINGULAR_VALUE) return 10.0 - (double)(i % SYN_SV) - 0.01 * (double)p;
    if (id == RJ_VAR_RESIDUAL_LEFT || id == RJ_VAR_RESIDUAL_RIGHT) return 1e-7;
    if (id == RJ_VAR_LINE_SHAPE_SCORE) return 1.0 + 0.5 * (double)p;
    if (rj_schema_is_pairwise(id) && row == column) return 0.0;
    if (id == RJ_VAR_SELF_MISFIT && i / SYN_TOKENS % SYN_TOKENS == i % SYN_TOKENS) return 0.0;
    if (rj_schema[id].type == RJ_VALUE_INT) return (double)(id + 10 * p + i);
    return (double)id + (double)(p * p) / 4.0 + (double)i / 1024.0;
}

static inline rj_shard_head syn_head(const char *model, int unit)
{
    rj_shard_head h = {.unit = unit,
                       .n_units = SYN_UNITS,
                       .first_prompt = SYN_UNIT * unit,
                       .n_prompts_all = SYN_UNIT * SYN_UNITS,
                       .n_k = SYN_K,
                       .k_count = syn_count,
                       .k_label = syn_label,
                       .arithmetic = "single",
                       .last_block = "raw",
                       .norm = 2};
    snprintf(h.model.name, sizeof h.model.name, "%s", model);
    strcpy(h.model.family, "llama");
    strcpy(h.model.benchmark_name, "org/Model");
    h.model.series_step = (double)NAN;
    h.model.trained = 1;
    h.model.n_parameters = 1000;
    h.model.n_layers = SYN_L;
    h.model.d_model = SYN_D;
    memset(h.model.fingerprint, 'f', 64);
    snprintf(h.key, sizeof h.key, "%064d", unit + 1);
    memset(h.key, 'a', 16);
    return h;
}

static inline void syn_add_tokens(rj_shard_head *h)
{
    h->n_token = SYN_TOKENS;
    h->token = syn_token;
}

/* Of n prompts; with `aligned`, prompts 1, 4, 7, .. of the whole list have alignment matrices: some units have none. */
static inline rj_record *syn_record_of(const rj_shard_head *h, ptrdiff_t n, bool aligned)
{
    rj_sizes sizes = syn_sizes(n);
    rj_record *r = NULL;

    if (h->n_token > 0) syn_add_modes(&sizes);
    for (ptrdiff_t p = 0; aligned && p < n; p++) sizes.size[RJ_DIM_APROMPT] += (h->first_prompt + p) % 3 == 1;
    if (sizes.size[RJ_DIM_APROMPT] > 0) sizes.size[RJ_DIM_I] = sizes.size[RJ_DIM_J] = SYN_I;
    assert_int_equal(rj_record_create(&sizes, &r), RJ_OK);
    for (ptrdiff_t p = 0, row = 0; row < sizes.size[RJ_DIM_APROMPT]; p++) {
        if ((h->first_prompt + p) % 3 != 1) continue;
        r->aprompt[row] = p;
        for (ptrdiff_t i = 0; i < rj_schema_count(RJ_VAR_ALIGNMENT_MATRIX, &sizes); i++)
            rj_record_at(r, RJ_VAR_ALIGNMENT_MATRIX, row)[i] =
                syn_value(RJ_VAR_ALIGNMENT_MATRIX, h->first_prompt + p, i);
        row++;
    }
    for (ptrdiff_t p = 0; p < n; p++) {
        snprintf(r->prompt_id[p], sizeof r->prompt_id[p], "prompt-%td", h->first_prompt + p);
        snprintf(r->prompt_sha256[p], sizeof r->prompt_sha256[p], "%064td", h->first_prompt + p);
        for (int id = 0; id < RJ_N_VARIABLES; id++)
            for (ptrdiff_t i = 0;
                 id != RJ_VAR_ALIGNMENT_MATRIX && rj_schema_rows((rj_variable_id)id, &sizes) > 0 &&
                 i < rj_schema_count((rj_variable_id)id, &sizes);
                 i++)
                rj_record_at(r, (rj_variable_id)id, p)[i] =
                    syn_value((rj_variable_id)id, h->first_prompt + p, i);
    }
    return r;
}

static inline rj_record *syn_record(const rj_shard_head *h)
{
    return syn_record_of(h, SYN_UNIT, false);
}

/* Writes one unit; returns its path, freed by free. */
static inline char *syn_write_of(const char *folder, const rj_shard_head *h, ptrdiff_t n, bool aligned)
{
    char name[2 * RJ_NAME_SIZE], path[1024];
    rj_record *r = syn_record_of(h, n, aligned);

    if (rj_shard_write(folder, h, r) != RJ_OK) fail_msg("%s", rj_status_message());
    rj_record_destroy(&r);
    rj_shard_name(h, name);
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return strdup(path);
}

static inline char *syn_write(const char *folder, const rj_shard_head *h)
{
    return syn_write_of(folder, h, SYN_UNIT, false);
}

#define assert_ok(call)                                                                                      \
    do {                                                                                                     \
        if ((call) != RJ_OK) fail_msg("%s", rj_status_message());                                            \
    } while (0)
#define assert_close(value, expected, tolerance)                                                             \
    do {                                                                                                     \
        const double value_ = (value), expected_ = (expected);                                               \
        if (!(fabs(value_ - expected_) <= (tolerance))) fail_msg("%.17g is not %.17g", value_, expected_);   \
    } while (0)
#define assert_message(text)                                                                                 \
    do {                                                                                                     \
        if (strstr(rj_status_message(), (text)) == NULL)                                                     \
            fail_msg("'%s' is not in '%s'", (text), rj_status_message());                                    \
    } while (0)
#endif
