/* prompt_measures.h: one prompt's numbers into its record. Private to run. */
#ifndef RJ_PROMPT_MEASURES_H
#define RJ_PROMPT_MEASURES_H

#include "resjac/metrics/coupling.h"
#include "resjac/run/pipeline.h"

/* What the decomposition of block `layer` (0-based) says. */
void rj_measure_spectrum(const rj_pipeline_options *o, int layer, const rj_coupling_block *block, int kinks,
                         rj_record *r, ptrdiff_t p);

/* Trajectory; path [d,L+1]. Errors: those of rj_trajectory_measure. */
RJ_CHECKED rj_status rj_measure_path(const rj_config *c, const double *path, rj_record *r, ptrdiff_t p);

/* How singular values go with depth; all of them must be in the record. Errors: NOMEM. */
RJ_CHECKED rj_status rj_measure_depth_fits(const rj_config *c, rj_record *r, ptrdiff_t p);

/* Coupling of rows first.., with exchange as of rj_coupling_rows. Errors: those of rj_coupling_rows. */
RJ_CHECKED rj_status rj_measure_coupling(const rj_config *c, const rj_pipeline_options *o, int first,
                                         int n_rows, const rj_coupling_block *block,
                                         const rj_coupling_exchange *exchange, rj_record *r, ptrdiff_t p);

/* What the rows of the coupling leave to their mirror (rj_coupling_mirror); all of them must be in the record. */
void rj_measure_mirror(const rj_config *c, const rj_pipeline_options *o, rj_record *r, ptrdiff_t p);

/* All values of prompt p become missing but its tokens and the reason. */
void rj_measure_nothing(rj_record *r, ptrdiff_t p, rj_status why);
#endif
