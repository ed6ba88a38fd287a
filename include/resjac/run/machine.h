/* machine.h: rates of the machine at hand: as `resjac bench --save` wrote them, or the built-in ones. */
#ifndef RESJAC_RUN_MACHINE_H
#define RESJAC_RUN_MACHINE_H

#include "resjac/base/status.h"
#include "resjac/schedule/expect.h"

/* The rates of products and decompositions from a file of `resjac bench --save`; those that it has not measured are the built-in
 * ones, slower or faster as the machine's products are. Not collective.
 *   path [in] NULL: the file that the environment variable RESJAC_MACHINE names; where that is not set, the built-in machine
 * Errors: MISSING; FORMAT not such a file (file, key); NOMEM. */
RJ_CHECKED rj_status rj_machine_load(const char *path, rj_machine *machine);
#endif
