/* summary_certificates.h: what the report needs of a model's certificates. Private to report. */
#ifndef RESJAC_REPORT_SUMMARY_CERTIFICATES_H
#define RESJAC_REPORT_SUMMARY_CERTIFICATES_H

#include "ncread.h"
#include "resjac/report/summary.h"

/* Residuals are none in a file with `store.merge: summary`. The sizes and K of m must be known.
 *   prompt_status [in] [n_prompts]
 * Not collective. Errors: FORMAT; IO; NOMEM. */
RJ_CHECKED rj_status rj_summary_read_certificates(const rj_ncread *group, const double *prompt_status,
                                                  rj_summary *m);
#endif
