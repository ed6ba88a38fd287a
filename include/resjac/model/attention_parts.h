/* attention_parts.h: heads as rows and columns, and one pass over all tokens; for attention.c and its parts. */
#ifndef RESJAC_MODEL_ATTENTION_PARTS_H
#define RESJAC_MODEL_ATTENTION_PARTS_H

#include "resjac/model/attention.h"

/* Queries and keys (clipped, normed, rotated), values (clipped), head outputs of all tokens, in double; head h is rows
 * h dh.. */
typedef struct {
    const rj_attention *a;
    const rj_rope_table *rope;
    rj_matrix q, k, v, o;
    bool own; /* keys and values are those of the queries' tokens */
    double *raw_q, *raw_k,
        *raw_v; /* of a linearisation, as projected: t's query, s's key and value (where own); one allocation, at raw_q */
} rj_attention_pass;

/* Whether a norm of queries or keys is one of all heads together. */
static inline bool rj_norm_is_whole(const rj_attention *a, const rj_norm *norm)
{
    return norm->d > a->d_head;
}

static inline int rj_head_kv(const rj_attention *a, int h)
{
    return h / (a->n_head / a->n_kv_head);
}

/* Rows of head h of a matrix with heads below each other; columns of one with heads beside each other. */
static inline rj_matrix rj_head_rows(const rj_attention *a, const rj_matrix *m, int h)
{
    return rj_matrix_block(m, h * a->d_head, 0, a->d_head, m->cols);
}

static inline rj_matrix rj_head_columns(const rj_attention *a, const rj_matrix *m, int h)
{
    return rj_matrix_block(m, 0, h * a->d_head, m->rows, a->d_head);
}

static inline double *rj_pass_column(const rj_matrix *m, int j)
{
    return (double *)m->data + (ptrdiff_t)j * m->ld;
}

/* First token that query j sees. */
static inline int rj_first_seen(const rj_attention *a, int j)
{
    return a->window == 0 || j < a->window ? 0 : j - a->window + 1;
}

/* Behind the last token that query j sees, of T. */
static inline int rj_end_seen(const rj_attention *a, int j, int T)
{
    return a->bidirectional ? T : j + 1;
}

/* x[i], i < n: scaled product of query t with key first + i, becomes the logit of head h: soft-cap, then ALiBi or relative.
 *   slope [out] [n] of the soft-cap, or NULL */
void rj_attention_logits(const rj_attention *a, int h, int t, int first, int n, double *x, double *slope);

/* x[first..end-1] <- softmax, what is before and behind, up to n, 0. */
void rj_softmax(double *x, int first, int end, int n);

/* The linearisation of token t by token s of a pass that kept it. Errors: NOMEM; on error point is empty. */
RJ_CHECKED rj_status rj_attention_linearise(const rj_attention_pass *p, rj_arithmetic type, int s, int t,
                                            rj_attention_point *point);
#endif
