/* summary_tokens.h: what the report needs of a model's token modes. Private to report. */
#ifndef RESJAC_REPORT_SUMMARY_TOKENS_H
#define RESJAC_REPORT_SUMMARY_TOKENS_H

#include "ncread.h"
#include "resjac/report/summary.h"

/* The groups self, fixed_input, fixed_output and influence of a model's group; nothing where it has none. The sizes of m must be
 * known.
 *   prompt_status [in] [n_prompts]
 * Not collective. Errors: FORMAT; IO; NOMEM. */
RJ_CHECKED rj_status rj_summary_read_tokens(const rj_ncread *group, const double *prompt_status,
                                            rj_summary *m);
void rj_summary_free_tokens(rj_summary *m);
#endif
