/* attention.h: attention over all tokens, causal or not, and the derivative of its output at one token by the state of one. */
#ifndef RESJAC_MODEL_ATTENTION_H
#define RESJAC_MODEL_ATTENTION_H

#include "resjac/model/linear.h"
#include "resjac/model/norm.h"
#include "resjac/model/relative.h"
#include "resjac/model/rope.h"

/* Query head h attends with key and value head h / (n_head / n_kv_head). */
typedef struct {
    int n_head, n_kv_head, d_head;
    int window;           /* tokens that a query sees, itself included; 0: all up to itself */
    double scale;         /* of the logits */
    double softcap;       /* then: c tanh(logits/c); 0: none */
    double alibi_max;     /* then: slope_h (j - t) is added, see rj_alibi_slope; 0: none */
    rj_relative relative; /* then: its number for j - t is added */
    bool bidirectional;   /* a query sees the tokens behind it, too; then without a window */
    double clip;          /* queries, keys, values, before all else, to +-clip; 0: none */
    /* Before the rotation; may be absent. Of each head (d = d_head), or of all heads together (a larger d; then without a
     * clip). */
    rj_norm query_norm, key_norm;
    rj_linear query, key, value, out;
} rj_attention;

/* The output at token t by the state of token s, the other tokens fixed: do_h = map_h Wq_h dy + self_h Wv_h dy + shift_h (key_h'
 * Wk_h dy), with the sum over the tokens that t sees, R_j the rotation at j, Cq and Ck the Jacobians of the norms of t's query and
 * s's key (I where there is none)
 *   map_h = scale sum_j p_j (v_j - o)(w_j k_j - kbar)' R_t Cq   [dh,dh], centred: p near one-hot loses no digits; 0 for s != t
 *   key_h = w_s Ck' R_s' q_t,  shift_h = scale p_s (v_s - o),  self_h = p_s;  all 0 where t does not see s
 * (Cq, Ck of each head: norms of all heads together stand in the point), with w_j the slope of the soft-cap, kbar = sum_j p_j w_j k_j; under a clip Cq and Ck begin, and Wv ends, with its mask. */
typedef struct {
    rj_matrix map;        /* [dh, n_head dh], in working arithmetic as the next two */
    rj_matrix key, shift; /* [dh, n_head]; of a memory without data */
    double *self;         /* [n_head]; NULL of a memory: map is all */
    /* map_h = left_h right_h' with a column of each for every token seen, shift_h = column source_column of left_h; for s != t
     * left_h = shift_h, and right has no data. Kept where they make the derivative's factors narrower than the heads do. */
    rj_matrix left, right; /* [dh, n_head n_column] */
    int n_column, source_column;
    rj_norm_point query_norm, key_norm; /* those of all heads together */
    double *open;                       /* [n_kv_head dh] mask of the values' clip; NULL: none */
    int kinks;                          /* queries, keys and values within a relative 1e-5 of the clip */
} rj_attention_point;

/* Head h (0-based) of n_head: with n the largest power of two <= n_head, 2^-((h + 1) max/n), and for the heads h >= n
 * 2^-((2 (h - n) + 1) max/(2 n)). */
double rj_alibi_slope(double max, int n_head, int h);

void rj_attention_free(rj_attention *a); /* takes a zeroed one */
void rj_attention_point_free(rj_attention_point *point);

/* out <- attention(y) of all T tokens, and the linearisation of token t's output by token s where point is not NULL.
 *   rope [in] rotation of each position; NULL: positions are not rotary
 *   y   [in]  [d,T] normed states, working arithmetic
 *   out [out] [d,T] double
 * Errors: NUMERIC a query, key or value is not finite (token); NOMEM; on error point is empty. */
RJ_CHECKED rj_status rj_attention_forward(const rj_attention *a, const rj_rope_table *rope,
                                          const rj_matrix *y, rj_matrix *out, int s, int t,
                                          rj_attention_point *point);

/* The same with keys and values of a fixed memory, of which every query sees all; positions are not seen. Its derivative by y
 * is that of the queries alone.
 *   memory [in] [d,n] as it is projected, working arithmetic */
RJ_CHECKED rj_status rj_attention_read(const rj_attention *a, const rj_matrix *y, const rj_matrix *memory,
                                       rj_matrix *out, int t, rj_attention_point *point);

/* dout [d,n] <- d attention / dy dy, and g_y [d,n] <- its transpose times g. Errors: NOMEM. */
RJ_CHECKED rj_status rj_attention_jvp(const rj_attention *a, const rj_attention_point *point,
                                      const rj_matrix *dy, rj_matrix *dout);
RJ_CHECKED rj_status rj_attention_vjp(const rj_attention *a, const rj_attention_point *point,
                                      const rj_matrix *g, rj_matrix *g_y);

/* The derivative as a product A = out' in', norm included; r = n_head dh, or n_kv_head dh + n_head n_column where that is
 * less. In working arithmetic. */
typedef struct {
    rj_matrix in;         /* [d,r] */
    const rj_matrix *out; /* [r,d]; the attention's own weights or `own` */
    rj_matrix own;
} rj_attention_factors;

void rj_attention_factors_free(rj_attention_factors *factors); /* takes a zeroed one */

/* factors <- those of Wo G D, G the heads' map from dy to do, D the norm before the attention. Not of a memory. Errors:
 * NOMEM; on error factors are untouched. */
RJ_CHECKED rj_status rj_attention_fold(const rj_attention *a, const rj_attention_point *point,
                                       const rj_norm_point *norm, rj_attention_factors *factors);
#endif
