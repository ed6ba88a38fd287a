/* ncfile.h: a NetCDF-4 file with errors that name the file, the call and the remedy. Private to store. */
#ifndef RESJAC_STORE_NCFILE_H
#define RESJAC_STORE_NCFILE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mpi.h>
#include <netcdf.h>

#include "resjac/base/status.h"

/* `path` is borrowed. id < 0: not open. `shared`: all ranks of a communicator have it open and put values together. `for_many`: what is
 * defined will be filled so, and is not deflated: when several ranks write compressed chunks of many variables, the metadata
 * caches of HDF5 1.10 run apart and wait for each other for ever. */
typedef struct {
    const char *path;
    int id;
    bool writing, shared, for_many;
} rj_nc;

#define RJ_NC_CLOSED                                                                                         \
    {                                                                                                        \
        NULL, -1, false, false, false                                                                        \
    }

/* Needs what RJ_TRY needs; `nc` is the rj_nc of the call. */
#define RJ_NC(nc, call)                                                                                      \
    do {                                                                                                     \
        errno = 0;                                                                                           \
        const int rj_nc_error_ = (call);                                                                     \
        if (rj_nc_error_ != NC_NOERR) RJ_TRY(rj_nc_raise((nc), rj_nc_error_, #call, __FILE__, __LINE__));    \
    } while (0)
rj_status rj_nc_raise(const rj_nc *nc, int error, const char *call, const char *file, int line);

/* A new empty file of that name (one that is there is replaced), to be defined; fails where the disk has no room for `bytes`.
 * Errors: CREATE folder absent or not writable; IO no space. On an error there is no file. */
RJ_CHECKED rj_status rj_nc_create(const char *path, uint64_t bytes, rj_nc *nc);
/* Ends the definitions and sets `bytes` of disk space aside for the data. The ids of groups are new afterwards, those of
 * variables are the same. Errors: IO. */
RJ_CHECKED rj_status rj_nc_begin_data(rj_nc *nc, uint64_t bytes);
/* The first half of it: the file is closed, with `bytes` of disk space set aside for whoever opens it next. Errors: IO. */
RJ_CHECKED rj_status rj_nc_end_definitions(rj_nc *nc, uint64_t bytes);
/* A closed file, opened for writing once more by one process; `more` bytes of disk space are set aside. Errors: IO. */
RJ_CHECKED rj_status rj_nc_reopen(const char *path, uint64_t more, rj_nc *nc);
/* A defined, closed file opened by all ranks; every put and the close are then collective, and nothing may be defined. On
 * one rank it is an ordinary file. Collective. Errors: IO it is not there for all ranks; the same on every rank. */
RJ_CHECKED rj_status rj_nc_open_shared(MPI_Comm comm, const char *path, rj_nc *nc);
/* Of a shared file: the variable's values are put by all ranks together, those with none take part with zero counts. */
RJ_CHECKED rj_status rj_nc_collective(const rj_nc *nc, int group, int variable);
/* For reading; a seal (seal.h) is checked first, and required where `sealed`; then the sizes that the file claims (claims.h).
 * Errors: MISSING; FORMAT damaged, or not a NetCDF-4 file; IO; NOMEM. */
RJ_CHECKED rj_status rj_nc_open(const char *path, bool sealed, rj_nc *nc);
/* No-op where it is not open. Errors: IO. */
RJ_CHECKED rj_status rj_nc_close(rj_nc *nc);
void rj_nc_drop(rj_nc *nc); /* close on an error's way out: the first error counts */

/* Attributes of a group (variable NC_GLOBAL) or variable. */
RJ_CHECKED rj_status rj_nc_put_text(const rj_nc *nc, int group, int variable, const char *name,
                                    const char *text);
RJ_CHECKED rj_status rj_nc_put_integer(const rj_nc *nc, int group, const char *name, nc_type type,
                                       int64_t value);
RJ_CHECKED rj_status rj_nc_put_number(const rj_nc *nc, int group, const char *name, double value);

/* A group's attribute read back. Errors: FORMAT absent, of another type, longer than size - 1, holding a NUL, or
 * outside low..high. */
RJ_CHECKED rj_status rj_nc_get_text(const rj_nc *nc, int group, const char *name, size_t size, char *text);
RJ_CHECKED rj_status rj_nc_get_integer(const rj_nc *nc, int group, const char *name, int64_t low,
                                       int64_t high, int64_t *value);
RJ_CHECKED rj_status rj_nc_get_number(const rj_nc *nc, int group, const char *name, double *value);

/* One variable to be defined. */
typedef struct {
    const char *name, *long_name, *units;
    nc_type type;
    int n_dims;
    const int *dims;     /* [n_dims] */
    bool fill;           /* _FillValue: NaN or NC_FILL_INT */
    const size_t *chunk; /* [n_dims], shuffled and deflated; NULL: one contiguous block */
} rj_nc_variable;
RJ_CHECKED rj_status rj_nc_define(const rj_nc *nc, int group, const rj_nc_variable *variable, int *id);

/* Rows of a char variable (rows, size): UTF-8, padded with NUL; `stride` bytes from one text to the next. One put, also
 * where there are no rows or no memory, for the sake of the other ranks of a shared file. */
RJ_CHECKED rj_status rj_nc_put_texts(const rj_nc *nc, int group, int variable, size_t first, size_t rows,
                                     size_t size, const char *text, size_t stride);
#endif
