/* mlp.h: gated and plain MLP and their derivative at one token. */
#ifndef RESJAC_MODEL_MLP_H
#define RESJAC_MODEL_MLP_H

#include "resjac/model/config.h"
#include "resjac/model/linear.h"
#include "resjac/model/norm.h"

/* Gated: down(act(gate y) * up y). Plain: down(act(up y)), gate is empty. */
typedef struct {
    rj_activation activation;
    bool gated;
    int d_ff;
    rj_linear gate, up, down;
} rj_mlp;

/* d mlp / dy = Wdown H, H = diag(gate_slope) Wgate + diag(up_slope) Wup; plain: diag(up_slope) Wup. */
typedef struct {
    double *gate_slope, *up_slope; /* [d_ff]; gate_slope NULL where plain */
    int kinks;                     /* units whose activation is within a relative 1e-5 of a kink */
} rj_mlp_point;

/* act(x), and its derivative. */
double rj_activation_value(rj_activation a, double x);
double rj_activation_slope(rj_activation a, double x);
/* y[i] <- act(x[i]), i < n, vectorised: within 4 units in the last place of |x[i]| of rj_activation_value. */
void rj_activation_values(rj_activation a, int n, const double *x, double *y);

void rj_mlp_free(rj_mlp *m); /* takes a zeroed one */
void rj_mlp_point_free(rj_mlp_point *point);

/* out <- mlp(y) of all columns, and the linearisation at column t where point is not NULL.
 *   y [d,T] normed states in working arithmetic, out [d,T] double
 * Errors: NOMEM; on error point is empty. */
RJ_CHECKED rj_status rj_mlp_forward(const rj_mlp *m, const rj_matrix *y, rj_matrix *out, int t,
                                    rj_mlp_point *point);

/* dout [d,n] <- Wdown H dy, and g_y [d,n] <- H' Wdown' g. Errors: NOMEM. */
RJ_CHECKED rj_status rj_mlp_jvp(const rj_mlp *m, const rj_mlp_point *point, const rj_matrix *dy,
                                rj_matrix *dout);
RJ_CHECKED rj_status rj_mlp_vjp(const rj_mlp *m, const rj_mlp_point *point, const rj_matrix *g,
                                rj_matrix *g_y);

/* fold [d,n] <- columns first..first+n-1 of Wdown H. Errors: NOMEM. */
RJ_CHECKED rj_status rj_mlp_fold(const rj_mlp *m, const rj_mlp_point *point, int first, rj_matrix *fold);
#endif
