/* page_text.h: what the page says whatever the numbers. Private to report. */
#ifndef RESJAC_REPORT_PAGE_TEXT_H
#define RESJAC_REPORT_PAGE_TEXT_H

#include "resjac/report/figure.h"

extern const char
    rj_page_head[]; /* up to <body>: one style, and a policy that lets nothing be fetched or run */
extern const char rj_page_introduction[]; /* HTML */

/* What opens each section of all models, in the order of the story. HTML. */
typedef struct {
    const char *id, *heading, *text;
} rj_page_words;
extern const rj_page_words rj_page_opening[RJ_SECTION_MODEL];
#endif
