/* measures_shown.h: which measures the figures of scores show, of the many that a file has. Private to report. */
#ifndef RESJAC_REPORT_MEASURES_SHOWN_H
#define RESJAC_REPORT_MEASURES_SHOWN_H

#include <stdbool.h>

#include "resjac/report/score_summary.h"

enum { RJ_MOST_SHOWN = 24 };

typedef struct {
    int measure;       /* index */
    const char *words; /* for people; borrowed */
    bool rival;        /* it only tells the chance level or the size of a model */
} rj_measure_shown;

/* Coupling with its controls at the K of the measure that is drawn, the path, the spectrum, and the rivals, in this order; those that
 * the file has. Returns how many. Not collective. */
int rj_measures_shown(const rj_score_summary *scores, rj_measure_shown shown[RJ_MOST_SHOWN]);

/* The label of that K, "" where there is none. */
void rj_measures_k(const rj_score_summary *scores, char label[RJ_NAME_SIZE]);
#endif
