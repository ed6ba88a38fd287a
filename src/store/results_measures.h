/* results_measures.h: the scalars of a model, value(model,measure). Private to store. */
#ifndef RESJAC_STORE_RESULTS_MEASURES_H
#define RESJAC_STORE_RESULTS_MEASURES_H

#include "resjac/store/record.h"
#include "resjac/store/shard.h"

typedef enum {
    RJ_MEASURE_OFFDIAG = 0, /* mean over pairs i != j */
    RJ_MEASURE_ADJACENT,    /* mean over pairs |i - j| = 1 */
    RJ_MEASURE_OF_K,        /* mean over layers at one K */
    RJ_MEASURE_PLAIN,       /* mean over layers, or the prompt's own number */
    RJ_MEASURE_LN_PARAMETERS,
    RJ_MEASURE_N_LAYERS,
    RJ_MEASURE_D_MODEL
} rj_measure_kind;

typedef struct {
    char name[RJ_NAME_SIZE];
    rj_measure_kind kind;
    rj_variable_id variable;
    const char *k_label; /* borrowed; NULL where K plays no part */
} rj_measure;

/* The measures of models with these labels of K (in order, no two the same). Freed by rj_free.
 * Errors: USAGE a label too long for a name; NOMEM. */
RJ_CHECKED rj_status rj_measures_list(int n_labels, const char *const *label, int *n, rj_measure **measure);

/* The measure of one prompt of a record: mean over the finite values; NAN where there is none or no such K. */
double rj_measure_prompt(const rj_measure *measure, const rj_shard_head *head, const rj_record *record,
                         ptrdiff_t prompt);
/* A measure that no prompt has a part in; NAN for all others. */
double rj_measure_fact(const rj_measure *measure, const rj_model_facts *facts);
#endif
