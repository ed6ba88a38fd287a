/* annex.h: what is derived from a final file's own numbers and stored with them: it is read from the filled file, and added
 * before the file is hashed and sealed. */
#ifndef RESJAC_STORE_ANNEX_H
#define RESJAC_STORE_ANNEX_H

#include "resjac/store/results.h"

/* The root of a final file, and the measures of each prompt. Texts are "" and integers 0 where missing, numbers NAN. */
typedef struct {
    int n_models, n_measures;
    int n_prompts; /* different prompts of all models: the same SHA-256 is the same prompt */
    char (*model)[RJ_NAME_SIZE], (*benchmark_name)[RJ_NAME_SIZE],
        (*series_name)[RJ_NAME_SIZE];  /* [n_models] */
    char (*measure)[RJ_NAME_SIZE];     /* [n_measures] */
    int *trained, *n_layers, *d_model; /* [n_models] */
    double *value;                     /* [n_models, n_measures] */
    double *prompt_value;              /* [n_measures, n_prompts, n_models] */
} rj_results_values;

/* Not collective.
 *   values [out] free with rj_results_values_free; untouched on error
 * Errors: MISSING; FORMAT not a final file, broken, or of a version that kept no measure of each prompt; IO; NOMEM. */
RJ_CHECKED rj_status rj_results_values_read(const char *path, rj_results_values **values);
void rj_results_values_free(rj_results_values **values);

/* Is it the name of a measure of models with these labels of K? Errors: USAGE a label too long for a name; NOMEM. */
RJ_CHECKED rj_status rj_results_has_measure(int n_labels, const char *const *label, const char *name,
                                            bool *known);

typedef enum { RJ_AXIS_NONE = 0, RJ_AXIS_MODEL, RJ_AXIS_MEASURE, RJ_AXIS_BENCHMARK } rj_axis;

/* One variable of the root: numbers, or texts. */
typedef struct {
    const char *name, *long_name;
    rj_axis axis[2];      /* the second may be NONE */
    bool whole;           /* stored as int */
    const double *number; /* row-major, NAN where missing; NULL: texts */
    const char *text;     /* RJ_NAME_SIZE bytes each */
} rj_results_table;

/* Adds the dimension `benchmark` (n_benchmarks > 0), tables and attributes to a final file that is not sealed yet. A variable that
 * is there already (`lineage`) is overwritten. Not collective. Errors: ARG; IO (disk full); NOMEM. */
RJ_CHECKED rj_status rj_results_add(const char *path, int n_benchmarks, int n_tables,
                                    const rj_results_table *table, int n_attributes,
                                    const rj_attribute *attribute);

/* Called once, on rank 0, with the path of the filled file: reads it and adds to it. */
typedef struct {
    rj_status (*add)(void *ctx, const char *path);
    void *ctx;
} rj_results_annex;

/* rj_results_write with an annex (NULL for none). Errors: also those of the annex. */
RJ_CHECKED rj_status rj_results_write_annexed(MPI_Comm comm, const char *path, int n_models,
                                              const rj_results_model *model, rj_per_prompt per_prompt,
                                              int n_attributes, const rj_attribute *attribute,
                                              const rj_results_annex *annex);

/* A final file with another annex: all of `from` but what an annex added to it, then the new one. `from` and `path` may be the same
 * file. Not collective. Errors: MISSING; FORMAT `from` is damaged or not a final file; CREATE; IO; NOMEM; those of the annex. */
RJ_CHECKED rj_status rj_results_copy(const char *from, const char *path, const rj_results_annex *annex);
#endif
