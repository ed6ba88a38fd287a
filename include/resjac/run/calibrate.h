/* calibrate.h: what this machine can do, beside what resjac makes of it. */
#ifndef RESJAC_RUN_CALIBRATE_H
#define RESJAC_RUN_CALIBRATE_H

#include "resjac/base/status.h"
#include "resjac/linalg/matrix.h"
#include "resjac/schedule/cost.h"

enum { RJ_CALIBRATION_SIZES = 3 };

/* Of one core, best of a few, in one arithmetic. */
typedef struct {
    double gemm, narrow; /* flops a second: a product of order 1024; of [1024,1024] and eight columns */
    struct {
        int d, columns; /* of J, and again of J', that the Krylov decomposition took; 0: it fell back */
        double product, full, krylov; /* seconds: d x d x d; all values; 53 triplets certified, 64 in all */
    } svd[RJ_CALIBRATION_SIZES];
    rj_cost_rates rates; /* what rj_cost_built_in would hold here */
} rj_calibration;

/* Takes about five seconds an arithmetic on an idle core. Not collective. Errors: NOMEM; LIB. */
RJ_CHECKED rj_status rj_calibrate(rj_arithmetic type, rj_calibration *c);

/* `resjac bench`: prints the calibration of both arithmetics and, with a deck, where the time of the first prompt of its first
 * model goes, each stage's rate beside the product's.
 *   deck [in] path or NULL;  save [in] file to write as JSON, or NULL
 * Not collective. Errors: those of the deck and its model; CREATE, IO of the file; NOMEM; LIB. */
RJ_CHECKED rj_status rj_calibrate_report(const char *deck, const char *save);
#endif
