/* tidy.h: the folders of a run before it starts: made, on the disk, and freed of what killed runs left. */
#ifndef RESJAC_STORE_TIDY_H
#define RESJAC_STORE_TIDY_H

#include "resjac/base/status.h"

/* Makes <output>.d/units and flushes the folders around it, so that a power cut cannot lose them once a unit is stored. Then
 * removes temporary files (<name>.tmp.<host>.<process>) whose writer is gone: one of this host that does not run, or one of
 * another host that has not touched its file for a day. One that cannot be removed is reported (WARN) and left.
 * Not collective. Errors: CREATE; IO; NOMEM. */
RJ_CHECKED rj_status rj_output_prepare(const char *output);
#endif
