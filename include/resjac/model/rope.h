/* rope.h: rotary positions (Su et al., arXiv 2104.09864), half-split pairs, with the scalings of long contexts. */
#ifndef RESJAC_MODEL_ROPE_H
#define RESJAC_MODEL_ROPE_H

#include "resjac/model/config.h"

/* Rotation of position j: pair i turns by the angle j * frequency[i], times the attention factor. */
typedef struct {
    int n_pairs, T;
    double *cosine, *sine; /* [n_pairs,T], attention factor included */
} rj_rope_table;

/* Frequencies of a prompt of T tokens (formulas: transformers, modeling_rope_utils.py; they depend on T for dynamic and
 * longrope only).
 *   frequency        [out] [n_rotary/2], radians a token
 *   attention_factor [out] multiplies cosine and sine */
void rj_rope_frequencies(const rj_rope *rope, int T, double *frequency, double *attention_factor);

/* Errors: NOMEM. */
RJ_CHECKED rj_status rj_rope_table_new(const rj_rope *rope, int T, rj_rope_table *table);
void rj_rope_table_free(rj_rope_table *table); /* takes a zeroed one */

/* One head at position j: x <- R_j x, and its transpose x <- R_j' x (also the VJP). Later dimensions pass. */
void rj_rope_rotate(const rj_rope_table *table, int j, double *x);
void rj_rope_rotate_transpose(const rj_rope_table *table, int j, double *x);
#endif
