/* experts.h: a choice of MLPs a token, and its derivative. */
#ifndef RESJAC_MODEL_EXPERTS_H
#define RESJAC_MODEL_EXPERTS_H

#include "resjac/model/mlp.h"

/* out = sum_e w_e mlp_e(y) over the n_used experts with the largest logits r = Wr y (of equal ones the first), w the softmax over
 * their logits (Jiang et al., arXiv 2401.04088). */
typedef struct {
    int n_expert, n_used;
    rj_linear router; /* in double */
    rj_mlp *expert;   /* [n_expert] */
} rj_experts;

/* d out / dy = sum_e w_e d mlp_e / dy + Y P', P = Wr[chosen]' (diag w - w w'), Y = mlp_e(y) [d,n_used]: the weights move with y,
 * the choice does not. */
typedef struct {
    int *chosen;         /* [n_used] */
    double *weight;      /* [n_used] */
    rj_mlp_point *point; /* [n_used] */
    rj_matrix y, p;      /* [d,n_used] each, in working arithmetic */
    int n_used;
    int kinks; /* of the experts; and 1 where the last chosen and the first other logit are within 1e-5 of their rms */
} rj_experts_point;

void rj_experts_free(rj_experts *e); /* takes a zeroed one */
void rj_experts_point_free(rj_experts_point *point);

/* The interface of mlp.h. Errors: NUMERIC a logit is not finite (token); NOMEM; on error point is empty. */
RJ_CHECKED rj_status rj_experts_forward(const rj_experts *e, const rj_matrix *y, rj_matrix *out, int t,
                                        rj_experts_point *point);
RJ_CHECKED rj_status rj_experts_jvp(const rj_experts *e, const rj_experts_point *point, const rj_matrix *dy,
                                    rj_matrix *dout);
RJ_CHECKED rj_status rj_experts_vjp(const rj_experts *e, const rj_experts_point *point, const rj_matrix *g,
                                    rj_matrix *g_y);
RJ_CHECKED rj_status rj_experts_fold(const rj_experts *e, const rj_experts_point *point, int first,
                                     rj_matrix *fold);
#endif
