/* process.h: is the process that a file names still there? */
#ifndef RESJAC_BASE_PROCESS_H
#define RESJAC_BASE_PROCESS_H

#include <stdbool.h>
#include <stddef.h>

enum { RJ_HOST_SIZE = 65 };

/* This host's name, "" where there is none; cut to fit. Not collective. */
void rj_host_name(char host[RJ_HOST_SIZE]);

/* Does a process of this host with that number run the program that asks? False for one that has ended but was never
 * waited for, and for another program that got the number since. Not collective. */
bool rj_process_runs(long number);
#endif
