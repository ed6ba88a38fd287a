/* fault.h: named steps of writing, reading, allocating and communicating, at which a test makes this process fail. The
 * environment variable RESJAC_FAULT=STEP[:RANK[:PASS[+]]]=ACTION names one:
 *   RANK    of the process, "*" for all (default)
 *   PASS    the step fails the PASS-th time that the process reaches it (default 1); with "+" from then on
 *   ACTION  error: as that step fails by itself; nospace: as on a full disk; nomem: no memory; kill: SIGKILL; term: SIGTERM
 * It costs one comparison a step while nothing is set. */
#ifndef RESJAC_BASE_FAULT_H
#define RESJAC_BASE_FAULT_H

#include <stdbool.h>

#include "resjac/base/status.h"

/* X(name of the constant, name in RESJAC_FAULT, what `error` gives). */
#define RJ_FAULT_STEPS(X)                                                                                    \
    X(MEMORY_ALLOC, "memory.alloc", RJ_ERR_NOMEM)      /* a block of memory */                               \
    X(FILE_OPEN, "file.open", RJ_ERR_IO)               /* any file, for reading */                           \
    X(FILE_READ, "file.read", RJ_ERR_IO)               /* a range of it */                                   \
    X(NC_CREATE, "nc.create", RJ_ERR_CREATE)           /* a unit's or final file under its temporary name */ \
    X(NC_RESERVE, "nc.reserve", RJ_ERR_IO)             /* its disk space */                                  \
    X(NC_PUT, "nc.put", RJ_ERR_IO)                     /* its values */                                      \
    X(NC_CLOSE, "nc.close", RJ_ERR_IO)                 /* after writing */                                   \
    X(NC_OPEN, "nc.open", RJ_ERR_IO)                   /* a stored file, for reading */                      \
    X(PUBLISH_SEAL, "publish.seal", RJ_ERR_IO)         /* the checksum at its end */                         \
    X(PUBLISH_FLUSH, "publish.flush", RJ_ERR_IO)       /* to the disk */                                     \
    X(PUBLISH_VERIFY, "publish.verify", RJ_ERR_IO)     /* read back */                                       \
    X(PUBLISH_RENAME, "publish.rename", RJ_ERR_CREATE) /* to its final name */                               \
    X(PUBLISH_FOLDER, "publish.folder", RJ_ERR_IO)     /* flush of the folder after it */                    \
    X(TEXT_CREATE, "text.create", RJ_ERR_CREATE)       /* manifest.json, status.json */                      \
    X(TEXT_WRITE, "text.write", RJ_ERR_IO)                                                                   \
    X(TEXT_FLUSH, "text.flush", RJ_ERR_IO)                                                                   \
    X(TEXT_RENAME, "text.rename", RJ_ERR_CREATE)                                                             \
    X(OUTPUT_PREPARE, "output.prepare", RJ_ERR_CREATE) /* folders of the run, what killed runs left */       \
    X(LEASE_TAKE, "lease.take", RJ_ERR_IO)                                                                   \
    X(LEASE_RENEW, "lease.renew", RJ_ERR_IO)                                                                 \
    X(LEASE_DROP, "lease.drop", RJ_ERR_IO)                                                                   \
    X(UNIT_MEASURE, "unit.measure", RJ_ERR_NUMERIC) /* a unit, before it is computed */                      \
    X(UNIT_BLOCK, "unit.block", RJ_ERR_NUMERIC)     /* the same, between two blocks */                       \
    X(MPI_AGREE, "mpi.agree", RJ_ERR_LIB)           /* before the ranks agree on an outcome */               \
    X(MPI_CALL, "mpi.call", RJ_ERR_LIB)             /* any call of MPI: the job is aborted */

typedef enum {
#define RJ_FAULT_ID(id, name, code) RJ_FAULT_##id,
    RJ_FAULT_STEPS(RJ_FAULT_ID)
#undef RJ_FAULT_ID
        RJ_N_FAULTS
} rj_fault;

/* Sets what RESJAC_FAULT says, for this process; NULL or "": nothing fails.
 * Not collective. Errors: USAGE not of that form, or an unknown step (the message lists all). */
RJ_CHECKED rj_status rj_fault_setup(const char *text, int rank);

const char *rj_fault_name(rj_fault step);

extern bool rj_fault_is_set;                       /* for rj_fault_at */
RJ_CHECKED rj_status rj_fault_pass(rj_fault step); /* for rj_fault_at */

/* Passes the step. Not collective. Errors: what is to fail here and now; it is logged (WARN) too. */
RJ_CHECKED static inline rj_status rj_fault_at(rj_fault step)
{
    return rj_fault_is_set ? rj_fault_pass(step) : RJ_OK;
}
#endif
