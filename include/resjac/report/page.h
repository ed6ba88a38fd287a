/* page.h: one HTML page that explains the figures to a newcomer and loads nothing. */
#ifndef RESJAC_REPORT_PAGE_H
#define RESJAC_REPORT_PAGE_H

#include "resjac/base/status.h"
#include "resjac/report/figure.h"
#include "resjac/report/summary.h"

/* Writes folder/index.html: table, certificates, the figures of each model with captions, failures, provenance.
 *   figure   [in] [n]; those drawn stand as folder/<stem>.<embedded>
 *   embedded [in] "svg" or "png": the pictures put into the page
 *   linked   [in] format of the files it links to
 * Not collective. Errors: CREATE; IO; NOMEM; MISSING a picture. */
RJ_CHECKED rj_status rj_page_write(const rj_summaries *summaries, const char *folder, int n,
                                   const rj_figure *figure, const char *embedded, const char *linked);
#endif
