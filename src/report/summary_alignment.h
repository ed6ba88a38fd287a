/* summary_alignment.h: what the report needs of a model's alignment matrices. Private to report. */
#ifndef RESJAC_REPORT_SUMMARY_ALIGNMENT_H
#define RESJAC_REPORT_SUMMARY_ALIGNMENT_H

#include "ncread.h"
#include "resjac/report/summary.h"

/* At most RJ_SUMMARY_GRID of L >= 1 blocks, from 0: evenly chosen, the first and the last among them. Returns how many. */
ptrdiff_t rj_summary_choose_blocks(ptrdiff_t L, ptrdiff_t block[RJ_SUMMARY_GRID]);

/* Chooses blocks, and reads their pairs for the first RJ_SUMMARY_ALIGNMENTS measured prompts that have matrices; none where the
 * file has none. m->L must be known.
 *   prompt_status [in] [n_prompts]
 * Not collective. Errors: FORMAT; IO; NOMEM. */
RJ_CHECKED rj_status rj_summary_read_alignment(const rj_ncread *group, const double *prompt_status,
                                               rj_summary *m);
#endif
